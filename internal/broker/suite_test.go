package broker

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker/embedded"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Rules that hold with every broker.
var consumeAndPublish = []struct {
	rule string
	test func(*testing.T, server)
}{
	{"a command arrives with everything its driver set", commandArrives},
	{"the category may come as category", otherCategory},
	{"events arrive complete and in order, and are confirmed in order", eventsArrive},
	{"text beyond the basic plane survives both ways", emoji},
	{"a long event arrives whole, a body longer than any command's is cut", longTexts},
	{"an acknowledged command is gone, any other comes back", redelivery},
	{"the broker confirms each acknowledgement", acknowledgements},
	{"a command acknowledged before the end is gone", acknowledgedInTime},
	{"a second acknowledgement and one for a dead connection do no harm", acknowledgedTwice},
	{"commands ignored after StopConsuming come back, acknowledgements still work", stopConsuming},
	{"unacknowledged commands do not keep others out", unacknowledged},
	{"whoever is subscribed misses nothing", barrier},
	{"a bad reply-to hurts nobody else", badReplyTo},
	{"a client's temporary destination is a reply-to until the client has gone", temporaryReplyTo},
	{"a handler that blocks stops neither beats, acknowledgements nor events", slowHandler},
	{"the consumer with the higher priority gets the commands", consumerPriority},
	{"stopping waits for the receipts of events on the way", stopping},
	{"events published before the connection are sent after it", publishedEarly},
}

