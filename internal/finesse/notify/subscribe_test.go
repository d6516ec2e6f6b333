package notify

import (
	"context"
	"encoding/xml"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// asked is what a pubsub service is asked for.
type asked struct{ kind, node, jid, subid string }

func (e element) asked() asked {
	var question struct {
		Content struct {
			XMLName xml.Name
			subscriptionElement
		} `xml:",any"`
	}
	_ = xml.Unmarshal([]byte(e.Inner), &question)
	c := question.Content
	return asked{c.XMLName.Local, c.Node, c.JID, c.SubID}
}

const (
	condition = "urn:ietf:params:xml:ns:xmpp-stanzas"
	pubsubNS  = "http://jabber.org/protocol/pubsub"
)

// pubsub answers pings and, as the function says, other requests until the
// client goes. An answer "" is none.
func (p *peer) pubsub(answer func(element, asked) string) {
	for {
		e, err := p.next()
		if err != nil {
			return
		}
		if e.To == domain || e.XMLName.Local != "iq" {
			p.send("<iq type='result' id='%s' from='%s'/>", e.ID, domain)
			continue
		}
		p.send("%s", answer(e, e.asked()))
	}
}

func result(e element, content string) string {
	return fmt.Sprintf("<iq type='result' id='%s' from='%s'>%s</iq>", e.ID, e.To, content)
}

func refused(e element, content string) string {
	return fmt.Sprintf("<iq type='error' id='%s' from='%s'>%s</iq>", e.ID, e.To, content)
}

// agreeable is a service that does what it is asked for.
func agreeable(e element, a asked) string {
	switch a.kind {
	case "subscriptions":
		return result(e, "<pubsub xmlns='"+pubsubNS+"'><subscriptions/></pubsub>")
	case "subscribe":
		return result(e, fmt.Sprintf("<pubsub xmlns='%s'><subscription node='%s' jid='%s' subid='s-%s' subscription='subscribed'/></pubsub>",
			pubsubNS, a.node, a.jid, a.node))
	}
	return result(e, "")
}

// startPubSub is a fake whose service records what it is asked for.
func startPubSub(t *testing.T, answer func(element, asked) string) (*fake, func() []asked) {
	var mu sync.Mutex
	var record []asked
	f := startFake(t, func(p *peer) {
		if p.up() {
			p.pubsub(func(e element, a asked) string {
				mu.Lock()
				record = append(record, a)
				mu.Unlock()
				return answer(e, a)
			})
		}
	})
	return f, func() []asked {
		mu.Lock()
		defer mu.Unlock()
		return append([]asked(nil), record...)
	}
}

func TestWhatIsSaidToTheService(t *testing.T) {
	f, said := startPubSub(t, func(e element, a asked) string {
		if a.kind != "subscriptions" {
			return agreeable(e, a)
		}
		return result(e, "<pubsub xmlns='"+pubsubNS+"'><subscriptions>"+
			"<subscription node='/finesse/api/Team/34/Users' jid='1001@finesse.test/fc-old' subid='o1' subscription='subscribed'/>"+
			"<subscription node='/finesse/api/Team/34/Users' jid='1001@finesse.test/fc-old' subid='o2' subscription='subscribed'/>"+
			"<subscription node='/finesse/api/Team/35/Users' jid='1001@finesse.test/fc-old' subid='o3' subscription='subscribed'/>"+
			"<subscription node='/finesse/api/Team/34/Users' jid='1002@finesse.test/fc-old' subid='o4' subscription='subscribed'/>"+
			"<subscription node='/finesse/api/Team/34/Users' jid='1001@finesse.test' subid='o5' subscription='subscribed'/>"+
			"</subscriptions></pubsub>")
	})
	s := dial(t, newDialer(t, f.quick()))
	for range 2 {
		require.NoError(t, s.SubscribeTeam(t.Context(), "34"))
	}
	s.Close()
	drain(t, s)
	const node = "/finesse/api/Team/34/Users"
	require.Equal(t, []asked{
		{kind: "subscriptions"},
		{"unsubscribe", node, "1001@finesse.test/fc-old", "o1"},
		{"unsubscribe", node, "1001@finesse.test/fc-old", "o2"},
		{"subscribe", node, s.jid, ""},
		{"unsubscribe", node, s.jid, "s-" + node},
	}, said(), "once, and a server that allows several subscriptions of an address is told which")
}

func TestARefusalSaysWhatCanBeDone(t *testing.T) {
	for _, c := range []struct{ name, answer, want string }{
		{"unknown team", "<error type='cancel'><item-not-found xmlns='" + condition + "'/></error>", "it knows no such team"},
		{"as Openfire writes it", `<pubsub xmlns="` + pubsubNS + `"><subscribe node="n" jid="j"/></pubsub><error code="403" type="auth"><forbidden xmlns="` +
			condition + `"/></error>`, "does not lead the team"},
		{"with a reason of pubsub's", "<error type='modify'><bad-request xmlns='" + condition + "'/><invalid-jid xmlns='" + pubsubNS + "#errors'/></error>", "34: bad-request"},
		{"with a text first", "<error type='auth'><text xmlns='" + condition + "'>No.</text><not-authorized xmlns='" + condition + "'/></error>", "not-authorized: "},
		{"no service", "<error type='cancel'><remote-server-not-found xmlns='" + condition + "'/></error>", "finesse.pubsub_domain"},
		{"without a reason", "<error type='cancel'/>", "without a reason"},
		{"written otherwise", "<error type='cancel'><e:forbidden xmlns:e='" + condition + "'/></error>", "does not lead the team"},
		{"empty", "", "without a reason"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, said := startPubSub(t, func(e element, a asked) string {
				if a.kind == "subscribe" {
					return refused(e, c.answer)
				}
				return agreeable(e, a)
			})
			s := dial(t, newDialer(t, f.quick()))
			err := s.SubscribeTeam(t.Context(), "34")
			require.Equal(t, gc.GeneralError, gc.CodeOf(err))
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, strings.TrimPrefix(f.url, "xmpp+plain://"))
			s.Close()
			drain(t, s)
			require.Len(t, said(), 2, "what was refused is not taken back")
		})
	}
}

