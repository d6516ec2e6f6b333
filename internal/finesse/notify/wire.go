package notify

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/finesse/legible"
)

// maxStanza bounds what the server may send as one stanza. An update about a
// dialog with 60 call variables is 30 KB on the wire.
const maxStanza = 1 << 20

// wholeStanza is how many times DeadAfter the server may take over a stanza. It
// is much for a slow line: 10 KB/s for the largest, and a ping is asked for
// several times meanwhile.
const wholeStanza = 10

var (
	errOversized   = errors.New("the server sent more than 1 MiB in one stanza")
	errUnfinished  = errors.New("the server sent bytes and no whole stanza")
	errServerEnded = errors.New("the server ended the stream")
)

// wire is the connection that the library is given. It bounds a stanza in size
// and time, takes data received for a sign of life, and keeps the deadlines to
// this package: the library sets its own when a context ends, and clears them
// again.
//
// What is received passes it in one goroutine at a time: that of the attempt,
// then that of the stream's reader. What is sent passes it in any.
type wire struct {
	net.Conn          // TCP, or TLS on it
	raw      net.Conn // TCP

	deadAfter time.Duration // 0 while connecting, where one deadline is for all
	received  int           // since the last stanza
	whole     time.Time     // when the next stanza must have come; none while connecting
	failure   error         // of the last read; the library may show another one
}

// Read closes the connection when it fails, so that nothing is left that a
// write could wait for.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if w.received += n; err == nil && w.received > maxStanza {
		err = errOversized
	}
	switch {
	case w.whole.IsZero():
	case err == nil:
		err = w.limitReads()
	case errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(w.whole):
		err = errUnfinished
	}
	if err != nil {
		w.failure = err
		w.cut()
	}
	return n, err
}

// awaitStanza starts a new count and new deadlines.
func (w *wire) awaitStanza() error {
	w.received, w.whole = 0, time.Now().Add(wholeStanza*w.deadAfter)
	return w.limitReads()
}

// limitReads lets the server be silent for deadAfter. One that sends a byte now
// and then, or blanks for ever, and never a stanza, has an end all the same.
func (w *wire) limitReads() error {
	now := time.Now()
	if !now.Before(w.whole) {
		return errUnfinished
	}
	until := now.Add(w.deadAfter)
	if w.whole.Before(until) {
		until = w.whole
	}
	return w.raw.SetReadDeadline(until)
}

// limitWrites sets a deadline, and fails only on a connection that is closed,
// which the next write reports.
func (w *wire) limitWrites(d time.Duration) { _ = w.raw.SetWriteDeadline(time.Now().Add(d)) }

// cut closes without the goodbye of TLS, which waits up to 5 s for a peer that
// has stopped reading.
func (w *wire) cut() { _ = w.raw.Close() } // there is nobody to tell, and nothing to do about it

// cause is why reading failed, given what the library says.
func (w *wire) cause(err error) error {
	switch {
	case w.failure != nil && !errors.Is(w.failure, io.EOF):
		return w.failure
	case w.failure == nil && errors.Is(err, io.EOF):
		return errServerEnded
	}
	return err
}

// text is a connection whose characters can all be read: one that XML has no place for
// is not to cost the agent the stream. What was read of it passes one goroutine at a
// time, as with wire.
type text struct {
	net.Conn
	legible  *legible.Reader
	replaced int // characters that nobody has asked about
}

func newText(conn net.Conn) *text {
	t := &text{Conn: conn}
	t.legible = legible.NewReader(conn, func(n int) { t.replaced += n })
	return t
}

func (t *text) Read(p []byte) (int, error) { return t.legible.Read(p) }

// takeReplaced is how many characters were replaced since it was asked last.
func (t *text) takeReplaced() int {
	n := t.replaced
	t.replaced = 0
	return n
}

// The library's deadlines have no effect; see wire.

func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
