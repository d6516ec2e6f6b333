package simulator

import (
	"sync"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Five wrong passwords in a row lock an account for five minutes (Finesse
// developer guide, sign in).
const (
	maxFailures = 5
	lockTime    = 5 * time.Minute
)

// accounts checks passwords for REST and the notification service alike.
type accounts struct {
	password gc.Secret
	now      func() time.Time

	mu       sync.Mutex
	failures map[gc.AgentID]failures
}

type failures struct {
	count int
	last  time.Time
}

type verdict int

const (
	wrongPassword verdict = iota
	rightPassword
	lockedOut
)

func newAccounts(password gc.Secret, now func() time.Time) *accounts {
	return &accounts{password: password, now: now, failures: map[gc.AgentID]failures{}}
}

// check counts wrong passwords. While an account is locked the right one does
// not help and further attempts do not make the lock longer.
func (a *accounts) check(id gc.AgentID, password string) verdict {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.failures[id]
	if f.count >= maxFailures {
		if a.now().Sub(f.last) < lockTime {
			return lockedOut
		}
		f = failures{}
	}
	if a.password.Equal(gc.NewSecret(password)) {
		delete(a.failures, id)
		return rightPassword
	}
	a.failures[id] = failures{f.count + 1, a.now()}
	return wrongPassword
}
