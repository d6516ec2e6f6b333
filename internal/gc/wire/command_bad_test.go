package wire_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// expectation is what the protocol says about a kind of parameter.
type expectation struct {
	good    string
	missing gc.Code  // what a driver is told when it is left out or empty
	empty   bool     // it may be empty, though not left out
	wrong   gc.Code  // what a driver is told when it is no such thing
	wrongs  []string // things it is not
	long    string   // the shortest that is too long
	refuses string   // of doubtful, the characters it cannot hold
}

// doubtful are the separators of text but for the comma, which ends a
// parameter, and what is not ASCII or cannot be printed.
const doubtful = "#|=é😀\x00"

func digits(n int) string { return strings.Repeat("7", n) }

var expectations = map[gc.Kind]expectation{
	gc.DestinationKind: {good: "crm.7", missing: "PLEASE_RETRY", wrong: "PLEASE_RETRY", wrongs: []string{"crm.>", "*", "a b", "ActiveMQ.DLQ"},
		long: strings.Repeat("x", 256), refuses: "#|é😀\x00"},
	gc.PasswordKind:      {good: "secret", missing: "MISSING_PASSWORD"},
	gc.ExtensionKind:     {good: "2001", missing: "MISSING_EXTENSION", wrong: "WRONG_EXTENSION", wrongs: []string{"20x1", "+", "20-01", "20 01"}, long: digits(16), refuses: doubtful},
	gc.NumberKind:        {good: "4085551234", missing: "MISSING_NUMBER", wrong: "PLEASE_RETRY", wrongs: []string{"408\x07555"}, long: digits(65), refuses: "é😀\x00"},
	gc.DialogKind:        {good: "16871253", missing: "NO_DIALOG_ID", wrong: "NO_DIALOG_ID", wrongs: []string{"../User", "the call", "-1"}, long: digits(65), refuses: doubtful},
	gc.ReasonCodeKind:    {good: "18", missing: "MISSING_REASON_CODE", wrong: "PLEASE_RETRY", wrongs: []string{"lunch", "-1", "1/2"}, long: digits(11), refuses: doubtful},
	gc.ModeKind:          {good: "true", missing: "PLEASE_RETRY", wrong: "PLEASE_RETRY", wrongs: []string{"1", "yes", "call by call"}, long: "truetrue", refuses: doubtful},
	gc.IgnoredKind:       {good: "2001", missing: "PLEASE_RETRY", empty: true},
	gc.WrapUpReasonKind:  {good: "Happy customer", missing: "MISSING_REASON_CODE", wrong: "PLEASE_RETRY", long: strings.Repeat("x", 2001)},
	gc.VariableNameKind:  {good: "user.x[3]", missing: "PLEASE_RETRY", wrong: "PLEASE_RETRY", long: strings.Repeat("x", 2001)},
	gc.VariableValueKind: {good: "gold", missing: "PLEASE_RETRY", empty: true, wrong: "PLEASE_RETRY", long: strings.Repeat("x", 2001)},
	gc.PreviewActionKind: {missing: "PLEASE_RETRY", wrong: "PLEASE_RETRY", wrongs: []string{"MAYBE", "1"}, long: "ACCEPTREJECTCLOSE", refuses: doubtful},
	gc.TeamKind:          {good: "12", missing: "PLEASE_RETRY", wrong: "PLEASE_RETRY", wrongs: []string{"Sales", "-1", "1/2"}, long: digits(11), refuses: doubtful},
	gc.TeamEventsKind:    {good: "true", missing: "PLEASE_RETRY", wrong: "PLEASE_RETRY", wrongs: []string{"1", "yes"}, long: "truetrue", refuses: doubtful},
	gc.MemberKind:        {good: "1002", missing: "PLEASE_RETRY", wrong: "PLEASE_RETRY", wrongs: []string{"../User", "a&b", `a"b`}, long: digits(65), refuses: "#|\x00"},
	gc.PartyKind:         {good: "1002", missing: "PLEASE_RETRY", wrong: "PLEASE_RETRY", wrongs: []string{"../User", "a&b", `a"b`}, long: digits(65), refuses: "#|\x00"},
	gc.SingleSignOnKind:  {good: "SSO"}, // any other word is part of the password
	gc.PhonebookKind:     {good: "12", missing: "PLEASE_RETRY", wrong: "PLEASE_RETRY", wrongs: []string{"main", "-1", "1/2"}, long: digits(11), refuses: doubtful},
}

var previewWords = map[gc.CommandName]string{gc.AcceptOutboundPreview: "ACCEPT", gc.RejectOutboundPreview: "REJECT", gc.CloseOutboundPreview: "CLOSE"}

