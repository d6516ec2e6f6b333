package session

import (
	"context"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/agent"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// getTeamUsers lists the members of a team and, if asked, subscribes to their
// changes: first, so that none between the two is lost. Or it takes that back.
func (s *Session) getTeamUsers(r *Request) {
	reading := s.known.AskTeam(r.Team, r.TeamEvents)
	node, stream := s.place.node, s.place.stream
	askThen(s, func(ctx context.Context, n Node, c finesse.Credentials) ([]gc.TeamUser, error) {
		users, err := joinTeam(ctx, n, c, stream, r.Team, r.TeamEvents == gc.TeamEventsOn && n == node) // a failover subscribes itself
		if err == nil && r.TeamEvents == gc.TeamEventsOff && stream != nil && n == node {
			stream.LeaveTeams(ctx, r.Team)
		}
		return users, err
	}, func(users []gc.TeamUser, err error) {
		if err != nil {
			s.report(s.known.TeamUnread(reading))
			s.fail(r, err)
			return
		}
		s.report(s.known.TeamRead(reading, users))
		s.answer(r, gc.TeamUsersList{Agent: s.Agent, Team: r.Team, Users: users})
	})
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

// rejoinTeams subscribes again after the stream was away, and reports what
// changed meanwhile.
func (s *Session) rejoinTeams() {
	stream := s.place.stream
	for _, id := range s.known.FollowedTeams() {
		reading := s.known.AskTeamAgain(id)
		s.ask(questionOf(func(ctx context.Context, n Node, c finesse.Credentials) ([]gc.TeamUser, error) {
			return joinTeam(ctx, n, c, stream, id, true)
		}, func(users []gc.TeamUser, err error) {
			if err != nil {
				s.Logger.Warn("a team's changes cannot be followed any more; the supervisor has to ask for the team again",
					zap.String("team", string(id)), zap.Error(err))
				return
			}
			s.report(s.known.CompareTeam(reading, users))
		}))
	}
}

// leaveTeams ends the interest in every team: its supervisor is signed out, or
// another driver has come.
func (s *Session) leaveTeams() {
	if s.known.LeaveTeams() && s.place.stream != nil {
		stream := s.place.stream
		s.jobs.start(func(ctx context.Context) func() {
			stream.LeaveTeams(ctx)
			return func() {}
		})
	}
	s.Leads(nil)
}

// getTeamUserState reports the state of one member (O-021).
func (s *Session) getTeamUserState(r *Request) {
	askFor(s, r, func(ctx context.Context, n Node, c finesse.Credentials) (finesse.User, error) {
		return n.Member(ctx, c, r.Member)
	}, func(u finesse.User) gc.Event {
		return gc.TeamMemberState{Agent: s.Agent, Team: u.TeamID, Member: agent.MemberState(u)}
	})
}
