// Package cluster lets connectors with one command queue agree on which of them is the
// owner. The broker decides: it gives the lock to one (broker.Sharing). The connectors see
// to it that there is a lock, and only one: they hear each other's beats on the sync topic.
//
//   - Where nobody beats as the owner for a while there may be no lock any more, because
//     an administrator or the death of a broker has taken it: one is made. The while is
//     longer than the lease of an owner that was cut off.
//   - Who is given a lock while somebody else is heard as the owner, with another lock,
//     destroys it. Who has not listened for a while waits with being the owner.
//   - Of two owners that hear each other the one with the lower priority gives way.
//   - Whoever was the owner, and hears that another one is, has lost: what it knows is old,
//     and its process has to begin anew.
//
// What it hears it believes only of who has the key, and has just heard its own beats: so a
// message that was recorded counts for nothing some beats later. No clock is compared.
package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/rate"
)

// Options wires a Cluster. All fields are required.
type Options struct {
	Name     string
	Key      gc.Secret     // MinKey bytes or more
	Host     string        // that the others show for this connector
	Version  string        // likewise
	Priority int           // 0 to 127; the highest makes a lock first
	Every    time.Duration // of the beats
	Lease    time.Duration // how long an owner that hears nothing is one
	Logger   *zap.Logger
}

// Lock is what the broker lets a member do about the lock; broker.Broker is one.
type Lock interface {
	MakeLock()           // does nothing for who has one
	Resign(destroy bool) // gives it back, or destroys it
}

// Cluster is a connector among the others. Its methods may be called from any goroutine
// and block only where they say so.
type Cluster struct {
	options Options
	seal    *seal
	id      string
	lost    chan struct{}
	refused rate.Limit // log lines

	mu    sync.Mutex
	count uint64    // of the beats sent
	self  time.Time // when the last of them came back
	heard time.Time // since when they do
	quiet time.Time // since when no owner was heard, and nothing kept one from being heard
	lock  string    // that this connector holds; "" for none
	owned bool      // it has held one
	since time.Time // of lock
	peers map[string]*peer
}

// beat is what a connector says of itself.
type beat struct {
	ID       string `json:"id"`
	Host     string `json:"host"`
	Version  string `json:"version"`
	Count    uint64 `json:"count"`
	Priority int    `json:"priority"`
	Lock     string `json:"lock,omitempty"`
	// Heard are the counts of the last beats that it heard of others, by their ids.
	Heard map[string]uint64 `json:"heard,omitempty"`
}

type peer struct {
	beat
	at time.Time
	// knows: it has just heard this connector, so that its beats are no recorded ones.
	knows bool
}

// Peer is another connector, as it is shown.
type Peer struct {
	Host, Version string
	Priority      int
	Owner         bool
	Heard         time.Time
}

// maxPeers bounds how many connectors are heard, and silent is how many beats one misses
// before it is forgotten.
const (
	maxPeers = 64
	silent   = 3
)

// New makes one that has heard nobody.
func New(o Options) (*Cluster, error) {
	s, err := newSeal(o.Key, o.Name)
	if err != nil {
		return nil, err
	}
	return &Cluster{
		options: o, seal: s, id: newID(), lost: make(chan struct{}), refused: rate.Limit{Most: 3, Rate: 1. / 60}, peers: map[string]*peer{},
	}, nil
}

// Lost is closed when another connector has become the owner after this one.
func (c *Cluster) Lost() <-chan struct{} { return c.lost }

// Beat makes a beat; lock is the one that is held, "" for none.
func (c *Cluster) Beat(lock string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if lock != "" && c.lock != lock {
		c.since = now
	}
	c.lock, c.owned = lock, c.owned || lock != ""
	c.count++
	c.forget(now)
	b := beat{ID: c.id, Host: c.options.Host, Version: c.options.Version, Count: c.count, Priority: c.options.Priority, Lock: lock, Heard: map[string]uint64{}}
	for id, p := range c.peers {
		b.Heard[id] = p.Count
	}
	plain, err := json.Marshal(b)
	if err != nil {
		panic(err) // it has nothing that could fail
	}
	return c.seal.close(plain)
}

