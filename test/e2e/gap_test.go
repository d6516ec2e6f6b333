package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// behindProxy starts a connector whose way to ActiveMQ can be broken, and a
// driver that is not behind it.
func behindProxy(t *testing.T) (*connector, *servertest.Proxy, *driver) {
	t.Helper()
	p := servertest.NewProxy(t, strings.TrimPrefix(shared.URL(), "tcp://"))
	direct := ""
	c := start(t, activeMQ(), func(c *config.Config) {
		direct, c.Broker.URLs = c.Broker.URLs[0], []string{"tcp://" + p.Addr()}
	})
	seen := *c.config
	seen.Broker.URLs = []string{direct}
	return c, p, newDriver(&connector{t: t, config: &seen, finesse: c.finesse}, "crm")
}

// While the broker is away a call ends and another one rings. Afterwards the
// driver hears of the end, and what is true: nothing of what has passed.
func TestABrokerThatIsAway(t *testing.T) {
	t.Parallel()
	c, p, d := behindProxy(t)
	d.begin("text")
	d.send("agent_state/MakeReady#1001")
	d.until("State#READY")
	first := d.answered(c)
	eventually(t, func() bool { return c.metric(`events_unconfirmed{kind="topic"}`) == 0 }, "or the answer is given again")

	p.Refuse()
	p.Cut()
	eventually(t, func() bool { return c.app.Readiness().Broker.State != "up" })
	require.NoError(t, c.finesse.HangUp(gc.DialogID(first)))
	eventually(t, func() bool { return c.agent("1001").State == gc.Ready })
	second, err := c.finesse.Call("1001", simulator.Call{From: "4085550000"})
	require.NoError(t, err)
	eventually(t, func() bool { return c.log.count(`"event":"NewInboundCall"`, string(second)) == 1 })
	d.send("agent_state/GetState#1001", "correlation-id", "asked in the gap")
	p.Heal()

	var told []string
	for range 5 {
		m := d.next()
		if m.CorrelationID == "" {
			told = append(told, said(m.Body))
			continue
		}
		require.Equal(t, "State#RESERVED", said(m.Body), "the answer")
	}
	require.Equal(t, []string{"InboundCall#DROPPED", "System#IN_SERVICE", "State#RESERVED", "DialogStatus#" + string(second)}, told)
	require.Empty(t, d.hears("1001"))
	require.NotZero(t, c.metric(`events_dropped_total{reason="stale"}`))
}

// A command whose acknowledgement is lost comes back and is not run again: the
// second of two calls would be one too many.
func TestACommandThatComesBack(t *testing.T) {
	t.Parallel()
	c, p, d := behindProxy(t)
	d.begin("text")
	require.NoError(t, c.finesse.Inject(simulator.Fault{Kind: simulator.SlowREST, Agent: "1001", Delay: 2e9}))
	d.send("agent_call/MakeCall#1001 4085559876", "correlation-id", "once")
	received := regexp.MustCompile(`"cmd":"MakeCall".*"message":"([^"]+)"`)
	eventually(t, func() bool { return received.MatchString(c.log.String()) })
	made := received.FindStringSubmatch(c.log.String())[1]
	p.Cut()
	eventually(t, func() bool { return c.log.count("delivered again", made) == 1 }, "it came back while it ran")
	answers := 0
	for answers == 0 {
		if m := d.next(); m.CorrelationID == "once" {
			require.True(t, strings.HasPrefix(said(m.Body), "InboundCall#INIT"), m.Body)
			answers++
		}
	}
	d.until("State#TALKING")
	require.Empty(t, d.hears("1001"), "answered once")
	require.Len(t, c.agent("1001").Calls, 1, "and made once")
}
