package session_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

func TestSignIn(t *testing.T) {
	scene(t, "Connect has no answer and subscribes before anything is asked of Finesse", func(st *stage) {
		st.send("Connect#1001", "crm,secret")
		st.hears()
		require.Equal(st, 1, st.acks)
		require.Equal(st, 1, st.dials)
	})
	scene(t, "Login answers with AgentInfo and State once the agent is signed in", func(st *stage) {
		st.submit("Connect#1001", "crm,secret")
		st.submit("Login#1001", "secret,2001")
		st.hears()
		require.Equal(st, 1, st.acks, "202 is no outcome")
		st.userIs(gc.NotReady, extension("2001"))
		st.hears("crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith")
		require.Equal(st, 2, st.acks)
		require.Equal(st, []gc.Code{"", ""}, st.codes)
	})
	scene(t, "Login of an agent who is signed in already keeps the state and tells the calls", func(st *stage) {
		st.user.State, st.user.Extension = gc.Talking, "2001"
		st.dialogs = []finesse.Dialog{leg("7", "4085551234", gc.Active)}
		st.send("Connect#1001", "crm,secret")
		st.send("Login#1001", "secret,2001")
		st.hears("crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#TALKING##Ann Smith",
			"crm: 1001#DialogStatus#7#ACTIVE#4085551234#…####")
	})
	t.Run("a mobile agent signs in with a number, for each call or for good", func(t *testing.T) {
		for mode, want := range map[string]string{"true": "LOGIN 2001 4085551234 CALL_BY_CALL", "FALSE": "LOGIN 2001 4085551234 NAILED_CONNECTION"} {
			play(t, func(st *stage) {
				st.send("Connect#1001", "crm,secret")
				st.send("MobileAgentLogin#1001", "secret,2001,4085551234,"+mode)
				st.asks(want)
				st.userIs(gc.NotReady, extension("2001"))
				st.hears("crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith")
			})
		}
	})
	scene(t, "a second Connect of the same driver changes nothing", func(st *stage) {
		st.signIn()
		st.send("Connect#1001", "crm,secret")
		st.hears()
		require.Equal(st, 1, st.dials)
		require.Equal(st, 1, st.acks)
	})
	scene(t, "an extension that Finesse refuses later is an error", func(st *stage) {
		st.send("Connect#1001", "crm,secret")
		st.send("Login#1001", "secret,2001")
		st.rejects("req-Login#1001", "/finesse/api/User/1001", "CF_INVALID_LOGON_DEVICE_SPECIFIED")
		st.hears("crm: 1001#Error#CF_INVALID_LOGON_DEVICE_SPECIFIED")
		require.Equal(st, 1, st.free, "the licence is free again")
		st.send("GetState#1001", "")
		st.hears("crm: 1001#State#LOGOUT##Ann Smith")
	})
	scene(t, "more agents than agents.limit are refused", func(st *stage) {
		st.free = 0
		st.send("Connect#1001", "crm,secret")
		st.send("Login#1001", "secret,2001")
		st.hears("crm: 1001#Error#LICENSES_EXCEEDED")
		st.asks()
		st.free = 1
	})
	scene(t, "a sign-out gives the licence back", func(st *stage) {
		st.signIn()
		require.Zero(st, st.free)
		st.send("Logout#1001", "")
		st.userIs(gc.LoggedOut, extension(""))
		st.hears("crm: 1001#State#LOGOUT##Ann Smith")
		require.Equal(st, 1, st.free)
	})
	scene(t, "so does a Login that is answered by an older sign-in, which comes late", func(st *stage) {
		st.user.StateChangeTime = time.Date(2026, 3, 5, 12, 0, 5, 0, time.UTC)
		st.send("Connect#1001", "crm,secret")
		st.send("GetState#1001", "")
		st.send("Login#1001", "secret,2001")
		st.notify(finesse.Update{Event: finesse.Put, User: &finesse.User{LoginID: "1001", State: gc.NotReady, Extension: "2001",
			StateChangeTime: time.Date(2026, 3, 5, 12, 0, 2, 0, time.UTC)}})
		require.Contains(st, st.heard[len(st.heard)-1], "State#LOGOUT")
		require.Equal(st, 2+1, st.acks)
		require.Equal(st, 1, st.free)
		st.heard = nil
	})
	for how, find := range map[string]func(*stage){
		"that GetState finds": func(st *stage) { st.send("GetState#1001", "") },
		"that another Connect finds, while the stream is away": func(st *stage) {
			close(st.stream.updates)
			st.send("Connect#1001", "other,secret")
		},
	} {
		scene(t, "so does a sign-out "+how, func(st *stage) {
			st.signIn()
			st.user.State, st.user.Extension = gc.LoggedOut, ""
			find(st)
			require.Equal(st, 1, st.free)
			st.heard = nil
		})
	}
}

func TestReadsAndNotificationsCross(t *testing.T) {
	scene(t, "what is notified of before a read is not told behind it", func(st *stage) {
		st.signIn()
		at := func(state gc.CallState, second int) finesse.Dialog {
			d := leg("7", "4085551234", state)
			d.Participants[0].StateChangeTime = time.Date(2026, 3, 5, 12, 0, second, 0, time.UTC)
			return d
		}
		st.dialogs = []finesse.Dialog{at(gc.Active, 2)}
		st.send("refresh#1001", "")
		st.heard = nil
		st.dialog(finesse.Post, at(gc.Alerting, 1))
		st.hears()
		st.dialog(finesse.Put, at(gc.Held, 3))
		st.hears("crm: 1001#InboundCall#HELD#DialogID:7#4085551234#…##Ann Smith")
	})
	t.Run("a call that is listed although the agent's part is over, or gone, has ended", func(t *testing.T) {
		for _, listed := range []finesse.Dialog{leg("7", "4085551234", gc.Dropped), {ID: "7", Participants: []finesse.Participant{{MediaAddress: "2002"}}}} {
			play(t, func(st *stage) {
				st.signIn()
				st.dialog(finesse.Post, leg("7", "4085551234", gc.Active))
				st.heard = nil
				st.dialogs = []finesse.Dialog{listed}
				st.send("refresh#1001", "")
				st.hears("crm: 1001#InboundCall#DROPPED#DialogID:7#4085551234#…##Ann Smith",
					"crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith")
				st.dialog(finesse.Delete, leg("7", "4085551234", gc.Dropped))
				st.hears()
			})
		}
	})
	scene(t, "a call that GetState finds before it is notified of is told, and told once", func(st *stage) {
		st.signIn()
		st.dialogs = []finesse.Dialog{leg("7", "4085551234", gc.Alerting)}
		st.send("GetState#1001", "")
		st.hears("crm: 1001#NewInboundCall#4085551234#…#DialogID:7", "crm: 1001#InboundCall#ALERTING#DialogID:7#4085551234#…##Ann Smith",
			"crm: 1001#State#NOT_READY##Ann Smith")
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Alerting))
		st.hears()
	})
	for _, began := range []string{"notified of", "read"} {
		scene(t, "a call that was "+began+" and whose end was read does not come back, but can begin anew", func(st *stage) {
			st.signIn()
			at := func(state gc.CallState, second int) finesse.Dialog {
				d := leg("7", "4085551234", state)
				d.Participants[0].StateChangeTime = time.Date(2026, 3, 5, 12, 0, second, 0, time.UTC)
				return d
			}
			if began == "read" {
				st.dialogs = []finesse.Dialog{at(gc.Alerting, 1)}
				st.send("refresh#1001", "")
			} else {
				st.dialog(finesse.Post, at(gc.Alerting, 1))
			}
			st.dialogs = nil
			st.send("refresh#1001", "")
			st.heard = nil
			if began == "read" {
				st.dialog(finesse.Post, at(gc.Alerting, 1))
			}
			st.dialog(finesse.Put, at(gc.Active, 2))
			st.dialog(finesse.Put, at(gc.Dropped, 3))
			st.hears()
			st.dialog(finesse.Post, at(gc.Active, 4))
			st.hears("crm: 1001#InboundCall#ACTIVE#DialogID:7#4085551234#…##Ann Smith")
		})
	}
	scene(t, "a state notified of before a read is not told behind it, and answers with what was read", func(st *stage) {
		st.signIn()
		at := func(second int) func(*finesse.User) {
			return func(u *finesse.User) { u.StateChangeTime = time.Date(2026, 3, 5, 12, 0, second, 0, time.UTC) }
		}
		st.send("MakeReady#1001", "")
		st.user.State = gc.Reserved
		at(2)(&st.user)
		st.send("refresh#1001", "")
		st.heard = nil
		st.userIs(gc.Ready, at(1))
		st.hears("crm: 1001#State#RESERVED##Ann Smith")
		st.userIs(gc.NotReady, at(1))
		st.hears()
		st.userIs(gc.Talking, at(3))
		st.hears("crm: 1001#State#TALKING##Ann Smith")
		st.userIs(gc.Hold, at(2))
		st.hears()
		st.wait(time.Second)
		st.hears("crm: 1001#State#HOLD##Ann Smith") // which was read: the clock was set back
	})
	scene(t, "a call that ended while it was read does not come back", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Active))
		st.dialogs = []finesse.Dialog{leg("7", "4085551234", gc.Active)}
		st.heard = nil
		st.hold = make(chan struct{})
		st.submit("refresh#1001", "")
		st.dialog(finesse.Delete, leg("7", "4085551234", gc.Dropped))
		close(st.hold)
		st.hears("crm: 1001#InboundCall#DROPPED#DialogID:7#4085551234#…##Ann Smith",
			"crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith")
	})
}

