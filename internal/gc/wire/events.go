package wire

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Row is one row of the table of events: the numbers and the category the
// seed gives the message, and its forms.
type Row struct {
	Numbers  []string
	Name     string
	Category gc.Category
	event    reflect.Type
	text     func(*textForm, gc.Event) string
	json     func(*jsonForm, gc.Event) any
}

// Events is the table of events (seed, "GC Output Messages" for text and
// category, "GC Events" for JSON). A new event is a row here and a type in
// package gc.
var Events = []Row{
	row("O-001", "State", gc.AgentState, stateText, stateJSON),
	row("O-002", "Error", gc.AgentError, errorText, errorJSON),
	row("O-004 O-005", "System", gc.SystemCategory, systemText, systemJSON),
	row("O-007", "State", gc.AgentState, reLoginText, reLoginJSON),
	row("O-008", "InboundCall", gc.AgentCall, inboundCallText, inboundCallJSON),
	row("O-009", "NewInboundCall", gc.AgentCall, newInboundCallText, newInboundCallJSON),
	row("O-011", "AgentInfo", gc.AgentInfoCat, agentInfoText, agentInfoJSON),
	row("O-014", "DialogState", gc.AgentDialog, dialogStateText, dialogStateJSON),
	row("O-016", "ReasonCodes", gc.AgentWork, reasonCodesText, reasonCodesJSON),
}

func row[E gc.Event](numbers, name string, category gc.Category, text func(*textForm, E) string, json func(*jsonForm, E) any) Row {
	return Row{
		Numbers:  strings.Fields(numbers),
		Name:     name,
		Category: category,
		event:    reflect.TypeFor[E](),
		text:     func(t *textForm, e gc.Event) string { return text(t, e.(E)) },
		json:     func(j *jsonForm, e gc.Event) any { return json(j, e.(E)) },
	}
}

// Writes reports whether e is written by this row.
func (r *Row) Writes(e gc.Event) bool { return reflect.TypeOf(e) == r.event }

var byType = func() map[reflect.Type]*Row {
	m := make(map[reflect.Type]*Row, len(Events))
	for i := range Events {
		m[Events[i].event] = &Events[i]
	}
	return m
}()

// The text forms: the seed's "New Format". Position and number of the fields
// are the contract; fields are only ever appended.

func systemText(t *textForm, e gc.System) string {
	return t.join("System", value(t, e.Status))
}

func stateText(t *textForm, e gc.State) string {
	return t.join(value(t, e.Agent), "State", value(t, e.State), value(t, e.Reason), value(t, e.FullName))
}

func reLoginText(t *textForm, e gc.ReLogin) string {
	return t.join(value(t, e.Agent), "State", "RE_LOGIN")
}

func errorText(t *textForm, e gc.ErrorEvent) string {
	return t.join(value(t, e.Agent), "Error", value(t, e.Code))
}

func agentInfoText(t *textForm, e gc.AgentInfo) string {
	return t.join(value(t, e.Agent), "AgentInfo", value(t, e.FirstName), value(t, e.LastName),
		strconv.FormatBool(e.Supervisor), value(t, e.WrapUp), value(t, e.FullName()))
}

func newInboundCallText(t *textForm, e gc.NewInboundCall) string {
	return t.join(value(t, e.Agent), "NewInboundCall", value(t, e.From),
		value(t, e.From)+"|"+t.variables(e.Variables), "DialogID:"+value(t, e.Dialog))
}

func inboundCallText(t *textForm, e gc.InboundCall) string {
	head := t.join(value(t, e.Agent), "InboundCall", value(t, e.State), "DialogID:"+value(t, e.Dialog))
	if e.State == gc.Failed {
		return t.join(head, value(t, e.Cause), value(t, e.FullName))
	}
	return t.join(head, value(t, e.From), t.callVariables(e.Call), t.time(e.Start), value(t, e.FullName))
}

func dialogStateText(t *textForm, e gc.DialogState) string {
	variables := "" // of a call that is not found nothing is known
	if e.State != gc.NotFound {
		variables = t.callVariables(e.Call)
	}
	associated := t.join("", "", "", "")
	if a := e.Associated; a != nil {
		associated = t.join(value(t, a.Dialog), value(t, a.State), value(t, a.From), t.callVariables(*a))
	}
	return t.join(value(t, e.Agent), "DialogState", value(t, e.State), value(t, e.Dialog), value(t, e.FullName),
		value(t, e.From), variables, associated)
}

func reasonCodesText(t *textForm, e gc.ReasonCodes) string {
	ids, labels := make([]string, len(e.Codes)), make([]string, len(e.Codes))
	for i, c := range e.Codes {
		ids[i], labels[i] = value(t, c.ID), value(t, c.Label)
	}
	return t.join(value(t, e.Agent), "ReasonCodes", "Category:"+value(t, e.Category),
		"Codes:"+strings.Join(ids, ","), "Labels:"+strings.Join(labels, ","), value(t, e.FullName))
}

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
	participants := make([]participantObject, len(e.Participants))
	for i, p := range e.Participants {
		participants[i] = participantObject(p)
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
	}{"InboundCall", e.Dialog, e.State, j.time(e.Start), orNull(e.Previous), e.From, variablePairs(e.Call), participants, e.Agent, e.Cause}
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
