package notify

import (
	"context"
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

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func TestDialGivesUpOnAServerThatAcceptsAndSaysNothing(t *testing.T) {
	f := startFake(t, (*peer).wait)
	o := f.quick()
	o.ConnectTimeout, o.MaxAbandoned = 50*time.Millisecond, 2
	d := newDialer(t, o)

	for range 2 {
		_, err := d.Dial(t.Context(), account("secret"))
		require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
	require.Equal(t, 2.0, testutil.ToFloat64(d.metrics.abandoned))

	start := time.Now()
	_, err := d.Dial(t.Context(), account("secret"))
	require.ErrorContains(t, err, "2 attempts hang", "no third goroutine is risked")
	require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
	require.Less(t, time.Since(start), o.ConnectTimeout)
	require.Equal(t, 1.0, testutil.ToFloat64(d.metrics.dials[dialOverloaded]))

	f.hangUp()
	require.Eventually(t, func() bool { return d.abandoned.Load() == 0 }, patience, time.Millisecond,
		"attempts end when the server closes, and dialling is allowed again")
}

func TestAnAbandonedAttemptEndsWhenTheServerSpeaksAtLast(t *testing.T) {
	speak := make(chan struct{})
	f := startFake(t, func(p *peer) {
		<-speak
		p.accept()
	})
	o := f.quick()
	o.ConnectTimeout = 20 * time.Millisecond
	d := newDialer(t, o)
	_, err := d.Dial(t.Context(), account("secret"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	close(speak)
	settle(t, func() bool {
		runtime.GC() // closes the connection, which the library keeps
		return d.abandoned.Load() == 0 && f.idle()
	})
}

func TestDialWaitsForThePresenceToBeTaken(t *testing.T) {
	f := startFake(t, func(p *peer) {
		p.accept()
		p.wait() // no answer to the first ping
	})
	o := f.quick()
	o.ConnectTimeout, o.DeadAfter = 100*time.Millisecond, time.Minute
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
		{"account disabled", failure("<account-disabled/>"), gc.SubscriptionFailed},
		{"the server can not check passwords just now", failure("<temporary-auth-failure/>"), gc.UnableToSubscribe},
		{"the same, with a text", failure("<temporary-auth-failure/><text>Sorry.</text>"), gc.UnableToSubscribe},
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
		})
	}
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
	runtime.GC() // the library leaves the connection to the collector
	require.Empty(t, <-got)
}

func TestACertificateNobodyVouchesForIsExplained(t *testing.T) {
	f := startTLSFake(t, (*peer).answerPings)
	o := f.quick()
	o.TLS = nil
	_, err := newDialer(t, o).Dial(t.Context(), account("secret"))
	require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
	require.ErrorContains(t, err, "add its CA to finesse.ca_file")
	require.ErrorContains(t, err, strings.TrimPrefix(f.url, "xmpps://"))
}

func TestAStreamIsLostWithAReason(t *testing.T) {
	for _, c := range []struct {
		name   string
		script func(*peer)
		want   string
		reason loss
	}{
		{"server falls silent", (*peer).wait, "no sign of life for 500ms", lossSilent},
		{"server ends the stream but leaves the connection open", func(p *peer) {
			p.send("</stream:stream>")
			p.wait()
		}, "no sign of life", lossSilent},
		{"connection is cut between stanzas", func(*peer) {}, "EOF", lossBroken},
		{"connection is cut inside a stanza", func(p *peer) { p.send("<message from='a'><event xml") }, "EOF", lossBroken},
		{"garbage", func(p *peer) { p.send("<message>&nbsp;</message>"); p.wait() }, "entity", lossBroken},
		{"bytes that are no UTF-8", func(p *peer) { p.send("<message>\xff\xfe</message>"); p.wait() }, "UTF-8", lossBroken},
		{"stream error", func(p *peer) {
			p.send("<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Replaced</text></stream:error>")
			p.wait()
		}, "Replaced", lossBroken},
		{"stanza without end", func(p *peer) {
			p.send("<message><body>")
			for chunk := strings.Repeat("x", 1<<16); ; {
				if _, err := p.Write([]byte(chunk)); err != nil {
					return
				}
			}
		}, "1 MiB", lossOversized},
	} {
		t.Run(c.name, func(t *testing.T) {
			for kind, start := range map[string]func(*testing.T, func(*peer)) *fake{"clear": startFake, "tls": startTLSFake} {
				f := start(t, func(p *peer) {
					if p.up() {
						p.send("%s", event(userNode, [2]string{"1", ready("a")}))
						c.script(p)
					}
				})
				d := newDialer(t, f.quick())
				s := dial(t, d)
				require.EqualValues(t, "a", next(t, s).RequestID, "what came before the end is delivered")
				require.ErrorContains(t, requireLost(t, s), c.want, kind)
				require.Equal(t, 1.0, testutil.ToFloat64(d.metrics.lost[c.reason]))
				require.Zero(t, testutil.ToFloat64(d.metrics.streams))
			}
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
	require.GreaterOrEqual(t, testutil.ToFloat64(d.metrics.unknown), 2.0)
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
		"every item of an event; a repeated one, those of others and those that can not be read are dropped")
	require.Equal(t, 3.0, testutil.ToFloat64(d.metrics.malformed))
	require.Equal(t, 1.0, testutil.ToFloat64(d.metrics.duplicates))
	require.Eventually(t, func() bool { return testutil.ToFloat64(d.metrics.updates) == 8 }, patience, time.Millisecond)
	require.Len(t, logs.All(), 1, "the first of a stream is logged")
	require.NotContains(t, fmt.Sprint(logs.All()[0].ContextMap()), "secret")
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
		name   string
		script func(*peer)
		dials  bool
	}{
		{"50 streams cut inside a stanza", func(p *peer) {
			if p.up() {
				p.send("<message from='pubsub'><event xm")
			}
		}, true},
		{"50 streams with garbage from a server that stays", func(p *peer) {
			if p.up() {
				p.send("<message>&nbsp;</message>")
				p.wait()
			}
		}, true},
		{"50 servers that fall silent", func(p *peer) {
			if p.up() {
				p.wait()
			}
		}, true},
		{"50 wrong passwords at a server that stays", func(p *peer) {
			p.authenticate("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>")
			p.wait()
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := startTLSFake(t, c.script)
			o := f.quick()
			o.DeadAfter = 2 * time.Second
			d := newDialer(t, o)
			s, err := d.Dial(t.Context(), account("secret")) // what the first one leaves, the runtime keeps
			if err == nil {
				requireLost(t, s)
			}
			settle(t, func() bool { runtime.GC(); return f.idle() })
			goroutines, files := runtime.NumGoroutine(), descriptors(t)
			for range 50 {
				s, err := d.Dial(t.Context(), account("secret"))
				if !c.dials {
					require.Equal(t, gc.SubscriptionFailed, gc.CodeOf(err))
					continue
				}
				require.NoError(t, err)
				defer requireLost(t, s)
			}
			t.Cleanup(func() {
				settle(t, func() bool {
					if !c.dials {
						runtime.GC() // what the package does at refusalsPerCollection
					}
					return runtime.NumGoroutine() <= goroutines && descriptors(t) <= files
				})
			})
		})
	}
}

func TestRefusedAttemptsCallTheCollectorBeforeDescriptorsRunOut(t *testing.T) {
	f := startFake(t, func(p *peer) {
		p.authenticate("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>")
		p.wait()
	})
	d := newDialer(t, f.quick())
	files := descriptors(t)
	for range refusalsPerCollection {
		_, err := d.Dial(t.Context(), account("secret"))
		require.Error(t, err)
	}
	require.Eventually(t, func() bool { return descriptors(t) < files+refusalsPerCollection/2 }, patience, 10*time.Millisecond)
}

func TestFiftySilentAttemptsEndWithTheirServer(t *testing.T) {
	f := startTLSFake(t, (*peer).wait)
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	o := f.quick()
	o.ConnectTimeout, o.MaxAbandoned = 10*time.Millisecond, 50
	d := newDialer(t, o)
	for range 50 {
		_, err := d.Dial(t.Context(), account("secret"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
	require.EqualValues(t, 50, d.abandoned.Load(), "while the server holds them they stay")
	f.stop()
	settle(t, func() bool {
		runtime.GC()
		return d.abandoned.Load() == 0 && runtime.NumGoroutine() <= goroutines && descriptors(t) <= files
	})
}
