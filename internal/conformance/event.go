package conformance

import (
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// event is what the document says of a row of wire.Events beyond what the row
// says itself.
type event struct {
	key      string // the row's first number, or its name
	when     string
	jmsType  string // "" for an event that has none
	note     string
	fields   []field
	status   []status // of System
	examples []string // golden messages to print
}

// form is a text form of an event, for people.
type form struct {
	template string
	when     string // which of a format's forms this is, "" for the usual one
	number   string // the seed's row
	of       *wire.Form
}

// field is a part of a message: its name in wire.Events or, where it is no value
// there, its path in JSON; what the text forms call it, "" where they have
// not got it; and what it means, "" where another field says so. In place of the
// name can be "name:kind", for the values of one kind, and "name path", where the
// path is not that of the value alone.
type field struct{ name, text, meaning string }

// status is one for which the seed has a row of its own.
type status struct{ text, when, number string }

// rowKey finds the event of a row.
func rowKey(r *wire.Row) string {
	if len(r.Numbers) > 0 {
		return r.Numbers[0]
	}
	return r.Name
}

// formsOf are the text forms in a format.
func (e *event) formsOf(row *wire.Row, format wire.Format) (all []form) {
	for _, f := range row.TextForms(format) {
		template := f.Show(e.called)
		for _, s := range e.status {
			all = append(all, form{strings.Replace(template, "<>", s.text, 1), s.when, s.number, f})
		}
		if e.status == nil {
			all = append(all, form{template, f.When(), e.key, f})
		}
	}
	return all
}

// shows reports whether a message of a form is one that the document shows by it.
func (e *event) shows(f form, body string) bool { return e.status == nil || f.template == body }

// called is what the document calls a value.
func (e *event) called(name, kind string) string {
	for _, wanted := range []string{name + ":" + kind, name} {
		for _, f := range e.fields {
			if of, _, _ := strings.Cut(f.name, " "); of == wanted {
				return f.text
			}
		}
	}
	return name + ", which is not described"
}

// path is where JSON has a field, "" for nowhere.
func (f field) path(members map[string]string) string {
	if _, path, ok := strings.Cut(f.name, " "); ok {
		return path
	}
	if f.name[0] < 'A' || 'Z' < f.name[0] {
		return f.name
	}
	return members[f.name]
}

var textFormats = []wire.Format{wire.Text, wire.TextOld, wire.Text44}

// same lists the formats whose text forms are those of format.
func same(row *wire.Row, format wire.Format) (formats []wire.Format) {
	for _, other := range textFormats {
		if slices.Equal(row.TextForms(other), row.TextForms(format)) {
			formats = append(formats, other)
		}
	}
	return formats
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
