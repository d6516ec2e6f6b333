package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

const listing = "crm: 1001#TeamUsersList#FirstName:Bob,LastName:Ray,Extension:2005,LoginID:1005,State:READY,PendingState:,MediaType:1,StateChangeTime:"

// lead signs in a supervisor whose team has one member, 1005.
func (st *stage) lead() {
	st.team = []gc.TeamUser{{LoginID: "1005", FirstName: "Bob", LastName: "Ray", Extension: "2005", State: gc.Ready, MediaType: "1"}}
	st.member = finesse.User{LoginID: "1005", FirstName: "Bob", LastName: "Ray", TeamID: "1", Extension: "2005", State: gc.Ready}
	st.signIn()
}

func (st *stage) memberIs(state gc.UserState) {
	st.notify(finesse.Update{Event: finesse.Put, Team: "1", User: &finesse.User{LoginID: "1005", State: state, Extension: "2005"}})
}

// memberChangesBeforeTheList asks for the team's members; the answer waits for hold.
func (st *stage) memberChangesBeforeTheList() {
	st.hold = make(chan struct{})
	st.submit("getteamusers#1001", "1,true")
	st.memberIs(gc.NotReady)
	st.hears("crm: 1001#TeamMemberStateChanged#1#NOT_READY#1005")
}

