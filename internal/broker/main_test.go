package broker

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

// shared is the ActiveMQ of all tests that do not stop or configure it.
var shared *servertest.ActiveMQ

// idle is a Broker that does nothing for as long as the tests run.
var idle struct {
	*Broker
	metrics *prometheus.Registry
	since   time.Time
	handle  chan *Delivery
}

type suite struct{ m *testing.M }

// Run stops the server before goroutines are counted.
func (s suite) Run() int {
	return servertest.WithActiveMQ(func(a *servertest.ActiveMQ) int {
		shared = a
		defer beIdle()()
		return s.m.Run()
	})
}

func beIdle() (stop func()) {
	idle.metrics, idle.since, idle.handle = prometheus.NewRegistry(), time.Now(), make(chan *Delivery, 1)
	b, err := New(Options{URLs: []string{shared.URL()}, CommandQueue: "idle", JavaText: true, Registerer: idle.metrics})
	if err != nil {
		panic(err)
	}
	idle.Broker = b
	for _, destination := range []gc.Destination{"/topic/idle", "/queue/idle.events"} {
		b.Publish(Message{Destination: destination})
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		b.Run(ctx, func(d *Delivery) {
			select {
			case idle.handle <- d:
			default: // it comes again now and then, at times when other tests need the broker
			}
		})
	})
	return func() {
		cancel()
		running.Wait()
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(suite{m}) }

// server is a broker to run a test against.
type server struct {
	url      string
	javaText bool
}

func activeMQ() server { return server{url: shared.URL(), javaText: true} }

var names atomic.Int64

// unique makes a name no other test uses.
func unique(prefix string) string { return prefix + strconv.FormatInt(names.Add(1), 10) }

// options are for a command queue of the test's own.
func (s server) options() Options {
	return Options{
		URLs:         []string{s.url},
		CommandQueue: unique("Connector"),
		JavaText:     s.javaText,
		Backoff:      func(int) time.Duration { return 20 * time.Millisecond },
	}
}

func create(t testing.TB, o Options) *Broker {
	t.Helper()
	b, err := New(o)
	require.NoError(t, err)
	return b
}

// running is a Broker whose deliveries wait in got.
type running struct {
	*Broker
	got  chan *Delivery
	stop func() // may be called more than once
}

// run returns when b consumes. It is stopped when the test ends.
func run(t testing.TB, b *Broker) *running {
	t.Helper()
	r := launch(t, b)
	r.waitConsuming(t)
	return r
}

func launch(t testing.TB, b *Broker) *running {
	r := &running{Broker: b, got: make(chan *Delivery, 10_000)}
	r.stop = launchWith(t, b, func(d *Delivery) { r.got <- d })
	return r
}

func launchWith(t testing.TB, b *Broker, handle func(*Delivery)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.Run(ctx, handle)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

func (r *running) waitConsuming(t testing.TB) {
	t.Helper()
	require.Eventually(t, func() bool { return r.Status().Consuming }, patience, 2*time.Millisecond)
}

// patience is for a busy machine; nothing that works takes as long.
const patience = 30 * time.Second

// next is the next element of ch.
func next[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case v, ok := <-ch:
		require.True(t, ok, "it has ended")
		return v
	case <-timer.C:
		require.FailNow(t, "nothing came")
	}
	panic("not reached")
}

// client is a plain connection of a driver.
func client(t testing.TB, s server) *Client {
	t.Helper()
	c, err := Dial(t.Context(), Options{JavaText: s.javaText}, s.url)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// subscribe returns what arrives at destination from now on.
func subscribe(t testing.TB, c *Client, destination string) <-chan *Delivery {
	t.Helper()
	got := make(chan *Delivery, 10_000)
	require.NoError(t, c.Subscribe(t.Context(), destination, func(d *Delivery) { got <- d }))
	return got
}

// command sends one to the queue of b.
func (b *Broker) command(t testing.TB, c *Client, name, body string) {
	t.Helper()
	require.NoError(t, c.Send(t.Context(), Outgoing{
		Destination: "/queue/" + b.options.CommandQueue, Headers: map[string]string{"type": name}, Body: body,
	}))
}

func flush(t testing.TB, b *Broker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, b.Flush(ctx))
}

// value is a counter, found by its name and the values of its labels.
func value(t testing.TB, r prometheus.Gatherer, name string, labels ...string) float64 {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	series:
		for _, m := range f.GetMetric() {
			for i, l := range m.GetLabel() {
				if i >= len(labels) || l.GetValue() != labels[i] {
					continue series
				}
			}
			switch {
			case m.GetCounter() != nil:
				return m.GetCounter().GetValue()
			case m.GetGauge() != nil:
				return m.GetGauge().GetValue()
			default:
				return float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	require.FailNow(t, "no such metric", "%s %v", name, labels)
	return 0
}
