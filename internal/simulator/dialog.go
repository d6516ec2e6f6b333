package simulator

import (
	"slices"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// dialog is a call. All of it is guarded by the switchboard's lock.
type dialog struct {
	id        gc.DialogID
	from, to  string // of the original call
	dnis      string // last number dialled
	dialled   string // number the caller dialled
	state     gc.CallState
	wrapUp    string
	variables []gc.CallVariable
	legs      []*leg
	acd       bool // routed by the contact centre, not dialled
	hidden    bool // a caller who withholds the number, and so is no leg, is on the line
	ringing   *timer

	associated gc.DialogID // of a consultation: the call it was made from
	secondary  gc.DialogID // the call that a transfer or conference ended
	controller *user       // who made it a conference, nil when it is none

	reserves  gc.UserState  // of the agent it is meant for until they talk; "" is RESERVED
	campaign  *CampaignCall // of a campaign's reservation
	callback  string        // of a reservation: the customer's number
	listensTo *leg          // of silent monitoring: the part listened to
}

// leg is one party's part in a call.
type leg struct {
	dialog   *dialog
	user     *user // nil for an outside party
	address  string
	callType string // as this party sees the call
	state    gc.CallState
	cause    string
	start    time.Time
	changed  time.Time
	timer    *timer // ringing after a single step transfer, or wrap-up
	passive  bool   // an agent who is listened to; has no actions and counts for no state
}

func (l *leg) set(state gc.CallState, now time.Time) {
	l.state, l.changed = state, now
}

func (d *dialog) addLeg(l *leg, now time.Time) *leg {
	l.dialog, l.start, l.changed = d, now, now
	d.legs = append(d.legs, l)
	return l
}

func (d *dialog) legOf(u *user) *leg {
	if i := slices.IndexFunc(d.legs, func(l *leg) bool { return l.user == u }); i >= 0 {
		return d.legs[i]
	}
	return nil
}

// outside is the leg of the first party beyond the contact centre, nil when
// there is none on the line or the caller withholds the number.
func (d *dialog) outside() *leg {
	i := slices.IndexFunc(d.legs, func(l *leg) bool { return l.user == nil && l.state != gc.Dropped })
	if i < 0 {
		return nil
	}
	return d.legs[i]
}

// goesOnWithout: what remains is still a conversation.
func (d *dialog) goesOnWithout(gone *leg) bool {
	parties := 0
	if d.hidden && gone != nil {
		parties++
	}
	for _, l := range d.legs {
		if l != gone && l.talks() {
			parties++
		}
	}
	return parties >= 2
}

func (d *dialog) remove(gone *leg) {
	d.legs = slices.DeleteFunc(d.legs, func(l *leg) bool { return l == gone })
}

func (l *leg) talks() bool { return l.state == gc.Active || l.state == gc.Held }

// agents are the legs of users who have the dialog in their collection.
func (d *dialog) agents() []*leg {
	var legs []*leg
	for _, l := range d.legs {
		if l.user != nil && slices.Contains(l.user.legs, l) {
			legs = append(legs, l)
		}
	}
	return legs
}

// action is a requestedAction on a dialog.
type action string

const (
	answer         action = "ANSWER"
	hold           action = "HOLD"
	retrieve       action = "RETRIEVE"
	drop           action = "DROP"
	updateCallData action = "UPDATE_CALL_DATA"
	sendDTMF       action = "SEND_DTMF"
	makeCall       action = "MAKE_CALL"
	consultCall    action = "CONSULT_CALL"
	transfer       action = "TRANSFER"
	conference     action = "CONFERENCE"
	transferSST    action = "TRANSFER_SST"
	dropParty      action = "PARTICIPANT_DROP"
	acceptPreview  action = "ACCEPT"
	closePreview   action = "CLOSE"
	rejectPreview  action = "REJECT"
	silentMonitor  action = "SILENT_MONITOR"
	bargeCall      action = "BARGE_CALL"
)

// actionsIn lists what a participant may do (Finesse developer guide 12.5,
// page 126, in the order of captures).
var actionsIn = map[gc.CallState][]action{
	gc.Initiating: {updateCallData, drop},
	gc.Initiated:  {updateCallData, drop},
	gc.Alerting:   {answer},
	gc.Active:     {transferSST, consultCall, hold, updateCallData, sendDTMF, drop},
	gc.Held:       {updateCallData, drop, retrieve},
	gc.Failed:     {drop},
	gc.WrapUp:     {updateCallData},
}

// actions are those of the state, but for a reservation and for silent
// monitoring. A held call can also be joined with the consultation once that
// is active, and supervisors may take agents out of a conference they are in
// (enableDropParticipantFor is supervisor_only).
func (l *leg) actions() []action {
	d, own := l.dialog, actionsIn[l.state]
	switch {
	case l.passive:
		return nil
	case d.campaign != nil && l.state == gc.Alerting:
		return []action{acceptPreview, closePreview, rejectPreview}
	case d.listensTo != nil && l.state == gc.Active:
		return actionsIn[gc.Initiated]
	}
	if l.state == gc.Held && l.partner() != nil {
		own = slices.Concat(own, []action{transfer, conference})
	}
	if l.user != nil && l.user.supervisor && d.controller != nil && l.talks() {
		own = slices.Concat(own, []action{dropParty})
	}
	return own
}

func (l *leg) may(a action) bool { return slices.Contains(l.actions(), a) }

func (l *leg) xml() participantXML {
	x := participantXML{
		Actions: actionsXML{l.actions()}, MediaAddress: l.address, StartTime: stamp(l.start),
		State: l.state, StateCause: l.cause, StateChangeTime: stamp(l.changed),
	}
	if l.user != nil {
		x.MediaAddressType = "AGENT_DEVICE"
	}
	return x
}

// xml is the dialog as the party of viewer sees it.
func (d *dialog) xml(element string, viewer *leg) dialogXML {
	x := dialogXML{
		XMLName: named(element), FromAddress: d.from, ID: d.id, MediaType: "Voice", State: d.state, ToAddress: d.to, URI: dialogURI(d.id),
		SecondaryID: d.secondary, CallbackNumber: d.callback,
		MediaProperties: mediaXML{DNIS: d.dnis, CallType: viewer.callType, DialedNumber: d.dialled, WrapUpReason: d.wrapUp},
	}
	if d.associated != "" {
		x.AssociatedDialogURI = dialogURI(d.associated)
	}
	for _, v := range d.variables {
		x.MediaProperties.Variables = append(x.MediaProperties.Variables, variableXML(v))
	}
	for _, l := range d.legs {
		x.Participants = append(x.Participants, l.xml())
	}
	return x
}
