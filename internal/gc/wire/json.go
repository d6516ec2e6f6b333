package wire

import "github.com/finesse-connector/finesse-connector/internal/gc"

// The JSON forms: members and their order as the seed's samples print them.
// Those without a sample there are ours.

func systemJSON(j *jsonForm, e gc.System) { j.texts("type", "System", "status", string(e.Status)) }

func stateJSON(j *jsonForm, e gc.State) {
	const notUsed = "" // says the seed
	j.texts("type", "State", "agentId", string(e.Agent), "state", string(e.State), "reasonCode", string(e.Reason),
		"stateChangeTimeString", notUsed, "pendingState", string(e.Pending))
	j.time("stateChangeTime", e.Changed)
}

func reLoginJSON(j *jsonForm, e gc.ReLogin) {
	stateJSON(j, gc.State{Agent: e.Agent, State: "RE_LOGIN"})
}

func errorJSON(j *jsonForm, e gc.ErrorEvent) {
	j.texts("type", "Error", "error", string(e.Code), "agentId", string(e.Agent))
}

func statusBarJSON(j *jsonForm, e gc.StatusBar) {
	j.texts("type", "Control", "control", "PrintStatusBar", "message", e.Message, "agentId", string(e.Agent))
}

func agentLogoutJSON(j *jsonForm, e gc.AgentLogout) {
	j.texts("type", "LOGOUT", "agentId", string(e.Agent))
}

func agentInfoJSON(j *jsonForm, e gc.AgentInfo) {
	j.texts("type", "AgentInfo", "firstName", e.FirstName, "lastName", e.LastName)
	j.flag("supervisor", e.Supervisor)
	j.texts("wrapUpOnIncoming", e.WrapUp)
	j.objects("teams", len(e.Teams), func(i int) { j.team(e.Teams[i]) })
	j.object("team", func() { j.team(e.Team) })
	j.texts("agentId", string(e.Agent))
}

func (j *jsonForm) team(t gc.Team) { j.texts("id", string(t.ID), "name", t.Name) }

func reconnectJSON(j *jsonForm, e gc.Reconnect) {
	j.texts("type", "RECONNECT", "request", e.Request, "text", e.Text, "agentId", string(e.Agent))
}

func destinationReconnectJSON(j *jsonForm, e gc.DestinationReconnect) {
	j.texts("type", "DESTINATION", "destination", e.Destination.Name(), "status", "RECONNECT")
}

func teamMemberStateJSON(j *jsonForm, e gc.TeamMemberState) {
	j.texts("type", "TeamMemberStateChanged", "teamId", string(e.Team), "memberId", string(e.Member.Agent), "state", string(e.Member.State),
		"reasonCode", string(e.Member.Reason), "pendingState", string(e.Member.Pending))
	j.time("stateChangeTime", e.Member.Changed)
	j.texts("agentId", string(e.Agent))
}

func newInboundCallJSON(j *jsonForm, e gc.NewInboundCall) { j.newCall("NewInboundCall", e.Call) }

func newOutboundCallJSON(j *jsonForm, e gc.NewOutboundCall) { j.newCall("NewOutboundCall", e.Call) }

func (j *jsonForm) newCall(name string, c gc.Call) {
	j.texts("type", name, "dialogId", string(c.Dialog), "fromAddress", c.From)
	j.callVariables(c)
	j.texts("agentId", string(c.Agent))
}

func inboundCallJSON(j *jsonForm, e gc.InboundCall) {
	if e.State == gc.Dropped {
		droppedJSON(j, e)
		return
	}
	j.texts("type", "InboundCall", "dialogId", string(e.Dialog), "state", string(e.State))
	j.time("startTime", e.Start)
	j.textOrNull("prevDialogId", string(e.Previous))
	j.texts("fromAddress", e.From)
	j.rest(e.Call)
}

// droppedJSON is the short form in which a call ends.
func droppedJSON(j *jsonForm, e gc.InboundCall) {
	j.texts("type", "InboundCall", "dialogId", string(e.Dialog))
	j.textOrNull("prevDialogId", string(e.Previous))
	j.texts("state", string(e.State), "agentId", string(e.Agent))
}

// consultCallJSON has no short form of its own for the end.
func consultCallJSON(j *jsonForm, e gc.ConsultCall) {
	j.texts("type", "ConsultCall", "state", string(e.State), "assDialogId", string(e.Dialog), "fromAddress", e.From, "toAddress", e.To)
	j.time("startTime", e.Start)
	j.rest(e.Call)
}

// rest are the members with which both kinds of call end. The cause of FAILED
// is ours.
func (j *jsonForm) rest(c gc.Call) {
	j.callVariables(c)
	j.objects("participants", len(c.Participants), func(i int) {
		p := &c.Participants[i]
		j.texts("mediaAddress", p.MediaAddress, "state", string(p.State), "addressType", p.AddressType)
	})
	j.texts("agentId", string(c.Agent))
	if c.Cause != "" {
		j.texts("cause", c.Cause)
	}
}

func dialogStatusJSON(j *jsonForm, e gc.DialogStatus) {
	j.texts("type", "DialogStatus")
	j.status(e.Call)
	if e.Associated == nil {
		j.textOrNull("associated", "")
	} else {
		j.object("associated", func() { j.status(*e.Associated) })
	}
	j.texts("agentId", string(e.Agent))
}

func (j *jsonForm) status(c gc.Call) {
	j.texts("dialogId", string(c.Dialog), "state", string(c.State), "fromAddress", c.From)
	j.callVariables(c)
}

func dialogStateControlsJSON(j *jsonForm, e gc.DialogStateControls) {
	j.texts("type", "DialogStateControls", "dialogId", string(e.Dialog), "callType", e.Kind(), "state", string(e.State), "agentId", string(e.Agent))
}

func dialogStateJSON(j *jsonForm, e gc.DialogState) { j.dialogState(e.Call) }

func agentDialogStateJSON(j *jsonForm, e gc.AgentDialogState) { j.dialogState(e.Call) }

func (j *jsonForm) dialogState(c gc.Call) {
	j.texts("type", "DialogState", "dialogId", string(c.Dialog), "state", string(c.State), "agentId", string(c.Agent))
}
