package session_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

var (
	errDown        = gc.Errorf(gc.Down, "finesse", "connection refused")
	errNoAnswer    = gc.Errorf(gc.NotReachable, "finesse", "time-out")
	errUnavailable = gc.Errorf(gc.FinesseUnavailable, "finesse", "503")
)

// dies lets the first server meet every request with err, and the other one be
// known as the better.
func (st *stage) dies(err error) {
	st.turn()
	st.down = err
	st.know(true, false)
	synctest.Wait()
}

// fails is a death that is found out when somebody asks.
func (st *stage) fails(err error) {
	st.down = err
	st.verdict = func() { st.know(true, false) }
	st.turn()
}

// loses is a death that shows in the loss of the stream.
func (st *stage) loses() {
	stream := st.stream
	st.mu.Lock()
	st.down, st.left = errDown, true
	st.mu.Unlock()
	close(stream.updates)
	synctest.Wait()
}

// atWork signs the agent in, READY and with a call, 7.
func (st *stage) atWork() {
	st.signIn()
	st.userIs(gc.Talking)
	st.dialog(finesse.Post, leg("7", "4085551234", gc.Active))
	st.dialogs = []finesse.Dialog{leg("7", "4085551234", gc.Active)}
	st.heard = nil
}

// goesOn is what the driver hears of the call of atWork after a move.
const goesOn = "crm: 1001#DialogStatus#7#ACTIVE#4085551234#…####"

// moved compares what the second server was asked after its stream was open.
func (st *stage) moved(want ...string) {
	st.Helper()
	synctest.Wait()
	st.asks(append([]string{"b: subscribe", "b: User"}, want...)...)
	require.Equal(st, 1, st.b.streams)
}

