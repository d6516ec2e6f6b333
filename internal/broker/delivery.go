package broker

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
)

// Delivery is one message as it came from the broker.
type Delivery struct {
	MessageID     string
	Destination   string // as the broker names it: "/queue/Connector1"
	Type          string // JMSType
	Body          string // as sent, so not always valid UTF-8; of a JMS map or object message nothing arrives
	Size          int    // of the body, in bytes
	Category      string // of the category property, else of "category"
	Format        string // property "format"
	CorrelationID string
	ReplyTo       string
	Timestamp     time.Time // zero when the header is absent
	Redelivered   bool      // it was delivered before, to whom is not known
	Text          bool      // false: a BytesMessage (it has a content-length)

	conn  *conn
	ack   string // what ACK must name, "" when none is expected
	acked atomic.Bool
}

// Ack tells the broker that the message is done with. Only the first call
// counts. It never blocks, may be called from any goroutine, and does nothing
// when the connection the message came on is gone: the broker will deliver it
// again.
func (d *Delivery) Ack() {
	// A second ACK, or one on another connection, would be an ERROR.
	if d.ack == "" || !d.acked.CompareAndSwap(false, true) {
		return
	}
	d.conn.post(frame.New(frame.ACK, frame.Id, d.ack))
}

func newDelivery(o *Options, c *conn, f *frame.Frame) *Delivery {
	_, binary := f.Header.Contains(frame.ContentLength)
	d := &Delivery{
		MessageID:     f.Header.Get(frame.MessageId),
		Destination:   f.Header.Get(frame.Destination),
		Type:          f.Header.Get("type"),
		Category:      f.Header.Get(o.CategoryProperty),
		Format:        f.Header.Get("format"),
		CorrelationID: f.Header.Get("correlation-id"),
		ReplyTo:       f.Header.Get("reply-to"),
		Timestamp:     timestamp(f.Header.Get("timestamp")),
		Redelivered:   f.Header.Get("redelivered") == "true",
		Text:          !binary,
		conn:          c,
		ack:           f.Header.Get(frame.Ack),
	}
	d.Size = len(f.Body)
	if d.Category == "" {
		d.Category = f.Header.Get("category")
	}
	if d.Text && o.JavaText {
		d.Body = fromJava(string(f.Body))
	} else {
		d.Body = string(f.Body)
	}
	return d
}

// timestamp reads milliseconds since the epoch.
func timestamp(s string) time.Time {
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil || ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
