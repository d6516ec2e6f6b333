package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/config"
)

func simulateArgs(more ...string) []string {
	return append([]string{"simulate", "--rest", "127.0.0.1:0", "--notify", "127.0.0.1:0", "--control", "127.0.0.1:0"}, more...)
}

func TestSimulatePrintsAConfigurationThatWorks(t *testing.T) {
	t.Parallel()
	p := launch(t, "", nil, simulateArgs("--max-delay", "0", "--password-file", write(t, "password", "canary\n"))...)
	p.await(p.out, "finesse-simulator.pem\"\n")
	p.await(p.err, "for the configuration of the connector:\n") // the two outputs are read separately
	requireInOrder(t, p.err.String(), "simulated finesse runs until Ctrl-C\n", "agents 1001 to 1025, supervisors 2001 to 2003, administrator admin", "control page http://127.0.0.1:", "simulate call 1001 --control http://127.0.0.1:", "simulate run inbound-call --control http://127.0.0.1:")
	require.NotContains(t, p.err.String()+p.out.String(), "canary")

	l := newLab(t)
	snippet := write(t, "config.yaml", "broker: {urls: ["+l.url+"], username: gc, password: "+brokerPassword+"}\n"+p.out.String())
	c, err := config.Load(snippet)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(p.cmd.Dir, "finesse-simulator.pem"), c.Finesse.CAFile)
	checked := run(t, "check", "--config", snippet, "--agent", "1001", "--password-file", write(t, "password", "canary"))
	require.Equal(t, exitDone, checked.code, checked.out+checked.err)

	p.signal(syscall.SIGTERM)
	require.Equal(t, exitDone, p.wait())
}

func TestSimulateDescribesItselfToPrograms(t *testing.T) {
	t.Parallel()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	p := launch(t, "", nil, simulateArgs("--json", "--ca-out", ca, "--domain", "lab.example", "--verbose")...)
	p.await(p.out, "\n")
	var s simulated
	require.NoError(t, json.Unmarshal([]byte(p.out.String()), &s))
	require.Equal(t, "lab.example", s.Domain)
	require.Equal(t, ca, s.CAFile)
	require.FileExists(t, ca)
	require.Len(t, s.Agents, 28)
	require.Regexp(t, `^https://127\.0\.0\.1:\d+$`, s.REST)
	require.Regexp(t, `^xmpps://127\.0\.0\.1:\d+$`, s.Notify)
	p.await(p.err, "simulated finesse is listening")

	got := run(t, "simulate", "call", "1001", "--control", s.Control)
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, "finesse-connector: place a call: agent 1001 is not signed in\n", got.err)

	p.signal(syscall.SIGINT)
	require.Equal(t, exitDone, p.wait())

	got = run(t, "simulate", "call", "1001", "--control", s.Control)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "is the simulator running with a control address?")
}

func TestSimulateASecondNode(t *testing.T) {
	t.Parallel()
	p := launch(t, "", nil, simulateArgs("--second", "--max-delay", "0", "--password-file", write(t, "password", "canary"))...)
	p.await(p.out, "finesse-simulator.pem\"\n")
	p.await(p.err, "for the configuration of the connector:\n")
	require.Contains(t, p.err.String(), "simulate run failover --control http://127.0.0.1:")
	l := newLab(t)
	snippet := write(t, "config.yaml", "broker: {urls: ["+l.url+"], username: gc, password: "+brokerPassword+"}\n"+p.out.String())
	c, err := config.Load(snippet)
	require.NoError(t, err)
	require.Len(t, c.Finesse.Nodes, 2)
	checked := run(t, "check", "--config", snippet, "--agent", "1001", "--password-file", write(t, "password", "canary"))
	require.Equal(t, exitDone, checked.code, checked.out+checked.err)

	s := simulating(t, "--second") // the usual addresses may be taken
	require.Equal(t, "finesse-b.local", s.Second.Domain)
	require.Regexp(t, `^https://127\.0\.0\.1:\d+$`, s.Second.REST)
	require.Regexp(t, `^xmpps://127\.0\.0\.1:\d+$`, s.Second.Notify)
	require.NotContains(t, p.out.String(), s.Second.REST)
	step := write(t, "my.script", "node b stop\n")
	got := run(t, "simulate", "run", step, "--control", s.Control)
	require.Equal(t, exitDone, got.code, got.err)
	got = run(t, "simulate", "run", step, "--control", simulating(t).Control)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "there is no node b: start the simulator with a second one (simulate --second)")
}

func TestSimulateReportsWhyItDoesNotStart(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	for rule, test := range map[string]struct {
		args []string
		says string
	}{
		"an address is taken":           {[]string{"--notify", l.Addr().String()}, "address already in use; stop what listens there, or name another address with --rest, --notify or --control"},
		"a domain is of one node":       {[]string{"--second", "--domain", "finesse-b.local"}, `both nodes have the domain "finesse-b.local"`},
		"a domain is a domain":          {[]string{"--domain", "A b"}, `domain "A b"`},
		"a password file exists":        {[]string{"--password-file", "none"}, "read the password: open none"},
		"a password is not empty":       {[]string{"--password-file", os.DevNull}, os.DevNull + " is empty; write the password into it"},
		"the certificate needs a place": {[]string{"--ca-out", "none/ca.pem"}, "write the certificate: "},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			got := run(t, simulateArgs(test.args...)...)
			require.Equal(t, exitFailed, got.code)
			require.Contains(t, got.err, test.says)
			require.Equal(t, 1, strings.Count(got.err, "\n"))
		})
	}
}
