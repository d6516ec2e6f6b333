package simulator

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// getUsers is the administrator's.
func (s *rest) getUsers(caller *user, _ *http.Request) reply {
	if !caller.administrator {
		return apiError(http.StatusUnauthorized, "Unauthorized", string(caller.id), "The user is not an administrator")
	}
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	var list usersXML
	for _, u := range s.board.users {
		list.Users = append(list.Users, u.xml("User", s.site))
	}
	return reply{status: http.StatusOK, doc: list}
}

// team finds the team of the path for a user who may.
func (s *rest) team(caller *user, r *http.Request, may func(team) bool) (team, *reply) {
	id := r.PathValue("id")
	i := slices.IndexFunc(teams, func(t team) bool { return t.id == gc.TeamID(id) })
	if i < 0 {
		refused := apiError(http.StatusNotFound, "Not Found", id, "The team "+id+" does not exist")
		return team{}, &refused
	}
	if !caller.administrator && !may(teams[i]) {
		refused := apiError(http.StatusUnauthorized, "Authorization Failure", string(caller.id), "UNAUTHORIZED")
		return team{}, &refused
	}
	return teams[i], nil
}

// getTeam lists the members of a team for its supervisors. The uri of members
// ends with a slash here (Finesse developer guide).
func (s *rest) getTeam(caller *user, r *http.Request) reply {
	t, refused := s.team(caller, r, func(t team) bool { return slices.Contains(caller.leading, t) })
	if refused != nil {
		return *refused
	}
	all, err := strconv.ParseBool(cmp.Or(r.URL.Query().Get("includeLoggedOutAgents"), "true"))
	if err != nil {
		return invalid("includeLoggedOutAgents", "includeLoggedOutAgents is true or false")
	}
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	doc := teamDocXML{URI: teamURI(t.id), ID: t.id, Name: t.name}
	for _, u := range s.board.users {
		if u.team == t && (all || u.signedIn()) {
			x := u.memberXML("User")
			x.URI += "/"
			doc.Members = append(doc.Members, x)
		}
	}
	return reply{status: http.StatusOK, doc: doc}
}

// getQueues may be read by anybody for anybody (Finesse developer guide).
func (s *rest) getQueues(_ *user, r *http.Request) reply {
	id := r.PathValue("id")
	u := s.board.find(id)
	if u == nil {
		return apiError(http.StatusNotFound, "User Not Found", id, "UNKNOWN_USER")
	}
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	var list queuesXML
	for _, q := range s.board.queuesOf(u) {
		list.Queues = append(list.Queues, s.board.queueXML(q, "Queue"))
	}
	return reply{status: http.StatusOK, doc: list}
}

func (s *rest) getQueue(_ *user, r *http.Request) reply {
	id := r.PathValue("id")
	i := slices.IndexFunc(s.board.queues, func(q *queue) bool { return q.id == id })
	if i < 0 {
		return apiError(http.StatusNotFound, "Not Found", id, "The queue "+id+" does not exist")
	}
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	return reply{status: http.StatusOK, doc: s.board.queueXML(s.board.queues[i], "Queue")}
}

func (s *rest) getPhoneBooks(caller *user, r *http.Request) reply {
	u, refused := s.target(caller, r)
	if refused != nil {
		return *refused
	}
	return s.phoneBooks(u.team, r)
}

// getTeamPhoneBooks are for members and supervisors of the team.
func (s *rest) getTeamPhoneBooks(caller *user, r *http.Request) reply {
	t, refused := s.team(caller, r, func(t team) bool { return caller.team == t || slices.Contains(caller.leading, t) })
	if refused != nil {
		return *refused
	}
	return s.phoneBooks(t, r)
}

// phoneBooks answers with as many contacts as the header Range asks for, which
// was necessary before Finesse 12.6(2).
func (s *rest) phoneBooks(t team, r *http.Request) reply {
	asked := r.Header.Get("Range")
	if asked == "" {
		return missing("Range", "The header Range is missing, for example objects=1-6000")
	}
	last, ok := strings.CutPrefix(asked, "objects=1-")
	n, err := strconv.Atoi(last)
	if !ok || err != nil || n < 1 || n > maxContacts {
		return apiError(http.StatusRequestedRangeNotSatisfiable, "Invalid Input", asked, "Range must be 1-6000 objects")
	}
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	list, more := s.board.phoneBooks(t, n)
	if more {
		return reply{status: http.StatusPartialContent, doc: list}
	}
	return reply{status: http.StatusOK, doc: list}
}
