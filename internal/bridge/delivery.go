package bridge

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/directory"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// delivery takes events to the destinations of their drivers, in the form that each
// wants. It is safe for concurrent use.
type delivery struct {
	publish   func(broker.Message)
	capture   Capture
	settings  *atomic.Pointer[Settings]
	directory *directory.Directory
	journal   *journal

	unproved, unconfirmed *owed

	mu     sync.Mutex
	status gc.SystemStatus
}

// SetStatus reports to every destination that Finesse's status changed (O-004,
// O-005), once per change.
func (d *delivery) SetStatus(status gc.SystemStatus) {
	d.mu.Lock()
	changed := d.status != status
	d.status = status
	d.mu.Unlock()
	if !changed {
		return
	}
	d.journal.Info("finesse status changed", zap.String("status", string(status)))
	for _, to := range d.directory.Greeted(time.Now()) {
		d.tellStatus(session.Emission{Destination: to})
	}
}

// tellStatus completes e with Finesse's status as it is now, and sends it.
func (d *delivery) tellStatus(e session.Emission) {
	d.mu.Lock()
	e.Event = gc.System{Status: d.status}
	d.mu.Unlock()
	d.send(e, func() { d.tellStatus(e) })
}

// Restored reports what is true now, after a time in which events could not be
// sent: Finesse's status to every destination of that kind, then the state and
// the calls of each agent, and the teams it follows. It does not block.
func (d *delivery) Restored(topics bool) {
	for _, to := range d.directory.Greeted(time.Now()) {
		if to.IsTopic() == topics {
			d.tellStatus(session.Emission{Destination: to})
		}
	}
	for _, a := range d.directory.Agents() {
		if a.Destination().IsTopic() == topics {
			a.Tell()
		}
	}
}

// outlet is where one session's events leave. It belongs to the session's
// goroutine.
type outlet struct {
	delivery *delivery
	agent    *directory.Agent
	told     told
}

// told is how the calls of an agent were reported last. The text form of a call's
// state shows less than Finesse reports (no participants), so that two different
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
	d := o.delivery
	if sync, ok := e.Event.(gc.AgentSync); ok {
		d.announce(sync)
		return
	}
	e.Agent = o.agent.Agent
	format := d.formatOf(e.Destination)
	if !d.sends(e.Event, format) {
		return
	}
	m := d.settings.Load().Writer.Write(format, e.Event)
	if o.told.repeats(e.Event, m.Body, e.Cause != nil) {
		return
	}
	var lost func()
	if e.Acknowledge != nil { // what is no answer, the truth makes good
		answer := e
		lost = func() { o.again(answer) }
	}
	d.sendAs(e, m, lost)
	d.follow(e, format)
}

// again answers a command whose answer may have been lost. Without a session
// nobody has connected the agent any more (O-007).
func (o *outlet) again(e session.Emission) {
	if o.agent.Retell(e) {
		return
	}
	e.Event = gc.ReLogin{Agent: e.Cause.Agent}
	o.delivery.send(e, nil)
}

func (d *delivery) formatOf(to gc.Destination) wire.Format {
	if format := d.directory.Format(to); format != "" {
		return format
	}
	return d.settings.Load().formatFor(to)
}

// send writes an event of no session and sends it and what goes with it.
func (d *delivery) send(e session.Emission, lost func()) {
	format := d.formatOf(e.Destination)
	if e.Cause != nil {
		e.Agent = e.Cause.Agent
	}
	d.sendAs(e, d.settings.Load().Writer.Write(format, e.Event), lost)
	if e.Cause != nil {
		d.follow(e, format)
	}
}

