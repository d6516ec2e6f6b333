package ops_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

func TestNoPageSwitchesRecording(t *testing.T) {
	l := &light{file: "c.jsonl"}
	o := (&process{registry: prometheus.NewRegistry()}).options(t)
	o.Capture = l
	s := start(t, o)
	for rule, k := range map[string]struct {
		host, origin string
		status       int
	}{
		"of another site":                  {"", "http://evil.example", 403},
		"of a file":                        {"", "null", 403},
		"whose name was pointed to us":     {"evil.example", "http://evil.example", 421},
		"of another server of the machine": {"", "http://127.0.0.1:1", 403},
	} {
		t.Run(rule, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Addr().String()+"/api/capture", strings.NewReader(`{"on": true}`))
			require.NoError(t, err)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Origin", k.origin)
			r.Host = k.host
			answer, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			require.Equal(t, k.status, answer.StatusCode)
			require.False(t, l.on)
		})
	}
}

// light is a Switch.
type light struct {
	on   bool
	file string
}

func (l *light) On() bool     { return l.on }
func (l *light) File() string { return l.file }
func (l *light) Switch(on bool) bool {
	if l.file != "" {
		l.on = on
	}
	return l.file != ""
}

func TestRecordingIsSwitchedOverHTTP(t *testing.T) {
	for _, k := range []struct {
		rule, file, kind, body string
		status                 int
		answer                 string
		on                     bool
	}{
		{"on", "c.jsonl", "application/json", `{"on": true}`, 200, `{"on":true,"file":"c.jsonl"}`, true},
		{"off", "c.jsonl", "application/json", `{"on": false}`, 200, `{"on":false,"file":"c.jsonl"}`, false},
		{"without a file", "", "application/json", `{"on": true}`, 409, "capture.file is not set: set it and reload the configuration", false},
		{"neither on nor off", "c.jsonl", "application/json", `{}`, 400, `send {"on": true} or {"on": false}`, false},
		{"something else", "c.jsonl", "application/json", `{"off": true}`, 400, `send {"on": true} or {"on": false}`, false},
		{"no JSON", "c.jsonl", "application/json", `on`, 400, `send {"on": true} or {"on": false}`, false},
		{"too much", "c.jsonl", "application/json", `{"on": ` + strings.Repeat(" ", 2000) + `true}`, 400, `send {"on": true} or {"on": false}`, false},
		{"a form of a web page", "c.jsonl", "text/plain", `{"on": true}`, 415, "send application/json", false},
	} {
		t.Run(k.rule, func(t *testing.T) {
			l := &light{file: k.file}
			o := (&process{registry: prometheus.NewRegistry()}).options(t)
			o.Capture = l
			s := start(t, o)
			resp, err := http.Post("http://"+s.Addr().String()+"/api/capture", k.kind, strings.NewReader(k.body))
			require.NoError(t, err)
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.Equal(t, k.status, resp.StatusCode)
			require.Equal(t, k.answer, strings.TrimSpace(string(body)))
			require.Equal(t, k.on, l.on)
			if k.status == http.StatusOK {
				status, now := request(t, http.MethodGet, s, "/api/capture")
				require.Equal(t, http.StatusOK, status)
				require.Equal(t, string(body), now)
			}
			http.DefaultClient.CloseIdleConnections()
		})
	}
}
