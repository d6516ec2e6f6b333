package simulator

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// user is an agent, a supervisor or the administrator. The first block never
// changes; the rest is the switchboard's and guarded by its lock.
type user struct {
	id                 gc.AgentID
	login, first, last string
	supervisor         bool
	administrator      bool   // reads what others do, has no phone and no stream
	team               team   // the own one; the administrator has none
	leading            []team // of a supervisor; may be empty

	wrapUp      WrapUp
	wrapUpTimer time.Duration
	extension   gc.Extension
	mobile      *mobileXML // nil at a phone of the contact centre
	mobileAt    *site      // the only node that reports it (Finesse developer guide, User)
	state       gc.UserState
	changed     time.Time
	base        stance // where the user is when no call is on
	pending     stance // what replaces base after the calls; zero when nothing
	legs        []*leg // the calls in the user's collection, in the order they came
	reserved    *dialog
	joining     bool   // a barge is under way: TALKING whatever the calls say
	absence     *timer // from the last stream gone to NOT_READY
	announced   view
}

// view is what decides whether a user update is due.
type view struct {
	state         gc.UserState
	base, pending stance
}

// view leaves the base out where it cannot be seen.
func (u *user) view() view {
	v := view{state: u.state, pending: u.pending}
	if u.state == u.base.state {
		v.base = u.base
	}
	return v
}

type team struct {
	id   gc.TeamID
	name string
}

// stance is a state a user asked for or was put in, with its reason.
type stance struct {
	state  gc.UserState
	reason *reason // configured, nil for none
	system int     // reason code of the system, 0 for none
}

// System reason codes (Finesse administration guide, "reason codes").
const (
	offHook             = 50006
	callNotAnswered     = 32767
	connectionFailure   = 50002
	supervisorInitiated = 999
	startingForceLogout = 20001
	forceLogout         = 20002
	presenceLost        = 255
)

// reason is a configured reason code: Finesse's id, and the code for reports.
type reason struct {
	id       gc.ReasonCodeID
	category gc.ReasonCategory
	code     int
	label    string
	forAll   bool
}

// reasons have ids that differ from their codes, and labels with characters
// that separate or need escaping elsewhere: clients have to cope with both.
var reasons = []reason{
	{"1", gc.NotReadyReasons, 12, "Lunch", true},
	{"2", gc.NotReadyReasons, 13, "Break, coffee & tea", true},
	{"3", gc.NotReadyReasons, 14, "Rückruf", true},
	{"16", gc.NotReadyReasons, 10, "Team Meeting", false},
	{"5", gc.LogoutReasons, 20, "End of shift", true},
	{"6", gc.LogoutReasons, 21, "Doctor, family & other", true},
	{"7", gc.LogoutReasons, 22, "Congé", false},
}

func findReason(category gc.ReasonCategory, id gc.ReasonCodeID) *reason {
	i := slices.IndexFunc(reasons, func(r reason) bool { return r.category == category && r.id == id })
	if i < 0 {
		return nil
	}
	return &reasons[i]
}

// The teams. Support has no phone book of its own.
var (
	sales   = team{"1", "Sales"}
	support = team{"2", "Support"}
	teams   = []team{sales, support}
)

// administrator is the user who may ask for all users.
const administrator gc.AgentID = "admin"

// Agents for load tests have ids from here on.
const (
	firstLoadAgent = 10001
	maxLoadAgents  = 50000
)

// newUsers are the people of the simulated contact centre, by id, without the
// administrator. load further agents have no names of their own.
func newUsers(started time.Time, load int) []*user {
	names := strings.Fields(`Ada Lovelace  Alan Turing  Grace Hopper  Edsger Dijkstra  Barbara Liskov  Donald Knuth
		Radia Perlman  Ken Thompson  Frances Allen  Dennis Ritchie  Margaret Hamilton  Niklaus Wirth  Hedy Lamarr
		Claude Shannon  Katherine Johnson  Tony Hoare  Sophie Wilson  Vint Cerf  Annie Easley  Seán Ó_Briain
		Mary Shaw  Leslie Lamport  Adele Goldberg  Alan Kay  Karen Spärck_Jones`)
	var users []*user
	for i := range len(names) / 2 {
		u := newUser(gc.AgentID(strconv.Itoa(1001+i)), names[2*i], strings.ReplaceAll(names[2*i+1], "_", " "), sales, started)
		if i >= 20 {
			u.team = support
		}
		users = append(users, u)
	}
	users = append(users,
		newSupervisor(newUser("2001", "Emmy", "Noether", sales, started), sales),
		newSupervisor(newUser("2002", "Joan", "Clarke", support, started), sales, support),
		newSupervisor(newUser("2003", "Max", "Newman", support, started)),
	)
	for i := range load {
		id := strconv.Itoa(firstLoadAgent + i)
		users = append(users, newUser(gc.AgentID(id), "Agent", id, sales, started))
	}
	return users
}

