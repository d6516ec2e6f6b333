package wire_test

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// Whatever an event holds, what is written in a format is read as that event
// and that format, with the values that the event has.
func TestWhatIsWrittenIsReadAsThatEventAndFormat(t *testing.T) {
	eachEvent(t, func(t *testing.T, e gc.Event) {
		for _, f := range wire.Formats {
			body := writer.Write(f, e).Body
			fields, ok := wire.FieldsOf(body, f, e)
			require.True(t, ok, "%s of %#v: %q", f, e, body)
			shown := safe
			if body[0] == '{' || body[0] == '[' {
				shown = clean // JSON holds any text
			}
			count := map[string]int{}
			for _, x := range fields {
				if want, ok := valueOf(e, x.Name, count[x.Name], shown); ok {
					if isKeyed(e) && f == wire.Text44 {
						want, x.Value = strings.ReplaceAll(want, ":", "_"), strings.ReplaceAll(x.Value, ":", "_")
					}
					require.Equal(t, want, x.Value, "%s in %s of %#v: %q", x.Name, f, e, body)
				}
				count[x.Name]++
			}
			r, ok := wire.ReadEvent(body, f)
			require.True(t, ok, body)
			require.NotContains(t, strings.Join(r.Problems, "\n"), "(Variables)", "the list of call variables is as it should be: %q", body)
		}
	})
}

// All formats tell the same of an event, as far as they tell it.
func TestNoFormatContradictsAnother(t *testing.T) {
	const text, old, t44, inJSON = wire.Text, wire.TextOld, wire.Text44, wire.JSON
	pairs := [][2]wire.Format{{text, old}, {text, t44}, {text, inJSON}, {old, t44}, {old, inJSON}, {t44, inJSON}}
	told, n := map[string]bool{}, 0
	eachEvent(t, func(t *testing.T, e gc.Event) {
		pair := pairs[n%len(pairs)] // all would take long
		n++
		require.Empty(t, writer.Contradictions(e, pair[0], pair[1]), "%s and %s of %#v", pair[0], pair[1], e)
		fields, _ := wire.FieldsOf(writer.Write(inJSON, e).Body, inJSON, e)
		for _, f := range fields {
			told[f.Name] = true
		}
	})
	for _, name := range []string{"Agent", "State", "Dialog", "From", "Start", "Variables ani", "Variables callVariable10", "Reason", "Code", "FirstName", "Labels", "Teams", "CallsInQueue"} {
		require.True(t, told[name], "%s has a name in JSON too", name)
	}
}

// An event whose values are as Finesse has them is read without a problem, in
// every format at once where they are the same.
func TestAnExampleIsReadInEveryFormatThatWritesItSo(t *testing.T) {
	for _, x := range examples {
		if strings.Contains(x.name, "phonebook") {
			continue // the seed's samples have <phonebookId> for a number
		}
		for _, f := range []wire.Format{wire.Text, wire.TextOld, wire.Text44} {
			body := writer.Write(f, x.event).Body
			r, ok := wire.ReadEvent(body, "")
			require.True(t, ok, body)
			require.Empty(t, r.Problems, body)
			require.Equal(t, wire.RowOf(x.event).Name == r.Name || r.Name == "State", true, body)
			for _, same := range []wire.Format{wire.Text, wire.TextOld, wire.Text44} {
				if writer.Write(same, x.event).Body == body {
					require.Contains(t, r.Formats, same, body)
				}
			}
		}
	}
}

