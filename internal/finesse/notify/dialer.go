// Package notify receives the updates of Finesse's notification service: one
// XMPP stream per agent, over mellium.im/xmpp.
//
// What it promises:
//
//   - Order: updates of a stream come in the order the server sent them. The
//     updates about an agent's state and those about its calls come from
//     different nodes of the service, which keeps no order between them.
//   - Loss: the service keeps nothing for a client that is away. After Dial,
//     and so after every loss of a stream, the caller must read User and
//     Dialogs. Within a stream nothing is dropped but what cannot be read,
//     an item sent twice, what the server had kept for later, what somebody
//     other than the publish-subscribe service sent, and what is about another
//     user. Each is counted.
//   - Bounds: a stanza of more than 1 MiB ends the stream. Updates wait in a
//     channel of 16; then the stream stops reading, and what follows waits in
//     the buffers of the connection and of the server until the consumer goes
//     on. A consumer that never goes on gets the stream cut by the server; it
//     never costs memory here. Its own slowness does not count as silence.
//   - Subscriptions: what is explicitly subscribed, which the service keeps
//     beyond the connection, is taken back by Close, or by the next stream that
//     subscribes. No other client's is touched.
//   - Liveness: the server is asked for a sign of life every PingInterval. A
//     server that sends no byte for DeadAfter has lost the stream, and one that
//     sends no whole stanza for ten times that.
//   - Concurrency: a stream has two goroutines, which end within seconds of
//     Close or of the loss, and nothing stays open behind them. An attempt to
//     connect has none: when it fails or is given up its connection is closed
//     before Dial returns (TestNothingStaysBehind).
//
// The library takes the connection from this package, which therefore holds
// its deadlines, counts what comes in and closes it (wire.go). It negotiates
// the stream and reads and writes stanzas. Authentication and binding are
// features of our own in it (features.go says why).
package notify

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"mellium.im/xmpp/jid"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/exchange"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/trust"
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
	// xmpp://host:port (5222) for STARTTLS, without which Dial fails. Or
	// wss://host:port/path (8445, /ws/) for WebSocket, which Finesse from
	// 12.6 on speaks (RFC 7395). Or xmpp+plain://host:port (5222), which sends
	// passwords in clear: for a lab.
	URL string
	// TLS holds the trusted roots; nil trusts the system's. TLS 1.2 is the
	// least spoken whatever it says.
	TLS *tls.Config
	// ConnectTimeout is for one Dial once it has its turn. 10 s.
	ConnectTimeout time.Duration
	// PingInterval is how often the server is asked for a sign of life: 4 s, where
	// Finesse wants one every 20 s and Cisco's desktop gives one every 10 s.
	PingInterval time.Duration
	// DeadAfter is how long a server may be silent: 10 s. What changed meanwhile is to be
	// told within 30 s, also when another attempt at the same server has to time out
	// before a session goes to the other node.
	DeadAfter time.Duration
	// MaxConnecting bounds the attempts at one time: after an outage thousands
	// of handshakes at once would all time out. 64.
	MaxConnecting int
	// Capture, if set, records what streams bring; Node is the name of the node
	// there.
	Capture *capture.Recorder
	Node    string
	// Logger gets what no error reports; nil is silent.
	Logger *zap.Logger
	// Registerer gets the metrics; nil keeps them private. Dialers of several
	// nodes may share one, and then share the metrics.
	Registerer prometheus.Registerer
}

// Dialer opens the streams to one node.
type Dialer struct {
	host      string // with port
	security  security
	websocket string // the address of WebSocket, "" where it is not used
	tls       *tls.Config
	// resource tells this client from Cisco's desktop and other clients of the
	// same agent. It stays the same so that a new stream replaces one the
	// server has not yet found dead, instead of standing beside it.
	resource       string
	connectTimeout time.Duration
	pingInterval   time.Duration
	deadAfter      time.Duration
	connecting     chan struct{} // holds one entry per attempt
	capture        *capture.Recorder
	node           string
	log            *zap.Logger
	metrics        *metrics
}

// security is how a connection comes to be encrypted.
type security int

const (
	direct   security = iota // TLS from the first byte
	upgraded                 // STARTTLS, always
	inClear                  // never
)

// schemes are what the url of a service may begin with.
var schemes = map[string]struct {
	port string // where the url names none
	security
}{
	"xmpps": {"5223", direct}, "wss": {"8445", direct}, "xmpp": {"5222", upgraded}, "xmpp+plain": {"5222", inClear},
}

