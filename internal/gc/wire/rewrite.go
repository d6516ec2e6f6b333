package wire

import (
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
