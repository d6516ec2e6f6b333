package agent

import (
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Reading is what Finesse said of the agent when it was asked. What was notified
// between the question and the answer is newer, and so is what was asked for later.
type Reading struct {
	User    finesse.User
	Dialogs []finesse.Dialog

	at     uint64 // the clock before the first request
	number uint64 // in the order in which they are asked for
}

// Ask begins a Reading. It is to be called before the first request.
func (a *Agent) Ask() Reading {
	a.readings++
	return Reading{at: a.clock, number: a.readings}
}

// Overtaken reports whether something was taken over since r was asked for, or read with
// a stream since: then r may be older than that, or newer.
func (a *Agent) Overtaken(r Reading) bool { return r.number < a.first }

// takes notes that r is taken over, as all that is known now.
func (a *Agent) takes(r Reading) {
	a.first = a.readings + 1
	a.settleBefore(r.at)
}

// Attach notes that updates come by another stream from now on, of another node maybe,
// which has a clock of its own: what was on its way on the old one never comes. r was
// read with the new one, and is newer than all that is being read.
func (a *Agent) Attach(r Reading) Reading {
	a.asOf = time.Time{}
	for _, c := range a.calls {
		c.times = nil
	}
	for id, e := range a.ends {
		a.ends[id] = end{clock: e.clock}
	}
	a.readings++
	r.number, a.first, a.attached = a.readings, a.readings, a.readings
	return r
}

// Latest is r as newer than all that was notified: of what the stream brings that it
// was read with, nothing has been taken yet.
func (a *Agent) Latest(r Reading) Reading {
	r.at = a.clock
	return r
}

// Compare says how r differs from what the driver knows. What a notification changed
// since r was asked for is newer than r, unless its time says otherwise.
func (a *Agent) Compare(r Reading) (changes []Change) {
	if a.Overtaken(r) {
		return a.compareLate(r)
	}
	a.takes(r)
	if a.userIsNews(r) {
		if a.unbelievable(r.User) {
			return nil // nor were its calls read
		}
		a.asOf = r.User.StateChangeTime
		changes = append(changes, a.userChanged(r.User)...)
	}
	return append(changes, a.compareCalls(r)...)
}

// userIsNews reports whether the state that was read is newer than what is known.
func (a *Agent) userIsNews(r Reading) bool {
	return a.seen <= r.at || compare(r.User.StateChangeTime, a.asOf) > 0
}

func (a *Agent) compareCalls(r Reading) (changes []Change) {
	if a.surplus.reading { // there is no room for those that are listed before
		changes = a.endUnlisted(r)
	}
	for _, d := range r.Dialogs {
		if own := a.part(d); own != nil && !a.knowsNewer(r, d) && !a.isStillListed(d, own) {
			changes = append(changes, a.callIs(d, own)...)
		}
	}
	return append(changes, a.endUnlisted(r)...)
}

// isStillListed reports whether Finesse lists a call that is over for the agent, and has
// not begun anew.
func (a *Agent) isStillListed(d finesse.Dialog, own *finesse.Participant) bool {
	known := a.calls[d.ID]
	return a.isOver(d.ID) && (own.State == gc.Dropped || known != nil && compare(own.StateChangeTime, known.times[own.MediaAddress]) <= 0)
}

// compareLate is Compare for a reading that was asked for before another was taken over. Which
// of the two was true last only their times can say; of what they do not decide the agent
// is in doubt.
func (a *Agent) compareLate(r Reading) (changes []Change) {
	if r.number < a.attached { // of a stream of before
		return nil
	}
	switch c := compare(r.User.StateChangeTime, a.asOf); {
	case c > 0 && !a.unbelievable(r.User):
		a.asOf = r.User.StateChangeTime
		changes = a.userChanged(r.User)
	case c == 0 && !sameState(a.user, merge(a.user, r.User)):
		a.doubt(subject{})
	}
	listed := map[gc.DialogID]bool{}
	for _, d := range r.Dialogs {
		listed[d.ID] = true
		changes = append(changes, a.compareLateCall(d)...)
	}
	for _, c := range a.live() {
		if id := c.reported.Dialog; !listed[id] {
			a.doubt(subject{call: id})
		}
	}
	return changes
}

func (a *Agent) compareLateCall(d finesse.Dialog) []Change {
	own, known := a.part(d), a.calls[d.ID]
	switch {
	case own == nil || a.isOver(d.ID) && own.State == gc.Dropped:
	case a.isOver(d.ID):
		a.doubt(subject{call: d.ID})
	case a.order(d, known.times) > 0:
		return a.callIs(d, own)
	case a.order(d, known.times) == 0 && !reflect.DeepEqual(known.reported, a.Describe(d, own)):
		a.doubt(subject{call: d.ID})
	}
	return nil
}

// TakeBack takes the agent's state over as it was read, without a word, and its
// calls likewise or, if news is true, with a Change for each difference. It
// is false when the state shows a sign-out that is withheld: then it is to be read
// once more, later. Of a reading that was overtaken what is newer is a Change.
func (a *Agent) TakeBack(r Reading, news bool) (changes []Change, ok bool) {
	if a.Overtaken(r) {
		return a.compareLate(r), true
	}
	a.takes(r)
	if a.userIsNews(r) {
		if a.unbelievable(r.User) {
			return nil, false
		}
		a.asOf = r.User.StateChangeTime
		taken := a.userChanged(r.User)
		changes = append(changes, Change{SignedOut: taken[0].SignedOut})
		changes = append(changes, taken[1:]...)
	}
	if news {
		return append(changes, a.compareCalls(r)...), true
	}
	return append(changes, a.adopt(r)...), true
}

// Begin forgets state and calls as they were known, for a driver that knows nothing, and takes over what
// was read with the stream that is attached, without a word.
func (a *Agent) Begin(r Reading) []Change {
	before := a.user.State
	a.user, a.asOf, a.calls = r.User, r.User.StateChangeTime, map[gc.DialogID]*call{}
	clear(a.held)
	clear(a.doubts)
	out := Change{SignedOut: a.user.State == gc.LoggedOut && before != gc.LoggedOut}
	return append([]Change{out}, a.adopt(r)...)
}

// adopt replaces the known calls by those of r, except where a notification is
// newer. The ends that were missed are Changes.
func (a *Agent) adopt(r Reading) (changes []Change) {
	for _, d := range r.Dialogs {
		own := a.part(d)
		if own == nil || own.State == gc.Dropped || a.knowsNewer(r, d) || a.isOver(d.ID) && a.mayBePreview(d, own) && a.hold(d, own) {
			continue
		}
		delete(a.held, d.ID)
		if now := a.Describe(d, own); a.hasRoom(now) {
			a.calls[d.ID] = &call{reported: now, outbound: isOutbound(d), touched: r.at, times: stampsOf(d)}
			delete(a.ends, d.ID)
		} else {
			changes = append(changes, Change{LeftOut: "calls"})
		}
	}
	for _, d := range r.Dialogs { // once all are known
		if known := a.calls[d.ID]; known != nil {
			known.consult = known.consult || a.IsConsultation(d)
		}
	}
	return append(changes, a.endUnlisted(r)...)
}

// endUnlisted is the end of every call that r does not list, or lists without a part
// of the agent that is not over.
func (a *Agent) endUnlisted(r Reading) (changes []Change) {
	listed := map[gc.DialogID]*finesse.Dialog{}
	for i := range r.Dialogs {
		listed[r.Dialogs[i].ID] = &r.Dialogs[i]
	}
	for _, id := range slices.Sorted(maps.Keys(a.calls)) {
		known, d := a.calls[id], listed[id]
		if known.touched > r.at {
			continue
		}
		if d == nil {
			changes = append(changes, a.ended(finesse.Dialog{ID: id})...)
			delete(a.calls, id)
			a.noteEnd(id, end{clock: r.at, at: known.times[string(a.Extension())], missed: true})
		} else if own := a.part(*d); own == nil || own.State == gc.Dropped {
			changes = append(changes, a.ended(*d)...)
			known.times = stampsOf(*d)
		}
	}
	maps.DeleteFunc(a.held, func(id gc.DialogID, h *unclear) bool { return h.touched <= r.at && listed[id] == nil })
	return changes
}
