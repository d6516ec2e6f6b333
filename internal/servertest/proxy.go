package servertest

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy is an address in front of a server at which a network can be had that
// fails: each method named after a fault makes it happen, and all together
// until Heal. Bytes are passed on in order and none is lost or changed except
// where a fault says so. The methods may be called from any goroutine.
type Proxy struct {
	t    testing.TB
	addr string // kept while nothing listens there

	ctx     context.Context // of everything the proxy runs
	end     context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex
	to       string       // the server
	listener net.Listener // nil while connections are refused
	open     map[*passage]bool
	now      weather
	changed  chan struct{} // closed and replaced when now changes
	random   *rand.Rand
}

// weather is the faults that last.
type weather struct {
	latency   time.Duration
	rate      int // bytes a second, 0 for no limit
	blackHole bool
	cutting   bool // cut once left is used up
	left      int
}

// passage is one connection to the proxy and the one behind it.
type passage struct {
	client, server *net.TCPConn
	cut            func()
	silenced       bool // the client was told the end; guarded by Proxy.mu
}

const (
	serverLimit = 5 * time.Second       // to reach the server
	largestBite = 32 << 10              // bytes passed on at a time
	throttled   = 50 * time.Millisecond // between the pieces of a slow connection
)

// NewProxy starts one in front of the server at host:port. It ends with the
// test, and its connections with it.
func NewProxy(t testing.TB, to string) *Proxy {
	t.Helper()
	p := &Proxy{
		t: t, addr: FreeAddress(t), to: to, open: map[*passage]bool{}, changed: make(chan struct{}),
		random: rand.New(rand.NewPCG(1, 2)),
	}
	p.ctx, p.end = context.WithCancel(context.Background())
	t.Cleanup(p.close)
	if err := p.listen(); err != nil {
		t.Fatal(err)
	}
	return p
}

// Addr is host:port of the proxy, the same for all its life.
func (p *Proxy) Addr() string { return p.addr }

// To leads connections to another server from now on. Those there are stay.
func (p *Proxy) To(server string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.to = server
}

// Latency passes everything on d later. Pieces that come closer together than
// that may arrive as one.
func (p *Proxy) Latency(d time.Duration) { p.change(func(w *weather) { w.latency = d }) }

// Throttle lets so many bytes a second through, each way of each connection.
func (p *Proxy) Throttle(bytesPerSecond int) {
	p.change(func(w *weather) { w.rate = bytesPerSecond })
}

// BlackHole takes connections and bytes and passes nothing on, either way.
// What was taken is passed on after Heal, where both sides are still there.
func (p *Proxy) BlackHole() { p.change(func(w *weather) { w.blackHole = true }) }

// CutInside passes n more bytes from the server on and then does what Cut does.
func (p *Proxy) CutInside(n int) { p.change(func(w *weather) { w.cutting, w.left = true, n }) }

func (p *Proxy) change(f func(*weather)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.now)
	close(p.changed)
	p.changed = make(chan struct{})
}

// Cut resets every connection, towards both sides.
func (p *Proxy) Cut() {
	for _, c := range p.passages() {
		c.cut()
	}
}

// HalfClose tells every client that the server says nothing more, and keeps
// what it says. Clients can go on to talk.
func (p *Proxy) HalfClose() {
	for _, c := range p.passages() {
		p.silence(c)
		_ = c.client.CloseWrite() // it may be over
	}
}

// Garbage sends every client bytes that mean nothing, between two pieces of
// what the server says.
func (p *Proxy) Garbage() {
	for _, c := range p.passages() {
		_, _ = c.client.Write(p.noise()) // it may be over
	}
}

func (p *Proxy) noise() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	noise := make([]byte, 64)
	for i := range noise {
		noise[i] = byte(p.random.UintN(256))
	}
	return noise
}

// Refuse lets no new connection in. Those there are stay.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
}

// Heal ends every fault. Connections that were cut stay cut.
func (p *Proxy) Heal() {
	p.change(func(w *weather) { *w = weather{} })
	if err := p.listen(); err != nil {
		p.t.Errorf("the proxy cannot listen again: %v", err)
	}
}

