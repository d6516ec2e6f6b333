package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/agent"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Request is a command on its way.
type Request struct {
	gc.Command
	Type, Text    string            // JMSType and parameters as sent; Text is "" where it holds a password
	ID            finesse.RequestID // follows the command through the log and to Finesse
	CorrelationID string
	// ReplyTo is used where no destination is known yet, and for the errors of a
	// Connect: whose own destination it is if that is known to be one.
	ReplyTo gc.Destination
	Format  string // that a driver asks for with it; the session passes it on, see Options.Bound
	// Refusal is set for a command that must not run: it is answered with this
	// error, in its turn.
	Refusal error
	// Acknowledge tells the broker that the outcome is known and published.
	Acknowledge func()
	// Finished is called once, with nil or with why the driver got an error or, with
	// gc.ErrReLogin, was asked to sign the agent in;
	// it is for the log and the metrics.
	Finished func(error)

	letIn bool                // Finesse took the password it carries
	used  finesse.Credentials // that it was put to Finesse with
}

// handlers says how each command of an agent runs. Those that need an agent
// that somebody connected are called only then.
var handlers = map[gc.CommandName]func(*Session, *Request){
	gc.Connect:                (*Session).connect,
	gc.Login:                  (*Session).login,
	gc.Logout:                 changeState(gc.LoggedOut),
	gc.LogoutWithReason:       changeState(gc.LoggedOut),
	gc.MakeReady:              changeState(gc.Ready),
	gc.MakeNotReady:           changeState(gc.NotReady),
	gc.MakeNotReadyWithReason: changeState(gc.NotReady),
	gc.GetState:               (*Session).getState,
	gc.Refresh:                (*Session).refresh,
	gc.MakeCall:               (*Session).makeCall,
	gc.AnswerCall:             act(finesse.Answer, gc.Active, gc.Held, gc.WrapUp, gc.Dropped),
	gc.HoldCall:               act(finesse.Hold, gc.Held, gc.Dropped),
	gc.RetrieveCall:           act(finesse.Retrieve, gc.Active, gc.Dropped),
	gc.ReleaseCall:            act(finesse.Drop, gc.Dropped, gc.WrapUp),
	gc.GetDialogState:         (*Session).getDialogState,
	gc.ReasonCodeNotReady:     reasonCodes(gc.NotReadyReasons),
	gc.ReasonCodeLogout:       reasonCodes(gc.LogoutReasons),
	gc.WrapUpReasonCode:       reasonCodes(gc.WrapUpReasons),
	gc.MobileAgentLogin:       (*Session).login,
	gc.ForceLogout:            (*Session).forceLogout,
	gc.MakeWorkNotReady:       changeState(gc.Work),
	gc.MakeWorkReady:          changeState(gc.WorkReady),
	gc.MakeConsultCall:        (*Session).consult,
	gc.TransferSST:            (*Session).transferSST,
	gc.TransferCall:           act(finesse.Transfer, gc.Dropped),
	gc.ConferenceCall:         act(finesse.Conference, gc.Active),
	gc.GetDialogStateControls: (*Session).getDialogStateControls,
	gc.GetDialogParticipants:  (*Session).getDialogParticipants,
	gc.UpdateCallVariable:     (*Session).updateCallVariable,
	gc.WrapUpCall:             (*Session).wrapUp,
	gc.AcceptOutboundPreview:  act(finesse.Accept, gc.Accepted, gc.Initiating, gc.Initiated, gc.Active, gc.Dropped),
	gc.RejectOutboundPreview:  act(finesse.Reject, gc.Dropped),
	gc.CloseOutboundPreview:   act(finesse.Close, gc.Dropped),
	gc.PauseRecording:         record(Recorder.Pause),
	gc.ResumeRecording:        record(Recorder.Resume),
	gc.GetAllAgents:           (*Session).getAllAgents,
	gc.GetPhonebooks:          (*Session).getPhonebooks,
	gc.GetTeamPhonebooks:      (*Session).getTeamPhonebooks,
	gc.GetPhonebookContacts:   (*Session).getPhonebookContacts,
	gc.GetQueueList:           (*Session).getQueueList,
	gc.GetTeamUsers:           (*Session).getTeamUsers,
	gc.GetTeamUserState:       (*Session).getTeamUserState,
	gc.SilentMonitor:          (*Session).silentMonitor,
	gc.EndSilentMonitor:       act(finesse.Drop, gc.Dropped),
	gc.BargeIn:                (*Session).bargeIn,
	gc.DropParticipant:        (*Session).dropParticipant,
}

// begin starts a command.
func (s *Session) begin(r *Request) {
	r.used = s.access.credentials
	if r.Spec != nil && r.Spec.SignsIn() {
		r.Password = s.access.meant(r.Password)
	}
	switch {
	case r.Refusal != nil:
		s.fail(r, r.Refusal)
	case s.access.connected() && s.isMembers(r):
		memberHandlers[r.Spec.Name](s, r)
	case r.Spec.SignsIn() && !(s.access.connected() && s.access.is(r.Password)):
		s.proveAndLogin(r)
	case s.access.connected() || r.Spec.Name == gc.Connect:
		handlers[r.Spec.Name](s, r)
	default:
		s.reLogin(r)
	}
}

