package bridge

import (
	"sync"

	"github.com/finesse-connector/finesse-connector/internal/broker"
)

// ledger remembers the commands that were taken, by the broker's message id. A
// command stays with the broker until it is acknowledged, and comes back when
// the connection ends before: then it must neither run nor be answered a
// second time, only be acknowledged on the connection it came by last.
type ledger struct {
	mu      sync.Mutex
	entries map[string]*taken
	order   []string // oldest first
}

type taken struct {
	acknowledge func() // the last delivery's
	done        bool
}

// ledgerSize is more than the broker can have on the way to one connector,
// twice over.
const ledgerSize = 4 * broker.Prefetch

func newLedger() *ledger { return &ledger{entries: map[string]*taken{}} }

// enter notes a delivery. When the command is a new one it returns what is to
// be called once it is answered, else again.
func (l *ledger) enter(id string, ack func()) (acknowledge func(), again bool) {
	if id == "" {
		return ack, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.entries[id]; e != nil {
		e.acknowledge = ack
		if e.done {
			ack()
		}
		return nil, true
	}
	e := &taken{acknowledge: ack}
	l.entries[id] = e
	l.order = append(l.order, id)
	if len(l.order) > ledgerSize {
		delete(l.entries, l.order[0])
		l.order = l.order[1:]
	}
	return func() { l.settle(e) }, false
}

func (l *ledger) settle(e *taken) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.done = true
	e.acknowledge()
}
