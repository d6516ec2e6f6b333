package passwords

import (
	"cmp"
	"container/list"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

const (
	maxStrangers = 16_384 // agents of whom no password has worked: more than the crowd can make in two windows
	maxKnown     = 20_000 // the others: twice the agents that one connector is made for
)

// Options wires a Guard.
type Options struct {
	// Tried is told that so many wrong passwords of an agent were tried that no
	// more are put to Finesse; once until that is over. It must not block. nil
	// is told nothing.
	Tried func(gc.AgentID)
	// AtOnce is how many requests there are at a time for agents of whom no
	// password has worked; 0 stands for 64.
	AtOnce int
	// Registerer gets the metrics; nil keeps them private.
	Registerer prometheus.Registerer
}

// Guard decides which passwords are put to Finesse. It is safe for concurrent
// use.
type Guard struct {
	tried   func(gc.AgentID)
	key     []byte
	metrics metrics
	slots   chan struct{} // has an element for each request of the crowd

	mu        sync.Mutex
	accounts  map[string]*list.Element // by the agent's id in one spelling; each is in strangers or known
	strangers *list.List               // of *entry, the one that was asked about last comes last
	known     *list.List
	crowd     crowd
	waiting   int
}

type entry struct {
	id string
	account
}

type metrics struct{ refused, withheld prometheus.Counter }

// New makes a Guard that knows nobody.
func New(o Options) *Guard {
	g := &Guard{
		tried: o.Tried, key: make([]byte, sha256.Size), slots: make(chan struct{}, cmp.Or(o.AtOnce, atOnce)),
		accounts: map[string]*list.Element{}, strangers: list.New(), known: list.New(),
		metrics: metrics{
			refused:  prometheus.NewCounter(prometheus.CounterOpts{Name: "passwords_refused_total", Help: "Passwords of agents that Finesse refused."}),
			withheld: prometheus.NewCounter(prometheus.CounterOpts{Name: "passwords_withheld_total", Help: "Passwords of agents that were not put to Finesse, to protect the account or because too many came."}),
		},
	}
	_, _ = rand.Read(g.key) // it never fails
	if g.tried == nil {
		g.tried = func(gc.AgentID) {}
	}
	if o.Registerer != nil {
		o.Registerer.MustRegister(g.metrics.refused, g.metrics.withheld)
	}
	return g
}

// fold gives the spellings of an id that Finesse may take for the same one
// form: a login id compares without case, and XMPP prepares its own.
func fold(agent gc.AgentID) string {
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(string(agent))))
}

func (g *Guard) digest(id string, password gc.Secret) (d digest) {
	h := hmac.New(sha256.New, g.key)
	h.Write([]byte(id)) // has no NUL: it is printable
	h.Write([]byte{0})
	h.Write([]byte(password.Reveal()))
	h.Sum(d[:0])
	return d
}

// attempt is a password on its way to Finesse.
type attempt struct {
	*entry
	password digest
	trusted  bool // it is the one that works
	crowd    bool // none of the agent's has worked
}

// use has ask put a password to Finesse, if that may be, and notes what comes of
// it. It may wait for others of the same agent, and for the crowd if the agent
// is one of it, until ctx is done but no longer than patience.
func (g *Guard) use(ctx context.Context, c finesse.Credentials, ask func(context.Context, finesse.Credentials) error) error {
	a, line, err := g.begin(c)
	if err == nil {
		err = g.wait(ctx, a, line)
	}
	if err != nil {
		g.metrics.withheld.Inc()
		return err
	}
	defer func() { <-line }()
	if a.trusted && !g.stillTrusted(a) { // refused meanwhile
		return g.use(ctx, c, ask)
	}
	var sent atomic.Bool
	c.Unproved = !a.trusted
	if c.Unproved {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	}
	err = ask(ctx, c)
	g.end(a, err, sent.Load())
	return err
}

