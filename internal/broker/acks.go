package broker

import (
	"errors"
	"sync"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
)

// acks sends the acknowledgements of a connection and learns when the broker has
// them: until then each message may come again. One receipt proves all that
// was sent before it, also over a broker that is killed right afterwards (ActiveMQ
// 5.17 with KahaDB measured: none of 51 without a receipt came again behind one with).
// ActiveMQ writes its disk for each receipt, and reads nothing meanwhile; so one
// is on its way at a time, and what is acknowledged meanwhile waits for it, as
// long as for any receipt; then the connection is given up.
//
// A nil *acks is of a connection that has none.
type acks struct {
	conn *conn

	mu      sync.Mutex
	asked   bool // a receipt is on its way
	late    *time.Timer
	leaving bool
	waiting []ack
}

type ack struct {
	id   string
	gone func() // the message cannot come again
}

// add acknowledges a message. It does not block. gone is called from the reader
// goroutine, and not at all when the connection ends before the receipt.
func (a *acks) add(id string, gone func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting = append(a.waiting, ack{id, gone})
	if !a.asked || a.leaving {
		a.send()
	}
}

// leave sends what waits, and makes nothing wait from then on.
func (a *acks) leave() {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.leaving = true
	a.send()
}

// send sends all that wait. Called with mu held.
func (a *acks) send() {
	batch := a.waiting
	a.waiting = nil
	for i, one := range batch {
		f := frame.New(frame.ACK, frame.Id, one.id)
		if i < len(batch)-1 {
			a.conn.post(f)
			continue
		}
		a.asked = true
		a.late = time.AfterFunc(receiptTimeout, a.overdue)
		if a.conn.send(f, func(err error) { a.answered(batch, err) }) != nil {
			a.late.Stop() // the connection is over
		}
	}
}

// overdue gives the connection up, unless a long message is coming, which the
// receipt may follow.
func (a *acks) overdue() {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case !a.asked:
	case a.conn.socket.within.Load():
		a.late.Reset(receiptTimeout)
	default:
		a.conn.fail(errLateReceipt)
	}
}

func (a *acks) answered(batch []ack, err error) {
	a.mu.Lock()
	a.late.Stop()
	a.mu.Unlock()
	switch {
	case errors.Is(err, errLost):
		return
	case err != nil: // for a message that is not there
		a.conn.fail(err)
		return
	}
	a.conn.settles.Store(true)
	for _, one := range batch {
		one.gone()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = false
	a.send()
}
