package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

type sendFlags struct {
	broker              brokerFlags
	wait                time.Duration
	destination, format string
	asJSON              bool
}

func newSend() *cobra.Command {
	var f sendFlags
	cmd := &cobra.Command{
		Use:   "send [CATEGORY/]TYPE#ID [PARAMETERS]",
		Short: "Sends one command and prints the answers",
		Long: `Sends one command to the connector's queue and prints what arrives for it.

Parameters are separated by commas; "-" reads them from standard input, which
keeps a password out of the list of processes. The destination listened on is
the one in Hello, Beat or Connect, else --destination. An agent's events go to
the destination of its Connect; without --destination only the answer about an
agent that nobody connected can be seen. Events read from a queue are lost to
its other readers.`,
		Example: `  ` + program + ` send system/Hello#desk
  echo desk,PASSWORD | ` + program + ` send Connect#1001 -
  ` + program + ` send --destination desk agent_state/MakeReady#1001`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error { return send(cmd.Context(), cmd, f, args) },
	}
	f.broker.register(cmd)
	flags := cmd.Flags()
	flags.DurationVar(&f.wait, "wait", 3*time.Second, "how long to wait for answers")
	flags.StringVar(&f.destination, "destination", "", "the `NAME` of the destination to listen on, a topic or queue://NAME (default a topic of its own)")
	flags.StringVar(&f.format, "format", "", "ask for events in this `FORMAT`, text, text-old, text-4.4 or json; counts on Hello, Beat and Connect")
	flags.BoolVar(&f.asJSON, "json", false, "print answers as JSON, one object a line")
	return cmd
}

func send(ctx context.Context, cmd *cobra.Command, f sendFlags, args []string) error {
	o, err := readOrder(args, cmd.InOrStdin())
	if err != nil {
		return err
	}
	destination, err := f.destinationOf(o)
	if err != nil {
		return err
	}
	c, err := f.broker.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	answers, err := c.listen(ctx, destination)
	if err != nil {
		return err
	}
	m := o.outgoing(c.queue, c.category)
	m.Headers["reply-to"], m.Headers["correlation-id"] = destination, rand.Text()
	if f.format != "" {
		m.Headers["format"] = f.format
	}
	if err := sendWithin(ctx, c, m, f.wait); err != nil {
		return fmt.Errorf("send %s: %w", o, err)
	}
	count, err := c.print(ctx, cmd.OutOrStdout(), answers, f)
	if err == nil && count == 0 {
		return noAnswer(cmd, o, destination, f.wait)
	}
	return err
}

func readOrder(args []string, in io.Reader) (order, error) {
	parameters := ""
	if len(args) == 2 {
		parameters = args[1]
	}
	if parameters == "-" {
		data, err := io.ReadAll(io.LimitReader(in, wire.MaxBody+2))
		if err != nil {
			return order{}, fmt.Errorf("read the parameters from standard input: %w", err)
		}
		parameters = strings.TrimRight(string(data), "\r\n")
	}
	o, err := parseOrder(args[0], parameters)
	if err != nil {
		return order{}, usageError{err}
	}
	return o, nil
}

// destinationOf returns where answers to o are expected.
func (f *sendFlags) destinationOf(o order) (string, error) {
	if f.format != "" {
		if _, err := wire.ParseFormat(f.format); err != nil {
			return "", usagef("--format %s: %w", f.format, err)
		}
	}
	if f.wait <= 0 {
		return "", usagef("--wait %s: name a time such as 3s", f.wait)
	}
	// The connector reports what else is wrong with the command.
	if c, _ := wire.ParseCommand(o.typ, o.parameters); c.Destination != "" {
		return string(c.Destination), nil
	}
	if f.destination != "" {
		return parseDestination(f.destination)
	}
	return "/topic/" + program + ".send." + rand.Text(), nil
}

// listen subscribes to destination. While messages are not read the broker
// waits.
func (c *connection) listen(ctx context.Context, destination string) (<-chan message, error) {
	messages := make(chan message, 64)
	err := c.Subscribe(ctx, destination, func(d *broker.Delivery) {
		select {
		case messages <- newMessage(d):
		case <-c.Done():
		}
	})
	return messages, err
}

func sendWithin(ctx context.Context, c *connection, m broker.Outgoing, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := c.Send(ctx, m)
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("the broker did not confirm it in time; check whether it is out of memory or disk")
	}
	return err
}

// quiet is how long nothing may come after an answer before no more is
// expected.
const quiet = 500 * time.Millisecond

// print prints answers until f.wait is over, or none has come for a while.
func (c *connection) print(ctx context.Context, w io.Writer, answers <-chan message, f sendFlags) (count int, err error) {
	end, pause := time.NewTimer(f.wait), time.NewTimer(f.wait)
	defer end.Stop()
	defer pause.Stop()
	for {
		select {
		case m := <-answers:
			count++
			pause.Reset(quiet)
			if f.asJSON {
				err = writeJSON(w, m)
			} else {
				_, err = fmt.Fprintln(w, m.line())
			}
			if err != nil {
				return count, err
			}
		case <-end.C:
			return count, nil
		case <-pause.C:
			return count, nil
		case <-c.Done():
			return count, c.lost()
		case <-ctx.Done():
			return count, ctx.Err()
		}
	}
}

// noAnswer returns an error unless the command has no answer when all is well.
func noAnswer(cmd *cobra.Command, o order, destination string, wait time.Duration) error {
	c, _ := wire.ParseCommand(o.typ, o.parameters)
	if c.Spec != nil && c.Spec.Name == gc.Connect {
		cmd.PrintErrf("no answer on %s within %s, which is how Connect succeeds\n", destination, wait)
		return nil
	}
	return fmt.Errorf("no answer to %s on %s within %s; check that a connector runs, and name the destination of the agent's Connect with --destination", o, destination, wait)
}
