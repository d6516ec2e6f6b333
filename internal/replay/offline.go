package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/bridge"
	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/finesse/notify"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// Source returns the lines of a capture in order; see capture.Reader.Next.
type Source interface{ Next() (capture.Item, error) }

// Options say what to replay.
type Options struct {
	Agents []gc.AgentID // empty: all
	Format wire.Format  // in which events must say the same; "" for the captured format only
	Keep   bool         // the records, for Report.HTML

	// Abandon leaves the connector running at the end, for a caller that ends
	// the process then: thousands of sessions take seconds to end.
	Abandon bool

	bounds bounds // standing, where it is zero
}

// Offline replays a capture. It must be called inside a bubble of
// testing/synctest and returns when everything it started has ended, unless
// Options.Abandon is set. An error means that the capture cannot be read any
// further, or passes a bound (ErrBeyond, capture.ErrBeyond); the report covers
// what came before. It ends early with ctx, which is checked between records
// and while virtual time passes.
func Offline(ctx context.Context, s Source, o Options) (*Report, error) {
	p := newPlayer(s, o)
	defer p.finish(ctx)
	for {
		i, err := p.ahead.Next()
		if errors.Is(err, io.EOF) {
			return p.report, nil
		}
		if err == nil {
			err = errors.Join(ctx.Err(), p.play(ctx, i))
		}
		if err != nil {
			p.report.Ended = strings.TrimSuffix("ended early, at "+p.where, ", at ")
			return p.report, err
		}
	}
}

func newPlayer(s Source, o Options) *player {
	o.bounds = cmp.Or(o.bounds, standing)
	p := &player{ahead: newAhead(s), options: o, report: &Report{}}
	if o.Keep {
		p.report.page = newPage()
	}
	p.compare = newComparison(p.report, o.bounds)
	p.compare.asked, p.compare.also = func(id string) string { return p.world.captured(id) }, o.Format
	return p
}

// player takes one line after the other.
type player struct {
	ahead      *ahead
	options    Options
	report     *Report
	compare    *comparison
	header     *capture.Header
	world      *world
	fresh      bool                // all agents' Connects are in the capture
	joined     map[gc.AgentID]bool // those whose Connect was replayed
	agents     map[gc.AgentID]bool // of the run
	where      string              // of the record in hand
	seq        atomic.Uint64       // the same
	heardAll   atomic.Uint64       // events
	connection uint64              // to the command queue, derived from the repetitions in the capture
	process    uint64              // of the broker, derived from repetitions that it did not mark
}

func (p *player) play(ctx context.Context, i capture.Item) error {
	p.compare.mu.Lock() // a request that ends while time passes reports where
	p.where = i.Where()
	p.compare.mu.Unlock()
	if i.Record == nil || p.wanted(i.Record) {
		p.report.page.item(i)
	}
	switch {
	case i.Problem != nil:
		p.report.Add(Finding{Kind: Damage, Where: p.where, Text: i.Problem.Error()})
		return nil
	case i.Header != nil:
		return p.begin(ctx, i.Header)
	case p.world != nil && i.Run != p.header.Run:
		return fmt.Errorf("%s: a record of run %s stands among those of run %s: replay the captures of several connectors one at a time", p.where, i.Run, p.header.Run)
	default:
		return p.take(ctx, i.Record)
	}
}

