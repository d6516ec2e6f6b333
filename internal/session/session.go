// Package session is one agent's life between a driver and Finesse.
//
// A session is one goroutine that owns all of the agent's state. Commands
// reach it through a bounded mailbox, answers of Finesse's REST interface and
// of its notification stream as events, so that the order the package promises
// is a property of the design:
//
//   - commands of one agent are sent to Finesse in the order submitted;
//   - events of one agent are emitted in the order they happened;
//   - a request that Finesse does not answer delays only this agent, and at
//     most by the deadline of the request.
//
// A command is done when its outcome is known: Finesse answers 202 long before
// the agent's state changes, so the session waits for the notification that
// shows the change, for the asynchronous error, or for a deadline after which
// it reads a snapshot. The Acknowledge of the command rides on the last event of
// its answer.
//
// When its Finesse node dies the session goes on at the other one: it opens a
// stream there, signs the agent in again if Finesse has signed it out, and reports
// what is different, so that the driver sees the failure only in a command that
// was under way. See failover.
//
// A session knows no broker, no HTTP and no XMPP.
package session

import (
	"context"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/agent"
	"github.com/finesse-connector/finesse-connector/internal/backoff"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/pulse"
	"github.com/finesse-connector/finesse-connector/internal/rate"
)

// Options wires a session. All fields are required.
type Options struct {
	Agent gc.AgentID
	Node  func() Node    // the node to use now; never blocks, may be called from any goroutine
	Emit  func(Emission) // called from the session's goroutine; must not block
	// Bound is called from the session's goroutine when a password was proved: from
	// then on the agent's events go to the destination. The request is the one
	// that proved it.
	Bound func(gc.Destination, *Request)
	// Leads is called from the session's goroutine with the members of all teams
	// that the driver has asked about, each time they change: none when nobody is
	// led any more, but for the session's end.
	Leads func([]gc.AgentID)
	// Followers are the destinations whose supervisors have asked about an agent's
	// team. It is called from the session's goroutine and must not block.
	Followers func(gc.AgentID) []gc.Destination
	Ended     func() // called once, after the last Emit
	Licences  Licences
	Recorder  Recorder
	// AsText is a value as drivers of a text format hear it. It may be called from any
	// goroutine.
	AsText func(string) string
	// SystemChanged is called when Finesse notifies a change of its own state.
	SystemChanged func()
	Logger        *zap.Logger
	Times         Times
	// Wait has the last word on how long the session waits before it tries to
	// get its stream back, which was to be d; nil leaves it at that.
	Wait func(d time.Duration) time.Duration
}

// Times are the session's deadlines.
type Times struct {
	Outcome time.Duration // from Finesse's 202 to its notification
	Idle    time.Duration // after which a session nobody connected ends
	Refused time.Duration // the same, when no password of the agent was proved and Finesse has refused those it was asked about
	Attempt time.Duration // one attempt to get the notification stream back, or to find out how a node is
	Backoff func(attempt int) time.Duration
	// Jitter is how long a session without a live call waits before its first
	// attempt, so that those with one come first and thousands do not come at
	// once.
	Jitter func() time.Duration
	// Undo is how long after a failover a LOGOUT nobody asked for is taken for the
	// old node's and undone, and UndoAfter how long that waits, so that the old
	// node has done its worst.
	Undo, UndoAfter time.Duration
}

// DefaultTimes are those of the daemon. Cisco saw notifications 14 s late
// under load, so an outcome is awaited longer than that. Finesse signs the
// agents of a node that died out after 60 s, at the latest 180 s (Finesse
// developer guide); work goes on at the other node before.
var DefaultTimes = Times{
	Outcome: 15 * time.Second, Idle: 10 * time.Minute, Refused: 5 * time.Second, Attempt: 20 * time.Second, Backoff: backoff.FullJitter,
	Jitter: func() time.Duration { return rand.N(3 * time.Second) },
	Undo:   time.Minute, UndoAfter: time.Second,
}

// Emission is an event on its way to a driver.
type Emission struct {
	Agent       gc.AgentID     // whose session it comes from; package bridge sets it
	Destination gc.Destination // "" for gc.AgentSync, which is for other connectors
	Event       gc.Event
	Cause       *Request // the command that the event answers, nil for none
	Acknowledge func()   // to be called once the event is confirmed; may be nil
}

