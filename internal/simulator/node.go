package simulator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Node is one of the servers of Finesse: a REST API and a notification service
// of its own, with a domain and streams of its own. All nodes have the same
// agents and calls, and report them alike. Its methods may be called from any
// goroutine.
type Node struct {
	s    *Simulator
	name string
	site *site
	hub  *notifier

	restAddr, notifyAddr net.Addr // set once

	mu sync.Mutex // taken before all others
	on *service   // nil while the node is stopped
}

// service is what a node runs from a start to the next stop.
type service struct {
	rest, notify net.Listener
	server       *http.Server
	wires        *wires
	off          context.CancelCauseFunc // ends the contexts of all requests
}

// The names of nodes. The first one is the primary one.
const (
	nodeA = "a"
	nodeB = "b"
)

func newNode(s *Simulator, name, domain string, r *random) *Node {
	n := &Node{s: s, name: name, hub: newNotifier(&s.options, domain, s.life, r)}
	n.site = &site{domain: domain, status: gc.InService, notify: n.hub.publish, heard: n.hub.heard, present: n.hub.present}
	return n
}

// Name is "a" for the first node and "b" for the second one.
func (n *Node) Name() string { return n.name }

// RESTURL is the base of the REST API without its path, such as
// "https://127.0.0.1:8445". It stays the same when the node is started again.
func (n *Node) RESTURL() string { return "https://" + reachable(n.restAddr) }

// NotifyURL is the notification service, such as "xmpps://127.0.0.1:5223". It
// stays the same when the node is started again.
func (n *Node) NotifyURL() string { return "xmpps://" + reachable(n.notifyAddr) }

// Domain is the XMPP domain of this node.
func (n *Node) Domain() string { return n.site.domain }

// Running is false from Stop to Start.
func (n *Node) Running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.on != nil
}

// Status is what the node says of itself while it runs.
func (n *Node) Status() gc.SystemStatus { return n.s.board.statusOf(n.site) }

// SetStatus puts this node alone in or out of service: an event on its
// streams, and while it is out of service its REST requests are answered 503.
// A stopped node has the status when it is started.
func (n *Node) SetStatus(status gc.SystemStatus) { n.s.board.setStatus(n.site, status) }

// Inject makes something fail at this node, on top of what fails already. The
// error says what is wrong with f.
func (n *Node) Inject(f Fault) error {
	f.at = n.site
	return n.s.inject(n, f)
}

// Heal takes back what was to happen at this node alone and has not happened
// yet. Broken streams stay broken.
func (n *Node) Heal() {
	n.s.faults.clear(func(f *Fault) bool { return f.at == n.site })
	n.hub.heal()
}

// Stop switches the node off: its addresses are no longer listened on, and its
// connections are cut without a word. When it returns, no event goes to a
// stream of this node any more. Stopping a stopped node does nothing.
func (n *Node) Stop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.on == nil {
		return
	}
	gone := n.switchOff()
	n.s.log.Info("node of the simulated finesse is stopped", zap.String("node", n.name))
	n.s.board.signOutLate(gone)
}

// errStopped is why the contexts of requests end.
var errStopped = errors.New("the node was stopped")

// switchOff returns the agents who had a stream; mu is held.
func (n *Node) switchOff() []gc.AgentID {
	n.on.off(errStopped) // before the ends of their connections do
	n.on.wires.cut()
	_ = n.on.server.Close()
	n.on.close()
	n.on = nil
	return n.hub.off()
}

// close ends the node with the simulator.
func (n *Node) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.on != nil {
		n.switchOff()
	}
}

// Start switches a stopped node on again, at the addresses it had. It fails
// when one of them has been taken meanwhile, and when the simulator was closed.
// Starting a node that runs does nothing.
func (n *Node) Start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.on != nil {
		return nil
	}
	if !n.s.life.enter() {
		return errClosed
	}
	defer n.s.life.leave()
	if err := n.listen(n.restAddr.String(), n.notifyAddr.String()); err != nil {
		return err
	}
	n.serve()
	n.s.log.Info("node of the simulated finesse is started", zap.String("node", n.name))
	return nil
}

// listen opens the addresses of a node that is off; mu is held, or nobody else
// knows of the node yet.
func (n *Node) listen(rest, notify string) error {
	on := &service{wires: &wires{all: map[net.Conn]struct{}{}}}
	var err error
	if on.rest, err = listen("REST", rest); err != nil {
		return err
	}
	if on.notify, err = listen("notification service", notify); err != nil {
		on.close()
		return err
	}
	if n.on = on; n.restAddr == nil { // these are read without a lock
		n.restAddr, n.notifyAddr = on.rest.Addr(), on.notify.Addr()
		n.site.ports = nodePorts{on.rest.Addr().(*net.TCPAddr).Port, on.notify.Addr().(*net.TCPAddr).Port}
	}
	return nil
}

func listen(what, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("simulator: listen for the %s: %w", what, err)
	}
	return l, nil
}

func (on *service) close() {
	for _, l := range []net.Listener{on.rest, on.notify} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// serve lets clients in; mu is held as for listen.
func (n *Node) serve() {
	s, on := n.s, n.on
	n.hub.on()
	var requests context.Context
	requests, on.off = context.WithCancelCause(context.Background())
	on.server = s.newServer(newREST(s.board, n.site, s.accounts, s.faults, s.life, s.log))
	on.server.BaseContext = func(net.Listener) context.Context { return requests }
	on.server.ConnState = on.wires.note
	rest := tlsListener(on.rest, s.cert)
	s.run(func() error { return on.server.Serve(rest) })
	s.life.run(func() { n.hub.accept(on.notify, s.cert, s.accounts) })
}

func (s *Simulator) newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 5 * time.Minute,
		ErrorLog: zap.NewStdLog(s.log.Named("http")),
	}
}

func (s *Simulator) run(serve func() error) {
	s.life.run(func() {
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("simulated finesse stopped serving", zap.Error(err))
		}
	})
}

// wires are the connections of a server below TLS. Closed there, they say no
// good-bye.
type wires struct {
	mu  sync.Mutex
	off bool
	all map[net.Conn]struct{}
}

// note follows the connections of a server (its ConnState).
func (w *wires) note(c net.Conn, state http.ConnState) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case state == http.StateNew && w.off:
		_ = c.Close()
	case state == http.StateNew:
		w.all[c] = struct{}{}
	case state == http.StateClosed:
		delete(w.all, c)
	}
}

// cut closes all, and those that are accepted from now on.
func (w *wires) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.off = true
	for c := range w.all {
		_ = c.Close()
	}
}
