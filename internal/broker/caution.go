package broker

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-stomp/stomp/v3/frame"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
)

// caution chooses the next command connection by how the last ones ended: an
// ordinary one, one with a sieve after something that was no frame, or one that
// swallows after several that were cut or stuck, or when messages hold places.
//
// A message on a connection that swallows cannot come again. So it follows only
// one that met nothing but frames, and if it meets something else it goes on after
// that.
type caution struct {
	first time.Duration // firstCalm

	mu        sync.Mutex
	sieves    bool            // the next one has a sieve
	swallows  bool            // the next one swallows
	found     time.Time       // see sieve
	suspects  map[uint64]bool // see sieve; ActiveMQ does not keep the order of what comes again
	kind      error           // why the last ones ended, where the number in a row matters
	inRow     int             // that they did
	calm      time.Duration   // of the next sieve
	limit     int             // of the next sieve; 0 for the usual one
	left      time.Time       // when the last one was not needed any more
	cuts      int             // connections in a row that ended without a reason while the others stayed; see cut
	others    int             // connections to the broker that are up, without that to the command queue
	swallowed time.Time       // the last message
	empty     int             // connections in a row that swallowed and brought no message
	until     time.Time       // connections swallow, one after the other
	useless   int             // sieves since the last useful one that met a fault and could not put it aside
	doubts    int             // connections in a row that were given up for nothing
	freed     time.Time       // when a connection last swallowed because of held places
}

const (
	// Messages are taken one at a time until none was put aside for firstCalm;
	// twice as long when another comes within that time, and so on up to
	// lastCalm: a sender of one now and then does not cut the connection each
	// time.
	firstCalm = 5 * time.Second
	lastCalm  = 5 * time.Minute
	// maxSuspects bounds the sums of messages that came broken once, and how many
	// sieves follow each other without a pause because of one.
	maxSuspects = 1000
	// maxStuck is how many sieves in a row may fail to find the id of a message
	// before it is swallowed.
	maxStuck = 3
	// maxCuts is how many connections in a row are cut, while the broker keeps
	// the others, before a message is suspected of it. After one was found, a
	// single cut is enough during cutsMatter.
	maxCuts    = 5
	cutsMatter = 5 * time.Minute
	atOnce     = time.Second
	others     = 2 // connections: to topics and to everything else
	// After so many it is more likely that the broker closes every connection.
	maxEmpty = 1000
	// A connection swallows at most so many messages, and for so long.
	maxSwallowed = 100
	swallowTime  = time.Second
	freeTime     = 5 * time.Second // when many places were held: it clears some thousand a second
)

// errSwallowed is for a message that ActiveMQ cannot write at all (a compressed
// text that is not compressed). It closes the connection each time such a
// message is next (5.17 measured).
var errSwallowed = errors.New("it ended a connection that acknowledges by itself")

// means are what a command connection has against messages that break it; other
// connections have none.
type means struct {
	sieve *sieve
	// swallow is closed when enough was swallowed; nil for a connection that
	// does not. Its subscription acknowledges by itself, which ActiveMQ does
	// before it tries to write; so a message it cannot write ends the
	// connection once more and is gone. The commands that come before it run as
	// ever, but are lost if the process dies.
	swallow chan struct{}
	over    func()        // the connection is over; may be called more than once
	lasts   time.Duration // of one that swallows
	frees   bool          // it swallows because places were held
	doubts  int           // see places
	take    func(*Delivery)
	taken   int
	garbled bool // the last bytes read were no frame
	fault   bool // something read was no frame
}

// next returns the means for the next attempt to connect.
func (k *caution) next(b *Broker, take func(*Delivery)) *means {
	k.mu.Lock()
	defer k.mu.Unlock()
	left, stopping := time.Until(k.until), b.intake.Err() != nil
	m := &means{take: take, over: func() {}, doubts: k.doubts}
	if stopping && k.swallows { // what it swallows would be lost with the process
		k.swallows = false
		k.broken()
	}
	switch {
	case k.sieves:
		m.sieve = &sieve{
			take: take, options: &b.options, calm: k.calm, limit: cmp.Or(k.limit, b.options.prefetch), hurry: stopping,
			suspects: maps.Clone(k.suspects), spent: make(chan struct{}), found: k.found,
		}
	case k.swallows:
		m.swallow, m.lasts, m.frees = make(chan struct{}), swallowTime, left > 0
		if m.frees {
			m.lasts = left
		}
	}
	return m
}

