package wire_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// Drivers split a text on the separators and index by position: whatever the
// values hold, the separators are those of the same event with values that
// hold none. Left out are the four values that are sent as they are.
func TestNoValueShiftsAFieldOfAText(t *testing.T) {
	eachEvent(t, func(t *testing.T, e gc.Event) {
		harmless := harmless(e)
		for _, f := range []wire.Format{wire.Text, wire.TextOld, wire.Text44} {
			bad, good := writer.Write(f, e), writer.Write(f, harmless)
			require.Equal(t, separators(good.Body), separators(bad.Body), "%s of %#v: %q", f, e, bad.Body)
			require.Zero(t, good.Replaced, "%s of %#v", f, harmless)
		}
	})
}

func separators(body string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("#|,=", r) {
			return r
		}
		return -1
	}, body)
}

// harmless is e without separators in its values.
func harmless(e gc.Event) gc.Event {
	v := reflect.New(reflect.TypeOf(e)).Elem()
	v.Set(reflect.ValueOf(e))
	mapStrings(v, strings.NewReplacer("#", "x", "|", "x", ",", "x", "=", "x").Replace)
	switch clean := v.Interface().(type) {
	case gc.StatusBar:
		clean.Message = strings.ReplaceAll(e.(gc.StatusBar).Message, "#", "x")
		return clean
	case gc.ErrorEvent:
		clean.Reason = gc.Reason(strings.ReplaceAll(string(e.(gc.ErrorEvent).Reason), "#", "x"))
		return clean
	case gc.Reconnect:
		clean.Text = e.(gc.Reconnect).Text
		return clean
	case gc.AgentSync:
		clean.Password = e.(gc.AgentSync).Password
		return clean
	default:
		return v.Interface().(gc.Event)
	}
}

func TestAValueSentAsItIsCanBeTold(t *testing.T) {
	const all = "a#b|c,d=e\nf"
	require.Equal(t, "1#Control#PrintStatusBar#a_b|c,d=e\nf", writer.Write(wire.Text, gc.StatusBar{Agent: "1", Message: all}).Body, "a sentence is the last field")
	require.Equal(t, "1#RECONNECT#"+all, writer.Write(wire.Text, gc.Reconnect{Agent: "1", Text: all}).Body, "a command to be sent again is the last field")
	require.Equal(t, "AgentState#1#"+all+"#2#", writer.Write(wire.Text, gc.AgentSync{Agent: "1", Password: gc.NewSecret(all), Extension: "2"}).Body,
		"no other field of it holds separators")
}

func TestTextIsUTF8(t *testing.T) {
	eachEvent(t, func(t *testing.T, e gc.Event) {
		switch e.(type) {
		case gc.Reconnect, gc.AgentSync:
			return // what they send as it is was read from a body, which is UTF-8
		}
		for _, f := range []wire.Format{wire.Text, wire.TextOld, wire.Text44} {
			body := writer.Write(f, e).Body
			require.True(t, utf8.ValidString(body), "%s of %#v: %q", f, e, body)
		}
	})
}

func TestReplacedSeparatorsAreCounted(t *testing.T) {
	e := gc.State{Agent: "1", State: gc.Ready, FullName: "a#b|c="}
	require.Equal(t, 3, writer.Write(wire.Text, e).Replaced)
	require.Equal(t, "1#State#READY##a_b_c_", writer.Write(wire.Text, e).Body)
	require.Zero(t, writer.Write(wire.JSON, e).Replaced, "JSON needs no substitute")
	require.Equal(t, "1#State#READY##a·b·c·", (&wire.Writer{Location: time.UTC, Substitute: '·'}).Write(wire.Text, e).Body)
}

func TestJSONIsASCII(t *testing.T) {
	eachEvent(t, func(t *testing.T, e gc.Event) {
		if _, ok := e.(gc.AgentSync); ok {
			return // between connectors: the same text in every format
		}
		body := writer.Write(wire.JSON, e).Body
		require.Equal(t, len(body), utf8.RuneCountInString(body), "%q", body)
		require.True(t, json.Valid([]byte(body)), body)
	})
}

// clean is what encoding/json makes of invalid UTF-8: one replacement
// character for every byte that belongs to no character.
func clean(s string) string { return string([]rune(s)) }
