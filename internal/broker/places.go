package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
)

// places notices messages that hold places of a subscription unseen. A sender can
// craft a message over which ActiveMQ's JVM throws an Error; it writes nothing and
// goes on (a compressed text that claims to have 2 GB; 5.17.2 measured). One of them
// stops a sieve, which has one place, and Prefetch of them an ordinary connection;
// after some hundred in a row ActiveMQ may also send nothing until somebody writes to
// the queue.
//
// They have a number, as all messages that await acknowledgement. Numbers that came
// with no message may be other clients'; so some of them are acknowledged in a
// transaction that is not committed: what the broker accepts is held here, what it
// refuses is not. No message that was not read is acknowledged for good, for the
// network may have lost it. The connection ends instead, which gives back all that it
// held, and caution opens a connection that swallows it.
//
// A nil *places belongs to a connection that swallows: nothing holds its places.
type places struct {
	options *Options
	conn    *conn
	doubts  int      // connections in a row that were given up for nothing
	counter *counter // nil where the broker does not number like this
	held    float64  // estimated number of places held, from what was tried

	mu      sync.Mutex
	numbers numbers
	taken   int // messages
}

const (
	// quiet is how long nothing must come before the broker is asked for its number;
	// twice as long each time while nothing comes, up to longQuiet.
	quiet     = 500 * time.Millisecond
	longQuiet = 4 * time.Second
	// written is how long the broker may take to write a message that has a number.
	written = 200 * time.Millisecond
	// An ordinary connection tries so many of the lowest numbers (what the last
	// connection gave back came first), of the lowest since the last message, and of the
	// others: when nothing comes, or when they are as many as a share of its places.
	// ActiveMQ logs each that it refuses, so there is a pause after a try that was
	// refused altogether; when nothing comes it is twice as long each time, up to
	// longPause.
	tryLowest = 4
	tryOthers = 4
	searchAll = 50 // of each, once while nothing comes and all places may be held
	share     = 4
	tryPause  = 5 * time.Second
	longPause = time.Minute
	// A sieve tries as many of the lowest: what stops it has the next number after the
	// last message's, if it was there then.
	sieveTries = 100
	// When nothing comes for so long while there are untried numbers, the connection is
	// given up: what it gives back has the first numbers of the next. The time is
	// standstill where there are as many as places, else doubt; twice as long after each
	// time that did not help, up to longStandstill and longDoubt. A sieve has one place.
	sieveDoubt     = 2 * time.Second
	standstill     = 10 * time.Second
	longStandstill = time.Minute
	doubt          = 5 * time.Minute
	longDoubt      = time.Hour
	maxUnasked     = 3 // failures in a row to ask for a number, after which the log says so
)

var (
	errHeld  = errors.New("a message holds a place, and the broker cannot write it")
	errMany  = errors.New("so many do that commands may stand still") // an errHeld
	errDoubt = errors.New("nothing comes; a message that the broker cannot write may hold a place")
)

// open asks for the broker's present number, for learnTimeout at most, if it numbers
// like this. Call it before the subscription.
func (p *places) open(ctx context.Context) {
	if p != nil && strings.HasPrefix(p.conn.server, "ActiveMQ/") {
		p.counter = &counter{options: p.options, endpoint: p.conn.endpoint}
		_ = p.ask(ctx) // else later
	}
}

func (p *places) close() {
	if p != nil && p.counter != nil {
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
	p.numbers.next(id)
	return nil
}

// last returns the id of the last message, or one from before it; "" while none is
// known.
func (p *places) last() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch n := &p.numbers; {
	case n.name == "":
		return ""
	case n.last > 0:
		return n.id(n.last)
	default:
		return n.id(n.top)
	}
}

// came notes a message by the id that acknowledges it.
func (p *places) came(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken++
	p.numbers.came(id)
	if p.conn.sieve != nil { // it was proved, and nothing before it holds a place
		p.numbers.clear()
	}
}

