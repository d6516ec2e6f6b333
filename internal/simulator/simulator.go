// Package simulator is a Cisco Finesse for people who have none: the REST API
// over TLS, the notification service (XMPP, TLS from the first byte) and a
// switchboard whose calls are placed from a control page, a script or a
// program. docs/simulator.md is its manual.
//
// It plays a UCCE system of one node or two. Payloads and the order of events
// follow captures of real systems where they exist (Finesse developer guide
// elsewhere).
//
// # Who is there
//
//	1001 to 1020   agents of team 1 "Sales"
//	1021 to 1025   agents of team 2 "Support"
//	2001           supervisor of team 1, and in it
//	2002           supervisor of teams 1 and 2, in team 2
//	2003           supervisor of no team, in team 2
//	admin          administrator: reads users, teams and calls, has no phone
//	10001 …        further agents of team 1, as many as Options.Agents says
//
// All have the same password. Queue 10 "Sales" is served by team 1, queue 20
// "Support" by team 2, queue 30 "Overflow" by nobody. Team 1 has a phone book
// beside the global ones, team 2 has none.
//
// # Promises
//
// Order: requests for one user, and for one dialog, are carried out one after
// the other in the order they were answered 202; those for different objects
// do not wait for each other. Every available stream of an agent gets that
// agent's events in the order they happened. After RESERVED comes the ringing
// call, after an ACTIVE call comes TALKING.
//
// Nodes: both report everything, in the same order and each to its own
// streams. Users and calls belong to neither, and outlive a node that stops.
//
// Loss: events go to streams that are available with a priority of at least 0
// at that moment. Nothing is stored for the others and nothing is repeated.
//
// Bounds: a stream that leaves 256 stanzas unread, or a write unfinished for
// 10 seconds, is cut; so is one that sends a stanza of more than 64 KiB. 64
// requests may wait for one object; more are answered 503. 16 scripts run at
// once from the control page; each of their steps has a deadline.
//
// Concurrency: all methods may be called from any goroutine. Close ends every
// goroutine and timer, scripts included, and waits for them.
//
// # What agents can dial
//
//	4 digits          the agent signed in at that extension, else BAD_DESTINATION; BUSY when that agent has a call
//	10001 …           the same, for the agents for load tests
//	10 to 15 digits   an outside party that rings and answers ("+" in front is allowed)
//	5550001           FAILED, BUSY
//	5550002           FAILED, BAD_DESTINATION
//	5550003           FAILED, OTHER
//	5550004           FAILED, DEVICE_RESOURCE_NOT_AVAILABLE
//	5550005           rings and is never answered; FAILED, OTHER after RingTimeout
//	anything else     FAILED, BAD_DESTINATION
//
// The same holds for consultations and for customers of a campaign. A failed
// call stays until the agent drops it. Any extension of four digits can be
// signed in at. 5550006 as the dialNumber of a mobile agent is refused as Mode
// Not Allowed.
//
// # Simplifications
//
//   - Without a second node secondaryNode is missing from SystemInfo. With one,
//     both answer the same requests; Finesse keeps those of administrators for
//     the first. A node that is stopped takes nothing with it: requests it
//     accepted are carried out, and pending states stay. One that is out of
//     service goes on telling of agents and calls.
//   - Wrap-up follows inbound ACD calls only, wherever they were transferred,
//     and one mode is everybody's. A request for WORK or WORK_READY during
//     such a call shows as pendingState and is refused as Invalid State at any
//     other time. With OPTIONAL there is no wrap-up unless it was asked for.
//     Any text may be given as a wrap-up reason.
//   - An agent consults one party at a time and about one call. The
//     consultation takes the call variables along. That the held call offers
//     TRANSFER and CONFERENCE once the consultation is active is in its
//     participants but no update of its own (Finesse developer guide, events
//     of a consult call).
//   - Parties that a transfer brings together are connected at once. Who wraps
//     a call up that others go on with is shown to them as WRAP_UP.
//   - A conference has up to 8 parties and goes on while two of them talk.
//     Only who made it adds to it. Supervisors in it may drop agents
//     (enableDropParticipantFor is supervisor_only), nobody drops others.
//   - A single step transfer to a number that cannot be reached is refused as
//     Call Operation Failure and leaves the call with the agent; a target who
//     does not answer within RingTimeout loses it. An outside target is not
//     heard of again.
//   - Silent monitoring and barging in follow the developer guide: no capture
//     of them is known. One supervisor at a time listens to an agent, and can
//     make no calls meanwhile. The agent hears nothing but gets the call as a
//     passive one, from the moment it is ALERTING. A supervisor breaks into a
//     call by a whole consultation that the phone answers by itself; somebody
//     who acts on the calls before it is over comes in its way, and the
//     consultation ends.
//   - The asynchronous error of a supervisor's request for an agent's state
//     comes on the supervisor's own node, with the agent as its source.
//   - A preview that nobody decides on within RingTimeout ends as a call that
//     is not answered. REJECT and CLOSE lead to the same. BAResponse stays
//     empty, scheduled callbacks do not exist. The phone of an agent answers
//     predictive and progressive calls by itself.
//   - Queues have the calls that the control page or a script says; no call
//     waits in them. Everybody's list has the queue without statistics.
//   - Phone books and their contacts cannot be read through addresses of
//     their own. Range is required, as before Finesse 12.6(2).
//   - RECLASSIFY, recording and scheduled callbacks are answered 501 Not
//     Implemented. SEND_DTMF is accepted and changes nothing.
//   - The phone of a mobile agent is taken for answered: nothing is dialled.
//   - The administrator has no notification stream.
//   - An agent who never had a notification stream is left alone; only losing
//     the last one counts.
//   - User updates do not carry the id of the request, as captured on 12.5;
//     dialog updates do, for the user who asked.
//   - A reason code is never demanded. A system reason (50006, 32767, 50002,
//     999, 20001, 20002) shows as reasonCodeId -1 and no more; the control page
//     tells which it is.
//   - Requests for READY or NOT_READY from RESERVED and while dialling become
//     pending, as they do from TALKING and HOLD.
//   - A phone holds its active call by itself when another one is made,
//     answered or retrieved. Direct calls never ring at a phone with a call.
//   - A locked account is answered 401 with CF_AGENT_ACCOUNT_LOCKED_OUT, and
//     failed sign-ins at the notification service count as well; what Finesse
//     answers here is not documented.
//   - No stream management, no WebSocket, no STARTTLS.
package simulator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/localhttp"
)

