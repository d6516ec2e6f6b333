package replay

import (
	"errors"
	"fmt"
	"time"
)

// bounds limit what a capture, which may be a stranger's, can make of a replay.
// capture.Lines bounds the memory of everything together.
type bounds struct {
	agents  int           // of one run, each with a session
	waiting int           // bytes of events without counterpart yet
	lane    int           // events of an agent at a destination that come at once
	gap     time.Duration // between two records of a run
}

// A connector is made for 10,000 agents, and sends nobody more events at once
// than that. An idle one still records a restart of a Finesse node.
var standing = bounds{agents: 20_000, waiting: 256 << 20, lane: 10_000, gap: 62 * 24 * time.Hour}

// ErrBeyond is in the chain of the error about a capture that passes a bound.
var ErrBeyond = errors.New("that is more than can be replayed at once")

func beyond(where, format string, a ...any) error {
	return fmt.Errorf("%s: %w: "+format, append([]any{where, ErrBeyond}, a...)...)
}

// overhead is what an event or command takes besides its text, in bytes.
const overhead = 1 << 10
