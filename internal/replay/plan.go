package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// Moment is a point in a capture: a time, or a time of its first day in UTC.
type Moment struct {
	at    time.Time
	clock bool
}

// ParseMoment reads RFC 3339 or HH:MM:SS; "" is the zero Moment.
func ParseMoment(s string) (m Moment, err error) {
	if s == "" {
		return m, nil
	}
	if m.at, err = time.Parse(time.RFC3339, s); err == nil {
		return m, nil
	}
	if m.at, err = time.Parse(time.TimeOnly, s); err != nil {
		return m, fmt.Errorf("%q is neither a time like 2026-11-23T07:59:00Z nor one like 07:59:00", s)
	}
	m.clock = true
	return m, nil
}

// on returns the moment in a capture that begins at first.
func (m Moment) on(first time.Time) time.Time {
	if !m.clock {
		return m.at
	}
	y, month, day := first.UTC().Date()
	return time.Date(y, month, day, m.at.Hour(), m.at.Minute(), m.at.Second(), 0, time.UTC)
}

// Cut says which part of a capture is played live.
type Cut struct {
	Agents      []gc.AgentID // empty: all
	From, Until Moment
	Keep        bool // the records, for Report.HTML

	most int // bytes, maxPlan where it is zero
}

// Plan is what a live replay sends, and what it expects to hear.
type Plan struct {
	steps     []*step
	report    *Report
	dialogs   map[string]bool // the ids of all calls of the capture
	before    []*awaited      // of the first command
	playedFor map[gc.AgentID]bool
	named     map[gc.AgentID]bool // those whom events name
}

// step is a command of the capture.
type step struct {
	where string
	capture.Record
	command  gc.Command // as far as it could be read
	planned  bool       // it is inside the cut
	secret   bool       // "[secret N]" stands in place of its password
	password verdict
	failed   bool   // it was answered with an error that says nothing about its password
	skip     string // why it is not sent
	note     string // what is odd about it
	outside  bool   // it is about a call that nobody in the capture made
	calls    []string
	follow   []*awaited // the events captured between it and the next command
	id       string     // the correlation id it is sent with
}

// awaited is an event of the capture.
type awaited struct {
	expected
	format   wire.Format
	reading        // what its text says
	answers  *step // nil: not the direct answer to a command
	calls    []string
	about    []string // the event can come only if one of these calls has come
	optional bool     // no command that is sent can bring it about
	overdue  bool     // it was awaited in vain
	parts    []part   // of its text, once it was compared
}

// reading is the content of an event, in any format.
type reading struct {
	name  string      // of the event
	of    gc.AgentID  // the agent it is about, "" for none
	ended gc.DialogID // the call whose end it reports, "" for none
	code  gc.Code     // the error that it reports, "" for none
}

// maxRead is longer than any event; lists of teams are the longest.
const maxRead = 1 << 20

// readingOf reads an event. One that this version does not know is recognized by
// its beginning.
func readingOf(body string, usual wire.Format) reading {
	r, ok := wire.ReadEvent(body[:min(len(body), maxRead)], usual)
	if !ok {
		begins, _, _ := strings.Cut(body, "#")
		return reading{of: gc.AgentID(begins)}
	}
	t := reading{name: r.Name, of: gc.AgentID(r.Get("Agent")), code: gc.Code(r.Get("Code"))}
	if r.Get("State") == string(gc.Dropped) {
		t.ended = gc.DialogID(r.Get("Dialog"))
	}
	return t
}

// planner reads a capture.
type planner struct {
	*Plan
	cut         Cut
	first       time.Time
	all         []*awaited
	size        int // of what is kept, in bytes
	byRequest   recent[*step]
	lastConnect map[gc.AgentID]*step
	later       map[gc.AgentID]bool // a command after the cut was seen
	maxAge      time.Duration
}

// maxPlan bounds the part of a capture that is played, in bytes; it takes about
// as much memory.
const (
	maxPlan      = 512 << 20
	nameOverhead = 128 // of the id of an agent or a call that is kept
	listOverhead = 16  // of it in a list
)

// maxAbout is how many calls an event can depend on. One that depends on more
// is not expected to come.
const maxAbout = 1_000

// ErrTooLong is in the chain of the error about more than can be planned.
var ErrTooLong = errors.New("that is too long to be played at once")

