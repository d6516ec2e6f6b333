// Package bridge takes commands from the broker to the sessions of their
// agents and events from the sessions to the destinations of their drivers. It
// knows who is connected where.
//
// Handle never blocks, so a slow agent never delays another: what an agent's
// session has no room for is answered PLEASE_RETRY, and so is what comes of those
// who proved nothing when that is most of all that may wait. Commands of one
// agent reach its session in the order delivered, and a command is acknowledged
// when its answer is confirmed by the broker. One that is delivered again,
// because the connection was lost before, is not run again while the process
// lives (ledger). One that cannot be answered, because nobody is known to tell,
// is logged, counted and acknowledged: it must not come back for ever.
package bridge

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/passwords"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// Options wires a bridge. All fields but Registerer, Capture and the numbers are
// required.
type Options struct {
	Publish       func(broker.Message) // must not block
	Node          func() session.Node
	Recorder      session.Recorder
	SystemChanged func() // a session heard that Finesse's own state changed
	Settings      Settings
	Times         session.Times
	Logger        *zap.Logger
	Registerer    prometheus.Registerer
	Capture       Capture // records commands and events; nil for none
	// Of agents of whom no password has worked yet AtOnce are put to Finesse at a
	// time, and Strangers have a session; 0 stands for the usual.
	AtOnce, Strangers int
	Prefetch          int // how many commands the broker gives at a time; 0 stands for broker.Prefetch
}

// Settings can change while the bridge works; see Configure.
type Settings struct {
	Writer        *wire.Writer
	Format        wire.Format // of events for clients that ask for none, where Formats say nothing
	Formats       wire.FormatRules
	AgentLimit    int               // 0: none; agents that are signed in stay so
	Sentences     map[string]string // of the agents' status bars (O-003); nil sends none
	Deprecated    bool              // also sends what the protocol keeps for old clients
	Own           []string          // queues and topics of the connector itself, by name, which are no destinations
	Destinations  []string          // patterns of those that clients may name; none: any
	SyncTopic     string            // where agents are announced to other connectors (O-025); "" nowhere
	MaxCommandAge time.Duration     // of call-control commands
}

// Bridge connects the broker and the sessions.
type Bridge struct {
	Options
	metrics   *metrics
	licences  *licences
	ledger    *ledger
	refusals  lines
	greetings lines
	done      lines
	passwords *passwords.Guard
	settings  atomic.Pointer[Settings]
	ctx       context.Context // of the sessions
	cancel    context.CancelFunc
	running   sync.WaitGroup

	destinations *destinations
	owed         *owed
	unconfirmed  *owed // answered commands of agents who work: a tenth of what the broker gives at a time
	leaders      *leaders
	temporaries  *temporaries

	mu        sync.Mutex
	sessions  map[gc.AgentID]*session.Session
	strangers *strangers
	status    gc.SystemStatus
}

// New makes a bridge that says OUT_OF_SERVICE until SetStatus knows better.
func New(o Options) *Bridge {
	if o.Capture == nil {
		o.Capture = (*capture.Recorder)(nil)
	}
	prefetch := cmp.Or(o.Prefetch, broker.Prefetch)
	b := &Bridge{
		Options:      o,
		licences:     &licences{},
		ledger:       newLedger(2 * prefetch),
		sessions:     map[gc.AgentID]*session.Session{},
		destinations: newDestinations(),
		owed:         newOwed(prefetch / 5 * unprovedFifths),
		unconfirmed:  newOwed(prefetch / 10),
		done:         lines{most: doneAtOnce},
		leaders:      newLeaders(),
		temporaries:  newTemporaries(),
		status:       gc.OutOfService,
	}
	// A command that finds one that is about to end would end with it.
	b.strangers = newStrangers(cmp.Or(o.Strangers, maxStrangers), func(s *session.Session) { delete(b.sessions, s.Agent) })
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.Configure(o.Settings)
	b.metrics = newMetrics(o.Registerer, b)
	b.passwords = passwords.New(passwords.Options{Tried: b.tried, AtOnce: o.AtOnce, Registerer: o.Registerer})
	return b
}

// Configure takes new settings over; the next command and the next event use
// them.
func (b *Bridge) Configure(s Settings) {
	b.settings.Store(&s)
	b.licences.setLimit(s.AgentLimit)
}

