package simulator

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func (s *rest) getDialogs(caller *user, r *http.Request) reply {
	u, refused := s.target(caller, r)
	if refused != nil {
		return *refused
	}
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	list := dialogsXML{XMLName: named("Dialogs")}
	for _, l := range u.legs {
		list.Dialogs = append(list.Dialogs, l.dialog.xml("Dialog", l))
	}
	return reply{status: http.StatusOK, doc: list}
}

// participant finds the caller's part in the dialog of the path; the
// administrator reads it as one of the agents. Calls that ended are as unknown
// as those that never were.
func (s *rest) participant(caller *user, r *http.Request) (*leg, *reply) {
	id := r.PathValue("id")
	d := s.board.dialogs[gc.DialogID(id)]
	if d == nil || len(d.agents()) == 0 {
		refused := apiError(http.StatusNotFound, "Dialog Not Found", id, "The dialog "+id+" does not exist")
		return nil, &refused
	}
	l := d.legOf(caller)
	if l == nil && caller.administrator && r.Method == http.MethodGet {
		l = d.agents()[0]
	}
	if l == nil {
		refused := apiError(http.StatusUnauthorized, "Authorization Failure", string(caller.id), "UNAUTHORIZED")
		return nil, &refused
	}
	return l, nil
}

func (s *rest) getDialog(caller *user, r *http.Request) reply {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	l, refused := s.participant(caller, r)
	if refused != nil {
		return *refused
	}
	return reply{status: http.StatusOK, doc: l.dialog.xml("Dialog", l)}
}

// requestXML is the body of requests for dialogs.
type requestXML struct {
	XMLName xml.Name       `xml:"Dialog"`
	Action  action         `xml:"requestedAction"`
	From    string         `xml:"fromAddress"`
	To      string         `xml:"toAddress"`
	Target  string         `xml:"targetMediaAddress"`
	WrapUp  *string        `xml:"mediaProperties>wrapUpReason"`
	Data    *[]variableXML `xml:"mediaProperties>callvariables>CallVariable"`
	Params  []variableXML  `xml:"actionParams>ActionParam"`

	Associated string `xml:"associatedDialogUri"`
}

func (x *requestXML) variables() []gc.CallVariable {
	if x.Data == nil {
		return nil
	}
	var list []gc.CallVariable
	for _, v := range *x.Data {
		list = append(list, gc.CallVariable(v))
	}
	return list
}

