package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// TestColleagues has two agents, each with a driver of its own, who hand calls
// to each other. At the target of a transfer the call gets another id.
func TestColleagues(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		for _, format := range talkable {
			t.Run(string(format), func(t *testing.T) {
				t.Parallel()
				c := start(t, s)
				ada, grace := newDriver(c, "crm"), newDriver(c, "desk")
				ada.begin(string(format))
				grace.beginAs("1002", "2002", string(format))
				transferred(c, ada, grace)
				conferred(c, ada, grace, format)
				transferredBlindly(c, ada, grace)
				golden(t, "colleague-who-asks."+string(format), ada.conversation())
				golden(t, "colleague-who-is-asked."+string(format), grace.conversation())
			})
		}
	})
}

// asked is a call of agent 1001 about which agent 1002 is consulted and
// answers.
func asked(c *connector, ada, grace *driver) (id, consultation string) {
	ada.send("agent_state/MakeReady#1001")
	ada.until("State#READY")
	eventually(ada.t, c.finesse.Idle) // it may be answered before it is carried out, by one who is ready
	id = ada.answered(c)
	ada.send("agent_call/ConsultCall#1001 2002," + id)
	consultation = grace.untilCall(gc.Alerting)
	grace.send("agent_call/AnswerCall#1002 " + consultation)
	grace.until("State#TALKING")
	ada.until("ConsultCall#ACTIVE")
	ada.until("State#TALKING")
	return id, consultation
}

func (d *driver) released(agent, id, state string) {
	d.t.Helper()
	d.send("agent_call/ReleaseCall#" + agent + " " + id)
	d.until("State#" + state)
}

func transferred(c *connector, ada, grace *driver) {
	ada.note("# a transfer after a consultation")
	grace.note("# a transfer after a consultation")
	id, consultation := asked(c, ada, grace)
	ada.send("agent_call/TransferCall#1001 2001," + id)
	ada.until("State#READY")
	require.Equal(grace.t, consultation, grace.untilCall(gc.Dropped))
	require.Equal(grace.t, id, grace.untilCall(gc.Active), "the call goes on under the first call's id")
	grace.released("1002", id, "NOT_READY")
}

func conferred(c *connector, ada, grace *driver, format wire.Format) {
	ada.note("# a conference")
	grace.note("# a conference")
	id, consultation := asked(c, ada, grace)
	ada.send("agent_call/Conferencecall#1001 2001," + id)
	ada.until("ConsultCall#DROPPED")
	require.Equal(grace.t, consultation, grace.untilCall(gc.Dropped))
	require.Equal(grace.t, id, grace.untilCall(gc.Active))
	grace.released("1002", id, "NOT_READY")
	if format != wire.Text { // which does not show who takes part
		ada.until("InboundCall#ACTIVE")
	}
	ada.released("1001", id, "READY")
}

func transferredBlindly(c *connector, ada, grace *driver) {
	ada.note("# a blind transfer")
	grace.note("# a blind transfer")
	id := ada.answered(c)
	ada.send("agent_call/Transfer_sst#1001 2002," + id)
	require.Equal(grace.t, id, grace.untilCall(gc.Alerting))
	ada.until("State#READY")
	grace.send("agent_call/AnswerCall#1002 " + id)
	grace.until("State#TALKING")
	grace.released("1002", id, "NOT_READY")
}
