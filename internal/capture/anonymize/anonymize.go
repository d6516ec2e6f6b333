// Package anonymize makes a capture that a site can hand out, and that still
// replays without a difference.
//
// Only what the tables of the protocol and of Finesse have (closed.go) stays,
// where it can stand: words such as names of commands, states and elements,
// small numbers where there are counts, timers and codes, times, the ids that
// the connector gave to requests, and the ids that Finesse gave to calls, teams,
// queues, phone books and reason codes. These ids say nothing about anybody, and
// those of calls decide the order of events. Everything else is replaced, each
// value by the same one everywhere.
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
	"maps"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/capture"
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
	given        map[string]bool // ids, by Finesse
	fromFinesse  bool            // the value in hand is
}

// New makes one whose replacements are random.
func New() *Anonymizer {
	var key [32]byte
	_, _ = crypto.Read(key[:]) // it never fails
	return seeded(key)
}

func seeded(key [32]byte) *Anonymizer {
	return &Anonymizer{
		key: key, words: newWords(rand.New(rand.NewChaCha8(key))),
		hosts: map[string]string{}, destinations: map[gc.Destination]bool{}, given: map[string]bool{},
	}
}

// Settle ends learning. It ends early with ctx.
func (a *Anonymizer) Settle(ctx context.Context) error { return a.words.settle(ctx) }

// tooMuch returns the error for more different words than can be kept.
func (a *Anonymizer) tooMuch(i capture.Item) error {
	if a.words.size <= a.words.most {
		return nil
	}
	return fmt.Errorf("%s: %w: more than %d MB of different names and numbers up to here; take fewer files at once", i.Where(), capture.ErrBeyond, a.words.most>>20)
}

// Files writes captures as one, anonymized: file after file, by the time at
// which they begin. They are read twice. Lines that cannot be read are left out
// and passed to problem. It ends early with ctx.
func Files(ctx context.Context, out io.Writer, names []string, problem func(capture.Item)) error {
	return New().files(ctx, out, names, problem)
}

