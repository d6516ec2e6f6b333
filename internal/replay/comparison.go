package replay

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// settled is how long after an event its counterpart can come.
const settled = 10 * time.Second

// maxBlock is how many differing events of an agent are compared at a time.
const maxBlock = 256

// comparison compares captured events with those that come, in order for each
// agent and destination.
type comparison struct {
	report *Report
	bounds bounds
	writer *wire.Writer
	asked  func(id string) string // the captured request that has an id now
	also   wire.Format            // in which events must say the same; "" for none

	mu    sync.Mutex
	deaf  bool           // what comes now is not compared
	sure  time.Time      // what was captured before this may have its cause before the capture
	lanes map[lane]*pair // those with events without counterpart
	count uint64         // of expected events

	waiting int       // bytes of events without counterpart
	oldest  time.Time // nothing older waits; zero: nothing waits
	crowded bool      // a lane has more than maxBlock
	problem string    // the bound that is passed
}

type lane struct {
	destination string
	agent       gc.AgentID
}

// pair holds the events that have not found their counterparts yet.
type pair struct {
	expected []expected
	got      []event
}

type expected struct {
	where  string
	number uint64 // in the order of the capture
	capture.Record
}

func newComparison(r *Report, b bounds) *comparison {
	return &comparison{report: r, bounds: b, lanes: map[lane]*pair{}}
}

// beyond returns which bound was passed, "" for none.
func (c *comparison) beyond() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.problem
}

func (c *comparison) pair(l lane) *pair {
	if c.lanes[l] == nil {
		c.lanes[l] = &pair{}
	}
	return c.lanes[l]
}

func (c *comparison) expect(where string, x capture.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := lane{x.Destination, x.Agent}
	p := c.pair(l)
	c.count++
	p.expected = append(p.expected, expected{where, c.count, x})
	c.waiting += x.Weight()
	c.match(l, p)
}

// heard takes an event.
func (c *comparison) heard(e event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deaf || c.problem != "" {
		return
	}
	l := lane{e.Destination, e.Agent}
	p := c.pair(l)
	p.got = append(p.got, e)
	c.waiting += e.Record.Weight()
	c.match(l, p)
	if len(p.got) > c.bounds.lane {
		c.problem = fmt.Sprintf("more than %d events come for one agent at once", c.bounds.lane)
	}
}

// match removes what is the same on both sides.
func (c *comparison) match(l lane, p *pair) {
	for len(p.expected) > 0 && len(p.got) > 0 && c.same(&p.expected[0], &p.got[0]) {
		c.agreed(&p.expected[0], &p.got[0])
		c.waiting -= p.expected[0].Record.Weight() + p.got[0].Record.Weight()
		p.expected, p.got = p.expected[1:], p.got[1:]
	}
	if len(p.expected)+len(p.got) == 0 {
		delete(c.lanes, l)
		return
	}
	if since := p.since(); c.oldest.IsZero() || since.Before(c.oldest) {
		c.oldest = since
	}
	c.crowded = c.crowded || p.isCrowded()
	if c.waiting > c.bounds.waiting {
		c.problem = fmt.Sprintf("more than %d MB of events have not found their counterpart", c.bounds.waiting>>20)
	}
}

func (p *pair) isCrowded() bool { return len(p.expected)+len(p.got) > maxBlock }

// since returns the time since which the pair, which is not empty, has waited.
func (p *pair) since() time.Time {
	switch {
	case len(p.expected) == 0:
		return p.got[0].Time
	case len(p.got) == 0 || p.expected[0].Time.Before(p.got[0].Time):
		return p.expected[0].Time
	default:
		return p.got[0].Time
	}
}

// same compares everything that a driver sees, and which command an event
// answers.
func (c *comparison) same(x *expected, e *event) bool {
	return x.Event == e.Record.Event && x.Type == e.Type && x.Category == e.Category && x.CorrelationID == e.CorrelationID &&
		x.Request == e.Request && x.Text() == c.written(x, e)
}

// written returns the text of an event. An agent announced to other connectors
// has the time of the announcement.
func (c *comparison) written(x *expected, e *event) string {
	if _, ok := e.Event.(gc.AgentSync); !ok {
		return e.Body
	}
	then, _ := wire.ReadEvent(x.Text(), wire.Text)
	return wire.RewriteEvent(e.Record.Event, wire.Text, e.Body, func(name string, _ wire.Holds, text string) string {
		if name == "Subscribed" {
			return then.Get(name)
		}
		return text
	})
}

// agreed takes an event that came as captured, and compares it with the same
// event in the other format that was asked for.
func (c *comparison) agreed(x *expected, e *event) {
	c.report.Events++
	if c.also == "" {
		return
	}
	contradictions := c.writer.Contradictions(e.Event, wire.Format(e.Format), c.also)
	if len(contradictions) == 0 {
		return
	}
	f := x.finding(Different, fmt.Sprintf("%s has it in another way", c.also))
	f.Got = c.writer.Write(c.also, e.Event).Body
	for _, d := range contradictions {
		f.Fields = append(f.Fields, Field{d.Name, d.One, d.Other})
	}
	c.report.Add(f)
}

// settle decides about events that have waited long enough.
func (c *comparison) settle(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.oldest) <= settled && !c.crowded {
		return
	}
	var due []lane
	c.oldest, c.crowded = time.Time{}, false
	for l, p := range c.lanes {
		if since := p.since(); now.Sub(since) > settled || p.isCrowded() {
			due = append(due, l)
		} else if c.oldest.IsZero() || since.Before(c.oldest) {
			c.oldest = since
		}
	}
	c.decideAll(due, now)
}

