package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// picture is what a driver knows of one agent from events alone.
type picture struct {
	mu       sync.Mutex
	signedIn bool
	state    gc.UserState
	calls    map[gc.DialogID]gc.CallState // those that are not over
	told     map[gc.DialogID][]string     // the states of each call in the order they came
	ends     map[end]bool
	wrong    []string // calls that went on after their end
}

func newPicture() *picture {
	return &picture{calls: map[gc.DialogID]gc.CallState{}, told: map[gc.DialogID][]string{}, ends: map[end]bool{}}
}

// end is the end of a call as it was told. The connector keeps it until the
// broker confirms it, so that it comes twice when the confirmation is lost
// (package broker); what tells another state does not.
type end struct {
	answers string // a correlation id
	dialog  gc.DialogID
}

// message is an event in the JSON format.
type message struct {
	Type, State, Error string
	Agent              gc.AgentID  `json:"agentId"`
	Dialog             gc.DialogID `json:"dialogId"`
}

// said is the kind of an event and its first word: "State#READY".
func (m *message) said() string { return m.Type + "#" + m.State + m.Error }

func (p *picture) hear(m *message, answers string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case m.Type == "State" && m.State == "RE_LOGIN":
		p.signedIn = false
	case m.Type == "State":
		p.state = gc.UserState(m.State)
	case m.Type == "AgentInfo": // a State and all calls follow
		p.signedIn = true
		clear(p.calls)
	case m.Type == "DialogStatus":
		p.called(m)
	case m.Type == "InboundCall" && m.State != string(gc.Dropped):
		p.called(m)
	case m.Type == "InboundCall" && !p.ends[end{answers, m.Dialog}]:
		p.ends[end{answers, m.Dialog}] = true
		p.called(m)
	}
}

// called takes the state of a call.
func (p *picture) called(m *message) {
	now := gc.CallState(m.State)
	told := p.told[m.Dialog]
	p.told[m.Dialog] = append(told, m.State)
	if len(told) > 0 {
		if told[len(told)-1] == string(gc.Dropped) {
			p.wrong = append(p.wrong, fmt.Sprintf("agent %s, call %s: %s", m.Agent, m.Dialog, strings.Join(p.told[m.Dialog], " ")))
		}
	}
	p.calls[m.Dialog] = now
	if now == gc.Dropped {
		delete(p.calls, m.Dialog)
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

// now is the agent's state and its calls in a form that compares.
func (p *picture) now() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return sketch(p.state, p.calls)
}

func (p *picture) revived() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.wrong)
}

func sketch(state gc.UserState, calls map[gc.DialogID]gc.CallState) string {
	text := string(state)
	for _, id := range slices.Sorted(maps.Keys(calls)) {
		text += fmt.Sprintf(" %s:%s", id, calls[id])
	}
	return text
}
