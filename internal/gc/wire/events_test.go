package wire_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

var update = flag.Bool("update", false, "write the golden files anew")

// at reads a time as the seed's samples print it.
func at(s string) time.Time {
	t, err := time.Parse(time.DateTime, s)
	if err != nil {
		panic(err)
	}
	return t
}

var riaz = gc.AgentInfo{
	Agent: "jehanzeb4", FirstName: "jehanzeb4", LastName: "riaz", Team: gc.Team{ID: "7", Name: "Demo"},
}

func call(dialog gc.DialogID, agent gc.AgentID, state gc.CallState, from, start string, parties ...gc.Participant) gc.Call {
	return gc.Call{Agent: agent, FullName: string(agent) + " riaz", Dialog: dialog, State: state, From: from, Start: at(start), Participants: parties}
}

// examples has one event per rule of the protocol. Those with the name of a
// file in testdata/seed are the seed's own samples.
var examples = []struct {
	name  string
	event gc.Event
}{
	{"system-in-service", gc.System{Status: gc.InService}},
	{"system-out-of-service", gc.System{Status: gc.OutOfService}},
	{"agent-info", riaz},
	{"agent-info-of-a-supervisor", gc.AgentInfo{
		Agent: "2001", FirstName: "Susan", LastName: "Lee", Supervisor: true, WrapUp: "OPTIONAL",
		Team: gc.Team{ID: "1", Name: "Sales"}, Teams: []gc.Team{{ID: "1", Name: "Sales"}, {ID: "2", Name: "Support"}},
	}},
	{"state-with-reason", gc.State{Agent: "jehanzeb6", FullName: "jehanzeb6 riaz", State: gc.NotReady, Reason: "8", Changed: at("2019-09-17 12:46:21")}},
	{"state-without-reason", gc.State{Agent: "1001", FullName: "Ann Smith", State: gc.Ready, Changed: at("2019-09-17 12:46:21")}},
	{"state-pending", gc.State{Agent: "1001", FullName: "Ann Smith", Extension: "2001", State: gc.Talking, Pending: gc.NotReady, Changed: at("2019-09-17 12:46:21")}},
	{"state-without-time", gc.State{Agent: "1001", FullName: "Ann Smith", State: gc.LoggedOut}},
	{"re-login", gc.ReLogin{Agent: "1001"}},
	{"error", gc.ErrorEvent{Agent: "1001", Code: gc.SubscriptionFailed}},
	{"new-inbound-call", gc.NewInboundCall{Call: call("16871263", "jehanzeb4", gc.Alerting, "1006", "2019-09-17 15:32:15")}},
	{"inbound-call-initiated", gc.InboundCall{Call: call("16871253", "jehanzeb6", gc.Initiated, "4012", "2019-09-17 15:32:15",
		gc.Participant{MediaAddress: "1006", State: gc.Initiated, AddressType: "AGENT_DEVICE"})}},
	{"inbound-call-held", gc.InboundCall{Call: call("16874257", "jehanzeb4", gc.Held, "1005", "2019-09-20 16:25:14",
		gc.Participant{MediaAddress: "1005", State: gc.Active},
		gc.Participant{MediaAddress: "1004", State: gc.Held, AddressType: "AGENT_DEVICE"})}},
	{"inbound-call-of-three", gc.InboundCall{Call: call("16871286", "jehanzeb4", gc.Active, "1005", "2019-09-17 17:16:10",
		gc.Participant{MediaAddress: "1005", State: gc.Active},
		gc.Participant{MediaAddress: "1004", State: gc.Active, AddressType: "AGENT_DEVICE"},
		gc.Participant{MediaAddress: "1006", State: gc.Active, AddressType: "AGENT_DEVICE"})}},
	{"inbound-call-dropped", gc.InboundCall{Call: call("16871284", "jehanzeb6", gc.Dropped, "4012", "2019-09-17 15:32:15")}},
	{"inbound-call-failed", gc.InboundCall{Call: func() gc.Call {
		c := call("16871290", "jehanzeb6", gc.Failed, "1006", "2019-09-17 15:32:15")
		c.Cause = "BUSY"
		return c
	}()}},
	{"inbound-call-of-another", gc.InboundCall{Call: func() gc.Call {
		c := call("16871291", "jehanzeb6", gc.Active, "4012", "2019-09-17 15:32:15")
		c.Previous = "16871284"
		return c
	}()}},
	{"inbound-call-with-variables", gc.InboundCall{Call: func() gc.Call {
		c := call("16871292", "1001", gc.Active, "", "2019-09-17 15:32:15")
		c.FullName = "Zoë O'Brien"
		c.Variables = []gc.CallVariable{{Name: "user.cvp_url", Value: "http://h/?a=1|2#3,4"}, {Name: "callVariable10", Value: "<ten> & \"10\""}, {Name: "callVariable1", Value: "😀"}}
		return c
	}()}},
	{"inbound-call-of-a-consultation", gc.InboundCall{Call: func() gc.Call {
		c := call("17672721", "5000", gc.Active, "42512", "2022-07-22 18:16:47",
			gc.Participant{MediaAddress: "42053", State: gc.Active, AddressType: "AGENT_DEVICE", Start: at("2022-07-22 18:16:47")},
			gc.Participant{MediaAddress: "42512", State: gc.Active, AddressType: "AGENT_DEVICE", Start: at("2022-07-22 18:16:47")})
		c.Previous, c.Type = "17672718", "CONSULT_IN"
		c.Variables = []gc.CallVariable{{Name: "callVariable4", Value: "CONSULT"}, {Name: "callVariable7", Value: "42035"}, {Name: "callVariable8", Value: "MAINAPP"},
			{Name: "user.microapp.locale", Value: "en-us"}, {Name: "user.microapp.media_server", Value: "http://192.168.1.72"}}
		return c
	}()}},
	{"inbound-call-wrap-up", gc.InboundCall{Call: call("16871284", "jehanzeb6", gc.WrapUp, "4012", "2019-09-17 15:32:15")}},
	{"consult-call-initiated", gc.ConsultCall{Call: func() gc.Call {
		c := call("16871288", "jehanzeb4", gc.Initiated, "1004", "2019-09-17 17:17:03",
			gc.Participant{MediaAddress: "1004", State: gc.Initiated, AddressType: "AGENT_DEVICE"})
		c.To, c.Previous, c.Type = "1006", "16871286", "CONSULT"
		return c
	}()}},
	{"consult-call-dropped", gc.ConsultCall{Call: call("16871288", "jehanzeb4", gc.Dropped, "1004", "2019-09-17 17:17:03")}},
	{"consult-call-failed", gc.ConsultCall{Call: func() gc.Call {
		c := call("16871288", "jehanzeb4", gc.Failed, "1004", "2019-09-17 17:17:03")
		c.Cause = "BUSY"
		return c
	}()}},
	{"dialog-status", gc.DialogStatus{Call: call("16871286", "jehanzeb6", gc.Active, "1005", "2019-09-17 17:16:10")}},
	{"dialog-status-of-a-consultation", gc.DialogStatus{
		Call: call("16871286", "jehanzeb6", gc.Held, "1005", "2019-09-17 17:16:10"),
		Associated: func() *gc.Call {
			c := call("16871288", "jehanzeb6", gc.Active, "1004", "2019-09-17 17:17:03")
			return &c
		}(),
	}},
	{"dialog-state-controls", gc.DialogStateControls{Call: call("16871286", "jehanzeb6", gc.Held, "1005", "2019-09-17 17:16:10")}},
	{"dialog-state-controls-of-a-consultation", gc.DialogStateControls{Call: call("16871288", "jehanzeb6", gc.Active, "1004", "2019-09-17 17:17:03"), Consult: true}},
	{"conference-participants", gc.ConferenceParticipants{Agent: "1001", Dialog: "16871286", Participants: []string{"1004", "1006", "4085551234"}}},
	{"dialog-state", gc.DialogState{Call: call("16871286", "jehanzeb6", gc.Held, "1005", "2019-09-17 17:16:10")}},
	{"dialog-state-of-a-consultation", gc.DialogState{
		Call: call("16871286", "jehanzeb6", gc.Held, "1005", "2019-09-17 17:16:10"),
		Associated: func() *gc.Call {
			c := call("16871288", "jehanzeb6", gc.Active, "1004", "2019-09-17 17:17:03")
			return &c
		}(),
	}},
	{"dialog-state-not-found", gc.DialogState{Call: gc.Call{Agent: "1001", FullName: "Ann Smith", Dialog: "99", State: gc.NotFound}}},
	{"reason-codes", gc.ReasonCodes{Agent: "jehanzeb4", FullName: "jehanzeb4 riaz", Category: "WrapUp", Codes: []gc.ReasonCode{
		{ID: "1", Label: "Complaint"}, {ID: "2", Label: "Inquiry New"}, {ID: "3", Label: "Conf call"}, {ID: "4", Label: "Transfer call"},
		{ID: "5", Label: "Customer new call"}, {ID: "6", Label: "Old call customer"}, {ID: "7", Label: "Bill Inquiry"},
	}}},
	{"reason-codes-none", gc.ReasonCodes{Agent: "1001", FullName: "Ann Smith", Category: gc.LogoutReasons}},
	{"reason-codes-with-separators", gc.ReasonCodes{Agent: "1001", FullName: "Smith, Ann", Category: gc.NotReadyReasons, Codes: []gc.ReasonCode{{ID: "1", Label: "Lunch, or tea #2"}}}},
}

