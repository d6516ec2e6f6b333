package broker

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/pulse"
	"github.com/finesse-connector/finesse-connector/internal/trouble"
)

const (
	// personPause is the time between attempts that fail until a person changes
	// a right. After a refused password it is the first of the pauses; see
	// logins.
	personPause = 30 * time.Second
	// stable is how long a connection must have lived for the next one to
	// start without a pause.
	stable = 5 * time.Second
)

// link keeps one connection open, at the url the selector names. One goroutine
// runs it.
type link struct {
	name     string     // commands, events, replies or owner
	owner    *ownership // the connection is only opened and kept by the owner; nil: always
	selector *selector
	backoff  func(int) time.Duration
	logins   *logins // of all links
	log      *zap.Logger
	metrics  *metrics

	// open dials and prepares a connection for use.
	open func(context.Context, endpoint) (*conn, error)
	// serve uses a connection until it or the context ends, and reports whether
	// it was of any use. It does not close it.
	serve func(context.Context, *conn) bool
	// changed is called with a connection that is ready, or with nil and why
	// there is none.
	changed func(*conn, error)

	failing map[string]bool // urls and classes of failures logged since all was well
	said    string          // the url of the last connection that the log reports, "" for none
	pulse   *pulse.Pulse    // of run; every wait for the broker has a deadline
}

// run returns when ctx has ended and the connection is closed.
func (l *link) run(ctx context.Context) {
	l.pulse.Begin()
	defer l.pulse.End()
	attempt := 0
	var next *conn
	for {
		c := next
		if c == nil {
			if c = l.dial(ctx, &attempt); c == nil {
				return
			}
		}
		since := time.Now()
		useful, successor := l.hold(ctx, c)
		long := time.Since(since) > stable
		if long {
			clear(l.failing)
		}
		if useful || long {
			attempt = 0
		} else if successor == nil && !l.rest(ctx, &attempt, classify(c.reason())) {
			return
		}
		next = successor
	}
}

// dial tries one url after the other, pausing after each round, until one
// answers. It returns nil when ctx has ended.
func (l *link) dial(ctx context.Context, attempt *int) *conn {
	for l.owned(ctx) {
		var worst trouble.Kind
		for range l.selector.endpoints {
			if !l.await(ctx) {
				return nil
			}
			l.pulse.Answer() // each of the urls may take long
			ep, _ := l.selector.get()
			c, err := l.open(ctx, ep)
			if err == nil {
				l.logins.accepted()
				l.up(c)
				return c
			}
			if ctx.Err() != nil {
				return nil
			}
			l.down(ep, err)
			l.changed(nil, err)
			l.selector.failed(ep)
			k := classify(err)
			if k == loginRefused {
				l.logins.refused(err)
			}
			if worst == (trouble.Kind{}) || needsPerson(k) {
				worst = k
			}
		}
		if !l.rest(ctx, attempt, worst) {
			return nil
		}
	}
	return nil
}

// owned waits until the connector is the owner, and is false when ctx has ended before.
func (l *link) owned(ctx context.Context) bool {
	held, _ := l.owner.state()
	if held == nil {
		return ctx.Err() == nil
	}
	for {
		select {
		case <-held:
			return ctx.Err() == nil
		default:
		}
		l.changed(nil, errNotOwner)
		select {
		case <-held:
		case <-l.pulse.Asked():
		case <-ctx.Done():
			return false
		}
	}
}

// rest pauses before the next attempt. It ends early when another connection of
// the Broker gets through, and returns false when ctx has ended.
func (l *link) rest(ctx context.Context, attempt *int, why trouble.Kind) bool {
	pause := l.backoff(*attempt)
	if needsPerson(why) {
		pause = l.logins.first
	}
	*attempt++
	if why != loginRefused { // await has longer pauses
		l.wait(ctx, pause)
	}
	return ctx.Err() == nil
}

// await waits until this link may try a refused password.
func (l *link) await(ctx context.Context) bool {
	for ctx.Err() == nil {
		pause, why := l.logins.turn()
		if pause == 0 {
			return true
		}
		l.changed(nil, why) // maybe of another connection
		l.wait(ctx, pause)
	}
	return false
}

func (l *link) wait(ctx context.Context, pause time.Duration) {
	t := time.NewTimer(pause)
	defer t.Stop()
	through := l.selector.waitThrough()
	for {
		select {
		case <-l.pulse.Asked():
			continue
		case <-t.C:
		case <-through:
		case <-ctx.Done():
		}
		return
	}
}

// hold uses c until it or ctx ends, or until the selector names another url
// and that one answers: then it returns the new connection as successor.
func (l *link) hold(ctx context.Context, c *conn) (useful bool, successor *conn) {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	_, lost := l.owner.state()
	served := make(chan bool, 1)
	go func() { served <- l.serve(serving, c) }() // ends with serving or c
	for {
		ep, moved := l.selector.get()
		if ep.index != c.endpoint.index {
			if successor = l.follow(ctx, ep); successor == nil {
				continue
			}
			stop()
			useful = <-served
			c.leave(errClosed)
			return useful, successor
		}
		select {
		case <-moved:
		case <-l.pulse.Asked():
		case <-lost:
			c.fail(errNotOwner)
			lost = nil
		case useful = <-served:
			l.ended(ctx, c)
			return useful, nil
		}
	}
}

// follow opens a connection to ep that replaces one that works.
func (l *link) follow(ctx context.Context, ep endpoint) *conn {
	l.pulse.Answer() // each of the urls may take long
	c, err := l.open(ctx, ep)
	if err != nil {
		if ctx.Err() == nil {
			l.down(ep, err)
		}
		l.selector.failed(ep)
		return nil
	}
	l.logins.accepted()
	l.up(c)
	return c
}

// ended closes a connection that is no longer served.
func (l *link) ended(ctx context.Context, c *conn) {
	if ctx.Err() != nil {
		c.leave(errClosed)
		l.changed(nil, ctx.Err())
		return
	}
	c.close()
	if why := c.reason(); errors.Is(why, errCalm) || errors.Is(why, errSpent) || errors.Is(why, errDoubt) || errors.Is(why, errResigned) {
		return // the next follows at once
	}
	if errors.Is(c.reason(), errNotOwner) {
		l.changed(nil, errNotOwner)
		return
	}
	l.down(c.endpoint, c.reason())
	l.changed(nil, c.reason())
}

func (l *link) up(c *conn) {
	l.metrics.connects.WithLabelValues(l.name).Inc()
	level := zap.InfoLevel
	if l.said == c.endpoint.url { // repeated cuts must not fill the log
		level = zap.DebugLevel
	}
	l.said = c.endpoint.url
	l.log.Log(level, "connected to the broker", zap.String("url", c.endpoint.url), zap.String("server", c.server))
	l.changed(c, nil)
	l.selector.through()
}

// down logs a failure once for as long as it stays the same.
func (l *link) down(ep endpoint, err error) {
	k := classify(err)
	if l.failing[ep.url+" "+k.Class] {
		return
	}
	l.failing[ep.url+" "+k.Class], l.said = true, ""
	level := zap.WarnLevel
	if needsPerson(k) {
		level = zap.ErrorLevel
	}
	l.log.Log(level, "no connection to the broker, trying again until there is one", append(k.Fields(err), zap.String("url", ep.url))...)
}
