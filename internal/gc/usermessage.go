package gc

// UserMessage is a sentence for the agent's status bar (O-003). Key says what
// it tells of: the name of an event, "#", and its state or code; the table of
// events has those of each (package wire).
type UserMessage struct{ Key, Text string }

// UserMessages is the seed's table "User Messages", word for word. A row
// without a text prints nothing; Error#GENERIC_ERROR is for errors that have no
// row of their own, GENERAL_ERROR among them.
var UserMessages = []UserMessage{
	{"Error#LICENSES_EXCEEDED", "License exceeded, please contact system administrator."},
	{"Error#SUBSCRIPTION_FAILED", "Invalid LoginId / Password."},
	{"Error#MISSING_EXTENSION", "Extension is missing."},
	{"Error#MISSING_PASSWORD", "Password not set, please contact system administrator."},
	{"Error#CF_INVALID_LOGON_DEVICE_SPECIFIED", "Incorrect phone extension."},
	{"Error#CF_GENERIC_UNSPECIFIED_REJECTION", "Please reset your phone and try again"},
	{"Error#CF_RESOURCE_BUSY", "Phone extension is already in use"},
	{"Error#FINESSE_UNAVAILABLE", "System is not available, it will connect automatically once available."},
	{"Error#GENERIC_ERROR", "An error occurred, please try again later."},
	{"Error#PLEASE_RETRY", "An error occurred, please try again later."},
	{"Error#NO_DIALOG_ID", "Invalid operation or call not found."},
	{"State#RE_LOGIN", "Reconnecting, please wait..."},
	{"State#LOGOUT", "You are Logged out"},
	{"State#LOGGED_IN", "You are Logged in"},
	{"State#READY", "Your State: Ready"},
	{"State#NOT_READY", "Your State: Not Ready"},
	{"State#RESERVED", "Your are Reserved, an inbound call is coming."},
	{"State#TALKING", "You are talking."},
	{"State#WORK", "Wrap up -> Not Ready"},
	{"State#WORK_READY", "Wrap up -> Ready"},
	{"State#UNKNOWN", "An error occurred, please refresh your browser."},
	{"State#HOLD", "Call is on hold."},
	{"InboundCall#INITIATING", "Call is initiated.."},
	{"InboundCall#INITIATED", ""},
	{"InboundCall#ALERTING", "Call is ringing.."},
	{"InboundCall#ACTIVE", "Call is active.."},
	{"InboundCall#FAILED", "Call has failed.."},
	{"InboundCall#DROP", "Call has been released.."},
	{"InboundCall#ACCEPTED", "Call is accepted.."},
	{"ConsultCall#ACTIVE", "Consult call is active.."},
	{"ConsultCall#INITIATING", ""},
	{"ConsultCall#INITIATED", ""},
	{"ConsultCall#ALERTING", "Consult call is ringing.."},
	{"ConsultCall#FAILED", "Consult call has failed.."},
	{"ConsultCall#DROP", "Consult call has dropped."},
}
