package anonymize

import (
	"regexp"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// closed are the words that stay where one of them can stand; nothing else
// stays there. They are those of the tables of the protocol and of the capture,
// and those of Finesse (Finesse developer guide), which has no table here.
var closed = map[string]bool{}

// errorTypes are the types of Finesse's errors, in lower case.
var errorTypes = map[string]bool{}

// elements are the names of the elements and attributes of Finesse's documents,
// in lower case: its releases write them in several ways.
var elements = map[string]bool{}

// segments are the parts of the paths of Finesse's objects, in lower case.
var segments = map[string]bool{}

// reserved are all these words, in lower case. None is a replacement: a word that
// is not the protocol's must not become one.
var reserved = map[string]bool{}

var finesseWords = strings.Fields(`
	GET POST PUT DELETE get post put delete true false
	LOGIN LOGOUT READY NOT_READY AVAILABLE TALKING WORK WORK_READY HOLD RESERVED RESERVED_OUTBOUND RESERVED_OUTBOUND_PREVIEW UNKNOWN
	INITIATING INITIATED ALERTING ACTIVE HELD WRAP_UP ACCEPTED DROPPED DROP FAILED NOT_FOUND RE_LOGIN LOGGED_IN
	ANSWER RETRIEVE TRANSFER TRANSFER_SST CONFERENCE CONSULT_CALL MAKE_CALL SILENT_MONITOR BARGE_CALL PARTICIPANT_DROP UPDATE_CALL_DATA
	SEND_DTMF ACCEPT REJECT CLOSE START_RECORDING
	ACD_IN PREROUTE_ACD_IN PREROUTE_DIRECT_AGENT TRANSFER OVERFLOW_IN OTHER_IN OUT OUTBOUND OUTBOUND_CALLBACK OUTBOUND_PERSONAL_CALLBACK
	OUTBOUND_PREVIEW OUTBOUND_DIRECT_PREVIEW AGENT_INSIDE CONSULT CONSULT_OFFERED CONSULT_CONFERENCE CONFERENCE SUPERVISOR_MONITOR
	SUPERVISOR_BARGE_IN SUPERVISOR_WHISPER SUPERVISOR_EMERGENCY BARGE_IN_CONSULT BARGE_IN OFFERED NON_ACD TASK_ROUTED_BY_ICM
	BUSY BAD_DESTINATION NO_ANSWER OTHER DEVICE_RESTRICTED LINE_RESTRICTED
	AGENT_DEVICE ROUTE_POINT CTI_PORT UNKNOWN
	Voice VOICE Agent Supervisor Administrator AGENT SUPERVISOR
	CALL_BY_CALL NAILED_CONNECTION
	NOT_ALLOWED OPTIONAL REQUIRED REQUIRED_WITH_WRAP_UP_DATA
	GLOBAL TEAM ALL
	IN_SERVICE OUT_OF_SERVICE FINESSE_NOT_HEARD success failure UCCE UCCX CTI
	VOICE ANSWERING_MACHINE FAX INVALID DO_NOT_CALL
	INVALID_ACTION UNKNOWN_USER AWS_SERVICE_UNAVAILABLE UNAUTHORIZED
	CONSULT_IN SM WrapUp PrintStatusBar NoTeamPhoneBookFound NoContactFound teamevents events null NULL
	finesse-event text/xml`)

var finesseErrorTypes = []string{
	"Account Locked", "Authorization Failure", "Bad Request", "Call Operation Failure", "Device Busy", "Dialog Not Found", "Generic Error",
	"Internal Server Error", "Invalid Authorization User Specified", "Invalid Destination", "Invalid Device", "Invalid Input", "Invalid State",
	"Mode Not Allowed", "Not Found", "Object Conflict", "Object Stale", "Parameter Missing", "Service Unavailable", "Team Not Found", "Unauthorized",
	"Unknown Error", "User Not Found",
}

var finesseElements = strings.Fields(`
	Update event source requestId data apiErrors apiError errorType errorMessage errorData peripheralErrorCode peripheralErrorMsg peripheralErrorText
	User Users uri loginId loginName firstName lastName state pendingState extension reasonCode reasonCodeId stateChangeTime roles role teamId teamName
	teams Team settings wrapUpOnIncoming wrapUpOnOutgoing wrapUpTimer mediaType mobileAgent mode dialNumber dialogs
	Dialogs Dialog id fromAddress toAddress callbackNumber associatedDialogUri secondaryId mediaProperties mediaId DNIS callType dialedNumber
	outboundClassification queueNumber queueName callKeyCallId callKeyPrefix callKeySequenceNum wrapUpReason wrapUpItems wrapUpItem callvariables
	CallVariable name value participants Participant actions action mediaAddress mediaAddressType startTime stateCause requestedAction
	targetMediaAddress
	ReasonCodes category code label forAll systemCode
	WrapUpReasons PhoneBooks PhoneBook type contacts Contact description phoneNumber
	Queues Queue statistics agentsBusyOther agentsLoggedOn agentsNotReady agentsReady agentsTalkingInbound agentsTalkingInternal
	agentsTalkingOutbound agentsWrapUpNotReady agentsWrapUpReady callsInQueue startTimeOfLongestCallInQueue
	SystemInfo status statusReason currentTimestamp deploymentType lastCTIHeartbeatStatus primaryNode secondaryNode host xmppDomain xmppPubSubDomain
	timezoneOffset systemAuthMode
	xmlns`)

var finesseSegments = strings.Fields(`
	finesse api User Users Dialog Dialogs Team Teams Queue Queues ReasonCode ReasonCodes WrapUpReason WrapUpReasons PhoneBook PhoneBooks Contact Contacts
	SystemInfo Media ClientLogs`)

func init() {
	add := func(words ...string) {
		for _, w := range words {
			closed[w] = true
		}
	}
	add(finesseWords...)
	for _, c := range gc.Commands {
		add(string(c.Name), string(c.Category))
	}
	for _, e := range wire.Events {
		add(e.Name, string(e.Category))
	}
	for _, f := range wire.Formats {
		add(string(f))
	}
	for _, p := range wire.AllParticipants {
		add(string(p))
	}
	for _, c := range gc.CallControls {
		add(string(c))
	}
	for _, m := range gc.UserMessages {
		add(strings.Split(m.Key, "#")...)
	}
	for _, code := range []gc.Code{
		gc.Down, gc.NotReachable, gc.FinesseUnavailable, gc.LicensesExceeded, gc.MissingExtension, gc.MissingNumber, gc.MissingPassword,
		gc.MissingReasonCode, gc.NoDialogID, gc.PleaseRetry, gc.SubscriptionFailed, gc.UnableToSubscribe, gc.WrongExtension, gc.SessionInvalidated,
		gc.UserNotFound, gc.GeneralError, gc.BadDestination, gc.NotConfigured, gc.AccountLocked, gc.InvalidLogonDevice, gc.ResourceBusy,
		gc.InvalidObjectState, gc.UnspecifiedRejection, gc.InvalidCalledDevice, gc.GenericOperationError,
	} {
		add(string(code))
	}
	add(finesse.FailureNames()...)
	add(capture.Opened, capture.Refused, capture.Lost, capture.Waits, capture.Update, capture.Followed, capture.Usable, capture.Unusable, capture.Silent,
		capture.Verified, capture.Paused, capture.Resumed, capture.Restored, capture.AnswerLost, capture.Stopping, capture.Topics, capture.Others)
	for into, names := range map[*map[string]bool][]string{&errorTypes: finesseErrorTypes, &elements: finesseElements, &segments: finesseSegments} {
		for _, name := range names {
			(*into)[strings.ToLower(name)] = true
		}
	}
	for _, words := range []map[string]bool{closed, errorTypes, elements, segments} {
		for text := range words {
			for _, w := range strings.FieldsFunc(text, func(r rune) bool { return kindOf(r) != 2 }) {
				reserved[strings.ToLower(w)] = true
			}
		}
	}
}

// isClosed reports whether s, with or without blanks around it, is a word that
// stays.
func isClosed(s string) bool { return closed[strings.TrimSpace(s)] }

var (
	// smallNumber matches a count, a timer in seconds or a code, which is at most
	// 65535.
	smallNumber = regexp.MustCompile(`^\s*-?[0-9]{1,5}\s*$`)
	// stamp matches a time as Finesse or an event writes it.
	stamp = regexp.MustCompile(`^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?\s*$`)
	// requestID matches one that the connector made (finesse.NewRequestID).
	requestID = regexp.MustCompile(`^[A-Z2-7]{26}$`)
	// version matches that of a release.
	version = regexp.MustCompile(`^v?[0-9]{1,3}(?:\.[0-9]{1,4}){0,2}$`)
	// duration matches one that Go writes.
	duration = regexp.MustCompile(`^(?:[0-9]{1,6}(?:\.[0-9]{1,9})?(?:h|m|s|ms|µs|ns))+$`)
)

// word keeps a word of a table, a small number and a time, and replaces
// anything else that stands in its place.
func (a *Anonymizer) word(s string) string {
	if isClosed(s) || smallNumber.MatchString(s) || stamp.MatchString(s) {
		return s
	}
	return a.words.text(s)
}

// id keeps the id that Finesse gave to an object. A driver may send anything in
// its place.
func (a *Anonymizer) id(s string) string {
	if t := strings.TrimSpace(s); t == "-1" || a.given[t] {
		return s
	}
	return a.words.text(s)
}

var number = regexp.MustCompile(`^[0-9_]{1,64}$`)

// give learns an id that Finesse gave.
func (a *Anonymizer) give(id string) {
	if id = strings.TrimSpace(id); a.words.learning && a.fromFinesse && number.MatchString(id) && !a.given[id] {
		a.given[strings.Clone(id)] = true
		a.words.size += wordOverhead
	}
}

// code keeps the name of a known error. Of another one it keeps the beginning,
// by which the connector recognizes an error.
func (a *Anonymizer) code(s string) string {
	if isClosed(s) {
		return s
	}
	for _, prefix := range []string{"CF_", "E_CTI_"} {
		if rest, ok := strings.CutPrefix(s, prefix); ok {
			return prefix + a.words.text(rest)
		}
	}
	return a.words.text(s)
}

// request keeps the id that the connector gave a command.
func (a *Anonymizer) request(s string) string {
	if requestID.MatchString(s) {
		return s
	}
	return a.words.text(s)
}

// variables are Finesse's own names of call variables.
var variables = func() map[string]bool {
	all := map[string]bool{"ani": true, "associatedDialogId": true}
	for _, name := range strings.Fields(`
		callVariable1 callVariable2 callVariable3 callVariable4 callVariable5 callVariable6 callVariable7 callVariable8 callVariable9 callVariable10
		BAAccountNumber BABuddyName BACampaign BACustomerName BACustomerNumber BADialedListID BAResponse BAStatus BATimeZone
		callTypeID callTypeName`) {
		all[name] = true
	}
	return all
}()

// variable replaces the name of a call variable that the site chose.
func (a *Anonymizer) variable(s string) string {
	if variables[strings.TrimSpace(s)] {
		return s
	}
	return a.words.text(s)
}

// name replaces the name of an element or attribute that Finesse does not have.
func (a *Anonymizer) name(s string) string {
	parts := strings.Split(s, ":")
	for i, part := range parts {
		if !elements[strings.ToLower(part)] {
			parts[i] = a.words.text(part)
		}
	}
	return strings.Join(parts, ":")
}

// category keeps that of a command or an event; clients put in what they like.
func (a *Anonymizer) category(s string) string {
	known := func(c string) bool { return strings.EqualFold(c, s) }
	if slices.ContainsFunc(categories, known) {
		return s
	}
	return a.words.text(s)
}

var categories = func() (all []string) {
	for _, c := range gc.Commands {
		all = append(all, string(c.Category))
	}
	for _, e := range wire.Events {
		all = append(all, string(e.Category))
	}
	return all
}()
