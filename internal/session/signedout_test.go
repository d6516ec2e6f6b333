package session_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// A command that wants a state of an agent who is not signed in asks for a sign-in,
// and for no password (seed O-007 b).
func TestStatesOfWhoIsSignedOut(t *testing.T) {
	const reLogin = "crm: 1001#State#RE_LOGIN"
	states := map[string]string{"MakeReady": "", "MakeNotReady": "", "MakeNotReadyWithReason": "8", "makeworkready": "", "makeworknotready": ""}
	for command, body := range states {
		scene(t, command+" asks for a sign-in, and Finesse is not asked", func(st *stage) {
			st.send("Connect#1001", "crm,secret")
			st.send(command+"#1001", body)
			st.hears(reLogin)
			st.asks()
			require.Equal(st, []gc.Code{"", "RE_LOGIN"}, st.codes)
			require.Equal(st, 2, st.acks)
		})
		scene(t, command+" is done for who has signed in elsewhere, although no notification came", func(st *stage) {
			st.send("Connect#1001", "crm,secret")
			st.user.State, st.user.Extension = gc.Talking, "2001"
			st.send(command+"#1001", body)
			require.Len(st, st.asked, 1)
			st.hears("crm: 1001#State#TALKING##Ann Smith")
			st.asked = nil
		})
		scene(t, command+" asks for a sign-in when the agent was signed out meanwhile", func(st *stage) {
			st.signIn()
			st.userIs(gc.Talking)
			st.send(command+"#1001", body)
			st.userIs(gc.LoggedOut, extension(""))
			st.heard = nil
			st.errs(finesse.Put, userSource, "CF_INVALID_PASSWORD_SPECIFIED")
			st.hears(reLogin)
		})
	}
	for command, body := range map[string]string{"Logout": "", "LogoutWithReason": "8", "force_logout": ""} {
		scene(t, command+" finds what it wants, and Finesse is not asked", func(st *stage) {
			st.send("Connect#1001", "crm,secret")
			st.send(command+"#1001", body)
			st.hears("crm: 1001#State#LOGOUT##Ann Smith")
			st.asks()
			require.Equal(st, 2, st.acks)
		})
	}
	scene(t, "what Finesse refuses of who is signed in is told as it is", func(st *stage) {
		st.signIn()
		st.send("MakeReady#1001", "")
		st.errs(finesse.Put, userSource, "CF_INVALID_PASSWORD_SPECIFIED")
		st.hears("crm: 1001#Error#CF_INVALID_PASSWORD_SPECIFIED")
	})
	scene(t, "what cannot be read is told", func(st *stage) {
		st.send("Connect#1001", "crm,secret")
		st.readErr = gc.Errorf(gc.GeneralError, "finesse", "500")
		st.send("MakeReady#1001", "")
		st.hears("crm: 1001#Error#GENERAL_ERROR")
	})
	scene(t, "a Login that waits is finished before", func(st *stage) {
		st.send("Connect#1001", "crm,secret")
		st.send("Login#1001", "secret,2001")
		st.send("MakeReady#1001", "")
		st.asks("LOGIN 2001")
		st.userIs(gc.NotReady, extension("2001"))
		st.userIs(gc.Ready)
		st.hears("crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith", "crm: 1001#State#READY##Ann Smith")
	})
}
