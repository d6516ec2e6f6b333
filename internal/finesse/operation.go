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
	return fetch(ctx, c, aboutUser(methodUser, who, ""), alone((*userElement).user))
}

// Dialogs reads the calls the agent takes part in; one that has ended for the
// agent is not among them.
func (c *Client) Dialogs(ctx context.Context, who Credentials) ([]Dialog, error) {
	return fetch(ctx, c, aboutUser(methodDialogs, who, "/Dialogs"), (*dialogsElement).dialogs)
}

// Dialog reads one call. NO_DIALOG_ID when it has ended, never was, is not the
// agent's, or is a chat or an e-mail.
func (c *Client) Dialog(ctx context.Context, who Credentials, id gc.DialogID) (Dialog, error) {
	r := aboutDialog(methodDialog, who, id)
	found, err := fetch(ctx, c, r, (*dialogElement).alone)
	switch {
	case err != nil:
		return Dialog{}, err
	case len(found) == 0:
		return Dialog{}, gc.Errorf(gc.NoDialogID, r.op(), "%s has no call of that id but a task of another media", c.host)
	}
	return found[0], nil
}

// ReasonCodes reads the codes the agent may give, those of all teams and of
// its own; the list may be empty. The id of a code is the last segment of its
// uri and has nothing to do with the number in reports.
func (c *Client) ReasonCodes(ctx context.Context, who Credentials, category gc.ReasonCategory) ([]gc.ReasonCode, error) {
	r := aboutUser(methodReasonCodes, who, "/ReasonCodes?category="+url.QueryEscape(string(category)))
	return fetch(ctx, c, r, (*reasonCodesElement).reasonCodes)
}

// WrapUpReasons reads the reasons the agent may give after a call; the list
// may be empty. What UpdateCallData takes is the label. The id is the last
// segment of the uri, "" where that is no number.
func (c *Client) WrapUpReasons(ctx context.Context, who Credentials) ([]gc.ReasonCode, error) {
	return fetch(ctx, c, aboutUser(methodWrapUpReasons, who, "/WrapUpReasons"), (*wrapUpReasonsElement).wrapUpReasons)
}

// fetch reads an answer whose element is an E.
func fetch[E, T any](ctx context.Context, c *Client, r request, convert func(*E, *Omissions) (T, error)) (value T, err error) {
	r.read = func(body []byte) (Omissions, error) {
		var e E
		out, err := decode(body, &e)
		if err == nil {
			value, err = convert(&e, &out)
		}
		return out, err
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
	MobileAgent  *mobileAgent    `xml:"mobileAgent"`
}

type mobileAgent struct {
	Mode       string         `xml:"mode"`
	DialNumber gc.PhoneNumber `xml:"dialNumber"`
}

// Modes of a mobile agent (Finesse developer guide, "sign in as a mobile
// agent"): the phone is called for each call, or once for the whole session.
const (
	CallByCall       = "CALL_BY_CALL"
	NailedConnection = "NAILED_CONNECTION"
)

// SignIn asks Finesse to sign the agent in at the extension. An agent that is
// signed in already keeps its state. The outcome, NOT_READY or an error about
// the extension, comes as an Update.
func (c *Client) SignIn(ctx context.Context, who Credentials, id RequestID, at gc.Extension) error {
	return c.signIn(ctx, who, id, userRequest{Extension: at})
}

// SignInMobile signs the agent in at a phone outside the contact centre (UCCE
// only): extension is the local CTI port, dialNumber the phone and mode
// CallByCall or NailedConnection. With the latter the agent has to answer the
// phone before the sign-in is complete. Besides the outcomes of SignIn there
// is the error "Mode Not Allowed", as an Update.
func (c *Client) SignInMobile(ctx context.Context, who Credentials, id RequestID, at gc.Extension, dialNumber gc.PhoneNumber, mode string) error {
	return c.signIn(ctx, who, id, userRequest{Extension: at, MobileAgent: &mobileAgent{Mode: mode, DialNumber: dialNumber}})
}

func (c *Client) signIn(ctx context.Context, who Credentials, id RequestID, body userRequest) error {
	body.State = "LOGIN"
	r := aboutUser(methodSignIn, who, "")
	r.http, r.id, r.body = http.MethodPut, id, body
	return c.do(ctx, r)
}

// ChangeState asks for READY, NOT_READY, LOGOUT, WORK or WORK_READY; reason ""
// gives none. Finesse wants a reason where an administrator configured some,
// and takes one with NOT_READY and LOGOUT only. During a call the change waits
// for its end. WORK and WORK_READY ask for wrap-up after the call where that is
// OPTIONAL.
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
	Associated  string         `xml:"associatedDialogUri,omitempty"`
	Media       *callData      `xml:"mediaProperties"`
}

