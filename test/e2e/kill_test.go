package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// process is a connector of its own, which can be killed.
type process struct {
	t    *testing.T
	args []string
	cmd  *exec.Cmd
	log  string // file
}

// newProcess is one between the shared ActiveMQ and Finesse, with sections of the
// configuration besides those that all have. It is not started.
func newProcess(t *testing.T, c *connector, ofBroker string, sections ...string) *process {
	t.Helper()
	dir := t.TempDir()
	program, file := filepath.Join(dir, "finesse-connector"), filepath.Join(dir, "config.yaml")
	built, err := exec.Command("go", "build", "-o", program, "../../cmd/finesse-connector").CombinedOutput()
	require.NoError(t, err, string(built))
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `
broker: {urls: [%q], command_queue: %s%s}
finesse: {nodes: [{rest: %q, notify: %q}], ca_file: %q}
messages: {time_zone: UTC}
http: {listen: "127.0.0.1:0"}
log: {level: debug}
%s
`, shared.URL(), c.config.Broker.CommandQueue, ofBroker, c.finesse.RESTURL(), c.finesse.NotifyURL(), c.config.Finesse.CAFile, strings.Join(sections, "\n")), 0o600))
	return &process{t: t, args: []string{program, "serve", "--config", file}}
}

func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.args[0], p.args[1:]...)
	log, err := os.Create(filepath.Join(p.t.TempDir(), "log"))
	require.NoError(p.t, err)
	p.log = log.Name()
	p.cmd.Stderr = log
	require.NoError(p.t, p.cmd.Start())
	cmd := p.cmd
	p.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed twice or once
		_ = log.Close()
		if p.t.Failed() {
			said, _ := os.ReadFile(log.Name())
			p.t.Logf("end of its log:\n%s", said[max(0, len(said)-8000):])
		}
	})
}

// count is how many lines of the log have text in them.
func (p *process) count(text string) int {
	p.t.Helper()
	log, err := os.ReadFile(p.log)
	require.NoError(p.t, err)
	return strings.Count(string(log), text)
}

// kill is kill -9: nothing is said to anybody.
func (p *process) kill() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Kill())
	require.Error(p.t, p.cmd.Wait())
}

// A connector that is killed in the middle of commands leaves them to the next
// one: what could do harm twice is answered PLEASE_RETRY, everything else asks
// for the agent, and the agent comes back with the call.
func TestAKilledProcess(t *testing.T) {
	t.Parallel()
	f := startFinesse(t)
	c := &connector{t: t, config: configuration(t, activeMQ(), f), finesse: f}
	p := newProcess(t, c, "")
	p.start()
	d := newDriver(c, "crm")
	d.begin("text")
	d.send("agent_state/MakeReady#1001")
	d.until("State#READY")
	_, err := f.Call("1001", simulator.Call{From: "4085551234"})
	require.NoError(t, err)
	id := d.untilCall(gc.Alerting)
	d.send("agent_call/AnswerCall#1001 " + id)
	d.until("State#TALKING")

	received := p.count("command received")
	require.NoError(t, f.Inject(simulator.Fault{Kind: simulator.SlowREST, Agent: "1001", Delay: time.Minute}))
	reply := "/topic/" + d.destination
	d.send("agent_state/GetState#1001", "reply-to", reply)
	d.send("agent_call/ReleaseCall#1001 "+id, "reply-to", reply)
	d.send("agent_state/GetState#1001", "reply-to", reply)
	eventually(t, func() bool { return p.count("command received") == received+3 })
	p.kill()
	p.start()
	d.expect("agent_state\t1001#State#RE_LOGIN", "agent_error\t1001#Error#PLEASE_RETRY", "agent_state\t1001#State#RE_LOGIN")
	d.send("system/Beat#" + d.destination)
	d.expect("system\tSystem#IN_SERVICE", "agent_state\tDESTINATION#"+d.destination+"#RECONNECT")
	d.signIn("1001", "2001")
	require.Equal(t, "DialogStatus#"+id, said(d.next().Body))
	d.released("1001", id, "READY")
}
