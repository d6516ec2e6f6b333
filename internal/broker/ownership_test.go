package broker

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// sharer is one of several connectors with a command queue.
type sharer struct {
	*running
	owner chan bool
	heard chan string

	mu   sync.Mutex
	lock string // that it had when it beat last
}

func (s *sharer) holds() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lock
}

// joins starts one; change may be nil.
func joins(t *testing.T, o Options, name string, change func(*Options)) *sharer {
	t.Helper()
	s := &sharer{owner: make(chan bool, 100), heard: make(chan string, 1000)}
	o.Heartbeat = 2 * time.Second
	o.Sharing = &Sharing{
		Topic: o.CommandQueue + ".sync",
		Heard: func(body string) {
			select {
			case s.heard <- body:
			default:
			}
		},
		Beat: func(lock string) string {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.lock = lock
			return name + " " + lock
		},
		Judge:   func(string) (bool, bool) { return true, false },
		Changed: func(owner bool) { s.owner <- owner },
	}
	if change != nil {
		change(&o)
	}
	s.running = launch(t, create(t, o))
	return s
}

// hears waits for a beat.
func (s *sharer) hears(t *testing.T, beat string) {
	t.Helper()
	for next(t, s.heard) != beat {
	}
}

// owned makes the lock for the first of them.
func owned(t *testing.T, s server, change func(*Options)) (o Options, first *sharer) {
	t.Helper()
	o = s.options()
	first = joins(t, o, "first", change)
	first.hears(t, "first ")
	first.MakeLock()
	require.True(t, next(t, first.owner))
	first.waitConsuming(t)
	return o, first
}

// Rules of connectors that share a command queue, with every broker.
var sharing = []struct {
	rule string
	test func(*testing.T, server)
}{
	{"nobody takes commands or sends events before there is a lock", func(t *testing.T, s server) {
		alone := joins(t, s.options(), "alone", nil)
		driver := client(t, s)
		events := subscribe(t, driver, "/topic/"+alone.options.CommandQueue+".events")
		alone.hears(t, "alone ")
		alone.command(t, driver, "Hello#x", "")
		alone.Publish(Message{Destination: gc.Destination("/topic/" + alone.options.CommandQueue + ".events"), Body: "event"})
		alone.hears(t, "alone ")
		require.Empty(t, alone.got)
		require.Empty(t, events)
		require.False(t, alone.Status().Consuming)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.Error(t, alone.Owns(ctx))

		alone.MakeLock()
		require.Equal(t, "Hello#x", next(t, alone.got).Type)
		require.Equal(t, "event", next(t, events).Body)
		require.NoError(t, alone.Owns(t.Context()))
	}},
	{"who holds the lock takes all commands, and the next in line goes on in order", func(t *testing.T, s server) {
		o, first := owned(t, s, nil)
		second := joins(t, o, "second", func(o *Options) { o.ConsumerPriority = 127 })
		second.hears(t, "second ")
		driver := client(t, s)
		for i := range 20 {
			first.command(t, driver, "Hello#"+strconv.Itoa(i), "")
		}
		for range 10 {
			next(t, first.got).Ack()
		}
		first.stop()
		require.True(t, next(t, second.owner))
		for i := 10; i < 20; i++ {
			require.Equal(t, "Hello#"+strconv.Itoa(i), next(t, second.got).Type)
		}
		second.hears(t, "second "+first.holds())
	}},
	{"one that resigns takes nothing more, and waits behind the other", func(t *testing.T, s server) {
		o, first := owned(t, s, nil)
		second := joins(t, o, "second", func(o *Options) { o.ConsumerPriority = 127 })
		second.hears(t, "second ")
		first.Resign(false)
		require.False(t, next(t, first.owner))
		require.True(t, next(t, second.owner))
		second.waitConsuming(t)
		require.False(t, first.Status().Consuming)
		require.Equal(t, "standby", first.Status().Trouble.Class)
		first.command(t, client(t, s), "Hello#x", "")
		next(t, second.got)
		require.Empty(t, first.got)
	}},
	{"the one with the highest priority is next", func(t *testing.T, s server) {
		o, first := owned(t, s, nil)
		low := joins(t, o, "low", func(o *Options) { o.ConsumerPriority = 1 })
		low.hears(t, "low ")
		high := joins(t, o, "high", func(o *Options) { o.ConsumerPriority = 2 })
		high.hears(t, "high ")
		first.stop()
		require.True(t, next(t, high.owner))
		require.Empty(t, low.owner)
	}},
	{"one of two locks can be destroyed", func(t *testing.T, s server) {
		o, first := owned(t, s, nil)
		second := joins(t, o, "second", func(o *Options) { o.ConsumerPriority = 127 })
		second.hears(t, "second ")
		second.MakeLock()
		require.True(t, next(t, second.owner))
		second.Resign(true)
		require.False(t, next(t, second.owner))
		first.stop()
		require.True(t, next(t, second.owner))
		second.hears(t, "second "+first.holds())
	}},
	{"who has the lock is the owner when that is judged so, and again after a lease has ended", func(t *testing.T, s server) {
		o := s.options()
		verdicts := make(chan [2]bool, 100)
		alone := joins(t, o, "alone", func(o *Options) {
			o.Sharing.Judge = func(string) (bool, bool) { v := <-verdicts; return v[0], v[1] }
		})
		wait, take, destroy := [2]bool{}, [2]bool{true, false}, [2]bool{false, true}
		alone.hears(t, "alone ")
		alone.MakeLock()
		verdicts <- wait
		verdicts <- wait
		require.Empty(t, alone.owner)
		verdicts <- take
		require.True(t, next(t, alone.owner))
		alone.ownership.mu.Lock()
		alone.ownership.until.Store(1) // it has ended
		alone.ownership.mu.Unlock()
		require.False(t, next(t, alone.owner))
		verdicts <- destroy
		verdicts <- take // there is nothing left to judge
		alone.hears(t, "alone ")
		alone.hears(t, "alone ")
		require.Empty(t, alone.owner)
		require.Len(t, verdicts, 1)
	}},
	{"who loses the broker is no owner any more, and is again when nobody else was", func(t *testing.T, s server) {
		_, first := owned(t, s, nil)
		first.ownership.line.fail(errClosed)
		require.False(t, next(t, first.owner))
		require.True(t, next(t, first.owner))
		first.waitConsuming(t)
		first.command(t, client(t, s), "Hello#x", "")
		require.Equal(t, "Hello#x", next(t, first.got).Type)
	}},
}

