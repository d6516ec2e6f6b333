package bridge

import (
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// outlet is where one session's events leave. It belongs to the session's
// goroutine.
type outlet struct {
	bridge *Bridge
	told   map[gc.DialogID]string // the last state of each call
}

// emit publishes an event. The text form of a call's state shows less than
// Finesse tells (no participants), so that two different ones may read the
// same; a driver must not take the second for a repetition and is spared it,
// unless it answers a command.
func (o *outlet) emit(e session.Emission) {
	m := o.bridge.write(e)
	if call := callOf(e.Event); call != nil {
		if o.told[call.Dialog] == m.Body && !e.Answer {
			return
		}
		o.told[call.Dialog] = m.Body
		if call.State == gc.Dropped {
			delete(o.told, call.Dialog)
		}
	}
	o.bridge.send(e, m)
}

// callOf is the call whose state an event reports.
func callOf(e gc.Event) *gc.Call {
	switch e := e.(type) {
	case gc.InboundCall:
		return &e.Call
	case gc.ConsultCall:
		return &e.Call
	default:
		return nil
	}
}

func (b *Bridge) write(e session.Emission) wire.Message {
	b.mu.Lock()
	format := b.destinations[e.Destination]
	b.mu.Unlock()
	settings := b.settings.Load()
	if format == "" {
		format = settings.FormatFor(e.Destination)
	}
	return settings.Writer.Write(format, e.Event)
}

// publish writes an event and sends it.
func (b *Bridge) publish(e session.Emission) { b.send(e, b.write(e)) }

// send sends an event, written as m, to its destination. What has none is
// counted, and the command it answers is done all the same.
func (b *Bridge) send(e session.Emission, m wire.Message) {
	if e.Destination == "" {
		b.metrics.undeliverable.Inc()
		if e.Acknowledge != nil {
			e.Acknowledge()
		}
		return
	}
	b.metrics.separators.Add(float64(m.Replaced))
	if line := b.Logger.Check(zap.DebugLevel, "event"); line != nil {
		line.Write(append(fieldsOf(e.Event), zap.String("event", m.Name), zap.String("dest", string(e.Destination)))...)
	}
	b.Publish(broker.Message{
		Destination:   e.Destination,
		Type:          m.Type,
		Category:      m.Category,
		CorrelationID: e.CorrelationID,
		Body:          m.Body,
		Confirmed:     e.Acknowledge,
	})
}

// fieldsOf is what the log tells of an event: whom it is about and the state,
// never names, numbers or call variables.
func fieldsOf(e gc.Event) []zap.Field {
	about := func(agent gc.AgentID, state string) []zap.Field {
		return []zap.Field{zap.String("agent", string(agent)), zap.String("state", state)}
	}
	if c := callOf(e); c != nil {
		return append(about(c.Agent, string(c.State)), zap.String("dialog", string(c.Dialog)))
	}
	switch e := e.(type) {
	case gc.State:
		return about(e.Agent, string(e.State))
	case gc.ErrorEvent:
		return about(e.Agent, string(e.Code))
	case gc.NewInboundCall:
		return append(about(e.Agent, string(e.State)), zap.String("dialog", string(e.Dialog)))
	default:
		return nil
	}
}
