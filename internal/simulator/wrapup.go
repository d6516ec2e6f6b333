package simulator

import (
	"cmp"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// WrapUp says whether agents go to wrap-up after an inbound ACD call, and is
// wrapUpOnIncoming of their settings.
type WrapUp string

// The modes of wrap-up.
const (
	WrapUpNotAllowed WrapUp = "NOT_ALLOWED"
	WrapUpOptional   WrapUp = "OPTIONAL" // when the agent asks for WORK or WORK_READY during the call
	WrapUpRequired   WrapUp = "REQUIRED"
)

// wrapUpReasons are the labels agents may give: one has a comma, one is not
// ASCII and one has the 39 bytes that are the most.
var wrapUpReasons = []string{
	"Product Question",
	"Sold, delivery later",
	"Rückruf gewünscht",
	"Complaint passed on to the second level",
}

// firstWrapUpReason is the id of the first; the others follow.
const firstWrapUpReason = 205

func isWrapUp(s gc.UserState) bool { return s == gc.Work || s == gc.WorkReady }

// mayWrapUp: asking for wrap-up makes sense in an ACD call only.
func (b *switchboard) mayWrapUp(u *user) bool {
	if b.wrapUpMode == WrapUpNotAllowed {
		return false
	}
	for _, l := range u.legs {
		if l.dialog.acd && l.talks() {
			return true
		}
	}
	return false
}

// wrapsUp: the end of this part is the beginning of wrap-up.
func (b *switchboard) wrapsUp(l *leg) bool {
	if l.user == nil || !l.dialog.acd || !l.talks() {
		return false
	}
	return b.wrapUpMode == WrapUpRequired || b.wrapUpMode == WrapUpOptional && isWrapUp(l.user.pending.state)
}

// wrapUp ends a part in a call but keeps it in the agent's collection. Who
// asked for WORK is NOT_READY afterwards, for WORK_READY is READY.
func (b *switchboard) wrapUp(l *leg) {
	u := l.user
	l.set(gc.WrapUp, b.now())
	if isWrapUp(u.pending.state) {
		next := gc.NotReady
		if u.pending.state == gc.WorkReady {
			next = gc.Ready
		}
		if u.base.state != next {
			u.base = stance{state: next}
		}
		u.pending = stance{}
	}
	l.timer = b.after(b.wrapUpTimer, func() {
		if l.state == gc.WrapUp {
			b.wrappedUp(u)
		}
	})
}

// wrapUpState tells what follows.
func (u *user) wrapUpState() gc.UserState {
	if cmp.Or(u.pending.state, u.base.state) == gc.Ready {
		return gc.WorkReady
	}
	return gc.Work
}

// wrappedUp ends wrap-up: the calls leave the collection, then the agent is
// what was asked for.
func (b *switchboard) wrappedUp(u *user) {
	for _, l := range append([]*leg(nil), u.legs...) {
		if l.state != gc.WrapUp {
			continue
		}
		d := l.dialog
		if len(d.agents()) == 1 {
			d.state = gc.Dropped
		}
		b.leave(l)
		b.put(d, origin{})
		d.remove(l)
	}
	b.settle(u)
}
