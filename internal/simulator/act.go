package simulator

import (
	"fmt"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// request is a wish of a participant about a dialog.
type request struct {
	by        origin
	dialog    *dialog
	action    action
	to        string            // of CONSULT_CALL and TRANSFER_SST; of PARTICIPANT_DROP, who is to go
	variables []gc.CallVariable // of UPDATE_CALL_DATA
	wrapUp    *string
}

// act carries out a request. What is not among the participant's actions at
// this moment is refused, whatever it was when the request came in.
func (b *switchboard) act(r request) {
	l := r.dialog.legOf(r.by.user)
	if l == nil || !l.may(r.action) {
		b.refuseAction(r)
		return
	}
	switch r.action {
	case answer:
		b.holdOthers(l.user, l)
		b.connected(l, r.by)
	case hold:
		b.hold(l, r.by)
	case retrieve:
		b.holdOthers(l.user, l)
		l.set(gc.Active, b.now())
		b.put(r.dialog, r.by)
		b.settle(l.user)
	case drop:
		b.drop(l, r.by)
	case updateCallData:
		r.dialog.variables = withVariables(r.dialog.variables, r.variables)
		if r.wrapUp != nil {
			r.dialog.wrapUp = *r.wrapUp
		}
		b.put(r.dialog, r.by)
	case consultCall:
		b.consult(l, r)
	case transfer:
		b.transfer(l, r)
	case conference:
		b.confer(l, r)
	case transferSST:
		b.handOver(l, r)
	case dropParty:
		b.dropParty(r)
	case acceptPreview:
		b.accept(l, r.by)
	case rejectPreview, closePreview:
		b.decline(l)
	case sendDTMF: // the tones are heard by nobody
	}
}

// refuseAction is the form captured on UCCE.
func (b *switchboard) refuseAction(r request) {
	extension := string(r.by.user.extension)
	b.refuse(r.by, dialogsURI(r.by.user.id), dialogURI(r.dialog.id), "put", asyncErrorXML{
		Type: "Generic Error", Message: fmt.Sprintf("INVALID_ACTION %s on extension %s", r.action, extension), Data: extension,
	})
}

func (b *switchboard) hold(l *leg, by origin) {
	l.set(gc.Held, b.now())
	b.put(l.dialog, by)
	b.settle(l.user)
}

// holdOthers makes room for a call: the phone holds the active one by itself.
func (b *switchboard) holdOthers(u *user, except *leg) {
	for _, l := range u.legs {
		if l != except && l.state == gc.Active && !l.passive {
			b.hold(l, origin{})
		}
	}
}

// drop ends the call, for all unless two others remain. An ACD call with one
// agent is deleted while it still says ACTIVE, with no update before (captured
// on UCCE, wrap-up not allowed); so is one that was not dialled yet, while it
// says INITIATING.
func (b *switchboard) drop(l *leg, by origin) {
	d := l.dialog
	switch {
	case d.goesOnWithout(l):
		b.depart(l, by)
	case b.wrapsUp(l):
		b.wrapUp(l)
		b.put(d, by)
		b.end(d, origin{})
	case d.acd && len(d.agents()) == 1 || l.state == gc.Initiating:
		b.leave(l)
		b.settle(l.user)
	default:
		b.end(d, by)
	}
}

// depart takes one agent out of a call that goes on. The others see the agent
// once more, with what became of the part, unless it turned into wrap-up.
func (b *switchboard) depart(l *leg, by origin) {
	if b.wrapsUp(l) {
		b.wrapUp(l)
		b.put(l.dialog, by)
	} else {
		b.leave(l)
		b.put(l.dialog, by)
		l.dialog.remove(l)
	}
	b.settle(l.user)
}

// end drops all parties. A phone that still rings just loses the call; the
// call stays ACTIVE while an agent wraps it up.
func (b *switchboard) end(d *dialog, by origin) {
	for _, l := range d.agents() {
		if l.state == gc.Alerting {
			b.leave(l)
			b.settle(l.user)
		}
	}
	d.ringing.stop()
	d.state, d.hidden = gc.Dropped, false
	for _, l := range d.legs {
		switch {
		case b.wrapsUp(l):
			b.wrapUp(l)
		case l.state != gc.Dropped && l.state != gc.WrapUp:
			l.set(gc.Dropped, b.now())
		}
		if l.state == gc.WrapUp {
			d.state = gc.Active
		}
	}
	b.put(d, by)
	for _, l := range d.agents() {
		if l.state != gc.WrapUp {
			b.leave(l)
		}
		b.settle(l.user)
	}
}
