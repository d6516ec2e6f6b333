package finesse

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of a document. A dialog with 60 call variables, as captured on UCCE,
// is three levels of about 200 elements and 10 KB. A user has 40 elements and
// 2 KB, and there is a list of them all.
const (
	maxUpdateBytes = 1 << 20
	maxDepth       = 32
	maxElements    = 1_000_000
)

var errTooLarge = errors.New("document is too large")

// decode reads one XML document into v, whose tags are in lower case without
// name spaces: Finesse writes User and user, ReasonCode and reasonCode,
// callvariables and callVariables, depending on release and place. Unknown
// elements are skipped, as every release adds some. The root must be what v's
// XMLName says.
func decode(doc []byte, v any) error {
	r := &reader{xml: xml.NewDecoder(bytes.NewReader(doc))}
	if err := xml.NewTokenDecoder(r).Decode(v); err != nil {
		return err
	}
	return r.end()
}

// reader gives the tokens of a document with plain lower-case names, and
// refuses one that is built to exhaust the machine. Entities beyond XML's own
// are refused by package xml.
type reader struct {
	xml             *xml.Decoder
	depth, elements int
}

func (r *reader) Token() (xml.Token, error) {
	t, err := r.xml.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case xml.StartElement:
		r.depth++
		r.elements++
		if r.depth > maxDepth || r.elements > maxElements {
			return nil, errTooLarge
		}
		return xml.StartElement{Name: plain(t.Name)}, nil
	case xml.EndElement:
		r.depth--
		return xml.EndElement{Name: plain(t.Name)}, nil
	}
	return t, nil
}

// end makes sure that the root was the whole document.
func (r *reader) end() error {
	for {
		t, err := r.xml.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			return fmt.Errorf("second root element %.64q", t.Name.Local)
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return errors.New("text after the root element")
			}
		}
	}
}

func plain(n xml.Name) xml.Name { return xml.Name{Local: strings.ToLower(n.Local)} }

// text is the content of an element that holds a token, never prose: the
// blanks a pretty-printer put around it are not part of it.
type text string

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *text) UnmarshalText(b []byte) error {
	*t = text(bytes.TrimSpace(b))
	return nil
}