// listen takes connections from now on, if it does not yet.
func (p *Proxy) listen() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil || p.ctx.Err() != nil {
		return nil
	}
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		return err
	}
	p.listener = l
	p.running.Go(func() { p.accept(l.(*net.TCPListener)) })
	return nil
}

func (p *Proxy) accept(l *net.TCPListener) {
	for {
		client, err := l.AcceptTCP()
		if err != nil {
			return // Refuse, or the end
		}
		p.running.Go(func() { p.connect(client) })
	}
}

// connect serves one client until both ways are over.
func (p *Proxy) connect(client *net.TCPConn) {
	defer client.Close()
	p.mu.Lock()
	to := p.to
	p.mu.Unlock()
	dialer := net.Dialer{Timeout: serverLimit}
	conn, err := dialer.DialContext(p.ctx, "tcp", to)
	if err != nil {
		_ = client.SetLinger(0) // a reset
		return
	}
	server := conn.(*net.TCPConn)
	defer server.Close()
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	c := &passage{client: client, server: server, cut: func() {
		cancel()
		for _, side := range []*net.TCPConn{client, server} {
			_ = side.SetLinger(0)
			_ = side.Close()
		}
	}}
	if !p.enter(c) {
		return
	}
	defer p.leave(c)
	var ways sync.WaitGroup
	ways.Go(func() { p.pass(ctx, c, server, client, false) })
	ways.Go(func() { p.pass(ctx, c, client, server, true) })
	ways.Wait()
}

func (p *Proxy) enter(c *passage) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return false
	}
	p.open[c] = true
	return true
}

func (p *Proxy) leave(c *passage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

func (p *Proxy) passages() []*passage {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*passage
	for c := range p.open {
		all = append(all, c)
	}
	return all
}

// pass is one way of a connection. Its end is passed on as an end, an error as
// a reset, and both wait as bytes do.
func (p *Proxy) pass(ctx context.Context, c *passage, to, from *net.TCPConn, fromServer bool) {
	buffer := make([]byte, largestBite)
	for {
		n, err := from.Read(buffer)
		p.delay(ctx)
		for rest := buffer[:n]; len(rest) > 0; {
			bite, cut := p.admit(ctx, len(rest), fromServer)
			if !p.write(ctx, c, to, rest[:bite], fromServer) {
				c.cut()
				return
			}
			if cut {
				p.Cut()
				return
			}
			rest = rest[bite:]
		}
		switch {
		case err == nil:
			continue
		case p.await(ctx) && errors.Is(err, io.EOF):
			_ = to.CloseWrite() // it may be over
		default:
			c.cut()
		}
		return
	}
}

// delay waits as long as bytes are late.
func (p *Proxy) delay(ctx context.Context) {
	w, _ := p.faults()
	pause(ctx, w.latency)
}

// admit waits until some of n bytes may pass, says how many, and whether all
// connections are to be cut behind them.
func (p *Proxy) admit(ctx context.Context, n int, fromServer bool) (bite int, cut bool) {
	bite = n
	if w, _ := p.faults(); w.rate > 0 {
		bite = min(n, max(1, w.rate/int(time.Second/throttled)))
		pause(ctx, time.Duration(bite)*time.Second/time.Duration(w.rate))
	}
	p.await(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !fromServer || !p.now.cutting {
		return bite, false
	}
	bite = min(bite, p.now.left)
	p.now.left -= bite
	if p.now.left == 0 {
		p.now.cutting, cut = false, true
	}
	return bite, cut
}

// await waits for the end of a black hole; false when the connection ends
// before.
func (p *Proxy) await(ctx context.Context) bool {
	for ctx.Err() == nil {
		w, changed := p.faults()
		if !w.blackHole {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return false
}

func (p *Proxy) faults() (weather, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now, p.changed
}

func (p *Proxy) write(ctx context.Context, c *passage, to *net.TCPConn, b []byte, fromServer bool) bool {
	if ctx.Err() != nil {
		return false
	}
	p.mu.Lock()
	discard := fromServer && c.silenced
	p.mu.Unlock()
	if discard {
		return true
	}
	_, err := to.Write(b)
	return err == nil
}

func (p *Proxy) silence(c *passage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.silenced = true
}

func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (p *Proxy) close() {
	p.end()
	p.Refuse()
	p.Cut()
	p.running.Wait()
}