// expected is what the protocol says about a parameter of a command.
func expected(t *testing.T, c gc.CommandName, p gc.Parameter) expectation {
	x, ok := expectations[p.Kind]
	require.True(t, ok, "nothing is expected of %s of %s", p.Name, c)
	if p.Kind == gc.PreviewActionKind {
		x.good = previewWords[c]
		for other, word := range previewWords {
			if other != c {
				x.wrongs = append(x.wrongs, word)
			}
		}
	}
	if p.Kind == gc.PasswordKind && c == gc.Connect { // the good one has SSO behind it, so that this is a token
		x.wrong, x.refuses = "PLEASE_RETRY", "é😀\x00"
	}
	return x
}

// Every parameter of every command, wrong in every way there is, with all
// others right.
func TestEveryParameterIsCheckedAsItsKindDemands(t *testing.T) {
	for _, spec := range gc.Commands {
		t.Run(string(spec.Name), func(t *testing.T) {
			var good []string
			for _, p := range spec.Parameters {
				good = append(good, expected(t, spec.Name, p).good)
			}
			parses(t, spec, "all is well", good, "")
			parses(t, spec, "one too many", append(good[:len(good):len(good)], "x"), oneTooMany(t, spec))
			for i, p := range spec.Parameters {
				badParameter(t, spec, good, i, expected(t, spec.Name, p))
			}
		})
	}
}

func badParameter(t *testing.T, spec gc.CommandSpec, good []string, i int, x expectation) {
	p := spec.Parameters[i]
	with := func(value string) []string { return append(append(good[:i:i], value), good[i+1:]...) }
	missing, empty := x.missing, x.missing
	if x.empty || p.Optional {
		empty = ""
	}
	if p.Optional {
		missing = ""
	}
	parses(t, spec, p.Name+" is missing", good[:i], missing)
	parses(t, spec, p.Name+" is empty", with(""), empty)
	for _, wrong := range x.wrongs {
		parses(t, spec, p.Name+" is another thing", with(wrong), x.wrong)
	}
	if x.long != "" {
		parses(t, spec, p.Name+" is too long", with(x.long), x.wrong)
	}
	parses(t, spec, p.Name+" is longer than a body", with(strings.Repeat("7", wire.MaxBody+1)), "PLEASE_RETRY")
	parses(t, spec, p.Name+" is not UTF-8", with("\xff"+x.good), "PLEASE_RETRY")
	within := func(s string) []string { return with(x.good[:1] + s + x.good[1:]) }
	if at := takesCommas(spec); at < 0 {
		parses(t, spec, p.Name+" has a comma", within(","), "PLEASE_RETRY")
	} else if i <= at { // in one behind it a comma looks as if it were another parameter's
		parses(t, spec, p.Name+" has a comma", within(","), "")
	}
	for _, r := range doubtful {
		code := gc.Code("")
		if strings.ContainsRune(x.refuses, r) {
			code = x.wrong
		}
		parses(t, spec, p.Name+" has "+string(r), within(string(r)), code)
	}
}

// takesCommas is the parameter that may hold commas, and so takes what there is too
// much of; -1 for none.
func takesCommas(spec gc.CommandSpec) int {
	return slices.IndexFunc(spec.Parameters, func(p gc.Parameter) bool {
		return slices.Contains([]gc.Kind{gc.PasswordKind, gc.VariableValueKind, gc.WrapUpReasonKind}, p.Kind)
	})
}

// oneTooMany: an "x" then stands in the place of the last parameter, or belongs to it.
func oneTooMany(t *testing.T, spec gc.CommandSpec) gc.Code {
	t.Helper()
	switch at, last := takesCommas(spec), len(spec.Parameters)-1; at {
	case -1:
		return "PLEASE_RETRY"
	case last:
		return ""
	default:
		return expected(t, spec.Name, spec.Parameters[last]).wrong
	}
}

// parses requires that a command with these parameters is refused with code,
// or accepted when that is "".
func parses(t *testing.T, spec gc.CommandSpec, rule string, parameters []string, code gc.Code) {
	t.Helper()
	c, err := wire.ParseCommand(string(spec.Name)+"#1001", strings.Join(parameters, ","))
	if code == "" {
		require.NoError(t, err, rule)
		return
	}
	var e *gc.Error
	require.True(t, errors.As(err, &e), "%s: want %s, have %s", rule, code, show(c))
	require.Equal(t, code, e.Code, "%s: %v", rule, err)
	if spec.ForDestination {
		require.Equal(t, gc.Destination("/topic/1001"), c.Destination, rule)
	} else {
		require.Equal(t, gc.AgentID("1001"), c.Agent, rule)
	}
	for _, p := range parameters {
		if p != "" && len(p) > 4 {
			require.NotContains(t, err.Error(), p, "%s: no error tells a value", rule)
		}
	}
}
