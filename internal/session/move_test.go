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
	t.Run("and believes it, though its clock is behind", func(t *testing.T) {
		play(t, func(st *stage) {
			st.signIn()
			st.user.StateChangeTime = time.Date(2026, 3, 5, 12, 0, 5, 0, time.UTC)
			st.send("refresh#1001", "")
			st.heard = nil
			st.user.State, st.user.StateChangeTime = gc.Ready, time.Date(2026, 3, 5, 12, 0, 2, 0, time.UTC)
			st.loses()
			st.wait(5 * time.Second)
			st.hears("crm: 1001#State#READY##Ann Smith")
		})
	})
	for why, trigger := range triggers {
		t.Run("when "+why+", subscribes there first, and tells only what changed", func(t *testing.T) {
			play(t, func(st *stage) {
				st.atWork()
				st.dialog(finesse.Post, leg("8", "4085550000", gc.Held))
				st.heard = nil
				old := st.stream
				st.dialogs = []finesse.Dialog{leg("7", "4085551234", gc.Held)}
				trigger(st)
				st.moved("b: Dialogs")
				st.hears("crm: 1001#InboundCall#HELD#DialogID:7#4085551234#…##Ann Smith", "crm: 1001#InboundCall#DROPPED#DialogID:8#4085550000#…##Ann Smith")
				require.True(t, old.closed)
				st.userIs(gc.Hold)
				st.hears("crm: 1001#State#HOLD##Ann Smith")
				require.Equal(t, 1, st.logs.FilterMessage("agent moves to another finesse node").Len())
				st.send("MakeReady#1001", "")
				st.asks("b: READY ")
			})
		})
		t.Run("when "+why+", and nothing is told if nothing changed", func(t *testing.T) {
			play(t, func(st *stage) {
				st.atWork()
				trigger(st)
				st.moved("b: Dialogs")
				st.hears()
			})
		})
	}
	t.Run("the log says from where to where and why, and warns of nothing", func(t *testing.T) {
		play(t, func(st *stage) {
			st.atWork()
			lost(st)
			line := st.logs.FilterMessage("agent moves to another finesse node").All()[0]
			require.Equal(t, map[string]any{"from": "a", "to": "b", "reason": "stream lost"}, line.ContextMap())
			require.Empty(t, st.logs.FilterLevelExact(2).All())
			require.Empty(t, st.logs.FilterLevelExact(1).All())
		})
	})
	t.Run("the old stream stays until there is a new one", func(t *testing.T) {
		play(t, func(st *stage) {
			st.atWork()
			old := st.stream
			st.b.down = errNoAnswer
			st.dies(errUnavailable)
			st.wait(5 * time.Second)
			require.False(t, old.closed)
			old.updates <- finesse.Update{User: &finesse.User{LoginID: "1001", State: gc.Hold}}
			st.hears("crm: 1001#State#HOLD##Ann Smith")
			st.user.State, st.b.down = gc.Hold, nil
			st.wait(20 * time.Second)
			require.True(t, old.closed)
			st.hears()
		})
	})
	t.Run("no session goes back by itself, nor with a command or another Connect", func(t *testing.T) {
		play(t, func(st *stage) {
			st.atWork()
			lost(st)
			st.down = nil
			st.know(false, false)
			st.wait(time.Minute)
			st.asked = nil
			st.send("MakeNotReady#1001", "")
			st.send("Connect#1001", "crm,secret")
			st.asks("b: NOT_READY ", "b: User")
			require.Equal(t, 1, st.dials, "one at the first node, before")
		})
	})
	t.Run("a node that recovers before the turn of the session is not left", func(t *testing.T) {
		play(t, func(st *stage) {
			st.signIn()
			st.dies(errUnavailable)
			st.down = nil
			st.know(false, false)
			st.wait(time.Minute)
			st.asks()
			require.False(t, st.stream.closed)
		})
	})
	t.Run("two nodes out of service: the one that comes back first is used", func(t *testing.T) {
		play(t, func(st *stage) {
			st.atWork()
			st.down, st.b.down = errUnavailable, errUnavailable
			st.know(true, true)
			st.wait(time.Minute)
			st.asks()
			st.b.down = nil
			st.know(true, false)
			st.moved("b: Dialogs")
		})
	})
	t.Run("an attempt at a node that answers nothing ends when it is known to be dead", func(t *testing.T) {
		play(t, func(st *stage) {
			st.atWork()
			st.hold = make(chan struct{})
			close(st.stream.updates)
			st.wait(time.Second)
			st.asks()
			st.dies(nil)
			st.moved("b: Dialogs")
			close(st.hold)
		})
	})
	t.Run("a forgotten call type stays", func(t *testing.T) {
		play(t, func(st *stage) {
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
			st.hears()
		})
	})
	t.Run("the subscriptions to teams go along", func(t *testing.T) {
		play(t, func(st *stage) {
			st.lead()
			st.send("getteamusers#1001", "1,true")
			st.heard, st.asked = nil, nil
			st.team[0].State = gc.Talking
			st.loses()
			st.wait(2 * jitter)
			require.Equal(t, []gc.TeamID{"1"}, st.stream.teams)
			require.Equal(t, 1, st.b.streams)
			st.hears("crm: 1001#TeamMemberStateChanged#1#TALKING#1005")
		})
	})
	t.Run("a team is listed from there when the first node fails, and followed there", func(t *testing.T) {
		play(t, func(st *stage) {
			st.lead()
			st.fails(errDown)
			st.send("getteamusers#1001", "1,true")
			st.hears(listing)
			require.Equal(t, []gc.TeamID{"1"}, st.stream.teams)
			st.memberIs(gc.NotReady)
			st.hears("crm: 1001#TeamMemberStateChanged#1#NOT_READY#1005")
		})
	})
	t.Run("a refused password ends it", func(t *testing.T) {
		play(t, func(st *stage) {
			st.atWork()
			st.password = "new"
			lost(st)
			st.wait(time.Minute)
			st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED")
			st.asks("b: subscribe")
		})
	})
}

