package bridge

import (
	"time"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// Capture records what crosses the broker's edge: a capture.Recorder, or what
// compares a replay with one. Its methods must not block.
type Capture interface {
	On() bool
	Command(x capture.Record, home gc.Destination) // see capture.Recorder
	// Event takes an event as it is published. lost has its command answered
	// again; nil where nothing can be lost.
	Event(e gc.Event, x capture.Record, lost func())
	Record(capture.Record)
	// Wait takes how long a session is to wait before it tries again to get its
	// stream back, which is left to chance, and gives how long it does.
	Wait(agent gc.AgentID, d time.Duration) time.Duration
	Hide(password string) string
}

// captureCommand records a delivery, before anything comes of it. Of a body
// that is too long to be a command as much is kept as makes it too long again in
// a replay.
func (b *Bridge) captureCommand(c gc.Command, d *broker.Delivery, id finesse.RequestID) {
	if !b.Capture.On() {
		return
	}
	typ, body := wire.Redact(d.Type, d.Body[:min(len(d.Body), wire.MaxBody+1)], b.Capture.Hide)
	b.Capture.Command(capture.Record{
		Agent: c.Agent, Type: typ, Request: string(id),
		Category: d.Category, Destination: d.Destination, Format: d.Format, MessageID: d.MessageID,
		CorrelationID: d.CorrelationID, ReplyTo: d.ReplyTo, Sent: d.Timestamp, Redelivered: d.Redelivered, Binary: !d.Text,
		Body: body,
	}, homeOf(c))
}

// homeOf is the destination that a command binds its agent to.
func homeOf(c gc.Command) gc.Destination {
	if c.Spec != nil && c.Spec.Name == gc.Connect {
		return c.Destination
	}
	return ""
}

// captureEvent records an event as it goes to the broker.
func (b *Bridge) captureEvent(e session.Emission, m wire.Message, lost func()) {
	if !b.Capture.On() {
		return
	}
	x := capture.Record{
		Dir: capture.Out, Edge: capture.Broker, Agent: e.Agent, Type: m.Type,
		Event: m.Name, Category: string(m.Category), Destination: string(e.Destination), Format: string(m.Format),
		CorrelationID: correlationID(e), Body: m.Body,
	}
	if e.Cause != nil {
		x.Request = string(e.Cause.ID)
	}
	b.Capture.Event(e.Event, x, lost)
}

// captureAnswerLost records that the answer to a command is given again.
func (b *Bridge) captureAnswerLost(r *session.Request) {
	if b.Capture.On() {
		b.Capture.Record(capture.Record{Dir: capture.In, Edge: capture.Broker, Agent: r.Agent, Event: capture.AnswerLost, Request: string(r.ID)})
	}
}

// captureStopping records that the process ends in order.
func (b *Bridge) captureStopping() {
	if b.Capture.On() {
		b.Capture.Record(capture.Record{Dir: capture.In, Edge: capture.Broker, Event: capture.Stopping})
	}
}

// captureRestored records that what is true is told again.
func (b *Bridge) captureRestored(topics bool) {
	if !b.Capture.On() {
		return
	}
	kind := capture.Others
	if topics {
		kind = capture.Topics
	}
	b.Capture.Record(capture.Record{Dir: capture.In, Edge: capture.Broker, Event: capture.Restored, Destination: kind})
}
