// Package wire turns the protocol's messages into gc's commands and events
// and back. Its functions are pure: no clock, no I/O, no logger. The table of
// events in events.go and the table of parameter kinds below are the whole of
// the wire protocol.
package wire

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// MaxBody is the longest body of a command, in bytes. The longest the seed
// knows needs a few hundred, an access token may have 4 KB. Thousands may be held
// while Finesse does not answer.
const MaxBody = 8 << 10

const maxType = 1 << 10

type kind struct {
	missing, wrong gc.Code
	set            func(*gc.Command, string) error
	commas         bool   // it may hold commas: it takes all that the other parameters leave
	blanks         bool   // those around it are part of it
	empty          bool   // it may be empty
	word           string // it is exactly this, or it is not there
}

// kinds says for each kind of parameter what a driver hears when it is
// missing or wrong (seed, "Errors"), and where its value goes.
var kinds = map[gc.Kind]kind{
	gc.DestinationKind: {missing: gc.PleaseRetry, wrong: gc.PleaseRetry, set: func(c *gc.Command, s string) (err error) {
		c.Destination, err = gc.ParseDestination(s)
		return err
	}},
	gc.PasswordKind: {missing: gc.MissingPassword, wrong: gc.PleaseRetry, commas: true, blanks: true, set: func(c *gc.Command, s string) error {
		c.Password = gc.NewSecret(s)
		return nil
	}},
	gc.ExtensionKind: {missing: gc.MissingExtension, wrong: gc.WrongExtension, set: func(c *gc.Command, s string) (err error) {
		c.Extension, err = gc.ParseExtension(s)
		return err
	}},
	gc.NumberKind: {missing: gc.MissingNumber, wrong: gc.PleaseRetry, set: func(c *gc.Command, s string) (err error) {
		c.Number, err = gc.ParsePhoneNumber(s)
		return err
	}},
	gc.DialogKind: {missing: gc.NoDialogID, wrong: gc.NoDialogID, set: func(c *gc.Command, s string) (err error) {
		c.Dialog, err = gc.ParseDialogID(s)
		return err
	}},
	gc.ReasonCodeKind: {missing: gc.MissingReasonCode, wrong: gc.PleaseRetry, set: func(c *gc.Command, s string) (err error) {
		c.Reason, err = gc.ParseReasonCodeID(s)
		return err
	}},
	gc.ModeKind: {missing: gc.PleaseRetry, wrong: gc.PleaseRetry, set: func(c *gc.Command, s string) error {
		callByCall, err := parseBool(s)
		c.NailedUp = !callByCall
		return err
	}},
	gc.IgnoredKind: {missing: gc.PleaseRetry, empty: true, set: func(*gc.Command, string) error { return nil }},
	gc.WrapUpReasonKind: {missing: gc.MissingReasonCode, wrong: gc.PleaseRetry, commas: true, set: func(c *gc.Command, s string) error {
		c.WrapUp = s
		return atMost(maxValue, s)
	}},
	gc.VariableNameKind: {missing: gc.PleaseRetry, wrong: gc.PleaseRetry, set: func(c *gc.Command, s string) error {
		c.Variable.Name = s
		for _, name := range tenVariables { // names compare without case, and Finesse knows one spelling
			if strings.EqualFold(s, name) {
				c.Variable.Name = name
			}
		}
		return atMost(maxValue, s)
	}},
	gc.VariableValueKind: {missing: gc.PleaseRetry, wrong: gc.PleaseRetry, commas: true, empty: true, set: func(c *gc.Command, s string) error {
		c.Variable.Value = s
		return atMost(maxValue, s)
	}},
	gc.PreviewActionKind: {missing: gc.PleaseRetry, wrong: gc.PleaseRetry, set: func(c *gc.Command, s string) error {
		if want := previewActions[c.Spec.Name]; !strings.EqualFold(s, want) {
			return fmt.Errorf("is not %s", want)
		}
		return nil
	}},
	gc.TeamKind: {missing: gc.PleaseRetry, wrong: gc.PleaseRetry, set: func(c *gc.Command, s string) (err error) {
		c.Team, err = gc.ParseTeamID(s)
		return err
	}},
	gc.TeamEventsKind: {wrong: gc.PleaseRetry, set: func(c *gc.Command, s string) error {
		on, err := parseBool(s)
		if c.TeamEvents = gc.TeamEventsOff; on {
			c.TeamEvents = gc.TeamEventsOn
		}
		return err
	}},
	gc.MemberKind: {missing: gc.PleaseRetry, wrong: gc.PleaseRetry, set: func(c *gc.Command, s string) (err error) {
		c.Member, err = gc.ParseAgentID(s)
		return err
	}},
	gc.PartyKind: {missing: gc.PleaseRetry, wrong: gc.PleaseRetry, set: func(c *gc.Command, s string) error {
		_, err := gc.ParseAgentID(s) // an extension passes too
		c.Party = s
		return err
	}},
	gc.PhonebookKind: {missing: gc.PleaseRetry, wrong: gc.PleaseRetry, set: func(c *gc.Command, s string) (err error) {
		c.Phonebook, err = gc.ParsePhonebookID(s)
		return err
	}},
	gc.SingleSignOnKind: {wrong: gc.PleaseRetry, word: "SSO", blanks: true, set: func(c *gc.Command, s string) (err error) {
		if c.Password != (gc.Secret{}) {
			c.Password, err = gc.NewToken(c.Password.Reveal())
		}
		return err
	}},
}

