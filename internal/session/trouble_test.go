package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

func TestAnAgentWhoVanishes(t *testing.T) {
	unknown := gc.Errorf(gc.UserNotFound, "finesse.user", "404")
	scene(t, "with the stream: the driver is told once and nothing is tried again", func(st *stage) {
		st.signIn()
		st.readErr = unknown
		close(st.stream.updates)
		st.wait(time.Hour - jitter) // the session ends after ten minutes in which nobody asks
		st.hears("crm: 1001#Error#USER_NOT_FOUND")
		require.Equal(st, 1, st.dials)
		require.Equal(st, 1, st.free, "the licence is free again")
		require.Equal(st, 1, st.logs.FilterMessageSnippet("does not know the agent any more").Len())
	})
	scene(t, "and comes back when the driver connects again", func(st *stage) {
		st.signIn()
		st.readErr = unknown
		close(st.stream.updates)
		st.wait(time.Minute)
		st.hears("crm: 1001#Error#USER_NOT_FOUND")
		st.send("GetState#1001", "")
		st.hears("crm: 1001#State#RE_LOGIN")
		st.send("Connect#1001", "crm,secret")
		st.hears("crm: 1001#Error#USER_NOT_FOUND")
		st.readErr = nil
		st.send("Connect#1001", "crm,secret")
		st.send("GetState#1001", "")
		st.hears("crm: 1001#State#NOT_READY##Ann Smith")
	})
	scene(t, "to a command while the stream stays: the command is answered so", func(st *stage) {
		st.signIn()
		st.readErr = unknown
		for range 3 {
			st.send("GetState#1001", "")
			st.hears("crm: 1001#Error#USER_NOT_FOUND")
		}
		st.readErr = nil
		st.send("GetState#1001", "")
		st.hears("crm: 1001#State#NOT_READY##Ann Smith")
	})
}

func TestTheExtensionChanges(t *testing.T) {
	scene(t, "by a Login at another one: calls are found there", func(st *stage) {
		st.signIn()
		st.send("Login#1001", "secret,2009")
		st.asks("LOGIN 2009")
		st.userIs(gc.NotReady, extension("2009"))
		st.hears("crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith")
		st.ringsAtTheNewPhone()
	})
	scene(t, "at Finesse: the state is told, and calls are found there", func(st *stage) {
		st.signIn()
		st.userIs(gc.NotReady, extension("2009"))
		st.hears("crm: 1001#State#NOT_READY##Ann Smith")
		st.ringsAtTheNewPhone()
		st.send("MakeCall#1001", "4085559876")
		st.asks("MAKE_CALL 2009 4085559876")
		st.hears()
	})
	scene(t, "while the stream was away: the same", func(st *stage) {
		st.signIn()
		st.user.Extension = "2009"
		close(st.stream.updates)
		st.wait(time.Minute)
		st.hears("crm: 1001#State#NOT_READY##Ann Smith")
		st.ringsAtTheNewPhone()
	})
	scene(t, "a Login that Finesse refuses leaves the agent where it was", func(st *stage) {
		st.signIn()
		st.answer = func(string) error { return gc.Errorf("CF_INVALID_LOGON_DEVICE_SPECIFIED", "finesse", "400") }
		st.send("Login#1001", "secret,2009")
		st.hears("crm: 1001#Error#CF_INVALID_LOGON_DEVICE_SPECIFIED")
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Alerting))
		st.hears("crm: 1001#NewInboundCall#4085551234#…#DialogID:7", "crm: 1001#InboundCall#ALERTING#DialogID:7#4085551234#…##Ann Smith")
	})
}

// ringsAtTheNewPhone has a call at 2009, which the agent has, and one at 2001,
// which somebody else has now.
func (st *stage) ringsAtTheNewPhone() {
	st.Helper()
	here := leg("8", "4085551234", gc.Alerting)
	here.Participants[0].MediaAddress = "2009"
	st.dialog(finesse.Post, leg("7", "4085551234", gc.Alerting))
	st.dialog(finesse.Post, here)
	st.hears("crm: 1001#NewInboundCall#4085551234#…#DialogID:8", "crm: 1001#InboundCall#ALERTING#DialogID:8#4085551234#…##Ann Smith")
	st.asked = nil
}

