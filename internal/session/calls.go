package session

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// call is one of the agent's calls as the driver knows it.
type call struct {
	told     gc.Call
	consult  bool   // the agent consults somebody about another call
	outbound bool   // told as a campaign's call
	over     bool   // DROPPED was told; Finesse may still list the dialog
	touched  uint64 // the session's clock when a notification last changed it
	// asOf is Finesse's time of a state that was read, not notified:
	// notifications of before may still be on their way.
	asOf time.Time
}

// own is the agent's participant, nil when the agent has no part in d. Its
// state, not the dialog's, is the state of the call: a dialog stays ACTIVE
// while its agent holds, wraps up or still hears it ring.
func (s *Session) own(d finesse.Dialog) *finesse.Participant {
	extension := string(s.extension())
	for i := range d.Participants {
		if d.Participants[i].MediaAddress == extension && extension != "" {
			return &d.Participants[i]
		}
	}
	return nil
}

// part is the agent's participant in a dialog that its driver is to hear of.
// Nobody learns from the connector that a supervisor listens. The first
// notification of an outbound preview lacks number and variables and looks
// like a direct call, so one that begins while the agent is reserved for a
// preview is left to the second (seed O-028).
func (s *Session) part(d finesse.Dialog) *finesse.Participant {
	listener := d.CallType == supervisorMonitor && d.FromAddress != string(s.extension())
	provisional := d.CallType == "OTHER_IN" && s.calls[d.ID] == nil && s.user.State == gc.ReservedPreview
	if listener || provisional {
		return nil
	}
	return s.own(d)
}

// isOutbound reports whether a campaign made the call.
func isOutbound(d finesse.Dialog) bool { return strings.HasPrefix(d.CallType, "OUTBOUND") }

// customer is whom a campaign's call is about: while the agent is reserved the
// number stands in different places on UCCX and UCCE, later it is the number
// dialled.
func (s *Session) customer(d finesse.Dialog) string {
	for _, v := range d.Variables {
		if v.Name == "BACustomerNumber" && v.Value != "" {
			return v.Value
		}
	}
	if d.ToAddress != string(s.extension()) {
		return cmp.Or(d.CallbackNumber, d.ToAddress)
	}
	return d.CallbackNumber
}

func (s *Session) describe(d finesse.Dialog, own *finesse.Participant) gc.Call {
	c := gc.Call{
		Agent:     s.Agent,
		FullName:  s.info().FullName(),
		Dialog:    d.ID,
		Previous:  cmp.Or(d.AssociatedDialog, d.SecondaryID),
		State:     own.State,
		From:      d.FromAddress,
		To:        d.ToAddress,
		Type:      d.CallType,
		Start:     own.StartTime,
		Variables: d.Variables,
	}
	if isOutbound(d) {
		c.Customer = s.customer(d)
	}
	if known := s.calls[d.ID]; known != nil && (c.Type == "" || c.Type == "NULL") {
		c.Type = known.told.Type // forgotten in a failover
	}
	if c.State == gc.Failed {
		c.Cause = own.StateCause
	}
	for _, p := range d.Participants {
		c.Participants = append(c.Participants, gc.Participant{
			MediaAddress: p.MediaAddress, State: p.State, AddressType: p.AddressType, Start: p.StartTime, BargedIn: s.barged[p.MediaAddress],
		})
	}
	return c
}

// maxGone bounds the calls remembered after their end.
const maxGone = 100

// readEnd notes that the end of a call was read and not notified. The
// notifications of its last states, from asOf on, may still come.
func (s *Session) readEnd(id gc.DialogID, asOf time.Time) {
	if len(s.unlisted) >= maxGone {
		clear(s.unlisted)
	}
	s.unlisted[id] = asOf
}

// endWasRead reports whether a notification, or another read, is of before
// the end that was read of its call. One that begins the call anew is not.
func (s *Session) endWasRead(event finesse.Event, d finesse.Dialog, own *finesse.Participant) bool {
	asOf, unlisted := s.unlisted[d.ID]
	begins := event == finesse.Post && (asOf.IsZero() || own.StateChangeTime.After(asOf))
	return unlisted && !begins
}

