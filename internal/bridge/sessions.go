package bridge

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/directory"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// begin starts a session for an agent without one; nil when there is no room
// for it.
func (in *intake) begin(id gc.AgentID) *directory.Agent {
	if in.ctx.Err() != nil {
		return nil
	}
	return in.directory.Begin(id, func(a *directory.Agent) {
		o := in.sessions
		o.Agent = id
		o.Emit = (&outlet{delivery: in.delivery, agent: a, told: told{}}).emit
		o.Bound = func(to gc.Destination, r *session.Request) {
			in.directory.Settle(a, to, wire.Format(r.Format), time.Now())
			in.unproved.proved(id)
			in.capture.Bound(id, to)
		}
		o.Followers = in.directory.Followers
		o.Leads = func(members []gc.AgentID) { in.directory.Lead(a, members) }
		o.Ended = func() { in.directory.Leave(a, time.Now()) }
		o.Logger = in.journal.With(zap.String("agent", string(id)))
		o.Wait = func(d time.Duration) time.Duration { return in.capture.Wait(id, d) }
		a.Session = session.New(o)
		in.running.Go(func() { a.Run(in.ctx) })
	})
}

// Live asks every session whether it goes round, and is an error when one does
// not: its agent could not be served again by this process.
func (in *intake) Live() error {
	for _, a := range in.directory.Agents() {
		if err := a.Live(); err != nil {
			return err
		}
	}
	return nil
}

// Stop lets every session answer what it holds, ends those that have not when
// ctx is done, and returns when all have. From before it is called on, Handle is given
// no delivery that is not Late or Broken. Agents stay signed in at Finesse.
func (in *intake) Stop(ctx context.Context) {
	var drained sync.WaitGroup
	for _, a := range in.directory.Agents() {
		drained.Go(func() { a.Drain(ctx) })
	}
	drained.Wait()
	in.cancel()
	in.running.Wait()
}

// Acknowledged returns when the broker has the acknowledgement of every command that
// is answered, or ctx ends. Where a connection was lost just then they come again first.
func (in *intake) Acknowledged(ctx context.Context) { in.ledger.acknowledged(ctx) }

// licences counts the agents that are signed in.
type licences struct {
	mu    sync.Mutex
	limit int // 0: none
	taken int
}

func (l *licences) setLimit(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = n
}

func (l *licences) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.taken
}

func (l *licences) Take() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limit > 0 && l.taken >= l.limit {
		return false
	}
	l.taken++
	return true
}

func (l *licences) Give() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken--
}
