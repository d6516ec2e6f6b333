// Package embedded is a small STOMP broker inside the process, for the demo
// and for driver development on a laptop. It is not for production: messages
// live in memory only and are gone with the process.
//
// It speaks STOMP 1.1 and 1.2 and answers as ActiveMQ does wherever the
// connector and its drivers can see it: queues, topics, temporary destinations,
// the three ack modes, receipts, heart-beats, prefetch and consumer priority,
// expiry, ERROR and then a closed connection for every protocol fault. Left
// out, and refused with an ERROR instead of ignored: STOMP 1.0, transactions,
// selectors, browsing, exclusive and durable subscriptions, wildcards and
// composite destinations.
//
// Order: messages of one connection to one destination arrive in the order
// sent; messages that come back keep their place in the queue.
//
// Loss: a queue message that was sent to a client-acknowledging consumer stays
// until it is acknowledged, and comes back with redelivered:true after a
// NACK, an UNSUBSCRIBE or the end of the connection; an ACK that comes after
// that is a fault, because it no longer counts. A message is dropped, with a
// log line, after maxNacks NACKs. With ack:auto a message is gone once it was
// written to the socket. A topic message reaches those who are subscribed at
// that moment, nobody else.
//
// Bounds: see limits. If a queue or the store is full, SEND is answered with ERROR
// and its connection closed. A topic subscriber that does not read loses its oldest
// messages, delays nobody, and is cut off once a write has not moved for
// limits.write. A peer that does not read its receipts is not read.
//
// Concurrency: one mutex guards all broker state and is never held across I/O;
// each connection has one goroutine that reads and one that writes.
package embedded

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/trouble"
)

// Options say where the broker listens and who may connect.
type Options struct {
	// Listen is host:port. Port 0 takes a free one; an empty host is the
	// loopback address, so that other machines get in only if the operator
	// names an address they can reach.
	Listen string
	// Username and Password are required of every client when either is set.
	Username string
	Password gc.Secret
	// Logger may be nil.
	Logger *zap.Logger
}

// limits bound what the peers together can make the broker hold.
type limits struct {
	connections   int           // at a time; one more gets ERROR
	subscriptions int           // of all connections together
	temporaries   int           // temporary destinations of one connection
	queueLength   int           // messages in one queue, unacknowledged ones included
	storedBytes   int           // of all queues together
	backlog       int           // topic messages waiting for one connection
	backlogBytes  int           // the same in bytes; the newest message always stays
	answers       int           // receipts waiting for one connection before it is no longer read
	body          int           // bytes of one message body
	connect       time.Duration // from accept to the complete CONNECT frame
	write         time.Duration // for one batch of frames to leave
	linger        time.Duration // for the peer to read a last ERROR or RECEIPT and close
}

var defaultLimits = limits{
	connections:   1_000,
	subscriptions: 50_000,
	temporaries:   1_000,
	queueLength:   10_000,
	storedBytes:   256 << 20,
	backlog:       1_000,
	backlogBytes:  32 << 20,
	answers:       256,
	body:          16 << 20,
	connect:       10 * time.Second,
	write:         20 * time.Second,
	linger:        time.Second,
}

// Broker is a running broker. It is safe for concurrent use.
type Broker struct {
	options  Options
	limits   limits
	log      *zap.Logger
	id       string // separates the ids of this run from those of an earlier one
	listener net.Listener
	workers  sync.WaitGroup
	closing  chan struct{}

	mu            sync.Mutex // guards all that follows, and every queue, topic, subscription and outbox
	closed        bool
	crowded       bool // connections are refused, and that is logged
	conns         map[*conn]struct{}
	queues        map[string]*queue
	topics        map[string]*topic
	temporaries   map[string]temporary
	subscriptions int
	storedBytes   int
	lastConn      uint64
	lastMessage   uint64
}

// Start listens and serves until Close. It fails when the address is invalid or
// taken.
func Start(o Options) (*Broker, error) { return start(o, defaultLimits) }

func start(o Options, l limits) (*Broker, error) {
	host, port, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	b := newBroker(o, l)
	if b.listener, err = net.Listen("tcp", net.JoinHostPort(host, port)); err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	b.log.Warn("embedded broker started; not for production, messages live in memory only", zap.String("listen", b.Addr()))
	if ip := b.listener.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() && !o.wantsLogin() {
		b.log.Warn("embedded broker is open to other machines without a password; set one or listen on 127.0.0.1")
	}
	b.workers.Go(b.accept)
	return b, nil
}

func newBroker(o Options, l limits) *Broker {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	return &Broker{
		options: o, limits: l, log: o.Logger,
		id:          "embedded-" + strconv.FormatInt(time.Now().UnixMilli(), 36),
		closing:     make(chan struct{}),
		conns:       map[*conn]struct{}{},
		queues:      map[string]*queue{},
		topics:      map[string]*topic{},
		temporaries: map[string]temporary{},
	}
}

func (o Options) wantsLogin() bool { return o.Username != "" || o.Password.Reveal() != "" }

// Addr returns the host:port that is bound.
func (b *Broker) Addr() string { return b.listener.Addr().String() }

// Close stops listening, cuts every connection and waits for all goroutines.
// Messages not yet delivered are lost. Further calls do nothing but wait.
func (b *Broker) Close() {
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		close(b.closing)
		_ = b.listener.Close()
		for c := range b.conns {
			_ = c.net.Close()
		}
	}
	b.mu.Unlock()
	b.workers.Wait()
}

func (b *Broker) accept() {
	var failed time.Time // logged once a minute at most
	for {
		nc, err := b.listener.Accept()
		switch {
		case err == nil:
			b.admit(nc)
		case errors.Is(err, net.ErrClosed):
			return
		default: // out of descriptors, most likely: wait for some to come back
			if time.Since(failed) > time.Minute {
				b.log.Warn("embedded broker cannot accept connections; it keeps trying", trouble.NoFiles.Fields(err)...)
			}
			failed = time.Now()
			select {
			case <-time.After(100 * time.Millisecond):
			case <-b.closing:
				return
			}
		}
	}
}

// admit serves nc unless the broker is full or closed.
func (b *Broker) admit(nc net.Conn) {
	b.mu.Lock()
	full := len(b.conns) >= b.limits.connections
	said := b.crowded
	b.crowded = full
	if full || b.closed {
		b.mu.Unlock()
		if full && !said {
			b.log.Warn("embedded broker refuses connections; too many are open", zap.Int("limit", b.limits.connections))
		}
		if full {
			_ = nc.SetWriteDeadline(time.Now().Add(time.Second))
			_ = frame.NewWriter(nc).Write(errorFrame(framing.Faultf("too many connections"), ""))
		}
		_ = nc.Close()
		return
	}
	c := newConn(b, nc)
	b.conns[c] = struct{}{}
	b.workers.Go(c.serve)
	b.mu.Unlock()
}
