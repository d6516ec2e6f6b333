package chaos

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// picture is what a driver knows of one agent from events alone.
type picture struct {
	agent    gc.AgentID
	mu       sync.Mutex
	signedIn bool
	state    gc.UserState
	calls    map[gc.DialogID]gc.CallState // those that are not over
	members  map[gc.AgentID]gc.UserState  // of a supervisor's team, those that have changed
	told     map[gc.DialogID][]moment     // the states of each call, and of the agent as call "", in the order they came
}

func newPicture(agent gc.AgentID) *picture {
	return &picture{
		agent: agent, calls: map[gc.DialogID]gc.CallState{}, members: map[gc.AgentID]gc.UserState{}, told: map[gc.DialogID][]moment{},
	}
}

// message is an event in the JSON format.
type message struct {
	Type, State, Error string
	Agent              gc.AgentID  `json:"agentId"`
	Member             gc.AgentID  `json:"memberId"`
	Dialog             gc.DialogID `json:"dialogId"`
	Consultation       gc.DialogID `json:"assDialogId"`
	Associated         *message    // of a DialogStatus: the consultation about the call
}

// said is the kind of an event and its first word: "State#READY".
func (m *message) said() string { return m.Type + "#" + m.State + m.Error }

func (p *picture) hear(m *message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch m.Type {
	case "State":
		if m.State == "RE_LOGIN" {
			p.signedIn = false
			return
		}
		p.state = gc.UserState(m.State)
		p.note("", m.State)
	case "AgentInfo": // a State and all calls follow
		p.signedIn = true
		clear(p.calls)
	case "InboundCall":
		p.called(m.Dialog, m.State)
	case "ConsultCall":
		p.called(m.Consultation, m.State)
	case "TeamMemberStateChanged":
		p.members[m.Member] = gc.UserState(m.State)
	case "DialogStatus":
		p.called(m.Dialog, m.State)
		if m.Associated != nil {
			p.called(m.Associated.Dialog, m.Associated.State)
		}
	}
}

func (p *picture) note(id gc.DialogID, state string) {
	p.told[id] = append(p.told[id], moment{state, time.Now()})
}

// called takes the state of a call.
func (p *picture) called(id gc.DialogID, state string) {
	p.note(id, state)
	if p.calls[id] = gc.CallState(state); p.calls[id] == gc.Dropped {
		delete(p.calls, id)
	}
}

func (p *picture) isSignedIn() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.signedIn
}

// call is the state of a call, "" for one the driver does not know.
func (p *picture) call(id gc.DialogID) gc.CallState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[id]
}

// team is what the driver heard of the members of a supervisor's team.
func (p *picture) team() map[gc.AgentID]gc.UserState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.members)
}

// now is the agent's state and its calls in a form that compares.
func (p *picture) now() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return sketch(p.state, p.calls)
}

// disorder is what the driver was told in another order than it happened.
func (p *picture) disorder(h *history) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var wrong []string
	for id, told := range p.told {
		if why := h.contradicts(subject{p.agent, id}, told); why != "" {
			wrong = append(wrong, why)
		}
	}
	return wrong
}

func sketch(state gc.UserState, calls map[gc.DialogID]gc.CallState) string {
	text := string(state)
	for _, id := range slices.Sorted(maps.Keys(calls)) {
		text += fmt.Sprintf(" %s:%s", id, calls[id])
	}
	return text
}