// begin begins a run, with a new connector unless the run goes on.
func (p *player) begin(ctx context.Context, h *capture.Header) error {
	goesOn := p.header != nil && (p.header.Run == h.Run || h.Follows != "" && p.header.Run == h.Follows)
	p.header = h
	settings, err := p.bridgeSettings(h.Settings)
	if err != nil {
		return fmt.Errorf("%s: the header's settings cannot be used: %w", p.where, err)
	}
	p.compare.writer = settings.Writer
	if goesOn && p.world != nil {
		p.world.bridge.Configure(settings)
		return nil
	}
	p.leave()
	if err := p.until(ctx, h.Time); err != nil {
		return err
	}
	p.agents = map[gc.AgentID]bool{}
	p.fresh, p.joined, p.compare.sure = h.Fresh, map[gc.AgentID]bool{}, time.Time{}
	if !p.fresh {
		p.compare.sure = h.Time.Add(unfinished)
	}
	p.world, err = newWorld(h.Settings, settings, p.heard, p.oddQuestion, p.ahead.wait)
	if err != nil {
		return fmt.Errorf("%s: the header's settings cannot be used: %w", p.where, err)
	}
	return nil
}

// finish ends the replay. Events that still waited when ctx ended are not
// compared.
func (p *player) finish(ctx context.Context) {
	switch {
	case !p.options.Abandon:
		p.leave()
	case p.world != nil && ctx.Err() == nil:
		p.compare.end(time.Now())
	}
}

// leave ends the connector.
func (p *player) leave() {
	if p.world == nil {
		return
	}
	p.compare.end(time.Now())
	p.compare.deaf = true
	p.world.close()
	p.compare.deaf = false
	p.world = nil
}

func (p *player) bridgeSettings(s capture.Settings) (bridge.Settings, error) {
	if len(s.Nodes) == 0 {
		return bridge.Settings{}, errors.New("they name no node of Finesse")
	}
	zone, err := time.LoadLocation(cmp.Or(s.TimeZone, "UTC"))
	if err != nil {
		return bridge.Settings{}, err
	}
	allowed := s.Destinations
	if len(allowed) > 0 { // refused ones are hidden in another way
		allowed = append(slices.Clone(allowed), capture.HiddenPlaces+"*")
	}
	s.Format = cmp.Or(s.Format, wire.Text)
	for _, f := range append(slices.Collect(maps.Values(s.Formats)), s.Format) {
		if !slices.Contains(wire.Formats, f) {
			return bridge.Settings{}, fmt.Errorf("format %.40q is not one of %v", f, wire.Formats)
		}
	}
	listed := cmp.Or(s.Participants, wire.Full)
	if !slices.Contains(wire.AllParticipants, listed) {
		return bridge.Settings{}, fmt.Errorf("participants %.40q is not one of %v", listed, wire.AllParticipants)
	}
	return bridge.Settings{
		Writer: &wire.Writer{Location: zone, Substitute: []rune(cmp.Or(s.SeparatorSubstitute, "_"))[0], Participants: listed},
		Format: s.Format, Formats: s.Formats, Destinations: allowed,
		Own: s.Own, Sentences: s.Sentences, Deprecated: s.Deprecated,
		SyncTopic: s.SyncTopic, AgentLimit: s.AgentLimit, MaxCommandAge: cmp.Or(s.MaxCommandAge, time.Minute),
	}, nil
}

// take applies a record and lets all its effects happen.
func (p *player) take(ctx context.Context, x *capture.Record) error {
	if p.world == nil {
		return fmt.Errorf("%s: a capture without a header cannot be replayed: it says how the connector was configured", p.where)
	}
	if !p.wanted(x) {
		return nil
	}
	if err := errors.Join(p.admit(x), p.until(ctx, x.Time)); err != nil {
		return err
	}
	p.seq.Store(x.Seq)
	p.report.count(x)
	if x.IsCommand() {
		p.command(x)
	} else if p.isJoined(x.Agent) {
		p.apply(x)
	} else {
		p.skip()
	}
	synctest.Wait()
	p.compare.settle(time.Now())
	if problem := p.compare.beyond(); problem != "" {
		return beyond(p.where, "%s; replay fewer agents with --agent", problem)
	}
	return nil
}

