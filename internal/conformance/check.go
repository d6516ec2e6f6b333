package conformance

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// Protocol is the protocol document beside what the connector makes of it.
type Protocol struct {
	seed     seed
	evidence evidence
	formOf   map[string]*knownForm // of golden messages, by name
	heard    map[string][]Link     // conversations in which an event comes, by number
	rows     []Row
	faults   []string
}

// Link is a file of the repository and what to call it.
type Link struct{ Text, Path string }

// Row is a row of the protocol document.
type Row struct {
	ID     string // "command MakeCall", "O-001", …; the same twice where the document has it twice
	Title  string
	Code   Link   // where it is implemented; zero: nowhere
	Proof  []Link // golden files
	Anchor string // where docs/protocol.md describes it, "" for nowhere
	Faults []string
}

// Load reads the rows and the golden files from the repository's root. An
// error means that a file cannot be read; what is wrong with the rows is in
// Rows and Faults.
func Load(root fs.FS) (*Protocol, error) {
	s, err := loadSeed(root)
	if err != nil {
		return nil, err
	}
	e, err := loadEvidence(root)
	if err != nil {
		return nil, err
	}
	p := &Protocol{seed: s, evidence: e}
	p.recognize()
	for _, c := range s.commands {
		p.add(p.commandRow(c))
	}
	for _, e := range s.events {
		p.add(p.eventRow(e))
	}
	for _, o := range s.objects {
		p.add(p.objectRow(o))
	}
	for _, e := range s.errors {
		p.add(p.errorRow(e))
	}
	for _, m := range s.messages {
		p.add(p.messageRow(m))
	}
	p.checkCommands()
	p.checkEvents()
	p.checkErrors()
	return p, nil
}

// Rows are all rows of the protocol document, in its order.
func (p *Protocol) Rows() []Row { return p.rows }

// Faults are what the document lacks or has wrong that belongs to no row of
// the protocol document.
func (p *Protocol) Faults() []string { return p.faults }

func (p *Protocol) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}

// add completes a row with the faults that every row can have.
func (p *Protocol) add(r Row) {
	if r.Code == (Link{}) {
		r.Faults = append(r.Faults, "it is not implemented")
	}
	if len(r.Proof) == 0 {
		r.Faults = append(r.Faults, "no golden file proves it")
	}
	if r.Anchor == "" {
		r.Faults = append(r.Faults, "docs/protocol.md does not describe it")
	}
	p.rows = append(p.rows, r)
}

func (r *Row) fault(format string, args ...any) {
	r.Faults = append(r.Faults, fmt.Sprintf(format, args...))
}

// knownForm is the row of an event, and the seed's number of it.
type knownForm struct {
	row    *wire.Row
	number string
}

// recognize finds the form of each golden message and of each event in a
// conversation.
func (p *Protocol) recognize() {
	p.formOf, p.heard = map[string]*knownForm{}, map[string][]Link{}
	for _, g := range p.evidence.goldens {
		p.formOf[g.name] = formIn(g.bodies[wire.Text])
	}
	for _, c := range p.evidence.conversations {
		for _, line := range c.lines {
			category, body, ok := strings.Cut(line, "\t")
			if !ok || c.format != wire.Text {
				continue
			}
			l := Link{c.name, c.file}
			if f := formIn(body); f != nil && category == string(f.row.Category) && !slices.Contains(p.heard[f.number], l) {
				p.heard[f.number] = append(p.heard[f.number], l)
			}
		}
	}
}

// formIn is the form that a message in text has, nil for none. Forms of two
// events never have the same golden message; checkEvents sees to it.
func formIn(body string) *knownForm {
	if all := formsIn(body); len(all) > 0 {
		return &all[0]
	}
	return nil
}

func formsIn(body string) (all []knownForm) {
	for _, of := range wire.FormsOf(body, wire.Text) {
		row := of.Row()
		e := findEvent(row)
		if e == nil {
			continue
		}
		for _, f := range e.formsOf(row, wire.Text) {
			if f.of == of && e.shows(f, body) {
				all = append(all, knownForm{row, f.number})
			}
		}
	}
	return all
}

// goldensOf are the golden messages that is accepts.
func (p *Protocol) goldensOf(is func(*knownForm) bool) []golden {
	var all []golden
	for _, g := range p.evidence.goldens {
		if f := p.formOf[g.name]; f != nil && is(f) {
			all = append(all, g)
		}
	}
	return all
}

func goldenLinks(goldens []golden, format wire.Format) []Link {
	var links []Link
	for _, g := range goldens {
		links = append(links, Link{g.name, goldenDir + "/" + g.name + "." + string(format)})
	}
	return links
}

// differs says what the protocol document has and we have not, "" for nothing.
func differs(what, seed, ours string) string {
	if seed == "" || strings.EqualFold(seed, ours) {
		return ""
	}
	return fmt.Sprintf("%s is %s, not %s", what, cmp.Or(ours, "missing"), seed)
}

// rowOf is the row of wire.Events that has a number.
func rowOf(number string) *wire.Row {
	for i := range wire.Events {
		if slices.Contains(wire.Events[i].Numbers, number) {
			return &wire.Events[i]
		}
	}
	return nil
}

// rowNamed is the first row of wire.Events with a name.
func rowNamed(name string) *wire.Row {
	for i := range wire.Events {
		if wire.Events[i].Name == name {
			return &wire.Events[i]
		}
	}
	return nil
}

// userMessage is nil for a key without a row.
func userMessage(key string) *gc.UserMessage {
	for i := range gc.UserMessages {
		if gc.UserMessages[i].Key == key {
			return &gc.UserMessages[i]
		}
	}
	return nil
}
