package passwords

import "time"

const (
	// atOnce is how many requests there are at a time for agents of whom no
	// password has worked; waiting is how many more may wait for that, as many as
	// a connector is made for, and patience how long.
	atOnce   = 64
	waiting  = 10_000
	patience = 30 * time.Second
	// crowdBurst is half of the agents that a Finesse pair has: so many people
	// may mistype their password at the start of a shift.
	crowdBurst = 1000
	crowdRate  = 20 // a second
)

// crowd counts the wrong passwords of agents of whom none has worked, and what
// costs as much.
type crowd struct {
	spent float64
	at    time.Time
}

// room reports whether one more may be tried.
func (c *crowd) room(now time.Time) bool {
	c.spent = max(0, c.spent-crowdRate*now.Sub(c.at).Seconds())
	c.at = now
	return c.spent+1 <= crowdBurst
}

// take has one more tried, if there is room; give takes that back.
func (c *crowd) take(now time.Time) bool {
	if !c.room(now) {
		return false
	}
	c.spent++
	return true
}

func (c *crowd) give() { c.spent = max(0, c.spent-1) }
