package wire

import "github.com/finesse-connector/finesse-connector/internal/gc"

// Events is the table of events (seed, "GC Output Messages" for text and
// category, "GC Events" for JSON): everything there is to an event but its
// type, which is in package gc. What is written, read, rewritten, compared and
// documented is what stands here.
//
// A form is a text with values in it: <Name=Field:Kind>. Name is what readers
// call the value, the same in every format. Field is where the event has it,
// left out where it is the name. Kind, in kinds.go, is how it is written and
// what it may be, left out where the field's type says it. <Name*> takes all
// fields that are left for it, <Name?> is null in JSON when empty. A list of
// the event is {List entry}, any number of fields of a text, or [List element]
// in JSON. Of several forms in one format the first whose condition holds is
// written. The other columns are explained at Row.
//
// In text, position and number of the fields are the contract: fields are only
// ever appended. JSON has the members and the order of the seed's samples; where
// there is no sample they are ours. text-4.4 is what Generic Connector 4.4 really
// sends and its clients in the field parse, known from one captured message
// (InboundCall, July 2022) and from the code of a client of that time: they
// index fields without looking how many there are.
var Events = complete([]Row{
	{Numbers: []string{"O-001"}, Name: "State", Category: gc.AgentState, event: gc.State{}, lasts: retold, keys: []string{"State#<State>"}, with: logout, forms: []form{
		{text, usual, "<Agent>#State#<State>#<Reason>#<FullName>"},
		{old, usual, "<Agent>#State#<State>#<FullName>"},
		// A client reads fields 7 to 9 of every State and takes it for its own when field 8 is its login id.
		{gc44, usual, "<Agent>#State#<State>#<Reason>##<Pending:UserStateOrNone>#<Changed>#<FullName>#<Member=Agent>#<Extension>"},
		{inJSON, usual, `{"type":"State","agentId":"<Agent>","state":"<State:UserStateJSON>","reasonCode":"<Reason>",` +
			`"stateChangeTimeString":"","pendingState":"<Pending:UserStateOrNone>","stateChangeTime":"<Changed>"}`}, // the first is not used, says the seed
	}},
	{Numbers: []string{"O-002"}, Name: "Error", Category: gc.AgentError, event: gc.ErrorEvent{}, lasts: kept, keys: []string{"Error#<Code>", "Error#GENERIC_ERROR"}, forms: []form{
		{documented, usual, "<Agent>#Error#<Code>"},
		{gc44, usual, "<Agent>#Error#<Code>#<Detail=Reason:Explanation>"}, // a client of 2021 shows field 3
		{inJSON, usual, `{"type":"Error","error":"<Code>","agentId":"<Agent>","detail":"<Detail=Reason:Explanation>"}`},
	}},
	{Numbers: []string{"O-003"}, Name: "Control", Category: gc.AgentControl, event: gc.StatusBar{}, lasts: retold, jmsType: "Request", forms: []form{ // the type "as was sent"
		{texts, usual, "<Agent>#Control#PrintStatusBar#<Message:Sentence>"},
		{inJSON, usual, `{"type":"Control","control":"PrintStatusBar","message":"<Message>","agentId":"<Agent>"}`},
	}},
	{Numbers: []string{"O-004", "O-005", "O-027"}, Name: "System", Category: gc.SystemCategory, event: gc.System{}, lasts: retold, forms: []form{
		{texts, usual, "System#<Status>"},
		{inJSON, usual, `{"type":"System","status":"<Status>"}`},
	}},
	{Numbers: []string{"O-006"}, Name: "LOGOUT", Category: gc.AgentState, event: gc.AgentLogout{}, lasts: kept, Deprecated: true, forms: []form{
		{texts, usual, "<Agent>#LOGOUT"},
		{inJSON, usual, `{"type":"LOGOUT","agentId":"<Agent>"}`},
	}},
	{Numbers: []string{"O-007"}, Name: "State", Category: gc.AgentState, event: gc.ReLogin{}, lasts: kept, keys: []string{"State#RE_LOGIN"}, with: reconnect, forms: []form{
		{documented, usual, "<Agent>#State#RE_LOGIN"},
		{gc44, usual, "<Agent>#State#RE_LOGIN######<Member=Agent>#"},
		{inJSON, usual, `{"type":"State","agentId":"<Agent>","state":"RE_LOGIN","reasonCode":"","stateChangeTimeString":"","pendingState":"","stateChangeTime":""}`},
	}},
	{Numbers: []string{"O-008"}, Name: "InboundCall", Category: gc.AgentCall, event: gc.InboundCall{}, lasts: callState, keys: []string{"InboundCall#<State:OldAny>"}, with: arrival, withOnly: old, forms: []form{
		{texts, failed, "<Agent>#InboundCall#FAILED#DialogID:<Dialog>#<Cause:Word>#<FullName>"},
		{text, usual, "<Agent>#InboundCall#<State:CallState>#DialogID:<Dialog>#<From>#<Variables=Call>#<Start>#<FullName>"},
		// text-old names the dialog only where the seed says so, and calls the end DROP.
		{old, heldOrEnded, "<Agent>#InboundCall#<State:OldEnd>#DialogID:<Dialog>#<FullName>"},
		{old, usual, "<Agent>#InboundCall#<State:OldState>#<FullName>"},
		{gc44, usual, "<Agent>#InboundCall#<State:CallState>#DialogID:<Dialog>#<From>#<Variables=Call:Variables44>#<Start>" +
			"#CallType:<CallType=Type:CallType>#ParticipantsCount:<ParticipantsCount=Participants:Count>#participants:<Participants>"},
		{inJSON, ended, `{"type":"InboundCall","dialogId":"<Dialog>","prevDialogId":"<Handed?>","state":"DROPPED","agentId":"<Agent>"}`},
		{inJSON, withoutCause, inboundJSON + `}`},
		{inJSON, usual, inboundJSON + `,"cause":"<Cause:Word>"}`}, // the cause is ours
	}},
	{Numbers: []string{"O-009"}, Name: "NewInboundCall", Category: gc.AgentCall, event: gc.NewInboundCall{}, lasts: retold, forms: []form{
		{text, usual, "<Agent>#NewInboundCall#<From>#<Variables=Call:VariablesBare>#DialogID:<Dialog>"},
		{old, usual, "<Agent>#NewInboundCall#<From>#<Variables=Call:VariablesOld>#DialogID:<Dialog>"},
		{gc44, usual, "<Agent>#NewInboundCall" + newCall44},
		{inJSON, usual, `{"type":"NewInboundCall"` + newCallJSON},
	}},
	{Numbers: []string{"O-010"}, Name: "ConsultCall", Category: gc.AgentCall, event: gc.ConsultCall{}, lasts: callState, keys: []string{"ConsultCall#<State:OldAny>"}, forms: []form{
		{texts, failed, "<Agent>#ConsultCall#FAILED#AssDialogID:<Dialog>#<Cause:Word>#<FullName>"},
		{newer, usual, "<Agent>#ConsultCall#<State:CallState>#AssDialogID:<Dialog>#<From>#<Variables=Call>#<Start>#<FullName>"},
		{old, usual, "<Agent>#ConsultCall#<State:OldAny>#AssDialogID:<Dialog>"},
		{inJSON, withoutCause, consultJSON + `}`},
		{inJSON, usual, consultJSON + `,"cause":"<Cause:Word>"}`},
	}},
	{Numbers: []string{"O-011"}, Name: "AgentInfo", Category: gc.AgentInfoCategory, event: gc.AgentInfo{}, lasts: kept, keys: []string{"State#LOGGED_IN"}, with: teams, forms: []form{
		{documented, usual, "<Agent>#AgentInfo#<FirstName>#<LastName>#<Supervisor>#<WrapUp:Word>#<FullName>"},
		{gc44, aSupervisor, "<Agent>#AgentInfo#<FirstName>#<LastName>#true#<WrapUp:Word>#Teams:<TeamsCount=Teams:Count>#<Teams>#<Team=Team.ID:IDOrNone>#<FullName>"},
		{gc44, anAgent, "<Agent>#AgentInfo#<FirstName>#<LastName>#<Supervisor>#<WrapUp:Word>#<FullName>"},
		{inJSON, usual, `{"type":"AgentInfo","firstName":"<FirstName>","lastName":"<LastName>","supervisor":"<Supervisor>","wrapUpOnIncoming":"<WrapUp:Word>",` +
			`"teams":[Teams {"id":"<Teams=ID>","name":"<Teams=Name:Label>"}],"team":{"id":"<Team=Team.ID:IDOrNone>","name":"<TeamName=Team.Name>"},"agentId":"<Agent>"}`},
	}},
	{Numbers: []string{"O-012"}, Name: "TeamInfoIDs", Category: gc.SupervisorInfo, event: gc.TeamInfoIDs{}, lasts: kept, Only: documented, forms: []form{
		{texts, usual, "<Agent>#TeamInfoIDs#TeamID#<Teams=Teams.ID:IDs>#<FullName>"},
		{inJSON, usual, `{"type":"TeamInfoIDs","teamIds":[Teams "<Teams=ID>"],"agentId":"<Agent>"}`},
	}},
	{Numbers: []string{"O-013"}, Name: "TeamInfoNames", Category: gc.SupervisorInfo, event: gc.TeamInfoNames{}, lasts: kept, Only: documented, forms: []form{
		{texts, usual, "<Agent>#TeamInfoNames#TeamName#<Teams=Teams.Name:Labels>#<FullName>"},
		{inJSON, usual, `{"type":"TeamInfoNames","teamNames":[Teams "<Teams=Name:Label>"],"agentId":"<Agent>"}`},
	}},
	{Numbers: []string{"O-014"}, Name: "DialogState", Category: gc.AgentDialog, event: gc.DialogState{}, lasts: kept, forms: []form{
		{texts, usual, "<Agent>#DialogState#<State>#<Dialog>#<FullName>#<From>#<Variables=Call:VariablesOrNone>#" + associated},
		{inJSON, usual, dialogJSON},
	}},
	{Numbers: []string{"O-015"}, Name: "DialogState", Category: gc.AgentDialog, event: gc.DialogStateControls{}, lasts: kept, forms: []form{
		{texts, usual, "<Agent>#<CallType=Consult:CallEvent>#DialogState#<State>#<Dialog>#<FullName>"},
		{inJSON, usual, `{"type":"DialogStateControls","dialogId":"<Dialog>","callType":"<CallType=Consult:CallEvent>","state":"<State>","agentId":"<Agent>"}`},
	}},
	{Numbers: []string{"O-016"}, Name: "ReasonCodes", Category: gc.AgentWork, event: gc.ReasonCodes{}, lasts: kept, forms: []form{
		{texts, usual, "<Agent>#ReasonCodes#Category:<Category>#Codes:<Codes=Codes.ID:IDs>#Labels:<Labels=Codes.Label:Labels>#<FullName>"},
		{inJSON, usual, `{"type":"ReasonCodes","category":"<Category>","reasonCodes":"<Codes:CodesJSON>","agentId":"<Agent>"}`},
	}},
	{Numbers: []string{"O-017"}, Name: "Control", Category: gc.AgentControl, event: gc.Controls{}, lasts: kept, forms: []form{
		{texts, usual, "<Agent>#Control#<Controls>"},
		{inJSON, usual, `{"type":"Control","controls":[Controls {"index":"<Controls=.:Position>","command":"<Command=.:Command>","visible":"<Controls=.>"}],"agentId":"<Agent>"}`},
	}},
	{Numbers: []string{"O-018"}, Name: "DialogState", Category: gc.AgentState, event: gc.AgentDialogState{}, lasts: retold, Deprecated: true, forms: []form{
		{texts, usual, "<Agent>#DialogState#<State>#<Dialog>#<FullName>"},
		{inJSON, usual, dialogJSON},
	}},
	{Numbers: []string{"O-019"}, Name: "QueueList", Category: gc.SupervisorQueueInfo, event: gc.QueueList{}, lasts: kept, forms: []form{
		{texts, usual, "<Agent>#QueueList#{Queues QueueName:<Name>,AgentsNotReady:<AgentsNotReady>,AgentsReady:<AgentsReady>,AgentsTalkingInbound:<AgentsTalkingInbound>," +
			"AgentsTalkingInternal:<AgentsTalkingInternal>,AgentsTalkingOutbound:<AgentsTalkingOutbound>,AgentsWrapUpNotReady:<AgentsWrapUpNotReady>," +
			"AgentsWrapUpReady:<AgentsWrapUpReady>,CallsInQueue:<CallsInQueue>,StartTimeOfLongestCallInQueue:<LongestCallStart>}"},
		{inJSON, usual, `{"type":"QueueList","queues":[Queues {"queueName":"<Name>","agentsNotReady":"<AgentsNotReady>","agentsReady":"<AgentsReady>",` +
			`"agentsTalkingInbound":"<AgentsTalkingInbound>","agentsTalkingInternal":"<AgentsTalkingInternal>","agentsTalkingOutbound":"<AgentsTalkingOutbound>",` +
			`"agentsWrapUpNotReady":"<AgentsWrapUpNotReady>","agentsWrapUpReady":"<AgentsWrapUpReady>","callsInQueue":"<CallsInQueue>",` +
			`"startTimeOfLongestCallInQueue":"<LongestCallStart>"}],"agentId":"<Agent>"}`},
	}},
	{Name: "Agents", Category: gc.AgentCall, event: gc.Agents{}, lasts: kept, forms: []form{
		{texts, usual, "<Agent>#Agents#{Users " + userEntry + "}"},
		{inJSON, usual, usersJSON},
	}},
	{Numbers: []string{"O-020"}, Name: "TeamUsersList", Category: gc.SupervisorTeam, event: gc.TeamUsersList{}, lasts: kept, forms: []form{
		{texts, usual, "<Agent>#TeamUsersList#{Users " + userEntry +
			",LoginID:<LoginID>,State:<State>,PendingState:<Pending:UserStateOrNone>,MediaType:<MediaType:Word>,StateChangeTime:<Changed>}"},
		{inJSON, usual, usersJSON}, // as of Agents, in the seed too
	}},
	{Numbers: []string{"O-021"}, Name: "TeamMemberStateChanged", Category: gc.SupervisorTeamMemberState, event: gc.TeamMemberState{}, lasts: retold, forms: []form{
		{documented, usual, "<Agent>#TeamMemberStateChanged#<Team>#<State=Member.State>#<Member=Member.Agent>"}, // the seed has four fields
		// Clients hear of members by their State.
		{gc44, usual, "<Agent>#State#<State=Member.State>#<Reason=Member.Reason>##<Pending=Member.Pending:UserStateOrNone>#<Changed=Member.Changed>" +
			"#<FullName=Member.FullName>#<Member=Member.Agent>#<Extension=Member.Extension>"},
		{inJSON, usual, `{"type":"TeamMemberStateChanged","teamId":"<Team>","memberId":"<Member=Member.Agent>","state":"<State=Member.State>","reasonCode":"<Reason=Member.Reason>",` +
			`"pendingState":"<Pending=Member.Pending:UserStateOrNone>","stateChangeTime":"<Changed=Member.Changed>","agentId":"<Agent>"}`},
	}},
	{Numbers: []string{"O-022"}, Name: "ConferenceParticipants", Category: gc.SupervisorDialog, event: gc.ConferenceParticipants{}, lasts: kept, forms: []form{
		{texts, usual, "<Agent>#ConferenceParticipants#<Participants:Texts>"},
		{inJSON, usual, `{"type":"ConferenceParticipants","dialogId":"<Dialog>","participants":[Participants "<Participants=.>"],"agentId":"<Agent>"}`},
	}},
	{Numbers: []string{"O-023"}, Name: "RECONNECT", Category: gc.AgentState, event: gc.Reconnect{}, lasts: kept, Deprecated: true, jmsType: "Request", forms: []form{
		{texts, usual, "<Agent>#RECONNECT#<Secret=Text:Parameters*>"},
		{inJSON, usual, `{"type":"RECONNECT","request":"<Request:Request>","text":"<Secret=Text:Parameters>","agentId":"<Agent>"}`},
	}},
	{Numbers: []string{"O-024"}, Name: "DialogStatus", Category: gc.AgentState, event: gc.DialogStatus{}, lasts: retold, jmsType: "Type", forms: []form{ // "call type in JMS type"
		// The seed prints two forms: the longer and, for text-old, the shorter.
		{newer, usual, "<Agent>#DialogStatus#<Dialog>#<State>#<From>#<Variables=Call>#" + associated},
		{old, usual, "<Agent>#DialogStatus#<Dialog>#<State>#<AssociatedDialog=Associated.Dialog:DialogOrNone>#<AssociatedState=Associated.State:CallStateOrNone>"},
		{inJSON, alone, statusJSON + `null,"agentId":"<Agent>"}`},
		{inJSON, usual, statusJSON + `{"dialogId":"<AssociatedDialog=Associated.Dialog>","state":"<AssociatedState=Associated.State>",` +
			`"fromAddress":"<AssociatedFrom=Associated.From>","callVariables":"<AssociatedVariables=Associated:VariablesJSON>"},"agentId":"<Agent>"}`},
	}},
	// For other connectors, and the same in every format. The password is as it is: no other field can hold a separator.
	{Numbers: []string{"O-025"}, Name: "AgentState", Category: gc.ConnectorSyncCategory, event: gc.AgentSync{}, lasts: kept, forms: []form{
		{Formats, usual, "AgentState#<Agent>#<Secret=Password*>#<Extension>#<Subscribed>"},
	}},
	{Numbers: []string{"O-026"}, Name: "DESTINATION", Category: gc.AgentState, event: gc.DestinationReconnect{}, lasts: kept, forms: []form{
		{texts, usual, "DESTINATION#<Destination>#RECONNECT"},
		{inJSON, usual, `{"type":"DESTINATION","destination":"<Destination>","status":"RECONNECT"}`},
	}},
	{Numbers: []string{"O-028"}, Name: "NewOutboundCall", Category: gc.AgentCall, event: gc.NewOutboundCall{}, lasts: retold, forms: []form{
		{documented, usual, "<Agent>#NewOutboundCall#<From>#<Variables=Call>#DialogID:<Dialog>"},
		{gc44, usual, "<Agent>#NewOutboundCall" + newCall44},
		{inJSON, usual, `{"type":"NewOutboundCall"` + newCallJSON},
	}},
	// An empty list has the word of the original where one is known, else nothing.
	{Numbers: []string{"O-29"}, Name: "Phonebooks", Category: gc.PhonebookCategory, event: gc.Phonebooks{}, lasts: kept, forms: []form{
		{documented, usual, "Phonebooks#" + bookEntry},
		{gc44, usual, "<Agent>#Phonebooks#" + bookEntry},
		{inJSON, usual, `[{"type":"Phonebooks",` + booksJSON},
	}},
	{Numbers: []string{"O-30"}, Name: "TeamPhoneBooks", Category: gc.PhonebookCategory, event: gc.TeamPhonebooks{}, lasts: kept, forms: []form{
		{documented, noBooks, "TeamPhoneBooks#NoTeamPhoneBookFound"},
		{gc44, noBooks, "<Agent>#TeamPhoneBooks#NoTeamPhoneBookFound"},
		{documented, usual, "TeamPhoneBooks#" + bookEntry},
		{gc44, usual, "<Agent>#TeamPhoneBooks#" + bookEntry},
		{inJSON, usual, `[{"type":"TeamPhoneBooks",` + booksJSON},
	}},
	{Numbers: []string{"O-31"}, Name: "PhonebookContacts", Category: gc.ContactsCategory, event: gc.PhonebookContacts{}, lasts: kept, forms: []form{
		{documented, noContacts, "PhonebookContacts#NoContactFound"},
		{gc44, noContacts, "<Agent>#PhonebookContacts#NoContactFound"},
		{documented, usual, "PhonebookContacts#" + contactEntry},
		{gc44, usual, "<Agent>#PhonebookContacts#" + contactEntry},
		{inJSON, usual, `[{"type":"PhonebookContacts","phonebookId":"<Phonebook=Book>","contacts":[Contacts {"firstName":"<FirstName>","lastName":"<LastName>",` +
			`"phoneNumber":"<PhoneNumber>","contactId":"<ID:Label>"}]}]`},
	}},
})

