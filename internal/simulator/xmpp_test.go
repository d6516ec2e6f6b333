package simulator

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xmppo/go-xmpp"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// rawClient says exactly what a test wants to be said.
type rawClient struct {
	t    *testing.T
	conn *tls.Conn
	got  strings.Builder // read, not yet expected
}

func dialRaw(t *testing.T, s *Simulator) *rawClient {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.NotifyURL(), "xmpps://"), trust(t, s))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	return &rawClient{t: t, conn: conn}
}

func (c *rawClient) say(text string) {
	c.t.Helper()
	_, err := io.WriteString(c.conn, text)
	require.NoError(c.t, err)
}

// hears reads until text has come and forgets everything up to it. It returns
// what was skipped.
func (c *rawClient) hears(text string) string {
	c.t.Helper()
	buffer := make([]byte, 4096)
	for {
		before, after, found := strings.Cut(c.got.String(), text)
		if found {
			c.got.Reset()
			c.got.WriteString(after)
			return before
		}
		n, err := c.conn.Read(buffer)
		c.got.Write(buffer[:n])
		require.NoError(c.t, err, "waiting for %s, got %s", text, c.got.String())
	}
}

func (c *rawClient) ends() {
	c.t.Helper()
	_, err := io.Copy(io.Discard, c.conn)
	var timeout net.Error
	require.False(c.t, errors.As(err, &timeout) && timeout.Timeout(), "the server keeps the connection")
}

const head = "<?xml version='1.0'?><stream:stream to='finesse.local' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"

func plain(id, password string) string {
	return "<auth xmlns='" + nsSASL + "' mechanism='PLAIN'>" + base64.StdEncoding.EncodeToString([]byte("\x00"+id+"\x00"+password)) + "</auth>"
}

// signedIn is bound but has sent no presence.
func signedIn(t *testing.T, s *Simulator, id, resource string) *rawClient {
	c := dialRaw(t, s)
	c.say(head)
	c.hears("</stream:features>")
	c.say(plain(id, "secret"))
	c.hears("<success")
	c.say(head)
	c.hears("</stream:features>")
	c.say("<iq type='set' id='b1'><bind xmlns='" + nsBind + "'><resource>" + resource + "</resource></bind></iq>")
	c.hears("<jid>" + id + "@finesse.local/" + resource + "</jid></bind></iq>")
	return c
}

func (c *rawClient) ping() {
	c.t.Helper()
	c.say("<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>")
	c.hears("<iq type='result' id='p1'")
}

func TestStreamGreetsAndOffersPlainOnly(t *testing.T) {
	s := start(t)
	c := dialRaw(t, s)
	c.say(head)
	c.hears("from='finesse.local'")
	require.Contains(t, c.hears("</stream:features>"), "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>")
}

func TestSASLFailures(t *testing.T) {
	for name, c := range map[string]struct{ auth, want string }{
		"wrong password":       {plain("1001", "wrong"), "not-authorized"},
		"unknown id":           {plain("1099", "secret"), "not-authorized"},
		"login name on UCCE":   {plain("agent1001", "secret"), "not-authorized"},
		"not PLAIN":            {"<auth xmlns='" + nsSASL + "' mechanism='SCRAM-SHA-1'>eA==</auth>", "invalid-mechanism"},
		"not base64":           {"<auth xmlns='" + nsSASL + "' mechanism='PLAIN'>!</auth>", "incorrect-encoding"},
		"no zero bytes":        {"<auth xmlns='" + nsSASL + "' mechanism='PLAIN'>eA==</auth>", "malformed-request"},
		"acting for a another": {"<auth xmlns='" + nsSASL + "' mechanism='PLAIN'>" + base64.StdEncoding.EncodeToString([]byte("x\x001001\x00secret")) + "</auth>", "invalid-authzid"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			raw := dialRaw(t, s)
			raw.say(head)
			raw.hears("</stream:features>")
			raw.say(c.auth)
			raw.hears("<failure xmlns='" + nsSASL + "'><" + c.want + "/></failure>")
			raw.say(plain("1001", "secret")) // a second attempt may succeed
			raw.hears("<success")
		})
	}
}

