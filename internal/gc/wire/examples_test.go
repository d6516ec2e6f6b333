package wire_test

import (
	"slices"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

type example struct {
	name  string
	event gc.Event
}

// examples has at least one event per rule of the protocol. Those that
// the seed has samples of are these (package conformance).
var examples = slices.Concat(agentExamples, callExamples, listExamples)

// at reads a time as the seed's samples print it.
func at(s string) time.Time {
	t, err := time.Parse(time.DateTime, s)
	if err != nil {
		panic(err)
	}
	return t
}

var agentExamples = []example{
	{"system-in-service", gc.System{Status: gc.InService}},
	{"system-out-of-service", gc.System{Status: gc.OutOfService}},
	{"system-not-reachable", gc.System{Status: gc.FinesseNotHeard}},
	{"agent-info", riaz},
	{"agent-info-of-a-supervisor", gc.AgentInfo{
		Agent: "2001", FirstName: "Susan", LastName: "Lee", Supervisor: true, WrapUp: "OPTIONAL",
		Team: gc.Team{ID: "1", Name: "Sales"}, Teams: []gc.Team{{ID: "1", Name: "Sales"}, {ID: "2", Name: "Support"}},
	}},
	{"agent-info-of-a-supervisor-without-teams", gc.AgentInfo{Agent: "2001", FirstName: "Susan", LastName: "Lee", Supervisor: true, WrapUp: "OPTIONAL"}},
	{"state-with-reason", gc.State{Agent: "jehanzeb6", FullName: "jehanzeb6 riaz", State: gc.NotReady, Reason: "8", Changed: at("2019-09-17 12:46:21")}},
	{"state-without-reason", gc.State{Agent: "1001", FullName: "Ann Smith", State: gc.Ready, Changed: at("2019-09-17 12:46:21")}},
	{"state-pending", gc.State{Agent: "1001", FullName: "Ann Smith", Extension: "2001", State: gc.Talking, Pending: gc.NotReady, Changed: at("2019-09-17 12:46:21")}},
	{"state-without-time", gc.State{Agent: "1001", FullName: "Ann Smith", State: gc.LoggedOut}},
	{"re-login", gc.ReLogin{Agent: "1001"}},
	{"error", gc.Failure("1001", gc.Errorf(gc.SubscriptionFailed, "connect", "finesse-a.example.com answered 401"))},
	{"error-that-explains-itself", gc.Failure("1001", gc.Retry(gc.NotAnswerable, "accept command", "the correlation id has 4096 bytes"))},
	{"status-bar", gc.StatusBar{Agent: "1001", Message: "2002 left call #7, as you asked", Request: "dropparticipant#1001"}},
	{"agent-logout", gc.AgentLogout{Agent: "1001"}},
	{"reconnect", gc.Reconnect{Agent: "1001", Request: "update_call_variable#1001", Text: "16871286,callVariable4,a#b|c=d, Zoë "}},
	{"reconnect-without-text", gc.Reconnect{Agent: "1001", Request: "MakeReady#1001"}},
	{"agent-sync", gc.AgentSync{Agent: "1001", Password: gc.NewSecret("a#b,c"), Extension: "2001", Subscribed: at("2019-09-17 12:46:21")}},
	{"destination-reconnect", gc.DestinationReconnect{Destination: "/topic/crm.7"}},
	{"team-member-state", gc.TeamMemberState{Agent: "2001", Team: "7", Member: gc.State{
		Agent: "1001", FullName: "Ann Smith", Extension: "1101", State: gc.NotReady, Reason: "8", Pending: gc.LoggedOut, Changed: at("2019-09-17 12:46:21"),
	}}},
	{"team-member-state-signed-out", gc.TeamMemberState{Agent: "2001", Team: "7", Member: gc.State{Agent: "1001", FullName: "Smith, Ann", State: gc.LoggedOut}}},
}

var riaz = gc.AgentInfo{
	Agent: "jehanzeb4", FirstName: "jehanzeb4", LastName: "riaz", Team: gc.Team{ID: "7", Name: "Demo"},
}
