package simulator

import (
	"slices"
	"strconv"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Asynchronous errors of state changes (captured on UCCE 12.5; Finesse
// developer guide, "sign in" and "change agent state").
var (
	wrongState  = asyncErrorXML{Type: "Invalid State", Message: "CF_INVALID_OBJECT_STATE", Data: "22"}
	notSignedIn = asyncErrorXML{Type: "Invalid State", Message: "CF_INVALID_PASSWORD_SPECIFIED", Data: "257"}
	wrongMode   = asyncErrorXML{Type: "Mode Not Allowed", Message: "CF_INVALID_AGENT_WORKMODE", Data: "265"}
	deviceBusy  = asyncErrorXML{Type: "Device Busy", Message: "CF_RESOURCE_BUSY", Data: "33"}
	wrongDevice = asyncErrorXML{
		Type: "Invalid Device", Message: "CF_INVALID_LOGON_DEVICE_SPECIFIED", Data: "260",
		PeripheralCode: "10125", PeripheralMsg: "PERERR_TELDRIVE_NODEVICETARGETFORNETTARGETID",
		PeripheralText: "A device target with the network target ID specified cannot be found. " +
			"This could indicate either an internal error or a configuration error",
	}
)

// modeNotAllowed is the number that a mobile agent may not use.
const modeNotAllowed = "5550006"

// signIn is forced: who is signed in already keeps the state. A mobile agent's
// extension is a port of the contact centre; the phone behind it is taken for
// answered.
func (b *switchboard) signIn(by origin, at gc.Extension, mobile *mobileXML) {
	u := by.user
	moves := u.signedIn() && u.extension != at
	switch holder := b.atExtension(at); {
	case mobile != nil && mobile.DialNumber == modeNotAllowed:
		b.refuseUser(by, wrongMode)
		return
	case !b.isDevice(string(at)):
		b.refuseUser(by, wrongDevice)
		return
	case holder != nil && holder != u:
		b.refuseUser(by, deviceBusy)
		return
	case moves && (u.engaged() || len(u.legs) > 0):
		b.refuseUser(by, wrongState)
		return
	}
	u.extension, u.mobile, u.mobileAt = at, mobile, by.at
	if u.signedIn() {
		b.announce(u)
		return
	}
	u.base = stance{state: gc.NotReady}
	b.settle(u)
}

// isDevice: phones have four digits here; each agent for load tests has one
// more, of the agent's own number.
func (b *switchboard) isDevice(s string) bool {
	if !isDigits(s) || len(s) < 4 || len(s) > 5 {
		return false
	}
	n, _ := strconv.Atoi(s) // five digits
	return len(s) == 4 || n >= firstLoadAgent && n < firstLoadAgent+b.loadAgents
}

// changeState carries out a request for READY, NOT_READY, WORK or WORK_READY.
func (b *switchboard) changeState(by origin, to stance) {
	u := by.user
	switch {
	case to.state == gc.LoggedOut:
		b.signOut(by, to)
	case !u.signedIn() && to.state == gc.NotReady:
		b.refuseUser(by, notSignedIn)
	case !u.signedIn(), isWrapUp(to.state) && !b.mayWrapUp(u):
		b.refuseUser(by, wrongState)
	default:
		b.adopt(u, to)
	}
}

// adopt puts a user in a state, or notes it for the end of the calls.
func (b *switchboard) adopt(u *user, to stance) {
	switch {
	case isWrapUp(u.state):
		u.base, u.pending = to, stance{}
		b.wrappedUp(u)
	case u.engaged():
		u.pending = to
		b.announce(u)
	case u.base == to:
		b.announce(u)
	default:
		u.base = to
		b.settle(u)
	}
}

// signOut is allowed from NOT_READY only, as on UCCE, and not with a call.
func (b *switchboard) signOut(by origin, to stance) {
	u := by.user
	if u.state != gc.NotReady || u.engaged() || len(u.legs) > 0 {
		b.refuseUser(by, wrongState)
		return
	}
	b.signedOut(u, to)
}

func (b *switchboard) signedOut(u *user, to stance) {
	u.extension, u.mobile, u.base, u.pending = "", nil, to, stance{}
	b.settle(u)
}

// presence looks whether the agent has a notification stream, at any node.
// Without one for a while the agent is set NOT_READY, after the call if there
// is one (agent desk setting LOAD 0).
func (b *switchboard) presence(id gc.AgentID) {
	present := func() bool { return slices.ContainsFunc(b.sites, func(at *site) bool { return at.present(id) }) }
	b.mu.Lock()
	defer b.mu.Unlock()
	u := b.find(string(id))
	u.absence.stop()
	if present() {
		return
	}
	u.absence = b.after(b.presenceTimeout, func() {
		if u.signedIn() && !present() {
			b.disconnected(u)
		}
	})
}

func (b *switchboard) disconnected(u *user) {
	lost := stance{state: gc.NotReady, system: connectionFailure}
	if u.pending.state == gc.LoggedOut { // which goes further
		return
	}
	if u.engaged() {
		u.pending = lost
		b.announce(u)
		return
	}
	u.base = lost
	b.settle(u)
}

// signOutLate is what a lost node does to those whose streams it had: after a
// while they are signed out, wherever they are now.
func (b *switchboard) signOutLate(gone []gc.AgentID) {
	if b.lateLogout <= 0 {
		return
	}
	for _, id := range gone {
		u := b.find(string(id))
		b.after(b.lateLogout, func() {
			if u.signedIn() {
				b.forceOut(u, presenceLost, presenceLost)
			}
		})
	}
}
