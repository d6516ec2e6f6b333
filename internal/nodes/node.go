package nodes

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/finesse/notify"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/ops"
	"github.com/finesse-connector/finesse-connector/internal/session"
	"github.com/finesse-connector/finesse-connector/internal/trouble"
)

// node is one Finesse server: its REST interface, its notification service, and
// what is known of their condition.
type node struct {
	*finesse.Client
	all    *Nodes
	index  int // in all
	dialer *notify.Dialer
	host   string
	name   string // in a capture: two nodes may share a host
	log    *zap.Logger
	probe  time.Duration // how long it may take to report its state
	admin  *finesse.Administrator

	mu            sync.Mutex
	domain        string // of agents' JIDs
	fixedDomain   bool   // the configuration says so
	pubSub        string // domain of the publish-subscribe service, "" for the usual one
	fixedPubSub   bool
	trouble       trouble.Kind // the one that was last logged, none while it is usable
	deaf          trouble.Kind // with the notification service, none while agents can subscribe
	rest          ops.Condition
	notifications ops.Condition
}

var _ session.Node = (*node)(nil)

// leastProbe is for slow networks and servers.
const leastProbe = 10 * time.Second

func (ns *Nodes) newNode(c config.Finesse, index int, tlsConfig *tls.Config) (*node, error) {
	n := c.Nodes[index]
	notifyURL, err := url.Parse(n.Notify)
	if err != nil {
		return nil, fmt.Errorf("notification url: %w", err)
	}
	host, name := notifyURL.Hostname(), Name(n)
	log := ns.Logger.With(zap.String("node", host))
	client, err := finesse.NewClient(finesse.Options{
		BaseURL: n.REST, TLS: tlsConfig, Timeout: c.RequestTimeout, Retries: c.Retries, Before: ns.Before, Logger: log, Registerer: ns.Registerer,
		Through: func(next http.RoundTripper) http.RoundTripper { return ns.Capture.Transport(name, next) },
	})
	if err != nil {
		return nil, err
	}
	dialer, err := notify.NewDialer(notify.Options{URL: n.Notify, TLS: tlsConfig, Logger: log, Registerer: ns.Registerer, Capture: ns.Capture, Node: name})
	if err != nil {
		return nil, err
	}
	return &node{
		Client: client, all: ns, index: index, dialer: dialer, host: host, name: name, log: log, probe: max(c.RequestTimeout, leastProbe),
		admin:  finesse.NewAdministrator(client, finesse.Credentials{Agent: gc.AgentID(c.Admin.Username), Password: c.Admin.Password}),
		domain: cmp.Or(c.XMPPDomain, host), fixedDomain: c.XMPPDomain != "",
		pubSub: c.PubSubDomain, fixedPubSub: c.PubSubDomain != "",
		rest: ops.Unknown, notifications: ops.Unknown,
	}, nil
}

// Name returns a node's name in a capture: host and port of its REST interface.
func Name(n config.Node) string {
	_, host, _ := strings.Cut(n.REST, "://")
	return host
}

// Subscribe opens an agent's notification stream, if there is room for one
// (session.Node).
func (n *node) Subscribe(ctx context.Context, c finesse.Credentials) (session.Stream, error) {
	if !n.all.room.take() {
		err := gc.Errorf(gc.UnableToSubscribe, "finesse.Subscribe", "the process may not open enough files")
		n.dialer.Record(c.Agent, err)
		return nil, err
	}
	s, err := n.subscribe(ctx, c)
	if err != nil {
		n.all.room.give()
		return nil, err
	}
	return seated{s, sync.OnceFunc(n.all.room.give)}, nil
}

