package wire

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// textForm builds one text in a single buffer. Every field has a "#" in front,
// the first one too: form cuts it off.
type textForm struct {
	writer   *Writer
	out      strings.Builder
	replaced int
}

func writeText(w *Writer, form func(*textForm)) (body string, replaced int) {
	t := &textForm{writer: w}
	t.out.Grow(bodySize)
	form(t)
	return t.out.String()[1:], t.replaced
}

// fields adds a field for each value.
func (t *textForm) fields(values ...string) {
	for _, v := range values {
		t.raw("#")
		t.value(v)
	}
}

// labelled adds the field "label:value".
func (t *textForm) labelled(label, value string) {
	t.raw("#", label, ":")
	t.value(value)
}

// time adds a field.
func (t *textForm) time(at time.Time) {
	t.raw("#")
	t.clock(at)
}

// list adds a field of n items, with label as it is in front.
func (t *textForm) list(label, separator string, n int, item func(i int)) {
	t.raw("#", label)
	for i := range n {
		if i > 0 {
			t.raw(separator)
		}
		item(i)
	}
}

// entry adds the field "name:value,name:value".
func (t *textForm) entry(namesAndValues ...string) {
	t.list("", ",", len(namesAndValues)/2, func(i int) {
		t.raw(namesAndValues[2*i], ":")
		t.value(namesAndValues[2*i+1])
	})
}

// The parts of a field.

func (t *textForm) raw(parts ...string) {
	for _, s := range parts {
		t.out.WriteString(s)
	}
}

func (t *textForm) clock(at time.Time) {
	var b [len(timeLayout)]byte
	t.out.Write(t.writer.appendTime(b[:0], at))
}

// value makes s safe: drivers split on the separators and index by position,
// so one inside a value would shift everything behind it.
func (t *textForm) value(s string) {
	if isPlain(s) {
		t.raw(s)
	} else {
		t.replace("#|,=", s)
	}
}

func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c == '#' || c == '|' || c == ',' || c == '=' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// replace also makes s UTF-8.
func (t *textForm) replace(separators, s string) {
	for _, r := range s {
		if strings.ContainsRune(separators, r) {
			t.replaced++
			r = t.writer.Substitute
		}
		t.out.WriteRune(r)
	}
}

// callVariables adds a field that has ani in front.
func (t *textForm) callVariables(c gc.Call) {
	t.raw("#", "ani=")
	t.value(c.ANI())
	t.variables(c.Variables)
}

// variables continues a field.
func (t *textForm) variables(vars []gc.CallVariable) {
	t.out.Grow(variablesSize(vars))
	eachVariable(vars, func(name, value string) {
		t.raw("|")
		t.value(name)
		t.raw("=")
		t.value(value)
	})
}
