package session

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// notified takes one message of the notification stream.
func (s *Session) notified(u finesse.Update) {
	s.clock++
	switch {
	case u.Error != nil:
		s.rejected(u)
	case u.Team != "":
		s.memberNotified(u.Team, u.User)
	case u.User != nil:
		if u.User.LoginID == s.Agent || u.User.LoginID == "" {
			s.userNotified(*u.User)
		}
	case u.SystemInfo != nil:
		s.SystemChanged()
	default:
		for _, d := range u.Dialogs {
			s.dialogNotified(u.Event, d)
		}
		s.readSurplus()
	}
}

// userNotified takes a state unless a newer one was read, which then answers
// the command that waits for this one.
func (s *Session) userNotified(now finesse.User) {
	if s.outdated(now) {
		if a := s.take(func(a *await) bool { return a.user != nil && a.user(now) }); a != nil {
			s.showed(a)
		}
		return
	}
	s.seen, s.asOf = s.clock, time.Time{}
	s.userChanged(now)
}

func (s *Session) outdated(u finesse.User) bool {
	return !u.StateChangeTime.IsZero() && u.StateChangeTime.Before(s.asOf)
}

// showed ends a command whose outcome has shown in the agent's state.
func (s *Session) showed(a *await) {
	if a.done != nil {
		a.done()
	} else {
		s.answer(a.request, s.state())
	}
}

// userChanged tells a change of the agent's state, as the answer of the
// command that waits for it if there is one. The same state may be notified
// twice (forced sign-in, failover) and is told once.
func (s *Session) userChanged(now finesse.User) {
	if s.undoes(now) {
		return
	}
	before := s.user
	s.become(merge(before, now))
	s.tellState(before)
}

// become takes over what is known of the agent now, without a word. Who is
// signed out has no licence and follows no team.
func (s *Session) become(now finesse.User) {
	before := s.user.State
	s.user = now
	if now.State == gc.LoggedOut && before != gc.LoggedOut {
		s.returnLicence()
		s.leaveTeams()
	}
}

// tellState tells the agent's state if it is not as before, or if a command
// waits for it.
func (s *Session) tellState(before finesse.User) {
	a := s.take(func(a *await) bool { return a.user != nil && a.user(s.user) })
	switch {
	case a != nil:
		s.showed(a)
	case !sameState(before, s.user):
		s.emit(s.state())
	}
}

func sameState(a, b finesse.User) bool {
	return a.State == b.State && a.PendingState == b.PendingState && a.ReasonCodeID == b.ReasonCodeID && a.Extension == b.Extension && a.StateChangeTime.Equal(b.StateChangeTime)
}

// merge takes what an update says and keeps what it leaves out: captured
// updates lack names, teams and settings that did not change.
func merge(old, now finesse.User) finesse.User {
	keep := func(field *string, before string) {
		if *field == "" {
			*field = before
		}
	}
	keep(&now.FirstName, old.FirstName)
	keep(&now.LastName, old.LastName)
	keep(&now.TeamName, old.TeamName)
	keep((*string)(&now.TeamID), string(old.TeamID))
	keep(&now.Settings.WrapUpOnIncoming, old.Settings.WrapUpOnIncoming)
	if now.State != gc.LoggedOut {
		keep((*string)(&now.Extension), string(old.Extension))
	}
	if now.Roles == nil {
		now.Roles = old.Roles
	}
	if now.Teams == nil {
		now.Teams = old.Teams
	}
	return now
}

func (s *Session) extension() gc.Extension { return s.user.Extension }

func (s *Session) info() gc.AgentInfo {
	supervisor := false
	for _, r := range s.user.Roles {
		supervisor = supervisor || r == "Supervisor"
	}
	return gc.AgentInfo{
		Agent:      s.Agent,
		FirstName:  s.user.FirstName,
		LastName:   s.user.LastName,
		Supervisor: supervisor,
		WrapUp:     s.user.Settings.WrapUpOnIncoming,
		Team:       gc.Team{ID: s.user.TeamID, Name: s.user.TeamName},
		Teams:      s.user.Teams,
	}
}

func (s *Session) state() gc.State {
	return gc.State{
		Agent:     s.Agent,
		State:     s.user.State,
		Reason:    s.user.ReasonCodeID,
		Pending:   s.user.PendingState,
		Changed:   s.user.StateChangeTime,
		FullName:  s.info().FullName(),
		Extension: s.extension(),
	}
}

// readBack reads the agent and its calls and takes the agent's state over
// without telling the driver; calls does the same with the calls, or tells how
// they differ; then runs in the session afterwards.
func (s *Session) readBack(calls func(truth), then func(error)) {
	s.fetchAnywhere(func(t truth, err error) {
		if err == nil && s.takes(t) {
			if s.seen <= t.at && s.undoes(t.user) {
				s.whenSettled(func() { s.readBack(calls, then) })
				return
			}
			if s.seen <= t.at {
				s.become(merge(s.user, t.user))
				s.asOf = t.user.StateChangeTime
			}
			calls(t)
		}
		then(err)
	})
}

