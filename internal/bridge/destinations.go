package bridge

import (
	"container/list"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// Anybody can name any number of destinations, and each that is written to
// becomes a topic of the broker. Where no agent works a destination is forgotten
// an hour after it was last heard of, or when there are too many, the one that
// was silent longest first. New ones come as fast as all drivers of a large site
// do at once, and then no faster than arrivalsRate: who says Beat is not pushed
// out by them.
const (
	maxIdle       = 20_000
	idleFor       = time.Hour
	arrivalsBurst = 10_000
	arrivalsRate  = 20 // a second
)

// permits is why clients cannot use a destination: it is one of the connector's
// own, or the configuration does not allow it. A temporary one, which a client
// has made, is always allowed.
func (b *Bridge) permits(d gc.Destination) error {
	settings := b.settings.Load()
	if slices.ContainsFunc(settings.Own, d.BelongsTo) {
		return errors.New("destination is one of the connector's own")
	}
	if !d.IsTemporary() && !gc.AnyMatches(settings.Destinations, d) {
		return errors.New("destination is none of messages.destinations")
	}
	return nil
}

// returned ends a message that is an event: some destination leads back to the
// command queue, by a virtual topic, a bridge, or another broker. To answer it
// would make a loop.
func (b *Bridge) returned(d *broker.Delivery, acknowledge func()) {
	b.captureCommand(gc.Command{}, &broker.Delivery{MessageID: d.MessageID, Timestamp: d.Timestamp, Redelivered: d.Redelivered, Text: d.Text}, "", "")
	b.metrics.returned.Inc()
	b.metrics.quarantined.Inc()
	b.say(b.Logger.Named("quarantine"), zap.WarnLevel, "event of a connector came back on the command queue; it is dropped",
		zap.Time("sent", d.Timestamp), zap.String("action", "find what forwards destinations of drivers to the command queue: a virtual topic, a bridge, a client"))
	acknowledge()
}

// destinations are where events go. It is safe for concurrent use.
type destinations struct {
	mu       sync.Mutex
	entries  map[gc.Destination]*destination
	idle     *list.List // of *destination, those where no agent works; the one heard of last comes last
	arrivals budget
}

// destination is where a driver hears, or where somebody wanted an answer.
type destination struct {
	name    gc.Destination
	greeted bool        // said Hello or Beat, or proved a password: it is told Finesse's status
	format  wire.Format // that it asked for; "" for none
	heard   time.Time
	agents  int           // that work there
	element *list.Element // in idle, nil while agents work there
}

func newDestinations() *destinations {
	return &destinations{entries: map[gc.Destination]*destination{}, idle: list.New(), arrivals: budget{most: arrivalsBurst, rate: arrivalsRate}}
}

// hello notes a Hello or a Beat that asks for a format, "" for none. The format
// of a destination where agents work is theirs: only who proves a password
// changes it. known is whether it was known before; ok is false when there is no
// room for a new one, which must not be written to then.
func (ds *destinations) hello(name gc.Destination, asked wire.Format, now time.Time) (known, ok bool) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	d := ds.entries[name]
	known = d != nil && d.greeted
	if d = ds.hear(name, now); d == nil {
		return false, false
	}
	d.greeted = true
	if asked != "" && d.agents == 0 {
		d.format = asked
	}
	return known, true
}

// admit reports whether somebody may be answered there. Of a temporary
// destination the broker says when it is written to; see temporaries.
func (ds *destinations) admit(name gc.Destination, now time.Time) bool {
	if name.IsTemporary() {
		return true
	}
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return ds.hear(name, now) != nil
}

// knows reports whether a driver has made the destination known.
func (ds *destinations) knows(name gc.Destination, now time.Time) bool {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.forgetSilent(now)
	d := ds.entries[name]
	return d != nil && d.greeted
}

// hear is the destination, made known if need be; nil when too many come.
func (ds *destinations) hear(name gc.Destination, now time.Time) *destination {
	ds.forgetSilent(now)
	d := ds.entries[name]
	switch {
	case d == nil && !ds.arrivals.take(now):
		return nil
	case d == nil:
		d = ds.add(name)
		d.element = ds.idle.PushBack(d)
		if ds.idle.Len() > maxIdle {
			ds.forget(ds.idle.Front())
		}
	case d.element != nil:
		ds.idle.MoveToBack(d.element)
	}
	d.heard = now
	return d
}

func (ds *destinations) add(name gc.Destination) *destination {
	d := &destination{name: name}
	ds.entries[name] = d
	return d
}

func (ds *destinations) forgetSilent(now time.Time) {
	for oldest := ds.idle.Front(); oldest != nil && now.Sub(oldest.Value.(*destination).heard) >= idleFor; oldest = ds.idle.Front() {
		ds.forget(oldest)
	}
}

func (ds *destinations) forget(e *list.Element) {
	delete(ds.entries, ds.idle.Remove(e).(*destination).name)
}

// settle lets an agent work at a destination that proved its password, and asked
// for a format, "" for none. There is always room for it.
func (ds *destinations) settle(name gc.Destination, asked wire.Format) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	d := ds.entries[name]
	if d == nil {
		d = ds.add(name)
	}
	if d.element != nil {
		ds.idle.Remove(d.element)
		d.element = nil
	}
	d.greeted = true
	d.agents++
	if asked != "" {
		d.format = asked
	}
}

// leave takes back a settle.
func (ds *destinations) leave(name gc.Destination, now time.Time) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	d := ds.entries[name]
	if d.agents--; d.agents > 0 {
		return
	}
	d.heard = now
	d.element = ds.idle.PushBack(d)
	if ds.idle.Len() > maxIdle {
		ds.forget(ds.idle.Front())
	}
}

// works reports whether an agent works there.
func (ds *destinations) works(name gc.Destination) bool {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	d := ds.entries[name]
	return d != nil && d.agents > 0
}

// format is what the destination asked for, "" for none.
func (ds *destinations) format(name gc.Destination) wire.Format {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if d := ds.entries[name]; d != nil {
		return d.format
	}
	return ""
}

// greeted are those that are told Finesse's status.
func (ds *destinations) greeted(now time.Time) (all []gc.Destination) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.forgetSilent(now)
	for name, d := range ds.entries {
		if d.greeted {
			all = append(all, name)
		}
	}
	return all
}
