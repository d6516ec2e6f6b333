package simulator

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func TestScriptsAreListedForPrograms(t *testing.T) {
	_, text := browse(t, start(t), "GET", "/api/scripts", "", "")
	var list []scriptJSON
	require.NoError(t, json.Unmarshal([]byte(text), &list))
	require.Len(t, list, len(Scripts()))
	require.Equal(t, scriptJSON{"barge", FindScript("barge").Title, FindScript("barge").Text}, list[0])
}

func TestAProgramRunsAScript(t *testing.T) {
	s := start(t)
	status, text := browse(t, s, "POST", "/api/run", "application/json", `{"text":"sign-in 1001 at 7001\nsay two words","agents":[]}`)
	require.Equal(t, 200, status)
	require.Equal(t, `{"line":1,"step":"sign-in 1001 at 7001"}`+"\n"+`{"line":2,"step":"say two words"}`+"\n"+`{"done":true}`+"\n", text)
	_, text = browse(t, s, "POST", "/api/run", "application/json", `{"text":"sign-in 1002 at 7001"}`)
	require.Equal(t, `{"line":1,"step":"sign-in 1002 at 7001"}`+"\n"+`{"error":"script:1: sign-in 1002 at 7001: finesse refuses it: Device Busy, CF_RESOURCE_BUSY, 33"}`+"\n", text)
	for body, want := range map[string]string{
		`{"script":"dance"}`:                        `script \"dance\" is not known: barge, blind-transfer,`,
		`{"text":"dance"}`:                          `script:1: \"dance\" is not a verb`,
		`{"script":"outage","agents":["1001"]}`:     "outage has 0 agents that others can play, 1 were given",
		`{"script":"inbound-call","agents":"1001"}`: "the body is not the JSON object that is expected",
	} {
		status, text := browse(t, s, "POST", "/api/run", "application/json", body)
		require.GreaterOrEqual(t, status, 400)
		require.Contains(t, text, want)
	}
}

func TestRunScript(t *testing.T) {
	s := start(t)
	var steps []string
	tell := func(_ int, step string) { steps = append(steps, step) }
	require.NoError(t, RunScript(t.Context(), s.ControlURL(), FindScript("preview-reject"), []gc.AgentID{"1005"}, tell))
	require.Equal(t, []string{
		"sign-in 1001", "state 1001 READY", "preview 1001 customer 4085559876 campaign Spring", "wait 1001 OUTBOUND_PREVIEW", "reject 1001", "wait 1001 READY",
	}, steps)
	require.Equal(t, gc.Ready, s.agent("1005").State)

	err := RunScript(t.Context(), s.ControlURL(), parse(t, "answer 1001"), nil, tell)
	require.EqualError(t, err, "test.script:1: answer 1001: agent 1001 has no call that offers ANSWER: the agent is LOGOUT")
	err = RunScript(t.Context(), s.ControlURL(), parse(t, "heal"), []gc.AgentID{"1001"}, tell)
	require.ErrorContains(t, err, "test.script has 0 agents")
	err = RunScript(t.Context(), "http://127.0.0.1:1", parse(t, "heal"), nil, tell)
	require.ErrorContains(t, err, "run a script: ")
	require.ErrorContains(t, err, "is the simulator running")

	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	require.ErrorContains(t, RunScript(t.Context(), other.URL, parse(t, "heal"), nil, tell), "its answer 404 Not Found is not a simulator's")
}