// dialogNotified tells the driver what became of a call. The same notification
// may come twice, POST and PUT may stand for each other after a failover, and
// DELETE ends the call whatever the dialog's state says.
func (s *Session) dialogNotified(event finesse.Event, d finesse.Dialog) {
	if event == finesse.Delete {
		s.ended(d.ID, d.SecondaryID)
		delete(s.calls, d.ID)
		if len(s.gone) >= maxGone { // nobody has read for long
			clear(s.gone)
		}
		s.gone[d.ID] = s.clock
		delete(s.unlisted, d.ID)
		return
	}
	if event == finesse.Post {
		delete(s.gone, d.ID)
	}
	own := s.part(d)
	known := s.calls[d.ID]
	switch {
	case own == nil: // not the agent's call
		return
	case (known == nil || known.over) && own.State == gc.Dropped: // over before the driver heard of it, or told
		return
	case known != nil && known.over && event != finesse.Post: // told; Finesse still lists it
		return
	case known != nil && own.StateChangeTime.Before(known.asOf): // a newer state was read
		return
	case s.endWasRead(event, d, own):
		return
	}
	s.noteBarge(d)
	now := s.describe(d, own)
	if !s.hasRoom(now) {
		return
	}
	delete(s.unlisted, d.ID)
	if known == nil || known.over {
		known = &call{}
		s.calls[d.ID] = known
	}
	s.announce(known, d, now)
	known.touched, known.asOf = s.clock, time.Time{}
	known.consult = known.consult || s.isConsultation(d)
	s.tell(known, now)
}

// announce tells the driver of a new call: one that rings, or one of a
// campaign as soon as it is known to be that. A call the agent makes may ring
// at its own phone first and is not new to anybody.
func (s *Session) announce(known *call, d finesse.Dialog, now gc.Call) {
	switch isNew := known.told.Dialog == ""; {
	case isOutbound(d) && !known.outbound && now.State != gc.Dropped:
		known.outbound = true
		s.emit(gc.NewOutboundCall{Call: now})
	case isNew && now.State == gc.Alerting && now.From != string(s.extension()) && d.CallType != bargeInConsult:
		s.emit(gc.NewInboundCall{Call: now})
	}
}

// isConsultation reports whether the agent made call d about another of its
// calls. The consulted agent's call is an ordinary one, and so is the call to
// the customer that follows an outbound preview.
func (s *Session) isConsultation(d finesse.Dialog) bool {
	return s.calls[d.AssociatedDialog] != nil && d.FromAddress == string(s.extension()) && !isOutbound(d)
}

// report is the event about a call.
func (c *call) report() gc.Event {
	if c.consult {
		return gc.ConsultCall{Call: c.told}
	}
	return gc.InboundCall{Call: c.told}
}

// tell publishes a call that changed, as the answer of the command that waits
// for it if there is one.
func (s *Session) tell(known *call, now gc.Call) {
	changed := !reflect.DeepEqual(known.told, now)
	known.told, known.over = now, now.State == gc.Dropped
	a := s.take(func(a *await) bool { return a.call != nil && a.call(now) })
	switch {
	case a != nil && a.done != nil:
		if changed {
			s.emit(known.report())
		}
		a.done()
	case a != nil:
		s.release(a)
		s.answer(a.request, known.report())
	case changed:
		s.emit(known.report())
	}
}

// ended tells the end of a call, once. A call that was transferred names the
// one it was joined with (seed, "Release Call Output").
func (s *Session) ended(id, joined gc.DialogID) {
	known := s.calls[id]
	if known == nil || known.over {
		return
	}
	now := known.told
	now.State, now.Cause = gc.Dropped, ""
	now.Previous = cmp.Or(now.Previous, joined)
	s.tell(known, now)
	if len(s.liveCalls()) == 0 {
		clear(s.barged)
	}
}

// liveCalls are the calls that are not over, oldest first.
func (s *Session) liveCalls() []*call {
	var live []*call
	for _, c := range s.calls {
		if !c.over {
			live = append(live, c)
		}
	}
	slices.SortFunc(live, func(a, b *call) int {
		if c := a.told.Start.Compare(b.told.Start); c != 0 {
			return c
		}
		return strings.Compare(string(a.told.Dialog), string(b.told.Dialog))
	})
	return live
}

// associated is the other call of a consultation, seen from either of the two.
func (s *Session) associated(d finesse.Dialog) *call {
	if other := s.calls[d.AssociatedDialog]; other != nil {
		return other
	}
	return s.consultationAbout(d.ID)
}

func (s *Session) consultationAbout(id gc.DialogID) *call {
	for _, c := range s.liveCalls() {
		if c.consult && c.told.Previous == id {
			return c
		}
	}
	return nil
}
