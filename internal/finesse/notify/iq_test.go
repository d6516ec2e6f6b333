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
				"<iq type='result' id='fc-ask-999999'/><iq type='error' id='fc-ask-'/><iq type='result' id='" + e.ID + "9'/>"
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
	require.Eventually(t, func() bool { return !s.tap.keep.Load() }, patience, time.Millisecond, "nothing is kept any more")
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
	const forbidden = "<error type='auth'><forbidden xmlns='" + condition + "'/></error></iq>"
	const missing = "<error type='cancel'><item-not-found xmlns='" + condition + "'/></error></iq>"
	for _, c := range []struct{ name, recent, want string }{
		{"the id in front", "<iq id='fc-ask-1' type='error'>" + forbidden, "forbidden"},
		{"the id behind", `<iq type="error" to="a" id="fc-ask-1">` + forbidden, "forbidden"},
		{"of the right answer", "<iq id='fc-ask-2'>" + missing + "<iq id='fc-ask-1'>" + forbidden + "<iq id='fc-ask-12'>" + missing, "forbidden"},
		{"not of a later one", "<iq id='fc-ask-1'><error/></iq><iq id='fc-ask-2'>" + missing, ""},
		{"behind half an old stanza", "r/></iq><iq id='fc-ask-1'>" + forbidden, "forbidden"},
		{"of which the id is cut", "ask-1'>" + forbidden, ""},
		{"that is cut", "<iq id='fc-ask-1'><error type='auth'><forb", ""},
		{"of which only the text is there", "<iq id='fc-ask-1'><error><text xmlns='" + condition + "'>x</text></error></iq>", ""},
		{"nothing received", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, conditionOf([]byte(c.recent), "fc-ask-1")) })
	}
}

func TestWhatIsKeptOfWhatIsReceivedIsBounded(t *testing.T) {
	f := startFake(t, func(p *peer) {
		if p.up() {
			p.answerPings()
		}
	})
	s := dial(t, newDialer(t, f.quick()))
	kept := &tap{conn: s.conn, deadAfter: time.Minute}
	receive := func(data string) {
		kept.received = 0
		_, err := kept.Write([]byte("RECV: " + data + "\n"))
		require.NoError(t, err)
	}
	receive("nobody asks")
	require.Empty(t, kept.recent)
	kept.keep.Store(true)
	receive("<iq id=")
	receive("'1'/>")
	require.Equal(t, "<iq id='1'/>", string(kept.recent), "the library's line feeds are not part of it")
	for range 100 {
		receive(strings.Repeat("x", 1000))
	}
	require.Len(t, kept.recent, recentBytes)
	require.Less(t, cap(kept.recent), 4*recentBytes)
	kept.keep.Store(false)
	receive("answered")
	require.Nil(t, kept.recent)
}

func FuzzReply(f *testing.F) {
	f.Add([]byte("<pubsub xmlns='" + pubsubNS + "'><subscriptions><subscription node='n' jid='j' subid='s' subscription='subscribed'/></subscriptions></pubsub>"))
	f.Add([]byte("<pubsub><subscription node='n' jid='j'/></pubsub>"))
	f.Add([]byte("<iq id='fc-ask-1'><error><forbidden xmlns='" + condition + "'/></error></iq>"))
	f.Add([]byte("<XMLElement></XMLElement>"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := reply{content: raw}
		_, _ = r.subscriptions(), r.subscription()
		require.Regexp(t, "^[a-z-]{0,40}$", conditionOf(raw, "fc-ask-1"))
	})
}
