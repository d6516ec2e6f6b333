package notify

import (
	"cmp"
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func TestDialGivesUpOnAServerThatAcceptsAndSaysNothing(t *testing.T) {
	for kind, start := range transports {
		f := start(t, (*peer).wait)
		o := f.quick()
		o.ConnectTimeout = 50 * time.Millisecond
		d := newDialer(t, o)
		start := time.Now()
		_, err := d.Dial(t.Context(), account("secret"))
		require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err), kind)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Less(t, time.Since(start), time.Second)
		require.Equal(t, 1.0, testutil.ToFloat64(d.metrics.dials[dialTimeout]))
		require.Eventually(t, f.idle, patience, time.Millisecond, "the connection was closed")
	}
}

func TestDialGivesUpOnAServerThatNeverShakesHands(t *testing.T) {
	f := startFake(t, (*peer).wait)
	for _, scheme := range []string{"xmpps", "wss"} {
		o := f.quick()
		o.URL, o.ConnectTimeout = strings.Replace(f.url, "xmpp+plain", scheme, 1), 50*time.Millisecond
		_, err := newDialer(t, o).Dial(t.Context(), account("secret"))
		require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Eventually(t, f.idle, patience, time.Millisecond)
	}
}

func TestDialGivesUpOnAServerThatIsSlowAllTheWay(t *testing.T) {
	f := startFake(t, func(p *peer) {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for range 1000 {
			<-tick.C
			if _, err := p.Write([]byte(" ")); err != nil {
				return
			}
		}
	})
	o := f.quick()
	o.ConnectTimeout = 100 * time.Millisecond
	start := time.Now()
	_, err := newDialer(t, o).Dial(t.Context(), account("secret"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(start), time.Second)
	require.Eventually(t, f.idle, patience, time.Millisecond)
}

func TestDialWaitsForThePresenceToBeTaken(t *testing.T) {
	f := startFake(t, func(p *peer) {
		p.accept()
		p.wait() // no answer to the first ping
	})
	o := f.quick()
	o.ConnectTimeout, o.DeadAfter = time.Second, time.Minute
	_, err := newDialer(t, o).Dial(t.Context(), account("secret"))
	require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
	require.ErrorContains(t, err, "first answer")
}

func TestDialEndsWithItsContext(t *testing.T) {
	f := startFake(t, (*peer).wait)
	o := f.quick()
	o.MaxConnecting = 1
	d := newDialer(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := d.Dial(ctx, account("secret"))
	require.ErrorIs(t, err, context.Canceled)

	d.connecting <- struct{}{} // somebody else's turn
	_, err = d.Dial(ctx, account("secret"))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "turn")
}

func TestOnlyARefusalOfTheCredentialsIsSubscriptionFailed(t *testing.T) {
	failure := func(inner string) string {
		return "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + inner + "</failure>"
	}
	for _, c := range []struct {
		name, answer string
		want         gc.Code
	}{
		{"not authorized", failure("<not-authorized/>"), gc.SubscriptionFailed},
		{"not authorized, with a text that hides the condition", failure("<not-authorized/><text>No.</text>"), gc.SubscriptionFailed},
		{"not authorized, behind the text", failure("<text>No.</text><not-authorized/>"), gc.SubscriptionFailed},
		{"account disabled", failure("<account-disabled/>"), gc.SubscriptionFailed},
		{"the server cannot check passwords just now", failure("<temporary-auth-failure/>"), gc.UnableToSubscribe},
		{"the same, with a text", failure("<temporary-auth-failure/><text>Sorry.</text>"), gc.UnableToSubscribe},
		{"not authorized, with a text without measure", failure("<not-authorized/><text>" + strings.Repeat("x", maxStanza/2) + "</text>"), gc.SubscriptionFailed},
		{"no answer but the end", "</stream:stream>", gc.UnableToSubscribe},
		{"an answer that is none", "<hello xmlns='world'/>", gc.UnableToSubscribe},
		{"garbage", "\x00\xff<<<", gc.UnableToSubscribe},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := startFake(t, func(p *peer) { p.authenticate(c.answer) })
			_, err := newDialer(t, f.quick()).Dial(t.Context(), account("s3cret-password"))
			require.Error(t, err)
			require.Equal(t, c.want, gc.CodeOf(err), err.Error())
			require.NotContains(t, err.Error(), "s3cret")
			require.Less(t, len(err.Error()), 1000)
		})
	}
}

