package simulator

import "github.com/finesse-connector/finesse-connector/internal/gc"

// barging is a supervisor's way into a call that is listened to: the
// monitoring ends, the agent holds the call, consults the supervisor and makes
// it a conference. Both are TALKING all the time (Finesse developer guide
// 12.5, page 102).
type barging struct {
	agent, boss *user
	original    *leg // the agent's part in the call
	consult     *leg // the agent's part in the consultation
}

// barge begins with the silent monitoring that the supervisor does in a call.
func (b *switchboard) barge(by origin, id gc.DialogID) {
	monitor := b.dialogs[id]
	if monitor == nil || monitor.listensTo == nil || monitor.state != gc.Active || monitor.listensTo.state != gc.Active {
		b.refuseCall(by, wrongState)
		return
	}
	original := monitor.listensTo
	if e := b.cannotAdd(original); e != nil {
		b.refuseCall(by, *e)
		return
	}
	j := &barging{agent: original.user, boss: by.user, original: original}
	j.agent.joining, j.boss.joining = true, true
	b.end(monitor, by)
	b.hold(original, origin{})
	j.consult = b.offHook(j.agent, original.dialog.variables)
	j.consult.callType, j.consult.dialog.associated = "BARGE_IN_CONSULT", original.dialog.id
	b.post(j.consult)
	b.later(func() { b.bargeDialled(j) })
}

// cannotAdd says why an agent's call cannot take in another party.
func (b *switchboard) cannotAdd(original *leg) *asyncErrorXML {
	d := original.dialog
	for _, other := range original.user.legs {
		if other != original && !other.passive {
			return &notController
		}
	}
	switch {
	case !d.controlledBy(original.user):
		return &notController
	case !d.hasRoomFor(1):
		return &tooManyToJoin
	}
	return nil
}

// bargeGoesOn ends a barge that somebody came in the way of, and reports
// whether its next step is due.
func (b *switchboard) bargeGoesOn(j *barging, consult gc.CallState) bool {
	d := j.original.dialog
	if j.original.state == gc.Held && j.consult.state == consult && d.controlledBy(j.agent) && d.hasRoomFor(1) {
		return true
	}
	j.agent.joining, j.boss.joining = false, false
	if j.consult.state != gc.Dropped {
		b.end(j.consult.dialog, origin{})
	}
	b.settle(j.agent)
	b.settle(j.boss)
	return false
}

func (b *switchboard) bargeDialled(j *barging) {
	if !b.bargeGoesOn(j, gc.Initiating) {
		return
	}
	d, extension := j.consult.dialog, string(j.boss.extension)
	d.state, d.to, d.dnis, d.dialled = gc.Initiated, extension, extension, extension
	j.consult.set(gc.Initiated, b.now())
	b.put(d, origin{})
	b.later(func() { b.bargeRings(j) })
}

func (b *switchboard) bargeRings(j *barging) {
	if !b.bargeGoesOn(j, gc.Initiated) {
		return
	}
	d := j.consult.dialog
	d.state = gc.Alerting
	l := d.addLeg(&leg{user: j.boss, address: string(j.boss.extension), callType: j.consult.callType, state: gc.Alerting}, b.now())
	b.put(d, origin{})
	b.post(l)
	b.later(func() { // the supervisor's phone answers by itself
		if b.bargeGoesOn(j, gc.Initiated) {
			b.connected(l, origin{})
			b.later(func() { b.bargeJoins(j) })
		}
	})
}

func (b *switchboard) bargeJoins(j *barging) {
	if !b.bargeGoesOn(j, gc.Active) {
		return
	}
	b.confer(j.original, request{})
	j.agent.joining, j.boss.joining = false, false
	b.settle(j.agent)
	b.settle(j.boss)
}
