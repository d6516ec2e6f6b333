package bridge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker"
)

// A command that is answered with RE_LOGIN was not carried out, and is counted and
// logged so, whoever finds that out.
func TestRELOGINIsNoSuccess(t *testing.T) {
	for rule, c := range map[string]struct {
		before func(*stage)
		d      *broker.Delivery
		want   string
	}{
		"where nobody has connected the agent": {nil, &broker.Delivery{Type: "GetState#1009", ReplyTo: "/queue/r"}, "/queue/r agent_state 1009#State#RE_LOGIN"},
		"where the driver has to connect the agent again": {func(st *stage) {
			st.command("Connect#1001", "crm,secret")
			st.password.Store("new")
			st.command("GetState#1001", "")
			st.hears(2, "/topic/crm agent_error 1001#Error#SUBSCRIPTION_FAILED")
		}, &broker.Delivery{Type: "GetState#1001"}, "/topic/crm agent_state 1001#State#RE_LOGIN"},
	} {
		t.Run(rule, func(t *testing.T) {
			play(t, 0, func(st *stage) {
				if c.before != nil {
					c.before(st)
				}
				st.send(c.d)
				st.hears(1, c.want)
				require.Equal(st, 1.0, st.countOf("commands_total", "GetState", "RE_LOGIN"))
				require.Zero(st, st.countOf("commands_total", "GetState", "ok"))
				lines := st.logs.FilterMessage("command failed").All()
				require.Equal(st, "RE_LOGIN", lines[len(lines)-1].ContextMap()["result"])
			})
		})
	}
}

// countOf is how many commands of a name had a result.
func (st *stage) countOf(name, command, result string) float64 {
	families, err := st.registry.Gather()
	require.NoError(st, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if l := m.GetLabel(); f.GetName() == name && len(l) == 2 && l[0].GetValue() == command && l[1].GetValue() == result {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}
