package embedded

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// left waits until only n connections are served.
func left(t *testing.T, b *Broker, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.conns) == n
	}, patience, time.Millisecond)
}

func TestUnacknowledgedMessagesComeBack(t *testing.T) {
	for _, tc := range []struct {
		name, mode string
		back       []string // after an ACK of the second of four
	}{
		{"auto: nothing", ackAuto, nil},
		{"client: what follows the acknowledged one", ackCumulative, []string{"3", "4"}},
		{"client-individual: all but the acknowledged one, in order", ackIndividual, []string{"1", "3", "4"}},
	} {
		for _, version := range []string{"1.1", "1.2"} {
			t.Run(version+" "+tc.name, func(t *testing.T) {
				b := run(t)
				first := connect(t, b, frame.AcceptVersion, version)
				first.publish("/queue/q", "1", "2", "3", "4")
				first.subscribe("s", "/queue/q", frame.Ack, tc.mode)
				first.message("1")
				second := first.message("2")
				first.message("3")
				require.NotContains(t, first.message("4").Header.GetAll("redelivered"), "true")
				if tc.mode != ackAuto {
					first.settle(frame.ACK, second)
				}
				first.drop()
				left(t, b, 0)

				next := connect(t, b)
				next.publish("/queue/q", "new")
				next.subscribe("t", "/queue/q")
				for _, body := range tc.back {
					require.Equal(t, "true", next.message(body).Header.Get("redelivered"))
				}
				require.Empty(t, next.message("new").Header.Get("redelivered"))
			})
		}
	}
}

func TestUnsubscribeGivesBackInOrder(t *testing.T) {
	p := connect(t, run(t))
	p.publish("/queue/q", "1", "2")
	p.subscribe("s", "/queue/q", frame.Ack, ackIndividual, "activemq.prefetchSize", "1")
	p.message("1")
	p.ask(frame.UNSUBSCRIBE, "", frame.Id, "s")
	p.subscribe("s", "/queue/q")
	require.Equal(t, "true", p.message("1").Header.Get("redelivered"))
	require.Empty(t, p.message("2").Header.Get("redelivered"))
}

func TestMessagesInTheOutboxCountAsNeverSent(t *testing.T) {
	nc, _ := net.Pipe()
	b := newBroker(Options{}, defaultLimits)
	c := newConn(b, nc) // nobody delivers: dispatched messages stay in the outbox
	c.v12 = true
	for _, f := range []*frame.Frame{
		frame.New(frame.SUBSCRIBE, frame.Id, "q", frame.Destination, "/queue/q", frame.Ack, ackIndividual),
		frame.New(frame.SUBSCRIBE, frame.Id, "t", frame.Destination, "/topic/t"),
		frame.New(frame.SEND, frame.Destination, "/queue/q"),
		frame.New(frame.SEND, frame.Destination, "/topic/t"),
	} {
		require.NoError(t, c.act(f))
	}
	require.Len(t, c.backlog, 2)
	unseen := c.backlog[0].msg
	require.Error(t, c.act(frame.New(frame.ACK, frame.Id, ackID(unseen.id, "q"))), "it cannot be acknowledged")

	require.NoError(t, c.act(frame.New(frame.UNSUBSCRIBE, frame.Id, "q")))
	require.NoError(t, c.act(frame.New(frame.UNSUBSCRIBE, frame.Id, "t")))
	require.Empty(t, c.backlog, "an ended subscription gets nothing more")
	require.Equal(t, []*message{unseen}, b.queues["/queue/q"].ready)
	require.False(t, unseen.redelivered)
}

func TestNackBringsTheMessageBackAtItsPlaceUntilTheLimit(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	b := run(t, func(o *Options, _ *limits) { o.Logger = zap.New(core) })
	p := connect(t, b)
	p.publish("/queue/q", "bad", "good")
	p.subscribe("s", "/queue/q", frame.Ack, ackIndividual, "activemq.prefetchSize", "1")
	for i := range maxNacks + 1 {
		m := p.message("bad")
		require.Equal(t, i > 0, m.Header.Get("redelivered") == "true")
		p.settle(frame.NACK, m)
	}
	p.settle(frame.ACK, p.message("good"))
	p.silent()
	require.Equal(t, 1, logs.FilterMessageSnippet("refused too often").Len())
	p.drop()
	require.Eventually(t, b.idle, patience, time.Millisecond)
}

func TestCumulativeNackGivesBackAllBefore(t *testing.T) {
	p := connect(t, run(t))
	p.publish("/queue/q", "1", "2", "3")
	p.subscribe("s", "/queue/q", frame.Ack, ackCumulative)
	p.message("1")
	second := p.message("2")
	p.message("3")
	p.settle(frame.NACK, second)
	require.Equal(t, "true", p.message("1").Header.Get("redelivered"))
	require.Equal(t, "true", p.message("2").Header.Get("redelivered"))
	p.silent()
}

