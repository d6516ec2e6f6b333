package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker/embedded"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// lab is a broker and a simulated Finesse, and the configuration of a
// connector between them.
type lab struct {
	broker  *embedded.Broker
	url     string // of the broker
	finesse *simulator.Simulator
	config  string
}

// brokerPassword is the broker's; agents have demoPassword.
const brokerPassword = "broker-canary"

func newLab(t *testing.T) *lab {
	t.Helper()
	b, err := embedded.Start(embedded.Options{Listen: servertest.FreeAddress(t), Username: "gc", Password: gc.NewSecret(brokerPassword)})
	require.NoError(t, err)
	t.Cleanup(b.Close)
	f, err := simulator.Start(simulator.Options{MaxDelay: simulator.NoDelay})
	require.NoError(t, err)
	t.Cleanup(f.Close)
	l := &lab{broker: b, url: "tcp://" + b.Addr(), finesse: f, config: filepath.Join(t.TempDir(), "config.yaml")}
	beside := func(name, content string) {
		require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(l.config), name), []byte(content), 0o600))
	}
	beside("ca.pem", string(f.CertificatePEM()))
	beside("broker-password", brokerPassword+"\n")
	beside("config.yaml", fmt.Sprintf(`
broker: {urls: [%q], username: gc, password_file: broker-password, command_queue: Lab}
finesse:
  nodes: [{rest: %q, notify: %q}]
  ca_file: ca.pem
  request_timeout: 30s
http: {listen: "127.0.0.1:0"}
`, l.url, f.RESTURL(), f.NotifyURL()))
	return l
}

func TestServeReportsAllFaultsOfTheConfiguration(t *testing.T) {
	t.Parallel()
	path := write(t, "config.yaml", `
broker: {heartbeat: 10, colour: red}
finesse: {nodes: [{rest: "http://127.0.0.1:8082", notify: "xmpps://127.0.0.1:5223"}]}
log: {level: loud}
`)
	for _, command := range []string{"serve", "check"} {
		got := run(t, command, "--config", path)
		require.Equal(t, exitUsage, got.code)
		require.Empty(t, got.out)
		require.Equal(t, []string{
			`finesse-connector: broker.colour: unknown key; accepted: embedded, urls, username, password_file, password, ca_file, command_queue, sync_topic, consumer_priority, heartbeat, priority_backup, max_command_age`,
			`finesse-connector: broker.heartbeat: "10": has no unit; accepted: 1s to 5m`,
			`finesse-connector: finesse.nodes[0].rest: "http://127.0.0.1:8082": begins with the wrong scheme; accepted: https://host or https://host:port without a path`,
			`finesse-connector: log.level: "loud": is not known; accepted: debug, info, warn or error`,
			`finesse-connector: correct ` + path + `; "finesse-connector config describe" explains every key`,
		}, strings.Split(strings.TrimSpace(got.err), "\n"))
	}
}

func TestServeNamesAMissingFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "none.yaml")
	got := run(t, "serve", "--config", path)
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, path+": cannot be read: no such file or directory")
}

func TestServeAnswersAndStopsWithASignal(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	p := launch(t, "", nil, "serve", "--config", l.config)

	hello := run(t, "send", "--config", l.config, "--wait", "20s", "Hello#desk")
	require.Equal(t, exitDone, hello.code, hello.err)
	require.Equal(t, "system System#IN_SERVICE\n", hello.out)

	p.signal(syscall.SIGTERM)
	require.Equal(t, exitDone, p.wait(), p.err.String())
	requireInOrder(t, p.err.String(), `"msg":"starting"`, `"msg":"started"`, `"msg":"stopping"`, `"msg":"stopped"`)
	require.Empty(t, p.out.String())
	require.NotContains(t, p.err.String(), brokerPassword)
}

