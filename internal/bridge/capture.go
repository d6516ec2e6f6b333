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
	Command(x capture.Record, claims gc.Destination) // this and what follows: see capture.Recorder
	Concluded(agent gc.AgentID, request string)
	Bound(agent gc.AgentID, to gc.Destination)
	Event(e gc.Event, x capture.Record, agent gc.AgentID, lost func()) func()
	// Wait takes how long a session is to wait before it tries again to get its
	// stream back, which is left to chance, and gives how long it does.
	Wait(agent gc.AgentID, d time.Duration) time.Duration
	Hide(password string) string
	Place(d gc.Destination, hide bool) gc.Destination
}

// captureCommand records a delivery, before anything comes of it. claims is where
// it wants to bind the agent. Of a body that is too long to be a command as much
// is kept as makes it too long again in a replay. Of what a client may write
// freely only what looks as it should is kept: all else may be a password in the
// wrong place.
func (in *intake) captureCommand(c gc.Command, d *broker.Delivery, id finesse.RequestID, claims gc.Destination) {
	if !in.capture.On() {
		return
	}
	format := d.Format
	if place := in.place(c.Spec, c.Destination); format == "" && place != "" {
		format = in.formatBehind(c.Destination, gc.Destination(place))
	}
	typ, body := wire.Redact(d.Type, d.Body[:min(len(d.Body), wire.MaxBody+1)], in.capture.Hide, in.place)
	in.capture.Command(capture.Record{
		Agent: c.Agent, Type: typ, Request: string(id),
		Category: unless(in.capture, gc.IsCategory, d.Category), Destination: d.Destination, Format: unless(in.capture, isFormat, format), MessageID: unless(in.capture, isToken, d.MessageID),
		CorrelationID: unless(in.capture, isToken, d.CorrelationID), ReplyTo: in.replyTo(d.ReplyTo), Sent: d.Timestamp, Redelivered: d.Redelivered, Binary: !d.Text,
		Body: body,
	}, claims)
}

// unless hides what does not look as it should.
func unless(c Capture, fit func(string) bool, text string) string {
	if text == "" || fit(text) {
		return text
	}
	return c.Hide(text)
}

func isFormat(s string) bool {
	_, err := wire.ParseFormat(s)
	return err == nil
}

// place is what stands for a destination in a command, "" for itself. One that
// nobody has said Hello for may be a password, and so may one that is refused.
func (in *intake) place(spec *gc.CommandSpec, d gc.Destination) string {
	if d == "" {
		return ""
	}
	if in.settings.Load().permits(d) != nil {
		return in.capture.Hide(string(d))
	}
	unheard := spec != nil && spec.Name == gc.Connect && !in.directory.Knows(d, time.Now())
	if other := in.capture.Place(d, unheard); other != d {
		return string(other)
	}
	return ""
}

func (in *intake) replyTo(text string) string {
	d, err := gc.ParseReplyTo(text)
	if text == "" || err == nil && in.settings.Load().permits(d) == nil {
		return string(in.capture.Place(gc.Destination(text), false))
	}
	return in.capture.Hide(text)
}

// formatBehind is the format that a hidden destination has by its name, which a
// replay does not know; "" where another name makes no difference.
func (in *intake) formatBehind(d, other gc.Destination) string {
	settings := in.settings.Load()
	if f := settings.formatFor(d); f != settings.formatFor(other) {
		return string(f)
	}
	return ""
}

// captureEvent records an event as it goes to the broker, and gives what is to be called
// when it is lost.
func (d *delivery) captureEvent(e session.Emission, m wire.Message, lost func()) func() {
	if !d.capture.On() {
		return lost
	}
	x := capture.Record{
		Dir: capture.Out, Edge: capture.Broker, Agent: e.Agent, Type: m.Type,
		Event: m.Name, Category: string(m.Category), Destination: string(e.Destination), Format: string(m.Format),
		CorrelationID: unless(d.capture, isToken, correlationID(e)), Body: m.Body,
	}
	if e.Cause == nil {
		return d.capture.Event(e.Event, x, "", lost)
	}
	x.Request = string(e.Cause.ID)
	return d.capture.Event(e.Event, x, e.Cause.Agent, lost)
}