func TestASessionMovesToTheOtherNode(t *testing.T) {
	lost := (*stage).loses
	triggers := map[string]func(*stage){
		"its stream is lost":         lost,
		"the node is out of service": func(st *stage) { st.dies(errUnavailable) },
		"the stream is lost before anybody knows why": func(st *stage) {
			st.fails(errDown)
			close(st.stream.updates)
			st.wait(5 * time.Second)
		},
		"only the notification service has failed": func(st *stage) {
			st.dialErr = gc.Errorf(gc.UnableToSubscribe, "notify", "refused")
			st.verdict = func() { st.know(true, false) }
			close(st.stream.updates)
			st.wait(5 * time.Second)
		},
	}
	scene(t, "and believes it, though its clock is behind", func(st *stage) {
		st.signIn()
		st.user.StateChangeTime = time.Date(2026, 3, 5, 12, 0, 5, 0, time.UTC)
		st.send("refresh#1001", "")
		st.heard = nil
		st.user.State, st.user.StateChangeTime = gc.Ready, time.Date(2026, 3, 5, 12, 0, 2, 0, time.UTC)
		st.loses()
		st.wait(5 * time.Second)
		st.hears("crm: 1001#State#READY##Ann Smith")
	})
	for why, trigger := range triggers {
		scene(t, "when "+why+", subscribes there first, and tells what changed and each live call", func(st *stage) {
			st.atWork()
			st.dialog(finesse.Post, leg("8", "4085550000", gc.Held))
			st.heard = nil
			old := st.stream
			st.dialogs = []finesse.Dialog{leg("7", "4085551234", gc.Held)}
			trigger(st)
			st.moved("b: Dialogs")
			st.hears("crm: 1001#InboundCall#HELD#DialogID:7#4085551234#…##Ann Smith", "crm: 1001#InboundCall#DROPPED#DialogID:8#4085550000#…##Ann Smith",
				"crm: 1001#DialogStatus#7#HELD#4085551234#…####")
			require.True(st, old.closed)
			st.userIs(gc.Hold)
			st.hears("crm: 1001#State#HOLD##Ann Smith")
			require.Equal(st, 1, st.logs.FilterMessage("agent fails over to another finesse node").Len())
			st.send("MakeReady#1001", "")
			st.asks("b: READY ")
		})
		scene(t, "when "+why+", and nothing else is told if nothing changed", func(st *stage) {
			st.atWork()
			trigger(st)
			st.moved("b: Dialogs")
			st.hears(goesOn)
		})
	}
	scene(t, "the log says from where to where and why, and warns of nothing", func(st *stage) {
		st.atWork()
		lost(st)
		line := st.logs.FilterMessage("agent fails over to another finesse node").All()[0]
		require.Equal(st, map[string]any{"from": "a", "to": "b", "reason": "stream lost"}, line.ContextMap())
		require.Empty(st, st.logs.FilterLevelExact(2).All())
		require.Empty(st, st.logs.FilterLevelExact(1).All())
	})
	scene(t, "the old stream stays until there is a new one", func(st *stage) {
		st.atWork()
		old := st.stream
		st.b.down = errNoAnswer
		st.dies(errUnavailable)
		st.wait(5 * time.Second)
		require.False(st, old.closed)
		old.updates <- finesse.Update{User: &finesse.User{LoginID: "1001", State: gc.Hold}}
		st.hears("crm: 1001#State#HOLD##Ann Smith")
		st.user.State, st.b.down = gc.Hold, nil
		st.wait(20 * time.Second)
		require.True(st, old.closed)
		st.hears(goesOn)
	})
	scene(t, "no session goes back by itself, nor with a command or another Connect", func(st *stage) {
		st.atWork()
		lost(st)
		st.down = nil
		st.know(false, false)
		st.wait(time.Minute)
		st.asked = nil
		st.send("MakeNotReady#1001", "")
		st.send("Connect#1001", "crm,secret")
		st.asks("b: NOT_READY ", "b: User")
		require.Equal(st, 1, st.dials, "one at the first node, before")
	})
	scene(t, "a node that recovers before the turn of the session is not left", func(st *stage) {
		st.signIn()
		st.dies(errUnavailable)
		st.down = nil
		st.know(false, false)
		st.wait(time.Minute)
		st.asks()
		require.False(st, st.stream.closed)
	})
	scene(t, "two nodes out of service: the one that comes back first is used", func(st *stage) {
		st.atWork()
		st.down, st.b.down = errUnavailable, errUnavailable
		st.know(true, true)
		st.wait(time.Minute)
		st.asks()
		st.b.down = nil
		st.know(true, false)
		st.moved("b: Dialogs")
	})
	scene(t, "an attempt at a node that answers nothing ends when it is known to be dead", func(st *stage) {
		st.atWork()
		st.hold = make(chan struct{})
		close(st.stream.updates)
		st.wait(time.Second)
		st.asks()
		st.dies(nil)
		st.moved("b: Dialogs")
		close(st.hold)
	})
	scene(t, "a forgotten call type stays", func(st *stage) {
		st.signIn()
		d := leg("7", "4085551234", gc.Active)
		d.CallType = "ACD_IN"
		st.dialog(finesse.Post, d)
		st.heard = nil
		for _, forgotten := range []string{"NULL", ""} {
			d.CallType = forgotten
			st.dialogs = []finesse.Dialog{d}
			if st.b.streams == 0 {
				lost(st)
			}
			st.dialog(finesse.Put, d)
		}
		st.hears(goesOn)
	})
	scene(t, "the subscriptions to teams go along", func(st *stage) {
		st.lead()
		st.send("getteamusers#1001", "1,true")
		st.heard, st.asked = nil, nil
		st.team[0].State = gc.Talking
		st.loses()
		st.wait(2 * jitter)
		require.Equal(st, []gc.TeamID{"1"}, st.stream.teams)
		require.Equal(st, 1, st.b.streams)
		st.hears("crm: 1001#TeamMemberStateChanged#1#TALKING#1005")
	})
	scene(t, "a team is listed from there when the first node fails, and followed there", func(st *stage) {
		st.lead()
		st.fails(errDown)
		st.send("getteamusers#1001", "1,true")
		st.hears(listing)
		require.Equal(st, []gc.TeamID{"1"}, st.stream.teams)
		st.memberIs(gc.NotReady)
		st.hears("crm: 1001#TeamMemberStateChanged#1#NOT_READY#1005")
	})
	scene(t, "a refused password ends it", func(st *stage) {
		st.atWork()
		st.password = "new"
		lost(st)
		st.wait(time.Minute)
		st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED")
		st.asks("b: subscribe")
	})
}

