package broker

import (
	"sync"
	"time"
)

// logins paces attempts after the broker has refused the password, for all
// connections of a Broker together: a directory behind the broker may lock the
// account (docs/decisions/0007-a-refused-broker-password.md).
type logins struct {
	first time.Duration // the pause after the first refusal

	mu       sync.Mutex
	attempts int // refused in a row, 0: none
	why      error
	next     time.Time
}

// lastPause is the longest pause, as a multiple of the first.
const lastPause = 10

func (l *logins) pause() time.Duration {
	return min(l.first<<min(l.attempts-1, 10), lastPause*l.first)
}

// turn returns how long the caller must wait before it may try, and why; 0 for not
// at all. A caller that may try keeps others waiting until the next pause is over.
func (l *logins) turn() (wait time.Duration, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.attempts == 0 {
		return 0, nil
	}
	if wait = time.Until(l.next); wait > 0 {
		return wait, l.why
	}
	l.attempts++
	l.next = time.Now().Add(l.pause())
	return 0, nil
}

// refused begins the pauses; connections that were refused at the same time
// count once.
func (l *logins) refused(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.why = why
	if l.attempts == 0 {
		l.attempts = 1
		l.next = time.Now().Add(l.pause())
	}
}

func (l *logins) accepted() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempts = 0
}
