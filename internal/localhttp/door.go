package localhttp

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/trouble"
)

const (
	// maxConnections is a part of the descriptors that are not for agents.
	maxConnections = 192
	// grace is how long each connection has, once the server reads from it,
	// before it may be closed for another one: enough for a program that asks at
	// once. So strangers need at least this time to replace all connections, and
	// beyond some 10,000 connections a second they wait in the kernel's queue
	// with everybody else.
	grace = 15 * time.Millisecond
	// quiet is how long there must be no trouble before it is logged again.
	quiet = time.Minute
)

// door is a listener that accepts everybody at once, and keeps a bounded number
// of connections.
type door struct {
	net.Listener
	log     *zap.Logger
	closing chan struct{}
	once    sync.Once

	// Of Accept, which one goroutine calls.
	crowded, starved episode

	mu      sync.Mutex
	waiting list.List // visitors whose request has not come, or not completely, the longest first
	serving list.List // visitors whose request is being answered, the longest first
}

// visitor is a connection. It belongs to one list of the door until it is
// closed.
type visitor struct {
	net.Conn
	door *door

	// Guarded by the door's lock.
	in    *list.List // nil when it has left
	at    *list.Element
	since time.Time // it came into that list; zero for a new one that was not read from
}

func newDoor(l net.Listener, log *zap.Logger) *door {
	return &door{Listener: l, log: log, closing: make(chan struct{})}
}

// Close implements net.Listener.
func (d *door) Close() error {
	d.once.Do(func() { close(d.closing) })
	return d.Listener.Close()
}

// Accept implements net.Listener. Without descriptors it takes one from a
// waiting connection, or keeps trying; http.Server would keep trying, too, but
// log it every second.
func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		switch {
		case err == nil && d.makeRoom():
			return d.enter(c), nil
		case err == nil:
			_ = c.Close()
			return nil, net.ErrClosed
		case !trouble.OutOfFiles(err):
			return nil, err
		}
		if d.starved.begins() {
			d.log.Error("http server has no descriptor for a connection; it keeps trying", trouble.NoFiles.Fields(err)...)
		}
		d.dismissIdle()
		d.pause(grace)
	}
}

// makeRoom returns when one more may enter; false means that the door is being
// closed. It waits until the connection to be closed has had its grace.
func (d *door) makeRoom() bool {
	for {
		full, rest := d.dismiss()
		switch {
		case !full:
			return !d.closed()
		case rest > 0:
			if !d.pause(rest) {
				return false
			}
		case d.crowded.begins():
			d.log.Warn("http server has as many connections as it keeps; each new one closes the one that has been idle or served longest", zap.Int("connections", maxConnections))
		}
	}
}

// dismiss closes a connection when there are as many as allowed; rest is how
// long that has to wait. It takes one of the larger group, waiting or served,
// so that an attack of one kind costs connections of that kind.
func (d *door) dismiss() (full bool, rest time.Duration) {
	d.mu.Lock()
	if d.waiting.Len()+d.serving.Len() < maxConnections {
		d.mu.Unlock()
		return false, 0
	}
	from := &d.waiting
	if from.Len() < d.serving.Len() {
		from = &d.serving
	}
	v := from.Front().Value.(*visitor)
	if rest = v.rest(); rest > 0 {
		d.mu.Unlock()
		return true, rest
	}
	v.leave()
	d.mu.Unlock()
	_ = v.Conn.Close()
	return true, 0
}

// dismissIdle closes the connection that has waited longest without a request.
func (d *door) dismissIdle() {
	d.mu.Lock()
	first := d.waiting.Front()
	d.mu.Unlock()
	if first != nil {
		_ = first.Value.(*visitor).Close()
	}
}

// clear closes connections without a request: nothing has to be finished for
// them.
func (d *door) clear() {
	_ = d.Close() // nobody enters any more
	d.mu.Lock()
	var all []*visitor
	for at := d.waiting.Front(); at != nil; at = at.Next() {
		all = append(all, at.Value.(*visitor))
	}
	d.mu.Unlock()
	for _, v := range all {
		_ = v.Close()
	}
}

func (d *door) closed() bool {
	select {
	case <-d.closing:
		return true
	default:
		return false
	}
}

// pause waits, and returns false when the door is being closed.
func (d *door) pause(long time.Duration) bool {
	t := time.NewTimer(long)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-d.closing:
		return false
	}
}

func (d *door) enter(c net.Conn) *visitor {
	v := &visitor{Conn: c, door: d}
	d.mu.Lock()
	defer d.mu.Unlock()
	v.put(&d.waiting)
	v.since = time.Time{}
	return v
}

// rest returns what is left of the grace; the door's lock is held. The time
// until the server first reads does not count.
func (v *visitor) rest() time.Duration {
	if v.since.IsZero() {
		return grace
	}
	return grace - time.Since(v.since)
}

// Read implements net.Conn.
func (v *visitor) Read(p []byte) (int, error) {
	v.door.mu.Lock()
	if v.since.IsZero() {
		v.since = time.Now()
	}
	v.door.mu.Unlock()
	return v.Conn.Read(p)
}

// put is called with the door's lock held.
func (v *visitor) put(in *list.List) {
	v.in, v.at, v.since = in, in.PushBack(v), time.Now()
}

// leave is called with the door's lock held.
func (v *visitor) leave() {
	if v.in != nil {
		v.in.Remove(v.at)
		v.in = nil
	}
}

// serve moves a visitor that has not left to those that are served.
func (v *visitor) serve() {
	v.door.mu.Lock()
	defer v.door.mu.Unlock()
	if v.in != nil {
		v.in.Remove(v.at)
		v.put(&v.door.serving)
	}
}

// Close implements net.Conn.
func (v *visitor) Close() error {
	v.door.mu.Lock()
	v.leave()
	v.door.mu.Unlock()
	return v.Conn.Close()
}

type visitorKey struct{}

// remember lets follow know whose request it is (ConnContext of http.Server).
func remember(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, visitorKey{}, c)
}

// follow notes that a whole request has come; http.StateActive would not do,
// because one byte of a request is enough for that.
func (d *door) follow(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v, ok := r.Context().Value(visitorKey{}).(*visitor); ok {
			v.serve()
		}
		next.ServeHTTP(w, r)
	})
}

// episode is trouble that is logged once for as long as it goes on.
type episode struct{ last time.Time }

func (e *episode) begins() bool {
	before := e.last
	e.last = time.Now()
	return e.last.Sub(before) > quiet
}
