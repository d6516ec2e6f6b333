package wire

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Row is one row of the table of events: the numbers and the category the
// seed gives the message, and its forms.
type Row struct {
	Numbers  []string // none for the answer to getallagents
	Name     string   // as the message has it
	Category gc.Category
	// Deprecated events are kept for older drivers; the seed has others in
	// their place.
	Deprecated bool
	// Only are the formats in which the event is sent, nil for all. In the
	// others another event already reports what it reports; Write still has a form.
	Only    []Format
	event   gc.Event // one of its type
	lasts   lasting
	jmsType string   // the field that is the message's JMSType, "" for none
	keys    []string // of its sentence for the status bar: the first that has one counts; none for an event that has no place there
	// with makes the events that say the same in other words, nil for none. It is
	// given the command that was not done and may be sent again, "" for none.
	with func(e gc.Event, typ, parameters string) []gc.Event
	// withOnly are the formats in which they go with it, nil for all.
	withOnly []Format
	forms    []form

	all     []*Form
	written map[Format][]*Form
	request source  // of the JMSType
	bar     []field // keys, taken apart
	about   [3]source
}

type lasting int

// form is a form as the table has it.
type form struct {
	formats  []Format
	when     condition
	template string
}

// condition holds for an event in a field of which is one of some words; the
// zero value for every event. A list or a reference that is empty is "".
type condition struct {
	text  string // for people
	field string
	words []string
}

// complete takes the forms of the table apart. What is wrong with one is a bug,
// and panics.
func complete(rows []Row) []Row {
	for i := range rows {
		r := &rows[i]
		event := reflect.TypeOf(r.event)
		r.written = map[Format][]*Form{}
		if r.jmsType != "" {
			r.request = path(event, r.jmsType).source
		}
		for _, key := range r.keys {
			r.bar = append(r.bar, parseField(key, event, allKinds))
		}
		for i, names := range [3][]string{{"Agent"}, {"State", "Code"}, {"Dialog"}} {
			for _, name := range names {
				if f, ok := event.FieldByName(name); ok {
					r.about[i] = f.Index
				}
			}
		}
		for _, f := range r.forms {
			taken := takeApart(r, f, event)
			r.all = append(r.all, taken)
			for _, format := range f.formats {
				r.written[format] = append(r.written[format], taken)
			}
		}
		for _, format := range Formats {
			if all := r.written[format]; r.lasts == 0 || len(all) == 0 || all[len(all)-1].when.field != "" {
				panic(fmt.Sprintf("wire: the row of %s does not say how long it lasts, or how it is written in %s", event, format))
			}
		}
	}
	return rows
}

// RowOf is the row that writes e, nil for an event without one.
func RowOf(e gc.Event) *Row { return byType[reflect.TypeOf(e)] }

var byType = func() map[reflect.Type]*Row {
	m := make(map[reflect.Type]*Row, len(Events))
	for i := range Events {
		m[reflect.TypeOf(Events[i].event)] = &Events[i]
	}
	return m
}()

// About is whom an event is about, the state or the error that it reports, and
// the call; "" where it has none.
func (r *Row) About(e gc.Event) (agent gc.AgentID, state string, dialog gc.DialogID) {
	var all [3]string
	for i, s := range r.about {
		if s != nil {
			all[i] = s.of(reflect.ValueOf(e)).String()
		}
	}
	return gc.AgentID(all[0]), all[1], gc.DialogID(all[2])
}

// TellsCall reports whether the event is a call's state, reported as it changes.
func (r *Row) TellsCall() bool { return r.lasts == callState }

// Kept reports whether an event must reach the broker: nothing reports it again
// when the broker is back.
func (r *Row) Kept(e gc.Event) bool {
	_, state, _ := r.About(e)
	return r.lasts == kept || r.lasts == callState && state == string(gc.Dropped)
}

// Companions are the events that say the same as e in other words, where it is
// written in format f. typ and parameters are those of the command that was not done and may be sent again,
// "" for none.
func (r *Row) Companions(f Format, e gc.Event, typ, parameters string) []gc.Event {
	if r.with == nil || r.withOnly != nil && !slices.Contains(r.withOnly, f) {
		return nil
	}
	return r.with(e, typ, parameters)
}

// Sentence is what sentences, which are by key, have to say about e in the status
// bar; "" is to print nothing. An error that has none of its own gets that of
// all errors, but not one whose sentence is empty.
func (r *Row) Sentence(sentences map[string]string, e gc.Event) string {
	if len(sentences) == 0 {
		return ""
	}
	for _, key := range r.keysOf(e) {
		if text, ok := sentences[key]; ok {
			return text
		}
	}
	return ""
}

func (r *Row) keysOf(e gc.Event) (all []string) {
	for _, f := range r.bar {
		key := f.label
		if f.name != "" {
			key += (*page)(nil).string(f.kind, f.source.of(reflect.ValueOf(e)))
		}
		all = append(all, key)
	}
	return all
}

