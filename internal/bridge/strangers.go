package bridge

import (
	"container/list"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// maxStrangers bounds the sessions of which no password was proved: as many as
// agents come at once when a connector is started, if it has the most that it is
// made for.
const maxStrangers = 10_000

// strangers are those sessions. Guarded by Bridge.mu.
type strangers struct {
	most    int
	leave   func(*session.Session) // nothing is submitted to it any more
	all     map[*session.Session]*stranger
	resting *list.List // of *session.Session that hold no command, who has held none for longest first
}

type stranger struct {
	commands int           // that it holds
	resting  *list.Element // nil while there is any
}

func newStrangers(most int, leave func(*session.Session)) *strangers {
	return &strangers{most: most, leave: leave, all: map[*session.Session]*stranger{}, resting: list.New()}
}

func (ss *strangers) add(s *session.Session) {
	ss.all[s] = &stranger{resting: ss.resting.PushBack(s)}
}

func (ss *strangers) remove(s *session.Session) {
	if x := ss.all[s]; x != nil {
		ss.wake(x)
		delete(ss.all, s)
	}
}

func (ss *strangers) wake(x *stranger) {
	if x.resting != nil {
		ss.resting.Remove(x.resting)
		x.resting = nil
	}
}

// count notes that a session has so many commands more, or less.
func (ss *strangers) count(s *session.Session, n int) {
	x := ss.all[s]
	if x == nil { // it is none of them any more
		return
	}
	ss.wake(x)
	if x.commands += n; x.commands == 0 {
		x.resting = ss.resting.PushBack(s)
	}
}

// makeRoom lets the one go that has rested for longest when there is no room for
// another. It is false when each has something to do.
func (ss *strangers) makeRoom() bool {
	if len(ss.all) < ss.most {
		return true
	}
	oldest := ss.resting.Front()
	if oldest == nil {
		return false
	}
	s := oldest.Value.(*session.Session)
	ss.remove(s)
	ss.leave(s)
	s.Dismiss()
	return true
}

// holds notes that a session is about to have one more command, rests that it has
// one less.
func (b *Bridge) holds(s *session.Session) { b.countOf(s, 1) }
func (b *Bridge) rests(s *session.Session) { b.countOf(s, -1) }

func (b *Bridge) countOf(s *session.Session, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.strangers.count(s, n)
}

// admit makes the session of an agent for a command that carries a password,
// unless that would not even be tried.
func (b *Bridge) admit(r *received) *session.Session {
	r.Refusal = b.passwords.Withheld(r.Agent, r.Password)
	if r.Refusal == nil {
		r.Refusal = b.mayWait(r)
	}
	if r.Refusal != nil {
		return nil
	}
	s := b.begin(r.Agent)
	if s == nil {
		r.Refusal = gc.Errorf(gc.PleaseRetry, "begin session", "the connector stops, or too many agents of whom no password was proved wait for finesse")
	}
	return s
}

// mayWait refuses a command for an agent who does not work if it would be too much
// that waits. One with a password that has worked is no stranger's.
func (b *Bridge) mayWait(r *received) error {
	switch {
	case r.carriesPassword() && b.passwords.Worked(r.Agent, r.Password):
		return nil
	case r.bytes > maxWaiting:
		return errLong
	case !b.owed.wait(r.Request):
		return errCrowd
	}
	return nil
}
