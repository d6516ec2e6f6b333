package passwords

import (
	"fmt"
	"slices"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/rate"
)

const (
	// window is how long Finesse locks an account, and counts.
	window = 5 * time.Minute
	// budget is one less than the wrong passwords that lock an account.
	budget = 4
	// budgetOfUnread is for one name of an agent whose user was not read yet.
	// Finesse takes two names for the same user, the login id and the login name.
	budgetOfUnread = budget / 2
	// uses is how many requests may carry the password that works at a time.
	// Each is refused when it has just been changed.
	uses = budget - 1

	pauseOfKnown   = 10 * time.Second
	pauseOfUnknown = 30 * time.Second

	maxWorked  = 3 // passwords of an agent
	maxRefused = 8 // more than are refused in a window and the one after it
)

// digest stands for a password, or for a token of single sign-on.
type digest struct {
	sum   [32]byte
	token bool
}

// tokens is how many tokens, besides those that have worked, are put to Finesse for an agent
// at once, and tokenRate how many of those come back in a second. Wrong ones lock
// nothing; but anybody can send them, each is a request, and the agent's commands wait for
// it. So one that is not taken costs as many as the seconds it lasted, and at least one.
const (
	tokens    = 5
	tokenRate = 0.1
)

// account is what is known of the passwords of one agent. It has no clock: what
// asks it gives the time, which never goes back.
type account struct {
	user     string   // the login id that Finesse has for the agent; "" until it was read
	worked   []digest // the one that worked last comes first
	refused  []refusal
	spent    []expense
	tokens   rate.Limit // of those besides the one that works
	underway int        // requests with another password than the one that works, or what is taken for one
	proving  int        // requests with another token than that, of which none locks the account
	locked   error
	until    time.Time     // locked
	warned   bool          // the operator knows that the budget is spent
	line     chan struct{} // has an element for each use of the password that works
}

// expense is when a password was refused, or when it was known that its answer
// will not come.
type expense struct {
	at      time.Time
	refused bool
}

// refusal is a password that Finesse has refused.
type refusal struct {
	password digest
	err      error
	times    int
	until    time.Time
}

// trusts reports whether a password is the one that works.
func (a *account) trusts(password digest) bool {
	return len(a.worked) > 0 && a.worked[0] == password && a.refusalOf(password) == nil
}

// locks reports whether Finesse may count a refusal of what does not work towards locking
// the account: of a password, and of a token that the notification service takes for
// one, because a password is what lets the agent in.
func (a *account) locks(password digest, proves proof) bool {
	return !password.token || proves == ofTokens && len(a.worked) > 0 && !a.worked[0].token
}

// working reports whether there is a password that works.
func (a *account) working() bool { return len(a.worked) > 0 && a.trusts(a.worked[0]) }

func (a *account) refusalOf(password digest) *refusal {
	for i := range a.refused {
		if a.refused[i].password == password {
			return &a.refused[i]
		}
	}
	return nil
}

// ask is why a password must not be put to Finesse now, nil when it may; underway is how
// many are on their way that may be wrong.
func (a *account) ask(now time.Time, password digest, proves proof, underway int) error {
	if a.trusts(password) {
		return nil
	}
	if r := a.refusalOf(password); r != nil && now.Before(r.until) {
		return fmt.Errorf("the same password was refused before and is not tried again until %s: %w", r.until.Format(time.TimeOnly), r.err)
	}
	if password.token && !slices.Contains(a.worked, password) && !a.tokens.Has(now) {
		return errTokens
	}
	if !a.locks(password, proves) {
		return nil
	}
	if now.Before(a.until) {
		return fmt.Errorf("no password is tried before %s: %w", a.until.Format(time.TimeOnly), a.locked)
	}
	a.forget(now)
	switch {
	case len(a.spent)+underway < a.allowance():
		return nil
	case slices.ContainsFunc(a.spent, func(e expense) bool { return e.refused }):
		return errBudget
	default:
		return errUnanswered
	}
}

// errTokens is for those who cannot know whether the token is right, because it is not
// tried.
var errTokens = gc.Retry(gc.TooManyUnproved, "prove token", "too many access tokens of the agent are being tried")

