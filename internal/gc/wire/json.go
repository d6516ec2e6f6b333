package wire

import "github.com/finesse-connector/finesse-connector/internal/gc"

// The JSON forms: fields and order as the seed's samples print them. Error
// and RE_LOGIN have no sample there and are ours.

func systemJSON(_ *jsonForm, e gc.System) any {
	return struct {
		Type   string          `json:"type"`
		Status gc.SystemStatus `json:"status"`
	}{"System", e.Status}
}

type stateObject struct {
	Type                  string          `json:"type"`
	AgentID               gc.AgentID      `json:"agentId"`
	State                 gc.UserState    `json:"state"`
	ReasonCode            gc.ReasonCodeID `json:"reasonCode"`
	StateChangeTimeString string          `json:"stateChangeTimeString"` // "not used", always empty
	PendingState          gc.UserState    `json:"pendingState"`
	StateChangeTime       string          `json:"stateChangeTime"`
}

func stateJSON(j *jsonForm, e gc.State) any {
	return stateObject{"State", e.Agent, e.State, e.Reason, "", e.Pending, j.time(e.Changed)}
}

func reLoginJSON(_ *jsonForm, e gc.ReLogin) any {
	return stateObject{Type: "State", AgentID: e.Agent, State: "RE_LOGIN"}
}

func errorJSON(_ *jsonForm, e gc.ErrorEvent) any {
	return struct {
		Type    string     `json:"type"`
		Error   gc.Code    `json:"error"`
		AgentID gc.AgentID `json:"agentId"`
	}{"Error", e.Code, e.Agent}
}

type teamObject struct {
	ID   gc.TeamID `json:"id"`
	Name string    `json:"name"`
}

func agentInfoJSON(_ *jsonForm, e gc.AgentInfo) any {
	teams := make([]teamObject, len(e.Teams)) // never null: [] for an agent
	for i, t := range e.Teams {
		teams[i] = teamObject(t)
	}
	return struct {
		Type       string       `json:"type"`
		FirstName  string       `json:"firstName"`
		LastName   string       `json:"lastName"`
		Supervisor bool         `json:"supervisor"`
		WrapUp     string       `json:"wrapUpOnIncoming"`
		Teams      []teamObject `json:"teams"`
		Team       teamObject   `json:"team"`
		AgentID    gc.AgentID   `json:"agentId"`
	}{"AgentInfo", e.FirstName, e.LastName, e.Supervisor, e.WrapUp, teams, teamObject(e.Team), e.Agent}
}

func newInboundCallJSON(_ *jsonForm, e gc.NewInboundCall) any {
	return struct {
		Type          string      `json:"type"`
		DialogID      gc.DialogID `json:"dialogId"`
		FromAddress   string      `json:"fromAddress"`
		CallVariables []pair      `json:"callVariables"`
		AgentID       gc.AgentID  `json:"agentId"`
	}{"NewInboundCall", e.Dialog, e.From, variablePairs(e.Call), e.Agent}
}

type participantObject struct {
	MediaAddress string       `json:"mediaAddress"`
	State        gc.CallState `json:"state"`
	AddressType  string       `json:"addressType"`
}

func inboundCallJSON(j *jsonForm, e gc.InboundCall) any {
	if e.State == gc.Dropped {
		return droppedJSON(e.Call)
	}
	return struct {
		Type          string              `json:"type"`
		DialogID      gc.DialogID         `json:"dialogId"`
		State         gc.CallState        `json:"state"`
		StartTime     string              `json:"startTime"`
		PrevDialogID  *gc.DialogID        `json:"prevDialogId"`
		FromAddress   string              `json:"fromAddress"`
		CallVariables []pair              `json:"callVariables"`
		Participants  []participantObject `json:"participants"`
		AgentID       gc.AgentID          `json:"agentId"`
		Cause         string              `json:"cause,omitempty"` // of FAILED; ours
	}{"InboundCall", e.Dialog, e.State, j.time(e.Start), orNull(e.Previous), e.From, variablePairs(e.Call), participantObjects(e.Call), e.Agent, e.Cause}
}