// SetStatus tells every destination that Finesse's status changed (O-004,
// O-005), once per change.
func (b *Bridge) SetStatus(status gc.SystemStatus) {
	b.mu.Lock()
	changed := b.status != status
	b.status = status
	b.mu.Unlock()
	if !changed {
		return
	}
	b.Logger.Info("finesse status changed", zap.String("status", string(status)))
	for _, d := range b.destinations.greeted(time.Now()) {
		b.tellStatus(session.Emission{Destination: d})
	}
}

// tellStatus completes e with Finesse's status as it is now, and sends it.
func (b *Bridge) tellStatus(e session.Emission) {
	b.mu.Lock()
	e.Event = gc.System{Status: b.status}
	b.mu.Unlock()
	b.publish(e, func() {
		b.captureAnswerLost(e.Cause) // nothing else is given again
		b.tellStatus(e)
	})
}

// Restored tells what is true now, after a time in which events could not be
// sent: Finesse's status to every destination of that kind, then the state and
// the calls of each agent, and the teams it follows. It does not block.
func (b *Bridge) Restored(topics bool) {
	b.captureRestored(topics)
	b.mu.Lock()
	sessions := slices.Collect(maps.Values(b.sessions))
	b.mu.Unlock()
	for _, d := range b.destinations.greeted(time.Now()) {
		if d.IsTopic() == topics {
			b.tellStatus(session.Emission{Destination: d})
		}
	}
	for _, s := range sessions {
		if s.Destination().IsTopic() == topics {
			s.Tell()
		}
	}
}

// Handle takes one delivery of the command queue.
func (b *Bridge) Handle(d *broker.Delivery) { b.handle(d, d.AckThen) }

func (b *Bridge) handle(d *broker.Delivery, ack func(gone func())) {
	if d.Broken != nil {
		b.broken(d)
		return
	}
	if d.Late {
		b.ledger.repeats(d, ack)
		return
	}
	acknowledge, again, noRoom := b.ledger.enter(d, ack)
	if again {
		acknowledge()
		b.captureCommand(gc.Command{}, d, "", "")
		b.metrics.repeated.Inc()
		b.Logger.Debug("command delivered again that has been taken already", token("message", d.MessageID))
		return
	}
	if wire.IsEvent(d.Body) {
		b.returned(d, acknowledge)
		return
	}
	c, err := wire.ParseCommand(d.Type, d.Body)
	if err == nil {
		err = noRoom
	}
	if c.Destination != "" {
		if bad := b.permits(c.Destination); bad != nil {
			c.Destination, err = "", &gc.Error{Code: gc.PleaseRetry, Op: "parse parameters", Err: bad}
		}
	}
	if err == nil {
		err = b.unwanted(c.Spec, d)
	}
	b.checkCategory(c.Spec, d)
	r := b.receive(c, d, err, acknowledge)
	b.captureCommand(c, d, r.ID, r.claims())
	d.Body = "" // who acknowledges keeps d, and a body that is refused may be megabytes
	switch {
	case err == nil && c.Spec.ForDestination:
		b.hello(r, d)
	case c.Agent == "":
		b.unanswerable(r, d)
	default:
		b.submit(r, d)
	}
}

// received is a command and what the log and the metrics tell of it.
type received struct {
	*session.Request
	bridge *Bridge
	name   string
	start  time.Time
	log    *zap.Logger
	bytes  int              // of its body
	holder *session.Session // that has the command, or is about to
}

func (r *received) isConnect() bool { return r.Spec != nil && r.Spec.Name == gc.Connect }

func (r *received) carriesPassword() bool { return r.Refusal == nil && r.Spec.HasPassword() }

// claims is where a command wants its agent to work, "" for nowhere.
func (r *received) claims() gc.Destination {
	switch {
	case r.Refusal != nil:
		return ""
	case r.isConnect():
		return r.Destination
	case r.Spec.SignsIn():
		return r.ReplyTo
	}
	return ""
}

// finished counts the command, and gives what the log tells.
func (r *received) finished(err error) (message string, fields []zap.Field) {
	r.bridge.Capture.Concluded(r.Agent, string(r.ID))
	took, result := time.Since(r.start), resultOf(err)
	r.bridge.metrics.finished(r.name, result, took)
	message = "command done"
	if err != nil {
		message = "command failed"
	}
	return message, []zap.Field{zap.String("result", result), zap.Duration("took", took), zap.Error(err)}
}

