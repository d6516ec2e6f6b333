package broker

import (
	"errors"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// refusals are the destinations of which the broker refused the last events. One
// event that it will not have says nothing of the next to the same destination,
// unless the broker says that rights are missing, the destination was a temporary
// one, whose owner has gone, or maxStrikes were refused in a row: then the
// destination is closed until one gets through.
type refusals struct {
	strikes map[gc.Destination]int
	since   time.Time // of named
	named   int       // in the log
}

// A client can make any number of destinations fail: of so many it is known, and
// so many are named in the log in each namedTime.
const (
	maxStrikes  = 3
	maxRefusals = 1000
	maxNamed    = 20
	namedTime   = time.Minute
)

// note takes a refusal down, and reports whether the log should name it: the
// first of a destination, if there are not too many of them.
func (r *refusals) note(d gc.Destination, why error, now time.Time) (say bool) {
	before := r.strikes[d]
	if before == 0 && len(r.strikes) >= maxRefusals {
		for other := range r.strikes { // any
			delete(r.strikes, other)
			break
		}
	}
	var said *ServerError
	strikes := 1
	if errors.As(why, &said) && said.noRights() || d.IsTemporary() {
		strikes = maxStrikes
	}
	if r.strikes == nil {
		r.strikes = map[gc.Destination]int{}
	}
	r.strikes[d] = before + strikes
	if before > 0 {
		return false
	}
	if now.Sub(r.since) >= namedTime {
		r.since, r.named = now, 0
	}
	r.named++
	return r.named <= maxNamed
}

func (r *refusals) closed(d gc.Destination) bool { return r.strikes[d] >= maxStrikes }

// over forgets the refusals of a destination that takes events.
func (r *refusals) over(d gc.Destination) { delete(r.strikes, d) }
