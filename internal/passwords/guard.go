package passwords

import (
	"cmp"
	"container/list"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/rate"
)

const (
	maxStrangers = 16_384 // agents of whom no password has worked: more than the crowd can make in two windows
	maxKnown     = 20_000 // the others: twice the agents that one connector is made for
	// AtOnce is how many requests there usually are at a time for agents of whom no
	// password has worked; waiting is how many more may wait for that, as many as
	// a connector is made for, and patience how long.
	AtOnce   = 64
	waiting  = 10_000
	patience = 30 * time.Second
	// crowdBurst is half of the agents that a Finesse pair has: so many people
	// may mistype their password at the start of a shift.
	crowdBurst = 1000
	crowdRate  = 20 // a second
)

// Options wires a Guard.
type Options struct {
	// Tried is told that so many wrong passwords of an agent were tried that no
	// more are put to Finesse; once until that is over. It must not block, and
	// may be called from several goroutines at once. nil is told nothing.
	Tried func(gc.AgentID)
	// AtOnce is how many requests there are at a time for agents of whom no
	// password has worked; 0 stands for the usual.
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
	accounts  map[string]*list.Element // by every name of the agent, in one spelling; each is in strangers or known
	strangers *list.List               // of *entry, the one that was asked about last comes last
	known     *list.List
	crowd     rate.Limit // of the wrong passwords of agents of whom none has worked, and what costs as much
	waiting   int
	untold    []gc.AgentID // for tried
}

// unlock unlocks mu, and tells what is to be told: whoever hears of it may ask
// the guard.
func (g *Guard) unlock() {
	untold := g.untold
	g.untold = nil
	g.mu.Unlock()
	for _, agent := range untold {
		g.tried(agent)
	}
}

// entry is an account under its names: of a stranger the one that was asked
// about, and of others also those that Finesse has for the agent.
type entry struct {
	names []string
	into  *entry // the one that it has become part of
	account
}

type metrics struct{ refused, withheld prometheus.Counter }

// New makes a Guard that knows nobody.
func New(o Options) *Guard {
	g := &Guard{
		tried: o.Tried, key: make([]byte, sha256.Size), slots: make(chan struct{}, cmp.Or(o.AtOnce, AtOnce)),
		accounts: map[string]*list.Element{}, strangers: list.New(), known: list.New(), crowd: rate.Limit{Most: crowdBurst, Rate: crowdRate},
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
// form: a login id compares without case, XMPP prepares its own, and one that is
// a number may be read as one.
func fold(agent gc.AgentID) string {
	id := strings.ToLower(string(agent))
	if strings.ContainsFunc(id, func(r rune) bool { return r > unicode.MaxASCII }) {
		id = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(string(agent))))
	}
	if number := strings.TrimPrefix(id, "+"); number != "" && strings.Trim(number, "0123456789") == "" {
		return strings.TrimLeft(number, "0")
	}
	return id
}

// digest is what a password is compared by. It never leaves the process, whose key of
// one length stands before it.
func (g *Guard) digest(password gc.Secret) digest {
	text := make([]byte, 0, 128) // on the stack, for a password of usual length
	return digest{sha256.Sum256(append(append(text, g.key...), password.Reveal()...)), password.IsToken()}
}

// meant is digest for a password of which it is not known yet whether it is a token: a
// Login cannot say so.
func (g *Guard) meant(e *entry, password gc.Secret) digest {
	d := g.digest(password)
	for _, worked := range e.worked {
		if worked.sum == d.sum {
			return worked
		}
	}
	// The Connect of a token that nobody knows yet may be on its way before the Login.
	if _, err := gc.NewToken(password.Reveal()); err == nil && len(e.worked) > 0 && e.worked[0].token {
		d.token = true
	}
	return d
}

// attempt is a password on its way to Finesse.
type attempt struct {
	*entry
	password digest
	line     chan struct{}
	proves   proof
	began    time.Time
	trusted  bool // it is the one that works
	locks    bool // a refusal may count towards locking the account
	crowd    bool // none of the agent's has worked
}

// use has ask put a password to Finesse, if that may be, and notes what comes of
// it. An access token it does not prove.
func (g *Guard) use(ctx context.Context, c finesse.Credentials, ask func(context.Context, finesse.Credentials) error) error {
	return g.put(ctx, c, ofPasswords, ask)
}

// put is use for a question of which the answer proves what it says. It may wait for
// others of the same agent, and for the crowd if the agent is one of it, until ctx is
// done but no longer than patience.
func (g *Guard) put(ctx context.Context, c finesse.Credentials, proves proof, ask func(context.Context, finesse.Credentials) error) error {
	id := fold(c.Agent)
	password := g.digest(c.Password)
	a, err := g.turn(ctx, c.Agent, id, password, proves)
	if err != nil {
		return g.counted(err)
	}
	defer leave(a.line)
	var sent atomic.Int32 // more than once where a connection broke that was used before
	c.Unproved = !a.trusted
	if c.Unproved {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Add(1) }})
	}
	err = ask(ctx, c)
	g.end(a, err, int(sent.Load()))
	return err
}

