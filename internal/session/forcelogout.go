package session

import (
	"context"
	"slices"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/agent"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// idleStates are those from which Finesse makes an agent not ready at once.
var idleStates = []gc.UserState{gc.Ready, gc.Work, gc.WorkReady}

// forceLogout signs the agent out whatever it does, as soon as Finesse allows it:
// Finesse signs out only who is not ready and has no call. Ready and working agents are
// made not ready first, which is reported only if it is the last. Who has a call
// is signed out at its end.
func (s *Session) forceLogout(r *Request) {
	s.ifSignedIn(r, func() { s.answer(r, s.known.State()) }, func() {
		before := s.known.User().State
		switch {
		case s.known.Engaged():
			s.logoutLater(r)
		case slices.Contains(idleStates, before):
			a := &await{request: r, again: true, holdsLine: true, outcome: agent.NotInState(before)}
			a.done = func(agent.Change) {
				s.line.keep(commandRuns, false)
				s.change(&await{request: r, failed: func(err error) { s.failHalfway(r, err) }}, gc.LoggedOut)
			}
			s.request(a, asking(gc.NotReady, r.ID))
		default:
			s.change(&await{request: r}, gc.LoggedOut)
		}
	})
}

// asking puts a request for a state, without a reason.
func asking(state gc.UserState, id finesse.RequestID) func(context.Context, Node, finesse.Credentials) error {
	return func(ctx context.Context, n Node, c finesse.Credentials) error {
		return n.ChangeState(ctx, c, id, state, "")
	}
}

// logoutLater answers a force_logout during a call: with the state, of which LOGOUT
// is pending from then on. Finesse, which knows no such thing of an agent's own
// wish, is asked for NOT_READY meanwhile, so that no other call is routed to the
// agent; where it refuses that for now, the sign-out still follows the call.
func (s *Session) logoutLater(r *Request) {
	s.known.SignsOutLater(true)
	later := func() { s.answer(r, s.known.State()) }
	a := &await{request: r, again: true, outcome: agent.InState(gc.NotReady, "")}
	if a.outcome.ShownBy(s.known) {
		later()
		return
	}
	a.done = func(agent.Change) { later() }
	a.failed = func(err error) {
		if unavailable(err) || wrongPassword(err) {
			s.known.SignsOutLater(false)
			s.fail(r, err)
			return
		}
		later()
	}
	s.request(a, asking(gc.NotReady, r.ID))
}

// logoutIsDue reports whether it is time for the sign-out that a force_logout asked
// for. It comes when no command runs, as if it were one.
func (s *Session) logoutIsDue() bool {
	return s.known.WillSignOut() && !s.known.Engaged() && s.line.free() && s.access.usable() && !s.leaving()
}

// logoutNow goes one step: to NOT_READY, or from there to LOGOUT. Each is reported as it
// comes. A step that Finesse refuses is the last, and the driver hears it, unless
// there is another call by then.
func (s *Session) logoutNow() {
	before, id := s.known.User().State, finesse.NewRequestID()
	to, outcome := gc.LoggedOut, agent.InState(gc.LoggedOut, "")
	if before != gc.NotReady {
		to, outcome = gc.NotReady, agent.NotInState(before)
	}
	r := &Request{Command: gc.Command{Spec: gc.FindCommand(string(gc.ForceLogout)), Agent: s.Agent}, ID: id}
	a := &await{request: r, again: true, holdsLine: true, outcome: outcome}
	a.done = func(shown agent.Change) {
		s.line.keep(commandRuns, false)
		if to == gc.LoggedOut {
			s.known.SignsOutLater(false) // done, or pending: then it is Finesse's to do
		}
		if shown.News {
			s.emit(shown.Event)
		}
	}
	a.failed = func(err error) {
		if s.known.Engaged() && !unavailable(err) {
			return
		}
		s.known.SignsOutLater(false)
		s.Logger.Info("agent could not be signed out after the call", s.fields(r, zap.Error(err))...)
		if !wrongPassword(err) { // that is reported by heard
			s.emit(gc.Failure(s.Agent, err))
		}
	}
	s.request(a, asking(to, id))
}
