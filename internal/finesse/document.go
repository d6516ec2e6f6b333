package finesse

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/finesse-connector/finesse-connector/internal/finesse/legible"
)

// Bounds of a document. A dialog with 60 call variables, as captured on UCCE,
// is three levels of about 200 elements and 10 KB. A user has 40 elements and
// 2 KB, and there is a list of them all; a contact has 8 and 300 bytes. An element
// of a few bytes may become a struct of hundreds: so their number is bounded also by
// the bytes that there are, and those of one parent, which become a slice.
const (
	maxUpdateBytes  = 1 << 20
	maxDepth        = 32
	maxElements     = 1_000_000
	maxSiblings     = 20_000
	fewElements     = 1_000
	minElementBytes = 10 // on average, where there are more than a few
)

// decoding has an entry for each document of more than largeDocument that is being
// decoded: thousands of agents may be sent one at the same time.
var decoding = make(chan struct{}, 4)

const largeDocument = 64 << 10

var (
	errTooLarge     = errors.New("document is too large")
	errDocumentType = errors.New("document declares a type, which none of Finesse's does")
)

// Omissions are what is missing from what was understood of a document, because it
// cannot be read. Nothing else is missing for it.
type Omissions struct {
	Characters int   // that XML has no place for, read as U+FFFD
	Elements   int   // of lists
	Why        error // the first of them
}

// each converts the elements of a list and leaves out those that cannot be read.
func each[E, T any](out *Omissions, elements []E, convert func(*E) (T, error)) []T {
	converted := make([]T, 0, len(elements))
	for i := range elements {
		value, err := convert(&elements[i])
		if err != nil {
			out.Elements++
			out.Why = cmp.Or(out.Why, err)
			continue
		}
		converted = append(converted, value)
	}
	return converted
}

// decode reads one XML document into v, and says what of it cannot be read. v's tags are in lower case without
// name spaces: Finesse writes User and user, ReasonCode and reasonCode,
// callvariables and callVariables, depending on release and place. Unknown
// elements are skipped, as every release adds some. The root must be what v's
// XMLName says. It waits for others to be decoded if the document is large.
func decode(doc []byte, v any) (out Omissions, err error) {
	if len(doc) > largeDocument {
		decoding <- struct{}{}
		defer func() { <-decoding }()
	}
	doc, out.Characters = legible.Bytes(undeclared(doc))
	r := &reader{xml: xml.NewDecoder(bytes.NewReader(doc)), most: min(maxElements, fewElements+len(doc)/minElementBytes)}
	if err = xml.NewTokenDecoder(r).Decode(v); err == nil {
		err = r.end()
	}
	return out, err
}

// undeclared is a document without its XML declaration: Finesse's are UTF-8, and one
// that says to be of version 1.1 is read all the same.
func undeclared(doc []byte) []byte {
	doc = bytes.TrimPrefix(doc, []byte("\uFEFF"))
	if trimmed := bytes.TrimLeft(doc, " \t\r\n"); bytes.HasPrefix(trimmed, []byte("<?xml ")) {
		if end := bytes.Index(trimmed, []byte("?>")); end > 0 {
			return trimmed[end+len("?>"):]
		}
	}
	return doc
}

// reader gives the tokens of a document with plain lower-case names, and
// refuses one that is built to exhaust the machine. A document type, which could
// declare entities, is refused; package xml knows no entities but XML's own.
type reader struct {
	xml            *xml.Decoder
	elements, most int
	depth          int
	children       [maxDepth + 1]int // by depth
}

func (r *reader) Token() (xml.Token, error) {
	t, err := r.xml.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case xml.StartElement:
		r.children[r.depth]++
		r.elements++
		if r.depth == maxDepth || r.elements > r.most || r.children[r.depth] > maxSiblings {
			return nil, errTooLarge
		}
		r.depth++
		r.children[r.depth] = 0
		return xml.StartElement{Name: plain(t.Name)}, nil
	case xml.EndElement:
		r.depth--
		return xml.EndElement{Name: plain(t.Name)}, nil
	case xml.Directive:
		return nil, errDocumentType
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

func plain(n xml.Name) xml.Name { return xml.Name{Local: lowered.of(n.Local)} }

// lowered are names in lower case, of which Finesse uses a few hundred again and again.
var lowered = names{known: map[string]string{}}

type names struct {
	mu    sync.RWMutex
	known map[string]string
}

// maxNames and maxNameBytes bound what a server can have remembered.
const (
	maxNames     = 1_000
	maxNameBytes = 64
)

func (n *names) of(name string) string {
	n.mu.RLock()
	lower, ok := n.known[name]
	full := len(n.known) >= maxNames
	n.mu.RUnlock()
	if ok {
		return lower
	}
	lower = strings.ToLower(name)
	if full || lower == name || len(name) > maxNameBytes {
		return lower
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.known) < maxNames {
		n.known[strings.Clone(name)] = lower
	}
	return lower
}

// text is the content of an element that holds a token, never prose: the
// blanks a pretty-printer put around it are not part of it.
type text string

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *text) UnmarshalText(b []byte) error {
	*t = text(bytes.TrimSpace(b))
	return nil
}
