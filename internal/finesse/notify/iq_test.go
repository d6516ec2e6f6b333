package notify

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func TestAnswersFindWhoAskedWhileUpdatesCome(t *testing.T) {
	const teams = 20
	f := startFake(t, func(p *peer) {
		if !p.up() {
			return
		}
		n := 0
		p.pubsub(func(e element, a asked) string {
			n++
			noise := event(userNode, [2]string{fmt.Sprint(n), ready(fmt.Sprint(n))}) +
				"<iq type='result' id='fc-ask-999999'/><iq type='error' id='fc-ask-'/><iq type='result' id='" + e.ID + "9'/>" +
				"<iq type='error' id='" + e.ID + "' from='1002@finesse.test/x'><error><forbidden xmlns='" + condition + "'/></error></iq>"
			if a.kind == "subscribe" && strings.Contains(a.node, "/13/") {
				return noise + refused(e, "<error type='auth'><forbidden xmlns='"+condition+"'/></error>") + noise
			}
			return noise + agreeable(e, a) + agreeable(e, a) + event(a.node, [2]string{"t" + e.ID, notification(memberUpdate(a.node))})
		})
	})
	s := dial(t, newDialer(t, f.quick()))
	seen := make(chan int)
	go func() {
		n := 0
		for u := range s.Updates() {
			if u.Team != "" && string(u.RequestID) == teamNode(u.Team) {
				n++
			}
		}
		seen <- n
	}()
	var calls sync.WaitGroup
	errs := make([]error, teams)
	for i := range teams {
		calls.Go(func() { errs[i] = s.SubscribeTeam(t.Context(), gc.TeamID(fmt.Sprint(i))) })
	}
	calls.Wait()
	for i, err := range errs {
		if i == 13 {
			require.ErrorContains(t, err, "forbidden")
			continue
		}
		require.NoError(t, err)
	}
	require.Len(t, s.explicit, teams-1)
	require.Empty(t, s.questions.open, "nothing is kept any more")
	s.Close()
	require.GreaterOrEqual(t, <-seen, teams-2, "the last may come behind Close")
}

func TestAnAnswerComesBehindWhatTheServerSentBefore(t *testing.T) {
	f := startFake(t, func(p *peer) {
		if !p.up() {
			return
		}
		for i := range 2 * updatesAhead {
			p.send("%s", event(userNode, [2]string{fmt.Sprint(i), ready(fmt.Sprint(i))}))
		}
		p.pubsub(agreeable)
	})
	o := f.quick()
	o.DeadAfter = time.Minute
	s := dial(t, newDialer(t, o))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.SubscribeTeam(ctx, "34"), context.DeadlineExceeded, "nobody takes the updates")
	go func() {
		for range s.Updates() {
		}
	}()
	require.NoError(t, s.SubscribeTeam(t.Context(), "34"))
}

func TestTheReasonOfAnError(t *testing.T) {
	for _, c := range []struct{ name, content, want string }{
		{"alone", "<error type='auth'><forbidden xmlns='" + condition + "'/></error>", "forbidden"},
		{"behind what was asked", "<pubsub xmlns='" + pubsubNS + "'><subscribe node='n' jid='j'/></pubsub><error><forbidden xmlns='" + condition + "'/></error>", "forbidden"},
		{"behind a text", "<error><text xmlns='" + condition + "'>x</text><forbidden xmlns='" + condition + "'/></error>", "forbidden"},
		{"behind one of pubsub's", "<error><invalid-jid xmlns='" + pubsubNS + "#errors'/><bad-request xmlns='" + condition + "'/></error>", "bad-request"},
		{"with a prefix", "<error><e:forbidden xmlns:e='" + condition + "'/></error>", "forbidden"},
		{"of which only the text is there", "<error><text xmlns='" + condition + "'>x</text></error>", ""},
		{"elsewhere", "<forbidden xmlns='" + condition + "'/>", ""},
		{"none", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var q iq
			require.NoError(t, stanzaOf("<iq type='error' id='fc-ask-1'>"+c.content+"</iq>", &q))
			require.True(t, q.refused())
			require.Equal(t, c.want, q.condition())
		})
	}
}

func FuzzReply(f *testing.F) {
	f.Add("<iq type='result'><pubsub xmlns='" + pubsubNS + "'><subscriptions><subscription node='n' jid='j' subid='s' subscription='subscribed'/></subscriptions></pubsub></iq>")
	f.Add("<iq><pubsub><subscription node='n' jid='j'/></pubsub></iq>")
	f.Add("<iq id='fc-ask-1' type='error'><error><forbidden xmlns='" + condition + "'/></error></iq>")
	f.Add("<XMLElement></XMLElement>")
	f.Fuzz(func(t *testing.T, raw string) {
		var q iq
		if stanzaOf(raw, &q) == nil {
			require.NotEqual(t, "text", q.condition())
			require.Equal(t, q.Type != "result", q.refused())
		}
	})
}
