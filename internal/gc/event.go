package gc

import (
	"cmp"
	"strings"
	"time"
)

// Event is a message from the connector to a driver. Its forms on the wire
// are in package gc/wire.
type Event interface{ event() }

// SystemStatus is the state of Finesse as drivers know it.
type SystemStatus string

// The system states (O-004, O-005, O-027).
const (
	InService       SystemStatus = "IN_SERVICE"
	OutOfService    SystemStatus = "OUT_OF_SERVICE"
	FinesseNotHeard SystemStatus = "NOT_REACHABLE" // no answer in time
)

// System reports to a destination whether Finesse can be used (O-004, O-005, O-027).
type System struct{ Status SystemStatus }

// State is an agent's state (O-001). Times are UTC; the formats convert them.
type State struct {
	Agent     AgentID
	State     UserState
	Reason    ReasonCodeID // "" when there is none
	Pending   UserState    // UCCE: what follows the call
	Changed   time.Time    // zero when Finesse did not say
	FullName  string
	Extension Extension // "" when signed out
}

// UserState is a Finesse user's state.
type UserState string

// The states Finesse knows (seed, "Agent State").
const (
	Unknown          UserState = "UNKNOWN"
	Ready            UserState = "READY"
	NotReady         UserState = "NOT_READY"
	LoggedOut        UserState = "LOGOUT"
	Talking          UserState = "TALKING"
	Reserved         UserState = "RESERVED"
	ReservedOutbound UserState = "RESERVED_OUTBOUND"
	ReservedPreview  UserState = "RESERVED_OUTBOUND_PREVIEW"
	Work             UserState = "WORK"
	WorkReady        UserState = "WORK_READY"
	Hold             UserState = "HOLD"
)

// ReLogin asks the driver to send Connect and Login: the connector does not
// know the agent (O-007).
type ReLogin struct{ Agent AgentID }

// ErrorEvent reports to a driver why a command failed (O-002). Failure makes one.
type ErrorEvent struct {
	Agent  AgentID
	Code   Code
	Reason Reason // in words
}

// Failure is the event that tells the driver of an agent of err.
func Failure(agent AgentID, err error) ErrorEvent {
	return ErrorEvent{Agent: agent, Code: CodeOf(err), Reason: ReasonOf(err)}
}

// AgentInfo describes an agent after sign-in (O-011).
type AgentInfo struct {
	Agent               AgentID
	FirstName, LastName string
	Supervisor          bool
	WrapUp              string // wrapUpOnIncoming: OPTIONAL, REQUIRED, …
	Team                Team   // the agent's own
	Teams               []Team // those a supervisor leads
}

// FullName is the agent's name as events print it.
func (a AgentInfo) FullName() string { return FullName(a.FirstName, a.LastName) }

// FullName is the name of a person as events print it.
func FullName(first, last string) string { return strings.TrimSpace(first + " " + last) }

// Team is a Finesse team.
type Team struct {
	ID   TeamID
	Name string
}

// CallState is the state of the agent's own participant in a call.
type CallState string

// The call states drivers see.
const (
	Initiating CallState = "INITIATING"
	Initiated  CallState = "INITIATED"
	Alerting   CallState = "ALERTING"
	Active     CallState = "ACTIVE"
	Held       CallState = "HELD"
	WrapUp     CallState = "WRAP_UP"
	Accepted   CallState = "ACCEPTED"
	Failed     CallState = "FAILED"
	Dropped    CallState = "DROPPED"
	NotFound   CallState = "NOT_FOUND" // answer to getdialogstate only
)

// Call is what the call events say about one agent's part in a dialog.
type Call struct {
	Agent    AgentID
	FullName string
	Dialog   DialogID
	Previous DialogID // the associated dialog, "" when there is none
	// Handed is the id before this one of a call that comes to the agent by transfer,
	// or leaves it so; "" for any other, a conference too. It is the call's own where
	// Finesse keeps it.
	Handed       DialogID
	State        CallState
	Cause        string // why the call failed: BUSY, BAD_DESTINATION, …
	From         string // "" when the caller withholds the number
	Customer     string // whom a campaign calls; "" for other calls
	To           string // the number dialled
	Type         string // Finesse's callType: PREROUTE_ACD_IN, OUT, …
	Start        time.Time
	Variables    []CallVariable // in Finesse's order
	Participants []Participant
}

