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
	Command(x capture.Record, claims gc.Destination) // these three: see capture.Recorder
	Concluded(agent gc.AgentID, request string)
	Bound(agent gc.AgentID, to gc.Destination)
	// Event takes an event as it is published. lost has its command answered
	// again; nil where nothing can be lost.
	Event(e gc.Event, x capture.Record, lost func())
	Record(capture.Record)
	// Wait takes how long a session is to wait before it tries again to get its
	// stream back, which is left to chance, and gives how long it does.
	Wait(agent gc.AgentID, d time.Duration) time.Duration
	Hide(password string) string
	// Place is what stands for a destination; see capture.Recorder.
	Place(d gc.Destination, hide bool) gc.Destination
}

// captureCommand records a delivery, before anything comes of it. claims is where
// it wants to bind the agent. Of a body that is too long to be a command as much
// is kept as makes it too long again in a replay. Of what a client may write
// freely only what looks as it should is kept: all else may be a password in the
// wrong place.
func (b *Bridge) captureCommand(c gc.Command, d *broker.Delivery, id finesse.RequestID, claims gc.Destination) {
	if !b.Capture.On() {
		return
	}
	format := d.Format
	if place := b.place(c.Spec, c.Destination); format == "" && place != "" {
		format = b.formatBehind(c.Destination, gc.Destination(place))
	}
	typ, body := wire.Redact(d.Type, d.Body[:min(len(d.Body), wire.MaxBody+1)], b.Capture.Hide, b.place)
	b.Capture.Command(capture.Record{
		Agent: c.Agent, Type: typ, Request: string(id),
		Category: b.unless(gc.IsCategory, d.Category), Destination: d.Destination, Format: b.unless(isFormat, format), MessageID: b.unless(isToken, d.MessageID),
		CorrelationID: b.unless(isToken, d.CorrelationID), ReplyTo: b.replyTo(d.ReplyTo), Sent: d.Timestamp, Redelivered: d.Redelivered, Binary: !d.Text,
		Body: body,
	}, claims)
}

// unless hides what does not look as it should.
func (b *Bridge) unless(fit func(string) bool, text string) string {
	if text == "" || fit(text) {
		return text
	}
	return b.Capture.Hide(text)
}

func isFormat(s string) bool {
	_, err := wire.ParseFormat(s)
	return err == nil
}

// place is what stands for a destination in a command, "" for itself. One that
// nobody has said Hello for may be a password, and so may one that is refused.
func (b *Bridge) place(spec *gc.CommandSpec, d gc.Destination) string {
	if d == "" {
		return ""
	}
	if b.permits(d) != nil {
		return b.Capture.Hide(string(d))
	}
	unheard := spec != nil && spec.Name == gc.Connect && !b.destinations.knows(d, time.Now())
	if other := b.Capture.Place(d, unheard); other != d {
		return string(other)
	}
	return ""
}

func (b *Bridge) replyTo(text string) string {
	d, err := gc.ParseReplyTo(text)
	if text == "" || err == nil && b.permits(d) == nil {
		return string(b.Capture.Place(gc.Destination(text), false))
	}
	return b.Capture.Hide(text)
}

// formatBehind is the format that a hidden destination has by its name, which a
// replay does not know; "" where another name makes no difference.
func (b *Bridge) formatBehind(d, other gc.Destination) string {
	settings := b.settings.Load()
	if f := settings.FormatFor(d); f != settings.FormatFor(other) {
		return string(f)
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
		CorrelationID: b.unless(isToken, correlationID(e)), Body: m.Body,
	}
	if other := b.Capture.Place(e.Destination, false); other != e.Destination {
		x.Body = hidden(m, wire.Destination, func(string) string { return other.Name() })
	}
	if e.Cause != nil {
		x.Request = string(e.Cause.ID)
	}
	b.Capture.Event(e.Event, x, lost)
}

// hidden is a message with something else in the place of what holds a secret.
func hidden(m wire.Message, secret wire.Holds, hide func(string) string) string {
	return wire.RewriteEvent(m.Name, m.Format, m.Body, func(_ string, holds wire.Holds, text string) string {
		if holds == secret {
			return hide(text)
		}
		return text
	})
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
