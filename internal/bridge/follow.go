package bridge

import (
	"slices"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// follow sends what goes with an event: a supervisor's teams, what old clients
// expect, the sentence for the agent's status bar. None of it answers the
// command.
func (b *Bridge) follow(e session.Emission, format wire.Format, agent gc.AgentID) {
	row := wire.RowOf(e.Event)
	var typ, text string // of a command that may be sent again
	if c := e.Cause; c != nil && c.Spec != nil && !c.Spec.HasPassword() {
		typ, text = c.Type, c.Text
	}
	events := row.Companions(e.Event, typ, text)
	if sentence := row.Sentence(b.settings.Load().Sentences, e.Event); sentence != "" && isAbout(e.Event, agent) {
		bar := gc.StatusBar{Agent: agent, Message: sentence}
		if e.Cause != nil {
			bar.Request = e.Cause.Type
		}
		events = append(events, bar)
	}
	for _, event := range events {
		if b.sends(event, format) {
			b.send(session.Emission{Agent: e.Agent, Destination: e.Destination, Event: event, Cause: e.Cause}, b.write(format, event), nil)
		}
	}
}

// sends reports whether clients of a format get the event at all.
func (b *Bridge) sends(e gc.Event, format wire.Format) bool {
	row := wire.RowOf(e)
	return (!row.Deprecated || b.settings.Load().Deprecated) && (row.Only == nil || slices.Contains(row.Only, format))
}

// isAbout: the status bar is the agent's own. A supervisor also hears of
// members, who have status bars of their own.
func isAbout(e gc.Event, agent gc.AgentID) bool {
	state, ok := e.(gc.State)
	return !ok || state.Agent == agent
}

// announce tells other connectors of an agent, where that is configured
// (O-025).
func (b *Bridge) announce(e gc.AgentSync) {
	topic := b.settings.Load().SyncTopic
	if topic == "" {
		return
	}
	m := b.write(wire.Text, e)
	if b.Capture.On() {
		safe := m
		safe.Body = hidden(m, wire.Password, b.Capture.Hide)
		b.captureEvent(session.Emission{Agent: e.Agent, Destination: gc.Destination("/topic/" + topic), Event: e}, safe, nil)
	}
	b.Publish(broker.Message{Destination: gc.Destination("/topic/" + topic), Category: m.Category, Body: m.Body})
}
