package wire

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Reading is what a reader makes of an event.
type Reading struct {
	Name     string      // of the event, as in the table of events
	Formats  []Format    // in which this version writes it like that
	Fields   []ReadField // of what it has the form of, or comes closest to
	Problems []string    // why this version would not have written it
	form     *Form       // nil for an event that is not known
}

// ReadField is a value of an event. The same thing has the same name in every
// format, and all entries of a list have one name. A call variable is named
// "Variables callVariable1".
type ReadField struct{ Name, Value string }

// Get is the first value of a name.
func (r *Reading) Get(name string) string {
	i := slices.IndexFunc(r.Fields, func(f ReadField) bool { return f.Name == name })
	if i < 0 {
		return ""
	}
	return r.Fields[i].Value
}

// HasSecret reports whether the event may hold a password.
func (r *Reading) HasSecret() bool { return r.form != nil && r.form.secret }

// EventFields are the values of an event of that name in a format, named as it
// shows them. What cannot be read is named after its place.
func EventFields(event string, f Format, body string) []ReadField {
	if a, ok := closest(event, f, body); ok {
		return a.fields
	}
	return []ReadField{{"body", body}}
}

// closest reads a body as the form of an event that it comes closest to; false
// where the event has none that begins like it.
func closest(event string, f Format, body string) (attempt, bool) {
	all := slices.DeleteFunc(readings(body), func(a attempt) bool {
		return a.form.row.Name != event || !slices.Contains(a.form.formats, f)
	})
	if len(all) == 0 {
		return attempt{}, false
	}
	return slices.MinFunc(all, func(a, b attempt) int { return closer(a, b, f) }), true
}

// readings reads a body as each form that begins like it.
func readings(body string) []attempt {
	if s := strings.TrimSpace(body); strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") {
		return readJSON(s)
	}
	return readText(body)
}

// shaped are the readings of a body that has a form in a format.
func shaped(body string, f Format) []attempt {
	return slices.DeleteFunc(readings(body), func(a attempt) bool { return len(a.shape) > 0 || !slices.Contains(a.form.formats, f) })
}

// ReadEvent reads an event in any format, and compares it with the forms in
// which this version writes events. Of several that are equally close, the one
// of the usual format is taken. It is false when the text is none of a known
// name.
func ReadEvent(body string, usual Format) (Reading, bool) {
	all := readings(body)
	if len(all) == 0 {
		return Reading{}, false
	}
	best := slices.MinFunc(all, func(a, b attempt) int { return closer(a, b, usual) })
	r := Reading{Name: best.form.row.Name, Fields: best.fields, Problems: slices.Concat(best.shape, best.values), form: best.form}
	for _, a := range all {
		if len(a.shape)+len(a.values) == 0 {
			r.Formats = append(r.Formats, a.form.formats...)
		}
	}
	slices.Sort(r.Formats)
	r.Formats = slices.Compact(r.Formats)
	if len(r.Problems) > 0 {
		r.Problems[0] = fmt.Sprintf("%s in %s: %s", r.Name, best.form.named(usual), r.Problems[0])
	}
	return r, true
}

// attempt is an event read as if it had a form.
type attempt struct {
	form   *Form
	fields []ReadField
	shape  []string // why it does not have it
	values []string // what the values are not
	off    int      // how many fields too many or too few
}

// complete adds what the form says by being there.
func (a attempt) complete() attempt {
	if a.form.says != "" && len(a.shape) == 0 {
		a.fields = append(a.fields, ReadField{a.form.when.field, a.form.says})
	}
	return a
}

func (a *attempt) wrong(format string, args ...any) {
	a.shape = append(a.shape, fmt.Sprintf(format, args...))
}

