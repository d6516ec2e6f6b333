package e2e

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// crowd is how many agents the tests of passwords have.
const crowd = 50

func crowdAgent(i int) string { return strconv.Itoa(10001 + i) }

// refusalsAtMost requires that no agent's password was refused more often.
func (c *connector) refusalsAtMost(most int) {
	c.t.Helper()
	for i := range crowd {
		require.LessOrEqual(c.t, c.finesse.Refusals(gc.AgentID(crowdAgent(i))), most, crowdAgent(i))
	}
}

// A storm of sign-ins with wrong passwords, each repeated as impatient drivers
// do, asks Finesse once for each agent, and the right passwords work then.
func TestASignInStormWithWrongPasswordsLocksNobody(t *testing.T) {
	const each = 6
	f := startFinesse(t, func(o *simulator.Options) { o.Agents = crowd })
	c := launch(t, f, configuration(t, activeMQ(), f))
	c.waitConsuming()
	d := newDriver(c, "crm")
	d.send("system/Hello#" + d.destination)
	d.until("System#IN_SERVICE")
	for range each {
		for i := range crowd {
			d.send("agent_info/Connect#" + crowdAgent(i) + " " + d.destination + ",wrong")
			d.send("agent_state/Login#" + crowdAgent(i) + " wrong," + crowdAgent(i))
		}
	}
	for range crowd * each * 2 {
		require.Equal(t, "Error#SUBSCRIPTION_FAILED", said(d.next().Body))
	}
	c.refusalsAtMost(1)
	for i := range crowd {
		d.signIn(crowdAgent(i), crowdAgent(i))
	}
}

// The passwords of agents who work are changed, and then everything happens at
// once: their streams are cut, their drivers go on sending commands and connect
// again with the old password, and the node they work on dies. Finesse is asked
// once for a command and once for the stream.
func TestPasswordsThatChangeUnderAgentsWhoWorkLockNobody(t *testing.T) {
	f := startFinesse(t, func(o *simulator.Options) {
		o.Agents = crowd
		o.SecondREST, o.SecondNotify = servertest.FreeAddress(t), servertest.FreeAddress(t)
	})
	c := launch(t, f, configuration(t, activeMQ(), f), func(c *config.Config) {
		second := f.Nodes()[1]
		c.Finesse.Nodes = append(c.Finesse.Nodes, config.Node{REST: second.RESTURL(), Notify: second.NotifyURL()})
		// Two requests of an agent that are the same to the letter, for its stream
		// and for a command, can be under way at once here. A capture does not say
		// which is which, so that a replay could tell the refusals in another order.
		c.Capture.File = ""
	})
	c.waitConsuming()
	d := newDriver(c, "crm")
	for i := range crowd {
		d.signIn(crowdAgent(i), crowdAgent(i))
	}
	for i := range crowd {
		f.SetPassword(gc.AgentID(crowdAgent(i)), gc.NewSecret("changed"))
		require.NoError(t, f.Inject(simulator.Fault{Kind: simulator.CutStream, Agent: gc.AgentID(crowdAgent(i))}))
	}
	for range 3 {
		for i := range crowd {
			d.send("agent_state/GetState#" + crowdAgent(i))
			d.send("agent_info/Connect#" + crowdAgent(i) + " " + d.destination + ",secret")
			d.send("agent_state/Login#" + crowdAgent(i) + " secret," + crowdAgent(i))
		}
	}
	f.Nodes()[0].Stop()
	eventually(t, func() bool { return c.log.count("waiting for the driver to connect again") == crowd })
	// Longer than anybody waits before another attempt.
	<-time.After(5 * time.Second)
	c.refusalsAtMost(2)

	d.password = "changed"
	for len(d.got) > 0 {
		d.next()
	}
	for i := range crowd {
		d.signIn(crowdAgent(i), crowdAgent(i))
	}
}

// A phone that somebody else is signed in at is refused, and the agent stays
// where it was.
func TestAnExtensionInUse(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		c := start(t, s)
		d := newDriver(c, "crm")
		d.signIn("1001", "2001")
		d.send("agent_info/Connect#1002 " + d.destination + ",secret")
		d.send("agent_state/Login#1002 secret,2001")
		d.expect("agent_error\t1002#Error#CF_RESOURCE_BUSY")
		require.Equal(t, 1.0, c.metric("agents_signed_in"))
		d.send("agent_state/Login#1002 secret,2002")
		d.until("AgentInfo")
		d.until("State#NOT_READY")
		require.Equal(t, gc.Extension("2001"), c.agent("1001").Extension)
	})
}

// Anybody may send passwords for any agent, in whatever command: Finesse is not
// asked often enough to lock an account, who works goes on, and the stranger
// hears nothing of it.
func TestStrangersLockNobodyOutAndGetNothing(t *testing.T) {
	c := start(t, builtIn())
	d, evil := newDriver(c, "crm"), newDriver(c, "evil")
	d.signIn("1001", "2001")
	evil.send("system/Hello#" + evil.destination)
	evil.until("System#IN_SERVICE")
	for i := range 20 {
		for _, agent := range []string{"1001", "1002", "1001:0", "１００２"} {
			for _, command := range []string{
				"agent_info/Connect#%s " + evil.destination + ",a%d", "agent_state/Login#%s b%d,2001", "agent_state/MobileAgentLogin#%s c%d,2001,4085551234,true",
			} {
				evil.send(fmt.Sprintf(command, agent, i), "reply-to", "/topic/"+evil.destination)
				evil.until("Error#")
			}
		}
	}
	require.LessOrEqual(t, c.finesse.Refusals("1001"), 4)
	require.LessOrEqual(t, c.finesse.Refusals("1002"), 4)
	require.Empty(t, d.hears("1001"), "who works hears nothing of it")

	d.send("agent_state/Login#1002 secret,2002", "reply-to", "/topic/"+d.destination)
	d.until("Error#SUBSCRIPTION_FAILED")
	d.send("agent_state/MakeReady#1001")
	d.until("State#READY")
	id := c.call("1001")
	d.untilCall(gc.Alerting)
	d.send("agent_call/AnswerCall#1001 " + string(id))
	d.untilCall(gc.Active)
	require.Empty(t, evil.got)
}