// NewDialer makes a dialer for one node and connects to nothing. A proxy of the
// environment is not used.
func NewDialer(o Options) (*Dialer, error) {
	d := &Dialer{
		resource:       resourcePrefix + strings.ToLower(rand.Text()[:12]),
		connectTimeout: cmp.Or(o.ConnectTimeout, 10*time.Second),
		pingInterval:   cmp.Or(o.PingInterval, 4*time.Second),
		deadAfter:      cmp.Or(o.DeadAfter, 10*time.Second),
		connecting:     make(chan struct{}, max(1, cmp.Or(o.MaxConnecting, 64))),
		capture:        o.Capture,
		node:           o.Node,
		log:            cmp.Or(o.Logger, zap.NewNop()),
	}
	if d.pingInterval <= 0 || d.connectTimeout <= 0 || d.deadAfter <= d.pingInterval {
		return nil, errors.New("notification time-outs must be positive, and a server cannot be dead before it was pinged")
	}
	if err := d.setURL(o.URL, o.TLS); err != nil {
		return nil, err
	}
	var err error
	if d.metrics, err = newMetrics(o.Registerer); err != nil {
		return nil, fmt.Errorf("notification metrics: %w", err)
	}
	return d, nil
}

func (d *Dialer) setURL(raw string, conf *tls.Config) error {
	u, err := url.Parse(raw)
	if err != nil {
		return errors.New("notification url cannot be read") // err would quote a password in it
	}
	scheme, known := schemes[u.Scheme]
	port := scheme.port
	path := strings.Trim(u.Path, "/")
	if !known || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || (path != "" && u.Scheme != "wss") {
		return errors.New("notification url is not of the form xmpps://host:port, wss://host:port/path, xmpp://host:port or xmpp+plain://host:port")
	}
	if u.Port() != "" {
		port = u.Port()
	}
	d.host = net.JoinHostPort(u.Hostname(), port)
	d.security = scheme.security
	if u.Scheme == "wss" {
		d.websocket = (&url.URL{Scheme: u.Scheme, Host: d.host, Path: resourceOf(u.Path)}).String()
	}
	d.tls = trust.For(conf, u.Hostname())
	d.tls.MinVersion = max(d.tls.MinVersion, tls.VersionTLS12)
	if d.tls.ClientSessionCache == nil {
		d.tls.ClientSessionCache = tls.NewLRUClientSessionCache(0) // one server, so one entry serves all agents
	}
	return nil
}

// resourceOf is the path of WebSocket, by default Finesse's.
func resourceOf(path string) string {
	if strings.Trim(path, "/") == "" {
		return "/ws/"
	}
	return path
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
	server, err := a.server()
	if err != nil {
		return nil, gc.Errorf(gc.UnableToSubscribe, opDial, "%w", err)
	}
	select {
	case d.connecting <- struct{}{}:
		defer func() { <-d.connecting }()
	case <-ctx.Done():
		return nil, gc.Errorf(gc.UnableToSubscribe, opDial, "waiting for a turn: %w", ctx.Err())
	}
	ctx, cancel := context.WithTimeout(ctx, d.connectTimeout)
	defer cancel()
	s, err := d.open(ctx, a, server)
	d.record(a.Agent, dialled(err), "", nil, err)
	if err != nil {
		d.metrics.dials[dialResult(err)].Inc()
		return nil, err
	}
	d.metrics.dials[dialConnected].Inc()
	return s, nil
}

// Probe connects to the service of domain as Dial does and leaves before anybody
// signs in. It gives the state of TLS, nil in clear. It takes no longer than
// ConnectTimeout; the error is none of gc's.
func (d *Dialer) Probe(ctx context.Context, domain string) (*tls.ConnectionState, error) {
	ctx, cancel := context.WithTimeout(ctx, d.connectTimeout)
	defer cancel()
	server, err := addressOf(domain)
	if err != nil && d.security == upgraded { // nobody else is asked for it
		return nil, err
	}
	w, err := d.reach(ctx, server)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("%s: %w", d.host, exchange.Brief(err))
	}
	defer w.cut()
	if secured, ok := w.Conn.(*tls.Conn); ok {
		state := secured.ConnectionState()
		return &state, nil
	}
	return nil, nil
}

func (d *Dialer) open(ctx context.Context, a Account, server jid.JID) (*Stream, error) {
	c, err := d.connect(ctx, a, server)
	if err != nil {
		return nil, err
	}
	s := d.start(c, a)
	if err := s.awaitPresence(ctx); err != nil {
		s.Close()
		return nil, gc.Errorf(gc.UnableToSubscribe, opDial, "%s: waiting for the first answer: %w", d.host, err)
	}
	return s, nil
}