var writer = &wire.Writer{Location: time.UTC, Substitute: '_'}

func TestEveryEventIsWrittenAsItsGoldenFile(t *testing.T) {
	for _, x := range examples {
		for _, f := range wire.Formats {
			t.Run(x.name+"/"+string(f), func(t *testing.T) {
				got := writer.Write(f, x.event)
				file := filepath.Join("testdata", "golden", x.name+"."+string(f))
				if *update {
					require.NoError(t, os.WriteFile(file, []byte(got.Body+"\n"), 0o644))
				}
				want, err := os.ReadFile(file)
				require.NoError(t, err)
				require.Equal(t, strings.TrimSuffix(string(want), "\n"), got.Body)
			})
		}
	}
}

func TestJSONIsTheSeedsSampleButForWhiteSpace(t *testing.T) {
	files, err := filepath.Glob("testdata/seed/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			sample, err := os.ReadFile(file)
			require.NoError(t, err)
			var want bytes.Buffer
			require.NoError(t, json.Compact(&want, sample))
			for _, x := range examples {
				if x.name == name {
					require.Equal(t, want.String(), writer.Write(wire.JSON, x.event).Body)
					return
				}
			}
			t.Fatal("the sample has no example")
		})
	}
}

func TestEveryRowHasAnExampleInEveryFormat(t *testing.T) {
	for _, row := range wire.Events {
		t.Run(strings.Join(row.Numbers, "+"), func(t *testing.T) {
			for _, x := range examples {
				if row.Writes(x.event) {
					require.NotEmpty(t, row.Category)
					return
				}
			}
			t.Fatalf("%s has no example", row.Name)
		})
	}
}

