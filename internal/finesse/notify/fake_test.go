package notify

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

const domain = "finesse.test"

// fake is a server that does to each connection what its script says. When a
// script returns, the connection is closed.
type fake struct {
	url      string
	tls      *tls.Config // for the client; nil when the fake speaks clear text
	listener net.Listener
	scripts  sync.WaitGroup
	running  atomic.Int64 // scripts
	mu       sync.Mutex
	conns    []net.Conn
}

// startFake serves in clear text.
func startFake(t *testing.T, script func(*peer)) *fake {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return serveFake(t, "xmpp+plain://", listener, script)
}

// startTLSFake serves with TLS from the first byte.
func startTLSFake(t *testing.T, script func(*peer)) *fake {
	certificates := httptest.NewUnstartedServer(nil)
	certificates.StartTLS()
	defer certificates.Close()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certificates.TLS.Certificates})
	require.NoError(t, err)
	f := serveFake(t, "xmpps://", listener, script)
	f.tls = &tls.Config{InsecureSkipVerify: true}
	return f
}

func serveFake(t *testing.T, scheme string, listener net.Listener, script func(*peer)) *fake {
	f := &fake{url: scheme + listener.Addr().String(), listener: listener}
	f.scripts.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conns = append(f.conns, conn)
			f.mu.Unlock()
			f.running.Add(1)
			f.scripts.Go(func() {
				defer f.running.Add(-1)
				defer conn.Close()
				script(&peer{Conn: conn, in: xml.NewDecoder(conn)})
			})
		}
	})
	t.Cleanup(f.stop)
	return f
}

// stop closes everything and waits for the scripts.
func (f *fake) stop() {
	f.listener.Close()
	f.hangUp()
	f.scripts.Wait()
}

func (f *fake) idle() bool { return f.running.Load() == 0 }

func (f *fake) hangUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		c.Close()
	}
	f.conns = nil
}

// peer is the server's end of a connection. Its methods end the script's hopes
// quietly when the client has gone.
type peer struct {
	net.Conn
	in       *xml.Decoder
	login    string // what the client authenticated with
	resource string
	features string // besides bind
	before   string // each answer until the presence
}

// element is one child of the client's stream.
type element struct {
	XMLName xml.Name
	ID      string `xml:"id,attr"`
	Type    string `xml:"type,attr"`
	To      string `xml:"to,attr"`
	Text    string `xml:",chardata"`
	Inner   string `xml:",innerxml"`
}

func (p *peer) send(format string, args ...any) { fmt.Fprintf(p, format, args...) }

func (p *peer) next() (element, error) {
	var e element
	err := p.in.Decode(&e)
	return e, err
}

// open answers the start of a stream with the features.
func (p *peer) open(features string) bool {
	for {
		token, err := p.in.Token()
		if err != nil {
			return false
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "stream" {
			break
		} else if ok && start.Name.Local == "open" {
			_ = p.in.Skip()
			break
		}
	}
	p.send("<?xml version='1.0'?><stream:stream from='%s' id='1' version='1.0' xmlns='jabber:client'"+
		" xmlns:stream='http://etherx.jabber.org/streams'><stream:features>%s</stream:features>", domain, features)
	return true
}

const plain = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism></mechanisms>"

// authenticate reads the password and answers with outcome.
func (p *peer) authenticate(outcome string) bool {
	if !p.open(plain) {
		return false
	}
	e, err := p.next()
	if err != nil {
		return false
	}
	secret, _ := base64.StdEncoding.DecodeString(e.Text)
	p.login = string(secret)
	p.send("%s", outcome)
	return true
}

const success = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"

// accept lets the client in and reads on to its presence.
func (p *peer) accept() bool {
	if !p.authenticate(success) {
		return false
	}
	p.in = xml.NewDecoder(p.Conn)
	if !p.open("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>" + p.features) {
		return false
	}
	for {
		e, err := p.next()
		switch {
		case err != nil:
			return false
		case e.XMLName.Local == "presence":
			return true
		case bytes.Contains([]byte(e.Inner), []byte("xmpp-bind")):
			var bind struct {
				Resource string `xml:"resource"`
			}
			_ = xml.Unmarshal([]byte(e.Inner), &bind)
			p.resource = bind.Resource
			p.send("%s", strings.ReplaceAll(p.before, "ID", e.ID))
			p.send("<iq type='result' id='%s'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>1001@%s/%s</jid></bind></iq>", e.ID, domain, bind.Resource)
		default: // the session of older servers
			p.send("%s", strings.ReplaceAll(p.before, "ID", e.ID))
			p.send("<iq type='result' id='%s'/>", e.ID)
		}
	}
}

// answerPing waits for a ping and answers it. Other stanzas are dropped.
func (p *peer) answerPing() bool {
	for {
		e, err := p.next()
		if err != nil {
			return false
		}
		if e.Type == "get" {
			p.send("<iq type='result' id='%s' from='%s'/>", e.ID, domain)
			return true
		}
	}
}

// up is a client that Dial has let go of.
func (p *peer) up() bool { return p.accept() && p.answerPing() }

// answerPings goes on until the client goes.
func (p *peer) answerPings() {
	for p.answerPing() {
	}
}

// overhear has all that the client says from now on written to w, too.
func (p *peer) overhear(w io.Writer) {
	p.Conn = overheard{p.Conn, w}
	p.in = xml.NewDecoder(p.Conn)
}

type overheard struct {
	net.Conn
	to io.Writer
}

func (o overheard) Read(p []byte) (int, error) {
	n, err := o.Conn.Read(p)
	_, _ = o.to.Write(p[:n])
	return n, err
}

// drip says what for ever, now and then, and answers nothing.
func (p *peer) drip(what string) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		<-tick.C
		if _, err := p.Write([]byte(what)); err != nil {
			return
		}
	}
}

