package finesse

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

var agent = Credentials{Agent: "1001", Password: gc.NewSecret("pass,w:rd")}

// node is a Finesse node that does what its handler says.
type node struct {
	*httptest.Server
	hits atomic.Int64
}

func startNode(t *testing.T, handler http.HandlerFunc) (*node, *Client) {
	t.Helper()
	return startNodeWith(t, handler, Options{})
}

func startNodeWith(t *testing.T, handler http.HandlerFunc, o Options) (*node, *Client) {
	t.Helper()
	n := &node{}
	n.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.hits.Add(1)
		handler(w, r)
	}))
	t.Cleanup(n.Server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(n.Certificate())
	o.BaseURL, o.TLS = n.URL, &tls.Config{RootCAs: roots}
	c, err := NewClient(o)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return n, c
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestReads(t *testing.T) {
	var got *http.Request
	var body string
	_, c := startNode(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		_, _ = io.WriteString(w, body)
	})
	asked := func(uri string) {
		t.Helper()
		require.Equal(t, "GET", got.Method)
		require.Equal(t, uri, got.URL.RequestURI())
		user, password, _ := got.BasicAuth()
		require.Equal(t, []string{"1001", "pass,w:rd"}, []string{user, password})
	}

	body = string(file(t, "user.xml"))
	u, err := c.User(t.Context(), agent)
	require.NoError(t, err)
	asked("/finesse/api/User/1001")
	require.Equal(t, User{
		LoginID: "1001001", LoginName: "csmith", FirstName: "Chris", LastName: "Smith",
		State: gc.NotReady, Extension: "1001001", ReasonCodeID: "16", StateChangeTime: at("2012-03-01T17:58:21.234Z"),
		Roles: []string{"Agent", "Supervisor"}, TeamID: "500", TeamName: "Sales", Teams: []Team{{ID: "2001", Name: "First Line"}},
		Settings: Settings{WrapUpOnIncoming: "OPTIONAL", WrapUpOnOutgoing: "NOT_ALLOWED"}, WrapUpTimer: 2 * time.Hour,
	}, u)

	body = string(file(t, "dialog.xml"))
	d, err := c.Dialog(t.Context(), agent, "154963621")
	require.NoError(t, err)
	asked("/finesse/api/Dialog/154963621")
	require.EqualValues(t, "154963621", d.ID)
	require.Empty(t, d.AssociatedDialog)
	require.Equal(t, "4085551234", d.CallbackNumber)

	body = "<Dialogs>" + body + body + "</Dialogs>"
	ds, err := c.Dialogs(t.Context(), agent)
	require.NoError(t, err)
	asked("/finesse/api/User/1001/Dialogs")
	require.Equal(t, []Dialog{d, d}, ds)

	body = "<Dialogs/>"
	ds, err = c.Dialogs(t.Context(), agent)
	require.NoError(t, err)
	require.Empty(t, ds)

	body = string(file(t, "reason_codes.xml"))
	codes, err := c.ReasonCodes(t.Context(), agent, gc.NotReadyReasons)
	require.NoError(t, err)
	asked("/finesse/api/User/1001/ReasonCodes?category=NOT_READY")
	require.Equal(t, []gc.ReasonCode{{ID: "1", Label: "Lunch"}}, codes, "the id of the uri, not the code")

	body = string(file(t, "wrap_up_reasons.xml"))
	reasons, err := c.WrapUpReasons(t.Context(), agent)
	require.NoError(t, err)
	asked("/finesse/api/User/1001/WrapUpReasons")
	require.Equal(t, []gc.ReasonCode{{ID: "205", Label: "Product Question"}, {ID: "206", Label: " Réclamation, autre "}}, reasons,
		"the label as it is, with or without a slash in front of the uri; no reason without a label")

	body = "<WrapUpReasons/>"
	reasons, err = c.WrapUpReasons(t.Context(), agent)
	require.NoError(t, err)
	require.Empty(t, reasons)

	body = string(file(t, "system_info.xml"))
	info, err := c.SystemInfo(t.Context())
	require.NoError(t, err)
	require.Equal(t, "/finesse/api/SystemInfo", got.URL.RequestURI())
	require.Empty(t, got.Header.Get("Authorization"))
	require.Equal(t, SystemInfo{
		Status: "IN_SERVICE", LastCTIHeartbeat: "success", DeploymentType: "UCCE", SystemAuthMode: "NON_SSO",
		PrimaryHost: "finA.example.com", SecondaryHost: "finB.example.com", CurrentTime: at("2019-09-17T12:46:21.311Z"),
		XMPPDomain: "finA.example.com", XMPPPubSubDomain: "pubsub.finA.example.com",
	}, info)
	require.NoError(t, info.Unusable())
}