func TestTell(t *testing.T) {
	scene(t, "tells the state and the live calls as they are known", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Active))
		st.dialog(finesse.Post, leg("8", "4085551234", gc.Active))
		st.dialog(finesse.Delete, leg("8", "4085551234", gc.Dropped))
		st.heard = nil
		st.session.Tell()
		st.hears("crm: 1001#State#NOT_READY##Ann Smith", "crm: 1001#DialogStatus#7#ACTIVE#4085551234#…####")
	})
	scene(t, "tells nothing of an agent nobody has connected", func(st *stage) {
		st.send("Connect#1001", "crm,wrong")
		st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED")
		st.session.Tell()
		st.hears()
	})
}

func TestRetell(t *testing.T) {
	// answered has a command answered, and gives the answer.
	answered := func(st *stage, typ, body string, then ...func()) (answer session.Emission) {
		st.emitted = func(e session.Emission) {
			if e.Acknowledge != nil {
				answer = e
			}
		}
		st.send(typ, body)
		for _, f := range then {
			f()
		}
		st.emitted, st.heard, st.acks = nil, nil, 0
		return answer
	}
	scene(t, "tells what has become of a call", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Active))
		held := answered(st, "HoldCall#1001", "7", func() { st.dialog(finesse.Put, leg("7", "4085551234", gc.Held)) })
		st.dialog(finesse.Put, leg("7", "4085551234", gc.Active))
		st.heard = nil
		require.True(st, st.session.Retell(held))
		st.hears("crm: 1001#DialogStatus#7#ACTIVE#4085551234#…####")
		require.Equal(st, 1, st.acks)
		st.dialog(finesse.Delete, leg("7", "4085551234", gc.Dropped))
		st.heard = nil
		require.True(st, st.session.Retell(held))
		st.hears("crm: 1001#State#NOT_READY##Ann Smith")
	})
	scene(t, "tells the state the agent has by now", func(st *stage) {
		st.signIn()
		state := answered(st, "GetState#1001", "")
		st.userIs(gc.Ready)
		st.heard = nil
		require.True(st, st.session.Retell(state))
		st.hears("crm: 1001#State#READY##Ann Smith")
	})
	scene(t, "tells a driver that the agent is another's", func(st *stage) {
		st.signIn()
		state := answered(st, "GetState#1001", "")
		st.send("Connect#1001", "other,secret")
		st.heard = nil
		require.True(st, st.session.Retell(state))
		st.hears("crm: 1001#State#RE_LOGIN")
	})
	scene(t, "repeats what was said of a team's member", func(st *stage) {
		st.signIn()
		st.member = finesse.User{LoginID: "1005", FirstName: "Bob", State: gc.Ready}
		member := answered(st, "getteamuserstate#1001", "1005")
		require.True(st, st.session.Retell(member))
		st.hears("crm: " + shorten(st.text(member.Event)))
	})
	scene(t, "is too late for a session that has ended", func(st *stage) {
		st.signIn()
		state := answered(st, "GetState#1001", "")
		st.session.Drain(st.Context())
		require.False(st, st.session.Retell(state))
		st.hears()
	})
}

func TestWrongPasswords(t *testing.T) {
	scene(t, "are tried once, and not again by the Login behind the Connect", func(st *stage) {
		st.replyTo = ""
		st.submit("Connect#1001", "crm,wrong")
		st.submit("Login#1001", "wrong,2001")
		st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED", "crm: 1001#Error#SUBSCRIPTION_FAILED")
		st.asks()
		require.Zero(st, st.dials)
		require.Equal(st, 1, st.refusals)
		require.Equal(st, 2, st.acks)
	})
	scene(t, "never disturb a session that works", func(st *stage) {
		st.signIn()
		for _, command := range []string{"Connect#1001 thief,wrong", "Login#1001 wrong,2001", "Login#1001 wrong,2002", "MobileAgentLogin#1001 wrong,2001,4085551234,true"} {
			typ, body, _ := strings.Cut(command, " ")
			st.hold = make(chan struct{}) // and a notification comes before Finesse's refusal
			st.submit(typ, body)
			st.userIs(gc.Ready, extension("2001"))
			close(st.hold)
			synctest.Wait()
			require.Equal(st, gc.SubscriptionFailed, st.codes[len(st.codes)-1], command)
			st.asks()
			st.heard = nil
			st.userIs(gc.NotReady)
			st.hears("crm: 1001#State#NOT_READY##Ann Smith")
		}
		require.Zero(st, st.free, "one licence is taken")
	})
	scene(t, "are not told where the agent works: who hears it there would give up", func(st *stage) {
		st.signIn()
		st.send("Connect#1001", "crm,wrong")
		st.hears(": 1001#Error#SUBSCRIPTION_FAILED")
		require.Equal(st, 1, st.acks)
	})
	scene(t, "one that was right and is not any more is told there", func(st *stage) {
		st.signIn()
		st.password = "new"
		st.send("Connect#1001", "crm,secret")
		st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED")
	})
	scene(t, "a thief who repeats one does not lock the account of a session that works", func(st *stage) {
		st.signIn()
		for range 10 {
			st.send("Connect#1001", "thief,wrong")
			st.hears("thief: 1001#Error#SUBSCRIPTION_FAILED")
		}
		require.Equal(st, 1, st.refusals)
		st.userIs(gc.Ready)
		st.hears("crm: 1001#State#READY##Ann Smith")
	})
	scene(t, "a password that changed ends the reconnecting until the driver connects again", func(st *stage) {
		st.signIn()
		st.password = "new"
		close(st.stream.updates)
		st.wait(time.Minute)
		st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED")
		st.send("GetState#1001", "")
		st.hears("crm: 1001#State#RE_LOGIN")
		require.Equal(st, 1, st.dials)
		st.send("Connect#1001", "crm,new")
		st.send("GetState#1001", "")
		st.hears("crm: 1001#State#NOT_READY##Ann Smith")
	})
}