func TestTheAgentIsSignedInAtTheNewNode(t *testing.T) {
	scene(t, "where Finesse has signed it out, and its driver hears nothing of that but of the call", func(st *stage) {
		st.atWork()
		st.user.State, st.user.Extension = gc.LoggedOut, ""
		st.dies(errDown)
		st.moved("b: LOGIN 2001")
		st.userIs(gc.Talking, extension("2001"))
		st.hears(goesOn)
		st.asks("b: User", "b: Dialogs")
		st.dialog(finesse.Put, leg("7", "4085551234", gc.Held))
		st.hears("crm: 1001#InboundCall#HELD#DialogID:7#4085551234#…##Ann Smith")
	})
	scene(t, "also when a Connect has brought it there and the nodes change meanwhile", func(st *stage) {
		st.signIn()
		st.user.State, st.user.Extension = gc.LoggedOut, ""
		st.fails(errDown)
		st.send("Connect#1001", "crm,secret")
		require.Contains(st, st.asked, "b: LOGIN 2001")
		st.down = nil
		st.know(false, false)
		synctest.Wait()
		st.userIs(gc.NotReady, extension("2001"))
		st.hears()
		st.send("MakeReady#1001", "")
		require.Equal(st, "b: READY ", st.asked[len(st.asked)-1])
	})
	scene(t, "and a state that it did not keep is told", func(st *stage) {
		st.atWork()
		st.user.State, st.user.Extension = gc.LoggedOut, ""
		st.dialogs = nil
		st.dies(errDown)
		st.userIs(gc.NotReady, extension("2001"))
		st.hears("crm: 1001#State#NOT_READY##Ann Smith", "crm: 1001#InboundCall#DROPPED#DialogID:7#4085551234#…##Ann Smith")
	})
	scene(t, "a mobile agent with number and mode", func(st *stage) {
		st.send("Connect#1001", "crm,secret")
		st.send("MobileAgentLogin#1001", "secret,2001,4085551234,false")
		st.userIs(gc.NotReady, extension("2001"))
		st.asked = nil
		st.user.State, st.user.Extension = gc.LoggedOut, ""
		st.dies(errDown)
		st.wait(2 * jitter)
		st.moved("b: LOGIN 2001 4085551234 NAILED_CONNECTION")
		st.heard = nil
	})
	scene(t, "an agent who was signed in before the connector came, too", func(st *stage) {
		st.user.State, st.user.Extension = gc.Ready, "2001"
		st.send("Connect#1001", "crm,secret")
		st.user.State, st.user.Extension = gc.LoggedOut, ""
		st.dies(errDown)
		st.wait(2 * jitter)
		st.moved("b: LOGIN 2001")
	})
	scene(t, "an agent who was signed out is not", func(st *stage) {
		st.send("Connect#1001", "crm,secret")
		st.dies(errDown)
		st.wait(2 * jitter)
		st.moved()
		st.hears()
	})
	t.Run("a refusal is told, then the LOGOUT, and it is not tried again", func(t *testing.T) {
		for rule, refuse := range map[string]func(*stage){
			"later": func(st *stage) { st.rejects("", "/finesse/api/User/1001", "CF_RESOURCE_BUSY") },
			"at once": func(st *stage) {
				st.answer = func(string) error { return gc.Errorf("CF_RESOURCE_BUSY", "finesse", "400") }
			},
		} {
			scene(t, rule, func(st *stage) {
				st.atWork()
				st.user.State, st.user.Extension = gc.LoggedOut, ""
				if rule == "at once" {
					refuse(st)
					st.dies(errDown)
				} else {
					st.dies(errDown)
					refuse(st)
				}
				st.wait(2 * time.Minute)
				st.hears("crm: 1001#Error#CF_RESOURCE_BUSY", "crm: 1001#State#LOGOUT##Ann Smith", "crm: 1001#InboundCall#DROPPED#DialogID:7#4085551234#…##Ann Smith")
				st.asks("b: subscribe", "b: User", "b: LOGIN 2001", "b: User")
				require.Equal(st, 1, st.free, "the licence is free again")
			})
		}
	})
	scene(t, "a wrong password is told and not tried again", func(st *stage) {
		st.atWork()
		st.user.State = gc.LoggedOut
		st.answer = func(string) error { return errRefused }
		st.dies(errDown)
		st.wait(2 * time.Minute)
		st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED")
		st.asks("b: subscribe", "b: User", "b: LOGIN 2001")
		st.send("GetState#1001", "")
		st.hears("crm: 1001#State#RE_LOGIN")
	})
	scene(t, "a node that fails meanwhile is tried again, paced", func(st *stage) {
		st.atWork()
		st.user.State, st.user.Extension = gc.LoggedOut, ""
		st.answer = func(string) error { return errUnavailable }
		st.dies(errDown)
		st.wait(10 * time.Second)
		st.hears()
		require.Less(st, st.b.streams, 6)
		st.answer = nil
		st.wait(10 * time.Second)
		st.asked = nil
		st.userIs(gc.Talking, extension("2001"))
		st.hears(goesOn)
		st.asks("b: User", "b: Dialogs")
	})
	// back lets the second server fail and the first be the better again; told
	// is whether the session learns of that by itself.
	back := func(st *stage, told bool) {
		st.mu.Lock()
		st.down, st.b.down = nil, errDown
		st.left, st.b.unfit = false, true
		st.mu.Unlock()
		if told {
			st.know(false, true)
		}
		synctest.Wait()
	}
	for rule, within := range map[bool]time.Duration{true: time.Second, false: 16 * time.Second} {
		scene(t, "or at the first, when the second dies before the sign-in is complete and the first is back", func(st *stage) {
			st.atWork()
			st.user.State, st.user.Extension = gc.LoggedOut, ""
			st.dies(errDown)
			st.moved("b: LOGIN 2001")
			back(st, rule)
			st.wait(within)
			require.Contains(st, st.asked, "LOGIN 2001")
			st.userIs(gc.Talking, extension("2001"))
			st.hears(goesOn)
		})
	}
	scene(t, "or when the second refuses the sign-in because it dies", func(st *stage) {
		st.atWork()
		st.user.State, st.user.Extension = gc.LoggedOut, ""
		st.answer = func(string) error {
			st.answer = nil
			st.mu.Lock()
			defer st.mu.Unlock()
			st.down, st.b.down = nil, errDown
			st.left, st.b.unfit = false, true
			return errDown
		}
		st.dies(errDown)
		st.wait(5 * time.Second)
		require.Contains(st, st.asked, "LOGIN 2001")
		st.userIs(gc.Talking, extension("2001"))
		st.hears(goesOn)
	})
	scene(t, "and the state that a command waits for is its answer", func(st *stage) {
		st.signIn()
		st.send("MakeReady#1001", "")
		st.user.State, st.user.Extension = gc.LoggedOut, ""
		st.dies(errDown)
		st.wait(jitter)
		st.userIs(gc.Ready, extension("2001"))
		st.hears("crm: 1001#State#READY##Ann Smith")
		require.Equal(st, 1, st.acks)
		st.asked = nil
		st.send("MakeNotReady#1001", "")
		st.asks("b: NOT_READY ")
	})
	scene(t, "a sign-in without an outcome is PLEASE_RETRY and LOGOUT", func(st *stage) {
		st.signIn()
		st.user.State, st.user.Extension = gc.LoggedOut, ""
		st.dies(errDown)
		st.wait(time.Minute)
		st.hears("crm: 1001#Error#PLEASE_RETRY", "crm: 1001#State#LOGOUT##Ann Smith")
	})
	scene(t, "a Logout that worked although the answer was lost stays one", func(st *stage) {
		st.signIn()
		st.user.State, st.user.Extension = gc.LoggedOut, ""
		st.fails(errNoAnswer)
		st.send("Logout#1001", "")
		st.hears("crm: 1001#State#LOGOUT##Ann Smith")
		st.asks("LOGOUT ", "b: subscribe", "b: User", "b: User")
		require.Equal(st, []gc.Code{""}, st.codes)
	})
}

