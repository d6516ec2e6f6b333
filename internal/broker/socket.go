package broker

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
)

// writeTimeout bounds one write to the socket: a broker that has stopped
// reading is as good as dead.
const writeTimeout = 5 * time.Second

// A frame has to come at minRate or faster, whatever its size up to maxFrame,
// which is more than ActiveMQ sends (wireFormat.maxFrameSize, 100 MB): a long
// frame may take long over a slow line; one that drips is given up.
const (
	minRate  = 16 << 10 // bytes a second
	maxFrame = 128 << 20
)

var errSlow = framing.Faultf("a frame was begun and did not come to its end in time")

// socket is a TCP connection on which no read or write waits for ever.
//
// ActiveMQ leaves Nagle's algorithm on, and with Linux's delayed
// acknowledgement any exchange with more than one message on the way stalls for
// 42 ms (ActiveMQ 5.17 measured). Linux forgets TCP_QUICKACK after a while, so
// each Read sets it again.
type socket struct {
	*net.TCPConn
	raw     syscall.RawConn
	silence atomic.Int64 // time.Duration that Read waits, 0 for ever

	within atomic.Bool // a frame, between begin and end
	// Of that frame; the reader's.
	begun    time.Time
	patience time.Duration
	bytes    int64
}

func newSocket(tcp *net.TCPConn, silence time.Duration) (*socket, error) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &socket{TCPConn: tcp, raw: raw}
	s.silence.Store(int64(silence))
	return s, nil
}

// begin makes Read give up, with errSlow, when the frame that begins now comes
// more slowly than minRate, or nothing of it comes for as long as patience.
func (s *socket) begin(patience time.Duration) {
	s.begun, s.patience, s.bytes = time.Now(), patience, 0
	s.within.Store(true)
}

func (s *socket) end() { s.within.Store(false) }

// unlessWithin returns the rest of a wait, and a little more while a frame is
// coming.
func (s *socket) unlessWithin(rest time.Duration) time.Duration {
	if s.within.Load() {
		return max(rest, 100*time.Millisecond)
	}
	return rest
}

func (s *socket) Read(p []byte) (int, error) {
	until, ofFrame := s.until()
	if err := s.SetReadDeadline(until); err != nil {
		return 0, err
	}
	n, err := s.TCPConn.Read(p)
	s.bytes += int64(n)
	switch {
	case ofFrame && errors.Is(err, os.ErrDeadlineExceeded), s.within.Load() && s.bytes > maxFrame:
		return n, errSlow
	case err == nil:
		err = s.raw.Control(quickAck)
	}
	return n, err
}

// until returns when Read gives up, zero for never, and whether the frame is the
// reason.
func (s *socket) until() (at time.Time, ofFrame bool) {
	now := time.Now()
	if d := time.Duration(s.silence.Load()); d > 0 {
		at = now.Add(d)
	}
	if !s.within.Load() {
		return at, false
	}
	due := s.begun.Add(s.patience + time.Duration(s.bytes)*time.Second/minRate)
	if still := now.Add(s.patience); still.Before(due) {
		due = still
	}
	if at.IsZero() || due.Before(at) {
		return due, true
	}
	return at, false
}

func (s *socket) Write(p []byte) (int, error) {
	if err := s.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return s.TCPConn.Write(p)
}