func TestAPasswordRefusedToACommandIsNotUsedAgain(t *testing.T) {
	play(t, func(st *stage) {
		st.signIn()
		st.password = "new"
		st.send("MakeReady#1001", "")
		st.send("MakeReady#1001", "")
		st.send("Login#1001", "secret,2001")
		st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED", "crm: 1001#State#RE_LOGIN", "crm: 1001#Error#SUBSCRIPTION_FAILED")
		st.asks("READY ")
		require.True(t, st.stream.closed)
		st.send("Connect#1001", "crm,new")
		st.send("GetState#1001", "")
		st.hears("crm: 1001#State#NOT_READY##Ann Smith")
	})
}

func TestARefusedPasswordIsNotUsedAgain(t *testing.T) {
	// counted counts the refusals.
	counted := func(st *stage) *int {
		n := new(int)
		st.refused = func(gc.Secret, time.Time) { *n++ }
		return n
	}
	scene(t, "by a command that waits for its outcome", func(st *stage) {
		st.signIn()
		refusals := counted(st)
		st.send("MakeReady#1001", "")
		st.password = "new"
		st.send("MakeNotReady#1001", "")
		st.wait(time.Minute)
		st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED", "crm: 1001#Error#SUBSCRIPTION_FAILED")
		require.Equal(st, 1, *refusals)
	})
	scene(t, "after a Login with the new one, which is used from then on", func(st *stage) {
		st.send("Connect#1001", "crm,secret")
		refusals := counted(st)
		st.password = "new"
		st.send("Login#1001", "new,2001")
		st.user.State, st.user.Extension = gc.NotReady, "2001" // and nothing is notified
		st.wait(16 * time.Second)
		st.hears("crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith")
		require.Zero(st, *refusals)
	})
	for command, body := range map[string]string{"MakeReady": "", "Login": "secret,2001"} {
		scene(t, "although the "+command+" that met it has its answer", func(st *stage) {
			st.signIn()
			refusals := counted(st)
			st.hold = make(chan struct{})
			st.send(command+"#1001", body)
			st.rejects("", "/finesse/api/User/1001", "CF_RESOURCE_BUSY")
			st.password = "new"
			st.turn()
			close(st.hold)
			st.hears("crm: 1001#Error#CF_RESOURCE_BUSY", "crm: 1001#Error#SUBSCRIPTION_FAILED")
			close(st.stream.updates)
			st.wait(time.Minute)
			require.Equal(st, 1, *refusals)
		})
	}
	scene(t, "although the command that was read for has its answer", func(st *stage) {
		st.signIn()
		refusals := counted(st)
		st.send("MakeReady#1001", "")
		st.hold = make(chan struct{})
		st.wait(16 * time.Second)
		st.userIs(gc.Ready)
		st.password = "new"
		st.turn()
		close(st.hold)
		st.hears("crm: 1001#State#READY##Ann Smith", "crm: 1001#Error#SUBSCRIPTION_FAILED")
		st.send("GetState#1001", "")
		st.hears("crm: 1001#State#RE_LOGIN")
		require.Equal(st, 1, *refusals)
	})
	scene(t, "when it is met by the reading that follows a lost answer; the driver is told", func(st *stage) {
		st.signIn()
		refusals := counted(st)
		st.answer = func(string) error {
			st.password = "new"
			return errNoAnswer
		}
		st.send("Login#1001", "secret,2002")
		st.send("GetState#1001", "")
		st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED", "crm: 1001#Error#NOT_REACHABLE", "crm: 1001#State#RE_LOGIN")
		st.wait(time.Minute)
		require.Equal(st, 1, *refusals)
	})
	for code, answer := range map[gc.Code]func(st *stage){
		gc.AccountLocked: func(st *stage) {
			st.send("MakeReady#1001", "")
			st.rejects("req-MakeReady#1001", "/finesse/api/User/1001", "CF_AGENT_ACCOUNT_LOCKED_OUT")
		},
		gc.SubscriptionFailed: func(st *stage) {
			st.answer = func(string) error { return gc.Errorf(gc.SubscriptionFailed, "finesse", "403") }
			st.send("MakeReady#1001", "")
		},
	} {
		scene(t, "but one is not refused for an error with the code "+string(code)+" that says nothing of it", func(st *stage) {
			st.signIn()
			answer(st)
			st.hears("crm: 1001#Error#" + string(code))
			st.userIs(gc.Ready)
			st.hears("crm: 1001#State#READY##Ann Smith")
			require.False(st, st.stream.closed)
		})
	}
	t.Run("but not for an error that comes later, whatever it is called: it answers its command", func(t *testing.T) {
		for _, code := range []string{"CF_AGENT_ACCOUNT_LOCKED_OUT", "CF_INVALID_PASSWORD_SPECIFIED", "CF_INVALID_AGENT_ID_OR_PASSWORD_SPECIFIED", "CF_SECURITY_VIOLATION"} {
			for name, x := range map[string]struct{ body, source string }{
				"MakeCall":  {"5550", "/finesse/api/User/1001/Dialogs"},
				"HoldCall":  {"7", "/finesse/api/Dialog/7"},
				"MakeReady": {"", "/finesse/api/User/1001"},
				"Login":     {"secret,2002", "/finesse/api/User/1001"},
			} {
				for _, id := range []finesse.RequestID{"", finesse.RequestID("req-" + name + "#1001")} {
					play(t, func(st *stage) {
						st.signIn()
						st.dialogs = []finesse.Dialog{leg("7", "4085551234", gc.Active)}
						st.dialog(finesse.Post, st.dialogs[0])
						st.heard = nil
						st.send(name+"#1001", x.body)
						st.notify(finesse.Update{Event: finesse.Post, RequestID: id, Source: x.source, Error: &finesse.APIError{Type: "Authorization Failure", Message: code}})
						st.hears("crm: 1001#Error#" + code)
						st.send("GetState#1001", "")
						st.dialog(finesse.Put, leg("7", "4085551234", gc.Held))
						st.hears("crm: 1001#State#NOT_READY##Ann Smith", "crm: 1001#InboundCall#HELD#DialogID:7#4085551234#…##Ann Smith")
						require.False(st, st.stream.closed)
						require.Zero(st, st.free)
					})
				}
			}
		}
	})
	scene(t, "and one that Finesse refuses for once works again when the driver repeats it after ten seconds", func(st *stage) {
		st.signIn()
		st.password = "its directory is away"
		st.send("MakeReady#1001", "")
		st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED")
		st.password = "secret"
		st.wait(9 * time.Second)
		st.send("Connect#1001", "crm,secret")
		st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED")
		st.wait(time.Second)
		st.send("Connect#1001", "crm,secret")
		st.send("Login#1001", "secret,2001")
		st.hears("crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith")
		require.Equal(st, 1, st.refusals)
	})
	scene(t, "and many commands whose outcome is overdue ask with it once", func(st *stage) {
		st.signIn()
		for _, id := range []gc.DialogID{"1", "2", "3", "4", "5", "6"} {
			st.dialog(finesse.Post, leg(id, "4085551234", gc.Active))
			st.send("HoldCall#1001", string(id))
		}
		st.heard = nil
		refusals := counted(st)
		st.password = "new"
		st.wait(16 * time.Second)
		require.Equal(st, 6, len(st.codes))
		require.Equal(st, 1, *refusals)
		st.heard = nil
	})
}

