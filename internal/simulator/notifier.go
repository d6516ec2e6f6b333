package simulator

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// maxSubscriptions bounds the explicit subscriptions of one user.
const maxSubscriptions = 100

// notifier knows the streams and subscriptions of one node and carries updates to them.
// It never waits for a stream.
type notifier struct {
	log     *zap.Logger
	options *Options
	domain  string
	life    *lifetime
	random  *random
	board   *switchboard
	prefix  string // of item ids, new at each start

	mu            sync.Mutex         // taken after the switchboard's
	closed        bool               // until it is switched on
	all           map[*stream]bool   // every connection, bound or not
	bound         map[string]*stream // by full JID
	ofAgent       map[gc.AgentID][]*stream
	subscriptions []subscription                   // explicit ones; they outlive the stream, as in Openfire
	faults        map[gc.AgentID]map[FaultKind]int // how many of the next updates, or streams
	late          map[gc.AgentID][]letter          // that come after the next
	published     int
}

type subscription struct {
	node, jid, id string
	owner         gc.AgentID
}

// letter is an item on its way to a stream.
type letter struct {
	stream   *stream
	to, item string
}

func newNotifier(o *Options, domain string, life *lifetime, r *random) *notifier {
	return &notifier{
		log: o.Logger, options: o, domain: domain, life: life, random: r,
		prefix: r.text(8) + "-8b34-443f-8c7d-" + r.text(12),
		all:    map[*stream]bool{}, bound: map[string]*stream{}, ofAgent: map[gc.AgentID][]*stream{}, faults: map[gc.AgentID]map[FaultKind]int{},
		late: map[gc.AgentID][]letter{},
	}
}

func (n *notifier) pubsub() string { return "pubsub." + n.domain }

func (n *notifier) bare(id gc.AgentID) string { return string(id) + "@" + n.domain }

// publish carries an update to whoever may hear of node: its owner, by the
// bare JID, and those who subscribed.
func (n *notifier) publish(node string, update []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.published++
	known := map[gc.AgentID]delivery{}
	deliver := func(s *stream, to string) {
		if _, ok := known[s.agent]; !ok {
			known[s.agent] = n.delivery(s.agent, node, update)
		}
		n.deliver(letter{s, to, known[s.agent].item}, known[s.agent].fate, node, update)
	}
	for _, s := range n.automatic(node) {
		if s.hears() {
			deliver(s, n.bare(s.agent))
		}
	}
	for _, sub := range n.subscriptions {
		if sub.node != node {
			continue
		}
		for _, s := range n.ofAgent[sub.owner] {
			if s.hears() && (s.jid == sub.jid || n.bare(s.agent) == sub.jid) {
				deliver(s, sub.jid)
			}
		}
	}
	for agent, d := range known {
		if !d.late {
			n.sendLate(agent)
		}
	}
}

// deliver sends a letter, or what becomes of it.
func (n *notifier) deliver(l letter, x fate, node string, update []byte) {
	if x.late {
		n.late[l.stream.agent] = append(n.late[l.stream.agent], l)
		return
	}
	n.send(l.stream, l.to, l.item, x.copies)
	if x.stray {
		for _, item := range n.strays(node, update) {
			n.send(l.stream, l.to, item, 1)
		}
	}
}

// sendLate sends what was kept for an agent.
func (n *notifier) sendLate(agent gc.AgentID) {
	for _, l := range n.late[agent] {
		n.send(l.stream, l.to, l.item, 1)
	}
	delete(n.late, agent)
}

