package embedded

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestTopicReachesEverybodyWhoIsSubscribedAndNobodyLater(t *testing.T) {
	b := run(t)
	producer, one, two, late := connect(t, b), connect(t, b), connect(t, b), connect(t, b)
	one.subscribe("s", "/topic/t")
	two.subscribe("s", "/topic/t", frame.Ack, ackIndividual)
	two.subscribe("again", "/topic/t")
	producer.publish("/topic/t", "1", "2")
	late.subscribe("s", "/topic/t")
	for _, body := range []string{"1", "2"} {
		one.message(body)
		m := two.message(body)
		require.Equal(t, "s", m.Header.Get(frame.Subscription))
		two.settle(frame.ACK, m)
		require.Equal(t, "again", two.message(body).Header.Get(frame.Subscription))
	}
	late.silent()
	one.ask(frame.UNSUBSCRIBE, "", frame.Id, "s")
	producer.publish("/topic/t", "3")
	one.silent()
	late.message("3")
}

func TestSlowSubscriberLosesItsOldestAndDelaysNobody(t *testing.T) {
	const n, backlog = 2000, 50
	core, logs := observer.New(zap.WarnLevel)
	b := run(t, limit(func(l *limits) { l.backlog = backlog }), func(o *Options, _ *limits) { o.Logger = zap.New(core) })
	slow, quick, producer := connect(t, b), connect(t, b), connect(t, b)
	slow.subscribe("s", "/topic/t")
	quick.subscribe("s", "/topic/t")
	filler := strings.Repeat("x", 16<<10) // in total more than any socket buffer holds
	for i := range n {
		producer.publish("/topic/t", strconv.Itoa(i)+" "+filler)
		quick.message(strconv.Itoa(i) + " " + filler)
	}

	last, got := -1, 0
	for last < n-1 {
		number, _, _ := strings.Cut(string(slow.next().Body), " ")
		i, err := strconv.Atoi(number)
		require.NoError(t, err)
		require.Greater(t, i, last, "order is kept")
		last = i
		got++
	}
	require.Less(t, got, n)
	require.Equal(t, 1, logs.FilterMessageSnippet("does not read fast enough").Len())
	slow.drop()
	left(t, b, 2)
	entry := logs.FilterMessageSnippet("slow topic subscriber has left").All()
	require.Len(t, entry, 1)
	require.EqualValues(t, n-got, entry[0].ContextMap()["messages_lost"])
}

func TestBacklogIsBoundedInBytesButKeepsTheNewest(t *testing.T) {
	l := defaultLimits
	l.backlogBytes = 1000
	nc, _ := net.Pipe()
	c := newConn(newBroker(Options{}, l), nc)
	s := &subscription{conn: c, topic: &topic{}}
	for range 10 {
		c.enqueue(&delivery{sub: s, msg: &message{size: 400}})
	}
	require.Len(t, c.backlog, 2)
	huge := &message{size: 5000}
	c.enqueue(&delivery{sub: s, msg: huge})
	require.Len(t, c.backlog, 1)
	require.Same(t, huge, c.backlog[0].msg)
	require.Equal(t, 10, c.topicDropped)
	c.withdraw(s)
	require.Zero(t, c.topicBytes+c.topicCount)
}

func TestSubscriberThatNeverReadsIsCutOff(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	b := run(t, limit(func(l *limits) { l.write = 200 * time.Millisecond }), func(o *Options, _ *limits) { o.Logger = zap.New(core) })
	stuck, producer := connect(t, b), connect(t, b)
	stuck.subscribe("s", "/topic/t")
	filler := strings.Repeat("x", 1<<20)
	for range 20 {
		producer.publish("/topic/t", filler)
	}
	left(t, b, 1)
	require.Equal(t, 1, logs.FilterMessageSnippet("does not read").FilterMessageSnippet("closes").Len())
}

func TestPeerThatDoesNotReadItsReceiptsIsNotReadFrom(t *testing.T) {
	b := run(t, limit(func(l *limits) { l.answers, l.write = 4, 500*time.Millisecond }))
	p := connect(t, b)
	long := strings.Repeat("r", 15<<10)
	flood := func() error {
		for {
			if err := p.w.Write(frame.New(frame.SEND, frame.Destination, "/topic/t", frame.Receipt, long)); err != nil {
				return err
			}
			b.mu.Lock()
			for c := range b.conns {
				if len(c.answers) > 4 {
					p.t.Error("more answers are kept than the limit")
				}
			}
			b.mu.Unlock()
		}
	}
	require.Error(t, flood())
	left(t, b, 0)
}
