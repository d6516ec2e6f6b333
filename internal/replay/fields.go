package replay

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

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
	if got := c.written(x, e); x.Format != e.Format {
		all = append(all, Field{"format", x.Format, e.Format})
	} else {
		all = append(all, eventFields(x.Event, wire.Format(x.Format), x.Text(), got)...)
	}
	return all
}

// eventFields names what differs between two texts of an event: the path in
// JSON, else what of the event it shows.
func eventFields(event string, f wire.Format, expected, got string) (all []Field) {
	if f == wire.JSON {
		all = differing(jsonLeaves(expected), jsonLeaves(got))
	} else {
		all = differing(wire.EventFields(event, f, expected), wire.EventFields(event, f, got))
	}
	if len(all) == 0 && expected != got { // the values are the same, not how they are written
		all = []Field{{"body", expected, got}}
	}
	return all
}

// leaf is a value of a message.
type leaf = wire.ReadField

// differing pairs leaves by name; names may repeat.
func differing(expected, got []leaf) []Field {
	var all []Field
	got = slices.Clone(got)
	for _, x := range expected {
		i := slices.IndexFunc(got, func(g leaf) bool { return g.Name == x.Name })
		switch {
		case i < 0:
			all = append(all, Field{x.Name, x.Value, ""})
			continue
		case got[i].Value != x.Value:
			all = append(all, Field{x.Name, x.Value, got[i].Value})
		}
		got = slices.Delete(got, i, i+1)
	}
	for _, g := range got {
		all = append(all, Field{g.Name, "", g.Value})
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
			all = append(all, leaf{Name: path, Value: fmt.Sprint(token)})
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
		return []leaf{{Name: "body", Value: text}}
	}
	return all
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
			return []leaf{{Name: "body", Value: text}}
		}
		switch token := token.(type) {
		case xml.StartElement:
			path = append(path, token.Name.Local)
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			if s := strings.TrimSpace(string(token)); s != "" {
				all = append(all, leaf{Name: strings.Join(path, "."), Value: s})
			}
		}
	}
}
