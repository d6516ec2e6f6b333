package servertest_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon is for a busy machine; moment is how long nothing must come.
const (
	soon   = 10 * time.Second
	moment = 100 * time.Millisecond
)

// echo is a server that says every line again.
func echo(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				_, _ = io.Copy(c, c) // until somebody ends it
			})
		}
	})
	t.Cleanup(func() { // behind the proxy's, which ends the connections
		l.Close()
		running.Wait()
	})
	return l.Addr().String()
}

func newProxy(t *testing.T) *servertest.Proxy {
	t.Helper()
	return servertest.NewProxy(t, echo(t))
}

// client is a connection through the proxy.
type client struct {
	t *testing.T
	*net.TCPConn
	lines *bufio.Reader
}

func dial(t *testing.T, p *servertest.Proxy) *client {
	t.Helper()
	c, err := net.DialTimeout("tcp", p.Addr(), soon)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return &client{t: t, TCPConn: c.(*net.TCPConn), lines: bufio.NewReader(c)}
}

func (c *client) say(line string) {
	c.t.Helper()
	_, err := c.Write([]byte(line + "\n"))
	require.NoError(c.t, err)
}

func (c *client) hears(line string) {
	c.t.Helper()
	require.NoError(c.t, c.SetReadDeadline(time.Now().Add(soon)))
	got, err := c.lines.ReadString('\n')
	require.NoError(c.t, err)
	require.Equal(c.t, line+"\n", got)
}

func (c *client) hearsNothing() {
	c.t.Helper()
	require.NoError(c.t, c.SetReadDeadline(time.Now().Add(moment)))
	_, err := c.lines.ReadByte()
	require.ErrorIs(c.t, err, os.ErrDeadlineExceeded)
}

// ends reads to the end and reports what came before it, and the end.
func (c *client) ends() (before string, err error) {
	c.t.Helper()
	require.NoError(c.t, c.SetReadDeadline(time.Now().Add(soon)))
	b, err := io.ReadAll(c.lines)
	require.False(c.t, errors.Is(err, os.ErrDeadlineExceeded), "the connection does not end")
	return string(b), err
}

func TestProxyPassesEverythingOn(t *testing.T) {
	p := newProxy(t)
	c := dial(t, p)
	long := strings.Repeat("x", 1<<20)
	go func() { _, _ = c.Write([]byte(long + "\n")) }() // ends with the connection
	c.hears(long)
	require.NoError(t, c.CloseWrite())
	_, err := c.ends()
	require.NoError(t, err, "the end is passed on as an end, both ways")
}

func TestProxyIsLate(t *testing.T) {
	p := newProxy(t)
	c := dial(t, p)
	p.Latency(moment)
	start := time.Now()
	c.say("hello")
	c.hears("hello")
	require.GreaterOrEqual(t, time.Since(start), 2*moment, "there and back")
}

func TestProxyIsSlow(t *testing.T) {
	p := newProxy(t)
	c := dial(t, p)
	p.Throttle(1000)
	start := time.Now()
	line := strings.Repeat("x", 199)
	c.say(line)
	c.hears(line)
	require.GreaterOrEqual(t, time.Since(start), 200*time.Millisecond)
	p.Heal()
	c.say(strings.Repeat(line, 1000))
	c.hears(strings.Repeat(line, 1000))
	require.Less(t, time.Since(start), soon)
}

func TestProxyCuts(t *testing.T) {
	p := newProxy(t)
	c, idle := dial(t, p), dial(t, p)
	for _, c := range []*client{c, idle} {
		c.say("hello")
		c.hears("hello")
	}
	p.Cut()
	for _, c := range []*client{c, idle} {
		_, err := c.ends()
		require.ErrorIs(t, err, syscall.ECONNRESET)
	}
	again := dial(t, p)
	again.say("hello")
	again.hears("hello")
}

func TestProxyCutsInsideWhatTheServerSays(t *testing.T) {
	p := newProxy(t)
	c := dial(t, p)
	c.say("hello")
	c.hears("hello")
	p.CutInside(3)
	c.say("hello")
	before, err := c.ends()
	require.Equal(t, "hel", before)
	require.ErrorIs(t, err, syscall.ECONNRESET)
	again := dial(t, p)
	again.say("hello")
	again.hears("hello")
}

func TestProxySwallows(t *testing.T) {
	p := newProxy(t)
	old := dial(t, p)
	old.say("hello")
	old.hears("hello")
	p.BlackHole()
	fresh := dial(t, p)
	for _, c := range []*client{old, fresh} {
		c.say("is anybody there?")
		c.hearsNothing()
	}
	p.Heal()
	for _, c := range []*client{old, fresh} {
		c.hears("is anybody there?")
	}
}

func TestProxyClosesHalf(t *testing.T) {
	p := newProxy(t)
	c := dial(t, p)
	c.say("hello")
	c.hears("hello")
	p.HalfClose()
	before, err := c.ends()
	require.Empty(t, before)
	require.NoError(t, err, "an end, not a reset")
	c.say("the other half is open")
}

func TestProxySaysGarbage(t *testing.T) {
	p := newProxy(t)
	c := dial(t, p)
	c.say("hello")
	c.hears("hello")
	p.Garbage()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(soon)))
	_, err := io.ReadFull(c.lines, make([]byte, 64))
	require.NoError(t, err)
	c.say("hello")
	c.hears("hello")
}

func TestProxyRefusesUntilItIsHealed(t *testing.T) {
	p := newProxy(t)
	old := dial(t, p)
	for range 3 {
		p.Refuse()
		_, err := net.DialTimeout("tcp", p.Addr(), soon)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		old.say("hello")
		old.hears("hello")
		p.Heal()
		fresh := dial(t, p)
		fresh.say("hello")
		fresh.hears("hello")
	}
}

func TestProxyWithoutAServerResets(t *testing.T) {
	c, err := net.DialTimeout("tcp", servertest.NewProxy(t, servertest.FreeAddress(t)).Addr(), soon)
	if err == nil { // the reset may be quicker than Dial
		defer c.Close()
		require.NoError(t, c.SetReadDeadline(time.Now().Add(soon)))
		_, err = c.Read(make([]byte, 1))
	}
	require.ErrorIs(t, err, syscall.ECONNRESET)
}
