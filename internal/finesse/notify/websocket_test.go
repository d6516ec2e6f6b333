package notify

import (
	"crypto/tls"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	xws "golang.org/x/net/websocket"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// framing is what a server writes otherwise over WebSocket (RFC 7395, 3.3):
// each stanza stands alone, with its name space.
var framing = strings.NewReplacer(
	"<?xml version='1.0'?><stream:stream ", "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' ",
	" xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'><stream:features>",
	"/><stream:features xmlns:stream='http://etherx.jabber.org/streams'>",
	"<stream:error>", "<stream:error xmlns:stream='http://etherx.jabber.org/streams'>",
	"</stream:stream>", "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>",
	"<message", "<message xmlns='jabber:client'", "<iq", "<iq xmlns='jabber:client'")

type framedConn struct{ *xws.Conn }

func (c framedConn) Write(p []byte) (int, error) {
	_, err := c.Conn.Write([]byte(framing.Replace(string(p))))
	return len(p), err
}

// startWebSocketFake serves with WebSocket on TLS.
func startWebSocketFake(t *testing.T, script func(*peer)) *fake {
	f := &fake{tls: &tls.Config{InsecureSkipVerify: true}}
	server := httptest.NewTLSServer(xws.Server{
		Handshake: func(config *xws.Config, r *http.Request) error {
			if r.URL.Path != "/ws/" || len(config.Protocol) != 1 || config.Protocol[0] != "xmpp" {
				return xws.ErrBadWebSocketProtocol
			}
			return nil
		},
		Handler: func(conn *xws.Conn) {
			f.mu.Lock()
			f.conns = append(f.conns, conn)
			f.mu.Unlock()
			f.running.Add(1)
			defer f.running.Add(-1)
			framed := framedConn{conn}
			script(&peer{Conn: framed, in: xml.NewDecoder(framed)})
		},
	})
	f.url, f.listener = "wss"+strings.TrimPrefix(server.URL, "https")+"/ws/", server.Listener
	t.Cleanup(func() { f.stop(); server.Close() })
	return f
}

// transports are the ways to reach a fake.
var transports = map[string]func(*testing.T, func(*peer)) *fake{
	"clear": startFake, "tls": startTLSFake, "websocket": startWebSocketFake,
}

func TestTheServerIsToldOfACloseOverWebSocket(t *testing.T) {
	last := make(chan string, 1)
	f := startWebSocketFake(t, func(p *peer) {
		if p.up() {
			for {
				e, err := p.next()
				if err != nil {
					return
				}
				last <- e.XMLName.Space + " " + e.XMLName.Local
			}
		}
	})
	o := f.quick()
	o.PingInterval, o.DeadAfter = time.Second, time.Minute
	s := dial(t, newDialer(t, o))
	s.Close()
	require.Equal(t, "urn:ietf:params:xml:ns:xmpp-framing close", <-last)
}

func TestStanzasWithoutNameSpaceOverWebSocket(t *testing.T) {
	f := startWebSocketFake(t, func(p *peer) {
		if p.up() {
			_, _ = p.Conn.(framedConn).Conn.Write([]byte(event(userNode, [2]string{"1", ready("a")}))) // the client sees what is missing
			p.answerPings()
		}
	})
	d := newDialer(t, f.quick())
	require.EqualValues(t, "a", next(t, dial(t, d)).RequestID)
	require.Zero(t, testutil.ToFloat64(d.metrics.unknown))
}

func TestAServerThatDoesNotSpeakWebSocket(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	o := Options{URL: "wss" + strings.TrimPrefix(server.URL, "https"), TLS: &tls.Config{InsecureSkipVerify: true}}
	_, err := newDialer(t, o).Dial(t.Context(), account("secret"))
	require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
	require.ErrorContains(t, err, "websocket: bad status")
}

func TestPingsOfWebSocketAreAnswered(t *testing.T) {
	var answered sync.WaitGroup
	answered.Add(1)
	f := startWebSocketFake(t, func(p *peer) {
		if !p.up() {
			return
		}
		conn := p.Conn.(framedConn).Conn
		frame, err := conn.NewFrameWriter(xws.PingFrame)
		if err == nil {
			_, err = frame.Write([]byte("are you there"))
		}
		if err != nil {
			return
		}
		for {
			frame, err := conn.NewFrameReader()
			if err != nil {
				return
			}
			if frame.PayloadType() == xws.PongFrame {
				answered.Done()
				return
			}
			for b := make([]byte, 512); err == nil; {
				_, err = frame.Read(b)
			}
		}
	})
	s := dial(t, newDialer(t, f.quick()))
	answered.Wait()
	requireLost(t, s)
}