// The first part of a failover has worked, and its last reading fails: the next attempt
// does the rest.
func TestAFailoverWhoseLastReadingFails(t *testing.T) {
	scene(t, "after the agent was signed in", func(st *stage) {
		st.atWork()
		st.user.State = gc.LoggedOut
		st.loses()
		require.Contains(st, st.asked, "b: LOGIN 2001")
		st.hears()
		st.b.down = gc.Errorf(gc.GeneralError, "finesse", "an answer that makes no sense")
		st.userIs(gc.Talking, extension("2001"))
		st.hears()
		st.b.down = nil
		st.wait(time.Minute)
		st.hears(goesOn)
		require.False(st, st.stream.closed)
	})
}

// What is known of the nodes changes at any time, also while a command is being accepted.
func TestANodeIsWellAgainWhileACommandIsAccepted(t *testing.T) {
	asked := -1 // how often which node is the better one, once it matters
	direct := func(st *stage, o *session.Options) {
		node := o.Node
		o.Node = func() session.Node {
			if asked >= 0 {
				asked++
			}
			if asked == 2 {
				st.mu.Lock()
				st.left = false
				st.mu.Unlock()
			}
			return node()
		}
	}
	playWith(t, direct, func(st *stage) {
		st.atWork()
		st.mu.Lock()
		st.left = true
		st.mu.Unlock()
		asked = 0
		st.send("MakeReady#1001", "")
		st.asks("READY ")
		st.userIs(gc.Ready)
		st.hears("crm: 1001#State#READY##Ann Smith")
	})
}

