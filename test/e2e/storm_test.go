package e2e

import (
	"flag"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

var stormAgents = flag.Int("agents", 100, "how many agents the test of a reconnect storm signs in")

// TestReconnectStorm loses the notification streams of all agents at once. All
// come back, and every state that changed meanwhile is told. Finesse signs
// agents out after a minute, so that is the time there is.
func TestReconnectStorm(t *testing.T) {
	f := startFinesse(t, func(o *simulator.Options) { o.Agents = *stormAgents })
	p := servertest.NewProxy(t, strings.TrimPrefix(f.NotifyURL(), "xmpps://"))
	c := launch(t, f, configuration(t, builtIn(), f), func(c *config.Config) { c.Finesse.Nodes[0].Notify = "xmpps://" + p.Addr() })
	c.waitConsuming()
	d := newDriver(c, "crm")
	begin := time.Now()
	for i := range *stormAgents {
		id := strconv.Itoa(10001 + i)
		d.send("agent_info/Connect#" + id + " " + d.destination + ",secret")
		d.send("agent_state/Login#" + id + " secret," + id)
	}
	for range *stormAgents {
		d.until("State#NOT_READY")
	}
	t.Logf("%d agents signed in within %s", *stormAgents, time.Since(begin).Round(time.Millisecond))
	p.Refuse()
	p.Cut()
	eventually(t, func() bool { return c.metric("notify_streams") == 0 })
	p.Heal()
	begin = time.Now()
	eventuallyWithin(t, time.Minute, func() bool { return c.metric("notify_streams") == float64(*stormAgents) })
	t.Logf("%d agents back within %s", *stormAgents, time.Since(begin).Round(time.Millisecond))
	require.Empty(t, d.hears("10001"), "nothing changed, so nothing is told")
}
