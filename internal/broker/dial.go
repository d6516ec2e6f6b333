package broker

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/go-stomp/stomp/v3/frame"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
	"github.com/finesse-connector/finesse-connector/internal/trust"
)

const (
	tcpTimeout   = 5 * time.Second
	loginTimeout = 10 * time.Second // TLS, CONNECT and CONNECTED together
)

// dial connects to ep and logs in. If anything goes wrong, the socket is closed. m
// is nil except for a connection to the command queue.
func dial(ctx context.Context, o *Options, ep endpoint, m *means) (c *conn, err error) {
	if m == nil {
		m = &means{over: func() {}}
	}
	defer func() {
		if err != nil {
			m.over()
		}
	}()
	d := net.Dialer{Timeout: tcpTimeout}
	nc, err := d.DialContext(ctx, "tcp", ep.addr)
	if err != nil {
		return nil, err
	}
	s, err := newSocket(nc.(*net.TCPConn), loginTimeout)
	if err != nil {
		nc.Close()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { s.Close() })
	c, err = login(ctx, o, ep, s, m)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		s.Close()
		if ctx.Err() != nil { // err says only that the socket was closed
			err = ctx.Err()
		}
		return nil, fmt.Errorf("log in to %s: %w", ep.url, err)
	}
	c.start()
	return c, nil
}

func login(ctx context.Context, o *Options, ep endpoint, s *socket, m *means) (*conn, error) {
	stream := net.Conn(s)
	if ep.tls {
		t := tls.Client(s, trust.For(o.TLS, ep.host))
		if err := t.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		stream = t
	}
	sv := m.sieve
	c := &conn{
		endpoint: ep,
		socket:   s,
		patience: o.frameTimeout,
		maxBody:  o.maxBody,
		secret:   newSecret(),
		reader:   framing.New(sv.watch(stream)),
		sieve:    sv,
		means:    m,
		buffer:   bufio.NewWriterSize(stream, 32<<10),
		out:      make(chan *frame.Frame, outbound),
		done:     make(chan struct{}),
		pending:  make(map[string]func(error)),
		subs:     make(map[string]handler),
	}
	if m.take != nil && m.swallow == nil {
		c.places = &places{options: o, conn: c, doubts: m.doubts}
	}
	sv.onto(c)
	if err := frame.NewWriter(stream).Write(connectFrame(o, ep)); err != nil {
		return nil, err
	}
	f, err := firstFrame(c)
	if err != nil {
		return nil, err
	}
	sv.loggedIn()
	c.server = abridge(f.Header.Get(frame.Server))
	return c, c.negotiate(o.Heartbeat, f.Header.Get(frame.HeartBeat))
}

// connectFrame asks the broker to beat twice as often as we must: its first
// beat comes only after two of its intervals (ActiveMQ 5.17 measured), and by
// then a silent broker must be noticed.
func connectFrame(o *Options, ep endpoint) *frame.Frame {
	f := frame.New(frame.CONNECT,
		frame.AcceptVersion, "1.2",
		frame.Host, ep.host,
		frame.HeartBeat, fmt.Sprintf("%d,%d", o.Heartbeat.Milliseconds(), (o.Heartbeat/2).Milliseconds()))
	if o.Username != "" {
		f.Header.Add(frame.Login, o.Username)
		f.Header.Add(frame.Passcode, o.Password.Reveal())
	}
	return f
}

// firstFrame reads the answer to CONNECT.
func firstFrame(c *conn) (incoming, error) {
	f, err := c.readFrame()
	if err != nil {
		return f, notAFrame(err)
	}
	switch {
	case f.Command == frame.ERROR:
		return f, &ServerError{Message: abridge(f.Header.Get(frame.Message)), Login: true}
	case f.Command != frame.CONNECTED:
		return f, errNotStomp
	case f.Header.Get(frame.Version) != "1.2":
		return f, errOldStomp
	}
	return f, nil
}

// negotiate sets what STOMP 1.2 makes of both sides' heart-beat headers. We
// beat twice as often as promised, because ActiveMQ gives up after one to two
// intervals of silence. We give the broker up after two heart-beats, or after
// three intervals of its own if it beats less often than asked.
func (c *conn) negotiate(ours time.Duration, header string) error {
	c.socket.silence.Store(0)
	if header == "" {
		return nil
	}
	sends, wants, err := frame.ParseHeartBeat(header)
	if err != nil {
		return fmt.Errorf("heart-beat %q: %w", header, err)
	}
	if sends > 0 {
		c.socket.silence.Store(int64(max(2*ours, 3*sends)))
	}
	if wants > 0 {
		c.beat = max(wants, ours) / 2
	}
	return nil
}
