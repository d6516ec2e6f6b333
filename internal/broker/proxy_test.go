package broker

import (
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxy stands between a Broker and its server. It can cut connections and hold
// back what the server sends.
type proxy struct {
	url string

	mu    sync.Mutex
	open  map[net.Conn]bool
	heard *sync.Cond
	held  bool
}

func newProxy(t *testing.T, l net.Listener, scheme, to string) *proxy {
	p := &proxy{url: scheme + "://" + l.Addr().String(), open: make(map[net.Conn]bool)}
	p.heard = sync.NewCond(&p.mu)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", to)
			if err != nil {
				c.Close()
				continue
			}
			p.mu.Lock()
			p.open[c], p.open[s] = true, true
			p.mu.Unlock()
			running.Go(func() { p.pass(s, c, false) })
			running.Go(func() { p.pass(c, s, true) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.release()
		p.cut()
		running.Wait()
	})
	return p
}

func listen(t *testing.T) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l
}

func (p *proxy) pass(to, from net.Conn, fromServer bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if fromServer {
			p.mu.Lock()
			for p.held {
				p.heard.Wait()
			}
			p.mu.Unlock()
		}
		if _, writeErr := to.Write(buffer[:n]); writeErr != nil || err != nil {
			return
		}
	}
}

// hold keeps back everything the server sends from now on; release passes it
// on.
func (p *proxy) hold() { p.setHeld(true) }

func (p *proxy) release() { p.setHeld(false) }

func (p *proxy) setHeld(held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = held
	p.heard.Broadcast()
}

// cut closes every connection.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		c.Close()
	}
	clear(p.open)
}
