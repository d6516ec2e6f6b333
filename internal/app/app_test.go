package app_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/finesse-connector/finesse-connector/internal/app"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/ops"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func startSimulator(t *testing.T) *simulator.Simulator {
	s, err := simulator.Start(simulator.Options{MaxDelay: simulator.NoDelay, Logger: zap.NewNop()})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// configured returns a configuration with the built-in broker and the
// simulators as nodes.
func configured(t *testing.T, sims ...*simulator.Simulator) *config.Config {
	c := config.Default()
	c.Broker.Embedded, c.HTTP.Listen = "127.0.0.1:0", "127.0.0.1:0"
	c.Finesse.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	var pem []byte
	for _, s := range sims {
		c.Finesse.Nodes = append(c.Finesse.Nodes, config.Node{REST: s.RESTURL(), Notify: s.NotifyURL()})
		pem = append(pem, s.CertificatePEM()...)
	}
	require.NoError(t, os.WriteFile(c.Finesse.CAFile, pem, 0o600))
	return c
}

// run starts a connector; the function it returns stops it and waits.
func run(t *testing.T, c *config.Config) (*app.App, func()) {
	a, err := app.New(c, zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); a.Run(ctx) }()
	stop := func() {
		cancel()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Error("the connector did not stop within 20 s")
		}
	}
	t.Cleanup(stop)
	select {
	case <-a.Consuming():
	case <-time.After(10 * time.Second):
		t.Fatal("no commands are consumed after 10 s")
	}
	return a, stop
}

func ready(t *testing.T, a *app.App) (int, ops.Readiness) {
	response, err := http.Get("http://" + a.HTTPAddr() + "/readyz")
	require.NoError(t, err)
	defer response.Body.Close()
	var r ops.Readiness
	require.NoError(t, json.NewDecoder(response.Body).Decode(&r))
	return response.StatusCode, r
}

func TestTwoConnectorsRunInOneProcess(t *testing.T) {
	sim := startSimulator(t)
	a, stopA := run(t, configured(t, sim))
	b, stopB := run(t, configured(t, sim))
	require.NotEqual(t, a.EmbeddedAddr(), b.EmbeddedAddr())
	stopA()
	code, _ := ready(t, b)
	require.Equal(t, http.StatusOK, code, "the other goes on")
	stopB()
	_, err := net.Dial("tcp", b.EmbeddedAddr())
	require.Error(t, err, "nothing listens after the stop")
}

func TestAnAddressInUseIsAnErrorAndReleasesTheRest(t *testing.T) {
	c := configured(t, startSimulator(t))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	c.HTTP.Listen = taken.Addr().String()
	_, err = app.New(c, zap.NewNop())
	require.ErrorContains(t, err, c.HTTP.Listen)
	c.HTTP.Listen, c.Broker.Embedded = "127.0.0.1:0", taken.Addr().String()
	_, err = app.New(c, zap.NewNop())
	require.ErrorContains(t, err, "built-in broker")
}

func TestAMissingCAFileIsAnError(t *testing.T) {
	c := configured(t, startSimulator(t))
	require.NoError(t, os.Remove(c.Finesse.CAFile))
	_, err := app.New(c, zap.NewNop())
	require.ErrorContains(t, err, "ca_file")
}

func TestReadinessShowsFinesseAndDoesNotDependOnIt(t *testing.T) {
	good, away := startSimulator(t), startSimulator(t)
	c := configured(t, away, good)
	away.SetStatus(gc.OutOfService)
	a, _ := run(t, c)
	code, r := ready(t, a)
	require.Equal(t, http.StatusOK, code)
	require.True(t, r.Broker.Consuming)
	require.Equal(t, []ops.Condition{ops.Down, ops.Up}, []ops.Condition{r.Nodes[0].REST, r.Nodes[1].REST})
	require.Equal(t, ops.Unknown, r.Nodes[1].Notifications, "no agent has connected yet")
}
