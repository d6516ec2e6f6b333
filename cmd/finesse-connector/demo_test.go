package main

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// conversation is what the demo shows of both sides, by format.
var conversation = map[string][]string{
	"text": {
		"→ system/Hello#demo\n", "← system System#IN_SERVICE\n",
		"→ agent_info/Connect#1001 demo,****\n",
		"→ agent_state/Login#1001 ****,2001\n", "← agent_info 1001#AgentInfo#Ada#Lovelace#false#", "← agent_state 1001#State#NOT_READY##Ada Lovelace\n",
		"→ agent_state/MakeReady#1001\n", "← agent_state 1001#State#READY##Ada Lovelace\n",
		"(a call from 4085551234)", "← agent_call 1001#NewInboundCall#4085551234#4085551234|callVariable1=Chuck Smith|", "← agent_call 1001#InboundCall#ALERTING#DialogID:16870001#4085551234#",
		"→ agent_call/AnswerCall#1001 16870001\n", "← agent_call 1001#InboundCall#ACTIVE#DialogID:16870001#",
		"→ agent_call/HoldCall#1001 16870001\n", "← agent_call 1001#InboundCall#HELD#DialogID:16870001#",
		"→ agent_call/RetrieveCall#1001 16870001\n", "← agent_call 1001#InboundCall#ACTIVE#DialogID:16870001#",
		"→ agent_call/ReleaseCall#1001 16870001\n", "← agent_call 1001#InboundCall#DROPPED#DialogID:16870001#",
		"→ agent_call/MakeCall#1001 4085556789\n", "← agent_call 1001#InboundCall#INITIATED#DialogID:16870002#", "← agent_call 1001#InboundCall#ACTIVE#DialogID:16870002#",
		"→ agent_call/ReleaseCall#1001 16870002\n", "← agent_call 1001#InboundCall#DROPPED#DialogID:16870002#",
		"→ agent_state/Logout#1001\n", "← agent_state 1001#State#LOGOUT##Ada Lovelace\n",
	},
	"json": {
		"→ system/Hello#demo\n", `← system {"type":"System","status":"IN_SERVICE"}`,
		"→ agent_info/Connect#1001 demo,****\n",
		"→ agent_state/Login#1001 ****,2001\n", `← agent_info {"type":"AgentInfo","firstName":"Ada"`, `← agent_state {"type":"State","agentId":"1001","state":"NOT_READY"`,
		"→ agent_state/MakeReady#1001\n", `"state":"READY"`,
		"(a call from 4085551234)", `← agent_call {"type":"NewInboundCall","dialogId":"16870001","fromAddress":"4085551234"`, `{"type":"InboundCall","dialogId":"16870001","state":"ALERTING"`,
		"→ agent_call/AnswerCall#1001 16870001\n", `{"type":"InboundCall","dialogId":"16870001","state":"ACTIVE"`,
		"→ agent_call/HoldCall#1001 16870001\n", `{"type":"InboundCall","dialogId":"16870001","state":"HELD"`,
		"→ agent_call/RetrieveCall#1001 16870001\n", `{"type":"InboundCall","dialogId":"16870001","state":"ACTIVE"`,
		"→ agent_call/ReleaseCall#1001 16870001\n", `{"type":"InboundCall","dialogId":"16870001","prevDialogId":null,"state":"DROPPED"`,
		"→ agent_call/MakeCall#1001 4085556789\n", `{"type":"InboundCall","dialogId":"16870002","state":"ACTIVE"`,
		"→ agent_call/ReleaseCall#1001 16870002\n", `"state":"DROPPED"`,
		"→ agent_state/Logout#1001\n", `"state":"LOGOUT"`,
	},
}

func TestTheDemoShowsAConversation(t *testing.T) {
	t.Parallel()
	for format, messages := range conversation {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			got := run(t, "demo", "--format", format)
			require.Equal(t, exitDone, got.code, got.err)
			requireInOrder(t, got.out, messages...)
			require.Regexp(t, `^done in \S+s\n$`, got.err)
			for line := range strings.Lines(got.out) {
				require.LessOrEqual(t, length(line), pageWidth+1, "a line is cut where it does not fit")
				require.NotContains(t, line, "\x1b", "colours are for terminals")
			}
		})
	}
}

func TestTheDemoShowsNoPassword(t *testing.T) {
	t.Parallel()
	got := run(t, "demo", "--full", "--verbose")
	require.Equal(t, exitDone, got.code, got.err)
	require.Contains(t, got.out, "|callVariable9=|callVariable10=#", "messages are in full")
	require.Contains(t, got.err, "command done", "the log is there")
	require.NotContains(t, got.out+got.err, demoPassword)
}

func TestTheDemoReportsThatItsAddressIsTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()

	got := run(t, "demo", "--listen", l.Addr().String())
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, l.Addr().String())
	require.Contains(t, got.err, "address already in use; stop what listens there, or name another address with --listen\n")
	requireComplaint(t, got.err)

	require.Equal(t, "127.0.0.1:0", freeOr(l.Addr().String()), "without a demand for an address, another one does")
}

func TestTheDemoEndsWithASignal(t *testing.T) {
	t.Parallel()
	p := keepDemo(t)
	p.signal(2)
	require.Equal(t, exitDone, p.wait())
}
