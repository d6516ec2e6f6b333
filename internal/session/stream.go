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

// streamLost begins to get the notification stream back.
func (s *Session) streamLost() {
	err := s.stream.Err()
	s.stream.Close()
	s.stream = nil
	level := zap.InfoLevel
	if s.leaving() { // thousands of them; the node's own line says it, and the move
		level = zap.DebugLevel
	}
	s.Logger.Log(level, "notification stream lost; reconnecting", zap.Error(err))
	s.startOver()
	if !s.move.dialling {
		s.retryLater()
	}
}

func (s *Session) startOver() {
	if time.Since(s.move.attached) > steady {
		s.attempts = 0
	}
}

// retryLater arranges the next attempt. A caller is on the phone in a session
// with a live call, so its first attempt is made at once; the others follow
// within a few seconds, because a node that dies leaves thousands. Another
// node than the one that failed just now is a first attempt too. All that is
// known of the nodes by now counts, and is no reason to consider it again.
func (s *Session) retryLater() {
	_, s.move.health = s.node.Usable()
	var wait time.Duration
	switch first := s.attempts == 0 || s.attempts < hurried && s.Node() != s.move.target; {
	case !first:
		wait = s.Times.Backoff(s.attempts)
	case len(s.known.LiveCalls()) == 0:
		wait = s.Times.Jitter()
	}
	if s.Wait != nil {
		wait = s.Wait(wait)
	}
	s.redial = time.After(wait)
	s.attempts++
}

// resubscribe opens a new stream, at the node that is best now, and tells what
// changed in between: nothing is notified twice or later. At another node that
// is a move: commands wait for it.
func (s *Session) resubscribe() {
	s.redial = nil
	if s.move.dialling || s.stream != nil && !s.leaving() {
		return
	}
	node, credentials, t := s.Node(), s.credentials, truth{Reading: s.known.Ask()}
	open := t.join
	if node == s.node {
		open = func(ctx context.Context, n Node, c finesse.Credentials) error { return t.prove(ctx, n, c, false) }
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.Times.Attempt)
	s.move.dialling, s.move.holding = true, s.move.holding || node != s.node
	s.move.target, s.move.abort = node, cancel
	s.move.attempt++
	attempt := s.move.attempt
	s.work(func(context.Context) func() {
		defer cancel()
		err := open(ctx, node, credentials)
		if unavailable(err) {
			node.Verify(ctx)
		}
		return func() { s.resubscribed(attempt, node, credentials, t, err) }
	})
}

// resubscribed takes over what an attempt has brought, unless a Connect was
// quicker or the password is refused since.
func (s *Session) resubscribed(attempt int, node Node, used finesse.Credentials, t truth, err error) {
	current := attempt == s.move.attempt
	if err == nil && (!current || !s.connected) {
		t.stream.Close()
	}
	switch {
	case !current:
	case !s.connected:
		s.settle()
	case wrongPassword(err) && used.Password.Equal(s.credentials.Password):
		s.passwordRefused(err)
		s.settle()
	case gc.CodeOf(err) == gc.UserNotFound:
		s.vanished(err)
		s.settle()
	case err != nil:
		if usable, _ := node.Usable(); usable && s.attempts == 1 { // said once, not per attempt, nor by thousands
			s.Logger.Info("notification stream is still away; trying on", zap.Error(err))
		}
		s.settle()
	default:
		if node == s.node {
			s.Logger.Info("notification stream is back", zap.Int("attempts", s.attempts))
		}
		s.arrived(node, t)
	}
}

// passwordRefused tells the driver of a refusal that no command of its met.
func (s *Session) passwordRefused(err error) {
	s.emit(gc.ErrorEvent{Agent: s.Agent, Code: gc.CodeOf(err)})
	s.distrust(s.credentials, err)
}

// attach puts the stream of t, which is of node, in the place of the one at hand.
func (s *Session) attach(node Node, t *truth) {
	if s.stream != nil {
		s.stream.Close()
	}
	s.node, s.stream, s.redial = node, t.stream, nil
	t.Reading = s.known.Attach(t.Reading)
	s.move.attached = time.Now()
	s.move.attempt++
	_, s.move.health = node.Usable()
}