func TestTeams(t *testing.T) {
	scene(t, "getteamusers lists the members and subscribes to nothing", func(st *stage) {
		st.lead()
		st.send("getteamusers#1001", "1")
		st.hears(listing)
		require.Empty(st, st.stream.teams)
		require.Contains(st, st.leads, gc.AgentID("1005"))
	})
	scene(t, "with true every change of a member is told once", func(st *stage) {
		st.lead()
		st.send("getteamusers#1001", "1,true")
		st.hears(listing)
		require.Equal(st, []gc.TeamID{"1"}, st.stream.teams)
		st.memberIs(gc.Ready)
		st.hears()
		st.memberIs(gc.NotReady)
		st.memberIs(gc.NotReady)
		st.hears("crm: 1001#TeamMemberStateChanged#1#NOT_READY#1005")
	})
	scene(t, "with false they are told no more, and with neither it stays as it is", func(st *stage) {
		st.lead()
		st.send("getteamusers#1001", "1,true")
		st.send("getteamusers#1001", "1")
		st.hears(listing, listing)
		st.memberIs(gc.NotReady)
		st.hears("crm: 1001#TeamMemberStateChanged#1#NOT_READY#1005")
		st.send("getteamusers#1001", "1,false")
		require.Empty(st, st.stream.teams)
		st.memberIs(gc.Ready)
		st.session.Tell()
		st.hears(listing, "crm: 1001#State#NOT_READY##Ann Smith")
		require.Contains(st, st.leads, gc.AgentID("1005"), "the team is followed")
		close(st.stream.updates)
		st.wait(10 * time.Second)
		require.Empty(st, st.stream.teams, "nor on the next stream")
		st.send("getteamusers#1001", "1,true")
		st.memberIs(gc.Talking)
		st.hears(listing, "crm: 1001#TeamMemberStateChanged#1#TALKING#1005")
	})
	scene(t, "they are told on when the list that was to end them cannot be read", func(st *stage) {
		st.lead()
		st.send("getteamusers#1001", "1,true")
		st.readErr = gc.Errorf(gc.GeneralError, "finesse", "500")
		st.send("getteamusers#1001", "1,false")
		st.memberIs(gc.NotReady)
		st.hears(listing, "crm: 1001#Error#GENERAL_ERROR", "crm: 1001#TeamMemberStateChanged#1#NOT_READY#1005")
		require.Equal(st, []gc.TeamID{"1"}, st.stream.teams)
	})
	scene(t, "a change that comes before the list is in it", func(st *stage) {
		st.lead()
		st.memberChangesBeforeTheList()
		close(st.hold)
		st.hears("crm: 1001#TeamUsersList#FirstName:Bob,LastName:Ray,Extension:2005,LoginID:1005,State:NOT_READY,PendingState:,MediaType:1,StateChangeTime:")
	})
	t.Run("who missed events is told the members that are followed, and no others", func(t *testing.T) {
		for parameters, told := range map[string][]string{
			"1,true": {"crm: 1001#State#NOT_READY##Ann Smith", "crm: 1001#TeamMemberStateChanged#1#READY#1005"},
			"1":      {"crm: 1001#State#NOT_READY##Ann Smith"},
		} {
			play(t, func(st *stage) {
				st.lead()
				st.send("getteamusers#1001", parameters)
				st.hears(listing)
				st.notify(finesse.Update{Event: finesse.Put, Team: "1", User: &finesse.User{LoginID: "1001", State: gc.NotReady}})
				st.session.Tell()
				st.hears(told...)
			})
		}
	})
	scene(t, "a supervisor who is a member too hears of that by State only", func(st *stage) {
		st.lead()
		st.send("getteamusers#1001", "1,true")
		st.hears(listing)
		st.notify(finesse.Update{Event: finesse.Put, Team: "1", User: &finesse.User{LoginID: "1001", State: gc.Ready}})
		st.send("GetState#1001", "")
		st.hears("crm: 1001#State#NOT_READY##Ann Smith")
	})
	scene(t, "a team that Finesse does not show is an error", func(st *stage) {
		st.lead()
		st.send("getteamusers#1001", "7")
		st.hears("crm: 1001#Error#GENERAL_ERROR")
		require.Empty(st, st.leads)
	})
	scene(t, "nobody is led of a team that could not be read, whoever was notified meanwhile", func(st *stage) {
		st.lead()
		st.memberChangesBeforeTheList()
		require.Contains(st, st.leads, gc.AgentID("1005"))
		st.readErr = gc.Errorf(gc.GeneralError, "finesse", "404")
		close(st.hold)
		st.hears("crm: 1001#Error#GENERAL_ERROR")
		require.Empty(st, st.leads)
	})
	scene(t, "nor does what could not be read bring back a team that was left meanwhile", func(st *stage) {
		st.lead()
		st.send("getteamusers#1001", "1,true")
		st.hears(listing)
		hold := make(chan struct{})
		st.hold = hold
		st.submit("getteamusers#1001", "1,true")
		st.turn()
		synctest.Wait()
		st.hold = nil
		st.userIs(gc.LoggedOut, extension(""))
		require.Empty(st, st.leads)
		st.readErr = gc.Errorf(gc.GeneralError, "finesse", "404")
		close(hold)
		st.hears("crm: 1001#State#LOGOUT##Ann Smith", "crm: 1001#Error#GENERAL_ERROR")
		require.Empty(st, st.leads)
		st.memberIs(gc.NotReady)
		st.hears()
	})
	scene(t, "a subscription that is refused is an error", func(st *stage) {
		st.lead()
		st.stream.refuse = gc.Errorf(gc.GeneralError, "notify", "forbidden")
		st.send("getteamusers#1001", "1,true")
		st.hears("crm: 1001#Error#GENERAL_ERROR")
		st.memberIs(gc.NotReady)
		st.hears()
	})
	scene(t, "a look at a member goes on with the new password, and none with one that is refused", func(st *stage) {
		st.lead()
		st.send("getteamusers#1001", "1")
		st.hears(listing)
		st.send("MakeNotReady#1005", "") // which does not show
		st.password = "new"
		st.send("Connect#1001", "crm,new")
		st.wait(time.Second)
		st.hears()
		require.Zero(st, st.refusals)
		st.turn()
		st.member.State = gc.NotReady
		st.wait(time.Second)
		st.hears("crm: 1005#State#NOT_READY##Bob Ray")
	})
	scene(t, "after the stream was away it is subscribed again, and what changed is told", func(st *stage) {
		st.lead()
		st.send("getteamusers#1001", "1,true")
		st.hears(listing)
		st.team[0].State = gc.Talking
		close(st.stream.updates)
		st.wait(2 * time.Second)
		require.Equal(st, []gc.TeamID{"1"}, st.stream.teams)
		st.hears("crm: 1001#TeamMemberStateChanged#1#TALKING#1005")
	})
	scene(t, "a supervisor who signs out hears no more of the team", func(st *stage) {
		st.lead()
		st.send("getteamusers#1001", "1,true")
		st.hears(listing)
		st.send("Logout#1001", "")
		st.userIs(gc.LoggedOut, extension(""))
		st.hears("crm: 1001#State#LOGOUT##Ann Smith")
		require.Empty(st, st.stream.teams)
		require.Empty(st, st.leads)
		st.memberIs(gc.NotReady)
		st.hears()
	})
	scene(t, "nor does a driver that takes the supervisor over", func(st *stage) {
		st.lead()
		st.send("getteamusers#1001", "1,true")
		st.hears(listing)
		st.send("Connect#1001", "other,secret")
		st.hears("crm: 1001#State#LOGOUT##Ann Smith", "crm: 1001#Error#SESSION_INVALIDATED")
		st.memberIs(gc.NotReady)
		st.hears()
	})
	scene(t, "getteamuserstate tells one member's state", func(st *stage) {
		st.lead()
		st.send("getteamuserstate#1001", "1005")
		st.hears("crm: 1001#TeamMemberStateChanged#1#READY#1005")
		st.send("getteamuserstate#1001", "1099")
		st.hears("crm: 1001#Error#USER_NOT_FOUND")
	})
}

