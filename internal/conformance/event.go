package conformance

import (
	"slices"

	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// event is what the document says of a row of wire.Events beyond what the row
// says itself.
type event struct {
	key      string // the row's first number, or its name
	when     string
	jmsType  string // "" for an event that has none
	note     string
	forms    []form
	fields   []field
	examples []string // golden messages to print
}

// form is a text form of an event. A format without forms of its own has
// those of text.
type form struct {
	format   wire.Format
	template string
	when     string // which of a format's forms this is, "" for the usual one
	number   string // the seed's row, where the event stands for several
}

// field is a part of a message: its placeholder in the text forms and its path
// in JSON, one of which may be "".
type field struct{ text, json, meaning string }

// rowKey finds the event of a row.
func rowKey(r *wire.Row) string {
	if len(r.Numbers) > 0 {
		return r.Numbers[0]
	}
	return r.Name
}

// number is the seed's row that a form stands for.
func (e *event) number(f form) string {
	if f.number != "" {
		return f.number
	}
	return e.key
}

// formsOf are the text forms in a format.
func (e *event) formsOf(format wire.Format) []form {
	var own []form
	for _, f := range e.forms {
		if f.format == format {
			own = append(own, f)
		}
	}
	if own == nil && format != wire.Text {
		return e.formsOf(wire.Text)
	}
	return own
}

// same lists the formats whose text forms are those of format.
func (e *event) same(format wire.Format) []wire.Format {
	var formats []wire.Format
	for _, other := range []wire.Format{wire.Text, wire.TextOld, wire.Text44} {
		if slices.Equal(shapes(e.formsOf(other)), shapes(e.formsOf(format))) {
			formats = append(formats, other)
		}
	}
	return formats
}

func shapes(forms []form) []string {
	var all []string
	for _, f := range forms {
		all = append(all, f.template)
	}
	return all
}

// findEvent is nil for a row that is not described.
func findEvent(r *wire.Row) *event {
	key := rowKey(r)
	for i := range events {
		if events[i].key == key {
			return &events[i]
		}
	}
	return nil
}