// subscription returns what takes the messages, and what the subscription asks
// the broker for.
func (m *means) subscription(o *Options, c *conn) (handler, []string) {
	switch {
	case m.sieve != nil:
		return m.sieve.message, o.consumer("client-individual", 1)
	case m.swallow != nil:
		return func(f incoming) error { return m.swallowOne(o, f) }, o.consumer("auto", 1)
	default:
		return c.commands(o, m.take), o.consumer("client-individual", o.prefetch)
	}
}

// finish is called before the DISCONNECT that asks for a receipt, and returns how long
// to wait for it: what is on its way to a connection that swallows does not come again.
func (m *means) finish(receipt string) time.Duration {
	if m.swallow != nil {
		return swallowTimeout
	}
	return leaveTimeout + m.sieve.finish(receipt)
}

// broken deals with what was no frame for the reason given, and returns an error
// when the connection cannot go on.
func (m *means) broken(c *conn, why error) error {
	switch {
	case m.sieve != nil:
		return m.sieve.broken(why)
	case m.swallow == nil || !framing.IsFault(why) || errors.Is(why, errSlow):
		return why
	}
	if !m.garbled { // its pieces are one message
		m.take(&Delivery{Broken: fmt.Errorf("%w: %w", errSwallowed, why)})
	}
	m.garbled, m.fault = true, true
	c.socket.begin(c.patience)
	defer c.socket.end()
	return c.reader.Resume()
}

func (m *means) swallowOne(o *Options, f incoming) error {
	m.garbled = false
	d := newDelivery(o, f)
	d.Process = 0 // with this subscription the header is the sender's
	d.settle = func(gone func()) { gone() }
	if m.taken++; m.taken == maxSwallowed {
		close(m.swallow)
	}
	m.take(d)
	return nil
}

// ended notes why a connection ended that had come about, and reports whether
// the next one is worth an attempt at once. Before that, and after a failed
// attempt, the next one has the same means.
func (k *caution) ended(c *conn, lived time.Duration) (useful bool) {
	useful = k.note(c, lived)
	switch why := c.reason(); {
	case c.means.swallow == nil:
	case !errors.Is(why, errSpent):
		c.means.take(&Delivery{Broken: fmt.Errorf("%w: %w", errSwallowed, why)})
	case c.means.frees:
		c.means.take(&Delivery{Broken: errHeld})
	}
	return useful
}

func (k *caution) note(c *conn, lived time.Duration) (useful bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	m, why, limit := c.means, c.reason(), k.limit
	k.sieves, k.swallows, k.limit = false, false, 0
	k.count(why, m)
	switch {
	case k.kind == errHeld:
		k.held(why, m)
		return true
	case errors.Is(why, errDoubt):
		k.doubts = min(k.doubts+1, 10)
		return true
	case errors.Is(why, errCalm):
		k.left, k.suspects, k.useless = time.Now(), nil, 0
		return true
	case errors.Is(why, errSpent):
		if limit == 0 {
			k.cuts = 0
		}
		k.until, k.useless = time.Time{}, 0
		if k.sieves = m.sieve != nil; k.sieves {
			k.found = m.sieve.foundLast()
		}
		return true
	case errors.Is(why, errSuspect):
		k.sieves, k.suspects, k.found = true, m.sieve.suspects, time.Now()
		return k.inRow < maxSuspects
	case errors.Is(why, errStuck):
		k.swallows = k.inRow >= maxStuck
		k.sieves, k.found = !k.swallows, time.Now()
		return true
	case m.swallow != nil:
		if k.empty++; m.taken > 0 {
			k.empty = 0
		}
		k.swallowed, k.cuts = time.Now(), 0
		if k.swallows = m.frees && time.Now().Before(k.until); !k.swallows && (m.fault || framing.IsFault(why)) {
			k.broken()
		}
		return k.empty < maxEmpty
	case m.sieve != nil && framing.IsFault(why): // a sieve that did not help is not tried twice in a row
		if k.useless++; k.useless < maxStuck {
			return false
		}
		k.useless, k.swallows = 0, true
		return true
	case framing.IsFault(why):
		k.broken()
		return true
	case m.sieve != nil:
		k.sieves, k.suspects, k.found = true, m.sieve.suspects, m.sieve.foundLast()
		if m.sieve.aside > 0 && m.sieve.taken < m.sieve.limit { // once more, up to here
			if k.limit = m.sieve.taken; limit == 0 {
				return true
			}
			// The one that was to end before the cut is cut too: that may go on for
			// ever.
			k.cut(lived, c.settles.Load())
			k.sieves = k.sieves && !k.swallows
			return k.swallows
		}
	}
	useful = k.cut(lived, c.settles.Load())
	k.sieves = k.sieves && !k.swallows
	return useful
}