func newAdministrator(started time.Time) *user {
	u := newUser(administrator, "Finesse", "Administrator", team{}, started)
	u.login, u.administrator = string(administrator), true
	return u
}

func newUser(id gc.AgentID, first, last string, own team, started time.Time) *user {
	u := &user{
		id: id, login: "agent" + string(id), first: first, last: last, team: own,
		state: gc.LoggedOut, base: stance{state: gc.LoggedOut}, changed: started,
	}
	u.announced = u.view()
	return u
}

func newSupervisor(u *user, leading ...team) *user {
	u.supervisor, u.leading = true, leading
	return u
}

func (u *user) signedIn() bool { return u.base.state != gc.LoggedOut }

// leads reports whether u supervises v.
func (u *user) leads(v *user) bool { return slices.Contains(u.leading, v.team) }

// engaged: a request for another state has to wait for the end of a call. A
// direct call that rings does not count, since it changes no state; neither
// does being listened to.
func (u *user) engaged() bool {
	return u.reserved != nil || u.joining || slices.ContainsFunc(u.legs, func(l *leg) bool { return l.state != gc.Alerting && !l.passive })
}

// current derives the state from the calls: UCCE shows TALKING and HOLD for
// every kind of call, the reservations and wrap-up for routed calls only.
func (u *user) current() gc.UserState {
	state := u.base.state
	if u.reserved != nil {
		state = cmp.Or(u.reserved.reserves, gc.Reserved)
	}
	if u.joining {
		return gc.Talking
	}
	for _, l := range u.legs {
		switch {
		case l.passive:
		case l.state == gc.Active:
			return gc.Talking
		case l.state == gc.Held:
			state = gc.Hold
		case l.state == gc.WrapUp && state != gc.Hold:
			state = u.wrapUpState()
		}
	}
	return state
}

// talking is the part in which the user talks, nil when in none.
func (u *user) talking() *leg {
	i := slices.IndexFunc(u.legs, func(l *leg) bool { return l.state == gc.Active && !l.passive })
	if i < 0 {
		return nil
	}
	return u.legs[i]
}

// shownReason is the reason code that goes with the state: only NOT_READY and
// LOGOUT have one (captured on UCCE 12.5).
func (u *user) shownReason() (*reasonXML, string) {
	if u.state != gc.NotReady && u.state != gc.LoggedOut {
		return nil, ""
	}
	if u.base.reason == nil {
		return nil, "-1"
	}
	x := u.base.reason.xml()
	x.ID, x.SystemCode = u.base.reason.id, new(bool)
	return &x, string(u.base.reason.id)
}

func (r *reason) xml() reasonXML {
	return reasonXML{Category: r.category, Code: r.code, Label: r.label, ForAll: r.forAll, URI: reasonURI(r.id)}
}

// xml is what a node reports of the user.
func (u *user) xml(element string, at *site) userXML {
	x := userXML{
		XMLName: named(element), Dialogs: dialogsURI(u.id), Extension: u.extension, FirstName: u.first, LastName: u.last,
		LoginID: u.id, LoginName: u.login, MediaType: 1, PendingState: u.pending.state, Roles: []string{"Agent"},
		Settings: settingsXML{u.wrapUp, WrapUpNotAllowed}, State: u.state, StateChangeTime: stamp(u.changed),
		TeamID: u.team.id, TeamName: u.team.name, URI: userURI(u.id), WrapUpTimer: int(u.wrapUpTimer / time.Second),
	}
	x.ReasonCode, x.ReasonCodeID = u.shownReason()
	if u.mobileAt == at {
		x.MobileAgent = u.mobile
	}
	if u.supervisor {
		x.Roles = append(x.Roles, "Supervisor")
		x.Teams = &[]teamXML{}
		for _, t := range u.leading {
			*x.Teams = append(*x.Teams, teamXML{t.id, t.name, teamURI(t.id)})
		}
	}
	if u.administrator {
		x.Roles = []string{"Administrator"}
	}
	return x
}

func (u *user) memberXML(element string) memberXML {
	reason, _ := u.shownReason()
	return memberXML{
		XMLName: named(element),
		Dialogs: dialogsURI(u.id), Extension: u.extension, FirstName: u.first, LastName: u.last, LoginID: u.id, MediaType: 1,
		PendingState: u.pending.state, ReasonCode: reason, State: u.state, StateChangeTime: stamp(u.changed), URI: userURI(u.id),
	}
}