// An outcome that is overdue is read while GetState reads too. What was asked
// first may be answered last.
func TestAReadingThatIsOlderThanAnotherIsNotTold(t *testing.T) {
	play(t, func(st *stage) {
		st.signIn()
		st.send("MakeReady#1001", "")
		st.wait(14 * time.Second)
		first, second := make(chan struct{}), make(chan struct{})
		st.hold = first
		st.submit("GetState#1001", "")
		synctest.Wait()
		st.hold = second
		st.wait(2 * time.Second)
		st.heard = nil
		now := time.Now()
		st.user.State, st.user.StateChangeTime = gc.Reserved, now
		close(second)
		synctest.Wait()
		st.user.State, st.user.StateChangeTime = gc.Ready, now.Add(-time.Second)
		close(first)
		st.hears("crm: 1001#State#RESERVED##Ann Smith", "crm: 1001#Error#PLEASE_RETRY", "crm: 1001#State#RESERVED##Ann Smith")
		st.send("GetState#1001", "") // now it is
		st.hears("crm: 1001#State#READY##Ann Smith")
	})
}

// While a stream is opened again commands go on. What one of them has told may
// be newer than what is read with the stream.
func TestWhatIsReadWithAStreamIsNotOlderThanWhatWasTold(t *testing.T) {
	play(t, func(st *stage) {
		st.signIn()
		step := func() chan struct{} { st.hold = make(chan struct{}); return st.hold }
		proof := step()
		close(st.stream.updates)
		st.wait(2 * jitter) // the attempt has begun
		st.hold = nil
		st.user.State = gc.Reserved
		st.send("GetState#1001", "")
		st.hears("crm: 1001#State#RESERVED##Ann Smith")
		user := step()
		close(proof)
		synctest.Wait()
		dialogs := step()
		st.user.State = gc.Ready // as it was when the stream was new
		close(user)
		synctest.Wait()
		st.hold = nil
		st.user.State = gc.Reserved
		close(dialogs)
		st.hears()
		st.userIs(gc.Talking)
		st.hears("crm: 1001#State#TALKING##Ann Smith")
	})
}

func TestStates(t *testing.T) {
	scene(t, "a state is the answer when Finesse notifies it", func(st *stage) {
		st.signIn()
		st.send("MakeReady#1001", "")
		st.hears()
		require.Zero(st, st.acks)
		st.userIs(gc.Ready)
		st.hears("crm: 1001#State#READY##Ann Smith")
		require.Equal(st, 1, st.acks)
		st.asks("READY ")
	})
	scene(t, "reason codes go to Finesse and come back", func(st *stage) {
		st.signIn()
		st.send("MakeNotReadyWithReason#1001", "8")
		st.userIs(gc.NotReady, reason("8"))
		st.hears("crm: 1001#State#NOT_READY#8#Ann Smith")
		st.asks("NOT_READY 8")
	})
	scene(t, "what is so already is answered without a notification", func(st *stage) {
		st.signIn()
		st.send("MakeNotReady#1001", "")
		st.hears("crm: 1001#State#NOT_READY##Ann Smith")
	})
	scene(t, "what is no longer so when Finesse accepts it waits for a notification", func(st *stage) {
		st.signIn()
		st.hold = make(chan struct{})
		st.send("MakeNotReady#1001", "")
		st.userIs(gc.Talking)
		close(st.hold)
		st.hears("crm: 1001#State#TALKING##Ann Smith")
		require.Zero(st, st.acks)
		st.userIs(gc.Talking, pending(gc.NotReady))
		st.hears("crm: 1001#State#TALKING##Ann Smith")
		require.Equal(st, 1, st.acks)
	})
	scene(t, "during a call the state becomes pending", func(st *stage) {
		st.signIn()
		st.userIs(gc.Talking)
		st.send("MakeReady#1001", "")
		st.userIs(gc.Talking, pending(gc.Ready))
		st.hears("crm: 1001#State#TALKING##Ann Smith", "crm: 1001#State#TALKING##Ann Smith")
		require.Equal(st, 1, st.acks)
	})
	scene(t, "a state notified twice is told once", func(st *stage) {
		st.signIn()
		st.userIs(gc.Ready)
		st.userIs(gc.Ready)
		st.hears("crm: 1001#State#READY##Ann Smith")
	})
	scene(t, "a notification may overtake the answer to the request", func(st *stage) {
		st.signIn()
		st.hold = make(chan struct{})
		st.send("MakeReady#1001", "")
		st.userIs(gc.Ready)
		st.hears("crm: 1001#State#READY##Ann Smith")
		close(st.hold)
		st.hears()
		require.Equal(st, 1, st.acks)
	})
	scene(t, "an error without request id belongs to the oldest command on the object", func(st *stage) {
		st.signIn()
		st.send("MakeReady#1001", "")
		st.rejects("", "/finesse/api/User/1001", "CF_INVALID_OBJECT_STATE")
		st.hears("crm: 1001#Error#CF_INVALID_OBJECT_STATE")
	})
	scene(t, "an error of somebody else's request is not told", func(st *stage) {
		st.signIn()
		st.send("MakeReady#1001", "")
		st.rejects("desktop-17", "/finesse/api/User/1001", "CF_INVALID_OBJECT_STATE")
		st.hears()
	})
	scene(t, "a lost notification is made good by reading", func(st *stage) {
		st.signIn()
		st.send("MakeReady#1001", "")
		st.user.State = gc.Ready
		st.wait(16 * time.Second)
		st.hears("crm: 1001#State#READY##Ann Smith")
		require.Equal(st, 1, st.acks)
	})
	scene(t, "a request that Finesse forgets ends in PLEASE_RETRY", func(st *stage) {
		st.signIn()
		st.send("MakeReady#1001", "")
		st.wait(14 * time.Second)
		st.hears()
		st.wait(2 * time.Second)
		st.hears("crm: 1001#Error#PLEASE_RETRY")
		require.Equal(st, []gc.Code{gc.PleaseRetry}, st.codes)
	})
	scene(t, "an update that leaves things out clears nothing", func(st *stage) {
		st.signIn()
		st.notify(finesse.Update{User: &finesse.User{LoginID: "1001", State: gc.Ready}})
		st.hears("crm: 1001#State#READY##Ann Smith")
		st.send("MakeCall#1001", "1002")
		st.asks("MAKE_CALL 2001 1002")
	})
	scene(t, "another agent's notification is ignored", func(st *stage) {
		st.signIn()
		st.notify(finesse.Update{User: &finesse.User{LoginID: "1002", State: gc.Ready}})
		st.hears()
	})
	scene(t, "commands keep their order while Finesse is slow", func(st *stage) {
		st.signIn()
		st.hold = make(chan struct{})
		st.submit("MakeReady#1001", "")
		st.submit("MakeNotReady#1001", "")
		st.submit("reasoncodelogout#1001", "")
		synctest.Wait()
		st.asks("READY ")
		close(st.hold)
		synctest.Wait()
		st.asks("NOT_READY ")
		st.hears("crm: 1001#State#NOT_READY##Ann Smith", "crm: 1001#ReasonCodes#Category:LOGOUT#Codes:8#Labels:Lunch LOGOUT#Ann Smith")
	})
}

