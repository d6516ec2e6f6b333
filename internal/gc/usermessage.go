package gc

// UserMessage is a sentence for the agent's status bar (O-003). Key says what
// it tells of: the name of an event, "#", and its state or code.
type UserMessage struct{ Key, Text string }

// UserMessages is the seed's table "User Messages", word for word. A row
// without a text prints nothing.
var UserMessages = []UserMessage{
	{"Error#LICENSES_EXCEEDED", "License exceeded, please contact system administrator."},
	{"Error#SUBSCRIPTION_FAILED", "Invalid LoginId / Password."},
	{"Error#MISSING_EXTENSION", "Extension is missing."},
	{"Error#MISSING_PASSWORD", "Password not set, please contact system administrator."},
	{"Error#CF_INVALID_LOGON_DEVICE_SPECIFIED", "Incorrect phone extension."},
	{"Error#CF_GENERIC_UNSPECIFIED_REJECTION", "Please reset your phone and try again"},
	{"Error#CF_RESOURCE_BUSY", "Phone extension is already in use"},
	{"Error#FINESSE_UNAVAILABLE", "System is not available, it will connect automatically once available."},
	{otherError, "An error occurred, please try again later."},
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

// otherError is the row of errors that have none of their own, GENERAL_ERROR
// among them.
const otherError = "Error#GENERIC_ERROR"

// UserMessageKey is the key of the sentence for e, whether or not there is one,
// and "" for an event that has no place in a status bar.
func UserMessageKey(e Event) string {
	switch e := e.(type) {
	case State:
		return "State#" + string(e.State)
	case ReLogin:
		return "State#RE_LOGIN"
	case AgentInfo: // what a sign-in is answered with
		return "State#LOGGED_IN"
	case ErrorEvent:
		return "Error#" + string(e.Code)
	case InboundCall:
		return "InboundCall#" + callStateKey(e.State)
	case ConsultCall:
		return "ConsultCall#" + callStateKey(e.State)
	}
	return ""
}

// callStateKey is the seed's word for a state: the end of a call is DROP here
// and DROPPED in other places.
func callStateKey(s CallState) string {
	if s == Dropped {
		return "DROP"
	}
	return string(s)
}

// UserSentence is what sentences, which are by key, have to say about e; "" is
// to print nothing. An error that has no sentence of its own gets that of
// "Error#GENERIC_ERROR", but not one whose sentence is empty.
func UserSentence(sentences map[string]string, e Event) string {
	text, ok := sentences[UserMessageKey(e)]
	if _, isError := e.(ErrorEvent); isError && !ok {
		return sentences[otherError]
	}
	return text
}
