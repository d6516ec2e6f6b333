package conformance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

type eventSection struct {
	Heading, Category, When, JMSType, Note string
	Deprecated                             bool
	Only                                   string // "" for all formats
	Forms                                  string
	Fields                                 []fieldLine
	Examples                               []example
	More                                   []Link
	Seed                                   []string
}

type fieldLine struct{ Text, JSON, Meaning string }

type example struct{ Name, Body string }

func (p *Protocol) eventSections() []eventSection {
	var sections []eventSection
	for i := range wire.Events {
		row := &wire.Events[i]
		if e := findEvent(row); e != nil {
			sections = append(sections, p.section(row, e))
		}
	}
	return sections
}

func (p *Protocol) section(row *wire.Row, e *event) eventSection {
	s := eventSection{
		Heading: eventHeading(row), Category: string(row.Category), When: e.when, JMSType: e.jmsType, Note: e.note, Deprecated: row.Deprecated,
		Forms: formBlock(row, e),
	}
	if row.Only != nil {
		s.Only = names(row.Only)
	}
	members := row.Members()
	for _, f := range e.fields {
		if f.meaning != "" {
			s.Fields = append(s.Fields, fieldLine{f.text, f.path(members), f.meaning})
		}
	}
	for _, g := range p.goldensOf(func(f *knownForm) bool { return f.row == row }) {
		if slices.Contains(e.examples, g.name) {
			s.Examples = append(s.Examples, example{g.name, exampleBlock(row, g)})
		} else {
			s.More = append(s.More, goldenLinks([]golden{g}, sent(row)[0])...)
		}
	}
	slices.SortFunc(s.Examples, func(a, b example) int { return slices.Index(e.examples, a.Name) - slices.Index(e.examples, b.Name) })
	for _, t := range p.seed.templates {
		if slices.Contains(row.Numbers, t.number) {
			s.Seed = append(s.Seed, strings.TrimSpace(fmt.Sprintf("%-6s %-6s %s", t.number, t.form, t.template)))
		}
	}
	return s
}

// sent are the formats in which an event is sent.
func sent(row *wire.Row) []wire.Format {
	if row.Only == nil {
		return wire.Formats
	}
	return row.Only
}

// formBlock has a line for each text form, with the formats that have it.
func formBlock(row *wire.Row, e *event) string {
	var b strings.Builder
	var done []wire.Format
	for _, format := range sent(row) {
		if format == wire.JSON || slices.Contains(done, format) {
			continue
		}
		same := slices.DeleteFunc(same(row, format), func(f wire.Format) bool { return !slices.Contains(sent(row), f) })
		done = append(done, same...)
		fmt.Fprintf(&b, "%s:\n", names(same))
		for _, f := range e.formsOf(row, format) {
			line := "  " + f.template
			if f.when != "" {
				line += "   (" + f.when + ")"
			}
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// exampleBlock is a golden message, each different form once.
func exampleBlock(row *wire.Row, g golden) string {
	var b strings.Builder
	var done []wire.Format
	for _, format := range sent(row) {
		if slices.Contains(done, format) {
			continue
		}
		var same []wire.Format
		for _, other := range sent(row) {
			if g.bodies[other] == g.bodies[format] {
				same = append(same, other)
			}
		}
		done = append(done, same...)
		fmt.Fprintf(&b, "%s:\n  %s\n", names(same), g.bodies[format])
	}
	return b.String()
}

func names(formats []wire.Format) string {
	all := make([]string, len(formats))
	for i, f := range formats {
		all[i] = string(f)
	}
	return strings.Join(all, ", ")
}
