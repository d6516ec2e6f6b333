// Package nodes watches over the Finesse servers: it checks each, opens agents'
// streams there as long as the process has room for them, and logs what an
// operator must know. finesse.Nodes decides which one serves.
package nodes

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/ops"
	"github.com/finesse-connector/finesse-connector/internal/pulse"
	"github.com/finesse-connector/finesse-connector/internal/session"
	"github.com/finesse-connector/finesse-connector/internal/trust"
)

// Options are what Nodes need besides the configuration.
type Options struct {
	Changed func(gc.SystemStatus) // is called with the status after each round; may block only for a moment
	// Before, if set, is asked before each request that changes something; see
	// finesse.Options.
	Before     func(context.Context) error
	Logger     *zap.Logger
	Registerer prometheus.Registerer // nil keeps the metrics private
	Capture    *capture.Recorder     // nil for none
}

// Nodes are the Finesse servers in order of preference.
type Nodes struct {
	Options
	known *finesse.Nodes
	list  []*node
	room  *room
	pulse *pulse.Pulse  // of Run
	hint  chan struct{} // somebody noticed that the state changed

	mu       sync.Mutex
	upcoming chan struct{} // closed at the end of the next round that begins
}

// checkInterval is how often each node is asked for its SystemInfo. Cisco's
// own clients ask every 5 to 20 s.
const checkInterval = 5 * time.Second

// restBetween is the least time between two rounds, however many agents fail.
const restBetween = 250 * time.Millisecond

// stuckAfter is much longer than any configuration lets one round take: 30 s.
const stuckAfter = 2 * time.Minute

// New makes the nodes. It connects to nothing; the caller calls Close.
func New(c config.Finesse, o Options) (*Nodes, error) {
	tlsConfig, err := trust.Config(c.CAFile, c.InsecureSkipVerify)
	if err != nil {
		return nil, err
	}
	ns := &Nodes{
		Options: o, known: finesse.NewNodes(len(c.Nodes)), room: newRoom(openFiles(), o.Logger, o.Registerer),
		pulse: pulse.New("the watch over finesse", stuckAfter), hint: make(chan struct{}, 1), upcoming: make(chan struct{}),
	}
	for i := range c.Nodes {
		node, err := ns.newNode(c, i, tlsConfig)
		if err != nil {
			return nil, err
		}
		ns.list = append(ns.list, node)
	}
	return ns, nil
}

// Serving returns the node to use now.
func (ns *Nodes) Serving() session.Node { return ns.list[ns.known.Serving()] }

// Captured returns the states of all nodes, for a capture that begins now.
func (ns *Nodes) Captured() []capture.Record {
	var all []capture.Record
	for i, n := range ns.list {
		n.mu.Lock() // a check that saw no capture yet has set the state of the node
		is, _ := ns.known.Condition(i)
		all = append(all, n.captured(is, nil))
		n.mu.Unlock()
	}
	return all
}

// States returns what /readyz shows.
func (ns *Nodes) States() []ops.NodeState {
	states := make([]ops.NodeState, len(ns.list))
	for i, n := range ns.list {
		states[i] = n.state()
	}
	return states
}

// Run checks until ctx ends.
func (ns *Nodes) Run(ctx context.Context) {
	t := time.NewTicker(checkInterval)
	defer t.Stop()
	ns.pulse.Begin()
	defer ns.pulse.End()
	for ctx.Err() == nil {
		ns.pulse.Answer()
		ns.Check(ctx)
		rest := time.NewTimer(restBetween)
		select {
		case <-rest.C:
		case <-ctx.Done():
		}
		rest.Stop()
		select {
		case <-t.C:
		case <-ns.hint:
		case <-ctx.Done():
		}
	}
}

// Live reports whether Run stands still; see pulse.Pulse.
func (ns *Nodes) Live() error { return ns.pulse.Live() }

// Check asks all nodes, in one round, and passes on whether Finesse can be
// used, unless ctx ends before.
func (ns *Nodes) Check(ctx context.Context) {
	defer ns.begin()()
	var asked sync.WaitGroup
	for _, n := range ns.list {
		asked.Go(func() { n.check(ctx) })
	}
	asked.Wait()
	if ctx.Err() != nil {
		return
	}
	ns.Changed(ns.known.Status())
}

// Look makes Run check at once. It never blocks.
func (ns *Nodes) Look() {
	select {
	case ns.hint <- struct{}{}:
	default:
	}
}

// round returns a channel that is closed at the end of the next round to begin:
// a round under way may have asked before the state changed.
func (ns *Nodes) round() <-chan struct{} {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	return ns.upcoming
}

// begin begins a round, and returns the function that ends it.
func (ns *Nodes) begin() (end func()) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ended := ns.upcoming
	ns.upcoming = make(chan struct{})
	return func() { close(ended) }
}

// Close drops the connections to REST. Sessions close their streams.
func (ns *Nodes) Close() {
	for _, n := range ns.list {
		n.Close()
	}
}