// NewPlan reads a capture to its end: only then is it known whether a password
// was right, and who made a call. It keeps the part inside the cut. It ends
// early with ctx.
func NewPlan(ctx context.Context, s Source, c Cut) (*Plan, error) {
	p := &planner{
		Plan: &Plan{report: &Report{Live: &LiveSummary{}}, dialogs: map[string]bool{}, playedFor: map[gc.AgentID]bool{}, named: map[gc.AgentID]bool{}},
		cut:  c, lastConnect: map[gc.AgentID]*step{}, later: map[gc.AgentID]bool{}, maxAge: time.Minute,
	}
	if c.Keep {
		p.report.page = newPage()
	}
	for {
		i, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return nil, err
		}
		if p.take(i); p.tooLong() {
			return nil, p.errTooLong("up to " + i.Where())
		}
	}
	p.admit()
	if p.judgeCalls(ctx); p.tooLong() {
		return nil, p.errTooLong("with what depends on calls from outside")
	}
	p.report.Commands = len(p.steps)
	return p.Plan, ctx.Err()
}

func (p *planner) tooLong() bool { return p.size > cmp.Or(p.cut.most, maxPlan) }

func (p *planner) errTooLong(what string) error {
	return fmt.Errorf("%w: %s it has %d commands, %d events, %d agents and %d calls", ErrTooLong, what, len(p.steps), len(p.all), len(p.later), len(p.dialogs))
}

func (p *planner) take(i capture.Item) {
	switch {
	case i.Problem != nil:
		p.report.page.item(i)
		p.report.Add(Finding{Kind: Damage, Where: i.Where(), Text: i.Problem.Error()})
	case i.Header != nil:
		p.report.page.item(i)
		p.begin(i.Header.Time)
		p.maxAge = cmp.Or(i.Header.Settings.MaxCommandAge, time.Minute)
	default:
		p.begin(i.Record.Time)
		p.record(i)
	}
}

func (p *planner) begin(t time.Time) {
	if p.first.IsZero() {
		p.first = t
	}
}

func (p *planner) record(i capture.Item) {
	where, x := i.Where(), i.Record
	if len(p.cut.Agents) > 0 && x.Agent != "" && !slices.Contains(p.cut.Agents, x.Agent) {
		return
	}
	p.callsIn(x)
	early := p.cut.From != Moment{} && x.Time.Before(p.cut.From.on(p.first))
	late := p.cut.Until != Moment{} && !x.Time.Before(p.cut.Until.on(p.first))
	inside := !early && !late
	p.seen(x.Agent)
	if inside {
		p.report.count(x)
		p.report.page.item(i)
	}
	switch {
	case x.IsCommand():
		s := p.newStep(where, x, inside)
		p.later[x.Agent] = p.later[x.Agent] || late
		if inside {
			p.size += overhead + x.Weight()
			p.steps = append(p.steps, s)
			p.playedFor[x.Agent] = true
		}
	case x.IsEvent() && !early:
		p.event(where, x, late)
	case inside:
		p.report.page.skipped()
	}
	p.judge(x)
}

// seen counts the memory of an agent; several things are kept of each.
func (p *planner) seen(agent gc.AgentID) {
	if _, known := p.later[agent]; !known {
		p.later[agent] = false
		p.size += overhead + len(agent)
	}
}

func (p *planner) newStep(where string, x *capture.Record, inside bool) *step {
	s := &step{where: where, Record: *x, planned: inside}
	var err error
	s.command, err = wire.ParseCommand(x.Type, x.Text())
	_, _, s.secret = passwordField(x, s.command.Spec)
	switch {
	case x.Redelivered:
		s.skip = "it was redelivered, and only a broker can do that"
	case x.Binary || x.Raw != nil:
		s.skip = "it was not text, and only text can be sent"
	case err == nil && s.command.Spec.CallControl() && !x.Sent.IsZero() && x.Time.Sub(x.Sent) > p.maxAge:
		s.skip = "it came too late to be run, and would not be late now"
	case s.command.Spec == nil:
		s.note = unknownCommand + "; it is sent as it is"
	case err != nil:
		s.note = "it cannot be read; it is sent as it is"
	}
	if !inside { // only the fact that it was there is kept
		s.Record.Body, s.Record.Raw = "", nil
	}
	if x.Request != "" {
		p.byRequest.put(x.Request, s)
	}
	if err == nil && s.command.Spec.Name == gc.Connect {
		p.lastConnect[x.Agent] = s
	}
	return s
}

