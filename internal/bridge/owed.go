package bridge

import (
	"container/list"
	"sync"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// unprovedFifths is the share of those who proved nothing, in fifths of what the
// broker gives at a time; the rest is for the commands of those who work. It is three
// commands for each of 2,000 agents who sign in at once: Connect, Login, and one
// that their drivers send after them.
const unprovedFifths = 4

// maxWaiting bounds what one of them keeps, in bytes of its body: more than any
// access token has, and 26 MB for all that the usual share lets wait.
const maxWaiting = 4 << 10

var errLong = gc.Errorf(gc.PleaseRetry, "accept command", "more than %d bytes of an agent of whom no password was proved", maxWaiting)

// errCrowd is told to who comes when no more may wait. It is the newest: those
// who wait have their turn in the order in which they came, and somebody who sends
// very many could otherwise have each of them refused before it.
var errCrowd = gc.Errorf(gc.PleaseRetry, "accept command", "too many commands of agents of whom no password was proved wait already")

// owed are the commands that are not settled. The broker gives no further one while
// all it gives at a time are unsettled, so that of each kind there is a share of them.
type owed struct {
	unproved    *share // of who proved nothing, whatever they wait for
	unconfirmed *share // of agents who work, whose answer is on its way: a tenth
}

func newOwed(prefetch int) *owed {
	return &owed{newShare(prefetch / 5 * unprovedFifths), newShare(prefetch / 10)}
}

// wait lets a command of who proved nothing wait, if there is room.
func (o *owed) wait(r *session.Request) bool { return o.unproved.enter(r, o.unproved.waiting) }

// answer notes that all a command waits for is that the broker confirms its answer;
// works is whether an agent works where that goes. When there is no room it is settled
// without: it is answered once, and need not be again.
func (o *owed) answer(r *session.Request, works bool) {
	in := o.unproved
	if works {
		if in.has(r) { // it counts there, wherever the answer goes
			return
		}
		in = o.unconfirmed
	}
	if !in.enter(r, in.answered) {
		r.Acknowledge()
	}
}

// proved notes that an agent has proved a password: what waits for it is a
// stranger's no more.
func (o *owed) proved(agent gc.AgentID) { o.unproved.proved(agent) }

// strangers is how many there are of who proved nothing.
func (o *owed) strangers() int {
	o.unproved.mu.Lock()
	defer o.unproved.mu.Unlock()
	return len(o.unproved.open)
}

// settled notes that a command, of whomever, is settled.
func (o *owed) settled(r *session.Request) {
	o.unproved.settled(r)
	o.unconfirmed.settled(r)
}

// share is at most so many commands. It is safe for concurrent use.
type share struct {
	most int

	mu       sync.Mutex
	open     map[*session.Request]*list.Element // in waiting or in answered
	waiting  *list.List                         // of *session.Request: for Finesse, or for their turn
	answered *list.List                         // whose answer is on its way: those that no session took, or to where no agent works; the oldest first
}

func newShare(most int) *share {
	return &share{most: most, open: map[*session.Request]*list.Element{}, waiting: list.New(), answered: list.New()}
}

// enter makes room, if need be, by settling the oldest that is answered.
func (s *share) enter(r *session.Request, in *list.List) bool {
	over, ok := s.move(r, in)
	if over != nil {
		over.Acknowledge()
	}
	return ok
}

func (s *share) move(r *session.Request, in *list.List) (over *session.Request, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[r] == nil && len(s.open) >= s.most {
		oldest := s.answered.Front()
		if oldest == nil {
			return nil, false
		}
		over = oldest.Value.(*session.Request)
		s.remove(over)
	}
	s.remove(r)
	s.open[r] = in.PushBack(r)
	return over, true
}

func (s *share) has(r *session.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[r] != nil
}

func (s *share) settled(r *session.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(r)
}

func (s *share) proved(agent gc.AgentID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := s.waiting.Front(); e != nil; {
		r := e.Value.(*session.Request)
		if e = e.Next(); r.Agent == agent {
			s.remove(r)
		}
	}
}

func (s *share) remove(r *session.Request) {
	e := s.open[r]
	if e == nil {
		return
	}
	delete(s.open, r)
	s.waiting.Remove(e) // it is in one of the two
	s.answered.Remove(e)
}
