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
		if l != except && l.state == gc.Active {
			b.hold(l, origin{})
		}
	}
}

// drop ends the call for all. An ACD call is deleted while it still says
// ACTIVE, with no update before (captured on UCCE, wrap-up not allowed); so is
// one that was not dialled yet, while it says INITIATING.
func (b *switchboard) drop(l *leg, by origin) {
	if l.dialog.acd || l.state == gc.Initiating {
		b.leave(l)
		b.settle(l.user)
		return
	}
	b.end(l.dialog, by)
}

// end drops all parties of a call that was dialled. A phone that still rings
// just loses the call.
func (b *switchboard) end(d *dialog, by origin) {
	for _, l := range d.agents() {
		if l.state == gc.Alerting {
			b.leave(l)
			b.settle(l.user)
		}
	}
	d.ringing.stop()
	d.state = gc.Dropped
	for _, l := range d.legs {
		if l.state != gc.Dropped {
			l.set(gc.Dropped, b.now())
		}
	}
	b.put(d, by)
	for _, l := range d.agents() {
		b.leave(l)
		b.settle(l.user)
	}
}