// proof says of what an answer without an error is the proof.
type proof int

const (
	// ofPasswords: Finesse was told whose the password is. An access token is its own
	// name: a supervisor's reads the members of a team, too.
	ofPasswords proof = iota
	ofTokens          // the notification service was, with a token as well
)

// Withheld is why a password would not be put to Finesse now, whatever becomes of
// those that are on their way; nil when it may. It never blocks.
func (g *Guard) Withheld(agent gc.AgentID, password gc.Secret) error {
	_, err := g.withheld(agent, password)
	return g.counted(err)
}

// Worked reports whether a password has worked for an agent in this process,
// though it may be refused now. It never blocks.
func (g *Guard) Worked(agent gc.AgentID, password gc.Secret) bool {
	id := fold(agent)
	g.mu.Lock()
	defer g.unlock()
	e := g.find(id)
	return slices.Contains(e.worked, g.meant(e, password))
}

// KeptOut is Withheld for an agent of whom another password works; nil for any
// other.
func (g *Guard) KeptOut(agent gc.AgentID, password gc.Secret) error {
	others, err := g.withheld(agent, password)
	if !others {
		return nil
	}
	return g.counted(err)
}

func (g *Guard) withheld(agent gc.AgentID, password gc.Secret) (others bool, err error) {
	id, now := fold(agent), time.Now()
	g.mu.Lock()
	defer g.unlock()
	e := g.find(id)
	digest := g.meant(e, password)
	err = g.ask(e, agent, digest, now, ofPasswords, 0)
	if err == nil && len(e.worked) == 0 && !g.crowd.Has(now) || err == nil && g.accounts[id] == nil && g.isFull(now) {
		err = errCrowd
	}
	return e.working() && !e.trusts(digest), err
}

// counted counts a password that was not put to Finesse.
func (g *Guard) counted(err error) error {
	if err != nil {
		g.metrics.withheld.Inc()
	}
	return err
}

// find is what is remembered of an agent, maybe nothing.
func (g *Guard) find(id string) *entry {
	if element := g.accounts[id]; element != nil {
		return element.Value.(*entry)
	}
	return newEntry(id)
}

func newEntry(id string) *entry {
	return &entry{names: []string{id}, account: account{tokens: rate.Limit{Most: tokens, Rate: tokenRate}}}
}

func (g *Guard) ask(e *entry, agent gc.AgentID, password digest, now time.Time, proves proof, underway int) error {
	err := e.ask(now, password, proves, underway)
	if errors.Is(err, errBudget) && !e.warned {
		e.warned = true
		g.untold = append(g.untold, agent)
	}
	return err
}

// turn waits for a password's turn, and begins. What is true of the password may
// change while it waits, and then it waits where it has to now.
func (g *Guard) turn(ctx context.Context, agent gc.AgentID, id string, password digest, proves proof) (attempt, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errCrowd)
	defer cancel()
	for {
		line, err := g.lineFor(agent, id, password, proves)
		if err == nil {
			err = g.wait(ctx, line)
		}
		if err != nil {
			return attempt{}, err
		}
		a, err := g.begin(agent, id, password, proves, line)
		if err == nil {
			return a, nil
		}
		leave(line)
		if !errors.Is(err, errElsewhere) {
			return attempt{}, err
		}
	}
}

// lineOf is where a password has to wait for its turn: that which works for
// others of the agent, one of a stranger for the crowd, any other nowhere: nil.
func (g *Guard) lineOf(e *entry, password digest) chan struct{} {
	switch {
	case e.trusts(password):
		return e.line
	case len(e.worked) > 0:
		return nil
	default:
		return g.slots
	}
}

// lineFor is that line, unless a stranger's password would not be tried anyway.
func (g *Guard) lineFor(agent gc.AgentID, id string, password digest, proves proof) (line chan struct{}, err error) {
	g.mu.Lock()
	defer g.unlock()
	e := g.find(id)
	line = g.lineOf(e, password)
	if len(e.worked) == 0 {
		err = g.ask(e, agent, password, time.Now(), proves, e.underway)
	}
	return line, err
}

// leave lets the next in line have its turn.
func leave(line chan struct{}) {
	if line != nil {
		<-line
	}
}

var errElsewhere = errors.New("passwords: the password has to wait in another line now")

