package session_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// pendings notes the pending states that drivers hear: the format text has none.
func (st *stage) pendings() *[]string {
	var all []string
	st.emitted = func(e session.Emission) {
		if s, ok := e.Event.(gc.State); ok {
			all = append(all, string(s.State)+" "+string(s.Pending))
		}
	}
	return &all
}

// force_logout of an agent who has a call, or is about to get one, is answered at once
// and done when the call is over.
func TestForceLogoutDuringACall(t *testing.T) {
	// talking has call 7 and sends force_logout.
	talking := func(st *stage) *[]string {
		st.signIn()
		st.userIs(gc.Talking)
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Active))
		st.heard = nil
		heard := st.pendings()
		st.send("force_logout#1001", "")
		st.asks("NOT_READY ")
		st.userIs(gc.Talking, pending(gc.NotReady))
		st.hears("crm: 1001#State#TALKING##Ann Smith")
		require.Equal(st, []string{"TALKING LOGOUT"}, *heard)
		require.Equal(st, []gc.Code{""}, st.codes)
		return heard
	}
	over := func(st *stage) { st.dialog(finesse.Delete, leg("7", "4085551234", gc.Dropped)) }
	const dropped, notReady, loggedOut = "crm: 1001#InboundCall#DROPPED#DialogID:7#4085551234#…##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith", "crm: 1001#State#LOGOUT##Ann Smith"
	for order, ends := range map[string][]func(*stage){
		"the end of the call": {over, func(st *stage) { st.userIs(gc.NotReady) }},
		"the state":           {func(st *stage) { st.userIs(gc.NotReady) }, over},
	} {
		scene(t, "it is done at the end of the call, told by "+order+" first", func(st *stage) {
			talking(st)
			ends[0](st)
			st.asks()
			ends[1](st)
			st.asks("LOGOUT ")
			st.userIs(gc.LoggedOut, extension(""))
			require.ElementsMatch(st, []string{dropped, notReady, loggedOut}, st.heard)
			st.heard = nil
			require.Equal(st, 1, st.free)
			st.wait(time.Minute)
			st.asks()
		})
	}
	scene(t, "it ends the wrap-up", func(st *stage) {
		talking(st)
		st.userIs(gc.Work)
		st.asks("NOT_READY ")
		over(st)
		st.userIs(gc.NotReady)
		st.asks("LOGOUT ")
		st.userIs(gc.LoggedOut, extension(""))
		st.hears("crm: 1001#State#WORK##Ann Smith", dropped, notReady, loggedOut)
	})
	scene(t, "where Finesse refuses NOT_READY for now it is done all the same", func(st *stage) {
		st.signIn()
		st.userIs(gc.Reserved)
		st.heard = nil
		heard := st.pendings()
		st.send("force_logout#1001", "")
		st.errs(finesse.Put, userSource, "CF_INVALID_OBJECT_STATE")
		st.hears("crm: 1001#State#RESERVED##Ann Smith")
		require.Equal(st, []string{"RESERVED LOGOUT"}, *heard)
		st.asks("NOT_READY ")
		st.userIs(gc.Ready)
		st.asks("NOT_READY ")
		st.userIs(gc.NotReady)
		st.asks("LOGOUT ")
	})
	scene(t, "a call of who is not ready is one", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Alerting))
		st.heard = nil
		st.send("force_logout#1001", "")
		st.hears(notReady)
		st.asks()
		over(st)
		st.asks("LOGOUT ")
	})
	scene(t, "another call that comes between is waited for", func(st *stage) {
		talking(st)
		over(st)
		st.userIs(gc.NotReady)
		st.asks("LOGOUT ")
		st.dialog(finesse.Post, leg("8", "2002", gc.Alerting))
		st.heard = nil
		st.errs(finesse.Put, userSource, "CF_INVALID_OBJECT_STATE")
		st.hears()
		st.dialog(finesse.Delete, leg("8", "2002", gc.Dropped))
		st.asks("LOGOUT ")
	})
	scene(t, "where Finesse lets it be pending it is Finesse's to do, and asked for once", func(st *stage) {
		talking(st)
		over(st)
		st.userIs(gc.NotReady)
		st.userIs(gc.NotReady, pending(gc.LoggedOut))
		st.asks("LOGOUT ")
		st.userIs(gc.NotReady)
		st.wait(time.Minute)
		st.asks()
		st.heard = nil
	})
	scene(t, "what Finesse refuses then is told, once", func(st *stage) {
		heard := talking(st)
		over(st)
		st.answer = func(string) error { return gc.Errorf(gc.MissingReasonCode, "finesse", "400") }
		st.userIs(gc.NotReady)
		st.hears(dropped, notReady, "crm: 1001#Error#MISSING_REASON_CODE")
		st.wait(time.Minute)
		st.asks("LOGOUT ")
		st.send("GetState#1001", "")
		require.Equal(st, "NOT_READY ", (*heard)[len(*heard)-1])
		st.heard = nil
	})
	for command, x := range map[string]struct {
		body    string
		pending gc.UserState
	}{"MakeReady": {"", gc.Ready}, "MakeNotReady": {"", gc.NotReady}, "Login": {"secret,2001", gc.NotReady}} {
		scene(t, "what is asked for last holds: "+command, func(st *stage) {
			talking(st)
			st.send(command+"#1001", x.body)
			st.userIs(gc.Talking, pending(x.pending))
			st.asked = nil
			over(st)
			st.userIs(gc.NotReady)
			st.wait(time.Minute)
			st.asks()
			st.heard = nil
		})
	}
	scene(t, "but not when it is refused", func(st *stage) {
		talking(st)
		st.send("MakeReady#1001", "")
		st.errs(finesse.Put, userSource, "CF_INVALID_OBJECT_STATE")
		st.asked, st.heard = nil, nil
		over(st)
		st.userIs(gc.NotReady)
		st.asks("LOGOUT ")
		st.heard = nil
	})
	scene(t, "another driver's agent is not signed out", func(st *stage) {
		talking(st)
		st.send("Connect#1001", "other,secret")
		st.asked = nil
		over(st)
		st.userIs(gc.NotReady)
		st.asks()
		st.heard = nil
	})
	scene(t, "an error of the node is the answer, and nothing is done later", func(st *stage) {
		st.signIn()
		st.userIs(gc.Talking)
		st.answer = func(string) error { return gc.Errorf(gc.NotReachable, "finesse", "time-out") }
		st.heard = nil
		st.send("force_logout#1001", "")
		st.hears("crm: 1001#Error#NOT_REACHABLE")
		st.answer, st.asked = nil, nil
		st.userIs(gc.NotReady)
		st.asks()
		st.heard = nil
	})
	scene(t, "a password that is refused then is told once, and ends it", func(st *stage) {
		talking(st)
		over(st)
		st.password = "new"
		st.userIs(gc.NotReady)
		st.hears(dropped, notReady, "crm: 1001#Error#SUBSCRIPTION_FAILED")
		st.wait(time.Minute)
		st.asks("LOGOUT ")
	})
}
