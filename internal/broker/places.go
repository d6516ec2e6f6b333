package broker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
)

// places notices messages that hold places of a subscription unseen. Over some that
// their sender made, ActiveMQ's JVM throws an Error; it writes nothing and goes on (a
// compressed text that claims to have 2 GB; 5.17.2 measured). One of them stops a
// sieve, which has one place, and Prefetch of them an ordinary connection; after some
// hundred in a row it may also send nothing until somebody writes to the queue.
//
// They have a number, as all have that are to be acknowledged. Numbers that came with
// no message may be other clients'; so some of them are acknowledged in a transaction
// that is not committed: what the broker takes is held here, what it refuses is not.
// Nothing that was not read is acknowledged for good, for the network may have lost
// it. The connection ends instead, which gives back all that it held, and caution has
// one that swallows take it.
//
// A nil *places looks for nothing.
type places struct {
	options *Options
	conn    *conn // set before the subscription
	counter *counter
	held    float64 // places, as far as is known

	mu     sync.Mutex
	name   string   // of the numbers, "" while none is known
	top    uint64   // the highest that is known
	base   uint64   // of the last message of a sieve
	unseen uint64   // numbers that came with no message, since some were tried
	some   []uint64 // a sample of them
	taken  int      // messages
}

const (
	// quiet is how long nothing must come before the numbers are asked for; twice as
	// long each time while nothing comes, up to longQuiet.
	quiet     = 500 * time.Millisecond
	longQuiet = 4 * time.Second
	// written is how long the broker may take to write a message that has a number.
	written = 200 * time.Millisecond
	// An ordinary connection tries so many of the numbers that came with no message,
	// when nothing comes, or when they are a share of its places. ActiveMQ logs each that
	// it refuses, so there is a pause after those that were all refused; when nothing
	// comes it is twice as long each time, up to longPause.
	tries     = 8
	share     = 4
	tryPause  = 5 * time.Second
	longPause = time.Minute
	// sieveTries are as many numbers after the last message's; its own is the next.
	sieveTries = 100
)

var (
	errHeld = errors.New("a message holds a place, and the broker writes nothing of it")
	errMany = errors.New("so many do that commands may stand still") // an errHeld
)

// openPlaces asks where the numbers are, for learnTimeout at most.
func openPlaces(ctx context.Context, o *Options, ep endpoint) *places {
	p := &places{options: o, counter: &counter{options: o, endpoint: ep}}
	_ = p.ask(ctx) // else later
	return p
}

// last is the id of the highest number, "" while none is known.
func (p *places) last() string {
	if p.name == "" {
		return ""
	}
	return p.name + strconv.FormatUint(p.top, 10)
}

func (p *places) close() {
	if p != nil {
		p.counter.close()
	}
}

// ask finds out the broker's present number.
func (p *places) ask(ctx context.Context) error {
	id, err := p.counter.next(ctx)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if name, number := splitID(id); name != p.name || number > p.top {
		p.pass(id)
	}
	return nil
}

// came notes a message by the id that acknowledges it.
func (p *places) came(id string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken++
	p.pass(id)
	if p.conn.sieve != nil { // nothing before it holds a place
		p.base, p.unseen = p.top, 0
	}
}

// pass notes a number that is accounted for. Called with mu held.
func (p *places) pass(id string) {
	name, number := splitID(id)
	switch {
	case name != p.name:
		p.name, p.top, p.base, p.unseen = name, number, number, 0
	case number > p.top:
		p.skip(number - p.top - 1)
		p.top = number
	case p.unseen > 0: // it was on its way when a higher one was asked for
		p.unseen--
		p.some = slices.DeleteFunc(p.some, func(n uint64) bool { return n == number })
	}
}

