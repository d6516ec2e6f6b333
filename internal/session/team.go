package session

import (
	"context"
	"maps"
	"slices"

	"go.uber.org/zap"

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
	touched uint64 // the session's clock when a notification last changed it
}

// getTeamUsers lists the members of a team and, if asked, subscribes to their
// changes: first, so that none between the two is lost.
func (s *Session) getTeamUsers(r *Request) {
	before := s.teams[r.Team]
	t := &team{events: r.TeamEvents, members: map[gc.AgentID]member{}}
	if before != nil {
		t.events, t.members = t.events || before.events, before.members
	}
	s.teams[r.Team] = t
	node, stream, at := s.node, s.stream, s.clock
	ask(s, func(ctx context.Context, n Node, c finesse.Credentials) ([]gc.TeamUser, error) {
		return joinTeam(ctx, n, c, stream, r.Team, r.TeamEvents && n == node) // a move subscribes itself
	}, func(users []gc.TeamUser, err error) {
		if err != nil {
			s.withdraw(r.Team, t, before)
			s.fail(r, err)
			return
		}
		for i, u := range users {
			known := t.members[u.LoginID]
			if known.touched > at { // a notification was quicker
				users[i].State, users[i].Pending, users[i].Changed = known.state.State, known.state.Pending, known.state.Changed
				continue
			}
			if now := stateOf(u); s.follows(t, now) {
				t.members[u.LoginID] = member{state: now}
			}
		}
		s.lead()
		s.answer(r, gc.TeamUsersList{Agent: s.Agent, Team: r.Team, Users: users})
	})
}

// withdraw makes a team that could not be read what it was before, unless it has
// been asked about again, or left, meanwhile. Notifications may have shown members
// already.
func (s *Session) withdraw(id gc.TeamID, t, before *team) {
	switch {
	case s.teams[id] != t:
		return
	case before == nil:
		delete(s.teams, id)
	default:
		s.teams[id] = before
	}
	s.lead()
}

// joinTeam reads a team, and before it subscribes to its changes. Without a
// stream that waits until the stream is back.
func joinTeam(ctx context.Context, n Node, c finesse.Credentials, stream Stream, id gc.TeamID, events bool) ([]gc.TeamUser, error) {
	if events && stream != nil {
		if err := stream.SubscribeTeam(ctx, id); err != nil {
			return nil, err
		}
	}
	return n.Team(ctx, c, id)
}

func stateOf(u gc.TeamUser) gc.State {
	return gc.State{
		Agent: u.LoginID, State: u.State, Pending: u.Pending, Changed: u.Changed,
		FullName: gc.FullName(u.FirstName, u.LastName), Extension: u.Extension,
	}
}

// memberNotified tells a change of a member (O-021).
func (s *Session) memberNotified(id gc.TeamID, u *finesse.User) {
	t := s.teams[id]
	if t == nil || !t.events || u == nil {
		return
	}
	s.memberChanged(id, t, memberState(*u), s.clock)
}

func (s *Session) memberChanged(id gc.TeamID, t *team, now gc.State, at uint64) {
	known := t.members[now.Agent]
	if now.FullName == "" {
		now.FullName = known.state.FullName
	}
	if !s.follows(t, now) {
		return
	}
	t.members[now.Agent] = member{state: now, touched: at}
	was := known.state
	changed := was.State != now.State || was.Pending != now.Pending || !was.Changed.Equal(now.Changed)
	if changed && now.Agent != s.Agent { // a supervisor may be a member too, and has State
		s.emit(gc.TeamMemberState{Agent: s.Agent, Team: id, Member: now})
	}
	if was.Agent == "" {
		s.lead()
	}
}

// tellMembers tells the state of each member whose changes the driver follows.
func (s *Session) tellMembers() {
	for _, id := range slices.Sorted(maps.Keys(s.teams)) {
		t := s.teams[id]
		for _, agent := range slices.Sorted(maps.Keys(t.members)) {
			if t.events && agent != s.Agent {
				s.emit(gc.TeamMemberState{Agent: s.Agent, Team: id, Member: t.members[agent].state})
			}
		}
	}
}

// rejoinTeams subscribes again after the stream was away, and tells what
// changed meanwhile.
func (s *Session) rejoinTeams() {
	node, credentials, stream := s.node, s.credentials, s.stream
	for id, t := range s.teams {
		if !t.events {
			continue
		}
		at, listed := s.clock, len(t.members) > 0
		s.work(func(ctx context.Context) func() {
			users, err := joinTeam(ctx, node, credentials, stream, id, true)
			return func() {
				if err != nil {
					s.Logger.Warn("a team's changes cannot be followed any more; the supervisor has to ask for the team again",
						zap.String("team", string(id)), zap.Error(err))
					return
				}
				if !listed {
					return // the driver is about to get the list
				}
				for _, u := range users {
					if s.teams[id] == t && t.members[u.LoginID].touched <= at {
						s.memberChanged(id, t, stateOf(u), at)
					}
				}
			}
		})
	}
}

// leaveTeams ends the interest in every team: its supervisor is signed out, or
// another driver has come.
func (s *Session) leaveTeams() {
	if stream := s.stream; stream != nil && len(s.teams) > 0 {
		s.work(func(ctx context.Context) func() {
			stream.LeaveTeams(ctx)
			return func() {}
		})
	}
	s.forgetTeams()
}

func (s *Session) forgetTeams() {
	clear(s.teams)
	s.lead()
}

// lead lets others know whom the supervisor leads.
func (s *Session) lead() {
	all := map[gc.AgentID]bool{}
	for _, t := range s.teams {
		for id := range t.members {
			all[id] = true
		}
	}
	s.Leads(slices.Collect(maps.Keys(all)))
}

// getTeamUserState tells the state of one member (O-021).
func (s *Session) getTeamUserState(r *Request) {
	askFor(s, r, func(ctx context.Context, n Node, c finesse.Credentials) (finesse.User, error) {
		return n.Member(ctx, c, r.Member)
	}, func(u finesse.User) gc.Event {
		return gc.TeamMemberState{Agent: s.Agent, Team: u.TeamID, Member: memberState(u)}
	})
}
