package simulator

import (
	"encoding/xml"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func TestSystemInfoNeedsNoPassword(t *testing.T) {
	s := start(t)
	d := as(t, s, "")
	a := d.do("GET", "/SystemInfo", "")
	require.Equal(t, http.StatusOK, a.status)
	var info systemInfoXML
	require.NoError(t, xml.Unmarshal([]byte(a.body), &info))
	require.Equal(t, gc.InService, info.Status)
	require.Equal(t, "finesse.local", info.XMPPDomain)
	require.Equal(t, "pubsub.finesse.local", info.XMPPPubSubDomain)
	require.Equal(t, "UCCE", info.DeploymentType)
	require.NotContains(t, a.body, "secondaryNode")
}

func TestRequestsThatAreRefusedAtOnce(t *testing.T) {
	s := start(t)
	readyAgent(t, s, "1001", "7001")
	id := string(place(t, s, "1001", Call{From: "4085551234"}))
	require.Eventually(t, func() bool { return len(s.Agents()[0].Calls) == 1 }, 5*time.Second, time.Millisecond)

	dialog := func(inner string) string { return "<Dialog>" + inner + "</Dialog>" }
	makeCall := func(from, to, rest string) string {
		return dialog("<requestedAction>MAKE_CALL</requestedAction><fromAddress>" + from + "</fromAddress><toAddress>" + to + "</toAddress>" + rest)
	}
	mobile := func(state, mode, number string) string {
		return "<User><state>" + state + "</state><extension>7001</extension><mobileAgent><mode>" + mode + "</mode><dialNumber>" + number + "</dialNumber></mobileAgent></User>"
	}
	data := func(names ...string) string {
		var b strings.Builder
		for _, n := range names {
			b.WriteString("<CallVariable><name>" + n + "</name><value>" + strings.Repeat("é", 21) + "</value></CallVariable>")
		}
		return dialog("<requestedAction>UPDATE_CALL_DATA</requestedAction><mediaProperties><callvariables>" + b.String() + "</callvariables></mediaProperties>")
	}
	for name, c := range map[string]struct {
		user, method, path, body string
		status                   int
		want                     string // type|data
	}{
		"acting for another agent":        {"1001", "PUT", "/User/1002", "<User><state>READY</state></User>", 401, "Invalid Authorization User Specified|1002"},
		"reading another agent":           {"1001", "GET", "/User/1002", "", 401, "Invalid Authorization User Specified|1002"},
		"unknown user":                    {"1001", "GET", "/User/4023", "", 404, "User Not Found|4023"},
		"no state":                        {"1001", "PUT", "/User/1001", "<User></User>", 400, "Parameter Missing|state"},
		"unknown state":                   {"1001", "PUT", "/User/1001", "<User><state>ASLEEP</state></User>", 400, "Invalid Input|state"},
		"sign in without extension":       {"1001", "PUT", "/User/1001", "<User><state>LOGIN</state></User>", 400, "Parameter Missing|extension"},
		"a code instead of the id":        {"1001", "PUT", "/User/1001", "<User><state>NOT_READY</state><reasonCodeId>12</reasonCodeId></User>", 400, "Invalid Input|reasonCodeId"},
		"a reason of the other category":  {"1001", "PUT", "/User/1001", "<User><state>LOGOUT</state><reasonCodeId>1</reasonCodeId></User>", 400, "Invalid Input|reasonCodeId"},
		"a reason with READY":             {"1001", "PUT", "/User/1001", "<User><state>READY</state><reasonCodeId>1</reasonCodeId></User>", 400, "Invalid Input|reasonCodeId"},
		"not XML":                         {"1001", "PUT", "/User/1001", "{}", 400, "Bad Request|"},
		"wrong root":                      {"1001", "PUT", "/User/1001", "<Dialog/>", 400, "Bad Request|"},
		"too long":                        {"1001", "PUT", "/User/1001", "<User>" + strings.Repeat(" ", maxBody) + "</User>", 400, "Bad Request|"},
		"reason codes without category":   {"1001", "GET", "/User/1001/ReasonCodes", "", 400, "Parameter Missing|category"},
		"reason codes of no category":     {"1001", "GET", "/User/1001/ReasonCodes?category=ALL", "", 400, "Invalid Input|category"},
		"call without action":             {"1001", "POST", "/User/1001/Dialogs", dialog(""), 400, "Parameter Missing|requestedAction"},
		"call with unknown action":        {"1001", "POST", "/User/1001/Dialogs", dialog("<requestedAction>YELL</requestedAction>"), 400, "Invalid Input|requestedAction"},
		"call from nowhere":               {"1001", "POST", "/User/1001/Dialogs", makeCall("", "7002", ""), 400, "Parameter Missing|fromAddress"},
		"call to nowhere":                 {"1001", "POST", "/User/1001/Dialogs", makeCall("7001", "", ""), 400, "Parameter Missing|toAddress"},
		"call to oneself":                 {"1001", "POST", "/User/1001/Dialogs", makeCall("7001", "7001", ""), 400, "Invalid Destination|7001"},
		"call from another extension":     {"1001", "POST", "/User/1001/Dialogs", makeCall("7009", "7002", ""), 400, "Invalid Input|fromAddress"},
		"call while signed out":           {"1003", "POST", "/User/1003/Dialogs", makeCall("7003", "7002", ""), 400, "Invalid State|LOGOUT"},
		"call to a number beyond ASCII":   {"1001", "POST", "/User/1001/Dialogs", makeCall("7001", "70é2", ""), 400, "Invalid Input|toAddress"},
		"call with wrap-up":               {"1001", "POST", "/User/1001/Dialogs", makeCall("7001", "7002", "<mediaProperties><wrapUpReason>x</wrapUpReason></mediaProperties>"), 400, "Invalid Input|wrapUpReason"},
		"unknown dialog":                  {"1001", "GET", "/Dialog/1", "", 404, "Dialog Not Found|1"},
		"another agent's dialog":          {"1002", "GET", "/Dialog/" + id, "", 401, "Authorization Failure|1002"},
		"action for another's dialog":     {"1002", "PUT", "/Dialog/" + id, dialog("<requestedAction>ANSWER</requestedAction>"), 401, "Authorization Failure|1002"},
		"action without target":           {"1001", "PUT", "/Dialog/" + id, dialog("<requestedAction>ANSWER</requestedAction>"), 400, "Parameter Missing|targetMediaAddress"},
		"action with another's extension": {"1001", "PUT", "/Dialog/" + id, dialog("<requestedAction>ANSWER</requestedAction><targetMediaAddress>7009</targetMediaAddress>"), 400, "Invalid Input|targetMediaAddress"},
		"no action":                       {"1001", "PUT", "/Dialog/" + id, dialog(""), 400, "Parameter Missing|requestedAction"},
		"unknown action":                  {"1001", "PUT", "/Dialog/" + id, dialog("<requestedAction>YELL</requestedAction>"), 400, "Invalid Input|requestedAction"},
		"recording is not played":         {"1001", "PUT", "/Dialog/" + id, dialog("<requestedAction>START_RECORDING</requestedAction>"), 501, "Not Implemented|START_RECORDING"},
		"consultation without target":     {"1001", "PUT", "/Dialog/" + id, dialog("<requestedAction>CONSULT_CALL</requestedAction>"), 400, "Parameter Missing|targetMediaAddress"},
		"consultation with nobody":        {"1001", "PUT", "/Dialog/" + id, dialog("<requestedAction>CONSULT_CALL</requestedAction><targetMediaAddress>7001</targetMediaAddress>"), 400, "Parameter Missing|toAddress"},
		"consultation beyond ASCII":       {"1001", "PUT", "/Dialog/" + id, dialog("<requestedAction>CONSULT_CALL</requestedAction><targetMediaAddress>7001</targetMediaAddress><toAddress>é</toAddress>"), 400, "Invalid Input|toAddress"},
		"transfer to oneself":             {"1001", "PUT", "/Dialog/" + id, dialog("<requestedAction>TRANSFER_SST</requestedAction><targetMediaAddress>7001</targetMediaAddress><toAddress>7001</toAddress>"), 400, "Invalid Destination|7001"},
		"wrap-up reasons of another":      {"1001", "GET", "/User/1002/WrapUpReasons", "", 401, "Invalid Authorization User Specified|1002"},
		"40 bytes of wrap-up reason":      {"1001", "PUT", "/Dialog/" + id, dialog("<requestedAction>UPDATE_CALL_DATA</requestedAction><mediaProperties><wrapUpReason>" + strings.Repeat("é", 20) + "</wrapUpReason></mediaProperties>"), 400, "Invalid Input|wrapUpReason"},
		"mobile without mode":             {"1001", "PUT", "/User/1001", mobile("LOGIN", "", "4085551234"), 400, "Parameter Missing|mode"},
		"mobile in no mode":               {"1001", "PUT", "/User/1001", mobile("LOGIN", "CAR", "4085551234"), 400, "Invalid Input|mode"},
		"mobile without number":           {"1001", "PUT", "/User/1001", mobile("LOGIN", "CALL_BY_CALL", ""), 400, "Parameter Missing|dialNumber"},
		"mobile at a word":                {"1001", "PUT", "/User/1001", mobile("LOGIN", "CALL_BY_CALL", "home"), 400, "Invalid Input|dialNumber"},
		"mobile and ready":                {"1001", "PUT", "/User/1001", mobile("READY", "CALL_BY_CALL", "4085551234"), 400, "Invalid Input|mobileAgent"},
		"tones that do not exist":         {"1001", "PUT", "/Dialog/" + id, dialog("<requestedAction>SEND_DTMF</requestedAction><targetMediaAddress>7001</targetMediaAddress><actionParams><ActionParam><name>dtmfString</name><value>x</value></ActionParam></actionParams>"), 400, "Invalid Input|dtmfString"},
		"no tones":                        {"1001", "PUT", "/Dialog/" + id, dialog("<requestedAction>SEND_DTMF</requestedAction><targetMediaAddress>7001</targetMediaAddress>"), 400, "Parameter Missing|dtmfString"},
		"no data":                         {"1001", "PUT", "/Dialog/" + id, dialog("<requestedAction>UPDATE_CALL_DATA</requestedAction>"), 400, "Parameter Missing|mediaProperties"},
		"data of a campaign":              {"1001", "PUT", "/Dialog/" + id, data("BAStatus"), 400, "Invalid Input|callvariables"},
		"data twice":                      {"1001", "PUT", "/Dialog/" + id, data("user.x", "user.x"), 400, "Invalid Input|callvariables"},
		"42 bytes in a variable of 40":    {"1001", "PUT", "/Dialog/" + id, data("callVariable1"), 400, "Invalid Input|callvariables"},
	} {
		t.Run(name, func(t *testing.T) {
			a := as(t, s, c.user).do(c.method, c.path, c.body, "requestId", "r1")
			require.Equal(t, c.status, a.status, a.body)
			var e apiErrorsXML
			require.NoError(t, xml.Unmarshal([]byte(a.body), &e))
			require.Equal(t, c.want, e.Type+"|"+e.Data)
			if c.method != "GET" {
				require.Equal(t, "r1", a.header.Get("requestId"))
			}
		})
	}
}

func TestContainerErrorsAreHTML(t *testing.T) {
	s := start(t)
	for name, c := range map[string]struct {
		user, method, path, kind string
		status                   int
	}{
		"no credentials":        {"", "GET", "/User/1001", "", 401},
		"unknown login id":      {"nobody", "GET", "/User/1001", "", 401},
		"unknown object":        {"1001", "GET", "/Rockets/1", "", 404},
		"unknown, no password":  {"", "GET", "/Rockets/1", "", 401},
		"wrong method":          {"1001", "DELETE", "/User/1001", "application/xml", 405},
		"id missing, with /":    {"1001", "PUT", "/Dialog/", "application/xml", 405},
		"id missing, without /": {"1001", "PUT", "/User", "application/xml", 405},
		"no content type":       {"1001", "PUT", "/User/1001", "", 415},
		"JSON":                  {"1001", "POST", "/User/1001/Dialogs", "application/json", 415},
	} {
		t.Run(name, func(t *testing.T) {
			a := as(t, s, c.user).do(c.method, c.path, "<x/>", "Content-Type", c.kind)
			require.Equal(t, c.status, a.status)
			require.Equal(t, "text/html;charset=utf-8", a.header.Get("Content-Type"))
		})
	}
}

func TestFiveWrongPasswordsLockTheAccountForFiveMinutes(t *testing.T) {
	var mu sync.Mutex
	now := fixed
	s := start(t, func(o *Options) {
		o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	})
	d := as(t, s, "1001")
	d.password = "wrong"
	for range 5 {
		a := d.do("GET", "/User/1001", "")
		require.Equal(t, 401, a.status)
		require.Contains(t, a.body, "Apache Tomcat")
	}
	d.password = "secret"
	a := d.do("GET", "/User/1001", "")
	require.Equal(t, 401, a.status)
	require.Contains(t, a.body, "CF_AGENT_ACCOUNT_LOCKED_OUT")
	require.Equal(t, 200, as(t, s, "1002").do("GET", "/User/1002", "").status)
	mu.Lock()
	now = now.Add(5 * time.Minute)
	mu.Unlock()
	require.Equal(t, 200, d.do("GET", "/User/1001", "").status)
}

func TestAccessTokens(t *testing.T) {
	var mu sync.Mutex
	now := fixed
	s := start(t, func(o *Options) {
		o.SSO, o.TokenLifetime = true, time.Hour
		o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	})
	nobody := as(t, s, "")
	get := func(path, token string) int {
		return nobody.do("GET", path, "", "Authorization", "Bearer "+token).status
	}
	for rule, token := range map[string]string{
		"another password": "wrong:1001:1", "no number": "secret:1001", "an old number": "secret:1001:0", "a word": "secret:1001:x", "nobody's": "secret:7:1", "none": "",
	} {
		require.Equal(t, 401, get("/User/1001", token), rule)
	}
	require.Equal(t, 200, get("/User/1001", "secret:1001:1"), "wrong ones lock nothing")
	require.Equal(t, 401, get("/User/1001", "secret:1002:1"), "an agent's reads no other agent")
	require.Equal(t, 200, get("/User/1001", "secret:2001:1"), "but a supervisor's a member")
	require.Equal(t, 401, as(t, s, "1001").do("GET", "/User/1001", "").status, "a password lets in nobody")
	require.Equal(t, 200, as(t, s, "admin").do("GET", "/Users", "").status, "but the administrator")

	require.NoError(t, s.Inject(Fault{Kind: ExpireToken, Agent: "1001"}))
	require.Equal(t, 401, get("/User/1001", "secret:1001:1"))
	require.Equal(t, 200, get("/User/1001", "secret:1001:2"))
	require.Equal(t, 200, get("/User/1002", "secret:1002:1"))
	mu.Lock()
	now = now.Add(time.Hour)
	mu.Unlock()
	require.Equal(t, 401, get("/User/1002", "secret:1002:1"))
	require.Equal(t, 200, get("/User/1002", "secret:1002:2"))

	some := start(t, func(o *Options) { o.SSO, o.SSOAgents = true, []gc.AgentID{"1001"} })
	for agent, byToken := range map[string]bool{"1001": true, "1002": false} {
		require.Equal(t, byToken, as(t, some, "").do("GET", "/User/"+agent, "", "Authorization", "Bearer secret:"+agent+":1").status == 200, agent)
		require.Equal(t, byToken, as(t, some, agent).do("GET", "/User/"+agent, "").status == 401, agent)
	}
	require.Contains(t, as(t, some, "1002").do("GET", "/SystemInfo", "").body, "HYBRID")

	plain := as(t, start(t), "")
	require.Equal(t, 401, plain.do("GET", "/User/1001", "", "Authorization", "Bearer secret:1001:1").status, "without single sign-on no token does")
}

func TestRESTSpeaksBothVersionsOfHTTP(t *testing.T) {
	s := start(t)
	for version, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		transport := &http.Transport{TLSClientConfig: trust(t, s), ForceAttemptHTTP2: h2}
		got, err := (&http.Client{Transport: transport}).Get(s.RESTURL() + systemInfoURI)
		require.NoError(t, err)
		require.NoError(t, got.Body.Close())
		require.Equal(t, version, got.Proto)
		transport.CloseIdleConnections()
	}
}