func (a *Anonymizer) files(ctx context.Context, out io.Writer, names []string, problem func(capture.Item)) error {
	names, err := inOrder(ctx, names)
	if err != nil {
		return err
	}
	if err := eachOf(ctx, names, func(i capture.Item) error { a.Item(ctx, i); return errors.Join(ctx.Err(), a.tooMuch(i)) }); err != nil {
		return err
	}
	if err := a.Settle(ctx); err != nil {
		return err
	}
	return eachOf(ctx, names, func(i capture.Item) error {
		if i.Problem != nil {
			problem(i)
			return nil
		}
		return errors.Join(ctx.Err(), capture.Write(out, a.Item(ctx, i)), a.tooMuch(i))
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

// eachOf passes each line of the files to do.
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

// Item returns a copy of the line with other values. When ctx ends it returns a
// header that lacks some.
func (a *Anonymizer) Item(ctx context.Context, i capture.Item) capture.Item {
	switch {
	case i.Header != nil:
		i.Header = a.header(ctx, *i.Header)
	case i.Record != nil:
		i.Record = a.record(*i.Record)
	}
	i.Run = a.opaque(i.Run)
	return i
}

// header keeps the settings except for the names in them. The destinations that
// were seen take the place of the patterns that match them.
func (a *Anonymizer) header(ctx context.Context, h capture.Header) *capture.Header {
	s := &h.Settings
	h.Run, h.Follows, h.Connector = a.opaque(h.Run), a.opaque(h.Follows), a.version(h.Connector)
	rules, otherwise := s.Formats, s.Format
	s.Format = wire.Format(a.word(string(otherwise)))
	allowed, own := s.Destinations, s.Own
	s.Formats, s.Destinations, s.Own = nil, nil, nil
	if len(allowed) > 0 {
		s.Destinations = []string{"none.other"}
	}
	for _, d := range slices.Sorted(maps.Keys(a.destinations)) {
		if ctx.Err() != nil {
			break
		}
		if len(allowed) > 0 && gc.AnyMatches(allowed, d) {
			s.Destinations = append(s.Destinations, a.destination(string(d)))
		}
		if slices.ContainsFunc(own, d.BelongsTo) {
			s.Own = append(s.Own, gc.Destination(a.destination(string(d))).Name())
		}
		if f := rules.For(d, otherwise); f != otherwise {
			if s.Formats == nil {
				s.Formats = wire.FormatRules{}
			}
			s.Formats[gc.Pattern(a.destination(string(d)))] = wire.Format(a.word(string(f)))
		}
	}
	s.Sentences = a.sentences(s.Sentences)
	s.TimeZone, s.SeparatorSubstitute = a.zone(s.TimeZone), firstRune(s.SeparatorSubstitute)
	s.Participants = wire.Participants(a.word(string(s.Participants)))
	s.SyncTopic = a.destination(s.SyncTopic)
	s.Admin = a.words.login(s.Admin)
	s.Nodes = slices.Clone(s.Nodes)
	for i := range s.Nodes {
		s.Nodes[i] = a.node(s.Nodes[i])
	}
	return &h
}

// sentences replaces those of the status bar, even where the site uses the
// standard ones: only then an event says the same as the sentence.
func (a *Anonymizer) sentences(all map[string]string) map[string]string {
	if all == nil {
		return nil
	}
	replaced := map[string]string{}
	for key, text := range all {
		event, of, _ := strings.Cut(key, "#")
		replaced[a.word(event)+"#"+a.code(of)] = a.words.text(text)
	}
	return replaced
}

// version keeps that of a release.
func (a *Anonymizer) version(s string) string {
	if version.MatchString(s) {
		return s
	}
	return a.words.text(s)
}

// zone keeps the name of a time zone: times are written in it.
func (a *Anonymizer) zone(s string) string {
	if _, err := time.LoadLocation(s); err == nil {
		return s
	}
	return a.words.text(s)
}

// firstRune returns the only part of a substitute that is used.
func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

func (a *Anonymizer) record(x capture.Record) *capture.Record {
	body := x.Text()
	a.fromFinesse = x.Dir == capture.In && (x.Edge == capture.Notify || x.Edge == capture.REST && x.Status/100 == 2)
	x.Raw = nil
	x.Body = a.body(&x, body)
	x.Type = a.typ(&x)
	x.Agent = gc.AgentID(a.words.login(string(x.Agent)))
	if x.Event != capture.Restored || !isClosed(x.Destination) {
		x.Destination = a.destination(x.Destination)
	}
	x.Request, x.Event, x.Category, x.Format, x.Code = a.request(x.Request), a.word(x.Event), a.category(x.Category), a.word(x.Format), a.code(x.Code)
	x.ReplyTo = a.destination(x.ReplyTo)
	x.MessageID, x.CorrelationID = a.opaque(x.MessageID), a.opaque(x.CorrelationID)
	x.Node, x.Topic, x.Problem = a.node(x.Node), a.topic(x.Topic), problem(x.Problem)
	return &x
}

func (a *Anonymizer) body(x *capture.Record, body string) string {
	switch {
	case body == "" || x.Type == capture.Waits && x.Edge == capture.Notify && duration.MatchString(body):
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

// typ replaces in the type of a command, or of the command that an event
// answers, in the path of a request, or in a word of the protocol.
func (a *Anonymizer) typ(x *capture.Record) string {
	switch {
	case x.Edge == capture.Broker && (x.Dir == capture.In || strings.Contains(x.Type, "#")):
		typ, _ := a.command(x.Type, "")
		return typ
	case x.Edge == capture.REST && strings.Contains(x.Type, "/"):
		method, path, _ := strings.Cut(x.Type, " ")
		return a.word(method) + " " + a.path(path)
	default:
		return a.word(x.Type)
	}
}

// topic replaces in the path of an update's object, or in the id of a call.
func (a *Anonymizer) topic(s string) string {
	if strings.Contains(s, "/") {
		return a.path(s)
	}
	return a.id(s)
}

func (a *Anonymizer) command(typ, body string) (newType, newBody string) {
	return wire.Rewriter{
		Name: a.words.text, Agent: a.words.login, Destination: a.destination, Parameter: a.parameter,
	}.Rewrite(typ, body)
}

func (a *Anonymizer) parameter(k gc.Kind, s string) string {
	switch k {
	case gc.DialogKind, gc.ReasonCodeKind, gc.TeamKind, gc.PhonebookKind:
		return a.id(s)
	case gc.SingleSignOnKind: // a field is of that kind only if it is the word
		return s
	case gc.ModeKind, gc.PreviewActionKind, gc.TeamEventsKind:
		return a.word(s)
	case gc.VariableNameKind:
		return a.variable(s)
	case gc.DestinationKind:
		return a.destination(s)
	case gc.WrapUpReasonKind:
		return a.id(s) // a driver may send the id instead of the label
	case gc.MemberKind, gc.PartyKind:
		return a.words.login(s)
	default:
		return a.words.text(s)
	}
}

// kindOfDestination matches the kind of a destination.
var kindOfDestination = regexp.MustCompile(`^\s*(?:/(?:remote-)?(?:temp-)?(?:topic|queue)/|(?:topic|queue)://)`)

// destination keeps the kind of a destination.
func (a *Anonymizer) destination(s string) string {
	if a.words.learning {
		if d, err := gc.ParseDestination(strings.TrimSpace(s)); err == nil {
			if !a.destinations[d] {
				a.destinations[d] = true
				a.words.size += wordOverhead + len(d)
			}
		}
	}
	kind := kindOfDestination.FindString(s)
	return kind + a.words.text(s[len(kind):])
}

// opaque replaces the id of a message; it only matters which ids are the same.
func (a *Anonymizer) opaque(id string) string {
	if id == "" {
		return ""
	}
	h := hmac.New(sha256.New, a.key[:])
	h.Write([]byte(id))
	return "ID:" + hex.EncodeToString(h.Sum(nil)[:12])
}

// node replaces the host of a node.
func (a *Anonymizer) node(s string) string {
	if s == "" {
		return ""
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || !smallNumber.MatchString(port) {
		host, port = s, ""
	}
	if a.hosts[host] == "" {
		a.words.size += wordOverhead + len(host)
	}
	a.hosts[host] = cmp.Or(a.hosts[host], fmt.Sprintf("finesse-%d.example", len(a.hosts)+1))
	if port == "" {
		return a.hosts[host]
	}
	return net.JoinHostPort(a.hosts[host], port)
}

// reasons are the ends of a problem that stay.
var reasons = []string{
	"EOF", "unexpected EOF", "context deadline exceeded", "context canceled", "connection refused", "connection reset by peer",
	"broken pipe", "i/o timeout", "no such host", "no route to host", "network is unreachable", "handshake failure",
}

// problem keeps only the reason at the end of a problem's text: anything may
// stand before it.
func problem(s string) string {
	if s == "" {
		return ""
	}
	if last := s[strings.LastIndex(s, ": ")+1:]; slices.Contains(reasons, strings.TrimSpace(last)) {
		return strings.TrimSpace(last)
	}
	return "left out"
}
