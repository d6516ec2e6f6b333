package conformance

import "github.com/finesse-connector/finesse-connector/internal/gc"

// errorNote is what the document says of a code.
type errorNote struct {
	code, origin    string
	meaning, driver string
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
	{string(gc.Down), "connector", "The connection to Finesse broke. The other node is used next; calls are read there to learn what became of the command.", lookAgain},
	{string(gc.NotReachable), "connector", "Finesse did not answer in time, `finesse.retries` included. The other node is used next.", lookAgain},
	{string(gc.FinesseUnavailable), "Finesse", "Finesse says that it is not in service. Not in the protocol document's table of errors, but among its user messages.", "show the error and wait for System#IN_SERVICE"},
	{string(gc.UnableToSubscribe), "connector", "The notification service refused the agent or was not there.", "show the error; send Connect again when the user asks for it"},
	{string(gc.SubscriptionFailed), "connector", "The login id or the password is wrong. The connector does not try them again.", newLogin},
	{"CF_INVALID_PASSWORD_SPECIFIED", "Finesse", "The password is wrong.", newLogin},
	{string(gc.AccountLocked), "Finesse", "The account is locked, usually by wrong passwords.", "show the error; an administrator unlocks the account"},
	{string(gc.UserNotFound), "Finesse", "Finesse does not know the agent.", "show the error; the agent must be the same in the CRM system and in Finesse"},
	{string(gc.SessionInvalidated), "connector", "Another destination has signed the agent in. Comes right behind State LOGOUT.", "show the error and ask the agent to sign in again"},
	{string(gc.LicensesExceeded), "connector", "As many agents as `agents.limit` allows are signed in.", "show the error"},
	{string(gc.MissingPassword), "connector", "The password is missing.", "show the error and ask for id and password"},
	{string(gc.MissingExtension), "connector", "The extension is missing.", newPhone},
	{string(gc.WrongExtension), "connector", "The extension is not a number.", newPhone},
	{string(gc.InvalidLogonDevice), "Finesse", "Nobody can sign in at this extension.", newPhone},
	{"CF_INVALID_CSTA_DEVICE_IDENTIFIER", "Finesse", "The extension is not valid.", newPhone},
	{string(gc.ResourceBusy), "Finesse", "The extension, or something else Finesse needs, is in use.", newPhone},
	{string(gc.MissingNumber), "connector", "The number to dial is missing.", "show the error and ask for the number"},
	{string(gc.BadDestination), "Finesse", "The number dialled leads nowhere.", newNumber},
	{string(gc.InvalidCalledDevice), "Finesse", "The device that is called is not valid.", newNumber},
	{"CF_INVALID_CALLING_DEVICE", "Finesse", "The device that calls is not valid.", goOn},
	{"CF_INVALID_CONNECTION_ID_FOR_ACTIVE_CALL", "Finesse", "The active call has no such connection.", lookAgain},
	{"CF_INVALID_CONSULT_TYPE", "Finesse", "There is no such kind of consultation.", goOn},
	{"E_CTI_INVALID_CALLID", "Finesse", "There is no call with this id.", lookAgain},
	{string(gc.NoDialogID), "connector", "The dialog is missing, or the agent has no such call.", "send getdialogstate for the calls thought to be active"},
	{string(gc.MissingReasonCode), "connector", "A reason is wanted and missing.", "show the error and ask for a reason that ReasonCodes gave"},
	{string(gc.InvalidObjectState), "Finesse", "The command does not fit the state of the agent or of the call.", lookAgain},
	{string(gc.GenericOperationError), "Finesse", "The operation failed, without details.", "show an error that fits the command"},
	{string(gc.UnspecifiedRejection), "Finesse", "Refused without details; often a phone that hangs.", goOn},
	{"CF_GENERIC_SYSTEM_RESOURCE_AVAILABILITY", "Finesse", "Finesse lacks resources, without details.", goOn},
	{string(gc.GeneralError), "Finesse", "The cause is not clear; the connector's log has it.", goOn},
	{string(gc.PleaseRetry), "connector", "The command is not known or has wrong parameters; or it was delivered twice, came too late or found too many before it, and was not run; or Finesse accepted it and nothing came of it in time.", lookAgain},
	{string(gc.NotConfigured), "connector", "This site has not configured what the command needs. Not in the protocol document.", goOn},
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
