package wire

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Rewriter says what stands in the place of the parts of a command.
type Rewriter struct {
	Name        func(string) string              // of a command there is not
	Agent       func(string) string              // the id behind "#"
	Destination func(string) string              // the same, where it names one
	Parameter   func(k gc.Kind, s string) string // k is IgnoredKind where none is known
}

// Rewrite gives a command as it came with other parts. What stands between
// them, and the number of parameters, stays.
func (r Rewriter) Rewrite(typ, body string) (newType, newBody string) {
	name, id, numbered := strings.Cut(typ, "#")
	spec := gc.FindCommand(strings.TrimSpace(name))
	switch {
	case spec == nil:
		typ = r.Name(name)
	case spec.ForDestination:
		typ, id = name, r.Destination(id)
	default:
		typ, id = name, r.Agent(id)
	}
	if numbered {
		if spec == nil {
			id = r.Agent(id)
		}
		typ += "#" + id
	}
	return typ, r.parameters(spec, body)
}

func (r Rewriter) parameters(spec *gc.CommandSpec, body string) string {
	var want []gc.Parameter
	if spec != nil {
		want = spec.Parameters
	}
	fields := splitBody(body, want)
	if fields == nil {
		return body
	}
	for i := range fields {
		k := gc.IgnoredKind
		if i < len(want) {
			k = want[i].Kind
		}
		fields[i] = r.Parameter(k, fields[i])
	}
	return strings.Join(fields, ",")
}

// RewriteEvent gives an event with other values: what do gives for each, of which
// name is what readers call it; it is "" for what is not known to be a value of the
// event.
func RewriteEvent(event string, f Format, body string, do func(name string, holds Holds, text string) string) string {
	value := func(f field, text string) string { return do(f.name, f.kind.holds, text) }
	a, ok := closest(event, f, body)
	switch {
	case !ok:
		return do("", Unknown, body)
	case a.form.tree == nil:
		return a.form.rewrite(body, value)
	}
	have, err := parseNode(body)
	if err != nil || !json.Valid([]byte(body)) { // more stands behind it
		return do("", Unknown, body)
	}
	j := &jsonRewriter{do: value}
	j.value(a.form.tree, &have)
	return string(j.out)
}

func (f *Form) rewrite(body string, do func(field, string) string) string {
	parts := f.split(body)
	for i, part := range parts {
		if i >= len(f.fields) && f.entry != nil {
			parts[i] = eachPart(part, ",", func(i int, s string) string { return nth(f.entry, i).rewrite(s, do) })
		} else {
			parts[i] = nth(f.fields, i).rewrite(part, do)
		}
	}
	return strings.Join(parts, "#")
}

func (f field) rewrite(text string, do func(field, string) string) string {
	value, ok := strings.CutPrefix(text, f.label)
	switch {
	case f.name == "" && text == f.label:
		return text
	case f.name == "" || !ok:
		return do(nothing, text)
	}
	return f.label + f.each(value, do)
}

// jsonRewriter writes JSON as the connector does.
type jsonRewriter struct {
	page
	do func(field, string) string
}

// value adds a value; want is its template, nil where there is none.
func (j *jsonRewriter) value(want, have *node) {
	switch have.kind {
	case '{':
		j.open('{')
		for i, name := range have.names {
			j.name(j.rename(want, name))
			j.value(want.member(name), &have.items[i])
		}
		j.close('}')
	case '[':
		j.open('[')
		for i := range have.items {
			j.value(want.member(""), &have.items[i])
		}
		j.close(']')
	case '"':
		if f := want.field(); want != nil && f.name == "" && want.text == have.text { // a word of the template
			j.quote(have.text)
		} else {
			j.quote(j.do(f, have.text))
		}
	case '0':
		j.literal(number(j.do(want.field(), have.text)))
	default: // true, false, null
		j.literal(have.text)
	}
}

// rename gives the name of an object's member, which only the template's are
// sure to be the protocol's.
func (j *jsonRewriter) rename(want *node, name string) string {
	f := want.field()
	switch {
	case f.kind.json == 'v':
		return j.do(field{name: f.name, kind: variable}, name)
	case f.kind.json == 'c':
		return j.do(field{name: f.name, kind: idNumber}, name)
	case want != nil && slices.Contains(want.names, name):
		return name
	default:
		return j.do(nothing, name)
	}
}

// number makes a number of JSON of one with other digits, which has no zeros in
// front.
func number(s string) string {
	digits := strings.TrimPrefix(s, "-")
	if len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		return s[:len(s)-len(digits)] + "1" + digits[1:]
	}
	return s
}

// member is the template of an object's member, or of the elements of an array:
// nil where there is none.
func (n *node) member(name string) *node {
	switch f := n.field(); {
	case n == nil:
		return nil
	case f.kind.json == 'v' && name != "":
		return &node{kind: '"', of: f.variable(name)}
	case f.kind.json == 'c' && name != "":
		return &node{kind: '"', of: field{name: "Labels", kind: label}}
	case f.kind.json == 'v', f.kind.json == 'c':
		return n
	case n.kind == '[':
		return &n.items[0]
	}
	if i := slices.Index(n.names, name); i >= 0 {
		return &n.items[i]
	}
	return nil
}
