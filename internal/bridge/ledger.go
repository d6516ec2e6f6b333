package bridge

import (
	"container/list"
	"context"
	"slices"
	"sync"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// ledger remembers the commands that were taken. A command stays with the broker
// until it is acknowledged, and comes back when the connection ends before: then
// it must neither run nor be answered a second time, only be acknowledged on the
// connection it came by last.
//
// A delivery is the repetition of a command only if all of this is so:
//
//   - The broker marked it as delivered before. A mark is missing only after a
//     restart of the broker (broker.Delivery.Process): from that on, what is
//     not marked may be a repetition too, until as many commands have come
//     that were none as there were in the ledger.
//   - All that the broker sent of it is the same, for an id can be forged.
//   - The command came by an earlier connection, and the broker has not said since
//     that it has its acknowledgement.
//   - It is not taken for the repetition of that command already: of several that
//     are alike to the letter each stands for one.
//
// So a stranger who foretells what somebody will send, and sends it before,
// gains nothing: the real command is not marked. Two things are left. Where the
// connection is lost between an acknowledgement and its receipt, and the real
// command was on its way just then without being read, it is taken for the
// stranger's, which was alike, has run, and was answered where it would have
// been. And so it is right after a restart of the broker that lost the stranger's.
type ledger struct {
	most int // commands

	mu      sync.Mutex
	entries map[uint64][]*taken // by identity, oldest first
	order   *list.List          // of *taken, oldest first

	unacknowledged int           // that are done
	all            chan struct{} // closed when there are none; nil when nobody waits

	connection, process uint64 // of the newest delivery
	unmarked            int    // how many commands may still come before only marks count
}

type taken struct {
	identity            uint64
	connection, process uint64       // it was delivered on last
	acknowledge         func(func()) // that delivery's; calls what it is given when the broker has it
	done                bool
	at                  *list.Element // in order; nil once it is forgotten
}

// newLedger makes a ledger of at most so many commands, which has to be more than
// the broker gives at a time.
func newLedger(most int) *ledger {
	return &ledger{most: most, entries: map[uint64][]*taken{}, order: list.New()}
}

// enter notes a delivery, which ack acknowledges. When the command is a new one
// it returns what is to be called once it is answered, else again. One for which
// there is no room must not run.
func (l *ledger) enter(d *broker.Delivery, ack func(gone func())) (acknowledge func(), again bool, noRoom error) {
	plainly := func() { ack(func() {}) }
	if d.Identity == 0 {
		return plainly, false, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.again(d, ack); e != nil {
		return func() { l.acknowledge(e) }, true, nil
	}
	l.unmarked = max(0, l.unmarked-1)
	if !l.makeRoom() {
		return plainly, false, gc.Retry(gc.TooManyWait, "accept command", "%d commands are not answered yet", l.order.Len())
	}
	e := &taken{identity: d.Identity, connection: d.Connection, process: d.Process, acknowledge: ack}
	l.entries[e.identity] = append(l.entries[e.identity], e)
	e.at = l.order.PushBack(e)
	return func() { l.settle(e) }, false, nil
}

// repeats acknowledges a delivery if it is the repetition of a command that is
// answered, or will be; else it notes nothing.
func (l *ledger) repeats(d *broker.Delivery, ack func(gone func())) {
	l.mu.Lock()
	e := l.again(d, ack)
	l.mu.Unlock()
	if e != nil {
		l.acknowledge(e)
	}
}

// again is the command that d is the repetition of, nil for none. From now on ack
// acknowledges it.
func (l *ledger) again(d *broker.Delivery, ack func(gone func())) *taken {
	l.look(d)
	e := l.repeated(d)
	if e != nil {
		e.connection, e.process, e.acknowledge = d.Connection, d.Process, ack
	}
	return e
}

// acknowledged returns when the broker has the acknowledgements of all that is
// answered, or ctx ends.
func (l *ledger) acknowledged(ctx context.Context) {
	l.mu.Lock()
	if l.unacknowledged == 0 {
		l.mu.Unlock()
		return
	}
	if l.all == nil {
		l.all = make(chan struct{})
	}
	all := l.all
	l.mu.Unlock()
	select {
	case <-all:
	case <-ctx.Done():
	}
}

// look notes where the newest delivery came from. Called with mu held, as are again and
// all below but settle, acknowledge and gone.
func (l *ledger) look(d *broker.Delivery) {
	if d.Connection < l.connection || d.Process == 0 {
		return
	}
	if d.Process != l.process {
		l.unmarked = l.order.Len()
	}
	l.connection, l.process = d.Connection, d.Process
}

// repeated is the command that d is the repetition of, nil for none. One that
// is not done comes first: its messages all come again.
func (l *ledger) repeated(d *broker.Delivery) (found *taken) {
	for _, e := range l.entries[d.Identity] {
		counts := d.Redelivered || d.Process != 0 && d.Process != e.process && l.unmarked > 0
		if counts && e.connection < d.Connection && (found == nil || found.done && !e.done) {
			found = e
		}
	}
	return found
}

// makeRoom forgets what is done, the oldest first, when the ledger is full. What
// is not done is never forgotten, or it would run twice; there is less of it
// than Prefetch unless a broker lost what it had given.
func (l *ledger) makeRoom() bool {
	if l.order.Len() < l.most {
		return true
	}
	for at := l.order.Front(); at != nil; at = at.Next() {
		if e := at.Value.(*taken); e.done {
			l.forget(e)
			return true
		}
	}
	return false
}

func (l *ledger) forget(e *taken) {
	if e.at == nil { // to make room
		return
	}
	l.order.Remove(e.at)
	e.at = nil
	if e.done {
		l.unacknowledged--
	}
	if l.all != nil && l.unacknowledged == 0 {
		close(l.all)
		l.all = nil
	}
	if rest := slices.DeleteFunc(l.entries[e.identity], func(other *taken) bool { return other == e }); len(rest) > 0 {
		l.entries[e.identity] = rest
	} else {
		delete(l.entries, e.identity)
	}
}

// settle notes that a command is answered.
func (l *ledger) settle(e *taken) {
	l.mu.Lock()
	if !e.done {
		e.done = true
		l.unacknowledged++
	}
	l.mu.Unlock()
	l.acknowledge(e)
}

// acknowledge tells the broker if the command is done. It holds no lock then: the
// broker may say at once that it has heard.
func (l *ledger) acknowledge(e *taken) {
	l.mu.Lock()
	done, ack := e.done, e.acknowledge
	l.mu.Unlock()
	if done {
		ack(func() { l.gone(e) })
	}
}

func (l *ledger) gone(e *taken) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(e)
}
