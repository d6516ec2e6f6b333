package broker

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/pulse"
)

// Message is one event to publish.
type Message struct {
	Destination   gc.Destination
	Type          string // JMSType, mostly ""
	Category      gc.Category
	CorrelationID string // "" for none
	Body          string // valid UTF-8 text

	Lasts Lasting
	// Expendable messages are the first to be dropped when too many wait.
	Expendable bool

	// Answered is called once, before Confirmed and from the publisher's
	// goroutine, when the broker has accepted or refused the message; not when
	// it was dropped. May be nil; must not block.
	Answered func(taken bool)

	// Confirmed is called once, from any goroutine, when the message is settled:
	// the broker's receipt proved it, the broker refused it for good, or it was
	// dropped (both are counted and logged; the command it answers must neither
	// come back only to end the same way nor count as unanswered for ever). May
	// be nil; must not block.
	Confirmed func()

	// Lost is called once, from the publisher's goroutine, instead of Confirmed
	// for a message that lasts UntilSent and was lost with its connection. May
	// be nil; must not block; may publish.
	Lost func()
}

// Lasting says what becomes of a message whose connection is lost before the
// broker's receipt. A message given up is reported again, as it is by then,
// when Options.Restored is called.
type Lasting int

// The values of Lasting.
const (
	UntilProved    Lasting = iota // it is sent again: nothing else reports the same
	UntilSent                     // it is not sent again, for it may have arrived; see Message.Lost
	WithConnection                // it is dropped, even if it still waits, and not kept while there is no connection
)

const (
	window         = 128     // events on the way at a time, per connection
	queueLimit     = 1 << 16 // events that wait, per connection
	queueBytes     = 64 << 20
	slowReceipt    = 250 * time.Millisecond
	receiptTimeout = 10 * time.Second // then the connection is given up, unless the broker still beats
	heldTimeout    = 10 * time.Minute // then the connection is given up anyway
	drainTimeout   = 2 * time.Second  // for receipts, before a connection is left
	replyTTL       = 24 * time.Hour   // see the package comment
)

// publisher sends the events of one kind, in order. serve is called by one
// goroutine, the queue is for all.
type publisher struct {
	options *Options
	log     *zap.Logger
	metrics *metrics
	queue   *queue
	owner   *ownership    // nil: always
	late    time.Duration // receiptTimeout
	held    time.Duration // heldTimeout
	holding bool          // the log says that the broker holds events back
	drain   bool          // send nothing until nothing is on the way
	pulse   *pulse.Pulse  // of serve

	// singly is how many events to send one at a time, after an ERROR ended the
	// connection without saying which of them it was about.
	singly   int
	refusals refusals
}

// outcome is the broker's answer to an event.
type outcome struct {
	e   *entry
	err error
}

// serve sends queued events over c until c or ctx ends, and reports whether any
// event was settled. After ctx ends it waits up to drainTimeout for those on
// the way.
func (p *publisher) serve(ctx context.Context, c *conn) (useful bool) {
	p.pulse.Begin()
	defer p.pulse.End()
	missed, lost := p.queue.restart()
	defer p.queue.stop()
	for _, e := range lost {
		if e.Lost != nil {
			e.Lost()
		}
	}
	if missed {
		p.options.Restored(p.queue.kind == toTopic)
	}
	outcomes := make(chan outcome, window)
	alarm := time.NewTimer(p.late)
	defer alarm.Stop()
	leaving := ctx.Done()
	var drained <-chan time.Time
	for {
		if leaving != nil {
			p.fill(c, outcomes)
			if p.queue.owes() {
				p.options.Restored(p.queue.kind == toTopic)
			}
		} else if p.queue.onTheWay() == 0 {
			return useful
		}
		select {
		case o := <-outcomes:
			useful = p.settle(o) || useful
		case <-p.queue.wake:
		case <-p.pulse.Asked():
		case <-alarm.C:
			alarm.Reset(p.check(c))
		case <-leaving:
			leaving, drained = nil, time.After(drainTimeout)
		case <-drained:
			return useful
		case <-c.done:
			c.close() // the last outcomes are in
			return p.conclude(c, outcomes) || useful
		}
	}
}

