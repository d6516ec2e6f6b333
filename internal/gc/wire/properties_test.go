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
			if f == wire.Text44 && isKeyed(e) {
				_, goodList, _ := strings.Cut(good.Body, good.Name) // an agent's id has no colon
				_, badList, _ := strings.Cut(bad.Body, bad.Name)
				require.Equal(t, strings.Count(goodList, ":"), strings.Count(badList, ":"), "%s of %#v: %q", f, e, bad.Body)
			}
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

// isKeyed reports whether a text lists name:value of what e has.
func isKeyed(e gc.Event) bool {
	switch e.(type) {
	case gc.QueueList, gc.Agents, gc.TeamUsersList, gc.Phonebooks, gc.TeamPhonebooks, gc.PhonebookContacts:
		return true
	}
	return false
}

// Drivers of text-4.4 split an entry of these lists on commas and each part on its
// colon.
func TestNoColonIsInAValueBehindItsName(t *testing.T) {
	for _, x := range []struct {
		event gc.Event
		want  string
	}{
		{gc.QueueList{Agent: "2001", Queues: []gc.Queue{{Name: "Sales: Süd"}}}, "QueueName:Sales_ Süd,"},
		{gc.Agents{Agent: "1001", Users: []gc.TeamUser{{FirstName: "Ann: A.", LastName: "Smith"}}}, "FirstName:Ann_ A.,LastName:Smith,"},
		{gc.TeamUsersList{Agent: "2001", Users: []gc.TeamUser{{LastName: "a:b", Changed: at("2019-09-17 12:46:21")}}}, "LastName:a_b,"},
		{gc.Phonebooks{Agent: "1001", Books: []gc.Phonebook{{Name: "VIP: all"}}}, "name:VIP_ all,"},
		{gc.TeamPhonebooks{Agent: "1001", Books: []gc.Phonebook{{Name: "VIP: team"}}}, "name:VIP_ team,"},
		{gc.PhonebookContacts{Agent: "1001", Contacts: []gc.Contact{{ID: "a:1", PhoneNumber: "sip:ann@example.com"}}}, "phoneNumber:sip_ann@example.com,id:a_1"},
	} {
		require.Contains(t, writer.Write(wire.Text44, x.event).Body, x.want)
		for _, f := range []wire.Format{wire.Text, wire.TextOld, wire.JSON} {
			require.NotContains(t, writer.Write(f, x.event).Body, "_", "the others stay as they are")
		}
	}
	require.Contains(t, writer.Write(wire.Text44, gc.TeamUsersList{Users: []gc.TeamUser{{Changed: at("2019-09-17 12:46:21")}}}).Body, "StateChangeTime:2019-09-17 12:46:21", "a time stays")
}

// A driver of early 2022 splits the whole field of the participants on ":".
func TestShortParticipants(t *testing.T) {
	short := &wire.Writer{Location: time.UTC, Substitute: '_', Participants: wire.Short}
	c := gc.Call{Agent: "1001", Dialog: "7", State: gc.Active, Start: at("2022-01-17 18:16:47"), Participants: []gc.Participant{
		{MediaAddress: "sip:4085551234", State: gc.Active, Start: at("2022-01-17 18:16:47")},
		{MediaAddress: "5001", State: gc.Active, AddressType: "ROUTE_POINT"},
		{MediaAddress: "2001", State: gc.Held, AddressType: "AGENT_DEVICE", BargedIn: true, Start: at("2022-01-17 18:16:47")},
	}}
	body := short.Write(wire.Text44, gc.InboundCall{Call: c}).Body
	fields := strings.Split(body, "#")
	require.Equal(t, "ParticipantsCount:3", fields[8])
	require.Equal(t, []string{"participants", "sip_4085551234,ACTIVE,NULL|5001,ACTIVE,NULL|2001,HELD,AGENT_DEVICE"}, strings.Split(fields[9], ":"))
	r, ok := wire.ReadEvent(body, wire.Text44)
	require.True(t, ok)
	require.Empty(t, r.Problems, "both ways are read")
	require.Equal(t, "sip_4085551234", r.Get("Address"))
	for _, f := range []wire.Format{wire.Text, wire.TextOld, wire.JSON} {
		require.Equal(t, writer.Write(f, gc.InboundCall{Call: c}), short.Write(f, gc.InboundCall{Call: c}), "only text-4.4 lists them so")
	}
	none := short.Write(wire.Text44, gc.InboundCall{Call: gc.Call{Agent: "1001", Dialog: "7", State: gc.Active}}).Body
	require.True(t, strings.HasSuffix(none, "#ParticipantsCount:0#participants:"), none)
}

// The variables of a campaign are passed on as they are where nobody splits them.
func TestVariablesOfACampaignInText44(t *testing.T) {
	const value = "GMT+1, DST=yes #2|x: \"q\""
	c := gc.Call{Agent: "1001", Dialog: "7", State: gc.Active, Variables: []gc.CallVariable{{Name: "BATimeZone", Value: value}, {Name: "user.x", Value: "a,b=c"}}}
	for _, e := range []gc.Event{gc.NewOutboundCall{Call: c}, gc.InboundCall{Call: c}, gc.ConsultCall{Call: c}, gc.DialogStatus{Call: c}, gc.DialogState{Call: c}} {
		body := writer.Write(wire.Text44, e).Body
		require.Contains(t, body, `|BATimeZone=GMT+1, DST=yes _2_x: "q"|user.x=a_b_c#`)
		r, ok := wire.ReadEvent(body, wire.Text44)
		require.True(t, ok)
		require.Empty(t, r.Problems)
		require.Contains(t, writer.Write(wire.Text, e).Body, `|BATimeZone=GMT+1_ DST_yes _2_x: "q"|`, "text replaces all separators")
	}
}

// harmless is e without separators in its values.
func harmless(e gc.Event) gc.Event {
	v := reflect.New(reflect.TypeOf(e)).Elem()
	v.Set(reflect.ValueOf(e))
	mapStrings(v, strings.NewReplacer("#", "x", "|", "x", ",", "x", "=", "x", ":", "x").Replace)
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
