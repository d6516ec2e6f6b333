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

// strangers are those sessions, the oldest first. Guarded by Bridge.mu.
type strangers struct {
	most  int
	order *list.List // of *session.Session
	in    map[*session.Session]*list.Element
}

func newStrangers(most int) *strangers {
	return &strangers{most: most, order: list.New(), in: map[*session.Session]*list.Element{}}
}

func (all *strangers) add(s *session.Session) { all.in[s] = all.order.PushBack(s) }

func (all *strangers) remove(s *session.Session) {
	if e := all.in[s]; e != nil {
		all.order.Remove(e)
		delete(all.in, s)
	}
}

// makeRoom lets the oldest that has nothing to do go when there is no room for
// another. It is false when each waits for Finesse.
func (all *strangers) makeRoom() bool {
	if all.order.Len() < all.most {
		return true
	}
	for e := all.order.Front(); e != nil; e = e.Next() {
		if s := e.Value.(*session.Session); s.Dismiss() {
			all.remove(s)
			return true
		}
	}
	return false
}

// admit makes the session of an agent for a command that carries a password,
// unless that would not even be tried.
func (b *Bridge) admit(r *received) *session.Session {
	r.Refusal = b.passwords.Withheld(r.Agent, r.Password)
	if r.Refusal == nil && !b.mayWait(r) {
		r.Refusal = errCrowd
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

// mayWait reports whether a command may wait for an agent who does not work: one
// with a password that has worked is no stranger's.
func (b *Bridge) mayWait(r *received) bool {
	return r.carriesPassword() && b.passwords.Worked(r.Agent, r.Password) || b.owed.wait(r.Request)
}
