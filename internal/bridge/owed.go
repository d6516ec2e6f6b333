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

var errLong = gc.Retry(gc.TooManyUnproved, "accept command", "more than %d bytes of an agent of whom no password was proved", maxWaiting)

// errCrowd is told to who comes when no more may wait. It is the newest: those
// who wait have their turn in the order in which they came, and somebody who sends
// very many could otherwise have each of them refused before it.
var errCrowd = gc.Retry(gc.TooManyUnproved, "accept command", "too many commands of agents of whom no password was proved wait already")

// owed are commands that are not settled, within a share of what the broker gives
// at a time: it gives no further one while all are unsettled. There are those of
// who proved nothing, whatever they wait for (unproved), and those of agents who
// work whose answer is on its way (unconfirmed, a tenth). It is safe for concurrent
// use.
type owed struct {
	most int

	mu       sync.Mutex
	open     map[*session.Request]*list.Element // in waiting or in answered
	waiting  *list.List                         // of *session.Request: for Finesse, or for their turn
	answered *list.List                         // whose answer is on its way: those that no session took, or to where no agent works; the oldest first
}

func newOwed(most int) *owed {
	return &owed{most: most, open: map[*session.Request]*list.Element{}, waiting: list.New(), answered: list.New()}
}

// wait lets a command wait, if there is room.
func (o *owed) wait(r *session.Request) bool { return o.enter(r, o.waiting) }

// answer notes that all a command waits for is that the broker confirms its
// answer. When there is no room it is settled without: it is answered once, and
// need not be again.
func (o *owed) answer(r *session.Request) {
	if !o.enter(r, o.answered) {
		r.Acknowledge()
	}
}

// enter makes room, if need be, by settling the oldest that is answered.
func (o *owed) enter(r *session.Request, in *list.List) bool {
	over, ok := o.move(r, in)
	if over != nil {
		over.Acknowledge()
	}
	return ok
}

func (o *owed) move(r *session.Request, in *list.List) (over *session.Request, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.open[r] == nil && len(o.open) >= o.most {
		oldest := o.answered.Front()
		if oldest == nil {
			return nil, false
		}
		over = oldest.Value.(*session.Request)
		o.remove(over)
	}
	o.remove(r)
	o.open[r] = in.PushBack(r)
	return over, true
}

func (o *owed) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.open)
}

func (o *owed) has(r *session.Request) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.open[r] != nil
}

// settled notes that a command, of whomever, is settled.
func (o *owed) settled(r *session.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.remove(r)
}

// proved notes that an agent has proved a password: what waits for it is a
// stranger's no more.
func (o *owed) proved(agent gc.AgentID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for e := o.waiting.Front(); e != nil; {
		r := e.Value.(*session.Request)
		if e = e.Next(); r.Agent == agent {
			o.remove(r)
		}
	}
}

func (o *owed) remove(r *session.Request) {
	e := o.open[r]
	if e == nil {
		return
	}
	delete(o.open, r)
	o.waiting.Remove(e) // it is in one of the two
	o.answered.Remove(e)
}