func TestCalls(t *testing.T) {
	customer := func(state gc.CallState) finesse.Participant {
		return finesse.Participant{MediaAddress: "4085551234", State: state}
	}
	scene(t, "one call is made at a time, so that none answers the command of another", func(st *stage) {
		st.signIn()
		st.send("MakeCall#1001", "1002")
		st.send("MakeCall#1001", "1003")
		st.asks("MAKE_CALL 2001 1002")
		st.wait(16 * time.Second) // Finesse forgets the first
		st.hears("crm: 1001#Error#PLEASE_RETRY")
		st.asks("MAKE_CALL 2001 1003")
		st.dialog(finesse.Post, leg("7", "2001", gc.Initiating))
		st.hears("crm: 1001#InboundCall#INITIATING#DialogID:7#2001#…##Ann Smith")
		require.Equal(st, 2, st.acks)
	})
	scene(t, "an inbound call from ringing to its end", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Alerting, customer(gc.Initiated)))
		st.hears("crm: 1001#NewInboundCall#4085551234#…#DialogID:7", "crm: 1001#InboundCall#ALERTING#DialogID:7#4085551234#…##Ann Smith")
		st.send("AnswerCall#1001", "7")
		st.dialog(finesse.Put, leg("7", "4085551234", gc.Active, customer(gc.Active)))
		st.hears("crm: 1001#InboundCall#ACTIVE#DialogID:7#4085551234#…##Ann Smith")
		st.send("HoldCall#1001", "7")
		st.dialog(finesse.Put, leg("7", "4085551234", gc.Held, customer(gc.Active)))
		st.hears("crm: 1001#InboundCall#HELD#DialogID:7#4085551234#…##Ann Smith")
		st.send("RetrieveCall#1001", "7")
		st.dialog(finesse.Put, leg("7", "4085551234", gc.Active, customer(gc.Active)))
		st.hears("crm: 1001#InboundCall#ACTIVE#DialogID:7#4085551234#…##Ann Smith")
		st.send("ReleaseCall#1001", "7")
		st.dialog(finesse.Put, leg("7", "4085551234", gc.Dropped, customer(gc.Dropped)))
		st.dialog(finesse.Delete, leg("7", "4085551234", gc.Dropped, customer(gc.Dropped)))
		st.hears("crm: 1001#InboundCall#DROPPED#DialogID:7#4085551234#…##Ann Smith")
		st.asks("ANSWER 7 2001", "HOLD 7 2001", "RETRIEVE 7 2001", "DROP 7 2001")
		require.Equal(st, 4, st.acks)
	})
	t.Run("DELETE ends a call whatever its state says", func(t *testing.T) {
		for _, state := range []gc.CallState{gc.Alerting, gc.Active, gc.Initiating, gc.WrapUp} {
			play(t, func(st *stage) {
				st.signIn()
				st.dialog(finesse.Post, leg("7", "4085551234", state))
				st.heard = nil
				st.dialog(finesse.Delete, leg("7", "4085551234", state))
				st.hears("crm: 1001#InboundCall#DROPPED#DialogID:7#4085551234#…##Ann Smith")
			})
		}
	})
	scene(t, "wrap-up is a state of its own; the end comes with DELETE", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Active))
		st.send("ReleaseCall#1001", "7")
		st.dialog(finesse.Put, leg("7", "4085551234", gc.WrapUp))
		st.dialog(finesse.Delete, leg("7", "4085551234", gc.WrapUp))
		st.hears("crm: 1001#InboundCall#ACTIVE#DialogID:7#4085551234#…##Ann Smith",
			"crm: 1001#InboundCall#WRAP_UP#DialogID:7#4085551234#…##Ann Smith",
			"crm: 1001#InboundCall#DROPPED#DialogID:7#4085551234#…##Ann Smith")
	})
	scene(t, "the same notification twice is told once", func(st *stage) {
		st.signIn()
		for range 2 {
			st.dialog(finesse.Post, leg("7", "4085551234", gc.Alerting))
		}
		st.hears("crm: 1001#NewInboundCall#4085551234#…#DialogID:7", "crm: 1001#InboundCall#ALERTING#DialogID:7#4085551234#…##Ann Smith")
		for range 2 {
			st.dialog(finesse.Post, leg("7", "4085551234", gc.Dropped))
		}
		for range 2 {
			st.dialog(finesse.Delete, leg("7", "4085551234", gc.Dropped))
		}
		st.hears("crm: 1001#InboundCall#DROPPED#DialogID:7#4085551234#…##Ann Smith")
	})
	scene(t, "an outgoing call answers MakeCall when Finesse goes off-hook", func(st *stage) {
		st.signIn()
		st.send("MakeCall#1001", "4085559999")
		st.dialog(finesse.Post, leg("8", "2001", gc.Initiating))
		require.Equal(st, 1, st.acks)
		st.dialog(finesse.Put, leg("8", "2001", gc.Initiated))
		st.hears("crm: 1001#InboundCall#INITIATING#DialogID:8#2001#…##Ann Smith", "crm: 1001#InboundCall#INITIATED#DialogID:8#2001#…##Ann Smith")
	})
	scene(t, "a call that rings meanwhile is not the answer to MakeCall", func(st *stage) {
		st.signIn()
		st.send("MakeCall#1001", "4085559999")
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Alerting))
		require.Zero(st, st.acks)
	})
	scene(t, "a busy number is FAILED with its cause", func(st *stage) {
		st.signIn()
		d := leg("8", "2001", gc.Failed)
		d.Participants[0].StateCause = "BUSY"
		st.dialog(finesse.Post, d)
		st.hears("crm: 1001#InboundCall#FAILED#DialogID:8#BUSY#Ann Smith")
	})
	scene(t, "a withheld number leaves the caller empty", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, leg("7", "", gc.Alerting))
		st.hears("crm: 1001#NewInboundCall##…#DialogID:7", "crm: 1001#InboundCall#ALERTING#DialogID:7##…##Ann Smith")
	})
	scene(t, "an unknown call is NO_DIALOG_ID and nothing is asked of Finesse", func(st *stage) {
		st.signIn()
		st.send("AnswerCall#1001", "99")
		st.hears("crm: 1001#Error#NO_DIALOG_ID")
		st.asks()
	})
	scene(t, "MakeCall of an agent who is not signed in asks for RE_LOGIN", func(st *stage) {
		st.send("Connect#1001", "crm,secret")
		st.send("MakeCall#1001", "1002")
		st.hears("crm: 1001#State#RE_LOGIN")
		st.asks()
	})
	scene(t, "an action that Finesse refuses later is an error", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Alerting))
		st.heard = nil
		st.send("HoldCall#1001", "7")
		st.rejects("req-HoldCall#1001", "/finesse/api/Dialog/7", "INVALID_ACTION HOLD on extension 2001")
		st.hears("crm: 1001#Error#CF_INVALID_OBJECT_STATE")
	})
	scene(t, "getdialogstate answers with the agent's part, or NOT_FOUND", func(st *stage) {
		st.signIn()
		st.dialogs = []finesse.Dialog{leg("7", "4085551234", gc.Held)}
		st.send("getdialogstate#1001", "7")
		st.send("getdialogstate#1001", "8")
		st.hears("crm: 1001#DialogState#HELD#7#Ann Smith#4085551234#…####", "crm: 1001#DialogState#NOT_FOUND#8#Ann Smith######")
	})
}

