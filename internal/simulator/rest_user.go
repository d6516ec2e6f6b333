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
// read, that user.
func (s *rest) target(caller *user, r *http.Request) (*user, *reply) {
	id := r.PathValue("id")
	u := s.board.directory[id]
	if u == nil {
		refused := apiError(http.StatusNotFound, "User Not Found", id, "UNKNOWN_USER")
		return nil, &refused
	}
	if u != caller && (r.Method != http.MethodGet || !caller.leads(u)) {
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
	return reply{status: http.StatusOK, doc: u.xml("User")}
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
	u, refused := s.target(caller, r)
	if refused != nil {
		return *refused
	}
	var body putUserXML
	if refused := read(r, &body); refused != nil {
		return *refused
	}
	if refused := body.checkMobile(); refused != nil {
		return *refused
	}
	to := stance{state: body.State}
	switch {
	case body.State == "":
		return missing("state", "State Parameter missing")
	case !slices.Contains(requestable, body.State):
		return invalid("state", "Invalid state "+string(body.State))
	case body.State == "LOGIN" && body.Extension == "":
		return missing("extension", "Extension Parameter missing")
	case body.ReasonCodeID != "":
		to.reason = findReason(gc.ReasonCategory(body.State), gc.ReasonCodeID(body.ReasonCodeID))
		if to.reason == nil {
			return invalid("reasonCodeId", "The reason code "+body.ReasonCodeID+" can not be used with "+string(body.State))
		}
	}
	by := origin{u, r.Header.Get("requestId")}
	if !s.board.queue("user "+string(u.id), func() {
		if body.State == "LOGIN" {
			s.board.signIn(by, body.Extension, body.Mobile)
			return
		}
		s.board.changeState(by, to)
	}) {
		return overloaded
	}
	return accepted
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
