package conformance

// agentEvents are the events about agents and the system.
var agentEvents = []event{
	{
		key:      "O-001",
		when:     "The agent's state changed, and as the answer to every command that changes or asks for it. For each agent again when the connector has the broker back.",
		fields:   stateFields,
		examples: []string{"state-with-reason", "state-pending"},
	}, {
		key:      "O-002",
		when:     "A command failed; also SESSION_INVALIDATED, after a State LOGOUT, when another destination has signed the agent in, and SUBSCRIPTION_FAILED when Finesse no longer takes the password.",
		note:     "A text-4.4 client of 2021 shows the reason in words; `text` and `text-old` are as the protocol document has them.",
		fields:   []field{agent, {"Code", "code", "one of the [errors](#errors)"}, {"Detail", "reason", "why, in words for people: one of [these sentences](#reasons-in-words)"}},
		examples: []string{"error", "error-that-explains-itself"},
	}, {
		key:     "O-003",
		when:    "With `messages.status_bar`: each state, error and call also as a sentence for the agent; see [user messages](#user-messages).",
		jmsType: "that of the command it answers, as it was sent; else none",
		note:    "The message is the last field, and only `#` is replaced in it.",
		fields: []field{agent, {"Message", "message", "sentence for the agent"},
			{"control", "", "always PrintStatusBar"}},
		examples: []string{"status-bar"},
	}, {
		key:    "O-004",
		when:   "The answer to Hello and Beat; and, to every destination that has said Hello or Connect, when Finesse goes or comes back and when the connector has the broker back.",
		fields: []field{{"Status", "", "IN_SERVICE, OUT_OF_SERVICE or NOT_REACHABLE"}},
		status: []status{
			{"IN_SERVICE", "Finesse can be used", "O-004"},
			{"OUT_OF_SERVICE", "no Finesse node is in service", "O-005"},
			{"NOT_REACHABLE", "no Finesse node answers in time", "O-027"},
		},
		examples: []string{"system-in-service", "system-out-of-service", "system-not-reachable"},
	}, {
		key:      "O-006",
		when:     "With `messages.deprecated`: with every State LOGOUT, which has taken its place.",
		fields:   []field{agent},
		examples: []string{"agent-logout"},
	}, {
		key:  "O-007",
		when: "The answer to a command for an agent whom nobody has connected, or whose extension is not known. The driver sends Connect and Login again.",
		fields: []field{agent, {"Member", "agent", ""}, {"state", "", "always RE_LOGIN"}, {"reasonCode", "", "empty"}, {"stateChangeTimeString", "", "empty"},
			{"pendingState", "", "empty"}, {"stateChangeTime", "", "empty"}},
		examples: []string{"re-login"},
	}, {
		key:  "O-011",
		when: "The first answer to Login, MobileAgentLogin and refresh.",
		fields: []field{agent, {"FirstName", "first name", "first name"}, {"LastName", "last name", "last name"},
			{"Supervisor", "supervisor", "true or false"},
			{"WrapUp", "wrap-up", "OPTIONAL, REQUIRED, NOT_ALLOWED or REQUIRED_WITH_WRAP_UP_DATA"},
			{"TeamsCount", "number of teams", "how many teams the supervisor leads"},
			{"Teams teams", "teams", "the teams a supervisor leads: id,name|id,name…"},
			{"Team team", "own team", "the agent's own team: its id, in JSON also its name"}, fullName},
		examples: []string{"agent-info", "agent-info-of-a-supervisor"},
	}, {
		key:  "O-016",
		when: "The answer to reasoncodenotready, reasoncodelogout and wrapupreasoncode.",
		note: "Codes and labels go by their place: the third code has the third label.",
		fields: []field{agent, {"Category", "category", "NOT_READY, LOGOUT or WrapUp: what was asked for"},
			{"Codes", "codes", "the codes, separated by commas; in JSON objects of a code and its label"},
			{"Labels", "labels", "their labels, separated by commas"}, fullName},
		examples: []string{"reason-codes"},
	}, {
		key:      "O-023",
		when:     "With `messages.deprecated`: with RE_LOGIN (O-007), unless the command carried a password. The driver sends Connect and GetState, then the command again.",
		jmsType:  "that of the command, as it was sent",
		note:     "Nothing in the parameters is replaced.",
		fields:   []field{agent, {"Secret", "parameters", "the parameters of the command"}, {"Request", "", "its JMSType"}},
		examples: []string{"reconnect"},
	}, {
		key:  "O-025",
		when: "With `cluster.plaintext`, to the topic `broker.sync_topic`, at each sign-in; for other connectors. Drivers have no use for it.",
		note: "The same in every format. The password is as it is and may hold separators.",
		fields: []field{{"Agent", "agent", "login id of the agent"}, {"Secret", "password", "the agent's password, in clear"},
			{"Extension", "extension", "extension the agent is signed in at"}, {"Subscribed", "since", "when the connector subscribed to the agent's notifications"}},
		examples: []string{"agent-sync"},
	}, {
		key:      "O-026",
		when:     "Behind System in the answer to a Beat from a destination that the connector has no record of: who sends Beat has agents signed in. The driver connects them all again.",
		fields:   []field{{"Destination", "destination", "name of the destination"}, {"status", "", "always RECONNECT"}},
		examples: []string{"destination-reconnect"},
	},
}
