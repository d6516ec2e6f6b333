package directory

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
		d := New(1)
		d.Hello("/topic/silent", false, wire.JSON, noon)
		d.Hello("/topic/beats", true, "", noon)
		d.settle("/topic/works", wire.JSON)
		d.Hello("/topic/beats", true, "", noon.Add(59*time.Minute))
		require.Len(t, d.Greeted(noon.Add(59*time.Minute)), 3)
		later := noon.Add(time.Hour)
		require.ElementsMatch(t, []gc.Destination{"/topic/beats", "/topic/works"}, d.Greeted(later))
		require.Empty(t, d.Format("/topic/silent"))
		d.leave("/topic/works", later)
		require.True(t, d.Knows("/topic/works", later.Add(59*time.Minute)))
		require.False(t, d.Knows("/topic/works", later.Add(time.Hour)))
	})
	t.Run("not while another agent works there", func(t *testing.T) {
		d := New(1)
		d.settle("/topic/desk", "")
		d.settle("/topic/desk", "")
		d.leave("/topic/desk", noon)
		require.Len(t, d.Greeted(noon.Add(24*time.Hour)), 1)
	})
	t.Run("the most silent ones first when there are too many, and never where an agent works", func(t *testing.T) {
		d := New(1)
		d.settle("/topic/works", "")
		d.Hello("/topic/silent", false, "", noon)
		d.Hello("/topic/beats", true, "", noon)
		now := noon
		for i := range 2 * maxIdle {
			now = now.Add(time.Second / arrivalsRate)
			d.Hello(topic(i), false, "", now)
			if i%1000 == 0 {
				d.Hello("/topic/beats", true, "", now)
			}
		}
		require.False(t, d.Knows("/topic/silent", now))
		require.True(t, d.Knows("/topic/beats", now))
		require.True(t, d.Knows("/topic/works", now))
		require.LessOrEqual(t, d.Counts().Destinations, maxIdle+1)
	})
	t.Run("a burst of new ones pushes nobody out", func(t *testing.T) {
		d := New(1)
		d.Hello("/topic/silent", false, "", noon)
		taken := 0
		for i := range 5 * arrivalsBurst {
			if _, ok := d.Hello(topic(i), false, "", noon); ok {
				taken++
			}
		}
		require.Equal(t, arrivalsBurst-1, taken)
		require.True(t, d.Knows("/topic/silent", noon))
		_, ok := d.Hello("/topic/late", false, "", noon.Add(time.Second))
		require.True(t, ok, "there is room again")
	})
	t.Run("a reply-to takes room, and is told nothing unasked", func(t *testing.T) {
		d := New(1)
		require.True(t, d.Admit("/topic/reply", noon))
		require.True(t, d.Admit("/remote-temp-queue/ID:1", noon))
		require.Equal(t, 1, d.Counts().Destinations)
		require.Empty(t, d.Greeted(noon))
		ask, _ := d.Hello("/topic/reply", true, "", noon)
		require.True(t, ask)
	})
}

// Who makes any number of temporary destinations takes no memory.
func TestTemporaryDestinationsAreForgotten(t *testing.T) {
	d := New(1)
	for i := range 3 * maxTemporaries {
		answered, ok := d.Try(topic(i), noon)
		require.True(t, ok)
		answered(true)
		again, ok := d.Try("in use", noon)
		require.True(t, ok)
		again(true)
	}
	require.Len(t, d.temporaries.exist, maxTemporaries)
	require.Equal(t, maxTemporaries, d.temporaries.order.Len())
	require.Contains(t, d.temporaries.exist, gc.Destination("in use"))
}