// done ends a command that no session took, or that failed.
func (r *received) done(err error) {
	message, fields := r.finished(err)
	r.bridge.say(r.log, zap.InfoLevel, message, fields...)
}

// unwanted refuses a command that must not run because it cannot be answered,
// may have run before, or comes too late to be wanted still.
func (b *Bridge) unwanted(spec *gc.CommandSpec, d *broker.Delivery) error {
	if d.Unanswerable != nil {
		return &gc.Error{Code: gc.PleaseRetry, Op: "accept command", Err: d.Unanswerable}
	}
	if spec.Once && d.Redelivered {
		return gc.Errorf(gc.PleaseRetry, "accept command", "%s was delivered before and may have run", spec.Name)
	}
	if age := time.Since(d.Timestamp); spec.CallControl() && !d.Timestamp.IsZero() && age > b.settings.Load().MaxCommandAge {
		return gc.Errorf(gc.PleaseRetry, "accept command", "%s is %s old; if it was just sent, set the clocks", spec.Name, age.Round(time.Second))
	}
	return nil
}

// checkCategory logs and counts a category that is not the command's. The
// command runs all the same: many drivers send none, or what they like.
func (b *Bridge) checkCategory(spec *gc.CommandSpec, d *broker.Delivery) {
	if spec == nil || d.Category == "" || strings.EqualFold(d.Category, string(spec.Category)) {
		return
	}
	b.metrics.categories.Inc()
	b.Logger.Debug("command has another category than the protocol's", zap.String("cmd", string(spec.Name)), zap.String("want", string(spec.Category)))
}

func (b *Bridge) receive(c gc.Command, d *broker.Delivery, refusal error, acknowledge func()) *received {
	name := "unknown"
	if c.Spec != nil {
		name = string(c.Spec.Name)
	}
	id := finesse.NewRequestID()
	r := &received{bridge: b, name: name, start: time.Now(), bytes: d.Size}
	r.log = b.Logger.With(zap.String("req", string(id)), zap.String("cmd", name), zap.String("agent", string(c.Agent)))
	r.Request = &session.Request{
		Command:       c,
		Type:          typeOf(c, d),
		Text:          textOf(c.Spec, d, refusal),
		ID:            id,
		CorrelationID: d.CorrelationID,
		Refusal:       refusal,
		Finished: func(err error) {
			b.rests(r.holder)
			b.ended(r, err)
		},
	}
	acknowledge = sync.OnceFunc(acknowledge)
	r.Acknowledge = func() {
		b.owed.settled(r.Request)
		b.unconfirmed.settled(r.Request)
		acknowledge()
	}
	if d.ReplyTo != "" {
		to, err := gc.ParseReplyTo(d.ReplyTo)
		if err == nil {
			err = b.permits(to)
		}
		switch {
		case err != nil:
			b.say(r.log, zap.WarnLevel, "reply-to of a command cannot be used", zap.Error(err))
		case b.destinations.admit(to, time.Now()):
			r.ReplyTo = to
		default:
			b.say(r.log, zap.WarnLevel, "too many new reply-tos; nothing is sent to this one")
		}
	}
	if r.isConnect() && r.ReplyTo == "" && b.destinations.knows(r.Destination, time.Now()) {
		r.ReplyTo = r.Destination // what fails is told there; a name that nobody has heard of may be a password
	}
	r.Format = string(b.formatAsked(r.log, d.Format))
	r.log.Debug("command received", token("message", d.MessageID), token("correlation", d.CorrelationID), zap.Bool("redelivered", d.Redelivered))
	return r
}

// typeOf is a command's type as sent, for the events that repeat it; "" for one
// that may be anything.
func typeOf(c gc.Command, d *broker.Delivery) string {
	if c.Spec == nil || c.Agent == "" && c.Destination == "" {
		return ""
	}
	return d.Type
}

// textOf is a command's parameters, unless they hold a password. Those of a
// command that is refused may be anything, also very long.
func textOf(spec *gc.CommandSpec, d *broker.Delivery, refusal error) string {
	if refusal != nil || spec.HasPassword() {
		return ""
	}
	return d.Body
}

