package finesse

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/url"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// maxUsersBytes bounds the list of all users: 16,000 with 2 KB each. Large
// systems have many more of them than may be signed in at a time.
const maxUsersBytes = 32 << 20

// AllUsers reads every user Finesse knows, signed out ones included. Finesse
// gives the list, which is heavy, to administrators only and as a whole. It is
// sent once. No error says anything about an agent: it is GENERAL_ERROR unless
// Finesse was out of service or not reached.
func (c *Client) AllUsers(ctx context.Context, admin Credentials) ([]gc.TeamUser, error) {
	r := request{
		name: methodAllUsers, who: &admin, path: "/Users", maxBytes: maxUsersBytes, once: true, admin: true,
		missing: gc.GeneralError, denied: gc.GeneralError,
	}
	return fetch(ctx, c, r, (*usersElement).users)
}

// Team reads the members of a team, signed out ones included. Its supervisors
// may, and others where Finesse is configured so; whoever may not, and who
// names a team that does not exist, gets GENERAL_ERROR.
func (c *Client) Team(ctx context.Context, who Credentials, id gc.TeamID) ([]gc.TeamUser, error) {
	r := aboutOthers(methodTeam, who, "/Team/"+url.PathEscape(string(id))+"?includeLoggedOutAgents=true")
	return fetch(ctx, c, r, (*teamUsersElement).users)
}

// Member reads an agent of a team with the credentials of its supervisor.
// GENERAL_ERROR when who is none; USER_NOT_FOUND when Finesse does not know
// the member.
func (c *Client) Member(ctx context.Context, who Credentials, member gc.AgentID) (User, error) {
	return fetch(ctx, c, aboutMember(methodMember, who, member), alone((*userElement).user))
}

// ChangeMemberState asks for READY, NOT_READY or LOGOUT of an agent with the
// credentials of its supervisor; errors are those of Member. There is no
// reason to give: Finesse records its own, "Supervisor Initiated". LOGOUT
// during a call waits for its end. The outcome is an Update of the member and
// of its team.
func (c *Client) ChangeMemberState(ctx context.Context, who Credentials, id RequestID, member gc.AgentID, to gc.UserState) error {
	r := aboutMember(methodChangeMemberState, who, member)
	r.http, r.id, r.body = http.MethodPut, id, userRequest{State: to}
	return c.do(ctx, r)
}

// aboutOthers is a request about a team, a queue or another user.
func aboutOthers(name method, who Credentials, path string) request {
	return request{name: name, who: &who, path: path, missing: gc.GeneralError, denied: gc.GeneralError, others: true}
}

func aboutMember(name method, who Credentials, member gc.AgentID) request {
	r := aboutOthers(name, who, "/User/"+url.PathEscape(string(member)))
	r.missing = gc.UserNotFound
	return r
}

type (
	usersElement struct {
		XMLName xml.Name      `xml:"users"`
		Users   []userElement `xml:"user"`
	}

	teamUsersElement struct {
		XMLName xml.Name      `xml:"team"`
		Users   []userElement `xml:"users>user"`
	}
)

func (e *usersElement) users(out *Omissions) ([]gc.TeamUser, error) {
	return each(out, e.Users, (*userElement).teamUser), nil
}

func (e *teamUsersElement) users(out *Omissions) ([]gc.TeamUser, error) {
	return each(out, e.Users, (*userElement).teamUser), nil
}

// teamUser fails on a user without a usable id: nothing could be said of it to a
// driver.
func (e *userElement) teamUser() (gc.TeamUser, error) {
	u, err := e.user()
	return gc.TeamUser{
		LoginID:   u.LoginID,
		FirstName: u.FirstName, LastName: u.LastName,
		Extension: u.Extension,
		State:     u.State, Pending: u.PendingState,
		MediaType: string(e.MediaType),
		Changed:   u.StateChangeTime,
	}, err
}
