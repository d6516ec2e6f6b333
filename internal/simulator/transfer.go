package simulator

import (
	"strconv"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// maxParties bounds a conference, as a conference bridge does.
const maxParties = 8

// joined is the stateCause of parts that ended because calls were joined
// (captured on UCCE).
const joined = "OTHER"

// transfer joins the agent's held call with the consultation and takes the
// agent out. The held call survives.
func (b *switchboard) transfer(l *leg, r request) {
	d, consultation := l.dialog, l.partner().dialog
	arrived := b.merge(d, consultation, l.user, "TRANSFER")
	b.takeOut(l, r.by)
	b.dissolve(consultation)
	b.arrive(d, l, arrived)
}

// confer joins the agent's held call with the consultation and keeps the
// agent. Only who made a conference can add to it (UCCE).
func (b *switchboard) confer(l *leg, r request) {
	d, consultation := l.dialog, l.partner().dialog
	switch {
	case !d.controlledBy(l.user):
		b.refuse(r.by, dialogsURI(l.user.id), dialogURI(d.id), "put", asyncErrorXML{Type: "Generic Error", Message: "Not the conference controller", Data: "20999"})
		return
	case !d.hasRoomFor(len(consultation.legs) - 1):
		b.refuseAction(r)
		return
	}
	arrived := b.merge(d, consultation, l.user, "CONFERENCE")
	d.controller = l.user
	l.set(gc.Active, b.now())
	for _, party := range d.agents() {
		party.callType = "CONFERENCE"
	}
	b.put(d, r.by)
	b.dissolve(consultation)
	b.arrive(d, nil, arrived)
}

// controlledBy: a call that is no conference, or whose conference controller
// has left, is anybody's.
func (d *dialog) controlledBy(u *user) bool {
	return d.controller == nil || d.controller == u || d.legOf(d.controller) == nil
}

func (d *dialog) hasRoomFor(parties int) bool { return len(d.legs)+parties <= maxParties }

// merge gives the other parties of the consultation a part in d, where nobody
// but those already there hears of it yet.
func (b *switchboard) merge(d, consultation *dialog, by *user, callType string) []*leg {
	var arrived []*leg
	for _, l := range consultation.legs {
		if l.user != by && l.talks() {
			arrived = append(arrived, d.addLeg(&leg{user: l.user, address: l.address, callType: callType, state: l.state}, b.now()))
		}
	}
	d.secondary = consultation.id
	d.acd, d.hidden = d.acd || consultation.acd, d.hidden || consultation.hidden
	return arrived
}

// takeOut ends an agent's part in a call that was given to others, who see the
// agent as DROPPED until arrive. With wrap-up the agent keeps the call.
func (b *switchboard) takeOut(l *leg, by origin) {
	if b.wrapsUp(l) {
		b.wrapUp(l)
	} else {
		l.cause = joined
		b.leave(l)
	}
	b.put(l.dialog, by)
}

// dissolve ends a call whose parties went on in another. Who wraps it up keeps
// it.
func (b *switchboard) dissolve(d *dialog) {
	d.state, d.hidden = gc.Dropped, false
	for _, l := range d.legs {
		if l.state != gc.WrapUp {
			l.cause = joined
			l.set(gc.Dropped, b.now())
		}
	}
	for _, l := range d.agents() {
		if l.state != gc.WrapUp {
			b.leave(l)
		}
	}
}

// arrive notifies the parties that came of the call they are in now. Who was
// taken out is seen for the last time. States are settled after that, so that
// nobody seems to stop talking in between.
func (b *switchboard) arrive(d *dialog, left *leg, arrived []*leg) {
	for _, l := range arrived {
		if l.user != nil {
			b.post(l)
		}
	}
	if left != nil && left.state == gc.Dropped {
		d.remove(left)
	}
	if left != nil {
		b.settle(left.user)
	}
	for _, l := range d.agents() {
		b.settle(l.user)
	}
}

// handOverFailures is what becomes of a single step transfer to a number that
// cannot be reached, by stateCause of a call to it. The call stays with the
// agent.
var handOverFailures = map[string]asyncErrorXML{
	"BUSY":                          {Type: "Call Operation Failure", Message: "CF_RESOURCE_BUSY", Data: "33"},
	"BAD_DESTINATION":               {Type: "Call Operation Failure", Message: "CF_INVALID_DESTINATION", Data: "14"},
	"OTHER":                         {Type: "Call Operation Failure", Message: "CF_GENERIC_OPERATION", Data: "1"},
	"DEVICE_RESOURCE_NOT_AVAILABLE": {Type: "Call Operation Failure", Message: "CF_RESOURCE_OUT_OF_SERVICE", Data: "34"},
}

// handOver is a single step transfer. The target's phone rings while the
// dialog is ACTIVE already (captured on UCCE).
func (b *switchboard) handOver(l *leg, r request) {
	d := l.dialog
	cause, target := b.reach(r.to, l.user)
	if cause != "" {
		b.refuse(r.by, dialogsURI(l.user.id), dialogURI(d.id), "put", handOverFailures[cause])
		return
	}
	b.hold(l, r.by)
	if b.wrapsUp(l) {
		b.wrapUp(l)
	} else {
		l.cause = joined
		b.leave(l)
	}
	b.deleteInternal(l)
	next := d.addLeg(&leg{user: target, address: r.to, callType: "TRANSFER", state: gc.Active}, b.now())
	d.dnis = r.to
	if target != nil {
		next.set(gc.Alerting, b.now())
		next.timer = b.after(b.ringTimeout, func() { b.notTaken(next) })
	}
	b.put(d, origin{})
	b.arrive(d, l, []*leg{next})
}

// deleteInternal: the agent is also told of the end of a call inside the
// switch, which nobody was told of before (captured on UCCE).
func (b *switchboard) deleteInternal(l *leg) {
	d := &dialog{
		id: gc.DialogID(strconv.Itoa(b.nextID)), from: l.address, to: l.dialog.to, state: gc.Dropped, variables: emptyVariables(),
	}
	b.nextID++
	b.publishList(d.addLeg(&leg{user: l.user, address: l.address, state: gc.Dropped, cause: joined}, b.now()), "DELETE")
}

// notTaken ends the call that nobody took, unless others still talk.
func (b *switchboard) notTaken(l *leg) {
	switch {
	case l.state != gc.Alerting:
	case l.dialog.goesOnWithout(l):
		b.depart(l, origin{})
	default:
		b.end(l.dialog, origin{})
	}
}
