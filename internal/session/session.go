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
// it reads the truth. The Acknowledge of the command rides on the last event of
// its answer.
//
// A session knows no broker, no HTTP and no XMPP.
package session

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/backoff"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Options wires a session. All fields are required.
type Options struct {
	Agent    gc.AgentID
	Node     func() Node    // the node to use now; never blocks
	Emit     func(Emission) // called from the session's goroutine; must not block
	Ended    func()         // called once, after the last Emit
	Licences Licences
	Recorder Recorder
	// SystemChanged is called when Finesse notifies a change of its own state.
	SystemChanged func()
	Logger        *zap.Logger
	Times         Times
}

// Times are the session's deadlines.
type Times struct {
	Outcome time.Duration // from Finesse's 202 to its notification
	Idle    time.Duration // after which a session nobody connected ends
	Backoff func(attempt int) time.Duration
}

// DefaultTimes are those of the daemon. Cisco saw notifications 14 s late
// under load, so an outcome is awaited longer than that.
var DefaultTimes = Times{Outcome: 15 * time.Second, Idle: 10 * time.Minute, Backoff: backoff.FullJitter}

// Emission is an event on its way to a driver.
type Emission struct {
	Destination gc.Destination // "" for gc.AgentSync, which is for other connectors
	Event       gc.Event
	Cause       *Request // the command that the event answers, nil for none
	Acknowledge func()   // to be called once the event is confirmed; may be nil
}

// mailboxSize bounds the commands waiting for one agent. A person's driver
// has one or two; a full mailbox is answered PLEASE_RETRY by the caller.
const mailboxSize = 32

// Session is one agent's session.
type Session struct {
	Options
	mailbox  chan *Request
	results  chan func()
	remind   chan struct{}
	draining chan struct{}
	drain    sync.Once
	done     chan struct{}
	intake   sync.Mutex // guards closed and sending to mailbox
	closed   bool
	home     atomic.Value // gc.Destination, for others to read

	// All below belong to the session's goroutine.
	ctx     context.Context // of the requests to Finesse
	working int             // results to come

	destination gc.Destination // of the driver that proved the password
	credentials finesse.Credentials
	connected   bool // the credentials were proved and not refused since
	refused     bool // Finesse refused the credentials
	licensed    bool
	node        Node
	stream      Stream // nil while it is away
	attempts    int    // to get the stream back
	redial      <-chan time.Time

	user   finesse.User
	clock  uint64 // counts notifications; see truth
	seen   uint64 // clock of the last user notification
	calls  map[gc.DialogID]*call
	barged map[string]bool              // the extensions of supervisors who broke into a call
	teams  map[gc.TeamID]*team          // those the driver asked about
	leads  atomic.Pointer[[]gc.AgentID] // their members, for others to read

	busy     bool // a command holds the line
	awaiting []*await
}

// New makes a session; Run gives it life.
func New(o Options) *Session {
	return &Session{
		Options:  o,
		mailbox:  make(chan *Request, mailboxSize),
		results:  make(chan func()),
		remind:   make(chan struct{}, 1),
		draining: make(chan struct{}),
		done:     make(chan struct{}),
		calls:    map[gc.DialogID]*call{},
		barged:   map[string]bool{},
		teams:    map[gc.TeamID]*team{},
	}
}

// Errors of Submit.
var (
	ErrFull  = errors.New("session: mailbox is full")
	ErrEnded = errors.New("session: ended")
)

// Submit hands r to the session. It never blocks and may be called from any
// goroutine. A request that was taken is always answered.
func (s *Session) Submit(r *Request) error {
	s.intake.Lock()
	defer s.intake.Unlock()
	if s.closed {
		return ErrEnded
	}
	select {
	case s.mailbox <- r:
		return nil
	default:
		return ErrFull
	}
}

