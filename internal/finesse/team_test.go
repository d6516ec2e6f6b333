package finesse

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

var (
	supervisor    = Credentials{Agent: "2001", Password: gc.NewSecret("pass,w:rd")}
	administrator = Credentials{Agent: "administrator", Password: gc.NewSecret("pass,w:rd")}
)

// asked is what a node saw of a request.
type asked struct{ method, uri, user, id, objects, body string }

// record keeps the last request and answers it.
func record(got *asked, status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		user, _, _ := r.BasicAuth()
		*got = asked{r.Method, r.URL.RequestURI(), user, r.Header.Get("requestId"), r.Header.Get("Range"), string(b)}
		answer(status, body)(w, r)
	}
}

var members = []gc.TeamUser{
	{LoginID: "1235", FirstName: "Jack", LastName: "Brawn", Extension: "1001002", State: gc.NotReady, Pending: gc.LoggedOut,
		MediaType: "1", Changed: at("2012-03-01T18:22:25.123Z")},
	{LoginID: "1236", FirstName: "Zoë", LastName: "R&D", State: gc.LoggedOut},
}

func TestMembersOfATeam(t *testing.T) {
	var got asked
	_, c := startNode(t, record(&got, 200, string(file(t, "team.xml"))))
	users, err := c.Team(t.Context(), supervisor, "34")
	require.NoError(t, err)
	require.Equal(t, asked{method: "GET", uri: "/finesse/api/Team/34?includeLoggedOutAgents=true", user: "2001"}, got)
	require.Equal(t, members, users, "an id may stand in the uri only; a user whose id no driver could read is left out")
}

func TestATeamOfNobody(t *testing.T) {
	for name, body := range map[string]string{
		"no users": "<Team><id>34</id><users/></Team>", "not even the element": "<Team><id>34</id></Team>",
	} {
		_, c := startNode(t, answer(200, body))
		users, err := c.Team(t.Context(), supervisor, "34")
		require.NoError(t, err, name)
		require.Empty(t, users, name)
	}
}

func TestAllUsers(t *testing.T) {
	list := strings.TrimSuffix(string(file(t, "team.xml")), "</Team>\n")
	list = "<Users>" + list[strings.Index(list, "<User>"):strings.Index(list, "</users>")] + "</Users>"
	var got asked
	_, c := startNode(t, record(&got, 200, list))
	users, err := c.AllUsers(t.Context(), administrator)
	require.NoError(t, err)
	require.Equal(t, asked{method: "GET", uri: "/finesse/api/Users", user: "administrator"}, got)
	require.Equal(t, members, users, "signed out ones too")
}

func TestTheListOfAllUsersMayBeLongerThanOtherAnswers(t *testing.T) {
	list := "<Users><User><loginId>1</loginId></User><!--" + strings.Repeat(" ", maxBodyBytes) + "--></Users>"
	_, c := startNodeWith(t, answer(200, list), Options{Timeout: time.Minute})
	users, err := c.AllUsers(t.Context(), administrator)
	require.NoError(t, err)
	require.Len(t, users, 1)

	_, c = startNodeWith(t, answer(200, "<Users>"+strings.Repeat(" ", maxUsersBytes)), Options{Timeout: time.Minute})
	_, err = c.AllUsers(t.Context(), administrator)
	require.Equal(t, gc.GeneralError, codeOf(t, err))
	require.ErrorIs(t, err, errTooLarge)
}

func TestAMember(t *testing.T) {
	var got asked
	_, c := startNode(t, record(&got, 200, string(file(t, "user.xml"))))
	u, err := c.Member(t.Context(), supervisor, "jo o'neil@corp")
	require.NoError(t, err)
	require.Equal(t, asked{method: "GET", uri: "/finesse/api/User/jo%20o%27neil@corp", user: "2001"}, got)
	require.EqualValues(t, "1001001", u.LoginID)
}

func TestTheStateOfAMember(t *testing.T) {
	for _, state := range []gc.UserState{gc.Ready, gc.NotReady, gc.LoggedOut} {
		var got asked
		_, c := startNode(t, record(&got, 202, ""))
		require.NoError(t, c.ChangeMemberState(t.Context(), supervisor, "r1", "1002", state))
		require.Equal(t, asked{method: "PUT", uri: "/finesse/api/User/1002", user: "2001", id: "r1",
			body: "<User><state>" + string(state) + "</state></User>"}, got, "Finesse refuses a reason here")
	}
}

