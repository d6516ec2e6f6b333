package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// talks1001 has agent 1001, who is signed in and READY, take a call.
func (d *driver) talks1001(c *connector) string {
	d.send("agent_state/MakeReady#1001")
	d.until("State#READY")
	id := string(c.call("1001"))
	d.untilCall(gc.Alerting)
	d.send("agent_call/AnswerCall#1001 " + id)
	d.until("State#TALKING")
	return id
}

// Two commands wait. An error that names no request, but the list of calls, is
// MakeCall's, and those of a chat and of another dialog are nobody's.
func TestWhoseErrorItIs(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		c := start(t, s)
		d := newDriver(c, "crm")
		d.begin("text")
		id := d.talks1001(c)
		require.NoError(t, c.finesse.Inject(simulator.Fault{Kind: simulator.RefuseRequest, Anonymous: true, Agent: "1001", Request: "MAKE_CALL",
			Type: "Call Operation Failure", Message: "CF_INVALID_CALLED_DEVICE"}))
		stray, err := simulator.ParseScript("stray", `stray-error 1001 about /finesse/api/Dialog/5001_7_1 with "Generic Error" CF_RESOURCE_BUSY
stray-error 1001 about /finesse/api/User/1001/Dialogs/Media with "Generic Error" CF_RESOURCE_BUSY`)
		require.NoError(t, err)
		require.NoError(t, c.finesse.Run(t.Context(), stray))
		d.send("agent_call/HoldCall#1001 "+id, "correlation-id", "hold")
		d.send("agent_call/MakeCall#1001 4085559876", "correlation-id", "make")
		said := map[string]string{}
		for len(said) < 2 {
			m := d.next()
			require.NotContains(t, m.Body, "CF_RESOURCE_BUSY")
			if m.CorrelationID != "" {
				said[m.CorrelationID] = m.Body
			}
		}
		require.Contains(t, said["hold"], "#HELD#")
		require.Equal(t, "1001#Error#CF_INVALID_CALLED_DEVICE", said["make"])
	})
}

// force_logout during a call is answered at once and done at its end; an agent who is
// signed out is asked to sign in, and for no password.
func TestForceLogoutDuringACallAndAStateAfterIt(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		c := start(t, s)
		d := newDriver(c, "crm")
		d.begin("text-4.4")
		id := d.talks1001(c)
		d.send("agent_state/force_logout#1001", "correlation-id", "out")
		for m := d.next(); m.CorrelationID != "out"; m = d.next() {
		}
		require.NoError(t, c.finesse.HangUp(gc.DialogID(id)))
		d.until("State#LOGOUT")
		require.Equal(t, gc.LoggedOut, c.agent("1001").State)
		d.send("agent_state/MakeNotReady#1001")
		d.until("State#RE_LOGIN")
		require.Equal(t, 1.0, c.metric(`commands_total{command="MakeNotReady",result="RE_LOGIN"}`))
	})
}

// A right password that Finesse refuses once, because its own directory is away, works
// again when the driver repeats it after ten seconds, and locks nothing.
func TestAPasswordThatIsRefusedForOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		c := start(t, s)
		d := newDriver(c, "crm")
		d.begin("text")
		require.NoError(t, c.finesse.Inject(simulator.Fault{Kind: simulator.NotLetIn, Agent: "1001"}))
		d.send("agent_state/GetState#1001")
		d.until("Error#SUBSCRIPTION_FAILED")
		began := time.Now()
		require.Eventually(t, func() bool {
			d.send("agent_info/Connect#1001 " + d.destination + ",secret")
			d.send("agent_state/GetState#1001")
			for {
				switch m := d.next(); {
				case strings.Contains(m.Body, "State#NOT_READY"):
					return true
				case strings.Contains(m.Body, "RE_LOGIN"):
					return false
				}
			}
		}, 20*time.Second, 500*time.Millisecond)
		require.GreaterOrEqual(t, time.Since(began), 9*time.Second)
		c.refusalsAtMost(0)
	})
}

// Each destination whose supervisor follows the team hears what was asked for a
// member, or that which is the reply-to alone.
func TestTwoSupervisorsOfATeam(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		c := start(t, s, withAdministrator)
		boss, chief := newDriver(c, "boss"), newDriver(c, "chief")
		boss.beginAs("2001", "3001", "text")
		chief.beginAs("2002", "3002", "text")
		for agent, d := range map[string]*driver{"2001": boss, "2002": chief} {
			d.send("supervisor_team/getteamusers#" + agent + " 1")
			d.until("TeamUsersList")
		}
		boss.send("agent_state/GetState#1003")
		boss.untilHas("1003", "State", "LOGOUT")
		chief.untilHas("1003", "State", "LOGOUT")
		chief.send("agent_state/GetState#1003", "reply-to", "/topic/"+chief.destination)
		chief.untilHas("1003", "State", "LOGOUT")
		require.Empty(t, boss.hears("1003"))
	})
}
