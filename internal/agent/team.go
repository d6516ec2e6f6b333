package agent

import (
	"cmp"
	"maps"
	"slices"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// team is a team that the supervisor's driver asked about.
type team struct {
	events  bool // the driver wants to hear of changes
	members map[gc.AgentID]member
}

type member struct {
	state   gc.State
	touched uint64 // the clock when a notification last changed it
}

// TeamReading is a question for a team's members. It is of one Agent.
type TeamReading struct {
	id     gc.TeamID
	team   *team
	before *team // nil for one that nobody asked about before
	at     uint64
}

// AskTeam begins to follow a team, with its members' changes if events asks for them
// or did before. It is to be called before the first request; TeamRead or TeamUnread
// follows.
func (a *Agent) AskTeam(id gc.TeamID, events gc.TeamEvents) TeamReading {
	before := a.teams[id]
	t := &team{events: events == gc.TeamEventsOn, members: map[gc.AgentID]member{}}
	if before != nil {
		t.events, t.members = t.events || events == gc.TeamEventsAsBefore && before.events, before.members
	}
	a.teams[id] = t
	return TeamReading{id, t, before, a.clock}
}

// TeamUnread makes a team that could not be read what it was before, unless it has
// been asked about again, or left, meanwhile. Notifications may have shown members
// already.
func (a *Agent) TeamUnread(r TeamReading) []Change {
	switch {
	case a.teams[r.id] != r.team:
		return nil
	case r.before == nil:
		delete(a.teams, r.id)
	default:
		a.teams[r.id] = r.before
	}
	return []Change{{Leads: true}}
}

// TeamRead takes over the members of a team, for a driver that asked about them. In
// users it puts right those of whom a notification was quicker.
func (a *Agent) TeamRead(r TeamReading, users []gc.TeamUser) []Change {
	full := false // whoever else is new does not fit either
	for i, u := range users {
		known, isMember := r.team.members[u.LoginID]
		if known.touched > r.at && compare(u.Changed, known.state.Changed) <= 0 {
			users[i].State, users[i].Pending, users[i].Changed = known.state.State, known.state.Pending, known.state.Changed
			continue
		}
		if full && !isMember {
			continue
		}
		if now := stateOfMember(u); a.follows(r.team, now) {
			r.team.members[u.LoginID] = member{state: now}
		} else {
			full = true
		}
	}
	if full {
		return []Change{tooManyMembers, {Leads: true}}
	}
	return []Change{{Leads: true}}
}

var tooManyMembers = Change{LeftOut: "members of teams"}

// FollowedTeams are those whose members' changes the driver wants to hear of.
func (a *Agent) FollowedTeams() (ids []gc.TeamID) {
	for _, id := range slices.Sorted(maps.Keys(a.teams)) {
		if a.teams[id].events {
			ids = append(ids, id)
		}
	}
	return ids
}

// AskTeamAgain is to be called before a team is read after its changes were not
// notified for a while, or are in doubt, which ends with it; CompareTeam follows.
func (a *Agent) AskTeamAgain(id gc.TeamID) TeamReading {
	r := TeamReading{id: id, at: a.clock}
	a.settle(subject{team: id})
	if t := a.teams[id]; len(t.members) > 0 { // else the driver is about to get the list
		r.team = t
	}
	return r
}

// CompareTeam says how the members differ from what the driver knows.
func (a *Agent) CompareTeam(r TeamReading, users []gc.TeamUser) (changes []Change) {
	t := a.teams[r.id]
	if t == nil || t != r.team {
		return nil
	}
	full := false // whoever else is new does not fit either
	for _, u := range users {
		known, isMember := t.members[u.LoginID]
		if known.touched > r.at && compare(u.Changed, known.state.Changed) <= 0 || full && !isMember {
			continue
		}
		for _, c := range a.memberChanged(r.id, t, stateOfMember(u), r.at) {
			full = full || c.LeftOut != ""
			changes = append(changes, c)
		}
	}
	return changes
}

// LeaveTeams ends the interest in every team, and reports whether there was any.
func (a *Agent) LeaveTeams() (any bool) {
	any = len(a.teams) > 0
	clear(a.teams)
	maps.DeleteFunc(a.doubts, func(s subject, _ uint64) bool { return s.team != "" })
	return any
}

// Led are the members of all teams that the driver asked about.
func (a *Agent) Led() []gc.AgentID {
	all := map[gc.AgentID]bool{}
	for _, t := range a.teams {
		for id := range t.members {
			all[id] = true
		}
	}
	return slices.Collect(maps.Keys(all))
}

// Members is the state of each member whose changes the driver follows (O-021).
func (a *Agent) Members() (events []gc.Event) {
	for _, id := range a.FollowedTeams() {
		t := a.teams[id]
		for _, agent := range slices.Sorted(maps.Keys(t.members)) {
			if !a.is(agent) {
				events = append(events, gc.TeamMemberState{Agent: a.id, Team: id, Member: t.members[agent].state})
			}
		}
	}
	return events
}

func stateOfMember(u gc.TeamUser) gc.State {
	return gc.State{
		Agent: u.LoginID, State: u.State, Pending: u.Pending, Changed: u.Changed,
		FullName: gc.FullName(u.FirstName, u.LastName), Extension: u.Extension,
	}
}

// memberNotified is a change of a member (O-021).
func (a *Agent) memberNotified(id gc.TeamID, u *finesse.User) []Change {
	t := a.teams[id]
	if t == nil || !t.events || u == nil {
		return nil
	}
	if compare(u.StateChangeTime, t.members[u.LoginID].state.Changed) < 0 {
		a.doubt(subject{team: id})
		return nil
	}
	return a.memberChanged(id, t, MemberState(*u), a.clock)
}

func (a *Agent) memberChanged(id gc.TeamID, t *team, now gc.State, at uint64) []Change {
	known := t.members[now.Agent]
	if now.FullName == "" {
		now.FullName = known.state.FullName
	}
	switch was := known.state; {
	case now.State == "" && was.Agent == "":
		return nil
	case now.State == "": // it says nothing of it
		now.State, now.Reason, now.Changed, now.Pending = was.State, was.Reason, was.Changed, cmp.Or(now.Pending, was.Pending)
		now.Extension = cmp.Or(now.Extension, was.Extension)
	}
	if !a.follows(t, now) {
		return []Change{tooManyMembers}
	}
	t.members[now.Agent] = member{state: now, touched: at}
	was := known.state
	change := Change{Leads: was.Agent == ""}
	// A supervisor may be a member too, and has State.
	if !a.is(now.Agent) && (was.State != now.State || was.Pending != now.Pending || !was.Changed.Equal(now.Changed)) {
		change.Event, change.News = gc.TeamMemberState{Agent: a.id, Team: id, Member: now}, true
	}
	return []Change{change}
}
