package agent

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Finesse's callTypes of the calls a supervisor makes into others'.
const (
	supervisorMonitor = "SUPERVISOR_MONITOR"
	bargeInConsult    = "BARGE_IN_CONSULT"
)

// call is one of the agent's calls as the driver knows it.
type call struct {
	reported gc.Call
	consult  bool   // the agent consults somebody about another call
	outbound bool   // reported as a campaign's call
	over     bool   // DROPPED was reported; Finesse may still list the dialog
	touched  uint64 // the clock when a notification last changed it
	times    stamps // of what is known of it
}

// Own is the agent's participant, nil when the agent has no part in d. Its
// state, not the dialog's, is the state of the call: a dialog stays ACTIVE
// while its agent holds, wraps up or still hears it ring.
func (a *Agent) Own(d finesse.Dialog) *finesse.Participant {
	extension := string(a.Extension())
	for i := range d.Participants {
		if d.Participants[i].MediaAddress == extension && extension != "" {
			return &d.Participants[i]
		}
	}
	return nil
}

// part is the agent's participant in a dialog that its driver is to hear of.
// Nobody learns from the connector that a supervisor listens.
func (a *Agent) part(d finesse.Dialog) *finesse.Participant {
	if d.CallType == supervisorMonitor && d.FromAddress != string(a.Extension()) {
		return nil
	}
	return a.Own(d)
}

// isOutbound reports whether a campaign made the call.
func isOutbound(d finesse.Dialog) bool { return strings.HasPrefix(d.CallType, "OUTBOUND") }

// customer is whom a campaign's call is about: while the agent is reserved the
// number stands in different places on UCCX and UCCE, later it is the number
// dialled.
func (a *Agent) customer(d finesse.Dialog) string {
	for _, v := range d.Variables {
		if v.Name == "BACustomerNumber" && v.Value != "" {
			return v.Value
		}
	}
	if d.ToAddress != string(a.Extension()) {
		return cmp.Or(d.CallbackNumber, d.ToAddress)
	}
	return d.CallbackNumber
}

// Describe is dialog d as the agent, whose participant in it is own, has it.
func (a *Agent) Describe(d finesse.Dialog, own *finesse.Participant) gc.Call {
	c := gc.Call{
		Agent:     a.id,
		FullName:  a.FullName(),
		Dialog:    d.ID,
		Previous:  cmp.Or(d.AssociatedDialog, d.SecondaryID),
		Handed:    handed(d, own),
		State:     own.State,
		From:      d.FromAddress,
		To:        d.ToAddress,
		Type:      d.CallType,
		Start:     own.StartTime,
		Variables: d.Variables,
	}
	if isOutbound(d) {
		c.Customer = a.customer(d)
	}
	if known := a.calls[d.ID]; known != nil && (c.Type == "" || c.Type == "NULL") {
		c.Type = known.reported.Type // forgotten in a failover
	}
	if c.State == gc.Failed {
		c.Cause = own.StateCause
	}
	for _, p := range d.Participants {
		c.Participants = append(c.Participants, gc.Participant{
			MediaAddress: p.MediaAddress, State: p.State, AddressType: p.AddressType, Start: p.StartTime, BargedIn: a.barged[p.MediaAddress],
		})
	}
	return c
}

// handed is the id before this one of a call that somebody transfers: to the agent
// (UCCX says OFFERED of one handed over without asking), or the agent to somebody,
// whose part then ends with the cause OTHER while others go on.
func handed(d finesse.Dialog, own *finesse.Participant) gc.DialogID {
	others := slices.ContainsFunc(d.Participants, func(p finesse.Participant) bool { return p.MediaAddress != own.MediaAddress && p.State != gc.Dropped })
	comes := d.CallType == "TRANSFER" || d.CallType == "OFFERED"
	goes := own.State == gc.Dropped && own.StateCause == "OTHER" && others && mayGo(d.CallType)
	if !comes && !goes {
		return ""
	}
	return cmp.Or(d.SecondaryID, d.AssociatedDialog, d.ID)
}

// mayGo reports whether the end of a call of a type that names another call, or goes
// on without the agent, is a transfer. A conference goes on too, and a consultation
// goes over into the call it is about.
func mayGo(callType string) bool {
	return callType != "CONFERENCE" && !strings.HasPrefix(callType, "CONSULT")
}

// dialogNotified says what became of a call. The same notification may come
// twice, POST and PUT may stand for each other after a failover, and DELETE ends
// the call whatever the dialog's state says.
func (a *Agent) dialogNotified(event finesse.Event, d finesse.Dialog) []Change {
	own, about := a.part(d), subject{call: d.ID}
	switch {
	case event == finesse.Delete:
		return a.deleted(d)
	case own == nil && a.Extension() == "" && len(d.Participants) > 0: // the sign-in may be notified later
		a.doubt(about)
		return nil
	case own == nil: // not the agent's call
		return nil
	case a.isOver(d.ID) && own.State == gc.Dropped: // over before the driver heard of it, or reported
		delete(a.held, d.ID)
		return nil
	case a.isOld(event, d, own):
		a.doubt(about)
		return nil
	}
	a.settle(about)
	return a.callIs(d, own)
}