// Options configure a simulator. The zero value of each field means its
// default.
type Options struct {
	REST, Notify string // listen addresses; default "127.0.0.1:0", a free port
	Control      string // listen address of the control page; "" means no control page. It knows no password: keep it on loopback.

	Domain   string    // XMPP domain; default "finesse.local"
	Password gc.Secret // of every user; default "secret"

	// SSO lets agents in with an access token only: the password, the login id and a
	// number, such as secret:1001:1. TokenLifetime is how long those of a number are good,
	// from the start; 0 means until an ExpireToken. SSOAgents are those it is for, the
	// others have passwords, as with systemAuthMode HYBRID; none means that it is for all.
	SSO           bool
	SSOAgents     []gc.AgentID
	TokenLifetime time.Duration

	// SecondREST and SecondNotify are the listen addresses of a second node. Both
	// "" means that there is none; one of them "" is a free port.
	SecondREST, SecondNotify string
	SecondDomain             string // XMPP domain of the second node; default "finesse-b.local"

	Now         func() time.Time // source of the times in payloads and of account locks; default time.Now
	FirstDialog int              // id of the first call; default 16870001
	Seed        uint64           // of the random delays and ids; 0 means random

	MinDelay, MaxDelay time.Duration // of asynchronous answers and of the steps of a call; default 10 ms and 300 ms when both are 0; NoDelay for none
	RingTimeout        time.Duration // ring no answer; default 20 s
	IdleTimeout        time.Duration // silence after which a stream counts as dead; a ping is sent at half of it; default 120 s
	PresenceTimeout    time.Duration // from an agent's last stream gone to NOT_READY; default 60 s
	QueueInterval      time.Duration // from a change of a queue's statistics to the notification; default 10 s

	// LateLogout is how long after a node was stopped those who had a stream
	// there are signed out, though they may have moved to the other node: the
	// forced logout of the lost node comes late (Finesse administration guide,
	// failover). Who has a call is signed out after it. 0 means never.
	LateLogout time.Duration

	// Agents is the number of further agents for load tests, at most 50,000:
	// 10001 and so on, in team 1, each at an extension of four digits or at
	// the one of the agent's own number.
	Agents int

	// AnyCase lets ids and login names be spelled in any case, as UCCX does. What is
	// answered and published has Finesse's own spelling.
	AnyCase bool

	Certificate Certificate // of all nodes; default UsualCertificate

	WrapUp      WrapUp        // after inbound ACD calls; default WrapUpNotAllowed
	WrapUpTimer time.Duration // from the end of a call to the end of wrap-up; default 2 h

	// NotificationNamespace of the <notification> element; default
	// "urn:xmpp:push:0". Older systems use "http://jabber.org/protocol/pubsub".
	NotificationNamespace string

	Logger *zap.Logger // default none

	// Observer, if set, gets every update about users and calls, with its node
	// such as "/finesse/api/User/1001/Dialogs", in the order they happen and in
	// the words of the first node. It gets each before anybody else can see what
	// it says, and whatever becomes of nodes, streams and subscriptions. It is
	// called under the simulator's locks and must neither block nor call back.
	Observer func(node string, update []byte)
}

