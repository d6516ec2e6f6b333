package broker

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
)

// Sharing lets several connectors have one command queue, of which one at a time, the
// owner, takes commands and sends events. All fields are required.
//
// The lock is a message on a queue of its own, <command queue>.owner, which is never
// acknowledged: whoever has been given it is the owner until its connection ends. Then
// the broker gives it to the next, the one with the highest ConsumerPriority first. The
// broker cannot lose an owner: it closes a connection that is silent. An owner can lose
// the broker: so it acts only for as long as a lease lasts, from when it has asked
// something that the broker has answered. The lease is shorter than the silence after
// which the broker gives the lock away. A connector whose lease has ended, or that is
// given the lock, is the owner only once Judge says so: another one may be, with another
// lock.
type Sharing struct {
	Topic string // on which the connectors hear each other
	// Heard is called with what comes on Topic, the connector's own messages too, from one
	// goroutine; it must not block.
	Heard func(body string)
	// Beat makes what is sent on Topic some times in each heart-beat, and after each change
	// of the ownership; lock is the owner's lock, by its message id, "" for who is none.
	Beat func(lock string) (body string)
	// Judge is asked with each beat whether the connector may be the owner with a lock that
	// it was given, or that lock is one too many. It must not block.
	Judge func(lock string) (take, destroy bool)
	// Changed is called after each change of the ownership; it must not block.
	Changed func(owner bool)
}

// ownerHeartbeat is the longest that connectors with one command queue promise the
// broker to be silent. ActiveMQ gives up after two to three of them (5.17 measured: 13 s).
const ownerHeartbeat = 5 * time.Second

// beats is how many beats and renewals of the lease there are in a heart-beat.
const beats = 4

var (
	errNotOwner = errors.New("another connector may take the commands now")
	errResigned = errors.New("the lock is given back")
)

// ownership is the connection that holds the lock, and what it is worth.
type ownership struct {
	options Options // of the connection
	sharing Sharing
	log     *zap.Logger
	every   time.Duration // of the beats
	lasts   time.Duration // of the lease
	wake    chan struct{} // has an element when there is something to say at once
	renewed func()        // is told that the lease is longer now
	leave   chan bool     // has an element when the lock is to be given back; true: it is to be destroyed

	until atomic.Int64 // of the lease, from begin

	mu     sync.Mutex
	line   *conn         // that waits for the lock, or has it; nil while there is none
	conn   *conn         // on which the lock came; nil while there is none
	ack    string        // of the lock
	lock   string        // its message id
	owner  bool          // Judge has said so
	holds  chan struct{} // closed while the lock is held
	loses  chan struct{} // closed when it is not held
	leased chan struct{} // closed and replaced at each renewal
}

// start is what the lease is counted from, by a clock that nobody sets.
var start = time.Now()

func newOwnership(o *Options) *ownership {
	w := &ownership{options: *o, sharing: *o.Sharing, log: o.Logger.Named("owner"),
		wake: make(chan struct{}, 1), leave: make(chan bool, 1), holds: make(chan struct{}), loses: make(chan struct{}), leased: make(chan struct{})}
	w.options.Heartbeat = min(o.Heartbeat, ownerHeartbeat)
	w.options.maxBody = eventBody
	w.every, w.lasts = Beats(o.Heartbeat)
	close(w.loses)
	return w
}

// Beats is how often the connectors of a Sharing beat, and how long an owner is one that
// hears nothing, for the heart-beat that is configured.
func Beats(heartbeat time.Duration) (every, lease time.Duration) {
	lease = min(heartbeat, ownerHeartbeat)
	return lease / beats, lease
}

// OwnerQueue is the name of the queue with the lock of a command queue.
func OwnerQueue(commands string) string { return commands + ".owner" }

func (o *Options) ownerQueue() string { return "/queue/" + OwnerQueue(o.CommandQueue) }

// owns reports whether the connector is the owner for certain.
func (w *ownership) owns() bool {
	return w == nil || time.Since(start) < time.Duration(w.until.Load())
}

// gauge is 1 while the lock is held.
func (w *ownership) gauge() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.owner {
		return 1
	}
	return 0
}

