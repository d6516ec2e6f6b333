package embedded

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-stomp/stomp/v3/frame"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
)

// messageOverhead is what a message costs besides its text, so that empty ones
// are bounded too.
const messageOverhead = 512

// message is one SEND. Only redelivered and nacks change after that.
type message struct {
	seq         uint64 // its place in the queue, for ever
	id          string
	destination string
	replyTo     string
	bytes       bool          // the sender gave content-length: a BytesMessage for JMS
	header      *frame.Header // the sender's other headers
	timestamp   string        // ms since the epoch
	expires     int64         // ms since the epoch, 0 never
	body        []byte
	size        int
	redelivered bool
	nacks       int
}

// setByBroker are the headers of SEND that are not copied unchanged to MESSAGE.
var setByBroker = map[string]bool{
	frame.Destination: true, frame.Receipt: true, frame.ContentLength: true, frame.MessageId: true,
	frame.Subscription: true, frame.Ack: true, "redelivered": true,
	"reply-to": true, "timestamp": true, "expires": true,
}

// newMessage reads a SEND. A timestamp is the sender's when it gave one, as
// with ActiveMQ; persistent is passed on and means nothing here.
func (b *Broker) newMessage(c *conn, to address, f *frame.Frame) (*message, error) {
	b.lastMessage++
	m := &message{
		seq: b.lastMessage, id: fmt.Sprintf("ID:%s-%d", b.id, b.lastMessage),
		destination: to.name, replyTo: f.Header.Get("reply-to"),
		timestamp: strconv.FormatInt(time.Now().UnixMilli(), 10),
		header:    &frame.Header{}, body: f.Body, size: messageOverhead + len(f.Body),
	}
	_, m.bytes = f.Header.Contains(frame.ContentLength)
	for i := range f.Header.Len() {
		if name, value := f.Header.GetAt(i); !setByBroker[name] {
			m.header.Add(name, value)
			m.size += len(name) + len(value)
		}
	}
	if m.header.Get("priority") == "" {
		m.header.Set("priority", "4")
	}
	return m, m.readSpecial(b, c, f.Header)
}

func (m *message) readSpecial(b *Broker, c *conn, h *frame.Header) (err error) {
	if s := h.Get("timestamp"); s != "" {
		if _, err := strconv.ParseInt(s, 10, 64); err != nil {
			return framing.Faultf("timestamp is not a number of milliseconds")
		}
		m.timestamp = s
	}
	if s := h.Get("expires"); s != "" {
		if m.expires, err = strconv.ParseInt(s, 10, 64); err != nil {
			return framing.Faultf("expires is not a number of milliseconds")
		}
	}
	if strings.HasPrefix(m.replyTo, "/temp-") {
		to, err := b.resolve(c, m.replyTo)
		if err != nil {
			return err
		}
		m.replyTo = to.name
	}
	return nil
}

func (m *message) expired(now time.Time) bool { return m.expires > 0 && m.expires <= now.UnixMilli() }

// render returns the MESSAGE frame of m for s; called with the lock held.
func (b *Broker) render(m *message, s *subscription) *frame.Frame {
	f := frame.New(frame.MESSAGE,
		frame.Subscription, s.id,
		frame.MessageId, m.id,
		frame.Destination, b.shown(s.conn, m.destination),
		"timestamp", m.timestamp,
		"expires", strconv.FormatInt(m.expires, 10))
	if s.conn.v12 && s.ack != ackAuto {
		f.Header.Add(frame.Ack, ackID(m.id, s.id))
	}
	if m.redelivered {
		f.Header.Add("redelivered", "true")
	}
	if m.replyTo != "" {
		f.Header.Add("reply-to", b.shown(s.conn, m.replyTo))
	}
	if m.bytes {
		f.Header.Add(frame.ContentLength, strconv.Itoa(len(m.body)))
	}
	f.Header.AddHeader(m.header)
	f.Body = m.body
	return f
}
