package wire

import (
	"reflect"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// shape is the form of an event as a reader sees it. "#" stands between the
// fields; <Name> is a value of the kind of that name (read_kinds.go), named
// after what of the event it shows or, behind ":", after its kind too; what
// is not in brackets stands there as it is. A field in braces may come any
// number of times, and <Name*> takes all fields that are left for it.
type shape struct {
	event   gc.Event
	formats []Format
	form    string
}

var (
	texts      = []Format{Text, TextOld, Text44}
	newer      = []Format{Text, Text44}
	documented = []Format{Text, TextOld}
	text       = []Format{Text}
	old        = []Format{TextOld}
	gc44       = []Format{Text44}
)

const (
	userEntry    = "FirstName:<FirstName:Text>,LastName:<LastName:Text>,Extension:<Extension>"
	contactEntry = "{description:<Description:Text>,firstName:<FirstName:Text>,lastName:<LastName:Text>,phoneNumber:<PhoneNumber:Text>,id:<ID:Text>}"
	bookEntry    = "{name:<Name:Text>,type:<Type:Text>,id:<ID:Number>}"
	associated   = "<AssociatedDialog:DialogOrNone>#<AssociatedState:CallStateOrNone>#<AssociatedFrom:Text>#<AssociatedVariables:VariablesOrNone>"
	state44Form  = "<Agent>#State#<State:UserState>#<Reason>##<Pending:UserStateOrNone>#<Changed:Time>#<FullName:Text>#<Member:Agent>#<Extension>"
)

// shapes are the text forms of every event, for readers. A test holds them
// against what the forms write.
var shapes = []shape{
	{gc.System{}, texts, "System#<Status>"},
	{gc.State{}, text, "<Agent>#State#<State:UserState>#<Reason>#<FullName:Text>"},
	{gc.State{}, old, "<Agent>#State#<State:UserState>#<FullName:Text>"},
	{gc.State{}, gc44, state44Form},
	{gc.ReLogin{}, documented, "<Agent>#State#RE_LOGIN"},
	{gc.ReLogin{}, gc44, "<Agent>#State#RE_LOGIN######<Member:Agent>#"},
	{gc.ErrorEvent{}, texts, "<Agent>#Error#<Code>"},
	{gc.StatusBar{}, texts, "<Agent>#Control#PrintStatusBar#<Message:Any>"},
	{gc.Controls{}, texts, "<Agent>#Control#<Controls>"},
	{gc.AgentLogout{}, texts, "<Agent>#LOGOUT"},
	{gc.AgentInfo{}, texts, "<Agent>#AgentInfo#<FirstName:Text>#<LastName:Text>#<Supervisor:Flag>#<WrapUp:Text>#<FullName:Text>"},
	{gc.AgentInfo{}, gc44, "<Agent>#AgentInfo#<FirstName:Text>#<LastName:Text>#true#<WrapUp:Text>#Teams:<TeamsCount:Number>#<Teams>#<Team:NumberOrNone>#<FullName:Text>"},
	{gc.InboundCall{}, newer, "<Agent>#InboundCall#FAILED#DialogID:<Dialog>#<Cause:Text>#<FullName:Text>"},
	{gc.InboundCall{}, old, "<Agent>#InboundCall#FAILED#DialogID:<Dialog>#<Cause:Text>#<FullName:Text>"},
	{gc.InboundCall{}, text, "<Agent>#InboundCall#<State:CallState>#DialogID:<Dialog>#<From:Text>#<Variables>#<Start:Time>#<FullName:Text>"},
	{gc.InboundCall{}, old, "<Agent>#InboundCall#<State:OldEnd>#DialogID:<Dialog>#<FullName:Text>"},
	{gc.InboundCall{}, old, "<Agent>#InboundCall#<State:OldState>#<FullName:Text>"},
	{gc.InboundCall{}, gc44, "<Agent>#InboundCall#<State:CallState>#DialogID:<Dialog>#<From:Text>#<Variables:Variables44>#<Start:Time>#CallType:<CallType:Text>#ParticipantsCount:<ParticipantsCount:Number>#participants:<Participants>"},
	{gc.NewInboundCall{}, text, "<Agent>#NewInboundCall#<From:Text>#<Variables:VariablesBare>#DialogID:<Dialog>"},
	{gc.NewInboundCall{}, old, "<Agent>#NewInboundCall#<From:Text>#<Variables:VariablesOld>#DialogID:<Dialog>"},
	{gc.NewInboundCall{}, gc44, "<Agent>#NewInboundCall#<From:Text>#<Variables:Variables44>#DialogID:<Dialog>#CallType:<CallType:Text>#<Start:Time>"},
	{gc.NewOutboundCall{}, documented, "<Agent>#NewOutboundCall#<From:Text>#<Variables>#DialogID:<Dialog>"},
	{gc.NewOutboundCall{}, gc44, "<Agent>#NewOutboundCall#<From:Text>#<Variables:Variables44>#DialogID:<Dialog>#CallType:<CallType:Text>#<Start:Time>"},
	{gc.ConsultCall{}, texts, "<Agent>#ConsultCall#FAILED#AssDialogID:<Dialog>#<Cause:Text>#<FullName:Text>"},
	{gc.ConsultCall{}, newer, "<Agent>#ConsultCall#<State:CallState>#AssDialogID:<Dialog>#<From:Text>#<Variables>#<Start:Time>#<FullName:Text>"},
	{gc.ConsultCall{}, old, "<Agent>#ConsultCall#<State:OldAny>#AssDialogID:<Dialog>"},
	{gc.DialogStateControls{}, texts, "<Agent>#InboundCall#DialogState#<State:AnyCallState>#<Dialog>#<FullName:Text>"},
	{gc.DialogStateControls{}, texts, "<Agent>#ConsultCall#DialogState#<State:AnyCallState>#<Dialog>#<FullName:Text>"},
	{gc.DialogState{}, texts, "<Agent>#DialogState#<State:AnyCallState>#<Dialog>#<FullName:Text>#<From:Text>#<Variables:VariablesOrNone>#" + associated},
	{gc.AgentDialogState{}, texts, "<Agent>#DialogState#<State:AnyCallState>#<Dialog>#<FullName:Text>"},
	{gc.DialogStatus{}, newer, "<Agent>#DialogStatus#<Dialog>#<State:AnyCallState>#<From:Text>#<Variables>#" + associated},
	{gc.DialogStatus{}, old, "<Agent>#DialogStatus#<Dialog>#<State:AnyCallState>#<AssociatedDialog:DialogOrNone>#<AssociatedState:CallStateOrNone>"},
	{gc.ReasonCodes{}, texts, "<Agent>#ReasonCodes#Category:<Category:Text>#Codes:<Codes:Numbers>#Labels:<Labels:List>#<FullName:Text>"},
	{gc.TeamInfoIDs{}, texts, "<Agent>#TeamInfoIDs#TeamID#<Teams:Numbers>#<FullName:Text>"},
	{gc.TeamInfoNames{}, texts, "<Agent>#TeamInfoNames#TeamName#<Teams:List>#<FullName:Text>"},
	{gc.Agents{}, texts, "<Agent>#Agents#{" + userEntry + "}"},
	{gc.TeamUsersList{}, texts, "<Agent>#TeamUsersList#{" + userEntry + ",LoginID:<LoginID:Agent>,State:<State:UserState>,PendingState:<Pending:UserStateOrNone>,MediaType:<MediaType:Text>,StateChangeTime:<Changed:Time>}"},
	{gc.QueueList{}, texts, "<Agent>#QueueList#{QueueName:<Name:Text>,AgentsNotReady:<AgentsNotReady:Number>,AgentsReady:<AgentsReady:Number>," +
		"AgentsTalkingInbound:<AgentsTalkingInbound:Number>,AgentsTalkingInternal:<AgentsTalkingInternal:Number>,AgentsTalkingOutbound:<AgentsTalkingOutbound:Number>," +
		"AgentsWrapUpNotReady:<AgentsWrapUpNotReady:Number>,AgentsWrapUpReady:<AgentsWrapUpReady:Number>,CallsInQueue:<CallsInQueue:Number>,StartTimeOfLongestCallInQueue:<LongestCallStart:Time>}"},
	{gc.ConferenceParticipants{}, texts, "<Agent>#ConferenceParticipants#<Participants:List>"},
	{gc.TeamMemberState{}, documented, "<Agent>#TeamMemberStateChanged#<Team:Number>#<State:UserState>#<Member:Agent>"},
	{gc.TeamMemberState{}, gc44, state44Form},
	{gc.Reconnect{}, texts, "<Agent>#RECONNECT#<Secret*>"},
	{gc.DestinationReconnect{}, texts, "DESTINATION#<Destination:Any>#RECONNECT"},
	{gc.AgentSync{}, Formats, "AgentState#<Agent>#<Secret*>#<Extension>#<Subscribed:Time>"},
	{gc.Phonebooks{}, documented, "Phonebooks#" + bookEntry},
	{gc.Phonebooks{}, gc44, "<Agent>#Phonebooks#" + bookEntry},
	{gc.TeamPhonebooks{}, documented, "TeamPhoneBooks#NoTeamPhoneBookFound"},
	{gc.TeamPhonebooks{}, gc44, "<Agent>#TeamPhoneBooks#NoTeamPhoneBookFound"},
	{gc.TeamPhonebooks{}, documented, "TeamPhoneBooks#" + bookEntry},
	{gc.TeamPhonebooks{}, gc44, "<Agent>#TeamPhoneBooks#" + bookEntry},
	{gc.PhonebookContacts{}, documented, "PhonebookContacts#NoContactFound"},
	{gc.PhonebookContacts{}, gc44, "<Agent>#PhonebookContacts#NoContactFound"},
	{gc.PhonebookContacts{}, documented, "PhonebookContacts#" + contactEntry},
	{gc.PhonebookContacts{}, gc44, "<Agent>#PhonebookContacts#" + contactEntry},
}

// jsonShapes are the JSON forms, as templates: of an array every element is
// as the one shown, and <Kind?> may be null.
var jsonShapes = func() []shape {
	const (
		call   = `"callVariables":"<Variables:VariablesJSON>","participants":[{"mediaAddress":"<Address:Any>","state":"<AddressState:AnyCallState>","addressType":"<AddressType:Any>"}],"agentId":"<Agent>"`
		state  = `{"type":"State","agentId":"<Agent>","state":"<State:UserStateJSON>","reasonCode":"<Reason>","stateChangeTimeString":"","pendingState":"<Pending:UserStateOrNone>","stateChangeTime":"<Changed:Time>"}`
		users  = `[{"type":"Agents","users":[{"firstName":"<FirstName:Any>","lastName":"<LastName:Any>","extension":"<Extension>"}]}]`
		dialog = `{"type":"DialogState","dialogId":"<Dialog>","state":"<State:AnyCallState>","agentId":"<Agent>"}`
		open   = `{"type":"InboundCall","dialogId":"<Dialog>","state":"<State:CallStateJSON>","startTime":"<Start:Time>","prevDialogId":"<Previous:Dialog?>","fromAddress":"<From:Any>",`
		cons   = `{"type":"ConsultCall","state":"<State:AnyCallState>","assDialogId":"<Dialog>","fromAddress":"<From:Any>","toAddress":"<To:Any>","startTime":"<Start:Time>",`
		new    = `,"dialogId":"<Dialog>","fromAddress":"<From:Any>","callVariables":"<Variables:VariablesJSON>","agentId":"<Agent>"}`
		books  = `"phonebooks":[{"name":"<Name:Any>","id":"<ID:Number>"}]}]`
	)
	status := func(whose string) string {
		return `"dialogId":"<` + whose + `Dialog:Dialog>","state":"<` + whose + `State:AnyCallState>","fromAddress":"<` + whose + `From:Any>","callVariables":"<` + whose + `Variables:VariablesJSON>"`
	}
	of := func(e gc.Event, form string) shape { return shape{e, []Format{JSON}, form} }
	return []shape{
		of(gc.System{}, `{"type":"System","status":"<Status>"}`),
		of(gc.State{}, state), of(gc.ReLogin{}, state),
		of(gc.ErrorEvent{}, `{"type":"Error","error":"<Code>","agentId":"<Agent>"}`),
		of(gc.StatusBar{}, `{"type":"Control","control":"PrintStatusBar","message":"<Message:Any>","agentId":"<Agent>"}`),
		of(gc.Controls{}, `{"type":"Control","controls":[{"index":"<Controls:NumberJSON>","command":"<Command:Any>","visible":"<Controls:FlagJSON>"}],"agentId":"<Agent>"}`),
		of(gc.AgentLogout{}, `{"type":"LOGOUT","agentId":"<Agent>"}`),
		of(gc.AgentInfo{}, `{"type":"AgentInfo","firstName":"<FirstName:Any>","lastName":"<LastName:Any>","supervisor":"<Supervisor:FlagJSON>","wrapUpOnIncoming":"<WrapUp:Any>",`+
			`"teams":[{"id":"<Teams:Number>","name":"<Teams:Any>"}],"team":{"id":"<Team:NumberOrNone>","name":"<TeamName:Any>"},"agentId":"<Agent>"}`),
		of(gc.InboundCall{}, `{"type":"InboundCall","dialogId":"<Dialog>","prevDialogId":"<Previous:Dialog?>","state":"DROPPED","agentId":"<Agent>"}`),
		of(gc.InboundCall{}, open+call+`}`), of(gc.InboundCall{}, open+call+`,"cause":"<Cause:Any>"}`),
		of(gc.ConsultCall{}, cons+call+`}`), of(gc.ConsultCall{}, cons+call+`,"cause":"<Cause:Any>"}`),
		of(gc.NewInboundCall{}, `{"type":"NewInboundCall"`+new), of(gc.NewOutboundCall{}, `{"type":"NewOutboundCall"`+new),
		of(gc.DialogState{}, dialog), of(gc.AgentDialogState{}, dialog),
		of(gc.DialogStateControls{}, `{"type":"DialogStateControls","dialogId":"<Dialog>","callType":"<CallType:Any>","state":"<State:AnyCallState>","agentId":"<Agent>"}`),
		of(gc.DialogStatus{}, `{"type":"DialogStatus",`+status("")+`,"associated":"<Nothing?>","agentId":"<Agent>"}`),
		of(gc.DialogStatus{}, `{"type":"DialogStatus",`+status("")+`,"associated":{`+status("Associated")+`},"agentId":"<Agent>"}`),
		of(gc.ReasonCodes{}, `{"type":"ReasonCodes","category":"<Category:Any>","reasonCodes":"<Codes:CodesJSON>","agentId":"<Agent>"}`),
		of(gc.TeamInfoIDs{}, `{"type":"TeamInfoIDs","teamIds":["<Teams:Number>"],"agentId":"<Agent>"}`),
		of(gc.TeamInfoNames{}, `{"type":"TeamInfoNames","teamNames":["<Teams:Any>"],"agentId":"<Agent>"}`),
		of(gc.Agents{}, users), of(gc.TeamUsersList{}, users),
		of(gc.QueueList{}, `{"type":"QueueList","queues":[{"queueName":"<Name:Any>","agentsNotReady":"<AgentsNotReady:NumberJSON>","agentsReady":"<AgentsReady:NumberJSON>",`+
			`"agentsTalkingInbound":"<AgentsTalkingInbound:NumberJSON>","agentsTalkingInternal":"<AgentsTalkingInternal:NumberJSON>","agentsTalkingOutbound":"<AgentsTalkingOutbound:NumberJSON>",`+
			`"agentsWrapUpNotReady":"<AgentsWrapUpNotReady:NumberJSON>","agentsWrapUpReady":"<AgentsWrapUpReady:NumberJSON>",`+
			`"callsInQueue":"<CallsInQueue:NumberJSON>","startTimeOfLongestCallInQueue":"<LongestCallStart:Time>"}],"agentId":"<Agent>"}`),
		of(gc.TeamMemberState{}, `{"type":"TeamMemberStateChanged","teamId":"<Team:Number>","memberId":"<Member:Agent>","state":"<State:UserState>","reasonCode":"<Reason>",`+
			`"pendingState":"<Pending:UserStateOrNone>","stateChangeTime":"<Changed:Time>","agentId":"<Agent>"}`),
		of(gc.ConferenceParticipants{}, `{"type":"ConferenceParticipants","dialogId":"<Dialog>","participants":["<Participants:Any>"],"agentId":"<Agent>"}`),
		of(gc.Reconnect{}, `{"type":"RECONNECT","request":"<Request:Secret>","text":"<Secret>","agentId":"<Agent>"}`),
		of(gc.DestinationReconnect{}, `{"type":"DESTINATION","destination":"<Destination:Any>","status":"RECONNECT"}`),
		of(gc.Phonebooks{}, `[{"type":"Phonebooks",`+books), of(gc.TeamPhonebooks{}, `[{"type":"TeamPhoneBooks",`+books),
		of(gc.PhonebookContacts{}, `[{"type":"PhonebookContacts","phonebookId":"<Phonebook:Number>","contacts":[{"firstName":"<FirstName:Any>","lastName":"<LastName:Any>","phoneNumber":"<PhoneNumber:Any>","contactId":"<ID:Any>"}]}]`),
	}
}()

// writes reports whether s is a form of e.
func (s *shape) writes(e gc.Event) bool { return reflect.TypeOf(s.event) == reflect.TypeOf(e) }