// decideAll decides about lanes, always in the same order.
func (c *comparison) decideAll(lanes []lane, unsure time.Time) {
	slices.SortFunc(lanes, func(a, b lane) int {
		return cmp.Or(cmp.Compare(a.destination, b.destination), cmp.Compare(a.agent, b.agent))
	})
	for _, l := range lanes {
		p := c.lanes[l]
		delete(c.lanes, l)
		for i := range p.expected {
			c.waiting -= p.expected[i].Record.Weight()
		}
		for i := range p.got {
			c.waiting -= p.got[i].Record.Weight()
		}
		c.decide(p, unsure)
	}
}

// unfinished is how long before the end of a capture an event may have its
// counterpart after that end; and how long after the beginning of a capture
// that did not begin with the process an event may have its cause before it.
const unfinished = time.Second

// end decides about everything.
func (c *comparison) end(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.decideAll(slices.Collect(maps.Keys(c.lanes)), now.Add(-unfinished))
	c.oldest, c.crowded = time.Time{}, false
}

// decide reports what is not the same: the longest common sequence stays, and
// between its members captured events are compared with those that came. Events
// that came last, and after unsure, are no findings.
func (c *comparison) decide(p *pair, unsure time.Time) {
	xs, es := p.expected, p.got
	keepX, keepE := c.common(xs, es)
	var lostX []*expected
	var newE []*event
	var pairs []couple
	i, j := 0, 0
	for i < len(xs) || j < len(es) {
		var gapX []*expected
		var gapE []*event
		for ; i < len(xs) && !keepX[i]; i++ {
			gapX = append(gapX, &xs[i])
		}
		for ; j < len(es) && !keepE[j]; j++ {
			gapE = append(gapE, &es[j])
		}
		gapX, gapE = c.changed(gapX, gapE)
		lostX, newE = append(lostX, gapX...), append(newE, gapE...)
		if i < len(xs) && j < len(es) {
			c.agreed(&xs[i], &es[j])
			pairs = append(pairs, couple{&xs[i], &es[j]})
			i, j = i+1, j+1
		}
	}
	last := uint64(0)
	if len(pairs) > 0 {
		last = pairs[len(pairs)-1].event.number
	}
	for _, e := range c.moved(lostX, newE, pairs) {
		if e.number > last && e.Time.After(unsure) {
			continue
		}
		c.report.Add(Finding{
			Kind: Unexpected, Time: e.Time.UTC(), Agent: e.Agent, Destination: e.Destination, Event: e.Record.Event, Got: e.Body,
		})
	}
}

// couple is a captured event and the same event now.
type couple struct {
	*expected
	*event
}

// concurrent reports whether the causes of two events that changed places both
// crossed the edge before either event came out: which one a session took first
// was random then.
func (a couple) concurrent(b couple) bool {
	return a.cause != b.cause && max(a.cause, b.cause) < min(a.expected.Seq, b.expected.Seq)
}

// crosses reports whether two events changed places.
func (a couple) crosses(b couple) bool {
	return (a.expected.number < b.expected.number) != (a.event.number < b.event.number)
}

// common marks a longest common sequence.
func (c *comparison) common(xs []expected, es []event) (keepX, keepE []bool) {
	keepX, keepE = make([]bool, len(xs)), make([]bool, len(es))
	length := make([][]int, len(xs)+1)
	for i := range length {
		length[i] = make([]int, len(es)+1)
	}
	for i := len(xs) - 1; i >= 0; i-- {
		for j := len(es) - 1; j >= 0; j-- {
			if c.same(&xs[i], &es[j]) {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(xs) && j < len(es); {
		switch {
		case c.same(&xs[i], &es[j]):
			keepX[i], keepE[j] = true, true
			i, j = i+1, j+1
		case length[i+1][j] >= length[i][j+1]:
			i++
		default:
			j++
		}
	}
	return keepX, keepE
}

// changed reports events of the same name in the same gap, which count as one
// with other content, and returns the rest.
func (c *comparison) changed(xs []*expected, es []*event) ([]*expected, []*event) {
	movedX, movedE := map[*expected]bool{}, map[*event]bool{}
	for _, x := range xs {
		for _, e := range es {
			if c.same(x, e) {
				movedX[x], movedE[e] = true, true
			}
		}
	}
	var left []*expected
	for _, x := range xs {
		if movedX[x] {
			left = append(left, x)
			continue
		}
		i := slices.IndexFunc(es, func(e *event) bool { return e.Record.Event == x.Event && !movedE[e] })
		if i < 0 {
			left = append(left, x)
			continue
		}
		f := x.finding(Different, "")
		f.Got, f.Fields = c.written(x, es[i]), c.fields(x, es[i])
		c.report.Add(f)
		es = slices.Delete(slices.Clone(es), i, i+1)
	}
	return left, es
}

// moved reports events that came at another place or did not come, and returns
// those that were not captured. in are the events that are in their place.
func (c *comparison) moved(xs []*expected, es []*event, in []couple) (left []*event) {
	for _, x := range xs {
		i := slices.IndexFunc(es, func(e *event) bool { return c.same(x, e) })
		if i < 0 {
			if !x.Time.Before(c.sure) {
				c.report.Add(x.finding(Missing, ""))
			}
			continue
		}
		moved := couple{x, es[i]}
		if slices.ContainsFunc(in, func(other couple) bool { return moved.crosses(other) && !moved.concurrent(other) }) {
			c.report.Add(x.finding(OutOfOrder, ""))
		} else {
			c.agreed(x, es[i])
		}
		in = append(in, moved)
		es = slices.Delete(es, i, i+1)
	}
	return es
}

func (x *expected) finding(k Kind, text string) Finding {
	return Finding{
		Kind: k, Where: x.where, Time: x.Time, Agent: x.Agent, Destination: x.Destination, Event: x.Event, Text: text, Expected: x.Text(),
	}
}