// isMembers reports whether a command is about a member of a team that the agent, a
// supervisor, leads.
func (s *Session) isMembers(r *Request) bool {
	return r.Agent != s.Agent && r.Spec != nil && r.Spec.ForMember
}

// answer emits the last event of a command's answer.
func (s *Session) answer(r *Request, e gc.Event) { s.finish(r, e, nil) }

// reLogin asks the driver to connect the agent and to sign it in (O-007). It is an
// answer, and no success: the command was not carried out.
func (s *Session) reLogin(r *Request) { s.finish(r, gc.ReLogin{Agent: r.Agent}, gc.ErrReLogin) }

// refuse answers a command that is not even tried.
func (s *Session) refuse(r *Request, code gc.Code, why string) {
	s.fail(r, &gc.Error{Code: code, Op: "accept command", Err: errors.New(why)})
}

// fail answers a command with an error (O-002); one that failed because the token has
// expired, with the wish for a new one (O-007), and because it was the one before, with the wish to repeat it.
func (s *Session) fail(r *Request, err error) {
	used := r.used.Password // the agent may have been connected with another since
	carries := r.Password != (gc.Secret{})
	if carries {
		used = r.Password
	}
	if !carries && wrongPassword(err) && s.access.usable() && !s.access.is(used) {
		err = &gc.Error{Code: gc.PleaseRetry, Op: "ask", Err: err, Reason: gc.PasswordReplaced}
	}
	own := !s.isMembers(r) // of a member's command the supervisor's driver may not hear
	if own && !carries && s.access.expired(used, err) {
		s.reLogin(r)
	} else {
		s.finish(r, gc.Failure(r.Agent, err), err)
	}
	if own && wrongPassword(err) && s.access.is(used) && s.to(r) == s.access.destination() {
		s.access.reported = true
	}
}

func (s *Session) finish(r *Request, e gc.Event, err error) {
	s.answered(r)
	to := s.audience(r)
	for _, also := range to[1:] {
		s.Emit(Emission{Destination: also, Event: e, Cause: r})
	}
	s.Emit(Emission{Destination: to[0], Event: e, Cause: r, Acknowledge: r.Acknowledge})
	r.Finished(err)
}

// audience is who hears a command's answer. Of one about a member of a team, which
// anybody at it may have sent, that is each destination whose supervisor follows the
// team, or the one of them that is named as the reply-to. No other reply-to hears
// of a member: nobody there has proved a password.
func (s *Session) audience(r *Request) []gc.Destination {
	home := s.to(r)
	if !s.isMembers(r) {
		return []gc.Destination{home}
	}
	all := []gc.Destination{home}
	for _, d := range s.Followers(r.Agent) {
		if d == r.ReplyTo {
			return []gc.Destination{d}
		}
		if d != home {
			all = append(all, d)
		}
	}
	return all
}

// before emits an event of a command's answer that is not the last.
func (s *Session) before(r *Request, e gc.Event) {
	s.Emit(Emission{Destination: s.to(r), Event: e, Cause: r})
}

// silent ends a command that has no answer.
func (s *Session) silent(r *Request) {
	s.answered(r)
	r.Acknowledge()
	r.Finished(nil)
}

// answered notes that a command has its answer: each is once, whatever fails.
func (s *Session) answered(r *Request) {
	if i := slices.Index(s.open, r); i >= 0 {
		s.open = slices.Delete(s.open, i, i+1)
		s.mailbox.answered()
	}
}

// to is where a command's answer goes.
func (s *Session) to(r *Request) gc.Destination {
	return r.AnswerTo(s.access.destination(), s.access.connected() && !r.letIn && !s.access.is(r.Password))
}

// AnswerTo is where the answer to a command goes when the events of its agent go
// to home; "" is nowhere. What comes of a Connect goes to the sender, and of a
// Login to who names a reply-to. Anybody can send one: strange, for a command that
// carries a password, says that the agent works at home and that it is not the
// agent's. Then nothing of a Connect goes there, whatever it was refused for and
// wherever it wants its answer: a driver that hears of a wrong password gives up.
func (r *Request) AnswerTo(home gc.Destination, strange bool) gc.Destination {
	switch {
	case home == "":
		return r.ReplyTo
	case r.Spec == nil || !r.Spec.HasPassword():
		return home
	case r.Spec.Name == gc.Connect && strange && r.ReplyTo == home:
		return ""
	case r.Spec.Name == gc.Connect, strange && r.ReplyTo != "":
		return r.ReplyTo
	default:
		return home
	}
}

func (s *Session) fields(r *Request, more ...zap.Field) []zap.Field {
	cmd := ""
	if r.Spec != nil {
		cmd = string(r.Spec.Name)
	}
	return append([]zap.Field{zap.String("req", string(r.ID)), zap.String("cmd", cmd)}, more...)
}

