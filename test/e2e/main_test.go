// Package e2e tests the connector from outside, as a driver and an operator
// meet it: commands and events over a real broker, a simulated Finesse behind,
// the log, /readyz and /metrics. Nothing here looks into the connector.
//
// Every test starts its own connector, Finesse and command queue; they share
// one ActiveMQ. What must hold with every broker runs against the built-in one
// and against ActiveMQ.
package e2e

import (
	"flag"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

var update = flag.Bool("update", false, "write the golden conversations anew")

// patience is for a busy machine; nothing that works takes as long.
const patience = 30 * time.Second

// shared is the ActiveMQ of all tests that do not stop or configure it.
var shared *servertest.ActiveMQ

type suite struct{ m *testing.M }

// Run stops the server before goroutines are counted.
func (s suite) Run() int {
	return recorded(func() int {
		if captureDir == "" {
			return s.m.Run()
		}
		return servertest.WithActiveMQ(func(a *servertest.ActiveMQ) int {
			shared = a
			return s.m.Run()
		})
	})
}

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(suite{m})
}

// brokerServer is a kind of broker to test against.
type brokerServer struct {
	name string
	url  string // "" for the connector's built-in broker
}

func activeMQ() brokerServer { return brokerServer{name: "activemq", url: shared.URL()} }

func builtIn() brokerServer { return brokerServer{name: "embedded"} }

// onBoth runs a test against both brokers at the same time.
func onBoth(t *testing.T, test func(*testing.T, brokerServer)) {
	t.Parallel()
	for _, s := range []brokerServer{builtIn(), activeMQ()} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}

var names atomic.Int64

// unique makes a name no other test uses.
func unique(prefix string) string { return prefix + strconv.FormatInt(names.Add(1), 10) }

// eventually polls: for what nothing announces.
func eventually(t testing.TB, condition func() bool, why ...any) {
	t.Helper()
	eventuallyWithin(t, patience, condition, why...)
}

// eventuallyWithin calls condition from the test's own goroutine, so that it
// may fail the test.
func eventuallyWithin(t testing.TB, limit time.Duration, condition func() bool, why ...any) {
	t.Helper()
	poll, late := time.NewTicker(5*time.Millisecond), time.NewTimer(limit)
	defer poll.Stop()
	defer late.Stop()
	for !condition() {
		select {
		case <-poll.C:
		case <-late.C:
			require.FailNow(t, "it did not come about", why...)
		}
	}
}
