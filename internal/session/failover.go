package session

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/agent"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// failover is what a session knows of its way from a node that failed to another.
//
// A session leaves its node only when that cannot be used, or has lost the
// stream, and there is a better one: it never goes back by itself, because
// that would be a second disturbance (Finesse developer guide: "there is no
// automatic fail-back"). It subscribes at the new node before anything else,
// signs the agent in again where Finesse has signed it out, and then reports what
// is different from what the driver knows, and each live call. Every part has a deadline:
// Times.Attempt, Times.Outcome, or that of a request.
type failover struct {
	settled []func() // what is to be done when that, or the undoing, is over

	at         time.Time // when the session came from another node; zero when no LOGOUT is undone any more
	unfinished bool      // the agent may have to be signed in there yet
	unreported bool      // its calls there have not been reported
	seat       seat      // where the driver signed the agent in
	signIn     *await    // a sign-in that no driver asked for
	undoing    bool      // a LOGOUT is being undone
}

// forget lets a failover be over, whatever was left to do.
func (f *failover) forget() { f.at, f.unfinished = time.Time{}, false }

// hurried is how often in a row another node is tried without delay.
const hurried = 3

// unavailable reports whether err says that the node, not the request, failed.
func unavailable(err error) bool {
	return err != nil && slices.Contains([]gc.Code{gc.NotReachable, gc.Down, gc.FinesseUnavailable, gc.UnableToSubscribe}, gc.CodeOf(err))
}

// leaving reports whether it is time for a failover.
func (s *Session) leaving() bool {
	if !s.access.usable() || s.place.node == nil || s.Node() == s.place.node {
		return false
	}
	usable, _ := s.place.node.Usable()
	return s.place.stream == nil || !usable
}

// consider looks at what has changed of the nodes.
func (s *Session) consider() {
	_, s.place.health = s.place.node.Usable()
	if !s.access.usable() || s.place.phase == waiting && s.place.attempts <= 1 { // the first attempt is near
		return
	}
	best := s.Node()
	usable, _ := best.Usable()
	switch {
	case s.place.moving():
		if ok, _ := s.place.target.Usable(); !ok && usable {
			s.turnBack()
		}
	case s.leaving():
		s.startOver()
		s.retryLater()
	case s.place.stream == nil && usable:
		s.place.attempts = 0
		s.retryLater()
	}
}

// turnBack gives up the way to a node that cannot be used any more.
func (s *Session) turnBack() {
	if s.place.phase == trying {
		s.place.abort()
	} else if s.failover.signIn != nil && !s.failover.undoing {
		s.abandon(s.failover.signIn, gc.Errorf(gc.Down, "sign in again", "the node went out of service"))
	}
}

// accept begins a command, after the failover if it is time for one: the node that
// failed would only fail it.
func (s *Session) accept(r *Request) {
	if s.leaving() {
		s.hasten()
		if s.place.moving() {
			s.line.first = r
			s.line.keep(sessionMoves, true)
			return
		}
	}
	s.begin(r)
}

// hasten makes the session, which is leaving, fail over now, unless the node is well
// again: place.moving shows which.
func (s *Session) hasten() {
	if s.place.phase == trying && s.place.target == s.place.node {
		s.place.abort() // settle goes on from there
	}
	s.resubscribe()
}

func (s *Session) whenSettled(f func()) {
	if s.place.moving() {
		s.line.keep(sessionMoves, true)
	}
	s.failover.settled = append(s.failover.settled, f)
}

// doubt finds out whether node, which failed with why, can be used, moves if it
// cannot and there is a better one, and then runs then: with whether the
// session is at another node now, where it has read everything. No command
// begins meanwhile.
func (s *Session) doubt(node Node, why error, then func(moved bool)) {
	s.line.hold(nodeDoubted)
	s.jobs.start(func(ctx context.Context) func() {
		ctx, cancel := context.WithTimeout(ctx, s.Times.Attempt)
		defer cancel()
		node.Verify(ctx)
		return func() {
			s.line.release(nodeDoubted)
			if s.place.node == node && s.leaving() {
				s.place.reason = string(gc.CodeOf(why))
				s.hasten()
			}
			if s.place.moving() && (s.place.target != node || s.leaving()) {
				s.whenSettled(func() { then(s.place.node != node) })
			} else {
				then(s.place.node != node)
			}
		}
	})
}

