package e2e

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// stopUnderLoad stops the connector while it holds ten commands of each of ten
// agents, which wait for a slow Finesse.
func stopUnderLoad(t *testing.T, s brokerServer) {
	const agents, each = 10, 10
	c := start(t, s)
	d := newDriver(c, "crm")
	agent := func(i int) string { return strconv.Itoa(1001 + i) }
	for i := range agents {
		d.signIn(agent(i), strconv.Itoa(3001+i))
	}
	require.NoError(t, c.finesse.Inject(simulator.Fault{Kind: simulator.SlowREST, Count: agents, Delay: time.Second}))
	received := c.log.count(`"command received"`)
	want := map[string]int{}
	for n := range each {
		for i := range agents {
			id := fmt.Sprintf("%s-%d", agent(i), n)
			d.send("agent_state/GetState#"+agent(i), "correlation-id", id)
			want[id] = 1
		}
	}
	eventually(t, func() bool { return c.log.count(`"command received"`) == received+agents*each })

	stopped := make(chan struct{})
	begin := time.Now()
	go func() {
		defer close(stopped)
		c.stop()
	}()
	got := map[string]int{}
	for range agents * each {
		m := d.next()
		require.Equal(t, "State#NOT_READY", said(m.Body))
		got[m.CorrelationID]++
	}
	require.Equal(t, want, got, "every command is answered, and once")
	within(t, stopped, "the connector does not stop")
	require.Less(t, time.Since(begin), 15*time.Second)
	for i := range agents {
		require.Equal(t, gc.NotReady, c.agent(gc.AgentID(agent(i))).State, "agents stay signed in at Finesse")
	}

	again := newDriverAt(c.restart(s), "/topic/"+d.destination)
	again.send("agent_info/Connect#1001 " + again.destination + ",secret")
	again.send("agent_state/GetState#1001")
	again.expect("agent_state\t1001#State#NOT_READY##Ada Lovelace")
}

// restart starts a connector in the place of one that has stopped.
func (c *connector) restart(s brokerServer) *connector {
	c.t.Helper()
	c.stop()
	conf := configuration(c.t, s, c.finesse)
	conf.Broker.CommandQueue = c.config.Broker.CommandQueue
	next := launch(c.t, c.finesse, conf)
	next.waitConsuming()
	return next
}

func restartInACall(t *testing.T, s brokerServer) {
	c := start(t, s)
	before := newDriver(c, "crm")
	before.signIn("1001", "2001")
	before.send("agent_state/MakeReady#1001")
	before.until("State#READY")
	id := string(c.call("1001"))
	before.untilCall(gc.Alerting)
	before.send("agent_call/AnswerCall#1001 " + id)
	before.until("State#TALKING")

	c = c.restart(s)
	d := newDriverAt(c, "/topic/"+before.destination)
	d.send("agent_info/Connect#1001 " + d.destination + ",secret")
	d.send("agent_call/HoldCall#1001 " + id)
	require.Equal(t, "InboundCall#HELD", said(d.next().Body))
	d.expect("agent_state\t1001#State#HOLD##Ada Lovelace")
	d.send("agent_state/refresh#1001")
	d.expect("agent_info\t1001#AgentInfo#Ada#Lovelace#false#NOT_ALLOWED#Ada Lovelace", "agent_state\t1001#State#HOLD##Ada Lovelace")
	require.Contains(t, d.next().Body, "1001#DialogStatus#"+id+"#HELD#")
	d.send("agent_call/ReleaseCall#1001 " + id)
	require.Equal(t, "InboundCall#DROPPED", said(d.next().Body))
	d.expect("agent_state\t1001#State#READY##Ada Lovelace")
	require.Empty(t, d.hears("1001"))
}