func TestWrites(t *testing.T) {
	var got []string
	_, c := startNode(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = []string{r.Method, r.URL.RequestURI(), r.Header.Get("requestId"), r.Header.Get("Content-Type"), string(body)}
		w.WriteHeader(http.StatusAccepted)
	})
	special := Credentials{Agent: "jo o'neil@corp", Password: agent.Password}
	require.NoError(t, c.SignIn(t.Context(), agent, "r1", "2001"))
	xml := "application/xml"
	require.Equal(t, []string{"PUT", "/finesse/api/User/1001", "r1", xml, "<User><state>LOGIN</state><extension>2001</extension></User>"}, got)
	require.NoError(t, c.ChangeState(t.Context(), special, "r2", gc.NotReady, "19"))
	require.Equal(t, []string{"PUT", "/finesse/api/User/jo%20o%27neil@corp", "r2", xml, "<User><state>NOT_READY</state><reasonCodeId>19</reasonCodeId></User>"}, got)
	require.NoError(t, c.ChangeState(t.Context(), agent, "", gc.Ready, ""))
	require.Equal(t, []string{"PUT", "/finesse/api/User/1001", "", xml, "<User><state>READY</state></User>"}, got)
	for _, state := range []gc.UserState{gc.Work, gc.WorkReady} {
		require.NoError(t, c.ChangeState(t.Context(), agent, "r", state, ""))
		require.Equal(t, "<User><state>"+string(state)+"</state></User>", got[4])
	}
	require.NoError(t, c.SignInMobile(t.Context(), agent, "r5", "2001", "4085551234", CallByCall))
	require.Equal(t, []string{"PUT", "/finesse/api/User/1001", "r5", xml, "<User><state>LOGIN</state><extension>2001</extension>" +
		"<mobileAgent><mode>CALL_BY_CALL</mode><dialNumber>4085551234</dialNumber></mobileAgent></User>"}, got)
	require.NoError(t, c.MakeCall(t.Context(), agent, "r3", "2001", "<*&5>"))
	require.Equal(t, []string{"POST", "/finesse/api/User/1001/Dialogs", "r3", xml,
		"<Dialog><requestedAction>MAKE_CALL</requestedAction><fromAddress>2001</fromAddress><toAddress>&lt;*&amp;5&gt;</toAddress></Dialog>"}, got)
	for action, name := range map[Action]string{
		Answer: "ANSWER", Hold: "HOLD", Retrieve: "RETRIEVE", Drop: "DROP", Transfer: "TRANSFER", Conference: "CONFERENCE",
		Accept: "ACCEPT", Reject: "REJECT", Close: "CLOSE", DropParticipant: "PARTICIPANT_DROP",
	} {
		require.NoError(t, c.Act(t.Context(), agent, "r4", "77", action, "2001"))
		require.Equal(t, []string{"PUT", "/finesse/api/Dialog/77", "r4", xml,
			"<Dialog><requestedAction>" + name + "</requestedAction><targetMediaAddress>2001</targetMediaAddress></Dialog>"}, got)
	}
}