func (n *node) subscribe(ctx context.Context, c finesse.Credentials) (session.Stream, error) {
	n.mu.Lock()
	account := notify.Account{Credentials: c, Domain: n.domain, PubSub: n.pubSub}
	n.mu.Unlock()
	s, err := n.dialer.Dial(ctx, account)
	n.mu.Lock()
	defer n.mu.Unlock()
	failed := n.all.known.Subscribed(ctx, n.index, err)
	if err == nil {
		n.notifications, n.deaf = ops.Up, trouble.Kind{}
		return s, nil
	}
	if failed {
		n.deaf = notify.Trouble(err)
		if n.notifications != ops.Down { // logged once for all agents
			n.log.Warn("notification service cannot be used; agents cannot connect", n.deaf.Fields(err)...)
		}
		n.notifications = ops.Down
		n.all.Look()
	}
	return nil, err
}

// Name returns the node's host (session.Node).
func (n *node) Name() string { return n.host }

// Usable returns what the last check found (session.Node).
func (n *node) Usable() (bool, <-chan struct{}) {
	is, changed := n.all.known.Condition(n.index)
	return is.Usable, changed
}

// Verify makes Run check the nodes, and waits for the outcome or until this one
// is known to be unusable (session.Node).
func (n *node) Verify(ctx context.Context) {
	if len(n.all.list) == 1 {
		return
	}
	checked := n.all.round()
	n.all.Look()
	defer func() {
		if n.all.Capture.On() {
			n.all.Capture.Record(capture.Record{Dir: capture.In, Edge: capture.REST, Type: capture.Verified, Node: n.name})
		}
	}()
	for {
		usable, changed := n.Usable()
		if !usable {
			return
		}
		select {
		case <-changed:
		case <-checked:
			return
		case <-ctx.Done():
			return
		}
	}
}

// AllUsers asks as the site's administrator (session.Node).
func (n *node) AllUsers(ctx context.Context) ([]gc.TeamUser, error) { return n.admin.AllUsers(ctx) }

// check asks the node for its state. Its domains may differ after a restart. A
// node that takes longer than probe is as good as dead: agents should work at
// the other one.
func (n *node) check(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, n.probe)
	defer cancel()
	info, err := n.SystemInfo(limited)
	if ctx.Err() != nil {
		return // it says nothing about the node
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rest = ops.Up
	if err != nil {
		n.rest = ops.Down
	} else {
		takeOver(&n.domain, info.XMPPDomain, n.fixedDomain)
		takeOver(&n.pubSub, info.XMPPPubSubDomain, n.fixedPubSub)
		err = info.Unusable()
	}
	n.report(err)
	was, _ := n.all.known.Condition(n.index)
	is := finesse.Condition{Usable: err == nil, Silent: gc.CodeOf(err) == gc.NotReachable}
	if is != was && n.all.Capture.On() { // before any session knows
		n.all.Capture.Record(n.captured(is, err))
	}
	n.all.known.Found(finesse.Finding{Node: n.index, Condition: is})
}

// captured returns the state of the node, for a capture.
func (n *node) captured(is finesse.Condition, err error) capture.Record {
	x := capture.Record{Dir: capture.In, Edge: capture.REST, Type: capture.Unusable, Node: n.name}
	switch {
	case is.Usable:
		x.Type = capture.Usable
	case is.Silent:
		x.Type = capture.Silent
	}
	if err != nil {
		x.Problem = err.Error()
	}
	return x
}

func takeOver(domain *string, now string, fixed bool) {
	if now != "" && !fixed {
		*domain = now
	}
}

// report logs a change once. Called with mu held.
func (n *node) report(err error) {
	var now trouble.Kind // the error's text may differ each time: it can name the local port
	if err != nil {
		now = finesse.Trouble(err)
	}
	switch {
	case now == n.trouble:
	case err == nil:
		n.log.Info("finesse node is in service again")
	default:
		n.log.Warn("finesse node cannot be used; the connector keeps trying", now.Fields(err)...)
	}
	n.trouble = now
}

func (n *node) state() ops.NodeState {
	n.mu.Lock()
	defer n.mu.Unlock()
	return ops.NodeState{Node: n.host, REST: n.rest, Notifications: n.notifications, Kind: cmp.Or(n.trouble, n.deaf)}
}
