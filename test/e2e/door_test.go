package e2e

import (
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

// door is an address that connections go through to a server, and that can be
// closed: then nothing listens there.
type door struct {
	t    testing.TB
	addr string

	mu       sync.Mutex
	listener net.Listener // nil while it is closed
	open     map[net.Conn]bool
	running  sync.WaitGroup
}

// newDoor makes one that is closed.
func newDoor(t testing.TB) *door {
	t.Helper()
	d := &door{t: t, addr: servertest.FreeAddress(t), open: map[net.Conn]bool{}}
	t.Cleanup(d.close)
	return d
}

// to opens the door to a server, instead of the one before.
func (d *door) to(server string) {
	d.t.Helper()
	d.close()
	l, err := net.Listen("tcp", d.addr)
	require.NoError(d.t, err)
	d.mu.Lock()
	d.listener = l
	d.mu.Unlock()
	d.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", server)
			if err != nil || !d.enter(c, s) {
				c.Close()
				continue
			}
			d.running.Go(func() { d.pass(s, c) })
			d.running.Go(func() { d.pass(c, s) })
		}
	})
}

// enter counts two connections in; false when the door was closed meanwhile.
func (d *door) enter(c, s net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener == nil {
		s.Close()
		return false
	}
	d.open[c], d.open[s] = true, true
	return true
}

func (d *door) pass(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if _, writeErr := to.Write(buffer[:n]); writeErr != nil || err != nil {
			return
		}
	}
}

// close cuts every connection and lets no more in.
func (d *door) close() {
	d.mu.Lock()
	if d.listener != nil {
		d.listener.Close()
		d.listener = nil
	}
	for c := range d.open {
		c.Close()
	}
	clear(d.open)
	d.mu.Unlock()
	d.running.Wait()
}
