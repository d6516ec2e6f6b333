package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// TestOldDrivers has the events that the protocol keeps for old drivers, and
// those about the system and the destination as a whole.
func TestOldDrivers(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		for _, format := range wire.Formats {
			t.Run(string(format), func(t *testing.T) {
				t.Parallel()
				c := start(t, s, func(c *config.Config) { c.Messages.Deprecated, c.Messages.Format = true, format })
				d := newDriver(c, "crm")
				old(c, d)
				golden(t, "old-driver."+string(format), d.conversation())
			})
		}
	})
}

// old reads each event by its number in the conversation: text-old does not
// name what until looks for.
func old(c *connector, d *driver) {
	d.note("# a connector that knows nothing of the destination")
	d.send("system/Beat#" + d.destination)
	d.take(2) // System, RECONNECT
	d.note("# nor of the agent")
	d.send("agent_call/MakeCall#1001 4085559876", "reply-to", "/topic/"+d.destination)
	d.take(2) // RE_LOGIN, RECONNECT
	d.note("# the state with the calls")
	d.send("agent_info/Connect#1001 " + d.destination + ",secret")
	d.send("agent_state/Login#1001 secret,2001")
	d.take(2) // AgentInfo, State
	d.send("agent_state/MakeReady#1001")
	d.take(1)
	id := string(c.call("1001"))
	d.take(3) // RESERVED, NewInboundCall, ALERTING
	d.send("agent_state/GetState#1001")
	d.take(2) // State, DialogState
	d.send("agent_call/AnswerCall#1001 " + id)
	d.take(2) // ACTIVE, TALKING
	d.send("agent_call/ReleaseCall#1001 " + id)
	d.take(2) // DROPPED, READY
	d.note("# signed out")
	d.send("agent_state/force_logout#1001")
	d.take(2) // State, LOGOUT
}

func (d *driver) take(n int) {
	d.t.Helper()
	for range n {
		d.next()
	}
}

// Who takes over from a Generic Connector learns of its agents as those tell
// each other, where the site wants that.
func TestOtherConnectorsHearOfAgents(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		topic := unique("Sync")
		c := start(t, s, func(c *config.Config) { c.Cluster.Plaintext, c.Broker.SyncTopic = true, topic })
		other := newDriverAt(c, "/topic/"+topic)
		d := newDriver(c, "crm")
		d.signIn("1001", "2001")
		require.Regexp(t, `^AgentState#1001#secret#2001#\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$`, other.next().Body)
		require.NotContains(t, c.log.String(), "secret", "not even then")
	})
}

// A Finesse that does not answer at all is another thing to a driver than one
// that says it is out of service.
func TestFinesseThatDoesNotAnswer(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		c := start(t, s, func(c *config.Config) { c.Finesse.RequestTimeout, c.Finesse.Retries = 200*time.Millisecond, 0 })
		d := newDriver(c, "crm")
		d.send("system/Hello#" + d.destination)
		d.expect("system\tSystem#IN_SERVICE")
		require.NoError(t, c.finesse.Inject(simulator.Fault{Kind: simulator.SlowREST, Count: 1000, Delay: time.Minute}))
		d.expect("system\tSystem#NOT_REACHABLE")
		c.finesse.Heal()
		d.expect("system\tSystem#IN_SERVICE")
	})
}

// Sentences for the status bar are read from a site's own file.
func TestTranslatedStatusBar(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		file := filepath.Join(t.TempDir(), "status-bar.de.yaml")
		require.NoError(t, os.WriteFile(file, []byte("State#READY: Sie sind bereit, los geht's\nState#NOT_READY: \"\"\n"), 0o600))
		conf := filepath.Join(t.TempDir(), "config.yaml")
		f := startFinesse(t)
		require.NoError(t, os.WriteFile(conf, []byte("finesse: {nodes: [{rest: "+f.RESTURL()+", notify: "+f.NotifyURL()+"}]}\nmessages: {status_bar: true, status_bar_file: "+file+"}\n"), 0o600))
		loaded, err := config.Load(conf)
		require.NoError(t, err)
		c := launch(t, f, configuration(t, s, f), func(c *config.Config) { c.Messages.StatusBar, c.Messages.Sentences = true, loaded.Messages.Sentences })
		c.waitConsuming()
		d := newDriver(c, "crm")
		d.signIn("1001", "2001")
		d.send("agent_state/MakeReady#1001")
		d.expect("agent_state\t1001#State#READY##Ada Lovelace", "agent_control\t1001#Control#PrintStatusBar#Sie sind bereit, los geht's")
	})
}
