// Package finesse talks to the REST interface of one Cisco Finesse node and
// reads the documents both that interface and the notification service
// (package notify) send.
//
// What it promises:
//
//   - A request that creates, answers or ends a call, or acts on one in any
//     other way, is sent once. Reads and changes of an agent's state or of a
//     call's data are sent again on a time-out, Options.Retries times, because
//     doing them twice has the effect of doing them once. The list of all users
//     is an exception: a server it is too heavy for would get more of it. No
//     other failure is retried here.
//   - Requests of one agent never wait for those of another: there is no
//     common queue, and HTTP/1.1 gives each its own connection.
//   - Every attempt ends within Options.Timeout, from the dial to the last byte
//     (package exchange), and nothing larger than 1 MiB is read of users and
//     dialogs, 8 MiB of other answers and 32 MiB of the list of all users.
//   - Finesse accepts a change (200 or 202) before it is done. A nil error
//     means accepted; the outcome comes as an Update, or never.
//   - Every error is or wraps a *gc.Error. ErrPasswordRefused in its chain means
//     that the agent's credentials were refused: the caller must not use them
//     again, because five refusals lock the account for everybody. It never means
//     that the agent may not do what it asked for, nor that the administrator's
//     credentials are wrong.
//   - A character that XML has no place for costs itself (package legible), and an
//     element of a list that cannot be read costs itself: never the answer, the
//     update or the list. Both are counted, and said once.
//   - Redirects are not followed and no proxy is taken from the environment:
//     the password goes to the configured node or nowhere.
//
// A Client may be used by any number of goroutines.
package finesse

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/exchange"
	"github.com/finesse-connector/finesse-connector/internal/trust"
)

// Options say where a node is and how patient to be with it.
type Options struct {
	// BaseURL is https://host:port of the node; "/finesse/api" is added.
	BaseURL string
	// TLS holds the trusted roots; nil trusts the system's. TLS 1.2 is the
	// least spoken whatever it says.
	TLS *tls.Config
	// Timeout is for one attempt; 0 means 5 s.
	Timeout time.Duration
	// Retries is how often a repeatable request is sent again after a
	// time-out.
	Retries int
	// Before, if set, is asked before each request that changes something: its error is
	// the request's, which is not sent then. It may block.
	Before func(context.Context) error
	// Through, if set, is given the way to the node and gives the one to use.
	Through func(http.RoundTripper) http.RoundTripper
	// Logger gets repeated requests; nil is silent.
	Logger *zap.Logger
	// Registerer gets the metrics; nil keeps them private. Clients of several
	// nodes may share one, and then share the metrics.
	Registerer prometheus.Registerer
}

const (
	defaultTimeout = 5 * time.Second
	apiPath        = "/finesse/api"
)

// idlePerNode keeps a connection for each agent that is likely to ask again
// soon: with net/http's default of 2 thousands of agents would open a TLS
// connection for nearly every request.
const idlePerNode = 512

// Client sends requests to one node.
type Client struct {
	base    string
	host    string
	retries int
	before  func(context.Context) error
	http    *exchange.Client
	log     *zap.Logger
	metrics *metrics
	grumble sync.Once // the first answer of which something cannot be read is logged
}

// NewClient makes a client for one node. It sends nothing: a node that is
// away shows in the first request.
func NewClient(o Options) (*Client, error) {
	u, err := url.Parse(o.BaseURL)
	if err != nil {
		return nil, errors.New("finesse url cannot be read") // err would quote a password in it
	}
	if u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("finesse url is not of the form https://host:port")
	}
	if o.Retries < 0 || o.Timeout < 0 {
		return nil, errors.New("finesse time-out and retries cannot be negative")
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, fmt.Errorf("finesse metrics: %w", err)
	}
	c := &Client{
		base:    "https://" + u.Host + apiPath,
		host:    u.Host,
		retries: o.Retries,
		before:  o.Before,
		http: exchange.New(exchange.Options{
			TLS: trust.For(o.TLS, u.Hostname()), Timeout: cmp.Or(o.Timeout, defaultTimeout), Kept: idlePerNode, Large: largeAtOnce, Through: o.Through,
		}),
		log:     cmp.Or(o.Logger, zap.NewNop()),
		metrics: m,
	}
	return c, nil
}

// Close drops the idle connections. Requests under way are not disturbed;
// their contexts end them.
func (c *Client) Close() { c.http.Close() }
