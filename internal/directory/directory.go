// Package directory knows who is connected where: who serves an agent, the
// destination where it works, who follows its team, and which destinations hear of
// Finesse.
//
// Anybody can name agents and destinations. So whatever anybody names, no answer
// takes longer the more there are, memory is bounded, and what is forgotten to make
// room is never of who has proved a password.
package directory

import (
	"container/list"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/rate"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// Strangers is the usual bound of the sessions of which no password was proved: as
// many as agents come at once when a connector is started, if it has the most that
// it is made for.
const Strangers = 10_000

// Directory is safe for concurrent use. None of its methods blocks.
type Directory struct {
	maxStrangers int

	mu        sync.Mutex
	agents    map[gc.AgentID]*Agent
	leaders   map[gc.AgentID][]*Agent // who follow an agent's team, who asked first comes first
	strangers int                     // of agents
	resting   *list.List              // of *Agent: strangers that hold no command, who has held none for longest first

	destinations map[gc.Destination]*destination
	idle         *list.List // of *destination, those where no agent works; the one heard of last comes last
	arrivals     rate.Limit
	temporaries  temporaries
}

// Agent is one that a session serves.
type Agent struct {
	*session.Session // never another

	// All below is guarded by Directory.mu.
	home     gc.Destination // where it works, "" before a password was proved
	stranger bool           // it takes commands, and no password was proved
	commands int            // that a stranger holds
	resting  *list.Element  // nil while there is any
	led      []gc.AgentID   // members of the teams that it follows
	hears    rate.Limit     // of passwords that are refused, and may be strangers'
}

// New makes a directory of nobody, with at most so many strangers.
func New(strangers int) *Directory {
	return &Directory{
		maxStrangers: strangers, agents: map[gc.AgentID]*Agent{}, leaders: map[gc.AgentID][]*Agent{}, resting: list.New(),
		destinations: map[gc.Destination]*destination{}, idle: list.New(), arrivals: rate.Limit{Most: arrivalsBurst, Rate: arrivalsRate},
		temporaries: newTemporaries(),
	}
}

// Counts are how many there are.
type Counts struct{ Agents, Strangers, Destinations int }

// Counts is how many there are now.
func (d *Directory) Counts() Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Counts{len(d.agents), d.strangers, len(d.destinations)}
}

// Agents are all that are served.
func (d *Directory) Agents() []*Agent {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Values(d.agents))
}

// Agent is who serves an agent, nil when nobody does.
func (d *Directory) Agent(id gc.AgentID) *Agent {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.agents[id]
}

// Begin is Agent, and makes one where nobody serves the agent: start gives it its
// session. When there is no room the stranger goes that has rested for longest; it
// is nil when each has something to do.
func (d *Directory) Begin(id gc.AgentID, start func(*Agent)) *Agent {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a := d.agents[id]; a != nil {
		return a
	}
	if !d.makeRoom() {
		return nil
	}
	a := &Agent{stranger: true, hears: rate.Limit{Most: refusalsBurst, Rate: refusalsRate}}
	start(a)
	d.agents[id] = a
	d.strangers++
	a.resting = d.resting.PushBack(a)
	return a
}

// How many refusals of passwords that may be strangers' are reported where an agent works: a
// broker drops what is for a client that cannot read as fast as it comes, calls too.
const (
	refusalsBurst = 20
	refusalsRate  = 1 // a second
)

// HearsOf reports whether such a refusal is to be reported where an agent works.
func (d *Directory) HearsOf(a *Agent, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return a.hears.Take(now)
}

// makeRoom ends a session that rests. A command that finds one that is about to end
// would end with it, so that it is forgotten before.
func (d *Directory) makeRoom() bool {
	if d.strangers < d.maxStrangers {
		return true
	}
	oldest := d.resting.Front()
	if oldest == nil {
		return false
	}
	a := oldest.Value.(*Agent)
	d.forget(a)
	a.Dismiss()
	return true
}

// Count notes that an agent is about to hold so many commands more, or holds less.
func (d *Directory) Count(a *Agent, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !a.stranger {
		return
	}
	d.wake(a)
	if a.commands += n; a.commands == 0 {
		a.resting = d.resting.PushBack(a)
	}
}

func (d *Directory) wake(a *Agent) {
	if a.resting != nil {
		d.resting.Remove(a.resting)
		a.resting = nil
	}
}

// Settle lets an agent work at a destination from now on that proved its password,
// and asked for a format, "" for none. There is always room for it.
func (d *Directory) Settle(a *Agent, at gc.Destination, asked wire.Format, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settle(at, asked)
	d.leave(a.home, now)
	a.home = at
	d.proved(a)
}

func (d *Directory) proved(a *Agent) {
	if a.stranger {
		d.wake(a)
		a.stranger = false
		d.strangers--
	}
}

// Forget takes an agent out whose session takes no commands any more: who looks for
// one must not find it.
func (d *Directory) Forget(a *Agent) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(a)
}

func (d *Directory) forget(a *Agent) {
	d.lead(a, nil)
	d.proved(a)
	if d.agents[a.Agent] == a {
		delete(d.agents, a.Agent)
	}
}

// Leave is Forget for an agent whose session has ended, which works nowhere from then
// on.
func (d *Directory) Leave(a *Agent, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.leave(a.home, now)
	a.home = ""
	d.forget(a)
}

// Lead notes whom an agent leads from now on.
func (d *Directory) Lead(a *Agent, members []gc.AgentID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lead(a, members)
}

// lead keeps the place of who has asked before.
func (d *Directory) lead(a *Agent, members []gc.AgentID) {
	now := make(map[gc.AgentID]bool, len(members))
	for _, id := range members {
		now[id] = true
	}
	for _, id := range a.led {
		if now[id] {
			delete(now, id)
			continue
		}
		d.leaders[id] = slices.DeleteFunc(d.leaders[id], func(other *Agent) bool { return other == a })
		if len(d.leaders[id]) == 0 {
			delete(d.leaders, id)
		}
	}
	a.led = members
	for id := range now {
		d.leaders[id] = append(d.leaders[id], a)
	}
}

// Leader is a supervisor who has asked about the agent's team: the one who works at a
// destination, there is true then, else who asked first; nil when there is none.
func (d *Directory) Leader(id gc.AgentID, at gc.Destination) (leader *Agent, there bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := d.leaders[id]
	if len(all) == 0 {
		return nil, false
	}
	if at != "" {
		if i := slices.IndexFunc(all, func(a *Agent) bool { return a.home == at }); i >= 0 {
			return all[i], true
		}
	}
	return all[0], false
}

// Followers are the destinations where supervisors work who have asked about the
// agent's team, each once.
func (d *Directory) Followers(id gc.AgentID) (all []gc.Destination) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range d.leaders[id] {
		if a.home != "" && !slices.Contains(all, a.home) {
			all = append(all, a.home)
		}
	}
	return all
}
