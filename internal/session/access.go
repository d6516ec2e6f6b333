package session

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// access is by which driver's right, and with which password, the session serves the
// agent. It decides whether Finesse may be asked with that.
type access struct {
	home        atomic.Value // gc.Destination: of the driver that proved the password; for others to read
	works       atomic.Bool  // the password was proved, and it is not over with it; for others to read
	refusal     error        // of the password, since it was proved; nil for none
	reported    bool         // the driver has heard of the refusal
	credentials finesse.Credentials
	claims      []claim
}

// claim is a Connect that has not proved its password. It binds nothing; but the
// Login that follows it, and has the same password, is of the same driver.
type claim struct {
	to, answers gc.Destination // of the events, and of errors
	password    gc.Secret
	good        bool // for a Login after it: it failed because Finesse is away
	at          time.Time
}

// maxClaims is how many of them are known, each for claimLasts: anybody can make them
// while Finesse is away.
const (
	maxClaims  = 32
	claimLasts = 10 * time.Minute
)

// destination is where the agent's events go, "" before a password was proved.
func (a *access) destination() gc.Destination {
	d, _ := a.home.Load().(gc.Destination)
	return d
}

// connected reports whether the driver counts on the agent being served.
func (a *access) connected() bool { return a.works.Load() }

// usable reports whether Finesse may be asked with the password.
func (a *access) usable() bool { return a.connected() && a.refusal == nil }

// why is the error of what is not asked because the password is not usable.
func (a *access) why() error {
	if a.refusal != nil {
		return a.refusal
	}
	return gc.Errorf(gc.SubscriptionFailed, "ask", "meanwhile: %w", finesse.ErrPasswordRefused)
}

// is reports whether that is the password that works, or did.
func (a *access) is(password gc.Secret) bool { return a.credentials.Password.Equal(password) }

// meant is what a Login carries, which cannot say that its password is an access token:
// a token where the agent is or was last served with one, or the Connect before it had that one.
func (a *access) meant(password gc.Secret) gc.Secret {
	token, err := gc.NewToken(password.Reveal())
	if err != nil {
		return password
	}
	if _, claimed := a.claimed(token); claimed || a.credentials.Password.IsToken() {
		return token
	}
	return password
}

// expired reports whether err says that the token with which the agent is served is not
// good any more. No driver can help that but with a new one.
func (a *access) expired(used gc.Secret, err error) bool {
	return used.IsToken() && a.is(used) && wrongPassword(err)
}

// grant is for the driver that proved a password.
func (a *access) grant(d gc.Destination, c finesse.Credentials) {
	a.home.Store(d)
	a.credentials, a.claims, a.refusal, a.reported = c, nil, nil, false
	a.works.Store(true)
}

// withdraw is for a driver that has to connect the agent again.
func (a *access) withdraw() { a.works.Store(false) }

// refuse notes what Finesse answered to a request with the credentials given, and
// reports whether it refuses the password with which the agent is served: five
// refusals lock the account for everybody.
func (a *access) refuse(used finesse.Credentials, err error) bool {
	if !wrongPassword(err) || !a.usable() || !a.is(used.Password) {
		return false
	}
	a.refusal, a.reported = err, false
	return true
}

// wrongPassword reports whether Finesse refused the credentials.
func wrongPassword(err error) bool { return errors.Is(err, finesse.ErrPasswordRefused) }

// claim notes a Connect that failed with err. Where there are too many the oldest goes
// of those that are not good, and who came first stays: strangers come after a driver.
func (a *access) claim(r *Request, err error, now time.Time) {
	a.claims = slices.DeleteFunc(a.claims, func(c claim) bool {
		return c.to == r.Destination && c.password.Equal(r.Password) || now.Sub(c.at) > claimLasts
	})
	if len(a.claims) == maxClaims {
		worst := slices.IndexFunc(a.claims, func(c claim) bool { return !c.good })
		if worst < 0 {
			return
		}
		a.claims = slices.Delete(a.claims, worst, worst+1)
	}
	a.claims = append(a.claims, claim{r.Destination, r.ReplyTo, r.Password, unavailable(err), now})
}

// claimed is the latest Connect with that password.
func (a *access) claimed(password gc.Secret) (claim, bool) {
	for _, c := range slices.Backward(a.claims) {
		if c.password.Equal(password) {
			return c, true
		}
	}
	return claim{}, false
}

// worthless reports whether nothing is known that another session could not find
// out: a Connect that failed because Finesse is away is still good for the Login
// after it.
func (a *access) worthless() bool {
	return a.destination() == "" && !slices.ContainsFunc(a.claims, func(c claim) bool { return c.good })
}