// adopt replaces the known calls by those of t, except where a notification
// is newer, and tells the ends that were missed.
func (s *Session) adopt(t truth) {
	for _, d := range t.dialogs {
		known, own := s.calls[d.ID], s.part(d)
		if own != nil && own.State != gc.Dropped && (known == nil || known.touched <= t.at) && s.gone[d.ID] <= t.at &&
			!s.endWasRead(finesse.Put, d, own) {
			if now := s.describe(d, own); s.hasRoom(now) {
				s.calls[d.ID] = &call{told: now, outbound: isOutbound(d), touched: t.at, asOf: own.StateChangeTime}
			}
		}
	}
	for _, d := range t.dialogs { // once all are known
		if known := s.calls[d.ID]; known != nil {
			known.consult = known.consult || s.isConsultation(d)
		}
	}
	s.endUnlisted(t)
}

// reread reads the agent and its calls and tells what changed.
func (s *Session) reread(then func(error)) {
	s.fetch(func(t truth, err error) {
		if err == nil && s.takes(t) {
			s.compare(t)
		}
		then(err)
	})
}

// nextReading numbers what is about to be asked for.
func (s *Session) nextReading() uint64 {
	s.readings++
	return s.readings
}

// takes reports whether t is to be taken over: not where what was asked for
// later, or at another node since, is known already.
func (s *Session) takes(t truth) bool {
	if t.number < s.taken {
		return false
	}
	s.taken = t.number
	return true
}

// compare tells how t differs from what the driver knows. What a notification
// changed since t was asked for is newer than t.
func (s *Session) compare(t truth) {
	if s.seen <= t.at && !s.outdated(t.user) {
		if s.undoes(t.user) {
			return // nor were its calls read
		}
		s.asOf = t.user.StateChangeTime
		s.userChanged(t.user)
	}
	s.compareCalls(t)
}

func (s *Session) compareCalls(t truth) {
	if s.surplus.reading { // there is no room for those that are listed before
		s.endUnlisted(t)
	}
	for _, d := range t.dialogs {
		known, own := s.calls[d.ID], s.own(d)
		if known != nil && known.touched > t.at || s.gone[d.ID] > t.at {
			continue
		}
		if known != nil { // what is read is true now, also when Finesse's clock was set back
			known.asOf = time.Time{}
		}
		s.dialogNotified(finesse.Put, d)
		if known = s.calls[d.ID]; known != nil && own != nil {
			known.asOf = own.StateChangeTime
		}
	}
	s.endUnlisted(t)
}

// endUnlisted tells the end of every call that t does not list, or lists
// without a part of the agent that is not over.
func (s *Session) endUnlisted(t truth) {
	for id, known := range s.calls {
		if known.touched > t.at {
			continue
		}
		i := slices.IndexFunc(t.dialogs, func(d finesse.Dialog) bool { return d.ID == id })
		if i < 0 {
			s.ended(id, "")
			delete(s.calls, id)
			s.readEnd(id, known.asOf)
		} else if own := s.part(t.dialogs[i]); own == nil || own.State == gc.Dropped {
			s.ended(id, "")
		}
	}
	maps.DeleteFunc(s.gone, func(_ gc.DialogID, at uint64) bool { return at <= t.at })
}

// rereadAnywhere is reread, at another node if this one fails.
func (s *Session) rereadAnywhere(then func(error)) {
	node := s.node
	s.reread(func(err error) {
		s.orElsewhere(node, err, func() { then(err) }, func() { then(nil) }) // a move reads
	})
}

// fetchAnywhere is fetch, at another node if this one fails.
func (s *Session) fetchAnywhere(then func(truth, error)) {
	node := s.node
	s.fetch(func(t truth, err error) {
		s.orElsewhere(node, err, func() { then(t, err) }, func() { s.fetch(then) })
	})
}

// fetch asks nothing with a password that was refused since somebody wanted it.
func (s *Session) fetch(then func(truth, error)) {
	if !s.connected {
		then(truth{}, gc.Errorf(gc.SubscriptionFailed, "read", "meanwhile: %w", finesse.ErrPasswordRefused))
		return
	}
	node, credentials, at, number := s.node, s.credentials, s.clock, s.nextReading()
	s.work(func(ctx context.Context) func() {
		t := truth{at: at, number: number}
		var err error
		t.user, t.dialogs, err = read(ctx, node, credentials)
		return func() {
			then(t, err)
			if wrongPassword(err) && credentials.Password.Equal(s.credentials.Password) {
				s.passwordRefused(err) // unless somebody was told
			}
		}
	})
}
