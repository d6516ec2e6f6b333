package wire

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// readKinds check the values of events, by the names that shapes have for what
// they may hold.
var readKinds map[string]func(string) error

func init() { // some are lists of others
	readKinds = map[string]func(string) error{
		"Any": func(string) error { return nil }, "Secret": func(string) error { return nil },
		"Text": plainText, "List": listOfTexts, "Numbers": orNone(wholeNumbers), "Agent": parses(gc.ParseAgentID), "Dialog": parses(gc.ParseDialogID),
		"DialogOrNone": orNone(parses(gc.ParseDialogID)), "Reason": orNone(wholeNumber), "Extension": orNone(parses(gc.ParseExtension)),
		"Number": wholeNumber, "NumberOrNone": orNone(wholeNumber), "Flag": oneOf("true", "false"), "Time": orNone(timeOfEvent), "Code": codeWord,
		"Status":    oneOf(gc.InService, gc.OutOfService, gc.FinesseNotHeard),
		"UserState": oneOf(userStates...), "UserStateOrNone": orNone(oneOf(userStates...)), "UserStateJSON": oneOf(append([]gc.UserState{"RE_LOGIN"}, userStates...)...),
		"CallState": oneOf(callStates...), "AnyCallState": oneOf(append([]gc.CallState{gc.Failed, gc.NotFound}, callStates...)...),
		"CallStateJSON":   oneOf(append([]gc.CallState{gc.Failed}, without(callStates, gc.Dropped)...)...),
		"CallStateOrNone": orNone(oneOf(append([]gc.CallState{gc.Failed}, callStates...)...)),
		"OldEnd":          oneOf("DROP", gc.Held, gc.WrapUp), "OldState": oneOf(without(callStates, gc.Dropped, gc.Held, gc.WrapUp)...),
		"OldAny":    oneOf(append(without(callStates, gc.Dropped), "DROP")...),
		"Variables": variablesBehind("ani="), "VariablesOrNone": orNone(variablesBehind("ani=")), "VariablesBare": variablesBehind(""),
		"Variables44": variablesBehind("ani=", "associatedDialogId="), "VariablesOld": variablesOld,
		"BargedIn":     oneOf("", "SUPERVISOR_BARGE_IN"),
		"Participants": listOf("a participant", rows["Participants"]), "Teams": listOf("a team", rows["Teams"]), "Controls": listOf("a control", rows["Controls"]),
	}
}

var (
	userStates = []gc.UserState{gc.Unknown, gc.Ready, gc.NotReady, gc.LoggedOut, gc.Talking, gc.Reserved, gc.ReservedOutbound, gc.ReservedPreview, gc.Work, gc.WorkReady, gc.Hold}
	// callStates are those of a call that did not fail.
	callStates = []gc.CallState{gc.Initiating, gc.Initiated, gc.Alerting, gc.Active, gc.Held, gc.WrapUp, gc.Accepted, gc.Dropped}
)

func without(all []gc.CallState, some ...gc.CallState) []gc.CallState {
	return slices.DeleteFunc(slices.Clone(all), func(s gc.CallState) bool { return slices.Contains(some, s) })
}

func notA(what, s string) error { return fmt.Errorf("is not %s: %.60q", what, s) }

func parses[T any](parse func(string) (T, error)) func(string) error {
	return func(s string) error {
		if _, err := parse(s); err != nil {
			return fmt.Errorf("%.60q: %w", s, err)
		}
		return nil
	}
}

func orNone(check func(string) error) func(string) error {
	return func(s string) error {
		if s == "" {
			return nil
		}
		return check(s)
	}
}

func oneOf[T ~string](words ...T) func(string) error {
	return func(s string) error {
		if !slices.Contains(words, T(s)) {
			return fmt.Errorf("%.60q is none of %v", s, words)
		}
		return nil
	}
}

func plainText(s string) error {
	if strings.ContainsAny(s, "#|,=") {
		return fmt.Errorf("holds a separator, for which another character is written: %.60q", s)
	}
	return nil
}

func listOfTexts(s string) error { return plainText(strings.ReplaceAll(s, ",", " ")) }

func wholeNumber(s string) error {
	if _, err := strconv.Atoi(s); err != nil {
		return notA("a number", s)
	}
	return nil
}

func wholeNumbers(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		if err := wholeNumber(part); err != nil {
			return err
		}
	}
	return nil
}

func timeOfEvent(s string) error {
	if _, err := time.Parse(timeLayout, s); err != nil || len(s) != len(timeLayout) {
		return notA("a time as YYYY-MM-DD hh:mm:ss", s)
	}
	return nil
}

// codeWord takes any: errors of Finesse are passed on by name.
func codeWord(s string) error {
	if s == "" || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		return notA("an error code", s)
	}
	return nil
}

// variablesBehind: the values that come first, then callVariable1 to 10, then
// others.
func variablesBehind(first ...string) func(string) error {
	return func(s string) error {
		parts := strings.Split(s, "|")
		for i, label := range first {
			if i >= len(parts) || !strings.HasPrefix(parts[i], label) {
				return fmt.Errorf("has no %q as value %d", label, i+1)
			}
			if err := plainText(strings.TrimPrefix(parts[i], label)); err != nil {
				return err
			}
		}
		return variableList(parts[len(first):])
	}
}

func variableList(parts []string) error {
	for i, name := range tenVariables {
		if i >= len(parts) || !strings.HasPrefix(parts[i], name+"=") {
			return fmt.Errorf("has no %s where it belongs", name)
		}
	}
	for _, part := range parts {
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return fmt.Errorf("lists %.60q, which is not name=value", part)
		}
		if err := plainText(name + value); err != nil {
			return fmt.Errorf("%.60s %w", name, err)
		}
	}
	return nil
}

func variablesOld(s string) error {
	if n := strings.Count(s, ","); n != len(tenVariables) {
		return fmt.Errorf("lists %d values behind the number, not %d", n, len(tenVariables))
	}
	return listOfTexts(s)
}

// listOf is a list of rows, which may be empty.
func listOf(what string, row []formField) func(string) error {
	return orNone(func(s string) error {
		for part := range strings.SplitSeq(s, "|") {
			values := strings.Split(part, ",")
			if len(values) != len(row) {
				return fmt.Errorf("lists %s of %d values, not %d: %.60q", what, len(values), len(row), part)
			}
			for i, f := range row {
				if err := readKinds[f.kind](values[i]); err != nil {
					return fmt.Errorf("lists %s: value %d %w", what, i+1, err)
				}
			}
		}
		return nil
	})
}

var errNotPairs = errors.New("is not an array of objects with one text each")
