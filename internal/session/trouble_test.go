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

// Finesse's clock is set back by an hour during a call that was read before:
// what is notified looks older than what was read, and what is read afterwards
// counts all the same.
func TestTheClockOfFinesseIsSetBack(t *testing.T) {
	play(t, func(st *stage) {
		st.signIn()
		at := func(state gc.CallState, hour int) finesse.Dialog {
			d := leg("7", "4085551234", state)
			d.Participants[0].StateChangeTime = time.Date(2026, 3, 5, hour, 0, 0, 0, time.UTC)
			return d
		}
		st.dialogs = []finesse.Dialog{at(gc.Active, 12)}
		st.send("refresh#1001", "")
		st.heard = nil
		st.send("HoldCall#1001", "7")
		st.dialogs = []finesse.Dialog{at(gc.Held, 11)}
		st.dialog(finesse.Put, at(gc.Held, 11))
		st.wait(16 * time.Second)
		st.hears("crm: 1001#InboundCall#HELD#DialogID:7#4085551234#…##Ann Smith")
		st.dialog(finesse.Put, at(gc.Active, 10))
		st.hears()
		st.dialog(finesse.Delete, at(gc.Active, 10))
		st.hears("crm: 1001#InboundCall#DROPPED#DialogID:7#4085551234#…##Ann Smith")
	})
}