// ANI is the number of the outside party that events show beside the call
// variables: the caller's or, in a campaign's call, the customer's.
func (c *Call) ANI() string { return cmp.Or(c.Customer, c.From) }

// CallVariable is a call variable (callVariable1 to 10, ECC "user.…", outbound
// "BA…").
type CallVariable struct{ Name, Value string }

// Participant is one party of a call.
type Participant struct {
	MediaAddress string
	State        CallState
	AddressType  string // AGENT_DEVICE, or "" for an outside party
	BargedIn     bool   // a supervisor who broke into the call
	Start        time.Time
}

// NewInboundCall announces a call that rings at the agent (O-009).
type NewInboundCall struct{ Call }

// NewOutboundCall announces a call of an outbound campaign, a preview before
// it is dialled included (O-028). Its BA variables are the campaign's.
type NewOutboundCall struct{ Call }

// InboundCall reports the state of a call (O-008).
type InboundCall struct {
	Call
	// Arrived says that it is the first event of a call that came to the agent and did
	// not ring, as of a transfer or a conference: nothing announced it.
	Arrived bool
}

// ConsultCall reports the state of a call with which the agent consults
// somebody about another one (O-010). The consulted agent has an InboundCall.
type ConsultCall struct{ Call }

// DialogStatus reports a live call to a driver that lost track, after Login or
// refresh, and of the one it is associated with (O-024).
type DialogStatus struct {
	Call
	Associated *Call
}

// DialogStateControls answers getdialogstatecontrols (O-015).
type DialogStateControls struct {
	Call
	Consult bool // the call is a consultation
}

// Controls says what the agent may do with a call now (O-017). The index of a
// control is its place in CallControls, from 1.
type Controls struct {
	Agent    AgentID
	Controls []bool // by index - 1: whether the control is to be shown
}

// CallControls are the commands that a call's controls stand for. What the
// indexes of the original meant is not documented; this order is ours and is
// only ever appended to.
var CallControls = []CommandName{
	AnswerCall, HoldCall, RetrieveCall, ReleaseCall, MakeConsultCall, TransferCall, ConferenceCall, TransferSST,
	UpdateCallVariable, AcceptOutboundPreview, RejectOutboundPreview, CloseOutboundPreview,
}

// ConferenceParticipants lists who takes part in a call, by extension or
// number (O-022).
type ConferenceParticipants struct {
	Agent        AgentID
	Dialog       DialogID
	Participants []string
}

// DialogState answers getdialogstate (O-014). Of Call only Agent and Dialog
// are set when the call is not found.
type DialogState struct {
	Call
	Associated *Call // the other call of a consultation
}

// ReasonCategory is the kind of reason codes asked for.
type ReasonCategory string

// The categories of ReasonCodes.
const (
	NotReadyReasons ReasonCategory = "NOT_READY"
	LogoutReasons   ReasonCategory = "LOGOUT"
	WrapUpReasons   ReasonCategory = "WrapUp"
)

// ReasonCodes lists the reason codes an agent may give (O-016).
type ReasonCodes struct {
	Agent    AgentID
	FullName string
	Category ReasonCategory
	Codes    []ReasonCode
}

// ReasonCode is what MakeNotReadyWithReason and logoutwithreason take, with
// its label for people.
type ReasonCode struct {
	ID    ReasonCodeID
	Label string
}

// StatusBar is a text for the agent's status bar (O-003).
type StatusBar struct {
	Agent   AgentID
	Message string
	Request string // JMSType of the command that led to it, as sent; "" for none
}

func (StatusBar) event()              {}
func (Controls) event()               {}
func (NewOutboundCall) event()        {}
func (ConsultCall) event()            {}
func (DialogStatus) event()           {}
func (DialogStateControls) event()    {}
func (ConferenceParticipants) event() {}
func (System) event()                 {}
func (State) event()                  {}
func (ReLogin) event()                {}
func (ErrorEvent) event()             {}
func (AgentInfo) event()              {}
func (NewInboundCall) event()         {}
func (InboundCall) event()            {}
func (DialogState) event()            {}
func (ReasonCodes) event()            {}
