package backoff_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/backoff"
)

func TestBackoffIsRandomAndBounded(t *testing.T) {
	for attempt, limit := range map[int]time.Duration{0: time.Second / 2, 1: time.Second, 5: 16 * time.Second, 6: 30 * time.Second, 1000: 30 * time.Second} {
		seen := make(map[time.Duration]bool)
		for range 100 {
			d := backoff.FullJitter(attempt)
			require.GreaterOrEqual(t, d, time.Duration(0))
			require.Less(t, d, limit)
			seen[d] = true
		}
		require.Greater(t, len(seen), 50)
	}
}
