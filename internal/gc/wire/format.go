package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Format names one of the forms an event can be written in.
type Format string

// The formats a destination can have.
const (
	Text    Format = "text"     // the seed's New Format
	TextOld Format = "text-old" // the seed's Old Format
	Text44  Format = "text-4.4" // what clients of Generic Connector 4.4 parse
	JSON    Format = "json"     // the seed's JSON objects
)

// Formats lists them all, the default first.
var Formats = []Format{Text, TextOld, Text44, JSON}

// ParseFormat reads the name of a format, in any case.
func ParseFormat(s string) (Format, error) {
	if f := Format(strings.ToLower(strings.TrimSpace(s))); slices.Contains(Formats, f) {
		return f, nil
	}
	return "", fmt.Errorf("format %.40q is not one of %v", s, Formats)
}

// Message is an event as it goes to the broker.
type Message struct {
	Name     string // of the event, as in the table of events
	Type     string // JMSType, mostly ""
	Category gc.Category
	Body     string
	// Replaced counts the separators inside values that had to be replaced
	// because they would have shifted the fields of a text form.
	Replaced int
}

// Writer writes events. It is safe for concurrent use.
type Writer struct {
	Location   *time.Location // of every time in a message
	Substitute rune           // for "#", "|", "," and "=" inside a value of a text form
}

// Write gives e in format f, one of Formats. An event type without a row in
// Events is a bug and panics.
func (w *Writer) Write(f Format, e gc.Event) Message {
	row := byType[reflect.TypeOf(e)]
	if row == nil {
		panic(fmt.Sprintf("wire: no row for event %T", e))
	}
	body, replaced := row.write[f](w, e)
	return Message{Name: row.Name, Type: row.jmsType(e), Category: row.Category, Body: body, Replaced: replaced}
}

// timeLayout has no zone: drivers and connector agree on one.
const timeLayout = "2006-01-02 15:04:05"

func formatTime(at time.Time, in *time.Location) string {
	if at.IsZero() {
		return ""
	}
	return at.In(in).Format(timeLayout)
}

type textForm struct {
	writer   *Writer
	replaced int
}

func (t *textForm) join(fields ...string) string { return strings.Join(fields, "#") }

func (t *textForm) time(at time.Time) string { return formatTime(at, t.writer.Location) }

// value makes s safe as a field: drivers split on the separators and index by
// position, so one inside a value would shift everything behind it.
func value[S ~string](t *textForm, s S) string {
	return strings.Map(func(r rune) rune {
		if !strings.ContainsRune("#|,=", r) {
			return r
		}
		t.replaced++
		return t.writer.Substitute
	}, string(s))
}

// callVariables puts ani, the caller's number, in front.
func (t *textForm) callVariables(c gc.Call) string {
	return "ani=" + value(t, c.From) + "|" + t.variables(c.Variables)
}

func (t *textForm) variables(vars []gc.CallVariable) string {
	vars = allVariables(vars)
	parts := make([]string, len(vars))
	for i, v := range vars {
		parts[i] = value(t, v.Name) + "=" + value(t, v.Value)
	}
	return strings.Join(parts, "|")
}

// allVariables is callVariable1 to 10, always all of them, then the others in
// Finesse's order.
func allVariables(vars []gc.CallVariable) []gc.CallVariable {
	all := make([]gc.CallVariable, 10, 10+len(vars))
	for i := range all {
		all[i].Name = fmt.Sprint("callVariable", i+1)
	}
	for _, v := range vars {
		if i := slices.IndexFunc(all[:10], func(c gc.CallVariable) bool { return c.Name == v.Name }); i >= 0 {
			all[i].Value = v.Value
		} else {
			all = append(all, v)
		}
	}
	return all
}

type jsonForm struct{ location *time.Location }

func (j *jsonForm) time(at time.Time) string { return formatTime(at, j.location) }

// pair is an object with a single key.
type pair struct{ key, value string }

func (p pair) MarshalJSON() ([]byte, error) {
	return marshal(map[string]string{p.key: p.value})
}

// variablePairs puts ani last, unlike the text forms.
func variablePairs(c gc.Call) []pair {
	vars := allVariables(c.Variables)
	pairs := make([]pair, 0, len(vars)+1)
	for _, v := range vars {
		pairs = append(pairs, pair{v.Name, v.Value})
	}
	return append(pairs, pair{"ani", c.From})
}

func orNull(d gc.DialogID) *gc.DialogID {
	if d == "" {
		return nil
	}
	return &d
}

// encode writes compact JSON in ASCII: a JMS client reads text in a variant
// of UTF-8 that characters beyond the basic plane do not survive.
func encode(v any) string {
	b, err := marshal(v)
	if err != nil {
		panic(fmt.Sprintf("wire: encode %T: %v", v, err)) // only strings, booleans and slices of them
	}
	return escapeNonASCII(b)
}

// marshal leaves "<", ">" and "&" as they are, as the seed's samples do.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func escapeNonASCII(in []byte) string {
	out := make([]byte, 0, len(in))
	for len(in) > 0 {
		r, n := utf8.DecodeRune(in)
		in = in[n:]
		switch {
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		case r > 0xFFFF:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return string(out)
}
