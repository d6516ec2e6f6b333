package session

import (
	"context"
	"slices"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Finesse's callTypes of the calls a supervisor makes into others'.
const (
	supervisorMonitor = "SUPERVISOR_MONITOR"
	bargeInConsult    = "BARGE_IN_CONSULT"
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
	listening := s.listening(r.Dialog)
	if listening == nil {
		s.refuse(r, gc.NoDialogID, "no call is being listened to: send silentmonitor first")
		return
	}
	from, monitored := s.extension(), listening.told
	s.barged[string(from)] = true
	s.request(&await{request: r, call: func(c gc.Call) bool {
		return c.Dialog != monitored.Dialog && c.Type != bargeInConsult && c.State == gc.Active
	}}, func(ctx context.Context, n Node, c finesse.Credentials) error {
		agent, err := extensionOf(ctx, n, c, r.Party, monitored)
		if err != nil {
			return err
		}
		return n.BargeIn(ctx, c, r.ID, from, agent, monitored.Dialog)
	})
}

// listening is the call in which the supervisor listens: the one of that id,
// else the only one there can be.
func (s *Session) listening(id gc.DialogID) *call {
	var found *call
	for _, c := range s.liveCalls() {
		if c.told.Type == supervisorMonitor && (found == nil || c.told.Dialog == id) {
			found = c
		}
	}
	return found
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

// noteBarge remembers who breaks into the call of the agent: the party that
// the agent's phone calls for it.
func (s *Session) noteBarge(d finesse.Dialog) {
	if d.CallType != bargeInConsult || d.FromAddress != string(s.extension()) {
		return
	}
	for _, p := range d.Participants {
		if p.MediaAddress != d.FromAddress && len(s.barged) < maxBarged {
			s.barged[p.MediaAddress] = true
		}
	}
}

// dropParticipant takes a party out of a conference; the answer is who remains
// (O-022).
func (s *Session) dropParticipant(r *Request) {
	remaining := func(c gc.Call) []string {
		var parties []string
		for _, p := range c.Participants {
			if p.State != gc.Dropped {
				parties = append(parties, p.MediaAddress)
			}
		}
		return parties
	}
	s.onCall(&await{request: r, call: func(c gc.Call) bool {
		return c.Dialog == r.Dialog && !slices.Contains(remaining(c), string(r.Extension))
	}, done: func() {
		s.answer(r, gc.ConferenceParticipants{Agent: s.Agent, Dialog: r.Dialog, Participants: remaining(s.calls[r.Dialog].told)})
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
	ask(s, func(ctx context.Context, n Node, c finesse.Credentials) (struct{}, error) {
		return struct{}{}, n.ChangeMemberState(ctx, c, r.ID, r.Agent, want)
	}, func(_ struct{}, err error) {
		if err != nil {
			s.fail(r, err)
			return
		}
		node, credentials := s.node, s.credentials
		s.work(func(ctx context.Context) func() {
			u, err := s.awaitMember(ctx, node, credentials, r.Agent, want)
			return func() {
				if err != nil {
					s.fail(r, err)
					return
				}
				s.answer(r, memberState(u))
			}
		})
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
			return u, gc.Errorf(gc.PleaseRetry, "await outcome", "finesse accepted the request and the member did not change within %s", s.Times.Outcome)
		}
	}
}

// memberState is the state of an agent who is not the session's.
func memberState(u finesse.User) gc.State {
	return gc.State{
		Agent:     u.LoginID,
		State:     u.State,
		Reason:    u.ReasonCodeID,
		Pending:   u.PendingState,
		Changed:   u.StateChangeTime,
		FullName:  gc.FullName(u.FirstName, u.LastName),
		Extension: u.Extension,
	}
}
