package notify

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// said is what a client said.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// requireNothingOfTheAgent demands that an eavesdropper learned neither who
// connects nor with what.
func (s *said) requireNothingOfTheAgent(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range []string{"1001", "secret", "auth", base64.StdEncoding.EncodeToString([]byte("\x001001\x00secret"))} {
		require.NotContains(t, s.text.String(), secret)
	}
}

const offer = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"

// A server of xmpp:// gets nothing of the agent's before there is TLS, whatever
// it says instead.
func TestWithoutTLSNothingIsSaidOfTheAgent(t *testing.T) {
	const proceed = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
	answer := func(to string) func(*peer) {
		return func(p *peer) {
			if !p.open(offer + plain) {
				return
			}
			if e, _ := p.next(); e.XMLName.Local == "starttls" {
				p.send("%s", to)
			}
			p.wait()
		}
	}
	for rule, c := range map[string]struct {
		script func(*peer)
		want   string
	}{
		"no STARTTLS is offered":                     {func(p *peer) { p.open(plain); p.wait() }, "offers no STARTTLS"},
		"nothing is offered":                         {func(p *peer) { p.open(""); p.wait() }, "offers no STARTTLS"},
		"it is offered under another name":           {func(p *peer) { p.open("<starttls xmlns='urn:x'/>" + plain); p.wait() }, "offers no STARTTLS"},
		"an agent who is in already is not believed": {func(p *peer) { p.open("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"); p.wait() }, "offers no STARTTLS"},
		"it is offered and refused":                  {answer("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>"), "refuses it"},
		"success comes instead":                      {answer(success), "the server says <success>"},
		"there is no TLS behind the consent":         {answer(proceed + "<stream:features>" + plain + "</stream:features>"), "tls: first record does not look like a TLS handshake"},
		"the stream ends in an error":                {answer("<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"), "host-unknown"},
		"the stream ends":                            {answer("</stream:stream>"), "the server ended the stream"},
		"the connection ends":                        {func(p *peer) { p.open(offer); _, _ = p.next() }, "EOF"},
		"the greeting has no end": {func(p *peer) {
			p.send("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'><stream:features>%s", strings.Repeat("<a/>", maxGreeting))
			p.wait()
		}, "without end"},
		"the greeting drips": {func(p *peer) { p.drip(" ") }, "in time"},
		"nothing is said":    {(*peer).wait, "in time"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			var heard said
			f := serveFake(t, "xmpp://", listener, func(p *peer) {
				p.overhear(&heard)
				c.script(p)
			})
			o := f.quick()
			o.ConnectTimeout = 10 * time.Second
			if c.want == "in time" {
				o.ConnectTimeout = 500 * time.Millisecond
			}
			d := newDialer(t, o)
			_, err = d.Dial(t.Context(), account("secret"))
			require.ErrorContains(t, err, c.want)
			require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
			if strings.HasPrefix(c.want, "offers") {
				require.ErrorIs(t, err, ErrNoTLS)
				require.ErrorContains(t, err, "use xmpps:// or wss://", "it says what to do")
			}
			require.Eventually(t, f.idle, patience, time.Millisecond, "the connection was closed")
			heard.requireNothingOfTheAgent(t)
			require.Equal(t, 0.0, testutil.ToFloat64(d.metrics.dials[dialConnected]))
		})
	}
}

// stripper stands between clients and a server and takes the offer of STARTTLS
// out of what the server says; in its place it asks for a password.
func stripper(t *testing.T, server string, heard io.Writer) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	offered := regexp.MustCompile(`(?s)<starttls[^>]*/>|<starttls.*?</starttls>`)
	var passages sync.WaitGroup
	passages.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			behind, err := net.Dial("tcp", server)
			if err != nil {
				client.Close()
				return
			}
			passages.Go(func() {
				defer behind.Close()
				_, _ = io.Copy(io.MultiWriter(behind, heard), client)
			})
			passages.Go(func() {
				defer client.Close()
				var greeting []byte
				for b := make([]byte, 4<<10); !bytes.Contains(greeting, []byte("</stream:features>")); {
					n, err := behind.Read(b)
					if greeting = append(greeting, b[:n]...); err != nil {
						break
					}
				}
				_, _ = client.Write(offered.ReplaceAll(greeting, []byte(plain)))
				_, _ = io.Copy(client, behind)
			})
		}
	})
	t.Cleanup(func() { l.Close(); passages.Wait() })
	return l.Addr().String()
}

// The real server lets nobody in without TLS and offers it; whoever is on the
// way can take the offer out.
func TestAnOfferOfTLSThatWasTakenOut(t *testing.T) {
	x, s := onProsody(t)
	var heard said
	o := s.options()
	o.URL = "xmpp://" + stripper(t, strings.TrimPrefix(x.Plain, "xmpp://"), &heard)
	_, err := newDialer(t, o).Dial(t.Context(), s.account("1001"))
	require.ErrorIs(t, err, ErrNoTLS)
	require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
	heard.requireNothingOfTheAgent(t)

	o.URL = x.Plain
	s.dial(t, newDialer(t, o), "1001")

	o.URL = strings.Replace(x.Plain, "xmpp://", "xmpp+plain://", 1)
	_, err = newDialer(t, o).Dial(t.Context(), s.account("1001"))
	require.ErrorIs(t, err, ErrWantsTLS)
	require.ErrorContains(t, err, "use xmpp://")
}

// Only the word for a lab speaks clear text, and it does not ask for more.
func TestTheWordForALabSpeaksClearText(t *testing.T) {
	var heard said
	f := startFake(t, func(p *peer) {
		p.overhear(&heard)
		if p.up() {
			p.answerPings()
		}
	})
	s := dial(t, newDialer(t, f.quick()))
	_, encrypted := s.wire.Conn.(*tls.Conn)
	require.False(t, encrypted)
	heard.mu.Lock()
	defer heard.mu.Unlock()
	require.Contains(t, heard.text.String(), base64.StdEncoding.EncodeToString([]byte("\x001001\x00secret")))
	require.NotContains(t, heard.text.String(), "starttls")
}