func TestASubscriptionThatIsNoneYetIsARefusal(t *testing.T) {
	for _, state := range []string{"pending", "unconfigured", "none"} {
		f, _ := startPubSub(t, func(e element, a asked) string {
			if a.kind == "subscribe" {
				return result(e, "<pubsub xmlns='"+pubsubNS+"'><subscription node='n' jid='j' subscription='"+state+"'/></pubsub>")
			}
			return agreeable(e, a)
		})
		err := dial(t, newDialer(t, f.quick())).SubscribeTeam(t.Context(), "34")
		require.Equal(t, gc.GeneralError, gc.CodeOf(err))
		require.ErrorContains(t, err, "the subscription is "+state)
	}
}

func TestAServiceThatSaysNoMoreThanYes(t *testing.T) {
	f, _ := startPubSub(t, func(e element, _ asked) string { return result(e, "") })
	s := dial(t, newDialer(t, f.quick()))
	require.NoError(t, s.SubscribeTeam(t.Context(), "34"))
}

func TestWhatCanNotBeTakenBackIsNoReasonNotToSubscribe(t *testing.T) {
	const secretReason = "<error type='cancel'><feature-not-implemented xmlns='" + condition + "'/></error>"
	for _, c := range []struct{ name, refuses, log string }{
		{"the list is refused", "subscriptions", "the notification service does not list subscriptions, what a lost connection left stays"},
		{"taking back is refused", "unsubscribe", "a subscription that a lost connection left cannot be taken back, updates may come twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, said := startPubSub(t, func(e element, a asked) string {
				switch a.kind {
				case c.refuses:
					return refused(e, secretReason)
				case "subscriptions":
					left := "<subscription node='/finesse/api/Team/34/Users' jid='1001@finesse.test/fc-old'/>"
					return result(e, "<pubsub xmlns='"+pubsubNS+"'><subscriptions>"+strings.Repeat(left, 10*maxLeft)+"</subscriptions></pubsub>")
				}
				return agreeable(e, a)
			})
			o, logs := f.observed(zap.WarnLevel)
			s := dial(t, newDialer(t, o))
			require.NoError(t, s.SubscribeTeam(t.Context(), "34"))
			require.NoError(t, s.SubscribeTeam(t.Context(), "35"))
			require.LessOrEqual(t, len(said()), maxLeft+4, "no more is taken back at a time")
			require.Len(t, logs.All(), 1, "said once")
			require.Equal(t, c.log, logs.All()[0].Message)
			require.Equal(t, "feature-not-implemented", logs.All()[0].ContextMap()["reason"])
		})
	}
}

func TestAServiceThatDoesNotAnswer(t *testing.T) {
	for _, silent := range []string{"subscriptions", "subscribe"} {
		t.Run(silent, func(t *testing.T) {
			held := make(chan element, 1)
			var mute sync.Once
			f, said := startPubSub(t, func(e element, a asked) string {
				answer := agreeable(e, a)
				if a.kind == silent {
					mute.Do(func() { held <- e; answer = "" })
				}
				return answer
			})
			d := newDialer(t, f.quick())
			s := dial(t, d)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			err := s.SubscribeTeam(ctx, "34")
			require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.NotEmpty(t, held)
			require.Nil(t, s.Err(), "the stream is as it was")

			require.NoError(t, s.SubscribeTeam(t.Context(), "34"), "it may be tried again")
			s.Close()
			drain(t, s)
			require.Equal(t, "unsubscribe", said()[len(said())-1].kind)
		})
	}
}

