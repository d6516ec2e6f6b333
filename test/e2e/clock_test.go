package e2e

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// The clock of the connector's host is set, or that of a driver's: commands
// look hours old, or come from the future. Only the former keeps calls from
// being made, and the log says why.
func TestClocksThatDiffer(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		c := start(t, s)
		d := newDriver(c, "crm")
		d.signIn("1001", "2001")
		sentAt := func(ahead time.Duration) (header, value string) {
			return "timestamp", strconv.FormatInt(time.Now().Add(ahead).UnixMilli(), 10)
		}
		for _, behind := range []time.Duration{2 * time.Minute, 5 * time.Hour} {
			h, v := sentAt(-behind)
			d.send("agent_call/MakeCall#1001 4085559876", h, v)
			d.expect("agent_error\t1001#Error#PLEASE_RETRY")
			d.send("agent_state/MakeReady#1001", h, v) // calls nobody
			d.until("State#READY")
			d.send("agent_state/MakeNotReady#1001", h, v)
			d.until("State#NOT_READY")
		}
		require.Empty(t, c.agent("1001").Calls)
		require.Equal(t, 2, c.log.count("MakeCall is", "old; if it was just sent, set the clocks"))

		for _, ahead := range []time.Duration{2 * time.Minute, 5 * time.Hour, 5 * 365 * 24 * time.Hour} {
			h, v := sentAt(ahead)
			d.send("agent_call/MakeCall#1001 4085559876", h, v)
			id := d.untilCall(gc.Active)
			d.send("agent_call/ReleaseCall#1001 "+id, h, v)
			d.until("InboundCall#DROPPED")
			d.until("State#NOT_READY")
		}
		require.Empty(t, d.hears("1001"))
	})
}
