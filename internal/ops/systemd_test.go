package ops_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/ops"
)

// serviceManager listens in place of systemd.
func serviceManager(t *testing.T) *net.UnixConn {
	t.Helper()
	// t.TempDir can be longer than the 108 bytes of a socket's address.
	dir, err := os.MkdirTemp("", "notify")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	path := filepath.Join(dir, "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return conn
}

func receive(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(5*time.Second)))
	buffer := make([]byte, 1024)
	n, err := conn.Read(buffer)
	require.NoError(t, err)
	return string(buffer[:n])
}

func TestNotifySendsAllStatesAtOnce(t *testing.T) {
	manager := serviceManager(t)
	require.NoError(t, ops.Notify(ops.ServiceReady, ops.ServiceStatus("2 agents\nREADY=0")))
	require.Equal(t, "READY=1\nSTATUS=2 agents READY=0", receive(t, manager))
	require.NoError(t, ops.Notify(ops.ServiceStopping))
	require.Equal(t, "STOPPING=1", receive(t, manager))
}

func TestNotifyIsSilentOutsideSystemd(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	require.NoError(t, ops.Notify(ops.ServiceReady))
}

func TestNotifyReportsASocketThatIsGone(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	require.Error(t, ops.Notify(ops.ServiceReady))
}

// watch runs Watchdog until the test ends and returns its result.
func watch(t *testing.T, interval time.Duration, live func() error) (stop func() error) {
	t.Helper()
	t.Setenv("WATCHDOG_USEC", strconv.FormatInt(interval.Microseconds(), 10))
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- ops.Watchdog(ctx, live) }()
	return func() error {
		cancel()
		return <-done
	}
}

func TestTheWatchdogShowsLifeOnlyWhileTheProcessLives(t *testing.T) {
	manager := serviceManager(t)
	answers := make(chan error)
	stop := watch(t, 10*time.Millisecond, func() error {
		answer, ok := <-answers
		if !ok {
			return errors.New("the test is over")
		}
		return answer
	})
	for range 3 {
		answers <- nil
		require.Equal(t, "WATCHDOG=1", receive(t, manager))
	}
	for range 3 {
		answers <- errors.New("stuck")
	}
	answers <- nil
	require.Equal(t, "WATCHDOG=1", receive(t, manager))
	close(answers)
	require.NoError(t, stop())

	// Nothing was sent while the process was stuck.
	require.NoError(t, manager.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
	_, err := manager.Read(make([]byte, 64))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
}

func TestWithoutWatchdogSecTheWatchdogReturnsAtOnce(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "")
	require.NoError(t, ops.Watchdog(t.Context(), func() error { return nil }))
}

func TestTheWatchdogOfAnotherProcessIsNotOurs(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "1000000")
	t.Setenv("WATCHDOG_PID", "1")
	require.NoError(t, ops.Watchdog(t.Context(), func() error { return nil }))
}

func TestAWrongWatchdogIntervalIsAnError(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "soon")
	require.Error(t, ops.Watchdog(t.Context(), func() error { return nil }))
}