// Session is one agent's session.
type Session struct {
	Options
	mailbox *mailbox
	pulse   *pulse.Pulse // of loop

	// All below belong to the session's goroutine.
	jobs     jobs
	line     line
	access   access
	licensed bool
	place    place
	failover failover

	known   *agent.Agent    // what is known of the agent
	wrapUps []gc.ReasonCode // as Finesse listed them last
	doubts  doubts
	said    said

	awaiting []*await
	open     []*Request // begun or held, and not answered
}

// said is what was said in the log already, or often.
type said struct {
	leftOut bool       // that Finesse reports more than is kept
	stray   rate.Limit // errors that answer no command
}

// New makes a session; Run gives it life.
func New(o Options) *Session {
	s := &Session{
		Options: o,
		mailbox: newMailbox(),
		jobs:    newJobs(),
		pulse:   pulse.New("the session of agent "+string(o.Agent), stuckAfter),
	}
	s.said.stray = rate.Limit{Most: 10, Rate: 0.1}
	s.known = agent.New(o.Agent, s.undoes)
	return s
}

// Submit hands r to the session. It never blocks and may be called from any
// goroutine. A request that was taken is always answered; one more than may wait
// is ErrFull.
func (s *Session) Submit(r *Request) error { return s.mailbox.submit(r) }

// Dismiss lets the session end once it has answered what it holds. It never
// blocks and may be called from any goroutine.
func (s *Session) Dismiss() { s.mailbox.dismiss() }

// Tell asks the session to tell its driver the agent's state and calls, and the
// teams it follows, as it knows them. It never blocks and may be called from
// any goroutine.
func (s *Session) Tell() { s.mailbox.miss(missed{all: true}) }

// Retell asks the session to answer a command again: e, its answer, may have
// been lost. It is answered with what is true by now, because what e says may
// not be. It never blocks and may be called from any goroutine; it is false
// when the session has ended.
func (s *Session) Retell(e Emission) bool { return s.mailbox.miss(missed{answers: []Emission{e}}) }

// Destination is where the agent's events go now, "" before the first Connect.
// It may be called from any goroutine.
func (s *Session) Destination() gc.Destination { return s.access.destination() }

// stuckAfter is very long for a session: nothing in its loop waits for anybody.
const stuckAfter = 2 * time.Minute

// Live asks whether the session still takes what comes; see pulse.Pulse.
func (s *Session) Live() error { return s.pulse.Live() }

// Works reports whether a password of the agent was proved and not refused
// since. It may be called from any goroutine.
func (s *Session) Works() bool { return s.access.connected() }

// Drain is Dismiss, and returns when the session has ended or ctx is done; Run's
// context ends it by force.
func (s *Session) Drain(ctx context.Context) {
	s.Dismiss()
	select {
	case <-s.jobs.done:
	case <-ctx.Done():
	}
}

// Run is the session's goroutine. It returns when ctx ends, after a Drain, or
// when nobody has connected the agent for a while, and after every goroutine
// it started. Requests it still holds then are answered PLEASE_RETRY.
func (s *Session) Run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	s.jobs.ctx = ctx
	s.guard(s.loop)
	cancel()
	s.guard(func() {
		for s.jobs.running > 0 || s.failover.signIn != nil {
			if s.jobs.running > 0 {
				s.jobs.ended(<-s.jobs.results)
			} else { // what waits for it gets its answer
				s.abandon(s.failover.signIn, gc.Errorf(gc.Down, "sign in again", ending))
			}
		}
	})
	s.guard(s.leave)
	close(s.jobs.done)
	s.Ended()
}

