package main

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The process writes nothing but the log. If it cannot write that, because the
// disk is full, or the reader has gone or has stopped, it works on and ends as
// always.
func TestALogThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	for name, stderr := range map[string]func(*testing.T) (log *os.File, spoil func()){
		"the disk is full": func(t *testing.T) (*os.File, func()) {
			full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			require.NoError(t, err)
			return full, func() {}
		},
		"the reader has gone": func(t *testing.T) (*os.File, func()) {
			reader, writer, err := os.Pipe()
			require.NoError(t, err)
			return writer, func() { require.NoError(t, reader.Close()) }
		},
		"the reader has stopped": func(t *testing.T) (*os.File, func()) {
			reader, writer, err := os.Pipe()
			require.NoError(t, err)
			t.Cleanup(func() { _ = reader.Close() })
			return writer, func() {}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			log, spoil := stderr(t)
			p := launchWithLog(t, log, []string{"FINESSE_CONNECTOR_LOG_LEVEL=debug"}, "serve", "--config", l.config)
			d := newDesk(t, l)
			d.send("Hello#desk", "")
			require.Contains(t, d.next(), "System#IN_SERVICE")
			spoil()
			require.NotEmpty(t, d.connect("1001"))
			for range 500 { // each is several lines, together more than a pipe holds
				d.send("GetState#1001", "")
				require.Contains(t, d.next(), "1001#State#LOGOUT")
			}
			p.signal(syscall.SIGTERM)
			require.Equal(t, exitDone, p.wait())
		})
	}
}

// launchWithLog starts the program with a log that the test does not read.
func launchWithLog(t *testing.T, log *os.File, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0], args...), out: &output{}, err: &output{}, ended: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), runMain+"=1", "GORACE=atexit_sleep_ms=0"), env...)
	p.cmd.Dir = t.TempDir()
	p.cmd.Stderr = log
	require.NoError(t, p.cmd.Start())
	require.NoError(t, log.Close())
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		select {
		case <-p.ended:
		case <-time.After(patience):
			t.Error("the program does not end")
		}
	})
	return p
}
