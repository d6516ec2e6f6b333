package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// What is told, and in which order, when the password is refused in the midst of
// something else.
func TestARefusalInTheMidst(t *testing.T) {
	scene(t, "of an attempt that a Connect has overtaken is nothing: the password was proved since", func(st *stage) {
		st.signIn()
		st.wait(15 * time.Second)
		attempt := make(chan struct{})
		st.hold = attempt
		close(st.stream.updates)
		st.wait(2 * time.Second)
		st.hold = nil
		st.send("Connect#1001", "crm,secret")
		st.password = "other"
		close(attempt)
		synctest.Wait()
		st.password = "secret"
		st.userIs(gc.Ready)
		st.hears("crm: 1001#State#READY##Ann Smith")
	})
	for _, c := range []struct{ command, body string }{{"ReasonCodeNotReady#1001", ""}, {"GetState#1001", ""}} {
		scene(t, "of a failover is told before the answer to "+c.command+", which waited for it", func(st *stage) {
			st.atWork()
			st.fails(errDown)
			st.password = "new"
			st.send(c.command, c.body)
			st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED", "crm: 1001#Error#DOWN")
		})
	}
	scene(t, "is told with Finesse's code", func(st *stage) {
		st.atWork()
		st.fails(errDown)
		st.b.down = gc.Errorf(gc.AccountLocked, "finesse", "401: %w", finesse.ErrPasswordRefused)
		st.send("MakeReady#1001", "")
		st.hears("crm: 1001#Error#CF_AGENT_ACCOUNT_LOCKED_OUT", "crm: 1001#Error#DOWN")
	})
	scene(t, "is told where the agent works, though another destination has an answer of it", func(st *stage) {
		st.signIn()
		st.password = "new"
		st.send("Connect#1001", "other,secret")
		st.hears("other: 1001#Error#SUBSCRIPTION_FAILED", "crm: 1001#Error#SUBSCRIPTION_FAILED")
	})
	scene(t, "of a proof that was to keep the stream lets that prove anew, with a stream", func(st *stage) {
		st.signIn()
		st.send("MakeReady#1001", "")
		st.wait(14 * time.Second)
		proof := make(chan struct{})
		st.hold = proof
		st.send("Connect#1001", "crm,secret")
		st.hold, st.password = nil, "other"
		st.wait(2 * time.Second) // the outcome is overdue, and read
		st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED")
		st.password = "secret"
		close(proof)
		st.wait(time.Minute)
		require.False(st, st.stream.closed)
		st.userIs(gc.Ready)
		st.hears("crm: 1001#State#READY##Ann Smith")
	})
	scene(t, "is followed by answers only", func(st *stage) {
		st.signIn()
		st.userIs(gc.Ready)
		st.heard = nil
		st.answer = func(r string) error {
			if r == "LOGOUT " {
				st.password = "new"
				return errNoAnswer
			}
			return nil
		}
		st.send("force_logout#1001", "")
		st.userIs(gc.NotReady) // is not told any more
		st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED", "crm: 1001#Error#NOT_REACHABLE")
	})
}

// An answer that the end of a call shows is about the call at its end, without the agent.
func TestTheEndOfACallShowsWhoWasDropped(t *testing.T) {
	for rule, ends := range map[string]func(*stage){
		"notified": func(st *stage) { st.dialog(finesse.Delete, conference(gc.Dropped, gc.Dropped)) },
		"read":     func(st *stage) { st.wait(16 * time.Second) },
	} {
		scene(t, rule, func(st *stage) {
			st.lead()
			st.dialog(finesse.Post, conference(gc.Active, gc.Dropped))
			st.send("dropparticipant#1001", "2005,7")
			st.heard = nil
			ends(st)
			st.hears("crm: 1001#InboundCall#DROPPED#DialogID:7#4085551234#…##Ann Smith", "crm: 1001#ConferenceParticipants#4085551234")
		})
	}
}

// A second failover while a LOGOUT is being undone does not make it true.
func TestALogoutIsUndoneAtTheThirdNode(t *testing.T) {
	scene(t, "which is the first", func(st *stage) {
		st.atWork()
		st.dies(errDown)
		st.wait(time.Second)
		st.userIs(gc.LoggedOut, extension(""))
		st.b.hold = make(chan struct{})
		st.patience = 10 * time.Second
		st.wait(1500 * time.Millisecond) // the sign-in at b gets no answer
		st.down = nil
		st.know(false, true)
		close(st.stream.updates)
		st.heard, st.asked = nil, nil
		st.wait(20 * time.Second)
		st.hears(goesOn)
		require.Contains(st, st.asked, "LOGIN 2001")
		close(st.b.hold)
	})
}
