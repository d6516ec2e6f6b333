package session

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// connect proves a password and binds the agent to the destination that gave
// it. Success has no answer.
func (s *Session) connect(r *Request) {
	s.proveThen(r, r.Destination, func() { s.silent(r) })
}

// claim is a Connect that has not proved its password. It binds nothing; but the
// Login that follows it, and has the same password, is of the same driver.
type claim struct {
	to, answers gc.Destination // of the events, and of errors
	password    gc.Secret
	good        bool // for a Login behind it: it failed because Finesse is away
}

// maxClaims is how many of them are known, the latest ones.
const maxClaims = 8

func (s *Session) claim(r *Request, err error) {
	same := func(c claim) bool { return c.to == r.Destination && c.password.Equal(r.Password) }
	s.claims = append(slices.DeleteFunc(s.claims, same), claim{r.Destination, r.ReplyTo, r.Password, unavailable(err)})
	if len(s.claims) > maxClaims {
		s.claims = slices.Delete(s.claims, 0, 1)
	}
}

// claimed is the latest Connect with that password.
func (s *Session) claimed(password gc.Secret) (claim, bool) {
	for _, c := range slices.Backward(s.claims) {
		if c.password.Equal(password) {
			return c, true
		}
	}
	return claim{}, false
}

// proveAndLogin serves a Login whose password is not the one that works: that is
// proved first, before anything else is done or taken. When no Connect has
// succeeded the agent's events go where the Connect with the same password
// wanted them, which failed for another reason, or was sent right before; else
// where the password was proved before, else to the Login's own reply-to.
func (s *Session) proveAndLogin(r *Request) {
	to := s.destination
	if before, ok := s.claimed(r.Password); ok && !s.connected {
		to = before.to
		if r.ReplyTo == "" {
			r.ReplyTo = before.answers
		}
	}
	if to == "" {
		to = r.ReplyTo
	}
	if to == "" {
		s.answer(r, gc.ReLogin{Agent: r.Agent})
		return
	}
	s.proveThen(r, to, func() { s.login(r) })
}

// proveThen runs then once the password of r is proved. Nothing of a session
// that works changes before.
func (s *Session) proveThen(r *Request, destination gc.Destination, then func()) {
	s.busy = true
	credentials := finesse.Credentials{Agent: s.Agent, Password: r.Password}
	node := s.node // an agent stays where it is as long as that works
	if s.stream == nil {
		node = s.Node()
	}
	keep := s.stream != nil && (s.credentials.Password.Equal(r.Password) || r.Spec.Name != gc.Connect)
	number := s.nextReading()
	s.work(func(ctx context.Context) func() {
		fresh, err := prove(ctx, node, credentials, keep)
		if unavailable(err) {
			node.Verify(ctx)
			if other := s.Node(); other != node {
				node = other
				fresh, err = prove(ctx, node, credentials, false)
			}
		}
		fresh.number = number
		return func() {
			s.busy = false
			if err != nil {
				if r.letIn = fresh.letIn; r.letIn && r.ReplyTo == "" {
					r.ReplyTo = destination // who has the password may hear what else went wrong
				}
				s.unproved(r, err)
				return
			}
			s.proved(r, destination, credentials, node, fresh)
			then()
		}
	})
}

// truth is what Finesse says of an agent now.
type truth struct {
	stream  Stream // nil: the one at hand stays
	user    finesse.User
	dialogs []finesse.Dialog
	letIn   bool   // the password is right
	at      uint64 // the session's clock before the first request
	number  uint64 // of the reading, in the order in which they are asked for
}

// prove asks Finesse whether the password is right, before it is given to the
// notification service: a wrong one counts once towards locking the account.
// What happened before the subscription is never notified, so the agent and
// its calls are read after it.
func prove(ctx context.Context, node Node, c finesse.Credentials, keep bool) (t truth, err error) {
	if _, err = node.User(ctx, c); err != nil || keep {
		return t, err
	}
	t, err = join(ctx, node, c)
	t.letIn = true
	return t, err
}

// join subscribes, and then reads.
func join(ctx context.Context, node Node, c finesse.Credentials) (t truth, err error) {
	if t.stream, err = node.Subscribe(ctx, c); err != nil {
		return t, err
	}
	t.user, t.dialogs, err = read(ctx, node, c)
	if err != nil {
		t.stream.Close()
	}
	return t, err
}

func read(ctx context.Context, node Node, c finesse.Credentials) (u finesse.User, d []finesse.Dialog, err error) {
	if u, err = node.User(ctx, c); err == nil && u.State != gc.LoggedOut {
		d, err = node.Dialogs(ctx, c)
	}
	return u, d, err
}

// unproved answers a Connect or a Login whose password was not proved, which
// changes nothing: least of all in a session that works.
func (s *Session) unproved(r *Request, err error) {
	if !s.connected && r.Spec.Name == gc.Connect {
		s.claim(r, err)
	}
	s.fail(r, err)
}

func (s *Session) proved(r *Request, destination gc.Destination, c finesse.Credentials, node Node, t truth) {
	again := s.connected && s.destination == destination
	if s.connected && !again {
		s.takenOver()
	}
	s.bind(destination, r)
	s.credentials, s.claims = c, nil
	s.setConnected(true)
	if t.stream != nil {
		s.attempts = 0
		t.at = s.clock
		if again {
			s.arrived(node, t) // the driver knows what was before
		} else {
			s.attach(node, t.stream)
			s.become(t.user)
			s.asOf, s.calls = t.user.StateChangeTime, map[gc.DialogID]*call{}
			s.move.at, s.move.unfinished, s.move.seat = time.Time{}, false, seat{}
			s.adopt(t)
			s.settle()
		}
	}
	s.Logger.Info("agent connected", s.fields(r, zap.String("dest", string(s.destination)), zap.String("state", string(s.user.State)))...)
}