// isOver reports whether the driver knows no such call, or that it is over.
func (a *Agent) isOver(id gc.DialogID) bool {
	known := a.calls[id]
	return known == nil || known.over
}

// callIs takes over what a call, in which own is the agent's part, is now.
func (a *Agent) callIs(d finesse.Dialog, own *finesse.Participant) []Change {
	if a.isOver(d.ID) && a.mayBePreview(d, own) && a.hold(d, own) {
		return nil
	}
	changes := a.release(d)
	return append(changes, a.reportCall(d, own)...)
}

func (a *Agent) reportCall(d finesse.Dialog, own *finesse.Participant) []Change {
	a.noteBarge(d)
	now := a.Describe(d, own)
	if !a.hasRoom(now) {
		return []Change{{LeftOut: "calls"}}
	}
	delete(a.ends, d.ID)
	known := a.calls[d.ID]
	if known == nil || known.over {
		known = &call{}
		a.calls[d.ID] = known
	}
	isNew := known.reported.Dialog == ""
	changes := a.announce(known, d, now)
	known.touched, known.times = a.clock, stampsOf(d)
	known.consult = known.consult || a.IsConsultation(d)
	change := known.become(now)
	if call, ok := change.Event.(gc.InboundCall); ok {
		call.Arrived = isNew && len(changes) == 0 && now.From != string(a.Extension())
		change.Event = call
	}
	return append(changes, change)
}

// deleted ends a call, unless it has begun anew since.
func (a *Agent) deleted(d finesse.Dialog) []Change {
	own, known := a.Own(d), a.calls[d.ID]
	last := end{clock: a.clock}
	if own != nil {
		last.at = own.StateChangeTime
	}
	if known != nil {
		before := known.times[string(a.Extension())]
		if compare(last.at, before) < 0 {
			a.doubt(subject{call: d.ID})
			return nil
		}
		if last.at.IsZero() {
			last.at, last.missed = before, true
		}
	}
	a.settle(subject{call: d.ID})
	changes := a.ended(d)
	delete(a.calls, d.ID)
	delete(a.held, d.ID)
	a.noteEnd(d.ID, last)
	return changes
}

// announce says that a call is new: one that rings, or one of a campaign as soon
// as it is known to be that. A call the agent makes may ring at its own phone
// first and is not new to anybody.
func (a *Agent) announce(known *call, d finesse.Dialog, now gc.Call) []Change {
	switch isNew := known.reported.Dialog == ""; {
	case isOutbound(d) && !known.outbound && now.State != gc.Dropped:
		known.outbound = true
		return []Change{{Event: gc.NewOutboundCall{Call: now}, News: true}}
	case isNew && now.State == gc.Alerting && now.From != string(a.Extension()) && d.CallType != bargeInConsult:
		return []Change{{Event: gc.NewInboundCall{Call: now}, News: true}}
	}
	return nil
}

// IsConsultation reports whether the agent made call d about another of its
// calls. The consulted agent's call is an ordinary one, and so is the call to
// the customer that follows an outbound preview.
func (a *Agent) IsConsultation(d finesse.Dialog) bool {
	return a.calls[d.AssociatedDialog] != nil && d.FromAddress == string(a.Extension()) && !isOutbound(d)
}

// become makes now what is known of the call.
func (c *call) become(now gc.Call) Change {
	news := !reflect.DeepEqual(c.reported, now)
	c.reported, c.over = now, now.State == gc.Dropped
	return Change{Event: c.report(), Call: &now, News: news}
}

// report is the event about a call.
func (c *call) report() gc.Event {
	if c.consult {
		return gc.ConsultCall{Call: c.reported}
	}
	return gc.InboundCall{Call: c.reported}
}

// ended is the end of a call, once.
func (a *Agent) ended(d finesse.Dialog) []Change {
	known := a.calls[d.ID]
	if known == nil || known.over {
		return nil
	}
	change := known.become(a.last(known.reported, d))
	if len(a.live()) == 0 {
		clear(a.barged)
	}
	return []Change{change}
}

