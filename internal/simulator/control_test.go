package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

// browse sends a request to the control page and returns status and body.
func browse(t *testing.T, s *Simulator, method, path, kind, body string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.ControlURL()+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", kind)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	got, err := client.Do(r)
	require.NoError(t, err)
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	return got.StatusCode, string(text)
}

func order1(t *testing.T, s *Simulator, name, body string) (int, map[string]string) {
	t.Helper()
	status, text := browse(t, s, "POST", "/api/"+name, "application/json", body)
	var answer map[string]string
	require.NoError(t, json.Unmarshal([]byte(text), &answer), text)
	return status, answer
}

func TestControlAPI(t *testing.T) {
	s := start(t)
	_, w := readyAgent(t, s, "1001", "7001")

	status, answer := order1(t, s, "call", `{"agent":"1001","from":"4085551234","variables":{"callVariable1":"x"}}`)
	require.Equal(t, 200, status)
	require.Equal(t, map[string]string{"dialog": "16870001"}, answer)
	w.next()
	require.Equal(t, "x", valueOf(w.next().parse().Joined, "callVariable1"))

	_, text := browse(t, s, "GET", "/api/agents", "", "")
	var agents []Agent
	require.NoError(t, json.Unmarshal([]byte(text), &agents))
	require.Len(t, agents, 28)
	require.Equal(t, Agent{
		ID: "1001", Name: "Ada Lovelace", Extension: "7001", State: gc.Reserved, Streams: 1,
		Calls: []AgentCall{{"16870001", gc.Alerting, "4085551234", routePoint}},
	}, agents[0])

	status, _ = order1(t, s, "hangup", `{"dialog":"16870001"}`)
	require.Equal(t, 200, status)
	w.next()
	w.sees("U READY")

	status, _ = order1(t, s, "status", `{"status":"OUT_OF_SERVICE"}`)
	require.Equal(t, 200, status)
	w.sees("S OUT_OF_SERVICE")
}

func TestControlAPIRefuses(t *testing.T) {
	s := start(t)
	for name, c := range map[string]struct {
		order, body string
		status      int
		want        string
	}{
		"unknown order":   {"dance", "{}", 404, "call, hangup, status, fault, heal and run are accepted"},
		"not JSON":        {"call", "agent=1001", 400, "the body is not the JSON object"},
		"unknown field":   {"call", `{"agnt":"1001"}`, 400, `unknown field "agnt"`},
		"unknown agent":   {"call", `{"agent":"1"}`, 422, "1001 to 1025 and 2001 to 2003 are"},
		"signed out":      {"call", `{"agent":"1001"}`, 422, "not signed in"},
		"no such call":    {"hangup", `{"dialog":"5"}`, 422, "there is no call"},
		"unknown status":  {"status", `{"status":"ON"}`, 422, "IN_SERVICE and OUT_OF_SERVICE are accepted"},
		"no such node":    {"status", `{"status":"IN_SERVICE","node":"c"}`, 422, `node "c" is not known: a and b are`},
		"no second node":  {"stop", `{"node":"b"}`, 422, "there is no node b: start the simulator with a second one"},
		"no node":         {"start", `{}`, 422, `node "" is not known`},
		"unknown fault":   {"fault", `{"kind":"fire"}`, 422, "is not known: one of"},
		"fault of nobody": {"fault", `{"kind":"cut"}`, 422, "needs an agent"},
		"slow by nothing": {"fault", `{"kind":"slow"}`, 422, "up to 1m0s is accepted"},
		"bad delay":       {"fault", `{"kind":"slow","delay":"soon"}`, 422, "is not a duration"},
		"no request":      {"fault", `{"kind":"refuse","request":"DANCE","type":"x"}`, 422, "request \"DANCE\" cannot be refused: one of"},
		"no error":        {"fault", `{"kind":"refuse","request":"HOLD"}`, 422, "the type of the error is missing"},
		"no bad status":   {"fault", `{"kind":"refuse","request":"HOLD","type":"x","httpStatus":200}`, 422, "400 to 599 are"},
		"too many":        {"fault", `{"kind":"html","count":1001}`, 422, "1 to 1000 are accepted"},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := order1(t, s, c.order, c.body)
			require.Equal(t, c.status, status)
			require.Contains(t, answer["error"], c.want)
		})
	}
}