func TestTheAgentIsSignedInAtTheNewNode(t *testing.T) {
	t.Run("where Finesse has signed it out, and its driver hears nothing of that", func(t *testing.T) {
		play(t, func(st *stage) {
			st.atWork()
			st.user.State, st.user.Extension = gc.LoggedOut, ""
			st.dies(errDown)
			st.moved("b: LOGIN 2001")
			st.userIs(gc.Talking, extension("2001"))
			st.hears()
			st.asks("b: User", "b: Dialogs")
			st.dialog(finesse.Put, leg("7", "4085551234", gc.Held))
			st.hears("crm: 1001#InboundCall#HELD#DialogID:7#4085551234#…##Ann Smith")
		})
	})
	t.Run("also when a Connect has brought it there and the nodes change meanwhile", func(t *testing.T) {
		play(t, func(st *stage) {
			st.signIn()
			st.user.State, st.user.Extension = gc.LoggedOut, ""
			st.fails(errDown)
			st.send("Connect#1001", "crm,secret")
			require.Contains(t, st.asked, "b: LOGIN 2001")
			st.down = nil
			st.know(false, false)
			synctest.Wait()
			st.userIs(gc.NotReady, extension("2001"))
			st.hears()
			st.send("MakeReady#1001", "")
			require.Equal(t, "b: READY ", st.asked[len(st.asked)-1])
		})
	})
	t.Run("and a state that it did not keep is told", func(t *testing.T) {
		play(t, func(st *stage) {
			st.atWork()
			st.user.State, st.user.Extension = gc.LoggedOut, ""
			st.dialogs = nil
			st.dies(errDown)
			st.userIs(gc.NotReady, extension("2001"))
			st.hears("crm: 1001#State#NOT_READY##Ann Smith", "crm: 1001#InboundCall#DROPPED#DialogID:7#4085551234#…##Ann Smith")
		})
	})
	t.Run("a mobile agent with number and mode", func(t *testing.T) {
		play(t, func(st *stage) {
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
	})
	t.Run("an agent who was signed in before the connector came, too", func(t *testing.T) {
		play(t, func(st *stage) {
			st.user.State, st.user.Extension = gc.Ready, "2001"
			st.send("Connect#1001", "crm,secret")
			st.user.State, st.user.Extension = gc.LoggedOut, ""
			st.dies(errDown)
			st.wait(2 * jitter)
			st.moved("b: LOGIN 2001")
		})
	})
	t.Run("an agent who was signed out is not", func(t *testing.T) {
		play(t, func(st *stage) {
			st.send("Connect#1001", "crm,secret")
			st.dies(errDown)
			st.wait(2 * jitter)
			st.moved()
			st.hears()
		})
	})
	t.Run("a refusal is told, then the LOGOUT, and it is not tried again", func(t *testing.T) {
		for rule, refuse := range map[string]func(*stage){
			"later": func(st *stage) { st.rejects("", "/finesse/api/User/1001", "CF_RESOURCE_BUSY") },
			"at once": func(st *stage) {
				st.answer = func(string) error { return gc.Errorf("CF_RESOURCE_BUSY", "finesse", "400") }
			},
		} {
			t.Run(rule, func(t *testing.T) {
				play(t, func(st *stage) {
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
					require.Equal(t, 1, st.free, "the licence is free again")
				})
			})
		}
	})
	t.Run("a wrong password is told and not tried again", func(t *testing.T) {
		play(t, func(st *stage) {
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
	})
	t.Run("a node that fails meanwhile is tried again, paced", func(t *testing.T) {
		play(t, func(st *stage) {
			st.atWork()
			st.user.State, st.user.Extension = gc.LoggedOut, ""
			st.answer = func(string) error { return errUnavailable }
			st.dies(errDown)
			st.wait(10 * time.Second)
			st.hears()
			require.Less(t, st.b.streams, 6)
			st.answer = nil
			st.wait(10 * time.Second)
			st.asked = nil
			st.userIs(gc.Talking, extension("2001"))
			st.hears()
			st.asks("b: User", "b: Dialogs")
		})
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
		t.Run("or at the first, when the second dies before the sign-in is complete and the first is back", func(t *testing.T) {
			play(t, func(st *stage) {
				st.atWork()
				st.user.State, st.user.Extension = gc.LoggedOut, ""
				st.dies(errDown)
				st.moved("b: LOGIN 2001")
				back(st, rule)
				st.wait(within)
				require.Contains(t, st.asked, "LOGIN 2001")
				st.userIs(gc.Talking, extension("2001"))
				st.hears()
			})
		})
	}
	t.Run("or when the second refuses the sign-in because it dies", func(t *testing.T) {
		play(t, func(st *stage) {
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
			require.Contains(t, st.asked, "LOGIN 2001")
			st.userIs(gc.Talking, extension("2001"))
			st.hears()
		})
	})
	t.Run("and the state that a command waits for is its answer", func(t *testing.T) {
		play(t, func(st *stage) {
			st.signIn()
			st.send("MakeReady#1001", "")
			st.user.State, st.user.Extension = gc.LoggedOut, ""
			st.dies(errDown)
			st.wait(jitter)
			st.userIs(gc.Ready, extension("2001"))
			st.hears("crm: 1001#State#READY##Ann Smith")
			require.Equal(t, 1, st.acks)
			st.asked = nil
			st.send("MakeNotReady#1001", "")
			st.asks("b: NOT_READY ")
		})
	})
	t.Run("a sign-in without an outcome is PLEASE_RETRY and LOGOUT", func(t *testing.T) {
		play(t, func(st *stage) {
			st.signIn()
			st.user.State, st.user.Extension = gc.LoggedOut, ""
			st.dies(errDown)
			st.wait(time.Minute)
			st.hears("crm: 1001#Error#PLEASE_RETRY", "crm: 1001#State#LOGOUT##Ann Smith")
		})
	})
	t.Run("a Logout that worked although the answer was lost stays one", func(t *testing.T) {
		play(t, func(st *stage) {
			st.signIn()
			st.user.State, st.user.Extension = gc.LoggedOut, ""
			st.fails(errNoAnswer)
			st.send("Logout#1001", "")
			st.hears("crm: 1001#State#LOGOUT##Ann Smith")
			st.asks("LOGOUT ", "b: subscribe", "b: User", "b: User")
			require.Equal(t, []gc.Code{""}, st.codes)
		})
	})
}

func TestACommandMeetsADeadNode(t *testing.T) {
	for _, err := range []error{errDown, errNoAnswer, errUnavailable} {
		code := string(gc.CodeOf(err))
		t.Run(code+": a call is not made twice, and answered when the truth is known", func(t *testing.T) {
			play(t, func(st *stage) {
				st.signIn()
				st.fails(err)
				st.send("MakeCall#1001", "4085559999")
				st.hears("crm: 1001#Error#" + code)
				st.asks("MAKE_CALL 2001 4085559999", "b: subscribe", "b: User", "b: Dialogs", "b: User", "b: Dialogs")
				require.Equal(t, 1, st.acks)
			})
		})
		t.Run(code+": a call that was made is no error", func(t *testing.T) {
			play(t, func(st *stage) {
				st.signIn()
				st.fails(err)
				st.dialogs = []finesse.Dialog{leg("8", "2001", gc.Initiated)}
				st.send("MakeCall#1001", "4085559999")
				st.hears("crm: 1001#InboundCall#INITIATED#DialogID:8#2001#…##Ann Smith")
				require.Equal(t, []gc.Code{""}, st.codes)
			})
		})
		t.Run(code+": a state is asked for at the other node, once", func(t *testing.T) {
			play(t, func(st *stage) {
				st.signIn()
				st.fails(err)
				st.send("MakeReady#1001", "")
				st.asks("READY ", "b: subscribe", "b: User", "b: Dialogs", "b: User", "b: Dialogs", "b: READY ")
				st.hears()
				st.userIs(gc.Ready)
				st.hears("crm: 1001#State#READY##Ann Smith")
				require.Equal(t, []gc.Code{""}, st.codes)
			})
		})
		t.Run(code+": and its failure there is the answer", func(t *testing.T) {
			play(t, func(st *stage) {
				st.signIn()
				st.fails(err)
				st.answer = func(string) error { return errNoAnswer }
				st.send("MakeReady#1001", "")
				st.hears("crm: 1001#Error#NOT_REACHABLE")
				require.Equal(t, []string{"READY ", "b: READY "}, slices.DeleteFunc(st.asked, func(s string) bool { return s != "READY " && s != "b: READY " }))
			})
		})
		t.Run(code+": what is only read is read at the other node", func(t *testing.T) {
			play(t, func(st *stage) {
				st.signIn()
				st.fails(err)
				st.send("reasoncodelogout#1001", "")
				st.hears("crm: 1001#ReasonCodes#Category:LOGOUT#Codes:8#Labels:from b#Ann Smith")
				require.Equal(t, []gc.Code{""}, st.codes)
			})
		})
		t.Run(code+": and so are state and calls", func(t *testing.T) {
			play(t, func(st *stage) {
				st.signIn()
				st.fails(err)
				st.send("GetState#1001", "")
				st.hears("crm: 1001#State#NOT_READY##Ann Smith")
			})
		})
		t.Run(code+": the session stays where there is no better node", func(t *testing.T) {
			play(t, func(st *stage) {
				st.signIn()
				st.down = err
				st.turn()
				st.send("MakeReady#1001", "")
				st.hears("crm: 1001#Error#" + code)
				st.asks("READY ")
				require.Equal(t, 1, st.verified)
			})
		})
	}
	// All that calls, moves or ends a call.
	for command, body := range map[string]string{
		"AnswerCall": "7", "ReleaseCall": "7", "HoldCall": "7", "RetrieveCall": "7", "ConsultCall": "2002,7", "Transfer_sst": "2002,7",
		"TransferCall": "2002,7", "Conferencecall": "2002,7", "silentmonitor": "2005", "dropparticipant": "2005,7",
		"acceptoutboundpreview": "7,ACCEPT", "rejectoutboundpreview": "7,REJECT", "closeoutboundpreview": "7,CLOSE",
	} {
		t.Run(command+" is never repeated", func(t *testing.T) {
			play(t, func(st *stage) {
				st.signIn()
				ringing := leg("7", "4085551234", gc.Alerting, finesse.Participant{MediaAddress: "2005"})
				st.dialog(finesse.Post, ringing)
				st.dialogs = []finesse.Dialog{ringing}
				st.fails(errNoAnswer)
				st.send(command+"#1001", body)
				st.wait(time.Minute)
				require.Equal(t, "crm: 1001#Error#NOT_REACHABLE", st.heard[len(st.heard)-1])
				require.Len(t, slices.DeleteFunc(st.asked, func(s string) bool {
					return slices.Contains([]string{"b: subscribe", "b: User", "b: Dialogs"}, s)
				}), 1)
			})
		})
	}
	t.Run("nothing is sent a third time", func(t *testing.T) {
		play(t, func(st *stage) {
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
			require.Equal(t, []string{"READY ", "b: READY "}, slices.DeleteFunc(st.asked, func(s string) bool { return s != "READY " && s != "b: READY " }))
			require.Equal(t, 2, st.dials, "it is at the first again")
		})
	})
	t.Run("commands keep their order around the move", func(t *testing.T) {
		play(t, func(st *stage) {
			st.signIn()
			st.fails(errDown)
			st.submit("MakeReady#1001", "")
			st.submit("MakeNotReady#1001", "")
			synctest.Wait()
			require.Equal(t, []string{"b: READY ", "b: NOT_READY "}, st.asked[len(st.asked)-2:])
			st.heard = nil
		})
	})
	t.Run("a command that comes when it is time to move waits for that", func(t *testing.T) {
		play(t, func(st *stage) {
			st.signIn()
			st.dies(errDown)
			st.asks()
			st.send("MakeReady#1001", "")
			st.moved("b: Dialogs", "b: READY ")
		})
	})
	t.Run("and is answered although the other node fails too", func(t *testing.T) {
		play(t, func(st *stage) {
			st.signIn()
			st.b.down = errNoAnswer
			st.dies(errDown)
			st.send("MakeReady#1001", "")
			st.wait(time.Minute)
			st.hears("crm: 1001#Error#DOWN")
			require.Equal(t, 1, st.acks)
		})
	})
	t.Run("a command that was accepted and then forgotten is answered by the truth", func(t *testing.T) {
		play(t, func(st *stage) {
			st.signIn()
			st.send("MakeReady#1001", "")
			st.user.State = gc.Ready
			st.dies(errDown)
			st.wait(2 * jitter)
			st.hears("crm: 1001#State#READY##Ann Smith")
			require.Equal(t, 1, st.acks)
		})
	})
	t.Run("it does not wait for an attempt at the dead node", func(t *testing.T) {
		play(t, func(st *stage) {
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
	})
	t.Run("a session that is drained meanwhile ends with the answer", func(t *testing.T) {
		play(t, func(st *stage) {
			st.signIn()
			st.b.hold = make(chan struct{})
			st.dies(errDown)
			st.send("AnswerCall#1001", "99")
			go st.session.Drain(st.Context())
			synctest.Wait()
			st.hears()
			close(st.b.hold)
			st.hears("crm: 1001#Error#NO_DIALOG_ID")
			require.True(t, st.ended)
		})
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
	t.Run("a Connect proves the password at the other node", func(t *testing.T) {
		play(t, func(st *stage) {
			st.fails(errDown)
			st.send("Connect#1001", "crm,secret")
			st.send("Login#1001", "secret,2001")
			st.asks("b: User", "b: subscribe", "b: User", "b: LOGIN 2001")
			st.userIs(gc.NotReady, extension("2001"))
			st.hears("crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith")
		})
	})
	t.Run("a Login is sent there again", func(t *testing.T) {
		play(t, func(st *stage) {
			st.send("Connect#1001", "crm,secret")
			st.fails(errDown)
			st.send("Login#1001", "secret,2001")
			st.asks("LOGIN 2001", "b: subscribe", "b: User", "b: User", "b: LOGIN 2001")
			st.userIs(gc.NotReady, extension("2001"))
			st.hears("crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith")
			st.send("GetState#1001", "")
			st.hears("crm: 1001#State#NOT_READY##Ann Smith")
		})
	})
}

func TestALogoutNobodyAskedForAfterAMove(t *testing.T) {
	moved := func(st *stage) {
		st.atWork()
		st.dies(errDown)
		st.moved("b: Dialogs")
	}
	t.Run("is undone a second later, and nobody hears of it", func(t *testing.T) {
		play(t, func(st *stage) {
			moved(st)
			st.wait(59 * time.Second)
			st.userIs(gc.LoggedOut, extension(""))
			st.asks()
			st.wait(time.Second)
			st.asks("b: LOGIN 2001")
			st.userIs(gc.Talking, extension("2001"))
			st.hears()
			require.Zero(t, st.free, "the licence is kept")
		})
	})
	t.Run("also when it is found by reading", func(t *testing.T) {
		play(t, func(st *stage) {
			moved(st)
			st.user.State, st.user.Extension = gc.LoggedOut, ""
			close(st.stream.updates)
			st.wait(5 * time.Second)
			require.Contains(t, st.asked, "b: LOGIN 2001")
			st.userIs(gc.Talking, extension("2001"))
			st.hears()
		})
	})
	t.Run("holds commands back, which find the agent signed in", func(t *testing.T) {
		play(t, func(st *stage) {
			moved(st)
			st.userIs(gc.LoggedOut, extension(""))
			st.send("MakeNotReady#1001", "")
			st.wait(time.Second)
			st.asks("b: LOGIN 2001")
			st.userIs(gc.Talking, extension("2001"))
			st.asks("b: User", "b: Dialogs", "b: NOT_READY ")
		})
	})
	t.Run("lets a request that is under way keep the line", func(t *testing.T) {
		play(t, func(st *stage) {
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
	})
	t.Run("is not what GetState answers meanwhile", func(t *testing.T) {
		play(t, func(st *stage) {
			moved(st)
			st.user.State, st.user.Extension = gc.LoggedOut, "" // the notification is late
			st.send("GetState#1001", "")
			st.hears()
			st.wait(time.Second)
			st.userIs(gc.Talking, extension("2001"))
			st.hears("crm: 1001#State#TALKING##Ann Smith")
			require.Equal(t, 1, st.acks)
		})
	})
	t.Run("is told when that fails", func(t *testing.T) {
		play(t, func(st *stage) {
			moved(st)
			st.userIs(gc.LoggedOut, extension(""))
			st.wait(time.Second)
			st.rejects("", "/finesse/api/User/1001", "CF_RESOURCE_BUSY")
			st.hears("crm: 1001#State#LOGOUT##Ann Smith")
			st.wait(time.Minute)
			st.asks("b: LOGIN 2001")
		})
	})
	t.Run("is not undone with a password that is refused meanwhile, and nobody hears of it", func(t *testing.T) {
		play(t, func(st *stage) {
			moved(st)
			st.wait(15 * time.Second) // which makes a lost stream come back at once
			st.userIs(gc.LoggedOut, extension(""))
			st.password = "new"
			close(st.stream.updates)
			st.wait(time.Minute)
			st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED")
			st.asks("b: User")
			require.Equal(t, 1, st.free)
		})
	})
	t.Run("is undone, and a password that is refused then is told", func(t *testing.T) {
		play(t, func(st *stage) {
			moved(st)
			st.userIs(gc.LoggedOut, extension(""))
			st.wait(time.Second)
			st.password = "new"
			st.userIs(gc.Talking, extension("2001"))
			st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED")
			st.send("GetState#1001", "")
			st.hears("crm: 1001#State#RE_LOGIN")
		})
	})
	t.Run("is not undone when the agent asks for one meanwhile", func(t *testing.T) {
		play(t, func(st *stage) {
			moved(st)
			st.userIs(gc.LoggedOut, extension(""))
			st.userIs(gc.Talking, pending(gc.LoggedOut), extension("2001"))
			st.userIs(gc.LoggedOut, extension(""))
			st.wait(time.Minute)
			st.hears("crm: 1001#State#TALKING##Ann Smith", "crm: 1001#State#LOGOUT##Ann Smith")
			st.asks()
			st.dialogs = nil
			st.send("MakeReady#1001", "")
			st.asks("b: READY ") // the line is free
		})
	})
	t.Run("is undone once", func(t *testing.T) {
		play(t, func(st *stage) {
			moved(st)
			st.userIs(gc.LoggedOut, extension(""))
			st.wait(time.Second)
			st.userIs(gc.Talking, extension("2001"))
			st.userIs(gc.LoggedOut, extension(""))
			st.hears("crm: 1001#State#LOGOUT##Ann Smith")
		})
	})
	t.Run("is told when it comes later", func(t *testing.T) {
		play(t, func(st *stage) {
			moved(st)
			st.wait(61 * time.Second)
			st.userIs(gc.LoggedOut, extension(""))
			st.hears("crm: 1001#State#LOGOUT##Ann Smith")
			st.wait(time.Minute)
			st.asks()
		})
	})
	t.Run("is told where there was no move", func(t *testing.T) {
		play(t, func(st *stage) {
			st.signIn()
			st.userIs(gc.LoggedOut, extension(""))
			st.hears("crm: 1001#State#LOGOUT##Ann Smith")
		})
	})
	for command, body := range map[string]string{"Logout": "", "LogoutWithReason": "8", "force_logout": ""} {
		t.Run("is the answer to "+command, func(t *testing.T) {
			play(t, func(st *stage) {
				moved(st)
				st.userIs(gc.NotReady)
				st.heard = nil
				st.send(command+"#1001", body)
				st.userIs(gc.LoggedOut, extension(""), reason(gc.ReasonCodeID(body)))
				require.Len(t, st.heard, 1)
				st.wait(time.Minute)
				require.Len(t, st.asked, 1)
				st.heard = nil
			})
		})
	}
	t.Run("is what the agent asked for during the call", func(t *testing.T) {
		play(t, func(st *stage) {
			moved(st)
			st.send("Logout#1001", "")
			st.userIs(gc.Talking, pending(gc.LoggedOut))
			st.userIs(gc.LoggedOut, extension(""))
			st.hears("crm: 1001#State#TALKING##Ann Smith", "crm: 1001#State#LOGOUT##Ann Smith")
		})
	})
}

func TestMovesArePaced(t *testing.T) {
	for why, trigger := range map[string]func(*stage){
		"stream lost":    (*stage).loses,
		"out of service": func(st *stage) { st.dies(errUnavailable) },
	} {
		t.Run(why+": a session with a live call goes at once", func(t *testing.T) {
			play(t, func(st *stage) {
				st.atWork()
				trigger(st)
				require.Equal(t, 1, st.b.streams)
			})
		})
		t.Run(why+": one without waits its jitter", func(t *testing.T) {
			play(t, func(st *stage) {
				st.signIn()
				trigger(st)
				st.wait(jitter - time.Millisecond)
				require.Zero(t, st.b.streams)
				st.wait(time.Millisecond)
				require.Equal(t, 1, st.b.streams)
			})
		})
	}
	t.Run("a server that is back after a long time is used at once", func(t *testing.T) {
		play(t, func(st *stage) {
			st.atWork()
			st.down, st.b.down = errDown, errDown
			st.know(true, true)
			close(st.stream.updates)
			st.wait(time.Minute)
			dials := st.dials
			st.down = nil
			st.know(false, true)
			synctest.Wait()
			require.Equal(t, dials+1, st.dials)
		})
	})
	t.Run("a server that drops every stream is not stormed", func(t *testing.T) {
		play(t, func(st *stage) {
			st.atWork()
			for range 10 {
				close(st.stream.updates)
				dials := st.dials
				for st.dials == dials {
					st.wait(100 * time.Millisecond)
				}
			}
			require.Greater(t, time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), 10*time.Second)
		})
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