func TestACommandMeetsADeadNode(t *testing.T) {
	for _, err := range []error{errDown, errNoAnswer, errUnavailable} {
		code := string(gc.CodeOf(err))
		scene(t, code+": a call is not made twice, and answered when the truth is known", func(st *stage) {
			st.signIn()
			st.fails(err)
			st.send("MakeCall#1001", "4085559999")
			st.hears("crm: 1001#Error#" + code)
			st.asks("MAKE_CALL 2001 4085559999", "b: subscribe", "b: User", "b: Dialogs", "b: User", "b: Dialogs")
			require.Equal(st, 1, st.acks)
		})
		scene(t, code+": a call that was made is no error", func(st *stage) {
			st.signIn()
			st.fails(err)
			st.dialogs = []finesse.Dialog{leg("8", "2001", gc.Initiated)}
			st.send("MakeCall#1001", "4085559999")
			st.hears("crm: 1001#InboundCall#INITIATED#DialogID:8#2001#…##Ann Smith", "crm: 1001#DialogStatus#8#INITIATED#2001#…####")
			require.Equal(st, []gc.Code{""}, st.codes)
		})
		scene(t, code+": a state is asked for at the other node, once", func(st *stage) {
			st.signIn()
			st.fails(err)
			st.send("MakeReady#1001", "")
			st.asks("READY ", "b: subscribe", "b: User", "b: Dialogs", "b: User", "b: Dialogs", "b: READY ")
			st.hears()
			st.userIs(gc.Ready)
			st.hears("crm: 1001#State#READY##Ann Smith")
			require.Equal(st, []gc.Code{""}, st.codes)
		})
		scene(t, code+": and its failure there is the answer", func(st *stage) {
			st.signIn()
			st.fails(err)
			st.answer = func(string) error { return errNoAnswer }
			st.send("MakeReady#1001", "")
			st.hears("crm: 1001#Error#NOT_REACHABLE")
			require.Equal(st, []string{"READY ", "b: READY "}, slices.DeleteFunc(st.asked, func(s string) bool { return s != "READY " && s != "b: READY " }))
		})
		scene(t, code+": what is only read is read at the other node", func(st *stage) {
			st.signIn()
			st.fails(err)
			st.send("reasoncodelogout#1001", "")
			st.hears("crm: 1001#ReasonCodes#Category:LOGOUT#Codes:8#Labels:from b#Ann Smith")
			require.Equal(st, []gc.Code{""}, st.codes)
		})
		scene(t, code+": and so are state and calls", func(st *stage) {
			st.signIn()
			st.fails(err)
			st.send("GetState#1001", "")
			st.hears("crm: 1001#State#NOT_READY##Ann Smith")
		})
		scene(t, code+": the session stays where there is no better node", func(st *stage) {
			st.signIn()
			st.down = err
			st.turn()
			st.send("MakeReady#1001", "")
			st.hears("crm: 1001#Error#" + code)
			st.asks("READY ")
			require.Equal(st, 1, st.verified)
		})
	}
	// All that calls, moves or ends a call.
	for command, body := range map[string]string{
		"AnswerCall": "7", "ReleaseCall": "7", "HoldCall": "7", "RetrieveCall": "7", "ConsultCall": "2002,7", "Transfer_sst": "2002,7",
		"TransferCall": "2002,7", "Conferencecall": "2002,7", "silentmonitor": "2005", "dropparticipant": "2005,7",
		"acceptoutboundpreview": "7,ACCEPT", "rejectoutboundpreview": "7,REJECT", "closeoutboundpreview": "7,CLOSE",
	} {
		scene(t, command+" is never repeated", func(st *stage) {
			st.signIn()
			ringing := leg("7", "4085551234", gc.Alerting, finesse.Participant{MediaAddress: "2005"})
			st.dialog(finesse.Post, ringing)
			st.dialogs = []finesse.Dialog{ringing}
			st.fails(errNoAnswer)
			st.send(command+"#1001", body)
			st.wait(time.Minute)
			require.Equal(st, "crm: 1001#Error#NOT_REACHABLE", st.heard[len(st.heard)-1])
			require.Len(st, slices.DeleteFunc(st.asked, func(s string) bool {
				return slices.Contains([]string{"b: subscribe", "b: User", "b: Dialogs"}, s)
			}), 1)
		})
	}
	scene(t, "nothing is sent a third time", func(st *stage) {
		st.signIn()
		st.fails(errDown)
		st.answer = func(string) error {
			st.answer = nil
			st.mu.Lock()
			defer st.mu.Unlock()
			st.down = nil
			st.verdict = func() { st.know(false, true) }
			return errDown
		}
		st.send("MakeReady#1001", "")
		st.wait(time.Minute)
		st.hears("crm: 1001#Error#DOWN")
		require.Equal(st, []string{"READY ", "b: READY "}, slices.DeleteFunc(st.asked, func(s string) bool { return s != "READY " && s != "b: READY " }))
		require.Equal(st, 2, st.dials, "it is at the first again")
	})
	scene(t, "commands keep their order around the move", func(st *stage) {
		st.signIn()
		st.fails(errDown)
		st.submit("MakeReady#1001", "")
		st.submit("MakeNotReady#1001", "")
		synctest.Wait()
		require.Equal(st, []string{"b: READY ", "b: NOT_READY "}, st.asked[len(st.asked)-2:])
		st.heard = nil
	})
	scene(t, "a command that comes when it is time for a failover waits for that", func(st *stage) {
		st.signIn()
		st.dies(errDown)
		st.asks()
		st.send("MakeReady#1001", "")
		st.moved("b: Dialogs", "b: READY ")
	})
	scene(t, "and is answered although the other node fails too", func(st *stage) {
		st.signIn()
		st.b.down = errNoAnswer
		st.dies(errDown)
		st.send("MakeReady#1001", "")
		st.wait(time.Minute)
		st.hears("crm: 1001#Error#DOWN")
		require.Equal(st, 1, st.acks)
	})
	scene(t, "a command that was accepted and then forgotten is answered by the truth", func(st *stage) {
		st.signIn()
		st.send("MakeReady#1001", "")
		st.user.State = gc.Ready
		st.dies(errDown)
		st.wait(2 * jitter)
		st.hears("crm: 1001#State#READY##Ann Smith")
		require.Equal(st, 1, st.acks)
	})
	scene(t, "it does not wait for an attempt at the dead node", func(st *stage) {
		st.signIn()
		st.hold = make(chan struct{})
		close(st.stream.updates)
		st.wait(2 * jitter)
		st.mu.Lock()
		st.left = true // not told to the session yet
		st.mu.Unlock()
		st.send("MakeReady#1001", "")
		st.moved("b: Dialogs", "b: READY ")
		close(st.hold)
	})
	scene(t, "a session that is drained meanwhile ends with the answer", func(st *stage) {
		st.signIn()
		st.b.hold = make(chan struct{})
		st.dies(errDown)
		st.send("AnswerCall#1001", "99")
		go st.session.Drain(st.Context())
		synctest.Wait()
		st.hears()
		close(st.b.hold)
		st.hears("crm: 1001#Error#NO_DIALOG_ID")
		require.True(st, st.ended)
	})
	t.Run("a session that ends meanwhile answers what it holds", func(t *testing.T) {
		var st *stage
		play(t, func(s *stage) {
			st = s
			st.signIn()
			st.user.State, st.user.Extension = gc.LoggedOut, ""
			st.dies(errDown)
			st.send("MakeReady#1001", "")
			st.send("GetState#1001", "")
		})
		require.Equal(t, 2, st.acks)
	})
	scene(t, "a Connect proves the password at the other node", func(st *stage) {
		st.fails(errDown)
		st.send("Connect#1001", "crm,secret")
		st.send("Login#1001", "secret,2001")
		st.asks("b: User", "b: subscribe", "b: User", "b: LOGIN 2001")
		st.userIs(gc.NotReady, extension("2001"))
		st.hears("crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith")
	})
	scene(t, "a Login is sent there again", func(st *stage) {
		st.send("Connect#1001", "crm,secret")
		st.fails(errDown)
		st.send("Login#1001", "secret,2001")
		st.asks("LOGIN 2001", "b: subscribe", "b: User", "b: User", "b: LOGIN 2001")
		st.userIs(gc.NotReady, extension("2001"))
		st.hears("crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith")
		st.send("GetState#1001", "")
		st.hears("crm: 1001#State#NOT_READY##Ann Smith")
	})
}

