package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// pair are two connectors with one command queue, and a driver.
type pair struct {
	*driver
	connector      *connector // as the driver finds them: one of the two
	owner, standby *process
}

const isOwner = "this connector is the owner of the command queue"

// startPair starts them, and signs agent 1001 in.
func startPair(t *testing.T) *pair {
	t.Helper()
	f := startFinesse(t)
	c := &connector{t: t, config: configuration(t, activeMQ(), f), finesse: f}
	key := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(key, []byte(strings.Repeat("canary-", 10)), 0o600))
	one := func(priority int) *process {
		p := newProcess(t, c, fmt.Sprintf(", sync_topic: %s.sync, consumer_priority: %d, heartbeat: 2s", c.config.Broker.CommandQueue, priority),
			fmt.Sprintf("cluster: {name: crm, key_file: %q}", key))
		p.start()
		return p
	}
	p := &pair{connector: c, owner: one(127)}
	eventually(t, func() bool { return p.owner.count(isOwner) == 1 })
	p.standby = one(100)
	eventually(t, func() bool { return p.standby.count("another connector is there") == 1 })
	p.driver = newDriver(c, "crm")
	p.begin("text")
	require.Zero(t, p.standby.count("command received"))
	return p
}

// comesBack is what a driver does that hears of the new owner.
func (p *pair) comesBack() {
	p.t.Helper()
	p.send("system/Beat#" + p.destination)
	p.expect("system\tSystem#IN_SERVICE", "agent_state\tDESTINATION#"+p.destination+"#RECONNECT")
	p.signIn("1001", "2001")
}

// Of two connectors the second goes on when the first cannot, with the commands that
// were not answered, in their order, and none of them runs twice.
func TestTwoConnectors(t *testing.T) {
	t.Parallel()
	t.Run("the owner is killed in the middle of commands", func(t *testing.T) {
		t.Parallel()
		p := startPair(t)
		received := p.owner.count("command received")
		require.NoError(t, p.connector.finesse.Inject(simulator.Fault{Kind: simulator.SlowREST, Agent: "1001", Delay: time.Minute}))
		reply := "/topic/" + p.destination
		p.send("agent_state/GetState#1001", "reply-to", reply)
		p.send("agent_call/MakeCall#1001 4085551234", "reply-to", reply)
		p.send("agent_state/MakeReady#1001", "reply-to", reply)
		eventually(t, func() bool { return p.owner.count("command received") == received+3 })
		p.owner.kill()
		p.expect("agent_state\t1001#State#RE_LOGIN", "agent_error\t1001#Error#PLEASE_RETRY", "agent_state\t1001#State#RE_LOGIN")
		require.Equal(t, 1, p.standby.count(isOwner))
		p.comesBack()
	})
	t.Run("the owner is frozen, and does nothing when it wakes", func(t *testing.T) {
		t.Parallel()
		p := startPair(t)
		received := p.owner.count("command received")
		require.NoError(t, p.connector.finesse.Inject(simulator.Fault{Kind: simulator.SlowREST, Agent: "1001", Delay: 2 * time.Second}))
		reply := "/topic/" + p.destination
		p.send("agent_state/GetState#1001", "reply-to", reply)
		p.send("agent_state/MakeReady#1001", "reply-to", reply)
		eventually(t, func() bool { return p.owner.count("command received") == received+2 })
		require.NoError(t, p.owner.cmd.Process.Signal(syscall.SIGSTOP))
		p.expect("agent_state\t1001#State#RE_LOGIN", "agent_state\t1001#State#RE_LOGIN")
		require.Equal(t, 1, p.standby.count(isOwner))
		require.NoError(t, p.owner.cmd.Process.Signal(syscall.SIGCONT))
		eventually(t, func() bool { return p.owner.count("another connector is the owner of the command queue now") == 1 })
		var exit *exec.ExitError
		require.ErrorAs(t, p.owner.cmd.Wait(), &exit)
		require.Equal(t, 1, exit.ExitCode())
		require.Equal(t, gc.NotReady, p.connector.agent("1001").State, "the one that was frozen has not made the agent ready")
		p.comesBack()
	})
	t.Run("the owner is stopped", func(t *testing.T) {
		t.Parallel()
		p := startPair(t)
		require.NoError(t, p.owner.cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, p.owner.cmd.Wait())
		eventually(t, func() bool { return p.standby.count(isOwner) == 1 })
		p.comesBack()
		for _, of := range []*process{p.owner, p.standby} {
			require.Zero(t, of.count("canary"), "the key is in the log")
			require.Zero(t, of.count("secret"))
		}
	})
}
