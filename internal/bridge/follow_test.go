package bridge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/bridge"
	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// with changes the settings of the bridge.
func (st *stage) with(change func(*bridge.Settings)) {
	s := settings(0, "web.")
	change(&s)
	st.bridge.Configure(s)
}

func TestASupervisorIsToldTheTeams(t *testing.T) {
	const info, state = "/topic/crm agent_info 2001#AgentInfo#Sue##true##Sue", "/topic/crm agent_state 2001#State#READY##Sue"
	t.Run("behind AgentInfo, where that does not have them", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#2001", "crm,secret")
			st.command("Login#2001", "secret,2001")
			st.hears(2, info, "/topic/crm supervisor_info 2001#TeamInfoIDs#TeamID#1#Sue", "/topic/crm supervisor_info 2001#TeamInfoNames#TeamName#Sales#Sue", state)
		})
	})
	t.Run("not where it has", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#2001", "web.1,secret")
			st.command("Login#2001", "secret,2001")
			st.hears(2, `/topic/web.1 agent_info {"type":"AgentInfo","firstName":"Sue","lastName":"","supervisor":true,"wrapUpOnIncoming":"","teams":[{"id":"1","name":"Sales"}],"team":{"id":"","name":""},"agentId":"2001"}`,
				`/topic/web.1 agent_state {"type":"State","agentId":"2001","state":"READY","reasonCode":"","stateChangeTimeString":"","pendingState":"","stateChangeTime":""}`)
		})
	})
}

func TestStatusBar(t *testing.T) {
	sentences := map[string]string{"State#READY": "Bereit, los", "State#LOGGED_IN": "Angemeldet", "Error#GENERIC_ERROR": "Fehler", "State#RE_LOGIN": ""}
	play(t, 0, func(st *stage) {
		st.with(func(s *bridge.Settings) { s.Sentences = sentences })
		st.command("Connect#1001", "crm,secret")
		st.command("Login#1001", "secret,2001")
		st.hears(2, "/topic/crm agent_info 1001#AgentInfo#Ann##false##Ann", "/topic/crm agent_control 1001#Control#PrintStatusBar#Angemeldet",
			"/topic/crm agent_state 1001#State#READY##Ann", "/topic/crm agent_control 1001#Control#PrintStatusBar#Bereit, los")
		st.command("MakeCall#1001", "")
		st.hears(1, "/topic/crm agent_error 1001#Error#MISSING_NUMBER", "/topic/crm agent_control 1001#Control#PrintStatusBar#Fehler")
		st.send(&broker.Delivery{Type: "GetState#1009", ReplyTo: "/queue/r"})
		st.hears(1, "/queue/r agent_state 1009#State#RE_LOGIN")
		st.with(func(*bridge.Settings) {})
		st.command("GetState#1001", "")
		st.hears(1, "/topic/crm agent_state 1001#State#READY##Ann")
	})
}

func TestWhatOldClientsExpect(t *testing.T) {
	play(t, 0, func(st *stage) {
		st.with(func(s *bridge.Settings) { s.Deprecated = true })
		st.send(&broker.Delivery{Type: "MakeCall#1009", Body: "4085551234", ReplyTo: "/queue/r"})
		st.hears(1, "/queue/r agent_state 1009#State#RE_LOGIN", "/queue/r agent_state 1009#RECONNECT#4085551234")
		st.command("Connect#1001", "crm,secret")
		st.command("Connect#1001", "other,secret")
		st.hears(2, "/topic/crm agent_state 1001#State#LOGOUT##Ann", "/topic/crm agent_state 1001#LOGOUT", "/topic/crm agent_error 1001#Error#SESSION_INVALIDATED")
	})
}

func TestOtherConnectors(t *testing.T) {
	t.Run("are told of who signs in, where that is wanted", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.with(func(s *bridge.Settings) { s.SyncTopic = "ConnectorSync" })
			st.command("Connect#1001", "crm,secret")
			st.command("Login#1001", "secret,2001")
			st.hears(2, signedIn, "/topic/ConnectorSync connector_sync AgentState#1001#secret#2001#2000-01-01 00:00:00")
		})
	})
}