func TestWritesAboutASecondPartyAndCallData(t *testing.T) {
	const target = "<targetMediaAddress>2001</targetMediaAddress>"
	for _, w := range []struct {
		name string
		do   func(context.Context, *Client) error
		want string
	}{
		{"consultation", func(ctx context.Context, c *Client) error { return c.Consult(ctx, agent, "r1", "77", "2001", "2002") },
			"<requestedAction>CONSULT_CALL</requestedAction>" + target + "<toAddress>2002</toAddress>"},
		{"single step transfer", func(ctx context.Context, c *Client) error {
			return c.TransferSST(ctx, agent, "r1", "77", "2001", "2002")
		},
			"<requestedAction>TRANSFER_SST</requestedAction>" + target + "<toAddress>2002</toAddress>"},
		{"transfer needs no number", func(ctx context.Context, c *Client) error { return c.Act(ctx, agent, "r1", "77", Transfer, "2001") },
			"<requestedAction>TRANSFER</requestedAction>" + target},
		{"conference needs no number", func(ctx context.Context, c *Client) error { return c.Act(ctx, agent, "r1", "77", Conference, "2001") },
			"<requestedAction>CONFERENCE</requestedAction>" + target},
		{"wrap-up reason and variables, an empty value included", func(ctx context.Context, c *Client) error {
			return c.UpdateCallData(ctx, agent, "r1", "77", "Happy & gone", []gc.CallVariable{{Name: "callVariable1", Value: "<x>"}, {Name: "user.ecc[0]"}})
		}, "<requestedAction>UPDATE_CALL_DATA</requestedAction><mediaProperties><wrapUpReason>Happy &amp; gone</wrapUpReason><callvariables>" +
			"<CallVariable><name>callVariable1</name><value>&lt;x&gt;</value></CallVariable>" +
			"<CallVariable><name>user.ecc[0]</name><value></value></CallVariable></callvariables></mediaProperties>"},
		{"a wrap-up reason alone", func(ctx context.Context, c *Client) error {
			return c.UpdateCallData(ctx, agent, "r1", "77", "Sold", nil)
		}, "<requestedAction>UPDATE_CALL_DATA</requestedAction><mediaProperties><wrapUpReason>Sold</wrapUpReason></mediaProperties>"},
		{"variables alone leave the wrap-up reason", func(ctx context.Context, c *Client) error {
			return c.UpdateCallData(ctx, agent, "r1", "77", "", []gc.CallVariable{{Name: "callVariable1", Value: "x"}})
		}, "<requestedAction>UPDATE_CALL_DATA</requestedAction><mediaProperties><callvariables>" +
			"<CallVariable><name>callVariable1</name><value>x</value></CallVariable></callvariables></mediaProperties>"},
	} {
		t.Run(w.name, func(t *testing.T) {
			var got []string
			_, c := startNode(t, func(rw http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got = []string{r.Method, r.URL.RequestURI(), r.Header.Get("requestId"), string(body)}
				rw.WriteHeader(http.StatusAccepted)
			})
			require.NoError(t, w.do(t.Context(), c))
			require.Equal(t, []string{"PUT", "/finesse/api/Dialog/77", "r1", "<Dialog>" + w.want + "</Dialog>"}, got)
		})
	}
}

func apiErrors(errorType, message, data string) string {
	return fmt.Sprintf("<ApiErrors><ApiError><ErrorType>%s</ErrorType><ErrorMessage>%s</ErrorMessage><ErrorData>%s</ErrorData></ApiError></ApiErrors>",
		errorType, message, data)
}