func TestUserIsFoundByLoginName(t *testing.T) {
	s := start(t)
	a := as(t, s, "agent1001").do("GET", "/User/agent1001", "")
	require.Equal(t, 200, a.status)
	require.Contains(t, a.body, "<loginId>1001</loginId>")
}

func TestSupervisorReadsTheTeam(t *testing.T) {
	s := start(t)
	d := as(t, s, "2001")
	require.Equal(t, 200, d.do("GET", "/User/1001", "").status)
	require.Contains(t, d.do("GET", "/User/2001", "").body, "<teams><Team><id>1</id><name>Sales</name><uri>/finesse/api/Team/1</uri></Team></teams>")
}

func TestReasonCodes(t *testing.T) {
	s := start(t)
	for category, labels := range map[string][]string{
		"NOT_READY": {"Lunch", "Break, coffee & tea", "Rückruf", "Team Meeting"},
		"LOGOUT":    {"End of shift", "Doctor, family & other", "Congé"},
	} {
		a := as(t, s, "1001").do("GET", "/User/1001/ReasonCodes?category="+category, "")
		require.Equal(t, 200, a.status)
		var list reasonCodesXML
		require.NoError(t, xml.Unmarshal([]byte(a.body), &list))
		require.EqualValues(t, category, list.Category)
		var got []string
		for _, c := range list.Codes {
			got = append(got, c.Label)
		}
		require.Equal(t, labels, got)
	}
}

