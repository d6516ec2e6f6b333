package exchange

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // net/http logs there what a server sends unasked
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for something that must happen.
const patience = 10 * time.Second

// server runs its script on each connection, and never hangs up before its
// client does.
type server struct {
	url     string
	scripts sync.WaitGroup
	opened  atomic.Int64
	open    atomic.Int64
}

func serve(t *testing.T, script func(net.Conn)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return serveOn(t, "http://", l, script)
}

func serveOn(t *testing.T, scheme string, l net.Listener, script func(net.Conn)) *server {
	s := &server{url: scheme + l.Addr().String()}
	s.scripts.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.opened.Add(1)
			s.open.Add(1)
			s.scripts.Go(func() {
				defer s.open.Add(-1)
				defer c.Close()
				script(c)
				_, _ = io.Copy(io.Discard, c)
			})
		}
	})
	t.Cleanup(func() {
		s.requireLeft(t)
		l.Close()
		s.scripts.Wait()
	})
	return s
}

// requireLeft waits until the client has closed every connection.
func (s *server) requireLeft(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return s.open.Load() == 0 }, patience, time.Millisecond,
		"the client keeps a connection that nobody waits for")
}

// says answers a request with begin, and then with again for ever.
func says(begin, again string, every time.Duration) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := c.Read(make([]byte, 4<<10)); err != nil {
			return
		}
		_, err := io.WriteString(c, begin)
		for again != "" && err == nil {
			if every > 0 {
				<-time.After(every)
			}
			_, err = io.WriteString(c, again)
		}
	}
}

func request(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	require.NoError(t, err)
	return r
}

