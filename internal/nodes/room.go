package nodes

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/session"
	"github.com/finesse-connector/finesse-connector/internal/trouble"
)

// room is how many notification streams the process has descriptors for. Each
// agent has a stream, and a connection to REST during a request, so half of
// what the process may open goes to streams: an agent with a stream is never
// left without a request. A part is reserved for everything else.
type room struct {
	limit   int // 0: no limit
	log     *zap.Logger
	refused prometheus.Counter

	mu    sync.Mutex
	taken int
	full  bool // logged since there was last room
}

// reservedFiles is for connections to the broker, the operator's HTTP server
// and the nodes' own checks; of a small limit, a quarter is.
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
	// Half of it: an agent who comes and goes does not make an episode each
	// time.
	r.full = r.full && r.taken > r.limit/2
}

// seated is a stream that gives its place back when it is closed; its session
// always closes it.
type seated struct {
	session.Stream
	leave func()
}

func (s seated) Close() {
	s.Stream.Close()
	s.leave()
}
