package replay

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func TestASessionWaitsUntilItDidInTheCapture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := func(begun, end time.Duration) *capture.Record {
			return &capture.Record{Time: time.Now().Add(begun), Edge: capture.Notify, Type: capture.Waits, Agent: "1", Body: (end - begun).String()}
		}
		later := list{{Record: at(10*time.Millisecond, 247*time.Millisecond)}, {Record: at(-time.Hour, -time.Hour+time.Second)}}
		a := newAhead(&later)
		require.Equal(t, 247*time.Millisecond, a.wait("1"))
		require.Equal(t, time.Second, a.wait("1"), "at least as long")
		require.Zero(t, a.wait("1"), "the capture has no other")
	})
}

func TestNodesThatFailAtOnceAreSeenAtOnce(t *testing.T) {
	start := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	at := func(ms int, typ, node string) *capture.Record {
		return &capture.Record{Time: start.Add(time.Duration(ms) * time.Millisecond), Edge: capture.REST, Dir: capture.In, Type: typ, Node: node}
	}
	first := at(0, capture.Unusable, "a")
	for rule, k := range map[string]struct {
		later []*capture.Record
		want  int
	}{
		"one after the other":                    {[]*capture.Record{at(1, capture.Silent, "b")}, 2},
		"though a session asked how one is":      {[]*capture.Record{at(1, capture.Verified, "a"), at(2, capture.Unusable, "b")}, 2},
		"not when a session did something":       {[]*capture.Record{at(1, "GET /User/1", "b"), at(2, capture.Unusable, "b")}, 1},
		"not when it took time":                  {[]*capture.Record{at(101, capture.Unusable, "b")}, 1},
		"nothing else became known":              {nil, 1},
		"a third, and what comes later does not": {[]*capture.Record{at(1, capture.Unusable, "b"), at(2, capture.Unusable, "c"), at(200, capture.Usable, "a")}, 3},
	} {
		var later list
		for _, x := range k.later {
			later = append(later, capture.Item{Record: x})
		}
		a := newAhead(&later)
		require.Len(t, a.moment(first, func(gc.AgentID, string) bool { return false }), k.want, rule)
		for _, x := range k.later {
			i, err := a.Next()
			require.NoError(t, err)
			require.Same(t, x, i.Record, "%s: nothing is consumed", rule)
		}
	}
}

func TestWhoWentToANodeHadNotSeenThatItFailed(t *testing.T) {
	start := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	at := func(ms int, typ, node string) *capture.Record {
		return &capture.Record{Time: start.Add(time.Duration(ms) * time.Millisecond), Type: typ, Node: node, Agent: "1"}
	}
	failed, verified, waits, refused := at(2, capture.Unusable, "b"), at(3, capture.Verified, "a"), at(4, capture.Waits, ""), at(5, capture.Refused, "b")
	late, usable := at(103, capture.Refused, "b"), at(4, capture.Usable, "b")
	back := at(2, capture.Usable, "b")
	for rule, k := range map[string]struct {
		later, want []*capture.Record
		asks        bool
		atOnce      int
	}{
		"its state comes before what became of that": {
			later: []*capture.Record{failed, verified, waits, refused},
			want:  []*capture.Record{verified, waits, failed, refused}, atOnce: 1},
		"one that was on its way already had":      {later: []*capture.Record{failed, verified, waits, refused}, asks: true, atOnce: 2},
		"one that went there in another moment":    {later: []*capture.Record{failed, verified, waits, late}, atOnce: 2},
		"one that went to a node that works had":   {later: []*capture.Record{back, verified, waits, refused}, atOnce: 2},
		"one that went there when it was back did": {later: []*capture.Record{failed, usable, refused}, atOnce: 3},
	} {
		var later list
		for _, x := range k.later {
			later = append(later, capture.Item{Record: x})
		}
		a := newAhead(&later)
		require.Len(t, a.moment(at(0, capture.Unusable, "a"), func(gc.AgentID, string) bool { return k.asks }), k.atOnce, rule)
		if k.want == nil {
			k.want = k.later
		}
		for _, x := range k.want {
			i, err := a.Next()
			require.NoError(t, err)
			require.Same(t, x, i.Record, rule)
		}
	}
}
