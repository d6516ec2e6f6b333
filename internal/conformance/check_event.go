package conformance

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

func (p *Protocol) eventRow(s seedEvent) Row {
	r := Row{ID: s.number, Title: s.title}
	if s.remark != "" {
		r.Title += " (" + s.remark + ")"
	}
	row := rowOf(s.number)
	if row == nil {
		return r
	}
	r.Code = eventCode(row)
	if d := differs("its category", s.category, string(row.Category)); d != "" {
		r.fault("%s", d)
	}
	e := findEvent(row)
	if e == nil {
		return r
	}
	r.Anchor = eventAnchor(row)
	if s.jmsType != "" && e.jmsType == "" {
		r.fault("its JMSType is not described")
	}
	goldens := p.goldensOf(func(f *knownForm) bool { return f.number == s.number })
	for _, g := range goldens {
		for _, format := range wire.Formats {
			if g.bodies[format] == "" {
				r.fault("golden message %s is not there in %s", g.name, format)
			}
		}
	}
	r.Proof = append(goldenLinks(goldens, wire.Text), p.heard[s.number]...)
	if len(goldens) == 0 {
		r.Proof = nil // a conversation alone does not show it in every format
	}
	return r
}

// objectRow is proved by a golden message with exactly the sample's attributes
// in the sample's order.
func (p *Protocol) objectRow(o seedObject) Row {
	r := Row{ID: "JSON " + o.title, Title: strings.TrimSpace(o.kind + " " + o.sample)}
	var rows []*wire.Row
	sample, err := attributes(o.body)
	if err != nil {
		r.fault("its sample: %v", err)
	}
	for _, g := range p.evidence.goldens {
		f, body := p.formOf[g.name], g.bodies[wire.JSON]
		if f == nil || !isSample(body, o) {
			continue
		}
		if paths, err := attributes(body); err != nil || !slices.Equal(paths, sample) {
			continue
		}
		r.Proof = append(r.Proof, goldenLinks([]golden{g}, wire.JSON)...)
		rows = append(rows, f.row)
	}
	for i := range wire.Events {
		if row := &wire.Events[i]; slices.Contains(rows, row) {
			r.Code, r.Anchor = eventCode(row), eventAnchor(row)
			break
		}
	}
	return r
}

func eventCode(row *wire.Row) Link { return Link{"wire: " + row.Name, "internal/gc/wire/events.go"} }

// isSample reports whether a JSON message has the type and what else is
// particular about the sample: a value, or how many there are.
func isSample(body string, o seedObject) bool {
	if !strings.Contains(body, `"type":"`+o.kind+`"`) {
		return false
	}
	for mark := range strings.FieldsSeq(o.sample) {
		key, value, _ := strings.Cut(mark, "=")
		if key == "participants" {
			if fmt.Sprint(strings.Count(body, `"mediaAddress":`)) != value {
				return false
			}
			continue
		}
		if !regexp.MustCompile(`"` + key + `":"?` + value + `[",]`).MatchString(body) {
			return false
		}
	}
	return true
}

func eventAnchor(row *wire.Row) string { return anchor(eventHeading(row)) }

func eventHeading(row *wire.Row) string {
	return strings.TrimSpace(strings.Join(row.Numbers, ", ") + " " + row.Name)
}

var notInAnchor = regexp.MustCompile(`[^\w\- ]`)

// anchor is what renderers of Markdown make of a heading.
func anchor(heading string) string {
	return strings.ReplaceAll(strings.ToLower(notInAnchor.ReplaceAllString(heading, "")), " ", "-")
}

// checkEvents holds what the document says of each event against its golden
// messages, and these against the document.
func (p *Protocol) checkEvents() {
	for i := range wire.Events {
		row := &wire.Events[i]
		e := findEvent(row)
		if e == nil {
			p.fault("event %s is not described", eventHeading(row))
			continue
		}
		goldens := p.goldensOf(func(f *knownForm) bool { return f.row == row })
		p.checkExamples(e, goldens)
		p.checkForms(row, e, goldens)
		p.checkFields(row, e, goldens)
	}
	for _, e := range events {
		if !slices.ContainsFunc(wire.Events, func(r wire.Row) bool { return rowKey(&r) == e.key }) {
			p.fault("event %s is described and does not exist", e.key)
		}
	}
	for _, g := range p.evidence.goldens {
		var of []string
		for _, f := range formsIn(g.bodies[wire.Text]) {
			of = append(of, f.number)
		}
		if len(of) != 1 {
			p.fault("golden message %s has the form of %d events: %v", g.name, len(of), of)
		}
	}
}

func (p *Protocol) checkExamples(e *event, goldens []golden) {
	if len(e.examples) == 0 {
		p.fault("event %s has no example", e.key)
	}
	for _, name := range e.examples {
		if !slices.ContainsFunc(goldens, func(g golden) bool { return g.name == name }) {
			p.fault("event %s: %s is no golden message of it", e.key, name)
		}
	}
}

// checkForms wants a form for each golden message and a golden message for
// each form.
func (p *Protocol) checkForms(row *wire.Row, e *event, goldens []golden) {
	for _, format := range textFormats {
		known := map[string]bool{}
		for _, f := range e.formsOf(row, format) {
			used := false
			for _, g := range goldens {
				if slices.Contains(wire.FormsOf(g.bodies[format], format), f.of) && e.shows(f, g.bodies[format]) {
					known[g.name], used = true, true
				}
			}
			if !used {
				p.fault("event %s: no golden message has the form %s of %s", e.key, f.template, format)
			}
		}
		for _, g := range goldens {
			if !known[g.name] {
				p.fault("event %s: golden message %s has no form in %s", e.key, g.name, format)
			}
		}
	}
}

// placeholder is "<name>" in a form.
var placeholder = regexp.MustCompile(`<([^<>]+?)…?>`)

// checkFields wants each placeholder and each JSON attribute described, and
// nothing described that is not there.
func (p *Protocol) checkFields(row *wire.Row, e *event, goldens []golden) {
	var texts, described, paths []string
	for _, format := range textFormats {
		for _, f := range e.formsOf(row, format) {
			for _, m := range placeholder.FindAllStringSubmatch(f.template, -1) {
				texts = append(texts, m[1])
			}
		}
	}
	for _, g := range goldens {
		if body := g.bodies[wire.JSON]; body != g.bodies[wire.Text] {
			found, err := attributes(body)
			if err != nil {
				p.fault("golden message %s: %v", g.name, err)
			}
			paths = append(paths, found...)
		}
	}
	members := row.Members()
	for _, f := range e.fields {
		path := f.path(members)
		described = append(described, path)
		if f.text != "" && !slices.Contains(texts, f.text) {
			p.fault("event %s: no form has a field %s", e.key, f.text)
		}
		if path != "" && !slices.Contains(paths, path) {
			p.fault("event %s: no golden message has an attribute %s", e.key, path)
		}
	}
	for _, text := range texts {
		if !slices.ContainsFunc(e.fields, func(f field) bool { return f.text == text }) {
			p.fault("event %s: field %s is not described", e.key, text)
		}
	}
	for _, path := range paths {
		holds := slices.ContainsFunc(described, func(d string) bool { return strings.HasPrefix(d, path+"[") || strings.HasPrefix(d, path+".") })
		if path != "type" && path != "[].type" && !holds && !describes(described, path) {
			p.fault("event %s: attribute %s is not described", e.key, path)
		}
	}
}