// skip notes n numbers after the top, and keeps each of the unseen with the same
// likelihood. Called with mu held.
func (p *places) skip(n uint64) {
	if n == 0 {
		return
	}
	if p.unseen == 0 {
		p.some = nil
	}
	p.unseen += n
	for i := range tries {
		one := p.top + 1 + rand.Uint64N(n)
		if i >= len(p.some) {
			p.some = append(p.some, one)
		} else if rand.Uint64N(p.unseen) < n {
			p.some[i] = one
		}
	}
}

// watch looks at the numbers until ctx or the connection ends, which it ends itself
// when places are held. It returns an error when the broker does not let it look.
func (p *places) watch(ctx context.Context) error {
	if p == nil {
		return nil
	}
	defer p.close()
	taken, again := 0, tryPause
	tried := time.Now().Add(-again)
	for pause := quiet; p.rest(ctx, pause); {
		silent := !p.moved(&taken)
		if pause = min(2*pause, longQuiet); !silent {
			pause = quiet
		} else if err := p.ask(ctx); isRefusal(err) {
			return err
		}
		if !p.worth(silent, time.Since(tried), again) {
			continue
		}
		if err := p.try(ctx, silent); err != nil {
			p.conn.means.take(&Delivery{Broken: err})
			p.conn.leave(err)
			return nil
		}
		if tried = time.Now(); silent {
			again = min(2*again, longPause)
		}
	}
	return nil
}

// rest is false when ctx or the connection ends first.
func (p *places) rest(ctx context.Context, pause time.Duration) bool {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-p.conn.done:
	}
	return false
}

// moved reports whether a message has come since it was asked, or is coming.
func (p *places) moved(taken *int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := *taken
	*taken = p.taken
	return p.taken != before || p.conn.socket.within.Load()
}

// worth reports whether numbers are to be tried, so long after others were.
func (p *places) worth(silent bool, since, again time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unseen >= p.portion(share) && since >= tryPause ||
		silent && p.unseen > 0 && (since >= again || p.conn.sieve != nil)
}

// portion is a part of the places, at least one.
func (p *places) portion(part int) uint64 { return uint64(max(1, p.options.prefetch/part)) }

// try returns an errHeld when places are held and the connection is to end.
func (p *places) try(ctx context.Context, silent bool) error {
	transaction := p.conn.newID()
	// Until the receipt all has come that the broker wrote before.
	if !p.rest(ctx, written) || p.request(ctx, frame.New(frame.BEGIN, frame.Transaction, transaction)) != nil {
		return nil
	}
	ids, unseen := p.candidates()
	n := p.offer(ctx, transaction, ids)
	switch p.held += float64(n) / float64(max(1, len(ids))) * float64(unseen); {
	case p.held >= float64(p.portion(2*share)) && p.conn.sieve == nil:
		return fmt.Errorf("%w, and %w", errHeld, errMany)
	case n > 0 && silent:
		return errHeld
	}
	p.conn.post(frame.New(frame.ABORT, frame.Transaction, transaction))
	return nil
}

// candidates are the ids to try, of so many unseen, of which none is left then.
func (p *places) candidates() (ids []string, unseen uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	numbers := p.some
	if p.conn.sieve != nil && p.unseen > 0 {
		numbers = nil
		for n := p.base + 1; n <= min(p.top, p.base+sieveTries); n++ {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	for _, n := range slices.Compact(numbers) {
		ids = append(ids, p.name+strconv.FormatUint(n, 10))
	}
	unseen, p.unseen, p.some, p.base = p.unseen, 0, nil, p.top
	return ids, unseen
}

// offer reports how many of the ids the broker takes in the transaction.
func (p *places) offer(ctx context.Context, transaction string, ids []string) (taken int) {
	for _, id := range ids {
		if p.request(ctx, frame.New(frame.ACK, frame.Id, id, frame.Transaction, transaction)) == nil {
			taken++
		}
	}
	return taken
}

func (p *places) request(ctx context.Context, f *frame.Frame) error {
	ctx, cancel := context.WithTimeout(ctx, receiptTimeout)
	defer cancel()
	return p.conn.request(ctx, f)
}
