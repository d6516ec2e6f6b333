package wire

import (
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// accepted says what a parameter of each kind may hold, for people.
var accepted = map[gc.Kind]string{
	gc.DestinationKind:   "the name of a topic, or `queue://` and that of a queue; at most 255 printable ASCII characters, no blank, none of `*>,?#|`, and not `ActiveMQ.` in front",
	gc.PasswordKind:      "the agent's password; in a Connect it may hold commas and blanks",
	gc.ExtensionKind:     "1 to 15 digits, with or without `+` in front",
	gc.NumberKind:        "at most 64 printable ASCII characters, no comma",
	gc.DialogKind:        "the id of a call: digits and underscores, at most 64",
	gc.ReasonCodeKind:    "a code that ReasonCodes gave: at most 10 digits",
	gc.ModeKind:          "`true` for call by call, `false` for a nailed connection",
	gc.IgnoredKind:       "anything, also nothing; it is not used",
	gc.WrapUpReasonKind:  "a label or a code that ReasonCodes gave; at most 2,000 bytes, no comma",
	gc.VariableNameKind:  "`callVariable1` to `callVariable10`, or an ECC variable as `user.name` or `user.name[2]`; at most 2,000 bytes",
	gc.VariableValueKind: "any text, also none, commas and blanks included; at most 2,000 bytes",
	gc.PreviewActionKind: "the word that the command begins with: `ACCEPT`, `REJECT` or `CLOSE`",
	gc.TeamKind:          "the id of a team: at most 10 digits",
	gc.TeamEventsKind:    "`true` for the events of the team too, `false` for none any more; left out, it stays as it is",
	gc.MemberKind:        "the login id of an agent in one of the supervisor's teams",
	gc.PartyKind:         "the login id or the extension of an agent in one of the supervisor's teams",
	gc.PhonebookKind:     "an id that Phonebooks gave: at most 10 digits",
	gc.SingleSignOnKind:  "`SSO`, exactly so: the password is an access token of single sign-on, printable ASCII; left out, it is a password",
}

// Describe says what a parameter may hold ("" for a kind there is not) and
// what a driver hears when it is missing or holds something else; missing is
// "" where it may be left out, wrong where anything goes.
func Describe(k gc.Kind) (accepts string, missing, wrong gc.Code) {
	return accepted[k], kinds[k].missing, kinds[k].wrong
}

// TextForms are the forms of an event in a text format, the usual one first.
func (r *Row) TextForms(f Format) (all []*Form) {
	for _, form := range r.written[f] {
		all = append([]*Form{form}, all...)
	}
	return all
}

// FormsOf are the forms in a format that a body has, whatever its values are.
func FormsOf(body string, f Format) (all []*Form) {
	for _, a := range shaped(body, f) {
		all = append(all, a.form)
	}
	return all
}

// Row is the row of the event that has the form.
func (f *Form) Row() *Row { return f.row }

// When says, for people, when the event has the form; "" for the usual one.
func (f *Form) When() string { return f.when.text }

// Show is a text form for people: "…" is any number of fields like the one before
// and, at the end of a value's name, that it takes all fields that are left.
// called names a value of a name and a kind of the table.
func (f *Form) Show(called func(name, kind string) string) string {
	show := func(x field, more string) string {
		if x.name == "" {
			return x.label
		}
		return x.label + "<" + called(x.name, x.kind.name) + more + ">"
	}
	var all, entry []string
	for i, x := range f.fields {
		more := ""
		if i == f.wide {
			more = "…"
		}
		all = append(all, show(x, more))
	}
	for _, x := range f.entry {
		entry = append(entry, show(x, ""))
	}
	if entry != nil {
		all = append(all, strings.Join(entry, ","), "…")
	}
	return strings.Join(all, "#")
}

// Members are the places of an event's values in JSON, such as "team.id" and
// "users[].extension", the first of each name.
func (r *Row) Members() map[string]string {
	all := map[string]string{}
	for _, f := range r.written[JSON] {
		if f.tree != nil {
			f.tree.members("", all)
		}
	}
	return all
}

func (n *node) members(path string, all map[string]string) {
	if _, known := all[n.of.name]; n.of.name != "" && !known {
		all[n.of.name] = path
	}
	for i := range n.items {
		switch {
		case n.kind == '{':
			n.items[i].members(strings.TrimPrefix(path+"."+n.names[i], "."), all)
		case n.items[i].of.name != "":
			n.items[i].members(path, all)
		default:
			n.items[i].members(path+"[]", all)
		}
	}
}