func TestOutOfService(t *testing.T) {
	s := start(t)
	w, d := watch(t, s, "1001"), as(t, s, "1001")
	s.SetStatus(gc.OutOfService)
	s.SetStatus(gc.OutOfService) // no second event
	w.sees("S OUT_OF_SERVICE")
	for _, path := range []string{"/SystemInfo", "/User/1001", "/Nothing"} {
		a := d.do("GET", path, "")
		require.Equal(t, 503, a.status)
		require.Contains(t, a.body, "Service Unavailable")
	}
	s.SetStatus(gc.InService)
	w.sees("S IN_SERVICE")
	require.Equal(t, 200, d.do("GET", "/User/1001", "").status)
}

// TestRequestsForOneUserAreCarriedOutInOrder sends them faster than they are
// carried out.
func TestRequestsForOneUserAreCarriedOutInOrder(t *testing.T) {
	s := start(t, func(o *Options) { o.MinDelay, o.MaxDelay = 0, 5*time.Millisecond })
	w, d := watch(t, s, "1001"), as(t, s, "1001")
	d.signIn("7001")
	want := []string{"U NOT_READY reason=-1"}
	for range 10 {
		d.state("READY")
		d.state("NOT_READY")
		want = append(want, "U READY", "U NOT_READY reason=-1")
	}
	w.sees(want...)
}

