package embedded

import (
	"net"
	"time"

	"github.com/go-stomp/stomp/v3/frame"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
)

// read returns the next frame and skips heart-beats. Only SEND may have a
// body, of at most maxBody bytes. The error is a *framing.Fault, which is sent
// to the peer before the connection closes, or the connection's.
func read(r *framing.Reader, maxBody int) (*frame.Frame, error) {
	f, err := r.Head()
	if err != nil {
		return nil, err
	}
	if f.Command != frame.SEND {
		maxBody = 0
	}
	return f, r.Body(f, maxBody)
}

// watchedReader gives every read of the socket the deadline that the
// negotiated heart-beat allows; anything that arrives counts as a beat.
type watchedReader struct {
	net.Conn
	silence time.Duration // 0: no heart-beat was agreed on
}

func (w *watchedReader) Read(p []byte) (int, error) {
	if w.silence > 0 {
		_ = w.SetReadDeadline(time.Now().Add(w.silence))
	}
	return w.Conn.Read(p)
}
