package simulator

import (
	"slices"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Asynchronous errors of silent monitoring and barging in; their types are
// codes of the peripheral (Finesse developer guide 12.5, pages 99 and 102).
var (
	notTalking    = asyncErrorXML{Type: "13145", Message: "The agent to be monitored is not talking", Data: "13145"}
	listenedTo    = asyncErrorXML{Type: "Call Operation Failure", Message: "CF_RESOURCE_BUSY", Data: "33"}
	notController = asyncErrorXML{Type: "20999", Message: "The agent is not the conference controller or has a consultation", Data: "20999"}
	tooManyToJoin = asyncErrorXML{Type: "20700", Message: "The conference has as many parties as there may be", Data: "20700"}
)

// listen is silent monitoring: a call of the supervisor's that the agent has
// as a passive one. The call listened to is the one the agent talks in.
func (b *switchboard) listen(by origin, at gc.Extension) {
	boss, agent := by.user, b.atExtension(at)
	switch {
	case boss.state != gc.NotReady || len(boss.legs) > 0, agent == nil:
		b.refuseCall(by, wrongState)
		return
	case agent.state == gc.Hold || agent.state == gc.NotReady:
		b.refuseCall(by, notTalking)
		return
	case agent.talking() == nil || agent.talking().dialog.listensTo != nil:
		b.refuseCall(by, wrongState)
		return
	case b.isHeard(agent):
		b.refuseCall(by, listenedTo)
		return
	}
	l := b.offHook(boss, nil)
	l.callType, l.dialog.listensTo = "SUPERVISOR_MONITOR", agent.talking()
	b.post(l)
	b.later(func() { b.monitorDialled(l, by) })
}

// isHeard: somebody listens to the agent, or is about to.
func (b *switchboard) isHeard(agent *user) bool {
	for _, d := range b.dialogs {
		if d.listensTo != nil && d.listensTo.user == agent {
			return true
		}
	}
	return false
}

// monitorGoesOn ends the monitoring of a call that is over, and reports
// whether its next step from state is due.
func (b *switchboard) monitorGoesOn(l *leg, state gc.CallState) bool {
	d := l.dialog
	if d.state == state && !d.listensTo.talks() {
		b.end(d, origin{})
	}
	return d.state == state && l.state != gc.Dropped
}

func (b *switchboard) monitorDialled(l *leg, by origin) {
	if !b.monitorGoesOn(l, gc.Initiating) {
		return
	}
	d := l.dialog
	d.state, d.to, d.dnis, d.dialled = gc.Initiated, d.listensTo.address, d.listensTo.address, d.listensTo.address
	l.set(gc.Initiated, b.now())
	b.put(d, by)
	b.later(func() { b.monitorRings(l) })
}

func (b *switchboard) monitorRings(l *leg) {
	if !b.monitorGoesOn(l, gc.Initiated) {
		return
	}
	d, heard := l.dialog, l.dialog.listensTo
	d.state = gc.Alerting
	passive := d.addLeg(&leg{user: heard.user, address: heard.address, callType: l.callType, state: gc.Alerting, passive: true}, b.now())
	b.put(d, origin{})
	b.post(passive)
	b.later(func() { b.monitorHears(l) })
}

func (b *switchboard) monitorHears(l *leg) {
	if !b.monitorGoesOn(l, gc.Alerting) {
		return
	}
	l.dialog.state = gc.Active
	for _, party := range l.dialog.legs {
		party.set(gc.Active, b.now())
	}
	b.put(l.dialog, origin{})
	b.settle(l.user)
}

// endMonitoring of calls of u that are over.
func (b *switchboard) endMonitoring(u *user) {
	for _, l := range slices.Clone(u.legs) {
		if l.passive && l.state != gc.Dropped && !l.dialog.listensTo.talks() {
			b.end(l.dialog, origin{})
		}
	}
}