// errUnanswered is for those who come after passwords of whom none was refused, as
// when Finesse hangs: nobody is to be asked for another password for that.
var errUnanswered = gc.Errorf(gc.NotReachable, "prove password", "too many passwords of the agent were not answered within %s, and one more could lock the account if they are wrong", window)

// errBudget is for those who cannot know whether the password is right, because it
// is not tried.
var errBudget = gc.Errorf(gc.SubscriptionFailed, "prove password", "too many passwords of the agent were refused within %s, and one more could lock the account", window)

// allowance is how many passwords may be refused in a window besides the one
// that works, or worked: what is still on its way with it may be refused too.
func (a *account) allowance() int {
	switch {
	case a.working():
		return budget - uses
	case a.user == "":
		return budgetOfUnread - len(a.line)
	default:
		return budget - len(a.line)
	}
}

func (a *account) forget(now time.Time) {
	a.spent = slices.DeleteFunc(a.spent, func(e expense) bool { return now.Sub(e.at) >= window })
	if len(a.spent) == 0 && a.underway == 0 {
		a.warned = false
	}
}

// quiet reports whether nothing would be lost with the account but what has
// worked.
func (a *account) quiet(now time.Time) bool {
	a.forget(now)
	return len(a.spent) == 0 && a.underway == 0 && a.proving == 0 && len(a.line) == 0 && !now.Before(a.until) &&
		!slices.ContainsFunc(a.refused, func(r refusal) bool { return now.Before(r.until.Add(window)) })
}

// proved notes that Finesse took a password.
func (a *account) proved(password digest) {
	is := func(d digest) bool { return d == password }
	a.worked = slices.Insert(slices.DeleteFunc(a.worked, is), 0, password)
	a.worked = a.worked[:min(len(a.worked), maxWorked)]
	a.refused = slices.DeleteFunc(a.refused, func(r refusal) bool { return is(r.password) })
	if !password.token {
		a.until = time.Time{}
	}
	if a.line == nil {
		a.line = make(chan struct{}, uses)
	}
}

// refuse notes that Finesse refused a password with err.
func (a *account) refuse(now time.Time, password digest, err error) {
	r := refusal{password: password, err: err}
	if before := a.refusalOf(password); before != nil {
		r.times, r.until = before.times, before.until
	}
	if !now.Before(r.until) { // else it was on its way with one that is refused already
		r.until = now.Add(min(a.pauseOf(password)<<min(r.times, 10), window))
		r.times++
	}
	if gc.CodeOf(err) == gc.AccountLocked {
		r.until = now.Add(window)
		a.locked, a.until = err, r.until
	}
	a.refused = append(slices.DeleteFunc(a.refused, func(r refusal) bool { return r.password == password }), r)
	a.trim()
}

// pauseOf is how long a password is not put to Finesse after its first refusal.
func (a *account) pauseOf(password digest) time.Duration {
	if slices.Contains(a.worked, password) {
		return pauseOfKnown
	}
	return pauseOfUnknown
}

// trim lets the oldest refusals go, but none of a password that has worked: it
// would be trusted again.
func (a *account) trim() {
	for i := 0; i < len(a.refused) && len(a.refused) > maxRefused; {
		if slices.Contains(a.worked, a.refused[i].password) {
			i++
		} else {
			a.refused = slices.Delete(a.refused, i, i+1)
		}
	}
}

// spend notes how often a password was refused, or may have been.
func (a *account) spend(now time.Time, times int, refused bool) {
	for range min(times, budget) {
		a.spent = append(a.spent, expense{now, refused})
	}
}

// absorb adds what was noted under another name of the same user. Its lock is
// not taken over: a password has just worked.
func (a *account) absorb(other *account) {
	for _, d := range other.worked {
		if !slices.Contains(a.worked, d) && len(a.worked) < maxWorked {
			a.worked = append(a.worked, d)
		}
	}
	for _, r := range other.refused {
		if !a.trusts(r.password) && a.refusalOf(r.password) == nil {
			a.refused = append(a.refused, r)
		}
	}
	a.trim()
	a.spent = append(a.spent, other.spent...)
	a.underway += other.underway
	a.proving += other.proving
	a.warned = a.warned || other.warned
}
