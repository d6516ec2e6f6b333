package conformance

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

//go:embed document.md.tmpl
var documentTemplate string

// Document is docs/protocol.md. What is missing is marked in it.
func (p *Protocol) Document() []byte {
	t := template.Must(template.New("protocol.md").Funcs(template.FuncMap{
		"cell": cell,
		"list": func(links []Link) string { return list(links) },
		"link": func(l Link) string { return link(l) },
	}).Parse(documentTemplate))
	var b bytes.Buffer
	err := t.Execute(&b, map[string]any{
		"Tables":     p.commandTables(),
		"Parameters": parameterRows(),
		"Events":     p.eventSections(),
		"Errors":     errorRows(),
		"Reasons":    gc.RetryReasons,
		"Other":      gc.Code("CF_…").Meaning(), // one that is not listed
		"Messages":   messageRows(),
		"Rows":       p.rows,
	})
	if err != nil {
		panic(fmt.Sprintf("conformance: write the document: %v", err)) // the template and the values are ours
	}
	return b.Bytes()
}

// cell makes text fit into a table.
func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "<", "&lt;")
}

// link is a Markdown link from docs/ to a file of the repository.
func link(l Link) string {
	if l == (Link{}) {
		return "**missing**"
	}
	return "[" + l.Text + "](../" + l.Path + ")"
}

func list(links []Link) string {
	if len(links) == 0 {
		return "**missing**"
	}
	all := make([]string, len(links))
	for i, l := range links {
		all[i] = link(l)
	}
	return strings.Join(all, ", ")
}

type commandTable struct {
	Title    string
	Rows     []commandLine
	Examples []string
}

type commandLine struct {
	Anchor, Name, Category, Parameters, Answers, Again, Late, Note string
}

// commandTables are the protocol document's tables; a command that is in two
// is described in the first.
func (p *Protocol) commandTables() []*commandTable {
	tables := []*commandTable{{Title: "Commands of agents"}, {Title: "Commands of supervisors"}, {Title: "Commands of administrators"}}
	byName := map[string]*commandTable{"agent": tables[0], "supervisor": tables[1], "administrator": tables[2]}
	done := map[gc.CommandName]bool{}
	for _, c := range p.seed.commands {
		spec := gc.FindCommand(c.name)
		if spec == nil || done[spec.Name] {
			continue
		}
		done[spec.Name] = true
		t := byName[c.table]
		t.Rows = append(t.Rows, lineOf(spec))
		if example := p.evidence.firstSent(c.name); example != "" {
			t.Examples = append(t.Examples, example)
		}
	}
	return tables
}

func lineOf(spec *gc.CommandSpec) commandLine {
	l := commandLine{
		Anchor: commandAnchor(spec.Name), Name: string(spec.Name), Category: string(spec.Category),
		Answers: answers(spec), Again: "runs", Late: "runs", Note: commandNotes[spec.Name],
	}
	names := make([]string, len(spec.Parameters))
	for i, parameter := range spec.Parameters {
		names[i] = parameter.Name
		if parameter.Optional {
			names[i] = "[" + parameter.Name + "]"
		}
	}
	l.Parameters = strings.Join(names, ", ")
	if spec.Once {
		l.Again = "refused"
	}
	if spec.CallControl() {
		l.Late = "refused"
	}
	if spec.ForMember {
		l.Note += " For a member of a team whom no driver has connected, the supervisor does it whose driver has asked for that team; each destination of such a supervisor is answered, or the one that is the reply-to alone."
	}
	return l
}

func answers(spec *gc.CommandSpec) string {
	all := make([]string, len(spec.Answers))
	for i, name := range spec.Answers {
		row := rowNamed(name)
		if number := answerNumbers[spec.Name][name]; number != "" {
			row = rowOf(number)
		}
		all[i] = name
		if row != nil {
			all[i] = "[" + name + "](#" + eventAnchor(row) + ")"
		}
	}
	return strings.Join(all, ", ")
}

type parameterRow struct{ Name, Commands, Accepts, Missing, Wrong string }

// parameterRows has a row for each name and kind.
func parameterRows() []parameterRow {
	var rows []parameterRow
	for _, spec := range gc.Commands {
		for _, parameter := range spec.Parameters {
			accepts, missing, wrong := wire.Describe(parameter.Kind)
			r := parameterRow{parameter.Name, string(spec.Name), accepts, errorLink(missing), errorLink(wrong)}
			if parameter.Optional {
				r.Missing = "may be left out"
			}
			i := slices.IndexFunc(rows, func(other parameterRow) bool {
				return other.Name == r.Name && other.Accepts == r.Accepts && other.Missing == r.Missing
			})
			if i < 0 {
				rows = append(rows, r)
			} else {
				rows[i].Commands += ", " + r.Commands
			}
		}
	}
	return rows
}

func errorLink(code gc.Code) string {
	if code == "" {
		return "-"
	}
	return "[" + string(code) + "](#" + errorAnchor(string(code)) + ")"
}

type errorRow struct{ Anchor, Code, Origin, Meaning, Driver string }

func errorRows() []errorRow {
	rows := make([]errorRow, len(errorNotes))
	for i, n := range errorNotes {
		rows[i] = errorRow{errorAnchor(n.code), n.code, n.origin, strings.TrimSpace(string(gc.Code(n.code).Meaning()) + " " + n.more), n.driver}
	}
	return rows
}

type messageLine struct{ Anchor, Key, Text string }

func messageRows() []messageLine {
	rows := make([]messageLine, len(gc.UserMessages))
	for i, m := range gc.UserMessages {
		rows[i] = messageLine{messageAnchor(m.Key), m.Key, m.Text}
	}
	return rows
}
