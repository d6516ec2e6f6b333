package session

import (
	"maps"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// What is kept of what Finesse tells, which is more than anybody has. A service that
// tells of more is broken, or somebody else's, and would fill the memory.
const (
	maxCalls   = 100     // of an agent
	maxMembers = 2000    // of all teams of a supervisor together
	maxBytes   = 1 << 20 // of all calls, and of all members
	partSize   = 200     // of a call, a variable, a participant or a member besides its text
	maxBarged  = 100
)

// surplus is what Finesse told beyond that.
type surplus struct {
	said    bool // in the log
	refused bool // a call was, since the calls were read last
	wasRead bool // since there was room
	reading bool
}

// sayOnce logs that something is not kept.
func (x *surplus) sayOnce(log *zap.Logger, what string) {
	if x.said {
		return
	}
	x.said = true
	log.Warn("finesse tells of more than anybody has; what is beyond is not followed", zap.String("what", what),
		zap.String("action", "find out what is wrong with finesse's notification service, or who answers in its place"))
}

// hasRoom reports whether a call can be kept, in the place of what was known of it.
func (s *Session) hasRoom(now gc.Call) bool {
	count, size := s.kept(now)
	if count > maxCalls || size > maxBytes {
		maps.DeleteFunc(s.calls, func(id gc.DialogID, c *call) bool { return c.over && id != now.Dialog })
		count, size = s.kept(now)
	}
	if count > maxCalls || size > maxBytes {
		s.surplus.sayOnce(s.Logger, "calls")
		s.surplus.refused = true
		return false
	}
	if count <= maxCalls/2 && size <= maxBytes/2 {
		s.surplus.wasRead = false
	}
	return true
}

// kept is how many calls there are with this one, and about how many bytes they have.
func (s *Session) kept(now gc.Call) (count, size int) {
	count, size = 1, sizeOf(now)
	for id, c := range s.calls {
		if id != now.Dialog {
			count++
			size += sizeOf(c.told)
		}
	}
	return count, size
}

func sizeOf(c gc.Call) int {
	n := partSize + len(c.FullName) + len(c.Dialog) + len(c.Previous) + len(c.State) + len(c.From) + len(c.To) + len(c.Type) + len(c.Cause) + len(c.Customer)
	for _, v := range c.Variables {
		n += partSize + len(v.Name) + len(v.Value)
	}
	for _, p := range c.Participants {
		n += partSize + len(p.MediaAddress) + len(p.State) + len(p.AddressType)
	}
	return n
}

// readSurplus reads what calls there are when a notified one was not taken. One that
// does not fit then is left out.
func (s *Session) readSurplus() {
	if !s.surplus.refused || s.surplus.wasRead || s.surplus.reading {
		return
	}
	s.surplus.wasRead, s.surplus.reading = true, true
	s.rereadAnywhere(func(error) { s.surplus.refused, s.surplus.reading = false, false })
}

// follows reports whether a member can be kept, in the place of what was known of it.
func (s *Session) follows(t *team, now gc.State) bool {
	count, size := 1, sizeOfState(now)
	for _, other := range s.teams {
		for id, m := range other.members {
			if other != t || id != now.Agent {
				count++
				size += sizeOfState(m.state)
			}
		}
	}
	if count > maxMembers || size > maxBytes {
		s.surplus.sayOnce(s.Logger, "members of teams")
		return false
	}
	return true
}

func sizeOfState(x gc.State) int {
	return partSize + len(x.Agent) + len(x.State) + len(x.Reason) + len(x.Pending) + len(x.FullName) + len(x.Extension)
}
