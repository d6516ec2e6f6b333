package e2e

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/check"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// Broker, Finesse and the operator's HTTP server at addresses of IPv6.
func TestIPv6(t *testing.T) {
	const free = "[::1]:0"
	l, err := net.Listen("tcp", free)
	if err != nil {
		t.Skipf("this machine has no IPv6: %v", err)
	}
	require.NoError(t, l.Close())
	f := startFinesse(t, func(o *simulator.Options) { o.REST, o.Notify = free, free })
	c := launch(t, f, configuration(t, builtIn(), f), func(c *config.Config) { c.Broker.Embedded, c.HTTP.Listen = free, free })
	c.waitConsuming()
	for _, address := range []string{c.embeddedAddr(), c.app.HTTPAddr(), strings.TrimPrefix(f.RESTURL(), "https://"), f.NotifyURL()[strings.Index(f.NotifyURL(), "["):]} {
		require.Contains(t, address, "[::1]:")
	}
	d := newDriver(c, "crm")
	d.begin("text")
	d.send("agent_state/MakeReady#1001")
	d.until("State#READY")
	status, body := c.get("/readyz")
	require.Equal(t, 200, status, body)
	check.Run(t.Context(), c.config, nil, func(r check.Result) {
		require.True(t, r.OK || r.What == "broker", "%s %s: %s", r.What, r.Target, r.Detail) // the connector has the broker's address
	})
}