func TestRefusals(t *testing.T) {
	const html = "<html><head><title>Error</title></head><body><p>no<br></body></html>"
	user := func(ctx context.Context, c *Client) error { _, err := c.User(ctx, agent); return err }
	dialog := func(ctx context.Context, c *Client) error { _, err := c.Dialog(ctx, agent, "7"); return err }
	act := func(ctx context.Context, c *Client) error { return c.Act(ctx, agent, "r", "7", Hold, "2001") }
	consult := func(ctx context.Context, c *Client) error { return c.Consult(ctx, agent, "r", "7", "2001", "5") }
	data := func(ctx context.Context, c *Client) error { return c.UpdateCallData(ctx, agent, "r", "7", "x", nil) }
	wrapUps := func(ctx context.Context, c *Client) error { _, err := c.WrapUpReasons(ctx, agent); return err }
	call := func(ctx context.Context, c *Client) error { return c.MakeCall(ctx, agent, "r", "2001", "5") }
	state := func(ctx context.Context, c *Client) error { return c.ChangeState(ctx, agent, "r", gc.Ready, "") }
	system := func(ctx context.Context, c *Client) error { _, err := c.SystemInfo(ctx); return err }
	mismatch := apiErrors("Invalid Authorization User Specified", "The user specified in the authentication credentials and the uri don't match", "4321")
	for _, c := range []struct {
		name   string
		do     func(context.Context, *Client) error
		status int
		body   string
		want   gc.Code
	}{
		{"wrong password, answered by the web server", user, 401, html, gc.SubscriptionFailed},
		{"wrong password, empty answer", state, 401, "", gc.SubscriptionFailed},
		{"wrong password or no right, which cannot be told apart", state, 401, apiErrors("Authorization Failure", "UNAUTHORIZED", "1234"), gc.SubscriptionFailed},
		{"no right to a call the agent has left keeps the session", act, 401, apiErrors("Authorization Failure", "UNAUTHORIZED", "1234"), gc.NoDialogID},
		{"a reason for a 401 nobody knows is taken for the password", user, 401, apiErrors("Novelty", "", ""), gc.SubscriptionFailed},
		{"credentials of another user", user, 401, mismatch, gc.SubscriptionFailed},
		{"a call of others keeps the session", act, 401, mismatch, gc.NoDialogID},
		{"a user who may not dial keeps the session", call, 401, mismatch, gc.GeneralError},
		{"not the agent's supervisor", state, 401, apiErrors("Invalid Supervisor", "", ""), gc.GeneralError},
		{"401 about the state", act, 401, apiErrors("Invalid State", "", ""), gc.InvalidObjectState},
		{"locked account", user, 401, apiErrors("Authorization Failure", "CF_AGENT_ACCOUNT_LOCKED_OUT", "289"), gc.AccountLocked},
		{"an account that is locked for what was asked", state, 403, apiErrors("Forbidden", "CF_AGENT_ACCOUNT_LOCKED_OUT", "289"), gc.AccountLocked},
		{"forbidden to the user", state, 403, apiErrors("Authorization Failure", "", ""), gc.SubscriptionFailed},
		{"unknown user", user, 404, apiErrors("User Not Found", "UNKNOWN_USER", "4023"), gc.UserNotFound},
		{"unknown user, without a reason", user, 404, html, gc.UserNotFound},
		{"unknown call", dialog, 404, apiErrors("Dialog Not Found", "", "7"), gc.NoDialogID},
		{"unknown call, without a reason", act, 404, "", gc.NoDialogID},
		{"unknown call, not said what", act, 404, apiErrors("Not Found", "", ""), gc.NoDialogID},
		{"web application not there yet", system, 404, html, gc.FinesseUnavailable},
		{"missing reason code", state, 400, apiErrors("Parameter Missing", "", "reasonCodeId"), gc.MissingReasonCode},
		{"bad destination", call, 400, apiErrors("Invalid Destination", "", ""), gc.BadDestination},
		{"consultation with nobody", consult, 400, apiErrors("Invalid Destination", "", ""), gc.BadDestination},
		{"consultation in an unknown call", consult, 404, "", gc.NoDialogID},
		{"data for a call of others keeps the session", data, 401, mismatch, gc.NoDialogID},
		{"wrap-up reasons of an unknown user", wrapUps, 404, html, gc.UserNotFound},
		{"wrap-up reasons that are something else", wrapUps, 200, "<ReasonCodes/>", gc.GeneralError},
		{"bad request without a reason", call, 400, html, gc.GeneralError},
		{"administrators only", user, 403, "", gc.GeneralError},
		{"internal error", user, 500, apiErrors("Internal Server Error", "RUNTIME_EXCEPTION", ""), gc.GeneralError},
		{"out of service", user, 503, apiErrors("Service Unavailable", "", ""), gc.FinesseUnavailable},
		{"out of service, without a reason", call, 503, html, gc.FinesseUnavailable},
		{"sent elsewhere", user, 302, "", gc.FinesseUnavailable},
		{"success that is a page", user, 200, html, gc.GeneralError},
		{"success without content", user, 200, "", gc.GeneralError},
		{"success about something else", user, 200, "<Dialogs/>", gc.GeneralError},
		{"success with a broken id", dialog, 200, "<Dialog><id>x</id></Dialog>", gc.GeneralError},
		{"success that never ends", user, 200, "<User>" + strings.Repeat(" ", maxBodyBytes), gc.GeneralError},
		{"an error as long as a book", user, 500, "<ApiErrors>" + strings.Repeat(" ", maxBodyBytes), gc.GeneralError},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, client := startNodeWith(t, answer(c.status, c.body), Options{Retries: 3})
			err := c.do(t.Context(), client)
			var protocol *gc.Error
			require.ErrorAs(t, err, &protocol)
			require.Equal(t, c.want, protocol.Code, err.Error())
			passwordRefused := c.status == 401 && (c.want == gc.SubscriptionFailed || c.want == gc.AccountLocked)
			require.Equal(t, passwordRefused, errors.Is(err, ErrPasswordRefused), "only a 401 means the password")
			require.EqualValues(t, 1, n.hits.Load(), "a refusal is not asked for twice")
			require.NotContains(t, err.Error(), "pass,w")
			require.Less(t, len(err.Error()), 1000)
		})
	}
}