// takenOver tells the driver that had the agent that another one proved the
// password (seed: State LOGOUT, then Error SESSION_INVALIDATED).
func (s *Session) takenOver() {
	s.Logger.Info("agent moves to another destination", zap.String("from", string(s.destination)))
	s.emit(gc.State{Agent: s.Agent, State: gc.LoggedOut, FullName: s.info().FullName()})
	s.emit(gc.ErrorEvent{Agent: s.Agent, Code: gc.SessionInvalidated})
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
	a := &await{request: r, again: true, holdsLine: true, user: func(u finesse.User) bool {
		return u.State != gc.LoggedOut && u.Extension == r.Extension
	}}
	a.done = func() { s.loggedIn(a) }
	already := a.user(s.user)
	a.taken = func() {
		// A sign-in of an agent who is signed in may change nothing, and then
		// nothing is notified.
		if already && a.user(s.user) && s.forget(a) {
			a.done()
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
	s.move.seat = seatOf(a.request)
	s.readBack(s.adopt, func(err error) {
		s.busy = false
		s.returnLicence() // what showed may be a sign-in of before a sign-out that was read
		if err != nil {
			s.failHalfway(a.request, err)
			return
		}
		s.Logger.Info("agent signed in", s.fields(a.request, zap.String("extension", string(s.user.Extension)))...)
		s.tellAll(a.request)
		s.Emit(Emission{Event: gc.AgentSync{Agent: s.Agent, Password: s.credentials.Password, Extension: s.extension(), Subscribed: time.Now()}})
	})
}

// disconnect stops serving an agent until a driver connects it again. Nobody
// will tell when it signs out, so the licence is given back now.
func (s *Session) disconnect() {
	s.setConnected(false)
	s.redial = nil
	s.forgetTeams()
	if s.stream != nil {
		s.stream.Close()
		s.stream = nil
	}
	s.giveLicence()
}

// vanished ends the service of an agent whom Finesse does not know any more.
func (s *Session) vanished(err error) {
	s.Logger.Warn("finesse does not know the agent any more; waiting for the driver to connect again", zap.Error(err))
	s.emit(gc.ErrorEvent{Agent: s.Agent, Code: gc.UserNotFound})
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
	if s.user.State == gc.LoggedOut {
		s.giveLicence()
	}
}

// tellAll answers with AgentInfo, State and the DialogStatus of every live
// call.
func (s *Session) tellAll(r *Request) {
	events := append([]gc.Event{s.info(), s.state()}, s.statuses()...)
	last := len(events) - 1
	for _, e := range events[:last] {
		s.before(r, e)
	}
	s.answer(r, events[last])
}

// tellMissed tells a driver that missed events what is true now, and answers
// again what may not have been answered.
func (s *Session) tellMissed() {
	s.intake.Lock()
	what := s.missed
	s.missed = missed{}
	s.intake.Unlock()
	if what.all && s.connected && s.user.State != "" {
		s.emit(s.state())
		for _, e := range s.statuses() {
			s.emit(e)
		}
		s.tellMembers()
	}
	for _, e := range what.answers {
		e.Event = s.becameOf(e)
		s.Emit(e)
	}
}

// becameOf is what is true now of what an answer told: the call if it still
// goes on, otherwise the agent's state, for the end of a call is told anyway.
// An answer about somebody else is as true as it was.
func (s *Session) becameOf(e Emission) gc.Event {
	var id gc.DialogID
	switch told := e.Event.(type) {
	case gc.State:
		if told.Agent != s.Agent {
			return told
		}
	case gc.TeamMemberState:
		return told
	case gc.InboundCall:
		id = told.Call.Dialog
	case gc.ConsultCall:
		id = told.Call.Dialog
	case gc.DialogStatus:
		id = told.Call.Dialog
	}
	switch known := s.calls[id]; {
	case !s.connected || e.Destination != s.destination: // another driver has the agent
		return gc.ReLogin{Agent: e.Cause.Agent}
	case known != nil && !known.over:
		return status(known, s.consultationAbout(id))
	default:
		return s.state()
	}
}

// statuses are the live calls, a consultation together with the call it is
// about (O-024). Where there are several about a call, or about one another,
// the others stand alone.
func (s *Session) statuses() []gc.Event {
	var events []gc.Event
	told := map[*call]bool{}
	tell := func(c *call) {
		other := s.consultationAbout(c.told.Dialog)
		if told[other] {
			other = nil
		}
		told[c], told[other] = true, other != nil
		events = append(events, status(c, other))
	}
	live := s.liveCalls()
	for _, c := range live {
		if about := s.calls[c.told.Previous]; !c.consult || about == nil || about.over {
			tell(c)
		}
	}
	for _, c := range live {
		if !told[c] {
			tell(c)
		}
	}
	return events
}

// status is a call together with its consultation, nil for none.
func status(c, consultation *call) gc.DialogStatus {
	e := gc.DialogStatus{Call: c.told}
	if consultation != nil {
		e.Associated = &consultation.told
	}
	return e
}
