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
	owed      *owed
	journal   *journal

	mu     sync.Mutex
	status gc.SystemStatus
}

// SetStatus tells every destination that Finesse's status changed (O-004,
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
	d.send(e, func() {
		d.captureAnswerLost(e.Cause) // nothing else is given again
		d.tellStatus(e)
	})
}

// Restored tells what is true now, after a time in which events could not be
// sent: Finesse's status to every destination of that kind, then the state and
// the calls of each agent, and the teams it follows. It does not block.
func (d *delivery) Restored(topics bool) {
	captureRestored(d.capture, topics)
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

func (d *delivery) formatOf(to gc.Destination) wire.Format {
	format := d.directory.Format(to)
	if format == "" {
		format = d.settings.Load().FormatFor(to)
	}
	return format
}

func (d *delivery) write(f wire.Format, e gc.Event) wire.Message {
	return d.settings.Load().Writer.Write(f, e)
}

// send writes an event of no session and sends it and what goes with it.
func (d *delivery) send(e session.Emission, lost func()) {
	format := d.formatOf(e.Destination)
	if e.Cause != nil {
		e.Agent = e.Cause.Agent
	}
	d.sendAs(e, d.write(format, e.Event), lost)
	if e.Cause != nil {
		d.follow(e, format, e.Cause.Agent)
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
	d.captureEvent(e, m, lost)
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
	if e.Acknowledge != nil {
		d.owed.answer(e.Cause, works)
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

// lasting: what Restored tells again lasts as long as the connection; as an
// answer it is not repeated once it may have arrived, but given again as it is
// by then. The end of a call lasts: nothing would tell it again.
func lasting(e session.Emission) broker.Lasting {
	if c := gc.CallOf(e.Event); c != nil && c.State == gc.Dropped {
		return broker.UntilProved
	}
	switch e.Event.(type) {
	case gc.System, gc.State, gc.DialogStatus, gc.NewInboundCall, gc.NewOutboundCall, gc.TeamMemberState, gc.StatusBar, gc.AgentDialogState,
		gc.InboundCall, gc.ConsultCall:
		if e.Cause != nil {
			return broker.UntilSent
		}
		return broker.WithConnection
	}
	return broker.UntilProved
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
	about := func(agent gc.AgentID, state string) []zap.Field {
		return []zap.Field{zap.String("agent", string(agent)), zap.String("state", state)}
	}
	aboutCall := func(c gc.Call) []zap.Field {
		return append(about(c.Agent, string(c.State)), zap.String("dialog", string(c.Dialog)))
	}
	if c := gc.CallOf(e); c != nil {
		return aboutCall(*c)
	}
	switch e := e.(type) {
	case gc.State:
		return about(e.Agent, string(e.State))
	case gc.ErrorEvent:
		return about(e.Agent, string(e.Code))
	case gc.NewInboundCall:
		return aboutCall(e.Call)
	case gc.NewOutboundCall:
		return aboutCall(e.Call)
	default:
		return nil
	}
}
