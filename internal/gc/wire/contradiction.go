package wire

import (
	"fmt"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Contradiction is something of an event that two formats report differently.
type Contradiction struct{ Name, One, Other string }

// Contradictions writes an event in two formats, reads both as a driver would,
// and gives what does not agree. What only one of them reports cannot.
func (w *Writer) Contradictions(e gc.Event, one, other Format) []Contradiction {
	a, errA := w.told(e, one)
	b, errB := w.told(e, other)
	if errA != nil || errB != nil {
		return []Contradiction{{"form", problem(errA), problem(errB)}}
	}
	var all []Contradiction
	for _, x := range a {
		i := slices.IndexFunc(b, func(y ReadField) bool { return y.Name == x.Name })
		if i >= 0 && w.bare(x.Value) != w.bare(b[i].Value) {
			all = append(all, Contradiction{x.Name, x.Value, b[i].Value})
		}
	}
	return all
}

// told is what a format reports of an event, with the entries of a list as one. Of
// call variables with one name the first counts: text-old has no others.
func (w *Writer) told(e gc.Event, f Format) (all []ReadField, err error) {
	body := w.Write(f, e).Body
	forms := readAs(body, f, e)
	if len(forms) != 1 {
		return nil, fmt.Errorf("the event has none of the forms of %s: %.300s", f, body)
	}
	place := map[string]int{}
	for _, x := range forms[0].fields {
		x.Name = w.bare(x.Name) // that of a call variable
		i, again := place[x.Name]
		switch {
		case !again:
			place[x.Name] = len(all)
			all = append(all, x)
		case !strings.Contains(x.Name, "Variables "):
			all[i].Value += "," + x.Value
		}
	}
	return all, nil
}

// readAs reads a body as each form of e in format f, and gives the readings of
// those that it has.
func readAs(body string, f Format, e gc.Event) []attempt {
	return slices.DeleteFunc(shaped(body, f), func(a attempt) bool { return a.form.row != RowOf(e) })
}

// bare is a value without what a text form cannot have in it.
func (w *Writer) bare(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(separators+":", r) {
			return w.Substitute
		}
		return r
	}, s)
}

func problem(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
