package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// Agents whom Finesse does not know any more: it answers 401 when they were
// removed, and 404 where somebody else checks the password. The driver is told
// once, Finesse is not asked any more, and nobody else notices.
func TestAgentsWhoVanish(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		c := start(t, s)
		d, other := newDriver(c, "crm"), newDriver(c, "crm")
		d.signIn("1001", "2001")
		d.signIn("1002", "2002")
		other.signIn("1003", "2003")

		c.finesse.Remove("1001")
		require.NoError(t, c.finesse.Inject(simulator.Fault{Kind: simulator.UnknownUser, Agent: "1002", Count: 1000}))
		require.NoError(t, c.finesse.Inject(simulator.Fault{Kind: simulator.CutStream, Agent: "1002"}))
		heard := map[string]string{}
		for range 2 {
			agent, said, _ := strings.Cut(d.next().Body, "#")
			heard[agent] = said
		}
		require.Equal(t, map[string]string{"1001": "Error#SUBSCRIPTION_FAILED", "1002": "Error#USER_NOT_FOUND"}, heard)
		asked := c.readsOfUsers()
		<-time.After(3 * time.Second) // in which a stream that is lost would be tried again several times
		require.Equal(t, asked, c.readsOfUsers(), "nobody is asked about any more")
		require.Equal(t, 1, c.finesse.Refusals("1001"))
		for _, line := range []string{"finesse refuses the agent's password now", "finesse does not know the agent any more"} {
			require.Equal(t, 1, c.log.count(line), line)
		}
		for _, agent := range []string{"1001", "1002"} {
			d.send("agent_state/MakeReady#" + agent)
			d.expect("agent_state\t" + agent + "#State#RE_LOGIN")
		}
		require.Equal(t, 1, c.agent("1003").Streams)
		require.Empty(t, other.hears("1003"))

		c.finesse.Heal()
		d.send(fmt.Sprintf("agent_info/Connect#1002 %s,secret", d.destination))
		d.send("agent_state/MakeReady#1002")
		d.until("State#READY")
		require.Equal(t, gc.Ready, c.agent("1002").State)
	})
}

// readsOfUsers is how often Finesse was asked for a user.
func (c *connector) readsOfUsers() (n float64) {
	for _, result := range []string{"ok", "denied", "refused"} {
		n += c.metric(`finesse_requests_total{method="user",result="` + result + `"}`)
	}
	return n
}
