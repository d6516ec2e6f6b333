package rate_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/rate"
)

func TestALimitIsSpentAtOnceAndComesBackSlowly(t *testing.T) {
	now := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	l := rate.Limit{Most: 3, Rate: 2}
	l.Return()
	taken := func() (n int) {
		for l.Take(now) {
			n++
		}
		return n
	}
	require.Equal(t, 3, taken(), "it begins full, and is never fuller")
	require.False(t, l.Has(now))
	l.Return()
	require.True(t, l.Has(now))
	require.Equal(t, 1, taken())
	now = now.Add(time.Second)
	require.Equal(t, 2, taken())
	now = now.Add(time.Hour)
	require.Equal(t, 3, taken())
}