func participantObjects(c gc.Call) []participantObject {
	objects := make([]participantObject, len(c.Participants)) // never null
	for i, p := range c.Participants {
		objects[i] = participantObject{p.MediaAddress, p.State, p.AddressType}
	}
	return objects
}

// consultCallJSON has no short form of its own for the end.
func consultCallJSON(j *jsonForm, e gc.ConsultCall) any {
	return struct {
		Type          string              `json:"type"`
		State         gc.CallState        `json:"state"`
		AssDialogID   gc.DialogID         `json:"assDialogId"`
		FromAddress   string              `json:"fromAddress"`
		ToAddress     string              `json:"toAddress"`
		StartTime     string              `json:"startTime"`
		CallVariables []pair              `json:"callVariables"`
		Participants  []participantObject `json:"participants"`
		AgentID       gc.AgentID          `json:"agentId"`
		Cause         string              `json:"cause,omitempty"` // of FAILED; ours
	}{"ConsultCall", e.State, e.Dialog, e.From, e.To, j.time(e.Start), variablePairs(e.Call), participantObjects(e.Call), e.Agent, e.Cause}
}

// statusObject is a call in DialogStatus, which is ours as a whole.
type statusObject struct {
	DialogID      gc.DialogID  `json:"dialogId"`
	State         gc.CallState `json:"state"`
	FromAddress   string       `json:"fromAddress"`
	CallVariables []pair       `json:"callVariables"`
}

func dialogStatusJSON(_ *jsonForm, e gc.DialogStatus) any {
	status := func(c *gc.Call) *statusObject {
		if c == nil {
			return nil
		}
		return &statusObject{c.Dialog, c.State, c.From, variablePairs(*c)}
	}
	return struct {
		Type string `json:"type"`
		*statusObject
		Associated *statusObject `json:"associated"`
		AgentID    gc.AgentID    `json:"agentId"`
	}{"DialogStatus", status(&e.Call), status(e.Associated), e.Agent}
}

func dialogStateControlsJSON(_ *jsonForm, e gc.DialogStateControls) any {
	return struct {
		Type     string       `json:"type"`
		DialogID gc.DialogID  `json:"dialogId"`
		CallType string       `json:"callType"` // InboundCall or ConsultCall
		State    gc.CallState `json:"state"`
		AgentID  gc.AgentID   `json:"agentId"`
	}{"DialogStateControls", e.Dialog, e.Kind(), e.State, e.Agent}
}

func conferenceParticipantsJSON(_ *jsonForm, e gc.ConferenceParticipants) any {
	return struct {
		Type         string      `json:"type"`
		DialogID     gc.DialogID `json:"dialogId"`
		Participants []string    `json:"participants"`
		AgentID      gc.AgentID  `json:"agentId"`
	}{"ConferenceParticipants", e.Dialog, append([]string{}, e.Participants...), e.Agent}
}

// droppedJSON is the short form in which a call ends.
func droppedJSON(c gc.Call) any {
	return struct {
		Type         string       `json:"type"`
		DialogID     gc.DialogID  `json:"dialogId"`
		PrevDialogID *gc.DialogID `json:"prevDialogId"`
		State        gc.CallState `json:"state"`
		AgentID      gc.AgentID   `json:"agentId"`
	}{"InboundCall", c.Dialog, orNull(c.Previous), c.State, c.Agent}
}

func dialogStateJSON(_ *jsonForm, e gc.DialogState) any {
	return struct {
		Type     string       `json:"type"`
		DialogID gc.DialogID  `json:"dialogId"`
		State    gc.CallState `json:"state"`
		AgentID  gc.AgentID   `json:"agentId"`
	}{"DialogState", e.Dialog, e.State, e.Agent}
}

func reasonCodesJSON(_ *jsonForm, e gc.ReasonCodes) any {
	codes := make([]pair, len(e.Codes))
	for i, c := range e.Codes {
		codes[i] = pair{string(c.ID), c.Label}
	}
	return struct {
		Type        string            `json:"type"`
		Category    gc.ReasonCategory `json:"category"`
		ReasonCodes []pair            `json:"reasonCodes"`
		AgentID     gc.AgentID        `json:"agentId"`
	}{"ReasonCodes", e.Category, codes, e.Agent}
}