// broken makes the next connection find the message that was no frame.
func (k *caution) broken() {
	if k.calm == 0 || time.Since(k.left) > k.calm {
		k.calm = k.first
	} else {
		k.calm = min(2*k.calm, lastCalm)
	}
	k.sieves, k.found = true, time.Now()
	if k.suspects == nil {
		k.suspects = map[uint64]bool{}
	}
}

// count counts the connections in a row that ended for the same reason, where that
// matters. A sieve that stands still because a message may be held counts like one
// that knows it.
func (k *caution) count(why error, m *means) {
	var kind error
	switch {
	case errors.Is(why, errHeld), errors.Is(why, errDoubt) && m.sieve != nil:
		kind = errHeld
	case errors.Is(why, errStuck):
		kind = errStuck
	case errors.Is(why, errSuspect):
		kind = errSuspect
	}
	if kind != k.kind {
		k.kind, k.inRow = kind, 0
	}
	k.inRow++
}

// held notes a connection that ended because messages held its places. They are
// swallowed only when that happens a second time, for the network may have lost one,
// unless there are too many; and once there were any, a single time is enough during
// cutsMatter.
func (k *caution) held(why error, m *means) {
	k.doubts = 0
	many := errors.Is(why, errMany) || !k.freed.IsZero() && time.Since(k.freed) < cutsMatter
	if k.swallows = (many || k.inRow > 1) && k.others >= others; k.swallows {
		lasts := swallowTime
		if many {
			lasts = freeTime
		}
		k.freed, k.until, k.suspects = time.Now(), time.Now().Add(lasts), nil
		return
	}
	if k.sieves = m.sieve != nil; k.sieves {
		k.suspects, k.found = m.sieve.suspects, m.sieve.foundLast()
	}
}

// cut notes a connection that ended without a reason. A message acknowledged by
// swallowing is lost if the network fails just then, so there must be no other
// explanation. The broker may take long to write what stands before the message,
// and each time: the connection counts if it ended at once, or settled nothing.
func (k *caution) cut(lived time.Duration, settles bool) (useful bool) {
	if lived > stable {
		k.empty = 0
	}
	if k.cuts++; lived > atOnce && settles || lived > cutsMatter || k.others < others {
		k.cuts = 0
	}
	again := !k.swallowed.IsZero() && time.Since(k.swallowed) < cutsMatter && k.empty < maxEmpty
	k.swallows = k.cuts >= maxCuts || again && k.cuts > 0
	return k.cuts > 0
}

// other notes that another connection came up or was lost: what happens to this one
// may then have the same cause.
func (k *caution) other(up bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if up {
		k.others++
		return
	}
	k.others--
	k.cuts, k.swallows, k.until = 0, false, time.Time{}
}

// commands takes the messages of the command queue. A broker that sends more
// than it was asked for would fill the memory.
func (c *conn) commands(o *Options, take func(*Delivery)) handler {
	var open atomic.Int64
	c.acks = &acks{conn: c}
	return func(f incoming) error {
		ack := f.Header.Get(frame.Ack)
		if ack == "" || open.Add(1) > int64(o.prefetch) {
			return framing.Faultf("a message cannot be acknowledged, or is one more than the %d asked for", o.prefetch)
		}
		if f.doubt {
			return framing.Faultf("a message may hide what acknowledges it")
		}
		c.places.came(ack)
		d := newDelivery(o, f)
		d.settle = func(gone func()) {
			open.Add(-1)
			c.acks.add(ack, gone)
		}
		take(d)
		return nil
	}
}
