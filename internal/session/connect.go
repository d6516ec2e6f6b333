package session

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/agent"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// connect proves a password and binds the agent to the destination that gave
// it. Success has no answer.
func (s *Session) connect(r *Request) {
	s.proveThen(r, r.Destination, func() { s.silent(r) })
}

// proveAndLogin serves a Login whose password is not the one that works: that is
// proved first, before anything else is done or taken. When no Connect has
// succeeded the agent's events go where the Connect with the same password
// wanted them, which failed for another reason, or was sent right before; else
// where the password was proved before, else to the Login's own reply-to.
func (s *Session) proveAndLogin(r *Request) {
	to := s.access.destination()
	if before, ok := s.access.claimed(r.Password); ok && !s.access.connected() {
		to = before.to
		if r.ReplyTo == "" {
			r.ReplyTo = before.answers
		}
	}
	if to == "" {
		to = r.ReplyTo
	}
	if to == "" {
		s.reLogin(r)
		return
	}
	s.proveThen(r, to, func() { s.login(r) })
}

// proveThen runs then once the password of r is proved. Nothing of a session
// that works changes before.
func (s *Session) proveThen(r *Request, destination gc.Destination, then func()) {
	s.line.keep(commandRuns, true)
	credentials := finesse.Credentials{Agent: s.Agent, Password: r.Password}
	node := s.place.node // an agent stays where it is as long as that works
	if s.place.stream == nil {
		node = s.Node()
	}
	// A token's owner is shown by the notification service alone: a supervisor's reads the
	// members of a team, too.
	keep := s.place.stream != nil && (s.access.is(r.Password) || r.Spec.Name != gc.Connect && !r.Password.IsToken())
	asked := snapshot{Reading: s.known.Ask()}
	s.place.proofs++
	s.jobs.start(func(ctx context.Context) func() {
		fresh := asked
		err := fresh.prove(ctx, node, credentials, keep)
		if unavailable(err) {
			node.Verify(ctx)
			if other := s.Node(); other != node {
				node, fresh = other, asked
				err = fresh.prove(ctx, node, credentials, false)
			}
		}
		return func() {
			s.line.keep(commandRuns, false)
			s.heard(credentials, err, func() {
				if err != nil {
					if r.letIn = fresh.letIn; r.letIn && r.ReplyTo == "" {
						r.ReplyTo = destination // who has the password may hear what else went wrong
					}
					s.unproved(r, err)
					return
				}
				if keep && !s.access.usable() { // another request was refused meanwhile, and the stream is gone
					s.proveThen(r, destination, then)
					return
				}
				credentials.LoginID = fresh.loginID
				s.proved(r, destination, credentials, node, fresh)
				then()
			})
			s.proofEnded()
		}
	})
}

// unproved answers a Connect or a Login whose password was not proved, which
// changes nothing: least of all in a session that works.
func (s *Session) unproved(r *Request, err error) {
	if !s.access.connected() && r.Spec.Name == gc.Connect {
		s.access.claim(r, err, time.Now())
	}
	s.fail(r, err)
}

func (s *Session) proved(r *Request, destination gc.Destination, c finesse.Credentials, node Node, t snapshot) {
	again := s.access.connected() && s.access.destination() == destination
	if s.access.connected() && !again {
		s.takenOver()
	}
	s.access.grant(destination, c)
	s.Bound(destination, r)
	if t.stream != nil {
		s.place.attempts = 0
		t.Reading = s.known.Latest(t.Reading)
		if again {
			s.arrived(node, t) // the driver knows what was before
		} else {
			s.attach(node, &t)
			s.failover.forget()
			s.failover.seat = seat{}
			s.report(s.known.Begin(t.Reading))
			s.settle()
		}
	}
	s.Logger.Info("agent connected", s.fields(r, zap.String("dest", string(destination)), zap.String("state", string(s.known.User().State)))...)
}

// takenOver tells the driver that had the agent that another one proved the
// password (seed: State LOGOUT, then Error SESSION_INVALIDATED).
func (s *Session) takenOver() {
	s.Logger.Info("agent moves to another destination", zap.String("from", string(s.access.destination())))
	s.emit(gc.State{Agent: s.Agent, State: gc.LoggedOut, FullName: s.known.FullName()})
	s.emit(gc.Failure(s.Agent, &gc.Error{Code: gc.SessionInvalidated}))
	s.known.SignsOutLater(false)
	s.leaveTeams()
}