// valueOf is what the field of a name shows of e, the nth of a list; false for
// lists in one field. shown is what a format makes of a text.
func valueOf(e gc.Event, name string, nth int, shown func(string) string) (string, bool) {
	v := reflect.ValueOf(e)
	switch e := e.(type) {
	case gc.StatusBar:
		if name == "Message" {
			if shown("#") == "_" {
				return strings.ReplaceAll(clean(e.Message), "#", "_"), true
			}
		}
	case gc.AgentSync:
		if name == "Secret" {
			return e.Password.Reveal(), true
		}
	case gc.Reconnect:
		if name == "Secret" && shown("#") == "_" {
			return e.Text, true
		} else if name == "Secret" {
			return clean(e.Text), true
		}
	case gc.DestinationReconnect:
		return shown(e.Destination.Name()), true
	case gc.AgentInfo:
		if name == "FullName" {
			return shown(e.FullName()), true
		}
		if name == "Team" {
			return shown(string(e.Team.ID)), true
		}
	case gc.TeamInfoIDs:
		if name == "FullName" {
			return shown(e.FullName()), true
		}
	case gc.TeamMemberState:
		if name == "Member" {
			return shown(string(e.Member.Agent)), true
		}
		if name != "Agent" && name != "Team" {
			v = reflect.ValueOf(e.Member)
		}
	}
	return valueIn(v, name, nth, shown)
}

func valueIn(v reflect.Value, name string, nth int, shown func(string) string) (string, bool) {
	_, state := v.Type().FieldByName("Pending")
	switch {
	case name == "Member" && v.FieldByName("Agent").IsValid() && state:
		name = "Agent"
	case strings.HasPrefix(name, "Associated"):
		if v = v.FieldByName("Associated"); v.IsNil() {
			return "", true
		}
		v, name = v.Elem(), strings.TrimPrefix(name, "Associated")
	}
	for _, list := range []string{"Users", "Queues", "Books", "Contacts"} {
		if l := v.FieldByName(list); l.IsValid() && name != "Agent" && name != "Phonebook" {
			v = l.Index(nth)
		}
	}
	x := v.FieldByName(name)
	switch {
	case !x.IsValid() || x.Kind() == reflect.Slice:
		return "", false
	case x.Type() == reflect.TypeFor[time.Time]():
		if at := x.Interface().(time.Time); !at.IsZero() {
			return at.Format(time.DateTime), true
		}
		return "", true
	}
	return shown(fmt.Sprint(x.Interface())), true
}

// safe is a value as a text form has it.
func safe(s string) string {
	return strings.NewReplacer("#", "_", "|", "_", ",", "_", "=", "_").Replace(clean(s))
}

var bareWord = regexp.MustCompile(`^(true|false|-?\d+)$`)

// Rewriting touches nothing but values, and nothing that is one is left out.
func TestAnEventIsRewrittenValueByValue(t *testing.T) {
	n := 0
	eachEvent(t, func(t *testing.T, e gc.Event) {
		n++
		f := wire.Formats[n%len(wire.Formats)] // all would take long
		m := writer.Write(f, e)
		same := wire.RewriteEvent(m.Name, f, m.Body, func(_ string, _ wire.Holds, text string) string { return text })
		require.Equal(t, m.Body, same, f)
		var values []string
		wire.RewriteEvent(m.Name, f, m.Body, func(name string, holds wire.Holds, text string) string {
			require.True(t, name != "" && holds != wire.Unknown, "%q of %s is of the shape: %q", text, f, m.Body)
			values = append(values, text)
			return text
		})
		for _, x := range wire.EventFields(m.Name, f, m.Body) {
			literal := f == wire.JSON && (x.Name == "Codes" || bareWord.MatchString(x.Value)) // or the key of an object
			said := x.Value == "DROPPED" || x.Value == "FAILED" || x.Name == "Supervisor"     // by the form, or DROP in text-old
			if !literal && !said {
				require.Contains(t, values, x.Value, "%s in %s: %q", x.Name, f, m.Body)
			}
		}
	})
	for _, body := range []string{"", "x", "1#State", `{"type":"State"`, `{"type":"State"}{}`, `[]`, "1001#State#READY#7#Ada#more"} {
		for _, f := range wire.Formats {
			require.NotContains(t, wire.RewriteEvent("State", f, body, func(name string, _ wire.Holds, _ string) string { return name }), "more")
			require.NotEqual(t, "x", wire.RewriteEvent("None", f, body, func(string, wire.Holds, string) string { return "" }), "of an event that is not known nothing stays")
		}
	}
}