// hello answers Hello and Beat with Finesse's status and from then on tells
// the destination every change of it. Who sends Beat has agents connected; a
// connector that does not know the destination, because it is a new one, asks
// for them (O-026).
func (b *Bridge) hello(r *received, d *broker.Delivery) {
	known, ok := b.destinations.hello(r.Destination, wire.Format(r.Format), time.Now())
	if !ok {
		r.Refusal = gc.Errorf(gc.PleaseRetry, "greet", "too many new destinations")
		b.unanswerable(r, d)
		return
	}
	b.owed.answer(r.Request)
	b.tellStatus(session.Emission{Destination: r.Destination, Cause: r.Request, Acknowledge: r.Acknowledge})
	if r.Spec.Name == gc.Beat && !known {
		b.publish(session.Emission{Destination: r.Destination, Event: gc.DestinationReconnect{Destination: r.Destination}}, nil)
	}
	b.greeted(r)
}

// formatAsked is the format that a client asks for, "" for none.
func (b *Bridge) formatAsked(log *zap.Logger, asked string) wire.Format {
	if asked == "" {
		return ""
	}
	f, err := wire.ParseFormat(asked)
	if err != nil {
		b.say(log, zap.WarnLevel, "client asks for a format there is not; it gets its former or the configured one", zap.Any("formats", wire.Formats))
	}
	return f
}

// unanswerable ends a command that names no agent and no destination.
func (b *Bridge) unanswerable(r *received, d *broker.Delivery) {
	if r.ReplyTo == "" {
		b.quarantine(r, d)
		return
	}
	b.answer(r, r.ReplyTo)
}

// quarantine is the record of a command that nobody can be told about. What it
// holds may be a password, wherever it stands, and is no part of it.
func (b *Bridge) quarantine(r *received, d *broker.Delivery) {
	b.metrics.quarantined.Inc()
	b.say(b.Logger.Named("quarantine"), zap.WarnLevel, "command dropped: no destination is known to answer to",
		zap.String("req", string(r.ID)), zap.String("cmd", r.name), zap.String("agent", string(r.Agent)), token("message", d.MessageID), zap.Int("bytes", d.Size),
		zap.Time("sent", d.Timestamp))
	r.Acknowledge()
	r.done(r.Refusal)
}

// broken is the record of a message that could not be read.
func (b *Bridge) broken(d *broker.Delivery) {
	b.metrics.quarantined.Inc()
	b.say(b.Logger.Named("quarantine"), zap.WarnLevel, "message dropped: its properties or its text break STOMP",
		zap.Int("bytes", d.Size), zap.NamedError("cause", d.Broken), zap.String("action", "find who sends it to the command queue, and whether they should be able to"))
}

// submit gives a command to the session of its agent. Connect starts one, and so
// does a Login that says where its agent's events go.
func (b *Bridge) submit(r *received, d *broker.Delivery) {
	begins := r.Refusal == nil && (r.isConnect() || r.Spec.SignsIn() && r.ReplyTo != "")
	for {
		s := b.session(r.Agent)
		if s == nil && begins {
			s = b.admit(r)
		}
		if r.Spec != nil && r.Spec.ForMember && (s == nil || s.Destination() == "") {
			s = cmp.Or(b.leaders.leader(r.Agent), s)
		}
		if s == nil {
			b.stranger(r, d)
			return
		}
		if !s.Works() {
			if err := b.mayWait(r); err != nil {
				b.refuse(r, err, r.AnswerTo(s.Destination(), false))
				return
			}
		}
		if s.Works() && r.carriesPassword() {
			if err := b.passwords.KeptOut(r.Agent, r.Password); err != nil { // it shall not take room in the session
				b.refuse(r, err, r.AnswerTo(s.Destination(), true))
				return
			}
		}
		r.holder = s
		b.holds(s)
		switch err := s.Submit(r.Request); {
		case errors.Is(err, session.ErrEnded):
			b.forget(s) // and look again
		case err != nil:
			b.rests(s)
			b.full(r, s)
			return
		default:
			return
		}
	}
}

// full refuses a command in place of a session that has no room for it.
func (b *Bridge) full(r *received, s *session.Session) {
	b.metrics.full.Inc()
	strange := s.Works() && !b.passwords.Worked(r.Agent, r.Password)
	b.refuse(r, gc.Errorf(gc.PleaseRetry, "submit command", "too many commands wait for the agent"), r.AnswerTo(s.Destination(), strange))
}