func (x *requestXML) param(name string) string {
	for _, p := range x.Params {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// checkData looks at call variables and wrap-up reason.
func (x *requestXML) checkData() *reply {
	if err := checkVariables(x.variables()); err != nil {
		refused := invalid("callvariables", err.Error())
		return &refused
	}
	if x.WrapUp != nil && len(*x.WrapUp) > maxWrapUp {
		refused := invalid("wrapUpReason", "The wrap-up reason is too long")
		return &refused
	}
	return nil
}

// newCalls are the actions that create a dialog.
var newCalls = []action{makeCall, silentMonitor, bargeCall}

func (s *rest) postDialog(caller *user, r *http.Request) reply {
	if refused := forbidsPhone(caller); refused != nil {
		return *refused
	}
	u, refused := s.target(caller, r)
	if refused != nil {
		return *refused
	}
	var body requestXML
	if refused := read(r, &body); refused != nil {
		return *refused
	}
	by := origin{user: u, at: s.site, request: r.Header.Get("requestId")}
	object := "user " + string(u.id)
	if answer, ok := s.refuseOnPurpose(by, string(body.Action), subject{object, dialogsURI(u.id), dialogsURI(u.id), "post"}); ok {
		return answer
	}
	if refused := s.checkNewCall(u, &body); refused != nil {
		return *refused
	}
	if !s.board.queue(object, func() { s.newCall(by, &body) }) {
		return overloaded
	}
	return accepted
}

func (s *rest) newCall(by origin, body *requestXML) {
	switch body.Action {
	case silentMonitor:
		s.board.listen(by, gc.Extension(body.To))
	case bargeCall:
		s.board.barge(by, gc.DialogID(strings.TrimPrefix(body.Associated, dialogURI(""))))
	default:
		s.board.dial(by, body.To, body.variables())
	}
}

func (s *rest) checkNewCall(u *user, body *requestXML) *reply {
	s.board.mu.Lock()
	extension, signedIn, state := string(u.extension), u.signedIn(), u.state
	s.board.mu.Unlock()
	var refused reply
	switch {
	case body.Action == "":
		refused = missing("requestedAction", "requestedAction Parameter missing")
	case !slices.Contains(newCalls, body.Action):
		refused = invalid("requestedAction", "Invalid requestedAction "+string(body.Action))
	case body.Action != makeCall && !u.supervisor:
		return notLed(u)
	case body.From == "":
		refused = missing("fromAddress", "fromAddress Parameter missing")
	case checkDestination(body) != nil:
		return checkDestination(body)
	case !signedIn:
		refused = apiError(http.StatusBadRequest, "Invalid State", string(state), "The user is not signed in")
	case body.From != extension:
		refused = invalid("fromAddress", "The user is not signed in at this extension")
	case body.Action != makeCall:
		return s.checkListening(u, body)
	case body.WrapUp != nil:
		refused = invalid("wrapUpReason", "A wrap-up reason cannot be given to a new call")
	default:
		return body.checkData()
	}
	return &refused
}

// checkDestination looks at the number to call. Who calls is From in a new
// call, Target in an action on one.
func checkDestination(body *requestXML) *reply {
	var refused reply
	switch {
	case body.To == "":
		refused = missing("toAddress", "toAddress Parameter missing")
	case !isPrintable(body.To) || len(body.To) > 64:
		refused = invalid("toAddress", "Invalid toAddress")
	case body.To == body.From || body.To == body.Target:
		refused = apiError(http.StatusBadRequest, "Invalid Destination", body.To, "The destination is the caller")
	default:
		return nil
	}
	return &refused
}

func isPrintable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

func notImplemented(a action) reply {
	return apiError(http.StatusNotImplemented, "Not Implemented", string(a), "This simulator does not play "+string(a))
}

// unplayed are actions that Finesse knows and this simulator does not play.
var unplayed = []action{
	"START_RECORDING", "RECLASSIFY", "UPDATE_SCHEDULED_CALLBACK", "CANCEL_SCHEDULED_CALLBACK",
}

// played are the actions of a participant, who has to be named.
var played = []action{
	answer, hold, retrieve, drop, sendDTMF, consultCall, transfer, conference, transferSST,
	dropParty, acceptPreview, rejectPreview, closePreview,
}

func (s *rest) putDialog(caller *user, r *http.Request) reply {
	var body requestXML
	s.board.mu.Lock()
	l, refused := s.participant(caller, r)
	extension := string(caller.extension)
	s.board.mu.Unlock()
	if refused != nil {
		return *refused
	}
	if refused := read(r, &body); refused != nil {
		return *refused
	}
	by := origin{user: caller, at: s.site, request: r.Header.Get("requestId")}
	object := "dialog " + string(l.dialog.id)
	if answer, ok := s.refuseOnPurpose(by, string(body.Action), subject{object, dialogsURI(caller.id), dialogURI(l.dialog.id), "put"}); ok {
		return answer
	}
	if refused := checkAction(&body, extension); refused != nil {
		return *refused
	}
	wish := request{by: by, dialog: l.dialog, action: body.Action, to: body.To, variables: body.variables(), wrapUp: body.WrapUp}
	if body.Action == dropParty {
		if refused := s.checkParty(l.dialog, &body); refused != nil {
			return *refused
		}
		wish.to = body.Target
	}
	if !s.board.queue(object, func() { s.board.act(wish) }) {
		return overloaded
	}
	return accepted
}

func checkAction(body *requestXML, extension string) *reply {
	var refused reply
	switch {
	case body.Action == "":
		refused = missing("requestedAction", "requestedAction Parameter missing")
	case slices.Contains(unplayed, body.Action):
		refused = notImplemented(body.Action)
	case body.Action == updateCallData:
		if body.WrapUp == nil && body.Data == nil {
			refused = missing("mediaProperties", "mediaProperties Parameter missing")
			break
		}
		return body.checkData()
	case !slices.Contains(played, body.Action):
		refused = invalid("requestedAction", "Invalid requestedAction "+string(body.Action))
	case body.Target == "":
		refused = missing("targetMediaAddress", "targetMediaAddress Parameter missing")
	case body.Action == dropParty:
		return nil
	case body.Target != extension:
		refused = invalid("targetMediaAddress", "The user is not signed in at this extension")
	case body.Action == consultCall || body.Action == transferSST:
		return checkDestination(body)
	case body.Action == sendDTMF && strings.Trim(body.param("dtmfString"), "0123456789*#ABCD") != "":
		refused = invalid("dtmfString", "Only 0-9, A-D, * and # can be sent")
	case body.Action == sendDTMF && body.param("dtmfString") == "":
		refused = missing("dtmfString", "dtmfString Parameter missing")
	default:
		return nil
	}
	return &refused
}
