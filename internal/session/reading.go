package session

import (
	"context"

	"github.com/finesse-connector/finesse-connector/internal/agent"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// notified takes one message of the notification stream.
func (s *Session) notified(u finesse.Update) {
	s.report(s.known.Notified(u))
	switch {
	case u.Error != nil:
		s.rejected(u)
	case u.SystemInfo != nil:
		s.SystemChanged()
	case len(u.Dialogs) > 0 && s.known.NeedsReading():
		s.rereadAnywhere(func(error) { s.known.WasRead() })
	}
}

// readBack reads the agent and its calls and takes the agent's state over
// without reporting it, and the calls likewise unless they are to be reported as
// news; then runs in the session afterwards.
func (s *Session) readBack(news bool, then func(error)) {
	s.fetchAnywhere(func(t snapshot, err error) {
		if err == nil {
			changes, ok := s.known.TakeBack(t.Reading, news)
			if !ok {
				s.whenSettled(func() { s.readBack(news, then) })
				return
			}
			s.report(changes)
		}
		then(err)
	})
}

// reread reads the agent and its calls and reports what changed.
func (s *Session) reread(then func(error)) {
	s.fetch(func(t snapshot, err error) {
		if err == nil {
			s.report(s.known.Compare(t.Reading))
		}
		then(err)
	})
}

// rereadAnywhere is reread, at another node if this one fails.
func (s *Session) rereadAnywhere(then func(error)) {
	node := s.place.node
	s.reread(func(err error) {
		s.orElsewhere(node, err, func() { then(err) }, func() { then(nil) }) // a failover reads
	})
}

// fetchAnywhere is fetch, at another node if this one fails.
func (s *Session) fetchAnywhere(then func(snapshot, error)) {
	node := s.place.node
	s.fetch(func(t snapshot, err error) {
		s.orElsewhere(node, err, func() { then(t, err) }, func() { s.fetch(then) })
	})
}

// fetch reads the agent and its calls.
func (s *Session) fetch(then func(snapshot, error)) {
	t := snapshot{Reading: s.known.Ask()}
	s.ask(query{put: t.read, then: func(err error) { then(t, err) }})
}

// snapshot is what Finesse says of an agent now.
type snapshot struct {
	agent.Reading
	loginID gc.AgentID // what Finesse calls the agent
	stream  Stream     // nil: the one at hand stays
	letIn   bool       // the password is right
}

// prove asks Finesse whether the password is right, before it is given to the
// notification service: a wrong one counts once towards locking the account.
// What happened before the subscription is never notified, so the agent and
// its calls are read after it.
func (t *snapshot) prove(ctx context.Context, node Node, c finesse.Credentials, keep bool) error {
	u, err := node.User(ctx, c)
	if c.LoginID, t.loginID = u.LoginID, u.LoginID; err != nil || keep {
		return err
	}
	t.letIn = !c.Password.IsToken() // whose a token is, the stream alone shows
	return t.join(ctx, node, c)
}

// join subscribes, and then reads.
func (t *snapshot) join(ctx context.Context, node Node, c finesse.Credentials) error {
	stream, err := node.Subscribe(ctx, c)
	if err != nil {
		return err
	}
	t.letIn = true
	if err := t.read(ctx, node, c); err != nil {
		stream.Close()
		return err
	}
	t.stream = stream
	return nil
}

func (t *snapshot) read(ctx context.Context, node Node, c finesse.Credentials) (err error) {
	if t.User, err = node.User(ctx, c); err == nil && t.User.State != gc.LoggedOut {
		t.Dialogs, err = node.Dialogs(ctx, c)
	}
	return err
}