func TestWhatFinesseSaidIsInTheChain(t *testing.T) {
	_, c := startNode(t, answer(400, apiErrors("Invalid Input", "bad", "x")))
	var said APIError
	require.ErrorAs(t, c.SignIn(t.Context(), agent, "r", "2001"), &said)
	require.Equal(t, APIError{Type: "Invalid Input", Message: "bad", Data: "x"}, said)
}

func TestOnlyReadsAndChangesOfStateAreRepeatedAndOnlyOnATimeOut(t *testing.T) {
	unproved := agent
	unproved.Unproved = true
	for _, c := range []struct {
		name string
		do   func(*Client) error
		want int64
	}{
		{"User, with a password that may be wrong", func(c *Client) error { _, err := c.User(t.Context(), unproved); return err }, 1},
		{"SignIn, with one", func(c *Client) error { return c.SignIn(t.Context(), unproved, "r", "2001") }, 1},
		{"User", func(c *Client) error { _, err := c.User(t.Context(), agent); return err }, 3},
		{"Dialogs", func(c *Client) error { _, err := c.Dialogs(t.Context(), agent); return err }, 3},
		{"SystemInfo", func(c *Client) error { _, err := c.SystemInfo(t.Context()); return err }, 3},
		{"SignIn", func(c *Client) error { return c.SignIn(t.Context(), agent, "r", "2001") }, 3},
		{"ChangeState", func(c *Client) error { return c.ChangeState(t.Context(), agent, "r", gc.Ready, "") }, 3},
		{"MakeCall", func(c *Client) error { return c.MakeCall(t.Context(), agent, "r", "2001", "5") }, 1},
		{"Act Answer", func(c *Client) error { return c.Act(t.Context(), agent, "r", "7", Answer, "2001") }, 1},
		{"Act Drop", func(c *Client) error { return c.Act(t.Context(), agent, "r", "7", Drop, "2001") }, 1},
		{"Act Transfer", func(c *Client) error { return c.Act(t.Context(), agent, "r", "7", Transfer, "2001") }, 1},
		{"Consult", func(c *Client) error { return c.Consult(t.Context(), agent, "r", "7", "2001", "5") }, 1},
		{"TransferSST", func(c *Client) error { return c.TransferSST(t.Context(), agent, "r", "7", "2001", "5") }, 1},
		{"UpdateCallData", func(c *Client) error { return c.UpdateCallData(t.Context(), agent, "r", "7", "x", nil) }, 3},
		{"WrapUpReasons", func(c *Client) error { _, err := c.WrapUpReasons(t.Context(), agent); return err }, 3},
		{"SignInMobile", func(c *Client) error { return c.SignInMobile(t.Context(), agent, "r", "2001", "5", CallByCall) }, 3},
		{"Act Hold", func(c *Client) error { return c.Act(t.Context(), agent, "r", "7", Hold, "2001") }, 1},
		{"Act Accept", func(c *Client) error { return c.Act(t.Context(), agent, "r", "7", Accept, "2001") }, 1},
		{"Act DropParticipant", func(c *Client) error { return c.Act(t.Context(), agent, "r", "7", DropParticipant, "2002") }, 1},
		{"SilentMonitor", func(c *Client) error { return c.SilentMonitor(t.Context(), agent, "r", "2001", "2002") }, 1},
		{"BargeIn", func(c *Client) error { return c.BargeIn(t.Context(), agent, "r", "2001", "2002", "7") }, 1},
		{"Team", func(c *Client) error { _, err := c.Team(t.Context(), agent, "5"); return err }, 3},
		{"Member", func(c *Client) error { _, err := c.Member(t.Context(), agent, "1002"); return err }, 3},
		{"ChangeMemberState", func(c *Client) error { return c.ChangeMemberState(t.Context(), agent, "r", "1002", gc.Ready) }, 3},
		{"Queues", func(c *Client) error { _, err := c.Queues(t.Context(), agent); return err }, 3},
		{"PhoneBooks", func(c *Client) error { _, err := c.PhoneBooks(t.Context(), agent); return err }, 3},
		{"TeamPhoneBooks", func(c *Client) error { _, err := c.TeamPhoneBooks(t.Context(), agent, "5"); return err }, 3},
		{"AllUsers, which is heavy", func(c *Client) error { _, err := c.AllUsers(t.Context(), agent); return err }, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			release := make(chan struct{})
			silent, client := startNodeWith(t, func(http.ResponseWriter, *http.Request) { <-release },
				Options{Timeout: 300 * time.Millisecond, Retries: 2}) // time for a handshake on a busy machine
			require.Equal(t, gc.NotReachable, gc.CodeOf(c.do(client)))
			close(release)
			require.Equal(t, c.want, silent.hits.Load())

			cutting, client := startNodeWith(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.ReadAll(r.Body)
				conn, _, err := w.(http.Hijacker).Hijack()
				if err == nil {
					conn.Close()
				}
			}, Options{Retries: 2})
			require.Equal(t, gc.Down, gc.CodeOf(c.do(client)))
			require.EqualValues(t, 1, cutting.hits.Load(), "a cut is not repeated")
		})
	}
}

