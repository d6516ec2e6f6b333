package wire

import "github.com/finesse-connector/finesse-connector/internal/gc"

// accepted says what a parameter of each kind may hold, for people.
var accepted = map[gc.Kind]string{
	gc.DestinationKind:   "the name of a topic, or `queue://` and that of a queue; at most 255 printable ASCII characters, no blank, none of `*>,?#|`, and not `ActiveMQ.` in front",
	gc.PasswordKind:      "the agent's password; as the last parameter it may hold commas and blanks",
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
}

// Describe says what a parameter may hold ("" for a kind there is not) and
// what a driver is told when it is missing or holds something else; missing is
// "" where it may be left out, wrong where anything goes.
func Describe(k gc.Kind) (accepts string, missing, wrong gc.Code) {
	return accepted[k], kinds[k].missing, kinds[k].wrong
}
