// Package hostile attacks a connector at work as somebody who may write to its
// command queue and knows no agent's password, and as a broken Finesse. It runs
// the program that was built, a real ActiveMQ, and a real JMS client.
//
// One connector bears all attacks, one after the other, while a driver works
// with its agents. After each the site must be as before (site.unharmed): the
// driver's agents are answered as quickly, their calls are told to their driver
// and to nobody else, no account is locked, the process is the same and has not
// grown, and no canary stands in anything that it wrote.
package hostile

import (
	"flag"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

var (
	crowd    = flag.Int("hostile.crowd", 20_000, "how many strangers come at once")
	messages = flag.Int("hostile.messages", 2_000, "how many random messages are sent to the command queue, and how many access tokens")
	seed     = flag.Uint64("hostile.seed", 0, "random messages follow from it; 0 takes a new one")
)

// patience is for a busy machine; nothing that works takes as long.
const patience = 30 * time.Second

var shared *servertest.ActiveMQ

type suite struct{ m *testing.M }

// Run stops the server before goroutines are counted. That has the heap that ActiveMQ's own
// script gives it: 200,000 messages of strangers at once are too much for a small one, which
// then answers nobody.
func (s suite) Run() int {
	return servertest.WithActiveMQ(func(a *servertest.ActiveMQ) int {
		shared = a
		return s.m.Run()
	}, servertest.WithHeap("1g"))
}

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(suite{m})
}

// eventually polls from the test's own goroutine: for what nothing announces.
func eventually(t *testing.T, condition func() bool, why ...any) {
	t.Helper()
	poll, late := time.NewTicker(10*time.Millisecond), time.NewTimer(patience)
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
