package agent

import (
	"cmp"
	"maps"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// What is true has one order: Finesse's own times of changes, and the order of the
// readings. A notification that is older than what was reported changes nothing. It is
// late, or Finesse's clock was set back; nothing in it says which, so the agent is in
// doubt until something newer is notified, or it was read: what is read is true,
// whatever the clock says.

// stamps are the times of the last changes of a call's parties, by their addresses.
type stamps map[string]time.Time

func stampsOf(d finesse.Dialog) stamps {
	s := make(stamps, len(d.Participants))
	for _, p := range d.Participants {
		if at := p.StateChangeTime; at.After(s[p.MediaAddress]) {
			s[p.MediaAddress] = at
		}
	}
	return s
}

// order is 1 where d is newer than what was reported of its call, and -1 where it is older:
// by the time of the agent's own part, else of the others'. It is 0 where they do not
// tell, as when a call variable changes.
func (a *Agent) order(d finesse.Dialog, reported stamps) int {
	now, own := stampsOf(d), string(a.Extension())
	if c := compare(now[own], reported[own]); c != 0 {
		return c
	}
	c := 0
	for address, at := range now {
		switch compare(at, reported[address]) {
		case 1:
			return 1
		case -1:
			c = -1
		}
	}
	return c
}

// compare is 0 where one of the times is not known. Finesse writes times with and without
// a fraction: of one without it the second alone is known.
func compare(x, y time.Time) int {
	if x.IsZero() || y.IsZero() {
		return 0
	}
	if x.Nanosecond() == 0 || y.Nanosecond() == 0 {
		x, y = x.Truncate(time.Second), y.Truncate(time.Second)
	}
	return x.Compare(y)
}

// end is the end of a call.
type end struct {
	clock uint64    // when it was notified, or its reading was asked for
	at    time.Time // Finesse's time of it
	// missed: at is the time of the last state before it, because nothing said more.
	missed bool
}

// maxEnds bounds the calls remembered after their end, and maxDoubts the doubts.
const maxEnds, maxDoubts = 100, 100

// noteEnd remembers the end of a call: the notifications of its last states may still
// come. The oldest makes room.
func (a *Agent) noteEnd(id gc.DialogID, e end) {
	if _, again := a.ends[id]; !again && len(a.ends) >= maxEnds {
		oldest := id
		for other, x := range a.ends {
			if oldest == id || cmp.Or(cmp.Compare(x.clock, a.ends[oldest].clock), cmp.Compare(other, oldest)) < 0 {
				oldest = other
			}
		}
		delete(a.ends, oldest)
	}
	a.ends[id] = e
}

// isOld reports whether a notification of d is older than what is known of its call. A
// call that is over begins anew with a POST that is not older than its end, and with
// nothing else.
func (a *Agent) isOld(event finesse.Event, d finesse.Dialog, own *finesse.Participant) bool {
	known, held := a.calls[d.ID], a.held[d.ID]
	last, ended := a.ends[d.ID]
	switch {
	case known != nil && known.over:
		return event != finesse.Post || !begins(own.StateChangeTime, end{at: known.times[own.MediaAddress]})
	case known != nil:
		return a.order(d, known.times) < 0
	case ended:
		return event != finesse.Post || !begins(own.StateChangeTime, last)
	case held != nil:
		return a.order(d, stampsOf(held.dialog)) < 0
	}
	return false
}

// begins reports whether a call can begin at a time when the one before it of the same id
// ended. The time of the last state is that of the same call; so is that of the end, if it
// is known by more than its second: a redirected call ends with the time at which it rang.
func begins(at time.Time, last end) bool {
	again := !at.IsZero() && at.Equal(last.at) && (last.missed || at.Nanosecond() != 0)
	return compare(at, last.at) >= 0 && !again
}

// knowsNewer reports whether what r says of a call is older than what is known: it was
// notified since r was asked for, and its times do not say otherwise.
func (a *Agent) knowsNewer(r Reading, d finesse.Dialog) bool {
	switch known, held := a.calls[d.ID], a.held[d.ID]; {
	case known != nil && !known.over:
		return known.touched > r.at && a.order(d, known.times) <= 0
	case known != nil:
		return known.touched > r.at
	case held != nil:
		return held.touched > r.at && a.order(d, stampsOf(held.dialog)) <= 0
	}
	return a.ends[d.ID].clock > r.at
}

// subject is what a doubt is about: a call, a team, or the agent's state.
type subject struct {
	call gc.DialogID
	team gc.TeamID
}

// doubt notes that something was notified that is older than what is known.
func (a *Agent) doubt(about subject) {
	if len(a.doubts) < maxDoubts {
		a.doubts[about] = a.clock
	}
}

// settle ends a doubt: something newer was notified.
func (a *Agent) settle(about subject) { delete(a.doubts, about) }

// settleBefore ends the doubts about the agent and its calls that began before a reading
// was asked for.
func (a *Agent) settleBefore(clock uint64) {
	maps.DeleteFunc(a.doubts, func(s subject, at uint64) bool { return at <= clock && s.team == "" })
}

// InDoubt reports whether the agent and its calls are to be read, because something was
// notified that is older than what is known. It ends with a reading that is asked for
// afterwards, or with something newer.
func (a *Agent) InDoubt() bool {
	for about := range a.doubts {
		if about.team == "" {
			return true
		}
	}
	return false
}

// DoubtsTeams is InDoubt for the members of the teams that are followed.
func (a *Agent) DoubtsTeams() bool {
	for about := range a.doubts {
		if t := a.teams[about.team]; t != nil && t.events {
			return true
		}
	}
	return false
}