func TestALogoutNobodyAskedForAfterAMove(t *testing.T) {
	moved := func(st *stage) {
		st.atWork()
		st.dies(errDown)
		st.moved("b: Dialogs")
		st.hears(goesOn)
	}
	scene(t, "is undone a second later, and nobody hears of it", func(st *stage) {
		moved(st)
		st.wait(59 * time.Second)
		st.userIs(gc.LoggedOut, extension(""))
		st.asks()
		st.wait(time.Second)
		st.asks("b: LOGIN 2001")
		st.userIs(gc.Talking, extension("2001"))
		st.hears()
		require.Zero(st, st.free, "the licence is kept")
	})
	scene(t, "also when it is found by reading", func(st *stage) {
		moved(st)
		st.user.State, st.user.Extension = gc.LoggedOut, ""
		close(st.stream.updates)
		st.wait(5 * time.Second)
		require.Contains(st, st.asked, "b: LOGIN 2001")
		st.userIs(gc.Talking, extension("2001"))
		st.hears()
	})
	scene(t, "holds commands back, which find the agent signed in", func(st *stage) {
		moved(st)
		st.userIs(gc.LoggedOut, extension(""))
		st.send("MakeNotReady#1001", "")
		st.wait(time.Second)
		st.asks("b: LOGIN 2001")
		st.userIs(gc.Talking, extension("2001"))
		st.asks("b: User", "b: Dialogs", "b: NOT_READY ")
	})
	scene(t, "lets a request that is under way keep the line", func(st *stage) {
		moved(st)
		under := make(chan struct{})
		st.answer = func(request string) error {
			if request == "READY " {
				<-under
			}
			return nil
		}
		st.submit("MakeReady#1001", "")
		st.submit("MakeNotReady#1001", "")
		st.userIs(gc.LoggedOut, extension(""))
		st.wait(time.Second)
		st.userIs(gc.Talking, extension("2001"))
		st.wait(time.Second)
		st.asks("b: READY ", "b: LOGIN 2001", "b: User", "b: Dialogs")
		close(under)
		synctest.Wait()
		st.asks("b: NOT_READY ")
	})
	scene(t, "is not what GetState answers meanwhile", func(st *stage) {
		moved(st)
		st.user.State, st.user.Extension = gc.LoggedOut, "" // the notification is late
		st.send("GetState#1001", "")
		st.hears()
		st.wait(time.Second)
		st.userIs(gc.Talking, extension("2001"))
		st.hears("crm: 1001#State#TALKING##Ann Smith")
		require.Equal(st, 1, st.acks)
	})
	scene(t, "is told when that fails", func(st *stage) {
		moved(st)
		st.userIs(gc.LoggedOut, extension(""))
		st.wait(time.Second)
		st.rejects("", "/finesse/api/User/1001", "CF_RESOURCE_BUSY")
		st.hears("crm: 1001#State#LOGOUT##Ann Smith")
		st.wait(time.Minute)
		st.asks("b: LOGIN 2001")
	})
	scene(t, "is not undone with a password that is refused meanwhile, and nobody hears of it", func(st *stage) {
		moved(st)
		st.wait(15 * time.Second) // which makes a lost stream come back at once
		st.userIs(gc.LoggedOut, extension(""))
		st.password = "new"
		close(st.stream.updates)
		st.wait(time.Minute)
		st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED")
		st.asks("b: User")
		require.Equal(st, 1, st.free)
	})
	scene(t, "is undone, and a password that is refused then is told", func(st *stage) {
		moved(st)
		st.userIs(gc.LoggedOut, extension(""))
		st.wait(time.Second)
		st.password = "new"
		st.userIs(gc.Talking, extension("2001"))
		st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED")
		st.send("GetState#1001", "")
		st.hears("crm: 1001#State#RE_LOGIN")
	})
	scene(t, "is not undone when the agent asks for one meanwhile", func(st *stage) {
		moved(st)
		st.userIs(gc.LoggedOut, extension(""))
		st.userIs(gc.Talking, pending(gc.LoggedOut), extension("2001"))
		st.userIs(gc.LoggedOut, extension(""))
		st.wait(time.Minute)
		st.hears("crm: 1001#State#TALKING##Ann Smith", "crm: 1001#State#LOGOUT##Ann Smith")
		st.asks()
		st.dialogs = nil
		st.send("MakeReady#1001", "")
		st.asks("b: User") // the line is free
		st.hears("crm: 1001#InboundCall#DROPPED#DialogID:7#4085551234#…##Ann Smith", "crm: 1001#State#RE_LOGIN")
	})
	scene(t, "is undone once", func(st *stage) {
		moved(st)
		st.userIs(gc.LoggedOut, extension(""))
		st.wait(time.Second)
		st.userIs(gc.Talking, extension("2001"))
		st.userIs(gc.LoggedOut, extension(""))
		st.hears("crm: 1001#State#LOGOUT##Ann Smith")
	})
	scene(t, "is told when it comes later", func(st *stage) {
		moved(st)
		st.wait(61 * time.Second)
		st.userIs(gc.LoggedOut, extension(""))
		st.hears("crm: 1001#State#LOGOUT##Ann Smith")
		st.wait(time.Minute)
		st.asks()
	})
	scene(t, "is told where there was no move", func(st *stage) {
		st.signIn()
		st.userIs(gc.LoggedOut, extension(""))
		st.hears("crm: 1001#State#LOGOUT##Ann Smith")
	})
	for command, body := range map[string]string{"Logout": "", "LogoutWithReason": "8", "force_logout": ""} {
		scene(t, "is the answer to "+command, func(st *stage) {
			moved(st)
			st.dialog(finesse.Delete, leg("7", "4085551234", gc.Dropped))
			st.userIs(gc.NotReady)
			st.heard = nil
			st.send(command+"#1001", body)
			st.userIs(gc.LoggedOut, extension(""), reason(gc.ReasonCodeID(body)))
			require.Len(st, st.heard, 1)
			st.wait(time.Minute)
			require.Len(st, st.asked, 1)
			st.heard = nil
		})
	}
	scene(t, "is what the agent asked for during the call", func(st *stage) {
		moved(st)
		st.send("Logout#1001", "")
		st.userIs(gc.Talking, pending(gc.LoggedOut))
		st.userIs(gc.LoggedOut, extension(""))
		st.hears("crm: 1001#State#TALKING##Ann Smith", "crm: 1001#State#LOGOUT##Ann Smith")
	})
}

