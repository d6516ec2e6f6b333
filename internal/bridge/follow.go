package bridge

import (
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// follow sends what goes with an event: a supervisor's teams, what old clients
// expect, the sentence for the agent's status bar. None of it answers the
// command.
func (d *delivery) follow(e session.Emission, format wire.Format, agent gc.AgentID) {
	settings := d.settings.Load()
	events := companions(e)
	if sentence := gc.UserSentence(settings.Sentences, e.Event); sentence != "" && isAbout(e.Event, agent) {
		bar := gc.StatusBar{Agent: agent, Message: sentence}
		if e.Cause != nil {
			bar.Request = e.Cause.Type
		}
		events = append(events, bar)
	}
	for _, event := range events {
		if d.sends(event, format) {
			d.sendAs(session.Emission{Agent: e.Agent, Destination: e.Destination, Event: event, Cause: e.Cause}, d.write(format, event), nil)
		}
	}
}

// sends reports whether clients of a format get the event at all.
func (d *delivery) sends(e gc.Event, format wire.Format) bool {
	row := wire.RowOf(e)
	return (!row.Deprecated || d.settings.Load().Deprecated) && (row.Only == nil || slices.Contains(row.Only, format))
}

// companions are the events that say the same as e in other words.
func companions(e session.Emission) []gc.Event {
	switch event := e.Event.(type) {
	case gc.AgentInfo:
		if event.Supervisor {
			return []gc.Event{gc.TeamInfoIDs{AgentInfo: event}, gc.TeamInfoNames{AgentInfo: event}}
		}
	case gc.State:
		if event.State == gc.LoggedOut {
			return []gc.Event{gc.AgentLogout{Agent: event.Agent}}
		}
	case gc.ReLogin:
		if c := e.Cause; c != nil && c.Spec != nil && !c.Spec.HasPassword() {
			return []gc.Event{gc.Reconnect{Agent: event.Agent, Request: c.Type, Text: c.Text}}
		}
	}
	return nil
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
	topic := d.settings.Load().SyncTopic
	if topic == "" {
		return
	}
	m := d.write(wire.Text, e)
	if d.capture.On() {
		hidden := m
		hidden.Body = strings.ReplaceAll(m.Body, e.Password.Reveal(), d.capture.Hide(e.Password.Reveal()))
		d.captureEvent(session.Emission{Agent: e.Agent, Destination: gc.Destination("/topic/" + topic), Event: e}, hidden, nil)
	}
	d.publish(broker.Message{Destination: gc.Destination("/topic/" + topic), Category: m.Category, Body: m.Body})
}