func TestConsumersShareInTurnWithinTheirPrefetch(t *testing.T) {
	b := run(t)
	one, two, producer := connect(t, b), connect(t, b), connect(t, b)
	for _, p := range []*peer{one, two} {
		p.subscribe("s", "/queue/q", frame.Ack, ackIndividual, "activemq.prefetchSize", "2")
	}
	producer.publish("/queue/q", "1", "2", "3", "4", "5", "6")
	first := one.message("1")
	one.message("3")
	one.silent()
	two.message("2")
	two.message("4")
	two.silent()
	one.settle(frame.ACK, first)
	one.message("5")
	one.silent()
}

func TestHigherPriorityIsServedUntilItsPrefetchIsFull(t *testing.T) {
	b := run(t)
	low, high, producer := connect(t, b), connect(t, b), connect(t, b)
	low.subscribe("s", "/queue/q", frame.Ack, ackIndividual)
	high.subscribe("s", "/queue/q", frame.Ack, ackIndividual, "activemq.prefetchSize", "2", "activemq.priority", "127")
	producer.publish("/queue/q", "1", "2", "3")
	m := high.message("1")
	high.message("2")
	low.message("3")
	high.settle(frame.ACK, m)
	producer.publish("/queue/q", "4")
	high.message("4")
	low.silent()
}

func TestAutoConsumerIsNotHeldBackByItsPrefetch(t *testing.T) {
	p := connect(t, run(t))
	p.subscribe("s", "/queue/q", "activemq.prefetchSize", "1")
	for i := range 3 {
		p.send(frame.SEND, strconv.Itoa(i), frame.Destination, "/queue/q")
	}
	for i := range 3 {
		p.message(strconv.Itoa(i))
	}
}

func TestExpiredMessagesAreDropped(t *testing.T) {
	b := run(t)
	p := connect(t, b)
	soon := time.Now().Add(50 * time.Millisecond).UnixMilli()
	p.ask(frame.SEND, "dies waiting", frame.Destination, "/queue/q", "expires", strconv.FormatInt(soon, 10))
	p.ask(frame.SEND, "dead on arrival", frame.Destination, "/queue/q", "expires", "1")
	p.ask(frame.SEND, "lives", frame.Destination, "/queue/q", "expires", strconv.FormatInt(soon+3_600_000, 10))
	p.ask(frame.SEND, "for ever", frame.Destination, "/queue/q", "expires", "0")
	require.Eventually(t, func() bool { return time.Now().UnixMilli() > soon }, patience, time.Millisecond)
	p.subscribe("s", "/queue/q")
	require.Equal(t, strconv.FormatInt(soon+3_600_000, 10), p.message("lives").Header.Get("expires"))
	require.Equal(t, "0", p.message("for ever").Header.Get("expires"))

	p.subscribe("t", "/topic/t")
	p.ask(frame.SEND, "dead on arrival", frame.Destination, "/topic/t", "expires", "1")
	p.silent()
	p.drop()
	require.Eventually(t, b.idle, patience, time.Millisecond)
}

func TestManyExpiredMessagesDoNotHideLiveOnes(t *testing.T) {
	p := connect(t, run(t))
	p.subscribe("s", "/topic/t")
	for range 3 * batchSize {
		p.send(frame.SEND, "dead", frame.Destination, "/topic/t", "expires", "1")
	}
	p.send(frame.SEND, "alive", frame.Destination, "/topic/t")
	p.message("alive")
}

func TestFullQueueRefusesAndKeepsWhatItHas(t *testing.T) {
	for name, change := range map[string]func(*limits){
		"messages of one queue": func(l *limits) { l.queueLength = 2 },
		"bytes of all queues":   func(l *limits) { l.storedBytes = 2*messageOverhead + 100 },
	} {
		t.Run(name, func(t *testing.T) {
			b := run(t, limit(change))
			p := connect(t, b)
			p.publish("/queue/q", "1")
			p.ask(frame.SEND, "expired ones make room", frame.Destination, "/queue/q", "expires", "1")
			p.publish("/queue/q", "2")
			p.send(frame.SEND, "3", frame.Destination, "/queue/q", frame.Receipt, "r")
			require.Equal(t, "r", p.fault("full").Header.Get(frame.ReceiptId))

			consumer := connect(t, b)
			consumer.subscribe("s", "/queue/q")
			consumer.message("1")
			consumer.message("2")
			consumer.publish("/queue/q", "4")
			consumer.message("4")
		})
	}
}

func TestExpiredMessagesOfAnUnusedQueueMakeRoom(t *testing.T) {
	b := run(t, limit(func(l *limits) { l.queueLength = 1 }))
	p := connect(t, b)
	soon := time.Now().Add(20 * time.Millisecond).UnixMilli()
	p.ask(frame.SEND, "old", frame.Destination, "/queue/q", "expires", strconv.FormatInt(soon, 10))
	require.Eventually(t, func() bool { return time.Now().UnixMilli() > soon }, patience, time.Millisecond)
	p.publish("/queue/q", "new")
	p.subscribe("s", "/queue/q")
	p.message("new")
}
