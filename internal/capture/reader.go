package capture

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
	"unicode/utf8"
)

// maxLine bounds a line; the largest answers of Finesse are 2 MB.
const maxLine = 32 << 20

// Item is one line of a file: exactly one of Header, Record and Problem is set.
type Item struct {
	File    string
	Line    int
	Run     string // that a record belongs to, "" if that is not known
	Header  *Header
	Record  *Record
	Problem error // of a line that is neither, or of the order of records
}

// Where returns the item's place, for people.
func (i Item) Where() string { return fmt.Sprintf("%s:%d", i.File, i.Line) }

// Reader reads one file, in constant memory however long it is.
type Reader struct {
	name    string
	lines   *Lines
	close   func() error
	run     *Header // nil before the first
	seq     uint64
	at      time.Time // the latest so far: clocks may be set back
	waiting *Item     // follows a problem about it
}

// ErrVersion is in the chain of the error about a file of another version.
var ErrVersion = errors.New("a version of the format that this program does not know")

// Open reads a file, which may be compressed, until ctx ends. The caller closes
// it.
func Open(ctx context.Context, name string) (*Reader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	r, err := NewReader(ctx, name, f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r.close = f.Close
	return r, nil
}

// NewReader reads a capture, which may be compressed, until ctx ends. name is
// for people.
func NewReader(ctx context.Context, name string, from io.Reader) (*Reader, error) {
	lines, err := NewLines(ctx, from, maxLine)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Reader{name: name, lines: lines, close: func() error { return nil }}, nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.close() }

// Next returns the next line; io.EOF comes after the last. A fault of a line is
// an item of its own, and the line after it is read anyway. Any error but
// io.EOF ends the file.
func (r *Reader) Next() (Item, error) {
	if i := r.waiting; i != nil {
		r.waiting = nil
		return *i, nil
	}
	for {
		text, size, err := r.lines.Next()
		if errors.Is(err, io.EOF) {
			return Item{}, io.EOF
		}
		if err != nil {
			return Item{}, fmt.Errorf("%s:%d: %w", r.name, r.lines.Number, err)
		}
		i := Item{File: r.name, Line: r.lines.Number}
		whole := bytes.HasSuffix(text, []byte("\n"))
		text = bytes.TrimSpace(text)
		switch {
		case size > maxLine:
			i.Problem = fmt.Errorf("the line has more than %d MB", maxLine>>20)
		case len(text) == 0:
			continue
		default:
			i.Problem = r.parse(&i, text)
		}
		if i.Problem != nil && !whole && size <= maxLine {
			i.Problem = fmt.Errorf("the last line is cut off: %w", i.Problem)
		}
		if errors.Is(i.Problem, ErrVersion) {
			return Item{}, fmt.Errorf("%s: %w", i.Where(), i.Problem)
		}
		return r.inOrder(i), nil
	}
}

// parse reads a line into i.
func (r *Reader) parse(i *Item, text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("the line is not UTF-8")
	}
	x := &Record{}
	err := json.Unmarshal(text, x)
	if x.Seq == 0 {
		if isHeader, err := r.header(i, text); isHeader || err != nil {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("the record cannot be read: %w", err)
	}
	if err := x.check(); err != nil {
		return err
	}
	i.Record = x
	return nil
}

// header reads a line that is not a record into i, if it is a header.
func (r *Reader) header(i *Item, text []byte) (isHeader bool, err error) {
	var what struct {
		Capture *int `json:"capture"`
	}
	if err := json.Unmarshal(text, &what); err != nil {
		return false, fmt.Errorf("the line is no JSON object: %w", err)
	}
	if what.Capture == nil {
		return false, nil
	}
	if *what.Capture != Version {
		return true, fmt.Errorf("%w: %d; it knows %d", ErrVersion, *what.Capture, Version)
	}
	h := &Header{}
	if err := json.Unmarshal(text, h); err != nil {
		return true, fmt.Errorf("the header cannot be read: %w", err)
	}
	if err := h.check(); err != nil {
		return true, err
	}
	i.Header = h
	return true, nil
}

// Bounds that no connector passes: of the settings in a header, of the bytes of
// an agent's id and of any other field but the body, and of the time.
const (
	maxNodes    = 8
	maxPatterns = 1_000 // of destinations for each use, and as many sentences
	maxPattern  = 300   // bytes: longer than the name of any destination, with its kind
	maxRetries  = 10
	minTimeout  = 10 * time.Millisecond
	maxAgentID  = 256
	maxField    = 16 << 10
	lastYear    = 2199
	maxSentence = 4 << 10 // bytes of one
)

// check returns what no connector could have written in a header: a replay acts
// on the settings.
func (h *Header) check() error {
	s := &h.Settings
	for _, name := range append([]string{h.Run, h.Follows, h.Connector, string(s.Format), s.TimeZone, s.SeparatorSubstitute, string(s.Participants), s.SyncTopic, s.Admin}, s.Nodes...) {
		if len(name) > maxField {
			return fmt.Errorf("the header has a name of more than %d bytes", maxField)
		}
	}
	for key, text := range s.Sentences {
		if len(key)+len(text) > maxSentence {
			return fmt.Errorf("the header has a sentence of more than %d bytes", maxSentence)
		}
	}
	patterns := slices.Concat(s.Destinations, s.Own)
	for pattern, format := range s.Formats {
		patterns = append(patterns, string(pattern), string(format))
	}
	for _, pattern := range patterns {
		if len(pattern) > maxPattern {
			return fmt.Errorf("the header has a pattern of more than %d bytes", maxPattern)
		}
	}
	switch {
	case h.Time.Year() > lastYear:
		return fmt.Errorf("the header has the year %d", h.Time.Year())
	case len(s.Nodes) > maxNodes:
		return fmt.Errorf("the header names %d nodes, more than the %d allowed", len(s.Nodes), maxNodes)
	case max(len(s.Formats), len(s.Destinations), len(s.Own), len(s.Sentences)) > maxPatterns:
		return fmt.Errorf("the header has %d formats, %d and %d destinations, and %d sentences, more than the %d allowed",
			len(s.Formats), len(s.Destinations), len(s.Own), len(s.Sentences), maxPatterns)
	case s.Retries < 0 || s.Retries > maxRetries:
		return fmt.Errorf("the header has %d retries, not 0 to %d", s.Retries, maxRetries)
	case s.RequestTimeout != 0 && s.RequestTimeout < minTimeout:
		return fmt.Errorf("the header has a time-out of %s, shorter than %s", s.RequestTimeout, minTimeout)
	}
	return nil
}

// check returns what no connector could have written in a record.
func (x *Record) check() error {
	for _, field := range []string{
		x.Type, x.Request, x.Event, x.Category, x.Destination, x.Format, x.MessageID, x.CorrelationID, x.ReplyTo, x.Node, x.Topic, x.Code, x.Problem,
	} {
		if len(field) > maxField {
			return fmt.Errorf("the record has a field of %d bytes, more than the %d allowed for any but the body", len(field), maxField)
		}
	}
	switch {
	case len(x.Agent) > maxAgentID:
		return fmt.Errorf("the record has an agent's id of %d bytes, longer than any", len(x.Agent))
	case x.Time.Year() > lastYear || x.Sent.Year() > lastYear:
		return fmt.Errorf("the record has the year %d", max(x.Time.Year(), x.Sent.Year()))
	case x.Seq == 0:
		return errors.New("the record has no seq")
	case x.Time.IsZero():
		return errors.New("the record has no time")
	case x.Dir != In && x.Dir != Out:
		return fmt.Errorf("the record has the dir %.20q, not in or out", x.Dir)
	case x.Edge != Broker && x.Edge != REST && x.Edge != Notify:
		return fmt.Errorf("the record has the edge %.20q, not broker, rest or notify", x.Edge)
	}
	return nil
}

// inOrder puts a problem with the place of i before it.
func (r *Reader) inOrder(i Item) Item {
	var wrong error
	switch {
	case i.Header != nil:
		if r.run == nil || r.run.Run != i.Header.Run {
			r.seq = 0
		}
		r.run = i.Header
		r.late(i.Header.Time)
	case i.Record == nil:
	case r.run == nil:
		wrong = errors.New("the file does not begin with a header")
		r.run = &Header{Capture: Version}
		r.seq = i.Record.Seq
	case i.Record.Seq <= r.seq:
		wrong = fmt.Errorf("seq %d comes after %d", i.Record.Seq, r.seq)
	case r.seq > 0 && i.Record.Seq != r.seq+1+i.Record.Dropped:
		wrong = fmt.Errorf("records are missing: seq %d comes after %d", i.Record.Seq, r.seq)
	case i.Record.Dropped > 0:
		wrong = fmt.Errorf("%d records before this one are missing: the connector could not keep them", i.Record.Dropped)
	}
	if i.Record != nil {
		r.seq = max(r.seq, i.Record.Seq)
		i.Run = r.run.Run
		r.late(i.Record.Time)
	}
	if wrong == nil {
		return i
	}
	r.waiting = &i
	return Item{File: i.File, Line: i.Line, Problem: wrong}
}

func (r *Reader) late(t time.Time) {
	if t.After(r.at) {
		r.at = t
	}
}
