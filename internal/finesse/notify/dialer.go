// Package notify receives the updates of Finesse's notification service: one
// XMPP stream per agent, over go-xmpp.
//
// What it promises:
//
//   - Order: updates of a stream come in the order the server sent them. The
//     updates about an agent's state and those about its calls come from
//     different nodes of the service, which keeps no order between them.
//   - Loss: the service keeps nothing for a client that is away. After Dial,
//     and so after every loss of a stream, the caller must read User and
//     Dialogs. Within a stream nothing is dropped but what can not be read,
//     which is counted, and an item sent twice.
//   - Bounds: a stanza of more than 1 MiB ends the stream. Updates wait in a
//     channel of 16; then the stream stops reading, and what follows waits in
//     the buffers of the connection and of the server until the consumer goes
//     on. A consumer that never goes on gets the stream cut by the server; it
//     never costs memory here. Its own slowness does not count as silence.
//   - Subscriptions: what is explicitly subscribed, which the service keeps
//     beyond the connection, is taken back by Close, or by the next stream that
//     subscribes. No other client's is touched.
//   - Liveness: the server is asked for a sign of life every PingInterval. A
//     server that sends no byte for DeadAfter has lost the stream.
//   - Concurrency: a stream has two goroutines, which end within seconds of
//     Close or of the loss, and nothing stays open behind them.
//
// # Living with go-xmpp v0.2.10
//
// The library has no deadlines, gives no access to its connection, and its
// Close can block for ever: a decode error, such as a connection cut inside a
// stanza, leaves its mutex locked, and Close wants that mutex. So Close is
// never called. The package reads the connection out of the client (socket.go
// says how and what guards it), puts deadlines on it and closes it itself,
// which ends a Recv that waits; after an error the client is dropped. With 50
// streams cut inside a stanza and 50 servers that fell silent no goroutine and
// no descriptor is left (TestNothingStaysBehind).
//
// What can not be had from outside is the connection of an attempt that has
// not succeeded:
//
//   - One that hangs, because the server accepted it and says nothing, is
//     abandoned after ConnectTimeout. Its goroutine and descriptor stay until
//     the server closes, sends anything at all, or TCP keep-alive finds the
//     machine gone, about two and a half minutes. No more than MaxAbandoned
//     are left hanging, then Dial refuses at once.
//   - One that was refused leaves its descriptor to the garbage collector,
//     which is called when many have gathered.
//
// The library hides the sender, id and delay of a message. An old update that
// the server had stored is therefore taken for a new one; updates carry the
// time of the change for the caller to compare. It also drops what is said
// inside an error, which tap.go keeps for those who asked; and it tells answers
// apart by ids that it would itself give to every request of a kind, so that
// this package gives its own.
package notify

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Account is who connects: the agent, at the domain its node announced in
// SystemInfo. The server checks the password with Finesse, so five wrong ones
// lock the account.
type Account struct {
	finesse.Credentials
	Domain string
	PubSub string // domain of the publish-subscribe service; "" stands for "pubsub." and Domain
}

// Options say where a node's notification service is and how patient to be
// with it. A duration or number of 0 stands for the default.
type Options struct {
	// URL is xmpps://host:port for TLS from the first byte (5223), or
	// xmpp://host:port (5222) for STARTTLS where it is offered and clear text
	// where it is not, which sends passwords in clear: for a lab.
	URL string
	// TLS holds the trusted roots; nil trusts the system's. TLS 1.2 is the
	// least spoken whatever it says.
	TLS *tls.Config
	// ConnectTimeout is for one Dial once it has its turn. 10 s.
	ConnectTimeout time.Duration
	// PingInterval is how often the server is asked for a sign of life: 10 s,
	// as Cisco's desktop does. Finesse wants one every 20 s.
	PingInterval time.Duration
	// DeadAfter is how long a server may be silent. 30 s.
	DeadAfter time.Duration
	// MaxAbandoned bounds the attempts that hang. 64.
	MaxAbandoned int
	// MaxConnecting bounds the attempts at one time: after an outage thousands
	// of handshakes at once would all time out. 64.
	MaxConnecting int
	// Logger is told of what no error reports; nil is silent.
	Logger *zap.Logger
	// Registerer gets the metrics; nil keeps them private. Dialers of several
	// nodes may share one, and then share the metrics.
	Registerer prometheus.Registerer
}

// Dialer opens the streams to one node.
type Dialer struct {
	host      string // with port
	directTLS bool
	tls       *tls.Config
	// resource tells this client from Cisco's desktop and other clients of the
	// same agent. It stays the same so that a new stream replaces one the
	// server has not yet found dead, instead of standing beside it.
	resource       string
	connectTimeout time.Duration
	pingInterval   time.Duration
	deadAfter      time.Duration
	maxAbandoned   int64
	abandoned      atomic.Int64
	connecting     chan struct{} // holds one entry per attempt
	refused        refusals
	log            *zap.Logger
	metrics        *metrics
}