// servers are those that all rules hold with.
func servers(t *testing.T) map[string]server {
	small, err := embedded.Start(embedded.Options{Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(small.Close)
	return map[string]server{
		"ActiveMQ": activeMQ(),
		"embedded": {url: "tcp://" + small.Addr()},
	}
}

func TestConsumeAndPublish(t *testing.T) {
	for name, s := range servers(t) {
		t.Run(name, func(t *testing.T) {
			for _, c := range consumeAndPublish {
				t.Run(c.rule, func(t *testing.T) { c.test(t, s) })
			}
		})
	}
}

func commandArrives(t *testing.T, s server) {
	b := run(t, create(t, s.options()))
	before := time.Now().Add(-time.Minute)
	require.NoError(t, client(t, s).Send(t.Context(), Outgoing{
		Destination: "/queue/" + b.options.CommandQueue,
		Headers: map[string]string{
			"type": "Login#1001", "MessageCategory": "agent_state", "category": "other", "format": "json",
			"correlation-id": "a:b\\c d", "reply-to": "/queue/answers",
		},
		Body: "pass,word 2001",
	}))
	d := next(t, b.got)
	require.Equal(t, "Login#1001", d.Type)
	require.Equal(t, "pass,word 2001", d.Body)
	require.Equal(t, "agent_state", d.Category)
	require.Equal(t, "json", d.Format)
	require.Equal(t, "a:b\\c d", d.CorrelationID)
	require.Equal(t, "/queue/answers", d.ReplyTo)
	require.Equal(t, "/queue/"+b.options.CommandQueue, d.Destination)
	require.NotEmpty(t, d.MessageID)
	require.WithinRange(t, d.Timestamp, before, time.Now().Add(time.Minute))
	require.False(t, d.Redelivered)
	require.True(t, d.Text)
}

func otherCategory(t *testing.T, s server) {
	b := run(t, create(t, s.options()))
	require.NoError(t, client(t, s).Send(t.Context(), Outgoing{
		Destination: "/queue/" + b.options.CommandQueue, Headers: map[string]string{"category": "agent_call"},
	}))
	d := next(t, b.got)
	require.Equal(t, "agent_call", d.Category)
	require.Empty(t, d.Type)
	require.Empty(t, d.Body)
}

func eventsArrive(t *testing.T, s server) {
	const n = 1000 // several windows
	registry := prometheus.NewRegistry()
	o := s.options()
	o.Registerer = registry
	b := run(t, create(t, o))
	destination := "/topic/" + unique("client")
	got := subscribe(t, client(t, s), destination)
	confirmed := make(chan int, n)
	for i := range n {
		b.Publish(Message{
			Destination: gc.Destination(destination), Type: "T", Category: gc.AgentState, CorrelationID: "c",
			Body: strconv.Itoa(i), Confirmed: func() { confirmed <- i },
		})
	}
	flush(t, b.Broker)
	for i := range n {
		d := next(t, got)
		require.Equal(t, strconv.Itoa(i), d.Body)
		require.Equal(t, i, next(t, confirmed))
		require.Equal(t, "agent_state", d.Category)
		require.Equal(t, "T", d.Type)
		require.Equal(t, "c", d.CorrelationID)
		require.True(t, d.Text)
	}
	require.EqualValues(t, n, value(t, registry, "events_published_total", "topic"))
	require.EqualValues(t, n, value(t, registry, "broker_receipt_seconds"))
	require.Zero(t, value(t, registry, "events_unconfirmed", "topic"))
}

func emoji(t *testing.T, s server) {
	const text = "grüße 😀 𠮷 \u0800 end"
	b := run(t, create(t, s.options()))
	c := client(t, s)
	destination := "/topic/" + unique("client")
	got := subscribe(t, c, destination)
	b.command(t, c, "X", text)
	require.Equal(t, text, next(t, b.got).Body)
	b.Publish(Message{Destination: gc.Destination(destination), Body: text})
	require.Equal(t, text, next(t, got).Body)
}

func longTexts(t *testing.T, s server) {
	b := run(t, create(t, s.options()))
	c := client(t, s)
	destination := "/topic/" + unique("client")
	got := subscribe(t, c, destination)
	text := strings.Repeat("0123456789", 100_000)
	b.Publish(Message{Destination: gc.Destination(destination), Body: text})
	require.True(t, next(t, got).Body == text)
	b.command(t, c, "X", text)
	d := next(t, b.got)
	require.Equal(t, text[:commandBody], d.Body)
	require.Equal(t, len(text), d.Size)
}

func redelivery(t *testing.T, s server) {
	o := s.options()
	first := run(t, create(t, o))
	c := client(t, s)
	for i := range 4 {
		first.command(t, c, strconv.Itoa(i), "")
	}
	for i := range 4 {
		if d := next(t, first.got); i%2 == 0 {
			d.Ack()
		}
	}
	first.stop()
	second := run(t, create(t, o))
	for _, want := range []string{"1", "3"} {
		d := next(t, second.got)
		require.Equal(t, want, d.Type)
		require.True(t, d.Redelivered)
		d.Ack()
	}
	second.stop()
	third := run(t, create(t, o))
	third.command(t, c, "fresh", "")
	d := next(t, third.got)
	require.Equal(t, "fresh", d.Type, "the others were acknowledged")
	require.False(t, d.Redelivered)
}

func acknowledgedTwice(t *testing.T, s server) {
	o := s.options()
	registry := prometheus.NewRegistry()
	o.Registerer = registry
	first := run(t, create(t, o))
	c := client(t, s)
	first.command(t, c, "twice", "")
	first.command(t, c, "late", "")
	twice, late := next(t, first.got), next(t, first.got)
	twice.Ack()
	twice.Ack()
	for range 20 { // time enough for an ERROR
		first.command(t, c, "after", "")
		d := next(t, first.got)
		require.False(t, d.Redelivered)
		d.Ack()
	}
	first.stop()
	require.EqualValues(t, 1, value(t, registry, "broker_connects_total", "commands"))
	late.Ack()

	registry = prometheus.NewRegistry()
	o.Registerer = registry
	second := run(t, create(t, o))
	d := next(t, second.got)
	require.Equal(t, "late", d.Type)
	late.Ack()
	d.Ack()
	second.command(t, c, "alive", "")
	require.Equal(t, "alive", next(t, second.got).Type)
	require.EqualValues(t, 1, value(t, registry, "broker_connects_total", "commands"))
	require.EqualValues(t, 2, value(t, registry, "commands_received_total"))
}

func stopConsuming(t *testing.T, s server) {
	o := s.options()
	first := run(t, create(t, o))
	c := client(t, s)
	first.command(t, c, "handled", "")
	handled := next(t, first.got)
	first.StopConsuming(t.Context())
	first.command(t, c, "ignored", "")
	require.True(t, next(t, first.got).Late)
	handled.Ack()
	first.stop()
	require.Empty(t, first.got)
	second := run(t, create(t, o))
	d := next(t, second.got)
	require.Equal(t, "ignored", d.Type)
	second.command(t, c, "last", "")
	require.Equal(t, "last", next(t, second.got).Type, "nothing else came back")
}

func unacknowledged(t *testing.T, s server) {
	const n = 300
	b := run(t, create(t, s.options()))
	c := client(t, s)
	for i := range n {
		b.command(t, c, strconv.Itoa(i), "")
	}
	for i := range n {
		require.Equal(t, strconv.Itoa(i), next(t, b.got).Type)
	}
}

func barrier(t *testing.T, s server) {
	b := run(t, create(t, s.options()))
	for range 50 {
		c, err := Dial(t.Context(), Options{}, s.url)
		require.NoError(t, err)
		destination := "/topic/" + unique("client")
		got := subscribe(t, c, destination)
		b.Publish(Message{Destination: gc.Destination(destination)})
		next(t, got)
		c.Close()
	}
}

func badReplyTo(t *testing.T, s server) {
	registry := prometheus.NewRegistry()
	o := s.options()
	o.Registerer = registry
	b := run(t, create(t, o))
	gone, err := Dial(t.Context(), Options{}, s.url)
	require.NoError(t, err)
	subscribe(t, gone, "/temp-queue/answers")
	require.NoError(t, gone.Send(t.Context(), Outgoing{
		Destination: "/queue/" + b.options.CommandQueue, Headers: map[string]string{"reply-to": "/temp-queue/answers"},
	}))
	bad, err := gc.ParseReplyTo(next(t, b.got).ReplyTo)
	require.NoError(t, err)
	gone.Close()

	c := client(t, s)
	topic, queue := "/topic/"+unique("client"), "/queue/"+unique("client")
	atTopic, atQueue := subscribe(t, c, topic), subscribe(t, c, queue)
	settled := make(chan string, 100)
	publish := func(d gc.Destination, body string) {
		b.Publish(Message{Destination: d, Body: body, Confirmed: func() { settled <- body }})
	}
	for i := range 10 {
		publish(gc.Destination(queue), fmt.Sprint("queue", i))
		publish(bad, "bad")
		publish(gc.Destination(topic), fmt.Sprint("topic", i))
	}
	flush(t, b.Broker)
	require.Len(t, settled, 30, "a refused event is settled too")
	for i := range 10 {
		require.Equal(t, fmt.Sprint("topic", i), next(t, atTopic).Body)
	}
	// Events to queues may come twice where the broker closed the connection,
	// but the last copies are in order.
	last := -1
	for last < 9 {
		var i int
		_, err := fmt.Sscanf(next(t, atQueue).Body, "queue%d", &i)
		require.NoError(t, err)
		require.LessOrEqual(t, i, last+1, "none is left out")
		last = max(last, i)
	}
	require.EqualValues(t, 10, value(t, registry, "events_dropped_total", "refused"))
	require.EqualValues(t, 10, value(t, registry, "events_published_total", "other"))
	require.EqualValues(t, 1, value(t, registry, "broker_connects_total", "events"))
	require.EqualValues(t, 1, value(t, registry, "broker_connects_total", "commands"))
}

func temporaryReplyTo(t *testing.T, s server) {
	b := run(t, create(t, s.options()))
	for _, own := range []string{"/temp-queue/answers", "/temp-topic/answers"} {
		c, err := Dial(t.Context(), Options{}, s.url)
		require.NoError(t, err)
		got := subscribe(t, c, own)
		require.NoError(t, c.Send(t.Context(), Outgoing{Destination: "/queue/" + b.options.CommandQueue, Headers: map[string]string{"reply-to": own}}))
		replyTo, err := gc.ParseReplyTo(next(t, b.got).ReplyTo)
		require.NoError(t, err)
		require.True(t, replyTo.IsTemporary())
		answered := make(chan bool, 1)
		answer := Message{Destination: replyTo, Body: "answer", Answered: func(taken bool) { answered <- taken }}
		b.Publish(answer)
		require.Equal(t, "answer", next(t, got).Body)
		require.True(t, next(t, answered))
		c.Close()
		b.Publish(answer)
		require.False(t, next(t, answered), "the broker refuses it")
	}
}

func slowHandler(t *testing.T, s server) {
	registry := prometheus.NewRegistry()
	o := s.options()
	o.Registerer = registry
	o.Heartbeat = 500 * time.Millisecond
	b := create(t, o)
	release, first := make(chan struct{}), make(chan *Delivery, 100)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.Run(ctx, func(d *Delivery) {
			first <- d
			<-release
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	(&running{Broker: b}).waitConsuming(t)
	c := client(t, s)
	b.command(t, c, "slow", "")
	b.command(t, c, "later", "")
	next(t, first).Ack()
	destination := "/topic/" + unique("client")
	got := subscribe(t, c, destination)
	blocked := time.NewTimer(6 * o.Heartbeat) // a broker gives up after two
	defer blocked.Stop()
	for waiting := true; waiting; {
		select {
		case <-blocked.C:
			waiting = false
		default:
			b.Publish(Message{Destination: gc.Destination(destination)})
			next(t, got)
		}
	}
	close(release)
	d := next(t, first)
	require.Equal(t, "later", d.Type)
	b.command(t, c, "alive", "")
	d = next(t, first)
	require.Equal(t, "alive", d.Type)
	require.False(t, d.Redelivered)
	require.EqualValues(t, 1, value(t, registry, "broker_connects_total", "commands"))
}

func consumerPriority(t *testing.T, s server) {
	o := s.options()
	low := run(t, create(t, o))
	o.ConsumerPriority = 100
	high := run(t, create(t, o))
	c := client(t, s)
	for i := range 20 {
		low.command(t, c, strconv.Itoa(i), "")
	}
	for range 20 {
		next(t, high.got).Ack()
	}
	require.Empty(t, low.got)
	high.stop()
	low.command(t, c, "left", "")
	require.Equal(t, "left", next(t, low.got).Type)
}

func stopping(t *testing.T, s server) {
	b := run(t, create(t, s.options()))
	for i := range 20 * window {
		b.Publish(Message{Destination: "/topic/stopping", Body: strconv.Itoa(i)})
	}
	require.Eventually(t, func() bool { return b.topics.queue.onTheWay() > 0 }, patience, time.Microsecond)
	b.stop()
	require.Zero(t, b.topics.queue.onTheWay())
}

func publishedEarly(t *testing.T, s server) {
	b := create(t, s.options())
	destination := "/topic/" + unique("client")
	got := subscribe(t, client(t, s), destination)
	b.Publish(Message{Destination: gc.Destination(destination), Body: "early"})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, b.Flush(ctx), context.DeadlineExceeded)
	run(t, b)
	require.Equal(t, "early", next(t, got).Body)
	flush(t, b)
}

// A command of bytes is recognized; ActiveMQ marks it with a content-length.
func TestBytesMessageIsNotText(t *testing.T) {
	b := run(t, create(t, activeMQ().options()))
	c := client(t, activeMQ())
	f := frame.New(frame.SEND, frame.Destination, "/queue/"+b.options.CommandQueue, frame.ContentLength, "4")
	f.Body = []byte("\xED\xA0\xBD!")
	require.NoError(t, c.conn.request(t.Context(), f))
	d := next(t, b.got)
	require.False(t, d.Text)
	require.Equal(t, "\xED\xA0\xBD!", d.Body, "bytes that are no text are the reader's to refuse")
}
