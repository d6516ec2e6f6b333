package bridge

import (
	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// outlet is where one session's events leave. It belongs to the session's
// goroutine.
type outlet struct {
	bridge *Bridge
	told   map[gc.DialogID]string // the last InboundCall of each call
}

// emit publishes an event. The text form of an InboundCall shows less than
// Finesse tells (no participants), so that two different ones may read the
// same; a driver must not take the second for a repetition and is spared it,
// unless it answers a command.
func (o *outlet) emit(e session.Emission) {
	if call, ok := e.Event.(gc.InboundCall); ok {
		body := o.bridge.write(e).Body
		if o.told[call.Dialog] == body && !e.Answer {
			return
		}
		o.told[call.Dialog] = body
		if call.State == gc.Dropped {
			delete(o.told, call.Dialog)
		}
	}
	o.bridge.publish(e)
}

func (b *Bridge) write(e session.Emission) broker.Message {
	b.mu.Lock()
	format := b.destinations[e.Destination]
	b.mu.Unlock()
	settings := b.settings.Load()
	if format == "" {
		format = settings.FormatFor(e.Destination)
	}
	m := settings.Writer.Write(format, e.Event)
	b.metrics.separators.Add(float64(m.Replaced))
	return broker.Message{
		Destination:   e.Destination,
		Category:      m.Category,
		CorrelationID: e.CorrelationID,
		Body:          m.Body,
		Confirmed:     e.Acknowledge,
	}
}

// publish sends an event to its destination. What has none is counted, and the
// command it answers is done all the same.
func (b *Bridge) publish(e session.Emission) {
	if e.Destination == "" {
		b.metrics.undeliverable.Inc()
		if e.Acknowledge != nil {
			e.Acknowledge()
		}
		return
	}
	b.Publish(b.write(e))
}