// Parts that several forms have.
const (
	associated = "<AssociatedDialog=Associated.Dialog:DialogOrNone>#<AssociatedState=Associated.State:CallStateOrNone>" +
		"#<AssociatedFrom=Associated.From>#<AssociatedVariables=Associated:VariablesOrNone>"
	newCall44    = "#<From>#<Variables=Call:Variables44>#DialogID:<Dialog>#CallType:<CallType=Type:CallType>#<Start>"
	userEntry    = "FirstName:<FirstName>,LastName:<LastName>,Extension:<Extension>"
	bookEntry    = "{Books name:<Name>,type:<Type:Word>,id:<ID>}"
	contactEntry = "{Contacts description:<Description>,firstName:<FirstName>,lastName:<LastName>,phoneNumber:<PhoneNumber>,id:<ID:Label>}"
	callJSON     = `"callVariables":"<Variables=Call:VariablesJSON>",` +
		`"participants":[Participants {"mediaAddress":"<Address=MediaAddress>","state":"<AddressState=State>","addressType":"<AddressType:Word>"}],"agentId":"<Agent>"`
	inboundJSON = `{"type":"InboundCall","dialogId":"<Dialog>","state":"<State:CallStateJSON>","startTime":"<Start>","prevDialogId":"<Handed?>","fromAddress":"<From>",` + callJSON
	consultJSON = `{"type":"ConsultCall","state":"<State>","assDialogId":"<Dialog>","fromAddress":"<From>","toAddress":"<To>","startTime":"<Start>",` + callJSON
	newCallJSON = `,"dialogId":"<Dialog>","fromAddress":"<From>","callVariables":"<Variables=Call:VariablesJSON>","agentId":"<Agent>"}`
	statusJSON  = `{"type":"DialogStatus","dialogId":"<Dialog>","state":"<State>","fromAddress":"<From>","callVariables":"<Variables=Call:VariablesJSON>","associated":`
	dialogJSON  = `{"type":"DialogState","dialogId":"<Dialog>","state":"<State>","agentId":"<Agent>"}`
	usersJSON   = `[{"type":"Agents","users":[Users {"firstName":"<FirstName>","lastName":"<LastName>","extension":"<Extension>"}]}]`
	booksJSON   = `"phonebooks":[Books {"name":"<Name>","id":"<ID>"}]}]`
)

