package embedded

import (
	"bufio"
	"errors"
	"net"
	"os"
	"slices"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
	"go.uber.org/zap"
)

// batchSize is how many messages leave the outbox at a time. An
// auto-acknowledging consumer can lose so many with its connection, besides
// what the socket buffers hold.
const batchSize = 64

// outbox is what waits to be written to one connection. Answers overtake
// messages.
type outbox struct {
	answers      []*frame.Frame
	backlog      []*delivery
	topicCount   int // topic messages in backlog
	topicBytes   int
	topicDropped int
	last         bool // nothing will be added

	wakeup    chan struct{} // something was added
	room      chan struct{} // answers were taken
	delivered chan struct{} // closed when deliver has ended
}

func newOutbox() outbox {
	return outbox{wakeup: make(chan struct{}, 1), room: make(chan struct{}, 1), delivered: make(chan struct{})}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// answer queues f and waits while too many answers are unread, so that a peer
// that only sends is slowed down instead of filling memory. It returns false
// when the connection has ended.
func (c *conn) answer(f *frame.Frame) bool {
	c.broker.mu.Lock()
	c.answers = append(c.answers, f)
	waiting := len(c.answers)
	c.broker.mu.Unlock()
	signal(c.wakeup)
	for waiting >= c.broker.limits.answers {
		select {
		case <-c.room:
		case <-c.delivered:
			return false
		}
		c.broker.mu.Lock()
		waiting = len(c.answers)
		c.broker.mu.Unlock()
	}
	return true
}

// finish queues the last frame, if any, and lets deliver end after it.
func (c *conn) finish(f *frame.Frame) {
	c.broker.mu.Lock()
	if f != nil {
		c.answers = append(c.answers, f)
	}
	c.last = true
	c.broker.mu.Unlock()
	signal(c.wakeup)
}

// enqueue adds a message; called with the lock held. Topic messages beyond the
// bound push out the oldest topic messages of this connection.
func (c *conn) enqueue(d *delivery) {
	c.backlog = append(c.backlog, d)
	signal(c.wakeup)
	if d.sub.queue != nil {
		return
	}
	c.topicCount++
	c.topicBytes += d.msg.size
	l := c.broker.limits
	for c.topicCount > 1 && (c.topicCount > l.backlog || c.topicBytes > l.backlogBytes) {
		c.dropOldest()
	}
}

func (c *conn) dropOldest() {
	i := slices.IndexFunc(c.backlog, func(d *delivery) bool { return d.sub.queue == nil })
	c.topicCount--
	c.topicBytes -= c.backlog[i].msg.size
	c.backlog = slices.Delete(c.backlog, i, i+1)
	if c.topicDropped++; c.topicDropped == 1 {
		c.log.Warn("a topic subscriber does not read fast enough and loses its oldest messages")
	}
}

// withdraw removes what waits for s; called with the lock held.
func (c *conn) withdraw(s *subscription) {
	c.backlog = slices.DeleteFunc(c.backlog, func(d *delivery) bool {
		if d.sub == s && s.queue == nil {
			c.topicCount--
			c.topicBytes -= d.msg.size
		}
		return d.sub == s
	})
}

// take moves the next frames out of the outbox; empty reports whether it is
// empty now, last whether it will stay so.
func (c *conn) take() (frames []*frame.Frame, empty, last bool) {
	b := c.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	frames, c.answers = c.answers, nil
	signal(c.room)
	now := time.Now()
	batch := c.backlog[:min(len(c.backlog), batchSize)]
	c.backlog = c.backlog[len(batch):]
	for i, d := range batch {
		batch[i] = nil
		if d.sub.queue == nil {
			c.topicCount--
			c.topicBytes -= d.msg.size
		}
		if f := b.hand(d, now); f != nil {
			frames = append(frames, f)
		}
	}
	empty = len(c.backlog) == 0
	return frames, empty, empty && c.last
}

// deliver writes what the outbox holds until finish, or until a write fails.
func (c *conn) deliver(beat time.Duration) {
	defer close(c.delivered)
	var tick <-chan time.Time
	if beat > 0 {
		// Checked twice per interval, so that the silence on the wire
		// never exceeds it.
		t := time.NewTicker(beat / 2)
		defer t.Stop()
		tick = t.C
	}
	for quiet := false; ; {
		frames, empty, last := c.take()
		quiet = quiet && len(frames) == 0
		err := c.out.write(frames)
		if err == nil && empty {
			err = c.out.flush()
		}
		if err != nil {
			c.abandon(err)
			return
		}
		if last {
			return
		}
		if !empty {
			continue
		}
		select {
		case <-c.wakeup:
		case <-tick:
			if quiet {
				err = c.out.writeNow(nil)
			}
			if err != nil {
				c.abandon(err)
				return
			}
			quiet = true
		}
	}
}

// abandon closes after a failed write, which ends the reading side as well.
func (c *conn) abandon(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.log.Warn("embedded broker closes a connection that does not read")
	}
	_ = c.net.Close()
}

// logDropped logs the total once the connection is over.
func (c *conn) logDropped() {
	if c.topicDropped > 0 {
		c.log.Warn("a slow topic subscriber has left", zap.Int("messages_lost", c.topicDropped))
	}
}

// frameWriter batches frames into few socket writes, each with a deadline.
type frameWriter struct {
	socket  deadlineWriter
	buffer  *bufio.Writer
	encoder *frame.Writer
}

type deadlineWriter struct {
	net     net.Conn
	timeout time.Duration
}

func (w deadlineWriter) Write(p []byte) (int, error) {
	_ = w.net.SetWriteDeadline(time.Now().Add(w.timeout))
	return w.net.Write(p)
}

func newFrameWriter(nc net.Conn, timeout time.Duration) *frameWriter {
	w := &frameWriter{socket: deadlineWriter{nc, timeout}}
	w.buffer = bufio.NewWriterSize(w.socket, 16<<10)
	// frame.Writer flushes after each frame, and would flush this buffer
	// too if it could see that it is one.
	w.encoder = frame.NewWriter(struct{ *bufio.Writer }{w.buffer})
	return w
}

func (w *frameWriter) write(frames []*frame.Frame) error {
	for _, f := range frames {
		if err := w.encoder.Write(f); err != nil {
			return err
		}
	}
	return nil
}

func (w *frameWriter) flush() error { return w.buffer.Flush() }

// writeNow writes one frame, nil for a heart-beat.
func (w *frameWriter) writeNow(f *frame.Frame) error {
	if err := w.encoder.Write(f); err != nil {
		return err
	}
	return w.flush()
}