func TestConsultations(t *testing.T) {
	// consulting begins with call 7 from a customer and consults 2002 about it.
	consulting := func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Active))
		st.heard = nil
		st.send("ConsultCall#1001", "2002,7")
		st.dialog(finesse.Put, leg("7", "4085551234", gc.Held))
		require.Zero(st, st.acks, "the held call is not the outcome")
		d := leg("8", "2001", gc.Initiating)
		d.AssociatedDialog, d.CallType, d.ToAddress = "7", "CONSULT", "2002"
		st.dialog(finesse.Post, d)
		st.hears("crm: 1001#InboundCall#HELD#DialogID:7#4085551234#…##Ann Smith", "crm: 1001#ConsultCall#INITIATING#AssDialogID:8#2001#…##Ann Smith")
		require.Equal(st, 1, st.acks)
		d.Participants[0].State = gc.Active
		st.dialog(finesse.Put, d)
		st.hears("crm: 1001#ConsultCall#ACTIVE#AssDialogID:8#2001#…##Ann Smith")
		st.asks("CONSULT_CALL 7 2001 2002")
		st.dialogs = []finesse.Dialog{leg("7", "4085551234", gc.Held), d}
	}
	scene(t, "end for the agent with a transfer, first the call and then the consultation", func(st *stage) {
		consulting(st)
		st.send("TransferCall#1001", "2002,7")
		st.dialog(finesse.Delete, leg("7", "4085551234", gc.Dropped))
		st.dialog(finesse.Delete, leg("8", "2001", gc.Dropped))
		st.hears("crm: 1001#InboundCall#DROPPED#DialogID:7#4085551234#…##Ann Smith", "crm: 1001#ConsultCall#DROPPED#AssDialogID:8#2001#…##Ann Smith")
		st.asks("TRANSFER 7 2001")
		require.Equal(st, 2, st.acks)
	})
	scene(t, "become a conference", func(st *stage) {
		consulting(st)
		st.send("ConferenceCall#1001", ",7")
		st.dialog(finesse.Put, leg("7", "4085551234", gc.Active, finesse.Participant{MediaAddress: "2002"}, finesse.Participant{MediaAddress: "4085551234"}))
		st.dialog(finesse.Delete, leg("8", "2001", gc.Dropped))
		st.hears("crm: 1001#InboundCall#ACTIVE#DialogID:7#4085551234#…##Ann Smith", "crm: 1001#ConsultCall#DROPPED#AssDialogID:8#2001#…##Ann Smith")
		st.asks("CONFERENCE 7 2001")
	})
	scene(t, "are told together with the call they are about", func(st *stage) {
		consulting(st)
		st.user.State = gc.Hold
		st.dialogs[0].Participants[0].Actions = []string{"RETRIEVE", "DROP", "TRANSFER"}
		const none = "crm: 1001#Control#1,false|2,false|3,false|4,false|5,false|6,false|7,false|8,false|9,false|10,false|11,false|12,false"
		const retrieve = "crm: 1001#Control#1,false|2,false|3,true|4,true|5,false|6,true|7,false|8,false|9,false|10,false|11,false|12,false"
		st.send("getdialogstate#1001", "7")
		st.send("getdialogstatecontrols#1001", "8")
		st.send("getdialogstatecontrols#1001", "7")
		st.send("refresh#1001", "")
		st.hears("crm: 1001#DialogState#HELD#7#Ann Smith#4085551234#…#8#ACTIVE#2001#…",
			"crm: 1001#ConsultCall#DialogState#ACTIVE#8#Ann Smith", none,
			"crm: 1001#InboundCall#DialogState#HELD#7#Ann Smith", retrieve,
			"crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#HOLD##Ann Smith",
			"crm: 1001#DialogStatus#7#HELD#4085551234#…#8#ACTIVE#2001#…")
	})
	for about, rule := range map[gc.DialogID]string{"7": "two about one call", "8": "one about another"} {
		scene(t, "are all told, also "+rule, func(st *stage) {
			consulting(st)
			failed := leg("9", "2001", gc.Failed)
			failed.AssociatedDialog, failed.CallType = about, "CONSULT"
			st.dialogs = append(st.dialogs, failed)
			st.send("refresh#1001", "")
			st.hears("crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith",
				"crm: 1001#DialogStatus#7#HELD#4085551234#…#8#ACTIVE#2001#…", "crm: 1001#DialogStatus#9#FAILED#2001#…####")
		})
	}
	scene(t, "of somebody else with the agent are ordinary calls", func(st *stage) {
		st.signIn()
		d := leg("8", "2002", gc.Alerting)
		d.AssociatedDialog, d.CallType = "7", "CONSULT_OFFERED"
		st.dialog(finesse.Post, d)
		st.hears("crm: 1001#NewInboundCall#2002#…#DialogID:8", "crm: 1001#InboundCall#ALERTING#DialogID:8#2002#…##Ann Smith")
	})
	scene(t, "about an unknown call are NO_DIALOG_ID", func(st *stage) {
		st.signIn()
		for _, c := range []string{"ConsultCall", "Transfer_sst", "TransferCall", "Conferencecall"} {
			st.send(c+"#1001", "2002,99")
			st.hears("crm: 1001#Error#NO_DIALOG_ID")
		}
		st.asks()
	})
}