// NoDelay as MaxDelay makes asynchronous answers follow at once.
const NoDelay = time.Duration(1)

func (o *Options) setDefaults() {
	o.REST = cmp.Or(o.REST, "127.0.0.1:0")
	o.Notify = cmp.Or(o.Notify, "127.0.0.1:0")
	o.Domain = cmp.Or(o.Domain, "finesse.local")
	o.SecondDomain = cmp.Or(o.SecondDomain, "finesse-b.local")
	if o.second() {
		o.SecondREST = cmp.Or(o.SecondREST, "127.0.0.1:0")
		o.SecondNotify = cmp.Or(o.SecondNotify, "127.0.0.1:0")
	}
	o.FirstDialog = cmp.Or(o.FirstDialog, 16870001)
	o.RingTimeout = cmp.Or(o.RingTimeout, 20*time.Second)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, 120*time.Second)
	o.PresenceTimeout = cmp.Or(o.PresenceTimeout, 60*time.Second)
	o.QueueInterval = cmp.Or(o.QueueInterval, 10*time.Second)
	o.Certificate = cmp.Or(o.Certificate, UsualCertificate)
	o.WrapUp = cmp.Or(o.WrapUp, WrapUpNotAllowed)
	o.WrapUpTimer = cmp.Or(o.WrapUpTimer, 2*time.Hour)
	o.NotificationNamespace = cmp.Or(o.NotificationNamespace, "urn:xmpp:push:0")
	if o.MinDelay == 0 && o.MaxDelay == 0 {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 300*time.Millisecond
	}
	o.MaxDelay = max(o.MinDelay, o.MaxDelay)
	if o.Password.Reveal() == "" {
		o.Password = gc.NewSecret("secret")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
}

// second reports whether a second node is wanted.
func (o *Options) second() bool { return o.SecondREST != "" || o.SecondNotify != "" }

// domainLetters need no escaping in XML or in a JID.
const domainLetters = "abcdefghijklmnopqrstuvwxyz0123456789.-"

// noDeadline is for requests that are meant to last.
var noDeadline time.Time

// Simulator is a running Finesse.
type Simulator struct {
	log      *zap.Logger
	options  Options
	cert     certificate
	life     *lifetime
	board    *switchboard
	accounts *accounts
	faults   *restFaults
	nodes    []*Node // one or two; the list never changes

	control *localhttp.Server // nil for none

	closeOnce sync.Once
}