// orElsewhere runs here with what node answered, unless err says that the node
// fails and the session has found its way to another: then it runs elsewhere.
func (s *Session) orElsewhere(node Node, err error, here, elsewhere func()) {
	if !unavailable(err) {
		here()
		return
	}
	s.doubt(node, err, func(moved bool) {
		if moved {
			elsewhere()
		} else {
			here()
		}
	})
}

// unanswered ends a command whose request node failed to answer well. When the
// answer was lost, the request may still have worked, and everything is read
// first: a call must not be reported as failed while the phone rings. What is
// harmless is tried at another node.
func (s *Session) unanswered(a *await, node Node, err error) {
	switch {
	case !slices.Contains(s.awaiting, a): // answered meanwhile; heard reports a refusal
	case !unavailable(err):
		s.abandon(a, err)
	case a == s.failover.signIn: // a failover waits for it
		s.reread(func(reading error) {
			if wrongPassword(reading) {
				err = reading
			}
			s.abandon(a, err)
		})
	default:
		s.doubt(node, err, func(moved bool) {
			s.line.hold(lostAnswer)
			s.reread(func(error) {
				s.line.release(lostAnswer)
				s.reportRefusal()
				if moved && a.again && s.access.usable() && slices.Contains(s.awaiting, a) {
					a.again = false
					s.dispatch(a)
					return
				}
				s.abandon(a, err)
			})
		})
	}
}

// arrived takes over the stream at a node and what was read there. What was read and
// reported since the attempt began may be newer than t: then everything is read once more,
// with the stream.
func (s *Session) arrived(node Node, t snapshot) {
	overtaken := s.known.Overtaken(t.Reading)
	from, lost := s.place.node, s.place.stream == nil
	s.attach(node, &t)
	if node != from {
		s.logFailover(from, node, lost)
		s.failover.at, s.failover.unfinished, s.failover.unreported = time.Now(), true, true
	}
	if !overtaken {
		s.found(node, t)
		return
	}
	s.fetch(func(t snapshot, err error) {
		if err != nil {
			s.complete(err)
			return
		}
		s.found(node, t)
	})
}

// found goes on with what was read at the node of the stream.
func (s *Session) found(node Node, t snapshot) {
	signedOut := t.User.State == gc.LoggedOut && s.known.SignedIn() && !s.asksLogout()
	if s.failover.unfinished && signedOut && s.failover.signIn == nil && !s.failover.undoing {
		s.place.goes(signOut)
		s.line.keep(sessionMoves, true)
		s.place.target = node // a Connect has made no attempt
		s.signInAgain(s.signedBackIn)
		return
	}
	s.report(s.known.Compare(t.Reading))
	s.complete(nil)
}

func (s *Session) logFailover(from, to Node, lost bool) {
	reason := s.place.reason
	switch {
	case reason != "":
	case lost:
		reason = "stream lost"
	default:
		reason = "out of service"
	}
	s.Logger.Info("agent fails over to another finesse node", zap.String("from", from.Name()), zap.String("to", to.Name()), zap.String("reason", reason))
	s.place.reason = ""
}

// signedBackIn goes on after the sign-in at a new node. One that Finesse
// refused is reported and not tried again; one that met a node that fails too is
// part of the next attempt. A driver may have proved another password meanwhile.
func (s *Session) signedBackIn(err error) {
	if wrongPassword(err) && s.access.usable() {
		if s.known.SignedIn() {
			s.signInAgain(s.signedBackIn)
			return
		}
		err = nil // the agent has signed out meanwhile
	}
	if err != nil && !wrongPassword(err) && !unavailable(err) {
		s.Logger.Info("agent could not be signed in at the other finesse node", zap.Error(err))
		s.failover.forget()
		s.emit(gc.Failure(s.Agent, err))
		err = nil
	}
	if err != nil {
		s.complete(err)
		return
	}
	s.reread(s.complete)
}

// complete ends an attempt that brought a stream.
func (s *Session) complete(err error) {
	switch {
	case err != nil && gc.CodeOf(err) == gc.UserNotFound:
		s.vanished(err)
	case err != nil: // the next attempt does what is left
		s.place.close()
	case s.place.stream != nil:
		s.failover.unfinished = false
		s.reportCalls()
		s.rejoinTeams()
	}
	s.settle()
}