func TestDialogStatusHasTheCallTypeAsJMSType(t *testing.T) {
	require.Equal(t, "OUT", writer.Write(wire.Text, gc.DialogStatus{Call: gc.Call{Type: "OUT"}}).Type)
	require.Empty(t, writer.Write(wire.Text, gc.InboundCall{Call: gc.Call{Type: "OUT"}}).Type)
}

func TestTimesAreWrittenInTheConfiguredZone(t *testing.T) {
	zone := time.FixedZone("UTC+5", 5*3600)
	w := &wire.Writer{Location: zone, Substitute: '_'}
	require.Contains(t, w.Write(wire.JSON, gc.State{Agent: "1", Changed: at("2019-09-17 22:46:21")}).Body, `"stateChangeTime":"2019-09-18 03:46:21"`)
}

func TestNoValueShiftsAFieldOfAText(t *testing.T) {
	fields := func(vars, label, name, from string) bool {
		c := gc.Call{Agent: "1", FullName: name, Dialog: "7", State: gc.Active, From: from, Variables: []gc.CallVariable{{Name: "callVariable3", Value: vars}, {Name: label, Value: vars}}}
		for _, e := range []struct {
			event           gc.Event
			text, old, gc44 int // fields
		}{
			{gc.InboundCall{Call: c}, 8, 4, 10},
			{gc.NewInboundCall{Call: c}, 5, 5, 7},
			{gc.DialogState{Call: c}, 11, 11, 11},
			{gc.ConsultCall{Call: c}, 8, 4, 8},
			{gc.DialogStatus{Call: c, Associated: &c}, 10, 6, 10},
			{gc.DialogStatus{Call: c}, 10, 6, 10},
			{gc.DialogStateControls{Call: c}, 6, 6, 6},
			{gc.ConferenceParticipants{Agent: "1", Participants: []string{from, vars}}, 3, 3, 3},
			{gc.State{Agent: "1", State: gc.Ready, FullName: name}, 5, 4, 10},
			{gc.ReLogin{Agent: "1"}, 3, 3, 10},
			{gc.AgentInfo{Agent: "1", FirstName: name, Supervisor: true, Teams: []gc.Team{{ID: "1", Name: label}}}, 7, 7, 10},
			{gc.ReasonCodes{Agent: "1", FullName: name, Category: gc.NotReadyReasons, Codes: []gc.ReasonCode{{ID: "1", Label: label}, {ID: "2", Label: name}}}, 6, 6, 6},
		} {
			for f, want := range map[wire.Format]int{wire.Text: e.text, wire.TextOld: e.old, wire.Text44: e.gc44} {
				if got := strings.Count(writer.Write(f, e.event).Body, "#") + 1; got != want {
					t.Logf("%s: %T has %d fields, not %d", f, e.event, got, want)
					return false
				}
			}
		}
		body := strings.Split(writer.Write(wire.Text, gc.InboundCall{Call: c}).Body, "#")[5]
		parts := strings.Split(body, "|")
		return len(parts) == 12 && strings.Count(body, "=") == 12
	}
	require.NoError(t, quick.Check(fields, nil))
	require.True(t, fields("a#b|c,d=e", "#|,=", "Smith, Ann #1", "a=b"))
	participants := strings.Split(writer.Write(wire.Text44, gc.InboundCall{Call: call("7", "1", gc.Active, "2", "2022-07-22 18:16:47",
		gc.Participant{MediaAddress: "a|b,c#d"}, gc.Participant{MediaAddress: "2"})}).Body, "#")[9]
	require.Equal(t, "participants:a_b_c_d,,,,|2,,,,", participants)
	require.Equal(t, 3, writer.Write(wire.Text, gc.State{Agent: "1", State: gc.Ready, FullName: "a#b|c="}).Replaced)
	require.Zero(t, writer.Write(wire.JSON, gc.State{Agent: "1", State: gc.Ready, FullName: "a#b|c="}).Replaced, "JSON needs no substitute")
}

