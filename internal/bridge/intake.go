package bridge

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/directory"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/passwords"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// intake takes commands, judges them and gives them to the sessions of their agents,
// which it begins and ends. What no session takes it answers itself.
type intake struct {
	capture   Capture
	settings  *atomic.Pointer[Settings]
	directory *directory.Directory
	journal   *journal
	delivery  *delivery

	unproved, unconfirmed *owed

	ledger    *ledger
	passwords *passwords.Guard
	sessions  session.Options // what is the same for all
	ctx       context.Context // of the sessions
	cancel    context.CancelFunc
	running   sync.WaitGroup
}

// Handle takes one delivery of the command queue.
func (in *intake) Handle(d *broker.Delivery) { in.handle(d, d.AckThen) }

func (in *intake) handle(d *broker.Delivery, ack func(gone func())) {
	if d.Broken != nil {
		in.broken(d)
		return
	}
	if d.Late {
		in.ledger.repeats(d, ack)
		return
	}
	acknowledge, again, noRoom := in.ledger.enter(d, ack)
	if again {
		acknowledge()
		in.captureCommand(gc.Command{}, d, "", "")
		in.journal.repeated.Inc()
		in.journal.Debug("command delivered again that has been taken already", token("message", d.MessageID))
		return
	}
	if wire.IsEvent(d.Body) {
		in.returned(d, acknowledge)
		return
	}
	c, err := wire.ParseCommand(d.Type, d.Body)
	if err == nil {
		err = noRoom
	}
	if c.Destination != "" {
		if bad := in.settings.Load().permits(c.Destination); bad != nil {
			c.Destination, err = "", gc.Retry(gc.DestinationBarred, "parse parameters", "%w", bad)
		}
	}
	if err == nil {
		err = in.unwanted(c.Spec, d)
	}
	in.checkCategory(c.Spec, d)
	r := in.receive(c, d, err, acknowledge)
	in.captureCommand(c, d, r.ID, r.claims())
	d.Body = "" // who acknowledges keeps d, and a body that is refused may be megabytes
	switch {
	case err == nil && c.Spec.ForDestination:
		in.hello(r, d)
	case c.Agent == "":
		in.unserved(r, d)
	default:
		in.submit(r, d)
	}
}

// unwanted refuses a command that must not run because it cannot be answered,
// may have run before, or comes too late to be wanted still.
func (in *intake) unwanted(spec *gc.CommandSpec, d *broker.Delivery) error {
	if d.Unanswerable != nil {
		return gc.Retry(gc.NotAnswerable, "accept command", "%w", d.Unanswerable)
	}
	if spec.Once && d.Redelivered {
		return gc.Retry(gc.DeliveredBefore, "accept command", "%s was delivered before and may have run", spec.Name)
	}
	if age := time.Since(d.Timestamp); spec.CallControl() && !d.Timestamp.IsZero() && age > in.settings.Load().MaxCommandAge {
		return gc.Retry(gc.TooOld, "accept command", "%s is %s old; if it was just sent, set the clocks", spec.Name, age.Round(time.Second))
	}
	return nil
}

// checkCategory logs and counts a category that is not the command's. The
// command runs all the same: many drivers send none, or what they like.
func (in *intake) checkCategory(spec *gc.CommandSpec, d *broker.Delivery) {
	if spec == nil || d.Category == "" || strings.EqualFold(d.Category, string(spec.Category)) {
		return
	}
	in.journal.categories.Inc()
	in.journal.Debug("command has another category than the protocol's", zap.String("cmd", string(spec.Name)), zap.String("want", string(spec.Category)))
}

// submit gives a command to the session of its agent. Connect starts one, and so
// does a Login that says where its agent's events go.
func (in *intake) submit(r *received, d *broker.Delivery) {
	begins := r.Refusal == nil && (r.isConnect() || r.Spec.SignsIn() && r.ReplyTo != "")
	for {
		s := in.directory.Agent(r.Agent)
		if s == nil && begins {
			s = in.admit(r)
		}
		if r.Spec != nil && r.Spec.ForMember {
			s = in.orLeader(s, r)
		}
		if s == nil {
			in.unserved(r, d)
			return
		}
		if !s.Works() {
			if err := in.mayWait(r); err != nil {
				in.answer(r, err, r.AnswerTo(s.Destination(), false))
				return
			}
		}
		if s.Works() && r.carriesPassword() {
			if err := in.passwords.KeptOut(r.Agent, r.Password); err != nil { // it shall not take room in the session
				to := r.AnswerTo(s.Destination(), true)
				if to == s.Destination() && !in.directory.HearsOf(s, time.Now()) {
					to = ""
				}
				in.answer(r, err, to)
				return
			}
		}
		r.holder = s
		in.directory.Count(s, 1)
		switch err := s.Submit(r.Request); {
		case errors.Is(err, session.ErrEnded):
			in.directory.Forget(s) // and look again
		case err != nil:
			in.directory.Count(s, -1)
			in.journal.full.Inc()
			strange := s.Works() && !in.passwords.Worked(r.Agent, r.Password)
			in.answer(r, gc.Retry(gc.TooManyWait, "submit command", "too many commands wait for the agent"), r.AnswerTo(s.Destination(), strange))
			return
		default:
			return
		}
	}
}