func TestASecondAttemptThatWorksIsASuccess(t *testing.T) {
	release := make(chan struct{})
	var attempts atomic.Int64
	_, c := startNodeWith(t, func(w http.ResponseWriter, _ *http.Request) {
		if attempts.Add(1) == 1 {
			<-release
		}
		w.WriteHeader(http.StatusAccepted)
	}, Options{Timeout: 100 * time.Millisecond, Retries: 1})
	err := c.SignIn(t.Context(), agent, "r", "2001")
	close(release)
	require.NoError(t, err)
}

func TestABodyThatDripsIsCutAtTheTimeOut(t *testing.T) {
	release := make(chan struct{})
	_, c := startNodeWith(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<User>")
		_ = http.NewResponseController(w).Flush()
		<-release
	}, Options{Timeout: 50 * time.Millisecond})
	_, err := c.User(t.Context(), agent)
	close(release)
	require.Equal(t, gc.NotReachable, gc.CodeOf(err))
}

func TestAContextThatEndsStopsTheRepetition(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	n, c := startNodeWith(t, func(http.ResponseWriter, *http.Request) { cancel(); <-release }, Options{Retries: 5})
	_, err := c.User(ctx, agent)
	close(release)
	require.ErrorIs(t, err, context.Canceled)
	require.EqualValues(t, 1, n.hits.Load())
}

// Who may be no owner any more reads, and changes nothing.
func TestWhatChangesSomethingWaitsForBefore(t *testing.T) {
	refusal := gc.Retry(gc.NotServed, "ask", "not the owner")
	n, c := startNodeWith(t, answer(http.StatusAccepted, ""), Options{Before: func(context.Context) error { return refusal }})
	require.ErrorIs(t, c.ChangeState(t.Context(), agent, "id", gc.Ready, ""), refusal)
	require.ErrorIs(t, c.MakeCall(t.Context(), agent, "id", "2001", "4085551234"), refusal)
	require.Zero(t, n.hits.Load())
	_, err := c.User(t.Context(), agent)
	require.NotErrorIs(t, err, refusal)
	require.EqualValues(t, 1, n.hits.Load())
}

func TestANodeThatIsNotThereIsDown(t *testing.T) {
	n, c := startNode(t, answer(200, ""))
	n.Server.Close()
	_, err := c.SystemInfo(t.Context())
	require.Equal(t, gc.Down, gc.CodeOf(err))
}

func TestACertificateThatIsNotTrustedIsExplained(t *testing.T) {
	n, _ := startNode(t, answer(200, ""))
	roots := x509.NewCertPool()
	roots.AddCert(n.Certificate())
	for want, base := range map[string]Options{
		"add the CA of the certificate to finesse.ca_file": {BaseURL: n.URL},
		"use the name in the certificate in finesse.nodes": {BaseURL: strings.Replace(n.URL, "127.0.0.1", "localhost", 1), TLS: &tls.Config{RootCAs: roots}},
	} {
		c, err := NewClient(base)
		require.NoError(t, err)
		_, err = c.SystemInfo(t.Context())
		require.Equal(t, gc.Down, gc.CodeOf(err))
		require.Equal(t, want, Trouble(err).Next)
		require.ErrorContains(t, err, strings.TrimPrefix(base.BaseURL, "https://"), "the node is named")
	}
}

