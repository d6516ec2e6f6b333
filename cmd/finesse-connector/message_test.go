package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

func TestACommandIsShownWithoutItsPassword(t *testing.T) {
	for _, test := range []struct{ name, parameters, shown string }{
		{"agent_state/Login#1001", "canary,2001", "agent_state/Login#1001 ****,2001"},
		{"Connect#1001", "desk,can,ary", "Connect#1001 desk,****"},
		{"login#1001", "canary", "login#1001 ****"},
		{"Login#1001", "can,ary,2001", "Login#1001 ****,2001"},
		{"Login#1001", "2001,canary", "Login#1001 ****,****"},
		{"Connect#1001", "desk,can,ary,SSO", "Connect#1001 desk,****,SSO"},
		{"Lgoin#1001", "canary,2001", "Lgoin#1001 ****,****"},
		{"MakeReady#1001", "canary", "MakeReady#1001 ****"},
		{"agent_call/MakeCall#1001", "5550001", "agent_call/MakeCall#1001 5550001"},
		{"Hello#/topic/desk", "", "Hello#/topic/desk"},
	} {
		o, err := parseOrder(test.name, test.parameters)
		require.NoError(t, err)
		require.Equal(t, test.shown, o.String())
	}
}

func TestTheCategoryIsInFrontOfTheCommand(t *testing.T) {
	o, err := parseOrder("agent_state/Login#1001", "")
	require.NoError(t, err)
	require.Equal(t, order{category: "agent_state", typ: "Login#1001"}, o)
	o, err = parseOrder("Hello#/queue/a", "")
	require.NoError(t, err)
	require.Equal(t, order{typ: "Hello#/queue/a"}, o, "a destination's slash does not end a category")
}

func TestAMessageCannotSteerATerminal(t *testing.T) {
	require.Equal(t, `- a\x1b[2Jb\n\u0085ü`, message{Body: "a\x1b[2Jb\n\u0085ü"}.line())
}

func TestTheDriverReadsEveryFormat(t *testing.T) {
	w := wire.Writer{Location: time.UTC, Substitute: '_'}
	call := gc.Call{Agent: "1001", FullName: "Ann", Dialog: "77", State: gc.Held, From: "4085551234"}
	for _, test := range []struct {
		e           gc.Event
		kind, state string
		dialog      gc.DialogID
	}{
		{gc.System{Status: gc.OutOfService}, "System", "OUT_OF_SERVICE", ""},
		{gc.State{Agent: "1001", State: gc.NotReady, Reason: "5"}, "State", "NOT_READY", ""},
		{gc.ErrorEvent{Agent: "1001", Code: gc.PleaseRetry}, "Error", "PLEASE_RETRY", ""},
		{gc.AgentInfo{Agent: "1001", FirstName: "Ann"}, "AgentInfo", "", ""},
		{gc.NewInboundCall{Call: call}, "NewInboundCall", "", "77"},
		{gc.InboundCall{Call: call}, "InboundCall", "HELD", "77"},
	} {
		for _, f := range wire.Formats {
			e := parseEvent(message{Body: w.Write(f, test.e).Body})
			require.Equal(t, test.kind, e.kind)
			require.Equal(t, test.state, e.state)
			require.Equal(t, test.dialog, e.dialog)
		}
	}
	require.Empty(t, parseEvent(message{Body: "nonsense"}).kind)
	require.Empty(t, parseEvent(message{Body: "{nonsense"}).kind)
}

func TestAnEventFitsTheLine(t *testing.T) {
	w := wire.Writer{Location: time.UTC, Substitute: '_'}
	call := gc.Call{Agent: "1001", Dialog: "77", State: gc.Held, From: "42", Variables: []gc.CallVariable{{Name: "callVariable2", Value: "gold"}}}
	text := w.Write(wire.Text, gc.InboundCall{Call: call}).Body
	for _, test := range []struct {
		rule string
		room int
		want string
	}{
		{"a text that fits is left alone", 1000, text},
		{"empty variables go first", 100, "1001#InboundCall#HELD#DialogID:77#42#ani=42|…|callVariable2=gold|…##"},
		{"then all", 60, "1001#InboundCall#HELD#DialogID:77#42#ani=42|…##"},
		{"then the end", 30, "1001#InboundCall#HELD#DialogI…"},
	} {
		require.Equal(t, test.want, abbreviate(text, test.room), test.rule)
	}
	json := w.Write(wire.JSON, gc.NewInboundCall{Call: call}).Body
	require.Equal(t, `{"type":"NewInboundCall","dialogId":"77","fromAddress":"42","callVariables":[…,{"callVariable2":"gold"},…,{"ani":"42"}],"agentId":"1001"}`, abbreviate(json, 150))
	require.Equal(t, `{"type":"NewInboundCall","dialogId":"77","fromAddress":"42","callVariables":[…],"agentId":"1001"}`, abbreviate(json, 100))
	require.Equal(t, 20, length(abbreviate(strings.Repeat("ü", 30), 20)))
}

// The demo waits for the events of its script; each of the three ways to fail
// names what is missing.
func TestTheDriverReportsMissingEvents(t *testing.T) {
	k := keepDemo(t)
	d, err := newDriver(t.Context(), k.broker, "desk", wire.Text)
	require.NoError(t, err)
	defer d.client.Close()

	o, err := parseOrder("MakeCall#1009", "")
	require.NoError(t, err)
	m := o.outgoing("Connector1", "MessageCategory")
	m.Headers["reply-to"] = "/topic/desk"
	require.NoError(t, d.client.Send(t.Context(), m))
	seen := 0
	err = d.await(t.Context(), []string{"InboundCall INITIATED", "State TALKING"}, func(event) { seen++ })
	require.EqualError(t, err, "the connector answered MISSING_NUMBER instead of InboundCall INITIATED and State TALKING")
	require.Equal(t, 1, seen)

	k.signal(15)
	require.ErrorContains(t, d.await(t.Context(), []string{"State READY"}, nil), "the broker went away")
}

func TestTheDriverDoesNotWaitForEver(t *testing.T) {
	k := keepDemo(t)
	d, err := newDriver(t.Context(), k.broker, "desk", wire.Text)
	require.NoError(t, err)
	defer d.client.Close()
	d.patience = 10 * time.Millisecond
	require.EqualError(t, d.await(t.Context(), []string{"State READY", "InboundCall DROPPED"}, nil),
		"State READY and InboundCall DROPPED did not come within 10ms")
}
