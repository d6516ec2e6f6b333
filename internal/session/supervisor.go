package session

import (
	"context"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/agent"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// silentMonitor lets a supervisor listen to the call of a team's member. The
// outcome is a call of the supervisor's own; the member's driver hears nothing
// of it.
func (s *Session) silentMonitor(r *Request) {
	s.call(r, func(ctx context.Context, n Node, c finesse.Credentials, from gc.Extension) error {
		return n.SilentMonitor(ctx, c, r.ID, from, r.Extension)
	})
}

// bargeIn makes the supervisor a party of the call that is being listened to.
// Finesse wants the dialog of the listening; a driver may also name the
// member's.
func (s *Session) bargeIn(r *Request) {
	monitored, ok := s.known.Listening(r.Dialog)
	if !ok {
		s.refuse(r, gc.NoDialogID, "no call is being listened to: send silentmonitor first")
		return
	}
	from := s.known.Extension()
	s.known.BargesIn()
	s.request(&await{request: r, outcome: agent.BargedIn(monitored.Dialog)}, func(ctx context.Context, n Node, c finesse.Credentials) error {
		agent, err := extensionOf(ctx, n, c, r.Party, monitored)
		if err != nil {
			return err
		}
		return n.BargeIn(ctx, c, r.ID, from, agent, monitored.Dialog)
	})
}

// extensionOf finds the extension of a party that a driver named by it or by
// login id. What looks like an extension and is nobody's login id is one.
func extensionOf(ctx context.Context, n Node, c finesse.Credentials, party string, monitored gc.Call) (gc.Extension, error) {
	if party == monitored.To {
		return gc.Extension(party), nil
	}
	u, err := n.Member(ctx, c, gc.AgentID(party))
	if err == nil {
		return u.Extension, nil
	}
	if e, bad := gc.ParseExtension(party); bad == nil {
		return e, nil
	}
	return "", err
}

// dropParticipant takes a party out of a conference; the answer is who remains
// (O-022).
func (s *Session) dropParticipant(r *Request) {
	s.onCall(&await{request: r, outcome: agent.CallWithout(r.Dialog, r.Extension), done: func(shown agent.Change) {
		s.answer(r, gc.ConferenceParticipants{Agent: s.Agent, Dialog: r.Dialog, Participants: agent.Remaining(*shown.Call)})
	}}, func(ctx context.Context, n Node, c finesse.Credentials, _ gc.Extension) error {
		return n.Act(ctx, c, r.ID, r.Dialog, finesse.DropParticipant, r.Extension)
	})
}

// memberStates are the states that the commands of a supervisor for a member
// ask for.
var memberStates = map[gc.CommandName]gc.UserState{
	gc.MakeReady:    gc.Ready,
	gc.MakeNotReady: gc.NotReady,
	gc.Logout:       gc.LoggedOut,
}

// memberInterval is how often a member is looked at until the state asked for
// shows. Finesse notifies a supervisor of members only after an explicit
// subscription, which is the driver's to ask for, and of errors not at all.
const memberInterval = 500 * time.Millisecond

// changeMember asks for a state of a team's member that no driver has
// connected; the id of the command is the member's.
func (s *Session) changeMember(r *Request) {
	want := memberStates[r.Spec.Name]
	askThen(s, func(ctx context.Context, n Node, c finesse.Credentials) (struct{}, error) {
		return struct{}{}, n.ChangeMemberState(ctx, c, r.ID, r.Agent, want)
	}, func(_ struct{}, err error) {
		if err != nil {
			s.fail(r, err)
			return
		}
		s.ask(questionOf(func(ctx context.Context, n Node, c finesse.Credentials) (finesse.User, error) {
			return s.awaitMember(ctx, n, c, r.Agent, want)
		}, func(u finesse.User, err error) {
			if err != nil {
				s.fail(r, err)
				return
			}
			s.answer(r, agent.MemberState(u))
		}))
	})
}

// awaitMember runs beside the session and uses of it only what never changes.
func (s *Session) awaitMember(ctx context.Context, n Node, c finesse.Credentials, id gc.AgentID, want gc.UserState) (finesse.User, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Times.Outcome)
	defer cancel()
	for {
		u, err := n.Member(ctx, c, id)
		if err == nil && (u.State == want || u.PendingState == want) || err != nil && ctx.Err() == nil {
			return u, err
		}
		select {
		case <-time.After(memberInterval):
		case <-ctx.Done():
			return u, gc.Retry(gc.NoOutcome, "await outcome", "finesse accepted the request and the member did not change within %s", s.Times.Outcome)
		}
	}
}