func TestASupervisorChangesAMember(t *testing.T) {
	scene(t, "the answer is the member's state once it shows", func(st *stage) {
		st.lead()
		st.send("MakeNotReady#1005", "")
		st.asks("1005 NOT_READY")
		st.hears()
		st.turn()
		st.member.State = gc.NotReady
		st.wait(time.Second)
		st.hears("crm: 1005#State#NOT_READY##Bob Ray")
		require.Equal(st, 1, st.acks)
	})
	scene(t, "a state that waits for the end of a call counts", func(st *stage) {
		st.lead()
		st.member.State, st.member.PendingState = gc.Talking, gc.LoggedOut
		st.send("Logout#1005", "")
		st.asks("1005 LOGOUT")
		st.hears("crm: 1005#State#TALKING##Bob Ray")
	})
	t.Run("each command that asks for a state does, without a reason, which Finesse takes of no supervisor", func(t *testing.T) {
		for command, x := range map[string]struct {
			body  string
			state gc.UserState
		}{
			"MakeReady": {"", gc.Ready}, "MakeNotReady": {"", gc.NotReady}, "MakeNotReadyWithReason": {"8", gc.NotReady},
			"Logout": {"", gc.LoggedOut}, "logoutwithreason": {"8", gc.LoggedOut}, "force_logout": {"", gc.LoggedOut},
			"makeworkready": {"", gc.WorkReady}, "makeworknotready": {"", gc.Work},
		} {
			play(t, func(st *stage) {
				st.lead()
				st.member.State = x.state
				st.send(command+"#1005", x.body)
				st.asks("1005 " + string(x.state))
				st.hears("crm: 1005#State#" + string(x.state) + "##Bob Ray")
				require.Equal(st, 1, st.acks)
			})
		}
	})
	scene(t, "GetState reads the member", func(st *stage) {
		st.lead()
		st.send("GetState#1005", "")
		st.hears("crm: 1005#State#READY##Bob Ray")
		st.send("GetState#1006", "")
		st.hears("crm: 1006#Error#USER_NOT_FOUND")
		st.asks()
	})
	for who, error := range map[string]finesse.Update{
		"the request": {RequestID: "req-Logout#1005", Source: "/finesse/api/User/1005"},
		"the member":  {Source: "/finesse/api/User/1005"},
	} {
		scene(t, "an error that comes later, and names "+who+", is the answer, and the only one", func(st *stage) {
			st.lead()
			st.send("Logout#1005", "")
			error.Event, error.Error = finesse.Put, &finesse.APIError{Type: "Invalid State", Message: "CF_INVALID_OBJECT_STATE"}
			st.notify(error)
			st.hears("crm: 1005#Error#CF_INVALID_OBJECT_STATE")
			st.wait(time.Minute)
			st.hears()
			require.Equal(st, 1, st.acks)
		})
	}
	scene(t, "an error about the supervisor's own state is none of it", func(st *stage) {
		st.lead()
		st.send("Logout#1005", "")
		st.errs(finesse.Put, userSource, "CF_INVALID_OBJECT_STATE")
		st.hears()
		st.wait(16 * time.Second)
		st.hears("crm: 1005#Error#PLEASE_RETRY")
	})
	t.Run("all who follow the team hear of it, or the one who has sent it alone", func(t *testing.T) {
		for replyTo, want := range map[gc.Destination][]string{
			"/queue/anybody": {"chief: 1005#State#READY##Bob Ray", "crm: 1005#State#READY##Bob Ray"},
			"/topic/chief":   {"chief: 1005#State#READY##Bob Ray"},
			"/topic/crm":     {"crm: 1005#State#READY##Bob Ray"},
		} {
			play(t, func(st *stage) {
				st.lead()
				st.followers, st.replyTo = []gc.Destination{"/topic/crm", "/topic/chief"}, replyTo
				st.send("GetState#1005", "")
				st.hears(want...)
				require.Equal(st, 1, st.acks)
				st.send("GetState#1001", "")
				st.hears("crm: 1001#State#NOT_READY##Ann Smith")
			})
		}
	})
	scene(t, "what never shows is answered PLEASE_RETRY", func(st *stage) {
		st.lead()
		st.send("MakeNotReady#1005", "")
		st.send("GetState#1001", "")
		st.hears("crm: 1001#State#NOT_READY##Ann Smith")
		st.wait(16 * time.Second)
		st.hears("crm: 1005#Error#PLEASE_RETRY")
	})
	scene(t, "what Finesse refuses is told under the member's id and does no harm to the supervisor", func(st *stage) {
		st.lead()
		st.answer = func(string) error { return gc.Errorf(gc.GeneralError, "finesse", "Invalid Supervisor") }
		st.send("MakeReady#1005", "")
		st.hears("crm: 1005#Error#GENERAL_ERROR")
		st.answer = nil
		st.send("GetState#1001", "")
		st.hears("crm: 1001#State#NOT_READY##Ann Smith")
	})
}