func TestASubscriptionNobodyWaitedForIsTakenBackAllTheSame(t *testing.T) {
	f, said := startPubSub(t, func(e element, a asked) string {
		if a.kind == "subscribe" {
			return ""
		}
		return agreeable(e, a)
	})
	s := dial(t, newDialer(t, f.quick()))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.SubscribeTeam(ctx, "34"), context.DeadlineExceeded)
	s.Close()
	drain(t, s)
	require.Equal(t, asked{"unsubscribe", "/finesse/api/Team/34/Users", s.jid, ""}, said()[len(said())-1])
}

func TestWithoutADeadlineAnAnswerIsAwaitedAsLongAsAServerMayBeSilent(t *testing.T) {
	f, _ := startPubSub(t, func(element, asked) string { return "" })
	o := f.quick()
	s := dial(t, newDialer(t, o))
	start := time.Now()
	err := s.SubscribeTeam(t.Context(), "34")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(start), 4*o.DeadAfter)
	require.Nil(t, s.Err(), "the server answers pings")
}

func TestWhoWaitsForItsTurnEndsWithItsContext(t *testing.T) {
	f, _ := startPubSub(t, func(element, asked) string { return "" })
	s := dial(t, newDialer(t, f.quick()))
	s.turn <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.SubscribeTeam(ctx, "34")
	<-s.turn
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
}

func TestWhoWaitsForAnAnswerLearnsOfTheEnd(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(*fake, *Stream)
		want string
	}{
		{"the stream is lost", func(f *fake, _ *Stream) { f.hangUp() }, "34: notify.Stream"},
		{"the stream is closed", func(_ *fake, s *Stream) { s.Close() }, "the stream was closed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			waiting := make(chan struct{})
			var once sync.Once
			f, _ := startPubSub(t, func(element, asked) string {
				once.Do(func() { close(waiting) })
				return ""
			})
			o := f.quick()
			o.DeadAfter = time.Minute
			s := dial(t, newDialer(t, o))
			done := make(chan error)
			go func() { done <- s.SubscribeTeam(t.Context(), "34") }()
			<-waiting
			start := time.Now()
			c.end(f, s)
			err := <-done
			require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
			require.ErrorContains(t, err, c.want)
			drain(t, s)
			require.Less(t, time.Since(start), goodbyeTime+time.Second)

			err = s.SubscribeTeam(t.Context(), "35")
			require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err), "and so does who comes later")
			require.ErrorContains(t, err, strings.TrimPrefix(c.want, "34: "))
		})
	}
}

func TestCloseDoesNotWaitForAServiceThatDoesNotAnswer(t *testing.T) {
	for _, kind := range []string{"unsubscribe", "all"} {
		f, _ := startPubSub(t, func(e element, a asked) string {
			if a.kind == kind {
				return ""
			}
			return agreeable(e, a)
		})
		o := f.quick()
		o.DeadAfter = time.Minute
		s := dial(t, newDialer(t, o))
		require.NoError(t, s.SubscribeTeam(t.Context(), "34"))
		if kind == "all" {
			s.turn <- struct{}{} // as if somebody hung in a request
		}
		start := time.Now()
		s.Close()
		drain(t, s)
		require.NoError(t, s.Err())
		require.GreaterOrEqual(t, time.Since(start), goodbyeTime/2)
		require.Less(t, time.Since(start), goodbyeTime+500*time.Millisecond)
	}
}

func TestTheServerHearsTheEndBehindWhatIsTakenBack(t *testing.T) {
	heard := make(chan string, 8)
	f := startFake(t, func(p *peer) {
		defer close(heard)
		if !p.up() {
			return
		}
		p.pubsub(func(e element, a asked) string {
			if a.kind == "unsubscribe" {
				heard <- a.node
			}
			return agreeable(e, a)
		})
		token, err := p.in.Token()
		heard <- fmt.Sprint(token, err)
	})
	s := dial(t, newDialer(t, f.quick()))
	for _, id := range []gc.TeamID{"34", "35"} {
		require.NoError(t, s.SubscribeTeam(t.Context(), id))
	}
	s.Close()
	drain(t, s)
	require.ElementsMatch(t, []string{"/finesse/api/Team/34/Users", "/finesse/api/Team/35/Users"}, []string{<-heard, <-heard})
	require.Equal(t, "<nil> EOF", <-heard, "the stream was ended, not cut")
}