func TestCallData(t *testing.T) {
	scene(t, "a blind transfer ends the call", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Active))
		st.heard = nil
		st.send("Transfer_sst#1001", "2002,7")
		st.dialog(finesse.Put, leg("7", "4085551234", gc.Held))
		st.dialog(finesse.Delete, leg("7", "4085551234", gc.Held))
		st.hears("crm: 1001#InboundCall#HELD#DialogID:7#4085551234#…##Ann Smith", "crm: 1001#InboundCall#DROPPED#DialogID:7#4085551234#…##Ann Smith")
		st.asks("TRANSFER_SST 7 2001 2002")
		require.Equal(st, 1, st.acks)
	})
	scene(t, "a variable is told although the state did not change", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Active))
		st.heard = nil
		st.send("update_call_variable#1001", "7,callVariable4,a,b ")
		d := leg("7", "4085551234", gc.Active)
		st.dialog(finesse.Put, d)
		require.Zero(st, st.acks)
		d.Variables = []gc.CallVariable{{Name: "callVariable4", Value: "a,b"}}
		st.dialog(finesse.Put, d)
		st.hears("crm: 1001#InboundCall#ACTIVE#DialogID:7#4085551234#…##Ann Smith")
		st.asks(`UPDATE_CALL_DATA 7 "" [{callVariable4 a,b}]`)
	})
	scene(t, "a variable's name compares without case, and Finesse gets its own", func(st *stage) {
		st.signIn()
		d := leg("7", "4085551234", gc.Active)
		d.Variables = []gc.CallVariable{{Name: "user.Account[0]", Value: "1"}}
		st.dialog(finesse.Post, d)
		st.heard = nil
		st.send("update_call_variable#1001", "7,USER.account[0],2")
		d.Variables = []gc.CallVariable{{Name: "user.Account[0]", Value: "2"}}
		st.dialog(finesse.Put, d)
		require.Len(st, st.heard, 1)
		require.Equal(st, 1, st.acks)
		st.heard = nil
		st.asks(`UPDATE_CALL_DATA 7 "" [{user.Account[0] 2}]`)
	})
	scene(t, "a wrap-up reason goes by label or key, and has no answer", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, leg("7", "4085551234", gc.WrapUp))
		st.heard = nil
		for i, reason := range []string{"6", "Sold", "5", "Sold, delivery later", "Sold_ delivery later"} {
			st.send("wrapup#1001", reason+",7")
			st.dialog(finesse.Put, leg("7", "4085551234", gc.WrapUp))
			require.Equal(st, i+1, st.acks)
		}
		st.hears()
		later := `UPDATE_CALL_DATA 7 "Sold, delivery later" []`
		st.asks(`UPDATE_CALL_DATA 7 "Sold" []`, `UPDATE_CALL_DATA 7 "Sold" []`, later, later, later)
		st.send("wrapup#1001", "Sold,8")
		st.hears("crm: 1001#Error#NO_DIALOG_ID")
		for _, unknown := range []string{"7", "Happy & gone", "sold", "Sold. delivery later"} {
			st.send("wrapup#1001", unknown+",7")
			st.hears("crm: 1001#Error#PLEASE_RETRY")
		}
		st.asks()
	})
	scene(t, "a wrap-up reason that Finesse refuses is answered so, whatever is notified of the call meanwhile", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Active))
		st.heard = nil
		st.answer = func(string) error { return gc.Errorf(gc.GeneralError, "finesse", "400") }
		st.hold = make(chan struct{})
		st.send("wrapup#1001", "Sold,7")
		st.dialog(finesse.Put, leg("7", "4085551234", gc.Held))
		require.Zero(st, st.acks)
		close(st.hold)
		st.hears("crm: 1001#InboundCall#HELD#DialogID:7#4085551234#…##Ann Smith", "crm: 1001#Error#GENERAL_ERROR")
	})
	scene(t, "what is notified before Finesse has taken a wrap-up reason is its outcome then", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, leg("7", "4085551234", gc.WrapUp))
		st.heard = nil
		st.hold = make(chan struct{})
		st.send("wrapup#1001", "Sold,7")
		st.dialog(finesse.Put, leg("7", "4085551234", gc.WrapUp))
		close(st.hold)
		st.hears()
		require.Equal(st, 1, st.acks)
	})
	scene(t, "the reasons are listed", func(st *stage) {
		st.signIn()
		st.send("wrapupreasoncode#1001", "")
		st.hears("crm: 1001#ReasonCodes#Category:WrapUp#Codes:5,6#Labels:Sold_ delivery later,Sold#Ann Smith")
	})
	scene(t, "a label from the list that the driver has heard is not asked for again", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, leg("7", "4085551234", gc.WrapUp))
		st.send("wrapupreasoncode#1001", "")
		st.down = errNoAnswer // for reading; what changes something is sent all the same
		st.heard = nil
		st.send("wrapup#1001", "Sold_ delivery later,7")
		st.asks(`UPDATE_CALL_DATA 7 "Sold, delivery later" []`)
	})
	scene(t, "participants are listed", func(st *stage) {
		st.signIn()
		st.dialogs = []finesse.Dialog{leg("7", "4085551234", gc.Active, finesse.Participant{MediaAddress: "4085551234"})}
		st.send("getDialogParticipants#1001", "7")
		st.send("getDialogParticipants#1001", "8")
		st.hears("crm: 1001#ConferenceParticipants#2001,4085551234", "crm: 1001#Error#NO_DIALOG_ID")
	})
	scene(t, "work after the call is asked for during it", func(st *stage) {
		st.signIn()
		st.userIs(gc.Talking)
		st.heard = nil
		st.send("makeworkready#1001", "")
		st.send("makeworknotready#1001", "")
		st.asks("WORK_READY ", "WORK ")
		st.userIs(gc.WorkReady)
		st.userIs(gc.Work)
		st.hears("crm: 1001#State#WORK_READY##Ann Smith", "crm: 1001#State#WORK##Ann Smith")
		require.Equal(st, 2, st.acks)
	})
	scene(t, "a forced sign-out makes a ready agent not ready first", func(st *stage) {
		st.signIn()
		st.userIs(gc.Ready)
		st.heard = nil
		st.send("force_logout#1001", "")
		st.asks("NOT_READY ")
		st.userIs(gc.NotReady)
		st.asks("LOGOUT ")
		st.userIs(gc.LoggedOut, extension(""))
		st.hears("crm: 1001#State#LOGOUT##Ann Smith")
		require.Equal(st, 1, st.acks)
	})
}

func TestACommandThatFailsHalfway(t *testing.T) {
	scene(t, "a Login whose calls cannot be read tells the state", func(st *stage) {
		st.send("Connect#1001", "crm,secret")
		st.send("Login#1001", "secret,2001")
		st.readErr = gc.Errorf(gc.GeneralError, "finesse", "500")
		st.userIs(gc.NotReady, extension("2001"))
		st.hears("crm: 1001#State#NOT_READY##Ann Smith", "crm: 1001#Error#GENERAL_ERROR")
	})
	scene(t, "a forced sign-out that comes to a not ready agent only tells that", func(st *stage) {
		st.signIn()
		st.userIs(gc.Ready)
		st.heard = nil
		st.send("force_logout#1001", "")
		st.userIs(gc.NotReady)
		st.rejects("", "/finesse/api/User/1001", "CF_INVALID_OBJECT_STATE")
		st.hears("crm: 1001#State#NOT_READY##Ann Smith", "crm: 1001#Error#CF_INVALID_OBJECT_STATE")
	})
}

func TestLostAnswers(t *testing.T) {
	timeout := func(string) error {
		return &gc.Error{Code: gc.NotReachable, Op: "finesse", Err: errors.New("time-out")}
	}
	scene(t, "a call that was made although the answer was lost is not an error", func(st *stage) {
		st.signIn()
		st.answer = timeout
		st.dialogs = []finesse.Dialog{leg("8", "2001", gc.Initiated)}
		st.send("MakeCall#1001", "4085559999")
		st.hears("crm: 1001#InboundCall#INITIATED#DialogID:8#2001#…##Ann Smith")
		st.asks("MAKE_CALL 2001 4085559999")
	})
	scene(t, "a call that was not made is NOT_REACHABLE, and sent once", func(st *stage) {
		st.signIn()
		st.answer = timeout
		st.send("MakeCall#1001", "4085559999")
		st.hears("crm: 1001#Error#NOT_REACHABLE")
		st.asks("MAKE_CALL 2001 4085559999")
	})
	scene(t, "Finesse away is told with its code", func(st *stage) {
		st.signIn()
		st.readErr = gc.Errorf(gc.FinesseUnavailable, "finesse", "503")
		st.send("GetState#1001", "")
		st.hears("crm: 1001#Error#FINESSE_UNAVAILABLE")
	})
}

// A driver may use the login name of an agent, or another spelling of the id. Finesse's
// notification service knows neither.
func TestAnAgentByAnotherName(t *testing.T) {
	for _, id := range []gc.AgentID{"60123", "JSmith"} {
		scene(t, "as "+string(id)+" works under the driver's", func(st *stage) {
			st.user.LoginID = id
			st.signIn()
			require.Equal(st, id, st.dialled)
			st.userIs(gc.Ready)
			st.hears("crm: 1001#State#READY##Ann Smith")
			st.stream.updates <- finesse.Update{Event: finesse.Put, User: &finesse.User{LoginID: "1001", State: gc.NotReady}}
			st.wait(0)
			st.hears()

			st.dialled = ""
			close(st.stream.updates)
			st.wait(10 * time.Second)
			require.Equal(st, id, st.dialled, "as does a stream that comes back")
			st.dialled = ""
			st.know(true, false)
			st.wait(time.Minute)
			require.Equal(st, id, st.dialled, "and one at the other node")
		})
	}
}

func TestTheStreamComesBack(t *testing.T) {
	scene(t, "and what changed meanwhile is told, ended calls included", func(st *stage) {
		st.signIn()
		st.userIs(gc.Talking)
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Active))
		st.dialog(finesse.Post, leg("8", "4085550000", gc.Held))
		st.heard = nil
		lost := st.stream
		st.dialErr = gc.Errorf(gc.UnableToSubscribe, "notify", "refused")
		close(lost.updates)
		st.wait(10 * time.Second)
		require.Greater(st, st.dials, 2, "it is tried again and again")
		st.dialErr = nil
		st.user.State = gc.Hold
		st.dialogs = []finesse.Dialog{leg("7", "4085551234", gc.Held)}
		st.wait(10 * time.Second)
		st.hears("crm: 1001#State#HOLD##Ann Smith", "crm: 1001#InboundCall#HELD#DialogID:7#4085551234#…##Ann Smith",
			"crm: 1001#InboundCall#DROPPED#DialogID:8#4085550000#…##Ann Smith")
		require.True(st, lost.closed)
		st.userIs(gc.Talking)
		st.hears("crm: 1001#State#TALKING##Ann Smith")
	})
	scene(t, "and what a notification said is not undone by an older reading", func(st *stage) {
		st.signIn()
		st.hold = make(chan struct{})
		st.send("GetState#1001", "")
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Active))
		close(st.hold)
		st.hears("crm: 1001#InboundCall#ACTIVE#DialogID:7#4085551234#…##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith")
	})
}

