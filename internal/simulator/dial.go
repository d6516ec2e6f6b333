package simulator

import (
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// failing are the numbers that fail when they are dialled, by stateCause.
var failing = map[string]string{
	"5550001": "BUSY",
	"5550002": "BAD_DESTINATION",
	"5550003": "OTHER",
	"5550004": "DEVICE_RESOURCE_NOT_AVAILABLE",
}

// neverAnswers rings until RingTimeout.
const neverAnswers = "5550005"

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// isOutside: Finesse strips no punctuation, so only digits reach anybody.
func isOutside(number string) bool {
	digits := strings.TrimPrefix(number, "+")
	return isDigits(digits) && len(digits) >= 10 && len(digits) <= 15 || number == neverAnswers
}

// dial takes the agent's phone off the hook and dials. A READY agent is made
// NOT_READY by that.
func (b *switchboard) dial(by origin, to string, variables []gc.CallVariable) {
	u := by.user
	for _, l := range u.legs {
		if !l.passive && (!l.talks() || l.dialog.listensTo != nil) {
			b.refuseCall(by, wrongState)
			return
		}
	}
	if !u.signedIn() || u.reserved != nil || u.joining {
		b.refuseCall(by, wrongState)
		return
	}
	b.holdOthers(u, nil)
	l := b.offHook(u, variables)
	if u.base.state == gc.Ready {
		u.base = stance{state: gc.NotReady, system: offHook}
	}
	b.settle(u)
	b.post(l)
	b.later(func() { b.dialled(l, to, by) })
}

// offHook makes a call that is not dialled yet.
func (b *switchboard) offHook(u *user, variables []gc.CallVariable) *leg {
	d := b.newDialog()
	d.from, d.state, d.variables = string(u.extension), gc.Initiating, withVariables(d.variables, variables)
	return d.addLeg(&leg{user: u, address: d.from, state: gc.Initiating}, b.now())
}

// refuseCall: no dialog exists, so the error is about the list.
func (b *switchboard) refuseCall(by origin, e asyncErrorXML) {
	b.refuse(by, dialogsURI(by.user.id), dialogsURI(by.user.id), "post", e)
}

func (b *switchboard) dialled(l *leg, to string, by origin) {
	d := l.dialog
	if d.state != gc.Initiating || l.state != gc.Initiating {
		return
	}
	d.state, d.to, d.dnis, d.dialled = gc.Initiated, to, to, to
	switch {
	case d.associated != "": // stays a consultation
	case b.isDevice(to):
		l.callType = "AGENT_INSIDE"
	default:
		l.callType = "OUT"
	}
	l.set(gc.Initiated, b.now())
	b.put(d, by)
	b.later(func() { b.connect(l) })
}

// connect makes the other side ring, or fails.
func (b *switchboard) connect(l *leg) {
	d := l.dialog
	if d.state != gc.Initiated {
		return
	}
	cause, callee := b.reach(d.to, l.user)
	if cause != "" {
		b.fail(l, cause)
		return
	}
	d.state = gc.Alerting
	other := &leg{user: callee, address: d.to, state: gc.Alerting}
	switch {
	case callee != nil && d.associated != "":
		other.callType = "CONSULT_OFFERED"
	case callee != nil:
		other.callType = "OTHER_IN"
	}
	d.addLeg(other, b.now())
	b.put(d, origin{})
	if callee != nil {
		b.post(other)
	}
	d.ringing = b.after(b.ringTimeout, func() { b.unanswered(l, other) })
	if callee == nil && d.to != neverAnswers {
		b.later(func() { b.answered(other) })
	}
}

// reach finds who has a number. The cause is empty when the call can ring;
// the user is nil for an outside party.
func (b *switchboard) reach(number string, caller *user) (cause string, callee *user) {
	if isOutside(number) {
		return "", nil
	}
	if cause, ok := failing[number]; ok {
		return cause, nil
	}
	u := b.atExtension(gc.Extension(number))
	switch {
	case u == nil || u == caller:
		return "BAD_DESTINATION", nil
	case len(u.legs) > 0 || u.reserved != nil || u.joining:
		return "BUSY", nil
	}
	return "", u
}

// fail leaves the caller with the busy tone until he drops the call.
func (b *switchboard) fail(l *leg, cause string) {
	l.dialog.state, l.cause = gc.Failed, cause
	l.set(gc.Failed, b.now())
	b.put(l.dialog, origin{})
	b.settle(l.user)
}

func (b *switchboard) unanswered(caller, callee *leg) {
	d := caller.dialog
	if d.state != gc.Alerting {
		return
	}
	if callee.user != nil {
		b.leave(callee)
		b.settle(callee.user)
	}
	d.legs = d.legs[:1]
	b.fail(caller, "OTHER")
}

// answered connects a call that l's party takes; the others follow.
func (b *switchboard) answered(l *leg) {
	b.connected(l, origin{})
}

func (b *switchboard) connected(l *leg, by origin) {
	d := l.dialog
	if d.state == gc.Active && l.state == gc.Alerting { // handed over to l
		l.timer.stop()
		l.set(gc.Active, b.now())
		b.put(d, by)
		b.settle(l.user)
		return
	}
	if d.state != gc.Alerting {
		return
	}
	d.ringing.stop()
	for _, party := range d.agents() { // a call may have been retrieved meanwhile
		b.holdOthers(party.user, party)
	}
	d.state = gc.Active
	for _, party := range d.legs {
		party.set(gc.Active, b.now())
		if party.user != nil && party.user.reserved == d {
			party.user.reserved = nil
		}
	}
	b.put(d, by)
	for _, party := range d.agents() {
		b.settle(party.user)
	}
}
