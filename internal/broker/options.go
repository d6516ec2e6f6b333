package broker

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/backoff"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Options say which broker to use and how. The zero value of a field means
// its default where one is named.
type Options struct {
	URLs             []string      // tcp://host:port or ssl://host:port; the first is preferred, the rest are for failover
	Username         string        // "": no login is sent
	Password         gc.Secret     //
	TLS              *tls.Config   // for ssl://; nil: the system's roots
	CommandQueue     string        // default Connector1
	ConsumerPriority int           // ActiveMQ gives a command to the consumer with the highest, 0 to 127
	Heartbeat        time.Duration // default 10s
	PriorityBackup   bool          // go back to the first url when it returns
	CategoryProperty string        // default MessageCategory; on commands "category" is read too

	// JavaText: text bodies travel as modified UTF-8, because ActiveMQ passes
	// them to JMS clients untouched. False for a broker whose clients all speak
	// STOMP.
	JavaText bool

	// Backoff returns the pause before a repeated round over the urls; attempt
	// counts from 0. nil: backoff.FullJitter.
	Backoff func(attempt int) time.Duration

	// Changed is called after each change of Status, from the broker's own
	// goroutines; it must not block. May be nil.
	Changed func(Status)

	// Restored is called each time events can be sent again, to topics or to
	// everything else, after a time in which somebody may have missed some. It
	// must not block, and what it publishes goes out after what has waited. May
	// be nil.
	Restored func(topics bool)

	// Shown returns what the log calls a destination whose event the broker
	// refused; nil: its name. The log quotes the broker only if that is the name
	// itself: the broker's words may contain it.
	Shown func(gc.Destination) string

	// Sharing is for connectors that share the command queue; nil: this one has it for
	// itself.
	Sharing *Sharing

	frameTimeout time.Duration // from the first byte of a frame to its last; see its default
	maxBody      int           // bytes of a body that are kept; default commandBody
	prefetch     int           // default Prefetch

	Logger     *zap.Logger           // nil: none
	Registerer prometheus.Registerer // nil: not registered
}

func (o Options) withDefaults() Options {
	if o.CommandQueue == "" {
		o.CommandQueue = "Connector1"
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = 10 * time.Second
	}
	if o.CategoryProperty == "" {
		o.CategoryProperty = "MessageCategory"
	}
	if o.maxBody == 0 {
		o.maxBody = commandBody
	}
	if o.prefetch == 0 {
		o.prefetch = Prefetch
	}
	if o.frameTimeout == 0 {
		o.frameTimeout = frameTimeout
	}
	if o.Restored == nil {
		o.Restored = func(bool) {}
	}
	if o.Shown == nil {
		o.Shown = func(d gc.Destination) string { return string(d) }
	}
	if o.Backoff == nil {
		o.Backoff = backoff.FullJitter
	}
	if o.Changed == nil {
		o.Changed = func(Status) {}
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	return o
}

// queue is the command queue as STOMP names it.
func (o *Options) queue() string { return "/queue/" + o.CommandQueue }

// consumer returns what a subscription to the command queue asks for.
func (o *Options) consumer(ack string, prefetch int) (headers []string) {
	return []string{
		frame.Ack, ack,
		"activemq.prefetchSize", strconv.Itoa(prefetch),
		"activemq.priority", strconv.Itoa(o.ConsumerPriority),
	}
}

// endpoint is one of the urls.
type endpoint struct {
	index int // in Options.URLs
	url   string
	host  string
	addr  string // host:port
	tls   bool
}

func parseEndpoints(urls []string) ([]endpoint, error) {
	if len(urls) == 0 {
		return nil, errors.New("no broker url")
	}
	var faults []error
	list := make([]endpoint, len(urls))
	for i, s := range urls {
		ep, err := parseEndpoint(s)
		ep.index = i
		list[i] = ep
		faults = append(faults, err)
	}
	return list, errors.Join(faults...)
}

func parseEndpoint(s string) (endpoint, error) {
	u, err := url.Parse(s)
	if err != nil || u.User != nil {
		// Neither the error nor s is shown: it may hold a password.
		return endpoint{}, errors.New("broker url is not tcp://host:port or ssl://host:port")
	}
	wrong := u.Scheme != "tcp" && u.Scheme != "ssl" || u.Hostname() == "" || u.Port() == "" ||
		u.Path != "" || u.RawQuery != "" || u.Fragment != ""
	if wrong {
		return endpoint{}, fmt.Errorf("broker url %q is not tcp://host:port or ssl://host:port", s)
	}
	return endpoint{
		url: s, host: u.Hostname(), addr: net.JoinHostPort(u.Hostname(), u.Port()), tls: u.Scheme == "ssl",
	}, nil
}
