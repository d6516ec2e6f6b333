package recording_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/recording"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/trouble"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var call = recording.Call{Agent: "1001", Extension: "+42012", Dialog: "16777230_1"}

// site is a recorder that acts as its handler says, and the requests that it
// got.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	asked []asked
}

type asked struct{ method, uri, kind, body string }

func start(t *testing.T, handler http.HandlerFunc) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.asked = append(s.asked, asked{r.Method, r.RequestURI, r.Header.Get("Content-Type"), string(body)})
		s.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) requests() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// endless writes until its client has enough.
func endless(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		for chunk := []byte(strings.Repeat("x", 4<<10)); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
}

// silent sends begin, and then keeps its client waiting.
func silent(status int, begin string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if begin != "" {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, begin)
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	}
}

// raw answers with text and leaves the connection open until its client goes.
func raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, text); text == "" || err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, conn)
	}
}

func TestTheCallIsNamedInQueryAndForm(t *testing.T) {
	s := start(t, answer(200, "done"))
	r := recording.New(recording.Options{PauseURL: s.URL + "/pause?line=b&key=%41&&a", ResumeURL: s.URL})
	require.NoError(t, r.Pause(t.Context(), call))
	require.NoError(t, r.Resume(t.Context(), recording.Call{Agent: "jan novák+&"}))

	const kind = "application/x-www-form-urlencoded"
	require.Equal(t, []asked{
		{"POST", "/pause?line=b&key=%41&&a&agent=1001&dialog=16777230_1&extension=%2B42012", kind, "agent=1001&dialog=16777230_1&extension=%2B42012"},
		{"POST", "/?agent=jan+nov%C3%A1k%2B%26&dialog=&extension=", kind, "agent=jan+nov%C3%A1k%2B%26&dialog=&extension="},
	}, s.requests())
}

// The recorder's answer decides, and it is asked once, whatever the answer.
func TestAnAnswerDecides(t *testing.T) {
	elsewhere := start(t, answer(200, ""))
	redirect := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, status) }
	}
	const done = gc.Code("")
	for rule, test := range map[string]struct {
		handler http.HandlerFunc
		code    gc.Code
		result  string
		class   string // of the trouble
		text    string // of the error
	}{
		"200 is success":                           {answer(200, "paused"), done, "ok", "", ""},
		"202 is success":                           {answer(202, ""), done, "ok", "", ""},
		"204 is success":                           {answer(204, ""), done, "ok", "", ""},
		"a success without an end is one":          {endless(200), done, "ok", "", ""},
		"a success that stops halfway is one":      {silent(200, "pau"), done, "ok", "", ""},
		"400 is none":                              {answer(400, "no such call"), gc.GeneralError, "refused", "refused", `answer 400: "no such call"`},
		"401 is none":                              {answer(401, ""), gc.GeneralError, "refused", "refused", `answer 401: ""`},
		"500 is none":                              {answer(500, "a\nb\x00"), gc.GeneralError, "refused", "refused", `answer 500: "a\nb\x00"`},
		"503 is none":                              {answer(503, ""), gc.GeneralError, "refused", "refused", `answer 503: ""`},
		"a refusal without an end is cut":          {endless(500), gc.GeneralError, "refused", "refused", `answer 500: "` + strings.Repeat("x", 200) + `…"`},
		"a refusal that stops halfway is one":      {silent(500, "brok"), gc.GeneralError, "refused", "refused", `answer 500: "brok"`},
		"a redirect is not followed":               {redirect(302), gc.GeneralError, "refused", "sends clients elsewhere", `answer 302: ""`},
		"nor one that keeps the method":            {redirect(307), gc.GeneralError, "refused", "sends clients elsewhere", `answer 307: ""`},
		"nor one for ever":                         {redirect(308), gc.GeneralError, "refused", "sends clients elsewhere", `answer 308: ""`},
		"another protocol is not waited for":       {raw("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), gc.GeneralError, "refused", "refused", `answer 101: ""`},
		"a connection that is cut is a failure":    {raw(""), gc.GeneralError, "io", "no HTTP answer", "EOF"},
		"an answer that is not HTTP is a failure":  {raw("hello\r\n\r\n"), gc.GeneralError, "io", "no HTTP answer", `net/http: HTTP/1.x transport connection broken: malformed HTTP response "hello"`},
		"no answer in time has no outcome":         {silent(0, ""), gc.PleaseRetry, "timeout", "no answer", "context deadline exceeded"},
		"half an answer in time has no outcome":    {raw("HTTP/1.1 200 OK\r\n"), gc.PleaseRetry, "timeout", "no answer", "context deadline exceeded"},
		"a proxy that has no answer is a refusal":  {answer(504, ""), gc.GeneralError, "refused", "refused", `answer 504: ""`},
		"a header without an end is not read on":   {raw("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 128<<10)), gc.GeneralError, "io", "no HTTP answer", "net/http: HTTP/1.x transport connection broken: net/http: server response headers exceeded 65536 bytes; aborted"},
		"a long line that is no HTTP is cut, too":  {raw(strings.Repeat("x", 1000) + "\r\n\r\n"), gc.GeneralError, "io", "no HTTP answer", ("net/http: HTTP/1.x transport connection broken: malformed HTTP response \"" + strings.Repeat("x", 200))[:200] + "…"},
		"an address of elsewhere may be malformed": {raw("HTTP/1.1 302 Found\r\nLocation: :%zz\r\nContent-Length: 0\r\n\r\n"), gc.GeneralError, "refused", "sends clients elsewhere", `answer 302: ""`},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s := start(t, test.handler)
			registry := prometheus.NewRegistry()
			r := recording.New(recording.Options{PauseURL: s.URL + "/pause", Timeout: 300 * time.Millisecond, Registerer: registry})
			err := r.Pause(t.Context(), call)

			require.Len(t, s.requests(), 1)
			require.Equal(t, 1., counted(t, registry, "pause", test.result))
			if test.code == done {
				require.NoError(t, err)
				return
			}
			var e *gc.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, test.code, e.Code)
			require.Equal(t, "recording.pause", e.Op)
			var what *trouble.Error
			require.ErrorAs(t, e.Err, &what)
			require.Equal(t, s.Listener.Addr().String(), what.Target)
			require.Equal(t, test.class, what.Class)
			require.EqualError(t, what.Err, test.text)
		})
	}
	t.Cleanup(func() { require.Empty(t, elsewhere.requests()) })
}

