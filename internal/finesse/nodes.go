package finesse

import (
	"context"
	"sync"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Nodes are what is known of the nodes, in order of preference, and decide which of
// them serves. They are safe for concurrent use and never block.
type Nodes struct {
	mu        sync.Mutex
	standings []standing
	changed   chan struct{} // closed when a node becomes usable or the contrary
}

// standing is what is known of a node.
type standing struct {
	Condition
	avoided time.Time // when its notification service last failed an agent, zero since one succeeded
}

// Condition is how a node is.
type Condition struct {
	Usable bool
	Silent bool // it is not usable because it does not answer
}

// Finding is what was found of a node.
type Finding struct {
	Node int
	Condition
}

// NewNodes makes as many as there are, none usable yet.
func NewNodes(count int) *Nodes {
	return &Nodes{standings: make([]standing, count), changed: make(chan struct{})}
}

// avoidedFor is how long a node whose notification service failed an agent is
// second to one whose did not.
const avoidedFor = time.Minute

// Serving is the node to use now: the first that is usable, with a notification
// service that did not fail lately if there is one; else the first.
func (ns *Nodes) Serving() int {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	second := -1
	for i, n := range ns.standings {
		switch avoid := !n.avoided.IsZero() && time.Since(n.avoided) < avoidedFor; {
		case n.Usable && !avoid:
			return i
		case n.Usable && second < 0:
			second = i
		}
	}
	return max(second, 0)
}

// Status is what drivers hear: whether a node can be used and, if none can,
// whether any has an answer at all (O-027).
func (ns *Nodes) Status() gc.SystemStatus {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	status := gc.FinesseNotHeard
	for _, n := range ns.standings {
		switch {
		case n.Usable:
			return gc.InService
		case !n.Silent:
			status = gc.OutOfService
		}
	}
	return status
}

// Condition is how a node is, with a channel that is closed when one becomes usable
// or the contrary.
func (ns *Nodes) Condition(node int) (Condition, <-chan struct{}) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	return ns.standings[node].Condition, ns.changed
}

// Found takes findings over, all at once.
func (ns *Nodes) Found(all ...Finding) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	changed := false
	for _, f := range all {
		known := &ns.standings[f.Node].Condition
		changed = changed || known.Usable != f.Usable
		*known = f.Condition
	}
	if changed {
		close(ns.changed)
		ns.changed = make(chan struct{})
	}
}

// Subscribed takes over how a subscription at a node ended, and reports whether its
// notification service failed the agent: neither a wrong password nor a session that
// ends says anything about it.
func (ns *Nodes) Subscribed(ctx context.Context, node int, err error) (failed bool) {
	failed = err != nil && gc.CodeOf(err) != gc.SubscriptionFailed && ctx.Err() == nil
	ns.mu.Lock()
	defer ns.mu.Unlock()
	switch {
	case failed:
		ns.standings[node].avoided = time.Now()
	case err == nil:
		ns.standings[node].avoided = time.Time{}
	}
	return failed
}
