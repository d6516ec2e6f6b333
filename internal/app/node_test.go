package app

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/ops"
)

// What is wrong with a node is said once, with what to do about it, however
// often it is tried.
func TestANodeThatIsAwayIsLoggedOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	core, logs := observer.New(zap.InfoLevel)
	n, err := newNode(config.Finesse{RequestTimeout: time.Second}, config.Node{REST: "https://" + address, Notify: "xmpps://" + address}, nil, zap.New(core), nil)
	require.NoError(t, err)
	defer n.Close()
	for range 3 {
		n.check(t.Context())
		_, err := n.Subscribe(t.Context(), finesse.Credentials{Agent: "1001", Password: gc.NewSecret("secret")})
		require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
	}
	usable, state := n.condition()
	require.False(t, usable)
	require.Equal(t, ops.Down, state.REST)
	require.Equal(t, ops.Down, state.Notifications)
	for _, message := range []string{"finesse node can not be used; trying on", "notification service can not be used; agents can not connect"} {
		lines := logs.FilterMessage(message).All()
		require.Len(t, lines, 1, message)
		require.Contains(t, lines[0].ContextMap()["action"], "or start Finesse")
	}
}
