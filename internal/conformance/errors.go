package conformance

import "github.com/finesse-connector/finesse-connector/internal/gc"

// errorNote is what the document says of a code, beside what it means: that is its
// reason in words.
type errorNote struct {
	code, origin string
	more, driver string
}

const (
	goOn      = "show the error and go on"
	newNumber = "show the error and ask for another number"
	newPhone  = "show the error and ask for another extension"
	newLogin  = "show the error and ask for id and password; never send the refused ones again by itself"
	lookAgain = "show the error; GetState and getdialogstate tell what is true"
)

// errorNotes describes every code that package gc or the protocol document
// names.
var errorNotes = []errorNote{
	{string(gc.Down), "connector", "The other node is used next; calls are read there to learn what became of the command.", lookAgain},
	{string(gc.NotReachable), "connector", "That includes `finesse.retries`. The other node is used next.", lookAgain},
	{string(gc.FinesseUnavailable), "Finesse", "Not in the protocol document's table of errors, but among its user messages.", "show the error and wait for System#IN_SERVICE"},
	{string(gc.UnableToSubscribe), "connector", "", "show the error; send Connect again when the user asks for it"},
	{string(gc.SubscriptionFailed), "connector", "The connector does not try them again.", newLogin},
	{"CF_INVALID_PASSWORD_SPECIFIED", "Finesse", "", newLogin},
	{string(gc.AccountLocked), "Finesse", "", "show the error; an administrator unlocks the account"},
	{string(gc.UserNotFound), "Finesse", "", "show the error; the agent must be the same in the CRM system and in Finesse"},
	{string(gc.SessionInvalidated), "connector", "Comes right after State LOGOUT.", "show the error and ask the agent to sign in again"},
	{string(gc.LicensesExceeded), "connector", "The limit is `agents.limit`.", "show the error"},
	{string(gc.MissingPassword), "connector", "", "show the error and ask for id and password"},
	{string(gc.MissingExtension), "connector", "", newPhone},
	{string(gc.WrongExtension), "connector", "", newPhone},
	{string(gc.InvalidLogonDevice), "Finesse", "", newPhone},
	{"CF_INVALID_CSTA_DEVICE_IDENTIFIER", "Finesse", "", newPhone},
	{string(gc.ResourceBusy), "Finesse", "", newPhone},
	{string(gc.MissingNumber), "connector", "", "show the error and ask for the number"},
	{string(gc.BadDestination), "Finesse", "", newNumber},
	{string(gc.InvalidCalledDevice), "Finesse", "", newNumber},
	{"CF_INVALID_CALLING_DEVICE", "Finesse", "", goOn},
	{"CF_INVALID_CONNECTION_ID_FOR_ACTIVE_CALL", "Finesse", "", lookAgain},
	{"CF_INVALID_CONSULT_TYPE", "Finesse", "", goOn},
	{"E_CTI_INVALID_CALLID", "Finesse", "", lookAgain},
	{string(gc.NoDialogID), "connector", "", "send getdialogstate for the calls thought to be active"},
	{string(gc.MissingReasonCode), "connector", "", "show the error and ask for a reason that ReasonCodes gave"},
	{string(gc.InvalidObjectState), "Finesse", "", lookAgain},
	{string(gc.GenericOperationError), "Finesse", "", "show an error that fits the command"},
	{string(gc.UnspecifiedRejection), "Finesse", "", goOn},
	{"CF_GENERIC_SYSTEM_RESOURCE_AVAILABILITY", "Finesse", "", goOn},
	{string(gc.GeneralError), "Finesse", "", goOn},
	{string(gc.PleaseRetry), "connector", "It is not known or has wrong parameters; or it was delivered twice, came too late or found too many before it; or Finesse accepted it and did nothing. The reason in words says which.", lookAgain},
	{string(gc.NotConfigured), "connector", "Not in the protocol document.", goOn},
}

// noteOf is nil for a code that is not described.
func noteOf(code string) *errorNote {
	for i := range errorNotes {
		if errorNotes[i].code == code {
			return &errorNotes[i]
		}
	}
	return nil
}
