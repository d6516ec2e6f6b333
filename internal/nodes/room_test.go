package nodes

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// Half of what the process may open, after a part for itself, is for agents.
func TestRoomForAgents(t *testing.T) {
	for files, agents := range map[uint64]int{1: 1, 64: 24, 1024: 384, 65536: 32640, 1 << 20: 0, math.MaxUint64: 0} {
		require.Equal(t, agents, newRoom(files, zap.NewNop(), nil).limit, files)
	}
	core, logs := observer.New(zap.InfoLevel)
	r := newRoom(16, zap.New(core), nil)
	for range 6 {
		require.True(t, r.take())
	}
	for range 3 {
		require.False(t, r.take())
		r.give()
		require.True(t, r.take())
	}
	require.Equal(t, 1, logs.Len(), "an agent who comes and goes is no new episode")
	for range 3 {
		r.give()
	}
	for range 3 {
		require.True(t, r.take())
	}
	require.False(t, r.take())
	require.Equal(t, 2, logs.Len())
}