// login signs the agent in at an extension, with the password that works. It holds the line until the
// outcome is known: what follows needs the extension.
func (s *Session) login(r *Request) {
	if !s.licensed && !s.Licences.Take() {
		s.refuse(r, gc.LicensesExceeded, "agents.limit is reached: raise it or sign others out")
		return
	}
	s.licensed = true
	a := &await{request: r, again: true, holdsLine: true, outcome: agent.SignedInAt(r.Extension)}
	a.done = func(agent.Change) { s.loggedIn(a) }
	already := a.outcome.ShownBy(s.known)
	a.taken = func() {
		// A sign-in of an agent who is signed in may change nothing, and then
		// nothing is notified.
		if already && a.outcome.ShownBy(s.known) && s.forget(a) {
			s.loggedIn(a)
		}
	}
	s.request(a, func(ctx context.Context, n Node, c finesse.Credentials) error {
		return seatOf(r).signIn(ctx, n, c, r.ID)
	})
}

// seat is where an agent is signed in.
type seat struct {
	extension gc.Extension
	number    gc.PhoneNumber // of a mobile agent
	mode      string         // of a mobile agent, "" for others
}

func seatOf(r *Request) seat {
	switch {
	case r.Spec.Name != gc.MobileAgentLogin:
		return seat{extension: r.Extension}
	case r.NailedUp:
		return seat{r.Extension, r.Number, finesse.NailedConnection}
	default:
		return seat{r.Extension, r.Number, finesse.CallByCall}
	}
}

func (at seat) signIn(ctx context.Context, n Node, c finesse.Credentials, id finesse.RequestID) error {
	if at.mode == "" {
		return n.SignIn(ctx, c, id, at.extension)
	}
	return n.SignInMobile(ctx, c, id, at.extension, at.number, at.mode)
}

// loggedIn reads what a sign-in does not notify (calls that began earlier) and
// answers: AgentInfo, State, and a DialogStatus for each call.
func (s *Session) loggedIn(a *await) {
	s.failover.seat = seatOf(a.request)
	s.known.SignsOutLater(false) // what is asked for last holds
	s.readBack(false, func(err error) {
		s.line.keep(commandRuns, false)
		s.returnLicence() // what showed may be a sign-in of before a sign-out that was read
		if err != nil {
			s.failHalfway(a.request, err)
			return
		}
		s.Logger.Info("agent signed in", s.fields(a.request, zap.String("extension", string(s.known.Extension())))...)
		s.reportAll(a.request)
		s.Emit(Emission{Event: gc.AgentSync{Agent: s.Agent, Password: s.access.credentials.Password, Extension: s.known.Extension(), Subscribed: time.Now()}})
	})
}

// disconnect stops serving an agent until a driver connects it again. Nobody
// reports when it signs out, so the licence is given back now.
func (s *Session) disconnect() {
	s.access.withdraw()
	s.place.goes(forgo)
	s.known.SignsOutLater(false)
	s.known.LeaveTeams()
	s.Leads(nil)
	s.place.close()
	s.giveLicence()
}

// vanished ends the service of an agent whom Finesse does not know any more.
func (s *Session) vanished(err error) {
	s.Logger.Warn("finesse does not know the agent any more; waiting for the driver to connect again", zap.Error(err))
	s.emit(gc.Failure(s.Agent, &gc.Error{Code: gc.UserNotFound}))
	s.disconnect()
}

func (s *Session) giveLicence() {
	if s.licensed {
		s.licensed = false
		s.Licences.Give()
	}
}

// returnLicence gives the licence back when the agent is not signed in.
func (s *Session) returnLicence() {
	if s.known.User().State == gc.LoggedOut {
		s.giveLicence()
	}
}

// reportAll answers with AgentInfo, State and the DialogStatus of every live
// call.
func (s *Session) reportAll(r *Request) {
	events := append([]gc.Event{s.known.Info(), s.known.State()}, s.known.Statuses()...)
	last := len(events) - 1
	for _, e := range events[:last] {
		s.before(r, e)
	}
	s.answer(r, events[last])
}

// reportMissed reports to a driver that missed events what is true now, and answers
// again what may not have been answered.
func (s *Session) reportMissed() {
	what := s.mailbox.takeMissed()
	if what.all && s.access.connected() && s.known.User().State != "" {
		s.emit(s.known.State())
		for _, e := range append(s.known.Statuses(), s.known.Members()...) {
			s.emit(e)
		}
	}
	for _, e := range what.answers {
		now, own := s.known.Now(e.Event)
		if e.Event = now; own && (!s.access.connected() || e.Destination != s.access.destination()) { // another driver has the agent
			e.Event = gc.ReLogin{Agent: e.Cause.Agent}
		}
		s.Emit(e)
	}
}
