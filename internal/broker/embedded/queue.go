package embedded

import (
	"cmp"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
)

// maxNacks is how often a message comes back after NACK before it is dropped,
// so that a message does not go round for ever. The end of a connection does
// not count.
const maxNacks = 6

// queue delivers each message to one consumer. It exists while it has messages
// or consumers.
type queue struct {
	name      string
	ready     []*message      // waiting for a consumer, by seq
	held      int             // sent or about to be sent, and not settled
	consumers []*subscription // highest priority first, then by turn
}

// delivery is one message on its way to one subscription.
type delivery struct {
	sub  *subscription
	msg  *message
	sent bool // written to the socket: the client may have seen it
}

func (b *Broker) queue(name string) *queue {
	q := b.queues[name]
	if q == nil {
		q = &queue{name: name}
		b.queues[name] = q
	}
	return q
}

// put appends m unless the queue or the store is full.
func (b *Broker) put(name string, m *message) error {
	full := func() bool {
		q := b.queues[name]
		return q != nil && len(q.ready)+q.held >= b.limits.queueLength || b.storedBytes+m.size > b.limits.storedBytes
	}
	if full() {
		b.purgeExpired()
	}
	if full() {
		return framing.Faultf("the queue is full")
	}
	q := b.queue(name)
	b.storedBytes += m.size
	q.ready = append(q.ready, m)
	b.dispatch(q)
	return nil
}

// dispatch gives waiting messages to consumers that have room: the highest
// priority first, equals in turn.
func (b *Broker) dispatch(q *queue) {
	now := time.Now()
	for len(q.ready) > 0 {
		m := q.ready[0]
		expired := m.expired(now)
		turn := -1
		if !expired {
			turn = slices.IndexFunc(q.consumers, (*subscription).hasRoom)
			if turn < 0 {
				break
			}
		}
		q.ready[0] = nil
		q.ready = q.ready[1:]
		if expired {
			b.storedBytes -= m.size
			continue
		}
		s := q.consumers[turn]
		q.consumers = slices.Delete(q.consumers, turn, turn+1)
		q.join(s)
		d := &delivery{sub: s, msg: m}
		q.held++
		s.open = append(s.open, d)
		s.conn.enqueue(d)
	}
	b.release(q)
}

// join adds s after the consumers of its own priority.
func (q *queue) join(s *subscription) {
	i, _ := slices.BinarySearchFunc(q.consumers, s, func(have, s *subscription) int {
		if have.priority >= s.priority {
			return -1
		}
		return 1
	})
	q.consumers = slices.Insert(q.consumers, i, s)
}

// settle forgets a message that is done with.
func (b *Broker) settle(q *queue, m *message) {
	q.held--
	b.storedBytes -= m.size
}

// giveBack puts messages back in their places. Those that were never sent do
// not count as delivered.
func (b *Broker) giveBack(q *queue, back []*delivery) {
	for _, d := range back {
		d.msg.redelivered = d.msg.redelivered || d.sent
		q.held--
		q.ready = append(q.ready, d.msg)
	}
	slices.SortFunc(q.ready, func(x, y *message) int { return cmp.Compare(x.seq, y.seq) })
}

// refused is giveBack after NACK, which has a limit.
func (b *Broker) refused(q *queue, back []*delivery) {
	b.giveBack(q, slices.DeleteFunc(back, func(d *delivery) bool {
		if d.msg.nacks++; d.msg.nacks <= maxNacks {
			return false
		}
		b.log.Warn("a message was refused too often and is dropped", zap.String("queue", q.name), zap.String("message_id", d.msg.id))
		b.settle(q, d.msg)
		return true
	}))
}

// purgeExpired makes room in queues that nobody consumes.
func (b *Broker) purgeExpired() {
	now := time.Now()
	for _, q := range b.queues {
		q.ready = slices.DeleteFunc(q.ready, func(m *message) bool {
			if m.expired(now) {
				b.storedBytes -= m.size
				return true
			}
			return false
		})
		b.release(q)
	}
}

// release frees a queue that nobody uses.
func (b *Broker) release(q *queue) {
	if len(q.ready) == 0 && q.held == 0 && len(q.consumers) == 0 {
		delete(b.queues, q.name)
	}
}
