package session_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// With single sign-on an access token stands for the password: in every request, for it
// is the stage's Finesse that takes nothing else.
func TestSingleSignOn(t *testing.T) {
	const info, notReady, reLogin = "crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith", "crm: 1001#State#RE_LOGIN"
	signOn := func(st *stage) {
		st.sso, st.password = true, "first"
		st.send("Connect#1001", "crm,first,SSO")
		st.send("Login#1001", "first,2001")
		st.userIs(gc.NotReady, extension("2001"))
		st.hears(info, notReady)
		st.asks("LOGIN 2001")
	}
	scene(t, "a Login's password is the token, too", func(st *stage) {
		signOn(st)
		require.Zero(st, st.refusals)
	})
	scene(t, "also when the Connect waits for Finesse", func(st *stage) {
		st.sso, st.password, st.down = true, "first", errDown
		st.send("Connect#1001", "crm,first,SSO")
		st.hears("crm: 1001#Error#DOWN")
		st.down = nil
		st.send("Login#1001", "first,2001")
		st.userIs(gc.NotReady, extension("2001"))
		st.hears(info, notReady)
		st.asks("LOGIN 2001")
	})
	scene(t, "a new token takes the place of the old one without a gap", func(st *stage) {
		signOn(st)
		old := st.stream
		st.password = "second"
		st.send("Connect#1001", "crm,second,SSO")
		require.NotSame(st, old, st.stream, "its stream is there")
		require.True(st, old.closed)
		st.userIs(gc.Ready)
		st.hears("crm: 1001#State#READY##Ann Smith")
		require.Zero(st, st.refusals, "nothing was asked with the old one")
	})
	scene(t, "a call that comes meanwhile is told once", func(st *stage) {
		signOn(st)
		st.password, st.dialogs = "second", []finesse.Dialog{leg("7", "4085551234", gc.Alerting)}
		st.send("Connect#1001", "crm,second,SSO")
		st.dialog(finesse.Post, st.dialogs[0])
		require.Len(st, st.heard, 2, "NewInboundCall and InboundCall")
		st.heard = nil
	})
	scene(t, "a token that has expired is asked for once, and a new one works at once", func(st *stage) {
		signOn(st)
		st.password = "second"
		st.send("MakeReady#1001", "")
		st.hears(reLogin)
		require.Equal(st, 1, st.logs.FilterMessageSnippet("access token has expired").Len())
		st.asked = nil
		st.send("MakeReady#1001", "")
		st.hears(reLogin)
		require.Equal(st, 1, st.refusals, "it is not used again")
		st.send("Connect#1001", "crm,second,SSO")
		st.send("Login#1001", "second,2001")
		st.hears(info, notReady)
		st.asks("LOGIN 2001")
	})
	scene(t, "also when no command shows it", func(st *stage) {
		signOn(st)
		st.wait(15 * time.Second)
		st.password = "second"
		close(st.stream.updates)
		st.wait(10 * time.Second)
		st.hears(reLogin)
		require.Equal(st, 1, st.refusals)
	})
	scene(t, "a Connect with an expired one is refused, so that no driver repeats it for ever", func(st *stage) {
		signOn(st)
		st.password = "second"
		st.send("Connect#1001", "crm,first,SSO")
		st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED")
	})
	scene(t, "the token sent as a password disturbs nothing", func(st *stage) {
		signOn(st)
		st.send("Connect#1001", "crm,first")
		st.hears(": 1001#Error#SUBSCRIPTION_FAILED") // told nowhere, as of any wrong one
		st.userIs(gc.Ready)
		st.hears("crm: 1001#State#READY##Ann Smith")
	})
	scene(t, "a supervisor's token is no member's, though it reads the member", func(st *stage) {
		signOn(st)
		st.leaders = "leader"
		st.send("Connect#1001", "thief,leader,SSO")
		st.send("Login#1001", "leader,2002")
		st.asks()
		st.userIs(gc.Ready)
		require.Equal(st, "crm: 1001#State#READY##Ann Smith", st.heard[len(st.heard)-1])
		for _, heard := range st.heard[:len(st.heard)-1] {
			require.Contains(st, heard, "SUBSCRIPTION_FAILED")
			require.NotContains(st, heard, "crm:", "nothing of it is told where the agent works")
		}
		st.heard = nil
	})
	scene(t, "nor is it told there when it names the destination itself", func(st *stage) {
		signOn(st)
		st.leaders = "leader"
		st.send("Connect#1001", "crm,leader,SSO")
		st.hears(": 1001#Error#SUBSCRIPTION_FAILED")
	})
	scene(t, "tokens of strangers do not keep out the new one", func(st *stage) {
		signOn(st)
		for i := range 6 {
			st.send("Connect#1001", "thief,"+strconv.Itoa(i)+",SSO")
		}
		st.heard = nil
		st.password = "second"
		st.send("Connect#1001", "crm,second,SSO")
		st.userIs(gc.Ready)
		st.hears("crm: 1001#State#READY##Ann Smith")
	})
}

// A new stream of the agent replaces the old one at the server, before the session has
// it.
func TestAStreamThatAConnectReplaces(t *testing.T) {
	replaced := gc.Errorf(gc.UnableToSubscribe, "notify", "conflict: %w", finesse.ErrReplaced)
	scene(t, "no other one is opened then", func(st *stage) {
		st.signIn()
		st.dialogs = []finesse.Dialog{leg("7", "4085551234", gc.Active)}
		st.dialog(finesse.Post, st.dialogs[0]) // for which a lost one is opened at once
		st.heard = nil
		st.wait(15 * time.Second)
		st.dials, st.password = 0, "new"
		old := st.stream
		st.joined = func() {
			st.joined = nil
			old.err = replaced
			close(old.updates)
			<-time.After(time.Millisecond) // the session has heard of it
		}
		st.send("Connect#1001", "crm,new")
		st.wait(time.Minute)
		require.Equal(st, 1, st.dials)
		require.False(st, st.stream.closed)
		st.hears()
	})
	scene(t, "unless the new one does not come", func(st *stage) {
		st.signIn()
		st.wait(15 * time.Second)
		st.dials, st.stream.err = 0, replaced
		close(st.stream.updates)
		st.wait(time.Millisecond)
		require.Zero(st, st.dials)
		st.wait(5 * time.Second)
		require.Equal(st, 1, st.dials)
		require.False(st, st.stream.closed)
	})
}
