package localhttp

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// gone reports whether the server has closed a connection.
func gone(t *testing.T, c net.Conn, within time.Duration) bool {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(within)))
	_, err := c.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

func (d *door) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waiting.Len() + d.serving.Len()
}

func TestTheOneThatIsIdleForLongestMakesRoom(t *testing.T) {
	s, logs := serve(t, "127.0.0.1:0", func(http.ResponseWriter, *http.Request) {})
	var idle []net.Conn
	for range maxConnections {
		idle = append(idle, dial(t, s))
	}
	for range 3 {
		require.Equal(t, 200, ask(t, http.MethodGet, s.Addr().String()).StatusCode)
	}
	require.True(t, gone(t, idle[0], 5*time.Second))
	require.False(t, gone(t, idle[maxConnections-1], grace))
	require.LessOrEqual(t, s.door.count(), maxConnections)
	require.Equal(t, 1, logs.FilterMessageSnippet("as many connections as it keeps").Len(), "logged once")
}

func TestARequestUnderWayOutlivesThoseWhoOnlyWait(t *testing.T) {
	running, release := make(chan struct{}), make(chan struct{})
	s, _ := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, _ *http.Request) {
		close(running)
		<-release
		_, _ = io.WriteString(w, "done")
	})
	c := dial(t, s)
	_, err := io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
	require.NoError(t, err)
	<-running
	for range 2 * maxConnections {
		dial(t, s)
	}
	require.Eventually(t, func() bool { return s.door.count() == maxConnections }, 5*time.Second, time.Millisecond)
	close(release)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(5*time.Second)))
	answer, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Contains(t, string(answer), "done")
}

func TestOneThatIsServedMakesRoomWhenNobodyWaits(t *testing.T) {
	s, _ := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // which does not come
	})
	var slow []net.Conn
	for range maxConnections {
		c := dial(t, s)
		_, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: "+s.Addr().String()+"\r\nContent-Length: 100\r\n\r\n")
		require.NoError(t, err)
		slow = append(slow, c)
	}
	begin := time.Now()
	require.Equal(t, 200, ask(t, http.MethodGet, s.Addr().String()).StatusCode)
	require.Less(t, time.Since(begin), time.Second)
	closed := 0
	for _, c := range slow {
		if gone(t, c, time.Millisecond) {
			closed++
		}
	}
	require.Equal(t, 1, closed, "one for one")
}

func TestAConnectionIsForOneRequest(t *testing.T) {
	s, _ := serve(t, "127.0.0.1:0", func(http.ResponseWriter, *http.Request) {})
	c := dial(t, s)
	_, err := io.WriteString(c, strings.Repeat("GET / HTTP/1.1\r\nHost: "+s.Addr().String()+"\r\n\r\n", 2))
	require.NoError(t, err)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(5*time.Second)))
	answers, err := io.ReadAll(c)
	if !errors.Is(err, syscall.ECONNRESET) { // which is as good an end
		require.NoError(t, err)
	}
	require.Equal(t, 1, strings.Count(string(answers), "200 OK"))
}

func TestIdleConnectionsDoNotDelayTheEnd(t *testing.T) {
	s, err := Listen("127.0.0.1:0", http.NotFoundHandler(), zap.NewNop())
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	for range 10 {
		dial(t, s)
	}
	require.Eventually(t, func() bool { return s.door.count() == 10 }, 5*time.Second, time.Millisecond)
	begin := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(t, s.Shutdown(ctx))
	require.Less(t, time.Since(begin), 2*time.Second)
	require.ErrorIs(t, <-served, http.ErrServerClosed)
}

func TestCloseFreesAnAddressThatWasNeverServed(t *testing.T) {
	s, err := Listen("127.0.0.1:0", http.NotFoundHandler(), zap.NewNop())
	require.NoError(t, err)
	require.NoError(t, s.Close())
	again, err := net.Listen("tcp", s.Addr().String())
	require.NoError(t, err)
	require.NoError(t, again.Close())
	require.ErrorIs(t, s.Serve(), http.ErrServerClosed)

	_, err = Listen("127.0.0.1", http.NotFoundHandler(), zap.NewNop())
	require.ErrorContains(t, err, "listen on 127.0.0.1")
}

// poor has no descriptor for the first connections.
type poor struct {
	net.Listener
	refusals int
}

func (p *poor) Accept() (net.Conn, error) {
	if p.refusals > 0 {
		p.refusals--
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return p.Listener.Accept()
}

func TestWithoutADescriptorOneIsTakenFromAnIdleConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	core, logs := observer.New(zap.InfoLevel)
	p := &poor{Listener: l}
	d := newDoor(p, zap.New(core))
	defer d.Close()
	connect := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	idle := connect()
	_, err = d.Accept()
	require.NoError(t, err)
	p.refusals = 2
	connect()
	c, err := d.Accept()
	require.NoError(t, err)
	defer c.Close()
	require.True(t, gone(t, idle, 5*time.Second))
	require.Equal(t, 1, logs.FilterMessageSnippet("no descriptor").Len(), "logged once")
}
