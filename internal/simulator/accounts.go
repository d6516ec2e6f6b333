package simulator

import (
	"slices"
	"strconv"
	"strings"
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

// accounts checks passwords for REST and the notification service alike. With single
// sign-on all, or some, but the administrator have an access token instead: the password, the
// login id and a number, with colons between. It is good as long as the number is not
// lower than the agent's lowest, which begins with 1 and grows when tokens expire.
type accounts struct {
	password gc.Secret
	now      func() time.Time
	sso      bool
	holders  []gc.AgentID  // of access tokens; none: everybody is one
	lifetime time.Duration // of the tokens of a number; 0: they do not expire by themselves
	began    time.Time

	mu       sync.Mutex
	failures map[gc.AgentID]failures
	refused  map[gc.AgentID]int       // since the start
	own      map[gc.AgentID]gc.Secret // of those with another password than the others
	removed  map[gc.AgentID]bool
	expired  map[gc.AgentID]int // numbers of tokens
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

func newAccounts(o *Options) *accounts {
	return &accounts{
		password: o.Password, now: o.Now, sso: o.SSO, holders: o.SSOAgents, lifetime: o.TokenLifetime, began: o.Now(), expired: map[gc.AgentID]int{}, failures: map[gc.AgentID]failures{}, refused: map[gc.AgentID]int{},
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

// expire lets the agent's tokens of the lowest number expire.
func (a *accounts) expire(id gc.AgentID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.expired[id]++
}

// splitToken takes the parts of a token apart; the holder is "" if it is none.
func splitToken(token string) (password, holder string, number int) {
	rest, last, _ := cutLast(token)
	password, holder, _ = cutLast(rest)
	number, err := strconv.Atoi(last)
	if err != nil {
		return "", "", 0
	}
	return password, holder, number
}

func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}

// byToken reports whether a user is let in with an access token, and not with a
// password.
func (a *accounts) byToken(u *user) bool {
	return a.sso && !u.administrator && (len(a.holders) == 0 || slices.Contains(a.holders, u.id))
}

// checkToken refuses one that is wrong or has expired. That locks nothing.
func (a *accounts) checkToken(id gc.AgentID, token string) verdict {
	a.mu.Lock()
	defer a.mu.Unlock()
	lowest := 1 + a.expired[id]
	if a.lifetime > 0 {
		lowest += int(a.now().Sub(a.began) / a.lifetime)
	}
	password, holder, number := splitToken(token)
	if a.removed[id] || !id.Is(gc.AgentID(holder)) || !a.passwordOf(id).Equal(gc.NewSecret(password)) || number < lowest {
		a.refused[id]++
		return wrongPassword
	}
	return rightPassword
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
