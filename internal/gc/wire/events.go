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
	jmsType  func(gc.Event) string
	write    map[Format]func(*Writer, gc.Event) (body string, replaced int)
}

// forms are those of one event. old and gc44 are nil where they are the same
// as text.
type forms[E gc.Event] struct {
	text, old, gc44 func(*textForm, E) string
	json            func(*jsonForm, E) any
	jmsType         func(E) string // nil for an event that has none
}

// Events is the table of events (seed, "GC Output Messages" for text and
// category, "GC Events" for JSON). A new event is a row here and a type in
// package gc.
var Events = []Row{
	row("O-001", "State", gc.AgentState, forms[gc.State]{text: stateText, old: stateOld, gc44: state44, json: stateJSON}),
	row("O-002", "Error", gc.AgentError, forms[gc.ErrorEvent]{text: errorText, json: errorJSON}),
	row("O-004 O-005", "System", gc.SystemCategory, forms[gc.System]{text: systemText, json: systemJSON}),
	row("O-007", "State", gc.AgentState, forms[gc.ReLogin]{text: reLoginText, gc44: reLogin44, json: reLoginJSON}),
	row("O-008", "InboundCall", gc.AgentCall, forms[gc.InboundCall]{text: inboundCallText, old: inboundCallOld, gc44: inboundCall44, json: inboundCallJSON}),
	row("O-009", "NewInboundCall", gc.AgentCall, forms[gc.NewInboundCall]{text: newInboundCallText, old: newInboundCallOld, gc44: newInboundCall44, json: newInboundCallJSON}),
	row("O-010", "ConsultCall", gc.AgentCall, forms[gc.ConsultCall]{text: consultCallText, old: consultCallOld, json: consultCallJSON}),
	row("O-011", "AgentInfo", gc.AgentInfoCategory, forms[gc.AgentInfo]{text: agentInfoText, gc44: agentInfo44, json: agentInfoJSON}),
	row("O-014", "DialogState", gc.AgentDialog, forms[gc.DialogState]{text: dialogStateText, json: dialogStateJSON}),
	row("O-015", "DialogState", gc.AgentDialog, forms[gc.DialogStateControls]{text: dialogStateControlsText, json: dialogStateControlsJSON}),
	row("O-016", "ReasonCodes", gc.AgentWork, forms[gc.ReasonCodes]{text: reasonCodesText, json: reasonCodesJSON}),
	row("O-022", "ConferenceParticipants", gc.SupervisorDialog, forms[gc.ConferenceParticipants]{text: conferenceParticipantsText, json: conferenceParticipantsJSON}),
	row("O-024", "DialogStatus", gc.AgentState, forms[gc.DialogStatus]{text: dialogStatusText, old: dialogStatusOld, json: dialogStatusJSON,
		jmsType: func(e gc.DialogStatus) string { return e.Type }}), // "call type in JMS type"
}

func row[E gc.Event](numbers, name string, category gc.Category, f forms[E]) Row {
	text := func(form func(*textForm, E) string) func(*Writer, gc.Event) (string, int) {
		if form == nil {
			form = f.text
		}
		return func(w *Writer, e gc.Event) (string, int) {
			t := &textForm{writer: w}
			return form(t, e.(E)), t.replaced
		}
	}
	return Row{
		Numbers:  strings.Fields(numbers),
		Name:     name,
		Category: category,
		event:    reflect.TypeFor[E](),
		jmsType: func(e gc.Event) string {
			if f.jmsType == nil {
				return ""
			}
			return f.jmsType(e.(E))
		},
		write: map[Format]func(*Writer, gc.Event) (string, int){
			Text:    text(f.text),
			TextOld: text(f.old),
			Text44:  text(f.gc44),
			JSON: func(w *Writer, e gc.Event) (string, int) {
				return encode(f.json(&jsonForm{w.Location}, e.(E))), 0
			},
		},
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

// The forms of text: the seed's "New Format". Position and number of the fields
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
	return t.call("InboundCall", "DialogID:", e.Call)
}

func consultCallText(t *textForm, e gc.ConsultCall) string {
	return t.call("ConsultCall", "AssDialogID:", e.Call)
}

// call is the form that the two kinds of call share.
func (t *textForm) call(name, id string, c gc.Call) string {
	head := t.join(value(t, c.Agent), name, value(t, c.State), id+value(t, c.Dialog))
	if c.State == gc.Failed {
		return t.join(head, value(t, c.Cause), value(t, c.FullName))
	}
	return t.join(head, value(t, c.From), t.callVariables(c), t.time(c.Start), value(t, c.FullName))
}

func dialogStateText(t *textForm, e gc.DialogState) string {
	variables := "" // of a call that is not found nothing is known
	if e.State != gc.NotFound {
		variables = t.callVariables(e.Call)
	}
	return t.join(value(t, e.Agent), "DialogState", value(t, e.State), value(t, e.Dialog), value(t, e.FullName),
		value(t, e.From), variables, t.associated(e.Associated))
}

// associated are the four fields about the other call of a consultation; they
// are there, empty, when there is none.
func (t *textForm) associated(a *gc.Call) string {
	if a == nil {
		return t.join("", "", "", "")
	}
	return t.join(value(t, a.Dialog), value(t, a.State), value(t, a.From), t.callVariables(*a))
}

// dialogStatusText is the longer of the two forms that the seed prints.
func dialogStatusText(t *textForm, e gc.DialogStatus) string {
	return t.join(value(t, e.Agent), "DialogStatus", value(t, e.Dialog), value(t, e.State), value(t, e.From),
		t.callVariables(e.Call), t.associated(e.Associated))
}

func dialogStateControlsText(t *textForm, e gc.DialogStateControls) string {
	return t.join(value(t, e.Agent), e.Kind(), "DialogState", value(t, e.State), value(t, e.Dialog), value(t, e.FullName))
}

func conferenceParticipantsText(t *textForm, e gc.ConferenceParticipants) string {
	parties := make([]string, len(e.Participants))
	for i, p := range e.Participants {
		parties[i] = value(t, p)
	}
	return t.join(value(t, e.Agent), "ConferenceParticipants", strings.Join(parties, ","))
}

func reasonCodesText(t *textForm, e gc.ReasonCodes) string {
	ids, labels := make([]string, len(e.Codes)), make([]string, len(e.Codes))
	for i, c := range e.Codes {
		ids[i], labels[i] = value(t, c.ID), value(t, c.Label)
	}
	return t.join(value(t, e.Agent), "ReasonCodes", "Category:"+value(t, e.Category),
		"Codes:"+strings.Join(ids, ","), "Labels:"+strings.Join(labels, ","), value(t, e.FullName))
}