// Start listens and serves until Close. It fails when an address cannot be
// listened on, a domain is none or the same for both nodes, the mode of wrap-up
// is unknown or the number of agents is too high.
func Start(o Options) (*Simulator, error) {
	o.setDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &Simulator{
		log: o.Logger, options: o, life: newLifetime(), faults: &restFaults{}, accounts: newAccounts(&o),
	}
	random := newRandom(o.Seed)
	s.nodes = []*Node{newNode(s, nodeA, o.Domain, random)}
	if o.second() {
		s.nodes = append(s.nodes, newNode(s, nodeB, o.SecondDomain, random))
	}
	var sites []*site
	for _, n := range s.nodes {
		sites = append(sites, n.site)
	}
	s.board = newSwitchboard(&s.options, s.life, random, sites)
	if err := s.listen(); err != nil {
		s.closeListeners()
		return nil, err
	}
	s.serve()
	return s, nil
}

func (o *Options) check() error {
	for _, domain := range []string{o.Domain, o.SecondDomain} {
		if strings.Trim(domain, domainLetters) != "" {
			return fmt.Errorf("simulator: domain %q: lower-case letters, digits, dots and hyphens are accepted", domain)
		}
	}
	switch {
	case o.second() && o.Domain == o.SecondDomain:
		return fmt.Errorf("simulator: both nodes have the domain %q: each needs one of its own", o.Domain)
	case !slices.Contains([]WrapUp{WrapUpNotAllowed, WrapUpOptional, WrapUpRequired}, o.WrapUp):
		return fmt.Errorf("simulator: wrap-up %q: NOT_ALLOWED, OPTIONAL and REQUIRED are accepted", o.WrapUp)
	case !slices.Contains(Certificates(), o.Certificate):
		return fmt.Errorf("simulator: certificate %q: %q are accepted", o.Certificate, Certificates())
	case o.Agents < 0 || o.Agents > maxLoadAgents:
		return fmt.Errorf("simulator: %d further agents: 0 to %d are accepted", o.Agents, maxLoadAgents)
	}
	return nil
}

// listen opens all addresses. The caller closes those that are open when one
// is not.
func (s *Simulator) listen() (err error) {
	addresses := [][2]string{{s.options.REST, s.options.Notify}, {s.options.SecondREST, s.options.SecondNotify}}
	domains := []string{}
	addrs := []net.Addr{}
	for i, n := range s.nodes {
		if err = n.listen(addresses[i][0], addresses[i][1]); err != nil {
			return err
		}
		domains, addrs = append(domains, n.Domain()), append(addrs, n.restAddr, n.notifyAddr)
	}
	if s.options.Control != "" {
		if s.control, err = localhttp.Listen(s.options.Control, newControl(s), s.log.Named("http")); err != nil {
			return fmt.Errorf("simulator: control page: %w", err)
		}
	}
	s.cert, err = newCertificate(s.options.Certificate, domains, addrs)
	return err
}

func (s *Simulator) closeListeners() {
	for _, n := range s.nodes {
		if n.on != nil {
			n.on.close()
		}
	}
	if s.control != nil {
		_ = s.control.Close()
	}
}

func (s *Simulator) serve() {
	for _, n := range s.nodes {
		n.hub.board = s.board
		n.serve()
		s.log.Info("simulated finesse is listening", zap.String("rest", n.RESTURL()), zap.String("notify", n.NotifyURL()))
	}
	if s.control != nil {
		s.run(s.control.Serve)
	}
}

// Close ends the simulator: streams and requests are cut. It waits for all
// goroutines and may be called more than once.
func (s *Simulator) Close() {
	s.closeOnce.Do(func() {
		s.life.end()
		for _, n := range s.nodes {
			n.close()
		}
		if s.control != nil {
			_ = s.control.Close()
		}
	})
	s.life.wait()
}

// Nodes are the servers, the first one first. There is one unless Options ask
// for a second.
func (s *Simulator) Nodes() []*Node { return slices.Clone(s.nodes) }

// node finds a server by its name.
func (s *Simulator) node(name string) (*Node, error) {
	for _, n := range s.nodes {
		if n.name == name {
			return n, nil
		}
	}
	if name == nodeB {
		return nil, errors.New("there is no node b: start the simulator with a second one (simulate --second)")
	}
	return nil, fmt.Errorf("node %q is not known: a and b are", name)
}

// RESTURL is that of the first node.
func (s *Simulator) RESTURL() string { return s.nodes[0].RESTURL() }