// Another client of the agent, Cisco's desktop for example, signs it in, makes
// it ready and signs it out: the driver is told each, and may go on.
func TestAnAgentWhoIsSignedInElsewhere(t *testing.T) {
	play(t, func(st *stage) {
		st.send("Connect#1001", "crm,secret")
		st.userIs(gc.NotReady, extension("2005"))
		st.hears("crm: 1001#State#NOT_READY##Ann Smith")
		st.userIs(gc.Ready)
		st.hears("crm: 1001#State#READY##Ann Smith")
		require.Equal(t, 1, st.free, "who does not sign in here needs no licence")
		st.send("MakeNotReady#1001", "")
		st.userIs(gc.NotReady)
		st.hears("crm: 1001#State#NOT_READY##Ann Smith")
		st.send("MakeCall#1001", "4085559876")
		st.asks("NOT_READY ", "MAKE_CALL 2005 4085559876")
		st.userIs(gc.LoggedOut, extension(""))
		st.hears("crm: 1001#State#LOGOUT##Ann Smith")
	})
}

func TestLicences(t *testing.T) {
	const invalid, busy = "CF_INVALID_LOGON_DEVICE_SPECIFIED", "CF_RESOURCE_BUSY"
	scene(t, "a Login that Finesse refuses, at once or later, takes none", func(st *stage) {
		st.send("Connect#1001", "crm,secret")
		st.answer = func(string) error { return gc.Errorf(invalid, "finesse", "400") }
		st.send("Login#1001", "secret,2001")
		st.hears("crm: 1001#Error#" + invalid)
		st.answer = nil
		st.send("Login#1001", "secret,2001")
		st.rejects("req-Login#1001", "/finesse/api/User/1001", busy)
		st.hears("crm: 1001#Error#" + busy)
		require.Equal(st, 1, st.free)
	})
	scene(t, "a Login whose outcome never comes takes none", func(st *stage) {
		st.send("Connect#1001", "crm,secret")
		st.send("Login#1001", "secret,2001")
		st.wait(16 * time.Second)
		st.hears("crm: 1001#Error#PLEASE_RETRY")
		require.Equal(st, 1, st.free)
	})
	scene(t, "many Logins take one, a take-over takes none", func(st *stage) {
		st.signIn()
		for range 3 {
			st.send("Login#1001", "secret,2001")
		}
		st.send("Connect#1001", "other,secret")
		st.send("Login#1001", "secret,2001")
		synctest.Wait()
		st.heard = nil
		require.Equal(st, 0, st.free)
		st.userIs(gc.LoggedOut, extension(""))
		st.hears("other: 1001#State#LOGOUT##Ann Smith")
		require.Equal(st, 1, st.free)
	})
	scene(t, "a password that Finesse refuses gives it back, and the next sign-in takes one", func(st *stage) {
		st.signIn()
		st.password = "new"
		st.send("GetState#1001", "")
		require.Equal(st, 1, st.free)
		st.send("Connect#1001", "crm,new")
		st.send("Login#1001", "new,2001")
		require.Equal(st, 0, st.free)
		st.heard = nil
	})
	for name, end := range map[string]func(*stage){
		"drained": func(st *stage) { st.session.Drain(st.Context()) },
		"failed": func(st *stage) {
			require.NoError(st, st.session.Submit(&session.Request{Command: gc.Command{Spec: &gc.CommandSpec{Name: "no handler"}, Agent: "1001"}}))
		},
	} {
		scene(t, "a session that is "+name+" gives it back", func(st *stage) {
			st.signIn()
			end(st)
			synctest.Wait()
			require.True(st, st.ended)
			require.Equal(st, 1, st.free)
			st.heard = nil
		})
	}
}