func TestServeLogsWarningsOfTheConfiguration(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	env := []string{"FINESSE_CONNECTOR_BROKER_USER=gc", "FINESSE_CONNECTOR_HTTP_LISTEN=:0"}
	p := launch(t, "", env, "serve", "--config", l.config)
	p.await(p.err, "the environment variable FINESSE_CONNECTOR_BROKER_USER sets nothing")
	p.await(p.err, "http.listen :0 can be reached from other hosts")
	p.await(p.err, `"msg":"started"`)
	p.signal(syscall.SIGINT)
	require.Equal(t, exitDone, p.wait())
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	require.NoError(t, l.finesse.Inject(simulator.Fault{Kind: simulator.SlowREST, Agent: "1001", Count: 10, Delay: time.Minute}))
	p := launch(t, "", nil, "serve", "--config", l.config)
	p.await(p.err, `"msg":"started"`)
	sent := runWith(t, "desk,secret", "send", "--config", l.config, "--wait", "1s", "Connect#1001", "-")
	require.Equal(t, exitDone, sent.code, sent.err)

	p.signal(syscall.SIGTERM)
	p.await(p.err, `"msg":"stopping"`)
	p.signal(syscall.SIGTERM)
	require.Equal(t, exitFailed, p.wait())
	require.NotContains(t, p.err.String(), `"msg":"stopped"`, "an answer was still owed")
}

func TestSIGHUPAppliesWhatCanChange(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	original, err := os.ReadFile(l.config)
	require.NoError(t, err)
	p := launch(t, "", nil, "serve", "--config", l.config)
	p.await(p.err, `"msg":"started"`)
	reload := func(more string) {
		require.NoError(t, os.WriteFile(l.config, append(original, more...), 0o600))
		p.signal(syscall.SIGHUP)
	}

	reload("messages: {format: xml}\n")
	p.await(p.err, `"msg":"configuration not reloaded; correct it and send SIGHUP again"`)
	reload("messages: {format: json, category_property: kind}\nlog: {level: debug}\n")
	p.await(p.err, `"msg":"some keys changed that a running connector keeps; restart it to use them","keys":["messages.category_property"]`)
	require.Contains(t, p.err.String(), `"msg":"configuration reloaded","changed":["messages.format","log.level"]`)

	hello := run(t, "send", "--config", l.config, "--wait", "20s", "Hello#desk")
	require.Contains(t, hello.out, `{"type":"System","status":"IN_SERVICE"}`, hello.err)
	p.await(p.err, `"level":"debug"`)
	p.signal(syscall.SIGTERM)
	require.Equal(t, exitDone, p.wait())
}

func TestServeReportsThatItsAddressIsTaken(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	got := launch(t, "", []string{"FINESSE_CONNECTOR_HTTP_LISTEN=" + l.broker.Addr()}, "serve", "--config", l.config)
	require.Equal(t, exitFailed, got.wait())
	require.Contains(t, got.err.String(), "finesse-connector: start: ")
	require.Contains(t, got.err.String(), l.broker.Addr()+": bind: address already in use; stop what listens there, or name another address in "+l.config)
}

// systemd listens on a socket to what a service reports (sd_notify(3)).
func systemd(t *testing.T) (path string, said func() string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	var heard output
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		datagram := make([]byte, 4096)
		for {
			n, err := conn.Read(datagram)
			if err != nil {
				return
			}
			_, _ = heard.Write(append(datagram[:n], '\n'))
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-ended
	})
	return path, heard.String
}

func TestSystemdIsKeptInformed(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	addr := l.broker.Addr()
	l.broker.Close()
	socket, said := systemd(t)
	says := func(text string) {
		t.Helper()
		require.Eventually(t, func() bool { return strings.Contains(said(), text) }, patience, 5*time.Millisecond, "%s in %q", text, said())
	}
	p := launch(t, "", []string{"NOTIFY_SOCKET=" + socket, "WATCHDOG_USEC=200000"}, "serve", "--config", l.config)
	says("READY=1\nSTATUS=waiting for the broker\n")
	says("WATCHDOG=1\n")

	b, err := embedded.Start(embedded.Options{Listen: addr, Username: "gc", Password: gc.NewSecret(brokerPassword)})
	require.NoError(t, err)
	defer b.Close()
	says("STATUS=taking commands from tcp://" + addr + "\n")

	p.signal(syscall.SIGTERM)
	require.Equal(t, exitDone, p.wait(), p.err.String())
	says("STOPPING=1\nSTATUS=stopping\n")
}
