package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// A person signs in with the login name, or spells it in another way (UCCX): the agent
// works, at the price of no refused password, and the driver hears the name that it used.
func TestAgentsByTheirLoginNames(t *testing.T) {
	t.Parallel()
	f := startFinesse(t, func(o *simulator.Options) { o.AnyCase = true })
	c := launch(t, f, configuration(t, builtIn(), f))
	c.waitConsuming()
	for name, extension := range map[string]string{"agent1001": "2001", "AGENT1002": "2002"} {
		d := newDriver(c, "crm")
		d.beginAs(name, extension, "text")
		d.send("agent_state/MakeReady#" + name)
		require.Regexp(t, "^"+name+"#", d.until("State#READY").Body)
		id := gc.AgentID("100" + extension[3:])
		_, err := c.finesse.Call(id, simulator.Call{From: "4085551234"})
		require.NoError(t, err)
		m := d.until("NewInboundCall")
		require.Regexp(t, "^"+name+"#", m.Body)
		d.send("agent_call/AnswerCall#" + name + " " + d.idOf(m))
		d.untilCall(gc.Active)
		require.Zero(t, c.finesse.Refusals(id))
	}
}

// Two drivers have an agent under two names: neither takes the stream from the other.
func TestAnAgentUnderTwoNames(t *testing.T) {
	t.Parallel()
	c := start(t, builtIn())
	one, other := newDriver(c, "crm"), newDriver(c, "crm")
	one.beginAs("1001", "2001", "text")
	other.beginAs("agent1001", "2001", "text")
	for _, state := range []string{"Ready", "NotReady"} {
		one.send("agent_state/Make" + state + "#1001")
		want := map[string]string{"Ready": "State#READY", "NotReady": "State#NOT_READY"}[state]
		one.until(want)
		other.until(want)
	}
	require.Zero(t, c.metric(`notify_ended_streams_total{reason="broken"}`))
}
