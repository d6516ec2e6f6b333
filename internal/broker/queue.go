package broker

import (
	"container/list"
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// entry is a Message in a queue.
type entry struct {
	Message
	number uint64 // in order of Publish, from 1
	sent   time.Time

	inWaiting, inSpare *list.Element // nil where it is not
}

// entryOverhead is what an event costs besides its text, in bytes: the entry and
// its places in the lists.
const entryOverhead = 288

func (e *entry) size() int {
	return entryOverhead + len(e.Body) + len(e.Type) + len(e.Destination) + len(e.CorrelationID)
}

// goesFirst reports whether the event is dropped before others: what nobody
// asked for is reported again, as it is by then.
func (e *entry) goesFirst() bool { return e.Expendable || e.Lasts == WithConnection }

// settled tells the publisher of the event that it is done with.
func (e *entry) settled() {
	if e.Confirmed != nil {
		e.Confirmed()
	}
}

// queue holds the events of one kind until they are settled: some wait, some
// are on the way, all in the order of Publish. It is safe for concurrent use.
//
// When too many wait some are dropped, the oldest first: those that are
// expendable, and those that nobody asked for and that are reported again as they
// are by then (WithConnection); when there are none, any. A dropped event is
// settled.
type queue struct {
	kind       kind
	limit      int // of those that wait
	limitBytes int // of those that wait
	log        *zap.Logger
	metrics    *metrics
	wake       chan struct{} // has one element when there may be something to send

	mu      sync.Mutex
	open    bool          // there is a connection
	missed  bool          // something may have been missed since the queue was opened
	last    uint64        // number of the newest
	way     []*entry      // sent, not confirmed
	waiting *list.List    // of *entry
	spare   *list.List    // of *entry: those that wait and are dropped first
	bytes   int           // of those that wait
	dropped int           // in the present episode of a full queue
	owed    bool          // something that must be reported again was dropped
	settled chan struct{} // closed and replaced when an event leaves
}

func newQueue(k kind, limit int, log *zap.Logger, m *metrics) *queue {
	return &queue{
		kind: k, limit: limit, limitBytes: queueBytes, log: log, metrics: m,
		wake: make(chan struct{}, 1), waiting: list.New(), spare: list.New(), settled: make(chan struct{}),
	}
}

// put adds m, and drops others when there are too many. A message that lasts
// WithConnection is dropped at once when there is none.
func (q *queue) put(m Message) {
	e := &entry{Message: m}
	q.mu.Lock()
	if m.Lasts == WithConnection && !q.open {
		q.missed = true
		q.mu.Unlock()
		q.metrics.dropped.WithLabelValues(droppedStale).Inc()
		e.settled()
		return
	}
	q.last++
	e.number = q.last
	q.await(e)
	var dropped []*entry
	for q.waiting.Len() > q.limit || q.bytes > q.limitBytes && q.waiting.Len() > 1 {
		dropped = append(dropped, q.drop())
	}
	q.mu.Unlock()
	for _, e := range dropped {
		e.settled()
	}
	q.say()
}

// await adds e to those that wait. Called with mu held.
func (q *queue) await(e *entry) {
	e.inWaiting = q.waiting.PushBack(e)
	q.bytes += e.size()
	if e.goesFirst() {
		e.inSpare = q.spare.PushBack(e)
	}
}

// remove takes e off the waiting events and keeps nothing of it. Called with mu
// held.
func (q *queue) remove(e *entry) {
	q.waiting.Remove(e.inWaiting)
	q.bytes -= e.size()
	if e.inSpare != nil {
		q.spare.Remove(e.inSpare)
	}
	e.inWaiting, e.inSpare = nil, nil
}

// drop takes off one of the waiting events; there must be one. Called with mu
// held.
func (q *queue) drop() *entry {
	first := q.spare.Front()
	if first == nil {
		first = q.waiting.Front()
	}
	e := first.Value.(*entry)
	q.remove(e)
	q.owed = q.owed || e.Lasts == WithConnection
	q.left()
	q.dropped++
	q.metrics.dropped.WithLabelValues(droppedFull).Inc()
	if q.dropped == 1 {
		q.log.Error("too many events wait for the broker: the oldest are dropped",
			zap.String("kind", string(q.kind)), zap.Int("waiting", q.waiting.Len()), zap.Int("bytes", q.bytes),
			zap.String("action", "bring the broker back; the queue it refuses to fill may be blocked by a consumer that does not read"))
	}
	return e
}

// left wakes those who flush. Called with mu held.
func (q *queue) left() {
	close(q.settled)
	q.settled = make(chan struct{})
}

// take puts the oldest waiting event on the way, or returns nil when none waits
// or limit are on the way.
func (q *queue) take(limit int) *entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.way) >= limit || q.waiting.Len() == 0 {
		return nil
	}
	e := q.waiting.Front().Value.(*entry)
	q.remove(e)
	if q.waiting.Len() == 0 && q.dropped > 0 {
		q.log.Info("no event waits any more", zap.String("kind", string(q.kind)), zap.Int("dropped", q.dropped))
		q.dropped = 0
	}
	e.sent = time.Now()
	q.way = append(q.way, e)
	return e
}

// owes reports, once for each episode of a full queue, whether it is over and
// what was dropped must be reported as it is now.
func (q *queue) owes() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.owed || q.waiting.Len() > 0 {
		return false
	}
	q.owed = false
	return true
}

// restart makes the events on the way wait again, ahead of others, for a new
// connection, and drops those that do not last so long. lost are those that may
// have arrived; missed reports whether anybody may have missed anything, as
// after every loss.
func (q *queue) restart() (missed bool, lost []*entry) {
	q.mu.Lock()
	var stale []*entry
	way, waiting, before := q.way, q.waiting, len(q.way)+q.waiting.Len()
	q.way, q.waiting, q.spare, q.bytes = nil, list.New(), list.New(), 0
	keep := func(e *entry) {
		e.sent = time.Time{}
		q.await(e)
	}
	for _, e := range way {
		switch e.Lasts {
		case UntilProved:
			keep(e)
		case UntilSent:
			lost = append(lost, e)
		default:
			stale = append(stale, e)
		}
	}
	for next := waiting.Front(); next != nil; next = next.Next() {
		if e := next.Value.(*entry); e.Lasts != WithConnection {
			keep(e)
		} else {
			stale = append(stale, e)
		}
	}
	dropped := before - q.waiting.Len()
	q.metrics.dropped.WithLabelValues(droppedStale).Add(float64(dropped))
	if dropped > 0 {
		q.left()
	}
	missed = q.missed || dropped > 0
	q.open, q.missed, q.owed = true, false, false // all is reported again
	q.mu.Unlock()
	for _, e := range stale {
		e.settled()
	}
	return missed, lost
}

// stop notes that the connection is gone.
func (q *queue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open, q.missed = false, true
}

// settle removes e from those on the way, and reports whether it was there.
func (q *queue) settle(e *entry) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, other := range q.way {
		if other == e { // mostly the first: brokers confirm in order
			q.way = slices.Delete(q.way, i, i+1)
			q.left()
			return true
		}
	}
	return false
}

// oldest returns the first on the way, nil when there is none.
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

// length returns how many are not settled.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.way) + q.waiting.Len()
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

// first returns the number of the oldest event that is not settled, and a
// channel that is closed when one leaves.
func (q *queue) first() (number uint64, changed <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	number = q.last + 1
	if len(q.way) > 0 {
		number = q.way[0].number
	} else if next := q.waiting.Front(); next != nil {
		number = next.Value.(*entry).number
	}
	return number, q.settled
}

// say lets the publisher look again.
func (q *queue) say() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
