package embedded

import (
	"crypto/subtle"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

const (
	minBeat = 100 * time.Millisecond
	maxBeat = 24 * time.Hour // so that no number of a peer overflows the arithmetic
)

// conn is one client. Its serve goroutine reads and acts, its deliver
// goroutine writes.
type conn struct {
	broker *Broker
	net    net.Conn
	log    *zap.Logger
	number uint64
	in     *framing.Reader
	watch  *watchedReader
	out    *frameWriter
	v12    bool

	// Guarded by broker.mu.
	outbox
	subscriptions map[string]*subscription
	temporaries   map[string]string // the client's name to the broker's
}

// newConn is called with the broker's lock held.
func newConn(b *Broker, nc net.Conn) *conn {
	b.lastConn++
	watch := &watchedReader{Conn: nc}
	return &conn{
		broker: b, net: nc, number: b.lastConn, watch: watch,
		log:           b.log.With(zap.Uint64("connection", b.lastConn), zap.Stringer("remote", nc.RemoteAddr())),
		in:            framing.NewStrict(watch),
		out:           newFrameWriter(nc, b.limits.write),
		outbox:        newOutbox(),
		subscriptions: map[string]*subscription{},
		temporaries:   map[string]string{},
	}
}

// serve owns the connection from CONNECT to the closed socket.
func (c *conn) serve() {
	defer c.broker.forget(c)
	beat, err := c.connect()
	if err != nil {
		c.refuse(err)
		return
	}
	c.broker.workers.Go(func() { c.deliver(beat) })
	receipt, err := c.listen()
	c.leave(receipt, err)
	<-c.delivered
	c.linger()
}

func (b *Broker) forget(c *conn) {
	_ = c.net.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.conns, c)
}

// connect reads CONNECT and answers it. It returns how often the client wants
// to hear from the broker, 0 for never.
func (c *conn) connect() (time.Duration, error) {
	_ = c.net.SetReadDeadline(time.Now().Add(c.broker.limits.connect))
	f, err := read(c.in, 0)
	if err != nil {
		return 0, err
	}
	if f.Command != frame.CONNECT && f.Command != frame.STOMP {
		return 0, framing.Faultf("not connected: the first frame must be CONNECT")
	}
	version, err := chooseVersion(f.Header.Get(frame.AcceptVersion))
	if err != nil {
		return 0, err
	}
	if !c.broker.options.admits(f.Header.Get(frame.Login), f.Header.Get(frame.Passcode)) {
		c.log.Warn("embedded broker refused a login; check broker.username and its password in the client")
		return 0, framing.Faultf("user name or password is invalid")
	}
	fromClient, toClient, err := heartBeats(f.Header)
	if err != nil {
		return 0, err
	}
	c.v12 = version == "1.2"
	_ = c.net.SetReadDeadline(time.Time{})
	c.watch.silence = 2 * fromClient
	return toClient, c.out.writeNow(frame.New(frame.CONNECTED,
		frame.Version, version,
		frame.Session, c.broker.id+"-"+strconv.FormatUint(c.number, 10),
		frame.Server, framing.BuiltIn,
		frame.HeartBeat, milliseconds(toClient)+","+milliseconds(fromClient)))
}

func chooseVersion(accepted string) (string, error) {
	best := ""
	for v := range strings.SplitSeq(accepted, ",") {
		if v = strings.TrimSpace(v); (v == "1.1" || v == "1.2") && v > best {
			best = v
		}
	}
	if best == "" {
		return "", framing.Faultf("supported protocol versions are 1.1 and 1.2")
	}
	return best, nil
}

func (o Options) admits(login, passcode string) bool {
	if !o.wantsLogin() {
		return true
	}
	name := subtle.ConstantTimeCompare([]byte(o.Username), []byte(login)) == 1
	return o.Password.Equal(gc.NewSecret(passcode)) && name
}

// heartBeats agrees to what the client offers and wants, as ActiveMQ does,
// within minBeat and maxBeat.
func heartBeats(h *frame.Header) (fromClient, toClient time.Duration, err error) {
	value, ok := h.Contains(frame.HeartBeat)
	if !ok {
		return 0, 0, nil
	}
	if fromClient, toClient, err = frame.ParseHeartBeat(value); err != nil {
		return 0, 0, framing.Faultf("heart-beat is not two numbers of milliseconds")
	}
	return clampBeat(fromClient), clampBeat(toClient), nil
}

func clampBeat(d time.Duration) time.Duration {
	if d == 0 {
		return 0
	}
	return min(max(d, minBeat), maxBeat)
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// refuse ends a connection that has not got past CONNECT.
func (c *conn) refuse(err error) {
	f, ok := errors.AsType[*framing.Fault](err)
	if !ok {
		return
	}
	if c.out.writeNow(errorFrame(f, "")) == nil {
		c.linger()
	}
}

// listen acts on frames until DISCONNECT (nil error), a fault or the end of the
// connection. It returns the receipt that the last frame asked for.
func (c *conn) listen() (receipt string, err error) {
	for {
		f, err := read(c.in, c.broker.limits.body)
		if err != nil {
			return "", err
		}
		receipt := f.Header.Get(frame.Receipt)
		if f.Command == frame.DISCONNECT {
			return receipt, nil
		}
		if err := c.act(f); err != nil {
			return receipt, err
		}
		if receipt != "" && !c.answer(receiptFrame(receipt)) {
			return "", io.ErrClosedPipe
		}
	}
}

func (c *conn) act(f *frame.Frame) error {
	if _, ok := f.Header.Contains(frame.Transaction); ok {
		return framing.Faultf("transactions are not supported")
	}
	b := c.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	switch f.Command {
	case frame.SEND:
		return b.send(c, f)
	case frame.SUBSCRIBE:
		return b.subscribe(c, f.Header)
	case frame.UNSUBSCRIBE:
		return b.unsubscribe(c, f.Header.Get(frame.Id))
	case frame.ACK, frame.NACK:
		return b.acknowledge(c, f)
	default:
		return framing.Faultf("unexpected frame")
	}
}

// leave gives back what the connection held and queues its last frame.
func (c *conn) leave(receipt string, err error) {
	c.broker.detach(c)
	f, isFault := errors.AsType[*framing.Fault](err)
	switch {
	case isFault:
		c.log.Info("embedded broker closes a connection after a protocol fault", zap.String("fault", f.Text))
		c.finish(errorFrame(f, receipt))
	case err == nil && receipt != "":
		c.finish(receiptFrame(receipt))
	case err == nil:
		c.finish(nil)
	default:
		_ = c.net.Close() // nobody reads any more: free a waiting writer
		c.finish(nil)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.log.Info("embedded broker closes a connection that missed its heart-beats")
		}
	}
}

// linger closes so that the peer can read the last frame: to close while input
// is unread would reset the connection and discard that frame.
func (c *conn) linger() {
	half, ok := c.net.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.net.SetReadDeadline(time.Now().Add(c.broker.limits.linger))
	_, _ = io.Copy(io.Discard, c.net)
}

func receiptFrame(id string) *frame.Frame { return frame.New(frame.RECEIPT, frame.ReceiptId, id) }

func errorFrame(f *framing.Fault, receipt string) *frame.Frame {
	e := frame.New(frame.ERROR, frame.Message, f.Text, frame.Version, "1.1,1.2", frame.ContentType, "text/plain")
	if receipt != "" {
		e.Header.Add(frame.ReceiptId, receipt)
	}
	e.Body = []byte(f.Text)
	return e
}