// Any stanza may come before the answers to the request for a resource and for a session.
func TestWhatComesBeforeTheSessionIsLeftOut(t *testing.T) {
	old := strings.Replace(event(userNode, [2]string{"q", ready("old")}), "</message>", "<delay xmlns='urn:xmpp:delay' stamp='2026-11-29T10:00:00Z'/></message>", 1)
	for rule, before := range map[string]string{
		"a presence":                            "<presence from='finesse@" + domain + "'/>",
		"an old item":                           old,
		"a message with an odd character":       "<message><body>a&#11;&nbsp;b</body></message>",
		"a push of the roster":                  "<iq type='set' id='r1'><query xmlns='jabber:iq:roster'/></iq>",
		"a request with the id of ours":         "<iq type='get' id='ID'><ping xmlns='urn:xmpp:ping'/></iq>",
		"an answer to somebody else's question": "<iq type='error' id='other'/><iq type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>x@y/z</jid></bind></iq>",
		"elements that are no stanzas":          "<r xmlns='urn:xmpp:sm:3'/> \n <novelty xmlns='urn:x'><iq type='result' id='ID'/></novelty>",
		"all of them, often":                    strings.Repeat(old+"<presence/><iq type='set' id='ID'/>", 100),
	} {
		t.Run(rule, func(t *testing.T) {
			for kind, start := range transports {
				f := start(t, func(p *peer) {
					p.before, p.features = before, "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>"
					if p.up() {
						p.send("%s", event(userNode, [2]string{"1", ready("first")}))
						p.answerPings()
					}
				})
				s := dial(t, newDialer(t, f.quick()))
				require.EqualValues(t, "first", next(t, s).RequestID, kind)
				require.Regexp(t, "^1001@"+domain+"/fc-", s.jid)
			}
		})
	}
}

