package broker

import (
	"errors"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// refusals are the destinations whose last events the broker refused. One refused
// event says nothing about the next to the same destination, unless the broker
// says that rights are missing, the destination is a temporary one whose owner
// has gone, or maxStrikes were refused in a row: then the destination is closed
// until an event gets through.
type refusals struct {
	strikes map[gc.Destination]int
	since   time.Time // of named
	named   int       // in the log
}

// A client can make any number of destinations fail: maxRefusals of them are
// remembered, and the log names maxNamed in each namedTime.
const (
	maxStrikes  = 3
	maxRefusals = 1000
	maxNamed    = 20
	namedTime   = time.Minute
)

// note records a refusal, and reports whether the log should name it: the first
// of each destination, unless there are too many.
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

// over forgets the refusals of a destination that accepts events.
func (r *refusals) over(d gc.Destination) { delete(r.strikes, d) }
