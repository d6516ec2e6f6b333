// Command finesse-connector lets CRM drivers drive Cisco Finesse agents by
// messages on a broker.
//
// Each sub-command has a file of its own. This package parses the command line,
// runs the packages below internal and turns their errors into exit codes; only
// it knows of arguments, signals and exits.
//
// Output for programs goes to standard output, output for people to standard
// error; errors have the form "finesse-connector: …".
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := untilSignal()
	code := execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// untilSignal returns a context that ends with the first SIGINT or SIGTERM. The
// second ends the process at once. stop restores the usual meaning of signals.
func untilSignal() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals, done := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			cancel()
		case <-done:
			return
		}
		select {
		case <-signals:
			os.Exit(exitFailed)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}
