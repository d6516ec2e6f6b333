package e2e

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/finesse-connector/finesse-connector/internal/app"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// noon is the one time the simulated Finesse knows: every byte of an event is
// the same on every run.
var noon = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// startFinesse starts a simulated Finesse that answers without delay.
func startFinesse(t testing.TB, change ...func(*simulator.Options)) *simulator.Simulator {
	t.Helper()
	o := simulator.Options{
		Now: func() time.Time { return noon }, FirstDialog: 16870001, Seed: 1, MaxDelay: simulator.NoDelay,
	}
	for _, f := range change {
		f(&o)
	}
	s, err := simulator.Start(o)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// configuration is that of a connector between s and f, on free ports and with
// a command queue of its own.
func configuration(t testing.TB, s brokerServer, f *simulator.Simulator) *config.Config {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, f.CertificatePEM(), 0o600))
	c := config.Default()
	c.Broker.CommandQueue = unique("Connector")
	if s.url == "" {
		c.Broker.Embedded = "127.0.0.1:0"
	} else {
		c.Broker.URLs = []string{s.url}
	}
	c.Finesse.Nodes = []config.Node{{REST: f.RESTURL(), Notify: f.NotifyURL()}}
	c.Finesse.CAFile = ca
	c.Messages.TimeZone = time.UTC
	c.HTTP.Listen = "127.0.0.1:0"
	return c
}

// connector is one that runs.
type connector struct {
	t       testing.TB
	app     *app.App
	config  *config.Config
	finesse *simulator.Simulator
	log     *logBuffer
	stop    func() // returns when it has stopped; may be called more than once
}

// start starts a connector and waits until it takes commands.
func start(t testing.TB, s brokerServer, change ...func(*config.Config)) *connector {
	t.Helper()
	f := startFinesse(t)
	c := launch(t, f, configuration(t, s, f), change...)
	c.waitConsuming()
	return c
}

// launch starts a connector and waits for nothing.
func launch(t testing.TB, f *simulator.Simulator, conf *config.Config, change ...func(*config.Config)) *connector {
	t.Helper()
	conf.Capture.File = captureFile(t)
	for _, f := range change {
		f(conf)
	}
	log := &logBuffer{}
	a, err := app.New(conf, log.logger())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Run(ctx)
	}()
	c := &connector{t: t, app: a, config: conf, finesse: f, log: log, stop: func() {
		cancel()
		<-done
	}}
	t.Cleanup(func() {
		c.stop()
		if t.Failed() {
			t.Logf("log of the connector:\n%s", log.tail(60))
		}
	})
	return c
}

func (c *connector) waitConsuming() {
	c.t.Helper()
	within(c.t, c.app.Consuming(), "the connector does not take commands")
}

// within waits until ch is closed.
func within(t testing.TB, ch <-chan struct{}, why string) {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-ch:
	case <-timer.C:
		require.FailNow(t, why)
	}
}

// brokerURL is the broker's as a driver reaches it.
func (c *connector) brokerURL() string {
	if e := c.embeddedAddr(); e != "" {
		return "tcp://" + e
	}
	return c.config.Broker.URLs[0]
}

// embeddedAddr is "" for a connector with another broker, as one that is a
// process of its own has.
func (c *connector) embeddedAddr() string {
	if c.app == nil {
		return ""
	}
	return c.app.EmbeddedAddr()
}

// get asks the operator's HTTP server.
func (c *connector) get(path string) (status int, body string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.app.HTTPAddr()+path, nil)
	require.NoError(c.t, err)
	r.Close = true
	answer, err := http.DefaultClient.Do(r)
	require.NoError(c.t, err)
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	require.NoError(c.t, err)
	return answer.StatusCode, string(b)
}

// metric is the value of a series as /metrics writes it, without the product's
// prefix: `commands_total{command="Login",result="ok"}`. One that is not there
// is 0.
func (c *connector) metric(series string) float64 {
	c.t.Helper()
	_, text := c.get("/metrics")
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, "finesse_connector_"+series+" "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			require.NoError(c.t, err)
			return f
		}
	}
	return 0
}

// agent is what the simulated Finesse knows of an agent.
func (c *connector) agent(id gc.AgentID) simulator.Agent {
	c.t.Helper()
	for _, a := range c.finesse.Agents() {
		if a.ID == id {
			return a
		}
	}
	require.FailNow(c.t, "no such agent", id)
	panic("not reached")
}

// call lets a call ring at the agent.
func (c *connector) call(agent gc.AgentID) gc.DialogID {
	c.t.Helper()
	id, err := c.finesse.Call(agent, simulator.Call{From: "4085551234", Variables: map[string]string{
		"callVariable1": "Müller 😀", "callVariable3": "a=b|c", "user.account": "4711",
	}})
	require.NoError(c.t, err)
	return id
}

// logBuffer keeps every line the connector logs, at all levels.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) logger() *zap.Logger {
	encoding := zap.NewProductionEncoderConfig()
	encoding.EncodeTime = zapcore.ISO8601TimeEncoder
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(encoding), b, zap.DebugLevel))
}

// Write takes one line (zapcore.WriteSyncer).
func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) Sync() error { return nil }

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// count is the number of lines that have all parts in them.
func (b *logBuffer) count(parts ...string) int {
	n := 0
	for line := range strings.Lines(b.String()) {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(line, p)
		}
		if all {
			n++
		}
	}
	return n
}

func (b *logBuffer) tail(n int) string {
	lines := strings.SplitAfter(b.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "")
}