// strays is what a stream gets besides an update of a call because other clients of the
// agent subscribed to more: the end of the same call at a colleague's node and, of a
// colleague, at the agent's own; and a chat with the agent's extension, at its node and at
// that of calls.
func (n *notifier) strays(node string, update []byte) (items []string) {
	colleague := dialogsURI("colleague")
	end := replaceable("event").ReplaceAll(replaceable("source").ReplaceAll(update, []byte("<source>"+colleague+"</source>")), []byte("<event>DELETE</event>"))
	chat := replaceable("source").ReplaceAll(replaceable("mediaType").ReplaceAll(update, []byte("<mediaType>Cisco_Chat_MRD</mediaType>")), []byte("<source>"+node+"/Media</source>"))
	chat = dialogID.ReplaceAll(chat, []byte("${1}_7_1$2"))
	for _, x := range []struct {
		node   string
		update []byte
	}{{colleague, end}, {node, end}, {node + "/Media", chat}, {node, replaceable("source").ReplaceAll(chat, []byte("<source></source>"))}} {
		n.published++
		items = append(items, n.item(x.node, string(bytes.TrimSpace(x.update))))
	}
	return items
}

// replaceable finds an element without others in it.
func replaceable(name string) *regexp.Regexp {
	return regexp.MustCompile("<" + name + ">[^<]*</" + name + ">")
}

var dialogID = regexp.MustCompile(`(<id>[0-9]+)(</id>)`)

// heard: somebody subscribed to the node.
func (n *notifier) heard(node string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.ContainsFunc(n.subscriptions, func(s subscription) bool { return s.node == node })
}

// automatic are the streams that hear of a node without subscribing: users
// hear of themselves and of the system.
func (n *notifier) automatic(node string) []*stream {
	if node != systemInfoURI {
		return n.ofAgent[ownerOf(node)]
	}
	return slices.Collect(maps.Values(n.bound))
}

// ownerOf is the user whose state or calls a node is about, "" for others.
func ownerOf(node string) gc.AgentID {
	id, ok := strings.CutPrefix(node, userURI(""))
	id = strings.TrimSuffix(id, "/Dialogs")
	if !ok || strings.Contains(id, "/") {
		return ""
	}
	return gc.AgentID(id)
}

// delivery is an update as an agent gets it.
type delivery struct {
	fate
	item string
}

func (n *notifier) delivery(agent gc.AgentID, node string, update []byte) delivery {
	f := n.fate(agent, bytes.Contains(update, []byte("</participants>")))
	doc := string(bytes.TrimSpace(update))
	if f.as != nil {
		doc = f.as(doc)
	}
	return delivery{f, n.item(node, doc)}
}

// fate is what becomes of the agent's next update, which may be one of a call: it comes
// once, unless a fault says otherwise.
func (n *notifier) fate(agent gc.AgentID, ofCall bool) fate {
	for _, f := range fates {
		if (ofCall || !f.stray) && n.take(agent, f.kind) {
			return f
		}
	}
	return fate{copies: 1}
}

// take uses up one fault of an agent's. Called with mu held.
func (n *notifier) take(agent gc.AgentID, kind FaultKind) bool {
	if n.faults[agent][kind] == 0 {
		return false
	}
	n.faults[agent][kind]--
	return true
}

// item is the part of the stanza that all recipients of an update share. The document is
// text within XML: what was escaped in it is escaped again.
func (n *notifier) item(node, update string) string {
	return fmt.Sprintf(`<event xmlns="http://jabber.org/protocol/pubsub#event"><items node="%s"><item id="%s%d">`+
		`<notification xmlns="%s">%s</notification></item></items></event></message>`,
		escape(node), n.prefix, 300+n.published, escape(n.options.NotificationNamespace), escape(update))
}

func (n *notifier) send(s *stream, to, item string, copies int) {
	for range copies {
		s.send(fmt.Sprintf(`<message from="%s" to="%s" id="%s">%s`, n.pubsub(), escape(to), n.random.text(8), item))
	}
}

// register counts a connection in; false once the notifier is closed.
func (n *notifier) register(s *stream) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false
	}
	n.all[s] = true
	return true
}

// bind gives a stream its full JID. An older stream of the same name is
// closed with a conflict, as Openfire does by default.
func (n *notifier) bind(s *stream, jid string) {
	n.mu.Lock()
	old := n.bound[jid]
	n.unlist(old)
	n.bound[jid], s.jid = s, jid
	s.talkative = n.take(s.agent, TalkativeStream)
	n.ofAgent[s.agent] = append(n.ofAgent[s.agent], s)
	n.mu.Unlock()
	if old != nil {
		old.fail("conflict")
	}
}

