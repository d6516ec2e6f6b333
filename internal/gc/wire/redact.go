package wire

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Redact hides, in a command as it came, every password and everything else
// that is not what should stand in its place: it may be a password that was
// typed there. place gives what stands for a destination, "" for the destination
// itself. What is left reads as before, with the same error if it had one.
func Redact(typ, body string, hide func(string) string, place func(*gc.CommandSpec, gc.Destination) string) (safeType, safeBody string) {
	h := hider{hide, place}
	name, id, err := splitType(typ)
	spec := gc.FindCommand(name)
	switch {
	case len(typ) > maxType: // and so it stays
		typ = strings.Repeat("x", maxType+1)
	case err != nil:
		typ = h.text(typ)
	default:
		typ = h.typ(typ, name, id, spec)
	}
	switch {
	case len(body) > MaxBody: // the same
		return typ, strings.Repeat("x", MaxBody+1)
	case !utf8.ValidString(body):
		return typ, "\xff" + strings.Repeat(",", strings.Count(body, ","))
	case err != nil || spec == nil:
		return typ, h.all(strings.Split(body, ","))
	}
	_, faulty := ParseCommand(typ, body)
	fields := splitBody(body, spec.Parameters)
	for i := range fields {
		switch {
		case i >= len(spec.Parameters) || !plain(spec, i, fields[i]):
			fields[i] = h.wrong(spec, i, fields[i])
		case spec.Parameters[i].Kind == gc.DestinationKind:
			fields[i] = h.destination(spec, fields[i])
		case faulty != nil:
			fields[i] = h.free(spec, i, fields[i])
		}
	}
	if last := len(fields) - 1; faulty != nil && last > 0 && last < len(spec.Parameters) && spec.Parameters[last].Kind == gc.SingleSignOnKind && strings.TrimSpace(fields[last-1]) != "" {
		fields[last-1] = "\a" + fields[last-1] // a token that is none stays none
	}
	return typ, strings.Join(fields, ",")
}

// plain reports whether a field holds what the command's parameter i should
// hold, no password.
func plain(spec *gc.CommandSpec, i int, field string) bool {
	k, scratch := spec.Parameters[i].Kind, gc.Command{Spec: spec}
	field = strings.TrimSpace(field)
	return field == "" || k != gc.PasswordKind && kinds[k].set(&scratch, field) == nil
}

type hider struct {
	hide  func(string) string
	place func(*gc.CommandSpec, gc.Destination) string
}

// destination is what stands for one that can be read.
func (h hider) destination(spec *gc.CommandSpec, text string) string {
	d, err := gc.ParseDestination(strings.TrimSpace(text))
	if err != nil {
		return text // it is empty
	}
	return cmp.Or(h.place(spec, d), text)
}

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

// freeKinds can hold nearly any text.
var freeKinds = []gc.Kind{gc.NumberKind, gc.WrapUpReasonKind, gc.VariableNameKind, gc.VariableValueKind, gc.MemberKind, gc.PartyKind, gc.IgnoredKind}

// free hides a field of a faulty command that may hold anything, a password of a
// driver that mixes up the fields among them.
func (h hider) free(spec *gc.CommandSpec, i int, field string) string {
	if !slices.Contains(freeKinds, spec.Parameters[i].Kind) {
		return field
	}
	hidden := h.text(field)
	if !plain(spec, i, hidden) {
		hidden = strings.NewReplacer("[", "", "]", "", " ", "-").Replace(hidden)
	}
	return hidden
}

func (h hider) all(fields []string) string {
	fields = slices.Clone(fields)
	for i := range fields {
		fields[i] = h.text(fields[i])
	}
	return strings.Join(fields, ",")
}

// typ keeps a type of a known command whose id names an agent, or a destination.
func (h hider) typ(typ, name, id string, spec *gc.CommandSpec) string {
	if spec == nil {
		name = h.text(name)
	}
	if spec != nil && spec.ForDestination {
		d, err := gc.ParseDestination(id)
		if err != nil {
			return name + "#" + h.text(id)
		}
		if other := h.place(spec, d); other != "" {
			return name + "#" + other
		}
		return typ
	}
	if _, err := gc.ParseAgentID(id); err != nil {
		return name + "#" + h.text(id)
	}
	if spec == nil {
		return name + "#" + id
	}
	return typ
}