// reportCalls reports each live call once the session has moved (O-024): what the driver
// sees of a call may depend on the node, and it is not to doubt that the call goes on.
func (s *Session) reportCalls() {
	if !s.failover.unreported {
		return
	}
	s.failover.unreported = false
	for _, e := range s.known.Statuses() {
		s.emit(e)
	}
}

// settle ends an attempt, whatever came of it. For a command that waits the
// next one begins at once if there is yet another node.
func (s *Session) settle() {
	s.place.goes(settle)
	s.line.keep(sessionMoves, false)
	if s.access.usable() && (s.place.stream == nil || s.leaving()) {
		waited := s.line.first != nil || len(s.failover.settled) > 0
		if waited && s.leaving() && s.place.attempts < hurried && s.Node() != s.place.target {
			s.place.attempts++
			s.resubscribe()
		}
		if s.place.moving() {
			return
		}
		if s.place.phase != waiting {
			s.retryLater()
		}
	}
	s.runSettled()
}

func (s *Session) runSettled() {
	s.reportRefusal()
	then := s.failover.settled
	s.failover.settled = nil
	for _, f := range then {
		f()
	}
}

// asksLogout reports whether a driver wants the agent signed out.
func (s *Session) asksLogout() bool {
	return s.known.User().PendingState == gc.LoggedOut || s.known.WillSignOut() || slices.ContainsFunc(s.awaiting, func(a *await) bool {
		return a.about.member == "" && slices.Contains([]gc.CommandName{gc.Logout, gc.LogoutWithReason, gc.ForceLogout}, a.request.Spec.Name)
	})
}

// signInAgain signs the agent in where it was, without a word to the driver
// unless its state is another afterwards. Finesse keeps the state of an agent
// it has not signed out.
func (s *Session) signInAgain(then func(error)) {
	at := s.failover.seat
	if now := s.known.Extension(); at.extension != now {
		at = seat{extension: now}
	}
	before, id := s.known.User(), finesse.NewRequestID()
	a := &await{
		request: &Request{Command: gc.Command{Spec: gc.FindCommand(string(gc.Login)), Agent: s.Agent}, ID: id},
		outcome: agent.NotInState(gc.LoggedOut),
		send:    func(ctx context.Context, n Node, c finesse.Credentials) error { return at.signIn(ctx, n, c, id) },
	}
	a.done = func(agent.Change) {
		s.failover.signIn = nil
		s.report(s.known.StateSince(before))
		then(nil)
	}
	a.failed = func(err error) {
		s.failover.signIn = nil
		then(err)
	}
	s.failover.signIn = a
	s.awaiting = slices.Insert(s.awaiting, 0, a) // what it brings about is its outcome first
	s.dispatch(a)
}

// undoes reports whether now is a LOGOUT that the driver is not to hear of:
// while the agent is being signed in again, and shortly after a failover, when it
// is the work of the old node, which notices late that its client has gone and
// signs the agent out of both (Finesse developer guide, failover).
func (s *Session) undoes(now finesse.User) bool {
	switch {
	case s.asksLogout():
		return false
	case s.failover.signIn != nil || s.failover.undoing:
		return true
	case s.failover.at.IsZero() || time.Since(s.failover.at) > s.Times.Undo:
		return false
	}
	s.undo(now)
	return true
}

// undo signs the agent in again, once. No command begins meanwhile.
func (s *Session) undo(out finesse.User) {
	s.Logger.Info("finesse signed the agent out after the failover; signing in again")
	s.failover.at, s.failover.undoing = time.Time{}, true
	s.line.hold(logoutUndone)
	s.after(s.Times.UndoAfter, func() {
		if s.access.usable() && s.known.SignedIn() && !s.asksLogout() {
			s.signInAgain(func(err error) { s.undone(out, err) })
			return
		}
		s.undone(out, gc.Errorf(gc.PleaseRetry, "sign in again", "that is not wanted, or not possible, any more"))
	})
}

func (s *Session) undone(out finesse.User, err error) {
	s.failover.undoing = false
	if err != nil {
		s.line.release(logoutUndone)
		s.Logger.Info("agent stays signed out", zap.Error(err))
		if s.known.SignedIn() { // and not reported otherwise meanwhile
			s.report(s.known.SignOut(out))
		}
		s.runSettled()
		return
	}
	s.reread(func(error) {
		s.line.release(logoutUndone)
		s.runSettled()
	})
}