// unlist takes a stream from those of its agent; nil is none.
func (n *notifier) unlist(s *stream) {
	if s == nil {
		return
	}
	rest := slices.DeleteFunc(n.ofAgent[s.agent], func(other *stream) bool { return other == s })
	if n.ofAgent[s.agent] = rest; len(rest) == 0 {
		delete(n.ofAgent, s.agent)
	}
}

// setAvailable notes a stream's presence.
func (n *notifier) setAvailable(s *stream, available bool, priority int) {
	n.mu.Lock()
	s.available, s.priority = available, priority
	n.mu.Unlock()
	n.presenceChanged(s.agent)
}

// lose forgets a stream that a client can no longer be reached on. The
// connection may stay open for all that.
func (n *notifier) lose(s *stream) {
	n.mu.Lock()
	was := n.bound[s.jid] == s
	if was {
		delete(n.bound, s.jid)
		n.unlist(s)
	}
	s.available = false
	n.mu.Unlock()
	if was {
		n.presenceChanged(s.agent)
	}
}

func (n *notifier) remove(s *stream) {
	n.lose(s)
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.all, s)
}

func (n *notifier) presenceChanged(agent gc.AgentID) {
	n.board.presence(agent)
}

// present: any available stream keeps the agent signed in, whatever its
// priority, and at whatever node.
func (n *notifier) present(agent gc.AgentID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.ContainsFunc(n.ofAgent[agent], func(s *stream) bool { return s.available })
}

// streams counts those of an agent that get events.
func (n *notifier) streams(agent gc.AgentID) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := 0
	for _, s := range n.ofAgent[agent] {
		if s.hears() {
			count++
		}
	}
	return count
}

// of lists the bound streams of an agent.
func (n *notifier) of(agent gc.AgentID) []*stream {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.ofAgent[agent])
}

func (n *notifier) subscribe(owner gc.AgentID, node, jid string) (subscription, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := 0
	for _, s := range n.subscriptions {
		if s.owner == owner {
			count++
		}
		if s.node == node && s.jid == jid {
			return s, true
		}
	}
	if count >= maxSubscriptions {
		return subscription{}, false
	}
	s := subscription{node: node, jid: jid, id: n.random.text(40), owner: owner}
	n.subscriptions = append(n.subscriptions, s)
	return s, true
}

func (n *notifier) unsubscribe(node, jid string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, s := range n.subscriptions {
		if s.node == node && s.jid == jid {
			n.subscriptions = append(n.subscriptions[:i:i], n.subscriptions[i+1:]...)
			return true
		}
	}
	return false
}

// subscribed lists the subscriptions of a user, automatic ones first.
func (n *notifier) subscribed(owner gc.AgentID) []subscription {
	var list []subscription
	for _, node := range []string{userURI(owner), dialogsURI(owner), systemInfoURI} {
		list = append(list, subscription{node: node, jid: n.bare(owner), id: "auto-" + strings.ReplaceAll(node[1:], "/", "-"), owner: owner})
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.subscriptions {
		if s.owner == owner {
			list = append(list, s)
		}
	}
	return list
}

// on lets streams in, again after off.
func (n *notifier) on() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = false
}

// off cuts all streams without a word and lets none in. It returns the agents
// who were available here. Subscriptions stay, as in Openfire.
func (n *notifier) off() []gc.AgentID {
	n.mu.Lock()
	n.closed = true
	streams := slices.Collect(maps.Keys(n.all))
	var agents []gc.AgentID
	for agent, list := range n.ofAgent {
		if slices.ContainsFunc(list, func(s *stream) bool { return s.available }) {
			agents = append(agents, agent)
		}
	}
	n.mu.Unlock()
	for _, s := range streams {
		s.cut()
		n.lose(s)
	}
	return agents
}

// heal takes waiting faults back, and sends what is late.
func (n *notifier) heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for agent := range n.late {
		n.sendLate(agent)
	}
	clear(n.faults)
}
