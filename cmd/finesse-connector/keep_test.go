package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// kept is a demo that was left running.
type kept struct {
	*process
	broker, control string
}

var printedAddresses = regexp.MustCompile(`broker    (tcp://\S+) .*\n  finesse   (http://\S+) `)

func keepDemo(t *testing.T) *kept {
	t.Helper()
	p := launch(t, "", nil, "demo", "--keep", "--listen", "127.0.0.1:0")
	p.await(p.out, "AnswerCall#1002 DIALOG-ID\n")
	found := printedAddresses.FindStringSubmatch(p.out.String())
	require.NotNil(t, found, p.out.String())
	return &kept{process: p, broker: found[1], control: found[2]}
}

// send runs "send" and returns the answers.
func (k *kept) send(input string, args ...string) string {
	k.t.Helper()
	got := runWith(k.t, input, append([]string{"send", "--broker", k.broker}, args...)...)
	require.Equal(k.t, exitDone, got.code, got.err)
	return got.out
}

// A driver developer's session with a running demo, from several terminals.
func TestJoiningInADemo(t *testing.T) {
	t.Parallel()
	k := keepDemo(t)
	tail := launch(t, "", nil, "tail", "--broker", k.broker, "desk")
	tail.await(tail.err, "listening to /topic/desk until Ctrl-C\n")
	asJSON := launch(t, "", nil, "tail", "--broker", k.broker, "--json", "/topic/desk", "queue://other")
	asJSON.await(asJSON.err, "listening to /topic/desk, /queue/other until Ctrl-C\n")

	require.Equal(t, "system System#IN_SERVICE\n", k.send("", "system/Hello#desk"))
	require.Empty(t, k.send("desk,secret\n", "--wait", "1s", "agent_info/Connect#1002", "-"))
	require.Equal(t, "agent_info 1002#AgentInfo#Alan#Turing#false#NOT_ALLOWED#Alan Turing\nagent_state 1002#State#NOT_READY##Alan Turing\n",
		k.send("secret,2002", "--destination", "desk", "agent_state/Login#1002", "-"))
	require.Equal(t, "agent_state 1002#State#READY##Alan Turing\n", k.send("", "--destination", "desk", "MakeReady#1002"))

	call := run(t, "simulate", "call", "1002", "--control", k.control, "--from", "4085550000", "--var", "callVariable2=a=b", "--var", "user.Tier=gold")
	require.Equal(t, exitDone, call.code, call.err)
	require.Regexp(t, `^\d+\n$`, call.out)
	dialog := strings.TrimSpace(call.out)
	tail.await(tail.out, "1002#InboundCall#ALERTING#DialogID:"+dialog)
	require.Contains(t, k.send("", "--destination", "desk", "AnswerCall#1002", dialog), "1002#InboundCall#ACTIVE#DialogID:"+dialog)

	tail.await(tail.out, "1002#State#TALKING")
	requireInOrder(t, tail.out.String(), "/topic/desk system System#IN_SERVICE\n", "agent_state 1002#State#READY##Alan Turing\n",
		"agent_call 1002#NewInboundCall#4085550000#4085550000|callVariable1=|callVariable2=a_b|", "user.Tier=gold", "#InboundCall#ACTIVE#")
	asJSON.await(asJSON.out, "1002#State#TALKING")
	for line := range strings.Lines(asJSON.out.String()) {
		var m message
		require.NoError(t, json.Unmarshal([]byte(line), &m))
		require.Equal(t, "/topic/desk", m.Destination)
		require.NotZero(t, m.Time)
	}
	require.NotContains(t, tail.out.String()+tail.err.String(), demoPassword)

	k.signal(syscall.SIGTERM)
	require.Equal(t, exitDone, k.wait(), k.err.String())
	require.Equal(t, exitFailed, tail.wait(), "tail does not come back by itself")
	require.Contains(t, tail.err.String(), "finesse-connector: the connection to the broker ended: ")
	require.Equal(t, exitFailed, asJSON.wait())
}

func TestSend(t *testing.T) {
	t.Parallel()
	k := keepDemo(t)

	t.Run("an answer finds its way to a destination of send's own", func(t *testing.T) {
		require.Equal(t, "agent_state 1009#State#RE_LOGIN\n", k.send("", "GetState#1009"))
	})
	t.Run("a refusal of the connector is printed", func(t *testing.T) {
		require.Equal(t, "agent_error 1009#Error#MISSING_NUMBER\n", k.send("", "agent_call/MakeCall#1009"))
	})
	t.Run("answers come in the format asked for", func(t *testing.T) {
		require.Equal(t, "system {\"type\":\"System\",\"status\":\"IN_SERVICE\"}\n", k.send("", "--format", "json", "Hello#json-desk"))
	})
	t.Run("programs get an object a line", func(t *testing.T) {
		var m message
		require.NoError(t, json.Unmarshal([]byte(k.send("", "--json", "Hello#queue://beats")), &m))
		require.NotEmpty(t, m.CorrelationID)
		m.Time, m.CorrelationID = m.Time.UTC(), ""
		require.Equal(t, message{Time: m.Time, Destination: "/queue/beats", Category: "system", Body: "System#IN_SERVICE"}, m)
	})
	t.Run("Connect has no answer when it works", func(t *testing.T) {
		got := runWith(t, "a,secret", "send", "--broker", k.broker, "--wait", "1s", "Connect#1008", "-")
		require.Equal(t, exitDone, got.code, got.err)
		require.Equal(t, "no answer on /topic/a within 1s, which is how Connect succeeds\n", got.err)
	})
	t.Run("any other silence is a failure", func(t *testing.T) {
		got := run(t, "send", "--broker", k.broker, "--wait", "300ms", "--destination", "b", "Login#1008", "secret,2008")
		require.Equal(t, exitFailed, got.code)
		require.Equal(t, "finesse-connector: no answer to Login#1008 ****,2008 on /topic/b within 300ms; "+
			"check that a connector runs, and name the destination of the agent's Connect with --destination\n", got.err)
	})
}

func TestTailReportsABrokerWithoutWildcards(t *testing.T) {
	t.Parallel()
	k := keepDemo(t)
	for _, args := range [][]string{nil, {"Crm.*"}} {
		got := run(t, append([]string{"tail", "--broker", k.broker}, args...)...)
		require.Equal(t, exitFailed, got.code)
		require.Contains(t, got.err, "this broker does not support wildcards, so name the destinations: finesse-connector tail NAME")
	}
	tail := launch(t, "", nil, "tail", "--broker", k.broker, "desk")
	tail.await(tail.err, "listening")
	tail.signal(syscall.SIGINT)
	require.Equal(t, exitDone, tail.wait(), tail.err.String())
}

func TestABrokerThatIsNotThereIsExplained(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"send", "Hello#desk"}, {"tail", "desk"}} {
		got := run(t, append(args, "--broker", "tcp://127.0.0.1:1")...)
		require.Equal(t, exitFailed, got.code)
		require.Contains(t, got.err, "finesse-connector: tcp://127.0.0.1:1: nothing listens")
		require.Contains(t, got.err, "start the broker")
	}
}
