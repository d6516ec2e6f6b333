package bridge

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// What is not done is never forgotten, or it would run twice.
func TestALedgerOfCommandsThatAreNotDoneTakesNoMore(t *testing.T) {
	l := newLedger(2)
	enter := func(identity uint64) (func(), error) {
		acknowledge, again, err := l.enter(&broker.Delivery{Identity: identity, Connection: 1}, func(gone func()) {})
		require.False(t, again)
		return acknowledge, err
	}
	settle, err := enter(1)
	require.NoError(t, err)
	_, err = enter(2)
	require.NoError(t, err)
	_, err = enter(3)
	require.Equal(t, gc.PleaseRetry, gc.CodeOf(err))
	settle()
	_, err = enter(4)
	require.NoError(t, err)
}
