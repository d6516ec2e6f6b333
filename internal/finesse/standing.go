package finesse

import (
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Standing is what is known of a node.
type Standing struct {
	Usable  bool
	Silent  bool      // it is not usable because it does not answer
	Avoided time.Time // when its notification service last failed an agent, zero since one succeeded
}

// avoidedFor is how long a node whose notification service failed an agent is
// second to one whose did not.
const avoidedFor = time.Minute

// Preferred is which of the nodes, in order of preference, is to be used: the
// first that is usable, with a notification service that did not fail lately if
// there is one; else the first.
func Preferred(nodes []Standing) int {
	second := -1
	for i, n := range nodes {
		switch avoid := !n.Avoided.IsZero() && time.Since(n.Avoided) < avoidedFor; {
		case n.Usable && !avoid:
			return i
		case n.Usable && second < 0:
			second = i
		}
	}
	return max(second, 0)
}

// StatusOf is what drivers are told: whether a node can be used and, if none
// can, whether any has an answer at all (O-027).
func StatusOf(nodes []Standing) gc.SystemStatus {
	status := gc.FinesseNotHeard
	for _, n := range nodes {
		switch {
		case n.Usable:
			return gc.InService
		case !n.Silent:
			status = gc.OutOfService
		}
	}
	return status
}
