package session

import (
	"errors"
	"sync"
	"sync/atomic"
)

// maxHeld bounds the commands of one agent that are not answered, whether they
// wait for their turn, for Finesse, or for a notification that may be late:
// anybody can send them, and each is one of the few that the broker gives at a
// time. A person's driver has one or two, one of a supervisor who changes a whole
// team some dozens.
const maxHeld = 64

// Errors of Submit.
var (
	ErrFull  = errors.New("session: too many commands wait")
	ErrEnded = errors.New("session: ended")
)

// mailbox is the way into a session, open to any goroutine. Nobody waits at it.
type mailbox struct {
	requests chan *Request // never full; see submit
	held     atomic.Int32  // commands submitted and not answered
	remind   chan struct{} // has an element when missed is to be looked at
	draining chan struct{} // closed when the session is to end
	drain    sync.Once

	mu     sync.Mutex // guards what follows, and sending to requests
	closed bool
	missed missed
}

// missed is what drivers may not have heard.
type missed struct {
	all     bool       // anything
	answers []Emission // these
}

func newMailbox() *mailbox {
	return &mailbox{requests: make(chan *Request, maxHeld), remind: make(chan struct{}, 1), draining: make(chan struct{})}
}

func (m *mailbox) submit(r *Request) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrEnded
	}
	if m.held.Load() >= maxHeld {
		return ErrFull
	}
	m.held.Add(1)
	m.requests <- r // those that it has are held, so that there is room
	return nil
}

// answered makes room for another command.
func (m *mailbox) answered() { m.held.Add(-1) }

func (m *mailbox) dismiss() { m.drain.Do(func() { close(m.draining) }) }

// miss is false when the session has ended.
func (m *mailbox) miss(what missed) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.missed.all = m.missed.all || what.all
	m.missed.answers = append(m.missed.answers, what.answers...)
	select {
	case m.remind <- struct{}{}:
	default: // asked already
	}
	return true
}

// takeMissed is what was missed since it was taken last.
func (m *mailbox) takeMissed() missed {
	m.mu.Lock()
	defer m.mu.Unlock()
	what := m.missed
	m.missed = missed{}
	return what
}

// close lets nothing in any more.
func (m *mailbox) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
}
