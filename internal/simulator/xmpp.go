package simulator

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// maxAttempts at a password before the stream is closed.
const maxAttempts = 3

// signIn leads from the first byte to a bound resource (RFC 6120).
func (s *stream) signIn() error {
	if err := s.greet("<mechanisms xmlns='" + nsSASL + "'><mechanism>PLAIN</mechanism></mechanisms>"); err != nil {
		return err
	}
	if err := s.authenticate(); err != nil {
		return err
	}
	s.in.restart()
	if err := s.greet("<bind xmlns='" + nsBind + "'/><session xmlns='" + nsSession + "'/>"); err != nil {
		return err
	}
	return s.bind()
}

// greet answers the head of the client's stream with ours and the features.
func (s *stream) greet(features string) error {
	to, err := s.in.open()
	s.send(fmt.Sprintf("<?xml version='1.0' encoding='UTF-8'?><stream:stream xmlns:stream='%s' xmlns='%s' from='%s' id='%s' xml:lang='en' version='1.0'>",
		nsStream, nsClient, escape(s.hub.domain), s.hub.random.text(10)))
	if err != nil {
		return err
	}
	if to != s.hub.domain {
		return streamError("host-unknown")
	}
	s.send("<stream:features>" + features + "</stream:features>")
	return nil
}

func (s *stream) authenticate() error {
	for range maxAttempts {
		st, err := s.in.next()
		if err != nil {
			return err
		}
		if st.XMLName.Space != nsSASL || st.XMLName.Local != "auth" {
			return streamError("not-authorized")
		}
		failure := s.checkPlain(st)
		if failure == "" {
			s.send("<success xmlns='" + nsSASL + "'/>")
			return nil
		}
		s.send(fmt.Sprintf("<failure xmlns='%s'><%s/></failure>", nsSASL, failure))
	}
	return streamError("policy-violation")
}

// checkPlain reads the answer of RFC 4616: authzid, id and password with a
// zero byte between. The id is the login id; the login name does not work
// here. It returns the condition of the failure.
func (s *stream) checkPlain(st *stanza) string {
	if st.Mechanism != "PLAIN" {
		return "invalid-mechanism"
	}
	plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(st.Text))
	if err != nil {
		return "incorrect-encoding"
	}
	parts := bytes.Split(plain, []byte{0})
	if len(parts) != 3 {
		return "malformed-request"
	}
	id := gc.AgentID(parts[1])
	if authzid := string(parts[0]); authzid != "" && authzid != s.hub.bare(id) {
		return "invalid-authzid"
	}
	u := s.hub.board.find(string(id))
	check := s.accounts.check
	if u != nil && s.accounts.byToken(u) {
		check = s.accounts.checkToken
	}
	if u == nil || !u.id.Is(id) || u.administrator || check(u.id, string(parts[2])) != rightPassword {
		return "not-authorized"
	}
	s.agent = u.id
	return ""
}

// bind gives the client the resource it asks for.
func (s *stream) bind() error {
	st, err := s.in.next()
	if err != nil {
		return err
	}
	request := st.child(nsBind, "bind")
	if st.XMLName.Local != "iq" || st.Type != "set" || request == nil {
		return streamError("not-authorized")
	}
	resource := strings.TrimSpace(request.Resource)
	if len(resource) > 1023 {
		return streamError("policy-violation")
	}
	jid := s.hub.bare(s.agent) + "/" + cmp.Or(resource, s.hub.random.text(10))
	s.hub.bind(s, jid)
	s.talk(st.ID)
	s.reply(st, fmt.Sprintf("<bind xmlns='%s'><jid>%s</jid></bind>", nsBind, escape(jid)))
	return nil
}

// talk sends what real servers send before the answer to a request that begins a
// session, if the stream is to be so: a presence, a message that was kept, requests, of
// which one has the id of the client's by chance.
func (s *stream) talk(id string) {
	if !s.talkative {
		return
	}
	s.send(fmt.Sprintf("<presence from='%s/service' to='%s'/>", s.service(), escape(s.jid)))
	s.send(fmt.Sprintf("<message from='%s' to='%s'><body>kept</body><delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/></message>", s.service(), escape(s.jid)))
	s.send(fmt.Sprintf("<iq type='set' id='push'><query xmlns='%s'><item jid='%s'/></query></iq>", nsRoster, s.service()))
	s.send(fmt.Sprintf("<iq type='get' id='%s'><ping xmlns='%s'/></iq>", escape(id), nsPing))
}

// handle answers a stanza of a bound client.
func (s *stream) handle(st *stanza) error {
	if st.XMLName.Space != nsClient {
		return streamError("unsupported-stanza-type")
	}
	switch st.XMLName.Local {
	case "iq":
		s.handleIQ(st)
	case "presence":
		s.handlePresence(st)
	case "message": // there is nobody to write to
	default:
		return streamError("unsupported-stanza-type")
	}
	return nil
}

func (s *stream) handleIQ(st *stanza) {
	switch {
	case st.Type == "result" || st.Type == "error": // to one of our pings
	case st.Type != "get" && st.Type != "set":
		s.refuse(st, "modify", "bad-request")
	case st.child(nsSession, "session") != nil:
		s.talk(st.ID)
		s.reply(st, "")
	case st.child(nsPing, "ping") != nil:
		s.reply(st, "")
	case st.child(nsRoster, "query") != nil && st.Type == "get":
		s.reply(st, fmt.Sprintf("<query xmlns='%s'><item jid='%s' name='finesse' subscription='both'/></query>", nsRoster, s.service()))
	case st.child(nsPubSub, "pubsub") != nil:
		s.handlePubSub(st, st.child(nsPubSub, "pubsub"))
	default:
		s.refuse(st, "cancel", "service-unavailable")
	}
}

