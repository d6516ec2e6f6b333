package broker

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

// A refused password is tried again by one connection at a time, and slower
// each time, until it is accepted.
func TestARefusedPasswordIsTriedSlowerAndSlower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &logins{first: personPause}
		refusal := &ServerError{Login: true}
		now := func() {
			t.Helper()
			wait, why := l.turn()
			require.Zero(t, wait)
			require.NoError(t, why)
		}
		now()
		now() // before a refusal nobody waits
		for range 3 {
			l.refused(refusal)
		}
		for _, pause := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 5 * time.Minute, 5 * time.Minute} {
			for range 3 {
				wait, why := l.turn()
				require.Equal(t, pause, wait, "everybody waits")
				require.Equal(t, refusal, why)
			}
			<-time.After(pause)
			now() // one connection tries
			l.refused(refusal)
		}
		l.accepted()
		now()
		now()
		l.refused(refusal)
		wait, _ := l.turn()
		require.Equal(t, personPause, wait)
	})
}

// A connection that waits for its turn reports why, even if it has not tried
// itself.
func TestOneRefusedPasswordCountsForAllConnections(t *testing.T) {
	b := create(t, server{url: "tcp://" + servertest.FreeAddress(t)}.options())
	b.logins.refused(&ServerError{Login: true, Message: "who are you"})
	launch(t, b)
	require.Eventually(t, func() bool { return b.Status().Trouble == loginRefused }, patience, time.Millisecond)
	require.Contains(t, b.Status().LastError, "who are you")
}