// last is a call at its end: as d, which has the last word, says, and as it was known
// where d says nothing. A call that was transferred names the one it was joined with
// (seed, "Release Call Output").
func (a *Agent) last(known gc.Call, d finesse.Dialog) gc.Call {
	own := a.Own(d)
	if own == nil {
		own = &finesse.Participant{}
	}
	now := a.Describe(d, own)
	now.State, now.Cause = gc.Dropped, ""
	now.Previous = cmp.Or(d.AssociatedDialog, known.Previous, d.SecondaryID)
	went := cmp.Or(d.SecondaryID, now.Handed)
	if now.Handed = known.Handed; mayGo(now.Type) {
		now.Handed = cmp.Or(now.Handed, went)
	}
	now.From, now.To = cmp.Or(now.From, known.From), cmp.Or(now.To, known.To)
	now.Start = cmp.Or(now.Start, known.Start)
	now.Customer = cmp.Or(now.Customer, known.Customer)
	if len(now.Variables) == 0 {
		now.Variables = known.Variables
	}
	if len(now.Participants) == 0 {
		now.Participants = slices.Clone(known.Participants)
	}
	for i := range now.Participants {
		if p := &now.Participants[i]; p.MediaAddress == string(a.Extension()) {
			p.State = gc.Dropped // as the call
		}
	}
	return now
}

// noteBarge remembers who breaks into the call of the agent: the party that
// the agent's phone calls for it.
func (a *Agent) noteBarge(d finesse.Dialog) {
	if d.CallType != bargeInConsult || d.FromAddress != string(a.Extension()) {
		return
	}
	for _, p := range d.Participants {
		if p.MediaAddress != d.FromAddress && len(a.barged) < maxBarged {
			a.barged[p.MediaAddress] = true
		}
	}
}

// BargesIn notes that the agent breaks into somebody's call.
func (a *Agent) BargesIn() { a.barged[string(a.Extension())] = true }

// live are the calls that are not over, oldest first.
func (a *Agent) live() []*call {
	var live []*call
	for _, c := range a.calls {
		if !c.over {
			live = append(live, c)
		}
	}
	slices.SortFunc(live, func(x, y *call) int {
		return cmp.Or(x.reported.Start.Compare(y.reported.Start), strings.Compare(string(x.reported.Dialog), string(y.reported.Dialog)))
	})
	return live
}

// LiveCalls are the calls that are not over, oldest first.
func (a *Agent) LiveCalls() []gc.Call {
	var calls []gc.Call
	for _, c := range a.live() {
		calls = append(calls, c.reported)
	}
	return calls
}

// Call is one of the agent's calls, which may be over; false for one that it does
// not have.
func (a *Agent) Call(id gc.DialogID) (gc.Call, bool) {
	if c := a.calls[id]; c != nil {
		return c.reported, true
	}
	return gc.Call{}, false
}

// Listening is the call in which the agent, a supervisor, listens: the one of that
// id, else the only one there can be.
func (a *Agent) Listening(id gc.DialogID) (found gc.Call, ok bool) {
	for _, c := range a.live() {
		if c.reported.Type == supervisorMonitor && (!ok || c.reported.Dialog == id) {
			found, ok = c.reported, true
		}
	}
	return found, ok
}

// Associated is the other call of a consultation, seen from either of the two; nil
// for none.
func (a *Agent) Associated(d finesse.Dialog) *gc.Call {
	other := a.calls[d.AssociatedDialog]
	if other == nil {
		other = a.consultationAbout(d.ID)
	}
	if other == nil {
		return nil
	}
	return &other.reported
}

func (a *Agent) consultationAbout(id gc.DialogID) *call {
	for _, c := range a.live() {
		if c.consult && c.reported.Previous == id {
			return c
		}
	}
	return nil
}

// Statuses are the live calls, a consultation together with the call it is
// about (O-024). Where there are several about a call, or about one another,
// the others stand alone.
func (a *Agent) Statuses() []gc.Event {
	var events []gc.Event
	listed := map[*call]bool{}
	list := func(c *call) {
		other := a.consultationAbout(c.reported.Dialog)
		if listed[other] {
			other = nil
		}
		listed[c], listed[other] = true, other != nil
		events = append(events, status(c, other))
	}
	live := a.live()
	for _, c := range live {
		if about := a.calls[c.reported.Previous]; !c.consult || about == nil || about.over {
			list(c)
		}
	}
	for _, c := range live {
		if !listed[c] {
			list(c)
		}
	}
	return events
}

// status is a call together with its consultation, nil for none.
func status(c, consultation *call) gc.DialogStatus {
	e := gc.DialogStatus{Call: c.reported}
	if consultation != nil {
		e.Associated = &consultation.reported
	}
	return e
}

// Now is what is true now of what an event said that may not have arrived: the call
// if it still goes on, otherwise the agent's state, for the end of a call is reported
// anyway. An event about somebody else, which own says, is as true as it was.
func (a *Agent) Now(e gc.Event) (now gc.Event, own bool) {
	var id gc.DialogID
	switch missed := e.(type) {
	case gc.State:
		if missed.Agent != a.id {
			return missed, false
		}
	case gc.TeamMemberState:
		return missed, false
	case gc.InboundCall:
		id = missed.Call.Dialog
	case gc.ConsultCall:
		id = missed.Call.Dialog
	case gc.DialogStatus:
		id = missed.Call.Dialog
	}
	if known := a.calls[id]; known != nil && !known.over {
		return status(known, a.consultationAbout(id)), true
	}
	return a.State(), true
}