func TestAnAnswerWithoutAnEndIsNotReadOn(t *testing.T) {
	s := start(t, endless(200))
	began := time.Now()
	require.NoError(t, recording.New(recording.Options{PauseURL: s.URL, Timeout: time.Minute}).Pause(t.Context(), call))
	require.Less(t, time.Since(began), 30*time.Second)
}

// counted returns recording_requests_total. The registry must have nothing
// else, and all other series must be 0.
func counted(t *testing.T, g prometheus.Gatherer, action, result string) float64 {
	t.Helper()
	families, err := g.Gather()
	require.NoError(t, err)
	require.Len(t, families, 1)
	require.Equal(t, "recording_requests_total", families[0].GetName())
	require.Len(t, families[0].Metric, 2*5, "each series is there from the start")
	var count, all float64
	for _, m := range families[0].Metric {
		all += m.Counter.GetValue()
		if m.Label[0].GetValue() == action && m.Label[1].GetValue() == result {
			count = m.Counter.GetValue()
		}
	}
	require.Equal(t, all, count)
	return count
}

func TestARecorderThatIsNotThereIsAFailure(t *testing.T) {
	nobody := servertest.FreeAddress(t)
	registry := prometheus.NewRegistry()
	r := recording.New(recording.Options{ResumeURL: "http://" + nobody, Registerer: registry})
	err := r.Resume(t.Context(), call)
	require.EqualError(t, err, "recording.resume: GENERAL_ERROR: "+nobody+": nothing listens: dial tcp "+nobody+": connect: connection refused (correct the port in recording.resume_url, or start the recorder)")
	require.Equal(t, 1., counted(t, registry, "resume", "io"))
}

func TestWhichCertificatesAreTrusted(t *testing.T) {
	s := httptest.NewUnstartedServer(answer(200, ""))
	s.Config.ErrorLog = zap.NewStdLog(zap.NewNop())
	s.StartTLS()
	defer s.Close()
	err := recording.New(recording.Options{PauseURL: s.URL + "/?key=swordfish"}).Pause(t.Context(), call)
	require.Equal(t, gc.GeneralError, gc.CodeOf(err))
	require.ErrorContains(t, err, "(add the CA of the certificate to recording.ca_file)")
	require.NotContains(t, err.Error(), "swordfish")
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	taken := recording.Options{PauseURL: s.URL, TLS: &tls.Config{RootCAs: roots}}
	require.NoError(t, recording.New(taken).Pause(t.Context(), call))
	taken.PauseURL = strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	require.ErrorContains(t, recording.New(taken).Pause(t.Context(), call), "(use the name in the certificate in recording.pause_url)")
}

