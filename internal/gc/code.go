package gc

import (
	"errors"
	"fmt"
)

// Code is an error as the driver sees it in Error events (O-002): one of the
// seed's codes below, or the name of a Finesse error passed through.
type Code string

// The codes the connector itself produces. Those of Finesse (CF_…,
// E_CTI_INVALID_CALLID, …) are data: see package finesse.
const (
	Down                  Code = "DOWN"                           // I/O error towards Finesse
	NotReachable          Code = "NOT_REACHABLE"                  // no answer in time
	FinesseUnavailable    Code = "FINESSE_UNAVAILABLE"            // Finesse says it is not in service
	LicensesExceeded      Code = "LICENSES_EXCEEDED"              // agents.limit is reached
	MissingExtension      Code = "MISSING_EXTENSION"              //
	MissingNumber         Code = "MISSING_NUMBER"                 //
	MissingPassword       Code = "MISSING_PASSWORD"               //
	MissingReasonCode     Code = "MISSING_REASON_CODE"            //
	NoDialogID            Code = "NO_DIALOG_ID"                   // the call is not known
	PleaseRetry           Code = "PLEASE_RETRY"                   // bad parameters, or no outcome in time
	SubscriptionFailed    Code = "SUBSCRIPTION_FAILED"            // wrong login id or password
	UnableToSubscribe     Code = "UNABLE_TO_SUBSCRIBE_TO_FINESSE" // the notification service refused or was not there
	WrongExtension        Code = "WRONG_EXTENSION"                // the extension is not a number
	SessionInvalidated    Code = "SESSION_INVALIDATED"            // signed in from another destination
	UserNotFound          Code = "USER_NOT_FOUND"                 //
	GeneralError          Code = "GENERAL_ERROR"                  // the cause is unclear
	BadDestination        Code = "BAD_DESTINATION"                // the number dialled leads nowhere
	NotConfigured         Code = "NOT_CONFIGURED"                 // the site has not configured what the command needs
	AccountLocked         Code = "CF_AGENT_ACCOUNT_LOCKED_OUT"    //
	InvalidLogonDevice    Code = "CF_INVALID_LOGON_DEVICE_SPECIFIED"
	ResourceBusy          Code = "CF_RESOURCE_BUSY"
	InvalidObjectState    Code = "CF_INVALID_OBJECT_STATE"
	UnspecifiedRejection  Code = "CF_GENERIC_UNSPECIFIED_REJECTION"
	InvalidCalledDevice   Code = "CF_INVALID_CALLED_DEVICE"
	GenericOperationError Code = "CF_GENERIC_OPERATION"
)

// Error is a failure with two readers: Code and Reason go to the driver, Op and
// Err tell the operator what was being done and why it failed. Err never leaves
// the process.
type Error struct {
	Code Code
	Op   string
	Err  error
	// Reason says more than the code does; "" where that says all.
	Reason Reason
}

// Errorf makes an Error whose cause is formatted as by fmt.Errorf.
func Errorf(code Code, op, format string, args ...any) *Error {
	return &Error{Code: code, Op: op, Err: fmt.Errorf(format, args...)}
}

// Retry makes a PLEASE_RETRY whose reason the driver hears. Its cause,
// formatted as by fmt.Errorf, is the operator's.
func Retry(why Reason, op, format string, args ...any) *Error {
	return &Error{Code: PleaseRetry, Op: op, Err: fmt.Errorf(format, args...), Reason: why}
}

// ErrReLogin is what became of a command that was answered with ReLogin, for the log
// and the metrics. Drivers are never sent its code.
var ErrReLogin = Errorf("RE_LOGIN", "find agent", "nobody has connected it here, or it is not signed in: its driver has to send Connect and Login")

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s", e.Op, e.Code)
	}
	return fmt.Sprintf("%s: %s: %v", e.Op, e.Code, e.Err)
}

// Unwrap gives the operator's cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf is what the driver hears about err: the code of the first Error in
// its chain, else GENERAL_ERROR.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return GeneralError
}