func TestMovesArePaced(t *testing.T) {
	for why, trigger := range map[string]func(*stage){
		"stream lost":    (*stage).loses,
		"out of service": func(st *stage) { st.dies(errUnavailable) },
	} {
		scene(t, why+": a session with a live call goes at once", func(st *stage) {
			st.atWork()
			trigger(st)
			require.Equal(st, 1, st.b.streams)
		})
		scene(t, why+": one without waits its jitter", func(st *stage) {
			st.signIn()
			trigger(st)
			st.wait(jitter - time.Millisecond)
			require.Zero(st, st.b.streams)
			st.wait(time.Millisecond)
			require.Equal(st, 1, st.b.streams)
		})
	}
	scene(t, "a server that is back after a long time is used at once", func(st *stage) {
		st.atWork()
		st.down, st.b.down = errDown, errDown
		st.know(true, true)
		close(st.stream.updates)
		st.wait(time.Minute)
		dials := st.dials
		st.down = nil
		st.know(false, true)
		synctest.Wait()
		require.Equal(st, dials+1, st.dials)
	})
	scene(t, "a server that drops every stream is not stormed", func(st *stage) {
		st.atWork()
		for range 10 {
			close(st.stream.updates)
			dials := st.dials
			for st.dials == dials {
				st.wait(100 * time.Millisecond)
			}
		}
		require.Greater(st, time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), 10*time.Second)
	})
	t.Run("what a session learns of the nodes while an attempt fails gives it one reason to try on, not two", func(t *testing.T) {
		for range 20 { // it takes the failure or the change first, as chance has it
			waits := 0
			count := func(_ *stage, o *session.Options) {
				o.Wait = func(d time.Duration) time.Duration { waits++; return d }
			}
			playWith(t, count, func(st *stage) {
				st.atWork()
				st.send("Connect#1001", "thief,wrong")
				st.hold = make(chan struct{})
				st.fails(errDown)
				close(st.stream.updates)
				synctest.Wait()
				busy := make(chan struct{})
				st.emitted = func(session.Emission) { <-busy }
				st.submit("Connect#1001", "thief,wrong") // is refused at once
				synctest.Wait()
				close(st.hold)
				synctest.Wait()
				close(busy)
				st.wait(10 * time.Second)
				require.Equal(t, 1, st.b.streams)
				require.Equal(t, 2, waits, "behind the loss, and behind the attempt")
			})
		}
	})
	t.Run("the daemon's jitter is random and a few seconds", func(t *testing.T) {
		seen := map[time.Duration]bool{}
		for range 100 {
			d := session.DefaultTimes.Jitter()
			require.Less(t, d, 5*time.Second)
			seen[d] = true
		}
		require.Greater(t, len(seen), 50)
	})
}
