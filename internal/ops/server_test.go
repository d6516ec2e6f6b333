package ops_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/finesse-connector/finesse-connector/internal/ops"
	"github.com/finesse-connector/finesse-connector/internal/trouble"
)

// process is the state that the callbacks of a server show.
type process struct {
	mu       sync.Mutex
	ready    ops.Readiness
	ill      error
	registry *prometheus.Registry
}

func (p *process) set(r ops.Readiness, ill error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready, p.ill = r, ill
}

func (p *process) options(t *testing.T) ops.Options {
	return ops.Options{
		Listen:   "127.0.0.1:0",
		Logger:   zaptest.NewLogger(t),
		Gatherer: p.registry,
		Ready: func() ops.Readiness {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.ready
		},
		Live: func() error {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.ill
		},
	}
}

func start(t *testing.T, o ops.Options) *ops.Server {
	t.Helper()
	s := ops.New(o)
	require.NoError(t, s.Start())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		require.NoError(t, s.Close(ctx))
	})
	return s
}

// request makes one request on a connection of its own, which leaves no
// goroutine behind.
func request(t *testing.T, method string, s *ops.Server, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.Addr().String()+path, nil)
	require.NoError(t, err)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func TestReadyzReportsWhetherCommandsAreConsumedAndShowsTheRest(t *testing.T) {
	p := &process{registry: prometheus.NewRegistry()}
	s := start(t, p.options(t))

	for rule, test := range map[string]struct {
		state  ops.Readiness
		status int
		body   string
	}{
		"not ready before the broker is there": {
			ops.Readiness{
				Broker: ops.BrokerState{State: ops.Down, Kind: trouble.Kind{Class: "nothing listens", Next: "start the broker"}},
				Nodes:  []ops.NodeState{{Node: "a.example.com", REST: ops.Up, Notifications: ops.Up}},
			}, 503,
			`{"ready":false,"broker":{"state":"down","consuming":false,"cause":"nothing listens","next":"start the broker"},
			  "nodes":[{"node":"a.example.com","rest":"up","notifications":"up"}]}`,
		},
		"not ready while connected without consuming": {
			ops.Readiness{Broker: ops.BrokerState{State: ops.Up, URL: "tcp://b:61613"}, Nodes: []ops.NodeState{}}, 503,
			`{"ready":false,"broker":{"state":"up","consuming":false,"url":"tcp://b:61613"},"nodes":[]}`,
		},
		"ready without Finesse": {
			ops.Readiness{
				Broker: ops.BrokerState{State: ops.Up, Consuming: true, URL: "tcp://b:61613"},
				Nodes: []ops.NodeState{
					{Node: "a.example.com", REST: ops.Down, Notifications: ops.Down, Kind: trouble.Kind{Class: "no answer", Next: "start Finesse"}},
					{Node: "b.example.com", REST: ops.Unknown, Notifications: ops.Unknown},
				},
			}, 200,
			`{"ready":true,"broker":{"state":"up","consuming":true,"url":"tcp://b:61613"},
			  "nodes":[{"node":"a.example.com","rest":"down","notifications":"down","cause":"no answer","next":"start Finesse"},
			           {"node":"b.example.com","rest":"unknown","notifications":"unknown"}]}`,
		},
	} {
		t.Run(rule, func(t *testing.T) {
			p.set(test.state, nil)
			status, body := request(t, http.MethodGet, s, "/readyz")
			require.Equal(t, test.status, status)
			require.JSONEq(t, test.body, body)
			require.Equal(t, test.status == 200, test.state.Ready())
		})
	}
}

func TestLivezReportsWhyTheProcessShouldBeRestarted(t *testing.T) {
	p := &process{registry: prometheus.NewRegistry()}
	s := start(t, p.options(t))

	status, body := request(t, http.MethodGet, s, "/livez")
	require.Equal(t, 200, status)
	require.JSONEq(t, `{"live":true}`, body)

	p.set(ops.Readiness{}, errors.New("commands are not being handled"))
	status, body = request(t, http.MethodGet, s, "/livez")
	require.Equal(t, 503, status)
	require.JSONEq(t, `{"live":false,"reason":"commands are not being handled"}`, body)
}

func TestMetricsShowsTheGatherersMetrics(t *testing.T) {
	p := &process{registry: prometheus.NewRegistry()}
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "finesse_connector_test_total", Help: "A test."})
	p.registry.MustRegister(counter)
	counter.Add(3)

	status, body := request(t, http.MethodGet, start(t, p.options(t)), "/metrics")
	require.Equal(t, 200, status)
	require.Contains(t, body, "\nfinesse_connector_test_total 3\n")
}

func TestOnlyReadingIsServed(t *testing.T) {
	p := &process{registry: prometheus.NewRegistry()}
	s := start(t, p.options(t))
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
			status, _ := request(t, method, s, path)
			require.Equal(t, http.StatusMethodNotAllowed, status, "%s %s", method, path)
		}
	}
	status, body := request(t, http.MethodHead, s, "/livez")
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, body)
	status, _ = request(t, http.MethodGet, s, "/else")
	require.Equal(t, http.StatusNotFound, status)
}

func TestStartReportsAnAddressThatIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()

	o := (&process{registry: prometheus.NewRegistry()}).options(t)
	o.Listen = taken.Addr().String()
	s := ops.New(o)
	require.ErrorContains(t, s.Start(), "listen on "+o.Listen)
	require.Nil(t, s.Addr())
	require.NoError(t, s.Close(t.Context()))
}

func TestCloseFreesTheAddressAndMayBeRepeated(t *testing.T) {
	s := ops.New((&process{registry: prometheus.NewRegistry()}).options(t))
	require.NoError(t, s.Start())
	address := s.Addr().String()

	require.NoError(t, s.Close(t.Context()))
	require.NoError(t, s.Close(t.Context()))
	again, err := net.Listen("tcp", address)
	require.NoError(t, err)
	require.NoError(t, again.Close())
}

func TestCloseCutsARequestThatDoesNotEnd(t *testing.T) {
	o := (&process{registry: prometheus.NewRegistry()}).options(t)
	o.Logger = zap.NewNop()
	running, release := make(chan struct{}), make(chan struct{})
	o.Ready = func() ops.Readiness {
		close(running)
		<-release
		return ops.Readiness{}
	}
	s := ops.New(o)
	require.NoError(t, s.Start())
	conn, err := net.Dial("tcp", s.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET /readyz HTTP/1.1\r\nHost: "+s.Addr().String()+"\r\n\r\n")
	require.NoError(t, err)
	<-running

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Close(ctx), context.DeadlineExceeded)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(5*time.Second)))
	_, err = conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	close(release)
}
