package e2e

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// An agent of single sign-on works with an access token, with the next one in the midst
// of a call, and again after one has expired.
func TestSingleSignOn(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		f := startFinesse(t, func(o *simulator.Options) { o.SSO = true })
		c := launch(t, f, configuration(t, s, f))
		c.waitConsuming()
		d := newDriver(c, "crm")
		connect := func(number int) {
			d.send(fmt.Sprintf("agent_info/Connect#1001 %s,secret:1001:%d,SSO", d.destination, number))
		}
		expire := func() {
			require.NoError(t, f.Inject(simulator.Fault{Kind: simulator.ExpireToken, Agent: "1001"}))
		}
		d.send("system/Hello#" + d.destination)
		connect(1)
		d.send("agent_state/Login#1001 secret:1001:1,2001")
		d.until("State#NOT_READY")
		d.send("agent_state/MakeReady#1001")
		d.until("State#READY")
		id := d.answered(c)

		connect(2)
		d.send("agent_state/GetState#1001") // both were taken when it is answered
		d.until("State#TALKING")
		expire()
		d.send("agent_call/HoldCall#1001 " + id)
		d.untilCall(gc.Held)
		require.Zero(t, c.log.count("notification stream lost", `"level":"info"`))

		expire()
		d.send("agent_call/RetrieveCall#1001 " + id)
		d.until("State#RE_LOGIN")
		require.Equal(t, 1, c.log.count("access token has expired", `"agent":"1001"`))
		require.Equal(t, 1, f.Refusals("1001"))
		connect(3)
		d.send("agent_state/Login#1001 secret:1001:3,2001")
		d.until("DialogStatus#" + id)
		d.send("agent_call/RetrieveCall#1001 " + id)
		d.untilCall(gc.Active)

		d.send("agent_info/Connect#1002 "+d.destination+",secret:1001:3,SSO", "reply-to", "/topic/"+d.destination)
		d.until("Error#SUBSCRIPTION_FAILED") // it is another agent's
		require.Equal(t, 1, f.Refusals("1001"))
		c.stop()
		captured, err := os.ReadFile(c.config.Capture.File)
		require.NoError(t, err)
		require.Contains(t, string(captured), `,[secret 1],SSO"`)
		for _, written := range []string{string(captured), c.log.String()} {
			require.NotContains(t, written, "secret:100")
		}
	})
}