// Whatever a server does, the exchange has ended by its one deadline, has read
// no more than it may, and leaves no connection.
func TestAnExchangeEndsWhateverTheServerDoes(t *testing.T) {
	const (
		most    = 1000
		slow    = 5 * time.Millisecond
		early   = true // before the deadline
		timeout = time.Second
	)
	long := strings.Repeat("x", 4<<10)
	for _, c := range []struct {
		rule   string
		script func(net.Conn)
		status int // 0: no answer
		early  bool
		broken bool
	}{
		{"the server is silent", says("", "", 0), 0, !early, false},
		{"another protocol (101) is not read", says("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "", 0), 101, early, false},
		{"nor one that goes on for ever", says("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", long, 0), 101, early, false},
		{"nor one without its header", says("HTTP/1.1 101 x\r\n\r\n", " ", slow), 101, early, false},
		{"informational answers (1xx) without end are too much", says("", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 0), 0, early, false},
		{"slow ones meet the deadline", says("", "HTTP/1.1 100 Continue\r\n\r\n", slow), 0, !early, false},
		{"a status line without end is too much", says("HTTP/1.1 200 ", long, 0), 0, early, false},
		{"a slow one meets the deadline", says("HTTP/1.1 200 ", "x", slow), 0, !early, false},
		{"headers without end are too much", says("HTTP/1.1 200 OK\r\n", "X: y\r\n", 0), 0, early, false},
		{"slow ones meet the deadline too", says("HTTP/1.1 200 OK\r\n", "X: y\r\n", slow), 0, !early, false},
		{"a body without end is cut", says("HTTP/1.1 200 OK\r\n\r\n", long, 0), 200, early, false},
		{"a chunked one is too", says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nabcde\r\n", 0), 200, early, false},
		{"a slow body meets the deadline", says("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", " ", slow), 200, !early, true},
		{"slow chunks do too", says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", slow), 200, !early, true},
		{"an endless end of chunks is broken", says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n", 0), 200, early, true},
		{"a redirect is an answer", says("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "", 0), 302, early, false},
		{"so is one to nowhere", says("HTTP/1.1 302 Found\r\nLocation: :%zz"+long+"\r\nContent-Length: 0\r\n\r\n", "", 0), 302, early, false},
		{"an answer that is not HTTP is none", says(long+"\r\n\r\n", "", 0), 0, early, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			s := serve(t, c.script)
			client := New(Options{Timeout: timeout, Kept: 10})
			t.Cleanup(client.Close)
			begin := time.Now()
			a, err := client.Do(t.Context(), request(t, s.url), most)
			took := time.Since(begin)
			require.Less(t, took, timeout+patience/2)
			require.Equal(t, c.status, a.Status)
			require.Equal(t, c.status == 0, err != nil, err)
			require.Equal(t, c.broken, a.Broken != nil, a.Broken)
			require.LessOrEqual(t, len(a.Body), most)
			require.Equal(t, !c.early, TimedOut(errors.Join(err, a.Broken)))
			require.EqualValues(t, 1, s.opened.Load())
			if err != nil {
				require.Less(t, len(Brief(err).Error()), 2*maxProblem)
				require.ErrorIs(t, Brief(err), err)
			}
		})
	}
}

// net/http goes on with a handshake that nobody waits for any more.
func TestAServerThatNeverShakesHandsIsLeft(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := serveOn(t, "https://", l, func(net.Conn) {})
	client := New(Options{Timeout: 200 * time.Millisecond, Kept: 10})
	defer client.Close()
	for range 5 {
		_, err := client.Do(t.Context(), request(t, s.url), 0)
		require.True(t, TimedOut(err), err)
	}
	s.requireLeft(t) // before Close, which would end all connections
}

// Bytes that a server sends unasked do not answer the next request.
func TestUnaskedBytesAreNoAnswer(t *testing.T) {
	const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	left := make(chan error, 10)
	s := serve(t, func(c net.Conn) {
		b := make([]byte, 4<<10)
		if _, err := c.Read(b); err != nil {
			return
		}
		_, _ = io.WriteString(c, answer+strings.Replace(answer, "ok", "no", 1))
		_, err := c.Read(b)
		left <- err
	})
	client := New(Options{Timeout: patience, Kept: 10})
	defer client.Close()
	for range 3 {
		a, err := client.Do(t.Context(), request(t, s.url), 100)
		require.NoError(t, err)
		require.Equal(t, "ok", string(a.Body))
		require.Error(t, <-left, "the connection is left before it is used again")
	}
}

func TestLargeBodiesAreHeldWithinBounds(t *testing.T) {
	const size = LargeBody + 1000
	body := strings.Repeat("x", size)
	s := serve(t, func(c net.Conn) {
		if _, err := c.Read(make([]byte, 4<<10)); err == nil {
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, body)
		}
	})
	client := New(Options{Timeout: time.Second, Large: 2})
	defer client.Close()
	ask := func(most int) Answer {
		a, err := client.Do(t.Context(), request(t, s.url), most)
		require.NoError(t, err)
		return a
	}
	first, second := ask(2*size), ask(2*size)
	require.Equal(t, body, string(first.Body))
	require.NoError(t, second.Broken)
	a := ask(LargeBody)
	require.NoError(t, a.Broken, "one that is cut is not large")
	a.Release()
	a = ask(2 * size)
	require.True(t, TimedOut(a.Broken), "it waits as long as for any answer")
	a.Release()
	first.Release()
	a = ask(2 * size)
	require.NoError(t, a.Broken)
	require.Len(t, a.Body, size)
	a.Release()
	second.Release()
}

func TestConnectionsAreKeptOnlyWhereAskedFor(t *testing.T) {
	for kept, want := range map[int]int{0: 3, 1: 1} {
		s := serve(t, func(c net.Conn) {
			for b := make([]byte, 4<<10); ; {
				if _, err := c.Read(b); err != nil {
					return
				}
				_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
			}
		})
		client := New(Options{Timeout: patience, Kept: kept})
		for range 3 {
			a, err := client.Do(t.Context(), request(t, s.url), 0)
			require.NoError(t, err)
			require.Equal(t, 204, a.Status)
		}
		require.EqualValues(t, want, s.opened.Load())
		client.Close()
	}
}

func TestTheTransportIsDirectAndEncryptedProperly(t *testing.T) {
	transport := NewTransport(Options{TLS: &tls.Config{MinVersion: tls.VersionTLS10}, Timeout: time.Second})
	require.Nil(t, transport.http.Proxy, "no proxy, whatever the environment says")
	require.EqualValues(t, tls.VersionTLS12, transport.http.TLSClientConfig.MinVersion)

	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	s.Config.ErrorLog = nil
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	client := New(Options{TLS: &tls.Config{RootCAs: roots}, Timeout: patience})
	a, err := client.Do(t.Context(), request(t, s.URL), 0)
	require.NoError(t, err)
	require.Equal(t, 404, a.Status)
}
