package session

import (
	"context"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/agent"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// changeState asks Finesse for a state, with the reason if the command has
// one. During a call Finesse makes it pending instead.
func changeState(state gc.UserState) func(*Session, *Request) {
	if state == gc.LoggedOut {
		return func(s *Session, r *Request) {
			s.ifSignedIn(r, func() { s.answer(r, s.known.State()) }, func() { s.change(&await{request: r}, state) })
		}
	}
	return func(s *Session, r *Request) {
		again := func() { s.reLogin(r) }
		s.ifSignedIn(r, again, func() {
			leaves := s.known.WillSignOut()
			s.known.SignsOutLater(false) // what is asked for last holds
			s.change(&await{request: r, failed: func(err error) {
				s.known.SignsOutLater(leaves)
				if s.known.User().State == gc.LoggedOut && !unavailable(err) && !wrongPassword(err) {
					again() // meanwhile
				} else {
					s.fail(r, err)
				}
			}}, state)
		})
	}
}

// ifSignedIn runs then unless the agent is signed out, which is read before it is
// believed: otherwise. Finesse answers who is signed out with an error about a
// password (CF_INVALID_PASSWORD_SPECIFIED, captured on UCCE), and drivers then ask
// their agent for one.
func (s *Session) ifSignedIn(r *Request, otherwise, then func()) {
	if s.known.User().State != gc.LoggedOut {
		then()
		return
	}
	s.line.keep(commandRuns, true)
	s.rereadAnywhere(func(err error) {
		s.line.keep(commandRuns, false)
		switch {
		case err != nil:
			s.fail(r, err)
		case s.known.User().State == gc.LoggedOut:
			otherwise()
		default:
			then()
		}
	})
}

func (s *Session) change(a *await, state gc.UserState) {
	r := a.request
	a.again, a.outcome = true, agent.InState(state, r.Reason)
	already := a.outcome.ShownBy(s.known)
	a.taken = func() {
		// Where nothing changes, nothing may be notified.
		if already && a.outcome.ShownBy(s.known) && s.forget(a) {
			s.answer(r, s.known.State())
		}
	}
	s.request(a, func(ctx context.Context, n Node, c finesse.Credentials) error {
		return n.ChangeState(ctx, c, r.ID, state, r.Reason)
	})
}

// makeCall dials.
func (s *Session) makeCall(r *Request) {
	s.call(r, func(ctx context.Context, n Node, c finesse.Credentials, from gc.Extension) error {
		return n.MakeCall(ctx, c, r.ID, from, r.Number)
	})
}

// call asks for a call from the agent's phone. The outcome is a new call in
// which the agent is the one who calls. It holds the line until then: Finesse
// does not show at first which number a call is to, so that the outcome of one
// such command could be taken for that of another.
func (s *Session) call(r *Request, send func(context.Context, Node, finesse.Credentials, gc.Extension) error) {
	from := s.known.Extension()
	if from == "" {
		s.reLogin(r) // O-007 b: no extension is known
		return
	}
	s.request(&await{request: r, holdsLine: true, outcome: s.known.NewCall(), about: subject{call: true}}, func(ctx context.Context, n Node, c finesse.Credentials) error {
		return send(ctx, n, c, from)
	})
}

// act does something with a call; its outcome is one of states.
func act(action finesse.Action, states ...gc.CallState) func(*Session, *Request) {
	return func(s *Session, r *Request) {
		s.onCall(&await{request: r, outcome: agent.CallIn(r.Dialog, states...)}, func(ctx context.Context, n Node, c finesse.Credentials, extension gc.Extension) error {
			return n.Act(ctx, c, r.ID, r.Dialog, action, extension)
		})
	}
}

// request sends what a asks for and lets the next command begin once Finesse
// has taken it; a's outcome comes as a notification.
func (s *Session) request(a *await, send func(context.Context, Node, finesse.Credentials) error) {
	a.send = send
	s.dispatch(s.expect(a))
}

// dispatch sends what a, which is expected, asks for. A sign-in that no driver
// asked for is none of the line's.
func (s *Session) dispatch(a *await) {
	node := s.place.node
	a.request.used = s.access.credentials
	if a.holdsLine {
		s.line.keep(commandRuns, true)
	}
	s.ask(query{put: a.send, holdsLine: !a.holdsLine && a != s.failover.signIn, then: func(err error) {
		if err != nil {
			s.unanswered(a, node, err)
			return
		}
		s.accepted(a)
		if a.taken != nil {
			a.taken()
		}
	}})
}

// getState answers with the state as Finesse has it now. A call that its driver
// has not heard of yet, because the notification is on its way, is reported: it
// will not be news any more when that comes.
func (s *Session) getState(r *Request) {
	s.readBackFor(r, true, func() {
		s.answer(r, s.known.State())
		for _, c := range s.known.LiveCalls() { // O-018, for old drivers
			s.emit(gc.AgentDialogState{Call: c})
		}
	})
}

// refresh reports everything again, to a driver that lost track.
func (s *Session) refresh(r *Request) {
	s.readBackFor(r, false, func() { s.reportAll(r) })
}

func (s *Session) readBackFor(r *Request, news bool, tell func()) {
	s.line.keep(commandRuns, true)
	s.readBack(news, func(err error) {
		s.line.keep(commandRuns, false)
		if err != nil {
			s.fail(r, err)
			return
		}
		tell()
	})
}

// consult calls somebody about a call, which Finesse puts on hold. The outcome
// is the new call that names it. It holds the line as call does. An error may be about
// the call that there is or, as there is none yet, about the list.
func (s *Session) consult(r *Request) {
	s.onCall(&await{request: r, holdsLine: true, outcome: s.known.NewConsultation(r.Dialog), about: subject{call: true}}, func(ctx context.Context, n Node, c finesse.Credentials, from gc.Extension) error {
		return n.Consult(ctx, c, r.ID, r.Dialog, from, r.Number)
	})
}

// transferSST hands a call over without consultation; it is over for the
// agent then.
func (s *Session) transferSST(r *Request) {
	s.onCall(&await{request: r, outcome: agent.CallIn(r.Dialog, gc.Dropped)}, func(ctx context.Context, n Node, c finesse.Credentials, from gc.Extension) error {
		return n.TransferSST(ctx, c, r.ID, r.Dialog, from, r.Number)
	})
}

// updateCallVariable is answered by the call with the new value. Finesse is given the
// name as the call has it.
func (s *Session) updateCallVariable(r *Request) {
	c, _ := s.known.Call(r.Dialog)
	for _, v := range c.Variables {
		if strings.EqualFold(v.Name, r.Variable.Name) {
			r.Variable.Name = v.Name
		}
	}
	s.onCall(&await{request: r, outcome: agent.CallWith(r.Dialog, r.Variable)}, func(ctx context.Context, n Node, c finesse.Credentials, _ gc.Extension) error {
		return n.UpdateCallData(ctx, c, r.ID, r.Dialog, "", []gc.CallVariable{r.Variable})
	})
}

// onCall sends what a asks for about one of the agent's calls.
func (s *Session) onCall(a *await, send func(context.Context, Node, finesse.Credentials, gc.Extension) error) {
	if _, ok := s.known.Call(a.request.Dialog); !ok {
		s.refuse(a.request, gc.NoDialogID, "the agent has no such call")
		return
	}
	extension := s.known.Extension()
	a.about.dialog = a.request.Dialog
	s.request(a, func(ctx context.Context, n Node, c finesse.Credentials) error {
		return send(ctx, n, c, extension)
	})
}

// wrapUp gives a call its wrap-up reason, by label or by the key that
// ReasonCodes gave. It has no answer but an error. Any change of the call is its outcome,
// but only once Finesse has taken it: until then it may be refused.
func (s *Session) wrapUp(r *Request) {
	known := s.wrapUps
	a := &await{request: r, outcome: agent.CallIn(r.Dialog)}
	taken, changed := false, false
	a.done = func(agent.Change) {
		if changed = true; taken {
			s.silent(r)
		} else {
			s.expect(a)
		}
	}
	a.taken = func() {
		if taken = true; changed && s.forget(a) {
			s.silent(r)
		}
	}
	s.onCall(a, func(ctx context.Context, n Node, c finesse.Credentials, _ gc.Extension) error {
		label, err := s.wrapUpLabel(ctx, n, c, r.WrapUp, known)
		if err != nil {
			return err
		}
		return n.UpdateCallData(ctx, c, r.ID, r.Dialog, label, nil)
	})
}

// wrapUpLabel finds the label of a reason that a driver gives by its key, by the label
// as Finesse has it, or as a text format shows that. Finesse takes any label, so one
// that it does not list is refused; its list is asked for unless the driver has
// chosen from it. It runs beside the session and uses of it only what never changes.
func (s *Session) wrapUpLabel(ctx context.Context, n Node, c finesse.Credentials, given string, known []gc.ReasonCode) (string, error) {
	find := func(reasons []gc.ReasonCode) (string, bool) {
		for _, is := range []func(gc.ReasonCode) bool{
			func(x gc.ReasonCode) bool { return string(x.ID) == given },
			func(x gc.ReasonCode) bool { return x.Label == given },
			func(x gc.ReasonCode) bool { return s.AsText(x.Label) == given },
		} {
			if i := slices.IndexFunc(reasons, is); i >= 0 {
				return reasons[i].Label, true
			}
		}
		return "", false
	}
	_, notKey := gc.ParseReasonCodeID(given) // what a key stands for may have changed
	if label, ok := find(known); ok && notKey != nil {
		return label, nil
	}
	reasons, err := n.WrapUpReasons(ctx, c)
	if err != nil {
		return "", err
	}
	if label, ok := find(reasons); ok {
		return label, nil
	}
	return "", gc.Retry(gc.NoSuchWrapUp, "find the wrap-up reason", "finesse lists none with that label or key")
}

// failHalfway ends a command whose first step worked and was to be reported with
// its answer.
func (s *Session) failHalfway(r *Request, err error) {
	s.emit(s.known.State())
	s.fail(r, err)
}

// getDialogState answers with the state of a call, NOT_FOUND included.
func (s *Session) getDialogState(r *Request) {
	s.readDialog(r, func(d finesse.Dialog, c gc.Call) gc.Event {
		return gc.DialogState{Call: c, Associated: s.known.Associated(d)}
	})
}

// getDialogStateControls answers with the kind and the state of a call and
// with what the agent may do with it.
func (s *Session) getDialogStateControls(r *Request) {
	s.readDialog(r, func(d finesse.Dialog, c gc.Call) gc.Event {
		e := gc.DialogStateControls{Call: c, Consult: s.known.IsConsultation(d)}
		own := s.known.Own(d)
		if own == nil {
			return e
		}
		s.before(r, e)
		return s.controls(own)
	})
}

// controlActions are the actions of Finesse behind the controls.
var controlActions = map[gc.CommandName]string{
	gc.AnswerCall: "ANSWER", gc.HoldCall: "HOLD", gc.RetrieveCall: "RETRIEVE", gc.ReleaseCall: "DROP",
	gc.MakeConsultCall: "CONSULT_CALL", gc.TransferCall: "TRANSFER", gc.ConferenceCall: "CONFERENCE", gc.TransferSST: "TRANSFER_SST",
	gc.UpdateCallVariable: "UPDATE_CALL_DATA", gc.AcceptOutboundPreview: "ACCEPT", gc.RejectOutboundPreview: "REJECT", gc.CloseOutboundPreview: "CLOSE",
}

func (s *Session) controls(own *finesse.Participant) gc.Controls {
	e := gc.Controls{Agent: s.Agent}
	for _, control := range gc.CallControls {
		e.Controls = append(e.Controls, slices.Contains(own.Actions, controlActions[control]))
	}
	return e
}

// readDialog answers with what event makes of a call, also of one that is not
// found.
func (s *Session) readDialog(r *Request, event func(finesse.Dialog, gc.Call) gc.Event) {
	askThen(s, dialogOf(r), func(d finesse.Dialog, err error) {
		own := s.known.Own(d)
		switch {
		case gc.CodeOf(err) == gc.NoDialogID || err == nil && own == nil:
			s.answer(r, event(finesse.Dialog{ID: r.Dialog}, gc.Call{Agent: s.Agent, FullName: s.known.FullName(), Dialog: r.Dialog, State: gc.NotFound}))
		case err != nil:
			s.fail(r, err)
		default:
			s.answer(r, event(d, s.known.Describe(d, own)))
		}
	})
}

// getDialogParticipants answers with the numbers of all parties.
func (s *Session) getDialogParticipants(r *Request) {
	askFor(s, r, dialogOf(r), func(d finesse.Dialog) gc.Event {
		e := gc.ConferenceParticipants{Agent: s.Agent, Dialog: r.Dialog}
		for _, p := range d.Participants {
			e.Participants = append(e.Participants, p.MediaAddress)
		}
		return e
	})
}

// dialogOf asks for the call that a command names.
func dialogOf(r *Request) func(context.Context, Node, finesse.Credentials) (finesse.Dialog, error) {
	return func(ctx context.Context, n Node, c finesse.Credentials) (finesse.Dialog, error) {
		return n.Dialog(ctx, c, r.Dialog)
	}
}
