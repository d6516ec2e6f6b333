package replay

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/capture"
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
		require.Len(t, a.moment(first), k.want, rule)
		for _, x := range k.later {
			i, err := a.Next()
			require.NoError(t, err)
			require.Same(t, x, i.Record, "%s: nothing is consumed", rule)
		}
	}
}
