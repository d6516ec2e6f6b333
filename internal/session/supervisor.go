package session

import (
	"context"
	"slices"
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
	s.request(&await{request: r, outcome: agent.BargedIn(monitored.Dialog), about: subject{call: true}}, func(ctx context.Context, n Node, c finesse.Credentials) error {
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

// memberHandlers says how the commands run that a supervisor may send for a member of
// a team whom no driver has connected. Finesse takes no reason from a supervisor, it
// records its own, and waits with LOGOUT for the end of a call.
var memberHandlers = map[gc.CommandName]func(*Session, *Request){
	gc.GetState:               (*Session).getMemberState,
	gc.MakeReady:              changeMember(gc.Ready),
	gc.MakeNotReady:           changeMember(gc.NotReady),
	gc.MakeNotReadyWithReason: changeMember(gc.NotReady),
	gc.MakeWorkReady:          changeMember(gc.WorkReady),
	gc.MakeWorkNotReady:       changeMember(gc.Work),
	gc.Logout:                 changeMember(gc.LoggedOut),
	gc.LogoutWithReason:       changeMember(gc.LoggedOut),
	gc.ForceLogout:            changeMember(gc.LoggedOut),
}

// memberInterval is how often a member is looked at until the state asked for
// shows. Finesse notifies a supervisor of members only after an explicit
// subscription, which is the driver's to ask for.
const memberInterval = 500 * time.Millisecond

// changeMember asks for a state of a team's member; the id of the command is the
// member's.
func changeMember(want gc.UserState) func(*Session, *Request) {
	return func(s *Session, r *Request) {
		a := s.expect(&await{request: r, about: subject{member: r.Agent}}) // for errors that come later
		askThen(s, func(ctx context.Context, n Node, c finesse.Credentials) (struct{}, error) {
			return struct{}{}, n.ChangeMemberState(ctx, c, r.ID, r.Agent, want)
		}, func(_ struct{}, err error) {
			if err != nil {
				s.abandon(a, err)
				return
			}
			s.lookAtMember(a, want, time.Now().Add(s.Times.Outcome))
		})
	}
}

func (s *Session) getMemberState(r *Request) {
	askFor(s, r, func(ctx context.Context, n Node, c finesse.Credentials) (finesse.User, error) {
		return n.Member(ctx, c, r.Agent)
	}, func(u finesse.User) gc.Event { return stateOfMember(r, u) })
}

// stateOfMember has the member's id as the command wrote it.
func stateOfMember(r *Request, u finesse.User) gc.Event {
	state := agent.MemberState(u)
	state.Agent = r.Agent
	return state
}

// lookAtMember reads the member until the state that a's command asked for shows, or
// until it is too late. Each reading is a question of its own: none is put with a password that
// is refused meanwhile.
func (s *Session) lookAtMember(a *await, want gc.UserState, until time.Time) {
	s.ask(questionOf(func(ctx context.Context, n Node, c finesse.Credentials) (finesse.User, error) {
		ctx, cancel := context.WithDeadline(ctx, until)
		defer cancel()
		return n.Member(ctx, c, a.request.Agent)
	}, func(u finesse.User, err error) {
		late := !time.Now().Before(until)
		switch {
		case !slices.Contains(s.awaiting, a): // an error that came later was its answer
		case err == nil && (u.State == want || u.PendingState == want):
			s.forget(a)
			s.answer(a.request, stateOfMember(a.request, u))
		case late && !wrongPassword(err):
			s.abandon(a, gc.Retry(gc.NoOutcome, "await outcome", "finesse accepted the request and the member did not change within %s", s.Times.Outcome))
		case err != nil:
			s.abandon(a, err)
		case s.jobs.ctx.Err() != nil:
			s.abandon(a, gc.Errorf(gc.Down, "await outcome", ending))
		default:
			s.after(memberInterval, func() { s.lookAtMember(a, want, until) })
		}
	}))
}
