package session

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// steady is how long a stream must have lasted for its loss to be one of its
// own, and not another failure of what failed before.
const steady = 10 * time.Second

// place is the node that the session works with, its notification stream there, and
// the way to another one.
type place struct {
	phase    phase
	node     Node
	stream   Stream          // nil while it is away
	attached time.Time       // when the stream was opened
	health   <-chan struct{} // closed when a node may have become usable or the contrary
	proofs   int             // of passwords, under way: each may bring a stream

	redial   <-chan time.Time   // the next attempt to get the stream back, while it waits
	attempts int                // since it was lost
	attempt  int                // counts all of them, and the streams that came without one
	target   Node               // of the last one
	abort    context.CancelFunc // ends it while the session tries
	reason   string             // of a failover, for the log; "" for the obvious
}

// phase is how far the session is on its way to a stream, here or at another node.
type phase int

const (
	staying   phase = iota // nothing is under way: the stream is good, or nobody wants one
	waiting                // for the time of the next attempt
	trying                 // an attempt is under way
	signingIn              // it brought a stream, and the agent is signed in there again
)

// step is what brings the session from one phase to another.
type step int

const (
	arrange step = iota // an attempt is to be made
	forgo               // none is needed any more, or wanted
	begin               // it begins
	attach              // a stream is there, by an attempt or by a Connect
	signOut             // Finesse has signed the agent out meanwhile
	settle              // it is over, whatever came of it
)

// ways says where each step leads; one that is not there is none at that time.
var ways = map[phase]map[step]phase{
	staying:   {arrange: waiting, forgo: staying, begin: trying, attach: staying, signOut: signingIn, settle: staying},
	waiting:   {arrange: waiting, forgo: staying, begin: trying, attach: staying, signOut: signingIn, settle: waiting},
	trying:    {attach: trying, signOut: signingIn, settle: staying},
	signingIn: {attach: signingIn, signOut: signingIn, settle: staying},
}

// goes takes a step and reports whether there was one to take.
func (p *place) goes(by step) bool {
	next, ok := ways[p.phase][by]
	if !ok {
		return false
	}
	p.phase = next
	if next != waiting {
		p.redial = nil
	}
	return true
}

// moving reports whether the way to a stream is being gone.
func (p *place) moving() bool { return p.phase == trying || p.phase == signingIn }

// close ends the stream, if there is one.
func (p *place) close() {
	if p.stream != nil {
		p.stream.Close()
		p.stream = nil
	}
}

// streamLost begins to get the notification stream back.
func (s *Session) streamLost() {
	err := s.place.stream.Err()
	s.place.close()
	level := zap.InfoLevel
	if s.leaving() || s.place.proofs > 0 { // thousands of them; the node's own line says it, and the failover
		level = zap.DebugLevel
	}
	s.Logger.Log(level, "notification stream lost; reconnecting", zap.Error(err))
	s.startOver()
	s.retryLater()
}

// proofEnded goes on with the way to a stream, unless the proof has brought one. While
// it lasted no attempt was begun: the server lets an agent have one stream, which each
// new one ends, and the password of the attempt may be over by now.
func (s *Session) proofEnded() {
	s.place.proofs--
	if s.access.usable() && s.place.phase == staying && (s.place.stream == nil || s.leaving()) {
		s.retryLater()
	}
}

func (s *Session) startOver() {
	if time.Since(s.place.attached) > steady {
		s.place.attempts = 0
	}
}

// retryLater arranges the next attempt, unless one is under way. A caller is on the phone in a session
// with a live call, so its first attempt is made at once; the others follow
// within a few seconds, because a node that dies leaves thousands. Another
// node than the one that failed just now is a first attempt too. All that is
// known of the nodes by now counts, and is no reason to consider it again.
func (s *Session) retryLater() {
	if !s.place.goes(arrange) {
		return
	}
	_, s.place.health = s.place.node.Usable()
	var wait time.Duration
	switch first := s.place.attempts == 0 || s.place.attempts < hurried && s.Node() != s.place.target; {
	case !first:
		wait = s.Times.Backoff(s.place.attempts)
	case len(s.known.LiveCalls()) == 0:
		wait = s.Times.Jitter()
	}
	if s.Wait != nil {
		wait = s.Wait(wait)
	}
	s.place.redial = time.After(wait)
	s.place.attempts++
}

// resubscribe opens a new stream, at the node that is best now, and reports what
// changed in between: nothing is notified twice or later. At another node that
// is a failover: commands wait for it. See proofEnded for when none is opened.
func (s *Session) resubscribe() {
	if s.place.stream != nil && !s.leaving() || s.place.proofs > 0 {
		s.place.goes(forgo)
		return
	}
	if !s.place.goes(begin) {
		return
	}
	node, credentials, t := s.Node(), s.access.credentials, snapshot{Reading: s.known.Ask()}
	open := t.join
	if node == s.place.node {
		open = func(ctx context.Context, n Node, c finesse.Credentials) error { return t.prove(ctx, n, c, false) }
	}
	ctx, cancel := context.WithTimeout(s.jobs.ctx, s.Times.Attempt)
	if node != s.place.node {
		s.line.keep(sessionMoves, true)
	}
	s.place.target, s.place.abort = node, cancel
	s.place.attempt++
	attempt := s.place.attempt
	s.jobs.start(func(context.Context) func() {
		defer cancel()
		err := open(ctx, node, credentials)
		if unavailable(err) {
			node.Verify(ctx)
		}
		return func() {
			if attempt != s.place.attempt { // a Connect was quicker, and has proved the password since
				if err == nil {
					t.stream.Close()
				}
				return
			}
			s.heard(credentials, err, func() { s.resubscribed(node, t, err) })
		}
	})
}

// resubscribed takes over what an attempt has brought, unless the password is refused
// since.
func (s *Session) resubscribed(node Node, t snapshot, err error) {
	if err == nil && !s.access.usable() {
		t.stream.Close()
	}
	switch {
	case !s.access.usable():
		s.settle()
	case gc.CodeOf(err) == gc.UserNotFound:
		s.vanished(err)
		s.settle()
	case err != nil:
		if usable, _ := node.Usable(); usable && s.place.attempts == 1 { // said once, not per attempt, nor by thousands
			s.Logger.Info("notification stream is still away; the connector keeps trying", zap.Error(err))
		}
		s.settle()
	default:
		if node == s.place.node {
			s.Logger.Info("notification stream is back", zap.Int("attempts", s.place.attempts))
		}
		s.arrived(node, t)
	}
}

// attach puts the stream of t, which is of node, in the place of the one at hand.
func (s *Session) attach(node Node, t *snapshot) {
	s.place.close()
	s.place.goes(attach)
	s.place.node, s.place.stream = node, t.stream
	t.Reading = s.known.Attach(t.Reading)
	s.place.attached = time.Now()
	s.place.attempt++
	_, s.place.health = node.Usable()
}
