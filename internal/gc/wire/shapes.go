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
	{gc.ReasonCodes{}, texts, "<Agent>#ReasonCodes#Category:<Category:Text>#Codes:<Codes:List>#Labels:<Labels:List>#<FullName:Text>"},
	{gc.TeamInfoIDs{}, texts, "<Agent>#TeamInfoIDs#TeamID#<Teams:List>#<FullName:Text>"},
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
	{gc.AgentSync{}, texts, "AgentState#<Agent>#<Secret*>#<Extension>#<Subscribed:Time>"},
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
		call   = `"callVariables":"<VariablesJSON>","participants":[{"mediaAddress":"<Any>","state":"<AnyCallState>","addressType":"<Any>"}],"agentId":"<Agent>"`
		status = `"dialogId":"<Dialog>","state":"<AnyCallState>","fromAddress":"<Any>","callVariables":"<VariablesJSON>"`
		state  = `{"type":"State","agentId":"<Agent>","state":"<UserStateJSON>","reasonCode":"<Reason>","stateChangeTimeString":"","pendingState":"<UserStateOrNone>","stateChangeTime":"<Time>"}`
		users  = `[{"type":"Agents","users":[{"firstName":"<Any>","lastName":"<Any>","extension":"<Extension>"}]}]`
		dialog = `{"type":"DialogState","dialogId":"<Dialog>","state":"<AnyCallState>","agentId":"<Agent>"}`
		open   = `{"type":"InboundCall","dialogId":"<Dialog>","state":"<CallStateJSON>","startTime":"<Time>","prevDialogId":"<Dialog?>","fromAddress":"<Any>",`
		cons   = `{"type":"ConsultCall","state":"<AnyCallState>","assDialogId":"<Dialog>","fromAddress":"<Any>","toAddress":"<Any>","startTime":"<Time>",`
		books  = `"phonebooks":[{"name":"<Any>","id":"<Number>"}]}]`
		number = `"<NumberJSON>"`
	)
	of := func(e gc.Event, form string) shape { return shape{e, []Format{JSON}, form} }
	return []shape{
		of(gc.System{}, `{"type":"System","status":"<Status>"}`),
		of(gc.State{}, state), of(gc.ReLogin{}, state),
		of(gc.ErrorEvent{}, `{"type":"Error","error":"<Code>","agentId":"<Agent>"}`),
		of(gc.StatusBar{}, `{"type":"Control","control":"PrintStatusBar","message":"<Any>","agentId":"<Agent>"}`),
		of(gc.Controls{}, `{"type":"Control","controls":[{"index":`+number+`,"command":"<Any>","visible":"<FlagJSON>"}],"agentId":"<Agent>"}`),
		of(gc.AgentLogout{}, `{"type":"LOGOUT","agentId":"<Agent>"}`),
		of(gc.AgentInfo{}, `{"type":"AgentInfo","firstName":"<Any>","lastName":"<Any>","supervisor":"<FlagJSON>","wrapUpOnIncoming":"<Any>",`+
			`"teams":[{"id":"<Number>","name":"<Any>"}],"team":{"id":"<NumberOrNone>","name":"<Any>"},"agentId":"<Agent>"}`),
		of(gc.InboundCall{}, `{"type":"InboundCall","dialogId":"<Dialog>","prevDialogId":"<Dialog?>","state":"DROPPED","agentId":"<Agent>"}`),
		of(gc.InboundCall{}, open+call+`}`), of(gc.InboundCall{}, open+call+`,"cause":"<Any>"}`),
		of(gc.ConsultCall{}, cons+call+`}`), of(gc.ConsultCall{}, cons+call+`,"cause":"<Any>"}`),
		of(gc.NewInboundCall{}, `{"type":"NewInboundCall","dialogId":"<Dialog>","fromAddress":"<Any>","callVariables":"<VariablesJSON>","agentId":"<Agent>"}`),
		of(gc.NewOutboundCall{}, `{"type":"NewOutboundCall","dialogId":"<Dialog>","fromAddress":"<Any>","callVariables":"<VariablesJSON>","agentId":"<Agent>"}`),
		of(gc.DialogState{}, dialog), of(gc.AgentDialogState{}, dialog),
		of(gc.DialogStateControls{}, `{"type":"DialogStateControls","dialogId":"<Dialog>","callType":"<Any>","state":"<AnyCallState>","agentId":"<Agent>"}`),
		of(gc.DialogStatus{}, `{"type":"DialogStatus",`+status+`,"associated":"<Nothing?>","agentId":"<Agent>"}`),
		of(gc.DialogStatus{}, `{"type":"DialogStatus",`+status+`,"associated":{`+status+`},"agentId":"<Agent>"}`),
		of(gc.ReasonCodes{}, `{"type":"ReasonCodes","category":"<Any>","reasonCodes":"<CodesJSON>","agentId":"<Agent>"}`),
		of(gc.TeamInfoIDs{}, `{"type":"TeamInfoIDs","teamIds":["<Number>"],"agentId":"<Agent>"}`),
		of(gc.TeamInfoNames{}, `{"type":"TeamInfoNames","teamNames":["<Any>"],"agentId":"<Agent>"}`),
		of(gc.Agents{}, users), of(gc.TeamUsersList{}, users),
		of(gc.QueueList{}, `{"type":"QueueList","queues":[{"queueName":"<Any>","agentsNotReady":`+number+`,"agentsReady":`+number+`,"agentsTalkingInbound":`+number+
			`,"agentsTalkingInternal":`+number+`,"agentsTalkingOutbound":`+number+`,"agentsWrapUpNotReady":`+number+`,"agentsWrapUpReady":`+number+
			`,"callsInQueue":`+number+`,"startTimeOfLongestCallInQueue":"<Time>"}],"agentId":"<Agent>"}`),
		of(gc.TeamMemberState{}, `{"type":"TeamMemberStateChanged","teamId":"<Number>","memberId":"<Agent>","state":"<UserState>","reasonCode":"<Reason>",`+
			`"pendingState":"<UserStateOrNone>","stateChangeTime":"<Time>","agentId":"<Agent>"}`),
		of(gc.ConferenceParticipants{}, `{"type":"ConferenceParticipants","dialogId":"<Dialog>","participants":["<Any>"],"agentId":"<Agent>"}`),
		of(gc.Reconnect{}, `{"type":"RECONNECT","request":"<Secret>","text":"<Secret>","agentId":"<Agent>"}`),
		of(gc.DestinationReconnect{}, `{"type":"DESTINATION","destination":"<Any>","status":"RECONNECT"}`),
		of(gc.Phonebooks{}, `[{"type":"Phonebooks",`+books), of(gc.TeamPhonebooks{}, `[{"type":"TeamPhoneBooks",`+books),
		of(gc.PhonebookContacts{}, `[{"type":"PhonebookContacts","phonebookId":"<Number>","contacts":[{"firstName":"<Any>","lastName":"<Any>","phoneNumber":"<Any>","contactId":"<Any>"}]}]`),
	}
}()

// writes reports whether s is a form of e.
func (s *shape) writes(e gc.Event) bool { return reflect.TypeOf(s.event) == reflect.TypeOf(e) }
