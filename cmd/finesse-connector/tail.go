package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/finesse-connector/finesse-connector/internal/broker"
)

func newTail() *cobra.Command {
	var access brokerFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "tail [DESTINATION…]",
		Short: "Shows events as they come",
		Long: `Shows the events of the destinations named, or of all topics, until a signal. A
bare name is a topic; ActiveMQ's wildcards * and > are taken. The built-in broker
knows no wildcards: name destinations there. What tail reads of a queue is taken
from whoever else reads it.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return tail(cmd.Context(), cmd, access, args, asJSON)
		},
	}
	access.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print events as JSON, one object a line")
	return cmd
}

func tail(ctx context.Context, cmd *cobra.Command, access brokerFlags, names []string, asJSON bool) error {
	destinations, err := tailed(names)
	if err != nil {
		return err
	}
	c, err := access.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	failed := make(chan error, 1)
	for _, d := range destinations {
		err := c.Subscribe(ctx, d, func(m *broker.Delivery) {
			if err := show(cmd, newMessage(m), asJSON); err != nil {
				select {
				case failed <- err:
				default: // the first is enough
				}
			}
		})
		if err != nil {
			return explainSubscribe(d, err)
		}
	}
	cmd.PrintErrf("listening to %s until Ctrl-C\n", strings.Join(destinations, ", "))
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	case <-c.Done():
		return c.lost()
	}
}

// tailed returns the destinations to subscribe to.
func tailed(names []string) ([]string, error) {
	if len(names) == 0 {
		return []string{"/topic/>"}, nil
	}
	var destinations []string
	for _, name := range names {
		d, err := parsePattern(name)
		if err != nil {
			return nil, err
		}
		destinations = append(destinations, d)
	}
	return destinations, nil
}

// parsePattern reads a destination that may have wildcards if it is a topic: on
// queues they would take messages away from others.
func parsePattern(name string) (string, error) {
	if !strings.ContainsAny(name, "*>") {
		return parseDestination(name)
	}
	// Without its wildcards a pattern is a destination.
	d, err := parseDestination(strings.NewReplacer("*", "x", ">", "x").Replace(name))
	if err != nil {
		return "", err
	}
	bare, ok := strings.CutPrefix(d, "/topic/")
	if !ok {
		return "", usagef("destination %q: wildcards are for topics; name the queue", name)
	}
	return "/topic/" + name[len(name)-len(bare):], nil
}

func show(cmd *cobra.Command, m message, asJSON bool) error {
	if strings.HasPrefix(m.Destination, "/topic/ActiveMQ.") {
		return nil // the broker's own, which a wildcard also matches
	}
	if asJSON {
		return writeJSON(cmd.OutOrStdout(), m)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s %s %s\n", m.Time.Format("15:04:05.000"), printable(m.Destination), m.line())
	return err
}

func explainSubscribe(destination string, err error) error {
	var said *broker.ServerError
	if errors.As(err, &said) && strings.ContainsAny(destination, "*>") {
		return fmt.Errorf("%w; this broker does not support wildcards, so name the destinations: %s tail NAME", err, program)
	}
	return err
}