// watch checks the numbers until ctx or the connection ends; it ends the connection
// itself when places are held. It calls blind with the reason why it cannot check,
// maybe more than once.
func (p *places) watch(ctx context.Context, blind func(error)) {
	if p == nil || p.counter == nil {
		return
	}
	defer p.close()
	taken, again, unasked, searched := 0, tryPause, 0, false
	heard := time.Now()
	tried := heard.Add(-again)
	for pause := quiet; p.rest(ctx, pause); {
		silent := !p.moved(&taken)
		if silent {
			pause = min(2*pause, longQuiet)
			if !p.asks(ctx, &unasked, blind) {
				return
			}
		} else {
			pause, heard, searched = quiet, time.Now(), false
		}
		silence := time.Since(heard)
		search := silent && !searched && silence > sieveDoubt && p.left() >= p.portion(1)
		var err error
		if search || p.worth(silent, time.Since(tried), again) {
			if err = p.try(ctx, silent, search); silent {
				again = min(2*again, longPause)
			}
			tried, searched = time.Now(), searched || search
		}
		if err == nil && silent && p.doubtful(silence) {
			err = errDoubt
		}
		if err != nil {
			p.conn.leave(err)
			return
		}
	}
}

// doubtful reports whether to give the connection up after so long a silence.
func (p *places) doubtful(silence time.Duration) bool {
	left := p.left()
	switch {
	case p.conn.sieve != nil:
		return left > 0 && silence > sieveDoubt
	case left >= p.portion(1):
		return silence > min(standstill<<p.doubts, longStandstill)
	default: // more than are tried from one time to the next
		return left > tryLowest+tryOthers && silence > min(doubt<<p.doubts, longDoubt)
	}
}

// asks reports whether it is of any use to ask again on this connection.
func (p *places) asks(ctx context.Context, failed *int, blind func(error)) bool {
	err := p.ask(ctx)
	switch {
	case err == nil:
		*failed = 0
	case isRefusedLogin(err): // the next connection will report it
		return false
	case isRefusal(err):
		blind(err)
		return false
	default:
		if *failed++; *failed == maxUnasked {
			blind(err)
		}
	}
	return true
}

// rest waits, and returns false when ctx or the connection ends first.
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

// moved reports whether a message has come since the last call, or is coming.
func (p *places) moved(taken *int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := *taken
	*taken = p.taken
	return p.taken != before || p.conn.socket.within.Load()
}

func (p *places) left() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.numbers.left()
}

// worth reports whether to try numbers, so long after others were tried.
func (p *places) worth(silent bool, since, again time.Duration) bool {
	left := p.left()
	return left >= p.portion(share) && since >= tryPause ||
		silent && left > 0 && (since >= again || p.conn.sieve != nil)
}

// portion returns a part of the places, at least one.
func (p *places) portion(part int) uint64 { return uint64(max(1, p.options.prefetch/part)) }

// try returns an errHeld when places are held and the connection must end.
func (p *places) try(ctx context.Context, silent, search bool) error {
	ctx, cancel := context.WithTimeout(ctx, receiptTimeout)
	defer cancel()
	begin, transaction := p.conn.transaction()
	if !p.rest(ctx, written) || p.conn.request(ctx, begin) != nil {
		return nil
	}
	before := p.left()
	first, others := p.candidates(silent, search)
	found := p.offer(ctx, transaction, first)
	among := p.offer(ctx, transaction, others)
	p.held += float64(found) + float64(among)/float64(max(1, len(others)))*float64(before)
	if p.held >= float64(p.portion(2*share)) {
		return fmt.Errorf("%w, and %w", errHeld, errMany)
	}
	if silent && found+among > 0 {
		return errHeld
	}
	p.conn.post(frame.New(frame.ABORT, frame.Transaction, transaction))
	return nil
}

// candidates returns the numbers to try.
func (p *places) candidates(silent, search bool) (first, others []uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.numbers.untried
	if p.conn.sieve != nil {
		return lowest(all, sieveTries), nil
	}
	lows, some := tryLowest, tryOthers
	if search {
		lows, some = searchAll, searchAll
	}
	first, others = lowest(all, lows), random(all, some)
	if silent {
		first = once(append(first, lowest(p.numbers.after(), lows)...))
	}
	return first, slices.DeleteFunc(once(others), func(n uint64) bool { return slices.Contains(first, n) })
}

func once(some []uint64) []uint64 {
	slices.Sort(some)
	return slices.Compact(some)
}

// offer returns how many of the numbers the broker accepts in the transaction. It
// does not wait longer than ctx.
func (p *places) offer(ctx context.Context, transaction string, some []uint64) (taken int) {
	for _, number := range some {
		p.mu.Lock()
		id := p.numbers.id(number)
		p.numbers.remove(number)
		p.mu.Unlock()
		err := p.conn.request(ctx, frame.New(frame.ACK, frame.Id, id, frame.Transaction, transaction))
		if err == nil {
			taken++
		} else if !isRefusal(err) {
			break
		}
	}
	return taken
}