func TestThePasswordGoesNowhereElse(t *testing.T) {
	other, _ := startNode(t, answer(200, ""))
	_, c := startNode(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	_, err := c.User(t.Context(), agent)
	require.ErrorContains(t, err, "finesse.nodes")
	require.Zero(t, other.hits.Load(), "a redirect is not followed")
}

func TestOldTLSIsRefused(t *testing.T) {
	server := httptest.NewUnstartedServer(answer(200, ""))
	server.TLS = &tls.Config{MaxVersion: tls.VersionTLS11}
	server.Config.ErrorLog = nil
	server.StartTLS()
	defer server.Close()
	c, err := NewClient(Options{BaseURL: server.URL, TLS: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}})
	require.NoError(t, err)
	_, err = c.SystemInfo(t.Context())
	require.Equal(t, gc.Down, gc.CodeOf(err))
	require.ErrorContains(t, err, "protocol version")
}

func TestNoAgentWaitsForAnother(t *testing.T) {
	const agents = 300
	release, in := make(chan struct{}), make(chan struct{}, agents)
	_, c := startNodeWith(t, func(w http.ResponseWriter, r *http.Request) {
		if user, _, _ := r.BasicAuth(); user != "fast" {
			in <- struct{}{}
			<-release
		}
		w.WriteHeader(http.StatusAccepted)
	}, Options{Timeout: 30 * time.Second})
	var slow sync.WaitGroup
	for range agents {
		slow.Go(func() { _ = c.SignIn(t.Context(), agent, "r", "2001") })
	}
	for range agents {
		<-in
	}
	err := c.SignIn(t.Context(), Credentials{Agent: "fast"}, "r", "2001")
	close(release)
	slow.Wait()
	require.NoError(t, err)
}

func TestRequestsAreCountedByWhatTheyAskForAndHowTheyEnd(t *testing.T) {
	registry := prometheus.NewRegistry()
	status, body := 401, ""
	n, c := startNodeWith(t, func(w http.ResponseWriter, r *http.Request) { answer(status, body)(w, r) }, Options{Registerer: registry})
	count := func(m method, r result) float64 {
		return testutil.ToFloat64(c.metrics.requests.WithLabelValues(string(m), string(r)))
	}
	for _, step := range []struct {
		status int
		body   string
		want   result
	}{
		{401, "", resultDenied}, {404, "", resultRefused}, {503, "", resultUnavailable}, {200, "<x/>", resultMalformed},
		{200, "<User><loginId>1</loginId></User>", resultOK},
	} {
		status, body = step.status, step.body
		_, _ = c.User(t.Context(), agent)
		require.Equal(t, 1.0, count(methodUser, step.want))
	}
	n.Server.Close()
	_, _ = c.User(t.Context(), agent)
	require.Equal(t, 1.0, count(methodUser, resultIO))
	require.Equal(t, len(allMethods)*len(allResults), testutil.CollectAndCount(c.metrics.requests), "the series are a closed set, there from the start")

	second, err := NewClient(Options{BaseURL: "https://other:8445", Registerer: registry})
	require.NoError(t, err)
	require.Same(t, c.metrics.requests, second.metrics.requests, "clients of two nodes share them")
}

