package simulator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// switchboard holds the users and calls and is the one place that publishes
// what happens to them, in Finesse's order. REST, the control page and timers
// call it; it knows neither HTTP nor XMPP.
//
// A scenario (call.go, dial.go, consult.go, transfer.go, wrapup.go, monitor.go,
// barge.go, campaign.go, supervise.go, control of a call in act.go) is a set of
// methods that run under mu, change legs, and publish with post, put, del and
// settle in the order a client shall see.
type switchboard struct {
	log                          *zap.Logger
	clock                        func() time.Time
	setBack                      atomic.Int64 // how far now is behind clock, in nanoseconds
	life                         *lifetime
	delay                        func() time.Duration
	ringTimeout, presenceTimeout time.Duration
	lateLogout                   time.Duration
	authMode                     string
	wrapUpMode                   WrapUp
	wrapUpTimer                  time.Duration
	loadAgents                   int
	queueInterval                time.Duration
	requests                     *serial
	observer                     func(node string, update []byte) // may be nil
	sites                        []*site                          // the first is the primary one; the list never changes

	anyCase   bool             // an id may be spelled in any case
	directory map[string]*user // by id and by login name, with the administrator; never changes; see find
	users     []*user          // by id, without the administrator; the list never changes

	mu      sync.Mutex // taken before the notifier's
	dialogs map[gc.DialogID]*dialog
	nextID  int
	queues  []*queue // by id; the list never changes
	books   []*book  // global ones first; the list never changes
	stirred chan struct{}
}

// site is a node of Finesse as the switchboard sees it. What it asks a site
// must not block and not call back.
type site struct {
	domain string
	ports  nodePorts
	status gc.SystemStatus // guarded by the switchboard's lock

	notify  func(node string, update []byte)
	heard   func(node string) bool      // somebody subscribed
	present func(agent gc.AgentID) bool // has a notification stream
}

type nodePorts struct{ rest, notify int }

func newSwitchboard(o *Options, life *lifetime, r *random, sites []*site) *switchboard {
	b := &switchboard{
		log: o.Logger, clock: o.Now, life: life, sites: sites, observer: o.Observer,
		ringTimeout: o.RingTimeout, presenceTimeout: o.PresenceTimeout, lateLogout: o.LateLogout,
		wrapUpMode: o.WrapUp, wrapUpTimer: o.WrapUpTimer,
		anyCase: o.AnyCase, authMode: authMode(o),
		delay:     func() time.Duration { return r.between(o.MinDelay, o.MaxDelay) },
		directory: map[string]*user{}, users: newUsers(o.Now(), o.Agents), loadAgents: o.Agents,
		queues: newQueues(), queueInterval: o.QueueInterval, books: newBooks(),
		dialogs: map[gc.DialogID]*dialog{}, nextID: o.FirstDialog,
	}
	b.requests = &serial{life: life, delay: b.delay, queues: map[string][]func(){}}
	for _, u := range append(slices.Clip(b.users), newAdministrator(o.Now())) {
		b.directory[string(u.id)], b.directory[u.login] = u, u
		u.wrapUp, u.wrapUpTimer = o.WrapUp, o.WrapUpTimer
	}
	return b
}

// find is the user of that id or login name, nil for none.
func (b *switchboard) find(name string) *user {
	if u := b.directory[name]; u != nil || !b.anyCase {
		return u
	}
	return b.directory[strings.ToLower(name)] // all of them are in lower case
}

// now is Finesse's time.
func (b *switchboard) now() time.Time { return b.clock().Add(-time.Duration(b.setBack.Load())) }

// publish notifies the clients of all nodes, and wakes who awaits something.
func (b *switchboard) publish(node string, update []byte) {
	b.publishAs(node, func(*site) []byte { return update })
}

// publishAs is for what the nodes report in words of their own.
func (b *switchboard) publishAs(node string, update func(at *site) []byte) {
	if b.observer != nil {
		b.observer(node, update(b.sites[0]))
	}
	for _, at := range b.sites {
		at.notify(node, update(at))
	}
	b.stir()
}

// heard: somebody subscribed to the node.
func (b *switchboard) heard(node string) bool {
	return slices.ContainsFunc(b.sites, func(at *site) bool { return at.heard(node) })
}

// stir wakes who awaits something.
func (b *switchboard) stir() {
	if b.stirred != nil {
		close(b.stirred)
		b.stirred = nil
	}
}