// await returns when the connector is the owner for certain, or with ctx's error.
func (w *ownership) await(ctx context.Context) error {
	for !w.owns() {
		w.mu.Lock()
		renewed := w.leased
		w.mu.Unlock()
		if w.owns() {
			return nil
		}
		select {
		case <-renewed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// state has two channels: held and lost are closed while the lock is held, and while it is not. They are nil
// without a Sharing, where there is always an owner.
func (w *ownership) state() (held, lost <-chan struct{}) {
	if w == nil {
		return nil, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.holds, w.loses
}

// open connects, hears the others and waits in line for the lock.
func (w *ownership) open(ctx context.Context, ep endpoint) (*conn, error) {
	c, err := dial(ctx, &w.options, ep, nil)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	err = c.subscribe(ctx, "/topic/"+w.sharing.Topic, func(f incoming) error {
		w.sharing.Heard(newDelivery(&w.options, f).Body)
		return nil
	}, frame.Ack, "auto")
	if err == nil {
		err = c.subscribe(ctx, w.options.ownerQueue(), func(f incoming) error { return w.given(c, f) }, w.options.consumer("client-individual", 1)...)
	}
	if err != nil {
		c.close()
		w.gone(c)
		return nil, err
	}
	select {
	case <-w.leave: // it was meant for the connection before
	default:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line = c
	return c, nil
}

// given takes the lock.
func (w *ownership) given(c *conn, f incoming) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conn, w.ack, w.lock = c, f.Header.Get(frame.Ack), f.Header.Get(frame.MessageId)
	w.say()
	return nil
}

// say lets the next beat be now.
func (w *ownership) say() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// serve beats, and renews the lease while the lock is held, until c or ctx ends or the
// lock is given back.
func (w *ownership) serve(ctx context.Context, c *conn) (useful bool) {
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	defer w.gone(c)
	for {
		asked := time.Since(start)
		if w.beat(ctx, c) != nil {
			return true
		}
		w.renew(c, asked)
		select {
		case <-tick.C:
		case <-w.wake:
		case destroy := <-w.leave:
			w.resign(c, destroy)
			return true
		case <-c.done:
			return true
		case <-ctx.Done():
			return true
		}
	}
}

// beat is said to the others, and returns when the broker has answered something that it
// was asked before. Not the beat itself: a broker that is out of memory confirms none.
func (w *ownership) beat(ctx context.Context, c *conn) error {
	ctx, cancel := context.WithTimeout(ctx, receiptTimeout)
	defer cancel()
	lock := ""
	w.mu.Lock()
	if w.owner {
		lock = w.lock
	}
	w.mu.Unlock()
	send := frame.New(frame.SEND, frame.Destination, "/topic/"+w.sharing.Topic, w.options.CategoryProperty, syncCategory)
	send.Body = textBody(&w.options, w.sharing.Beat(lock))
	question, transaction := c.transaction()
	if c.server == framing.BuiltIn { // which has no transactions, and always memory
		question = send
	}
	if err := c.request(ctx, question); err != nil {
		c.fail(errLateReceipt)
		return err
	}
	if c.server != framing.BuiltIn {
		c.post(frame.New(frame.ABORT, frame.Transaction, transaction))
		c.post(send)
	}
	return nil
}

const syncCategory = "connector_sync"

// renew lets the lease begin anew, for what was asked then and is answered now.
func (w *ownership) renew(c *conn, asked time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn != c {
		return
	}
	if w.owner && !w.owns() {
		w.log.Warn("the broker was not heard for longer than an owner may do without it")
		w.ends()
	}
	take, destroy := true, false
	if !w.owner {
		take, destroy = w.sharing.Judge(w.lock)
	}
	switch {
	case destroy:
		w.log.Warn("there is a lock too many, which is destroyed", zap.String("action", "nothing, if an owner was cut off; else find out who else writes to "+w.options.ownerQueue()))
		c.post(frame.New(frame.ACK, frame.Id, w.ack))
		w.conn, w.ack, w.lock = nil, "", ""
		return
	case !take:
		return
	}
	w.until.Store(int64(asked + w.lasts))
	close(w.leased)
	w.leased = make(chan struct{})
	if w.owner {
		w.renewed()
		return
	}
	w.owner = true
	close(w.holds)
	w.loses = make(chan struct{})
	w.sharing.Changed(true)
	w.say()
}

// ends lets the connector be no owner any more. Called with mu held.
func (w *ownership) ends() {
	w.until.Store(0)
	if !w.owner {
		return
	}
	w.owner = false
	close(w.loses)
	w.holds = make(chan struct{})
	w.sharing.Changed(false)
}

// resign gives the lock back, or destroys it. Nothing is done as the owner any more before
// the next one may have it.
func (w *ownership) resign(c *conn, destroy bool) {
	w.mu.Lock()
	holds, ack := w.conn == c, w.ack
	w.mu.Unlock()
	w.gone(c)
	if holds && destroy {
		c.post(frame.New(frame.ACK, frame.Id, ack))
	}
	c.leave(errResigned)
}

// gone notes that c, which may have had the lock, is over or about to be.
func (w *ownership) gone(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.line == c {
		w.line = nil
	}
	if w.conn != c {
		return
	}
	w.conn, w.ack, w.lock = nil, "", ""
	w.ends()
}

// MakeLock makes a lock, because there is none any more; see Sharing. It does nothing
// while the connector has one, or no connection.
func (b *Broker) MakeLock() {
	w := b.ownership
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.line == nil || w.conn != nil {
		return
	}
	send := frame.New(frame.SEND, frame.Destination, w.options.ownerQueue(), "persistent", "true")
	send.Body = []byte("whoever holds this message is the owner of " + w.options.CommandQueue)
	w.line.post(send)
}

// Resign gives the lock back to the broker, or destroys it where there are two; then the
// connector waits in line again. It does not wait for that.
func (b *Broker) Resign(destroy bool) {
	select {
	case b.ownership.leave <- destroy:
	default: // it is under way
	}
}

// Owns returns when the connector is the owner for certain, at once without Sharing; else
// with ctx's error. See Sharing.
func (b *Broker) Owns(ctx context.Context) error { return b.ownership.await(ctx) }
