package agent

import (
	"maps"
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

// Overtaken reports whether something was taken over that was asked for after r, or
// read with a stream since.
func (a *Agent) Overtaken(r Reading) bool { return r.number < a.taken }

// takes reports whether r is to be taken over.
func (a *Agent) takes(r Reading) bool {
	if a.Overtaken(r) {
		return false
	}
	a.taken = r.number
	return true
}

// Attach notes that updates come by another stream from now on: what was on its way
// on the old one never comes. r was read with the new one, and is newer than all
// that is being read.
func (a *Agent) Attach(r Reading) Reading {
	a.asOf = time.Time{}
	clear(a.unlisted)
	a.readings++
	r.number, a.taken = a.readings, a.readings
	return r
}

// Latest is r as newer than all that was notified: of what the stream brings that it
// was read with, nothing has been taken yet.
func (a *Agent) Latest(r Reading) Reading {
	r.at = a.clock
	return r
}

// Compare says how r differs from what the driver knows. What a notification changed
// since r was asked for is newer than r.
func (a *Agent) Compare(r Reading) (changes []Change) {
	if !a.takes(r) {
		return nil
	}
	if a.seen <= r.at && !a.outdated(r.User) {
		if a.unbelievable(r.User) {
			return nil // nor were its calls read
		}
		a.asOf = r.User.StateChangeTime
		changes = append(changes, a.become(r.User))
	}
	return append(changes, a.compareCalls(r)...)
}

func (a *Agent) compareCalls(r Reading) (changes []Change) {
	if a.surplus.reading { // there is no room for those that are listed before
		changes = a.endUnlisted(r)
	}
	for _, d := range r.Dialogs {
		known, own := a.calls[d.ID], a.Own(d)
		if known != nil && known.touched > r.at || a.gone[d.ID] > r.at {
			continue
		}
		if known != nil { // what is read is true now, also when Finesse's clock was set back
			known.asOf = time.Time{}
		}
		changes = append(changes, a.dialogNotified(finesse.Put, d)...)
		if known = a.calls[d.ID]; known != nil && own != nil {
			known.asOf = own.StateChangeTime
		}
	}
	return append(changes, a.endUnlisted(r)...)
}

// TakeBack takes the agent's state over as it was read, without a word, and its
// calls likewise or, if news is true, with a Change for each difference. It
// is false when the state shows a sign-out that is withheld: then it is to be read
// once more, later.
func (a *Agent) TakeBack(r Reading, news bool) (changes []Change, ok bool) {
	if !a.takes(r) {
		return nil, true
	}
	if a.seen <= r.at {
		if a.unbelievable(r.User) {
			return nil, false
		}
		state := a.become(r.User)
		a.asOf = r.User.StateChangeTime
		changes = append(changes, Change{SignedOut: state.SignedOut})
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
	out := Change{SignedOut: a.user.State == gc.LoggedOut && before != gc.LoggedOut}
	return append([]Change{out}, a.adopt(r)...)
}

// adopt replaces the known calls by those of r, except where a notification is
// newer. The ends that were missed are Changes.
func (a *Agent) adopt(r Reading) (changes []Change) {
	for _, d := range r.Dialogs {
		known, own := a.calls[d.ID], a.part(d)
		if own != nil && own.State != gc.Dropped && (known == nil || known.touched <= r.at) && a.gone[d.ID] <= r.at &&
			!a.endWasRead(finesse.Put, d, own) {
			if now := a.Describe(d, own); a.hasRoom(now) {
				a.calls[d.ID] = &call{reported: now, outbound: isOutbound(d), touched: r.at, asOf: own.StateChangeTime}
			} else {
				changes = append(changes, Change{LeftOut: "calls"})
			}
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
	for _, id := range slices.Sorted(maps.Keys(a.calls)) {
		known := a.calls[id]
		if known.touched > r.at {
			continue
		}
		i := slices.IndexFunc(r.Dialogs, func(d finesse.Dialog) bool { return d.ID == id })
		if i < 0 {
			changes = append(changes, a.ended(id, "", "")...)
			delete(a.calls, id)
			a.readEnd(id, known.asOf)
		} else if own := a.part(r.Dialogs[i]); own == nil || own.State == gc.Dropped {
			changes = append(changes, a.ended(id, "", "")...)
			if own != nil {
				known.asOf = own.StateChangeTime
			}
		}
	}
	maps.DeleteFunc(a.gone, func(_ gc.DialogID, at uint64) bool { return at <= r.at })
	return changes
}
