package simulator

import (
	"net/http"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// forbidsPhone: the administrator has none, and no state.
func forbidsPhone(caller *user) *reply {
	if !caller.administrator {
		return nil
	}
	refused := apiError(http.StatusUnauthorized, "Invalid Authorization User Specified", "The user is not authorized to perform this operation",
		"User ("+string(caller.id)+") is not an authorized supervisor.")
	return &refused
}

// notLed refuses a supervisor who does not lead the agent's team.
func notLed(u *user) *reply {
	refused := apiError(http.StatusUnauthorized, "Invalid Supervisor", string(u.id), "The user is not a supervisor of this agent")
	return &refused
}

// member finds the user of the path whose state caller may change: oneself, or
// an agent of a team one leads.
func (s *rest) member(caller *user, r *http.Request) (*user, *reply) {
	u := s.board.find(r.PathValue("id"))
	if refused := forbidsPhone(caller); refused != nil {
		return nil, refused
	}
	if u == nil || u == caller || !caller.supervisor {
		return s.target(caller, r)
	}
	if !caller.leads(u) {
		return nil, notLed(u)
	}
	return u, nil
}

// forced are the states a supervisor may put a member of the team in.
var forced = []gc.UserState{gc.Ready, gc.NotReady, gc.LoggedOut}

func (x *putUserXML) checkForced() *reply {
	var refused reply
	switch {
	case x.State == "":
		refused = missing("state", "State Parameter missing")
	case !slices.Contains(forced, x.State):
		refused = invalid("state", "A supervisor can set READY, NOT_READY and LOGOUT")
	case x.ReasonCodeID != "":
		refused = invalid("reasonCodeId", "A supervisor cannot give a reason code")
	default:
		return nil
	}
	return &refused
}

// checkListening looks at who wants to hear whom: caller and agent are of the
// contact centre, and caller leads the agent's team.
func (s *rest) checkListening(caller *user, body *requestXML) *reply {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	agent := s.board.atExtension(gc.Extension(body.To))
	var refused reply
	switch {
	case agent == nil:
		refused = apiError(http.StatusBadRequest, "Invalid Destination", body.To, "Nobody is signed in at this extension")
	case !caller.leads(agent):
		return notLed(agent)
	case body.Action == bargeCall:
		return s.checkBarge(caller, agent, body.Associated)
	case caller.state != gc.NotReady:
		refused = apiError(http.StatusBadRequest, "Invalid State", string(caller.state), "The supervisor is not in NOT_READY")
	default:
		return nil
	}
	return &refused
}

// checkBarge looks for the call in which caller listens to agent; mu is held.
func (s *rest) checkBarge(caller, agent *user, associated string) *reply {
	id, ok := strings.CutPrefix(associated, dialogURI(""))
	d := s.board.dialogs[gc.DialogID(id)]
	var refused reply
	switch {
	case associated == "":
		refused = missing("associatedDialogUri", "associatedDialogUri Parameter missing")
	case !ok:
		refused = invalid("associatedDialogUri", "Invalid associatedDialogUri")
	case d == nil:
		refused = apiError(http.StatusNotFound, "Dialog Not Found", id, "The dialog "+id+" does not exist")
	case d.listensTo == nil || d.legOf(caller) == nil || d.legOf(caller).passive:
		refused = apiError(http.StatusBadRequest, "Invalid State", id, "The dialog is no silent monitoring of this supervisor")
	case d.listensTo.user != agent, d.listensTo.state == gc.Held:
		refused = apiError(http.StatusBadRequest, "Invalid Destination", string(agent.extension), "The agent does not talk in the monitored call")
	default:
		return nil
	}
	return &refused
}

// checkParty looks whether the one to drop is an agent in the dialog.
func (s *rest) checkParty(d *dialog, body *requestXML) *reply {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	if d.agentAt(body.Target) != nil {
		return nil
	}
	refused := apiError(http.StatusBadRequest, "Invalid Destination", body.Target, "No agent at this extension takes part in the dialog")
	return &refused
}
