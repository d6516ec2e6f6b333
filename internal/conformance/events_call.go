package conformance

import "github.com/finesse-connector/finesse-connector/internal/gc/wire"

// callEvents are the events about calls.
var callEvents = []event{
	{
		key:  "O-008",
		when: "A call of the agent, whoever made it, began, changed or ended. JSON and text-4.4 show each change of a party too, text only what it has fields for.",
		note: "In JSON the end of a call is the short object of the example `inbound-call-dropped`, and `cause` is there only where the call failed.",
		forms: []form{
			{wire.Text, "<agent>#InboundCall#<state>#DialogID:<dialog>#<from>#<call variables>#<start>#<full name>", "", ""},
			{wire.Text, "<agent>#InboundCall#FAILED#DialogID:<dialog>#<cause>#<full name>", "the call failed", ""},
			{wire.TextOld, "<agent>#InboundCall#<state>#<full name>", "", ""},
			{wire.TextOld, "<agent>#InboundCall#<state>#DialogID:<dialog>#<full name>", "HELD, WRAP_UP, DROP", ""},
			{wire.TextOld, "<agent>#InboundCall#FAILED#DialogID:<dialog>#<cause>#<full name>", "the call failed", ""},
			{wire.Text44, "<agent>#InboundCall#<state>#DialogID:<dialog>#<from>#<call variables>#<start>#CallType:<call type>#ParticipantsCount:<parties>#participants:<participants>", "", ""},
			{wire.Text44, "<agent>#InboundCall#FAILED#DialogID:<dialog>#<cause>#<full name>", "the call failed", ""},
		},
		fields: append([]field{agent, callState, dialog, from, callVariables, start, fullName, cause, previous, callType,
			{"parties", "", "number of parties"},
			{"participants", "", "a party each, separated by |: number, state, address type, SUPERVISOR_BARGE_IN or nothing, start; separated by commas"},
		}, parties...),
		examples: []string{"inbound-call-initiated", "inbound-call-of-a-consultation", "inbound-call-dropped", "inbound-call-failed"},
	}, {
		key:  "O-009",
		when: "A call rings at the agent: once, before its InboundCall ALERTING.",
		forms: []form{
			{wire.Text, "<agent>#NewInboundCall#<from>#<ani and call variables>#DialogID:<dialog>", "", ""},
			{wire.TextOld, "<agent>#NewInboundCall#<from>#<values>#DialogID:<dialog>", "", ""},
			{wire.Text44, "<agent>#NewInboundCall#<from>#<call variables>#DialogID:<dialog>#CallType:<call type>#<start>", "", ""},
		},
		fields: []field{agent, from, dialog, callVariables,
			{"ani and call variables", "", "as call variables, but the first is the bare number"},
			{"values", "", "ani and the values of callVariable1 to 10, separated by commas"},
			callType, {"start", "", "when the agent's part in the call began"}},
		examples: []string{"new-inbound-call"},
	}, {
		key:  "O-010",
		when: "The call with which the agent consults somebody about another call began, changed or ended. The consulted agent gets InboundCall.",
		forms: []form{
			{wire.Text, "<agent>#ConsultCall#<state>#AssDialogID:<dialog>#<from>#<call variables>#<start>#<full name>", "", ""},
			{wire.Text, "<agent>#ConsultCall#FAILED#AssDialogID:<dialog>#<cause>#<full name>", "the call failed", ""},
			{wire.TextOld, "<agent>#ConsultCall#<state>#AssDialogID:<dialog>", "", ""},
			{wire.TextOld, "<agent>#ConsultCall#FAILED#AssDialogID:<dialog>#<cause>#<full name>", "the call failed", ""},
		},
		fields: append([]field{agent, callState, {"dialog", "assDialogId", "id of the consultation, not of the call it is about"}, from,
			{"", "toAddress", "number dialled"}, callVariables, start, fullName, cause}, parties...),
		examples: []string{"consult-call-initiated", "consult-call-dropped", "consult-call-failed"},
	}, {
		key:  "O-014",
		when: "The answer to getdialogstate.",
		note: "There are always eleven fields: the last four are empty without a consultation, and what is not known of a call is empty.",
		forms: []form{{wire.Text, "<agent>#DialogState#<state>#<dialog>#<full name>#<from>#<call variables>" +
			"#<associated dialog>#<associated state>#<associated from>#<associated call variables>", "", ""}},
		fields: []field{agent, {"state", "state", "as in InboundCall, or NOT_FOUND"}, dialog, fullName,
			{"from", "", "number of who calls"}, {"call variables", "", "as in InboundCall"},
			{"associated dialog", "", "id of the other call of a consultation"}, {"associated state", "", "its state"},
			{"associated from", "", "its caller"}, {"associated call variables", "", "its call variables"}},
		examples: []string{"dialog-state", "dialog-state-of-a-consultation", "dialog-state-not-found"},
	}, {
		key:   "O-015",
		when:  "The answer to getdialogstatecontrols.",
		forms: []form{{wire.Text, "<agent>#<kind>#DialogState#<state>#<dialog>#<full name>", "", ""}},
		fields: []field{agent, {"kind", "callType", "InboundCall or ConsultCall: the event that reports the call"},
			{"state", "state", "as in InboundCall, or NOT_FOUND"}, dialog, fullName},
		examples: []string{"dialog-state-controls", "dialog-state-controls-of-a-consultation"},
	}, {
		key:   "O-017",
		when:  "Behind O-015 in the answer to getdialogstatecontrols: what Finesse lets the agent do with the call now.",
		note:  "The protocol document does not say what the indexes mean. Here index 1 is AnswerCall, and so on in the order of the JSON example; the list only grows at its end.",
		forms: []form{{wire.Text, "<agent>#Control#<controls>", "", ""}},
		fields: []field{agent, {"controls", "", "index,true or index,false for each control, separated by |: whether it is to be shown"},
			{"", "controls[].index", "index, from 1"}, {"", "controls[].command", "the command it stands for"},
			{"", "controls[].visible", "whether it is to be shown"}},
		examples: []string{"controls"},
	}, {
		key:      "O-018",
		when:     "With `messages.deprecated`: behind the State that answers GetState, for each call of the agent.",
		forms:    []form{{wire.Text, "<agent>#DialogState#<state>#<dialog>#<full name>", "", ""}},
		fields:   []field{agent, callState, dialog, fullName},
		examples: []string{"agent-dialog-state"},
	}, {
		key:      "O-022",
		when:     "The answer to getDialogParticipants and dropparticipant.",
		forms:    []form{{wire.Text, "<agent>#ConferenceParticipants#<parties>", "", ""}},
		fields:   []field{agent, {"parties", "participants", "extensions or numbers of all parties, separated by commas"}, {"", "dialogId", "id of the call"}},
		examples: []string{"conference-participants"},
	}, {
		key:     "O-024",
		when:    "After AgentInfo and State in the answer to Login, MobileAgentLogin and refresh, after State when the connector has the broker again, and after a move to the other Finesse node: one for each call of the agent.",
		jmsType: "Finesse's callType of the call",
		forms: []form{
			{wire.Text, "<agent>#DialogStatus#<dialog>#<state>#<from>#<call variables>#<associated dialog>#<associated state>#<associated from>#<associated call variables>", "", ""},
			{wire.TextOld, "<agent>#DialogStatus#<dialog>#<state>#<associated dialog>#<associated state>", "", ""},
		},
		fields: []field{agent, dialog, callState, from, callVariables,
			{"associated dialog", "associated.dialogId", "id of the consultation about the call; empty, in JSON null, when there is none"},
			{"associated state", "associated.state", "its state"},
			{"associated from", "associated.fromAddress", "its caller"}, {"associated call variables", "associated.callVariables", "its call variables"}},
		examples: []string{"dialog-status", "dialog-status-of-a-consultation"},
	}, {
		key:  "O-028",
		when: "A call of an outbound campaign comes to the agent, a preview before it is dialled.",
		note: "The campaign's variables are among the call variables: BACampaign, BAStatus, BAResponse, BAAccountNumber, BADialedListID, BACampaignID, BACustomerNumber, BATimeZone, BABuddyName.",
		forms: []form{
			{wire.Text, "<agent>#NewOutboundCall#<from>#<call variables>#DialogID:<dialog>", "", ""},
			{wire.Text44, "<agent>#NewOutboundCall#<from>#<call variables>#DialogID:<dialog>#CallType:<call type>#<start>", "", ""},
		},
		fields: []field{agent, from, callVariables, dialog, callType, {"start", "", "when the agent's part in the call began"}},
		examples: []string{
			"new-outbound-call",
		},
	},
}
