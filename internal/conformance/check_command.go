package conformance

import (
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// outputs are the events that the protocol document means by its "Expected
// Output"; any of them fulfils it.
var outputs = map[string][]string{
	"System Status":   {"System"},
	"Agent State":     {"State"},
	"Agent Info":      {"AgentInfo"},
	"Inbound Call":    {"InboundCall"},
	"Consult Call":    {"ConsultCall"},
	"Transfer Call":   {"InboundCall"},
	"Conference Call": {"InboundCall"},
	"Reason Codes":    {"ReasonCodes"},
	"Agent Dialog":    {"DialogState"},
	"Get All Agents":  {"Agents"},
	"Phonebooks":      {"Phonebooks", "TeamPhoneBooks"},
	"Contacts":        {"PhonebookContacts"},
}

func (p *Protocol) commandRow(c seedCommand) Row {
	r := Row{ID: "command " + c.name, Title: c.title, Code: commandCode(c.name)}
	if c.remark != "" {
		r.Title += " (" + c.remark + ")"
	}
	r.Proof = p.evidence.said(func(_ conversation, line string) bool { return sends(c.name, line) })
	spec := gc.FindCommand(c.name)
	if spec == nil {
		return r
	}
	if commandNotes[spec.Name] != "" {
		r.Anchor = commandAnchor(spec.Name)
	}
	for _, d := range []string{differs("its name", c.name, string(spec.Name)), differs("its category", c.category, string(spec.Category))} {
		if d != "" {
			r.fault("%s", d)
		}
	}
	r.compareParameters(c, spec)
	for output := range strings.SplitSeq(c.output, ", ") {
		if output != "" && !slices.ContainsFunc(outputs[output], func(e string) bool { return slices.Contains(spec.Answers, e) }) {
			r.fault("its answers lack %s", output)
		}
	}
	return r
}

// compareParameters accepts a command that takes fewer parameters than it may
// have.
func (r *Row) compareParameters(c seedCommand, spec *gc.CommandSpec) {
	want := 0
	if c.parameters != "" {
		want = strings.Count(c.parameters, ",") + 1
	}
	least := len(spec.Parameters)
	for least > 0 && spec.Parameters[least-1].Optional {
		least--
	}
	if want < least || want > len(spec.Parameters) {
		r.fault("it takes %d to %d parameters, not %d", least, len(spec.Parameters), want)
	}
}

func commandCode(name string) Link {
	spec := gc.FindCommand(name)
	switch {
	case spec == nil:
		return Link{}
	case spec.ForDestination:
		return Link{"bridge", "internal/bridge/intake.go"}
	case session.Handles(spec.Name):
		return Link{"session", "internal/session/request.go"}
	default:
		return Link{}
	}
}

func commandAnchor(name gc.CommandName) string { return "command-" + strings.ToLower(string(name)) }

// checkCommands holds our own table against the protocol document.
func (p *Protocol) checkCommands() {
	for _, spec := range gc.Commands {
		if !slices.ContainsFunc(p.seed.commands, func(c seedCommand) bool { return c.name == string(spec.Name) }) {
			p.fault("command %s is not in the protocol document", spec.Name)
		}
		for _, name := range spec.Answers {
			if rowNamed(name) == nil {
				p.fault("command %s answers with %s, which is no event", spec.Name, name)
			}
		}
		for _, parameter := range spec.Parameters {
			if accepts, _, _ := wire.Describe(parameter.Kind); accepts == "" {
				p.fault("command %s: wire.Describe does not know what %s takes", spec.Name, parameter.Name)
			}
		}
	}
	for name := range commandNotes {
		if gc.FindCommand(string(name)) == nil {
			p.fault("command %s is described and does not exist", name)
		}
	}
}