// NewDialer makes a dialer for one node and connects to nothing.
//
// It makes sure that go-xmpp uses no proxy; see bypassProxy.
func NewDialer(o Options) (*Dialer, error) {
	d := &Dialer{
		resource:       resourcePrefix + strings.ToLower(rand.Text()[:12]),
		connectTimeout: orDefault(o.ConnectTimeout, 10*time.Second),
		pingInterval:   orDefault(o.PingInterval, 10*time.Second),
		deadAfter:      orDefault(o.DeadAfter, 30*time.Second),
		maxAbandoned:   int64(orDefault(o.MaxAbandoned, 64)),
		connecting:     make(chan struct{}, max(1, orDefault(o.MaxConnecting, 64))),
		log:            orDefault(o.Logger, zap.NewNop()),
	}
	if d.pingInterval <= 0 || d.connectTimeout <= 0 || d.deadAfter <= d.pingInterval {
		return nil, errors.New("notification time-outs must be positive, and a server can not be dead before it was pinged")
	}
	if err := d.setURL(o.URL, o.TLS); err != nil {
		return nil, err
	}
	if err := checkLibrary(); err != nil {
		return nil, err
	}
	if err := bypassProxy(); err != nil {
		return nil, err
	}
	var err error
	if d.metrics, err = newMetrics(o.Registerer); err != nil {
		return nil, fmt.Errorf("notification metrics: %w", err)
	}
	return d, nil
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

func (d *Dialer) setURL(raw string, conf *tls.Config) error {
	u, err := url.Parse(raw)
	if err != nil {
		return errors.New("notification url can not be read") // err would quote a password in it
	}
	port := map[string]string{"xmpps": "5223", "xmpp": "5222"}[u.Scheme]
	if port == "" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" {
		return errors.New("notification url is not of the form xmpps://host:port or xmpp://host:port")
	}
	if u.Port() != "" {
		port = u.Port()
	}
	d.host = net.JoinHostPort(u.Hostname(), port)
	d.directTLS = u.Scheme == "xmpps"
	if conf == nil {
		conf = &tls.Config{}
	}
	d.tls = conf.Clone()
	d.tls.MinVersion = max(conf.MinVersion, tls.VersionTLS12)
	if d.tls.ServerName == "" {
		d.tls.ServerName = u.Hostname()
	}
	if d.tls.ClientSessionCache == nil {
		d.tls.ClientSessionCache = tls.NewLRUClientSessionCache(0) // one server, so one entry serves all agents
	}
	return nil
}

const opDial = "notify.Dial"

// Dial connects an agent. When it returns, the server has taken the agent's
// presence: what happens from then on is in Updates, so it is the time to
// sign in or to read User and Dialogs.
//
// It waits for its turn as long as ctx allows, then no longer than
// ConnectTimeout. The error is a *gc.Error: SUBSCRIPTION_FAILED when the
// credentials were refused, which must not be tried again, and
// UNABLE_TO_SUBSCRIBE_TO_FINESSE for everything else.
func (d *Dialer) Dial(ctx context.Context, a Account) (*Stream, error) {
	address, err := a.address()
	if err != nil {
		return nil, gc.Errorf(gc.UnableToSubscribe, opDial, "%w", err)
	}
	select {
	case d.connecting <- struct{}{}:
		defer func() { <-d.connecting }()
	case <-ctx.Done():
		return nil, gc.Errorf(gc.UnableToSubscribe, opDial, "waiting for a turn: %w", ctx.Err())
	}
	if hanging := d.abandoned.Load(); hanging >= d.maxAbandoned {
		d.metrics.dials[dialOverloaded].Inc()
		return nil, gc.Errorf(gc.UnableToSubscribe, opDial,
			"%d attempts hang at %s, which accepts connections and does not answer: restart its notification service", hanging, d.host)
	}
	ctx, cancel := context.WithTimeout(ctx, d.connectTimeout)
	defer cancel()
	s, err := d.open(ctx, address, a)
	if err != nil {
		d.metrics.dials[dialResult(err)].Inc()
		return nil, err
	}
	d.metrics.dials[dialConnected].Inc()
	return s, nil
}

func (d *Dialer) open(ctx context.Context, address string, a Account) (*Stream, error) {
	client, err := d.connect(ctx, address, a)
	if err != nil {
		return nil, err
	}
	s := d.start(client, a)
	if err := s.awaitPresence(ctx); err != nil {
		s.Close()
		return nil, gc.Errorf(gc.UnableToSubscribe, opDial, "%s: waiting for the first answer: %w", d.host, err)
	}
	return s, nil
}