func TestThirdWrongPasswordEndsTheStream(t *testing.T) {
	s := start(t)
	c := dialRaw(t, s)
	c.say(head + plain("1001", "a") + plain("1001", "b") + plain("1001", "c"))
	c.hears("policy-violation")
	c.ends()
}

func TestStreamErrors(t *testing.T) {
	bound := func(t *testing.T, s *Simulator) *rawClient { return signedIn(t, s, "1001", "r") }
	for name, c := range map[string]struct {
		from      func(*testing.T, *Simulator) *rawClient
		say, want string
	}{
		"another domain":          {dialRaw, strings.Replace(head, "finesse.local", "example.com", 1), "host-unknown"},
		"another namespace":       {dialRaw, "<stream to='finesse.local'>", "invalid-namespace"},
		"stanza before sign-in":   {dialRaw, head + "<presence/>", "not-authorized"},
		"garbage before sign-in":  {dialRaw, head + "<<<", "not-well-formed"},
		"document type":           {dialRaw, "<!DOCTYPE x [<!ENTITY a 'b'>]>" + head, "restricted-xml"},
		"comment":                 {bound, "<!-- x -->", "restricted-xml"},
		"processing instruction":  {bound, "<?php ?>", "restricted-xml"},
		"not well-formed":         {bound, "<presence></iq>", "not-well-formed"},
		"invalid UTF-8":           {bound, "<presence><status>\xff</status></presence>", "not-well-formed"},
		"unknown entity":          {bound, "<presence><status>&nbsp;</status></presence>", "not-well-formed"},
		"no stanza":               {bound, "<banana/>", "unsupported-stanza-type"},
		"more than 64 KiB":        {bound, "<message><body>" + strings.Repeat("x", maxStanza) + "</body></message>", "policy-violation"},
		"attribute without bound": {bound, "<message a='" + strings.Repeat("x", maxStanza), "policy-violation"},
	} {
		t.Run(name, func(t *testing.T) {
			raw := c.from(t, start(t))
			raw.say(c.say)
			raw.hears("<stream:error><" + c.want + " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
			raw.ends()
		})
	}
}

func TestSmallStanzasMayAddUpToMoreThanTheLimit(t *testing.T) {
	s := start(t)
	c := signedIn(t, s, "1001", "r")
	for range 3 {
		c.say("<message><body>" + strings.Repeat("x", maxStanza/2) + "</body></message>" + strings.Repeat(" ", maxStanza))
	}
	c.ping()
}

func TestClientEndsItsStream(t *testing.T) {
	s := start(t)
	c := signedIn(t, s, "1001", "r")
	c.say("</stream:stream>")
	c.hears("</stream:stream>")
	c.ends()
}

func TestIQs(t *testing.T) {
	s := start(t)
	c := signedIn(t, s, "1001", "r")
	for say, want := range map[string]string{
		"<iq type='set' id='s1'><session xmlns='" + nsSession + "'/></iq>":                   "<iq type='result' id='s1' to='1001@finesse.local/r'></iq>",
		"<iq type='get' id='p9' to='finesse.local'><ping xmlns='" + nsPing + "'/></iq>":      "<iq type='result' id='p9' from='finesse.local' to='1001@finesse.local/r'></iq>",
		"<iq type='get' id='r1'><query xmlns='" + nsRoster + "'/></iq>":                      "<item jid='finesse@finesse.local' name='finesse' subscription='both'/>",
		"<iq type='get' id='d1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>": "<iq type='error' id='d1' to='1001@finesse.local/r'><error type='cancel'><service-unavailable",
		"<iq type='hum' id='h1'/>": "<bad-request",
		"<iq type='get' id='&quot;&apos;&lt;'><ping xmlns='" + nsPing + "'/></iq>":                                           "id='&#34;&#39;&lt;'",
		"<iq type='set' id='x1' to='pubsub.finesse.local'><pubsub xmlns='" + nsPubSub + "'><create node='x'/></pubsub></iq>": "<feature-not-implemented",
		"<iq type='set' id='x2' to='finesse.local'><pubsub xmlns='" + nsPubSub + "'><create node='x'/></pubsub></iq>":        "<service-unavailable",
	} {
		c.say(say)
		c.hears(want)
	}
	c.say("<iq type='result' id='none'/><iq type='error' id='none'/><message/>") // need no answer
	c.ping()
}

func TestPresenceOfFinesseAndEvents(t *testing.T) {
	s := start(t)
	c := signedIn(t, s, "1001", "r")
	d := as(t, s, "1001")
	await := func(state gc.UserState) {
		require.Eventually(t, func() bool { return s.Agents()[0].State == state }, 5*time.Second, time.Millisecond)
	}

	d.signIn("7001") // no presence: lost, and not delivered later
	await(gc.NotReady)
	c.say("<presence><priority>0</priority></presence>")
	require.NotContains(t, c.hears("<presence from='finesse@finesse.local/service' to='1001@finesse.local/r'/>"), "<message")

	d.state("READY")
	c.hears(`to="1001@finesse.local"`)
	c.hears("&lt;state&gt;READY&lt;/state&gt;")

	c.say("<presence><priority>-1</priority></presence>") // negative: nothing is delivered
	c.hears("<presence from='1001@finesse.local/r'")
	d.state("NOT_READY")
	await(gc.NotReady)
	c.say("<presence type='unavailable'/><presence><priority>5</priority></presence>")
	require.NotContains(t, c.hears("<presence from='1001@finesse.local/r'"), "<message")

	c.say("<presence><priority>high</priority></presence>")
	c.hears("<bad-request")
	c.say("<presence to='1002@finesse.local'/><presence type='subscribe'/>") // not about availability
	d.state("READY")
	c.hears("&lt;state&gt;READY&lt;/state&gt;")
}

func TestNotificationStanza(t *testing.T) {
	s := start(t)
	c := signedIn(t, s, "1001", "r")
	c.say("<presence/>")
	c.hears("service")
	as(t, s, "1001").signIn("7001")
	c.hears(`<message from="pubsub.finesse.local" to="1001@finesse.local" id="`)
	c.hears(`<event xmlns="http://jabber.org/protocol/pubsub#event"><items node="/finesse/api/User/1001"><item id="`)
	c.hears(`<notification xmlns="urn:xmpp:push:0">&lt;Update&gt;`)
	c.hears("</notification></item></items></event></message>")
}

func TestNotificationNamespaceOfOlderSystems(t *testing.T) {
	s := start(t, func(o *Options) { o.NotificationNamespace = nsPubSub })
	c := signedIn(t, s, "1001", "r")
	c.say("<presence/>")
	c.hears("service")
	as(t, s, "1001").signIn("7001")
	c.hears(`<notification xmlns="http://jabber.org/protocol/pubsub">`)
}

func TestItemIDsRise(t *testing.T) {
	s := start(t)
	_, w := readyAgent(t, s, "1001", "7001")
	place(t, s, "1001", Call{})
	first, second := w.next(), w.next()
	require.Less(t, first.id, second.id)
	require.Equal(t, len(first.id), len(second.id))
}

func TestEveryStreamOfAnAgentHearsTheSame(t *testing.T) {
	s := start(t)
	one, two := watchAs(t, s, "1001", "one"), watchAs(t, s, "1001", "two")
	other := watch(t, s, "1002")
	as(t, s, "1001").signIn("7001")
	one.sees("U NOT_READY reason=-1")
	two.sees("U NOT_READY reason=-1")
	other.quiet()
	require.Equal(t, 2, s.Agents()[0].Streams)
}

func TestSameFullJIDClosesTheOlderStream(t *testing.T) {
	s := start(t)
	old := signedIn(t, s, "1001", "r")
	signedIn(t, s, "1001", "r").ping()
	old.hears("<stream:error><conflict")
	old.ends()
}

func TestLibraryRefusesWrongPassword(t *testing.T) {
	s := start(t)
	_, err := xmpp.Options{
		Host: strings.TrimPrefix(s.NotifyURL(), "xmpps://"), User: "1001@finesse.local", Password: "wrong", Resource: "x",
		Mechanism: "PLAIN", TLSConfig: trust(t, s),
	}.NewClient()
	require.ErrorContains(t, err, "auth failure: not-authorized")
}

func pubsubIQ(kind, id, inner string) string {
	return "<iq type='" + kind + "' id='" + id + "' to='pubsub.finesse.local'><pubsub xmlns='" + nsPubSub + "'>" + inner + "</pubsub></iq>"
}

func TestSubscriptions(t *testing.T) {
	s := start(t)
	c := signedIn(t, s, "2001", "boss")
	c.say("<presence/>")
	c.hears("service")
	team := "<subscribe node='/finesse/api/Team/1/Users' jid='2001@finesse.local/boss'/>"
	c.say(pubsubIQ("set", "s1", team))
	c.hears("<iq type='result' id='s1' from='pubsub.finesse.local'")
	c.hears("<subscription node='/finesse/api/Team/1/Users' jid='2001@finesse.local/boss' subid='")

	as(t, s, "1001").signIn("7001")
	c.hears(`to="2001@finesse.local/boss"`)
	summary := c.hears("</message>")
	require.Contains(t, summary, `node="/finesse/api/Team/1/Users"`)
	require.Contains(t, summary, "&lt;source&gt;/finesse/api/User/1001&lt;/source&gt;")
	require.NotContains(t, summary, "settings")

	c.say(pubsubIQ("get", "l1", "<subscriptions/>"))
	list := c.hears("</iq>")
	for _, node := range []string{"/finesse/api/User/2001'", "/finesse/api/User/2001/Dialogs'", "/finesse/api/SystemInfo'", "/finesse/api/Team/1/Users'"} {
		require.Contains(t, list, "node='"+node)
	}

	c.say("</stream:stream>") // a subscription outlives its stream
	c.ends()
	c = signedIn(t, s, "2001", "boss")
	c.say("<presence/>")
	c.hears("service")
	as(t, s, "1002").signIn("7002")
	c.hears("User/1002")
	c.hears("</message>")

	unsubscribe := strings.Replace(team, "<sub", "<unsub", 1)
	c.say(pubsubIQ("set", "u1", unsubscribe))
	c.hears("<iq type='result' id='u1'")
	c.say(pubsubIQ("set", "u2", unsubscribe))
	c.hears("<not-subscribed")
	as(t, s, "1003").signIn("7003")
	require.Eventually(t, func() bool { return s.Agents()[2].Extension == "7003" }, 5*time.Second, time.Millisecond)
	c.say("<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>")
	require.NotContains(t, c.hears("<iq type='result' id='p1'"), "<message")
}

func TestSubscriptionsThatAreRefused(t *testing.T) {
	s := start(t)
	c := signedIn(t, s, "1001", "r")
	for subscribe, want := range map[string]string{
		"<subscribe node='/finesse/api/Team/1/Users' jid='1001@finesse.local/r'/>": "<forbidden",
		"<subscribe node='/finesse/api/User/1002' jid='1001@finesse.local/r'/>":    "<forbidden",
		"<subscribe node='/finesse/api/Team/9/Users' jid='1001@finesse.local/r'/>": "<item-not-found",
		"<subscribe node='/finesse/api/User/1001' jid='1002@finesse.local/r'/>":    "<invalid-jid",
		"<unsubscribe node='/finesse/api/User/1001' jid='1002@finesse.local/r'/>":  "<forbidden",
	} {
		c.say(pubsubIQ("set", "s1", subscribe))
		c.hears(want)
	}
}

func TestSilentClientIsPingedAndThenCut(t *testing.T) {
	s := start(t, func(o *Options) { o.IdleTimeout = time.Second })
	c := signedIn(t, s, "1001", "r")
	c.say("<presence/>")
	c.hears("<ping xmlns='urn:xmpp:ping'/></iq>")
	c.say("<iq type='result' id='whatever'/>") // a sign of life
	c.hears("<ping xmlns='urn:xmpp:ping'/></iq>")
	c.ends()
	require.Eventually(t, func() bool { return s.Agents()[0].Streams == 0 }, 5*time.Second, time.Millisecond)
}

func TestBlanksKeepAStreamAlive(t *testing.T) {
	s := start(t, func(o *Options) { o.IdleTimeout = 600 * time.Millisecond })
	c := signedIn(t, s, "1001", "r")
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 45 {
		<-tick.C
		c.say(" ")
	}
	c.ping()
}

func TestAgentWithoutStreamIsSetNotReady(t *testing.T) {
	quick := func(o *Options) { o.PresenceTimeout = 50 * time.Millisecond }
	t.Run("at once when no call is on", func(t *testing.T) {
		s := start(t, quick)
		_, w := readyAgent(t, s, "1001", "7001")
		w.close()
		require.Eventually(t, func() bool {
			a := s.Agents()[0]
			return a.State == gc.NotReady && a.SystemReason == connectionFailure
		}, 5*time.Second, time.Millisecond)
	})
	t.Run("after the call", func(t *testing.T) {
		s := start(t, quick)
		d, w := readyAgent(t, s, "1001", "7001")
		id := place(t, s, "1001", Call{From: "4085551234"})
		ringAndAnswer(t, d, w, id)
		w.close()
		require.Eventually(t, func() bool { return s.Agents()[0].Pending == gc.NotReady }, 5*time.Second, time.Millisecond)
		require.Equal(t, gc.Talking, s.Agents()[0].State)
		require.NoError(t, s.HangUp(id))
		require.Equal(t, gc.NotReady, s.Agents()[0].State)
	})
	t.Run("not when another stream is there in time", func(t *testing.T) {
		s := start(t, func(o *Options) { o.PresenceTimeout = time.Hour })
		_, w := readyAgent(t, s, "1001", "7001")
		w.close()
		require.Eventually(t, func() bool { return waitsForAbsence(s) }, 5*time.Second, time.Millisecond)
		watch(t, s, "1001")
		require.False(t, waitsForAbsence(s))
		require.Equal(t, gc.Ready, s.Agents()[0].State)
	})
}

func waitsForAbsence(s *Simulator) bool {
	s.life.mu.Lock()
	defer s.life.mu.Unlock()
	return len(s.life.timers) > 0
}

// TestClientThatStopsReadingIsCut fills the socket and then the queue.
func TestClientThatStopsReadingIsCut(t *testing.T) {
	s := start(t)
	c := signedIn(t, s, "1001", "r")
	c.say("<presence/>")
	c.hears("service")
	update := bytes.Repeat([]byte("x"), 60<<10)
	require.Eventually(t, func() bool {
		s.Publish(systemInfoURI, update)
		return len(s.nodes[0].hub.of("1001")) == 0
	}, 9*time.Second, time.Microsecond)
}

func TestCloseEndsEverything(t *testing.T) {
	s := start(t, func(o *Options) { o.MinDelay, o.MaxDelay = time.Hour, time.Hour })
	silent, err := net.Dial("tcp", strings.TrimPrefix(s.NotifyURL(), "xmpps://")) // no TLS handshake
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	c := signedIn(t, s, "1001", "r")
	as(t, s, "1001").signIn("7001") // waits in the queue
	s.Close()
	s.Close()
	c.ends()
	_, err = net.Dial("tcp", strings.TrimPrefix(s.RESTURL(), "https://"))
	require.Error(t, err)
}

func TestStartRefusesADomainThatIsNone(t *testing.T) {
	_, err := Start(Options{Domain: "finesse'local"})
	require.ErrorContains(t, err, "lower-case letters")
}

func TestStartSaysWhichAddressIsTaken(t *testing.T) {
	s := start(t)
	_, err := Start(Options{Notify: strings.TrimPrefix(s.NotifyURL(), "xmpps://")})
	require.ErrorContains(t, err, "listen for the notification service")
}