// orLeader is who serves a command that may be about a member of a team: the
// supervisor at whose destination the answer is wanted, who has sent it then; else
// the agent itself, s, if it works here, or the supervisor who asked first about the
// team. It is s when there is no supervisor.
func (in *intake) orLeader(s *directory.Agent, r *received) *directory.Agent {
	leader, sent := in.directory.Leader(r.Agent, r.ReplyTo)
	if leader != nil && (s == nil || s.Destination() == "" || sent && r.ReplyTo != s.Destination()) {
		return leader
	}
	return s
}

// unserved answers a command that names no agent, or one without a session: nobody has
// connected it. A command that could not be read gets its error, any other
// RE_LOGIN (O-007). What nobody can be told of is recorded; what it holds may be a
// password, wherever it stands, and is no part of that.
func (in *intake) unserved(r *received, d *broker.Delivery) {
	if r.ReplyTo != "" {
		in.answer(r, r.Refusal, r.ReplyTo)
		return
	}
	if r.Refusal == nil {
		r.Refusal = gc.Retry(gc.NobodyConnected, "find agent", "nobody has connected it, and the command has no reply-to")
	}
	in.journal.quarantine("command dropped: no destination is known to answer to",
		zap.String("req", string(r.ID)), zap.String("cmd", r.name), zap.String("agent", string(r.Agent)), token("message", d.MessageID), zap.Int("bytes", d.Size),
		zap.Time("sent", d.Timestamp))
	r.Acknowledge()
	r.done(r.Refusal, &in.journal.refusals)
}

// answer tells to what became of a command that no session takes: err, or that nobody
// has connected the agent.
func (in *intake) answer(r *received, err error, to gc.Destination) {
	e := gc.Event(gc.ReLogin{Agent: r.Agent})
	if err != nil {
		e = gc.Failure(r.Agent, err)
	}
	r.Refusal = err
	in.unproved.answer(r.Request)
	in.delivery.send(session.Emission{Destination: to, Event: e, Cause: r.Request, Acknowledge: r.Acknowledge}, nil)
	if err == nil {
		err = gc.ErrReLogin
	}
	r.done(err, &in.journal.refusals)
}

// admit makes the session of an agent for a command that carries a password,
// unless that would not even be tried.
func (in *intake) admit(r *received) *directory.Agent {
	r.Refusal = in.passwords.Withheld(r.Agent, r.Password)
	if r.Refusal == nil {
		r.Refusal = in.mayWait(r)
	}
	if r.Refusal != nil {
		return nil
	}
	s := in.begin(r.Agent)
	if s == nil {
		r.Refusal = gc.Retry(gc.TooManyUnproved, "begin session", "the connector stops, or too many agents of whom no password was proved wait for finesse")
	}
	return s
}

// mayWait refuses a command for an agent who does not work if it would be too much
// that waits. One with a password that has worked is no stranger's.
func (in *intake) mayWait(r *received) error {
	switch {
	case r.carriesPassword() && in.passwords.Worked(r.Agent, r.Password):
		return nil
	case r.bytes > maxWaiting:
		return errLong
	case !in.unproved.wait(r.Request):
		return errCrowd
	}
	return nil
}

// hello answers Hello and Beat with Finesse's status and from then on tells
// the destination every change of it. Who sends Beat has agents connected; a
// connector that knows of none there, because it is a new one, asks for them (O-026).
func (in *intake) hello(r *received, d *broker.Delivery) {
	ask, ok := in.directory.Hello(r.Destination, r.Spec.Name == gc.Beat, wire.Format(r.Format), time.Now())
	if !ok {
		r.Refusal = gc.Retry(gc.TooManyWait, "greet", "too many new destinations")
		in.unserved(r, d)
		return
	}
	in.unproved.answer(r.Request)
	in.delivery.tellStatus(session.Emission{Destination: r.Destination, Cause: r.Request, Acknowledge: r.Acknowledge})
	if ask {
		in.delivery.send(session.Emission{Destination: r.Destination, Event: gc.DestinationReconnect{Destination: r.Destination}}, nil)
	}
	r.done(nil, &in.journal.greetings)
}

// broken is the record of a message that could not be read.
func (in *intake) broken(d *broker.Delivery) {
	in.journal.quarantine("message dropped: its properties or its text break STOMP",
		zap.Int("bytes", d.Size), zap.NamedError("cause", d.Broken), zap.String("action", "find who sends it to the command queue, and whether they should be able to"))
}

// returned ends a message that is an event: some destination leads back to the
// command queue, by a virtual topic, a bridge, or another broker. To answer it
// would make a loop.
func (in *intake) returned(d *broker.Delivery, acknowledge func()) {
	in.captureCommand(gc.Command{}, &broker.Delivery{MessageID: d.MessageID, Timestamp: d.Timestamp, Redelivered: d.Redelivered, Text: d.Text}, "", "")
	in.journal.returned.Inc()
	in.journal.quarantine("event of a connector came back on the command queue; it is dropped",
		zap.Time("sent", d.Timestamp), zap.String("action", "find what forwards destinations of drivers to the command queue: a virtual topic, a bridge, a client"))
	acknowledge()
}