func TestNewClientRefusesWhatCanNotWork(t *testing.T) {
	for _, o := range []Options{
		{}, {BaseURL: "http://host"}, {BaseURL: "https://"}, {BaseURL: "https://u:secret@host"}, {BaseURL: "https://host/path"},
		{BaseURL: "https://u:secret@ho st"}, {BaseURL: "https://host", Retries: -1}, {BaseURL: "https://host", Timeout: -1},
	} {
		_, err := NewClient(o)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestRequestIDsDiffer(t *testing.T) { require.NotEqual(t, NewRequestID(), NewRequestID()) }

// One odd element among good ones, and one character that XML has no place for: the
// list is read without, and it is counted and said once.
func TestAListIsReadWithoutWhatCannotBeRead(t *testing.T) {
	const odd = "&#11;"
	core, logs := observer.New(zap.DebugLevel)
	var body string
	_, c := startNodeWith(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }, Options{Logger: zap.New(core)})
	for _, l := range []struct {
		rule, body string
		read       func() (any, error)
		want       any
		elements   float64
	}{
		{"dialogs", "<Dialogs><Dialog><id>1</id><toAddress>" + odd + "</toAddress></Dialog><Dialog><id>x</id></Dialog><Dialog><id>2</id></Dialog></Dialogs>",
			func() (any, error) { return c.Dialogs(t.Context(), agent) }, []Dialog{{ID: "1", ToAddress: "\uFFFD"}, {ID: "2"}}, 1},
		{"dialogs, of which none can be read", "<Dialogs><Dialog>" + odd + "</Dialog></Dialogs>",
			func() (any, error) { return c.Dialogs(t.Context(), agent) }, []Dialog{}, 1},
		{"a user", "<User><loginId>1001</loginId><lastName>" + odd + "</lastName><roles><role>Agent</role></roles></User>",
			func() (any, error) { return c.User(t.Context(), agent) }, User{LoginID: "1001", LastName: "\uFFFD", Roles: []string{"Agent"}}, 0},
		{"the users of a team", "<Team><users><User><loginId>#</loginId></User><User><loginId>7</loginId><firstName>" + odd + "</firstName></User></users></Team>",
			func() (any, error) { return c.Team(t.Context(), agent, "1") }, []gc.TeamUser{{LoginID: "7", FirstName: "\uFFFD"}}, 1},
		{"all users", "<Users><User><lastName>" + odd + "</lastName></User><User><loginId>7</loginId></User></Users>",
			func() (any, error) { return c.AllUsers(t.Context(), agent) }, []gc.TeamUser{{LoginID: "7"}}, 1},
		{"reason codes", "<ReasonCodes><ReasonCode><uri>/x/-1</uri></ReasonCode><ReasonCode><uri>/x/2</uri><label>" + odd + "</label></ReasonCode></ReasonCodes>",
			func() (any, error) { return c.ReasonCodes(t.Context(), agent, gc.NotReadyReasons) }, []gc.ReasonCode{{ID: "2", Label: "\uFFFD"}}, 1},
		{"wrap-up reasons", "<WrapUpReasons><WrapUpReason><uri>/x/1</uri></WrapUpReason><WrapUpReason><uri>/x/2</uri><label>" + odd + "</label></WrapUpReason></WrapUpReasons>",
			func() (any, error) { return c.WrapUpReasons(t.Context(), agent) }, []gc.ReasonCode{{ID: "2", Label: "\uFFFD"}}, 1},
		{"phone books", "<PhoneBooks><PhoneBook><name>" + odd + "</name><contacts><Contact/><Contact><lastName>A</lastName></Contact></contacts></PhoneBook></PhoneBooks>",
			func() (any, error) { return c.PhoneBooks(t.Context(), agent) }, []PhoneBook{{Phonebook: gc.Phonebook{Name: "\uFFFD"}, Contacts: []gc.Contact{{}, {LastName: "A"}}}}, 0},
		{"queues", "<Queues><Queue><name>" + odd + "</name><statistics/></Queue></Queues>",
			func() (any, error) {
				queues, err := c.Queues(t.Context(), agent)
				return len(queues), err
			}, 1, 0},
	} {
		t.Run(l.rule, func(t *testing.T) {
			characters, elements := c.metrics.unreadable[unreadableCharacters], c.metrics.unreadable[unreadableElements]
			oddBefore, leftOutBefore := testutil.ToFloat64(characters), testutil.ToFloat64(elements)
			body = l.body
			got, err := l.read()
			require.NoError(t, err)
			require.Equal(t, l.want, got)
			require.Equal(t, 1.0, testutil.ToFloat64(characters)-oddBefore)
			require.Equal(t, l.elements, testutil.ToFloat64(elements)-leftOutBefore)
		})
	}
	require.Equal(t, 1, logs.Len(), "said once")
}

// A queue that Finesse does not want to tell of costs its own numbers.
func TestAQueueThatIsRefusedCostsItself(t *testing.T) {
	_, c := startNode(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/Queues"):
			_, _ = io.WriteString(w, "<Queues><Queue><uri>/q/odd</uri></Queue><Queue><uri>/q/2</uri></Queue></Queues>")
		case strings.HasSuffix(r.URL.Path, "/odd"):
			answer(400, "<ApiErrors><ApiError><ErrorType>Invalid Input</ErrorType></ApiError></ApiErrors>")(w, r)
		default:
			_, _ = io.WriteString(w, "<Queue><statistics><callsInQueue>3</callsInQueue></statistics></Queue>")
		}
	})
	queues, err := c.Queues(t.Context(), agent)
	require.NoError(t, err)
	require.Equal(t, []int{-1, 3}, []int{queues[0].CallsInQueue, queues[1].CallsInQueue})
}
