package broker

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A refused password is tried again by one connection at a time, and slower
// each time, until it is accepted.
func TestARefusedPasswordIsTriedSlowerAndSlower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &logins{first: personPause}
		require.Zero(t, l.turn())
		require.Zero(t, l.turn(), "before a refusal nobody waits")
		for range 3 {
			l.refused()
		}
		for _, pause := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 5 * time.Minute, 5 * time.Minute} {
			for range 3 {
				require.Equal(t, pause, l.turn(), "everybody waits")
			}
			<-time.After(pause)
			require.Zero(t, l.turn(), "one tries")
			l.refused()
		}
		l.accepted()
		require.Zero(t, l.turn())
		require.Zero(t, l.turn())
		l.refused()
		require.Equal(t, personPause, l.turn())
	})
}
