package app_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"

	"github.com/finesse-connector/finesse-connector/internal/app"
	"github.com/finesse-connector/finesse-connector/internal/broker/embedded"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/ops"
)

// What /readyz shows of two connectors that share the command queue.
func TestWhoIsReady(t *testing.T) {
	b, err := embedded.Start(embedded.Options{Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(b.Close)
	f := startSimulator(t)
	one := func(priority int) *config.Config {
		c := configured(t, f)
		c.Broker.Embedded, c.Broker.URLs = "", []string{"tcp://" + b.Addr()}
		c.Broker.Heartbeat, c.Broker.ConsumerPriority = time.Second, priority
		c.Cluster.Name, c.Cluster.Key = "site", gc.NewSecret(strings.Repeat("k", 32))
		return c
	}
	first, stop := run(t, one(127))
	second, err := app.New(one(100), zaptest.NewLogger(t))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- second.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	becomes := func(a *app.App, role ops.Role, peers int) *ops.ClusterState {
		var status int
		var r ops.Readiness
		require.Eventually(t, func() bool {
			status, r = ready(t, a)
			return r.Cluster.Role == role && len(r.Cluster.Peers) == peers
		}, 20*time.Second, 10*time.Millisecond)
		require.Equal(t, http.StatusOK, status)
		return r.Cluster
	}
	standby := becomes(second, ops.Standby, 1)
	require.Equal(t, "site", standby.Name)
	require.True(t, standby.Peers[0].Owner)
	require.Equal(t, 127, standby.Peers[0].Priority)
	require.Nil(t, standby.Since)
	owner := becomes(first, ops.Owner, 1)
	require.WithinDuration(t, time.Now(), *owner.Since, time.Minute)
	require.False(t, owner.Peers[0].Owner)
	stop()
	becomes(second, ops.Owner, 0)
}