// fill sends as much as the window allows. An ActiveMQ that is out of memory
// sets events with a receipt aside, and one that comes when there is memory
// again overtakes those (ActiveMQ 5.17 measured): nothing is sent while a
// receipt is slow, so that only events on the way together can change places.
func (p *publisher) fill(c *conn, outcomes chan<- outcome) {
	first := p.queue.oldest()
	p.drain = first != nil && (p.drain || time.Since(first.sent) > slowReceipt)
	if p.drain || !p.owner.owns() {
		return
	}
	limit := window
	if p.singly > 0 {
		limit = 1
	}
	for e := p.queue.take(limit); e != nil; e = p.queue.take(limit) {
		if e.Lasts == WithConnection && p.refusals.closed(e.Destination) { // or each would end the connection, and that would bring more
			p.queue.settle(e)
			p.metrics.dropped.WithLabelValues(droppedRefused).Inc()
			e.settled()
			continue
		}
		err := c.send(p.frame(&e.Message), func(err error) { outcomes <- outcome{e, err} })
		if err != nil {
			return // the connection is over: e is on the way and comes again
		}
	}
}

// settle deals with one answer and reports whether its event is done with.
func (p *publisher) settle(o outcome) bool {
	if errors.Is(o.err, errLost) {
		return false // sent again on the next connection
	}
	if !p.queue.settle(o.e) {
		return false
	}
	p.singly = max(p.singly-1, 0)
	// A broker that is out of memory lets one through now and then.
	if p.holding && (time.Since(o.e.sent) < p.late || p.queue.onTheWay() == 0) {
		p.holding = false
		p.log.Info("the broker takes events again", zap.String("kind", string(p.queue.kind)))
	}
	if o.e.Answered != nil {
		o.e.Answered(o.err == nil)
	}
	if o.err != nil {
		p.refuse(o.e, o.err)
	} else {
		p.refusals.over(o.e.Destination)
		p.metrics.published.WithLabelValues(string(p.queue.kind)).Inc()
		p.metrics.receipts.Observe(time.Since(o.e.sent).Seconds())
	}
	o.e.settled()
	return true
}

// conclude deals with the events that a dead connection leaves.
func (p *publisher) conclude(c *conn, outcomes <-chan outcome) (useful bool) {
	for len(outcomes) > 0 {
		useful = p.settle(<-outcomes) || useful
	}
	var said *ServerError
	if !errors.As(c.reason(), &said) {
		return useful
	}
	if p.queue.onTheWay() == 1 {
		return p.settle(outcome{p.queue.oldest(), said})
	}
	p.singly = p.queue.onTheWay()
	return useful
}

// check gives the connection up when a receipt is late, and returns when to
// look again. A broker that still beats is only out of memory: on another
// connection the same events would wait as long, and those it has read already
// would arrive again after newer ones (ActiveMQ 5.17 measured).
func (p *publisher) check(c *conn) time.Duration {
	e := p.queue.oldest()
	if e == nil {
		return p.late
	}
	age := time.Since(e.sent)
	if age < p.late {
		return p.late - age
	}
	if !c.hearsBeats() || age >= p.held {
		c.fail(errLateReceipt)
		return p.late
	}
	if !p.holding {
		p.holding = true
		p.log.Error("the broker holds events back, they wait", zap.String("kind", string(p.queue.kind)),
			zap.String("action", "find the consumer that does not read and stop it; give topics the policy of docs/activemq.md"))
	}
	return p.late
}

// refuse counts an event the broker will not have.
func (p *publisher) refuse(e *entry, err error) {
	p.metrics.dropped.WithLabelValues(droppedRefused).Inc()
	if !p.refusals.note(e.Destination, err, time.Now()) {
		return
	}
	shown := p.options.Shown(e.Destination)
	if shown != string(e.Destination) {
		err = errUnshown
	}
	p.log.Warn("event refused by the broker and dropped", zap.String("destination", shown),
		zap.Error(err), zap.String("action", "if it is not a temporary destination of a client that has gone, give the connector's user the right to write to it"))
}

func (p *publisher) frame(m *Message) *frame.Frame {
	f := frame.New(frame.SEND, frame.Destination, string(m.Destination))
	optional := []string{
		"type", m.Type,
		p.options.CategoryProperty, string(m.Category),
		"correlation-id", m.CorrelationID,
	}
	for i := 0; i < len(optional); i += 2 {
		if v := optional[i+1]; v != "" {
			f.Header.Add(optional[i], plainHeader(v))
		}
	}
	if !m.Destination.IsTopic() {
		f.Header.Add("expires", strconv.FormatInt(time.Now().Add(replyTTL).UnixMilli(), 10))
	}
	f.Body = textBody(p.options, m.Body) // no content-length: that would be a BytesMessage
	return f
}

func textBody(o *Options, s string) []byte {
	if o.JavaText {
		return []byte(toJava(s))
	}
	return []byte(toPlain(s))
}
