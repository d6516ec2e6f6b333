package replay

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// heard is an event that came.
type heard struct {
	*broker.Delivery
	reading
	at time.Time
}

// maxWaiting bounds the events that may still find their counterpart.
const maxWaiting = 10_000

// hear takes an event.
func (l *played) hear(d *broker.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	h := &heard{d, readingOf(d.Body, ""), time.Now()}
	if !l.plan.concerns(h.of) || d.CorrelationID != "" && l.ids[d.CorrelationID] == nil {
		l.summary.Others++
		return
	}
	if !l.match(h) {
		l.waiting = append(l.waiting, h)
	}
	if len(l.waiting) > maxWaiting {
		l.unexpected(l.waiting[0])
		l.waiting = l.waiting[1:]
	}
	select {
	case l.changed <- struct{}{}:
	default: // it is known already
	}
}

// release allows the events that follow a command to come.
func (l *played) release(s *step) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s == l.plan.steps[0] { // what was captured before it cannot come
		l.summary.NotPlayed += len(l.plan.before)
		for _, a := range l.plan.before {
			l.plan.report.page.leave(a.where)
		}
	}
	for _, a := range s.follow {
		at := address{a.Destination, a.of}
		l.released[at] = append(l.released[at], a)
	}
	l.waiting = slices.DeleteFunc(l.waiting, l.match)
}

// laneOf returns the lane within which events have an order: those about a
// call, and those about the agent, of one agent at one destination.
func laneOf(a *awaited) lane {
	call := ""
	if len(a.calls) > 0 {
		call = a.calls[0]
	}
	return lane{a.Destination + " " + call, a.Agent}
}

// address is where an event belongs, by its content: an event that came is
// compared only with the captured events of its address.
type address struct {
	destination string
	agent       gc.AgentID
}

// match finds the captured event that h corresponds to, and reports whether
// there is one: the first after those that came before, else one that was
// passed over. Called with mu held.
func (l *played) match(h *heard) bool {
	at := address{h.Destination, h.of}
	for _, after := range []bool{true, false} {
		for i, a := range l.released[at] {
			lane := laneOf(a)
			if (a.number > l.last[lane]) != after || !l.sameHead(a, h) {
				continue
			}
			all, alike := a.compare(h.Body, l.plan.dialogs)
			if !alike || l.mapping.conflict(a, all) != "" {
				continue
			}
			l.mapping.learn(a, all)
			l.released[at] = slices.Delete(l.released[at], i, i+1)
			if after {
				l.last[lane] = a.number
				l.plan.report.Events++
			} else {
				f := a.finding(OutOfOrder, "")
				f.Got = h.Body
				l.plan.report.Add(f)
			}
			return true
		}
	}
	return false
}

// sameHead compares everything but the text.
func (l *played) sameHead(a *awaited, h *heard) bool {
	return a.Destination == h.Destination && a.Type == h.Type && a.Category == h.Category && l.correlation(a) == h.CorrelationID
}

// correlation returns the correlation id that an event has now: each command is
// sent with one of its own, and its answers have it.
func (l *played) correlation(a *awaited) string {
	if a.answers == nil {
		return ""
	}
	return a.answers.id
}

// conclude decides about the events that are left. Called with mu held.
func (l *played) conclude() {
	left := slices.Concat(slices.Collect(maps.Values(l.released))...)
	slices.SortFunc(left, func(a, b *awaited) int { return cmp.Compare(a.number, b.number) })
	for _, a := range left {
		if !l.needed(a) {
			l.summary.NotPlayed++
			l.plan.report.page.leave(a.where)
			continue
		}
		i := l.counterpart(a)
		if i < 0 {
			l.plan.report.Add(a.finding(Missing, ""))
			continue
		}
		h := l.waiting[i]
		l.waiting = slices.Delete(l.waiting, i, i+1)
		all, alike := a.compare(h.Body, l.plan.dialogs)
		text := ""
		if alike {
			text = l.mapping.conflict(a, all)
		}
		f := a.finding(Different, text)
		f.Got, f.Fields = h.Body, l.fields(a, h)
		l.plan.report.Add(f)
	}
	for _, h := range l.waiting {
		l.unexpected(h)
	}
}

func (l *played) unexpected(h *heard) {
	f := Finding{Kind: Unexpected, Time: h.at.UTC(), Destination: h.Destination, Event: h.name, Got: h.Body}
	if l.plan.playedFor[h.of] {
		f.Agent = h.of
	}
	l.plan.report.Add(f)
}

// counterpart returns the index of the event that came instead of a, -1 for
// none: preferably an answer to the same command.
func (l *played) counterpart(a *awaited) int {
	for _, strict := range []bool{true, false} {
		i := slices.IndexFunc(l.waiting, func(h *heard) bool {
			return a.Destination == h.Destination && a.name == h.name && a.of == h.of &&
				(!strict || l.correlation(a) == h.CorrelationID)
		})
		if i >= 0 {
			return i
		}
	}
	return -1
}

// fields returns what differs. Ids of calls stand as they are now, and any two
// times are equal unless only they differ.
func (l *played) fields(a *awaited, h *heard) []Field {
	var all []Field
	for _, f := range []Field{{"JMSType", a.Type, h.Type}, {"MessageCategory", a.Category, h.Category}} {
		if f.Expected != f.Got {
			all = append(all, f)
		}
	}
	if l.correlation(a) != h.CorrelationID {
		all = append(all, Field{"the command it answers", answered(a.answers), answered(l.ids[h.CorrelationID])})
	}
	body := eventFields(a.Event, a.format, l.mapping.now(a.Text()), h.Body)
	return append(all, slices.DeleteFunc(body, func(f Field) bool { return isTime.MatchString(f.Expected) && isTime.MatchString(f.Got) })...)
}

func answered(s *step) string {
	if s == nil {
		return "none"
	}
	return s.Type + " of " + s.where
}