func TestABindThatIsRefusedOrNeverAnswered(t *testing.T) {
	for _, c := range []struct{ rule, before, want string }{
		{"refused", "<presence/><iq type='error' id='ID'><error type='cancel'><conflict xmlns='" + stanzasNS + "'/></error></iq>", "the server refuses: conflict"},
		{"the stream ends", "<presence/></stream:stream>", "ended"},
		{"an error ends the stream", "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>", "conflict"},
		{"stanzas without end", strings.Repeat("<presence/>", maxStanza/10), "1 MiB"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			f := startFake(t, func(p *peer) {
				p.before = c.before
				p.accept()
			})
			_, err := newDialer(t, f.quick()).Dial(t.Context(), account("secret"))
			require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
			require.ErrorContains(t, err, c.want)
		})
	}
	t.Run("presences drip", func(t *testing.T) {
		f := startFake(t, func(p *peer) {
			p.authenticate(success)
			p.in = xml.NewDecoder(p.Conn)
			p.open("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>")
			p.drip("<presence/>")
		})
		o := f.quick()
		o.ConnectTimeout = 100 * time.Millisecond
		_, err := newDialer(t, o).Dial(t.Context(), account("secret"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestAServerWithoutPlainIsNotGivenThePassword(t *testing.T) {
	got := make(chan string, 1)
	f := startFake(t, func(p *peer) {
		p.open("<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism></mechanisms>")
		e, _ := p.next()
		got <- e.XMLName.Local
	})
	_, err := newDialer(t, f.quick()).Dial(t.Context(), account("secret"))
	require.ErrorContains(t, err, "no viable authentication method")
	require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
	require.Empty(t, <-got)
}

func TestACertificateNobodyVouchesForIsExplained(t *testing.T) {
	f := startTLSFake(t, (*peer).answerPings)
	o := f.quick()
	o.TLS = nil
	_, err := newDialer(t, o).Dial(t.Context(), account("secret"))
	require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
	require.Equal(t, "add the CA of the certificate to finesse.ca_file", Trouble(err).Next)
	require.ErrorContains(t, err, strings.TrimPrefix(f.url, "xmpps://"))
}

func TestAStreamIsLostWithAReason(t *testing.T) {
	for _, c := range []struct {
		name   string
		script func(*peer)
		want   string
		reason loss
	}{
		{"server falls silent", (*peer).wait, "no sign of life for 400ms", lossSilent},
		{"server ends the stream but leaves the connection open", func(p *peer) {
			p.send("</stream:stream>")
			p.wait()
		}, "the server ended the stream", lossBroken},
		{"connection is cut between stanzas", func(*peer) {}, "EOF", lossBroken},
		{"connection is cut inside a stanza", func(p *peer) { p.send("<message from='a'><event xml") }, "EOF", lossBroken},
		{"garbage", func(p *peer) { p.send("<message></presence>"); p.wait() }, "closed by", lossBroken},
		{"stream error", func(p *peer) {
			p.send("<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Replaced</text></stream:error>")
		}, "the server ended the stream: conflict: Replaced", lossBroken},
		{"stanza without end", func(p *peer) {
			p.send("<message><body>")
			for chunk := strings.Repeat("x", 1<<16); ; {
				if _, err := p.Write([]byte(chunk)); err != nil {
					return
				}
			}
		}, "1 MiB", lossOversized},
		{"stanza without end that drips", func(p *peer) { p.send("<message><body>"); p.drip("x") }, "no whole stanza", lossSilent},
		{"blanks without end", func(p *peer) { p.drip(" ") }, "no whole stanza", lossSilent},
		{"stream error without end", func(p *peer) {
			p.send("<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>%s</text></stream:error>",
				strings.Repeat("x", maxStanza/2))
			p.wait() // or what is on its way would be lost
		}, "the server ended the stream: conflict: xxx", lossBroken},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for kind, start := range transports {
				f := start(t, func(p *peer) {
					if p.up() {
						p.send("%s", event(userNode, [2]string{"1", ready("a")}))
						c.script(p)
					}
				})
				o := f.quick()
				o.DeadAfter = 400 * time.Millisecond
				if c.reason != lossSilent { // no ping fails, and nobody is silent, before that
					o.PingInterval, o.DeadAfter = time.Second, patience
				}
				d := newDialer(t, o)
				s := dial(t, d)
				require.EqualValues(t, "a", next(t, s).RequestID, "what came before the end is delivered")
				err := requireLost(t, s)
				require.ErrorContains(t, err, c.want, kind)
				require.Less(t, len(err.Error()), 1000)
				require.Equal(t, 1.0, testutil.ToFloat64(d.metrics.lost[c.reason]))
				require.Zero(t, testutil.ToFloat64(d.metrics.streams))
			}
		})
	}
}

// A character that XML has no place for, in an update or around it, costs itself: not
// the update, and not the stream, which would come back to the same.
func TestACharacterThatXMLHasNoPlaceForCostsItself(t *testing.T) {
	for kind, start := range transports {
		t.Run(kind, func(t *testing.T) {
			named := func(id, character string) [2]string { // character: as the server writes it
				update := strings.Replace(readyUpdate(id), "<loginId>", "<lastName>Ag_ent</lastName><loginId>", 1)
				return [2]string{id, strings.Replace(notification(update), "Ag_ent", "Ag"+character+"ent", 1)}
			}
			f := start(t, func(p *peer) {
				if p.up() {
					p.send("<message><body>\xff\xfe&nbsp;</body></message>")
					p.send("%s", event(userNode, named("of the update", "&amp;#x1F;"), named("of the stanza", "&#11;"), named("itself", "\x02")))
					p.answerPings()
				}
			})
			o, logs := f.observed(zap.InfoLevel)
			o.DeadAfter = patience
			d := newDialer(t, o)
			s := dial(t, d)
			for _, id := range []finesse.RequestID{"of the update", "of the stanza", "itself"} {
				u := next(t, s)
				require.Equal(t, id, u.RequestID)
				require.Equal(t, "Ag\uFFFDent", u.User.LastName)
			}
			s.Close()
			drain(t, s)
			require.Equal(t, 6.0, testutil.ToFloat64(d.metrics.characters))
			require.Zero(t, testutil.ToFloat64(d.metrics.malformed))
			require.Equal(t, 1, logs.Len(), "said once")
		})
	}
}

func TestBytesOfAnUnfinishedStanzaAreASignOfLife(t *testing.T) {
	f := startFake(t, func(p *peer) {
		if !p.up() {
			return
		}
		go p.wait() // answers no ping; ends with the connection
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for _, b := range []byte(event(userNode, [2]string{"1", ready("slow")})) {
			<-tick.C
			if _, err := p.Write([]byte{b}); err != nil {
				return
			}
		}
	})
	o := f.quick()
	start := time.Now()
	s := dial(t, newDialer(t, o))
	require.EqualValues(t, "slow", next(t, s).RequestID)
	require.Greater(t, time.Since(start), 2*o.DeadAfter, "the stanza took longer than a server may be silent")
}

func TestAStanzaTheLibraryDoesNotKnowIsSurvived(t *testing.T) {
	f := startFake(t, func(p *peer) {
		if p.up() {
			p.send("<r xmlns='urn:xmpp:sm:3'/><novelty xmlns='urn:x'><message/><deep><er/></deep></novelty><message xmlns='jabber:client'><body>hello</body></message>")
			p.send("<presence from='finesse@%s'/><iq type='result' id='foreign'/>", domain)
			p.send("%s", event(userNode, [2]string{"1", ready("after")}))
			p.answerPings()
		}
	})
	d := newDialer(t, f.quick())
	s := dial(t, d)
	require.EqualValues(t, "after", next(t, s).RequestID)
	require.Equal(t, 2.0, testutil.ToFloat64(d.metrics.unknown))
}

func TestAPingOfTheServerIsAnsweredOnceAndOtherRequestsAreRefused(t *testing.T) {
	answers := make(chan element, 16)
	f := startFake(t, func(p *peer) {
		if !p.up() {
			return
		}
		p.send("<iq type='get' id='sp1' from='%s'><ping xmlns='urn:xmpp:ping'/></iq>", domain)
		p.send("<iq type='get' id='it&apos;s' from='%s'><query xmlns='jabber:iq:version'/></iq>", domain)
		p.send("<iq type='set' id='last'><query xmlns='jabber:iq:roster'/></iq>")
		for {
			e, err := p.next()
			if err != nil {
				close(answers)
				return
			}
			if e.Type == "get" {
				p.send("<iq type='result' id='%s'/>", e.ID)
				continue
			}
			answers <- e
			if e.ID == "last" {
				p.send("%s", event(userNode, [2]string{"1", ready("done")}))
			}
		}
	})
	s := dial(t, newDialer(t, f.quick()))
	require.EqualValues(t, "done", next(t, s).RequestID)
	s.Close()

	var got []string
	for e := range answers {
		got = append(got, e.Type+" "+e.ID)
		if e.Type == "error" {
			require.Contains(t, e.Inner, "service-unavailable")
		}
	}
	require.Equal(t, []string{"result sp1", "error it's", "error last"}, got)
}

func TestTheClientSaysWhoItIs(t *testing.T) {
	got := make(chan *peer, 2)
	f := startFake(t, func(p *peer) {
		if p.up() {
			got <- p
			p.answerPings()
		}
	})
	d := newDialer(t, f.quick())
	a := account("pä:ss,w&rd")
	a.Agent = "jo o'neil@corp"
	for range 2 {
		s, err := d.Dial(t.Context(), a)
		require.NoError(t, err)
		s.Close()
		drain(t, s)
	}
	first, second := <-got, <-got
	require.Equal(t, "\x00jo\\20o\\27neil\\40corp\x00pä:ss,w&rd", first.login)
	require.Regexp(t, `^fc-[a-z2-7]{12}$`, first.resource)
	require.Equal(t, first.resource, second.resource, "a new stream replaces a dead one")
	require.NotEqual(t, first.resource, newDialer(t, f.quick()).resource, "two connectors stand side by side")
}

// An agent's address and nodes have the id that Finesse answers, whatever a driver calls
// the agent; and two that are served under different names do not end each other's streams.
func TestAnAgentByAnotherName(t *testing.T) {
	got := make(chan *peer, 3)
	f := startFake(t, func(p *peer) {
		if p.up() {
			got <- p
			const node = "/finesse/api/User/JSmith"
			p.send("%s", event(node, [2]string{"1", strings.ReplaceAll(ready("own"), "1001", "JSMITH")}))
			p.send("%s", event(node, [2]string{"2", ready("other's")}, [2]string{"3", strings.ReplaceAll(ready("own again"), "1001", "jsmith")}))
			p.answerPings()
		}
	})
	d := newDialer(t, f.quick())
	resources := map[string]bool{}
	for _, name := range []gc.AgentID{"jsmith", "Smith", "1001"} {
		a := account("secret")
		a.Agent, a.LoginID = name, "jsmith"
		s, err := d.Dial(t.Context(), a)
		require.NoError(t, err)
		p := <-got
		require.Equal(t, "\x00jsmith\x00secret", p.login)
		require.True(t, strings.HasPrefix(p.resource, d.resource), "or what a lost stream subscribed to is not taken back")
		resources[p.resource] = true
		require.EqualValues(t, "own", next(t, s).RequestID)
		require.EqualValues(t, "own again", next(t, s).RequestID)
		s.Close()
		drain(t, s)
	}
	require.Len(t, resources, 3)
}

func TestItems(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	f := startFake(t, func(p *peer) {
		if !p.up() {
			return
		}
		p.send("%s", event(userNode, [2]string{"1", ready("one")}, [2]string{"2", ready("two")}))
		p.send("%s", event(userNode, [2]string{"1", ready("one again")}))
		p.send("%s", event(userNode+"/Dialogs", [2]string{"1", ready("same id of another node")}))
		p.send("%s", event("/other/service", [2]string{"3", ready("not ours")}))
		p.send("%s", event(userNode, [2]string{"4", notification("<Update><data>")}))
		p.send("%s", event(userNode, [2]string{"5", "<other/>"}, [2]string{"6", notification("no xml, password secret")}, [2]string{"7", ready("on")}))
		p.send("%s", event(userNode, [2]string{"", ready("without id")}, [2]string{"", ready("without id too")}))
		p.send("<message><event xmlns='http://jabber.org/protocol/pubsub#event'><purge node='%s'/></event></message>", userNode)
		p.send("%s", event(userNode, [2]string{"8", "<x/><n:notification xmlns:n='urn:y'><![CDATA[" + readyUpdate("cdata") + "]]></n:notification>"}))
		p.send("%s", event(userNode, [2]string{"9", ready("end")}))
		p.answerPings()
	})
	o := f.quick()
	o.Logger = zap.New(core)
	d := newDialer(t, o)
	s := dial(t, d)
	var got []string
	for {
		u := next(t, s)
		got = append(got, string(u.RequestID))
		if u.RequestID == "end" {
			break
		}
	}
	require.Equal(t, []string{"one", "two", "same id of another node", "on", "without id", "without id too", "cdata", "end"}, got,
		"every item of an event; a repeated one, those of others and those that cannot be read are dropped")
	require.Equal(t, 3.0, testutil.ToFloat64(d.metrics.malformed))
	require.Equal(t, 1.0, testutil.ToFloat64(d.metrics.duplicates))
	require.Eventually(t, func() bool { return testutil.ToFloat64(d.metrics.updates) == 8 }, patience, time.Millisecond)
	require.Len(t, logs.All(), 1, "the first of a stream is logged")
	require.NotContains(t, fmt.Sprint(logs.All()[0].ContextMap()), "secret")
}

func TestOnlyNewsOfTheServiceItselfIsPassedOn(t *testing.T) {
	const (
		stranger = "from='1002@finesse.test/x'"
		service  = "from='pubsub.finesse.test'"
	)
	update := func(attributes, id, behind string) string {
		return "<message " + attributes + "><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='" + userNode + "'><item id='" + id + "'>" +
			ready(id) + "</item></items></event>" + behind + "</message>"
	}
	for _, c := range []struct {
		name, pubsub, message string
		foreign, delayed      float64
		passed                bool
	}{
		{"of the service", "", update(service, "1", ""), 0, 0, true},
		{"in other letters", "", update("from='PubSub.Finesse.TEST'", "1", ""), 0, 0, true},
		{"of the service the node announced", "events.corp", update("from='events.corp'", "1", ""), 0, 0, true},
		{"of the service the node did not announce", "events.corp", update(service, "1", ""), 1, 0, false},
		{"of another user", "", update(stranger, "1", ""), 1, 0, false},
		{"of a user of the service's domain", "", update("from='x@pubsub.finesse.test'", "1", ""), 1, 0, false},
		{"of the server, which leaves itself out", "", update("", "1", ""), 1, 0, false},
		{"kept for later", "", update(service, "1", "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>"), 0, 1, false},
		{"kept for later by an old server", "", update(service, "1", "<x xmlns='jabber:x:delay' stamp='20260101T00:00:00'/>"), 0, 1, false},
		{"what came back as an error", "", update(service+" type='error'", "1", ""), 0, 0, false},
		{"that an item is gone, all are, the node is another", "", "<message " + service + "><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='" + userNode + "'><retract id='q1'/></items></event></message>" +
			"<message " + service + "><event xmlns='http://jabber.org/protocol/pubsub#event'><purge node='" + userNode + "'/></event></message>" +
			"<message " + service + "><event xmlns='http://jabber.org/protocol/pubsub#event'><configuration node='" + userNode + "'/></event></message>", 0, 0, false},
		{"with a text for people", "", update(service, "1", "<body>notification</body>"), 0, 0, true},
		{"with headers", "", update(service+" type='headline'", "1", "<headers xmlns='http://jabber.org/protocol/shim'/>"), 0, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := account("secret")
			a.PubSub = c.pubsub
			f := startFake(t, func(p *peer) {
				if p.up() {
					p.send("%s%s", c.message, c.message)
					p.send("%s", strings.Replace(update(service, "last", ""), "pubsub.finesse.test", a.pubsub(), 1))
					p.answerPings()
				}
			})
			o, logs := f.observed(zap.WarnLevel)
			d := newDialer(t, o)
			s, err := d.Dial(t.Context(), a)
			require.NoError(t, err)
			defer func() { s.Close(); drain(t, s) }()
			if c.passed {
				require.EqualValues(t, "1", next(t, s).RequestID)
			}
			require.EqualValues(t, "last", next(t, s).RequestID)
			require.Equal(t, 2*c.foreign, testutil.ToFloat64(d.metrics.foreign))
			require.Equal(t, 2*c.delayed, testutil.ToFloat64(d.metrics.delayed))
			require.Len(t, logs.All(), int(c.foreign), "once for a stream")
		})
	}
}

func TestTheMemoryOfItemsIsBounded(t *testing.T) {
	var r recentItems
	for i := range 100 {
		require.False(t, r.add("n", fmt.Sprint(i)))
	}
	require.Len(t, r.ring, itemsRemembered)
	require.True(t, r.add("n", "99"))
	require.True(t, r.add("n", fmt.Sprint(100-itemsRemembered)), "the oldest remembered")
	require.False(t, r.add("n", fmt.Sprint(99-itemsRemembered)), "the first forgotten")
}

func TestAConsumerThatPausesMissesNothingAndIsNoSilence(t *testing.T) {
	const n = 200
	sent := make(chan struct{})
	f := startFake(t, func(p *peer) {
		if !p.up() {
			return
		}
		for i := range n {
			p.send("%s", event(userNode, [2]string{fmt.Sprint(i), ready(fmt.Sprint(i))}))
		}
		close(sent)
		p.answerPings()
	})
	o := f.quick()
	s := dial(t, newDialer(t, o))
	<-sent
	<-time.After(2 * o.DeadAfter) // the pause is what is tested
	for i := range n {
		require.EqualValues(t, fmt.Sprint(i), next(t, s).RequestID)
	}
	require.Nil(t, s.Err())
}

func TestCloseEndsEverythingSoonWhateverTheServerDoes(t *testing.T) {
	for _, c := range []struct {
		name   string
		script func(*peer)
	}{
		{"server that answers", (*peer).answerPings},
		{"server that floods while nobody takes", func(p *peer) {
			go p.wait()
			for i := 0; ; i++ {
				if _, err := p.Write([]byte(event(userNode, [2]string{fmt.Sprint(i), ready("x")}))); err != nil {
					return
				}
			}
		}},
		{"server that has stopped reading", func(p *peer) {
			for range 1 << 16 { // the client's answers fill the connection
				if _, err := p.Write([]byte("<iq type='get' id='" + strings.Repeat("i", 4000) + "'><query xmlns='x'/></iq>")); err != nil {
					return
				}
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := startTLSFake(t, func(p *peer) {
				if p.up() {
					c.script(p)
				}
			})
			o := f.quick()
			o.DeadAfter = time.Minute
			d := newDialer(t, o)
			s := dial(t, d)
			<-time.After(300 * time.Millisecond) // let it fill
			start := time.Now()
			s.Close()
			s.Close()
			require.Less(t, time.Since(start), 100*time.Millisecond, "Close does not wait")
			drain(t, s)
			require.NoError(t, s.Err())
			require.Less(t, time.Since(start), goodbyeTime+2*time.Second)
			require.Equal(t, 1.0, testutil.ToFloat64(d.metrics.lost[lossClosed]))
		})
	}
}

func TestTheServerIsToldOfAClose(t *testing.T) {
	end := make(chan error, 1)
	f := startFake(t, func(p *peer) {
		if p.up() {
			for {
				if _, err := p.in.Token(); err != nil {
					end <- err
					return
				}
			}
		}
	})
	o := f.quick()
	o.PingInterval, o.DeadAfter = time.Second, time.Minute
	s := dial(t, newDialer(t, o))
	s.Close()
	require.EqualError(t, <-end, "EOF", "the stream was ended, not cut")
}

// descriptors are the open files of the process.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(entries)
}

// settle polls in the goroutine of the test, which counts goroutines.
func settle(t *testing.T, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); !condition(); {
		select {
		case <-tick.C:
		case <-limit:
			require.Fail(t, "it does not settle", "%d goroutines, %d descriptors", runtime.NumGoroutine(), descriptors(t))
		}
	}
}