// sendAs sends an event, written as m, to its destination. What has none, or one
// that is not tried, is counted, and the command it answers is done all the same.
// lost is called when an answer may not have arrived; nil for one that is sent
// until it has.
func (d *delivery) sendAs(e session.Emission, m wire.Message, lost func()) {
	if e.Destination == "" {
		d.undeliverable(e, "command dropped: no destination is known to answer to")
		return
	}
	lost = d.captureEvent(e, m, lost)
	d.journal.separators.Add(float64(m.Replaced))
	if line := d.journal.Check(zap.DebugLevel, "event"); line != nil {
		line.Write(append(fieldsOf(e.Event), zap.String("event", m.Name), zap.String("dest", d.Shown(e.Destination)))...)
	}
	works := d.directory.Works(e.Destination)
	var answered func(bool)
	if e.Destination.IsTemporary() && !works {
		var ok bool
		if answered, ok = d.directory.Try(e.Destination, time.Now()); !ok {
			d.undeliverable(e, "answer dropped: too many temporary reply-tos did not exist to try another")
			return
		}
	}
	switch {
	case e.Acknowledge == nil:
	case !works:
		d.unproved.answer(e.Cause)
	case !d.unproved.has(e.Cause): // it counts there otherwise, wherever the answer goes
		d.unconfirmed.answer(e.Cause)
	}
	d.publish(broker.Message{
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

// follow sends what goes with an event: a supervisor's teams, what old clients
// expect, the sentence for the agent's status bar. None of it answers the
// command.
func (d *delivery) follow(e session.Emission, format wire.Format) {
	settings, row := d.settings.Load(), wire.RowOf(e.Event)
	var typ, text string // of a command that may be sent again
	if c := e.Cause; c != nil && c.Spec != nil && !c.Spec.HasPassword() {
		typ, text = c.Type, c.Text
	}
	events := row.Companions(format, e.Event, typ, text)
	if sentence := row.Sentence(settings.Sentences, e.Event); sentence != "" && isAbout(e.Event, e.Agent) {
		bar := gc.StatusBar{Agent: e.Agent, Message: sentence}
		if e.Cause != nil {
			bar.Request = e.Cause.Type
		}
		events = append(events, bar)
	}
	for _, event := range events {
		if d.sends(event, format) {
			d.sendAs(session.Emission{Agent: e.Agent, Destination: e.Destination, Event: event, Cause: e.Cause}, settings.Writer.Write(format, event), nil)
		}
	}
}

// sends reports whether clients of a format get the event at all.
func (d *delivery) sends(e gc.Event, format wire.Format) bool {
	row := wire.RowOf(e)
	return (!row.Deprecated || d.settings.Load().Deprecated) && (row.Only == nil || slices.Contains(row.Only, format))
}

// isAbout: the status bar is the agent's own. A supervisor also hears of
// members, who have status bars of their own.
func isAbout(e gc.Event, agent gc.AgentID) bool {
	state, ok := e.(gc.State)
	return !ok || state.Agent == agent
}

// announce tells other connectors of an agent, where that is configured
// (O-025).
func (d *delivery) announce(e gc.AgentSync) {
	settings := d.settings.Load()
	if settings.SyncTopic == "" {
		return
	}
	m, to := settings.Writer.Write(wire.Text, e), gc.Destination("/topic/"+settings.SyncTopic)
	d.captureEvent(session.Emission{Agent: e.Agent, Destination: to, Event: e}, m, nil)
	d.publish(broker.Message{Destination: to, Category: m.Category, Body: m.Body})
}

// Shown is a destination for the log. What nobody has said Hello for, and is none
// of the connector's own, is a reply-to, which may be anything.
func (d *delivery) Shown(to gc.Destination) string {
	own := slices.Contains(d.settings.Load().Own, to.Name())
	if own || !to.IsTemporary() && d.directory.Knows(to, time.Now()) {
		return string(to)
	}
	return "reply-to"
}

// undeliverable ends the way of an event that has no destination, or none that is
// tried, and of the command that it answers.
func (d *delivery) undeliverable(e session.Emission, why string) {
	d.journal.undeliverable.Inc()
	if e.Acknowledge == nil {
		return
	}
	d.journal.quarantine(why, zap.String("req", string(e.Cause.ID)), zap.String("agent", string(e.Cause.Agent)))
	e.Acknowledge()
}

// lasting: what Restored reports again lasts as long as the connection; as an
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

// fieldsOf is what the log shows of an event: whom it is about and the state,
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
