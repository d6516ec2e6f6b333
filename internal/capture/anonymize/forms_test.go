package anonymize

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

var events = []gc.Event{
	gc.System{}, gc.State{}, gc.ReLogin{}, gc.ErrorEvent{}, gc.AgentInfo{Supervisor: true}, gc.AgentInfo{}, gc.NewInboundCall{}, gc.NewOutboundCall{},
	gc.InboundCall{}, gc.InboundCall{Call: gc.Call{State: gc.Failed}}, gc.InboundCall{Call: gc.Call{State: gc.Dropped}}, gc.ConsultCall{},
	gc.ConsultCall{Call: gc.Call{State: gc.Failed}}, gc.DialogStatus{}, gc.DialogStatus{Associated: &gc.Call{}}, gc.DialogState{},
	gc.DialogState{Associated: &gc.Call{}}, gc.DialogStateControls{}, gc.DialogStateControls{Consult: true}, gc.ConferenceParticipants{},
	gc.ReasonCodes{}, gc.StatusBar{}, gc.Controls{Controls: []bool{true, false}}, gc.AgentLogout{}, gc.AgentDialogState{}, gc.DestinationReconnect{},
	gc.TeamInfoIDs{}, gc.TeamInfoNames{}, gc.Agents{}, gc.TeamUsersList{}, gc.TeamMemberState{}, gc.QueueList{}, gc.Phonebooks{}, gc.TeamPhonebooks{},
	gc.PhonebookContacts{}, gc.Reconnect{Request: "MakeCall#ada", Text: "4085551234"},
}

// replacedFields are the fields of events that say something about a person or
// the site.
var replacedFields = map[string]bool{
	"FullName": true, "FirstName": true, "LastName": true, "Extension": true, "From": true, "Customer": true, "To": true, "Value": true,
	"Participants": true, "MediaAddress": true, "PhoneNumber": true, "Description": true, "Label": true,
}

// fill gives every empty field in v a value of its own, which mapped then
// replaces.
func fill(v reflect.Value, name string, n *int) {
	*n++
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2026, 3, 5, 12, 0, *n%60, 0, time.UTC)))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), v.Type().Field(i).Name, n)
			}
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		fill(v.Elem(), name, n)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Bool:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), name, n)
		fill(v.Index(1), name, n)
	case v.Kind() == reflect.Int:
		v.SetInt(int64(*n))
	case v.Kind() != reflect.String || v.String() != "":
	case v.Type() == reflect.TypeFor[gc.CallState]():
		v.SetString("ACTIVE")
	case v.Type() == reflect.TypeFor[gc.Destination]():
		v.SetString("/topic/crm" + fmt.Sprint(*n))
	case v.Type() == reflect.TypeFor[gc.Extension]() || strings.HasSuffix(name, "ID") || v.Type() == reflect.TypeFor[gc.ReasonCodeID]():
		v.SetString(fmt.Sprint(20_000 + *n))
	default:
		v.SetString(fmt.Sprintf("Zoë#a=b|c,%d x", *n))
	}
}

// mapped replaces the values of fill, by where they stand in the event.
func mapped(a *Anonymizer, v reflect.Value, in, name string) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				mapped(a, v.Field(i), v.Type().Name(), v.Type().Field(i).Name)
			}
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		mapped(a, v.Elem(), in, name)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			mapped(a, v.Index(i), in, name)
		}
	case v.Kind() != reflect.String:
	case v.Type() == reflect.TypeFor[gc.AgentID]():
		v.SetString(a.words.login(v.String()))
	case v.Type() == reflect.TypeFor[gc.Destination]():
		v.SetString(a.destination(v.String()))
	case v.Type() == reflect.TypeFor[gc.DialogID](), v.Type() == reflect.TypeFor[gc.ReasonCodeID](), v.Type() == reflect.TypeFor[gc.TeamID](),
		v.Type() == reflect.TypeFor[gc.PhonebookID](), name == "ID" || strings.HasSuffix(name, "ID"):
		v.SetString(a.id(v.String()))
	case in == "CallVariable" && name == "Name":
		v.SetString(a.variable(v.String()))
	case in == "ErrorEvent" && name == "Code":
		v.SetString(a.code(v.String()))
	case in == "ErrorEvent" && name == "Reason":
		v.SetString(a.words.text(v.String()))
	case in == "Reconnect" && name == "Request":
		request, _ := a.command(v.String(), "")
		v.SetString(request)
	case in == "Reconnect" || replacedFields[name] || name == "Name":
		v.SetString(a.words.text(v.String()))
	default: // a word of the protocol or none
		v.SetString(a.word(v.String()))
	}
}

// In every format, anonymizing an event gives the event with its values
// replaced: nothing of the protocol is touched, and nothing else is left.
func TestEachFormOfEachEvent(t *testing.T) {
	w := &wire.Writer{Location: time.UTC, Substitute: '_'}
	for _, e := range events {
		for _, f := range wire.Formats {
			t.Run(fmt.Sprintf("%T %s", e, f), func(t *testing.T) {
				filled, n := reflect.New(reflect.TypeOf(e)).Elem(), 0
				filled.Set(reflect.ValueOf(e))
				fill(filled, "", &n)
				m := w.Write(f, filled.Interface().(gc.Event))
				x := &capture.Record{Dir: capture.Out, Edge: capture.Broker, Event: m.Name, Type: m.Type, Format: string(f), Body: m.Body}
				a := seeded([32]byte{7})
				a.Item(t.Context(), capture.Item{Record: x})
				mapped(a, filled, "", "")
				require.NoError(t, a.Settle(t.Context()))
				mapped(a, filled, "", "")
				want := w.Write(f, filled.Interface().(gc.Event))
				require.Equal(t, want.Body, a.Item(t.Context(), capture.Item{Record: x}).Record.Body, m.Body)
			})
		}
	}
}