func TestNothingStaysBehind(t *testing.T) {
	for _, c := range []struct {
		name    string
		script  func(*peer)
		refused string // the error of Dial
		patient time.Duration
	}{
		{"50 streams cut inside a stanza", func(p *peer) {
			if p.up() {
				p.send("<message from='pubsub'><event xm")
			}
		}, "", 0},
		{"50 streams with garbage from a server that stays", func(p *peer) {
			if p.up() {
				p.send("<message>&nbsp;</message>")
				p.wait()
			}
		}, "", 0},
		{"50 servers that fall silent", func(p *peer) {
			if p.up() {
				p.wait()
			}
		}, "", 0},
		{"50 wrong passwords at a server that stays", func(p *peer) {
			p.authenticate("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>")
			p.wait()
		}, "not-authorized", 0},
		{"50 attempts at a server that accepts and says nothing", (*peer).wait, "in time", 20 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := startTLSFake(t, c.script)
			o := f.quick()
			o.DeadAfter, o.ConnectTimeout = 2*time.Second, cmp.Or(c.patient, o.ConnectTimeout)
			d := newDialer(t, o)
			s, err := d.Dial(t.Context(), account("secret")) // what the first one leaves, the runtime keeps
			if err == nil {
				requireLost(t, s)
			}
			settle(t, f.idle)
			goroutines, files := runtime.NumGoroutine(), descriptors(t)
			for range 50 {
				s, err := d.Dial(t.Context(), account("secret"))
				if c.refused != "" {
					require.ErrorContains(t, err, c.refused)
					continue
				}
				require.NoError(t, err)
				defer requireLost(t, s)
			}
			t.Cleanup(func() {
				settle(t, func() bool { return runtime.NumGoroutine() <= goroutines && descriptors(t) <= files })
			})
		})
	}
}
