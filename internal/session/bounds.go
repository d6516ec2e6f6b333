package session

import (
	"maps"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// What is kept of what Finesse tells, which is more than anybody has. A service that
// tells of more is broken, or somebody else's, and would fill the memory.
const (
	maxCalls     = 100     // of an agent
	maxCallBytes = 1 << 20 // of the text of all of them
	maxMembers   = 2000    // of all teams of a supervisor together
	maxBarged    = 100
)

// surplus is what Finesse told beyond that.
type surplus struct {
	said    bool // in the log
	calls   bool // were not taken
	read    bool // they were, once for as long as there is little room
	reading bool
}

// left notes that something was not taken.
func (x *surplus) left(log *zap.Logger, what string) {
	if x.said {
		return
	}
	x.said = true
	log.Warn("finesse tells of more than anybody has; what is beyond is not followed", zap.String("what", what),
		zap.String("action", "find out what is wrong with finesse's notification service, or who answers in its place"))
}

// hasRoom reports whether a call can be kept, in the place of what was known of it.
func (s *Session) hasRoom(now gc.Call) bool {
	if s.fits(now) {
		s.surplus.read = s.surplus.read && len(s.calls) > maxCalls/2
		return true
	}
	maps.DeleteFunc(s.calls, func(id gc.DialogID, c *call) bool { return c.over && id != now.Dialog })
	if s.fits(now) {
		return true
	}
	s.surplus.left(s.Logger, "calls")
	s.surplus.calls = true
	return false
}

func (s *Session) fits(now gc.Call) bool {
	count, size := 1, textOf(now)
	for id, c := range s.calls {
		if id != now.Dialog {
			count++
			size += textOf(c.told)
		}
	}
	return count <= maxCalls && size <= maxCallBytes
}

// textOf is about how many bytes a call has.
func textOf(c gc.Call) int {
	n := len(c.From) + len(c.To) + len(c.Customer)
	for _, v := range c.Variables {
		n += len(v.Name) + len(v.Value)
	}
	for _, p := range c.Participants {
		n += len(p.MediaAddress) + len(p.AddressType)
	}
	return n
}

// readSurplus reads what calls there are when a notified one was not taken. One that
// does not fit then is left out.
func (s *Session) readSurplus() {
	if !s.surplus.calls || s.surplus.read || s.surplus.reading {
		return
	}
	s.surplus.read, s.surplus.reading = true, true
	s.rereadAnywhere(func(error) { s.surplus.calls, s.surplus.reading = false, false })
}

// follows reports whether a member can be kept.
func (s *Session) follows(t *team, member gc.AgentID) bool {
	if _, known := t.members[member]; known {
		return true
	}
	all := 0
	for _, t := range s.teams {
		all += len(t.members)
	}
	if all < maxMembers {
		return true
	}
	s.surplus.left(s.Logger, "members of teams")
	return false
}
