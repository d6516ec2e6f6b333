package conformance

// callEvents are the events about calls.
var callEvents = []event{
	{
		key:  "O-008",
		when: "A call of the agent, whoever made it, began, changed or ended. JSON and text-4.4 show each change of a party too, text only what it has fields for.",
		note: "In JSON the end of a call is the short object of the example `inbound-call-dropped`, and `cause` is there only where the call failed. In text-old, which does not name the dialog of a call that goes on, a DialogStatus goes with the first event of one that came without ringing, as after a transfer or in a conference.",
		fields: append([]field{agent, callState, dialog, from, callVariables, start, fullName, cause, previous, callType,
			{"ParticipantsCount", "parties", "number of parties"},
			{"Participants", "participants", "a party each, separated by |: number, state, address type, SUPERVISOR_BARGE_IN or nothing, start; separated by commas"},
		}, parties...),
		examples: []string{"inbound-call-initiated", "inbound-call-of-a-consultation", "inbound-call-dropped", "inbound-call-failed"},
	}, {
		key:  "O-009",
		when: "A call rings at the agent: once, before its InboundCall ALERTING.",
		fields: []field{agent, from, dialog, callVariables,
			{"Variables:VariablesBare", "ani and call variables", "as call variables, but the first is the bare number"},
			{"Variables:VariablesOld", "values", "ani and the values of callVariable1 to 10, separated by commas"},
			callType, {"Start", "start", "when the agent's part in the call began"}},
		examples: []string{"new-inbound-call"},
	}, {
		key:  "O-010",
		when: "The call with which the agent consults somebody about another call began, changed or ended. The consulted agent gets InboundCall.",
		fields: append([]field{agent, callState, {"Dialog", "dialog", "id of the consultation, not of the call it is about"}, from,
			{"To", "", "number dialled"}, callVariables, start, fullName, cause}, parties...),
		examples: []string{"consult-call-initiated", "consult-call-dropped", "consult-call-failed"},
	}, {
		key:  "O-014",
		when: "The answer to getdialogstate.",
		note: "There are always eleven fields: the last four are empty without a consultation, and what is not known of a call is empty.",
		fields: []field{agent, {"State", "state", "as in InboundCall, or NOT_FOUND"}, dialog, fullName,
			{"From", "from", "number of who calls"}, {"Variables", "call variables", "as in InboundCall"},
			{"AssociatedDialog", "associated dialog", "id of the other call of a consultation"}, {"AssociatedState", "associated state", "its state"},
			{"AssociatedFrom", "associated from", "its caller"}, {"AssociatedVariables", "associated call variables", "its call variables"}},
		examples: []string{"dialog-state", "dialog-state-of-a-consultation", "dialog-state-not-found"},
	}, {
		key:  "O-015",
		when: "The answer to getdialogstatecontrols.",
		fields: []field{agent, {"CallType", "kind", "InboundCall or ConsultCall: the event that reports the call"},
			{"State", "state", "as in InboundCall, or NOT_FOUND"}, dialog, fullName},
		examples: []string{"dialog-state-controls", "dialog-state-controls-of-a-consultation"},
	}, {
		key:  "O-017",
		when: "Behind O-015 in the answer to getdialogstatecontrols: what Finesse lets the agent do with the call now.",
		note: "The protocol document does not say what the indexes mean. Here index 1 is AnswerCall, and so on in the order of the JSON example; the list only grows at its end.",
		fields: []field{agent, {"Controls:Controls", "controls", "index,true or index,false for each control, separated by |: whether it is to be shown"},
			{"controls[].index", "", "index, from 1"}, {"controls[].command", "", "the command it stands for"},
			{"controls[].visible", "", "whether it is to be shown"}},
		examples: []string{"controls"},
	}, {
		key:      "O-018",
		when:     "With `messages.deprecated`: after the State that answers GetState, for each call of the agent.",
		fields:   []field{agent, callState, dialog, fullName},
		examples: []string{"agent-dialog-state"},
	}, {
		key:      "O-022",
		when:     "The answer to getDialogParticipants and dropparticipant.",
		fields:   []field{agent, {"Participants", "parties", "extensions or numbers of all parties, separated by commas"}, {"Dialog", "", "id of the call"}},
		examples: []string{"conference-participants"},
	}, {
		key:     "O-024",
		when:    "After AgentInfo and State in the answer to Login, MobileAgentLogin and refresh, after State when the connector has the broker again, and after a move to the other Finesse node: one for each call of the agent.",
		jmsType: "Finesse's callType of the call",
		fields: []field{agent, dialog, callState, from, callVariables,
			{"AssociatedDialog", "associated dialog", "id of the consultation about the call; empty, in JSON null, when there is none"},
			{"AssociatedState", "associated state", "its state"},
			{"AssociatedFrom", "associated from", "its caller"}, {"AssociatedVariables", "associated call variables", "its call variables"}},
		examples: []string{"dialog-status", "dialog-status-of-a-consultation"},
	}, {
		key:    "O-028",
		when:   "A call of an outbound campaign comes to the agent, a preview before it is dialled.",
		note:   "The campaign's variables are among the call variables: BACampaign, BAStatus, BAResponse, BAAccountNumber, BADialedListID, BACampaignID, BACustomerNumber, BATimeZone, BABuddyName.",
		fields: []field{agent, from, callVariables, dialog, callType, {"Start", "start", "when the agent's part in the call began"}},
		examples: []string{
			"new-outbound-call",
		},
	},
}