// await is a command that Finesse accepted, or is about to, and whose outcome
// a notification will show.
type await struct {
	request  *Request
	deadline time.Time // zero while Finesse has the request
	outcome  agent.Outcome
	about    subject // of its request
	// done, if set, runs instead of answering with the event that showed the
	// outcome.
	done func(shown agent.Change)
	// holdsLine: no other command begins before the outcome.
	holdsLine bool
	// send asks Finesse for it; taken, if set, runs once Finesse has accepted.
	send  func(context.Context, Node, finesse.Credentials) error
	taken func()
	// again: it may be sent to another node, once, after the first has failed.
	again bool
	// failed, if set, runs instead of answering with an error.
	failed func(error)
}

// expect registers a before its request is sent: the notification may come
// before the answer to the request.
func (s *Session) expect(a *await) *await {
	s.awaiting = append(s.awaiting, a)
	return a
}

// accepted starts the time in which the outcome must come.
func (s *Session) accepted(a *await) { a.deadline = time.Now().Add(s.Times.Outcome) }

// forget removes a and reports whether it was still awaited.
func (s *Session) forget(a *await) bool {
	for i, x := range s.awaiting {
		if x == a {
			s.awaiting = append(s.awaiting[:i:i], s.awaiting[i+1:]...)
			return true
		}
	}
	return false
}

// take removes and returns the oldest await that match accepts.
func (s *Session) take(match func(*await) bool) *await {
	for _, a := range s.awaiting {
		if match(a) {
			s.forget(a)
			return a
		}
	}
	return nil
}

// expire reads a snapshot for commands whose notification never came: once for
// all of them, because each reading may be refused when the password was changed.
func (s *Session) expire(now time.Time) {
	var overdue []*await
	for _, a := range s.awaiting {
		if a.deadline.IsZero() || now.Before(a.deadline) {
			continue
		}
		a.deadline = time.Time{}
		if a == s.failover.signIn { // a failover waits for it
			s.reread(func(err error) { s.overdue([]*await{a}, err) })
		} else {
			overdue = append(overdue, a)
		}
	}
	if len(overdue) > 0 {
		s.rereadAnywhere(func(err error) { s.overdue(overdue, err) })
	}
}

// overdue ends commands after it was read, which may have shown their
// outcome.
func (s *Session) overdue(all []*await, err error) {
	if err == nil {
		err = gc.Retry(gc.NoOutcome, "await outcome", "finesse accepted the request and did nothing within %s", s.Times.Outcome)
	}
	for _, a := range all {
		s.abandon(a, err)
	}
}

// abandon ends what is awaited with an error, unless its outcome has shown.
func (s *Session) abandon(a *await, err error) {
	if !s.forget(a) {
		return
	}
	s.release(a)
	if a.failed != nil {
		a.failed(err)
		return
	}
	s.fail(a.request, err)
}

// release frees the line that a command held, and the licence if it was a
// Login that failed.
func (s *Session) release(a *await) {
	if a.holdsLine {
		s.line.keep(commandRuns, false)
		s.returnLicence()
	}
}

// subject is what the request of an await is about, as Finesse names it in an error
// that comes later: a call, the list of calls for one that is made, else the agent.
type subject struct {
	dialog gc.DialogID
	call   bool       // one that is made
	member gc.AgentID // another agent, whom the agent leads
}

// rejected hands an asynchronous error to the command it belongs to. One that belongs
// to none is somebody else's, such as of a chat, or of a request that the agent's
// desktop has made. It says nothing of the password, whatever its name: only who is
// not let in with it learns that it is refused.
func (s *Session) rejected(u finesse.Update) {
	i := slices.IndexFunc(s.awaiting, func(a *await) bool { return s.isOf(u, a) })
	if i < 0 {
		level := zap.DebugLevel
		if s.said.stray.Take(time.Now()) {
			level = zap.InfoLevel
		}
		s.Logger.Log(level, "finesse reports an error that belongs to no command; no driver hears of it", zap.String("source", fmt.Sprintf("%.80q", u.Source)), zap.Error(u.Error))
		return
	}
	a := s.awaiting[i]
	s.abandon(a, &gc.Error{Code: u.Error.Code(), Op: "finesse." + string(a.request.Spec.Name), Err: u.Error, Reason: u.Error.Reason()})
}

// isOf reports whether an asynchronous error is of a's request: by the id of the
// request; without one, which Finesse mostly leaves out, by what it is about. Of
// several commands about the same the oldest is meant.
func (s *Session) isOf(u finesse.Update, a *await) bool {
	if u.RequestID != "" {
		return a.request.ID == u.RequestID
	}
	switch about := u.Object(); {
	case about.Dialog != "":
		return a.about.dialog == about.Dialog
	case a.about.member != "" || !s.known.IsCalled(about.User):
		return a.about.member != "" && a.about.member.Is(about.User) && !about.Calls
	case about.Calls:
		return a.about.call && u.Event == finesse.Post
	default:
		return a.about == subject{}
	}
}

// Handles reports whether sessions run the command.
func Handles(name gc.CommandName) bool { return handlers[name] != nil }