// previewActions are what the seed has the driver repeat.
var previewActions = map[gc.CommandName]string{
	gc.AcceptOutboundPreview: "ACCEPT",
	gc.RejectOutboundPreview: "REJECT",
	gc.CloseOutboundPreview:  "CLOSE",
}

func parseBool(s string) (bool, error) {
	if s = strings.ToLower(s); s != "true" && s != "false" {
		return false, errors.New("is neither true nor false")
	}
	return s == "true", nil
}

// maxValue is the longest name or value, in bytes, that Finesse takes: all ECC
// variables of a call together.
const maxValue = 2000

func atMost(limit int, s string) error {
	if len(s) > limit {
		return fmt.Errorf("longer than %d bytes", limit)
	}
	return nil
}

// ParseCommand reads a command from its JMSType ("<Command>#<id>") and body
// (parameters, comma separated; absent, null and empty are the same; line breaks at
// its end, which echo and println write, are no part of it). The
// error is a *gc.Error with the code the seed names. The command returned
// beside an error still has Agent, or Destination, when those could be read,
// so that the driver can be told. No error text holds anything of the message: it
// may be a password.
func ParseCommand(typ, body string) (gc.Command, error) {
	var c gc.Command
	name, id, err := splitType(typ)
	if err != nil {
		return c, gc.Retry(gc.NoJMSType, "parse type", "%w", err)
	}
	c.Spec = gc.FindCommand(name)
	if c.Spec != nil && c.Spec.ForDestination {
		c.Destination, err = gc.ParseDestination(id)
	} else {
		c.Agent, err = gc.ParseAgentID(id)
	}
	switch {
	case err != nil:
		return c, gc.Retry(gc.NamesNobody, "parse type", "%w", err)
	case c.Spec == nil:
		return c, gc.Retry(gc.NoSuchCommand, "parse type", "no command has that name")
	case len(body) > MaxBody:
		return c, gc.Retry(gc.BodyTooLong, "parse body", "the body is longer than the %d bytes allowed", MaxBody)
	case !utf8.ValidString(body):
		return c, gc.Retry(gc.BodyNotUTF8, "parse body", "text is not UTF-8")
	}
	return c, parseParameters(&c, body)
}

// splitType takes blanks around the separator and around the whole: the
// seed itself prints "MakeCall# <id>".
func splitType(typ string) (name, id string, err error) {
	if len(typ) > maxType || !utf8.ValidString(typ) {
		return "", "", errors.New("longer than 1,024 bytes or not UTF-8")
	}
	name, id, ok := strings.Cut(typ, "#")
	name, id = strings.TrimSpace(name), strings.TrimSpace(id)
	if !ok || name == "" || id == "" {
		return "", "", errors.New("it is not of the form Command#id")
	}
	return name, id, nil
}

func parseParameters(c *gc.Command, body string) error {
	want := c.Spec.Parameters
	fields := splitBody(body, want)
	if len(fields) > len(want) {
		return gc.Retry(gc.TooManyParameters, "parse parameters", "%s takes %d, not %d", c.Spec.Name, len(want), len(fields))
	}
	for i, p := range want {
		kind, field := kinds[p.Kind], ""
		if i < len(fields) {
			field = fields[i]
		}
		if !kind.blanks {
			field = strings.TrimSpace(field)
		}
		if field == "" && p.Optional {
			continue
		}
		if field == "" && (!kind.empty || i >= len(fields)) {
			return faulty(kind.missing, gc.ParameterMissing, "%s lacks %s", c.Spec.Name, p.Name)
		}
		if err := kind.set(c, field); err != nil {
			return faulty(kind.wrong, gc.ParameterWrong, "%s: %w", p.Name, err)
		}
	}
	return nil
}

// faulty has a reason where the code does not say already what is wrong.
func faulty(code gc.Code, why gc.Reason, format string, args ...any) error {
	if code == gc.PleaseRetry {
		return gc.Retry(why, "parse parameters", format, args...)
	}
	return gc.Errorf(code, "parse parameters", format, args...)
}

// Fields are the parameters in a command's body, as many as it has: also too
// few or too many.
func Fields(spec *gc.CommandSpec, body string) []string { return splitBody(body, spec.Parameters) }

// splitBody gives the one that may hold commas all that the others do not need.
func splitBody(body string, want []gc.Parameter) []string {
	if strings.TrimSpace(body) == "" {
		return nil
	}
	fields := strings.Split(strings.TrimRight(body, "\r\n"), ",")
	if last := len(want) - 1; last >= 0 {
		if word := kinds[want[last].Kind].word; word != "" && (len(fields) <= last || fields[len(fields)-1] != word) {
			want = want[:last]
		}
	}
	i := slices.IndexFunc(want, func(p gc.Parameter) bool { return kinds[p.Kind].commas })
	if more := len(fields) - len(want); i >= 0 && more > 0 {
		whole := strings.Join(fields[i:i+more+1], ",")
		fields = slices.Replace(fields, i, i+more+1, whole)
	}
	return fields
}