// A Login that no Connect went before, or one that failed.
func TestWhereALoginGoes(t *testing.T) {
	for _, x := range []struct {
		rule    string
		before  []string // bodies of Connects; away: while Finesse is away
		away    bool
		replyTo gc.Destination
		want    string // where it is signed in, "" nowhere
	}{
		{"to the destination whose Connect had the same password", []string{"crm,secret", "evil,wrong"}, true, "", "crm"},
		{"to the latest of them", []string{"old,secret", "crm,secret"}, true, "", "crm"},
		{"there although it has a reply-to", []string{"crm,secret"}, true, "/queue/reply", "crm"},
		{"else to its reply-to", []string{"evil,wrong"}, false, "/queue/reply", "reply"},
		{"to no destination that did not know the password", []string{"evil,wrong"}, false, "", ""},
		{"nor while Finesse cannot say", []string{"evil,wrong"}, true, "", ""},
	} {
		scene(t, x.rule, func(st *stage) {
			if x.away {
				st.down = errDown
			}
			for _, body := range x.before {
				st.send("Connect#1001", body)
			}
			st.down, st.heard, st.replyTo = nil, nil, x.replyTo
			st.send("Login#1001", "secret,2001")
			if x.want == "" {
				st.hears(": 1001#State#RE_LOGIN")
				st.asks()
				return
			}
			st.userIs(gc.NotReady, extension("2001"))
			st.hears(x.want+": 1001#AgentInfo#Ann#Smith#false##Ann Smith", x.want+": 1001#State#NOT_READY##Ann Smith")
			st.dialog(finesse.Post, leg("7", "4085551234", gc.Alerting))
			for _, line := range st.heard {
				require.Contains(st, line, x.want+": ")
			}
			st.heard = nil
		})
	}
}

func TestWhoMayCommand(t *testing.T) {
	scene(t, "an agent nobody connected is asked to RE_LOGIN", func(st *stage) {
		st.send("GetState#1001", "")
		st.hears("reply: 1001#State#RE_LOGIN")
		require.Equal(st, 1, st.acks)
	})
	scene(t, "a driver that proves the password takes the agent over", func(st *stage) {
		st.signIn()
		st.send("Connect#1001", "other,secret")
		st.hears("crm: 1001#State#LOGOUT##Ann Smith", "crm: 1001#Error#SESSION_INVALIDATED")
		st.userIs(gc.Ready)
		st.hears("other: 1001#State#READY##Ann Smith")
		require.Equal(st, 1, st.dials, "the stream stays")
	})
	scene(t, "a command that could not be read is answered in its turn", func(st *stage) {
		st.signIn()
		st.send("MakeCall#1001", "")
		st.send("MakeTea#1001", "")
		st.hears("crm: 1001#Error#MISSING_NUMBER", "crm: 1001#Error#PLEASE_RETRY")
		require.Equal(st, 2, st.acks)
	})
	scene(t, "a change of Finesse's own state is passed on", func(st *stage) {
		st.signIn()
		st.notify(finesse.Update{SystemInfo: &finesse.SystemInfo{Status: "OUT_OF_SERVICE"}})
		st.hears("system changed")
	})
}

func TestTheEnd(t *testing.T) {
	scene(t, "a drained session answers what it holds first", func(st *stage) {
		st.signIn()
		st.send("MakeReady#1001", "")
		go st.session.Drain(st.Context())
		synctest.Wait()
		require.False(st, st.ended)
		st.userIs(gc.Ready)
		st.hears("crm: 1001#State#READY##Ann Smith")
		require.True(st, st.ended)
		require.True(st, st.stream.closed)
		require.ErrorIs(st, st.session.Submit(&session.Request{}), session.ErrEnded)
	})
	t.Run("a session ended by force answers PLEASE_RETRY", func(t *testing.T) {
		synctestForce(t)
	})
	for rule, x := range map[string]struct {
		happens func(*stage)
		after   time.Duration
	}{
		"with a refused password ends in seconds":            {func(st *stage) { st.send("Connect#1001", "crm,wrong") }, 5 * time.Second},
		"which Finesse could not answer waits for its Login": {func(st *stage) { st.down = errDown; st.send("Connect#1001", "crm,secret") }, 10 * time.Minute},
		"whose password was changed waits for its driver": {func(st *stage) {
			st.signIn()
			st.password = "new"
			st.send("GetState#1001", "")
		}, 10 * time.Minute},
	} {
		scene(t, "a session "+rule, func(st *stage) {
			x.happens(st)
			st.wait(x.after - time.Second)
			require.False(st, st.ended)
			st.wait(2 * time.Second)
			require.True(st, st.ended)
			st.heard = nil
		})
	}
	scene(t, "so does one that is asked whether it goes round", func(st *stage) {
		st.down = errDown
		st.send("Connect#1001", "crm,secret")
		for range 11 * 4 {
			require.NoError(st, st.session.Live())
			st.wait(15 * time.Second)
		}
		require.True(st, st.ended)
		st.heard = nil
	})
	scene(t, "a panic ends this session, asks for RE_LOGIN and leaves no command without an answer", func(st *stage) {
		st.signIn()
		st.answer = func(string) error { return nil }
		st.submit("MakeReady#1001", "") // its outcome is awaited
		acks := st.acks
		require.NoError(st, st.session.Submit(&session.Request{
			Command: gc.Command{Spec: &gc.CommandSpec{Name: "no handler"}, Agent: "1001"}, Acknowledge: func() { st.acks++ }, Finished: st.finished,
		}))
		st.hears("crm: 1001#State#RE_LOGIN", "crm: 1001#Error#PLEASE_RETRY", "crm: 1001#Error#PLEASE_RETRY")
		require.Equal(st, acks+2, st.acks)
		require.True(st, st.ended)
	})
	scene(t, "one command more than may wait is refused, never silent", func(st *stage) {
		st.signIn()
		st.hold = make(chan struct{})
		st.send("GetState#1001", "")
		for range 63 {
			st.submit("GetState#1001", "")
		}
		require.ErrorIs(st, st.session.Submit(&session.Request{}), session.ErrFull)
		close(st.hold)
		synctest.Wait()
		require.Equal(st, 64, st.acks)
	})
}

func synctestForce(t *testing.T) {
	var st *stage
	play(t, func(s *stage) {
		st = s
		st.signIn()
		st.hold = make(chan struct{})
		st.submit("MakeReady#1001", "")
		st.submit("GetState#1001", "")
		synctest.Wait()
		st.heard = nil
	})
	require.Equal(t, []string{"crm: 1001#Error#DOWN", "crm: 1001#Error#PLEASE_RETRY"}, st.heard)
	require.Equal(t, 2, st.acks)
}

func TestEveryCommandOfAnAgentHasAHandler(t *testing.T) {
	for _, spec := range gc.Commands {
		require.Equal(t, !spec.ForDestination, session.Handles(spec.Name), spec.Name)
	}
}
