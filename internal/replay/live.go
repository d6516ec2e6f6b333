package replay

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/broker"
)

// Connection is what a live replay needs of a broker; *broker.Client has it.
type Connection interface {
	Send(context.Context, broker.Outgoing) error
	Subscribe(ctx context.Context, destination string, handle func(*broker.Delivery)) error
	Done() <-chan struct{}
	Err() error
}

// LiveOptions say how a plan is played.
type LiveOptions struct {
	Queue    string // of commands, without its kind
	Category string // the property of that name
	Speed    float64
	Secrets  Secrets
	Wait     time.Duration  // for events, and for calls that commands are about
	Progress func(Progress) // may be nil
}

// Progress is how far a live replay is.
type Progress struct {
	At                        time.Time // in the capture
	Sent, Commands, Same, All int       // of commands and events
}

const (
	confirmed = 10 * time.Second       // how long the broker may take for a command
	quiet     = 300 * time.Millisecond // for events that were not captured, after all that were
)

// Live sends the commands of a plan and compares the events that come with the
// captured ones. Speed is a factor; at any speed a command waits for the events
// captured for its agent before it, and at 0 for nothing else. An error means
// that it ended early; the report covers what came before.
func Live(ctx context.Context, p *Plan, c Connection, o LiveOptions) (*Report, error) {
	l := newPlayed(p, c, o)
	start := time.Now()
	defer func() { p.report.Live.Took = time.Since(start) }()
	err := l.subscribe(ctx)
	if err == nil {
		err = l.play(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if err != nil {
		p.report.Ended = fmt.Sprintf("ended early, after command %d of %d; events still awaited are not compared", l.summary.Sent+l.summary.NotSent, len(p.steps))
		return p.report, err
	}
	l.conclude()
	return p.report, nil
}

// played is a live replay at work. Its main goroutine sends, that of the
// connection hears.
type played struct {
	plan    *Plan
	conn    Connection
	options LiveOptions
	summary *LiveSummary
	changed chan struct{}     // something was heard
	replies map[string]string // captured temporary destinations, and the topics that replace them

	mu       sync.Mutex
	over     bool
	mapping  *mapping
	ids      map[string]*step       // by correlation id
	released map[address][]*awaited // events that can come now, in the order of the capture
	last     map[lane]uint64        // number of the latest that came
	waiting  []*heard               // events that have no counterpart yet
	given    map[string]bool        // calls that were waited for in vain
	all      int
}

func newPlayed(p *Plan, c Connection, o LiveOptions) *played {
	l := &played{
		plan: p, conn: c, options: o, summary: p.report.Live, changed: make(chan struct{}, 1), replies: map[string]string{},
		mapping: newMapping(), ids: map[string]*step{}, released: map[address][]*awaited{}, last: map[lane]uint64{}, given: map[string]bool{},
	}
	run := rand.Text()[:8]
	for i, s := range p.steps {
		s.id = fmt.Sprintf("replay-%s-%d", run, i+1)
		l.ids[s.id] = s
		l.all += len(s.follow)
		if to := s.ReplyTo; strings.Contains(to, "temp-") && l.replies[to] == "" {
			l.replies[to] = fmt.Sprintf("/topic/replay.%s.%d", run, len(l.replies)+1)
		}
	}
	return l
}

// subscribe listens to the destinations of the captured events.
func (l *played) subscribe(ctx context.Context) error {
	all := map[string]bool{}
	for _, s := range l.plan.steps {
		for _, a := range s.follow {
			a.Destination = cmp.Or(l.replies[a.Destination], a.Destination)
			all[a.Destination] = true
		}
	}
	ctx, cancel := context.WithTimeout(ctx, confirmed)
	defer cancel()
	for _, d := range slices.Sorted(maps.Keys(all)) {
		if err := l.conn.Subscribe(ctx, d, l.hear); err != nil {
			return fmt.Errorf("listen to %s: %w", d, err)
		}
	}
	return nil
}

func (l *played) play(ctx context.Context) error {
	start := time.Now()
	for _, s := range l.plan.steps {
		if err := l.pause(ctx, time.Until(start.Add(l.plan.due(s, l.options.Speed)))); err != nil {
			return err
		}
		if err := l.step(ctx, s); err != nil {
			return err
		}
	}
	if err := l.await(ctx, l.everything); err != nil {
		return err
	}
	return l.pause(ctx, quiet)
}

// step sends a command, once what it needs has come.
func (l *played) step(ctx context.Context, s *step) error {
	if s.skip == "" && s.Agent != "" { // its driver knew those when it sent the command
		if err := l.await(ctx, func() bool { return l.answered(s) }); err != nil {
			return err
		}
	}
	skip := s.skip
	if skip == "" && len(s.calls) > 0 {
		if err := l.await(ctx, func() bool { return l.mapping.knows(s.calls) || l.inVain(s) }); err != nil {
			return err
		}
		skip = l.unknownCall(s)
	}
	l.release(s)
	if skip != "" {
		l.summary.NotSent++
		l.plan.report.note(s.where, &s.Record, "not sent: "+skip)
		return nil
	}
	if s.note != "" {
		l.plan.report.note(s.where, &s.Record, s.note)
	}
	return l.send(ctx, s)
}

// inVain reports whether a call of s was awaited before and did not come.
// Called with mu held.
func (l *played) inVain(s *step) bool {
	return slices.ContainsFunc(s.calls, func(c string) bool { return l.given[c] })
}

// unknownCall returns why a command about a call cannot be sent, "" when it
// can.
func (l *played) unknownCall(s *step) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mapping.knows(s.calls) {
		return ""
	}
	for _, c := range s.calls {
		l.given[c] = true
	}
	if s.outside {
		return "nobody in the capture made its call, and no such call came"
	}
	return "its call did not come"
}

func (l *played) send(ctx context.Context, s *step) error {
	body := l.body(s)
	m := broker.Outgoing{Destination: "/queue/" + l.options.Queue, Headers: map[string]string{"type": s.Type, "correlation-id": s.id}, Body: body}
	for name, value := range map[string]string{
		l.options.Category: s.Category, "format": s.Format, "reply-to": cmp.Or(l.replies[s.ReplyTo], s.ReplyTo),
	} {
		if value != "" {
			m.Headers[name] = value
		}
	}
	limited, cancel := context.WithTimeout(ctx, confirmed)
	defer cancel()
	if err := l.conn.Send(limited, m); err != nil {
		return fmt.Errorf("send %s of %s: %w", commandText(&s.Record), s.where, err)
	}
	l.summary.Sent++
	return nil
}

// body returns the parameters as they are now.
func (l *played) body(s *step) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case s.secret:
		return s.withPassword(l.options.Secrets[s.command.Agent])
	case len(s.calls) > 0:
		return l.mapping.now(s.Text())
	default:
		return s.Text()
	}
}

