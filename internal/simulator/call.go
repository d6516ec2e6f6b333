package simulator

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Call is an inbound ACD call.
type Call struct {
	From      string            // the caller's number; "" when the caller withholds it
	To        string            // the number that was called; default "8005551000"
	Variables map[string]string // callVariable1 to callVariable10, of at most 40 bytes each, and user.<name>
}

const routePoint = "8005551000"

func (c *Call) check() error {
	for _, number := range []string{c.From, c.To} {
		if len(number) > 64 {
			return fmt.Errorf("number is longer than 64 characters")
		}
	}
	return checkVariables(listed(c.Variables))
}

// call reserves the agent now and lets the phone ring a moment later.
func (b *switchboard) call(agent gc.AgentID, c Call) (gc.DialogID, error) {
	return b.route(agent, c.check, func(u *user) *dialog {
		d := b.newDialog()
		d.acd, d.hidden = true, c.From == ""
		d.from, d.to, d.dialled = c.From, cmp.Or(c.To, routePoint), cmp.Or(c.To, routePoint)
		d.dnis, d.variables = string(u.extension), withVariables(d.variables, listed(c.Variables))
		u.reserved = d
		b.settle(u)
		b.later(func() { b.ring(d, u) })
		return d
	})
}

// route begins a call for an agent to whom one can be routed now.
func (b *switchboard) route(agent gc.AgentID, check func() error, begin func(*user) *dialog) (gc.DialogID, error) {
	u, err := b.findAgent(agent)
	if err == nil {
		err = check()
	}
	if err != nil {
		return "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.mayReserve(u); err != nil {
		return "", err
	}
	return begin(u).id, nil
}

// mayReserve says why no call can be routed to an agent now. One node in
// service is enough.
func (b *switchboard) mayReserve(u *user) error {
	switch {
	case !slices.ContainsFunc(b.sites, func(at *site) bool { return at.status == gc.InService }):
		return fmt.Errorf("finesse is %s", b.sites[0].status)
	case !u.signedIn():
		return fmt.Errorf("agent %s is not signed in", u.id)
	case u.state != gc.Ready:
		return fmt.Errorf("agent %s is %s, not READY", u.id, u.state)
	case len(u.legs) > 0:
		return fmt.Errorf("agent %s has a call already", u.id)
	}
	return nil
}

// ring delivers the call. A caller who withholds the number is no
// participant (captured on UCCE).
func (b *switchboard) ring(d *dialog, u *user) {
	if u.reserved != d {
		return
	}
	d.state = gc.Alerting
	if d.from != "" {
		d.addLeg(&leg{address: d.from, state: gc.Initiated}, b.now())
	}
	l := d.addLeg(&leg{user: u, address: string(u.extension), callType: "PREROUTE_ACD_IN", state: gc.Alerting}, b.now())
	b.post(l)
	d.ringing = b.after(b.ringTimeout, func() {
		if l.state == gc.Alerting {
			b.notAnswered(l)
		}
	})
}

// notAnswered takes the call away again. The dialog still says ALERTING and
// the agent goes NOT_READY.
func (b *switchboard) notAnswered(l *leg) {
	b.leave(l)
	if l.user.pending.state != gc.LoggedOut { // which a supervisor asked for
		l.user.pending = stance{}
	}
	l.user.base = stance{state: gc.NotReady, system: callNotAnswered}
	b.settle(l.user)
}

// leave ends a user's part and takes the dialog, as it is, out of the
// collection.
func (b *switchboard) leave(l *leg) {
	l.dialog.ringing.stop()
	l.timer.stop()
	if l.user.reserved == l.dialog {
		l.user.reserved = nil
	}
	l.set(gc.Dropped, b.now())
	b.del(l)
}

// hangUp is the outside party's doing.
func (b *switchboard) hangUp(id gc.DialogID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.dialogs[id]
	switch {
	case d == nil:
		return fmt.Errorf("there is no call %q", id)
	case len(d.agents()) == 0: // reserved, not yet ringing
		b.unreserve(d)
	case d.outside() == nil && !d.hidden:
		return fmt.Errorf("nobody outside takes part in call %s", id)
	case d.goesOnWithout(d.outside()):
		b.outsideGone(d)
	case d.acd && len(d.agents()) == 1 && !b.wrapsUp(d.agents()[0]):
		b.callerGone(d)
	default:
		b.end(d, origin{})
	}
	return nil
}

// outsideGone: the conference goes on without the outside party.
func (b *switchboard) outsideGone(d *dialog) {
	gone := d.outside()
	if gone == nil { // who withholds the number was never seen
		d.hidden = false
		return
	}
	gone.set(gc.Dropped, b.now())
	b.put(d, origin{})
	d.remove(gone)
}

// callerGone ends an ACD call with one agent.
func (b *switchboard) callerGone(d *dialog) {
	l := d.agents()[0]
	if l.state != gc.Alerting {
		if caller := d.outside(); caller != nil {
			caller.set(gc.Dropped, b.now())
			b.put(d, origin{})
		}
		d.state = gc.Dropped
	}
	b.leave(l)
	b.settle(l.user)
}

func (b *switchboard) unreserve(d *dialog) {
	delete(b.dialogs, d.id)
	for _, u := range b.users {
		if u.reserved == d {
			u.reserved = nil
			b.settle(u)
		}
	}
}
