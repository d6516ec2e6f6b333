package wire

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// The forms of text-4.4: what Generic Connector 4.4 really sends and its
// clients in the field parse, known from one captured message (InboundCall,
// July 2022) and from the code of a client of that time. Those clients index
// fields without looking how many there are.

// state44 has ten fields. A client reads 7 to 9 of every State and takes it for
// its own when field 8 is its login id.
func state44(t *textForm, e gc.State) string {
	return t.join(value(t, e.Agent), "State", value(t, e.State), value(t, e.Reason), "", // stateChangeTimeString is not used
		value(t, e.Pending), t.time(e.Changed), value(t, e.FullName), value(t, e.Agent), value(t, e.Extension))
}

func reLogin44(t *textForm, e gc.ReLogin) string {
	return state44(t, gc.State{Agent: e.Agent, State: "RE_LOGIN"})
}

// agentInfo44 tells a supervisor's teams, and the own team as that of the
// phone books. An agent's is as documented.
func agentInfo44(t *textForm, e gc.AgentInfo) string {
	if !e.Supervisor {
		return agentInfoText(t, e)
	}
	teams := make([]string, len(e.Teams))
	for i, team := range e.Teams {
		teams[i] = value(t, team.ID) + "," + value(t, team.Name)
	}
	return t.join(value(t, e.Agent), "AgentInfo", value(t, e.FirstName), value(t, e.LastName), "true", value(t, e.WrapUp),
		fmt.Sprintf("Teams:%d", len(teams)), strings.Join(teams, "|"), value(t, e.Team.ID), value(t, e.FullName()))
}

func newInboundCall44(t *textForm, e gc.NewInboundCall) string {
	return t.join(value(t, e.Agent), "NewInboundCall", value(t, e.From), t.variables44(e.Call), "DialogID:"+value(t, e.Dialog),
		"CallType:"+value(t, e.Type), t.time(e.Start))
}

// inboundCall44 ends with the participants in place of the full name.
func inboundCall44(t *textForm, e gc.InboundCall) string {
	if e.State == gc.Failed {
		return inboundCallText(t, e)
	}
	parties := make([]string, len(e.Participants))
	for i, p := range e.Participants {
		// The fourth field marks a supervisor who barged in.
		parties[i] = strings.Join([]string{value(t, p.MediaAddress), value(t, p.State), value(t, p.AddressType), "", t.time(p.Start)}, ",")
	}
	return t.join(value(t, e.Agent), "InboundCall", value(t, e.State), "DialogID:"+value(t, e.Dialog), value(t, e.From),
		t.variables44(e.Call), t.time(e.Start), "CallType:"+value(t, e.Type), "ParticipantsCount:"+strconv.Itoa(len(parties)),
		"participants:"+strings.Join(parties, "|"))
}

// variables44 puts the associated dialog behind ani: clients take it for the
// call's previous id.
func (t *textForm) variables44(c gc.Call) string {
	return "ani=" + value(t, c.From) + "|associatedDialogId=" + value(t, c.Previous) + "|" + t.variables(c.Variables)
}
