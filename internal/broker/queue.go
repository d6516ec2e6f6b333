package broker

import (
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
	gone   bool // it was dropped; it stays in the list that waits until its turn
}

// entryOverhead is what an event costs besides its text, in bytes.
const entryOverhead = 256

func (e *entry) size() int {
	return entryOverhead + len(e.Body) + len(e.Type) + len(e.Destination) + len(e.CorrelationID)
}

// goesFirst: what nobody asked for is told again as it is by then.
func (e *entry) goesFirst() bool { return e.Expendable || e.Lasts == WithConnection }

// settled tells who published the event that nothing more comes of it.
func (e *entry) settled() {
	if e.Confirmed != nil {
		e.Confirmed()
	}
}

// queue holds the events of one kind until they are settled: some wait, some
// are on the way. All are in the order of Publish. It is safe for concurrent
// use.
//
// When too many wait some are dropped: first those that nobody asked for and that
// are told again as they are by then (WithConnection) and those that are
// expendable, the oldest first; when there are none, the oldest. What is dropped
// is settled.
type queue struct {
	kind       kind
	limit      int // of those that wait
	limitBytes int // of those that wait
	log        *zap.Logger
	metrics    *metrics
	wake       chan struct{} // has one element when there may be something to send

	mu      sync.Mutex
	open    bool          // there is a connection
	missed  bool          // something may not have arrived since it was opened
	last    uint64        // number of the newest
	way     []*entry      // sent, not confirmed
	waiting []*entry      // some are gone
	spare   []*entry      // of those that wait the ones that are dropped first
	live    int           // of waiting, without those that are gone
	bytes   int           // of these
	dropped int           // in the present episode of a full queue
	untold  bool          // among them something that is to be told again
	settled chan struct{} // closed and replaced when an event leaves
}

func newQueue(k kind, limit int, log *zap.Logger, m *metrics) *queue {
	return &queue{
		kind: k, limit: limit, limitBytes: queueBytes, log: log, metrics: m,
		wake: make(chan struct{}, 1), settled: make(chan struct{}),
	}
}

// put adds m, at the cost of others when there are too many. What lasts as long
// as the connection is dropped at once when there is none.
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
	for q.live > q.limit || q.bytes > q.limitBytes && q.live > 1 {
		dropped = append(dropped, q.drop())
	}
	q.mu.Unlock()
	for _, e := range dropped {
		e.settled()
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// await adds e to those that wait. Called with mu held.
func (q *queue) await(e *entry) {
	q.waiting = append(q.waiting, e)
	q.live++
	q.bytes += e.size()
	if e.goesFirst() {
		q.spare = append(q.spare, e)
	}
}

// drop forgets one of those that wait, of which there is one. Called with mu
// held.
func (q *queue) drop() *entry {
	e := q.victim()
	e.gone = true
	q.live--
	q.bytes -= e.size()
	q.untold = q.untold || e.Lasts == WithConnection
	if len(q.waiting) > 2*q.limit { // mostly of those that are gone
		q.waiting = slices.DeleteFunc(q.waiting, func(e *entry) bool { return e.gone })
	}
	q.left()
	q.dropped++
	q.metrics.dropped.WithLabelValues(droppedFull).Inc()
	if q.dropped == 1 {
		q.log.Error("too many events wait for the broker: the oldest are dropped",
			zap.String("kind", string(q.kind)), zap.Int("waiting", q.live), zap.Int("bytes", q.bytes),
			zap.String("action", "bring the broker back; the queue it refuses to fill may be blocked by a consumer that does not read"))
	}
	return e
}

func (q *queue) victim() *entry {
	if e := q.nextSpare(); e != nil {
		return e
	}
	q.skip()
	return q.waiting[0]
}

// nextSpare takes the oldest off spare, nil when there is none.
func (q *queue) nextSpare() *entry {
	if len(q.spare) == 0 {
		return nil
	}
	e := q.spare[0]
	q.spare[0] = nil
	q.spare = q.spare[1:]
	return e
}

// skip takes what is gone off the front of those that wait. Called with mu held.
func (q *queue) skip() {
	for len(q.waiting) > 0 && q.waiting[0].gone {
		q.waiting[0] = nil
		q.waiting = q.waiting[1:]
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
	if len(q.way) >= limit || q.live == 0 {
		return nil
	}
	q.skip()
	e := q.waiting[0]
	q.waiting[0] = nil
	q.waiting = q.waiting[1:]
	if e.goesFirst() {
		q.nextSpare() // it is e
	}
	q.live--
	q.bytes -= e.size()
	if q.live == 0 && q.dropped > 0 {
		q.log.Info("no event waits any more", zap.String("kind", string(q.kind)), zap.Int("dropped", q.dropped))
		q.dropped = 0
	}
	e.sent = time.Now()
	q.way = append(q.way, e)
	return e
}

// owes reports, once for each episode of a full queue, that it is over and that
// what was dropped is to be told as it is now.
func (q *queue) owes() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.untold || q.live > 0 {
		return false
	}
	q.untold = false
	return true
}

// restart makes what is on the way wait again, first, for a new connection,
// and drops what does not last as long. lost are those that may have arrived;
// missed reports whether anybody may have missed anything, as after every loss.
func (q *queue) restart() (missed bool, lost []*entry) {
	q.mu.Lock()
	var stale []*entry
	way, waiting, before := q.way, q.waiting, len(q.way)+q.live
	q.way, q.waiting, q.spare, q.live, q.bytes = nil, nil, nil, 0, 0
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
	for _, e := range waiting {
		switch {
		case e.gone:
		case e.Lasts != WithConnection:
			keep(e)
		default:
			stale = append(stale, e)
		}
	}
	dropped := before - q.live
	q.metrics.dropped.WithLabelValues(droppedStale).Add(float64(dropped))
	if dropped > 0 {
		q.left()
	}
	missed = q.missed || dropped > 0
	q.open, q.missed, q.untold = true, false, false // all is told
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
	return len(q.way) + q.live
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
	q.skip()
	if len(q.way) > 0 {
		number = q.way[0].number
	} else if len(q.waiting) > 0 {
		number = q.waiting[0].number
	}
	return number, q.settled
}
