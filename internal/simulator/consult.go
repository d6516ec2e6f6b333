package simulator

import "github.com/finesse-connector/finesse-connector/internal/gc"

// consult holds a call and makes another from it, which takes its call
// variables along.
func (b *switchboard) consult(l *leg, r request) {
	u := l.user
	for _, other := range u.legs {
		if !other.passive && (!other.talks() || other.linkedTo(l)) {
			b.refuseAction(r)
			return
		}
	}
	b.hold(l, r.by)
	l2 := b.offHook(u, l.dialog.variables)
	l2.callType, l2.dialog.associated = "CONSULT", l.dialog.id
	b.post(l2)
	b.later(func() { b.dialled(l2, r.to, origin{}) })
}

// linkedTo: one is a consultation about the other.
func (l *leg) linkedTo(other *leg) bool {
	return l != other && (l.dialog.associated == other.dialog.id || other.dialog.associated == l.dialog.id)
}

// partner is the same agent's active part in the call that l can be joined
// with, nil when there is none. It does not matter which of the two was first:
// an agent may go back and forth between them.
func (l *leg) partner() *leg {
	if l.user == nil {
		return nil
	}
	for _, other := range l.user.legs {
		if other.state == gc.Active && other.linkedTo(l) {
			return other
		}
	}
	return nil
}
