package agent

import (
	"maps"
	"slices"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// The first notification of an outbound preview lacks number and variables and looks
// like a direct call, so it is held until it is known what it is (seed O-028). The
// second follows within milliseconds and names the campaign; the agent's state comes
// on another node, before or after. A direct call may come to an agent who is reserved
// for a preview as well.

// provisional is the type of a call in the first notification of a preview, and of a
// direct call.
const provisional = "OTHER_IN"

// maxUnclear bounds the calls that are held. Nobody has so many phones; one more is reported.
const maxUnclear = 10

// unclear is a call of which it is not known whether it is a preview.
type unclear struct {
	dialog  finesse.Dialog
	touched uint64 // the clock when it was notified last
	changed uint64 // the clock when the last thing changed that may tell what it is
	waited  bool   // long enough since
}

// mayBePreview reports whether a call that nobody has heard of may turn out to be a
// preview. What the agent's phone offers tells; where it offers nothing the agent's state
// does, after a while: it may be on its way.
func (a *Agent) mayBePreview(d finesse.Dialog, own *finesse.Participant) bool {
	held := a.held[d.ID]
	switch {
	case !slices.Contains([]string{provisional, "", "NULL"}, d.CallType), own.State == gc.Dropped:
		return false
	case slices.ContainsFunc(own.Actions, isOfPreview):
		return true
	case d.CallType != provisional, len(own.Actions) > 0, slices.Contains(answered, own.State):
		return false
	case a.user.State == gc.ReservedPreview:
		return true
	}
	if held != nil {
		return !held.waited
	}
	return a.user.State == gc.Ready
}

var answered = []gc.CallState{gc.Active, gc.Held, gc.WrapUp}

func isOfPreview(action string) bool {
	return slices.Contains([]finesse.Action{finesse.Accept, finesse.Reject, finesse.Close}, finesse.Action(action))
}

// hold keeps a call back. It is false when there is no room.
func (a *Agent) hold(d finesse.Dialog, own *finesse.Participant) bool {
	held := a.held[d.ID]
	if held == nil && len(a.held) >= maxUnclear || !a.hasRoom(a.Describe(d, own)) {
		return false
	}
	if held == nil {
		held = &unclear{changed: a.clock}
		a.held[d.ID] = held
	}
	held.dialog, held.touched = d, a.clock
	return true
}

// release ends the holding of a call that is known to be now. One that rang before it
// was known to be direct is reported as it was, first.
func (a *Agent) release(now finesse.Dialog) []Change {
	held := a.held[now.ID]
	delete(a.held, now.ID)
	if held == nil || isOutbound(now) {
		return nil
	}
	if own := a.part(held.dialog); own != nil && !slices.ContainsFunc(own.Actions, isOfPreview) {
		return a.reportCall(held.dialog, own)
	}
	return nil
}

// judge reports the calls that are held and known to be direct by now.
func (a *Agent) judge() (changes []Change) {
	for _, id := range slices.Sorted(maps.Keys(a.held)) {
		d := a.held[id].dialog
		if own := a.part(d); own != nil && !a.mayBePreview(d, own) {
			delete(a.held, id)
			changes = append(changes, a.reportCall(d, own)...)
		}
	}
	return changes
}

// waitAnew lets every call that is held wait anew: the agent's state has changed, and the
// end of a preview may follow on its own node.
func (a *Agent) waitAnew() []Change {
	for _, held := range a.held {
		held.changed, held.waited = a.clock, false
	}
	return a.judge()
}

// Unclear gives a mark for Waited, while there is a call that waits to be known as a
// preview or a direct call.
func (a *Agent) Unclear() (mark uint64, waits bool) {
	for _, held := range a.held {
		waits = waits || !held.waited
	}
	return a.clock, waits
}

// Waited is to be called a while after Unclear gave the mark.
func (a *Agent) Waited(mark uint64) []Change {
	for _, held := range a.held {
		held.waited = held.waited || held.changed <= mark
	}
	return a.judge()
}
