package session

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// call is one of the agent's calls as the driver knows it.
type call struct {
	told    gc.Call
	consult bool   // the agent consults somebody about another call
	over    bool   // DROPPED was told; Finesse may still list the dialog
	touched uint64 // the session's clock when a notification last changed it
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
	if known := s.calls[d.ID]; known != nil && (c.Type == "" || c.Type == "NULL") {
		c.Type = known.told.Type // forgotten in a failover
	}
	if c.State == gc.Failed {
		c.Cause = own.StateCause
	}
	for _, p := range d.Participants {
		c.Participants = append(c.Participants, gc.Participant{MediaAddress: p.MediaAddress, State: p.State, AddressType: p.AddressType, Start: p.StartTime})
	}
	return c
}

// dialogNotified tells the driver what became of a call. The same notification
// may come twice, POST and PUT may stand for each other after a failover, and
// DELETE ends the call whatever the dialog's state says.
func (s *Session) dialogNotified(event finesse.Event, d finesse.Dialog) {
	if event == finesse.Delete {
		s.ended(d.ID)
		delete(s.calls, d.ID)
		return
	}
	own := s.own(d)
	known := s.calls[d.ID]
	switch {
	case own == nil: // not the agent's call
		return
	case known == nil && own.State == gc.Dropped: // over before the driver heard of it
		return
	case known != nil && known.over && event != finesse.Post: // told; Finesse still lists it
		return
	}
	now := s.describe(d, own)
	if known == nil || known.over {
		known = &call{}
		s.calls[d.ID] = known
		if now.State == gc.Alerting {
			s.emit(gc.NewInboundCall{Call: now})
		}
	}
	known.touched = s.clock
	known.consult = known.consult || s.isConsultation(d)
	s.tell(known, now)
}

// isConsultation reports whether the agent made call d about another of its
// calls. The consulted agent's call is an ordinary one, and so is the call to
// the customer that follows an outbound preview.
func (s *Session) isConsultation(d finesse.Dialog) bool {
	return s.calls[d.AssociatedDialog] != nil && d.FromAddress == string(s.extension()) && !strings.HasPrefix(d.CallType, "OUTBOUND")
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
		s.answer(a.request, known.report())
	case changed:
		s.emit(known.report())
	}
}

// ended tells the end of a call, once.
func (s *Session) ended(id gc.DialogID) {
	known := s.calls[id]
	if known == nil || known.over {
		return
	}
	now := known.told
	now.State, now.Cause = gc.Dropped, ""
	s.tell(known, now)
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