// event keeps a captured event; after the end of the cut, only answers and what
// still belongs to the agent's last command.
func (p *planner) event(where string, x *capture.Record, late bool) {
	a := &awaited{expected: expected{where: where, number: uint64(len(p.all)) + 1, Record: *x}, format: wire.Format(x.Format)}
	a.reading = readingOf(x.Text(), a.format)
	a.answers = p.byRequest.values[x.Request]
	if a.answers != nil && !a.answers.planned {
		a.answers, a.optional = nil, true
	}
	if late && a.answers == nil {
		if p.later[x.Agent] {
			return
		}
		a.optional = true
	}
	p.all = append(p.all, a)
	p.size += overhead + x.Weight()
	if !p.named[a.of] {
		p.named[gc.AgentID(strings.Clone(string(a.of)))] = true
		p.size += nameOverhead + len(a.of)
	}
	if len(p.steps) == 0 {
		a.optional = true
		p.before = append(p.before, a)
		return
	}
	last := p.steps[len(p.steps)-1]
	last.follow = append(last.follow, a)
}

var (
	callURI  = regexp.MustCompile(`/(?:finesse/api/)?Dialog/([0-9A-Za-z_]+)`)
	callText = regexp.MustCompile(`(?:DialogID:|ialogId":"|#Dialog(?:State|Status)#(?:[A-Z_]+#)?)([0-9A-Za-z_]+)`)
	token    = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|[0-9A-Za-z_]+`)
	isTime   = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$`)
)

// callsIn learns the ids of calls from what came out and from Finesse: an id
// that only a driver named is not one.
func (p *planner) callsIn(x *capture.Record) {
	in := callURI
	switch {
	case x.IsEvent():
		in = callText
	case x.Edge == capture.Broker, x.Edge == capture.REST && (x.Dir == capture.Out || x.Status/100 != 2):
		return
	}
	for _, found := range in.FindAllStringSubmatch(x.Text(), -1) {
		if id := found[1]; strings.ContainsAny(id, "0123456789") && !p.dialogs[id] {
			p.dialogs[strings.Clone(id)] = true // so as not to keep the whole text
			p.size += nameOverhead + len(id)
		}
	}
}

// namedIn returns the known calls that a text names, each once, up to one more
// than an event may be about.
func (p *planner) namedIn(text string) (calls []string) {
	found := map[string]bool{}
	for len(text) > 0 && len(calls) <= maxAbout {
		at := token.FindStringIndex(text)
		if at == nil {
			break
		}
		if t := text[at[0]:at[1]]; p.dialogs[t] && !found[t] {
			found[t] = true
			calls = append(calls, t)
		}
		text = text[at[1]:]
	}
	return calls
}

// judgeCalls finds out which calls came from outside, and so which events
// cannot be expected.
func (p *planner) judgeCalls(ctx context.Context) {
	for _, s := range p.steps {
		if id := string(s.command.Dialog); p.dialogs[id] {
			s.calls = []string{id}
		}
	}
	made, calls := map[string]*step{}, map[*step][]string{} // who made each call, and what each command made
	for _, a := range p.all {
		if ctx.Err() != nil || p.tooLong() {
			return // the plan is not used
		}
		a.calls = p.namedIn(a.Text())
		p.size += 2 * listOverhead * len(a.calls) // and as many in about
		s := a.answers
		if s == nil || s.command.Spec == nil || !s.command.Spec.CallControl() {
			continue
		}
		for _, call := range a.calls {
			if made[call] == nil && !slices.Contains(s.calls, call) {
				made[call], calls[s] = s, append(calls[s], call)
			}
		}
	}
	outside := map[string]bool{}
	for _, s := range p.steps { // in order, so that a call made from another is judged after that one
		if s.skip != "" || slices.ContainsFunc(s.calls, func(c string) bool { return made[c] == nil || outside[c] }) {
			for _, call := range calls[s] {
				outside[call] = true
			}
		}
	}
	for call := range p.dialogs {
		outside[call] = outside[call] || made[call] == nil
	}
	for _, s := range p.steps {
		s.outside = slices.ContainsFunc(s.calls, func(c string) bool { return outside[c] })
	}
	for _, a := range p.all {
		p.judgeEvent(a, outside)
	}
	p.disturb(ctx, outside)
}

// judgeEvent decides whether a command that is sent can cause an event.
func (p *planner) judgeEvent(a *awaited, outside map[string]bool) {
	for _, call := range a.calls {
		if outside[call] {
			a.about = append(a.about, call)
		}
	}
	if a.answers != nil && a.answers.outside {
		a.about = append(a.about, a.answers.calls...)
	}
	switch {
	case a.answers != nil && a.answers.skip != "", a.Request != "" && a.answers == nil, len(a.about) > maxAbout:
		a.optional, a.about = true, nil
	case len(a.about) > 0:
		a.optional = true
	case a.answers == nil && (a.Agent == "" || a.Event == "Error" || !p.playedFor[a.Agent]):
		a.optional = true // Finesse or the broker came or went
	}
}

