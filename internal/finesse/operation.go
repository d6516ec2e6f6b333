package finesse

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/url"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// SystemInfo asks how the node is. It needs no credentials and is answered
// while the node is out of service, if its web server runs at all.
func (c *Client) SystemInfo(ctx context.Context) (SystemInfo, error) {
	r := request{name: methodSystemInfo, path: "/SystemInfo", missing: gc.FinesseUnavailable, denied: gc.GeneralError}
	return fetch(ctx, c, r, (*systemInfoElement).systemInfo)
}

// User reads the agent. USER_NOT_FOUND when Finesse does not know the id.
func (c *Client) User(ctx context.Context, who Credentials) (User, error) {
	return fetch(ctx, c, aboutUser(methodUser, who, ""), (*userElement).user)
}

// Dialogs reads the calls the agent takes part in; one that has ended for the
// agent is not among them.
func (c *Client) Dialogs(ctx context.Context, who Credentials) ([]Dialog, error) {
	return fetch(ctx, c, aboutUser(methodDialogs, who, "/Dialogs"), (*dialogsElement).dialogs)
}

// Dialog reads one call. NO_DIALOG_ID when it has ended, never was, or is not
// the agent's.
func (c *Client) Dialog(ctx context.Context, who Credentials, id gc.DialogID) (Dialog, error) {
	return fetch(ctx, c, aboutDialog(methodDialog, who, id), (*dialogElement).dialog)
}

// ReasonCodes reads the codes the agent may give, those of all teams and of
// its own; the list may be empty. The id of a code is the last segment of its
// uri and has nothing to do with the number in reports.
func (c *Client) ReasonCodes(ctx context.Context, who Credentials, category gc.ReasonCategory) ([]gc.ReasonCode, error) {
	r := aboutUser(methodReasonCodes, who, "/ReasonCodes?category="+url.QueryEscape(string(category)))
	return fetch(ctx, c, r, (*reasonCodesElement).reasonCodes)
}

// fetch reads an answer whose element is an E.
func fetch[E, T any](ctx context.Context, c *Client, r request, convert func(*E) (T, error)) (value T, err error) {
	r.read = func(body []byte) (err error) {
		var e E
		if err = decode(body, &e); err == nil {
			value, err = convert(&e)
		}
		return err
	}
	err = c.do(ctx, r)
	return value, err
}

// userRequest is the body of a change of state.
type userRequest struct {
	XMLName      xml.Name        `xml:"User"`
	State        gc.UserState    `xml:"state"`
	Extension    gc.Extension    `xml:"extension,omitempty"`
	ReasonCodeID gc.ReasonCodeID `xml:"reasonCodeId,omitempty"`
}

// SignIn asks Finesse to sign the agent in at the extension. An agent that is
// signed in already keeps its state. The outcome, NOT_READY or an error about
// the extension, comes as an Update.
func (c *Client) SignIn(ctx context.Context, who Credentials, id RequestID, at gc.Extension) error {
	r := aboutUser(methodSignIn, who, "")
	r.http, r.id, r.body = http.MethodPut, id, userRequest{State: "LOGIN", Extension: at}
	return c.do(ctx, r)
}

// ChangeState asks for READY, NOT_READY or LOGOUT; reason "" gives none.
// Finesse wants a reason where an administrator configured some. During a call
// the change waits for its end.
func (c *Client) ChangeState(ctx context.Context, who Credentials, id RequestID, to gc.UserState, reason gc.ReasonCodeID) error {
	r := aboutUser(methodChangeState, who, "")
	r.http, r.id, r.body = http.MethodPut, id, userRequest{State: to, ReasonCodeID: reason}
	return c.do(ctx, r)
}

// dialogRequest is the body of a new call and of an action on one.
type dialogRequest struct {
	XMLName     xml.Name       `xml:"Dialog"`
	Action      Action         `xml:"requestedAction"`
	Target      gc.Extension   `xml:"targetMediaAddress,omitempty"`
	FromAddress gc.Extension   `xml:"fromAddress,omitempty"`
	ToAddress   gc.PhoneNumber `xml:"toAddress,omitempty"`
}

const makeCall Action = "MAKE_CALL"

// MakeCall dials a number from the extension the agent is signed in at. It is
// sent once: after NOT_REACHABLE or DOWN the call may or may not exist, and
// Dialogs tells.
func (c *Client) MakeCall(ctx context.Context, who Credentials, id RequestID, from gc.Extension, to gc.PhoneNumber) error {
	r := aboutUser(methodMakeCall, who, "/Dialogs")
	r.http, r.id, r.once, r.denied = http.MethodPost, id, true, gc.GeneralError
	r.body = dialogRequest{Action: makeCall, FromAddress: from, ToAddress: to}
	return c.do(ctx, r)
}

// Act does something with a call as the participant at target, the extension
// of the agent. It is sent once, Hold and Retrieve too: a second HOLD after
// one that worked would come back as an error.
func (c *Client) Act(ctx context.Context, who Credentials, id RequestID, dialog gc.DialogID, action Action, target gc.Extension) error {
	r := aboutDialog(methodAct, who, dialog)
	r.http, r.id, r.once = http.MethodPut, id, true
	r.body = dialogRequest{Action: action, Target: target}
	return c.do(ctx, r)
}

// aboutUser is a request about the agent itself. Where Finesse says that the
// credentials are good but not this user's, the login id is wrong, which
// drivers know as SUBSCRIPTION_FAILED too.
func aboutUser(name method, who Credentials, rest string) request {
	return request{
		name: name, who: &who, path: "/User/" + url.PathEscape(string(who.Agent)) + rest,
		missing: gc.UserNotFound, denied: gc.SubscriptionFailed,
	}
}

// aboutDialog is a request about a call. An agent that is no party to it is
// told the same as when there is no such call, and keeps its session.
func aboutDialog(name method, who Credentials, id gc.DialogID) request {
	return request{
		name: name, who: &who, path: "/Dialog/" + url.PathEscape(string(id)),
		missing: gc.NoDialogID, denied: gc.NoDialogID,
	}
}
