// Package rate limits how often something may happen that anybody can cause.
package rate

import "time"

// Limit lets something happen Most times at once, and then Rate times a second.
// It begins full. It is not safe for concurrent use, and the time never goes back.
type Limit struct {
	Most, Rate float64
	left       float64
	at         time.Time // of left
}

// Has reports whether there is room for one more.
func (l *Limit) Has(now time.Time) bool {
	l.left = min(l.Most, l.left+l.Rate*now.Sub(l.at).Seconds())
	l.at = now
	return l.left >= 1
}

// Take takes one, if there is room.
func (l *Limit) Take(now time.Time) bool {
	if !l.Has(now) {
		return false
	}
	l.left--
	return true
}

// Return gives one back that was taken.
func (l *Limit) Return() { l.left = min(l.Most, l.left+1) }

// Charge takes more, however many there are: what was taken cost more than one. What is
// missing comes back first.
func (l *Limit) Charge(n float64) { l.left -= n }