// disturb marks states that calls from outside may have influenced: those
// between two commands of an agent who has such a call then, and that agent's
// states as reported to others.
func (p *planner) disturb(ctx context.Context, outside map[string]bool) {
	alive := map[gc.AgentID]*calls{}
	spans := map[gc.AgentID][]*awaited{}
	end := func(agent gc.AgentID) {
		if alive[agent] == nil {
			alive[agent] = &calls{on: map[string]bool{}}
		}
		p.disturbSpan(alive[agent], spans[agent], outside)
		spans[agent] = nil
	}
	for _, s := range p.steps {
		if ctx.Err() != nil || p.tooLong() {
			return // the plan is not used
		}
		if s.skip == "" && !s.outside {
			end(s.Agent)
		}
		for _, a := range s.follow {
			spans[a.Agent] = append(spans[a.Agent], a)
		}
	}
	for agent := range spans {
		end(agent)
	}
}

// disturbSpan marks the states between two commands; alive are the agent's calls at
// the first.
func (p *planner) disturbSpan(alive *calls, span []*awaited, outside map[string]bool) {
	about := p.disturbing(alive, span)
	for _, a := range span {
		if len(about) > 0 && len(a.calls) == 0 && (a.answers == nil || a.Event == "State") {
			a.optional, a.about = true, about
			if len(about) > maxAbout {
				a.about = nil
			}
		}
	}
	for _, a := range span {
		for _, call := range a.calls {
			switch {
			case !outside[call]:
			case a.ended == gc.DialogID(call):
				alive.set(call, false)
			case a.ended != "": // it says nothing about others
			case len(alive.on) <= maxAbout:
				alive.set(call, true)
			}
		}
	}
}

// disturbing returns the calls from outside in a span of an agent. All its events
// share one list, and so do all spans between which no call comes or goes.
func (p *planner) disturbing(alive *calls, span []*awaited) []string {
	come := map[string]bool{}
	for _, a := range span {
		for _, call := range a.about {
			if !alive.on[call] {
				come[call] = true
			}
		}
	}
	if len(come) == 0 && alive.list != nil {
		return alive.list
	}
	list := slices.AppendSeq(slices.Collect(maps.Keys(alive.on)), maps.Keys(come))
	p.size += listOverhead * len(list)
	if len(come) == 0 {
		alive.list = list
	}
	return list
}

// calls are those of an agent that came from outside and have not ended.
type calls struct {
	on   map[string]bool
	list []string // nil when they have changed
}

func (c *calls) set(call string, on bool) {
	if c.on[call] == on {
		return
	}
	if c.list = nil; on {
		c.on[call] = true
	} else {
		delete(c.on, call)
	}
}

// concerns reports whether events about an agent can belong to the replay;
// others may use the same destination.
func (p *Plan) concerns(agent gc.AgentID) bool {
	return p.playedFor[agent] || p.named[agent] || agent == ""
}

// Lacking returns the agents whose password is needed and missing, in the order
// of their commands.
func (p *Plan) Lacking(secrets Secrets) []gc.AgentID {
	var all []gc.AgentID
	found := map[gc.AgentID]bool{}
	for _, s := range p.steps {
		_, ok := secrets[s.command.Agent]
		if s.secret && s.skip == "" && !ok && !found[s.command.Agent] {
			found[s.command.Agent] = true
			all = append(all, s.command.Agent)
		}
	}
	return all
}

// Planned is a command as a dry run shows it.
type Planned struct {
	Where   string        `json:"where"`
	After   time.Duration `json:"after"` // the first, in nanoseconds
	Command string        `json:"command"`
	Sent    bool          `json:"sent"`
	Text    string        `json:"text,omitempty"`
}

// Commands lists what would be sent, at a speed.
func (p *Plan) Commands(speed float64) []Planned {
	var all []Planned
	for _, s := range p.steps {
		text := s.skip
		switch {
		case text != "":
		case s.outside:
			text = "only if such a call comes: nobody in the capture made it"
		default:
			text = s.note
		}
		all = append(all, Planned{s.where, p.due(s, speed), commandText(&s.Record), s.skip == "", text})
	}
	return all
}

// due returns when a step is sent, after the first; at once if speed is 0.
func (p *Plan) due(s *step, speed float64) time.Duration {
	if speed == 0 {
		return 0
	}
	return max(0, time.Duration(float64(s.Time.Sub(p.steps[0].Time))/speed))
}
