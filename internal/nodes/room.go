package nodes

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/session"
	"github.com/finesse-connector/finesse-connector/internal/trouble"
)

// room is how many notification streams the process has descriptors for. Each
// agent has one, and a connection to REST while it asks, so that half of what
// the process may open goes to streams: those who got one are never left
// without the other. A part is for everything else.
type room struct {
	limit   int // 0: no limit
	log     *zap.Logger
	refused prometheus.Counter

	mu    sync.Mutex
	taken int
	full  bool // said since there was room last
}

// reservedFiles is at most for connections to the broker, the operator's HTTP
// server and the nodes' own checks, a quarter of a small limit.
const reservedFiles = 256

func newRoom(files uint64, log *zap.Logger, reg prometheus.Registerer) *room {
	r := &room{log: log, refused: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "notify_streams_refused_total", Help: "Streams not opened because the process may not open enough files.",
	})}
	if reg != nil {
		reg.MustRegister(r.refused)
	}
	if files < 1<<20 { // more than agents can use
		r.limit = max(1, (int(files)-min(int(files)/4, reservedFiles))/2)
	}
	return r
}

func (r *room) take() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.limit == 0 || r.taken < r.limit {
		r.taken++
		return true
	}
	r.refused.Inc()
	if !r.full {
		r.full = true
		r.log.Error("no more agents can connect: the process may not open enough files", zap.Int("agents", r.taken), zap.String("action", trouble.NoFiles.Next))
	}
	return false
}

func (r *room) give() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken--
	// Half of it: one agent who comes and goes is not an episode each time.
	r.full = r.full && r.taken > r.limit/2
}

// seated is a stream that gives its place back when it is closed, which its
// session does in any case.
type seated struct {
	session.Stream
	leave func()
}

func (s seated) Close() {
	s.Stream.Close()
	s.leave()
}