// admit counts the agents that x is about: each has a session.
func (p *player) admit(x *capture.Record) error {
	p.agents[x.Agent] = true
	if x.IsCommand() {
		if c, _ := wire.ParseCommand(x.Type, ""); c.Agent != "" {
			p.agents[c.Agent] = true
		}
	}
	if most := p.options.bounds.agents; len(p.agents) > most {
		return beyond(p.where, "the capture has more than %d agents; replay some of them with --agent", most)
	}
	return nil
}

// skip leaves out the record in hand.
func (p *player) skip() {
	p.report.Skipped++
	p.report.page.skipped()
}

func (p *player) wanted(x *capture.Record) bool {
	return len(p.options.Agents) == 0 || x.Agent == "" || slices.Contains(p.options.Agents, x.Agent)
}

// stride is how much virtual time passes between checks of ctx: the sessions of
// many agents do much in it.
const stride = 10 * time.Second

// until lets time pass, at once if nothing runs that could act meanwhile. A
// clock that was set back stands still.
func (p *player) until(ctx context.Context, t time.Time) error {
	if most := p.options.bounds.gap; p.world != nil && time.Until(t) > most {
		return beyond(p.where, "the clock jumps from %s to %s; a gap of a run has at most %d days",
			time.Now().UTC().Format(time.DateTime), t.UTC().Format(time.DateTime), most/(24*time.Hour))
	}
	for p.world != nil && time.Until(t) > stride {
		if err := ctx.Err(); err != nil {
			return err
		}
		time.Sleep(stride)
	}
	time.Sleep(time.Until(t))
	synctest.Wait()
	return nil
}

// isJoined reports whether the agent's records are compared; those of no agent
// always are.
func (p *player) isJoined(agent gc.AgentID) bool { return p.fresh || agent == "" || p.joined[agent] }

func (p *player) command(x *capture.Record) {
	c, err := wire.ParseCommand(x.Type, x.Text())
	if err == nil && c.Spec.Name == gc.Connect {
		p.joined[c.Agent] = true
	}
	if !p.isJoined(x.Agent) {
		p.skip()
		return
	}
	if c.Spec == nil {
		p.report.note(p.where, x, unknownCommand)
	}
	if x.Request == "" { // it was recognized as a repetition
		p.connection++
		if !x.Redelivered {
			p.process++
		}
	}
	p.world.bridge.Handle(&broker.Delivery{
		Identity: identity(x), Connection: p.connection, Process: p.process,
		MessageID: x.MessageID, Destination: x.Destination, Type: x.Type, Body: x.Text(), Size: len(x.Text()), Category: x.Category,
		Format: x.Format, CorrelationID: x.CorrelationID, ReplyTo: x.ReplyTo, Timestamp: x.Sent, Redelivered: x.Redelivered, Text: !x.Binary,
	})
	if x.Request != "" {
		p.world.mu.Lock()
		p.world.ids.put(x.Request, p.world.command)
		p.world.mu.Unlock()
	}
}

var identitySeed = maphash.MakeSeed()

// identity covers everything that is the same when a command is delivered
// again.
func identity(x *capture.Record) uint64 {
	return max(1, maphash.Comparable(identitySeed, [...]string{x.MessageID, x.Type, x.Text(), x.CorrelationID, x.ReplyTo, x.Sent.String()}))
}

// apply takes any record but a command.
func (p *player) apply(x *capture.Record) {
	switch x.Edge {
	case capture.Broker:
		p.applyBroker(x)
	case capture.REST:
		p.applyREST(x)
	case capture.Notify:
		if !p.applyNotify(x) {
			p.report.Add(p.finding(x, Request, "nobody asks for what "+x.Type+" answers"))
		}
	}
}

func (p *player) applyBroker(x *capture.Record) {
	w := p.world
	w.mu.Lock()
	id := w.ids.values[x.Request]
	lost := w.lost.values[id]
	w.mu.Unlock()
	switch {
	case x.Dir == capture.Out:
		expected := *x
		expected.Request = id
		p.compare.expect(p.where, expected)
	case x.Event == capture.Restored:
		w.bridge.Restored(x.Destination == capture.Topics)
	case x.Event == capture.AnswerLost && lost != nil:
		lost()
	case x.Event == capture.Stopping:
		w.stop()
	}
}

