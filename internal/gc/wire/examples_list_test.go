package wire_test

import "github.com/finesse-connector/finesse-connector/internal/gc"

var (
	lee = gc.AgentInfo{
		Agent: "2001", FirstName: "Susan", LastName: "Lee", Supervisor: true, WrapUp: "OPTIONAL",
		Team: gc.Team{ID: "1", Name: "Sales"}, Teams: []gc.Team{{ID: "1", Name: "Sales"}, {ID: "2", Name: "Support, #2"}},
	}
	leeWithoutTeams = gc.AgentInfo{Agent: "2001", FirstName: "Susan", LastName: "Lee", Supervisor: true}

	users = []gc.TeamUser{
		{LoginID: "jehanzeb6", FirstName: "jehanzeb6", LastName: "riaz", Extension: "1006", State: gc.Ready, MediaType: "1", Changed: at("2019-09-17 12:46:21")},
		{LoginID: "jehanzeb7", FirstName: "jehanzeb7", LastName: "riaz", Extension: "1007", State: gc.NotReady, MediaType: "1", Changed: at("2019-09-17 12:46:22")},
	}
)

var listExamples = []example{
	{"conference-participants", gc.ConferenceParticipants{Agent: "1001", Dialog: "16871286", Participants: []string{"1004", "1006", "4085551234"}}},
	{"reason-codes", gc.ReasonCodes{Agent: "jehanzeb4", FullName: "jehanzeb4 riaz", Category: "WrapUp", Codes: []gc.ReasonCode{
		{ID: "1", Label: "Complaint"}, {ID: "2", Label: "Inquiry New"}, {ID: "3", Label: "Conf call"}, {ID: "4", Label: "Transfer call"},
		{ID: "5", Label: "Customer new call"}, {ID: "6", Label: "Old call customer"}, {ID: "7", Label: "Bill Inquiry"},
	}}},
	{"reason-codes-none", gc.ReasonCodes{Agent: "1001", FullName: "Ann Smith", Category: gc.LogoutReasons}},
	{"reason-codes-with-separators", gc.ReasonCodes{Agent: "1001", FullName: "Smith, Ann", Category: gc.NotReadyReasons, Codes: []gc.ReasonCode{{ID: "1", Label: "Lunch, or tea #2"}}}},
	{"controls", gc.Controls{Agent: "1001", Controls: []bool{false, true, false, true, true, false, false, true, true, false, false, false}}},
	{"controls-none", gc.Controls{Agent: "1001"}},
	{"team-info-ids", gc.TeamInfoIDs{AgentInfo: lee}},
	{"team-info-ids-none", gc.TeamInfoIDs{AgentInfo: leeWithoutTeams}},
	{"team-info-names", gc.TeamInfoNames{AgentInfo: lee}},
	{"team-info-names-none", gc.TeamInfoNames{AgentInfo: leeWithoutTeams}},
	{"queue-list", gc.QueueList{Agent: "2001", Queues: []gc.Queue{
		{Name: "Sales", AgentsNotReady: 1, AgentsReady: 2, AgentsTalkingInbound: 3, AgentsTalkingInternal: 4, AgentsTalkingOutbound: 5,
			AgentsWrapUpNotReady: 6, AgentsWrapUpReady: 7, CallsInQueue: 800, LongestCallStart: at("2019-09-17 12:46:21")},
		{Name: "Süd, #2", AgentsNotReady: -1, AgentsReady: -1, AgentsTalkingInbound: -1, AgentsTalkingInternal: -1, AgentsTalkingOutbound: -1,
			AgentsWrapUpNotReady: -1, AgentsWrapUpReady: -1, CallsInQueue: -1},
	}}},
	{"queue-list-none", gc.QueueList{Agent: "2001"}},
	{"agents", gc.Agents{Agent: "1001", Users: users}},
	{"agents-none", gc.Agents{Agent: "1001"}},
	{"team-users-list", gc.TeamUsersList{Agent: "2001", Team: "7", Users: users}},
	{"team-users-list-of-all-states", gc.TeamUsersList{Agent: "2001", Team: "7", Users: []gc.TeamUser{
		{LoginID: "1001", FirstName: "Ann", LastName: "Smith", Extension: "1101", State: gc.Talking, Pending: gc.NotReady, MediaType: "1", Changed: at("2019-09-17 12:46:21")},
		{LoginID: "1002", FirstName: "Zoë #2", LastName: "O'Brien, MD", State: gc.LoggedOut},
	}}},
	{"team-users-list-none", gc.TeamUsersList{Agent: "2001", Team: "7"}},
	{"phonebooks", gc.Phonebooks{Agent: "1001", Books: []gc.Phonebook{{ID: "<phonebookId>", Name: "<name>", Type: "GLOBAL"}, {ID: "PhonebookId2", Name: "BookName2", Type: "TEAM"}}}},
	{"phonebooks-with-separators", gc.Phonebooks{Agent: "1001", Books: []gc.Phonebook{{ID: "12", Name: "Süd=West, #1|2 😀", Type: "GLOBAL"}}}},
	{"phonebooks-none", gc.Phonebooks{Agent: "1001"}},
	{"team-phonebooks", gc.TeamPhonebooks{Agent: "1001", Team: "7", Books: []gc.Phonebook{{ID: "3", Name: "Sales", Type: "TEAM"}, {ID: "4", Name: "Partners", Type: "TEAM"}}}},
	{"team-phonebooks-none", gc.TeamPhonebooks{Agent: "1001", Team: "7"}},
	{"phonebook-contacts", gc.PhonebookContacts{Agent: "1001", Book: "<PhonebookID>", Contacts: []gc.Contact{{ID: "<contactId>", FirstName: "<fname>", LastName: "<lname>", PhoneNumber: "<number>"}}}},
	{"phonebook-contacts-with-separators", gc.PhonebookContacts{Agent: "1001", Book: "12", Contacts: []gc.Contact{
		{ID: "1", FirstName: "Ann", LastName: "Smith", PhoneNumber: "+1,408|555#1234", Description: "Sales, Süd = 😀"}, {ID: "2", PhoneNumber: "4085551234"},
	}}},
	{"phonebook-contacts-none", gc.PhonebookContacts{Agent: "1001", Book: "12"}},
}
