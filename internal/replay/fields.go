package replay

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// fields returns what differs between an event as captured and as it comes.
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

// eventFields returns what differs between two texts of an event, by the path
// in JSON, else by the field of the event.
func eventFields(event string, f wire.Format, expected, got string) (all []Field) {
	if f == wire.JSON {
		all = differing(jsonLeaves(expected), jsonLeaves(got))
	} else {
		all = differing(wire.EventFields(event, f, expected), wire.EventFields(event, f, got))
	}
	if len(all) == 0 && expected != got { // the values are the same, but written differently
		all = []Field{{"body", expected, got}}
	}
	return all
}

// leaf is a value of a message.
type leaf = wire.ReadField

// differing compares leaves by name; names may repeat.
func differing(expected, got []leaf) []Field {
	var all []Field
	places := map[string][]int{} // of each name in got
	for i, g := range got {
		places[g.Name] = append(places[g.Name], i)
	}
	paired := make([]bool, len(got))
	for _, x := range expected {
		if len(places[x.Name]) == 0 {
			all = append(all, Field{x.Name, x.Value, ""})
			continue
		}
		i := places[x.Name][0]
		places[x.Name], paired[i] = places[x.Name][1:], true
		if got[i].Value != x.Value {
			all = append(all, Field{x.Name, x.Value, got[i].Value})
		}
	}
	for i, g := range got {
		if !paired[i] {
			all = append(all, Field{g.Name, "", g.Value})
		}
	}
	return all
}

// A message that is deeper, or whose paths take more bytes, is compared as one
// text: its fields would be of no use to anybody.
const (
	maxDepth = 32
	maxPaths = 16 << 20
)

var errNoFields = errors.New("too deep, or too many values")

// leaves takes the values of a message as they are found.
type leaves struct {
	all   []leaf
	bytes int // of their names
}

func (l *leaves) add(name, value string, depth int) error {
	if l.bytes += len(name) + 1; depth > maxDepth || l.bytes > maxPaths {
		return errNoFields
	}
	l.all = append(l.all, leaf{Name: name, Value: value})
	return nil
}

// jsonLeaves returns the values of a JSON text by their paths, in order.
func jsonLeaves(text string) []leaf {
	var found leaves
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var walk func(path string, depth int) error
	walk = func(path string, depth int) error {
		token, err := d.Token()
		if err != nil {
			return err
		}
		bracket, ok := token.(json.Delim)
		if !ok {
			return found.add(path, fmt.Sprint(token), depth)
		}
		if depth == maxDepth {
			return errNoFields
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
			if found.bytes += len(name); found.bytes > maxPaths {
				return errNoFields
			}
			if err := walk(name, depth+1); err != nil {
				return err
			}
		}
		_, err = d.Token()
		return err
	}
	if err := walk("", 0); err != nil {
		return []leaf{{Name: "body", Value: text}}
	}
	return found.all
}

// xmlFields returns what differs between two documents.
func xmlFields(expected, got string) []Field {
	return differing(xmlLeaves(expected), xmlLeaves(got))
}

func xmlLeaves(text string) []leaf {
	var found leaves
	var path []string
	whole := []leaf{{Name: "body", Value: text}}
	d := xml.NewDecoder(bytes.NewReader([]byte(text)))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return found.all
		}
		if err != nil {
			return whole
		}
		switch token := token.(type) {
		case xml.StartElement:
			if path = append(path, token.Name.Local); len(path) > maxDepth {
				return whole
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			if s := strings.TrimSpace(string(token)); s != "" {
				if found.add(strings.Join(path, "."), s, len(path)) != nil {
					return whole
				}
			}
		}
	}
}