func (p *player) applyREST(x *capture.Record) {
	w := p.world
	about := func(k kind) func(*question) bool {
		return func(q *question) bool { return q.kind == k && q.what == x.Topic }
	}
	switch {
	case x.Exchange != 0 && x.Dir == capture.Out:
		p.request(x)
	case x.Exchange != 0:
		w.answer(x.Agent, x, func(q *question) bool { return q.kind == exchanged && q.exchange == x.Exchange })
	case x.Type == capture.Verified:
		w.answer("", x, func(q *question) bool { return q.kind == verification && q.node == x.Node })
	case x.Type == capture.Paused:
		w.answer(x.Agent, x, about(pausing))
	case x.Type == capture.Resumed:
		w.answer(x.Agent, x, about(resuming))
	default:
		w.found(p.ahead.moment(x, w.subscribes)...)
	}
}

// request finds the request that must be the captured one.
func (p *player) request(x *capture.Record) {
	same := func(q *question) bool {
		return q.kind == exchanged && q.exchange == 0 && q.what == x.Type && q.node == x.Node
	}
	q := p.world.find(x.Agent, func(q *question) bool { return same(q) && q.body == x.Text() })
	if q == nil {
		if q = p.world.find(x.Agent, same); q == nil {
			p.report.Add(p.finding(x, Missing, "the connector does not ask Finesse for this any more"))
			return
		}
		f := p.finding(x, Different, "the connector asks Finesse for something else")
		f.Expected, f.Got = x.Text(), q.body
		f.Fields = xmlFields(x.Text(), q.body)
		p.report.Add(f)
	} else {
		p.report.Requests++
	}
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	q.exchange = x.Exchange
	if x.Request != "" {
		p.world.ids.put(x.Request, q.request)
	}
}

// applyNotify applies x, and reports whether somebody waited for it.
func (p *player) applyNotify(x *capture.Record) bool {
	w := p.world
	s := w.streams[x.Agent]
	switch x.Type {
	case capture.Opened, capture.Refused:
		if x.Type == capture.Opened {
			w.mu.Lock()
			w.streams[x.Agent] = &stream{world: w, agent: x.Agent, updates: make(chan finesse.Update, updatesAhead)}
			w.mu.Unlock()
		}
		return w.answer(x.Agent, x, subscribing(x.Node))
	case capture.Followed:
		team := string(notify.TeamOf(x.Topic))
		return w.answer(x.Agent, x, func(q *question) bool { return q.kind == following && q.what == team })
	case capture.Update:
		if s != nil {
			s.brings(x)
		}
	case capture.Lost:
		if s != nil {
			s.err = captured(x)
			close(s.updates)
			delete(w.streams, x.Agent)
		}
	}
	return true
}

// heard takes an event that came out now.
func (p *player) heard(e event) {
	e.cause, e.number = p.seq.Load(), p.heardAll.Add(1)
	if p.isJoined(e.Agent) && p.wanted(&e.Record) {
		p.compare.heard(e)
	}
}

// oddQuestion reports a request that the capture does not have.
func (p *player) oddQuestion(q *question) {
	p.compare.mu.Lock()
	defer p.compare.mu.Unlock()
	p.report.Add(Finding{
		Kind: Unexpected, Where: p.where, Time: q.at.UTC(), Agent: q.agent, Event: q.what, Got: q.body,
		Text: "the connector asks Finesse for this now, and the capture has no answer to it",
	})
}

func (p *player) finding(x *capture.Record, k Kind, text string) Finding {
	name := x.Event
	if name == "" {
		name = x.Type
	}
	return Finding{Kind: k, Where: p.where, Time: x.Time, Agent: x.Agent, Destination: x.Destination, Event: name, Text: text, Expected: x.Text()}
}