// Form is one of the forms of an event, taken apart.
type Form struct {
	form
	row     *Row
	decides source  // the field of the condition
	says    string  // the word that it must be, where the form has no value for it
	fields  []field // of a text
	wide    int     // the one that takes several, -1 for none
	list    source  // what entry shows
	entry   []field // that comes any number of times after the others
	tree    *node   // of JSON
	secret  bool    // it may hold a password
}

func takeApart(r *Row, f form, event reflect.Type) *Form {
	taken := &Form{form: f, row: r, wide: -1, secret: strings.Contains(f.template, "<Secret")}
	if f.when.field != "" {
		taken.decides = path(event, f.when.field).source
		if len(f.when.words) == 1 && !strings.Contains(f.template, "<"+f.when.field) {
			taken.says = f.when.words[0]
		}
	}
	if f.template[0] == '{' || f.template[0] == '[' {
		taken.tree = parseTemplate(f.template, event)
		return taken
	}
	for i, part := range strings.Split(f.template, "#") {
		if entry, ok := strings.CutPrefix(part, "{"); ok {
			list, entry, _ := strings.Cut(strings.TrimSuffix(entry, "}"), " ")
			of := path(event, list)
			taken.list, taken.entry = of.source, parseFields(entry, of.of.Elem())
			continue
		}
		if strings.HasSuffix(part, "*>") {
			taken.wide = i
		}
		taken.fields = append(taken.fields, parseField(part, event, allKinds))
	}
	return taken
}

// fits reports whether an event has the form.
func (f *Form) fits(event reflect.Value) bool {
	return f.when.field == "" || slices.Contains(f.when.words, decisive(f.decides.of(event)))
}

// decisive is what a condition sees of a field.
func decisive(v reflect.Value) string {
	switch {
	case v.Kind() == reflect.Slice && v.Len() > 0, v.Kind() == reflect.Pointer && !v.IsNil():
		return "there is one"
	}
	return asText(v)
}

// name is the field of a text that says which event it is.
func (f *Form) name() int {
	if f.fields[0].name == "" {
		return 0
	}
	return 1
}

// field is a part of a form: "label<name>", or all label.
type field struct {
	label, name string
	kind        *valueKind
	place
	null      bool // in JSON, null stands for ""
	colonless bool // in text-4.4, whose drivers split it off at a colon, none may be in it
}

// place is where an event has something.
type place struct {
	source  source
	entries source // of the entries, where source is a list
	of      reflect.Type
}

// source is the way to a field, through what is embedded and referred to.
type source []int

// of is what an event has there; the zero Value behind a reference to nothing.
func (s source) of(v reflect.Value) reflect.Value {
	for _, i := range s {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return reflect.Value{}
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v
}

// path finds "Field.Field" of a type; "." is all of it, as is a method.
func path(t reflect.Type, fields string) place {
	p := place{of: t}
	if _, ok := t.MethodByName(fields); ok {
		return p
	}
	for name := range strings.SplitSeq(fields, ".") {
		if name == "" {
			continue
		}
		to := &p.source
		switch p.of.Kind() {
		case reflect.Slice:
			to, p.of = &p.entries, p.of.Elem()
		case reflect.Pointer:
			p.of = p.of.Elem()
		}
		f, ok := p.of.FieldByName(name)
		if !ok {
			panic(fmt.Sprintf("wire: %s has no field %s", t, fields))
		}
		*to, p.of = append(*to, f.Index...), f.Type
	}
	return p
}

// parseField reads "label<Name=Field:Kind>"; kinds are those that may stand
// there.
func parseField(s string, t reflect.Type, kinds map[string]*valueKind) field {
	label, value, ok := strings.Cut(s, "<")
	if !ok {
		return field{label: s}
	}
	value = strings.TrimRight(value, "*>")
	value, null := strings.CutSuffix(value, "?")
	value, kind, _ := strings.Cut(value, ":")
	name, from, ok := strings.Cut(value, "=")
	if !ok {
		from = name
	}
	f := field{label: label, name: name, null: null, place: path(t, from)}
	if kind == "" {
		kind = cmp.Or(kindOfType[f.of], f.of.Name())
	}
	if f.kind = kinds[kind]; f.kind == nil {
		panic(fmt.Sprintf("wire: %s of %s is of no kind %q", s, t, kind))
	}
	return f
}

// parseFields reads an entry: some, with commas between them. Drivers split each on
// its colon too, and a time, which has colons, on the first one only.
func parseFields(s string, t reflect.Type) (all []field) {
	for part := range strings.SplitSeq(s, ",") {
		f := parseField(part, t, allKinds)
		f.colonless = strings.HasSuffix(f.label, ":") && f.of != timeType
		all = append(all, f)
	}
	return all
}
