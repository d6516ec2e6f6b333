// Command finesse-connector lets CRM drivers drive Cisco Finesse agents by
// messages on a broker.
//
// Each sub-command has a file of its own. This package parses what the user
// typed, builds what the packages below internal offer and turns their errors
// into exit codes; it is the only one that knows of arguments, signals and
// exits.
//
// What programs read goes to standard output, what people read to standard
// error, errors in the form "finesse-connector: …".
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

// untilSignal gives a context that ends with the first SIGINT or SIGTERM. The
// second ends the process at once. stop gives signals their usual meaning back.
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
