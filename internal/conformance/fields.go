package conformance

import "slices"

// Fields that many events have.
var (
	agent         = field{"agent", "agentId", "login id of the agent"}
	supervisor    = field{"supervisor", "agentId", "login id of the supervisor"}
	fullName      = field{"full name", "", "first and last name of the agent"}
	dialog        = field{"dialog", "dialogId", "id of the call; what commands about it take"}
	callState     = field{"state", "state", "state of the agent's part in the call: INITIATING, INITIATED, ALERTING, ACTIVE, HELD, WRAP_UP, FAILED, DROPPED (DROP in text-old), for a preview also ACCEPTED"}
	from          = field{"from", "fromAddress", "number of who calls, empty when withheld"}
	start         = field{"start", "startTime", "when the agent's part in the call began"}
	previous      = field{"", "prevDialogId", "id of the associated call, null when there is none; in text-4.4 it is associatedDialogId among the call variables"}
	callType      = field{"call type", "", "Finesse's callType, or SM for a silent monitoring and CONSULT_IN for the consulted agent's call"}
	cause         = field{"cause", "cause", "why the call failed: BUSY, BAD_DESTINATION, …; only with the state FAILED"}
	callVariables = field{"call variables", "callVariables", "ani=<number>|callVariable1=…|…: ani is who calls; callVariable1 to 10 are always there; ECC (user.…) and campaign variables (BA…) follow. In JSON an array of objects with one key, ani last"}
	parties       = []field{
		{"", "participants[].mediaAddress", "extension or number of a party"},
		{"", "participants[].state", "state of that party"},
		{"", "participants[].addressType", "AGENT_DEVICE, or empty for an outside party"},
	}
	stateFields = []field{
		agent,
		{"state", "state", "UNKNOWN, READY, NOT_READY, LOGOUT, TALKING, RESERVED, RESERVED_OUTBOUND, RESERVED_OUTBOUND_PREVIEW, WORK, WORK_READY or HOLD"},
		{"reason code", "reasonCode", "id of the reason code, as ReasonCodes gives it; empty when there is none"},
		{"", "stateChangeTimeString", "not used, always empty"},
		{"pending state", "pendingState", "UCCE: the state that follows the call"},
		{"since", "stateChangeTime", "when the state changed"},
		{"full name", "", "first and last name of the agent"},
		{"extension", "", "extension the agent is signed in at"},
	}
)

// events describes every row of wire.Events.
var events = slices.Concat(agentEvents, callEvents, listEvents)
