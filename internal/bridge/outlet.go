package bridge

import (
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// outlet is where one session's events leave. It belongs to the session's
// goroutine.
type outlet struct {
	bridge  *Bridge
	session *session.Session
	agent   gc.AgentID
	home    gc.Destination // where the agent works, "" before its password was proved
	told    told
}

// bound lets the agent work at a destination from now on.
func (o *outlet) bound(to gc.Destination, r *session.Request) {
	b := o.bridge
	b.destinations.settle(to, wire.Format(r.Format))
	b.owed.proved(o.agent)
	o.leave()
	o.home = to
	b.Capture.Bound(o.agent, to)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.strangers.remove(o.session)
}

// leave ends the agent's work where it works.
func (o *outlet) leave() {
	if o.home != "" {
		o.bridge.destinations.leave(o.home, time.Now())
	}
}

// told is how the calls of an agent were told last. The text form of a call's
// state shows less than Finesse tells (no participants), so that two different
// ones may read the same; a driver must not take the second for a repetition
// and is spared it, unless it answers a command.
type told map[gc.DialogID]string

// repeats notes an event as it is written, and reports whether a driver is
// spared it.
func (t told) repeats(e gc.Event, body string, answers bool) bool {
	row := wire.RowOf(e)
	if !row.TellsCall() {
		return false
	}
	_, state, call := row.About(e)
	if t[call] == body && !answers {
		return true
	}
	t[call] = body
	if state == string(gc.Dropped) {
		delete(t, call)
	}
	return false
}

// emit publishes an event and what goes with it.
func (o *outlet) emit(e session.Emission) {
	if sync, ok := e.Event.(gc.AgentSync); ok {
		o.bridge.announce(sync)
		return
	}
	e.Agent = o.agent
	format := o.bridge.formatOf(e.Destination)
	if !o.bridge.sends(e.Event, format) {
		return
	}
	m := o.bridge.write(format, e.Event)
	if o.told.repeats(e.Event, m.Body, e.Cause != nil) {
		return
	}
	o.bridge.send(e, m, func() { o.again(e) })
	o.bridge.follow(e, format, o.agent)
}

// again answers a command whose answer may have been lost. Without a session
// nobody has connected the agent any more (O-007).
func (o *outlet) again(e session.Emission) {
	if e.Acknowledge == nil { // what is no answer, the truth makes good
		return
	}
	o.bridge.captureAnswerLost(e.Cause)
	if o.session.Retell(e) {
		return
	}
	e.Event = gc.ReLogin{Agent: e.Cause.Agent}
	o.bridge.publish(e, nil)
}

func (b *Bridge) formatOf(d gc.Destination) wire.Format {
	format := b.destinations.format(d)
	if format == "" {
		format = b.settings.Load().FormatFor(d)
	}
	return format
}

func (b *Bridge) write(f wire.Format, e gc.Event) wire.Message {
	return b.settings.Load().Writer.Write(f, e)
}

// publish writes an event of no session and sends it and what goes with it.
func (b *Bridge) publish(e session.Emission, lost func()) {
	format := b.formatOf(e.Destination)
	if e.Cause != nil {
		e.Agent = e.Cause.Agent
	}
	b.send(e, b.write(format, e.Event), lost)
	if e.Cause != nil {
		b.follow(e, format, e.Cause.Agent)
	}
}

// send sends an event, written as m, to its destination. What has none, or one
// that is not tried, is counted, and the command it answers is done all the same.
// lost is called when an answer may not have arrived; nil for one that is sent
// until it has.
func (b *Bridge) send(e session.Emission, m wire.Message, lost func()) {
	if e.Destination == "" {
		b.undeliverable(e, "command dropped: no destination is known to answer to")
		return
	}
	b.captureEvent(e, m, lost)
	b.metrics.separators.Add(float64(m.Replaced))
	if line := b.Logger.Check(zap.DebugLevel, "event"); line != nil {
		line.Write(append(fieldsOf(e.Event), zap.String("event", m.Name), zap.String("dest", b.Shown(e.Destination)))...)
	}
	works := b.destinations.works(e.Destination)
	var answered func(bool)
	if e.Destination.IsTemporary() && !works {
		var ok bool
		if answered, ok = b.temporaries.admit(e.Destination, time.Now()); !ok {
			b.undeliverable(e, "answer dropped: too many temporary reply-tos did not exist to try another")
			return
		}
	}
	switch {
	case e.Acknowledge == nil:
	case !works:
		b.owed.answer(e.Cause)
	case !b.owed.has(e.Cause): // it counts there otherwise, wherever the answer goes
		b.unconfirmed.answer(e.Cause)
	}
	b.Publish(broker.Message{
		Destination:   e.Destination,
		Type:          m.Type,
		Category:      m.Category,
		CorrelationID: correlationID(e),
		Body:          m.Body,
		Answered:      answered,
		Confirmed:     e.Acknowledge,
		Lasts:         lasting(e),
		Expendable:    !works,
		Lost:          lost,
	})
}

// Shown is a destination for the log. What nobody has said Hello for, and is none
// of the connector's own, is a reply-to, which may be anything.
func (b *Bridge) Shown(d gc.Destination) string {
	own := slices.Contains(b.settings.Load().Own, d.Name())
	if own || !d.IsTemporary() && b.destinations.knows(d, time.Now()) {
		return string(d)
	}
	return "reply-to"
}

// undeliverable ends the way of an event that has no destination, or none that is
// tried, and of the command that it answers.
func (b *Bridge) undeliverable(e session.Emission, why string) {
	b.metrics.undeliverable.Inc()
	if e.Acknowledge == nil {
		return
	}
	b.metrics.quarantined.Inc()
	b.say(b.Logger.Named("quarantine"), zap.WarnLevel, why,
		zap.String("req", string(e.Cause.ID)), zap.String("agent", string(e.Cause.Agent)))
	e.Acknowledge()
}

// lasting: what Restored tells again lasts as long as the connection; as an
// answer it is not repeated once it may have arrived, but given again as it is
// by then.
func lasting(e session.Emission) broker.Lasting {
	switch {
	case wire.RowOf(e.Event).Kept(e.Event):
		return broker.UntilProved
	case e.Cause != nil:
		return broker.UntilSent
	}
	return broker.WithConnection
}

func correlationID(e session.Emission) string {
	if e.Cause == nil {
		return ""
	}
	return e.Cause.CorrelationID
}

// fieldsOf is what the log tells of an event: whom it is about and the state,
// never names, numbers or call variables.
func fieldsOf(e gc.Event) []zap.Field {
	agent, state, dialog := wire.RowOf(e).About(e)
	told := func(name, text string) zap.Field {
		if text == "" {
			return zap.Skip()
		}
		return zap.String(name, text)
	}
	return []zap.Field{told("agent", string(agent)), told("state", state), told("dialog", string(dialog))}
}