// Tell asks the session to tell its driver the agent's state and calls, as it
// knows them. It never blocks and may be called from any goroutine.
func (s *Session) Tell() {
	select {
	case s.remind <- struct{}{}:
	default: // asked already
	}
}

// Destination is where the agent's events go now, "" before the first Connect.
// It may be called from any goroutine.
func (s *Session) Destination() gc.Destination {
	d, _ := s.home.Load().(gc.Destination)
	return d
}

// Drain lets the session end once it has answered what it holds. It returns
// when the session has ended or ctx is done; Run's context ends it by force.
func (s *Session) Drain(ctx context.Context) {
	s.drain.Do(func() { close(s.draining) })
	select {
	case <-s.done:
	case <-ctx.Done():
	}
}

// Run is the session's goroutine. It returns when ctx ends, after a Drain, or
// when nobody has connected the agent for a while, and after every goroutine
// it started. Requests it still holds then are answered PLEASE_RETRY.
func (s *Session) Run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	s.ctx = ctx
	s.guard(s.loop)
	cancel()
	s.guard(func() {
		for s.working > 0 {
			s.apply(<-s.results)
		}
	})
	s.guard(s.leave)
	close(s.done)
	s.Ended()
}

func (s *Session) loop() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for draining := s.draining; draining != nil || !s.idle(); {
		mailbox := s.mailbox
		if s.busy {
			mailbox = nil
		}
		var updates <-chan finesse.Update
		if s.stream != nil {
			updates = s.stream.Updates()
		}
		timer.Reset(s.patience())
		select {
		case r := <-mailbox:
			s.begin(r)
		case f := <-s.results:
			s.apply(f)
		case u, ok := <-updates:
			if ok {
				s.notified(u)
			} else {
				s.streamLost()
			}
		case <-s.redial:
			s.resubscribe()
		case <-s.remind:
			s.tellTruth()
		case <-timer.C:
			if !s.connected && s.idle() {
				return
			}
			s.expire(time.Now())
		case <-draining:
			draining = nil
		case <-s.ctx.Done():
			return
		}
	}
}

// patience is how long the session may wait for something to happen: until
// the next outcome is overdue or, when nobody has connected the agent, until
// it ends.
func (s *Session) patience() time.Duration {
	if !s.connected && s.idle() {
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
func (s *Session) idle() bool { return !s.busy && len(s.awaiting) == 0 && len(s.mailbox) == 0 }

const ending = "the session ends"

// leave answers what is held and gives back what was taken. The agent stays
// signed in at Finesse.
func (s *Session) leave() {
	if s.stream != nil {
		s.stream.Close()
	}
	if s.licensed {
		s.Licences.Give()
	}
	for _, a := range s.awaiting {
		s.refuse(a.request, gc.PleaseRetry, ending)
	}
	s.intake.Lock()
	s.closed = true
	s.intake.Unlock()
	for len(s.mailbox) > 0 {
		s.refuse(<-s.mailbox, gc.PleaseRetry, ending)
	}
}

// guard lets a panic end this session only. The driver is asked to sign the
// agent in again, which starts a new one.
func (s *Session) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			s.Logger.Error("session failed and ends; please report the stack", zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
			s.emit(gc.ReLogin{Agent: s.Agent})
		}
	}()
	f()
}

// work runs f beside the session; what f returns runs in the session, always.
// f must end with ctx and touch nothing of the session's.
func (s *Session) work(f func(ctx context.Context) func()) {
	s.working++
	ctx := s.ctx
	go func() {
		select {
		case s.results <- f(ctx):
		case <-s.done: // only after a panic
		}
	}()
}

func (s *Session) apply(result func()) {
	s.working--
	result()
}

// bind makes d the agent's destination.
func (s *Session) bind(d gc.Destination) {
	s.destination = d
	s.home.Store(d)
}

// emit sends an event to the agent's destination, if there is one.
func (s *Session) emit(e gc.Event) { s.Emit(Emission{Destination: s.destination, Event: e}) }