var (
	texts      = []Format{Text, TextOld, Text44}
	newer      = []Format{Text, Text44}
	documented = []Format{Text, TextOld}
	text       = []Format{Text}
	old        = []Format{TextOld}
	gc44       = []Format{Text44}
	inJSON     = []Format{JSON}
)

// How long an event lasts that could not be sent yet.
const (
	_         lasting = iota
	kept              // until the broker has it: nothing reports it again
	retold            // as long as the connection: what is true by then is reported when the broker is back
	callState         // the same, as the state of a call that changes, but for the end of the call, after which nothing reports it
)

// teams are those of a supervisor, in the formats that do not have them yet.
func teams(e gc.Event, _, _ string) []gc.Event {
	info := e.(gc.AgentInfo)
	if !info.Supervisor {
		return nil
	}
	return []gc.Event{gc.TeamInfoIDs{AgentInfo: info}, gc.TeamInfoNames{AgentInfo: info}}
}

// arrival reports the dialog of a call that nothing announced, where InboundCall does
// not name it.
func arrival(e gc.Event, _, _ string) []gc.Event {
	call := e.(gc.InboundCall)
	if !call.Arrived {
		return nil
	}
	return []gc.Event{gc.DialogStatus{Call: call.Call}}
}

// logout is what old clients expect.
func logout(e gc.Event, _, _ string) []gc.Event {
	state := e.(gc.State)
	if state.State != gc.LoggedOut {
		return nil
	}
	return []gc.Event{gc.AgentLogout{Agent: state.Agent}}
}

// reconnect is what old clients expect, with the command that they are to send again.
func reconnect(e gc.Event, typ, parameters string) []gc.Event {
	if typ == "" {
		return nil
	}
	return []gc.Event{gc.Reconnect{Agent: e.(gc.ReLogin).Agent, Request: typ, Text: parameters}}
}

// The conditions under which an event has one of its forms.
var (
	usual        = condition{}
	failed       = condition{"the call failed", "State", []string{string(gc.Failed)}}
	ended        = condition{"the call ended", "State", []string{string(gc.Dropped)}}
	heldOrEnded  = condition{"HELD, WRAP_UP, DROP", "State", []string{string(gc.Held), string(gc.WrapUp), string(gc.Dropped)}}
	withoutCause = condition{"", "Cause", []string{""}}
	alone        = condition{"", "Associated", []string{""}}
	aSupervisor  = condition{"a supervisor", "Supervisor", []string{"true"}}
	anAgent      = condition{text: "an agent"} // else
	noBooks      = condition{"there is none", "Books", []string{""}}
	noContacts   = condition{"there is none", "Contacts", []string{""}}
)