func TestAnUnconfiguredActionIsNotAsked(t *testing.T) {
	s := start(t, answer(200, ""))
	registry := prometheus.NewRegistry()
	r := recording.New(recording.Options{PauseURL: s.URL, Registerer: registry})
	err := r.Resume(t.Context(), call)
	require.EqualError(t, err, "recording.resume: NOT_CONFIGURED: no address; set recording.resume_url")
	require.Equal(t, gc.NotConfigured, gc.CodeOf(err))
	require.Empty(t, s.requests())
	require.Equal(t, 1., counted(t, registry, "resume", "not_configured"))
}

// Two at once: the first does not hold up the second.
func TestCallersDoNotWaitForEachOther(t *testing.T) {
	began := make(chan struct{})
	s := start(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/pause" {
			close(began)
			<-r.Context().Done()
		}
	})
	r := recording.New(recording.Options{PauseURL: s.URL + "/pause", ResumeURL: s.URL + "/resume"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	paused := make(chan error, 1)
	go func() { paused <- r.Pause(ctx, call) }()
	<-began
	require.NoError(t, r.Resume(t.Context(), call))

	// Nor does it wait when its own caller gives up.
	cancel()
	err := <-paused
	require.Equal(t, gc.PleaseRetry, gc.CodeOf(err))
	require.ErrorIs(t, err, context.Canceled)
}

// A key in the address is the site's secret. No error and no log shows it,
// wherever it comes back from.
func TestTheQueryIsShownToNobody(t *testing.T) {
	const query = "?line=12&key=hunter%32-canary&hunter3-canary"
	repeat := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(404)
		_, _ = io.WriteString(w, strings.Repeat("x", 190)+r.URL.Query().Get("key")+" in "+r.RequestURI)
	}
	echo := func(w http.ResponseWriter, r *http.Request) {
		raw(r.RequestURI+"\r\n\r\n")(w, r)
	}
	for place, handler := range map[string]http.HandlerFunc{
		"success": answer(200, ""), "refusal": answer(500, ""), "time-out": silent(0, ""), "cut": raw(""),
		"a page that repeats the address": repeat, "an echo": echo,
	} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			s := start(t, handler)
			core, lines := observer.New(zap.DebugLevel)
			r := recording.New(recording.Options{PauseURL: s.URL + "/pause" + query, Timeout: 300 * time.Millisecond, Logger: zap.New(core)})
			err := r.Pause(t.Context(), call)
			require.Len(t, s.requests(), 1)
			for e := err; e != nil; e = errors.Unwrap(e) {
				require.NotContains(t, e.Error(), "canary")
				require.NotContains(t, e.Error(), "hunter")
			}
			for _, line := range lines.All() {
				require.Equal(t, map[string]any{"action": "pause", "agent": "1001", "dialog": "16777230_1"}, line.ContextMap())
			}
			require.Equal(t, err == nil, lines.Len() == 1, "only a success is logged here")
		})
	}
	for place, address := range map[string]string{
		"an address that cannot be read": "http://a:%zz/" + query, "a host that cannot be": "http://[::1" + query,
		"a protocol there is not": "gopher://127.0.0.1/" + query, "a query that cannot be sent": "http://127.0.0.1:1/?key=hunter2-\x00canary",
	} {
		t.Run(place, func(t *testing.T) {
			err := recording.New(recording.Options{PauseURL: address}).Pause(t.Context(), call)
			require.Equal(t, gc.GeneralError, gc.CodeOf(err))
			require.NotContains(t, err.Error(), "canary")
			require.NotContains(t, err.Error(), "hunter")
		})
	}
}

func TestRecordersShareTheirMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	for range 2 {
		require.Error(t, recording.New(recording.Options{Registerer: registry}).Pause(t.Context(), call))
	}
	require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP recording_requests_total Requests to pause or resume a recording, by how they ended.
# TYPE recording_requests_total counter
recording_requests_total{action="pause",result="io"} 0
recording_requests_total{action="pause",result="not_configured"} 2
recording_requests_total{action="pause",result="ok"} 0
recording_requests_total{action="pause",result="refused"} 0
recording_requests_total{action="pause",result="timeout"} 0
recording_requests_total{action="resume",result="io"} 0
recording_requests_total{action="resume",result="not_configured"} 0
recording_requests_total{action="resume",result="ok"} 0
recording_requests_total{action="resume",result="refused"} 0
recording_requests_total{action="resume",result="timeout"} 0
`)))
	require.Panics(t, func() {
		other := prometheus.NewRegistry()
		other.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "recording_requests_total"}))
		recording.New(recording.Options{Registerer: other})
	})
}
