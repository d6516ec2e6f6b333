package wire

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Redact hides, in a command as it came, every password and everything else
// that is not what should stand in its place: it may be a password that was
// typed there. What is left reads as before, with the same error if it had one.
func Redact(typ, body string, hide func(string) string) (safeType, safeBody string) {
	h := hider{hide}
	switch {
	case len(body) > MaxBody: // and so it stays
		return typ, strings.Repeat("x", MaxBody+1)
	case !utf8.ValidString(body):
		return typ, "\xff" + strings.Repeat(",", strings.Count(body, ","))
	}
	name, id, err := splitType(typ)
	if err != nil {
		return h.text(typ), h.all(strings.Split(body, ","))
	}
	spec := gc.FindCommand(name)
	if spec == nil {
		return h.id(typ, id, false), h.all(strings.Split(body, ","))
	}
	fields := splitBody(body, spec.Parameters)
	for i := range fields {
		if i >= len(spec.Parameters) || !plain(spec, i, fields[i]) {
			fields[i] = h.wrong(spec, i, fields[i])
		}
	}
	return h.id(typ, id, spec.ForDestination), strings.Join(fields, ",")
}

// plain reports whether a field holds what the command's parameter i should
// hold, no password.
func plain(spec *gc.CommandSpec, i int, field string) bool {
	k, scratch := spec.Parameters[i].Kind, gc.Command{Spec: spec}
	field = strings.TrimSpace(field)
	return field == "" || k != gc.PasswordKind && kinds[k].set(&scratch, field) == nil
}

type hider struct{ hide func(string) string }

// text keeps blanks, which may be all there is.
func (h hider) text(s string) string {
	if strings.TrimSpace(s) == "" {
		return s
	}
	return h.hide(s)
}

// wrong hides a field that is not what should stand there, and is not that
// either afterwards.
func (h hider) wrong(spec *gc.CommandSpec, i int, field string) string {
	hidden := h.text(field)
	if i >= len(spec.Parameters) || spec.Parameters[i].Kind == gc.PasswordKind || !plain(spec, i, hidden) {
		return hidden
	}
	if marked := "\a" + hidden; !plain(spec, i, marked) {
		return marked
	}
	return strings.Repeat("x", len(field)) // it was too long
}

func (h hider) all(fields []string) string {
	fields = slices.Clone(fields)
	for i := range fields {
		fields[i] = h.text(fields[i])
	}
	return strings.Join(fields, ",")
}

// id keeps a type whose id names an agent, or a destination.
func (h hider) id(typ, id string, destination bool) string {
	_, err := gc.ParseAgentID(id)
	if destination {
		_, err = gc.ParseDestination(id)
	}
	if err == nil {
		return typ
	}
	name, _, _ := strings.Cut(typ, "#")
	return name + "#" + h.text(id)
}
