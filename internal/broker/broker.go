package broker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
	"github.com/finesse-connector/finesse-connector/internal/pulse"
	"github.com/finesse-connector/finesse-connector/internal/trouble"
)

// homeInterval is how often to check whether the preferred url is back.
const homeInterval = 30 * time.Second

// stuckAfter is much longer than a round of any loop here: none waits longer than
// half a minute for the broker.
const stuckAfter = 2 * time.Minute

// maxBarren is how many connections in a row may bring no message: the first ones
// of a sieve may bring none.
const maxBarren = 3

var errBarren = errors.New("the last connections brought bytes but no message")

// Status is the state of the command connection.
type Status struct {
	Consuming bool         // the broker has confirmed the subscription to the command queue; see Broker.Status
	URL       string       // the broker's; "" while not consuming
	LastError string       // why not consuming; "" while it is
	Trouble   trouble.Kind // of LastError, if there was an attempt
	Since     time.Time    // of Consuming and URL being what they are
}

// Broker is the connector's side of the broker; see the package comment. All
// methods are safe for concurrent use; only Run, StopConsuming and Flush block.
type Broker struct {
	options   Options
	selector  *selector
	metrics   *metrics
	topics    *publisher
	others    *publisher
	ownership *ownership // nil without Options.Sharing
	logins    *logins
	home      time.Duration // homeInterval
	handling  *pulse.Pulse  // of the handling of a command; see deliver
	homing    *pulse.Pulse  // of watchHome
	links     map[string]*pulse.Pulse

	caution     caution
	connections atomic.Uint64   // to the command queue, so far
	intake      context.Context // ends with StopConsuming
	stopIntake  context.CancelFunc
	delivering  sync.Mutex   // one command at a time
	blind       atomic.Bool  // isBlind has logged it
	barren      atomic.Int32 // connections in a row that brought bytes that are no frame, and no message

	mu         sync.Mutex
	status     Status
	consumer   *conn         // of commands; nil while there is none
	swallowing chan struct{} // closed when the last connection that swallows is over; nil before the first
}

