package finesse

import (
	"context"
	"net/http"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// What a supervisor does to the calls of a team's members. Both requests make
// a call, so that they are sent once: after NOT_REACHABLE or DOWN it may or may
// not exist, and Dialogs tells.
const (
	silentMonitor Action = "SILENT_MONITOR"
	bargeCall     Action = "BARGE_CALL"
)

// SilentMonitor lets the supervisor, signed in at from, listen to the calls of
// the agent signed in at the extension. The supervisor has to be NOT_READY and
// the agent to be talking. It is a dialog of its own, which both sides get and
// which the supervisor ends with Drop.
func (c *Client) SilentMonitor(ctx context.Context, who Credentials, id RequestID, from, agent gc.Extension) error {
	r := aboutMembersCall(methodSilentMonitor, who, id)
	r.body = dialogRequest{Action: silentMonitor, FromAddress: from, ToAddress: gc.PhoneNumber(agent)}
	return c.do(ctx, r)
}

// BargeIn turns listening into talking: the call of the agent becomes a
// conference with the supervisor. monitored is the dialog of the silent
// monitor; NO_DIALOG_ID when there is no such call.
func (c *Client) BargeIn(ctx context.Context, who Credentials, id RequestID, from, agent gc.Extension, monitored gc.DialogID) error {
	r := aboutMembersCall(methodBargeIn, who, id)
	r.missing = gc.NoDialogID
	r.body = dialogRequest{
		Action: bargeCall, FromAddress: from, ToAddress: gc.PhoneNumber(agent),
		Associated: apiPath + "/Dialog/" + string(monitored),
	}
	return c.do(ctx, r)
}

// aboutMembersCall has the path of the supervisor's own calls but is about a
// member's: who may not listen to it keeps the session.
func aboutMembersCall(name method, who Credentials, id RequestID) request {
	r := aboutUser(name, who, "/Dialogs")
	r.http, r.id, r.once, r.denied, r.others = http.MethodPost, id, true, gc.GeneralError, true
	return r
}
