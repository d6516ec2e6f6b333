package embedded

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-stomp/stomp/v3/frame"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
)

// The ack header of SUBSCRIBE.
const (
	ackAuto       = "auto"
	ackCumulative = "client"
	ackIndividual = "client-individual"
)

// defaultPrefetch is ActiveMQ's for queues.
const defaultPrefetch = 1000

// subscription is one SUBSCRIBE, of a queue or of a topic. The prefetch is for
// queues; acknowledging a topic message is accepted and has no effect.
type subscription struct {
	id       string
	conn     *conn
	ack      string
	queue    *queue
	topic    *topic
	prefetch int
	priority int
	open     []*delivery // unsettled queue messages in the order they were dispatched
}

func (s *subscription) hasRoom() bool { return len(s.open) < s.prefetch }

// unsupported are headers of SUBSCRIBE that would change what the client gets;
// to ignore them would mislead it.
var unsupported = []string{"selector", "browser", "activemq.exclusive", "activemq.subscriptionName", "durable-subscription-name"}

func (b *Broker) subscribe(c *conn, h *frame.Header) error {
	s, err := newSubscription(c, h)
	if err != nil {
		return err
	}
	if b.subscriptions >= b.limits.subscriptions {
		return framing.Faultf("more than %d subscriptions", b.limits.subscriptions)
	}
	to, err := b.resolve(c, h.Get(frame.Destination))
	if err != nil {
		return err
	}
	if t, ok := b.temporaries[to.name]; ok && t.owner != c {
		return framing.Faultf("the temporary destination belongs to another connection")
	}
	b.subscriptions++
	c.subscriptions[s.id] = s
	if to.topic {
		s.topic = b.topic(to.name)
		s.topic.subscribers = append(s.topic.subscribers, s)
		return nil
	}
	s.queue = b.queue(to.name)
	s.queue.join(s)
	b.dispatch(s.queue)
	return nil
}

func newSubscription(c *conn, h *frame.Header) (*subscription, error) {
	s := &subscription{id: h.Get(frame.Id), conn: c, ack: ackAuto, prefetch: defaultPrefetch}
	if s.id == "" {
		return nil, framing.Faultf("SUBSCRIBE needs an id")
	}
	if c.subscriptions[s.id] != nil {
		return nil, framing.Faultf("a subscription with this id exists")
	}
	for _, name := range unsupported {
		if v := h.Get(name); v != "" && v != "false" {
			return nil, framing.Faultf("%s is not supported", name)
		}
	}
	if mode, ok := h.Contains(frame.Ack); ok {
		s.ack = mode
	}
	if s.ack != ackAuto && s.ack != ackCumulative && s.ack != ackIndividual {
		return nil, framing.Faultf("ack must be auto, client or client-individual")
	}
	if err := readInt(h, "activemq.prefetchSize", 1, &s.prefetch); err != nil {
		return nil, err
	}
	return s, readInt(h, "activemq.priority", -128, &s.priority)
}

func readInt(h *frame.Header, name string, least int, to *int) error {
	text, ok := h.Contains(name)
	if !ok {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		return framing.Faultf("%s must be a number, at least %d", name, least)
	}
	*to = n
	return nil
}

func (b *Broker) unsubscribe(c *conn, id string) error {
	s := c.subscriptions[id]
	if s == nil {
		return framing.Faultf("no subscription has this id")
	}
	b.end(s)
	return nil
}

// end removes s and gives back what it has not acknowledged.
func (b *Broker) end(s *subscription) {
	b.subscriptions--
	delete(s.conn.subscriptions, s.id)
	s.conn.withdraw(s)
	if s.topic != nil {
		b.leaveTopic(s.topic, s)
		return
	}
	s.queue.consumers = slices.DeleteFunc(s.queue.consumers, func(have *subscription) bool { return have == s })
	b.giveBack(s.queue, s.open)
	s.open = nil
	b.dispatch(s.queue)
}

// detach ends everything that c had.
func (b *Broker) detach(c *conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range c.subscriptions {
		b.end(s)
	}
	b.removeTemporaries(c)
	c.logDropped()
}

func (b *Broker) send(c *conn, f *frame.Frame) error {
	to, err := b.resolve(c, f.Header.Get(frame.Destination))
	if err != nil {
		return err
	}
	m, err := b.newMessage(c, to, f)
	if err != nil {
		return err
	}
	if to.topic {
		b.publish(m)
		return nil
	}
	return b.put(to.name, m)
}

// hand returns the frame of a waiting message for the socket, nil when it has
// expired meanwhile. This settles an auto-acknowledged message.
func (b *Broker) hand(d *delivery, now time.Time) *frame.Frame {
	s, expired := d.sub, d.msg.expired(now)
	d.sent = true
	var f *frame.Frame
	if !expired {
		f = b.render(d.msg, s)
	}
	if s.queue != nil && (expired || s.ack == ackAuto) {
		i := slices.Index(s.open, d)
		s.open = slices.Delete(s.open, i, i+1)
		b.settle(s.queue, d.msg)
		b.dispatch(s.queue)
	}
	return f
}

// ackID is the ack header of a MESSAGE (STOMP 1.2). Message ids have no "@".
func ackID(message, subscription string) string { return message + "@" + subscription }

// acknowledge handles ACK and NACK. One that matches nothing is a fault, as in
// ActiveMQ: the client is wrong about the message.
func (b *Broker) acknowledge(c *conn, f *frame.Frame) error {
	message, id := f.Header.Get(frame.MessageId), f.Header.Get(frame.Subscription)
	if c.v12 {
		message, id, _ = strings.Cut(f.Header.Get(frame.Id), "@")
	}
	s := c.subscriptions[id]
	if s == nil {
		return framing.Faultf("unexpected %s: no such message or subscription", f.Command)
	}
	if s.topic != nil {
		return nil
	}
	last := slices.IndexFunc(s.open, func(d *delivery) bool { return d.sent && d.msg.id == message })
	if last < 0 || s.ack == ackAuto {
		return framing.Faultf("unexpected %s: no such message", f.Command)
	}
	first := last
	if s.ack == ackCumulative {
		first = 0
	}
	done := slices.Clone(s.open[first : last+1])
	s.open = slices.Delete(s.open, first, last+1)
	if f.Command == frame.NACK {
		b.refused(s.queue, done)
	} else {
		for _, d := range done {
			b.settle(s.queue, d.msg)
		}
	}
	b.dispatch(s.queue)
	return nil
}
