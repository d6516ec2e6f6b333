package main

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

// newActiveMQLab makes a lab whose broker is ActiveMQ.
func newActiveMQLab(t *testing.T) *lab {
	t.Helper()
	l := newLab(t)
	built := l.url
	l.url = "tcp://" + servertest.StartActiveMQ(t).STOMP
	data, err := os.ReadFile(l.config)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(l.config, []byte(strings.Replace(string(data), built, l.url, 1)), 0o600))
	return l
}

// ActiveMQ knows wildcards, unlike the built-in broker, and keeps text in
// Java's form.
func TestWithActiveMQ(t *testing.T) {
	if testing.Short() {
		t.Skip("starts ActiveMQ")
	}
	t.Parallel()
	l := newActiveMQLab(t)
	t.Run("send, tail and check", func(t *testing.T) {
		serve := launch(t, "", nil, "serve", "--config", l.config)
		tail := launch(t, "", nil, "tail", "--broker", l.url)
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
	})
	t.Run("a capture made with it is the same offline and live, at its pace and as fast as it goes", func(t *testing.T) {
		file := captured(t, l, day)
		offline := run(t, "replay", "--format", "json", file)
		require.Equal(t, exitDone, offline.code, offline.out+offline.err)
		again := newTarget(t, l)
		for _, speed := range []string{"1", "max"} {
			got := again.live(t, "--speed", speed, file)
			require.Equal(t, exitDone, got.code, got.out+got.err)
			require.Contains(t, got.out, "12 of 13 commands sent")
			require.Contains(t, got.out, "no difference\n")
		}
	})
}