// codeOf is what a driver is told about an error, which there has to be.
func codeOf(t *testing.T, err error) gc.Code {
	t.Helper()
	require.Error(t, err)
	return gc.CodeOf(err)
}

// page is what the web server in front of Finesse answers to a wrong password.
const page = "<!doctype html><html><head><title>HTTP Status 401 – Unauthorized</title></head><body><hr class=\"line\" /></body></html>"

// TestWhatA401Means: a driver that is told SUBSCRIPTION_FAILED loses its
// session, so a supervisor who reaches too far must not be told so, and who
// has a wrong password must.
func TestWhatA401Means(t *testing.T) {
	type request struct {
		name string
		do   func(context.Context, *Client) error
		// What it means that Finesse names the reason, and that it says
		// "Authorization Failure", which may mean the password.
		mismatch, failure gc.Code
	}
	requests := []request{
		{"Team", func(ctx context.Context, c *Client) error { _, err := c.Team(ctx, supervisor, "5"); return err }, gc.GeneralError, gc.GeneralError},
		{"Member", func(ctx context.Context, c *Client) error { _, err := c.Member(ctx, supervisor, "1002"); return err }, gc.GeneralError, gc.GeneralError},
		{"ChangeMemberState", func(ctx context.Context, c *Client) error {
			return c.ChangeMemberState(ctx, supervisor, "r", "1002", gc.Ready)
		}, gc.GeneralError, gc.GeneralError},
		{"TeamPhoneBooks", func(ctx context.Context, c *Client) error {
			_, err := c.TeamPhoneBooks(ctx, supervisor, "5")
			return err
		}, gc.GeneralError, gc.GeneralError},
		{"SilentMonitor", func(ctx context.Context, c *Client) error {
			return c.SilentMonitor(ctx, supervisor, "r", "2001", "2002")
		}, gc.GeneralError, gc.GeneralError},
		{"BargeIn", func(ctx context.Context, c *Client) error {
			return c.BargeIn(ctx, supervisor, "r", "2001", "2002", "7")
		}, gc.GeneralError, gc.GeneralError},
		{"Act", func(ctx context.Context, c *Client) error {
			return c.Act(ctx, supervisor, "r", "7", DropParticipant, "2002")
		}, gc.NoDialogID, gc.NoDialogID},
		// About the user itself there is nothing else it could be.
		{"User", func(ctx context.Context, c *Client) error { _, err := c.User(ctx, supervisor); return err }, gc.SubscriptionFailed, gc.SubscriptionFailed},
		{"PhoneBooks", func(ctx context.Context, c *Client) error { _, err := c.PhoneBooks(ctx, supervisor); return err }, gc.SubscriptionFailed, gc.SubscriptionFailed},
		{"Queues", func(ctx context.Context, c *Client) error { _, err := c.Queues(ctx, supervisor); return err }, gc.SubscriptionFailed, gc.SubscriptionFailed},
	}
	for _, r := range requests {
		for _, c := range []struct {
			name   string
			status int
			body   string
			want   gc.Code
		}{
			{"the web server's page is about the password", 401, page, gc.SubscriptionFailed},
			{"so is no body", 401, "", gc.SubscriptionFailed},
			{"so is a reason nobody knows", 401, apiErrors("Novelty", "", ""), gc.SubscriptionFailed},
			{"not the supervisor", 401, apiErrors("Invalid Supervisor", "", "1002"), gc.GeneralError},
			{"not the administrator", 401, apiErrors("Unauthorized", "", "1002"), gc.GeneralError},
			{"another user's path", 401, apiErrors("Invalid Authorization User Specified", "", "1002"), r.mismatch},
			{"no right or no password", 401, apiErrors("Authorization Failure", "UNAUTHORIZED", "2001"), r.failure},
			{"the same as a 403", 403, apiErrors("Authorization Failure", "UNAUTHORIZED", "2001"), r.failure},
			{"a 403 without a reason", 403, page, gc.GeneralError},
			{"the locked account", 401, apiErrors("Authorization Failure", "CF_AGENT_ACCOUNT_LOCKED_OUT", "289"), gc.AccountLocked},
			{"the state", 401, apiErrors("Invalid State", "", ""), gc.InvalidObjectState},
		} {
			t.Run(r.name+": "+c.name, func(t *testing.T) {
				n, client := startNodeWith(t, answer(c.status, c.body), Options{Retries: 2})
				err := r.do(t.Context(), client)
				require.Equal(t, c.want, codeOf(t, err), "%v", err)
				require.EqualValues(t, 1, n.hits.Load())
			})
		}
	}
}

