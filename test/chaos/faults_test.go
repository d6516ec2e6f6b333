package chaos

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

// fault is something that goes wrong on an edge.
type fault struct {
	name string
	hurt func(*servertest.Proxy, *rand.Rand)
}

// slow are the faults that no connection is lost by while they are short.
var slow = []fault{
	{"latency", func(p *servertest.Proxy, r *rand.Rand) {
		p.Latency(10*time.Millisecond + time.Duration(r.Int64N(int64(300*time.Millisecond))))
	}},
	{"throttle", func(p *servertest.Proxy, r *rand.Rand) { p.Throttle(1000 + r.IntN(20_000)) }},
	{"black hole", func(p *servertest.Proxy, _ *rand.Rand) { p.BlackHole() }},
}

var all = append([]fault{
	{"cut", func(p *servertest.Proxy, _ *rand.Rand) { p.Cut() }},
	{"cut inside", func(p *servertest.Proxy, r *rand.Rand) { p.CutInside(r.IntN(3000)) }},
	{"half close", func(p *servertest.Proxy, _ *rand.Rand) { p.HalfClose() }},
	{"garbage", func(p *servertest.Proxy, _ *rand.Rand) { p.Garbage() }},
	{"refuse", func(p *servertest.Proxy, _ *rand.Rand) { // as a server that is started anew
		p.Refuse()
		p.Cut()
	}},
	{"silence", func(p *servertest.Proxy, _ *rand.Rand) { p.BlackHole() }},
}, slow...)

const (
	shortest = 50 * time.Millisecond // of a fault, and of the peace behind it
	longest  = 2 * time.Second
	// outlasting is longer than the connector bears a peer that says nothing
	// (30 s). It is how long "silence" lasts now and then, where there is time
	// for more than that.
	outlasting = 35 * time.Second
)

// hurt breaks and heals one edge again and again until ctx ends, and leaves it
// healed.
func hurt(ctx context.Context, s *stage, name string, faults []fault) {
	r := randomOf(s.t, name)
	edge, end := s.edges[name], time.Now().Add(*duration)
	for ctx.Err() == nil {
		f := faults[r.IntN(len(faults))]
		length := shortest + time.Duration(r.Int64N(int64(longest)))
		if f.name == "silence" && r.IntN(3) == 0 && time.Until(end) > 2*outlasting {
			length = outlasting
		}
		s.t.Logf("%s %s: %s for %s", time.Now().Format(time.StampMilli), name, f.name, length.Round(time.Millisecond))
		f.hurt(edge, r)
		pause(ctx, length)
		edge.Heal()
		pause(ctx, shortest+time.Duration(r.Int64N(int64(longest))))
	}
}

// stopLimit is the connector's 15 s for what it holds, and a busy machine.
const stopLimit = 20 * time.Second

// restart stops the connector now and then, in order, and starts it again.
func restart(ctx context.Context, s *stage) {
	r := randomOf(s.t, "restart")
	for {
		pause(ctx, 4*time.Second+time.Duration(r.Int64N(int64(8*time.Second))))
		if ctx.Err() != nil {
			return
		}
		took := s.stop()
		s.t.Logf("%s connector stopped within %s", time.Now().Format(time.StampMilli), took.Round(time.Millisecond))
		if took > stopLimit {
			s.t.Errorf("the connector took %s to stop", took)
		}
		s.start()
	}
}

// randomOf gives each part of the test numbers of its own, so that what one
// does is the same whatever the others do.
func randomOf(t *testing.T, name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, t.Name(), name) // a hash takes everything
	return rand.New(rand.NewPCG(*seed, h.Sum64()))
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