func (s *Session) loop() {
	s.pulse.Begin()
	defer s.pulse.End()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	asked := false // nothing has happened but that somebody asked
	for draining := s.mailbox.draining; draining != nil || !s.idle(); {
		if r := s.line.takeFirst(); r != nil {
			s.begin(r)
			continue // it may have been the last
		}
		if s.logoutIsDue() {
			s.logoutNow()
			continue
		}
		s.findOut()
		requests := s.mailbox.requests
		if !s.line.free() {
			requests = nil
		}
		var updates <-chan finesse.Update
		if s.place.stream != nil {
			updates = s.place.stream.Updates()
		}
		if !asked {
			timer.Reset(s.patience())
		}
		asked = false
		select {
		case r := <-requests:
			s.open = append(s.open, r)
			s.accept(r)
		case f := <-s.jobs.results:
			s.jobs.ended(f)
		case u, ok := <-updates:
			if ok {
				s.notified(u)
			} else {
				s.streamLost()
			}
		case <-s.place.redial:
			s.resubscribe()
		case <-s.place.health:
			s.consider()
		case <-s.mailbox.remind:
			s.reportMissed()
		case <-s.pulse.Asked():
			asked = true
		case <-timer.C:
			if !s.access.connected() && s.idle() {
				return
			}
			s.expire(time.Now())
		case <-draining:
			draining = nil
		case <-s.jobs.ctx.Done():
			return
		}
	}
}

// patience is how long the session may wait for something to happen: until
// the next outcome is overdue or, when nobody has connected the agent, until
// it ends.
func (s *Session) patience() time.Duration {
	if !s.access.connected() && s.idle() {
		if s.access.worthless() {
			return s.Times.Refused
		}
		return s.Times.Idle
	}
	next := time.Hour
	for _, a := range s.awaiting {
		if !a.deadline.IsZero() {
			next = min(next, max(0, time.Until(a.deadline)))
		}
	}
	return next
}

// idle reports whether the session owes nobody an answer.
func (s *Session) idle() bool {
	return s.line.free() && len(s.awaiting) == 0 && len(s.mailbox.requests) == 0
}

const ending = "the session ends"

var errEnding = gc.Retry(gc.NotServed, "accept command", ending)

// leave answers what is held and gives back what was taken. The agent stays
// signed in at Finesse.
func (s *Session) leave() {
	s.place.close()
	if s.licensed {
		s.Licences.Give()
	}
	for len(s.open) > 0 {
		s.fail(s.open[0], errEnding)
	}
	s.mailbox.close()
	s.access.withdraw()
	s.reportMissed()
	for len(s.mailbox.requests) > 0 {
		s.fail(<-s.mailbox.requests, errEnding)
	}
}

// guard lets a panic end this session only. The driver is asked to sign the
// agent in again, which starts a new one; what was begun is answered by leave.
func (s *Session) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			s.Logger.Error("session failed and ends; please report the stack", zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
			s.Emit(Emission{Destination: s.access.destination(), Event: gc.ReLogin{Agent: s.Agent}})
		}
	}()
	f()
}

// report gives each change to the command that waits for it, as its answer, else to the
// driver if it is news.
func (s *Session) report(changes []agent.Change) {
	for _, c := range changes {
		if c.LeftOut != "" {
			s.reportLeftOut(c.LeftOut)
		}
		if c.SignedOut { // who is signed out has no licence and follows no team
			s.returnLicence()
			s.leaveTeams()
		}
		if c.Event != nil {
			s.reportOne(c)
		}
		if c.Leads {
			s.Leads(s.known.Led())
		}
	}
}

func (s *Session) reportOne(c agent.Change) {
	a := s.take(func(a *await) bool { return a.outcome.ShowsIn(c) })
	switch {
	case a == nil:
		if c.News {
			s.emit(c.Event)
		}
	case a.done != nil:
		if c.News && c.Call != nil {
			s.emit(c.Event)
		}
		a.done(c)
	default:
		s.release(a)
		s.answer(a.request, c.Event)
	}
}

func (s *Session) reportLeftOut(what string) {
	if s.said.leftOut {
		return
	}
	s.said.leftOut = true
	s.Logger.Warn("finesse reports more than anybody has; what is beyond is not followed", zap.String("what", what),
		zap.String("action", "find out what is wrong with finesse's notification service, or who answers in its place"))
}

// emit reports to the agent's driver what it did not ask for. Once it has heard that its
// password is refused it hears nothing more: what the session knows may be old.
func (s *Session) emit(e gc.Event) {
	if s.access.connected() && !s.access.reported {
		s.Emit(Emission{Destination: s.access.destination(), Event: e})
	}
}