// TestTheAdministratorIsNobodysAgent: none of the codes that speak of an agent
// may come out of the administrator's request.
func TestTheAdministratorIsNobodysAgent(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   gc.Code
		advice bool
	}{
		{"wrong password", 401, page, gc.GeneralError, true},
		{"no body", 401, "", gc.GeneralError, true},
		{"an agent's credentials", 401, apiErrors("Unauthorized", "", ""), gc.GeneralError, true},
		{"no right", 401, apiErrors("Authorization Failure", "UNAUTHORIZED", ""), gc.GeneralError, true},
		{"locked account", 401, apiErrors("Authorization Failure", "CF_AGENT_ACCOUNT_LOCKED_OUT", "289"), gc.GeneralError, true},
		{"secondary node", 403, apiErrors("Forbidden", "", ""), gc.GeneralError, true},
		{"secondary node, in other words", 403, apiErrors("Authorization Failure", "", ""), gc.GeneralError, true},
		{"unknown user", 404, apiErrors("User Not Found", "UNKNOWN_USER", ""), gc.GeneralError, false},
		{"no such list", 404, page, gc.GeneralError, false},
		{"bad request", 400, apiErrors("Bad Request", "", ""), gc.GeneralError, false},
		{"internal error", 500, page, gc.GeneralError, false},
		{"out of service", 503, page, gc.FinesseUnavailable, false},
		{"out of service, in words", 500, apiErrors("Internal Server Error", "AWS_SERVICE_UNAVAILABLE", ""), gc.FinesseUnavailable, false},
		{"something else", 200, "<Team/>", gc.GeneralError, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, client := startNode(t, answer(c.status, c.body))
			_, err := client.AllUsers(t.Context(), administrator)
			require.Equal(t, c.want, codeOf(t, err), "%v", err)
			require.Equal(t, c.advice, errors.Is(err, ErrNotAdministrator), err)
		})
	}
}

// Anybody can have each agent who works ask for all users: a wrong password is
// put once, and the refusal is not forgotten.
func TestTheAdministratorAsksOneAtATime(t *testing.T) {
	node, client := startNode(t, answer(401, ""))
	a := NewAdministrator(client, administrator)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, err := a.AllUsers(t.Context())
			assert.Equal(t, gc.GeneralError, gc.CodeOf(err))
		})
	}
	all.Wait()
	require.EqualValues(t, 1, node.hits.Load())

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	a.turn <- struct{}{} // somebody asks
	_, err := a.AllUsers(ended)
	require.Equal(t, gc.Down, gc.CodeOf(err), "nobody waits longer than its session")
}

func TestRefusalsAboutOthers(t *testing.T) {
	team := func(ctx context.Context, c *Client) error { _, err := c.Team(ctx, supervisor, "5"); return err }
	member := func(ctx context.Context, c *Client) error { _, err := c.Member(ctx, supervisor, "1002"); return err }
	state := func(ctx context.Context, c *Client) error {
		return c.ChangeMemberState(ctx, supervisor, "r", "1002", gc.NotReady)
	}
	for _, c := range []struct {
		name   string
		do     func(context.Context, *Client) error
		status int
		body   string
		want   gc.Code
	}{
		{"unknown team", team, 404, apiErrors("Not Found", "", "5"), gc.GeneralError},
		{"unknown team, without a reason", team, 404, page, gc.GeneralError},
		{"a team that is something else", team, 200, "<Users/>", gc.GeneralError},
		{"team of a node out of service", team, 503, page, gc.FinesseUnavailable},
		{"unknown member", member, 404, apiErrors("User Not Found", "UNKNOWN_USER", "1002"), gc.UserNotFound},
		{"unknown member, without a reason", member, 404, page, gc.UserNotFound},
		{"a member without an id", member, 200, "<User/>", gc.GeneralError},
		{"change of an unknown member", state, 404, apiErrors("User Not Found", "UNKNOWN_USER", "1002"), gc.UserNotFound},
		{"change that the state forbids", state, 400, apiErrors("Invalid State", "", ""), gc.InvalidObjectState},
		{"change that cannot be", state, 400, apiErrors("Invalid Input", "", "state"), gc.PleaseRetry},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, client := startNode(t, answer(c.status, c.body))
			require.Equal(t, c.want, codeOf(t, c.do(t.Context(), client)))
		})
	}
}
