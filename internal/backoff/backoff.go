// Package backoff says how long to wait before trying a server again.
package backoff

import (
	"math/rand/v2"
	"time"
)

// FullJitter is a random time up to 0.5 s, 1 s, 2 s … 30 s for the attempt-th
// repetition, counted from 0: thousands of sessions, or many connectors, that
// lost the same server must not come back in step.
func FullJitter(attempt int) time.Duration {
	return rand.N(min(500*time.Millisecond<<min(attempt, 6), 30*time.Second))
}
