package broker

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-stomp/stomp/v3/frame"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
)

// A message crafted so that what ActiveMQ writes is no frame (see package
// framing) ends the connection, and would come back on the next one for ever. A
// sieve finds it there, whatever it looks like, and puts it aside.
//
// Its subscription has a prefetch of one. After a message has come, BEGIN asks
// for a receipt: all that the broker writes before that receipt belongs to this
// one message. Then ACK in the transaction lets the next message come: by the
// message's own id if it was a frame, else by each of the ids that stand in it
// until the broker accepts one. (ActiveMQ 5.17 measured: an acknowledgement in
// a transaction extends the prefetch by one.) The broker numbers the ids, so
// the one that follows the last it gave is likely to be right, and a stranger
// gains nothing by writing thousands into a message.
//
// Nothing is committed before the sieve is given up, because ActiveMQ now and
// then sends two messages at once while it commits (5.17 measured). Then what was
// answered or put aside is committed; the rest, or all of it if the connection is
// lost before, comes back as ever. So the next sieve takes only as many as came
// before the loss, if any was put aside: a message that the broker cannot write
// may stand behind them (see caution).
//
// All methods but settle, finish and rest are called from the reader goroutine.
type sieve struct {
	take    func(*Delivery)
	options *Options
	calm    time.Duration // without such a message: then the sieve is no longer needed

	conn *conn
	seen seen
	// suspects are the sums of messages that were no frames on earlier connections.
	// One that comes so again is put aside, and after it others at once (proven).
	suspects map[uint64]bool
	proven   bool
	limit    int           // of messages
	taken    int           // messages, so far
	aside    int           // those of them that were put aside
	spent    chan struct{} // closed when it has taken as many as it may
	held     incoming      // waits for its proof
	// transaction and receipt belong to the message that is being proved, ""
	// when there is none.
	transaction, receipt string

	ending atomic.Pointer[string] // the receipt of DISCONNECT

	mu    sync.Mutex
	found time.Time // when a message was last put aside, or broke a connection
	done  []ended   // to commit
	hurry bool      // each is committed at once
}

// ended is a transaction of a message that is done with.
type ended struct {
	transaction string
	gone        func() // nil for what was put aside
}

const (
	skipTimeout = time.Minute          // for all bytes of a message that is no frame
	commitTime  = 2 * time.Millisecond // for each transaction
)

var (
	errForged  = errors.New("a message names a wrong id to acknowledge it by")
	errStuck   = errors.New("a message is not a STOMP frame, and no id in it acknowledges it")
	errSuspect = errors.New("a message is not a STOMP frame, and is checked once more")
	errTwo     = errors.New("the broker sends several messages where it was asked for one at a time")
	errCalm    = errors.New("the sieve is not needed any more")
	errSpent   = errors.New("the sieve has reached its limit")
)

// onto sets the connection that the sieve is for.
func (s *sieve) onto(c *conn) {
	if s != nil {
		s.conn = c
		s.seen = seen{secret: c.secret, last: c.places.last}
	}
}

// loggedIn begins the first message: what the broker says before differs each
// time.
func (s *sieve) loggedIn() {
	if s != nil {
		s.seen.forget()
	}
}

// watch shows the sieve all that is read from the broker.
func (s *sieve) watch(stream io.Reader) io.Reader {
	if s == nil {
		return stream
	}
	return io.TeeReader(stream, &s.seen)
}

// message takes a message that looks like a frame.
func (s *sieve) message(f incoming) error {
	if s.ending.Load() != nil { // it comes again, and must be recognized then
		s.take(newDelivery(s.options, f))
		return nil
	}
	if s.receipt != "" || f.Header.Get(frame.Ack) == "" {
		return framing.Faultf("a message has another in it, or nothing to acknowledge it by")
	}
	s.held = f
	s.prove()
	return nil
}

func (s *sieve) prove() {
	var begin *frame.Frame
	begin, s.transaction = s.conn.transaction()
	if s.conn.send(begin, s.proved) == nil { // else the connection is over
		s.receipt = begin.Header.Get(frame.Receipt)
	}
}

// proved acknowledges the message, and passes it on if the broker accepts that: a
// sender can write another id where the broker's should stand.
func (s *sieve) proved(err error) {
	f, transaction := s.held, s.transaction
	s.held, s.transaction, s.receipt = incoming{}, "", ""
	switch {
	case errors.Is(err, errLost):
		s.takeLast(f)
		return
	case err != nil:
		s.conn.fail(fmt.Errorf("begin a transaction: %w", err))
		return
	}
	d := newDelivery(s.options, f)
	if s.taken+1 == s.limit { // it comes again
		s.next()
		s.take(d)
		return
	}
	ids, ack := s.seen.nearest(), f.Header.Get(frame.Ack)
	s.seen.forget()
	if s.hurries() {
		s.passLate(d, ids, ack, transaction)
		return
	}
	_ = s.conn.send(frame.New(frame.ACK, frame.Id, ack, frame.Transaction, transaction), func(err error) {
		switch {
		case errors.Is(err, errLost):
			s.takeLast(f)
		case err != nil:
			s.forged(transaction, ids, d)
		default:
			s.conn.places.came(ack)
			s.next()
			d.settle = func(gone func()) { s.settle(transaction, gone) }
			s.take(d)
		}
	})
}

