package session_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// errs lets Finesse report an error of something without the id of a request.
func (st *stage) errs(event finesse.Event, source, message string) {
	st.notify(finesse.Update{Event: event, Source: source, Error: &finesse.APIError{Type: "Generic Error", Message: message}})
}

const (
	userSource  = "/finesse/api/User/1001"
	callsSource = "/finesse/api/User/1001/Dialogs"
)

// An asynchronous error without the id of a request answers the command that it
// belongs to, or nobody.
func TestWhoseError(t *testing.T) {
	// busy has calls 7 and 8, and commands of each kind that wait: first HoldCall of 7.
	busy := func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Active))
		st.dialog(finesse.Post, leg("8", "4085551235", gc.Held))
		st.send("HoldCall#1001", "7")
		st.send("RetrieveCall#1001", "8")
		st.send("MakeReady#1001", "")
		st.send("MakeCall#1001", "5550")
		st.heard, st.acks = nil, 0
	}
	// finishes lets all of them but MakeCall be done.
	finishes := func(st *stage) {
		st.dialog(finesse.Put, leg("7", "4085551234", gc.Held))
		st.dialog(finesse.Put, leg("8", "4085551235", gc.Active))
		st.userIs(gc.Ready)
	}
	const (
		held      = "crm: 1001#InboundCall#HELD#DialogID:7#4085551234#…##Ann Smith"
		retrieved = "crm: 1001#InboundCall#ACTIVE#DialogID:8#4085551235#…##Ann Smith"
		ready     = "crm: 1001#State#READY##Ann Smith"
	)
	scene(t, "POST of the list of calls is of the call that is made", func(st *stage) {
		busy(st)
		st.errs(finesse.Post, callsSource, "CF_INVALID_CALLED_DEVICE")
		st.hears("crm: 1001#Error#CF_INVALID_CALLED_DEVICE")
		finishes(st)
		st.hears(held, retrieved, ready)
	})
	scene(t, "a dialog's is of the command about that dialog", func(st *stage) {
		busy(st)
		st.errs(finesse.Put, "/finesse/api/Dialog/8", "CF_RESOURCE_BUSY")
		st.hears("crm: 1001#Error#CF_RESOURCE_BUSY")
		st.errs(finesse.Put, "https://finesse-a:8445/finesse/api/Dialog/8/", "CF_RESOURCE_BUSY")
		st.hears()
		st.dialog(finesse.Put, leg("7", "4085551234", gc.Held))
		st.hears(held)
	})
	scene(t, "the agent's is of the command about the state", func(st *stage) {
		busy(st)
		st.errs(finesse.Put, userSource, "CF_INVALID_OBJECT_STATE")
		st.hears("crm: 1001#Error#CF_INVALID_OBJECT_STATE")
	})
	for what, source := range map[string]string{
		"another dialog":                "/finesse/api/Dialog/9",
		"a chat":                        "/finesse/api/Dialog/5001_7_1",
		"the list of chats":             callsSource + "/Media",
		"a medium":                      userSource + "/Media/5001",
		"another agent":                 "/finesse/api/User/1002",
		"the calls of another agent":    "/finesse/api/User/1002/Dialogs",
		"a task":                        "/finesse/api/Task/7",
		"nothing":                       "",
		"what cannot be read":           "/finesse/api/User/%zz",
		"the system":                    "/finesse/api/SystemInfo",
		"something that looks like one": "/finesse/api/Dialog/",
	} {
		scene(t, what+" has an error that answers nobody, and is logged", func(st *stage) {
			busy(st)
			st.errs(finesse.Put, source, "CF_RESOURCE_BUSY")
			st.errs(finesse.Post, source, "CF_RESOURCE_BUSY")
			st.hears()
			finishes(st)
			st.hears(held, retrieved, ready)
			require.Equal(st, 2, st.logs.FilterMessageSnippet("belongs to no command").Len())
		})
	}
	scene(t, "a change of the list of calls is none of a call that is made", func(st *stage) {
		busy(st)
		st.errs(finesse.Put, callsSource, "CF_RESOURCE_BUSY")
		st.hears()
	})
	scene(t, "such errors do not fill the log", func(st *stage) {
		st.signIn()
		for range 1000 {
			st.errs(finesse.Put, "/finesse/api/Dialog/9", "CF_RESOURCE_BUSY")
		}
		require.LessOrEqual(st, st.logs.FilterMessageSnippet("belongs to no command").Len(), 11)
	})
	for where, source := range map[string]struct {
		event  finesse.Event
		source string
	}{
		"its call":          {finesse.Put, "/finesse/api/Dialog/7"},
		"the list of calls": {finesse.Post, callsSource},
	} {
		scene(t, "a consultation's may be about "+where, func(st *stage) {
			st.signIn()
			st.dialog(finesse.Post, leg("7", "4085551234", gc.Active))
			st.heard = nil
			st.send("ConsultCall#1001", "2002,7")
			st.errs(source.event, source.source, "CF_RESOURCE_BUSY")
			st.hears("crm: 1001#Error#CF_RESOURCE_BUSY")
		})
	}
	scene(t, "silentmonitor and bargein make a call too", func(st *stage) {
		st.lead()
		st.send("silentmonitor#1001", "2002")
		st.errs(finesse.Post, callsSource, "CF_RESOURCE_BUSY")
		st.hears("crm: 1001#Error#CF_RESOURCE_BUSY")
		monitor := leg("9", "2001", gc.Active)
		monitor.CallType, monitor.ToAddress = "SUPERVISOR_MONITOR", "2002"
		st.dialog(finesse.Post, monitor)
		st.heard = nil
		st.send("bargein#1001", "2002,9")
		st.errs(finesse.Post, callsSource, "CF_RESOURCE_BUSY")
		st.hears("crm: 1001#Error#CF_RESOURCE_BUSY")
	})
	scene(t, "the id of a request says more than what the error is about", func(st *stage) {
		busy(st)
		st.rejects("req-MakeCall#1001", "/finesse/api/Dialog/7", "CF_RESOURCE_BUSY")
		st.hears("crm: 1001#Error#CF_RESOURCE_BUSY")
		st.rejects("of somebody else", "/finesse/api/Dialog/7", "CF_RESOURCE_BUSY")
		st.hears()
		finishes(st)
		st.hears(held, retrieved, ready)
	})
}
