package directory

import (
	"container/list"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/rate"
)

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
