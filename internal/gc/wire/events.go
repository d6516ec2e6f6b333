package wire

import (
	"reflect"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Row is one row of the table of events: the numbers and the category the
// seed gives the message, and its forms.
type Row struct {
	Numbers  []string // none for the answer to getallagents
	Name     string   // as the message has it
	Category gc.Category
	// Deprecated events are kept for older drivers; the seed has others in
	// their place.
	Deprecated bool
	// Only are the formats in which the event is sent, nil for all. In the
	// others another event already tells what it tells; Write still has a form.
	Only    []Format
	event   reflect.Type
	jmsType func(gc.Event) string
	write   map[Format]func(*Writer, gc.Event) (body string, replaced int)
}

// forms are those of one event. old and gc44 are nil where they are the same
// as text, json is nil where even that is.
type forms[E gc.Event] struct {
	text, old, gc44 func(*textForm, E)
	json            func(*jsonForm, E)
	inArray         bool           // in JSON the object stands in an array
	jmsType         func(E) string // nil for an event that has none
	deprecated      bool
	only            []Format
}

// Events is the table of events (seed, "GC Output Messages" for text and
// category, "GC Events" for JSON). A new event is a row here and a type in
// package gc.
var Events = []Row{
	row("O-001", "State", gc.AgentState, forms[gc.State]{text: stateText, old: stateOld, gc44: state44, json: stateJSON}),
	row("O-002", "Error", gc.AgentError, forms[gc.ErrorEvent]{text: errorText, json: errorJSON}),
	row("O-003", "Control", gc.AgentControl, forms[gc.StatusBar]{text: statusBarText, json: statusBarJSON,
		jmsType: func(e gc.StatusBar) string { return e.Request }}), // "as was sent"
	row("O-004 O-005 O-027", "System", gc.SystemCategory, forms[gc.System]{text: systemText, json: systemJSON}),
	row("O-006", "LOGOUT", gc.AgentState, forms[gc.AgentLogout]{text: agentLogoutText, json: agentLogoutJSON, deprecated: true}),
	row("O-007", "State", gc.AgentState, forms[gc.ReLogin]{text: reLoginText, gc44: reLogin44, json: reLoginJSON}),
	row("O-008", "InboundCall", gc.AgentCall, forms[gc.InboundCall]{text: inboundCallText, old: inboundCallOld, gc44: inboundCall44, json: inboundCallJSON}),
	row("O-009", "NewInboundCall", gc.AgentCall, forms[gc.NewInboundCall]{text: newInboundCallText, old: newInboundCallOld, gc44: newInboundCall44, json: newInboundCallJSON}),
	row("O-010", "ConsultCall", gc.AgentCall, forms[gc.ConsultCall]{text: consultCallText, old: consultCallOld, json: consultCallJSON}),
	row("O-011", "AgentInfo", gc.AgentInfoCategory, forms[gc.AgentInfo]{text: agentInfoText, gc44: agentInfo44, json: agentInfoJSON}),
	row("O-012", "TeamInfoIDs", gc.SupervisorInfo, forms[gc.TeamInfoIDs]{text: teamInfoIDsText, json: teamInfoIDsJSON, only: withoutTeams}),
	row("O-013", "TeamInfoNames", gc.SupervisorInfo, forms[gc.TeamInfoNames]{text: teamInfoNamesText, json: teamInfoNamesJSON, only: withoutTeams}),
	row("O-014", "DialogState", gc.AgentDialog, forms[gc.DialogState]{text: dialogStateText, json: dialogStateJSON}),
	row("O-015", "DialogState", gc.AgentDialog, forms[gc.DialogStateControls]{text: dialogStateControlsText, json: dialogStateControlsJSON}),
	row("O-016", "ReasonCodes", gc.AgentWork, forms[gc.ReasonCodes]{text: reasonCodesText, json: reasonCodesJSON}),
	row("O-017", "Control", gc.AgentControl, forms[gc.Controls]{text: controlsText, json: controlsJSON}),
	row("O-018", "DialogState", gc.AgentState, forms[gc.AgentDialogState]{text: agentDialogStateText, json: agentDialogStateJSON, deprecated: true}),
	row("O-019", "QueueList", gc.SupervisorQueueInfo, forms[gc.QueueList]{text: queueListText, json: queueListJSON}),
	row("", "Agents", gc.AgentCall, forms[gc.Agents]{text: agentsText, json: agentsJSON, inArray: true}),
	row("O-020", "TeamUsersList", gc.SupervisorTeam, forms[gc.TeamUsersList]{text: teamUsersListText, json: teamUsersListJSON, inArray: true}),
	row("O-021", "TeamMemberStateChanged", gc.SupervisorTeamMemberState, forms[gc.TeamMemberState]{text: teamMemberStateText, gc44: teamMemberState44, json: teamMemberStateJSON}),
	row("O-022", "ConferenceParticipants", gc.SupervisorDialog, forms[gc.ConferenceParticipants]{text: conferenceParticipantsText, json: conferenceParticipantsJSON}),
	row("O-023", "RECONNECT", gc.AgentState, forms[gc.Reconnect]{text: reconnectText, json: reconnectJSON, deprecated: true,
		jmsType: func(e gc.Reconnect) string { return e.Request }}),
	row("O-024", "DialogStatus", gc.AgentState, forms[gc.DialogStatus]{text: dialogStatusText, old: dialogStatusOld, json: dialogStatusJSON,
		jmsType: func(e gc.DialogStatus) string { return e.Type }}), // "call type in JMS type"
	row("O-025", "AgentState", gc.ConnectorSyncCategory, forms[gc.AgentSync]{text: agentSyncText}),
	row("O-026", "DESTINATION", gc.AgentState, forms[gc.DestinationReconnect]{text: destinationReconnectText, json: destinationReconnectJSON}),
	row("O-028", "NewOutboundCall", gc.AgentCall, forms[gc.NewOutboundCall]{text: newOutboundCallText, gc44: newOutboundCall44, json: newOutboundCallJSON}),
	row("O-29", "Phonebooks", gc.PhonebookCategory, forms[gc.Phonebooks]{text: phonebooksText, gc44: phonebooks44, json: phonebooksJSON, inArray: true}),
	row("O-30", "TeamPhoneBooks", gc.PhonebookCategory, forms[gc.TeamPhonebooks]{text: teamPhonebooksText, gc44: teamPhonebooks44, json: teamPhonebooksJSON, inArray: true}),
	row("O-31", "PhonebookContacts", gc.ContactsCategory, forms[gc.PhonebookContacts]{text: phonebookContactsText, gc44: phonebookContacts44, json: phonebookContactsJSON, inArray: true}),
}

// withoutTeams are the formats whose AgentInfo does not list the teams.
var withoutTeams = []Format{Text, TextOld}

func row[E gc.Event](numbers, name string, category gc.Category, f forms[E]) Row {
	text := func(form func(*textForm, E)) func(*Writer, gc.Event) (string, int) {
		if form == nil {
			form = f.text
		}
		return func(w *Writer, e gc.Event) (string, int) {
			return writeText(w, func(t *textForm) { form(t, e.(E)) })
		}
	}
	json := text(f.text)
	if f.json != nil {
		json = func(w *Writer, e gc.Event) (string, int) {
			return writeJSON(w, f.inArray, func(j *jsonForm) { f.json(j, e.(E)) }), 0
		}
	}
	jmsType := func(gc.Event) string { return "" }
	if f.jmsType != nil {
		jmsType = func(e gc.Event) string { return f.jmsType(e.(E)) }
	}
	return Row{
		Numbers:    strings.Fields(numbers),
		Name:       name,
		Category:   category,
		Deprecated: f.deprecated,
		Only:       f.only,
		event:      reflect.TypeFor[E](),
		jmsType:    jmsType,
		write: map[Format]func(*Writer, gc.Event) (string, int){
			Text: text(f.text), TextOld: text(f.old), Text44: text(f.gc44), JSON: json,
		},
	}
}

// RowOf is the row that writes e, nil for an event without one.
func RowOf(e gc.Event) *Row { return byType[reflect.TypeOf(e)] }

// Writes reports whether e is written by this row.
func (r *Row) Writes(e gc.Event) bool { return reflect.TypeOf(e) == r.event }

var byType = func() map[reflect.Type]*Row {
	m := make(map[reflect.Type]*Row, len(Events))
	for i := range Events {
		m[Events[i].event] = &Events[i]
	}
	return m
}()