// refuse answers a command in place of the agent's session.
func (b *Bridge) refuse(r *received, err error, to gc.Destination) {
	r.Refusal = err
	b.answer(r, to)
}

// stranger answers a command for an agent without a session: nobody has
// connected it. A command that could not be read gets its error, any other
// RE_LOGIN (O-007).
func (b *Bridge) stranger(r *received, d *broker.Delivery) {
	if r.ReplyTo == "" {
		if r.Refusal == nil {
			r.Refusal = gc.Errorf(gc.PleaseRetry, "find agent", "nobody has connected it, and the command has no reply-to")
		}
		b.quarantine(r, d)
		return
	}
	b.answer(r, r.ReplyTo)
}

// answer tells to what became of a command that no session takes.
func (b *Bridge) answer(r *received, to gc.Destination) {
	e := gc.Event(gc.ReLogin{Agent: r.Agent})
	if r.Refusal != nil {
		e = gc.ErrorEvent{Agent: r.Agent, Code: gc.CodeOf(r.Refusal)}
	}
	b.owed.answer(r.Request)
	b.publish(session.Emission{Destination: to, Event: e, Cause: r.Request, Acknowledge: r.Acknowledge}, nil)
	r.done(r.Refusal)
}

// session is the agent's session, nil when there is none.
func (b *Bridge) session(agent gc.AgentID) *session.Session {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sessions[agent]
}

// begin starts a session for an agent without one; nil when there is no room
// for it.
func (b *Bridge) begin(agent gc.AgentID) *session.Session {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.sessions[agent]; s != nil {
		return s
	}
	if b.ctx.Err() != nil || !b.strangers.makeRoom() {
		return nil
	}
	out := &outlet{bridge: b, agent: agent, told: told{}}
	s := session.New(session.Options{
		Agent: agent,
		Node:  func() session.Node { return b.passwords.Node(b.Node()) },
		Emit:  out.emit,
		Bound: out.bound,
		Leads: func(members []gc.AgentID) { b.leaders.lead(out.session, members) },
		Ended: func() {
			out.leave()
			b.forget(out.session)
		},
		Licences:      b.licences,
		Recorder:      b.Recorder,
		SystemChanged: b.SystemChanged,
		Logger:        b.Logger.With(zap.String("agent", string(agent))),
		Times:         b.Times,
		Wait:          func(d time.Duration) time.Duration { return b.Capture.Wait(agent, d) },
	})
	out.session = s
	b.sessions[agent] = s
	b.strangers.add(s)
	b.running.Go(func() { s.Run(b.ctx) })
	return s
}

// forget takes a session that takes no commands any more out of the books: who
// looks for one must not find it.
func (b *Bridge) forget(s *session.Session) {
	b.leaders.lead(s, nil)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sessions[s.Agent] == s {
		delete(b.sessions, s.Agent)
	}
	b.strangers.remove(s)
}

// Live asks every session whether it goes round, and is an error when one does
// not: its agent could not be served again by this process.
func (b *Bridge) Live() error {
	b.mu.Lock()
	sessions := slices.Collect(maps.Values(b.sessions))
	b.mu.Unlock()
	for _, s := range sessions {
		if err := s.Live(); err != nil {
			return err
		}
	}
	return nil
}

// Stop lets every session answer what it holds, ends those that have not when
// ctx is done, and returns when all have. From before it is called on, Handle is given
// no delivery that is not Late. Agents stay signed in at Finesse.
func (b *Bridge) Stop(ctx context.Context) {
	b.captureStopping()
	b.mu.Lock()
	sessions := slices.Collect(maps.Values(b.sessions))
	b.mu.Unlock()
	var drained sync.WaitGroup
	for _, s := range sessions {
		drained.Go(func() { s.Drain(ctx) })
	}
	drained.Wait()
	b.cancel()
	b.running.Wait()
}

// Acknowledged returns when the broker has the acknowledgement of every command that
// is answered, or ctx ends. Where a connection was lost just then they come again first.
func (b *Bridge) Acknowledged(ctx context.Context) { b.ledger.acknowledged(ctx) }
