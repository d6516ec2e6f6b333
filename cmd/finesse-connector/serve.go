package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/finesse-connector/finesse-connector/internal/app"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/ops"
)

func newServe() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Runs the daemon",
		Long: `Runs the daemon until SIGTERM or SIGINT. It then answers the commands it holds
within 15 s and leaves agents signed in at Finesse. A second signal ends it at
once. SIGHUP reads the configuration again; the log says what is applied and
what waits for a restart.

The log goes to standard error. Under systemd (Type=notify) the service is
ready when the process runs, even while the broker is away; systemctl status
shows what it waits for.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), path) },
	}
	cmd.Flags().StringVar(&path, "config", defaultConfig, "the configuration `FILE`")
	return cmd
}

func serve(ctx context.Context, path string) error {
	c, err := loadConfig(path)
	if err != nil {
		return err
	}
	level, err := zap.ParseAtomicLevel(c.Log.Level)
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGPIPE) // a log that nobody reads any more must not end the process
	log, closing, err := ops.ServiceLogger(level, c.Log.Format)
	if err != nil {
		return err
	}
	defer closing()
	v := versionOf()
	log.Info("starting", zap.String("version", v.Version), zap.String("commit", v.Commit), zap.String("config", path))
	for _, w := range c.Warnings {
		log.Warn("the configuration works but should be changed", zap.String("what", w))
	}
	a, err := app.New(c, log)
	if err != nil {
		return fmt.Errorf("start: %w", explainListen(err, "in "+path))
	}
	return runAsService(ctx, a, log, func() { reload(a, path, level, log) })
}

// reload applies the changes of the file. A file with a fault changes nothing.
func reload(a *app.App, path string, level zap.AtomicLevel, log *zap.Logger) {
	c, err := config.Load(path)
	if err != nil {
		log.Error("configuration not reloaded; correct it and send SIGHUP again", zap.String("config", path), zap.Error(err))
		return
	}
	if l, err := zapcore.ParseLevel(c.Log.Level); err == nil { // Load has checked it
		level.SetLevel(l)
	}
	a.Reload(c)
}

// runAsService runs a until ctx ends, reloads on SIGHUP and keeps the service
// manager informed.
func runAsService(ctx context.Context, a *app.App, log *zap.Logger, reload func()) error {
	ctx, stop := context.WithCancel(ctx) // a may end by itself
	defer stop()
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	s := &service{log: log}
	beside, end := context.WithCancel(context.WithoutCancel(ctx)) // even while a stops
	var running sync.WaitGroup
	s.notify(ops.ServiceReady, ops.ServiceStatus(statusOf(a)))
	running.Go(func() { s.follow(ctx, a) })
	running.Go(func() {
		for {
			select {
			case <-hangups:
				reload()
			case <-ctx.Done():
				return
			}
		}
	})
	running.Go(func() {
		if err := ops.Watchdog(beside, func() error { return s.live(a) }); err != nil {
			s.failed(err)
		}
	})
	err := a.Run(ctx)
	stop()
	end()
	running.Wait()
	return err
}

// service tells systemd the state of the connector.
type service struct {
	log   *zap.Logger
	once  sync.Once
	stuck sync.Once
}

// live is called by the watchdog. A deadlock in what it reads also silences the
// watchdog.
func (s *service) live(a *app.App) error {
	a.Readiness()
	err := a.Live()
	if err != nil {
		s.stuck.Do(func() {
			s.log.Error("a loop of the connector stands still: systemd gets no sign of life any more", zap.Error(err),
				zap.String("action", "restart the connector, unless a watchdog does; please report the goroutine stacks at the end of the log"))
		})
	}
	return err
}

func (s *service) notify(states ...string) {
	if err := ops.Notify(states...); err != nil {
		s.failed(err)
	}
}

func (s *service) failed(err error) {
	s.once.Do(func() {
		s.log.Warn("the state of the service cannot be reported to systemd; check NOTIFY_SOCKET", zap.Error(err))
	})
}

// follow keeps the status line current until ctx ends.
func (s *service) follow(ctx context.Context, a *app.App) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for shown := ""; ; {
		if now := statusOf(a); now != shown {
			s.notify(ops.ServiceStatus(now))
			shown = now
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.notify(ops.ServiceStopping, ops.ServiceStatus("stopping"))
			return
		}
	}
}

// statusOf returns what systemctl status shows.
func statusOf(a *app.App) string {
	r := a.Readiness()
	switch {
	case r.Broker.Consuming:
		return "taking commands from " + r.Broker.URL
	case r.Ready():
		return "standby: another connector takes the commands"
	default:
		return "waiting for the broker"
	}
}