// begin asks whether a password may be put to Finesse. Until end it counts as
// refused. line is where it has to wait for its turn.
func (g *Guard) begin(c finesse.Credentials) (a attempt, line chan struct{}, err error) {
	id, now := fold(c.Agent), time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	element := g.accounts[id]
	if element == nil {
		if element = g.add(id, now); element == nil {
			return a, nil, errCrowd
		}
	}
	e := element.Value.(*entry)
	a = attempt{entry: e, password: g.digest(id, c.Password), crowd: len(e.worked) == 0}
	a.trusted = e.trusts(a.password)
	g.listOf(e).MoveToBack(element)
	if err = e.ask(now, a.password); err != nil {
		if errors.Is(err, errBudget) && !e.warned {
			e.warned = true
			g.tried(c.Agent)
		}
		return a, nil, err
	}
	switch {
	case a.trusted:
		return a, e.line, nil
	case !a.crowd:
		line = make(chan struct{}, 1) // its own: it waits for nobody
	case !g.crowd.take(now):
		g.tidy(e, now)
		return a, nil, errCrowd
	default:
		line = g.slots
	}
	e.underway++
	return a, line, nil
}

var errCrowd = gc.Errorf(gc.PleaseRetry, "prove password", "too many agents of whom no password has worked are being tried")

// wait is for a turn.
func (g *Guard) wait(ctx context.Context, a attempt, line chan struct{}) error {
	select {
	case line <- struct{}{}:
		return nil
	default:
	}
	if !g.queue(1) {
		g.giveUp(a)
		return errCrowd
	}
	defer g.queue(-1)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case line <- struct{}{}:
		return nil
	case <-ctx.Done():
		g.giveUp(a)
		return &gc.Error{Code: gc.Down, Op: "prove password", Err: ctx.Err()}
	case <-timer.C:
		g.giveUp(a)
		return errCrowd
	}
}

func (g *Guard) queue(n int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting+n > waiting {
		return false
	}
	g.waiting += n
	return true
}

// giveUp ends an attempt that was not put to Finesse.
func (g *Guard) giveUp(a attempt) {
	if !a.trusted {
		g.end(a, errCrowd, false)
	}
}

func (g *Guard) stillTrusted(a attempt) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return a.trusts(a.password)
}

// end notes what Finesse answered. sent is whether the password may have
// reached it.
func (g *Guard) end(a attempt, err error, sent bool) {
	now := time.Now()
	refused := errors.Is(err, finesse.ErrPasswordRefused) || gc.CodeOf(err) == gc.AccountLocked
	if refused {
		g.metrics.refused.Inc()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !a.trusted {
		a.underway--
	}
	switch {
	case err == nil:
		g.prove(a.entry, a.password)
	case refused:
		a.refuse(now, a.password, err)
	case !a.trusted && sent && unanswered(err):
		a.spend(now)
	}
	if a.crowd && !refused && gc.CodeOf(err) != gc.UserNotFound {
		g.crowd.give()
	}
	g.tidy(a.entry, now)
}

// tidy forgets a stranger of whom there is nothing to remember.
func (g *Guard) tidy(e *entry, now time.Time) {
	if len(e.worked) == 0 && e.quiet(now) {
		g.remove(g.strangers, g.accounts[e.id])
	}
}

// unanswered reports whether it is not known what Finesse said.
func unanswered(err error) bool {
	code := gc.CodeOf(err)
	return code == gc.NotReachable || code == gc.Down
}

func (g *Guard) listOf(e *entry) *list.List {
	if len(e.worked) > 0 {
		return g.known
	}
	return g.strangers
}

// add makes room for an agent nobody has asked about; nil when there is none.
func (g *Guard) add(id string, now time.Time) *list.Element {
	for oldest := g.strangers.Front(); oldest != nil && oldest.Value.(*entry).quiet(now); oldest = g.strangers.Front() {
		g.remove(g.strangers, oldest)
	}
	if g.strangers.Len() >= maxStrangers {
		return nil
	}
	element := g.strangers.PushBack(&entry{id: id})
	g.accounts[id] = element
	return element
}

// prove notes a password that works, and whose agent is no stranger from then
// on. It makes room among those by forgetting the one that was asked about
// longest ago: it proves its password anew when it comes again.
func (g *Guard) prove(e *entry, password digest) {
	if len(e.worked) > 0 {
		e.proved(password)
		return
	}
	e.proved(password)
	g.strangers.Remove(g.accounts[e.id]) // an entry is not forgotten while an attempt is under way
	g.accounts[e.id] = g.known.PushBack(e)
	for oldest := g.known.Front(); g.known.Len() > maxKnown && oldest.Value.(*entry).quiet(time.Now()); oldest = g.known.Front() {
		g.remove(g.known, oldest)
	}
}

func (g *Guard) remove(from *list.List, element *list.Element) {
	delete(g.accounts, from.Remove(element).(*entry).id)
}