// monitor is the supervisor's call in which the agent at 2005 is heard.
func monitor(state gc.CallState) finesse.Dialog {
	d := leg("50", "2001", state, finesse.Participant{MediaAddress: "2005", AddressType: "AGENT_DEVICE", State: state})
	d.CallType, d.ToAddress = "SUPERVISOR_MONITOR", "2005"
	return d
}

func TestListening(t *testing.T) {
	scene(t, "silentmonitor is answered by the supervisor's own call, endsilentmonitor by its end", func(st *stage) {
		st.lead()
		st.send("silentmonitor#1001", "2005")
		st.asks("SILENT_MONITOR 2001 2005")
		st.dialog(finesse.Post, monitor(gc.Initiating))
		st.dialog(finesse.Put, monitor(gc.Active))
		st.hears("crm: 1001#InboundCall#INITIATING#DialogID:50#2001#…##Ann Smith", "crm: 1001#InboundCall#ACTIVE#DialogID:50#2001#…##Ann Smith")
		require.Equal(st, 1, st.acks)
		st.send("endsilentmonitor#1001", "50")
		st.asks("DROP 50 2001")
		st.dialog(finesse.Delete, monitor(gc.Dropped))
		st.hears("crm: 1001#InboundCall#DROPPED#DialogID:50#2001#…##Ann Smith")
	})
	scene(t, "the driver of who is listened to hears nothing of it", func(st *stage) {
		st.signIn()
		d := leg("50", "2009", gc.Active, finesse.Participant{MediaAddress: "2009", State: gc.Active})
		d.CallType, d.ToAddress = "SUPERVISOR_MONITOR", "2001"
		st.dialog(finesse.Post, d)
		st.dialog(finesse.Put, d)
		st.dialogs = []finesse.Dialog{d}
		st.send("refresh#1001", "")
		st.dialog(finesse.Delete, d)
		st.hears("crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith")
	})
	scene(t, "a supervisor who is nowhere signed in is asked to sign in", func(st *stage) {
		st.send("Connect#1001", "crm,secret")
		st.send("silentmonitor#1001", "2005")
		st.hears("crm: 1001#State#RE_LOGIN")
	})
}