// New checks the options. It does not connect.
func New(o Options) (*Broker, error) {
	endpoints, err := parseEndpoints(o.URLs)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	b := &Broker{
		options:  o,
		selector: newSelector(endpoints),
		logins:   &logins{first: personPause},
		home:     homeInterval,
		caution:  caution{first: firstCalm},
		handling: pulse.New("the handling of a command", stuckAfter),
		homing:   pulse.New("the way back to the first of broker.urls", stuckAfter),
		links:    map[string]*pulse.Pulse{},
		status:   Status{LastError: "not connected yet", Since: time.Now()},
	}
	b.intake, b.stopIntake = context.WithCancel(context.Background())
	if b.metrics, err = newMetrics(o.Registerer, b.unconfirmed); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	if o.Sharing != nil {
		b.ownership = newOwnership(&b.options)
		b.ownership.renewed = func() { b.topics.queue.say(); b.others.queue.say() }
		if err = b.metrics.share(o.Registerer, b.ownership.gauge); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	b.topics = b.newPublisher(toTopic)
	b.others = b.newPublisher(toOther)
	for _, name := range []string{commandsLink, eventsLink, repliesLink, ownerLink} {
		b.links[name] = pulse.New("the broker connection for "+name, stuckAfter)
	}
	return b, nil
}

func (b *Broker) newPublisher(k kind) *publisher {
	return &publisher{
		options: &b.options,
		log:     b.options.Logger,
		metrics: b.metrics,
		owner:   b.ownership,
		queue:   newQueue(k, queueLimit, b.options.Logger, b.metrics),
		late:    receiptTimeout,
		held:    heldTimeout,
		pulse:   pulse.New("the sending of events to destinations of kind "+string(k), stuckAfter),
	}
}

// Live reports a loop that stands still; see pulse.Pulse. A broker that is
// away, or does not answer, holds up none.
func (b *Broker) Live() error {
	all := append(slices.Collect(maps.Values(b.links)), b.topics.pulse, b.others.pulse, b.handling, b.homing)
	for _, p := range all {
		if err := p.Live(); err != nil {
			return err
		}
	}
	return nil
}

func (b *Broker) unconfirmed(k kind) float64 {
	if k == toTopic {
		return float64(b.topics.queue.length())
	}
	return float64(b.others.queue.length())
}

// Run connects, and stays connected until ctx ends; it then waits up to 2 s for
// receipts on the way, disconnects in an orderly way, and returns when all its
// goroutines have ended. Call it once. Commands are given to handle in the
// order the broker sent them, one at a time, even while the connection moves to
// another url. handle must not block, or later commands wait; acknowledgements
// and heart-beats do not.
func (b *Broker) Run(ctx context.Context, handle func(*Delivery)) {
	var wg sync.WaitGroup
	wg.Go(func() { b.commands(handle).run(ctx) })
	wg.Go(func() { b.publishing(eventsLink, b.topics).run(ctx) })
	wg.Go(func() { b.publishing(repliesLink, b.others).run(ctx) })
	own, disown := context.WithCancel(context.WithoutCancel(ctx))
	defer disown()
	var owning sync.WaitGroup
	if b.ownership != nil {
		owning.Go(func() { b.owning().run(own) })
	}
	if b.options.PriorityBackup && len(b.selector.endpoints) > 1 {
		wg.Go(func() { b.watchHome(ctx) })
	}
	wg.Wait()
	disown() // nobody else is to have the lock before the other connections have ended
	owning.Wait()
}

func (b *Broker) link(name string) *link {
	return &link{
		name:     name,
		owner:    b.ownership,
		selector: b.selector,
		backoff:  b.options.Backoff,
		logins:   b.logins,
		log:      b.options.Logger.With(zap.String("connection", name)),
		metrics:  b.metrics,
		changed:  func(*conn, error) {},
		failing:  make(map[string]bool),
		pulse:    b.links[name],
	}
}

func (b *Broker) publishing(name string, p *publisher) *link {
	l := b.link(name)
	l.open = func(ctx context.Context, ep endpoint) (*conn, error) { return dial(ctx, &b.options, ep, nil) }
	l.serve = func(ctx context.Context, c *conn) bool {
		b.caution.other(true)
		defer b.caution.other(false)
		return p.serve(ctx, c)
	}
	return l
}

func (b *Broker) owning() *link {
	l := b.link(ownerLink)
	l.owner, l.open, l.serve = nil, b.ownership.open, b.ownership.serve
	return l
}

func (b *Broker) commands(handle func(*Delivery)) *link {
	l := b.link(commandsLink)
	l.open = func(ctx context.Context, ep endpoint) (*conn, error) { return b.consume(ctx, ep, handle) }
	l.serve = b.serveCommands
	l.changed = b.setStatus
	return l
}

// consume opens a connection and subscribes it to the command queue.
func (b *Broker) consume(ctx context.Context, ep endpoint, handle func(*Delivery)) (*conn, error) {
	number := b.connections.Add(1)
	var m *means
	take := func(d *Delivery) {
		d.Connection = number
		d.Late = m.swallow == nil && b.intake.Err() != nil
		b.deliver(d, handle)
	}
	for m = b.caution.next(b, take); !b.begins(m); { // the process has begun to stop just now
		m = b.caution.next(b, take)
	}
	c, err := dial(ctx, &b.options, ep, m)
	if err != nil {
		return nil, err
	}
	c.places.open(ctx)
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	deliver, headers := m.subscription(&b.options, c)
	err = c.subscribe(ctx, b.options.queue(), deliver, headers...)
	if err != nil {
		c.places.close()
		c.close()
		// The first message may have come before the receipt, or been next.
		if !errors.Is(c.reason(), errClosed) {
			b.caution.ended(c, 0)
		}
		return nil, err
	}
	return c, nil
}

// begins reports whether a connection may be opened: while the process stops,
// none that swallows may.
func (b *Broker) begins(m *means) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m.swallow != nil {
		if b.intake.Err() != nil {
			return false
		}
		over := make(chan struct{})
		b.swallowing, m.over = over, sync.OnceFunc(func() { close(over) })
	}
	return true
}

func (b *Broker) deliver(d *Delivery, handle func(*Delivery)) {
	b.barren.Store(0)
	d.Destination = b.options.queue() // the header may be the sender's
	b.metrics.received.Inc()
	b.delivering.Lock()
	defer b.delivering.Unlock()
	b.handling.Begin()
	defer b.handling.End()
	handle(d)
}

// serveCommands waits until the broker ends a command connection, ctx ends, or
// its means are no longer needed.
func (b *Broker) serveCommands(ctx context.Context, c *conn) (useful bool) {
	begin := time.Now()
	watching, stop := context.WithCancel(ctx)
	defer context.AfterFunc(b.intake, stop)() // what comes from then on is not acknowledged
	var watch sync.WaitGroup
	watch.Go(func() { c.places.watch(watching, b.isBlind) })
	defer watch.Wait()
	defer stop()
	b.leaveInTime(ctx, c)
	select {
	case <-ctx.Done():
		return false
	case <-c.done:
	}
	c.close() // its reader has ended
	if framing.IsFault(c.reason()) {
		b.barren.Add(1)
	} else {
		b.barren.Store(0)
	}
	return b.caution.ended(c, time.Since(begin))
}

