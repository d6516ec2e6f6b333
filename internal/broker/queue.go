package broker

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
)

// entry is a Message in a queue.
type entry struct {
	Message
	number uint64 // in order of Publish, from 1
	sent   time.Time
}

// queue holds the events of one kind until they are settled: some wait, some
// are on the way. All are in the order of Publish. It is safe for concurrent
// use.
type queue struct {
	kind    kind
	limit   int // of those that wait
	log     *zap.Logger
	metrics *metrics
	wake    chan struct{} // has one element when there may be something to send

	mu      sync.Mutex
	open    bool     // there is a connection
	missed  bool     // something may not have arrived since it was opened
	last    uint64   // number of the newest
	way     []*entry // sent, not confirmed
	waiting []*entry
	dropped int           // in the present episode of a full queue
	settled chan struct{} // closed and replaced when an event leaves
}

func newQueue(k kind, limit int, log *zap.Logger, m *metrics) *queue {
	return &queue{kind: k, limit: limit, log: log, metrics: m, wake: make(chan struct{}, 1), settled: make(chan struct{})}
}

// put adds m, at the cost of the oldest that waits when there are too many.
// What lasts as long as the connection is dropped at once when there is none.
func (q *queue) put(m Message) {
	q.mu.Lock()
	if m.Lasts == WithConnection && !q.open {
		q.missed = true
		q.mu.Unlock()
		q.metrics.dropped.WithLabelValues(droppedStale).Inc()
		return
	}
	q.last++
	q.waiting = append(q.waiting, &entry{Message: m, number: q.last})
	if len(q.waiting) > q.limit {
		q.drop()
	}
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// drop forgets the oldest that waits. Called with mu held.
func (q *queue) drop() {
	q.waiting[0] = nil
	q.waiting = q.waiting[1:]
	q.left()
	q.dropped++
	q.metrics.dropped.WithLabelValues(droppedFull).Inc()
	if q.dropped == 1 {
		q.log.Error("too many events wait for the broker: the oldest are dropped",
			zap.String("kind", string(q.kind)), zap.Int("limit", q.limit),
			zap.String("action", "bring the broker back; the queue it refuses to fill may be blocked by a consumer that does not read"))
	}
}

// left wakes those who flush. Called with mu held.
func (q *queue) left() {
	close(q.settled)
	q.settled = make(chan struct{})
}

// take moves the oldest that waits onto the way, or gives nil when there is
// none or limit are on the way.
func (q *queue) take(limit int) *entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.way) >= limit || len(q.waiting) == 0 {
		return nil
	}
	e := q.waiting[0]
	q.waiting[0] = nil
	q.waiting = q.waiting[1:]
	if len(q.waiting) == 0 && q.dropped > 0 {
		q.log.Info("no event waits any more", zap.String("kind", string(q.kind)), zap.Int("dropped", q.dropped))
		q.dropped = 0
	}
	e.sent = time.Now()
	q.way = append(q.way, e)
	return e
}

// restart makes what is on the way wait again, first, for a new connection,
// and drops what does not last as long. lost are those that may have arrived;
// missed reports whether anybody may have missed anything, as after every loss.
func (q *queue) restart() (missed bool, lost []*entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var kept []*entry
	for _, e := range q.way {
		switch e.Lasts {
		case UntilProved:
			kept = append(kept, e)
		case UntilSent:
			lost = append(lost, e)
		}
	}
	for _, e := range q.waiting {
		if e.Lasts != WithConnection {
			kept = append(kept, e)
		}
	}
	dropped := len(q.way) + len(q.waiting) - len(kept)
	q.metrics.dropped.WithLabelValues(droppedStale).Add(float64(dropped))
	if dropped > 0 {
		q.left()
	}
	missed = q.missed || dropped > 0
	q.way, q.waiting, q.open, q.missed = nil, kept, true, false
	return missed, lost
}

// stop notes that the connection is gone.
func (q *queue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open, q.missed = false, true
}

// settle removes e from the way, and reports whether it was there.
func (q *queue) settle(e *entry) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, other := range q.way {
		if other == e { // mostly the first: brokers confirm in order
			q.way = append(q.way[:i], q.way[i+1:]...)
			q.left()
			return true
		}
	}
	return false
}

// oldest is the first on the way, nil when there is none.
func (q *queue) oldest() *entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.way) == 0 {
		return nil
	}
	return q.way[0]
}

func (q *queue) onTheWay() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.way)
}

// length is how many are not settled.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.way) + len(q.waiting)
}

// flush waits until everything put so far is settled or dropped.
func (q *queue) flush(ctx context.Context) error {
	q.mu.Lock()
	until := q.last
	q.mu.Unlock()
	for {
		first, changed := q.first()
		if first > until {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// first is the number of the oldest event that is not settled, and a channel
// that is closed when one leaves.
func (q *queue) first() (number uint64, changed <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	number = q.last + 1
	if len(q.way) > 0 {
		number = q.way[0].number
	} else if len(q.waiting) > 0 {
		number = q.waiting[0].number
	}
	return number, q.settled
}
