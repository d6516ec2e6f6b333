package conformance

import "slices"

// Fields that many events have.
var (
	agent         = field{"Agent", "agent", "login id of the agent"}
	supervisor    = field{"Agent", "supervisor", "login id of the supervisor"}
	fullName      = field{"FullName", "full name", "first and last name of the agent"}
	dialog        = field{"Dialog", "dialog", "id of the call; what commands about it take"}
	callState     = field{"State", "state", "state of the agent's part in the call: INITIATING, INITIATED, ALERTING, ACTIVE, HELD, WRAP_UP, FAILED, DROPPED (DROP in text-old), for a preview also ACCEPTED"}
	from          = field{"From", "from", "number of who calls, empty when withheld"}
	start         = field{"Start", "start", "when the agent's part in the call began"}
	previous      = field{"Handed", "", "id before this one of a call that comes by transfer, or leaves so, its own where Finesse keeps it; null for any other call, a consultation and a conference too. What text-4.4 has as associatedDialogId among the call variables is the associated call, of a consultation also"}
	callType      = field{"CallType", "call type", "Finesse's callType, or SM for a silent monitoring and CONSULT_IN for the consulted agent's call"}
	cause         = field{"Cause", "cause", "why the call failed: BUSY, BAD_DESTINATION, …; only with the state FAILED"}
	callVariables = field{"Variables", "call variables", "ani=<number>|callVariable1=…|…: ani is who calls; callVariable1 to 10 are always there; ECC (user.…) and campaign variables (BA…) follow. In JSON an array of objects with one key, ani last"}
	parties       = []field{
		{"Address", "", "extension or number of a party"},
		{"AddressState", "", "state of that party"},
		{"AddressType", "", "AGENT_DEVICE, or empty for an outside party"},
	}
	stateFields = []field{
		agent,
		{"State", "state", "UNKNOWN, READY, NOT_READY, LOGOUT, TALKING, RESERVED, RESERVED_OUTBOUND, RESERVED_OUTBOUND_PREVIEW, WORK, WORK_READY or HOLD"},
		{"Reason", "reason code", "id of the reason code, as ReasonCodes gives it; empty when there is none"},
		{"stateChangeTimeString", "", "not used, always empty"},
		{"Pending", "pending state", "UCCE: the state that follows the call"},
		{"Changed", "since", "when the state changed"},
		{"FullName", "full name", "first and last name of the agent"},
		{"Extension", "extension", "extension the agent is signed in at"},
		{"Member", "agent", ""},
	}
)

// events describes every row of wire.Events.
var events = slices.Concat(agentEvents, callEvents, listEvents)
