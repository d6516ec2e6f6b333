package e2e

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-stomp/stomp/v3"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/config"
)

// A driver that sends 10,000 commands a second for one agent hurts that agent
// alone: every one of them is answered, once, and the commands of the others
// are, each in its turn. What is refused is said in the log as one episode.
func TestAFlood(t *testing.T) {
	const others, sent = 10, 10_000
	c := start(t, activeMQ(), func(c *config.Config) {
		c.Capture.File = "" // which command finds the mailbox full is a matter of microseconds, and no replay's
	})
	flooder := newDriver(c, "flood")
	flooder.signIn("1020", "2020")
	drivers := make([]*driver, others)
	for i := range drivers {
		drivers[i] = newDriver(c, "crm")
		drivers[i].signIn(strconv.Itoa(1001+i), strconv.Itoa(2001+i))
	}
	calm, _ := whileOthersWork(drivers, func() { <-time.After(2 * time.Second) })

	answers := map[string]int{}
	during, took := whileOthersWork(drivers, func() {
		var sender sync.WaitGroup
		sender.Go(func() { flood(c, "GetState#1020", sent, 10_000) })
		for range sent {
			answers[correlated(t, flooder).CorrelationID]++
		}
		sender.Wait()
	})
	require.Len(t, answers, sent, "every command is answered")
	for id, times := range answers {
		require.Equal(t, 1, times, "command %s is answered once", id)
	}
	t.Logf("%d commands answered within %s", sent, took.Round(time.Millisecond))
	t.Logf("others before: p50 %s, p99 %s, %d answers", percentile(calm, 50), percentile(calm, 99), len(calm))
	t.Logf("others during: p50 %s, p99 %s, %d answers; ratio %.1f, %.1f", percentile(during, 50), percentile(during, 99), len(during),
		ratio(during, calm, 50), ratio(during, calm, 99))
	// How long the flood takes is the machine's matter.
	require.Less(t, percentile(during, 100), took+percentile(calm, 100), "nobody else waits longer than for what was sent before")
	require.Greater(t, c.metric("commands_mailbox_full_total"), 0.0)
	require.Equal(t, 1, c.log.count(`"level":"warn"`, refusedFast), "the flood is one episode")
	require.Less(t, c.log.count(`"level":"info"`, `"command failed"`), 1000, "what is refused does not fill the log")
	require.Greater(t, c.metric("log_lines_left_out_total"), 1000.0)
	require.Empty(t, flooder.hears("1020"))
}

const refusedFast = "more commands are refused or fail than are logged"

// flood sends a command many times, rate a second, with its number as
// correlation id, and asks for no receipts.
func flood(c *connector, typ string, times, rate int) {
	conn, err := stomp.Dial("tcp", strings.TrimPrefix(c.brokerURL(), "tcp://"), stomp.ConnOpt.HeartBeat(0, 0))
	require.NoError(c.t, err)
	defer func() { _ = conn.Disconnect() }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := range times {
		if n%(rate/100) == 0 {
			<-tick.C
		}
		require.NoError(c.t, conn.Send("/queue/"+c.config.Broker.CommandQueue, "", nil, stomp.SendOpt.NoContentLength,
			stomp.SendOpt.Header("type", typ), stomp.SendOpt.Header("correlation-id", strconv.Itoa(n))))
	}
}

// correlated is the next event that answers a numbered command.
func correlated(t *testing.T, d *driver) *broker.Delivery {
	t.Helper()
	for {
		if m := d.next(); m.CorrelationID != "" {
			return m
		}
	}
}

// whileOthersWork runs f while each driver asks for its agent's state, one
// command after the other, and gives the times of the answers, sorted, and
// that of f.
func whileOthersWork(drivers []*driver, f func()) (answered []time.Duration, took time.Duration) {
	var mu sync.Mutex
	var working sync.WaitGroup
	done := make(chan struct{})
	for i, d := range drivers {
		working.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				begin := time.Now()
				d.send("agent_state/GetState#"+strconv.Itoa(1001+i), "correlation-id", strconv.Itoa(n))
				require.Equal(d.t, strconv.Itoa(n), d.next().CorrelationID, "in order")
				mu.Lock()
				answered = append(answered, time.Since(begin))
				mu.Unlock()
			}
		})
	}
	begin := time.Now()
	f()
	took = time.Since(begin)
	close(done)
	working.Wait()
	slices.Sort(answered)
	return answered, took
}

func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[min(len(sorted)*p/100, len(sorted)-1)].Round(10 * time.Microsecond)
}

func ratio(a, b []time.Duration, p int) float64 {
	return float64(percentile(a, p)) / float64(percentile(b, p))
}
