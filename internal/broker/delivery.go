package broker

import (
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-stomp/stomp/v3/frame"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
)

// Delivery is one message as it came from the broker. A JMS property takes the
// place of the header of the same name, so that all but Identity, Connection
// and Process is the sender's word, even Redelivered and MessageID: a sender
// can set and hide the mark of its own message, but of no other.
type Delivery struct {
	MessageID     string // "" if it does not look like a broker's
	Destination   string // as the broker names it: "/queue/Connector1"
	Type          string // JMSType; cut where it is longer than any command's
	Body          string // as sent, so not always valid UTF-8; cut likewise; empty for a JMS map or object message
	Size          int    // of the whole body, in bytes
	Category      string // of the category property, else of "category"; cut
	Format        string // property "format"; cut
	CorrelationID string
	ReplyTo       string    // cut
	Timestamp     time.Time // zero when the header is absent
	Redelivered   bool      // it was delivered before, nobody knows to whom; see Process
	Text          bool      // false: a BytesMessage (it has a content-length)

	// Identity covers the whole message, and is the same at each delivery. Two
	// messages share one only if they are equal to the letter, ids and times
	// included. 0 for a message that does not come from a broker.
	Identity uint64
	// Connection counts the connections to the command queue: a message is
	// delivered again only on a later one.
	Connection uint64
	// Process is the same for all deliveries of one process of ActiveMQ. Within it
	// each message that is delivered again is Redelivered: one written to a
	// connection that was cut, left or unsubscribed, read or not, and one
	// acknowledged in a transaction that was not committed. A process that is killed
	// forgets the mark, unless persistJMSRedelivered is set for the queue, and the
	// next one delivers what was delivered first, in the former order (5.17 with
	// KahaDB measured, all of it). 0 where it is not known.
	Process uint64

	// Late is set for a message that came after StopConsuming. A command that was not
	// taken before must neither run nor be acknowledged: the broker delivers it again,
	// Redelivered, once this Broker has disconnected.
	Late bool
	// Unanswerable is not nil when an answer cannot be sent as the sender wants
	// it; then the command must not run.
	Unanswerable error
	// Broken is not nil for a message that could not be read. Then only Size is
	// set, for all its bytes, and it is acknowledged already.
	Broken error

	settle func(gone func()) // tells the broker; nil when it expects nothing
	acked  atomic.Bool
}

// Ack tells the broker that the message is done with. Only the first call
// counts. It never blocks, may be called from any goroutine, and does nothing
// when the connection the message came on is gone: the broker will deliver it
// again.
func (d *Delivery) Ack() { d.AckThen(func() {}) }

// AckThen is Ack, and calls gone when the broker has confirmed the
// acknowledgement: the message cannot be delivered again. gone is called once,
// mostly from the goroutine that reads, so it must not block; and never if the
// connection ends before.
func (d *Delivery) AckThen(gone func()) {
	// A second ACK, or one on another connection, would be an ERROR.
	if d.settle != nil && d.acked.CompareAndSwap(false, true) {
		d.settle(gone)
	}
}

// How many bytes of a message's headers are kept. ActiveMQ closes the connection
// of a client that sends a header line of more than 10,240 (5.17 measured), so
// what is copied to an answer is bounded as it travels, escaped.
const (
	maxType          = 1<<10 + 1 // one more than a command may have
	maxWord          = 256       // categories and formats
	maxReplyTo       = 512
	maxCorrelationID = 1 << 10
)

// answerable returns why an answer cannot carry the correlation id as it was sent. To a
// client that speaks STOMP 1.0 ActiveMQ writes headers as they are (5.17 measured):
// with a line break in one, a sender writes that client's headers, and its text.
func answerable(correlationID string) error {
	n := len(framing.Escape(correlationID))
	switch {
	case n > maxCorrelationID:
		return fmt.Errorf("the correlation id has %d bytes as it travels, more than %d", n, maxCorrelationID)
	case plainHeader(correlationID) != correlationID:
		return errors.New("the correlation id has control characters")
	}
	return nil
}

// plainHeader removes from a header what may end it, or the frame, for some reader.
func plainHeader(s string) string {
	control := func(b byte) bool { return b < ' ' || b == 0x7f }
	return string(slices.DeleteFunc([]byte(s), control)) // not all that Java writes is UTF-8
}

func newDelivery(o *Options, f incoming) *Delivery {
	_, binary := f.Header.Contains(frame.ContentLength)
	d := &Delivery{
		MessageID:     messageID(f.Header.Get(frame.MessageId)),
		Destination:   cut(f.Header.Get(frame.Destination), maxReplyTo),
		Type:          cut(f.Header.Get("type"), maxType),
		Category:      cut(f.Header.Get(o.CategoryProperty), maxWord),
		Format:        cut(f.Header.Get("format"), maxWord),
		CorrelationID: f.Header.Get("correlation-id"),
		ReplyTo:       cut(f.Header.Get("reply-to"), maxReplyTo),
		Timestamp:     timestamp(f.Header.Get("timestamp")),
		Redelivered:   f.Header.Get("redelivered") == "true",
		Text:          !binary,
		Size:          int(min(f.size, math.MaxInt32)),
		Identity:      identity(f),
		Process:       process(f.Header.Get(frame.Ack)),
	}
	if d.Category == "" {
		d.Category = cut(f.Header.Get("category"), maxWord)
	}
	if d.Unanswerable = answerable(d.CorrelationID); d.Unanswerable != nil {
		d.CorrelationID = ""
	}
	if d.Text && o.JavaText {
		d.Body = fromJava(string(f.Body))
	} else {
		d.Body = string(f.Body)
	}
	return d
}

// cut keeps neither what it leaves out nor the header line that s is a part of.
func cut(s string, limit int) string { return strings.Clone(s[:min(len(s), limit)]) }

// brokersID matches the ids that ActiveMQ makes of a host, a port, a time and
// numbers, and the built-in broker of a random name and a number.
var brokersID = regexp.MustCompile(`^ID:[A-Za-z0-9._-]{1,150}-[0-9]{1,20}(:-?[0-9]{1,20}){0,5}$`)

// messageID returns s if a broker may have made it, for the log.
func messageID(s string) string {
	if !brokersID.MatchString(s) {
		return ""
	}
	return s
}

var identitySeed = maphash.MakeSeed() // nobody can make two messages with one identity

// identity leaves out what differs at each delivery. ActiveMQ writes headers in
// no fixed order.
func identity(f incoming) uint64 {
	sum := maphash.Bytes(identitySeed, f.Body) + uint64(f.size)
	for i := range f.Header.Len() {
		switch name, value := f.Header.GetAt(i); name {
		case frame.Ack, frame.Subscription, "redelivered":
		default:
			sum += maphash.Comparable(identitySeed, [2]string{name, value})
		}
	}
	return max(sum, 1)
}

// process reads from the ack id of a message which process of the broker made it:
// no property can take its place. ActiveMQ puts a number behind a name that it
// makes when it starts, from its host, a port and the time:
// "ID:host-34149-1796022458303-4:17".
func process(ack string) uint64 {
	name, _ := splitID(ack)
	return maphash.String(identitySeed, name)
}

// timestamp reads milliseconds since the epoch.
func timestamp(s string) time.Time {
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil || ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
