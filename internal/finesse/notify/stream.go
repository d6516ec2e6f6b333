package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/xmppo/go-xmpp"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// updatesAhead is how many updates wait for the consumer before the stream
// stops reading: more than one call causes at once.
const updatesAhead = 16

// goodbyeTime is how long Close lets the server take its last words.
const goodbyeTime = time.Second

// Stream is the connection of one agent. It is made by Dial and ends with
// Close or when it is lost; it does not come back by itself.
type Stream struct {
	client    *xmpp.Client
	conn      net.Conn
	tap       *tap
	domain    string
	pubsub    string // the domain of the publish-subscribe service
	jid       string // with the resource
	node      string // host and port, for people
	interval  time.Duration
	deadAfter time.Duration
	log       *zap.Logger
	metrics   *metrics

	updates chan finesse.Update
	seen    recentItems
	grumble sync.Once     // the first update that can not be read is logged
	pings   int           // sent so far
	present chan struct{} // closed at the first answer
	failed  chan error    // why the keeper closed the connection

	questions questions
	turn      chan struct{}           // holds one entry while somebody uses explicit
	explicit  map[string]subscription // by node

	close   sync.Once
	closing chan struct{} // closed by Close
	ended   chan struct{} // closed by the reader, after err is set
	err     error
}

// start sets the two goroutines going. The reader owns Recv, ends when the
// connection is closed or broken, and closes Updates; the keeper pings, closes
// the connection when asked to, and ends after the reader or after Close.
func (d *Dialer) start(c connection, a Account) *Stream {
	s := &Stream{
		client: c.client, conn: c.conn, tap: c.tap,
		domain: a.Domain, pubsub: a.pubsub(), jid: c.client.JID(),
		node: d.host, interval: d.pingInterval, deadAfter: d.deadAfter,
		log: d.log, metrics: d.metrics,
		updates:   make(chan finesse.Update, updatesAhead),
		present:   make(chan struct{}),
		failed:    make(chan error, 1),
		questions: questions{tap: c.tap, open: map[string]chan<- reply{}},
		turn:      make(chan struct{}, 1),
		explicit:  map[string]subscription{},
		closing:   make(chan struct{}),
		ended:     make(chan struct{}),
	}
	s.tap.use(c.conn)
	s.metrics.streams.Inc()
	go s.read()
	go s.keep()
	return s
}

// Updates gives what Finesse tells the agent. It is closed when the stream is
// lost or closed. The consumer should drain it steadily: while it does not,
// the stream does not read.
func (s *Stream) Updates() <-chan finesse.Update { return s.updates }

// Err says why Updates was closed: nil after Close, else a *gc.Error of code
// UNABLE_TO_SUBSCRIBE_TO_FINESSE. Before that it is nil.
func (s *Stream) Err() error {
	select {
	case <-s.ended:
		return s.err
	default:
		return nil
	}
}

// lost is why a stream that has ended can not be asked.
func (s *Stream) lost() error {
	if s.err == nil {
		return errClosed
	}
	return s.err
}

// Close ends the stream. It returns at once and may be called at any time, by
// anyone, again. The server is told within the second that follows, if it
// listens, and so is the end of what SubscribeTeam asked for. Updates not yet
// taken stay in the channel.
func (s *Stream) Close() {
	s.close.Do(func() {
		close(s.closing)
		s.limitWrites(goodbyeTime) // for one that hangs; see ping
	})
}

// limitWrites sets a deadline, and fails only on a connection that is closed,
// which the next write reports.
func (s *Stream) limitWrites(d time.Duration) { _ = s.conn.SetWriteDeadline(time.Now().Add(d)) }

// awaitPresence waits for the first answer. Servers take the stanzas of a
// stream in order, so the presence sent before has been taken then.
func (s *Stream) awaitPresence(ctx context.Context) error {
	select {
	case <-s.present:
		return nil
	case <-s.ended:
		select {
		case <-s.present: // and lost since, which the caller will see
			return nil
		default:
			return s.err
		}
	case <-ctx.Done():
		return ctx.Err()
	}
}

// keep runs in the keeper's goroutine.
func (s *Stream) keep() {
	ticker := time.NewTicker(s.interval)
	defer ticker.Stop()
	for {
		if err := s.ping(); err != nil {
			s.failed <- err
			forceClose(s.conn) // the reader finds out when its consumer lets it
			return
		}
		select {
		case <-ticker.C:
		case <-s.ended:
			return
		case <-s.closing:
			s.sayGoodbye()
			return
		}
	}
}

// ping asks for a sign of life (XEP-0199). The deadline is for everything that
// is written until the next ping. It is set before looking at closing, because
// Close does the two in the other order: whichever comes last, a write that
// hangs does not outlive Close by more than goodbyeTime.
func (s *Stream) ping() error {
	s.limitWrites(s.deadAfter)
	select {
	case <-s.closing:
		return nil
	default:
	}
	s.pings++
	_, err := s.client.SendOrg(fmt.Sprintf(
		"<iq type='get' to='%s' id='%s%d'><ping xmlns='urn:xmpp:ping'/></iq>", escape(s.domain), pingID, s.pings))
	return err
}

// sayGoodbye closes in order, so that the server does not keep the agent
// present until it finds out. Half of the time is for the subscriptions, that
// some is left for the end.
func (s *Stream) sayGoodbye() {
	s.limitWrites(goodbyeTime)
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeTime/2)
	defer cancel()
	s.leave(ctx)
	_, _ = s.client.SendOrg("</stream:stream>") // the connection is closed whatever comes of it
	forceClose(s.conn)
}

// read runs in the reader's goroutine.
func (s *Stream) read() {
	err := protect(s.receive)
	forceClose(s.conn) // also ends a keeper that is writing
	reason := s.lossOf(err)
	s.metrics.lost[reason].Inc()
	s.metrics.streams.Dec()
	if reason != lossClosed {
		s.err = gc.Errorf(gc.UnableToSubscribe, "notify.Stream", "%s: %w", s.node, s.explain(reason, err))
	}
	close(s.ended)
	close(s.updates)
}

// receive reads stanzas until the connection fails. After an error of the
// decoder the library must not be called again.
func (s *Stream) receive() error {
	for {
		if err := s.tap.awaitStanza(); err != nil {
			return err
		}
		stanza, err := s.client.Recv()
		switch {
		case err == nil:
			s.handle(stanza)
		case strings.HasPrefix(err.Error(), "unexpected XMPP message "):
			s.metrics.unknown.Inc() // an element the library does not know; the stream goes on behind its start tag
		default:
			return err
		}
	}
}

func (s *Stream) handle(stanza any) {
	switch v := stanza.(type) {
	case xmpp.PubsubEvent:
		s.deliver(v)
	case xmpp.IQ:
		s.answer(v)
	}
}

// lossOf names the reason the reader ended.
func (s *Stream) lossOf(err error) loss {
	select {
	case <-s.closing:
		return lossClosed
	default:
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return lossSilent
	case errors.Is(err, errOversized):
		return lossOversized
	}
	return lossBroken
}

// explain lets a ping that failed be the reason only where it made the keeper
// close the connection under the reader.
func (s *Stream) explain(reason loss, err error) error {
	if reason == lossSilent {
		return fmt.Errorf("no sign of life for %v: %w", s.deadAfter, err)
	}
	if !errors.Is(err, net.ErrClosed) {
		return err
	}
	select {
	case cause := <-s.failed:
		return fmt.Errorf("ping: %w", cause)
	default:
		return err
	}
}
