// Package anonymize makes a capture that a site can give away, and that still
// replays without a difference.
//
// Names, login ids, numbers, call variables, labels, destinations and hosts are
// replaced, each value by the same one wherever it stands; what is one is known
// from where it stands: the element of a document, the parameter of a command,
// the field of an event. What is not known is replaced too. The words of the
// protocol stay, and the ids of calls, teams, phone books and reason codes:
// they are numbers that Finesse gave, say nothing of anybody, and the order of
// events follows from those of calls.
package anonymize

import (
	"cmp"
	"context"
	"crypto/hmac"
	crypto "crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// Anonymizer replaces values. It must see everything twice: Item learns until
// Settle is called, and replaces from then on.
type Anonymizer struct {
	key          [32]byte
	words        *words
	hosts        map[string]string
	destinations map[gc.Destination]bool
}

// New makes one whose replacements are left to chance.
func New() *Anonymizer {
	var key [32]byte
	_, _ = crypto.Read(key[:]) // it never fails
	return seeded(key)
}

func seeded(key [32]byte) *Anonymizer {
	return &Anonymizer{
		key: key, words: newWords(rand.New(rand.NewChaCha8(key))),
		hosts: map[string]string{}, destinations: map[gc.Destination]bool{},
	}
}

// Settle ends learning.
func (a *Anonymizer) Settle() { a.words.settle() }

// Files writes captures as one, anonymized: file after file, by the time at
// which they begin. They are read twice. Lines that can not be read are left
// out, and told to problem. It ends early with ctx.
func Files(ctx context.Context, out io.Writer, names []string, problem func(capture.Item)) error {
	names, err := inOrder(ctx, names)
	if err != nil {
		return err
	}
	a := New()
	if err := eachOf(ctx, names, func(i capture.Item) error { a.Item(i); return ctx.Err() }); err != nil {
		return err
	}
	a.Settle()
	return eachOf(ctx, names, func(i capture.Item) error {
		if i.Problem != nil {
			problem(i)
			return nil
		}
		return errors.Join(ctx.Err(), capture.Write(out, a.Item(i)))
	})
}

// inOrder sorts files by the time of their first line that can be read.
func inOrder(ctx context.Context, names []string) ([]string, error) {
	begin := map[string]time.Time{}
	found := errors.New("found")
	for _, name := range names {
		err := eachOf(ctx, []string{name}, func(i capture.Item) error {
			switch {
			case i.Header != nil:
				begin[name] = i.Header.Time
			case i.Record != nil:
				begin[name] = i.Record.Time
			default:
				return nil
			}
			return found
		})
		if err != nil && !errors.Is(err, found) {
			return nil, err
		}
	}
	names = slices.Clone(names)
	slices.SortStableFunc(names, func(x, y string) int { return begin[x].Compare(begin[y]) })
	return names, nil
}

// eachOf gives each line of the files to do.
func eachOf(ctx context.Context, names []string, do func(capture.Item) error) error {
	for _, name := range names {
		if err := eachItem(ctx, name, do); err != nil {
			return err
		}
	}
	return nil
}

func eachItem(ctx context.Context, name string, do func(capture.Item) error) (err error) {
	r, err := capture.Open(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for {
		i, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = do(i)
		}
		if err != nil {
			return err
		}
	}
}

// Item gives a line with other values; the one it is given stays as it is.
func (a *Anonymizer) Item(i capture.Item) capture.Item {
	switch {
	case i.Header != nil:
		i.Header = a.header(*i.Header)
	case i.Record != nil:
		i.Record = a.record(*i.Record)
	}
	return i
}

// header keeps the settings but for the names in them. The patterns of
// destinations give way to the destinations that they are about.
func (a *Anonymizer) header(h capture.Header) *capture.Header {
	s := &h.Settings
	m := config.Messages{Format: wire.Format(s.Format)}
	for pattern, format := range s.Formats {
		m.Formats = append(m.Formats, config.FormatRule{Pattern: pattern, Format: wire.Format(format)})
	}
	m.SortFormats()
	s.Formats = nil
	for d := range a.destinations {
		if f := m.FormatFor(d); f != m.Format {
			if s.Formats == nil {
				s.Formats = map[string]string{}
			}
			s.Formats[a.destination(string(d))] = string(f)
		}
	}
	s.SyncTopic = a.destination(s.SyncTopic)
	s.Admin = a.words.login(s.Admin)
	s.Nodes = slices.Clone(s.Nodes)
	for i := range s.Nodes {
		s.Nodes[i] = a.node(s.Nodes[i])
	}
	return &h
}

func (a *Anonymizer) record(x capture.Record) *capture.Record {
	body := x.Text()
	x.Raw = nil
	x.Body = a.body(&x, body)
	x.Type = a.typ(&x)
	x.Agent = gc.AgentID(a.words.login(string(x.Agent)))
	if x.Event != capture.Restored {
		x.Destination = a.destination(x.Destination)
	}
	x.ReplyTo = a.destination(x.ReplyTo)
	x.MessageID, x.CorrelationID = a.opaque(x.MessageID), a.opaque(x.CorrelationID)
	x.Node, x.Topic, x.Problem = a.node(x.Node), a.path(x.Topic), problem(x.Problem)
	return &x
}

func (a *Anonymizer) body(x *capture.Record, body string) string {
	switch {
	case body == "" || x.Type == capture.Waits && x.Edge == capture.Notify:
		return body
	case x.Edge != capture.Broker:
		return a.xml(body)
	case x.Dir == capture.In:
		_, body = a.command(x.Type, body)
		return body
	default:
		return a.event(x, body)
	}
}

// typ is the type of a command, of the command that an event answers, the path
// of a request, or a word of the protocol.
func (a *Anonymizer) typ(x *capture.Record) string {
	switch {
	case x.Edge == capture.Broker && (x.Dir == capture.In || strings.Contains(x.Type, "#")):
		typ, _ := a.command(x.Type, "")
		return typ
	case x.Edge == capture.REST:
		return a.path(x.Type)
	default:
		return x.Type
	}
}

func (a *Anonymizer) command(typ, body string) (newType, newBody string) {
	return wire.Rewriter{
		Name: a.words.text, Agent: a.words.login, Destination: a.destination, Parameter: a.parameter,
	}.Rewrite(typ, body)
}

func (a *Anonymizer) parameter(k gc.Kind, s string) string {
	switch k {
	case gc.DialogKind, gc.ReasonCodeKind, gc.ModeKind, gc.VariableNameKind, gc.PreviewActionKind, gc.TeamKind, gc.TeamEventsKind, gc.PhonebookKind:
		return s
	case gc.DestinationKind:
		return a.destination(s)
	case gc.WrapUpReasonKind:
		return a.label(s)
	case gc.MemberKind, gc.PartyKind:
		return a.words.login(s)
	default:
		return a.words.text(s)
	}
}

// label keeps what reads like the id of a reason code: a driver may send either.
func (a *Anonymizer) label(s string) string {
	if _, err := gc.ParseReasonCodeID(strings.TrimSpace(s)); err == nil {
		return s
	}
	return a.words.text(s)
}

// kinds of destinations.
var kindOfDestination = regexp.MustCompile(`^\s*(?:/(?:remote-)?(?:temp-)?(?:topic|queue)/|(?:topic|queue)://)`)

// destination keeps the kind of one.
func (a *Anonymizer) destination(s string) string {
	if a.words.learning {
		if d, err := gc.ParseDestination(strings.TrimSpace(s)); err == nil {
			a.destinations[d] = true
		}
	}
	kind := kindOfDestination.FindString(s)
	return kind + a.words.text(s[len(kind):])
}

// opaque replaces the id of a message, of which it only matters which are the
// same.
func (a *Anonymizer) opaque(id string) string {
	if id == "" {
		return ""
	}
	h := hmac.New(sha256.New, a.key[:])
	h.Write([]byte(id))
	return "ID:" + hex.EncodeToString(h.Sum(nil)[:12])
}

// node replaces the host of one.
func (a *Anonymizer) node(s string) string {
	if s == "" {
		return ""
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = s, ""
	}
	a.hosts[host] = cmp.Or(a.hosts[host], fmt.Sprintf("finesse-%d.example", len(a.hosts)+1))
	if port == "" {
		return a.hosts[host]
	}
	return net.JoinHostPort(a.hosts[host], port)
}

// reasons are those that a problem may end with.
var reasons = []string{
	"EOF", "unexpected EOF", "context deadline exceeded", "context canceled", "connection refused", "connection reset by peer",
	"broken pipe", "i/o timeout", "no such host", "no route to host", "network is unreachable", "handshake failure",
}

// problem keeps of the text about one the reason at its end: before it may be
// anything.
func problem(s string) string {
	if s == "" {
		return ""
	}
	if last := s[strings.LastIndex(s, ": ")+1:]; slices.Contains(reasons, strings.TrimSpace(last)) {
		return strings.TrimSpace(last)
	}
	return "left out"
}
