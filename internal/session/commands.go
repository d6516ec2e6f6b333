package session

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// changeState asks Finesse for a state, with the reason if the command has
// one. During a call Finesse makes it pending instead.
func changeState(state gc.UserState) func(*Session, *Request) {
	return func(s *Session, r *Request) {
		want := func(u finesse.User) bool {
			return u.PendingState == state || u.State == state && (r.Reason == "" || u.ReasonCodeID == r.Reason)
		}
		already := want(s.user)
		s.request(&await{request: r, user: want}, func(ctx context.Context, n Node, c finesse.Credentials) error {
			return n.ChangeState(ctx, c, r.ID, state, r.Reason)
		}, func(a *await) {
			// Where nothing changes, nothing may be notified.
			if already && s.forget(a) {
				s.answer(r, s.state())
			}
		})
	}
}

// makeCall dials. The outcome is the new call in which the agent is the one
// who calls.
func (s *Session) makeCall(r *Request) {
	if s.extension() == "" {
		s.answer(r, gc.ReLogin{Agent: s.Agent}) // O-007 b: no extension is known
		return
	}
	from, known := s.extension(), maps.Clone(s.calls)
	s.request(&await{request: r, call: func(c gc.Call) bool {
		return known[c.Dialog] == nil && c.From == string(from)
	}}, func(ctx context.Context, n Node, c finesse.Credentials) error {
		return n.MakeCall(ctx, c, r.ID, from, r.Number)
	}, nil)
}

// act does something with a call; its outcome is one of states.
func act(action finesse.Action, states ...gc.CallState) func(*Session, *Request) {
	return func(s *Session, r *Request) {
		if s.calls[r.Dialog] == nil {
			s.refuse(r, gc.NoDialogID, "the agent has no such call")
			return
		}
		extension := s.extension()
		s.request(&await{request: r, call: func(c gc.Call) bool {
			return c.Dialog == r.Dialog && slices.Contains(states, c.State)
		}}, func(ctx context.Context, n Node, c finesse.Credentials) error {
			return n.Act(ctx, c, r.ID, r.Dialog, action, extension)
		}, nil)
	}
}

// request sends what a asks for and lets the next command begin once Finesse
// has taken it; a's outcome comes as a notification. accepted, if not nil, runs
// when Finesse has taken the request.
func (s *Session) request(a *await, send func(context.Context, Node, finesse.Credentials) error, accepted func(*await)) {
	s.expect(a)
	s.busy = true
	node, credentials := s.node, s.credentials
	s.work(func(ctx context.Context) func() {
		err := send(ctx, node, credentials)
		return func() {
			s.busy = false
			if err != nil {
				s.unanswered(a, err)
				return
			}
			s.accepted(a)
			if accepted != nil {
				accepted(a)
			}
		}
	})
}

// unanswered ends a command whose request failed. When the answer was lost,
// the request may still have worked, and the truth is read first: a call must
// not be reported as failed while the phone rings.
func (s *Session) unanswered(a *await, err error) {
	lost := gc.CodeOf(err) == gc.NotReachable || gc.CodeOf(err) == gc.Down
	if !lost {
		if s.forget(a) {
			s.fail(a.request, err)
		}
		return
	}
	s.reread(func(error) {
		if s.forget(a) {
			s.fail(a.request, err)
		}
	})
}

// getState answers with the state as Finesse has it now.
func (s *Session) getState(r *Request) {
	s.readBackFor(r, func() { s.answer(r, s.state()) })
}

// refresh tells a driver that lost track everything again.
func (s *Session) refresh(r *Request) {
	s.readBackFor(r, func() { s.tellAll(r) })
}

func (s *Session) readBackFor(r *Request, tell func()) {
	s.busy = true
	s.readBack(func(err error) {
		s.busy = false
		if err != nil {
			s.fail(r, err)
			return
		}
		tell()
	})
}

// getDialogState answers with the state of a call, NOT_FOUND included.
func (s *Session) getDialogState(r *Request) {
	s.busy = true
	node, credentials := s.node, s.credentials
	s.work(func(ctx context.Context) func() {
		d, err := node.Dialog(ctx, credentials, r.Dialog)
		return func() {
			s.busy = false
			switch own := s.own(d); {
			case gc.CodeOf(err) == gc.NoDialogID || err == nil && own == nil:
				s.answer(r, gc.DialogState{Call: gc.Call{Agent: s.Agent, FullName: s.info().FullName(), Dialog: r.Dialog, State: gc.NotFound}})
			case err != nil:
				s.fail(r, err)
			default:
				e := gc.DialogState{Call: s.describe(d, own)}
				if other := s.associated(d); other != nil {
					e.Associated = &other.told
				}
				s.answer(r, e)
			}
		}
	})
}

// reasonCodes lists the codes of a category.
func reasonCodes(category gc.ReasonCategory) func(*Session, *Request) {
	return func(s *Session, r *Request) {
		s.busy = true
		node, credentials := s.node, s.credentials
		s.work(func(ctx context.Context) func() {
			codes, err := node.ReasonCodes(ctx, credentials, category)
			return func() {
				s.busy = false
				if err != nil {
					s.fail(r, err)
					return
				}
				s.answer(r, gc.ReasonCodes{Agent: s.Agent, FullName: s.info().FullName(), Category: category, Codes: codes})
			}
		})
	}
}

// wrongPassword reports whether Finesse refused the credentials: no further
// attempt may be made with them.
func wrongPassword(err error) bool {
	var e *gc.Error
	return errors.As(err, &e) && (e.Code == gc.SubscriptionFailed || e.Code == gc.AccountLocked)
}
