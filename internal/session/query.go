package session

import (
	"context"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// query is what Finesse is asked, or asked to do, with the password that works. The
// administrator's and the site's recorder's go the same way.
type query struct {
	put       func(context.Context, Node, finesse.Credentials) error
	then      func(error) // how it was answered, in the session, always
	holdsLine bool        // no command begins before the answer
	elsewhere bool        // it is put to another node if this one fails
}

// ask puts q to the session's node. Nothing is put with a password that was refused.
func (s *Session) ask(q query) {
	if !s.access.usable() {
		q.then(s.access.why())
		return
	}
	if q.holdsLine {
		s.line.keep(commandRuns, true)
	}
	node, used := s.place.node, s.access.credentials
	s.jobs.start(func(ctx context.Context) func() {
		err := q.put(ctx, node, used)
		return func() {
			if q.holdsLine {
				s.line.keep(commandRuns, false)
			}
			s.heard(used, err, func() {
				if q.elsewhere {
					q.elsewhere = false
					s.orElsewhere(node, err, func() { q.then(err) }, func() { s.ask(q) })
				} else {
					q.then(err)
				}
			})
		}
	})
}

// heard runs then, which goes on with the answer to a request with the credentials
// given. Every answer passes here: once the password that works is refused nothing is
// asked with it any more, and the driver hears of it, unless one of its commands was answered
// so.
func (s *Session) heard(used finesse.Credentials, err error, then func()) {
	refused := s.access.refuse(used, err)
	then()
	if !refused || !s.access.connected() {
		return
	}
	s.reportRefusal()
	if s.access.expired(used.Password, err) {
		s.Logger.Warn("the agent's access token has expired or was revoked; waiting for the driver to connect again with a new one", zap.Error(err))
	} else {
		s.Logger.Warn("finesse refuses the agent's password now; waiting for the driver to connect again", zap.Error(err))
	}
	s.disconnect()
}

// reportRefusal reports a refusal to the driver that it has not heard of: before the
// answers of commands that waited for something else.
func (s *Session) reportRefusal() {
	err := s.access.refusal
	if err == nil || s.access.reported {
		return
	}
	if s.access.expired(s.access.credentials.Password, err) {
		s.emit(gc.ReLogin{Agent: s.Agent})
	} else {
		s.emit(gc.Failure(s.Agent, err))
	}
	s.access.reported = true
}

// askThen is ask for a question, with the line held, at another node if this one
// fails.
func askThen[T any](s *Session, question func(context.Context, Node, finesse.Credentials) (T, error), then func(T, error)) {
	q := questionOf(question, then)
	q.holdsLine, q.elsewhere = true, true
	s.ask(q)
}

// questionOf is the query for a question that has an answer.
func questionOf[T any](question func(context.Context, Node, finesse.Credentials) (T, error), then func(T, error)) query {
	var answer T
	return query{
		put: func(ctx context.Context, n Node, c finesse.Credentials) (err error) {
			answer, err = question(ctx, n, c)
			return err
		},
		then: func(err error) { then(answer, err) },
	}
}

// askFor answers a command with what event makes of Finesse's answer to a
// question.
func askFor[T any](s *Session, r *Request, question func(context.Context, Node, finesse.Credentials) (T, error), event func(T) gc.Event) {
	askThen(s, question, func(found T, err error) {
		if err != nil {
			s.fail(r, err)
			return
		}
		s.answer(r, event(found))
	})
}
