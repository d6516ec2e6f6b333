package broker

import "sync"

// selector says which url the connections of one Broker use: all use the same,
// since a client is connected to one broker only. It is safe for concurrent
// use.
type selector struct {
	endpoints []endpoint

	mu      sync.Mutex
	current int
	moved   chan struct{} // closed and replaced when current changes
	reached chan struct{} // closed and replaced when somebody got through
}

func newSelector(endpoints []endpoint) *selector {
	return &selector{endpoints: endpoints, moved: make(chan struct{}), reached: make(chan struct{})}
}

// get returns the url to use and a channel that is closed when another is to be
// used.
func (s *selector) get() (ep endpoint, moved <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endpoints[s.current], s.moved
}

// failed moves on to the next url, unless somebody else did so before.
func (s *selector) failed(ep endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == ep.index {
		s.move((ep.index + 1) % len(s.endpoints))
	}
}

// home moves to the preferred url.
func (s *selector) home() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.move(0)
}

func (s *selector) move(to int) {
	if s.current != to {
		s.current = to
		close(s.moved)
		s.moved = make(chan struct{})
	}
}

// through wakes those who wait for the broker: it is there.
func (s *selector) through() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.reached)
	s.reached = make(chan struct{})
}

// waitThrough returns a channel that the next call of through closes.
func (s *selector) waitThrough() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reached
}
