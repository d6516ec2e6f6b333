package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/ops"
)

type demoFlags struct {
	format              string
	listen              string
	keep, full, verbose bool
}

// Where --keep listens unless something else does.
const (
	keepBroker  = "127.0.0.1:61613"
	keepHTTP    = "127.0.0.1:8112"
	keepControl = defaultControl
)

func newDemo() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Shows everything at work on this machine, with no configuration",
		Long: `Starts a built-in broker, a simulated Finesse and the connector on free ports of
this machine, and a driver that signs an agent in, takes, holds and ends a call,
makes one and signs the agent out. It prints what driver and
connector send each other: → is a command, ← an event. Call variables are left
out and lines cut where they do not fit.

With --keep the parts listen on ` + keepBroker + ` (broker), ` + keepHTTP + ` (connector)
and ` + keepControl + ` (calls), each on another port when that one is taken, or when
--listen names one for the broker.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return demo(cmd.Context(), cmd, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", string(wire.Text), "the `FORMAT` of events: text, text-4.4 or json")
	flags.StringVar(&f.listen, "listen", "", "the `ADDRESS` of the broker (default a free port, with --keep "+keepBroker+" if that is free)")
	flags.BoolVar(&f.keep, "keep", false, "leave everything running afterwards and say how to join in")
	flags.BoolVar(&f.full, "full", false, "print messages in full")
	flags.BoolVar(&f.verbose, "verbose", false, "log what the parts do to standard error")
	return cmd
}

func demo(ctx context.Context, cmd *cobra.Command, f demoFlags) error {
	format, err := wire.ParseFormat(f.format)
	if err != nil {
		return usagef("--format %s: %w", f.format, err)
	}
	if format == wire.TextOld {
		return usagef("--format %s does not name a call that is being made, and the driver could not end it; use text, text-4.4 or json", format)
	}
	log := zap.NewNop()
	if f.verbose {
		if log, err = ops.Logger(zap.DebugLevel, "console"); err != nil {
			return err
		}
	}
	start := time.Now()
	s, err := openStage(ctx, f.addresses(), log)
	if err != nil {
		return explainListen(err, "with --listen")
	}
	defer s.close()
	out := cmd.OutOrStdout()
	if err := converse(ctx, s, format, &transcript{w: out, screen: screenOf(out), full: f.full}); err != nil {
		return err
	}
	cmd.PrintErrf("done in %s\n", time.Since(start).Round(10*time.Millisecond))
	if f.keep {
		invite(out, s)
		<-ctx.Done()
	}
	return nil
}

func (f *demoFlags) addresses() addresses {
	const anyPort = "127.0.0.1:0"
	switch {
	case f.keep && f.listen == "":
		return addresses{broker: freeOr(keepBroker), http: freeOr(keepHTTP), control: freeOr(keepControl)}
	case f.keep:
		return addresses{broker: f.listen, http: anyPort, control: anyPort}
	case f.listen != "":
		return addresses{broker: f.listen, http: anyPort}
	}
	return addresses{broker: anyPort, http: anyPort}
}

// converse lets the driver play its script.
func converse(ctx context.Context, s *stage, format wire.Format, t *transcript) error {
	d, err := newDriver(ctx, s.brokerURL(), demoDestination, format)
	if err != nil {
		return err
	}
	defer d.client.Close()
	return play(ctx, s.finesse, d, t)
}

// invite says how to join in.
func invite(w io.Writer, s *stage) {
	me, url := os.Args[0], s.brokerURL()
	fmt.Fprintf(w, `
Everything is left running until Ctrl-C:
  broker    %[2]s (STOMP; commands go to /queue/Connector1)
  finesse   %[3]s (%[6]s; password %[4]s)
  connector http://%[5]s/readyz and /metrics

Join in from other terminals, for example:
  %[1]s tail --broker %[2]s desk
  %[1]s send --broker %[2]s Hello#desk
  %[1]s send --broker %[2]s Connect#1002 desk,%[4]s
  %[1]s send --broker %[2]s --destination desk Login#1002 %[4]s,2002
  %[1]s send --broker %[2]s --destination desk MakeReady#1002
  %[1]s simulate call 1002 --control %[3]s
  %[1]s send --broker %[2]s --destination desk AnswerCall#1002 DIALOG-ID
`, me, url, s.finesse.ControlURL(), demoPassword, s.connector.HTTPAddr(), simulatedUsers)
}
