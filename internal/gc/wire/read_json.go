package wire

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// node is a JSON value whose members are in order.
type node struct {
	kind  byte // '{', '[', '"', '0' for a number, 't' for true and false, 'n' for null
	text  string
	names []string
	items []node
	of    formField // of a template, what stands there
}

// field is what a template says of a value; empty where there is none.
func (n *node) field() formField {
	if n == nil {
		return formField{}
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

var jsonForms = func() []*readableForm {
	var all []*readableForm
	for _, s := range jsonShapes {
		tree, err := parseNode(s.form)
		if err != nil {
			panic(err)
		}
		tree.parseFields()
		all = append(all, &readableForm{shape: s, wide: -1, tree: &tree})
	}
	return all
}()

// parseFields makes a template of n.
func (n *node) parseFields() {
	if n.kind == '"' && strings.HasPrefix(n.text, "<") {
		n.text, n.of = "", parseFormField(n.text)
	}
	for i := range n.items {
		n.items[i].parseFields()
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
			all = append(all, a)
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
func (a *attempt) jsonValue(path string, f formField, have *node) {
	kind, null := strings.CutSuffix(f.kind, "?")
	want := byte('"')
	switch {
	case null && have.kind == 'n':
		return
	case kind == "VariablesJSON" || kind == "CodesJSON":
		if err := a.pairs(f, kind == "VariablesJSON", have); err != nil {
			a.wrong("%s %v", path, err)
		}
		return
	case kind == "NumberJSON":
		kind, want = "Number", '0'
	case kind == "FlagJSON":
		kind, want = "Any", 't'
	}
	check := readKinds[kind]
	if have.kind != want || check == nil {
		a.wrong("%s is of another type", path)
		return
	}
	a.value(f, have.text)
	if err := check(have.text); err != nil {
		a.values = append(a.values, fmt.Sprintf("%s %v", path, err))
	}
}

// pairs reads an array of objects with one text each; call variables are the
// ten, others, and ani.
func (a *attempt) pairs(f formField, variables bool, n *node) error {
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
