package replay

import (
	"errors"
	"fmt"
	"time"
)

// bounds are what a capture can make of a replay: it may be a stranger's. The
// memory of all together is bounded by capture.Lines.
type bounds struct {
	agents  int           // of one run, each with a session
	waiting int           // bytes of events that have no counterpart yet
	lane    int           // events of an agent at a destination that come at once
	gap     time.Duration // between two records of a run
}

// A connector is made for 10,000 agents, and tells nobody more at once than
// that there are. An idle one still records when a node of Finesse is restarted.
var standing = bounds{agents: 20_000, waiting: 256 << 20, lane: 10_000, gap: 62 * 24 * time.Hour}

// ErrBeyond is in the chain of the error about a capture that passes a bound.
var ErrBeyond = errors.New("that is more than can be replayed at once")

func beyond(where, format string, a ...any) error {
	return fmt.Errorf("%s: %w: "+format, append([]any{where, ErrBeyond}, a...)...)
}

// overhead is what an event or command takes beside its text, in bytes.
const overhead = 1 << 10
