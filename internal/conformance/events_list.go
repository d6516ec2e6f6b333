package conformance

import "github.com/finesse-connector/finesse-connector/internal/gc/wire"

// listEvents are the events for supervisors and those that list something.
var listEvents = []event{
	{
		key:   "O-012",
		when:  "Behind a supervisor's AgentInfo, in the formats whose AgentInfo does not have the teams.",
		forms: []form{{wire.Text, "<supervisor>#TeamInfoIDs#TeamID#<team ids>#<full name>", "", ""}},
		fields: []field{supervisor, {"team ids", "teamIds", "ids of the teams the supervisor leads, separated by commas"},
			{"full name", "", "first and last name of the supervisor"}},
		examples: []string{"team-info-ids"},
	}, {
		key:   "O-013",
		when:  "Behind TeamInfoIDs.",
		forms: []form{{wire.Text, "<supervisor>#TeamInfoNames#TeamName#<team names>#<full name>", "", ""}},
		fields: []field{supervisor, {"team names", "teamNames", "their names in the same order"},
			{"full name", "", "first and last name of the supervisor"}},
		examples: []string{"team-info-names"},
	}, {
		key:  "O-019",
		when: "The answer to getqueuelist.",
		note: "A number is -1 where Finesse has none. Without queues there are no entries.",
		forms: []form{{wire.Text, "<supervisor>#QueueList#QueueName:<queue>,AgentsNotReady:<not ready>,AgentsReady:<ready>,AgentsTalkingInbound:<inbound>," +
			"AgentsTalkingInternal:<internal>,AgentsTalkingOutbound:<outbound>,AgentsWrapUpNotReady:<wrap-up, then not ready>,AgentsWrapUpReady:<wrap-up, then ready>," +
			"CallsInQueue:<calls>,StartTimeOfLongestCallInQueue:<since>#…", "", ""}},
		fields: []field{supervisor, {"queue", "queues[].queueName", "name of the queue"},
			{"not ready", "queues[].agentsNotReady", "agents who are not ready"}, {"ready", "queues[].agentsReady", "agents who are ready"},
			{"inbound", "queues[].agentsTalkingInbound", "agents in an inbound call"}, {"internal", "queues[].agentsTalkingInternal", "agents in an internal call"},
			{"outbound", "queues[].agentsTalkingOutbound", "agents in an outbound call"},
			{"wrap-up, then not ready", "queues[].agentsWrapUpNotReady", "agents in wrap-up who will be not ready"},
			{"wrap-up, then ready", "queues[].agentsWrapUpReady", "agents in wrap-up who will be ready"},
			{"calls", "queues[].callsInQueue", "calls that wait"},
			{"since", "queues[].startTimeOfLongestCallInQueue", "since when the first of them waits; empty when none does"}},
		examples: []string{"queue-list", "queue-list-none"},
	}, {
		key:   "Agents",
		when:  "The answer to getallagents.",
		note:  "The protocol document has only the JSON object; the text form is ours.",
		forms: []form{{wire.Text, "<agent>#Agents#FirstName:<first name>,LastName:<last name>,Extension:<extension>#…", "", ""}},
		fields: []field{{"agent", "", "login id of the agent who asked"}, {"first name", "[].users[].firstName", "first name"},
			{"last name", "[].users[].lastName", "last name"}, {"extension", "[].users[].extension", "extension the agent is signed in at"}},
		examples: []string{"agents"},
	}, {
		key:  "O-020",
		when: "The answer to getteamusers.",
		note: "JSON is the object that answers getallagents, as in the protocol document; it has no more fields than that.",
		forms: []form{{wire.Text, "<supervisor>#TeamUsersList#FirstName:<first name>,LastName:<last name>,Extension:<extension>,LoginID:<member>,State:<state>," +
			"PendingState:<pending state>,MediaType:<media type>,StateChangeTime:<since>#…", "", ""}},
		fields: []field{{"supervisor", "", "login id of the supervisor"}, {"first name", "[].users[].firstName", "first name"},
			{"last name", "[].users[].lastName", "last name"}, {"extension", "[].users[].extension", "empty for a member who is signed out"},
			{"member", "", "login id of the member"}, {"state", "", "as in State"}, {"pending state", "", "as in State"},
			{"media type", "", "1 is voice; empty where Finesse does not say"}, {"since", "", "when the state changed"}},
		examples: []string{"team-users-list"},
	}, {
		key:  "O-021",
		when: "The answer to getteamuserstate; and, after getteamusers with true, whenever the state of a member of that team changes.",
		note: "The protocol document has four fields, without the member; the fifth is ours. Clients of text-4.4 get a State with the supervisor's id in front and the member's in the ninth field.",
		forms: []form{
			{wire.Text, "<supervisor>#TeamMemberStateChanged#<team>#<state>#<member>", "", ""},
			{wire.Text44, "<supervisor>#State#<state>#<reason code>##<pending state>#<since>#<full name>#<member>#<extension>", "", ""},
		},
		fields: []field{supervisor, {"team", "teamId", "id of the team"}, {"state", "state", "as in State"}, {"member", "memberId", "login id of the member"},
			{"reason code", "reasonCode", "as in State"}, {"pending state", "pendingState", "as in State"}, {"since", "stateChangeTime", "when the state changed"},
			{"full name", "", "first and last name of the member"}, {"extension", "", "extension of the member"}},
		examples: []string{"team-member-state"},
	}, {
		key:  "O-29",
		when: "The answer to GetPhonebooks: the books of all agents and those of the agent's team.",
		note: "Without books there are no entries.",
		forms: []form{
			{wire.Text, "Phonebooks#name:<name>,type:<kind>,id:<id>#…", "", ""},
			{wire.Text44, "<agent>#Phonebooks#name:<name>,type:<kind>,id:<id>#…", "", ""},
		},
		fields: []field{{"agent", "", "login id of the agent"}, {"name", "[].phonebooks[].name", "name of the phone book"},
			{"kind", "", "GLOBAL or TEAM"}, {"id", "[].phonebooks[].id", "id that GetPhonebookContacts takes"}},
		examples: []string{"phonebooks-with-separators"},
	}, {
		key:  "O-30",
		when: "The answer to GetTeamPhonebooks.",
		forms: []form{
			{wire.Text, "TeamPhoneBooks#name:<name>,type:<kind>,id:<id>#…", "", ""},
			{wire.Text, "TeamPhoneBooks#NoTeamPhoneBookFound", "there is none", ""},
			{wire.Text44, "<agent>#TeamPhoneBooks#name:<name>,type:<kind>,id:<id>#…", "", ""},
			{wire.Text44, "<agent>#TeamPhoneBooks#NoTeamPhoneBookFound", "there is none", ""},
		},
		fields: []field{{"agent", "", "login id of the agent"}, {"name", "[].phonebooks[].name", "name of the phone book"},
			{"kind", "", "TEAM"}, {"id", "[].phonebooks[].id", "id that GetPhonebookContacts takes"}},
		examples: []string{"team-phonebooks", "team-phonebooks-none"},
	}, {
		key:  "O-31",
		when: "The answer to GetPhonebookContacts.",
		forms: []form{
			{wire.Text, "PhonebookContacts#description:<description>,firstName:<first name>,lastName:<last name>,phoneNumber:<number>,id:<id>#…", "", ""},
			{wire.Text, "PhonebookContacts#NoContactFound", "there is none", ""},
			{wire.Text44, "<agent>#PhonebookContacts#description:<description>,firstName:<first name>,lastName:<last name>,phoneNumber:<number>,id:<id>#…", "", ""},
			{wire.Text44, "<agent>#PhonebookContacts#NoContactFound", "there is none", ""},
		},
		fields: []field{{"agent", "", "login id of the agent"}, {"description", "", "description"},
			{"first name", "[].contacts[].firstName", "first name"}, {"last name", "[].contacts[].lastName", "last name"},
			{"number", "[].contacts[].phoneNumber", "number to dial"}, {"id", "[].contacts[].contactId", "id of the contact"},
			{"", "[].phonebookId", "id of the phone book"}},
		examples: []string{"phonebook-contacts-with-separators"},
	},
}