// begin notes that a password whose turn came in line is about to be put to
// Finesse, if it may be now. Until end it counts as refused.
func (g *Guard) begin(agent gc.AgentID, id string, password digest, proves proof, line chan struct{}) (a attempt, err error) {
	now := time.Now()
	g.mu.Lock()
	defer g.unlock()
	if g.lineOf(g.find(id), password) != line {
		return a, errElsewhere
	}
	element := g.accounts[id]
	if element == nil {
		if element = g.add(id, now); element == nil {
			return a, errCrowd
		}
	}
	e := element.Value.(*entry)
	a = attempt{entry: e, password: password, line: line, proves: proves, began: now, trusted: e.trusts(password), crowd: len(e.worked) == 0}
	a.locks = !a.trusted && e.locks(password, proves)
	g.listOf(e).MoveToBack(element)
	err = g.ask(e, agent, password, now, proves, e.underway)
	if err == nil && a.crowd && !g.crowd.Take(now) {
		err = errCrowd
	}
	if err != nil {
		g.tidy(e, now)
		return a, err
	}
	if password.token && !a.trusted {
		e.tokens.Take(now)
	}
	switch {
	case a.locks:
		e.underway++
	case !a.trusted:
		e.proving++
	}
	return a, nil
}

var errCrowd = gc.Retry(gc.TooManyUnproved, "prove password", "too many agents of whom no password has worked are being tried")

// wait is for a turn, as long as ctx allows.
func (g *Guard) wait(ctx context.Context, line chan struct{}) error {
	if line == nil {
		return nil
	}
	select {
	case line <- struct{}{}:
		return nil
	default:
	}
	if !g.queue(1) {
		return errCrowd
	}
	defer g.queue(-1)
	select {
	case line <- struct{}{}:
		return nil
	case <-ctx.Done():
	}
	if cause := context.Cause(ctx); errors.Is(cause, errCrowd) {
		return cause
	}
	return &gc.Error{Code: gc.Down, Op: "prove password", Err: ctx.Err()}
}

func (g *Guard) queue(n int) bool {
	g.mu.Lock()
	defer g.unlock()
	if g.waiting+n > waiting {
		return false
	}
	g.waiting += n
	return true
}

// end notes what Finesse answered. sent is how often the password may have
// reached it.
func (g *Guard) end(a attempt, err error, sent int) {
	now := time.Now()
	refused := errors.Is(err, finesse.ErrPasswordRefused) ||
		!a.trusted && gc.CodeOf(err) == gc.AccountLocked // others' wrong passwords lock it for an agent who works, too
	if refused {
		g.metrics.refused.Inc()
	}
	g.mu.Lock()
	defer g.unlock()
	for a.into != nil {
		a.entry = a.into
	}
	switch {
	case a.locks:
		a.underway--
	case !a.trusted:
		a.proving--
	}
	switch {
	case err == nil && (a.proves == ofTokens || !a.password.token || slices.Contains(a.worked, a.password)):
		g.prove(a.entry, a.password)
	case err == nil:
	case refused:
		a.refuse(now, a.password, err)
		if a.locks || !a.password.token {
			a.spend(now, max(sent, 1), true)
		}
	case a.locks && unanswered(err):
		a.spend(now, sent, false)
	}
	free := err == nil || !refused && !slices.Contains(costly, gc.CodeOf(err))
	if a.crowd && free {
		g.crowd.Return()
	}
	switch {
	case !a.password.token || a.trusted:
	case free:
		a.tokens.Return()
	default:
		a.tokens.Charge(max(0, now.Sub(a.began).Seconds()-1))
	}
	g.tidy(a.entry, now)
}

// costly are the answers that a stranger can have made, besides a refusal, by
// naming an agent there is not, or of whom Finesse does not answer, or not well.
var costly = []gc.Code{gc.UserNotFound, gc.NotReachable, gc.GeneralError}

// tidy forgets a stranger of whom there is nothing to remember.
func (g *Guard) tidy(e *entry, now time.Time) {
	if len(e.worked) == 0 && e.quiet(now) {
		g.remove(g.strangers, g.accounts[e.names[0]])
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
	if g.isFull(now) {
		return nil
	}
	element := g.strangers.PushBack(newEntry(id))
	g.accounts[id] = element
	return element
}

func (g *Guard) isFull(now time.Time) bool {
	for oldest := g.strangers.Front(); oldest != nil && oldest.Value.(*entry).quiet(now); oldest = g.strangers.Front() {
		g.remove(g.strangers, oldest)
	}
	return g.strangers.Len() >= maxStrangers
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
	g.strangers.Remove(g.accounts[e.names[0]]) // an entry is not forgotten while an attempt is under way
	g.accounts[e.names[0]] = g.known.PushBack(e)
	for oldest := g.known.Front(); g.known.Len() > maxKnown && oldest.Value.(*entry).quiet(time.Now()); oldest = g.known.Front() {
		g.remove(g.known, oldest)
	}
}

func (g *Guard) remove(from *list.List, element *list.Element) {
	for _, name := range from.Remove(element).(*entry).names {
		delete(g.accounts, name)
	}
}
