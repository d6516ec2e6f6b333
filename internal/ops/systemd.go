package ops

import (
	"context"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// States for Notify; see sd_notify(3).
const (
	ServiceReady    = daemon.SdNotifyReady
	ServiceStopping = daemon.SdNotifyStopping
)

// ServiceStatus makes the line that systemctl status shows.
func ServiceStatus(text string) string {
	return "STATUS=" + strings.ReplaceAll(text, "\n", " ")
}

// Notify tells systemd the states of the service, in one datagram. Without
// NOTIFY_SOCKET (not started by systemd, or not as Type=notify) it does
// nothing. It does not wait for systemd to act.
func Notify(states ...string) error {
	_, err := daemon.SdNotify(false, strings.Join(states, "\n"))
	return err
}

// Watchdog sends systemd a sign of life twice in each WatchdogSec as long as
// live returns nil, until ctx ends. So systemd restarts a process that stands
// still. Watchdog returns at once if the service has no watchdog. The error
// says why systemd could not be reached, which ends in a restart, too.
func Watchdog(ctx context.Context, live func() error) error {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval == 0 {
		return err
	}
	tick := time.NewTicker(interval / 2)
	defer tick.Stop()
	var failed error
	for {
		if live() == nil {
			failed = Notify(daemon.SdNotifyWatchdog)
		}
		select {
		case <-ctx.Done():
			return failed
		case <-tick.C:
		}
	}
}