// callData has callvariables in lower case and CallVariable in mixed, as
// Finesse expects them.
type callData struct {
	WrapUpReason string         `xml:"wrapUpReason,omitempty"`
	Variables    *callVariables `xml:"callvariables"`
}

type callVariables struct {
	Variables []callVariable `xml:"CallVariable"`
}

type callVariable struct {
	Name  string `xml:"name"`
	Value string `xml:"value"`
}

// Actions that need more than a call and a participant.
const (
	makeCall       Action = "MAKE_CALL"
	consultCall    Action = "CONSULT_CALL"
	transferSST    Action = "TRANSFER_SST"
	updateCallData Action = "UPDATE_CALL_DATA"
)

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
// of the agent, or with DropParticipant to the participant at target. It is
// sent once, Hold and Retrieve too: a second HOLD after one that worked would
// come back as an error.
func (c *Client) Act(ctx context.Context, who Credentials, id RequestID, dialog gc.DialogID, action Action, target gc.Extension) error {
	r := aboutDialog(methodAct, who, dialog)
	r.http, r.id, r.once = http.MethodPut, id, true
	r.body = dialogRequest{Action: action, Target: target}
	return c.do(ctx, r)
}

// Consult calls a third party while Finesse holds the dialog, in which the
// participant at target, the extension of the agent, must be ACTIVE. The call
// is a dialog of its own whose AssociatedDialog names this one. It is sent
// once: a second one would call the third party twice.
func (c *Client) Consult(ctx context.Context, who Credentials, id RequestID, dialog gc.DialogID, target gc.Extension, to gc.PhoneNumber) error {
	return c.callFrom(ctx, who, id, methodConsult, dialog, dialogRequest{Action: consultCall, Target: target, ToAddress: to})
}

// TransferSST hands the call over without asking the third party (single step
// or blind transfer); the participant at target must be ACTIVE. It is sent
// once.
func (c *Client) TransferSST(ctx context.Context, who Credentials, id RequestID, dialog gc.DialogID, target gc.Extension, to gc.PhoneNumber) error {
	return c.callFrom(ctx, who, id, methodTransferSST, dialog, dialogRequest{Action: transferSST, Target: target, ToAddress: to})
}

func (c *Client) callFrom(ctx context.Context, who Credentials, id RequestID, name method, dialog gc.DialogID, body dialogRequest) error {
	r := aboutDialog(name, who, dialog)
	r.http, r.id, r.once, r.body = http.MethodPut, id, true, body
	return c.do(ctx, r)
}

// UpdateCallData gives a call a wrap-up reason, by its label, and call
// variables; "" and none leave what the call has. The outcome is an Update of
// the dialog for every agent who takes part. Giving the same data twice is
// harmless, so it is repeated on time-outs.
func (c *Client) UpdateCallData(ctx context.Context, who Credentials, id RequestID, dialog gc.DialogID, wrapUpReason string, variables []gc.CallVariable) error {
	data := &callData{WrapUpReason: wrapUpReason}
	if len(variables) > 0 {
		data.Variables = &callVariables{}
	}
	for _, v := range variables {
		data.Variables.Variables = append(data.Variables.Variables, callVariable(v))
	}
	r := aboutDialog(methodUpdateCallData, who, dialog)
	r.http, r.id, r.body = http.MethodPut, id, dialogRequest{Action: updateCallData, Media: data}
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
		missing: gc.NoDialogID, denied: gc.NoDialogID, others: true,
	}
}