// await waits until the condition, which is looked at under the lock whenever
// something was published, holds. The error is that of ctx, or errClosed.
func (b *switchboard) await(ctx context.Context, holds func() bool) error {
	for {
		b.mu.Lock()
		if holds() {
			b.mu.Unlock()
			return nil
		}
		if b.stirred == nil {
			b.stirred = make(chan struct{})
		}
		stirred := b.stirred
		b.mu.Unlock()
		select {
		case <-stirred:
		case <-ctx.Done():
			return ctx.Err()
		case <-b.life.done:
			return errClosed
		}
	}
}

var errClosed = errors.New("the simulator was closed")

// later runs the next step of a call after the usual delay, under the lock.
// The step has to check that the call is still where it was.
func (b *switchboard) later(step func()) { b.after(b.delay(), step) }

func (b *switchboard) after(d time.Duration, step func()) *timer {
	return b.life.after(d, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		step()
	})
}

// queue carries out a request behind the others for the same object.
func (b *switchboard) queue(object string, request func()) bool {
	return b.requests.add(object, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		request()
	})
}

func (b *switchboard) newDialog() *dialog {
	d := &dialog{id: gc.DialogID(strconv.Itoa(b.nextID)), variables: emptyVariables()}
	b.nextID++
	b.dialogs[d.id] = d
	return d
}

// announce notifies the user, and the supervisor of the team, of what the user is
// now.
func (b *switchboard) announce(u *user) {
	u.announced = u.view()
	b.publishAs(userURI(u.id), func(at *site) []byte {
		return encode(updateXML{Data: u.xml("user", at), Event: "PUT", Source: userURI(u.id)})
	})
	b.publish(teamUsersURI(u.team.id), encode(updateXML{Data: u.memberXML("user"), Event: "PUT", Source: userURI(u.id)}))
	b.staffChanged(u.team)
}

// settle brings the user's state in line with the calls and announces it when
// it changed. Who listened to a call that is over hears no more, and what was
// pending comes true after the last call.
func (b *switchboard) settle(u *user) {
	b.endMonitoring(u)
	switch {
	case u.pending.state == "" || u.engaged():
	case u.pending.state != gc.LoggedOut:
		u.base, u.pending = u.pending, stance{}
	case len(u.legs) == 0:
		b.forcedOut(u)
		return
	}
	u.state = u.current()
	now := u.view()
	if now == u.announced {
		return
	}
	if now.state != u.announced.state || now.base != u.announced.base {
		u.changed = b.now()
	}
	b.announce(u)
}

// post notifies a user of a dialog that joins the user's collection.
func (b *switchboard) post(l *leg) {
	l.user.legs = append(l.user.legs, l)
	b.dialogs[l.dialog.id] = l.dialog // may have lost its last agent a moment ago
	b.publishList(l, "POST")
}

// del notifies a user that a dialog left the collection. The dialog may well say
// that it is still ringing or active.
func (b *switchboard) del(l *leg) {
	l.user.legs = slices.DeleteFunc(l.user.legs, func(other *leg) bool { return other == l })
	b.publishList(l, "DELETE")
	if len(l.dialog.agents()) == 0 {
		delete(b.dialogs, l.dialog.id)
	}
}

func (b *switchboard) publishList(l *leg, event string) {
	list := dialogsXML{XMLName: named("dialogs"), Dialogs: []dialogXML{l.dialog.xml("Dialog", l)}}
	node := dialogsURI(l.user.id)
	b.publish(node, encode(updateXML{Data: list, Event: event, Source: node}))
}

// put tells everyone who has the dialog that it changed. Only the update for
// the user who asked carries the id of the request.
func (b *switchboard) put(d *dialog, by origin) {
	for _, l := range d.agents() {
		update := updateXML{Data: d.xml("dialog", l), Event: "PUT", Source: dialogURI(d.id)}
		if l.user == by.user {
			update.RequestID = by.request
		}
		b.publish(dialogsURI(l.user.id), encode(update))
	}
}

// origin is the request that causes an event; the zero value when a timer, an
// outside party or the system does.
type origin struct {
	user    *user
	at      *site // the node that was asked; nil when no node was
	request string
	refused func(asyncErrorXML) // told of an asynchronous error; may be nil
}

// refuse publishes an asynchronous error. Its event is in lower case.
func (b *switchboard) refuse(by origin, node, source, event string, e asyncErrorXML) {
	if by.refused != nil {
		by.refused(e)
	}
	b.publish(node, encode(failureXML{Errors: []asyncErrorXML{e}, RequestID: by.request, Source: source, Event: event}))
}