func closer(a, b attempt, usual Format) int {
	strange := func(x attempt) int {
		if slices.Contains(x.form.formats, usual) {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(min(len(a.shape), 1), min(len(b.shape), 1)), cmp.Compare(len(a.shape)+len(a.values), len(b.shape)+len(b.values)),
		cmp.Compare(strange(a), strange(b)), cmp.Compare(a.off, b.off))
}

func (f *Form) named(usual Format) Format {
	if slices.Contains(f.formats, usual) {
		return usual
	}
	return f.formats[0]
}

// textForms and jsonForms are those of all events.
var textForms, jsonForms = func() (texts, objects []*Form) {
	for i := range Events {
		for _, f := range Events[i].all {
			if f.tree != nil {
				objects = append(objects, f)
			} else {
				texts = append(texts, f)
			}
		}
	}
	return texts, objects
}()

// isOf reports whether a word can be the name of an event of the form.
func (f *Form) isOf(name string) bool {
	x := &f.fields[f.name()]
	return x.name == "" && x.label == name || x.name != "" && slices.Contains(x.kind.word, name)
}

// IsEventName reports whether an event of that name has an agent in front of it
// in a text format, or, system, none.
func IsEventName(name string, system bool) bool {
	return slices.ContainsFunc(textForms, func(f *Form) bool { return (f.name() == 0) == system && f.isOf(name) })
}

// IsEvent reports whether a text begins like an event, in whatever format: a
// message with it is no command, whatever its type says, but came back from a
// destination.
func IsEvent(body string) bool { return len(body) <= MaxBody && len(readings(body)) > 0 }

func readText(body string) []attempt {
	parts := strings.SplitN(body, "#", 3)
	var all []attempt
	for _, f := range textForms {
		if i := f.name(); i < len(parts) && f.isOf(parts[i]) {
			all = append(all, f.read(body).complete())
		}
	}
	return all
}

// split takes a text apart, with the field that takes several as one.
func (f *Form) split(body string) []string {
	parts, n := strings.Split(body, "#"), len(f.fields)
	if more := len(parts) - n; f.wide >= 0 && more > 0 {
		joined := strings.Join(parts[f.wide:f.wide+more+1], "#")
		parts = slices.Concat(parts[:f.wide], []string{joined}, parts[f.wide+more+1:])
	}
	return parts
}

func (f *Form) read(body string) attempt {
	a := attempt{form: f}
	parts, n := f.split(body), len(f.fields)
	if len(parts) < n || len(parts) > n && f.entry == nil {
		a.off = max(len(parts)-n, n-len(parts))
		a.wrong("it has %d fields, not %d", len(parts), n)
	}
	for i, part := range parts {
		switch {
		case i < n:
			a.take(i, f.fields[i], part)
		case f.entry != nil:
			a.takeEntry(i, part)
		case i < n+maxMore:
			a.fields = append(a.fields, ReadField{where(i), part})
		}
	}
	a.count(parts)
	return a
}

// maxMore is how many fields that a form has not got are named: a text of
// separators only would have millions.
const maxMore = 32

// where names a field after its place.
func where(i int) string { return fmt.Sprintf("field %d", i+1) }

// take reads the field at i. One that is another is named after its place.
func (a *attempt) take(i int, f field, text string) {
	value, ok := strings.CutPrefix(text, f.label)
	switch {
	case f.name == "" && text == f.label:
		return
	case f.name == "":
		a.wrong("%s is not %q", where(i), f.label)
	case !ok:
		a.wrong("%s (%s) does not begin with %q", where(i), f.name, f.label)
	default:
		f.each(value, func(f field, s string) string {
			if f.kind == variable {
				return s // it is part of the name of its value
			}
			return a.value(f, s)
		})
		if err := f.kind.problem(value); err != nil {
			a.values = append(a.values, fmt.Sprintf("%s (%s) %v", where(i), f.name, err))
		}
		return
	}
	a.fields = append(a.fields, ReadField{where(i), text})
}

// value keeps one, and leaves it as it is.
func (a *attempt) value(f field, text string) string {
	shown := text
	if f.kind.old && text == "DROP" {
		shown = string(gc.Dropped)
	}
	a.fields = append(a.fields, ReadField{f.name, shown})
	return text
}

func (a *attempt) takeEntry(i int, text string) {
	parts := strings.Split(text, ",")
	if len(parts) != len(a.form.entry) {
		a.wrong("%s lists %d values, not %d", where(i), len(parts), len(a.form.entry))
		a.fields = append(a.fields, ReadField{where(i), text})
		return
	}
	for j, f := range a.form.entry {
		a.take(i, f, parts[j])
	}
}

// count compares lists with the fields that say how long they are.
func (a *attempt) count(parts []string) {
	for i, f := range a.form.fields {
		name, counts := strings.CutSuffix(f.name, "Count")
		list := slices.IndexFunc(a.form.fields, func(f field) bool { return f.name == name })
		if !counts || list < 0 || max(i, list) >= len(parts) {
			continue
		}
		n, said := 0, strings.TrimPrefix(parts[i], f.label)
		if text := strings.TrimPrefix(parts[list], a.form.fields[list].label); text != "" {
			n = strings.Count(text, "|") + 1
		}
		if said != strconv.Itoa(n) {
			a.values = append(a.values, fmt.Sprintf("%s lists %d, and %q are announced", name, n, said))
		}
	}
}
