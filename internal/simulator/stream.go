package simulator

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Bounds of a stream.
const (
	maxUnread      = 256              // stanzas a client may leave unread
	writeTimeout   = 10 * time.Second // of one write
	signInTimeout  = 30 * time.Second // from connecting to bound
	maxConnections = 10000
)

// accept serves connections until the listener is closed.
func (n *notifier) accept(l net.Listener, cert certificate, accounts *accounts) {
	slots := make(chan struct{}, maxConnections+n.options.Agents)
	for {
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			n.log.Warn("notification service cannot accept, trying again", zap.Error(err))
			n.life.pause(context.Background(), 100*time.Millisecond) // out of descriptors: wait for some to be closed
			continue
		}
		select {
		case slots <- struct{}{}:
		default:
			_ = conn.Close()
			continue
		}
		if !n.life.run(func() {
			defer func() { <-slots }()
			n.serve(conn, cert, accounts)
		}) {
			_ = conn.Close()
			return
		}
	}
}

// stream is one client connection. A goroutine reads and answers, another
// writes; jid, available and priority are guarded by the notifier's lock.
type stream struct {
	hub      *notifier
	accounts *accounts
	raw      net.Conn
	tls      *tls.Conn
	in       *stanzaReader
	log      *zap.Logger

	talkative bool // says more than it is asked until the session has begun; set by bind
	agent     gc.AgentID
	jid       string
	available bool
	priority  int

	out       chan outgoing
	done      chan struct{}
	cutOnce   sync.Once
	heard     atomic.Int64 // when data came last, in nanoseconds
	blackHole atomic.Bool  // what is sent and received vanishes
}

// outgoing is a piece of the stream; behind the last one it ends.
type outgoing struct {
	text string
	last bool
}

func (n *notifier) serve(conn net.Conn, cert certificate, accounts *accounts) {
	s := &stream{
		hub: n, accounts: accounts, raw: conn, tls: tls.Server(conn, cert.config),
		out: make(chan outgoing, maxUnread), done: make(chan struct{}), log: n.log,
	}
	s.heard.Store(time.Now().UnixNano())
	s.in = newStanzaReader(s)
	if !n.register(s) {
		s.cut()
		return
	}
	defer n.remove(s)
	defer s.cut()
	_ = conn.SetDeadline(time.Now().Add(signInTimeout))
	if err := s.tls.Handshake(); err != nil {
		s.log.Debug("notification client failed the tls handshake", zap.Error(err))
		return
	}
	if !n.life.run(s.write) {
		return
	}
	if err := s.converse(); err != nil {
		s.log.Debug("notification stream ended", zap.String("agent", string(s.agent)), zap.Error(err))
		s.end(err)
	}
}

// converse reads until the stream ends; the error says how. nil: the client
// ended it.
func (s *stream) converse() error {
	if err := s.signIn(); err != nil {
		return err
	}
	_ = s.raw.SetReadDeadline(time.Time{}) // from here on silence is the writer's business
	for {
		st, err := s.in.next()
		if err != nil {
			return err
		}
		if s.blackHole.Load() {
			continue
		}
		if err := s.handle(st); err != nil {
			return err
		}
	}
}

// streamError is a condition of RFC 6120, 4.9.3, that ends a stream.
type streamError string

func (e streamError) Error() string { return "stream error " + string(e) }

// end tells the client why, if that is still possible, and waits for the
// writer to say it.
func (s *stream) end(err error) {
	var condition streamError
	var syntax *xml.SyntaxError
	switch {
	case s.blackHole.Load():
		return
	case errors.As(err, &condition):
		s.fail(string(condition))
	case errors.As(err, &syntax) && syntax.Msg != "unexpected EOF":
		s.fail("not-well-formed")
	case errors.Is(err, errStreamEnd):
		s.enqueue(outgoing{"</stream:stream>", true})
	default:
		return
	}
	<-s.done
}

// fail ends the stream from the server's side. It does not wait.
func (s *stream) fail(condition string) {
	if s.blackHole.Load() {
		return
	}
	s.enqueue(outgoing{fmt.Sprintf("<stream:error><%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>", condition), true})
}

func (s *stream) send(text string) { s.enqueue(outgoing{text: text}) }

// enqueue never waits: a client that leaves too much unread is cut.
func (s *stream) enqueue(o outgoing) {
	select {
	case s.out <- o:
	default:
		s.log.Warn("notification client does not read, its stream is cut", zap.String("agent", string(s.agent)))
		s.cut()
	}
}

// cut closes the connection without a word. It does not wait for TLS to say
// good-bye, which a client that stopped reading would delay.
func (s *stream) cut() {
	s.cutOnce.Do(func() {
		close(s.done)
		_ = s.raw.Close()
	})
}

// write sends what is queued, asks a silent client for a sign of life and
// cuts a dead one.
func (s *stream) write() {
	defer s.cut()
	check := time.NewTicker(max(s.hub.options.IdleTimeout/8, time.Millisecond))
	defer check.Stop()
	asked := time.Time{}
	for {
		select {
		case o := <-s.out:
			if s.blackHole.Load() {
				continue
			}
			_ = s.raw.SetWriteDeadline(time.Now().Add(writeTimeout))
			if _, err := s.tls.Write([]byte(o.text)); err != nil || o.last {
				return
			}
		case <-check.C:
			if !s.alive(&asked) {
				return
			}
		case <-s.done:
			return
		}
	}
}

// alive pings after half the idle time. A black hole is found out about after
// the whole of it but stays open, since the client would not see a close.
func (s *stream) alive(asked *time.Time) bool {
	heard, idle := time.Unix(0, s.heard.Load()), s.hub.options.IdleTimeout
	silence := time.Since(heard)
	switch {
	case silence >= idle && s.blackHole.Load():
		s.hub.lose(s)
	case silence >= idle:
		return false
	case silence >= idle/2 && asked.Before(heard):
		*asked = time.Now()
		s.send(fmt.Sprintf("<iq type='get' id='%s' from='%s'><ping xmlns='urn:xmpp:ping'/></iq>", s.hub.random.text(8), s.hub.domain))
	}
	return true
}

// hears: only available streams that do not forbid it by a negative priority
// get events; the notifier's lock is held.
func (s *stream) hears() bool { return s.available && s.priority >= 0 }

// Read reads what the client says. Any byte is a sign of life, but none comes
// out of a black hole.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.tls.Read(p)
	if n > 0 && !s.blackHole.Load() {
		s.heard.Store(time.Now().UnixNano())
	}
	return n, err
}
