package plainlog

import (
	"fmt"
	"slices"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// calls are the last states of the agents' calls.
type calls struct {
	states map[gc.AgentID]map[gc.DialogID]gc.CallState
	count  int
}

// maxCalls bounds them: a log may be long, and not report the end of any.
const maxCalls = 100_000

// forget is called where the log may leave something out.
func (c *calls) forget() { *c = calls{} }

// forgetAgent is called where an agent's calls are reported again.
func (c *calls) forgetAgent(agent gc.AgentID) {
	c.count -= len(c.states[agent])
	delete(c.states, agent)
}

// begin notes that the call begins, maybe once more.
func (c *calls) begin(agent gc.AgentID, id gc.DialogID) {
	if _, ok := c.states[agent][id]; ok {
		delete(c.states[agent], id)
		c.count--
	}
}

// next takes a state, and returns why it cannot follow the one before. An agent
// may come into a call again, by a second barge-in for example, so ACTIVE may
// follow DROPPED, and no rule says that everything between is reported.
func (c *calls) next(agent gc.AgentID, id gc.DialogID, state gc.CallState) error {
	if c.count >= maxCalls {
		c.forget()
	}
	if c.states == nil {
		c.states = map[gc.AgentID]map[gc.DialogID]gc.CallState{}
	}
	if c.states[agent] == nil {
		c.states[agent] = map[gc.DialogID]gc.CallState{}
	}
	last, known := c.states[agent][id]
	if !known {
		c.count++
	}
	c.states[agent][id] = state
	ended := last == gc.Dropped && slices.Contains([]gc.CallState{gc.Held, gc.WrapUp}, state)
	again := slices.Contains([]gc.CallState{gc.Active, gc.Held, gc.WrapUp}, last) && slices.Contains([]gc.CallState{gc.Initiating, gc.Initiated, gc.Alerting}, state)
	if ended || again {
		return fmt.Errorf("call %s was %s, and %s cannot follow without the call beginning anew", id, last, state)
	}
	return nil
}
