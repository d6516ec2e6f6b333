package broker

import (
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

func newTestQueue(t *testing.T, limit int) (*queue, *logbook, *prometheus.Registry) {
	registry := prometheus.NewRegistry()
	m, err := newMetrics(registry, func(kind) float64 { return 0 })
	require.NoError(t, err)
	log := newLog()
	return newQueue(toTopic, limit, log.Logger, m), log, registry
}

func TestAFullQueueDropsTheOldestAndLogsItOncePerEpisode(t *testing.T) {
	q, log, registry := newTestQueue(t, 2)
	fill := func() {
		for _, body := range []string{"1", "2", "3", "4"} {
			q.put(Message{Body: body})
		}
	}
	const full = "too many events wait for the broker: the oldest are dropped"
	fill()
	require.EqualValues(t, 2, value(t, registry, "events_dropped_total", "queue_full"))
	require.Equal(t, 1, log.count(full, ""))
	require.Equal(t, "3", q.take(9).Body)
	require.Equal(t, "4", q.take(9).Body)
	require.Nil(t, q.take(9))
	fill()
	require.Equal(t, 2, log.count(full, ""))
	require.Equal(t, 1, log.count("no event waits any more", ""))
}

func TestDroppedEventsAreSettledAndUnaskedOnesGoFirst(t *testing.T) {
	q, _, registry := newTestQueue(t, 4)
	require.False(t, func() bool { missed, _ := q.restart(); return missed }())
	settled := ""
	put := func(name string, lasts Lasting) {
		q.put(Message{Body: name, Lasts: lasts, Confirmed: func() { settled += name }})
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		put(name, map[bool]Lasting{true: WithConnection, false: UntilSent}[name == "b" || name == "d"])
	}
	put("e", UntilProved)
	require.Equal(t, "b", settled, "a state that nobody asked for, not the answer before it")
	put("f", UntilProved)
	require.Equal(t, "bd", settled)
	put("g", UntilProved)
	require.Equal(t, "bda", settled, "then the oldest")
	put("h", WithConnection)
	require.Equal(t, "bdah", settled, "even if it is the newest")
	q.put(Message{Body: "i", Lasts: UntilProved, Expendable: true, Confirmed: func() { settled += "i" }})
	require.Equal(t, "bdahi", settled, "and so does what is expendable")
	require.False(t, q.owes(), "there are others to be sent first")
	for _, name := range []string{"c", "e", "f", "g"} {
		require.Equal(t, name, q.take(9).Body)
	}
	require.Nil(t, q.take(9))
	require.True(t, q.owes(), "what was dropped is reported as it is now")
	require.False(t, q.owes(), "once")
	require.EqualValues(t, 5, value(t, registry, "events_dropped_total", "queue_full"))
}

func TestLongEventsFillTheQueueSooner(t *testing.T) {
	q, _, _ := newTestQueue(t, 1000)
	q.limitBytes = 10 * (entryOverhead + 100)
	for range 100 {
		q.put(Message{Body: strings.Repeat("x", 100)})
	}
	require.Equal(t, 10, q.length())
	q.put(Message{Body: strings.Repeat("x", 2*q.limitBytes)})
	require.Equal(t, 1, q.length(), "one is kept however long it is")
}

// A queue that is always full keeps nothing of what it has dropped, whatever
// waits before and after it.
func TestAFullQueueHasNoMoreThanItsBytes(t *testing.T) {
	for rule, c := range map[string]struct {
		length int
		lasts  func(i int) Lasting
	}{
		"long events that nobody asked for, after an answer": {4096, func(i int) Lasting { return []Lasting{UntilProved, WithConnection}[min(i, 1)] }},
		"long events of all kinds":                           {4096, func(i int) Lasting { return Lasting(i % 3) }},
		"answers":                                            {4096, func(int) Lasting { return UntilSent }},
		"short events":                                       {8, func(i int) Lasting { return Lasting(i % 3) }},
	} {
		t.Run(rule, func(t *testing.T) {
			q, _, _ := newTestQueue(t, 20_000)
			q.restart()
			q.limitBytes = 8 << 20
			before := allocated()
			for i := range 50_000 {
				q.put(Message{Body: string(make([]byte, c.length)), Lasts: c.lasts(i)})
			}
			require.LessOrEqual(t, q.bytes, q.limitBytes)
			const slack = 1 << 20 // for whatever else the process does
			require.LessOrEqual(t, allocated()-before, q.bytes+slack)
			for q.take(math.MaxInt) != nil {
			}
			require.Zero(t, q.bytes)
			require.Zero(t, q.spare.Len())
		})
	}
}

// allocated returns how many bytes the process has in use.
func allocated() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestEventsOnTheWayComeFirstOnTheNextConnection(t *testing.T) {
	q, _, _ := newTestQueue(t, 10)
	for _, body := range []string{"1", "2", "3"} {
		q.put(Message{Body: body})
	}
	one, two := q.take(2), q.take(2)
	require.Nil(t, q.take(2), "the window is full")
	require.True(t, q.settle(one))
	require.False(t, q.settle(one), "only once")
	require.Same(t, two, q.oldest())
	q.restart()
	require.Zero(t, q.onTheWay())
	require.Equal(t, 2, q.length())
	require.Same(t, two, q.take(2))
	require.Equal(t, "3", q.take(2).Body)
}

func TestHowLongMessagesLast(t *testing.T) {
	q, _, registry := newTestQueue(t, 10)
	put := func(body string, lasts Lasting) { q.put(Message{Body: body, Lasts: lasts}) }
	restart := func(lost ...string) (missed bool) {
		missed, entries := q.restart()
		require.Len(t, entries, len(lost))
		for i, e := range entries {
			require.Equal(t, lost[i], e.Body)
		}
		return missed
	}
	require.False(t, restart(), "nobody has missed anything yet")
	q.stop()
	put("a state without a connection", WithConnection)
	put("error 1", UntilProved)
	require.True(t, restart())
	put("state 1", WithConnection)
	put("answer 1", UntilSent)
	for _, body := range []string{"error 1", "state 1", "answer 1"} {
		require.Equal(t, body, q.take(9).Body)
	}
	put("state 2", WithConnection)
	put("answer 2", UntilSent)
	q.stop()
	put("state 3", WithConnection)
	require.True(t, restart("answer 1"), "it may have arrived, the other was not sent")
	put("state 4", WithConnection)
	for _, body := range []string{"error 1", "answer 2", "state 4"} {
		require.Equal(t, body, q.take(9).Body)
	}
	require.Nil(t, q.take(9))
	require.EqualValues(t, 5, value(t, registry, "events_dropped_total", "stale"))
}

func TestFlushWaitsOnlyForEarlierEvents(t *testing.T) {
	leave := map[string]func(*queue){
		"until it is settled": func(q *queue) { q.settle(q.take(9)) },
		"until it is dropped": func(q *queue) { q.put(Message{Body: "3"}) },
	}
	for rule, leave := range leave {
		t.Run(rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, _, _ := newTestQueue(t, 2)
				require.NoError(t, q.flush(t.Context()), "nothing to wait for")
				q.put(Message{Body: "1"})
				flushed := make(chan error, 1)
				go func() { flushed <- q.flush(t.Context()) }()
				synctest.Wait()
				q.put(Message{Body: "2"})
				synctest.Wait()
				require.Empty(t, flushed)
				leave(q)
				require.NoError(t, <-flushed)
			})
		})
	}
}
