package conformance

import "github.com/finesse-connector/finesse-connector/internal/gc/wire"

// agentEvents are the events about agents and the system.
var agentEvents = []event{
	{
		key:  "O-001",
		when: "The agent's state changed, and as the answer to every command that changes or asks for it. For each agent again when the connector has the broker back.",
		forms: []form{
			{wire.Text, "<agent>#State#<state>#<reason code>#<full name>", "", ""},
			{wire.TextOld, "<agent>#State#<state>#<full name>", "", ""},
			{wire.Text44, "<agent>#State#<state>#<reason code>##<pending state>#<since>#<full name>#<agent>#<extension>", "", ""},
		},
		fields:   stateFields,
		examples: []string{"state-with-reason", "state-pending"},
	}, {
		key:      "O-002",
		when:     "A command failed; also SESSION_INVALIDATED, behind a State LOGOUT, when another destination has signed the agent in, and SUBSCRIPTION_FAILED when Finesse no longer takes the password.",
		forms:    []form{{wire.Text, "<agent>#Error#<code>", "", ""}},
		fields:   []field{agent, {"code", "error", "one of the [errors](#errors)"}},
		examples: []string{"error"},
	}, {
		key:     "O-003",
		when:    "With `messages.status_bar`: each state, error and call also as a sentence for the agent; see [user messages](#user-messages).",
		jmsType: "that of the command it answers, as it was sent; else none",
		note:    "The message is the last field, and only `#` is replaced in it.",
		forms:   []form{{wire.Text, "<agent>#Control#PrintStatusBar#<message>", "", ""}},
		fields: []field{agent, {"message", "message", "sentence for the agent"},
			{"", "control", "always PrintStatusBar"}},
		examples: []string{"status-bar"},
	}, {
		key:  "O-004",
		when: "The answer to Hello and Beat; and, to every destination that has said Hello or Connect, when Finesse goes or comes back and when the connector has the broker back.",
		forms: []form{
			{wire.Text, "System#IN_SERVICE", "Finesse can be used", "O-004"},
			{wire.Text, "System#OUT_OF_SERVICE", "no Finesse node is in service", "O-005"},
			{wire.Text, "System#NOT_REACHABLE", "no Finesse node answers in time", "O-027"},
		},
		fields:   []field{{"", "status", "IN_SERVICE, OUT_OF_SERVICE or NOT_REACHABLE"}},
		examples: []string{"system-in-service", "system-out-of-service", "system-not-reachable"},
	}, {
		key:      "O-006",
		when:     "With `messages.deprecated`: with every State LOGOUT, which has taken its place.",
		forms:    []form{{wire.Text, "<agent>#LOGOUT", "", ""}},
		fields:   []field{agent},
		examples: []string{"agent-logout"},
	}, {
		key:  "O-007",
		when: "The answer to a command for an agent whom nobody has connected, or whose extension is not known. The driver sends Connect and Login again.",
		forms: []form{
			{wire.Text, "<agent>#State#RE_LOGIN", "", ""},
			{wire.Text44, "<agent>#State#RE_LOGIN######<agent>#", "", ""},
		},
		fields: []field{agent, {"", "state", "always RE_LOGIN"}, {"", "reasonCode", "empty"}, {"", "stateChangeTimeString", "empty"},
			{"", "pendingState", "empty"}, {"", "stateChangeTime", "empty"}},
		examples: []string{"re-login"},
	}, {
		key:  "O-011",
		when: "The first answer to Login, MobileAgentLogin and refresh.",
		forms: []form{
			{wire.Text, "<agent>#AgentInfo#<first name>#<last name>#<supervisor>#<wrap-up>#<full name>", "", ""},
			{wire.Text44, "<agent>#AgentInfo#<first name>#<last name>#<supervisor>#<wrap-up>#<full name>", "an agent", ""},
			{wire.Text44, "<agent>#AgentInfo#<first name>#<last name>#true#<wrap-up>#Teams:<number of teams>#<teams>#<own team>#<full name>", "a supervisor", ""},
		},
		fields: []field{agent, {"first name", "firstName", "first name"}, {"last name", "lastName", "last name"},
			{"supervisor", "supervisor", "true or false"},
			{"wrap-up", "wrapUpOnIncoming", "OPTIONAL, REQUIRED, NOT_ALLOWED or REQUIRED_WITH_WRAP_UP_DATA"},
			{"number of teams", "", "how many teams the supervisor leads"},
			{"teams", "teams", "the teams a supervisor leads: id,name|id,name…"},
			{"own team", "team", "the agent's own team: its id, in JSON also its name"}, fullName},
		examples: []string{"agent-info", "agent-info-of-a-supervisor"},
	}, {
		key:   "O-016",
		when:  "The answer to reasoncodenotready, reasoncodelogout and wrapupreasoncode.",
		note:  "Codes and labels go by their place: the third code has the third label.",
		forms: []form{{wire.Text, "<agent>#ReasonCodes#Category:<category>#Codes:<codes>#Labels:<labels>#<full name>", "", ""}},
		fields: []field{agent, {"category", "category", "NOT_READY, LOGOUT or WrapUp: what was asked for"},
			{"codes", "reasonCodes", "the codes, separated by commas; in JSON objects of a code and its label"},
			{"labels", "", "their labels, separated by commas"}, fullName},
		examples: []string{"reason-codes"},
	}, {
		key:      "O-023",
		when:     "With `messages.deprecated`: with RE_LOGIN (O-007), unless the command carried a password. The driver sends Connect and GetState, then the command again.",
		jmsType:  "that of the command, as it was sent",
		note:     "Nothing in the parameters is replaced.",
		forms:    []form{{wire.Text, "<agent>#RECONNECT#<parameters…>", "", ""}},
		fields:   []field{agent, {"parameters", "text", "the parameters of the command"}, {"", "request", "its JMSType"}},
		examples: []string{"reconnect"},
	}, {
		key:  "O-025",
		when: "With `cluster.plaintext`, to the topic `broker.sync_topic`, at each sign-in; for other connectors. Drivers have no use for it.",
		note: "The same in every format. The password is as it is and may hold separators.",
		forms: []form{
			{wire.Text, "AgentState#<agent>#<password…>#<extension>#<since>", "", ""},
		},
		fields: []field{{"agent", "", "login id of the agent"}, {"password", "", "the agent's password, in clear"},
			{"extension", "", "extension the agent is signed in at"}, {"since", "", "when the connector subscribed to the agent's notifications"}},
		examples: []string{"agent-sync"},
	}, {
		key:      "O-026",
		when:     "Behind System in the answer to a Beat from a destination that the connector has no record of: who sends Beat has agents signed in. The driver connects them all again.",
		forms:    []form{{wire.Text, "DESTINATION#<destination>#RECONNECT", "", ""}},
		fields:   []field{{"destination", "destination", "name of the destination"}, {"", "status", "always RECONNECT"}},
		examples: []string{"destination-reconnect"},
	},
}
