package simulator

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// target finds the user in the path and checks that caller may act for, or
// read, that user: supervisors read their teams, the administrator everybody.
func (s *rest) target(caller *user, r *http.Request) (*user, *reply) {
	id := r.PathValue("id")
	u := s.board.find(id)
	if u == nil {
		refused := apiError(http.StatusNotFound, "User Not Found", id, "UNKNOWN_USER")
		return nil, &refused
	}
	if u != caller && (r.Method != http.MethodGet || !caller.leads(u) && !caller.administrator) {
		refused := apiError(http.StatusUnauthorized, "Invalid Authorization User Specified", id,
			"The user specified in the authentication credentials and the uri don't match")
		return nil, &refused
	}
	return u, nil
}

func (s *rest) getUser(caller *user, r *http.Request) reply {
	u, refused := s.target(caller, r)
	if refused != nil {
		return *refused
	}
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	return reply{status: http.StatusOK, doc: u.xml("User", s.site)}
}

type putUserXML struct {
	XMLName      xml.Name     `xml:"User"`
	State        gc.UserState `xml:"state"`
	Extension    gc.Extension `xml:"extension"`
	ReasonCodeID string       `xml:"reasonCodeId"`
	Mobile       *mobileXML   `xml:"mobileAgent"`
}

// checkMobile looks at where a mobile agent wants to be called.
func (x *putUserXML) checkMobile() *reply {
	if x.Mobile == nil {
		return nil
	}
	var refused reply
	switch {
	case x.State != "LOGIN":
		refused = invalid("mobileAgent", "Only a sign-in can be mobile")
	case x.Mobile.Mode == "":
		refused = missing("mode", "Mode Parameter missing")
	case x.Mobile.Mode != "CALL_BY_CALL" && x.Mobile.Mode != "NAILED_CONNECTION":
		refused = invalid("mode", "Invalid mode "+x.Mobile.Mode)
	case x.Mobile.DialNumber == "":
		refused = missing("dialNumber", "DialNumber Parameter missing")
	case !isDigits(strings.TrimPrefix(x.Mobile.DialNumber, "+")) || len(x.Mobile.DialNumber) > 32:
		refused = invalid("dialNumber", "Invalid dialNumber")
	default:
		return nil
	}
	return &refused
}

// requestable are the states a request may name. LOGIN is never one a user is
// in.
var requestable = []gc.UserState{"LOGIN", gc.Ready, gc.NotReady, gc.LoggedOut, gc.Work, gc.WorkReady}

func (s *rest) putUser(caller *user, r *http.Request) reply {
	u, refused := s.member(caller, r)
	if refused != nil {
		return *refused
	}
	var body putUserXML
	if refused := read(r, &body); refused != nil {
		return *refused
	}
	by := origin{user: caller, at: s.site, request: r.Header.Get("requestId")}
	object := "user " + string(u.id)
	if answer, ok := s.refuseOnPurpose(by, string(body.State), subject{object, userURI(caller.id), userURI(u.id), "put"}); ok {
		return answer
	}
	change, refused := s.stateChange(by, u, &body)
	if refused != nil {
		return *refused
	}
	if !s.board.queue(object, change) {
		return overloaded
	}
	return accepted
}

// stateChange is what a valid request leads to.
func (s *rest) stateChange(by origin, u *user, body *putUserXML) (change func(), refused *reply) {
	if u != by.user {
		return func() { s.board.supervise(by, u, body.State) }, body.checkForced()
	}
	to, refused := body.stance()
	if refused == nil {
		refused = body.checkMobile()
	}
	return func() {
		if body.State == "LOGIN" {
			s.board.signIn(by, body.Extension, body.Mobile)
			return
		}
		s.board.changeState(by, to)
	}, refused
}

// stance is the state asked for, with its reason.
func (x *putUserXML) stance() (stance, *reply) {
	to := stance{state: x.State}
	var refused reply
	switch {
	case x.State == "":
		refused = missing("state", "State Parameter missing")
	case !slices.Contains(requestable, x.State):
		refused = invalid("state", "Invalid state "+string(x.State))
	case x.State == "LOGIN" && x.Extension == "":
		refused = missing("extension", "Extension Parameter missing")
	case x.ReasonCodeID != "":
		if to.reason = findReason(gc.ReasonCategory(x.State), gc.ReasonCodeID(x.ReasonCodeID)); to.reason != nil {
			return to, nil
		}
		refused = invalid("reasonCodeId", "The reason code "+x.ReasonCodeID+" cannot be used with "+string(x.State))
	default:
		return to, nil
	}
	return to, &refused
}

func (s *rest) getReasonCodes(caller *user, r *http.Request) reply {
	if _, refused := s.target(caller, r); refused != nil {
		return *refused
	}
	category := gc.ReasonCategory(r.URL.Query().Get("category"))
	switch category {
	case gc.NotReadyReasons, gc.LogoutReasons:
	case "":
		return missing("category", "Category Parameter missing")
	default:
		return invalid("category", "Invalid category")
	}
	list := reasonCodesXML{Category: category}
	for _, code := range reasons {
		if code.category == category {
			list.Codes = append(list.Codes, code.xml())
		}
	}
	return reply{status: http.StatusOK, doc: list}
}

func (s *rest) getWrapUpReasons(caller *user, r *http.Request) reply {
	u, refused := s.target(caller, r)
	if refused != nil {
		return *refused
	}
	var list wrapUpReasonsXML
	for i, label := range wrapUpReasons {
		uri := userURI(u.id) + "/WrapUpReason/" + strconv.Itoa(firstWrapUpReason+i)
		list.Reasons = append(list.Reasons, wrapUpReasonXML{URI: uri, Label: label, ForAll: true})
	}
	return reply{status: http.StatusOK, doc: list}
}
