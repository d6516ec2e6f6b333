package e2e

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// TestDisorder: notifications overtake each other, others' come as well, and Finesse's
// clock is set back during a call. The driver hears of each call once and in its order.
func TestDisorder(t *testing.T) {
	t.Parallel()
	s := builtIn()
	f := startFinesse(t, func(o *simulator.Options) { o.Now = time.Now })
	c := launch(t, f, configuration(t, s, f))
	c.waitConsuming()
	d := newDriver(c, "crm")
	d.begin("text")
	require.NoError(t, f.Run(t.Context(), simulator.FindScript("disorder")))
	d.send("agent_state/MakeNotReady#1001")
	d.until("State#NOT_READY")
	var calls []string
	for _, m := range regexp.MustCompile(`(?m)^agent_call\t1001#(\w+#(?:59001|4085551234|[A-Z]+))`).FindAllStringSubmatch(d.conversation(), -1) {
		calls = append(calls, m[1])
	}
	require.Equal(t, []string{
		"NewOutboundCall#59001", "InboundCall#ALERTING", "InboundCall#DROPPED",
		"NewInboundCall#4085551234", "InboundCall#ALERTING", "InboundCall#ACTIVE", "InboundCall#HELD", "InboundCall#DROPPED",
	}, calls)
	require.Positive(t, c.metric("notify_others_total"))
}
