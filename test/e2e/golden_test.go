package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// golden compares a conversation byte for byte with testdata/name.golden. In
// the file "#" begins a remark, ">" a command, and every other line is an
// event: its category, a tab and the message.
func golden(t *testing.T, name, conversation string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(conversation), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), conversation)
}

// talkable are the formats a driver can have a whole conversation in: text-old
// does not name a call that is being made.
var talkable = []wire.Format{wire.Text, wire.Text44, wire.JSON}

// TestConversations has each whole conversation over STOMP. "one-call" is also
// what a driver over OpenWire hears: see TestOneCallOverJMS.
func TestConversations(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		for _, x := range conversations {
			for _, format := range x.formats {
				t.Run(x.name+"."+string(format), func(t *testing.T) {
					t.Parallel()
					f := startFinesse(t, x.finesse)
					c := launch(t, f, configuration(t, s, f), func(c *config.Config) { c.Messages.StatusBar = x.statusBar })
					c.waitConsuming()
					d := newDriver(c, "crm")
					d.statusBar = x.statusBar
					x.talk(c, d, string(format))
					golden(t, x.name+"."+string(format), d.conversation())
				})
			}
		}
	})
}

var inText = []wire.Format{wire.Text}

var conversations = []struct {
	name      string
	formats   []wire.Format
	talk      func(c *connector, d *driver, format string)
	finesse   func(*simulator.Options)
	statusBar bool
}{
	{name: "main-job", formats: talkable, talk: mainJob, finesse: plain},
	{name: "one-call", formats: talkable, talk: oneCall, finesse: plain},
	{name: "consult", formats: talkable, talk: consult, finesse: plain},
	{name: "campaign", formats: talkable, talk: campaign, finesse: plain},
	{name: "wrap-up", formats: talkable, talk: wrapUp, finesse: wrapUpOptional},
	{name: "withheld-number", formats: talkable, talk: withheldNumber, finesse: plain},
	{name: "no-teams", formats: talkable, talk: noTeams, finesse: plain},
	{name: "status-bar-main-job", formats: inText, talk: mainJob, finesse: plain, statusBar: true},
	{name: "status-bar-consult", formats: inText, talk: consult, finesse: plain, statusBar: true},
	{name: "status-bar-campaign", formats: inText, talk: campaign, finesse: plain, statusBar: true},
	{name: "status-bar-wrap-up", formats: inText, talk: wrapUp, finesse: wrapUpOptional, statusBar: true},
	{name: "status-bar-rare", formats: inText, talk: rare, finesse: plain, statusBar: true},
}

func plain(*simulator.Options) {}

func wrapUpOptional(o *simulator.Options) { o.WrapUp = simulator.WrapUpOptional }

// A driver names its format, or the configuration does for its destination, or
// for all.
func TestFormatOfADestination(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		c := start(t, s, func(c *config.Config) {
			c.Messages.Formats = wire.FormatRules{"web.*": wire.JSON}
		})
		const text, json = "System#IN_SERVICE", `{"type":"System","status":"IN_SERVICE"}`
		cases := []struct{ rule, prefix, asks, want string }{
			{"the driver asks on Hello", "crm", "json", json},
			{"the driver's wish goes before the pattern", "web.", "text", text},
			{"the pattern decides where the driver does not ask", "web.", "", json},
			{"the default decides where no pattern matches", "crm", "", text},
			{"a format there is not counts as none", "crm", "morse", text},
		}
		for _, k := range cases {
			t.Run(k.rule, func(t *testing.T) {
				d := newDriver(c, k.prefix)
				d.send("system/Hello#"+d.destination, "format", k.asks)
				d.expect("system\t" + k.want)
				d.send("system/Beat#" + d.destination)
				d.expect("system\t" + k.want)
			})
		}
		t.Run("the driver asks on Connect", func(t *testing.T) {
			d := newDriver(c, "crm")
			d.send("agent_info/Connect#1001 "+d.destination+",secret", "format", "JSON")
			d.send("agent_state/GetState#1001")
			d.until("State#") // the format counts once the password is proved
			d.send("system/Beat#" + d.destination)
			d.expect("system\t" + json)
		})
	})
}

// mainJob is a driver's whole day with one agent.
func mainJob(c *connector, d *driver, format string) {
	d.note("# sign in")
	d.send("system/Hello#"+d.destination, "format", format)
	d.until("System#IN_SERVICE")
	d.send("agent_info/Connect#1001 " + d.destination + "," + d.password)
	d.send("agent_state/Login#1001 " + d.password + ",2001")
	d.until("State#NOT_READY")
	d.send("agent_state/GetState#1001")
	d.until("State#NOT_READY")
	reasons(d)
	inbound(c, d)
	outbound(d)
	busy(d)
	signOut(d)
}