// answered reports whether all events captured for the agent before s have
// come.
func (l *played) answered(s *step) bool {
	return !l.lacks(func(a *awaited) bool { return a.Agent == s.Agent })
}

func (l *played) everything() bool { return !l.lacks(func(*awaited) bool { return true }) }

// lacks reports whether an event that match accepts is still awaited.
func (l *played) lacks(match func(*awaited) bool) bool {
	for _, all := range l.released {
		if slices.ContainsFunc(all, func(a *awaited) bool { return !a.overdue && match(a) && l.needed(a) }) {
			return true
		}
	}
	return false
}

// needed reports whether the event has to come. Called with mu held.
func (l *played) needed(a *awaited) bool {
	return !a.optional || len(a.about) > 0 && l.mapping.knows(a.about)
}

// await waits until done, called with mu held, returns true, but no longer than
// LiveOptions.Wait. Events that have not come by then are not awaited again.
func (l *played) await(ctx context.Context, done func() bool) error {
	deadline := time.NewTimer(l.options.Wait)
	defer deadline.Stop()
	for {
		l.mu.Lock()
		ready := done()
		l.mu.Unlock()
		l.progress()
		if ready {
			return nil
		}
		select {
		case <-l.changed:
		case <-deadline.C:
			l.mu.Lock()
			defer l.mu.Unlock()
			for _, all := range l.released {
				for _, a := range all {
					a.overdue = true
				}
			}
			return nil
		case <-l.conn.Done():
			return fmt.Errorf("the connection to the broker ended: %w", l.conn.Err())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pause lets time pass.
func (l *played) pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	end := time.NewTimer(d)
	defer end.Stop()
	for {
		select {
		case <-end.C:
			return nil
		case <-l.changed:
			l.progress()
		case <-l.conn.Done():
			return fmt.Errorf("the connection to the broker ended: %w", l.conn.Err())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *played) progress() {
	if l.options.Progress == nil {
		return
	}
	l.mu.Lock()
	p := Progress{Sent: l.summary.Sent, Commands: len(l.plan.steps), Same: l.plan.report.Events, All: l.all}
	l.mu.Unlock()
	if done := l.summary.Sent + l.summary.NotSent; done > 0 {
		p.At = l.plan.steps[done-1].Time
	}
	l.options.Progress(p)
}