func TestSharing(t *testing.T) {
	for name, s := range servers(t) {
		t.Run(name, func(t *testing.T) {
			for _, c := range sharing {
				t.Run(c.rule, func(t *testing.T) { c.test(t, s) })
			}
		})
	}
}

// An owner that the broker does not answer any more is none before the broker gives the
// lock away, and what it would have sent stays with it.
func TestAnOwnerThatHearsNothing(t *testing.T) {
	s := activeMQ()
	p := newProxy(t, listen(t), "tcp", s.url[len("tcp://"):])
	o, first := owned(t, s, func(o *Options) { o.URLs = []string{p.url} })
	second := joins(t, o, "second", nil)
	second.hears(t, "second ")
	driver := client(t, s)
	events := subscribe(t, driver, "/topic/"+o.CommandQueue+".events")

	p.hold()
	require.Eventually(t, func() bool { return !first.ownership.owns() }, patience, time.Millisecond)
	require.Empty(t, second.owner, "the lease ends before")
	first.Publish(Message{Destination: gc.Destination("/topic/" + o.CommandQueue + ".events"), Body: "of the first"})
	require.True(t, next(t, second.owner))
	second.Publish(Message{Destination: gc.Destination("/topic/" + o.CommandQueue + ".events"), Body: "of the second"})
	require.Equal(t, "of the second", next(t, events).Body)
	require.False(t, next(t, first.owner))
	p.release()
	require.Eventually(t, func() bool { return first.ownership.gauge() == 0 }, patience, time.Millisecond)
	require.Empty(t, events)
	require.Error(t, expired(t, first))
}

func expired(t *testing.T, s *sharer) error {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	return s.Owns(ctx)
}