// isBlind logs once that held places go unnoticed.
func (b *Broker) isBlind(why error) {
	if !b.blind.Swap(true) {
		b.options.Logger.Warn("messages that the broker cannot write can stop all commands unseen", zap.Error(why),
			zap.String("action", "give the connector's user the rights to temporary topics, see docs/activemq.md; or find out why the broker holds their messages back"))
	}
}

// leaveInTime leaves a connection whose means are no longer needed. It returns
// when c or ctx ends, and at once for an ordinary connection.
func (b *Broker) leaveInTime(ctx context.Context, c *conn) {
	var spent <-chan struct{}
	var rest func() time.Duration
	switch m := c.means; {
	case m.sieve != nil:
		spent, rest = m.sieve.spent, m.sieve.rest
	case m.swallow != nil:
		until := time.Now().Add(m.lasts)
		spent, rest = m.swallow, func() time.Duration { return c.socket.unlessWithin(time.Until(until)) }
	default:
		return
	}
	for left := rest(); left > 0; left = rest() {
		enough := time.NewTimer(left)
		select {
		case <-enough.C:
			continue
		case <-ctx.Done():
		case <-c.done:
		case <-b.intake.Done():
			if c.means.swallow != nil {
				c.leave(errSpent)
			} else {
				c.sieve.hasten()
			}
		case <-spent:
			c.leave(errSpent)
		}
		enough.Stop()
		return
	}
	if c.means.sieve == nil {
		c.leave(errSpent)
		return
	}
	b.options.Logger.Info("commands are taken at full speed again: no message breaks STOMP any more")
	c.leave(errCalm)
}

// watchHome returns to the preferred url when it answers again.
func (b *Broker) watchHome(ctx context.Context) {
	t := time.NewTicker(b.home)
	defer t.Stop()
	b.homing.Begin()
	defer b.homing.End()
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.homing.Asked():
			continue
		case <-t.C:
		}
		first := b.selector.endpoints[0]
		if ep, _ := b.selector.get(); ep.index == first.index {
			continue
		}
		if c, err := dial(ctx, &b.options, first, nil); err == nil {
			c.leave(errClosed)
			b.options.Logger.Info("the preferred broker is back", zap.String("url", first.url))
			b.selector.home()
		}
	}
}

func (b *Broker) setStatus(c *conn, err error) {
	b.mu.Lock()
	b.consumer = c
	s := Status{Since: time.Now()}
	if c != nil {
		s.Consuming, s.URL = true, c.endpoint.url
	} else {
		s.LastError, s.Trouble = err.Error(), classify(err)
	}
	if s.Consuming == b.status.Consuming && s.URL == b.status.URL {
		s.Since = b.status.Since
	}
	changed := s != b.status
	b.status = s
	b.mu.Unlock()
	if changed {
		b.options.Changed(s)
	}
}

// Status returns the current state; it does no I/O. After a connection that
// brought bytes and no message, the next one is not consuming while a frame is
// coming; after maxBarren of them, not until it has brought a message, or nothing
// for a while: a connector that only connects is not ready.
func (b *Broker) Status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.status
	barren := b.barren.Load()
	if s.Consuming && (barren > 0 && b.consumer.socket.within.Load() || barren >= maxBarren && time.Since(s.Since) < stable) {
		return Status{LastError: errBarren.Error(), Trouble: classify(errBarren), Since: s.Since}
	}
	return s
}

// Publish queues m and never blocks; it may be called before Run. When too many
// events wait, the oldest of m's kind is dropped.
func (b *Broker) Publish(m Message) {
	if m.Destination.IsTopic() {
		b.topics.queue.put(m)
	} else {
		b.others.queue.put(m)
	}
}

// StopConsuming marks further deliveries as Late. Those handed over before can still
// be acknowledged, even when they come again. While a connection is open from which
// the broker delivers nothing again, it blocks, until ctx ends at most.
func (b *Broker) StopConsuming(ctx context.Context) {
	b.mu.Lock()
	b.stopIntake()
	swallowing := b.swallowing
	b.mu.Unlock()
	if swallowing == nil {
		return
	}
	select {
	case <-swallowing:
	case <-ctx.Done():
	}
}

// Flush waits until everything published so far is confirmed, refused or
// dropped, or ctx ends.
func (b *Broker) Flush(ctx context.Context) error {
	err := errors.Join(b.topics.queue.flush(ctx), b.others.queue.flush(ctx))
	if err != nil {
		return fmt.Errorf("%d events are not confirmed: %w", b.topics.queue.length()+b.others.queue.length(), err)
	}
	return nil
}
