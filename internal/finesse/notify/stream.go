package notify

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
	"mellium.im/xmpp"
	"mellium.im/xmpp/stanza"
	"mellium.im/xmpp/stream"
	"mellium.im/xmpp/websocket"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/exchange"
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
	session   *xmpp.Session
	wire      *wire
	text      *text
	framed    bool       // over WebSocket
	agent     gc.AgentID // as Finesse calls it
	domain    string
	pubsub    string // the domain of the publish-subscribe service
	jid       string // with the resource
	node      string // host and port, for people
	interval  time.Duration
	deadAfter time.Duration
	log       *zap.Logger
	metrics   *metrics
	record    func(what, topic string, body []byte, err error) // captures

	updates   chan finesse.Update
	seen      recentItems
	grumble   sync.Once     // the first update that cannot be read is logged
	puzzle    sync.Once     // the first of which something cannot be read is logged
	strangers sync.Once     // the first that somebody else sent is logged
	mistaken  sync.Once     // the first about somebody else is logged
	left      sync.Once     // the first refusal to take back what was left is logged
	pings     int           // sent so far
	present   chan struct{} // closed at the first answer
	failed    chan error    // why the keeper closed the connection

	questions questions
	turn      chan struct{}           // holds one entry while somebody uses explicit
	explicit  map[string]subscription // by node

	close   sync.Once
	closing chan struct{} // closed by Close
	ended   chan struct{} // closed by the reader, after err is set
	err     error
}

// start sets the two goroutines going. The reader ends when the connection is
// closed or broken, and closes Updates; the keeper pings, closes the connection
// when asked to, and ends after the reader or after Close.
func (d *Dialer) start(c connection, a Account) *Stream {
	s := &Stream{
		session: c.session, wire: c.wire, text: c.text, framed: c.framed,
		agent: a.ID(), domain: a.Domain, pubsub: a.pubsub(), jid: c.jid,
		node: d.host, interval: d.pingInterval, deadAfter: d.deadAfter,
		log: d.log, metrics: d.metrics,
		record:    func(what, topic string, body []byte, err error) { d.record(a.Agent, what, topic, body, err) },
		updates:   make(chan finesse.Update, updatesAhead),
		present:   make(chan struct{}),
		failed:    make(chan error, 1),
		questions: questions{open: map[string]chan<- iq{}},
		turn:      make(chan struct{}, 1),
		explicit:  map[string]subscription{},
		closing:   make(chan struct{}),
		ended:     make(chan struct{}),
	}
	s.wire.deadAfter = s.deadAfter
	s.metrics.streams.Inc()
	go s.read()
	go s.keep()
	return s
}

// Updates gives what Finesse reports of the agent. It is closed when the stream is
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

// lost is why a stream that has ended cannot be asked.
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
		s.wire.limitWrites(goodbyeTime) // for one that hangs; see ping
	})
}

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
			s.wire.cut() // the reader finds out when its consumer lets it
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
	s.wire.limitWrites(s.deadAfter)
	select {
	case <-s.closing:
		return nil
	default:
	}
	s.pings++
	return s.write(request{Type: "get", To: s.domain, ID: fmt.Sprintf("%s%d", pingID, s.pings), Content: ping{}})
}

// sayGoodbye closes in order, so that the server does not keep the agent
// present until it finds out. Half of the time is for the subscriptions, that
// some is left for the end.
func (s *Stream) sayGoodbye() {
	s.wire.limitWrites(goodbyeTime)
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeTime/2)
	defer cancel()
	s.leave(ctx)
	if s.framed {
		_ = s.write(closeFrame{}) // the connection is closed whatever comes of it
	} else {
		_ = s.session.Close()
	}
	s.wire.cut()
}

// read runs in the reader's goroutine.
func (s *Stream) read() {
	err := protect(s.receive)
	s.wire.cut() // also ends a keeper that is writing
	reason := s.lossOf(err)
	s.metrics.lost[reason].Inc()
	s.metrics.streams.Dec()
	if reason != lossClosed {
		s.err = gc.Errorf(gc.UnableToSubscribe, "notify.Stream", "%s: %w", s.node, exchange.Brief(s.explain(reason, err)))
		s.record(capture.Lost, "", nil, s.err)
	}
	close(s.ended)
	close(s.updates)
}

// receive reads stanzas until the connection fails or the server ends the
// stream. It does not use the library's own loop: that answers a stream error
// with the same error, and when this cannot be sent any more gives the error
// of sending instead of the server's reason.
func (s *Stream) receive() error {
	tokens := s.session.TokenReader()
	defer tokens.Close()
	d := xml.NewTokenDecoder(tokens)
	err := s.wire.awaitStanza()
	for err == nil {
		var token xml.Token
		token, err = d.Token()
		if start, ok := token.(xml.StartElement); ok && err == nil {
			if err = s.handle(d, start); err == nil {
				s.omitted(finesse.Omissions{Characters: s.text.takeReplaced()})
				err = s.wire.awaitStanza() // now, because the consumer may have taken its time
			}
		}
	}
	return s.reason(err)
}

// closeFrame ends a stream over WebSocket (RFC 7395, 3.6).
type closeFrame struct {
	XMLName xml.Name `xml:"urn:ietf:params:xml:ns:xmpp-framing close"`
}

// handle takes a stanza. Elements that are none are left out, with what is
// inside them. Over WebSocket some servers leave out the name space.
func (s *Stream) handle(d *xml.Decoder, start xml.StartElement) error {
	name := start.Name
	if s.framed && name.Space == "" {
		name.Space = stanza.NSClient
	}
	switch name {
	case xml.Name{Space: stanza.NSClient, Local: "message"}:
		var m message
		if err := d.DecodeElement(&m, &start); err != nil {
			return err
		}
		s.deliver(m)
	case xml.Name{Space: stanza.NSClient, Local: "iq"}:
		var q iq
		if err := d.DecodeElement(&q, &start); err != nil {
			return err
		}
		s.answer(q)
	case xml.Name{Space: stanza.NSClient, Local: "presence"}:
		return d.Skip()
	case xml.Name{Space: websocket.NS, Local: "close"}:
		return errServerEnded
	default:
		s.metrics.unknown.Inc()
		return d.Skip()
	}
	return nil
}

// reason is what is behind an error of the library.
func (s *Stream) reason(err error) error {
	var told stream.Error
	if !errors.As(err, &told) {
		return s.wire.cause(err)
	}
	text := ""
	if len(told.Text) > 0 {
		text = ": " + told.Text[0].Value
	}
	return fmt.Errorf("the server ended the stream: %w%s", told, text)
}

// lossOf names the reason the reader ended.
func (s *Stream) lossOf(err error) loss {
	select {
	case <-s.closing:
		return lossClosed
	default:
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, errUnfinished):
		return lossSilent
	case errors.Is(err, errOversized):
		return lossOversized
	}
	return lossBroken
}

// explain lets a ping that failed be the reason only where it made the keeper
// close the connection under the reader.
func (s *Stream) explain(reason loss, err error) error {
	if reason == lossSilent && !errors.Is(err, errUnfinished) {
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
