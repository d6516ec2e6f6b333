package broker

import (
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// writeTimeout bounds one write to the socket: a broker that stopped reading
// is as good as dead.
const writeTimeout = 5 * time.Second

// socket is a TCP connection on which no read or write waits for ever.
//
// ActiveMQ leaves Nagle's algorithm on, and together with Linux' delayed
// acknowledgement everything that has more than one message on the way stalls
// for 42 ms (ActiveMQ 5.17 measured). Linux forgets TCP_QUICKACK after a
// while, so each Read sets it again.
type socket struct {
	*net.TCPConn
	raw     syscall.RawConn
	silence atomic.Int64 // time.Duration that Read waits, 0 for ever
	until   time.Time    // Read waits no longer; zero for no such limit. The reader's.
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

func (s *socket) Read(p []byte) (int, error) {
	until := s.until
	if d := time.Duration(s.silence.Load()); d > 0 {
		if quiet := time.Now().Add(d); until.IsZero() || quiet.Before(until) {
			until = quiet
		}
	}
	if err := s.SetReadDeadline(until); err != nil {
		return 0, err
	}
	n, err := s.TCPConn.Read(p)
	if err == nil {
		err = s.raw.Control(quickAck)
	}
	return n, err
}

func (s *socket) Write(p []byte) (int, error) {
	if err := s.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return s.TCPConn.Write(p)
}