// Finesse's clock is set back by an hour during a call that was read before: what is
// notified looks older than what was read. Then it is read, once for all of it.
func TestTheClockOfFinesseIsSetBack(t *testing.T) {
	at := func(state gc.CallState, hour int) finesse.Dialog {
		d := leg("7", "4085551234", state)
		d.Participants[0].StateChangeTime = time.Date(2026, 3, 5, hour, 0, 0, 0, time.UTC)
		return d
	}
	begin := func(st *stage) {
		st.signIn()
		st.dialogs = []finesse.Dialog{at(gc.Active, 12)}
		st.send("refresh#1001", "")
		st.heard, st.reads = nil, 0
	}
	scene(t, "changes and the end of a call", func(st *stage) {
		begin(st)
		st.send("HoldCall#1001", "7")
		st.dialogs = []finesse.Dialog{at(gc.Held, 11)}
		st.dialog(finesse.Put, at(gc.Held, 11))
		st.hears()
		st.wait(time.Second)
		st.hears("crm: 1001#InboundCall#HELD#DialogID:7#4085551234#…##Ann Smith")
		st.dialogs = nil
		st.dialog(finesse.Put, at(gc.Active, 10))
		st.dialog(finesse.Delete, at(gc.Dropped, 10))
		st.hears()
		st.wait(time.Second)
		st.hears("crm: 1001#InboundCall#DROPPED#DialogID:7#4085551234#…##Ann Smith")
		require.Equal(st, 2, st.reads)
	})
	scene(t, "it is read once a second, whatever comes", func(st *stage) {
		begin(st)
		for range 100 {
			st.dialog(finesse.Put, at(gc.Held, 11))
			st.wait(100 * time.Millisecond)
		}
		st.hears()
		require.InDelta(st, 10, st.reads, 1)
	})
	scene(t, "it is not read when something newer comes at once: the other was late", func(st *stage) {
		begin(st)
		st.dialog(finesse.Put, at(gc.Active, 11))
		st.dialog(finesse.Put, at(gc.Held, 13))
		st.hears("crm: 1001#InboundCall#HELD#DialogID:7#4085551234#…##Ann Smith")
		st.wait(time.Minute)
		st.hears()
		require.Zero(st, st.reads)
	})
	scene(t, "a member of a team", func(st *stage) {
		st.lead()
		st.team[0].Changed = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
		st.send("getteamusers#1001", "1,true")
		st.heard, st.reads = nil, 0
		changed := st.team[0].Changed.Add(-time.Hour)
		st.team[0].State, st.team[0].Changed = gc.Talking, changed
		st.notify(finesse.Update{Event: finesse.Put, Team: "1", User: &finesse.User{LoginID: "1005", State: gc.Talking, StateChangeTime: changed}})
		st.hears()
		st.wait(time.Second)
		st.hears("crm: 1001#TeamMemberStateChanged#1#TALKING#1005")
		require.Zero(st, st.reads, "the agent's calls are not in doubt")
	})
	scene(t, "while it cannot be read it is tried slower, and then told", func(st *stage) {
		begin(st)
		st.readErr = gc.Errorf(gc.GeneralError, "finesse", "an answer that makes no sense")
		st.dialog(finesse.Put, at(gc.Held, 11))
		st.wait(20 * time.Second)
		st.hears()
		require.Less(st, st.reads, 8)
		st.readErr, st.dialogs = nil, []finesse.Dialog{at(gc.Held, 11)}
		st.wait(20 * time.Second)
		st.hears("crm: 1001#InboundCall#HELD#DialogID:7#4085551234#…##Ann Smith")
	})
}

// A preview's first packet looks like a direct call. What nothing tells apart is told after
// half a second.
func TestAPreviewOrADirectCall(t *testing.T) {
	direct := func(actions ...string) finesse.Dialog {
		d := leg("7", "4085551234", gc.Alerting)
		d.CallType, d.Participants[0].Actions = "OTHER_IN", actions
		return d
	}
	ready := func(st *stage) {
		st.signIn()
		st.userIs(gc.Ready, extension("2001"))
		st.heard = nil
	}
	rings := []string{"crm: 1001#NewInboundCall#4085551234#…#DialogID:7", "crm: 1001#InboundCall#ALERTING#DialogID:7#4085551234#…##Ann Smith"}
	scene(t, "a direct call is told at once where the phone says so", func(st *stage) {
		ready(st)
		st.dialog(finesse.Post, direct("ANSWER"))
		st.hears(rings...)
	})
	scene(t, "the wait ends by itself", func(st *stage) {
		ready(st)
		st.dialog(finesse.Post, direct())
		st.wait(499 * time.Millisecond)
		st.hears()
		st.wait(time.Millisecond)
		st.hears(rings...)
		st.wait(time.Minute)
		st.hears()
	})
	scene(t, "it begins anew when the agent's state changes, and each call has its own", func(st *stage) {
		ready(st)
		st.dialog(finesse.Post, direct())
		st.wait(400 * time.Millisecond)
		st.userIs(gc.ReservedPreview, extension("2001"))
		st.wait(10 * time.Second)
		st.userIs(gc.Ready, extension("2001"))
		st.heard = nil
		st.wait(400 * time.Millisecond)
		st.hears()
		st.wait(600 * time.Millisecond)
		st.hears(rings...)
	})
	scene(t, "a preview is an outbound call alone", func(st *stage) {
		ready(st)
		st.dialog(finesse.Post, direct())
		d := direct("ACCEPT", "CLOSE", "REJECT")
		d.CallType, d.CallbackNumber = "OUTBOUND_PREVIEW", "4085550188"
		st.dialog(finesse.Put, d)
		st.userIs(gc.ReservedPreview, extension("2001"))
		st.wait(time.Minute)
		st.hears("crm: 1001#NewOutboundCall#4085551234#…#DialogID:7", "crm: 1001#InboundCall#ALERTING#DialogID:7#4085551234#…##Ann Smith",
			"crm: 1001#State#RESERVED_OUTBOUND_PREVIEW##Ann Smith")
	})
}
