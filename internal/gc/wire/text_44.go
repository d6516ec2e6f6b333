package wire

import (
	"strconv"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// The forms of text-4.4: what Generic Connector 4.4 really sends and its
// clients in the field parse, known from one captured message (InboundCall,
// July 2022) and from the code of a client of that time. Those clients index
// fields without looking how many there are.

// state44 has ten fields. A client reads 7 to 9 of every State and takes it for
// its own when field 8 is its login id.
func state44(t *textForm, e gc.State) { t.state44(e.Agent, e) }

func (t *textForm) state44(to gc.AgentID, e gc.State) {
	const notUsed = "" // stateChangeTimeString
	t.fields(string(to), "State", string(e.State), string(e.Reason), notUsed, string(e.Pending))
	t.time(e.Changed)
	t.fields(e.FullName, string(e.Agent), string(e.Extension))
}

func reLogin44(t *textForm, e gc.ReLogin) { state44(t, gc.State{Agent: e.Agent, State: "RE_LOGIN"}) }

// teamMemberState44 is the member's State sent to the supervisor: that is how
// clients hear of members.
func teamMemberState44(t *textForm, e gc.TeamMemberState) { t.state44(e.Agent, e.Member) }

// agentInfo44 tells a supervisor's teams, and the own team as that of the
// phone books. An agent's is as documented.
func agentInfo44(t *textForm, e gc.AgentInfo) {
	if !e.Supervisor {
		agentInfoText(t, e)
		return
	}
	t.fields(string(e.Agent), "AgentInfo", e.FirstName, e.LastName, "true", e.WrapUp)
	t.labelled("Teams", strconv.Itoa(len(e.Teams)))
	t.list("", "|", len(e.Teams), func(i int) {
		t.value(string(e.Teams[i].ID))
		t.raw(",")
		t.value(e.Teams[i].Name)
	})
	t.fields(string(e.Team.ID), e.FullName())
}

func newInboundCall44(t *textForm, e gc.NewInboundCall) { t.newCall44("NewInboundCall", e.Call) }

func newOutboundCall44(t *textForm, e gc.NewOutboundCall) { t.newCall44("NewOutboundCall", e.Call) }

func (t *textForm) newCall44(name string, c gc.Call) {
	t.fields(string(c.Agent), name, c.From)
	t.variables44(c)
	t.labelled("DialogID", string(c.Dialog))
	t.labelled("CallType", callType44(c))
	t.time(c.Start)
}

// inboundCall44 ends with the participants in place of the full name.
func inboundCall44(t *textForm, e gc.InboundCall) {
	if e.State == gc.Failed {
		inboundCallText(t, e)
		return
	}
	t.fields(string(e.Agent), "InboundCall", string(e.State))
	t.labelled("DialogID", string(e.Dialog))
	t.fields(e.From)
	t.variables44(e.Call)
	t.time(e.Start)
	t.labelled("CallType", callType44(e.Call))
	t.labelled("ParticipantsCount", strconv.Itoa(len(e.Participants)))
	t.list("participants:", "|", len(e.Participants), func(i int) { t.participant44(e.Participants[i]) })
}

func (t *textForm) participant44(p gc.Participant) {
	t.value(p.MediaAddress)
	t.raw(",")
	t.value(string(p.State))
	t.raw(",")
	t.value(p.AddressType)
	t.raw(",")
	if p.BargedIn {
		t.raw("SUPERVISOR_BARGE_IN")
	}
	t.raw(",")
	t.clock(p.Start)
}

// variables44 adds a field with the associated dialog behind ani: clients take
// it for the call's previous id.
func (t *textForm) variables44(c gc.Call) {
	t.raw("#", "ani=")
	t.value(c.ANI())
	t.raw("|associatedDialogId=")
	t.value(string(c.Previous))
	t.variables(c.Variables)
}

// callType44 is Finesse's word except for the two that the original is known
// to have replaced. Only who is consulted gets a consultation as one of the
// events that have a CallType.
func callType44(c gc.Call) string {
	switch c.Type {
	case "SUPERVISOR_MONITOR":
		return "SM"
	case "CONSULT", "CONSULT_OFFERED":
		return "CONSULT_IN"
	default:
		return c.Type
	}
}

// The lists of phone books have the agent's id in front, like other events.

func phonebooks44(t *textForm, e gc.Phonebooks) {
	t.fields(string(e.Agent))
	phonebooksText(t, e)
}

func teamPhonebooks44(t *textForm, e gc.TeamPhonebooks) {
	t.fields(string(e.Agent))
	teamPhonebooksText(t, e)
}

func phonebookContacts44(t *textForm, e gc.PhonebookContacts) {
	t.fields(string(e.Agent))
	phonebookContactsText(t, e)
}
