package directory

import (
	"container/list"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/rate"
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

// destination is where a driver hears, or where somebody wanted an answer.
type destination struct {
	name    gc.Destination
	greeted bool        // said Hello or Beat, or proved a password: it is told Finesse's status
	asked   bool        // it was asked for its agents, or has proved one: it is not asked again
	format  wire.Format // that it asked for; "" for none
	heard   time.Time
	agents  int           // that work there
	element *list.Element // in idle, nil while agents work there
}

// Hello notes a Hello or a Beat, which anybody can send, and the format it asks for, ""
// for none. The format of a destination where agents work is theirs: only who proves a
// password changes it. Who sends Beat should have agents at work: ask reports that none
// has been there, and that nobody was asked for them yet. ok is false when there is no
// room for a new destination, which must not be written to then.
func (d *Directory) Hello(name gc.Destination, beat bool, format wire.Format, now time.Time) (ask, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	x := d.hear(name, now)
	if x == nil {
		return false, false
	}
	x.greeted = true
	if format != "" && x.agents == 0 {
		x.format = format
	}
	ask = beat && !x.asked
	x.asked = x.asked || beat
	return ask, true
}

// Admit reports whether somebody may be answered there. Of a temporary
// destination the broker says when it is written to; see Try.
func (d *Directory) Admit(name gc.Destination, now time.Time) bool {
	if name.IsTemporary() {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hear(name, now) != nil
}

// Knows reports whether a driver has made the destination known.
func (d *Directory) Knows(name gc.Destination, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forgetSilent(now)
	x := d.destinations[name]
	return x != nil && x.greeted
}

// hear is the destination, made known if need be; nil when too many come.
func (d *Directory) hear(name gc.Destination, now time.Time) *destination {
	d.forgetSilent(now)
	x := d.destinations[name]
	switch {
	case x == nil && !d.arrivals.Take(now):
		return nil
	case x == nil:
		x = d.add(name)
		d.rest(x)
	case x.element != nil:
		d.idle.MoveToBack(x.element)
	}
	x.heard = now
	return x
}

func (d *Directory) add(name gc.Destination) *destination {
	x := &destination{name: name}
	d.destinations[name] = x
	return x
}

func (d *Directory) rest(x *destination) {
	x.element = d.idle.PushBack(x)
	if d.idle.Len() > maxIdle {
		d.forgetIdle(d.idle.Front())
	}
}

func (d *Directory) forgetSilent(now time.Time) {
	for oldest := d.idle.Front(); oldest != nil && now.Sub(oldest.Value.(*destination).heard) >= idleFor; oldest = d.idle.Front() {
		d.forgetIdle(oldest)
	}
}

func (d *Directory) forgetIdle(e *list.Element) {
	delete(d.destinations, d.idle.Remove(e).(*destination).name)
}

// settle has one more agent work at a destination.
func (d *Directory) settle(name gc.Destination, asked wire.Format) {
	x := d.destinations[name]
	if x == nil {
		x = d.add(name)
	}
	if x.element != nil {
		d.idle.Remove(x.element)
		x.element = nil
	}
	x.greeted, x.asked = true, true
	x.agents++
	if asked != "" {
		x.format = asked
	}
}

// leave takes back a settle; "" is nowhere.
func (d *Directory) leave(name gc.Destination, now time.Time) {
	if name == "" {
		return
	}
	x := d.destinations[name]
	if x.agents--; x.agents > 0 {
		return
	}
	x.heard = now
	d.rest(x)
}

// Works reports whether an agent works there.
func (d *Directory) Works(name gc.Destination) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	x := d.destinations[name]
	return x != nil && x.agents > 0
}

// Format is what the destination asked for, "" for none.
func (d *Directory) Format(name gc.Destination) wire.Format {
	d.mu.Lock()
	defer d.mu.Unlock()
	if x := d.destinations[name]; x != nil {
		return x.format
	}
	return ""
}

// Greeted are those that are told Finesse's status.
func (d *Directory) Greeted(now time.Time) (all []gc.Destination) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forgetSilent(now)
	for name, x := range d.destinations {
		if x.greeted {
			all = append(all, name)
		}
	}
	return all
}

// A reply-to can name any temporary destination, also one that nobody has made:
// the broker refuses what is sent there, a quarter of a millisecond of its time
// each (ActiveMQ 5.17 measured). So that is a trial, until it took something for
// that destination, and so is the next one once it refuses. As many may end badly
// as destinations may be new, at once and in a second. One that ends well costs
// nothing: a client may make a temporary queue for each command. Where an agent
// works no trial is needed.
const maxTemporaries = 10_000

// temporaries are the temporary destinations where no agent works that exist:
// the broker took an event for them. Those of which that was long ago are
// forgotten first.
type temporaries struct {
	exist  map[gc.Destination]*list.Element
	order  *list.List // of gc.Destination
	trials rate.Limit
}

func newTemporaries() temporaries {
	return temporaries{exist: map[gc.Destination]*list.Element{}, order: list.New(), trials: rate.Limit{Most: arrivalsBurst, Rate: arrivalsRate}}
}

// Try reports whether an event may be sent to a temporary destination where no agent
// works. If so, answered is to be called with whether the broker took it.
func (d *Directory) Try(name gc.Destination, now time.Time) (answered func(taken bool), ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := &d.temporaries
	known := t.exist[name] != nil
	if !known && !t.trials.Take(now) {
		return nil, false
	}
	return func(taken bool) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if taken && !known {
			t.trials.Return()
		}
		t.note(name, taken)
	}, true
}

// note takes down that there is a destination, or that there is none.
func (t *temporaries) note(d gc.Destination, exists bool) {
	e := t.exist[d]
	switch {
	case exists && e == nil:
		t.exist[d] = t.order.PushBack(d)
		if t.order.Len() > maxTemporaries {
			t.forget(t.order.Front())
		}
	case exists:
		t.order.MoveToBack(e)
	case e != nil:
		t.forget(e)
	}
}

func (t *temporaries) forget(e *list.Element) { delete(t.exist, t.order.Remove(e).(gc.Destination)) }
