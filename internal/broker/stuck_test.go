package broker

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

// stuckClient subscribes to destination and then never reads again, nor beats:
// ActiveMQ keeps it for as long as its connection is open.
func stuckClient(t *testing.T, addr, destination string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.(*net.TCPConn).SetReadBuffer(4096))
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	w, r := frame.NewWriter(c), frame.NewReader(c)
	require.NoError(t, w.Write(frame.New(frame.CONNECT, frame.AcceptVersion, "1.2", frame.Host, "localhost", frame.HeartBeat, "0,0")))
	_, err = r.Read()
	require.NoError(t, err)
	require.NoError(t, w.Write(frame.New(frame.SUBSCRIBE, frame.Id, "1", frame.Destination, destination, frame.Receipt, "subscribed")))
	var f *frame.Frame // nil for the line end after a frame
	for f == nil {
		f, err = r.Read()
		require.NoError(t, err)
	}
	require.Equal(t, frame.RECEIPT, f.Command)
	return c
}

// load publishes to the stuck client and to one that reads, in turn.
type load struct {
	*running
	padding string
	sent    int // pairs
}

func newLoad(r *running) *load { return &load{running: r, padding: strings.Repeat("x", 1000)} }

func (l *load) put(pairs int) {
	for range pairs {
		l.Publish(Message{Destination: "/topic/stuck", Body: l.padding})
		l.Publish(Message{Destination: "/topic/reading", Body: strconv.Itoa(l.sent)})
		l.sent++
	}
}

func TestAStuckTopicConsumerHoldsEventsButNoCommands(t *testing.T) {
	t.Parallel()
	a := servertest.StartActiveMQ(t, servertest.WithMemory("16 mb"))
	s := server{a.URL(), true}
	o := s.options()
	registry, log := prometheus.NewRegistry(), newLog()
	o.Registerer, o.Logger, o.Heartbeat = registry, log.Logger, 2*time.Second
	o.prefetch = 1000
	b := create(t, o)
	b.topics.late, b.topics.queue.limit = 500*time.Millisecond, 1000
	r := run(t, b)
	c := client(t, s)
	got := make(chan *Delivery, 100_000)
	require.NoError(t, c.Subscribe(t.Context(), "/topic/reading", func(d *Delivery) { got <- d }))
	for range o.prefetch + 10 {
		r.command(t, c, "early", "") // later on drivers are held up too
	}
	stuck := stuckClient(t, a.STOMP, "/topic/stuck")

	const holds, full = "the broker holds events back, they wait", "too many events wait for the broker: the oldest are dropped"
	l := newLoad(r)
	require.Eventually(t, func() bool {
		if b.topics.queue.length() < 500 {
			l.put(200)
		}
		return log.count(holds, "") > 0
	}, patience, time.Millisecond)
	l.put(2000) // never blocks, though nobody takes them
	require.LessOrEqual(t, b.topics.queue.length(), 1000+window)
	require.NotZero(t, value(t, registry, "events_dropped_total", "queue_full"))
	require.Equal(t, 1, log.count(full, ""))

	for range 10 {
		next(t, r.got).Ack()
	}
	var commands []*Delivery
	for range o.prefetch {
		commands = append(commands, next(t, r.got)) // the last ten came because of the acknowledgements
	}
	held := b.topics.queue.oldest().sent
	require.Eventually(t, func() bool { return time.Since(held) > 4*o.Heartbeat }, patience, 10*time.Millisecond)
	require.True(t, r.Status().Consuming)
	for _, name := range []string{commandsLink, eventsLink, repliesLink} {
		require.EqualValues(t, 1, value(t, registry, "broker_connects_total", name), "both sides beat while events wait: %s", log.text())
	}

	stuck.Close()
	flush(t, b)
	require.Zero(t, value(t, registry, "events_unconfirmed", "topic"))
	require.Equal(t, log.count(holds, ""), log.count("the broker takes events again", ""), "each episode ends")
	require.True(t, r.Status().Consuming)
	seen := make(map[int]bool)
	for highest := -1; highest < l.sent-1; {
		i, err := strconv.Atoi(next(t, got).Body)
		require.NoError(t, err)
		require.False(t, seen[i], "none comes twice")
		require.Greater(t, i, highest-window, "only events on the way together overtake each other")
		seen[i], highest = true, max(highest, i)
	}
	for _, d := range commands {
		d.Ack()
	}
	r.command(t, c, "late", "")
	require.Equal(t, "late", next(t, r.got).Type)
}

// The policy is the one that docs/activemq.md asks for.
func TestWithTheRecommendedPolicyAStuckConsumerHoldsNobody(t *testing.T) {
	t.Parallel()
	policy := servertest.WithXML(readPage(t).xml("destinationPolicy"))
	a := servertest.StartActiveMQ(t, servertest.WithMemory("16 mb"), policy)
	s := server{a.URL(), true}
	l := newLoad(run(t, create(t, s.options())))
	c := client(t, s)
	got := make(chan *Delivery, 100_000)
	require.NoError(t, c.Subscribe(t.Context(), "/topic/reading", func(d *Delivery) { got <- d }))
	stuckClient(t, a.STOMP, "/topic/stuck")
	for range 20 { // without the policy, 16 MB are full after some 8,500 pairs
		l.put(1000)
		flush(t, l.Broker)
	}
	for i := range l.sent {
		require.Equal(t, strconv.Itoa(i), next(t, got).Body)
	}
	other := subscribe(t, c, "/queue/other")
	l.Publish(Message{Destination: gc.Destination("/queue/other"), Body: "at once"})
	require.Equal(t, "at once", next(t, other).Body)
	l.command(t, c, "command", "")
	require.Equal(t, "command", next(t, l.got).Type, "the memory is not full, else drivers would wait")
}