// strayError publishes to an agent, at the list of its calls, an error that answers
// none of its requests.
func (b *switchboard) strayError(u *user, source string, e asyncErrorXML) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse(origin{user: u}, dialogsURI(u.id), source, "put", e)
}

func (b *switchboard) refuseUser(by origin, e asyncErrorXML) {
	b.refuse(by, userURI(by.user.id), userURI(by.user.id), "put", e)
}

// setStatus is the business of one node: it tells its own clients.
func (b *switchboard) setStatus(at *site, status gc.SystemStatus) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if at.status == status {
		return
	}
	at.status = status
	at.notify(systemInfoURI, encode(updateXML{Data: b.systemInfo("systemInfo", at), Event: "PUT", Source: systemInfoURI}))
	b.stir()
}

func (b *switchboard) statusOf(at *site) gc.SystemStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	return at.status
}

// inService is about the first node.
func (b *switchboard) inService() bool { return b.statusOf(b.sites[0]) == gc.InService }

func authMode(o *Options) string {
	switch {
	case !o.SSO:
		return "NON_SSO"
	case len(o.SSOAgents) > 0:
		return "HYBRID"
	default:
		return "SSO"
	}
}

// systemInfo describes the node and names the other; mu is held.
func (b *switchboard) systemInfo(element string, at *site) systemInfoXML {
	x := systemInfoXML{
		XMLName: named(element), CurrentTimestamp: stamp(b.now()), CTIHeartbeatInterval: 5, DeploymentType: "UCCE",
		LastCTIHeartbeatStatus: "success", PrimaryNode: b.sites[0].xml(),
		Status: at.status, SystemAuthMode: b.authMode, URI: systemInfoURI, XMPPDomain: at.domain, XMPPPubSubDomain: "pubsub." + at.domain,
	}
	if len(b.sites) > 1 {
		second := b.sites[1].xml()
		x.SecondaryNode = &second
	}
	if at.status != gc.InService {
		x.LastCTIHeartbeatStatus, x.StatusReason = "failure", "The CTI server is not available"
	}
	return x
}

func (at *site) xml() nodeXML { return nodeXML{"localhost", at.ports.rest, at.ports.notify} }

// Agent is what a user does now, for the control page and programs.
type Agent struct {
	ID           gc.AgentID   `json:"agent"`
	Name         string       `json:"name"`
	Supervisor   bool         `json:"supervisor"`
	Extension    gc.Extension `json:"extension"`
	State        gc.UserState `json:"state"`
	Pending      gc.UserState `json:"pendingState"`
	Reason       string       `json:"reason"`
	SystemReason int          `json:"systemReason"`
	Streams      int          `json:"streams"` // notification streams that get events
	Calls        []AgentCall  `json:"calls"`
}

// AgentCall is an agent's part in a call.
type AgentCall struct {
	Dialog gc.DialogID  `json:"dialog"`
	State  gc.CallState `json:"state"`
	From   string       `json:"from"`
	To     string       `json:"to"`
}

func (b *switchboard) agents() []Agent {
	b.mu.Lock()
	defer b.mu.Unlock()
	var agents []Agent
	for _, u := range b.users {
		a := Agent{
			ID: u.id, Name: u.first + " " + u.last, Supervisor: u.supervisor, Extension: u.extension,
			State: u.state, Pending: u.pending.state, Calls: []AgentCall{},
		}
		if u.state == u.base.state {
			a.SystemReason = u.base.system
			if u.base.reason != nil {
				a.Reason = u.base.reason.label
			}
		}
		for _, l := range u.legs {
			a.Calls = append(a.Calls, AgentCall{l.dialog.id, l.state, l.dialog.from, l.dialog.to})
		}
		agents = append(agents, a)
	}
	return agents
}

// atExtension is who is signed in there, nil when nobody is; mu is held.
func (b *switchboard) atExtension(e gc.Extension) *user {
	if i := slices.IndexFunc(b.users, func(u *user) bool { return u.signedIn() && u.extension == e }); i >= 0 {
		return b.users[i]
	}
	return nil
}

func (b *switchboard) findAgent(id gc.AgentID) (*user, error) {
	u := b.find(string(id))
	if u == nil || u.administrator {
		return nil, fmt.Errorf("agent %q is not known: 1001 to 1025 and 2001 to 2003 are", id)
	}
	return u, nil
}
