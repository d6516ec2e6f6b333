package broker

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-stomp/stomp/v3/frame"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
)

// A message that its sender made so that ActiveMQ writes no frame of it (see
// package framing) ends the connection, and would come back on the next one for
// ever. A sieve finds it there whatever it looks like, and puts it aside.
//
// Its subscription has a prefetch of one. After a message has come, BEGIN asks
// for a receipt: all that the broker writes before that receipt is of this one
// message. If it was a frame, ACK in the transaction lets the next message come,
// and COMMIT ends it at the broker when the command is answered; what is not
// answered when the connection ends comes back as ever. (ActiveMQ 5.17 measured:
// an acknowledgement in a transaction extends the prefetch.) If it was none, the
// message is acknowledged by each of the ids that stand in it until the broker
// takes one.
//
// All but settle is called from the reader goroutine.
type sieve struct {
	take    func(*Delivery)
	options *Options
	calm    time.Duration // without such a message, after which it is no longer needed
	last    string        // id by which a message was acknowledged last

	conn *conn
	seen seen
	held incoming // waits for its proof
	// transaction and receipt are of the message that is being proved, "" when
	// there is none.
	transaction, receipt string

	mu       sync.Mutex
	found    time.Time // when a message was put aside, at first when the sieve was made
	open     int       // messages that are not answered
	withheld *frame.Frame
}

// skipTimeout bounds the time for what a message is made of that is no frame.
const skipTimeout = time.Minute

var (
	errStuck = errors.New("a message that is no STOMP frame cannot be acknowledged")
	errCalm  = errors.New("the sieve is not needed any more")
)

// onto names the connection that the sieve is for.
func (s *sieve) onto(c *conn) {
	if s != nil {
		s.conn = c
	}
}

// watch makes the sieve see all that is read from the broker.
func (s *sieve) watch(stream io.Reader) io.Reader {
	if s == nil {
		return stream
	}
	return io.TeeReader(stream, &s.seen)
}

// message takes one that may be a frame.
func (s *sieve) message(f incoming) error {
	if s.receipt != "" || f.Header.Get(frame.Ack) == "" {
		return framing.Faultf("a message has another in it, or nothing to acknowledge it by")
	}
	s.held = f
	s.prove()
	return nil
}

func (s *sieve) prove() {
	s.transaction = s.conn.newID()
	begin := frame.New(frame.BEGIN, frame.Transaction, s.transaction)
	if s.conn.send(begin, s.proved) == nil { // else the connection is over
		s.receipt = begin.Header.Get(frame.Receipt)
	}
}

// proved passes the message on.
func (s *sieve) proved(err error) {
	f, transaction := s.held, s.transaction
	s.held, s.transaction, s.receipt = incoming{}, "", ""
	switch {
	case errors.Is(err, errLost):
		return
	case err != nil:
		s.conn.fail(fmt.Errorf("begin a transaction: %w", err))
		return
	}
	s.seen.forget()
	d := newDelivery(s.options, f)
	s.last = f.Header.Get(frame.Ack)
	ack := frame.New(frame.ACK, frame.Id, s.last, frame.Transaction, transaction)
	d.settle = func() { s.settle(transaction) }
	s.mu.Lock()
	if s.open++; s.open < Prefetch {
		s.conn.post(ack)
	} else {
		s.withheld = ack // or more would wait for their answers than ever do
	}
	s.mu.Unlock()
	s.take(d)
}

// settle ends a message that is answered. From any goroutine.
func (s *sieve) settle(transaction string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	if s.withheld != nil { // it may be the one that is settled
		s.conn.post(s.withheld)
		s.withheld = nil
	}
	s.conn.post(frame.New(frame.COMMIT, frame.Transaction, transaction))
}

// broken puts the message aside that was no frame for the reason given, and
// returns an error when the connection cannot go on.
func (s *sieve) broken(why error) error {
	var fault *framing.Fault
	var said *ServerError // which a message can forge
	if !errors.As(why, &fault) && !errors.As(why, &said) {
		return why
	}
	if s.receipt == "" {
		s.prove()
	}
	transaction, receipt := s.transaction, s.receipt
	s.held, s.transaction, s.receipt = incoming{}, "", ""
	s.conn.forget(receipt)
	s.conn.socket.until = time.Now().Add(skipTimeout)
	err := s.conn.reader.SkipPast(frame.ReceiptId + ":" + receipt)
	s.conn.socket.until = time.Time{}
	if err != nil {
		return fmt.Errorf("%w, and no receipt followed: %w", why, err)
	}
	ids, size := s.seen.ids, s.seen.size
	s.seen.forget()
	nearestFirst(ids, s.last)
	s.putAside(transaction, ids, &Delivery{Broken: why, Size: int(min(size, math.MaxInt32))})
	return nil
}

