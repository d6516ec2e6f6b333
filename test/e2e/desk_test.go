package e2e

import (
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// campaign has an agent refuse a customer in both ways, take one, and get one
// without being asked.
func campaign(c *connector, d *driver, format string) {
	d.begin(format)
	d.send("agent_state/MakeReady#1001")
	d.until("State#READY")

	d.note("# a customer the agent does not want now")
	id := d.offered(c, simulator.Preview)
	d.send("agent_call/RejectOutboundPreview#1001 " + id + ",REJECT")
	d.until("State#READY")

	d.note("# a customer nobody shall call again")
	id = d.offered(c, simulator.Preview)
	d.send("agent_call/CloseOutboundPreview#1001 " + id + ",CLOSE")
	d.until("State#READY")

	d.note("# a customer the agent takes")
	id = d.offered(c, simulator.Preview)
	d.send("agent_dialog/getdialogstatecontrols#1001 " + id)
	d.until("Control#")
	d.send("agent_call/AcceptOutboundPreview#1001 " + id + ",ACCEPT")
	d.until("NewOutboundCall#")
	id = d.untilCall(gc.Active)
	d.until("State#TALKING")
	d.released("1001", id, "READY")

	d.note("# a customer whom the dialer has on the phone already")
	id = d.offered(c, simulator.Predictive)
	d.until("State#TALKING")
	d.released("1001", id, "READY")
}

// offered is a customer of a campaign, as the driver hears of it.
func (d *driver) offered(c *connector, mode simulator.CampaignMode) string {
	d.t.Helper()
	_, err := c.finesse.Campaign("1001", simulator.CampaignCall{Mode: mode, Customer: "4085559876", Campaign: "Spring", Account: "4711", Name: "Doe, Jane"})
	require.NoError(d.t, err)
	d.until("NewOutboundCall#")
	return d.untilCall("")
}

// wrapUp has a mobile agent work after calls, which the site leaves to agents.
func wrapUp(c *connector, d *driver, format string) {
	d.note("# a mobile agent")
	d.send("system/Hello#"+d.destination, "format", format)
	d.until("System#IN_SERVICE")
	d.send("agent_info/Connect#1001 " + d.destination + "," + d.password)
	d.send("agent_state/MobileAgentLogin#1001 " + d.password + ",2001,4085557777,true")
	d.until("State#NOT_READY")
	d.send("agent_state/MakeReady#1001")
	d.until("State#READY")

	d.note("# work after a call, then not ready")
	id := d.answered(c)
	d.send("agent_state/makeworknotready#1001")
	d.until("State#TALKING")
	d.send("agent_call/ReleaseCall#1001 " + id)
	d.until("State#WORK")
	d.send("agent_dialog/wrapup#1001 Product Question," + id)
	d.send("agent_dialog/wrapup#1001 207," + id)
	d.send("agent_state/MakeNotReady#1001")
	d.until("State#NOT_READY")

	d.note("# work after a call, then ready, and out in the middle of it")
	d.send("agent_state/MakeReady#1001")
	d.until("State#READY")
	id = d.answered(c)
	d.send("agent_state/makeworkready#1001")
	d.until("State#TALKING")
	d.send("agent_call/ReleaseCall#1001 " + id)
	d.until("State#WORK_READY")
	d.send("agent_state/force_logout#1001")
	d.until("State#LOGOUT")
}

// rare has what a simulated Finesse does not come to by itself: a state after
// a failover, and a consultation that rings at the agent's own phone first, as
// that of a mobile agent does.
func rare(c *connector, d *driver, format string) {
	d.begin(format)
	d.send("agent_state/MakeReady#1001")
	d.until("State#READY")
	id := d.answered(c)
	c.finesse.Publish("/finesse/api/User/1001/Dialogs", []byte(`<Update><data><dialogs><Dialog><id>16879999</id>
<associatedDialogUri>/finesse/api/Dialog/`+id+`</associatedDialogUri><fromAddress>2001</fromAddress><toAddress>2002</toAddress>
<mediaProperties><callType>CONSULT</callType></mediaProperties><participants><Participant><mediaAddress>2001</mediaAddress>
<mediaAddressType>AGENT_DEVICE</mediaAddressType><state>ALERTING</state></Participant></participants><state>ALERTING</state></Dialog></dialogs></data>
<event>POST</event><source>/finesse/api/User/1001/Dialogs</source></Update>`))
	d.until("ConsultCall#ALERTING")
	c.finesse.Publish("/finesse/api/User/1001", []byte(`<Update><data><user><loginId>1001</loginId><state>UNKNOWN</state></user></data>
<event>PUT</event><source>/finesse/api/User/1001</source></Update>`))
	d.until("State#UNKNOWN")
}

// withheldNumber has a caller whom nobody knows: no party of the call but the
// agent, and no number.
func withheldNumber(c *connector, d *driver, format string) {
	d.begin(format)
	d.send("agent_state/MakeReady#1001")
	d.until("State#READY")
	id, err := c.finesse.Call("1001", simulator.Call{})
	require.NoError(d.t, err)
	d.until("NewInboundCall")
	d.untilCall(gc.Alerting)
	d.send("agent_call/AnswerCall#1001 " + string(id))
	d.until("State#TALKING")
	d.released("1001", string(id), "READY")
}
