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
	Name     string        // of the event, as in the table of events
	Formats  []Format      // in which this version writes it like that
	Fields   []ReadField   // of what it has the form of, or comes closest to
	Problems []string      // why this version would not have written it
	form     *readableForm // nil for an event that is not known
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
func (r *Reading) HasSecret() bool { return r.form != nil && strings.Contains(r.form.form, "<Secret") }

// ReadEvent reads an event in any format, and compares it with the forms in
// which this version writes events. Of several that are equally close, the one
// of the usual format is taken. It is false when the text is none of a known
// name.
func ReadEvent(body string, usual Format) (Reading, bool) {
	var all []attempt
	if s := strings.TrimSpace(body); strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") {
		all = readJSON(s)
	} else {
		all = readText(body)
	}
	if len(all) == 0 {
		return Reading{}, false
	}
	best := slices.MinFunc(all, func(a, b attempt) int { return closer(a, b, usual) })
	r := Reading{Name: RowOf(best.form.event).Name, Fields: best.fields, Problems: slices.Concat(best.shape, best.values), form: best.form}
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
	form   *readableForm
	fields []ReadField
	shape  []string // why it does not have it
	values []string // what the values are not
	off    int      // how many fields too many or too few
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

// readableForm is a shape taken apart.
type readableForm struct {
	shape
	fields []formField // of a text
	wide   int         // the one that takes several, -1 for none
	entry  []formField // that may come any number of times behind the others
	tree   *node       // of JSON
}

// formField is "label<name:kind>", or all label.
type formField struct{ label, name, kind string }

func (f *readableForm) named(usual Format) Format {
	if slices.Contains(f.formats, usual) {
		return usual
	}
	return f.formats[0]
}

var textForms = func() []*readableForm {
	var all []*readableForm
	for _, s := range shapes {
		f := &readableForm{shape: s, wide: -1}
		for i, part := range strings.Split(s.form, "#") {
			if entry, ok := strings.CutPrefix(part, "{"); ok {
				for x := range strings.SplitSeq(strings.TrimSuffix(entry, "}"), ",") {
					f.entry = append(f.entry, parseFormField(x))
				}
				continue
			}
			if strings.HasSuffix(part, "*>") {
				f.wide = i
			}
			f.fields = append(f.fields, parseFormField(part))
		}
		all = append(all, f)
	}
	return all
}()

func parseFormField(s string) formField {
	label, value, ok := strings.Cut(s, "<")
	if !ok {
		return formField{label: s}
	}
	name, kind, ok := strings.Cut(strings.TrimRight(value, "*>"), ":")
	if !ok {
		kind = name
	}
	return formField{label, name, kind}
}

// IsEventName reports whether an event of that name has an agent in front of it
// in a text format, or, system, none.
func IsEventName(name string, system bool) bool {
	place := 1
	if system {
		place = 0
	}
	return slices.ContainsFunc(textForms, func(f *readableForm) bool { return f.fields[0].name == "" == system && f.fields[place].label == name })
}

func readText(body string) []attempt {
	parts := strings.Split(body, "#")
	var all []attempt
	for _, f := range textForms {
		place := 0
		if f.fields[0].name != "" {
			place = 1
		}
		if place < len(parts) && parts[place] == f.fields[place].label {
			all = append(all, f.read(parts))
		}
	}
	return all
}

func (f *readableForm) read(parts []string) attempt {
	a := attempt{form: f}
	n := len(f.fields)
	if more := len(parts) - n; f.wide >= 0 && more > 0 {
		joined := strings.Join(parts[f.wide:f.wide+more+1], "#")
		parts = slices.Concat(parts[:f.wide], []string{joined}, parts[f.wide+more+1:])
	}
	if len(parts) < n || len(parts) > n && f.entry == nil {
		a.off = max(len(parts)-n, n-len(parts))
		a.wrong("it has %d fields, not %d", len(parts), n)
	}
	for i := range min(n, len(parts)) {
		a.take(fmt.Sprintf("field %d", i+1), f.fields[i], parts[i])
	}
	for i := n; i < len(parts) && f.entry != nil; i++ {
		a.takeEntry(i, parts[i])
	}
	a.count("Participants")
	a.count("Teams")
	return a
}

// take reads a field.
func (a *attempt) take(where string, f formField, text string) {
	value, ok := strings.CutPrefix(text, f.label)
	switch {
	case f.name == "" && text != f.label:
		a.wrong("%s is not %q", where, f.label)
		return
	case f.name == "":
		return
	case !ok:
		a.wrong("%s (%s) does not begin with %q", where, f.name, f.label)
		return
	}
	a.fields = append(a.fields, valuesOf(f, value)...)
	if err := readKinds[f.kind](value); err != nil {
		a.values = append(a.values, fmt.Sprintf("%s (%s) %v", where, f.name, err))
	}
}

// valuesOf are those that a field of a text form holds.
func valuesOf(f formField, text string) []ReadField {
	switch {
	case strings.HasPrefix(f.kind, "Old") && text == "DROP":
		text = string(gc.Dropped)
	case f.kind == "VariablesOld":
		return bareVariables(f.name, text)
	case f.kind == "VariablesBare":
		return variablesIn(f.name, "ani="+text)
	case strings.HasPrefix(f.kind, "Variables"):
		return variablesIn(f.name, text)
	}
	return []ReadField{{f.name, text}}
}

// variablesIn reads a list name=value|name=value.
func variablesIn(field, text string) (all []ReadField) {
	for pair := range strings.SplitSeq(text, "|") {
		name, value, _ := strings.Cut(pair, "=")
		all = append(all, ReadField{field + " " + name, value})
	}
	return all
}

// bareVariables are ani and the ten call variables without their names.
func bareVariables(field, text string) (all []ReadField) {
	names := append([]string{"ani"}, tenVariables[:]...)
	for i, value := range strings.SplitN(text, ",", len(names)) {
		all = append(all, ReadField{field + " " + names[i], value})
	}
	return all
}

func (a *attempt) takeEntry(i int, text string) {
	where, parts := fmt.Sprintf("field %d", i+1), strings.Split(text, ",")
	if len(parts) != len(a.form.entry) {
		a.wrong("%s lists %d values, not %d", where, len(parts), len(a.form.entry))
		return
	}
	for j, f := range a.form.entry {
		a.take(where, f, parts[j])
	}
}

// count compares a list with the field that says how long it is.
func (a *attempt) count(name string) {
	r := Reading{Fields: a.fields}
	count, list := r.Get(name+"Count"), r.Get(name)
	if count == "" {
		return
	}
	n := 0
	if list != "" {
		n = strings.Count(list, "|") + 1
	}
	if count != strconv.Itoa(n) {
		a.values = append(a.values, fmt.Sprintf("%s lists %d, and %q are announced", name, n, count))
	}
}