func TestASupervisorCommandsAMember(t *testing.T) {
	t.Run("by the member's id, where no driver has connected the member", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#2001", "crm,secret")
			st.send(&broker.Delivery{Type: "MakeReady#1005", ReplyTo: "/queue/r"})
			st.hears(2, "/queue/r agent_state 1005#State#RE_LOGIN")
			st.command("getteamusers#2001", "1")
			st.send(&broker.Delivery{Type: "MakeReady#1005", CorrelationID: "c"})
			st.hears(2, "/topic/crm supervisor_team 2001#TeamUsersList#FirstName:Bob,LastName:,Extension:,LoginID:1005,State:NOT_READY,PendingState:,MediaType:,StateChangeTime:",
				"/topic/crm agent_state 1005#State#READY##Bob <c>")
			st.send(&broker.Delivery{Type: "GetState#1005", ReplyTo: "/queue/r"})
			st.hears(1, "/topic/crm agent_state 1005#State#READY##Bob") // nobody at the reply-to has proved a password
			st.command("Connect#1005", "evil,wrong")
			st.command("MakeReady#1005", "")
			st.hears(2, "/topic/crm agent_state 1005#State#READY##Bob")
		})
	})
	// teams has two supervisors of the same team work at two destinations.
	teams := func(st *stage) {
		for agent, at := range map[string]string{"2001": "boss", "2002": "chief"} {
			st.command("Connect#"+agent, at+",secret")
			st.command("getteamusers#"+agent, "1")
			st.hears(2, "/topic/"+at+" supervisor_team "+agent+"#TeamUsersList#FirstName:Bob,LastName:,Extension:,LoginID:1005,State:NOT_READY,PendingState:,MediaType:,StateChangeTime:")
		}
	}
	const boss, chief = "/topic/boss agent_state 1005#State#READY##Bob", "/topic/chief agent_state 1005#State#READY##Bob"
	t.Run("and both supervisors of a team hear what one of them has asked for", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			teams(st)
			var heard [2]bool
			st.intercept = func(m broker.Message) bool {
				for i, at := range []gc.Destination{"/topic/boss", "/topic/chief"} {
					if m.Destination == at && m.Body == "1005#State#READY##Bob" && m.CorrelationID == "c" {
						heard[i] = true
					}
				}
				return false
			}
			st.send(&broker.Delivery{Type: "MakeReady#1005", CorrelationID: "c"})
			require.Equal(st, [2]bool{true, true}, heard)
			require.Len(st, st.out, 2)
			require.Len(st, st.acks, 1)
			for len(st.out) > 0 {
				<-st.out
			}
			<-st.acks
		})
	})
	for supervisor, x := range map[gc.AgentID]struct {
		replyTo string
		want    string
	}{"2001": {"/topic/boss", boss}, "2002": {"/topic/chief", chief}} {
		t.Run("the one that names its destination is answered alone, and asks with its own password: "+string(supervisor), func(t *testing.T) {
			play(t, 0, func(st *stage) {
				teams(st)
				st.send(&broker.Delivery{Type: "MakeReady#1005", ReplyTo: x.replyTo})
				st.hears(1, x.want)
				require.Equal(st, supervisor, st.supervisor.Load())
				st.command("Connect#1005", "desk,secret")
				st.hears(1)
				st.send(&broker.Delivery{Type: "MakeReady#1005", ReplyTo: x.replyTo})
				st.hears(1, x.want) // also of a member who is connected
			})
		})
	}
	t.Run("a supervisor who has gone hears nothing", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			teams(st)
			st.command("Connect#2002", "elsewhere,secret")
			st.hears(1, "/topic/chief agent_state 2002#State#LOGOUT##Ann", "/topic/chief agent_error 2002#Error#SESSION_INVALIDATED")
			st.send(&broker.Delivery{Type: "GetState#1005"})
			st.hears(1, boss)
		})
	})
	t.Run("a member who is connected is the member's driver's", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#2001", "crm,secret")
			st.command("getteamusers#2001", "1")
			st.command("Connect#1005", "desk,secret")
			st.hears(3, "/topic/crm supervisor_team 2001#TeamUsersList#FirstName:Bob,LastName:,Extension:,LoginID:1005,State:NOT_READY,PendingState:,MediaType:,StateChangeTime:")
			st.command("MakeReady#1005", "")
			st.hears(1, "/topic/desk agent_state 1005#State#READY##Ann")
		})
	})
}
