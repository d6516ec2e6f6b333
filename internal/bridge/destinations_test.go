package bridge

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

var noon = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

func topic(i int) gc.Destination { return gc.Destination("/topic/" + strconv.Itoa(i)) }

func TestDestinationsAreForgotten(t *testing.T) {
	t.Run("an hour after they were last heard of, unless an agent works there", func(t *testing.T) {
		ds := newDestinations()
		ds.hello("/topic/silent", false, wire.JSON, noon)
		ds.hello("/topic/beats", true, "", noon)
		ds.settle("/topic/works", wire.JSON)
		ds.hello("/topic/beats", true, "", noon.Add(59*time.Minute))
		require.Len(t, ds.greeted(noon.Add(59*time.Minute)), 3)
		later := noon.Add(time.Hour)
		require.ElementsMatch(t, []gc.Destination{"/topic/beats", "/topic/works"}, ds.greeted(later))
		require.Empty(t, ds.format("/topic/silent"))
		ds.leave("/topic/works", later)
		require.True(t, ds.knows("/topic/works", later.Add(59*time.Minute)))
		require.False(t, ds.knows("/topic/works", later.Add(time.Hour)))
	})
	t.Run("not while another agent works there", func(t *testing.T) {
		ds := newDestinations()
		ds.settle("/topic/desk", "")
		ds.settle("/topic/desk", "")
		ds.leave("/topic/desk", noon)
		require.Len(t, ds.greeted(noon.Add(24*time.Hour)), 1)
	})
	t.Run("the most silent ones first when there are too many, and never where an agent works", func(t *testing.T) {
		ds := newDestinations()
		ds.settle("/topic/works", "")
		ds.hello("/topic/silent", false, "", noon)
		ds.hello("/topic/beats", true, "", noon)
		now := noon
		for i := range 2 * maxIdle {
			now = now.Add(time.Second / arrivalsRate)
			ds.hello(topic(i), false, "", now)
			if i%1000 == 0 {
				ds.hello("/topic/beats", true, "", now)
			}
		}
		require.False(t, ds.knows("/topic/silent", now))
		require.True(t, ds.knows("/topic/beats", now))
		require.True(t, ds.knows("/topic/works", now))
		require.LessOrEqual(t, len(ds.entries), maxIdle+1)
	})
	t.Run("a burst of new ones pushes nobody out", func(t *testing.T) {
		ds := newDestinations()
		ds.hello("/topic/silent", false, "", noon)
		taken := 0
		for i := range 5 * arrivalsBurst {
			if _, ok := ds.hello(topic(i), false, "", noon); ok {
				taken++
			}
		}
		require.Equal(t, arrivalsBurst-1, taken)
		require.True(t, ds.knows("/topic/silent", noon))
		_, ok := ds.hello("/topic/late", false, "", noon.Add(time.Second))
		require.True(t, ok, "there is room again")
	})
	t.Run("a reply-to takes room, and is told nothing unasked", func(t *testing.T) {
		ds := newDestinations()
		require.True(t, ds.admit("/topic/reply", noon))
		require.True(t, ds.admit("/remote-temp-queue/ID:1", noon))
		require.Len(t, ds.entries, 1)
		require.Empty(t, ds.greeted(noon))
		ask, _ := ds.hello("/topic/reply", true, "", noon)
		require.True(t, ask)
	})
}

// Who makes any number of temporary destinations takes no memory.
func TestTemporaryDestinationsAreForgotten(t *testing.T) {
	ts := newTemporaries()
	for i := range 3 * maxTemporaries {
		answered, ok := ts.admit(topic(i), noon)
		require.True(t, ok)
		answered(true)
		again, ok := ts.admit("in use", noon)
		require.True(t, ok)
		again(true)
	}
	require.Len(t, ts.exist, maxTemporaries)
	require.Equal(t, maxTemporaries, ts.order.Len())
	require.Contains(t, ts.exist, gc.Destination("in use"))
}
