package simulator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// queue is a skill group. Calls do not pass through it: how many wait is what
// the control page says.
type queue struct {
	id, name string
	team     team // whose members serve it; none: nobody does, and there are no statistics
	calls    int
	since    time.Time // when the first of them came
	told     statisticsXML
	due      *timer // of the next notification
}

const maxCallsInQueue = 9999

func newQueues() []*queue {
	return []*queue{
		{id: "10", name: "Sales", team: sales},
		{id: "20", name: "Support", team: support},
		{id: "30", name: "Overflow"},
	}
}

func (q *queue) served() bool { return q.team != team{} }

// findQueue knows a queue by name or id; mu need not be held.
func (b *switchboard) findQueue(name string) (*queue, error) {
	var names []string
	for _, q := range b.queues {
		if q.id == name || strings.EqualFold(q.name, name) {
			return q, nil
		}
		names = append(names, q.name)
	}
	return nil, fmt.Errorf("queue %q is not known: %s are", name, strings.Join(names, ", "))
}

// queuesOf are those of the user's team and of the teams a supervisor leads.
// The one without statistics is everybody's, so that clients get to see it.
func (b *switchboard) queuesOf(u *user) []*queue {
	var list []*queue
	for _, q := range b.queues {
		if !q.served() || q.team == u.team || slices.Contains(u.leading, q.team) {
			list = append(list, q)
		}
	}
	return list
}

func (b *switchboard) queueCalls(name string, calls int) error {
	q, err := b.findQueue(name)
	switch {
	case err != nil:
		return err
	case !q.served():
		return fmt.Errorf("queue %s has no statistics: nobody serves it", q.name)
	case calls < 0 || calls > maxCallsInQueue:
		return fmt.Errorf("%d calls: 0 to %d are accepted", calls, maxCallsInQueue)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if q.calls == 0 {
		q.since = b.now()
	}
	q.calls = calls
	b.queueChanged(q)
	return nil
}

// staffChanged: an agent of the team is in another state.
func (b *switchboard) staffChanged(t team) {
	for _, q := range b.queues {
		if q.team == t {
			b.queueChanged(q)
		}
	}
}

// queueChanged tells subscribers after a while, if it is still true then:
// statistics are not sent more often (Finesse developer guide, queue
// notifications).
func (b *switchboard) queueChanged(q *queue) {
	if q.due != nil || !q.served() || !b.heard(queueURI(q.id)) {
		return
	}
	q.due = b.after(b.queueInterval, func() {
		q.due = nil
		x := b.queueXML(q, "queue")
		if x.Statistics == q.told {
			return
		}
		q.told = x.Statistics
		b.publish(queueURI(q.id), encode(updateXML{Data: x, Event: "PUT", Source: queueURI(q.id)}))
	})
}

func (b *switchboard) queueXML(q *queue, element string) queueXML {
	return queueXML{XMLName: named(element), Name: q.name, Statistics: b.statistics(q), URI: queueURI(q.id)}
}

// statistics counts the members of the team; mu is held.
func (b *switchboard) statistics(q *queue) statisticsXML {
	if !q.served() {
		return statisticsXML{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, ""}
	}
	x := statisticsXML{CallsInQueue: q.calls}
	if q.calls > 0 {
		x.LongestCallStart = q.since.UTC().Format("2006-01-02T15:04:05Z")
	}
	for _, u := range b.users {
		if u.team == q.team && u.signedIn() {
			x.AgentsLoggedOn++
			*x.of(u)++
		}
	}
	return x
}

// of is the number a user counts in. Consultations are internal calls, and who
// listens to another's call is busy otherwise.
func (x *statisticsXML) of(u *user) *int {
	switch u.state {
	case gc.Ready:
		return &x.AgentsReady
	case gc.NotReady:
		return &x.AgentsNotReady
	case gc.Work:
		return &x.AgentsWrapUpNotReady
	case gc.WorkReady:
		return &x.AgentsWrapUpReady
	}
	l := u.talking()
	switch {
	case l == nil || l.dialog.listensTo != nil:
		return &x.AgentsBusyOther
	case l.dialog.acd:
		return &x.AgentsTalkingInbound
	case l.callType == "OUT" || l.callType == "OUTBOUND":
		return &x.AgentsTalkingOutbound
	}
	return &x.AgentsTalkingInternal
}
