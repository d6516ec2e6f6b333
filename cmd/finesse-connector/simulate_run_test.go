package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// simulating starts a simulator with a control page and returns its
// description.
func simulating(t *testing.T, args ...string) simulated {
	t.Helper()
	p := launch(t, "", nil, simulateArgs(append(args, "--json", "--max-delay", "0")...)...)
	p.await(p.out, "\n")
	var s simulated
	require.NoError(t, json.Unmarshal([]byte(p.out.String()), &s))
	return s
}

func TestSimulateRunPlaysAScript(t *testing.T) {
	t.Parallel()
	s := simulating(t)
	got := run(t, "simulate", "run", "preview-reject", "1005", "--control", s.Control)
	require.Equal(t, exitDone, got.code, got.err)
	require.Empty(t, got.out)
	require.Equal(t, `  3  sign-in 1001
  4  state 1001 READY
  5  preview 1001 customer 4085559876 campaign Spring
  6  wait 1001 OUTBOUND_PREVIEW
  7  reject 1001
  8  wait 1001 READY
`, got.err)

	file := write(t, "my.script", "agents 1001\nsign-in 1001 at 7055\nanswer 1001\n")
	got = run(t, "simulate", "run", file, "1006", "--control", s.Control)
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, "  2  sign-in 1001 at 7055\n  3  answer 1001\n"+
		"finesse-connector: my.script:3: answer 1001: agent 1006 has no call that offers ANSWER: the agent is NOT_READY\n", got.err)
}

func TestSimulateRunReportsWhatIsWrong(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		args []string
		says string
		code int
	}{
		"a script has a name or a file": {[]string{"dance"}, `there is no script and no file "dance"; the scripts are barge, blind-transfer,`, exitUsage},
		"a file can be read":            {[]string{t.TempDir()}, "read the script: ", exitFailed},
		"a file is a script":            {[]string{write(t, "bad.script", "\ndance\n")}, `bad.script:2: "dance" is not a verb; accepted are agents, say,`, exitUsage},
		"agents are agents":             {[]string{"barge", "a/b"}, `agent "a/b": agent id has a character`, exitUsage},
		"a script is named":             {nil, "requires at least 1 arg", exitUsage},
		"a simulator runs":              {[]string{"barge", "--control", "http://127.0.0.1:1"}, "is the simulator running with a control address?", exitFailed},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			got := run(t, append([]string{"simulate", "run"}, test.args...)...)
			require.Contains(t, got.err, test.says)
			require.Equal(t, test.code, got.code)
		})
	}
}

func TestSimulateScripts(t *testing.T) {
	t.Parallel()
	got := run(t, "simulate", "scripts")
	require.Equal(t, exitDone, got.code)
	requireInOrder(t, got.out, "barge            A supervisor listens,", "inbound-call     An inbound call with call variables", "wrap-up ")
	got = run(t, "simulate", "scripts", "barge")
	require.Equal(t, simulator.FindScript("barge").Text, got.out)
	got = run(t, "simulate", "scripts", "dance")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, `there is no script "dance"; the scripts are barge,`)
}

func TestSimulateAgentsForLoadTests(t *testing.T) {
	t.Parallel()
	s := simulating(t, "--agents", "2")
	require.Len(t, s.Agents, 30)
	require.EqualValues(t, "10002", s.Agents[29])
	got := run(t, "simulate", "--agents", "-1")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "--agents -1 is negative")
}
