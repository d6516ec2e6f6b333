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
	refused  map[gc.AgentID]int       // since the start
	own      map[gc.AgentID]gc.Secret // of those with another password than the others
	removed  map[gc.AgentID]bool
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
	return &accounts{
		password: password, now: now, failures: map[gc.AgentID]failures{}, refused: map[gc.AgentID]int{},
		own: map[gc.AgentID]gc.Secret{}, removed: map[gc.AgentID]bool{},
	}
}

// passwordOf is called with mu held.
func (a *accounts) passwordOf(id gc.AgentID) gc.Secret {
	if own, ok := a.own[id]; ok {
		return own
	}
	return a.password
}

func (a *accounts) setPassword(id gc.AgentID, password gc.Secret) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.own[id] = password
}

func (a *accounts) remove(id gc.AgentID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.removed[id] = true
}

func (a *accounts) refusals(id gc.AgentID) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refused[id]
}

// lock is what too many wrong passwords of another client do.
func (a *accounts) lock(id gc.AgentID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failures[id] = failures{maxFailures, a.now()}
}

// check counts wrong passwords. While an account is locked the right one does
// not help and further attempts do not make the lock longer.
func (a *accounts) check(id gc.AgentID, password string) verdict {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.failures[id]
	if a.removed[id] {
		a.refused[id]++
		return wrongPassword
	}
	if f.count >= maxFailures {
		if a.now().Sub(f.last) < lockTime {
			a.refused[id]++
			return lockedOut
		}
		f = failures{}
	}
	if a.passwordOf(id).Equal(gc.NewSecret(password)) {
		delete(a.failures, id)
		return rightPassword
	}
	a.refused[id]++
	a.failures[id] = failures{f.count + 1, a.now()}
	return wrongPassword
}
