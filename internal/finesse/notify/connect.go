package notify

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"net"

	xws "golang.org/x/net/websocket"
	"mellium.im/xmpp"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/websocket"

	"github.com/finesse-connector/finesse-connector/internal/exchange"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// connection is what an attempt that succeeded gives.
type connection struct {
	session *xmpp.Session
	wire    *wire
	text    *text
	jid     string // with the resource
	framed  bool   // over WebSocket
}

// connect leads an attempt to the point where the stream is bound. When it
// fails, or ctx ends it, the connection is closed and nothing is left.
func (d *Dialer) connect(ctx context.Context, a Account, server jid.JID) (connection, error) {
	w, err := d.reach(ctx, server)
	if err != nil {
		return connection{}, d.refusal(ctx, err)
	}
	stop := context.AfterFunc(ctx, w.cut)
	defer stop()
	c, err := d.login(w, a, server)
	if err != nil {
		w.cut()
		return connection{}, d.refusal(ctx, err)
	}
	return c, nil
}

// reach connects to the server, and leaves no connection in clear but where the
// configuration says so: there is no way from here to a password without TLS.
func (d *Dialer) reach(ctx context.Context, server jid.JID) (*wire, error) {
	var dialer net.Dialer
	raw, err := dialer.DialContext(ctx, "tcp", d.host)
	if err != nil {
		return nil, err
	}
	w := &wire{Conn: raw, raw: raw}
	if d.security == inClear {
		return w, nil
	}
	if d.security == upgraded {
		stop := context.AfterFunc(ctx, w.cut)
		err = startTLS(w, server)
		stop()
	}
	secured := tls.Client(raw, d.tls)
	if err == nil {
		err = secured.HandshakeContext(ctx)
	}
	if err != nil {
		w.cut()
		return nil, w.cause(err)
	}
	w.Conn, w.received = secured, 0
	return w, nil
}

// presence is what makes the agent present.
type presence struct {
	XMLName xml.Name `xml:"jabber:client presence"`
}

// login opens the stream, authenticates, binds and makes the agent present. It
// has no time limit but the end of the connection: the library does not end with
// its context, see docs/decisions/0006-the-xmpp-library.md. It is told nothing
// of the agent's address, which it would put in lower case, and that every
// connection is secure, because that is decided before it (reach).
func (d *Dialer) login(w *wire, a Account, server jid.JID) (connection, error) {
	c := connection{wire: w, framed: d.websocket != ""}
	features := func(*xmpp.Session, *xmpp.StreamConfig) xmpp.StreamConfig {
		return xmpp.StreamConfig{Features: []xmpp.StreamFeature{
			authentication(a), binding(a.resource(d.resource), &c.jid),
		}}
	}
	conn, negotiator := net.Conn(w), xmpp.NewNegotiator(features)
	if c.framed {
		var err error
		if conn, err = d.frame(w); err != nil {
			return c, err
		}
		negotiator = websocket.Negotiator(features)
	}
	c.text = newText(conn)
	err := protect(func() (err error) {
		c.session, err = xmpp.NewSession(context.Background(), server, jid.JID{}, c.text, xmpp.Secure, negotiator)
		return err
	})
	if d.security == inClear && c.jid == "" && wantsTLS(c.session) {
		return c, ErrWantsTLS
	}
	if err == nil && c.jid == "" {
		return c, errors.New("the server offers no resource to bind")
	}
	if err == nil {
		err = c.session.Encode(context.Background(), presence{})
	}
	if err != nil {
		return c, w.cause(err)
	}
	return c, nil
}

// wantsTLS reports whether the server offered TLS and no way in without it.
func wantsTLS(s *xmpp.Session) bool {
	if s == nil { // nothing was offered
		return false
	}
	_, encrypts := s.Feature(tlsNS)
	_, admits := s.Feature(saslNS)
	return encrypts && !admits
}

// frame starts WebSocket (RFC 7395).
func (d *Dialer) frame(w *wire) (net.Conn, error) {
	config, err := xws.NewConfig(d.websocket, "https://"+d.host)
	if err != nil {
		return nil, err
	}
	config.Protocol = []string{websocket.WSProtocol}
	conn, err := xws.NewClient(config, w)
	if err != nil {
		return nil, fmt.Errorf("websocket: %w", w.cause(err))
	}
	return conn, nil
}

// protect turns a panic of the library, which handles what a server sends,
// into the loss of one stream.
func protect(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the xmpp library panicked: %v", p)
		}
	}()
	return f()
}

// refusal gives an attempt's error its code. What the server said of the
// password comes before the time being up: it must not be tried again.
func (d *Dialer) refusal(ctx context.Context, err error) error {
	var failure *authFailure
	err = exchange.Brief(err) // what a server says may be long
	switch {
	case errors.As(err, &failure) && failure.credentials():
		return gc.Errorf(gc.SubscriptionFailed, opDial, "%s: %w: %w", d.host, finesse.ErrPasswordRefused, err)
	case ctx.Err() != nil:
		return gc.Errorf(gc.UnableToSubscribe, opDial, "%s did not let the agent in in time: %w", d.host, ctx.Err())
	}
	return gc.Errorf(gc.UnableToSubscribe, opDial, "%s: %w", d.host, err)
}

func dialResult(err error) dialOutcome {
	switch {
	case gc.CodeOf(err) == gc.SubscriptionFailed:
		return dialCredentials
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return dialTimeout
	}
	return dialFailed
}
