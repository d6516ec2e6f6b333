package ops

import (
	"context"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// What Notify can tell systemd; see sd_notify(3).
const (
	ServiceReady    = daemon.SdNotifyReady
	ServiceStopping = daemon.SdNotifyStopping
)

// ServiceStatus is the line that systemctl status shows.
func ServiceStatus(text string) string {
	return "STATUS=" + strings.ReplaceAll(text, "\n", " ")
}

// Notify tells systemd about the service, all states in one datagram. Without
// NOTIFY_SOCKET (not started by systemd, or not as Type=notify) it does
// nothing. It does not wait for systemd to act.
func Notify(states ...string) error {
	_, err := daemon.SdNotify(false, strings.Join(states, "\n"))
	return err
}

// Watchdog shows systemd a sign of life twice in each WatchdogSec for as long
// as live gives nil, until ctx ends. A process that does not live is thereby
// restarted. It returns at once when the service has no watchdog. The error
// says why systemd could not be told, which ends in a restart too.
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
