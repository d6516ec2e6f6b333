package simulator

import (
	"math/rand/v2"
	"sync"
	"time"
)

// maxQueued bounds the requests that wait for one object.
const maxQueued = 64

// serial carries out the requests for one object (a user, a dialog) one after
// the other, each after a random delay, as Finesse does while it waits for
// the CTI server (Finesse developer guide 12.5, page 22). Objects do not wait
// for each other.
type serial struct {
	life  *lifetime
	delay func() time.Duration

	mu     sync.Mutex
	queues map[string][]func()
}

// add queues f behind the other requests for object. False means that too
// many wait already.
func (s *serial) add(object string, f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := s.queues[object]
	if len(waiting) >= maxQueued {
		return false
	}
	s.queues[object] = append(waiting, f)
	if len(waiting) == 0 {
		s.schedule(object)
	}
	return true
}

func (s *serial) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queues) == 0
}

func (s *serial) schedule(object string) {
	s.life.after(s.delay(), func() { s.next(object) })
}

func (s *serial) next(object string) {
	s.mu.Lock()
	f := s.queues[object][0]
	s.mu.Unlock()
	f()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues[object] = s.queues[object][1:]; len(s.queues[object]) > 0 {
		s.schedule(object)
		return
	}
	delete(s.queues, object)
}

// random is a source of delays and ids that goroutines can share.
type random struct {
	mu sync.Mutex
	r  *rand.Rand
}

// newRandom makes the same sequence for the same seed; 0 stands for any.
func newRandom(seed uint64) *random {
	if seed == 0 {
		seed = rand.Uint64()
	}
	return &random{r: rand.New(rand.NewPCG(seed, seed))}
}

func (r *random) between(low, high time.Duration) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return low + time.Duration(r.r.Int64N(int64(high-low)+1))
}

// text is n random letters and digits.
func (r *random) text(n int) string {
	const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	r.mu.Lock()
	defer r.mu.Unlock()
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[r.r.IntN(len(letters))]
	}
	return string(b)
}
