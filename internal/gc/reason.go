package gc

import (
	"errors"
	"maps"
	"slices"
)

// Reason is why something failed, in words for the driver: a short sentence of the
// connector's own. There are those of this file and no others, so none holds anything
// of a message or of an answer of Finesse, which may be a password or a customer's,
// no name of the site's network, and no "#".
type Reason string

// The reasons of PLEASE_RETRY, the one code that has many.
const (
	NoJMSType         Reason = "The JMSType is not the name of a command and an id."
	NamesNobody       Reason = "The JMSType names no agent, or no destination."
	NoSuchCommand     Reason = "There is no command of that name."
	BodyTooLong       Reason = "The parameters are too long."
	BodyNotUTF8       Reason = "The parameters are not UTF-8."
	TooManyParameters Reason = "The command has more parameters than it takes."
	ParameterMissing  Reason = "A parameter is missing."
	ParameterWrong    Reason = "A parameter is not what it may be."
	DestinationBarred Reason = "The destination may not be used here."
	NotAnswerable     Reason = "The correlation id cannot be sent back: it is too long, or has control characters."
	DeliveredBefore   Reason = "The command was delivered before and may have run."
	TooOld            Reason = "The command is too old; if it was just sent, set the clocks."
	TooManyWait       Reason = "Too many commands wait already."
	TooManyUnproved   Reason = "Too much is asked for agents of whom no password has worked."
	NobodyConnected   Reason = "Nobody has connected the agent."
	NotServed         Reason = "The connector does not serve the agent any more."
	PasswordReplaced  Reason = "Another password or token of the agent was proved while the command ran."
	NoSuchWrapUp      Reason = "Finesse lists no wrap-up reason with that label or code."
	RequestRefused    Reason = "Finesse does not take what the command gives."
	NoOutcome         Reason = "Finesse accepted the request and did nothing in time."
)

// RetryReasons are all of PLEASE_RETRY, in the order of a command's way.
var RetryReasons = []Reason{
	NoJMSType, NamesNobody, NoSuchCommand, BodyTooLong, BodyNotUTF8, TooManyParameters, ParameterMissing, ParameterWrong, DestinationBarred, NotAnswerable,
	DeliveredBefore, TooOld, TooManyWait, TooManyUnproved, NobodyConnected, NotServed, PasswordReplaced, NoSuchWrapUp, RequestRefused, NoOutcome,
}

// ofFinesse is the reason of a failure of Finesse's that is not listed.
const ofFinesse Reason = "Finesse refused it; the code says why."

// ReasonOf is why err happened: the Reason of the first Error in its chain, else
// what its code means. The log has the same words.
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) && e.Reason != "" {
		return e.Reason
	}
	return CodeOf(err).Meaning()
}

// Meaning is what a code means.
func (c Code) Meaning() Reason {
	if known, ok := meanings[c]; ok {
		return known
	}
	return ofFinesse
}

// IsReason reports whether a text is a reason.
func IsReason(text string) bool { return reasons[Reason(text)] }

var reasons = func() map[Reason]bool {
	all := map[Reason]bool{ofFinesse: true}
	for _, r := range slices.AppendSeq(slices.Clone(RetryReasons), maps.Values(meanings)) {
		all[r] = true
	}
	return all
}()

// meanings are those of the codes that the seed or this package names.
var meanings = map[Code]Reason{
	Down:                                "The connection to Finesse broke.",
	NotReachable:                        "Finesse did not answer in time.",
	FinesseUnavailable:                  "Finesse says that it is not in service.",
	UnableToSubscribe:                   "The notification service refused the agent or was not there.",
	SubscriptionFailed:                  "The login id or the password is wrong.",
	"CF_INVALID_PASSWORD_SPECIFIED":     "The password is wrong.",
	AccountLocked:                       "The account is locked, usually by wrong passwords.",
	UserNotFound:                        "Finesse does not know the agent.",
	SessionInvalidated:                  "Another destination has signed the agent in.",
	LicensesExceeded:                    "As many agents as this site allows are signed in.",
	MissingPassword:                     "The password is missing.",
	MissingExtension:                    "The extension is missing.",
	WrongExtension:                      "The extension is not a number.",
	InvalidLogonDevice:                  "Nobody can sign in at this extension.",
	"CF_INVALID_CSTA_DEVICE_IDENTIFIER": "The extension is not valid.",
	ResourceBusy:                        "The extension, or something else Finesse needs, is in use.",
	MissingNumber:                       "The number to dial is missing.",
	BadDestination:                      "The number dialled leads nowhere.",
	InvalidCalledDevice:                 "The device that is called is not valid.",
	"CF_INVALID_CALLING_DEVICE":         "The device that calls is not valid.",
	"CF_INVALID_CONNECTION_ID_FOR_ACTIVE_CALL": "The active call has no such connection.",
	"CF_INVALID_CONSULT_TYPE":                  "There is no such kind of consultation.",
	"E_CTI_INVALID_CALLID":                     "There is no call with this id.",
	NoDialogID:                                 "The dialog is missing, or the agent has no such call.",
	MissingReasonCode:                          "A reason is wanted and missing.",
	InvalidObjectState:                         "The command does not fit the state of the agent or of the call.",
	GenericOperationError:                      "The operation failed, without details.",
	UnspecifiedRejection:                       "Refused without details; often a phone that hangs.",
	"CF_GENERIC_SYSTEM_RESOURCE_AVAILABILITY":  "Finesse lacks resources, without details.",
	GeneralError:                               "The cause is not clear; the connector's log has it.",
	PleaseRetry:                                "The command was not run, or nothing came of it in time.",
	NotConfigured:                              "This site has not configured what the command needs.",
}