func TestControlRefusesOtherSites(t *testing.T) {
	s := start(t)
	for _, path := range []string{"/form/status", "/form/run", "/api/status", "/api/run"} {
		for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "http://evil.example"}, {"Origin", "null"}} {
			status, _ := browse(t, s, "POST", path, "application/x-www-form-urlencoded", "status=OUT_OF_SERVICE", header...)
			require.Equal(t, http.StatusForbidden, status, "%s %s", path, header)
		}
	}
	for _, path := range []string{"/", "/runs", "/api/agents", "/api/scripts", "/api/status", "/form/status"} {
		for _, method := range []string{"GET", "POST"} {
			status, _ := browse(t, s, method, path, "application/x-www-form-urlencoded", "status=OUT_OF_SERVICE", "Host", "evil.example")
			require.Equal(t, http.StatusMisdirectedRequest, status, "%s %s", method, path)
		}
	}
	require.True(t, s.board.inService())
}

func TestControlChangesNothingByGET(t *testing.T) {
	s := start(t)
	for _, order := range []string{"run", "call", "hangup", "status", "fault", "heal", "stop", "start"} {
		for _, kind := range []string{"/form/", "/api/"} {
			status, _ := browse(t, s, "GET", kind+order+"?status=OUT_OF_SERVICE&node=a", "", "")
			require.Equal(t, http.StatusMethodNotAllowed, status, kind+order)
		}
	}
	require.True(t, s.board.inService())
	require.True(t, s.nodes[0].Running())
}

// A browser says itself what page it asks for. The policy for referrers must
// let it say so of the page's own forms.
func TestTheControlPageInABrowser(t *testing.T) {
	tab := servertest.Browser(t)
	s := start(t)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<form method="post" action="`+s.ControlURL()+`/form/status"><button name="status" value="IN_SERVICE">a game</button></form>`)
	}))
	defer other.Close()
	press := func(page, button, says string) {
		require.NoError(t, chromedp.Do(tab, chromedp.Navigate(page), chromedp.Click(button)))
		require.Eventually(t, func() bool { // an error while the next page is on its way
			text, err := chromedp.Run(tab, chromedp.Evaluate[string]("document.body.innerText"))
			return err == nil && strings.Contains(text, says)
		}, 30*time.Second, 20*time.Millisecond)
	}
	press(s.ControlURL(), `button[value="OUT_OF_SERVICE"]`, "done")
	press(other.URL, "button", "a page of another site")
	require.False(t, s.board.inService())
}

func TestControlPage(t *testing.T) {
	s := start(t)
	readyAgent(t, s, "1001", "7001")
	post := func(name string, form url.Values) string {
		status, text := browse(t, s, "POST", "/form/"+name, "application/x-www-form-urlencoded", form.Encode())
		require.Equal(t, 200, status) // after the redirect
		return text
	}
	require.Contains(t, post("call", url.Values{"agent": {"1001"}, "from": {"<b>"}, "variables": {"callVariable1=a=b\r\nuser.x=y\r\n"}}), "call 16870001")
	require.Eventually(t, func() bool {
		_, text := browse(t, s, "GET", "/", "", "")
		return strings.Contains(text, "16870001 ALERTING &lt;b&gt;")
	}, 5*time.Second, 10*time.Millisecond)
	require.Contains(t, post("call", url.Values{"agent": {"1001"}, "variables": {"nonsense"}}), "has no =")
	require.Contains(t, post("fault", url.Values{"kind": {"html"}, "count": {"many"}}), "is not a number")
	require.Contains(t, post("status", url.Values{"status": {"OUT_OF_SERVICE"}}), "· OUT_OF_SERVICE ·")
	require.Contains(t, post("heal", url.Values{}), "done")
}

func TestPlaceCall(t *testing.T) {
	s := start(t)
	readyAgent(t, s, "1001", "7001")
	id, err := PlaceCall(t.Context(), s.ControlURL(), "1001", Call{From: "4085551234", Variables: map[string]string{"callVariable1": "&<"}})
	require.NoError(t, err)
	require.Equal(t, gc.DialogID("16870001"), id)
	_, err = PlaceCall(t.Context(), s.ControlURL(), "1001", Call{})
	require.ErrorContains(t, err, "agent 1001 is RESERVED, not READY")
	_, err = PlaceCall(t.Context(), "http://127.0.0.1:1", "1001", Call{})
	require.ErrorContains(t, err, "is the simulator running")
}
