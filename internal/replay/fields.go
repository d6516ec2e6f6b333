package replay

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// fields names what differs between an event as captured and as it comes.
func (c *comparison) fields(x *expected, e *event) []Field {
	var all []Field
	for _, f := range []Field{
		{"JMSType", x.Type, e.Type},
		{"MessageCategory", x.Category, e.Category},
		{"JMSCorrelationID", x.CorrelationID, e.CorrelationID},
	} {
		if f.Expected != f.Got {
			all = append(all, f)
		}
	}
	if x.Request != e.Request {
		all = append(all, Field{"the command it answers", c.asked(x.Request), c.asked(e.Request)})
	}
	got := c.written(x, e)
	switch {
	case x.Text() == got:
	case x.Format != e.Format:
		all = append(all, Field{"format", x.Format, e.Format})
	case wire.Format(x.Format) == wire.JSON:
		all = append(all, differing(jsonLeaves(x.Text()), jsonLeaves(got))...)
	default:
		names := textNames(c.writer, wire.Format(x.Format), e.Event)
		all = append(all, differing(textFields(x.Text(), names), textFields(got, names))...)
	}
	return all
}

// leaf is a field of a message.
type leaf struct{ name, value string }

// differing pairs leaves by name; names may repeat.
func differing(expected, got []leaf) []Field {
	var all []Field
	got = slices.Clone(got)
	for _, x := range expected {
		i := slices.IndexFunc(got, func(g leaf) bool { return g.name == x.name })
		switch {
		case i < 0:
			all = append(all, Field{x.name, x.value, ""})
			continue
		case got[i].value != x.value:
			all = append(all, Field{x.name, x.value, got[i].value})
		}
		got = slices.Delete(got, i, i+1)
	}
	for _, g := range got {
		all = append(all, Field{g.name, "", g.value})
	}
	return all
}

// jsonLeaves are the values of a JSON text under their paths, in order.
func jsonLeaves(text string) []leaf {
	var all []leaf
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var walk func(path string) error
	walk = func(path string) error {
		token, err := d.Token()
		if err != nil {
			return err
		}
		bracket, ok := token.(json.Delim)
		if !ok {
			all = append(all, leaf{path, fmt.Sprint(token)})
			return nil
		}
		for i := 0; d.More(); i++ {
			name := fmt.Sprintf("%s[%d]", path, i)
			if bracket == '{' {
				key, err := d.Token()
				if err != nil {
					return err
				}
				name = strings.TrimPrefix(fmt.Sprintf("%s.%v", path, key), ".")
			}
			if err := walk(name); err != nil {
				return err
			}
		}
		_, err = d.Token()
		return err
	}
	if err := walk(""); err != nil {
		return []leaf{{"body", text}}
	}
	return all
}

// textFields splits an event of a text format, and lists inside it.
func textFields(text string, names []string) []leaf {
	var all []leaf
	for i, field := range strings.Split(text, "#") {
		name := fmt.Sprintf("field %d", i+1)
		if i < len(names) && names[i] != "" {
			name = names[i]
		}
		parts := strings.Split(field, "|")
		if len(parts) == 1 {
			parts = strings.Split(field, ",")
		}
		for _, part := range parts {
			key, _, pair := strings.Cut(part, "=")
			if !pair {
				key, _, pair = strings.Cut(part, ":")
			}
			if pair && len(parts) > 1 {
				all = append(all, leaf{name + " " + key, part})
			} else {
				all = append(all, leaf{name, part})
			}
		}
	}
	return all
}

// textNames finds out which field of a text form says what of the event: the
// one that changes with it.
func textNames(w *wire.Writer, f wire.Format, e gc.Event) []string {
	before := strings.Split(w.Write(f, e).Body, "#")
	names := make([]string, len(before))
	changes(reflect.ValueOf(e), func(name string, changed gc.Event) {
		after := strings.Split(w.Write(f, changed).Body, "#")
		if len(after) != len(before) {
			return
		}
		for i := range before {
			if before[i] != after[i] && !strings.Contains(" "+names[i]+" ", " "+name+" ") {
				names[i] = strings.TrimSpace(names[i] + " " + name)
			}
		}
	})
	return names
}

// changes calls try with the event in which one value is another, for each of
// its values.
func changes(e reflect.Value, try func(name string, changed gc.Event)) {
	var walk func(v reflect.Value, path []int, name string)
	walk = func(v reflect.Value, path []int, name string) {
		if v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]() {
			for i := range v.NumField() {
				field := v.Type().Field(i)
				inner := field.Name
				if field.Anonymous {
					inner = name
				}
				walk(v.Field(i), append(slices.Clone(path), i), inner)
			}
			return
		}
		changed := reflect.New(e.Type()).Elem()
		changed.Set(e)
		if other(changed.FieldByIndex(path)) {
			try(name, changed.Interface().(gc.Event))
		}
	}
	walk(e, nil, "")
}

// other makes v another value of its type; false where there is none to show.
func other(v reflect.Value) bool {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(1999, 9, 9, 9, 9, 9, 0, time.UTC)))
	case v.Kind() == reflect.String:
		v.SetString(v.String() + "§")
	case v.Kind() == reflect.Bool:
		v.SetBool(!v.Bool())
	case v.Kind() == reflect.Int:
		v.SetInt(v.Int() + 1)
	case v.Kind() == reflect.Slice && v.Len() > 0:
		v.Set(v.Slice(0, v.Len()-1))
	default:
		return false
	}
	return true
}

// last is what stands behind the last separator, with it.
func last(text string) string {
	return text[max(strings.LastIndexByte(text, '#'), 0):]
}

func withoutLast(text string) string {
	return text[:max(strings.LastIndexByte(text, '#'), 0)]
}

// xmlFields names what differs between two documents.
func xmlFields(expected, got string) []Field {
	return differing(xmlLeaves(expected), xmlLeaves(got))
}

func xmlLeaves(text string) []leaf {
	var all []leaf
	var path []string
	d := xml.NewDecoder(bytes.NewReader([]byte(text)))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			return []leaf{{"body", text}}
		}
		switch token := token.(type) {
		case xml.StartElement:
			path = append(path, token.Name.Local)
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			if s := strings.TrimSpace(string(token)); s != "" {
				all = append(all, leaf{strings.Join(path, "."), s})
			}
		}
	}
}
