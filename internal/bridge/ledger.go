package bridge

import (
	"sync"

	"github.com/finesse-connector/finesse-connector/internal/broker"
)

// ledger remembers the commands that were taken. A command stays with the broker
// until it is acknowledged, and comes back when the connection ends before: then
// it must neither run nor be answered a second time, only be acknowledged on the
// connection it came by last.
//
// A command is known by all that the broker sent of it, for its id and its word
// that it comes a second time can be forged: a driver that gives all its commands
// one message-id, or a stranger who guesses the next, makes no two alike. Of
// those that are, each stands for one: none is taken for another's repetition
// before the connection has changed, and one repetition is not taken for two.
type ledger struct {
	mu      sync.Mutex
	entries map[uint64][]*taken // by identity, oldest first
	order   []*taken            // oldest first
}

type taken struct {
	identity    uint64
	connection  uint64 // it was delivered on last
	acknowledge func() // that delivery's
	done        bool
}

// ledgerSize is more than the broker can have on the way to one connector,
// twice over.
const ledgerSize = 4 * broker.Prefetch

func newLedger() *ledger { return &ledger{entries: map[uint64][]*taken{}} }

// enter notes a delivery, which ack acknowledges. When the command is a new one
// it returns what is to be called once it is answered, else again.
func (l *ledger) enter(d *broker.Delivery, ack func()) (acknowledge func(), again bool) {
	if d.Identity == 0 {
		return ack, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries[d.Identity] {
		if e.connection >= d.Connection {
			continue
		}
		e.connection, e.acknowledge = d.Connection, ack
		if e.done {
			ack()
		}
		return nil, true
	}
	e := &taken{identity: d.Identity, connection: d.Connection, acknowledge: ack}
	l.entries[e.identity] = append(l.entries[e.identity], e)
	l.order = append(l.order, e)
	if len(l.order) > ledgerSize {
		l.forget(l.order[0])
	}
	return func() { l.settle(e) }, false
}

// forget drops the oldest, which is the first of its identity.
func (l *ledger) forget(oldest *taken) {
	l.order = l.order[1:]
	if rest := l.entries[oldest.identity][1:]; len(rest) > 0 {
		l.entries[oldest.identity] = rest
	} else {
		delete(l.entries, oldest.identity)
	}
}

func (l *ledger) settle(e *taken) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.done = true
	e.acknowledge()
}