// passLate takes a message while the process stops. One that is answered already is
// acknowledged outside the transaction: the next message, which may end the
// connection, can come before a COMMIT counts, but not before such an ACK does.
func (s *sieve) passLate(d *Delivery, ids []string, ack, transaction string) {
	var mu sync.Mutex // so that no COMMIT overtakes the ACK
	var answered func()
	sent, f := false, frame.New(frame.ACK, frame.Id, ack)
	d.settle = func(gone func()) {
		mu.Lock()
		defer mu.Unlock()
		if sent {
			s.settle(transaction, gone)
		} else {
			answered = gone
		}
	}
	s.take(d)
	mu.Lock()
	defer mu.Unlock()
	if sent = true; answered == nil {
		f.Header.Add(frame.Transaction, transaction)
	}
	_ = s.conn.send(f, func(err error) {
		switch {
		case errors.Is(err, errLost):
		case err != nil:
			s.forged(transaction, ids, d)
		default:
			s.conn.places.came(ack)
			s.next()
			if answered != nil {
				answered()
			}
		}
	})
}

// forged puts aside a message that names another's id to acknowledge it by.
func (s *sieve) forged(transaction string, ids []string, d *Delivery) {
	s.proven = true
	s.putAside(transaction, ids, &Delivery{Broken: errForged, Size: d.Size})
}

// takeLast takes a message that was being proved when the sieve was given up: it comes
// again, and must be recognized then.
func (s *sieve) takeLast(f incoming) {
	if s.ending.Load() != nil {
		s.take(newDelivery(s.options, f))
	}
}

// next counts a message, and reports whether another may come.
func (s *sieve) next() bool {
	if s.taken++; s.taken == s.limit {
		close(s.spent)
	}
	return s.taken < s.limit
}

// settle notes that the command of a transaction is answered. gone is called when
// it is committed.
func (s *sieve) settle(transaction string, gone func()) {
	s.mu.Lock()
	s.done = append(s.done, ended{transaction, gone})
	hurry := s.hurry
	s.mu.Unlock()
	if hurry {
		s.commit()
	}
}

// hasten commits each command as soon as it is answered: the process stops, and
// another one would answer it once more.
func (s *sieve) hasten() {
	s.mu.Lock()
	s.hurry = true
	s.mu.Unlock()
	s.commit()
}

func (s *sieve) hurries() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hurry
}

// finish commits what is answered or was put aside, and returns how long the
// broker may take for it. Messages sent from then on come again on the next
// connection; its last word is a receipt.
func (s *sieve) finish(receipt string) (takes time.Duration) {
	if s == nil {
		return 0
	}
	s.ending.Store(&receipt)
	return s.commit()
}

func (s *sieve) commit() (takes time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, one := range s.done {
		commit := frame.New(frame.COMMIT, frame.Transaction, one.transaction)
		if i < len(s.done)-1 {
			s.conn.post(commit)
			continue
		}
		done := s.done // its receipt is for all
		_ = s.conn.send(commit, func(err error) {
			for _, one := range done {
				if err == nil && one.gone != nil {
					one.gone()
				}
			}
		})
	}
	takes = time.Duration(len(s.done)) * commitTime
	s.done = nil
	return takes
}

// broken puts aside the message that was no frame for the reason given, and
// returns an error when the connection cannot go on.
func (s *sieve) broken(why error) error {
	if !framing.IsFault(why) {
		return why
	}
	if ending := s.ending.Load(); ending != nil {
		err := s.conn.reader.SkipPast(frame.ReceiptId + ":" + *ending)
		s.conn.answer(*ending, err)
		return err
	}
	if s.receipt == "" {
		s.prove()
	}
	transaction, receipt := s.transaction, s.receipt
	s.held, s.transaction, s.receipt = incoming{}, "", ""
	s.conn.forget(receipt)
	s.conn.socket.begin(skipTimeout)
	err := s.conn.reader.SkipPast(frame.ReceiptId + ":" + receipt)
	s.conn.socket.end()
	if err != nil {
		return fmt.Errorf("%w, and no receipt followed: %w", why, err)
	}
	ids, size, messages, sum := s.seen.nearest(), s.seen.size, s.seen.messages, s.seen.sum
	for _, id := range s.seen.receipts { // of what was acknowledged before
		s.conn.answer(id, nil)
	}
	s.seen.forget()
	switch {
	case messages == 0: // it came from somewhere else
		return why
	case messages > 1: // which of them it was is not known
		return fmt.Errorf("%w: %w", errTwo, why)
	case !s.proven && !s.suspects[sum]: // the network may have done it
		s.suspect(sum)
		return fmt.Errorf("%w: %w", errSuspect, why)
	}
	s.proven = true
	if s.taken+1 == s.limit { // what may follow ends the connection
		s.commit()
		transaction = ""
	}
	s.putAside(transaction, ids, &Delivery{Broken: why, Size: int(min(size, math.MaxInt32))})
	return nil
}

