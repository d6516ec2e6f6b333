package main

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

// ActiveMQ knows wildcards, unlike the built-in broker, and keeps text in
// Java's form.
func TestWithActiveMQ(t *testing.T) {
	if testing.Short() {
		t.Skip("starts ActiveMQ")
	}
	t.Parallel()
	url := "tcp://" + servertest.StartActiveMQ(t).STOMP
	l := newLab(t)
	data, err := os.ReadFile(l.config)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(l.config, []byte(strings.Replace(string(data), "tcp://"+l.broker.Addr(), url, 1)), 0o600))
	serve := launch(t, "", nil, "serve", "--config", l.config)
	tail := launch(t, "", nil, "tail", "--broker", url)
	tail.await(tail.err, "listening to /topic/> until Ctrl-C\n")

	hello := run(t, "send", "--config", l.config, "--wait", "20s", "Hello#Desk.1")
	require.Equal(t, exitDone, hello.code, hello.err)
	require.Equal(t, "system System#IN_SERVICE\n", hello.out)
	login := run(t, "send", "--config", l.config, "GetState#1001😀")
	require.Equal(t, exitDone, login.code, login.err)
	require.Equal(t, "agent_state 1001😀#State#RE_LOGIN\n", login.out)
	checked := run(t, "check", "--config", l.config)
	require.Contains(t, checked.out, "lets the connector in, ActiveMQ/")

	tail.await(tail.out, "1001😀#State#RE_LOGIN")
	require.Contains(t, tail.out.String(), " /topic/Desk.1 system System#IN_SERVICE\n")
	require.NotContains(t, tail.out.String(), "Advisory")
	tail.signal(syscall.SIGTERM)
	require.Equal(t, exitDone, tail.wait(), tail.err.String())
	serve.signal(syscall.SIGTERM)
	require.Equal(t, exitDone, serve.wait(), serve.err.String())
}
