package agent

import (
	"maps"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// What is kept of what Finesse reports, which is more than anybody has. A service that
// reports more is broken, or somebody else's, and would fill the memory.
const (
	maxCalls   = 100     // of an agent
	maxMembers = 2000    // of all teams of a supervisor together
	maxBytes   = 1 << 20 // of all calls, and of all members
	partSize   = 200     // of a call, a variable, a participant or a member besides its text
	maxBarged  = 100
)

// surplus is what Finesse reported beyond that.
type surplus struct {
	refused bool // a call was, since the calls were read last
	wasRead bool // since there was room
	reading bool
}

// NeedsReading reports whether the calls are to be read because a notified one was
// not kept, and if so counts that as begun. One that does not fit then is left out.
func (a *Agent) NeedsReading() bool {
	if x := &a.surplus; !x.refused || x.wasRead || x.reading {
		return false
	}
	a.surplus.wasRead, a.surplus.reading = true, true
	return true
}

// WasRead ends what NeedsReading began.
func (a *Agent) WasRead() { a.surplus.refused, a.surplus.reading = false, false }

// hasRoom reports whether a call can be kept, in the place of what was known of it.
func (a *Agent) hasRoom(now gc.Call) bool {
	count, size := a.kept(now)
	if count > maxCalls || size > maxBytes {
		maps.DeleteFunc(a.calls, func(id gc.DialogID, c *call) bool { return c.over && id != now.Dialog })
		count, size = a.kept(now)
	}
	if count > maxCalls || size > maxBytes {
		a.surplus.refused = true
		return false
	}
	if count <= maxCalls/2 && size <= maxBytes/2 {
		a.surplus.wasRead = false
	}
	return true
}

// kept is how many calls there are with this one, and about how many bytes they have.
func (a *Agent) kept(now gc.Call) (count, size int) {
	count, size = 1, sizeOf(now)
	for id, c := range a.calls {
		if id != now.Dialog {
			count++
			size += sizeOf(c.reported)
		}
	}
	for id, held := range a.held {
		if own := a.part(held.dialog); own != nil && id != now.Dialog {
			count++
			size += sizeOf(a.Describe(held.dialog, own))
		}
	}
	return count, size
}

func sizeOf(c gc.Call) int {
	n := partSize + len(c.FullName) + len(c.Dialog) + len(c.Previous) + len(c.Handed) + len(c.State) + len(c.From) + len(c.To) + len(c.Type) + len(c.Cause) + len(c.Customer)
	for _, v := range c.Variables {
		n += partSize + len(v.Name) + len(v.Value)
	}
	for _, p := range c.Participants {
		n += partSize + len(p.MediaAddress) + len(p.State) + len(p.AddressType)
	}
	return n
}

// follows reports whether a member can be kept, in the place of what was known of it.
func (a *Agent) follows(t *team, now gc.State) bool {
	count, size := 1, sizeOfState(now)
	for _, other := range a.teams {
		for id, m := range other.members {
			if other != t || id != now.Agent {
				count++
				size += sizeOfState(m.state)
			}
		}
	}
	return count <= maxMembers && size <= maxBytes
}

func sizeOfState(x gc.State) int {
	return partSize + len(x.Agent) + len(x.State) + len(x.Reason) + len(x.Pending) + len(x.FullName) + len(x.Extension)
}