func reasons(d *driver) {
	d.note("# reason codes")
	d.send("agent_state/reasoncodenotready#1001")
	d.until("ReasonCodes")
	d.send("agent_state/reasoncodelogout#1001")
	d.until("ReasonCodes")
	d.send("agent_state/MakeNotReadyWithReason#1001 1")
	d.until("State#NOT_READY")
	d.send("agent_state/MakeReady#1001")
	d.until("State#READY")
}

func inbound(c *connector, d *driver) {
	d.note("# an inbound call")
	c.call("1001")
	id := d.untilCall(gc.Alerting)
	d.send("agent_dialog/getdialogstate#1001 " + id)
	d.until("DialogState#ALERTING")
	d.send("agent_call/AnswerCall#1001 " + id)
	d.until("State#TALKING")
	d.send("agent_call/HoldCall#1001 " + id)
	d.until("State#HOLD")
	d.send("agent_state/refresh#1001")
	d.until("DialogStatus#")
	d.send("agent_call/RetrieveCall#1001 " + id)
	d.until("State#TALKING")
	d.send("agent_call/ReleaseCall#1001 " + id)
	d.until("State#READY")
	d.send("agent_dialog/getdialogstate#1001 " + id)
	d.until("DialogState#NOT_FOUND")
}

func outbound(d *driver) {
	d.note("# a call to an outside number")
	d.send("agent_call/MakeCall#1001 4085559876")
	id := d.untilCall(gc.Initiating)
	d.until("State#TALKING")
	d.send("agent_call/ReleaseCall#1001 " + id)
	d.untilCall(gc.Dropped)
	d.until("State#NOT_READY")
}

func busy(d *driver) {
	d.note("# a call to a busy number")
	d.send("agent_call/MakeCall#1001 5550001")
	id := d.untilCall(gc.Failed)
	d.send("agent_call/ReleaseCall#1001 " + id)
	d.untilCall(gc.Dropped)
}

func signOut(d *driver) {
	d.note("# sign out, with a reason and without")
	d.send("agent_state/MakeNotReady#1001")
	d.until("State#NOT_READY")
	d.send("agent_state/logoutwithreason#1001 5")
	d.until("State#LOGOUT")
	d.send("agent_state/Login#1001 " + d.password + ",2001")
	d.until("State#NOT_READY")
	d.send("agent_state/Logout#1001")
	d.until("State#LOGOUT")
	d.send("system/Beat#" + d.destination)
	d.until("System#")
}

// consult has two calls in which the agent asks somebody else: the first
// becomes a conference, the second is transferred. A third is transferred
// blindly.
func consult(c *connector, d *driver, format string) {
	d.begin(format)
	d.send("agent_work/wrapupreasoncode#1001")
	d.until("ReasonCodes#")
	d.send("agent_state/MakeReady#1001")
	d.until("State#READY")
	const colleague = "4085559876"

	d.note("# a conference")
	id := d.answered(c)
	d.send("agent_call/update_call_variable#1001 " + id + ",callVariable4,CONFERENCE")
	d.until("InboundCall#ACTIVE")
	other := d.consulted(id, colleague)
	d.send("agent_dialog/getdialogstate#1001 " + id)
	d.until("DialogState#HELD")
	d.send("agent_dialog/getdialogstatecontrols#1001 " + other)
	d.next()
	d.send("agent_call/Conferencecall#1001 2001," + id)
	d.until("ConsultCall#DROPPED")
	d.send("agent_call/getDialogParticipants#1001 " + id)
	d.until("ConferenceParticipants#")
	d.send("agent_call/ReleaseCall#1001 " + id)
	d.until("State#READY")

	d.note("# a transfer")
	id = d.answered(c)
	d.consulted(id, colleague)
	d.send("agent_call/TransferCall#1001 2001," + id)
	d.until("State#READY")

	d.note("# a consultation that fails, and a blind transfer")
	id = d.answered(c)
	d.send("agent_call/ConsultCall#1001 5550001," + id)
	d.send("agent_call/ReleaseCall#1001 " + d.idOf(d.until("ConsultCall#FAILED")))
	d.until("ConsultCall#DROPPED")
	d.send("agent_call/RetrieveCall#1001 " + id)
	d.until("State#TALKING")
	d.send("agent_call/Transfer_sst#1001 " + colleague + "," + id)
	d.until("State#READY")
}

// answered is a call that the agent has taken.
func (d *driver) answered(c *connector) string {
	id := string(c.call("1001"))
	d.untilCall(gc.Alerting)
	d.send("agent_call/AnswerCall#1001 " + id)
	d.until("State#TALKING")
	return id
}

// consulted is a call to somebody, who has answered, about another one.
func (d *driver) consulted(about, number string) string {
	d.send("agent_call/ConsultCall#1001 " + number + "," + about)
	id := d.idOf(d.until("ConsultCall#ACTIVE"))
	d.until("State#TALKING")
	return id
}