func TestTooManyRequestsForOneUser(t *testing.T) {
	s := start(t, func(o *Options) { o.MinDelay, o.MaxDelay = time.Hour, time.Hour })
	d := as(t, s, "1001")
	for range maxQueued {
		d.state("READY")
	}
	require.Equal(t, 503, d.do("PUT", "/User/1001", "<User><state>READY</state></User>").status)
	as(t, s, "1002").state("READY") // others are not concerned
}

// TestPayloadsHaveTheElementsOfCaptures compares names, nesting and order
// with documents captured from UCCE 12.5.
func TestPayloadsHaveTheElementsOfCaptures(t *testing.T) {
	s := start(t, func(o *Options) { o.Now = func() time.Time { return fixed } })
	w, d := watch(t, s, "2001"), as(t, s, "2001")
	d.signIn("abcd")
	failed := w.next()
	d.signIn("7001")
	signedIn := w.next()
	d.state("READY")
	w.next()
	place(t, s, "2001", Call{From: "4085551234"})
	w.next()
	ringing := w.next()
	for name, update := range map[string]string{
		"user-update.xml": signedIn.update, "dialog-post.xml": ringing.update, "error.xml": failed.update,
	} {
		captured, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		require.Equal(t, shape(t, string(captured)), shape(t, update), name)
	}
	golden, err := os.ReadFile("testdata/ours-user-update.xml")
	require.NoError(t, err)
	require.Equal(t, strings.TrimSpace(string(golden)), signedIn.update)
}

// shape is the tree of element names, equal neighbours once.
func shape(t *testing.T, doc string) string {
	t.Helper()
	type node struct {
		XMLName  xml.Name
		Children []node `xml:",any"`
	}
	var root node
	require.NoError(t, xml.Unmarshal([]byte(doc), &root))
	var lines []string
	var walk func(n node, indent string)
	walk = func(n node, indent string) {
		lines = append(lines, indent+n.XMLName.Local)
		for i, c := range n.Children {
			if i == 0 || n.Children[i-1].XMLName != c.XMLName {
				walk(c, indent+" ")
			}
		}
	}
	walk(root, "")
	return strings.Join(slices.Clip(lines), "\n")
}
