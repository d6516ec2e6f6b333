package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// Finesse writes a control character into names and call variables, and lists what
// cannot be read: an agent signs in and works all the same.
func TestWhatCannotBeReadCostsItself(t *testing.T) {
	t.Parallel()
	c := start(t, builtIn())
	spoil := func(kind simulator.FaultKind, times int) {
		t.Helper()
		require.NoError(t, c.finesse.Inject(simulator.Fault{Kind: kind, Agent: "1001", Count: times}))
	}
	spoil(simulator.OddREST, 1000)
	spoil(simulator.IllegibleEvent, 1000)
	d := newDriver(c, "crm")
	d.begin("text")
	d.send("agent_state/MakeReady#1001")
	d.until("State#READY")
	_, err := c.finesse.Call("1001", simulator.Call{From: "4085551234", Variables: map[string]string{"callVariable1": "Gold"}})
	require.NoError(t, err)
	m := d.until("NewInboundCall")
	require.Contains(t, m.Body, "Gold\uFFFD")
	d.send("agent_call/AnswerCall#1001 " + d.idOf(m))
	id := d.untilCall(gc.Active)
	d.send("agent_call/ReleaseCall#1001 " + id)
	d.untilCall(gc.Dropped)
	d.until("State#READY")
	d.send("agent_state/ReasonCodeNotReady#1001")
	require.Contains(t, d.until("ReasonCodes").Body, "\uFFFD")

	c.finesse.Heal()
	eventually(t, func() bool {
		return c.metric(`finesse_unreadable_total{what="elements"}`) > 0 && c.metric(`finesse_unreadable_total{what="characters"}`) > 0
	})
	require.Positive(t, c.metric(`notify_unreadable_total{what="characters"}`))
	require.Equal(t, 1, c.log.count("what finesse answers cannot be read"), "said once")
}

func TestATalkativeService(t *testing.T) {
	t.Parallel()
	c := start(t, builtIn())
	require.NoError(t, c.finesse.Inject(simulator.Fault{Kind: simulator.TalkativeStream, Agent: "1001"}))
	d := newDriver(c, "crm")
	d.begin("text")
	require.Empty(t, d.hears("1001"))
}
