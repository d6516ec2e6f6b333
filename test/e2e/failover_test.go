package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// onTwoNodes starts a connector with two Finesse nodes.
func onTwoNodes(t *testing.T, s brokerServer, change ...func(*simulator.Options)) (*connector, []*simulator.Node) {
	t.Helper()
	f := startFinesse(t, append(change, func(o *simulator.Options) {
		o.REST, o.Notify = servertest.FreeAddress(t), servertest.FreeAddress(t) // they come back there
		o.SecondREST, o.SecondNotify = servertest.FreeAddress(t), servertest.FreeAddress(t)
	})...)
	c := launch(t, f, configuration(t, s, f), func(c *config.Config) {
		c.Finesse.Nodes = nil
		for _, n := range f.Nodes() {
			c.Finesse.Nodes = append(c.Finesse.Nodes, config.Node{REST: n.RESTURL(), Notify: n.NotifyURL()})
		}
	})
	c.waitConsuming()
	return c, f.Nodes()
}

// takeover is how long work may stand still after a node's death.
const takeover = 30 * time.Second

// The node that an agent works on dies during a call. The driver hears nothing
// of it but the answers to its commands, which the other node gives.
func TestANodeThatDies(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		c, nodes := onTwoNodes(t, s)
		d := newDriver(c, "crm")
		d.begin("text")
		d.send("agent_state/MakeReady#1001")
		d.until("State#READY")
		id := d.answered(c)

		nodes[0].Stop()
		begin := time.Now()
		eventuallyWithin(t, takeover, func() bool { return c.log.count("fails over to another finesse node") > 0 })
		require.Equal(t, "DialogStatus#"+id, said(d.until("DialogStatus").Body))
		d.send("agent_call/HoldCall#1001 " + id)
		d.untilCall(gc.Held)
		d.until("State#HOLD")
		require.Less(t, time.Since(begin), takeover)

		require.NoError(t, nodes[0].Start())
		d.send("agent_call/RetrieveCall#1001 " + id)
		d.until("State#TALKING")
		d.released("1001", id, "READY")
		require.Empty(t, d.hears("1001"), "nothing more was said of the move, and nobody went back")
	})
}

// What happens while no node answers is told when one does.
func TestBothNodesAway(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		c, nodes := onTwoNodes(t, s)
		d := newDriver(c, "crm")
		d.begin("text")
		d.send("agent_state/MakeReady#1001")
		d.until("State#READY")
		id := d.answered(c)
		for _, n := range nodes {
			n.Stop()
		}
		d.until("System#OUT_OF_SERVICE")
		require.NoError(t, c.finesse.HangUp(gc.DialogID(id)))
		require.NoError(t, nodes[1].Start())
		// The agent may be there before the node is asked again how it is.
		told := d.untilAll("System#IN_SERVICE", "State#READY", "InboundCall#DROPPED")
		require.Equal(t, id, d.idOf(told["InboundCall#DROPPED"]))
		d.send("agent_state/MakeNotReady#1001")
		d.until("State#NOT_READY")
	})
}

// The forced sign-out of the node that died may arrive when the agent is signed
// in at the other one.
func TestAStraySignOutIsUndone(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		c, nodes := onTwoNodes(t, s, func(o *simulator.Options) { o.LateLogout = 12 * time.Second })
		d := newDriver(c, "crm")
		d.begin("text")
		nodes[0].Stop()
		eventuallyWithin(t, takeover, func() bool { return c.log.count("fails over to another finesse node") > 0 })
		eventuallyWithin(t, takeover, func() bool { return c.log.count("signed the agent out after the failover") > 0 })
		eventually(t, func() bool { return c.agent("1001").State == gc.NotReady })
		d.send("agent_state/MakeReady#1001")
		d.until("State#READY")
	})
}

// A stream that falls silent, with its connection open, is given up: what changed on it
// is told within 30 s in all.
func TestASilentStream(t *testing.T) {
	t.Parallel()
	c := start(t, builtIn())
	d := newDriver(c, "crm")
	d.begin("text")
	d.send("agent_state/MakeReady#1001")
	d.until("State#READY")
	require.NoError(t, c.finesse.Inject(simulator.Fault{Kind: simulator.BlackHole, Agent: "1001"}))
	begin := time.Now()
	_, err := c.finesse.Call("1001", simulator.Call{From: "4085551234"})
	require.NoError(t, err)
	d.until("NewInboundCall")
	require.Less(t, time.Since(begin), takeover)
}