// putAside acknowledges the message by one of the ids, of which one is its own:
// in a transaction as all others, or the broker would count the next of those
// that are not answered against the prefetch (ActiveMQ 5.17 measured).
func (s *sieve) putAside(transaction string, ids []string, d *Delivery) {
	if len(ids) == 0 {
		s.conn.fail(fmt.Errorf("%w: %w", errStuck, d.Broken))
		return
	}
	ack := frame.New(frame.ACK, frame.Id, ids[0], frame.Transaction, transaction)
	_ = s.conn.send(ack, func(err error) {
		switch {
		case errors.Is(err, errLost):
		case err != nil:
			s.putAside(transaction, ids[1:], d)
		default:
			s.conn.post(frame.New(frame.COMMIT, frame.Transaction, transaction))
			s.last = ids[0]
			s.mu.Lock()
			s.found = time.Now()
			s.mu.Unlock()
			s.take(d)
		}
	})
}

// rest is how long the sieve is still needed.
func (s *sieve) rest() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calm - time.Since(s.found)
}

// nearestFirst sorts the ids by which a message may be acknowledged. ActiveMQ
// counts them, so that the one that follows the last is likely to be right, and
// a stranger who writes thousands into a message gains nothing.
func nearestFirst(ids []string, last string) {
	lastName, lastNumber := splitID(last)
	distance := func(id string) uint64 {
		name, number := splitID(id)
		if name != lastName || number <= lastNumber {
			return math.MaxUint64
		}
		return number - lastNumber
	}
	slices.SortStableFunc(ids, func(x, y string) int {
		switch dx, dy := distance(x), distance(y); {
		case dx < dy:
			return -1
		case dx > dy:
			return 1
		}
		return 0
	})
}

func splitID(id string) (name string, number uint64) {
	i := strings.LastIndexByte(id, ':')
	number, _ = strconv.ParseUint(id[i+1:], 10, 64)
	return id[:i+1], number
}

// seen collects the ids by which a message may be acknowledged from all that
// was read.
type seen struct {
	size int64 // bytes since forget
	ids  []string
	line []byte // begun, not longer than maxAckLine
}

const (
	maxAckLine = 512
	maxAcks    = 1000
)

func (s *seen) forget() { *s = seen{} }

// Write implements io.Writer.
func (s *seen) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	for rest := p; len(rest) > 0; {
		part, after, ended := bytes.Cut(rest, []byte("\n"))
		s.line = append(s.line, part[:min(len(part), maxAckLine-len(s.line))]...)
		if ended {
			s.note(string(s.line))
			s.line = s.line[:0]
		}
		rest = after
	}
	return len(p), nil
}

var unescapeHeader = strings.NewReplacer(`\\`, `\`, `\c`, ":", `\r`, "\r", `\n`, "\n")

func (s *seen) note(line string) {
	id, ok := strings.CutPrefix(line, frame.Ack+":")
	if !ok || len(line) == maxAckLine || len(s.ids) >= maxAcks {
		return
	}
	if id = unescapeHeader.Replace(id); !slices.Contains(s.ids, id) {
		s.ids = append(s.ids, id)
	}
}

// caution says how the next command connection is to be.
type caution struct {
	first time.Duration // firstCalm

	mu     sync.Mutex
	needed bool
	last   string        // see sieve
	calm   time.Duration // of the next sieve
	left   time.Time     // when the last one was not needed any more
}

// Messages are taken one at a time until none was put aside for firstCalm; twice
// as long when another comes within that time, and so on up to lastCalm: who
// sends one now and then does not cut the connection each time.
const (
	firstCalm = 5 * time.Second
	lastCalm  = 5 * time.Minute
)

// sieve is for the next connection, nil when none is needed.
func (k *caution) sieve(b *Broker, take func(*Delivery)) *sieve {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.needed {
		return nil
	}
	k.needed = false
	return &sieve{take: take, options: &b.options, calm: k.calm, last: k.last, found: time.Now()}
}

// ended notes why a command connection is over, and reports whether the next one
// is worth an attempt at once.
func (k *caution) ended(c *conn) (useful bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var fault *framing.Fault
	var said *ServerError
	why := c.reason()
	switch {
	case errors.Is(why, errCalm):
		k.left = time.Now()
		return true
	case c.sieve != nil || !errors.As(why, &fault) && !errors.As(why, &said):
		return false // a sieve that did not help is not tried twice in a row
	}
	if k.calm == 0 || time.Since(k.left) > k.calm {
		k.calm = k.first
	} else {
		k.calm = min(2*k.calm, lastCalm)
	}
	k.needed, k.last = true, c.lastAck
	return true
}
