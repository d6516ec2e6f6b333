package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// node is a JSON value whose members are in order.
type node struct {
	kind  byte // '{', '[', '"', '0' for a number, 't' for true and false, 'n' for null
	text  string
	names []string
	items []node
	of    field  // of a template, what stands there
	lists bool   // of a template, an array has an element for each entry
	list  source // of this list
}

// field is what a template says of a value, nothing where there is none.
func (n *node) field() field {
	if n == nil || n.of.kind == nil {
		return nothing
	}
	return n.of
}

// maxDepth is more than any event has.
const maxDepth = 8

// parseNode reads the value that text begins with.
func parseNode(text string) (node, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return nextNode(d, 0)
}

func nextNode(d *json.Decoder, depth int) (n node, err error) {
	token, err := d.Token()
	if err != nil || depth > maxDepth {
		return n, fmt.Errorf("too deep, or cut off: %w", err)
	}
	switch token := token.(type) {
	case json.Delim:
		n.kind = byte(token)
		for d.More() {
			if n.kind == '{' {
				name, err := d.Token()
				if err != nil {
					return n, err
				}
				n.names = append(n.names, fmt.Sprint(name))
			}
			item, err := nextNode(d, depth+1)
			if err != nil {
				return n, err
			}
			n.items = append(n.items, item)
		}
		_, err = d.Token()
	case string:
		n.kind, n.text = '"', token
	case json.Number:
		n.kind, n.text = '0', token.String()
	case bool:
		n.kind, n.text = 't', fmt.Sprint(token)
	default:
		n.kind, n.text = 'n', "null"
	}
	return n, err
}

func (n *node) typeName() string {
	if n.kind == '[' && len(n.items) == 1 {
		n = &n.items[0]
	}
	for i, name := range n.names {
		if name == "type" {
			return n.items[i].text
		}
	}
	return ""
}

// listIn is "[List element]" of a template.
var listIn = regexp.MustCompile(`\[([A-Z]\w+) `)

func parseTemplate(form string, event reflect.Type) *node {
	n, err := parseNode(listIn.ReplaceAllString(form, `["$1",`))
	if err != nil {
		panic(fmt.Sprintf("wire: %s: %v", form, err))
	}
	n.template(event)
	return &n
}

// template makes one of n, for what of an event has a type.
func (n *node) template(of reflect.Type) {
	switch {
	case n.kind == '"' && strings.HasPrefix(n.text, "<"):
		n.text, n.of = "", parseField(n.text, of, allKinds)
	case n.kind == '[' && len(n.items) == 2:
		list := path(of, n.items[0].text)
		n.lists, n.list, n.items, of = true, list.source, n.items[1:], list.of.Elem()
	}
	for i := range n.items {
		n.items[i].template(of)
	}
}

func readJSON(body string) []attempt {
	n, err := parseNode(body)
	if err != nil || n.typeName() == "" {
		return nil
	}
	var all []attempt
	for _, f := range jsonForms {
		if f.tree.typeName() == n.typeName() {
			a := attempt{form: f}
			a.compare("", f.tree, &n)
			all = append(all, a.complete())
		}
	}
	return all
}

// compare compares with what a template says of it.
func (a *attempt) compare(path string, want, have *node) {
	if want.of.name != "" {
		a.jsonValue(path, want.of, have)
		return
	}
	switch {
	case want.kind != have.kind || want.text != have.text:
		a.wrong("%s is not as it should be", orWhole(path))
	case want.kind == '[':
		for i := range have.items {
			a.compare(fmt.Sprintf("%s[%d]", path, i), &want.items[0], &have.items[i])
		}
	case want.kind == '{' && strings.Join(want.names, " ") != strings.Join(have.names, " "):
		a.agentOf(path, have)
		a.off += max(len(want.names)-len(have.names), len(have.names)-len(want.names))
		a.wrong("%s has the members %.300s, not %s", orWhole(path), strings.Join(have.names, " "), strings.Join(want.names, " "))
	case want.kind == '{':
		for i, name := range want.names {
			a.compare(strings.TrimPrefix(path+"."+name, "."), &want.items[i], &have.items[i])
		}
	}
}

// agentOf tells whom an object is about that has other members than it should.
func (a *attempt) agentOf(path string, n *node) {
	if i := slices.Index(n.names, "agentId"); i >= 0 && (path == "" || path == "[0]") {
		a.fields = append(a.fields, ReadField{"Agent", n.items[i].text})
	}
}

func orWhole(path string) string {
	if path == "" {
		return "the object"
	}
	return path
}

// jsonValue reads one that is of a kind.
func (a *attempt) jsonValue(path string, f field, have *node) {
	switch {
	case f.null && have.kind == 'n':
	case f.kind.json == 'v' || f.kind.json == 'c':
		if err := a.pairs(f, have); err != nil {
			a.wrong("%s %v", path, err)
		}
	case have.kind != f.inJSON():
		a.wrong("%s is of another type", path)
	default:
		a.value(f, have.text)
		if f.kind.check == nil {
			return
		}
		if err := f.kind.check(have.text); err != nil {
			a.values = append(a.values, fmt.Sprintf("%s %v", path, err))
		}
	}
}

// inJSON is the kind of the node that a value is.
func (f *field) inJSON() byte {
	switch {
	case f.kind.json != 0:
		return f.kind.json
	case f.kind.text != nil:
		return '"'
	case f.of.Kind() == reflect.Int:
		return '0'
	case f.of.Kind() == reflect.Bool:
		return 't'
	}
	return '"'
}

var errNotPairs = errors.New("is not an array of objects with one text each")

// pairs reads an array of objects with one text each; call variables are the
// ten, others, and ani.
func (a *attempt) pairs(f field, n *node) error {
	variables := f.kind.json == 'v'
	if n.kind != '[' {
		return errNotPairs
	}
	var names []string
	from := len(a.fields)
	for _, x := range n.items {
		if x.kind != '{' || len(x.items) != 1 || x.items[0].kind != '"' {
			return errNotPairs
		}
		names = append(names, x.names[0])
		if variables {
			a.value(f.variable(x.names[0]), x.items[0].text)
		} else {
			a.fields = append(a.fields, ReadField{"Codes", x.names[0]}, ReadField{"Labels", x.items[0].text})
		}
	}
	if !variables {
		return nil
	}
	for i, name := range tenVariables {
		if i >= len(names) || names[i] != name {
			return fmt.Errorf("has no %s where it belongs", name)
		}
	}
	last := len(names) - 1
	if names[last] != "ani" {
		return fmt.Errorf("does not end with ani")
	}
	ani := a.fields[from+last] // which comes first in a text form
	a.fields = slices.Insert(a.fields[:from+last], from, ani)
	return nil
}