func TestJSONParsesBackToTheSameValues(t *testing.T) {
	back := func(name, value string) bool {
		name = "user." + name
		c := gc.Call{Agent: "1", Dialog: "7", State: gc.Active, Variables: []gc.CallVariable{{Name: name, Value: value}}}
		body := writer.Write(wire.JSON, gc.InboundCall{Call: c}).Body
		var got struct{ CallVariables []map[string]string }
		err := json.Unmarshal([]byte(body), &got)
		return err == nil && strings.Trim(body, asciiPrintable) == "" && len(got.CallVariables) == 12 &&
			reflect.DeepEqual(got.CallVariables[10], map[string]string{clean(name): clean(value)})
	}
	require.NoError(t, quick.Check(back, nil))
	require.True(t, back("emoji", "😀 Zoë \u2028 <&>"))
}

// clean is what encoding/json makes of invalid UTF-8.
func clean(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

var asciiPrintable = func() string {
	var b strings.Builder
	for c := ' '; c <= '~'; c++ {
		b.WriteRune(c)
	}
	return b.String()
}()

func BenchmarkWrite(b *testing.B) {
	for _, f := range wire.Formats {
		b.Run(string(f), func(b *testing.B) {
			e := gc.InboundCall{Call: call("16871253", "1001", gc.Active, "4012", "2019-09-17 15:32:15", gc.Participant{MediaAddress: "1006", State: gc.Active})}
			b.ReportAllocs()
			for b.Loop() {
				writer.Write(f, e)
			}
		})
	}
}