// service is the user whose presence tells that the Finesse web application
// is up.
func (s *stream) service() string { return "finesse@" + s.hub.domain }

// handlePresence notes whether the client wants events and sends it the
// presence of the Finesse service and its own.
func (s *stream) handlePresence(st *stanza) {
	if st.To != "" || st.Type != "" && st.Type != "unavailable" {
		return
	}
	if st.Type == "unavailable" {
		s.hub.setAvailable(s, false, 0)
		return
	}
	priority, err := strconv.ParseInt(cmp.Or(strings.TrimSpace(st.Priority), "0"), 10, 8)
	if err != nil {
		s.send(fmt.Sprintf("<presence type='error' from='%s' to='%s'><error type='modify'><bad-request xmlns='%s'/></error></presence>",
			s.hub.bare(s.agent), escape(s.jid), nsStanzas))
		return
	}
	s.hub.setAvailable(s, true, int(priority))
	s.send(fmt.Sprintf("<presence from='%s' to='%s'/>", escape(s.jid), escape(s.jid)))
	s.send(fmt.Sprintf("<presence from='%s/service' to='%s'/>", s.service(), escape(s.jid)))
}

// handlePubSub serves the subscriptions of XEP-0060.
func (s *stream) handlePubSub(st *stanza, ps *element) {
	if st.To != s.hub.pubsub() {
		s.refuse(st, "cancel", "service-unavailable")
		return
	}
	for _, c := range ps.Children {
		switch {
		case c.XMLName.Local == "subscribe" && st.Type == "set":
			s.subscribe(st, c)
			return
		case c.XMLName.Local == "unsubscribe" && st.Type == "set":
			s.unsubscribe(st, c)
			return
		case c.XMLName.Local == "subscriptions" && st.Type == "get":
			s.listSubscriptions(st)
			return
		}
	}
	s.refuse(st, "cancel", "feature-not-implemented")
}

func (s *stream) subscribe(st *stanza, c element) {
	if !s.mine(c.JID) {
		s.refuse(st, "modify", "bad-request", "invalid-jid")
		return
	}
	if condition := s.hub.mayHear(s.agent, c.Node); condition != "" {
		s.refuse(st, "auth", condition)
		return
	}
	sub, ok := s.hub.subscribe(s.agent, c.Node, c.JID)
	if !ok {
		s.refuse(st, "wait", "resource-constraint")
		return
	}
	s.reply(st, fmt.Sprintf("<pubsub xmlns='%s'>%s</pubsub>", nsPubSub, sub.xml()))
}

func (s *stream) unsubscribe(st *stanza, c element) {
	switch {
	case !s.mine(c.JID):
		s.refuse(st, "auth", "forbidden")
	case !s.hub.unsubscribe(c.Node, c.JID):
		s.refuse(st, "cancel", "unexpected-request", "not-subscribed")
	default:
		s.reply(st, "")
	}
}

func (s *stream) listSubscriptions(st *stanza) {
	var list strings.Builder
	for _, sub := range s.hub.subscribed(s.agent) {
		list.WriteString(sub.xml())
	}
	s.reply(st, fmt.Sprintf("<pubsub xmlns='%s'><subscriptions>%s</subscriptions></pubsub>", nsPubSub, list.String()))
}

func (s subscription) xml() string {
	return fmt.Sprintf("<subscription node='%s' jid='%s' subid='%s' subscription='subscribed'/>", escape(s.node), escape(s.jid), s.id)
}

// mine: users subscribe for themselves, by the bare or by any full JID.
func (s *stream) mine(jid string) bool {
	bare, _, _ := strings.Cut(jid, "/")
	return bare == s.hub.bare(s.agent)
}

// mayHear says why a user may not subscribe to a node, "" when allowed: one's
// own nodes, queues, and those of a team one leads and of its members.
func (n *notifier) mayHear(agent gc.AgentID, node string) string {
	reader, found, allowed := n.board.directory[string(agent)], false, false
	for _, t := range teams {
		if node == teamUsersURI(t.id) {
			found, allowed = true, slices.Contains(reader.leading, t)
		}
	}
	if u := n.board.find(string(ownerOf(node))); u != nil && u.id == ownerOf(node) {
		found, allowed = true, u == reader || reader.leads(u)
	}
	for _, q := range n.board.queues {
		if node == queueURI(q.id) {
			found, allowed = true, true
		}
	}
	switch {
	case allowed, node == systemInfoURI, node == queuesURI(agent):
		return ""
	case found:
		return "forbidden"
	}
	return "item-not-found"
}

// reply sends a result to an iq.
func (s *stream) reply(st *stanza, payload string) {
	from := ""
	if st.To != "" {
		from = fmt.Sprintf(" from='%s'", escape(st.To))
	}
	s.send(fmt.Sprintf("<iq type='result' id='%s'%s to='%s'>%s</iq>", escape(st.ID), from, escape(s.jid), payload))
}

// refuse sends an error with a condition of RFC 6120 and, for pubsub, one of
// XEP-0060.
func (s *stream) refuse(st *stanza, kind, condition string, pubsub ...string) {
	specific := ""
	for _, c := range pubsub {
		specific = fmt.Sprintf("<%s xmlns='%s#errors'/>", c, nsPubSub)
	}
	from := ""
	if st.To != "" {
		from = fmt.Sprintf(" from='%s'", escape(st.To))
	}
	s.send(fmt.Sprintf("<iq type='error' id='%s'%s to='%s'><error type='%s'><%s xmlns='%s'/>%s</error></iq>",
		escape(st.ID), from, escape(s.jid), kind, condition, nsStanzas, specific))
}
