package wire

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Format names one of the forms an event can be written in.
type Format string

// The formats a destination can have.
const (
	Text    Format = "text"     // the seed's New Format
	TextOld Format = "text-old" // the seed's Old Format
	Text44  Format = "text-4.4" // what clients of Generic Connector 4.4 parse
	JSON    Format = "json"     // the seed's JSON objects
)

// Formats lists them all, the default first.
var Formats = []Format{Text, TextOld, Text44, JSON}

// ParseFormat reads the name of a format, in any case.
func ParseFormat(s string) (Format, error) {
	if f := Format(strings.ToLower(strings.TrimSpace(s))); slices.Contains(Formats, f) {
		return f, nil
	}
	return "", fmt.Errorf("format %.40q is not one of %v", s, Formats)
}

// Participants is a way to list the parties of a call in text-4.4.
type Participants string

// The two that Generic Connector had: short until spring 2022. A driver of before
// splits the whole field on colons, and finds nothing where there are times.
const (
	Full  Participants = "full"  // address, state, type, SUPERVISOR_BARGE_IN or nothing, start
	Short Participants = "short" // address, state, AGENT_DEVICE or NULL
)

// AllParticipants lists them, the default first.
var AllParticipants = []Participants{Full, Short}

// Message is an event as it goes to the broker.
type Message struct {
	Format   Format
	Name     string // of the event, as in the table of events
	Type     string // JMSType, mostly ""
	Category gc.Category
	Body     string
	// Replaced counts the separators inside values that had to be replaced
	// because they would have shifted the fields of a text form.
	Replaced int
}

// Writer writes events. It is safe for concurrent use.
type Writer struct {
	Location   *time.Location // of every time in a message
	Substitute rune           // for "#", "|", "," and "=" inside a value of a text form
	// Participants says how text-4.4 lists the parties of a call; "" is Full.
	Participants Participants
}

// Write gives e in format f, one of Formats. An event type without a row in
// Events is a bug and panics.
func (w *Writer) Write(f Format, e gc.Event) Message {
	row := RowOf(e)
	if row == nil {
		panic(fmt.Sprintf("wire: no row for event %T", e))
	}
	m, event := Message{Format: f, Name: row.Name, Category: row.Category}, reflect.ValueOf(e)
	if row.request != nil {
		m.Type = row.request.of(event).String()
	}
	for _, form := range row.written[f] {
		if form.fits(event) {
			m.Body, m.Replaced = w.write(f, form, event)
			break
		}
	}
	return m
}

// timeLayout has no zone: drivers and connector agree on one.
const timeLayout = "2006-01-02 15:04:05"