// suspect keeps the sum by which a message is recognized when it comes again.
func (s *sieve) suspect(sum uint64) {
	if len(s.suspects) >= maxSuspects {
		clear(s.suspects)
	}
	s.suspects[sum] = true
}

// putAside acknowledges the message by trying the ids, one of which is its own; at
// once if transaction is "".
func (s *sieve) putAside(transaction string, ids []string, d *Delivery) {
	if len(ids) == 0 {
		s.conn.fail(fmt.Errorf("%w: %w", errStuck, d.Broken))
		return
	}
	ack := frame.New(frame.ACK, frame.Id, ids[0])
	if transaction != "" {
		ack.Header.Add(frame.Transaction, transaction)
	}
	_ = s.conn.send(ack, func(err error) {
		switch {
		case errors.Is(err, errLost):
		case err != nil:
			s.putAside(transaction, ids[1:], d)
		default:
			s.conn.places.came(ids[0])
			s.next()
			s.aside++
			s.mu.Lock()
			s.found = time.Now()
			if transaction != "" {
				s.done = append(s.done, ended{transaction: transaction})
			}
			s.mu.Unlock()
			s.take(d)
		}
	})
}

// rest returns how long the sieve is still needed. A long message that is still
// coming may be the one that broke the connection before.
func (s *sieve) rest() time.Duration {
	return s.conn.socket.unlessWithin(s.calm - time.Since(s.foundLast()))
}

func (s *sieve) foundLast() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.found
}

// nearestFirst sorts the ids by which a message may be acknowledged; those that
// follow the last come first.
func nearestFirst(ids []string, last string) {
	slices.SortStableFunc(ids, func(x, y string) int { return cmp.Compare(distance(last, x), distance(last, y)) })
}

// distance returns how many ids the broker has given from one to another,
// MaxUint64 for two that it did not give in this order.
func distance(from, to string) uint64 {
	fromName, first := splitID(from)
	toName, number := splitID(to)
	if toName != fromName || number <= first || to != toName+strconv.FormatUint(number, 10) {
		return math.MaxUint64
	}
	return number - first
}

func splitID(id string) (name string, number uint64) {
	i := strings.LastIndexByte(id, ':')
	number, _ = strconv.ParseUint(id[i+1:], 10, 64)
	return id[:i+1], number
}

// seen collects, from all that is read, the ids by which a message may be
// acknowledged, and counts the messages.
type seen struct {
	secret   string        // prefix of the ids that no stranger knows
	last     func() string // id of acknowledgement that the broker gave
	messages int           // those whose subscription is one of the secret ids
	receipts []string
	size     int64    // bytes since forget
	sum      uint64   // of the lines that are the same each time the message comes, in any order
	ids      []string // the maxAcks nearest of those so far, and up to as many later ones
	line     []byte   // the unfinished one, not longer than maxAckLine
}

const (
	maxAckLine  = 512
	maxAcks     = 1000
	maxReceipts = 2 * outbound // more than can be on their way
)

// forget begins the next message.
func (s *seen) forget() { *s = seen{secret: s.secret, last: s.last} }

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

func (s *seen) note(line string) {
	name, id, _ := strings.Cut(line, ":")
	switch secret := strings.HasPrefix(id, s.secret); {
	case secret && name == frame.Subscription:
		s.messages++
	case secret && name == frame.ReceiptId && len(s.receipts) < maxReceipts:
		s.receipts = append(s.receipts, id)
	case name != frame.Ack && name != "redelivered" && line != frame.RECEIPT && line != "\x00" && line != "":
		s.sum += maphash.String(identitySeed, line)
	}
	if name != frame.Ack || len(line) == maxAckLine {
		return
	}
	last := s.last()
	if id = framing.Unescape(id); last != "" && distance(last, id) == math.MaxUint64 {
		return
	}
	if s.ids = append(s.ids, id); len(s.ids) == 2*maxAcks {
		s.ids = s.nearest()
	}
}

// nearest returns at most maxAcks of the ids, the likeliest first.
func (s *seen) nearest() []string {
	nearestFirst(s.ids, s.last())
	ids := slices.Compact(s.ids) // each number has one spelling
	return ids[:min(len(ids), maxAcks)]
}
