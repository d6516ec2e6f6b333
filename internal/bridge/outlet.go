package bridge

import (
	"github.com/finesse-connector/finesse-connector/internal/directory"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// outlet is where one session's events leave. It belongs to the session's
// goroutine.
type outlet struct {
	delivery *delivery
	agent    *directory.Agent
	told     told
}

// told is how the calls of an agent were told last. The text form of a call's
// state shows less than Finesse tells (no participants), so that two different
// ones may read the same; a driver must not take the second for a repetition
// and is spared it, unless it answers a command.
type told map[gc.DialogID]string

// repeats notes an event as it is written, and reports whether a driver is
// spared it.
func (t told) repeats(e gc.Event, body string, answers bool) bool {
	call := gc.CallOf(e)
	if call == nil {
		return false
	}
	if t[call.Dialog] == body && !answers {
		return true
	}
	t[call.Dialog] = body
	if call.State == gc.Dropped {
		delete(t, call.Dialog)
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
	m := d.write(format, e.Event)
	if o.told.repeats(e.Event, m.Body, e.Cause != nil) {
		return
	}
	d.sendAs(e, m, func() { o.again(e) })
	d.follow(e, format, e.Agent)
}

// again answers a command whose answer may have been lost. Without a session
// nobody has connected the agent any more (O-007).
func (o *outlet) again(e session.Emission) {
	if e.Acknowledge == nil { // what is no answer, the truth makes good
		return
	}
	o.delivery.captureAnswerLost(e.Cause)
	if o.agent.Retell(e) {
		return
	}
	e.Event = gc.ReLogin{Agent: e.Cause.Agent}
	o.delivery.send(e, nil)
}