// conference is what a barge ends in.
func conference(ours gc.CallState, member gc.CallState) finesse.Dialog {
	d := leg("7", "4085551234", ours, finesse.Participant{MediaAddress: "2005", State: member}, finesse.Participant{MediaAddress: "4085551234", State: gc.Active})
	d.CallType = "CONFERENCE"
	return d
}

func (st *stage) listen() {
	st.lead()
	st.send("silentmonitor#1001", "2005")
	st.dialog(finesse.Post, monitor(gc.Active))
	st.hears("crm: 1001#InboundCall#ACTIVE#DialogID:50#2001#…##Ann Smith")
	st.asks("SILENT_MONITOR 2001 2005")
	st.acks = 0
}

func TestBargeIn(t *testing.T) {
	for rule, party := range map[string]string{"by extension": "2005", "by login id": "1005", "by an extension that is nobody's login id": "2006"} {
		scene(t, "names the agent "+rule, func(st *stage) {
			st.listen()
			st.send("bargein#1001", party+",50")
			want := "2005"
			if party == "2006" {
				want = party
			}
			st.asks("BARGE_CALL 2001 " + want + " 50")
		})
	}
	scene(t, "ends in a conference; the call with which Finesse gets there is no new call", func(st *stage) {
		st.listen()
		st.send("bargein#1001", "1005,7")
		st.asks("BARGE_CALL 2001 2005 50")
		st.dialog(finesse.Delete, monitor(gc.Dropped))
		consult := leg("51", "2005", gc.Alerting)
		consult.CallType = "BARGE_IN_CONSULT"
		st.dialog(finesse.Post, consult)
		st.dialog(finesse.Delete, consult)
		require.Zero(st, st.acks)
		st.dialog(finesse.Post, conference(gc.Active, gc.Active))
		st.hears("crm: 1001#InboundCall#DROPPED#DialogID:50#2001#…##Ann Smith",
			"crm: 1001#InboundCall#ALERTING#DialogID:51#2005#…##Ann Smith", "crm: 1001#InboundCall#DROPPED#DialogID:51#2005#…##Ann Smith",
			"crm: 1001#InboundCall#ACTIVE#DialogID:7#4085551234#…##Ann Smith")
		require.Equal(st, 1, st.acks)
	})
	scene(t, "needs a call that is listened to", func(st *stage) {
		st.lead()
		st.send("bargein#1001", "1005,50")
		st.hears("crm: 1001#Error#NO_DIALOG_ID")
		st.asks()
	})
	scene(t, "of an agent there is not is refused", func(st *stage) {
		st.listen()
		st.send("bargein#1001", "bob,50")
		st.hears("crm: 1001#Error#USER_NOT_FOUND")
		st.asks()
	})
}

func TestDropParticipant(t *testing.T) {
	play(t, func(st *stage) {
		st.lead()
		st.dialog(finesse.Post, conference(gc.Active, gc.Active))
		st.hears("crm: 1001#InboundCall#ACTIVE#DialogID:7#4085551234#…##Ann Smith")
		st.send("dropparticipant#1001", "2005,7")
		st.asks("PARTICIPANT_DROP 7 2005")
		st.dialog(finesse.Put, conference(gc.Active, gc.Dropped))
		st.hears("crm: 1001#InboundCall#ACTIVE#DialogID:7#4085551234#…##Ann Smith", "crm: 1001#ConferenceParticipants#2001,4085551234")
		require.Equal(t, 1, st.acks)
		st.send("dropparticipant#1001", "2005,8")
		st.hears("crm: 1001#Error#NO_DIALOG_ID")
	})
}
