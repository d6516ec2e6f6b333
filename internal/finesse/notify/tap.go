package notify

import (
	"bytes"
	"errors"
	"net"
	"sync/atomic"
	"time"
)

// maxStanza bounds what the server may send as one stanza. An update about a
// dialog with 60 call variables is 30 KB on the wire.
const maxStanza = 1 << 20

var (
	errOversized = errors.New("the server sent more than 1 MiB in one stanza")
	errAbandoned = errors.New("nobody waits for this connection any more")
)

// tap sees what goes through the library's connection, as its debug output. An
// error from it about data received fails the library's read, which makes it
// the place for the limit on a stanza and the end of an abandoned attempt; data
// received while a stanza is awaited is a sign of life and moves the deadline.
//
// What is received passes it in one goroutine at a time: that of the attempt,
// then that of the stream's reader. What is sent passes it in any.
type tap struct {
	gone      <-chan struct{} // the attempt was abandoned
	deadAfter time.Duration
	conn      net.Conn // nil while connecting
	received  int      // since the last stanza
	// recent is the last that was received: while connecting, and while keep
	// is set by those who wait for an answer.
	recent []byte
	keep   atomic.Bool
}

// mark is how the library tells what came in from what goes out.
var mark = []byte("RECV: ")

// recentBytes is room for a stanza and for what the library, which reads 4 KiB
// at a time, has already read behind it.
const recentBytes = 8 << 10

// Write implements io.Writer for the library.
func (t *tap) Write(p []byte) (int, error) {
	data, ok := bytes.CutPrefix(p, mark)
	if !ok {
		return len(p), nil
	}
	if t.received += len(data); t.received > maxStanza {
		return 0, errOversized
	}
	t.remember(data)
	if t.conn != nil {
		return len(p), t.conn.SetReadDeadline(time.Now().Add(t.deadAfter))
	}
	select {
	case <-t.gone:
		return 0, errAbandoned
	default:
	}
	return len(p), nil
}

// remember leaves out the line feed that the library puts behind what it
// received.
func (t *tap) remember(data []byte) {
	if t.conn != nil && !t.keep.Load() {
		t.recent = nil
		return
	}
	t.recent = append(t.recent, bytes.TrimSuffix(data, []byte("\n"))...)
	t.recent = t.recent[max(0, len(t.recent)-recentBytes):]
}

// use starts the deadlines.
func (t *tap) use(conn net.Conn) { t.conn, t.recent = conn, nil }

// awaitStanza starts a new count and a new deadline.
func (t *tap) awaitStanza() error {
	t.received = 0
	return t.conn.SetReadDeadline(time.Now().Add(t.deadAfter))
}
