package simulator

import "github.com/finesse-connector/finesse-connector/internal/gc"

// supervise is a supervisor changing the state of a member of the team: READY,
// NOT_READY or LOGOUT (Finesse developer guide 12.5, page 47). A refusal goes
// to who asked and is about the member.
func (b *switchboard) supervise(by origin, member *user, to gc.UserState) {
	switch {
	case !member.signedIn(), to == gc.NotReady && member.state != gc.Ready && !isWrapUp(member.state):
		b.refuse(by, userURI(by.user.id), userURI(member.id), "put", wrongState)
	case to == gc.LoggedOut:
		b.forceOut(member, supervisorInitiated, forceLogout)
	case to == gc.NotReady:
		b.adopt(member, stance{state: to, system: supervisorInitiated})
	default:
		b.adopt(member, stance{state: to})
	}
}

// forceOut signs a user out, after the calls when there are any. The reason
// codes of the system are those of the one and of the other.
func (b *switchboard) forceOut(u *user, atOnce, afterCalls int) {
	if !u.engaged() && len(u.legs) == 0 {
		b.signedOut(u, stance{state: gc.LoggedOut, system: atOnce})
		return
	}
	u.pending = stance{state: gc.LoggedOut, system: afterCalls}
	if isWrapUp(u.state) {
		b.wrappedUp(u)
		return
	}
	b.announce(u)
}

// forcedOut is the sign-out that had to wait: NOT_READY first, as on UCCE.
func (b *switchboard) forcedOut(u *user) {
	out := u.pending
	u.base, u.pending = stance{state: gc.NotReady, system: startingForceLogout}, stance{}
	b.settle(u)
	b.signedOut(u, out)
}

// dropParty is a supervisor taking an agent out of the conference, as if the
// agent had hung up.
func (b *switchboard) dropParty(r request) {
	party := r.dialog.agentAt(r.to)
	if party == nil || party.state == gc.WrapUp {
		b.refuseAction(r)
		return
	}
	b.drop(party, r.by)
}

// agentAt is the part of the agent at an extension, nil when none takes part.
func (d *dialog) agentAt(extension string) *leg {
	for _, l := range d.agents() {
		if l.address == extension {
			return l
		}
	}
	return nil
}