func TestARunEndsWithItsRequest(t *testing.T) {
	s := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := RunScript(ctx, s.ControlURL(), parse(t, "say x\nwait 1001 TALKING within 10m"), nil, func(line int, _ string) {
		if line == 2 {
			cancel()
		}
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Eventually(t, func() bool { // on the other side as well
		_, text := browse(t, s, "GET", "/runs", "", "")
		return strings.Contains(text, "test.script: failed") && strings.Contains(text, "context canceled")
	}, 5*time.Second, 10*time.Millisecond)
}

func TestARunEndsWithTheSimulator(t *testing.T) {
	s := start(t)
	s.runByForm(t, "wait 1001 TALKING within 10m")
	err := RunScript(t.Context(), s.ControlURL(), parse(t, "wait 1001 TALKING within 10m"), nil, func(int, string) { go s.Close() })
	require.Error(t, err)
	s.Close()
}

// runByForm starts a script from the page.
func (s *Simulator) runByForm(t *testing.T, text string) string {
	t.Helper()
	status, page := browse(t, s, "POST", "/form/run", "application/x-www-form-urlencoded", url.Values{"text": {text}}.Encode())
	require.Equal(t, 200, status)
	return page
}

func TestScriptsOnTheControlPage(t *testing.T) {
	s := start(t)
	_, page := browse(t, s, "GET", "/", "", "")
	for _, script := range Scripts() {
		require.Contains(t, page, `<input type="hidden" name="script" value="`+script.Name+`">`)
	}
	_, page = browse(t, s, "GET", "/runs", "", "")
	require.Contains(t, page, "No script was run yet.")

	status, _ := browse(t, s, "POST", "/form/run", "application/x-www-form-urlencoded", url.Values{"script": {"inbound-call"}, "agents": {" 1009 "}}.Encode())
	require.Equal(t, 200, status)
	require.Eventually(t, func() bool {
		_, page = browse(t, s, "GET", "/runs", "", "")
		return strings.Contains(page, "inbound-call: done")
	}, 5*time.Second, 10*time.Millisecond)
	require.Contains(t, page, "<li>3: sign-in 1001</li>")
	require.NotContains(t, page, "refresh")
	require.Equal(t, gc.Ready, s.agent("1009").State)

	page = s.runByForm(t, "wait 1001 <b> READY")
	require.Contains(t, page, "refused: script:1: CONDITION &#34;&lt;b&gt;&#34;: is none of")
	page = s.runByForm(t, "wait 1001 READY within 10m")
	require.Contains(t, page, "script: running")
	require.Contains(t, page, `http-equiv="refresh"`, "it goes on")
	for range maxRuns - 1 {
		s.runByForm(t, "wait 1001 READY within 10m")
	}
	require.Contains(t, s.runByForm(t, "heal"), "refused: 16 scripts run already")
	status, _ = browse(t, s, "POST", "/form/run", "application/x-www-form-urlencoded", "script=outage", "Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, status)
}

func TestTheOldestRunsAreForgotten(t *testing.T) {
	var r runs
	still, err := r.begin("still")
	require.NoError(t, err)
	for range keptRuns + 5 {
		one, err := r.begin("over")
		require.NoError(t, err)
		r.end(one, nil)
	}
	list, going := r.shown()
	require.Len(t, list, keptRuns)
	require.True(t, going)
	require.Equal(t, "still", list[keptRuns-1].Name)
	r.end(still, nil)
	_, going = r.shown()
	require.False(t, going)
}

func TestARefusalOnTheControlPage(t *testing.T) {
	s := start(t)
	d := as(t, s, "1001")
	_, page := browse(t, s, "POST", "/form/fault", "application/x-www-form-urlencoded", url.Values{
		"kind": {"refuse"}, "request": {"LOGIN"}, "agent": {"1001"}, "type": {"Invalid Supervisor"}, "message": {"m"}, "data": {"d"}, "httpStatus": {"401"},
	}.Encode())
	require.Contains(t, page, "done")
	require.Equal(t, 401, d.do("PUT", "/User/1001", "<User><state>LOGIN</state><extension>7001</extension></User>").status)
	_, page = browse(t, s, "POST", "/form/fault", "application/x-www-form-urlencoded", "kind=refuse&httpStatus=soon")
	require.Contains(t, page, "httpStatus &#34;soon&#34; is not a number")
}
