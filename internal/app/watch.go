package app

import "sync"

// watch is what those who depend on the nodes and those who check them share.
type watch struct {
	alone bool          // there is one node only
	hint  chan struct{} // somebody heard that the state changed

	mu       sync.Mutex
	upcoming chan struct{} // closed at the end of the next round of checks to begin
}

func newWatch(alone bool) *watch {
	return &watch{alone: alone, hint: make(chan struct{}, 1), upcoming: make(chan struct{})}
}

// look asks for a round at once. It never blocks.
func (w *watch) look() {
	select {
	case w.hint <- struct{}{}:
	default:
	}
}

// round is closed at the end of the next round to begin: one that is under way
// may have asked before the state changed.
func (w *watch) round() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.upcoming
}

// begin begins a round; what it returns ends it.
func (w *watch) begin() (end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ended := w.upcoming
	w.upcoming = make(chan struct{})
	return func() { close(ended) }
}