// Heard takes what came on the sync topic.
func (c *Cluster) Heard(message string) {
	if strings.HasPrefix(message, "AgentState#") { // O-025 in clear, of an old connector
		return
	}
	plain, err := c.seal.open(message)
	var b beat
	if err == nil && (json.Unmarshal(plain, &b) != nil || b.ID == "") {
		err = errForm
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	switch {
	case err != nil:
		c.refuse(now, err)
	case b.ID != c.id:
		c.hear(b, now)
	case b.Count == c.count: // none that was recorded
		if now.Sub(c.self) > silent*c.options.Every {
			c.quiet, c.heard = now, now
		}
		c.self = now
	}
}

func (c *Cluster) refuse(now time.Time, err error) {
	if c.refused.Take(now) {
		c.options.Logger.Warn("a message on the sync topic is not believed", zap.Error(err),
			zap.String("action", "give all connectors of the cluster the same cluster.key_file and cluster.name; let nobody else write to the topic"))
	}
}

// hear takes the beat of another one.
func (c *Cluster) hear(b beat, now time.Time) {
	p := c.peers[b.ID]
	if p == nil {
		if !c.room() {
			return
		}
		p = &peer{}
		c.peers[b.ID] = p
	}
	if b.Count <= p.Count {
		return // recorded
	}
	knew := p.knows && now.Sub(p.at) <= silent*c.options.Every
	heard, ok := b.Heard[c.id]
	p.beat, p.at, p.knows = b, now, ok && heard+2*silent >= c.count
	if p.knows && !knew {
		c.options.Logger.Info("another connector is there", zap.String("host", b.Host), zap.String("version", b.Version), zap.Bool("owner", b.Lock != ""))
	}
	if p.knows && b.Lock != "" {
		c.quiet = now
	}
}

// room makes room for one more. Who has not heard of this connector may be a recorded one.
func (c *Cluster) room() bool {
	if len(c.peers) < maxPeers {
		return true
	}
	oldest := ""
	for id, p := range c.peers {
		if !p.knows && (oldest == "" || p.at.Before(c.peers[oldest].at)) {
			oldest = id
		}
	}
	delete(c.peers, oldest)
	return oldest != ""
}

// forget drops those that have been silent for long.
func (c *Cluster) forget(now time.Time) {
	for id, p := range c.peers {
		if now.Sub(p.at) > silent*c.options.Every {
			if p.knows {
				c.options.Logger.Warn("another connector is not heard any more", zap.String("host", p.Host), zap.Bool("owner", p.Lock != ""))
			}
			delete(c.peers, id)
		}
	}
}

// Run sees to the lock until ctx ends, or another connector has become the owner after
// this one. Call it once.
func (c *Cluster) Run(ctx context.Context, lock Lock) {
	tick := time.NewTicker(c.options.Every)
	defer tick.Stop()
	patience := c.options.patience()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		switch c.judge(time.Now(), patience) {
		case isMissing:
			c.options.Logger.Info("nobody has the lock of the command queue; making one")
			lock.MakeLock()
			patience = c.options.patience()
		case isSecond:
			c.options.Logger.Warn("there were two owners; this connector gives way", zap.String("action", "find out what kept the connectors from hearing each other"))
			lock.Resign(true)
		case isLost:
			close(c.lost)
			return
		}
	}
}

// patience is how long no owner was heard before a lock is made. Until then an owner that
// was cut off has been none for a while; the one with the highest priority comes first.
func (o *Options) patience() time.Duration {
	later := time.Duration(127-o.Priority) * 2 * o.Every / 127
	return o.Lease + 2*o.Every + later + rand.N(o.Every)
}

type verdict int

const (
	isFine verdict = iota
	isMissing
	isSecond
	isLost
)

func (c *Cluster) judge(now time.Time, patience time.Duration) verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	other := c.owner(now)
	switch {
	case c.lock != "" && other != nil && other.Lock != c.lock && c.yields(other):
		return isSecond
	case c.lock == "" && other != nil && c.owned:
		return isLost
	case c.lock == "" && other == nil && c.hears(now) && now.Sub(c.quiet) > patience:
		c.quiet = now
		return isMissing
	}
	return isFine
}

// owner is another one that is heard as the owner, nil for none.
func (c *Cluster) owner(now time.Time) *peer {
	c.forget(now)
	for _, p := range c.peers {
		if p.knows && p.Lock != "" {
			return p
		}
	}
	return nil
}

// hears reports whether what is said on the topic comes.
func (c *Cluster) hears(now time.Time) bool { return now.Sub(c.self) <= silent*c.options.Every }

// yields reports whether this one of two owners gives way.
func (c *Cluster) yields(other *peer) bool {
	return cmp.Or(cmp.Compare(c.options.Priority, other.Priority), strings.Compare(c.id, other.ID)) < 0
}

// Judge says whether this connector may be the owner with a lock that it was given, or that is
// to be destroyed. The same lock that another one had was given back by the broker, because
// that one has ended.
func (c *Cluster) Judge(lock string) (take, destroy bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	other := c.owner(now)
	listened := c.hears(now) && now.Sub(c.heard) >= 2*c.options.Every
	return listened && (other == nil || other.Lock == lock), other != nil && other.Lock != lock
}

// Peers are the others that are heard, by host.
func (c *Cluster) Peers() []Peer {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Peer
	for _, p := range c.peers {
		if p.knows {
			all = append(all, Peer{Host: p.Host, Version: p.Version, Priority: p.Priority, Owner: p.Lock != "", Heard: p.at})
		}
	}
	slices.SortFunc(all, func(a, b Peer) int { return strings.Compare(a.Host, b.Host) })
	return all
}

// Since is since when this connector is the owner, zero when it is not.
func (c *Cluster) Since() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lock == "" {
		return time.Time{}
	}
	return c.since
}
