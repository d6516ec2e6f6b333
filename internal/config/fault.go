package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Fault is one thing wrong with a configuration.
type Fault struct {
	Path     string // "broker.urls[1]", or the file's name
	Line     int    // in the file that Path names, from 1; 0 when there is none
	Value    string // what was there; "" when it is missing or could be a secret
	Problem  string // what is wrong with it
	Accepted string // what would be right; "" when Problem says it all
	Env      string // the environment variable the value came from, if any
}

// newFault describes the value of a key. A secret is left out, and so is
// what is not one number, text or switch.
func newFault(path string, value any, problem string) Fault {
	f := Fault{Path: path, Problem: problem}
	k := keyAt(path)
	if k == nil {
		return f
	}
	f.Accepted = k.accept
	if name := k.env(); os.Getenv(name) != "" {
		f.Env = name
	}
	if k.typ != typeOf[gc.Secret]() {
		f.Value = shown(value)
	}
	return f
}

// maxShown bounds the text of a value in a fault.
const maxShown = 200

func shown(value any) string {
	switch reflect.ValueOf(value).Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
	default:
		return ""
	}
	text := []rune(masked(fmt.Sprint(value)))
	if len(text) > maxShown {
		return string(text[:maxShown]) + "…"
	}
	return string(text)
}

// Error is one line for people.
func (f Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.Path)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	if f.Env != "" {
		fmt.Fprintf(&b, " (from %s)", f.Env)
	}
	if f.Value != "" {
		fmt.Fprintf(&b, ": %q", f.Value)
	}
	fmt.Fprintf(&b, ": %s", f.Problem)
	if f.Accepted != "" {
		fmt.Fprintf(&b, "; accepted: %s", f.Accepted)
	}
	return b.String()
}

// Errors are all the faults of a configuration, ordered by path and line. A
// process that gets it should exit with 2: starting again changes nothing.
type Errors []Fault

// Error is one line for each fault.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, fault := range e {
		lines[i] = fault.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes each Fault visible to errors.As.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, fault := range e {
		errs[i] = fault
	}
	return errs
}

// tidy orders faults by path, which leaves those of one file by line, and drops
// what only follows from another fault: further ones of the same key, and those
// below a value of the wrong type.
func (e Errors) tidy() Errors {
	slices.SortStableFunc(e, func(a, b Fault) int { return strings.Compare(a.Path, b.Path) })
	var kept Errors
	var last, wrong string
	for _, f := range e {
		below := strings.HasPrefix(f.Path, wrong+".") || strings.HasPrefix(f.Path, wrong+"[")
		if len(kept) > 0 && f.Path == last && f.Line == 0 || wrong != "" && below {
			continue
		}
		if f.Problem == wrongType {
			wrong = f.Path
		}
		kept, last = append(kept, f), f.Path
	}
	return kept
}

// masked is text without what stands before an "@" of an address, which could
// be a password.
func masked(text string) string {
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return text
	}
	scheme, _, ok := strings.Cut(text[:at], "//")
	if !ok {
		return "[redacted]" + text[at:]
	}
	return scheme + "//[redacted]" + text[at:]
}