// wait reads, and answers nothing, until the client goes.
func (p *peer) wait() { _, _ = io.Copy(io.Discard, p) }

// event is a notification of one or more items, each an id and a content.
func event(node string, items ...[2]string) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<message from='pubsub.%s' id='m'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='%s'>", domain, node)
	for _, i := range items {
		fmt.Fprintf(&b, "<item id='%s'>%s</item>", i[0], i[1])
	}
	b.WriteString("</items></event></message>")
	return b.String()
}

const userNode = "/finesse/api/User/1001"

// ready is a notification that the agent's state is READY, recognised by the
// request id.
func ready(id string) string { return notification(readyUpdate(id)) }

func notification(update string) string {
	return "<notification xmlns='urn:xmpp:push:0'>" + escapeText(update) + "</notification>"
}

func escapeText(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}

func readyUpdate(id string) string {
	return "<Update><data><user><loginId>1001</loginId><state>READY</state></user></data><event>PUT</event><requestId>" +
		id + "</requestId><source>/finesse/api/User/1001</source></Update>"
}

func account(password string) Account {
	return Account{Credentials: finesse.Credentials{Agent: "1001", Password: gc.NewSecret(password)}, Domain: domain}
}

// quick are options with times for tests.
func (f *fake) quick() Options {
	return Options{URL: f.url, TLS: f.tls, ConnectTimeout: 5 * time.Second, PingInterval: 50 * time.Millisecond, DeadAfter: 500 * time.Millisecond}
}

// observed are those, and what is logged with them from a level on.
func (f *fake) observed(level zapcore.Level) (Options, *observer.ObservedLogs) {
	core, logs := observer.New(level)
	o := f.quick()
	o.Logger = zap.New(core)
	return o, logs
}

func newDialer(t *testing.T, o Options) *Dialer {
	t.Helper()
	d, err := NewDialer(o)
	require.NoError(t, err)
	return d
}

func dial(t *testing.T, d *Dialer) *Stream {
	t.Helper()
	s, err := d.Dial(t.Context(), account("secret"))
	require.NoError(t, err)
	t.Cleanup(func() {
		s.Close()
		drain(t, s)
	})
	return s
}

const patience = 10 * time.Second

// next is the next update.
func next(t *testing.T, s *Stream) finesse.Update {
	t.Helper()
	select {
	case u, ok := <-s.Updates():
		require.True(t, ok, "the stream ended: %v", s.Err())
		return u
	case <-time.After(patience):
		require.Fail(t, "no update")
	}
	return finesse.Update{}
}

// drain waits for the end of the stream and gives what came before.
func drain(t *testing.T, s *Stream) []finesse.Update {
	t.Helper()
	var us []finesse.Update
	for limit := time.After(patience); ; {
		select {
		case u, ok := <-s.Updates():
			if !ok {
				return us
			}
			us = append(us, u)
		case <-limit:
			require.Fail(t, "the stream does not end")
		}
	}
}

// requireLost waits for the end and demands a reason.
func requireLost(t *testing.T, s *Stream) error {
	t.Helper()
	drain(t, s)
	require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(s.Err()))
	require.Error(t, s.Err())
	return s.Err()
}
