// Package agent is what is known of one agent: user, calls and teams, from what
// Finesse notified and what was read. It decides what is new, what is older than
// what is known already, what is another's, which call has ended, and what the
// agent's driver has to hear of it.
//
// It is pure: no goroutine, clock, channel, log or request. Whoever has the stream
// and the requests (package session) gives in what came, in the order it came, and
// reports the Changes that come out, in their order. testdata has it as transcripts.
package agent

import (
	"cmp"
	"slices"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Agent is what is known of one agent. It is not safe for concurrent use.
type Agent struct {
	id gc.AgentID
	// withholds reports whether a sign-out that Finesse shows is not to be believed:
	// then everything stays as it is.
	withholds func(now finesse.User) bool

	user    finesse.User
	signOut bool   // it is to be signed out as soon as Finesse allows it
	clock   uint64 // counts the updates
	seen    uint64 // clock of the last one of the user
	// readings counts what was asked for of the agent; first is the first of those that are
	// newer than the latest that was taken over, and attached the one the stream began with.
	readings, first, attached uint64
	asOf                      time.Time // Finesse's time of the state that is known

	calls   map[gc.DialogID]*call
	ends    map[gc.DialogID]end
	held    map[gc.DialogID]*unclear
	doubts  map[subject]uint64  // the clock when each began
	barged  map[string]bool     // the extensions of supervisors who broke into a call
	teams   map[gc.TeamID]*team // those the driver asked about
	surplus surplus
}

// New makes an agent of whom nothing is known. withholds is asked from within
// Notified, Compare and TakeBack, about the sign-out of an agent who is signed in.
func New(id gc.AgentID, withholds func(now finesse.User) bool) *Agent {
	return &Agent{
		id: id, withholds: withholds,
		calls:  map[gc.DialogID]*call{},
		ends:   map[gc.DialogID]end{},
		held:   map[gc.DialogID]*unclear{},
		doubts: map[subject]uint64{},
		barged: map[string]bool{},
		teams:  map[gc.TeamID]*team{},
	}
}

// Change is one thing that became known of the agent.
type Change struct {
	// Event reports it. It is nil for a Change that only says one of those below.
	Event gc.Event
	// News is false when the driver knows it already: then it is reported as the answer to
	// a command that waits for it, and else not at all.
	News bool

	User *finesse.User // of the agent's own state: as it is now, or was shown to be
	Call *gc.Call      // of a call that changed: as it is now

	SignedOut bool   // the agent was not known to be signed out before
	Leads     bool   // the members of the teams are others than before
	LeftOut   string // what Finesse reported beyond what is kept
}

// Notified takes one update of the agent's notification stream.
func (a *Agent) Notified(u finesse.Update) (changes []Change) {
	a.clock++
	switch {
	case u.Error != nil:
	case u.Team != "":
		changes = a.memberNotified(u.Team, u.User)
	case u.User != nil:
		if u.User.LoginID == "" || a.is(u.User.LoginID) {
			changes = a.userNotified(*u.User)
		}
	default:
		for _, d := range u.Dialogs {
			changes = append(changes, a.dialogNotified(u.Event, d)...)
		}
	}
	return changes
}

// is reports whether Finesse means the agent with that id: it may have another one for
// the agent than the driver, who may use a login name or another spelling.
func (a *Agent) is(id gc.AgentID) bool { return id.Is(cmp.Or(a.user.LoginID, a.id)) }

// userNotified takes a state unless a newer one is known. A command may wait for
// the older one all the same. An update that names no state says nothing of it, and
// what is being read is no older for it.
func (a *Agent) userNotified(now finesse.User) []Change {
	if now.State == "" {
		return a.userChanged(now)
	}
	if compare(now.StateChangeTime, a.asOf) < 0 {
		a.doubt(subject{})
		return []Change{{Event: a.State(), User: &now}}
	}
	a.seen = a.clock
	a.settle(subject{})
	if !now.StateChangeTime.IsZero() {
		a.asOf = now.StateChangeTime
	}
	return a.userChanged(now)
}

// userChanged takes over what is known of the agent now, unless that is withheld. The
// calls that are held are judged anew.
func (a *Agent) userChanged(now finesse.User) []Change {
	if a.unbelievable(now) {
		return nil
	}
	before := a.user.State
	changes := []Change{a.become(now)}
	if a.user.State != before {
		changes = append(changes, a.waitAnew()...)
	}
	return changes
}

func (a *Agent) unbelievable(now finesse.User) bool {
	return now.State == gc.LoggedOut && a.SignedIn() && a.withholds(now)
}

// become takes over what is known of the agent now. The same state may be notified
// twice (forced sign-in, failover) and is news once.
func (a *Agent) become(now finesse.User) Change {
	before := a.user
	a.user = merge(before, now)
	a.signOut = a.signOut && now.State != gc.LoggedOut
	return a.stateSince(before)
}

// SignOut believes a sign-out that was withheld, unless it is withheld once more.
func (a *Agent) SignOut(now finesse.User) []Change { return a.userChanged(now) }

// StateSince is how the state differs from what it was before, for somebody who has not
// heard of what was between.
func (a *Agent) StateSince(before finesse.User) []Change {
	c := a.stateSince(before)
	return []Change{{Event: c.Event, User: c.User, News: c.News}}
}

func (a *Agent) stateSince(before finesse.User) Change {
	now := a.user
	return Change{
		Event: a.State(), User: &now, News: !sameState(before, now),
		SignedOut: now.State == gc.LoggedOut && before.State != gc.LoggedOut,
	}
}

func sameState(x, y finesse.User) bool {
	return x.State == y.State && x.PendingState == y.PendingState && x.ReasonCodeID == y.ReasonCodeID && x.Extension == y.Extension && x.StateChangeTime.Equal(y.StateChangeTime)
}

// merge takes what an update says and keeps what it leaves out: captured
// updates lack names, teams and settings that did not change.
func merge(old, now finesse.User) finesse.User {
	keep := func(field *string, before string) {
		if *field == "" {
			*field = before
		}
	}
	keep((*string)(&now.LoginID), string(old.LoginID))
	keep(&now.FirstName, old.FirstName)
	keep(&now.LastName, old.LastName)
	keep(&now.TeamName, old.TeamName)
	keep((*string)(&now.TeamID), string(old.TeamID))
	keep(&now.Settings.WrapUpOnIncoming, old.Settings.WrapUpOnIncoming)
	if now.State == "" { // nor is its time the state's
		now.State, now.StateChangeTime = old.State, old.StateChangeTime
		keep((*string)(&now.PendingState), string(old.PendingState))
		keep((*string)(&now.ReasonCodeID), string(old.ReasonCodeID))
	}
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

// User is the agent as Finesse showed it last.
func (a *Agent) User() finesse.User { return a.user }

// IsCalled reports whether Finesse may call the agent so: by the id that it was asked
// about or by the one that it answers with, which compare without case.
func (a *Agent) IsCalled(id gc.AgentID) bool {
	return id != "" && (id.Is(a.id) || id.Is(a.user.LoginID))
}

// Extension is where the agent is signed in, "" where not.
func (a *Agent) Extension() gc.Extension { return a.user.Extension }

// SignedIn reports whether the driver knows the agent as signed in.
func (a *Agent) SignedIn() bool {
	return a.user.State != "" && a.user.State != gc.LoggedOut && a.Extension() != ""
}

// FullName is the agent's name.
func (a *Agent) FullName() string { return gc.FullName(a.user.FirstName, a.user.LastName) }

// Info is who the agent is (O-003).
func (a *Agent) Info() gc.AgentInfo {
	return gc.AgentInfo{
		Agent:      a.id,
		FirstName:  a.user.FirstName,
		LastName:   a.user.LastName,
		Supervisor: slices.Contains(a.user.Roles, "Supervisor"),
		WrapUp:     a.user.Settings.WrapUpOnIncoming,
		Team:       gc.Team{ID: a.user.TeamID, Name: a.user.TeamName},
		Teams:      a.user.Teams,
	}
}

// State is the agent's state (O-004).
func (a *Agent) State() gc.State {
	s := MemberState(a.user)
	s.Agent = a.id
	if a.signOut {
		s.Pending = gc.LoggedOut
	}
	return s
}

// SignsOutLater notes that the agent is to be signed out as soon as Finesse allows it,
// until it is, or that it is not: LOGOUT is pending meanwhile, whatever Finesse has
// for that.
func (a *Agent) SignsOutLater(yes bool) { a.signOut = yes && a.user.State != gc.LoggedOut }

// WillSignOut reports whether the agent is to be signed out later.
func (a *Agent) WillSignOut() bool { return a.signOut }

// Engaged reports whether the agent has a call, or is about to get one: Finesse signs
// nobody out then. Wrap-up is no call.
func (a *Agent) Engaged() bool {
	switch a.user.State {
	case gc.LoggedOut, gc.Work, gc.WorkReady:
		return false
	case gc.NotReady, gc.Ready:
		return len(a.live()) > 0
	}
	return true
}

// MemberState is the state of any agent.
func MemberState(u finesse.User) gc.State {
	return gc.State{
		Agent:     u.LoginID,
		State:     u.State,
		Reason:    u.ReasonCodeID,
		Pending:   u.PendingState,
		Changed:   u.StateChangeTime,
		FullName:  gc.FullName(u.FirstName, u.LastName),
		Extension: u.Extension,
	}
}