// NotifyURL is that of the first node.
func (s *Simulator) NotifyURL() string { return s.nodes[0].NotifyURL() }

// ControlURL is the control page, "" when there is none.
func (s *Simulator) ControlURL() string {
	if s.control == nil {
		return ""
	}
	return "http://" + reachable(s.control.Addr())
}

// Domain is the XMPP domain of the first node.
func (s *Simulator) Domain() string { return s.options.Domain }

// CertificatePEM is the self-signed certificate of all services of all nodes,
// for the trust store of clients. It is new at each start and names localhost,
// 127.0.0.1, ::1, the domains and the addresses listened on.
func (s *Simulator) CertificatePEM() []byte { return s.cert.pem }

// Call lets an inbound ACD call ring at an agent, who must be signed in and
// READY, and returns its id; the events follow. The error says what the agent
// is instead or what is wrong with c.
func (s *Simulator) Call(agent gc.AgentID, c Call) (gc.DialogID, error) {
	return s.board.call(agent, c)
}

// Campaign lets an outbound campaign reserve an agent, who must be signed in
// and READY, for a customer. It returns the id of the reservation for a
// preview, else that of the customer's call; the events follow.
func (s *Simulator) Campaign(agent gc.AgentID, c CampaignCall) (gc.DialogID, error) {
	return s.board.campaignCall(agent, c)
}

// QueueCalls sets how many calls wait in a queue, which is given by its name
// or id. It fails when there is no such queue or it has no statistics.
func (s *Simulator) QueueCalls(queue string, calls int) error {
	return s.board.queueCalls(queue, calls)
}

// AddContact puts a contact into a phone book, which is given by its name or
// id. Clients are not notified, as Finesse does not notify them. It fails when there
// is no such book or it is full.
func (s *Simulator) AddContact(book string, c Contact) error { return s.board.addContact(book, c) }

// HangUp lets the outside party of a call hang up. It fails when there is no
// such call or nobody outside takes part in it.
func (s *Simulator) HangUp(id gc.DialogID) error { return s.board.hangUp(id) }

// SetStatus puts Finesse, all nodes of it, in or out of service: an event to
// everyone, and while it is out of service every REST request is answered 503.
func (s *Simulator) SetStatus(status gc.SystemStatus) {
	for _, n := range s.nodes {
		n.SetStatus(status)
	}
}

// Publish puts a document on a node such as "/finesse/api/User/1001", as
// Finesse would, on all servers: for updates that this simulator does not make
// by itself.
func (s *Simulator) Publish(node string, update []byte) {
	for _, n := range s.nodes {
		n.hub.publish(node, update)
	}
}

// Agents lists what every user does now, in the order of their ids.
func (s *Simulator) Agents() []Agent {
	agents := s.board.agents()
	for i := range agents {
		for _, n := range s.nodes {
			agents[i].Streams += n.hub.streams(agents[i].ID)
		}
	}
	return agents
}

// SetPassword gives one user another password. Streams and sign-ins stay.
func (s *Simulator) SetPassword(agent gc.AgentID, password gc.Secret) {
	s.accounts.setPassword(agent, password)
}

// Remove takes an agent out of Finesse as an administrator does: the streams
// break and no password is right any more.
func (s *Simulator) Remove(agent gc.AgentID) {
	s.accounts.remove(agent)
	for _, n := range s.nodes {
		n.hub.inject(Fault{Kind: CutStream, Agent: agent})
	}
}

// Idle reports whether every request that was accepted has been carried out.
func (s *Simulator) Idle() bool { return s.board.requests.idle() }

// Refusals is how often a password of the agent was refused since the start,
// by whichever service of whichever node.
func (s *Simulator) Refusals(agent gc.AgentID) int { return s.accounts.refusals(agent) }

// LockAccount locks an agent's account, as the wrong passwords of other clients
// do.
func (s *Simulator) LockAccount(agent gc.AgentID) { s.accounts.lock(agent) }

// reachable is an address that is listened on, in a form that clients can dial
// and the certificate names.
func reachable(a net.Addr) string {
	host, port, _ := net.SplitHostPort(a.String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// pause waits for d, or less when the simulator or ctx ends.
func (l *lifetime) pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-l.done:
	}
}
