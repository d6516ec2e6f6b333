package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

func newSimulateCall() *cobra.Command {
	var control string
	var variables []string
	var call simulator.Call
	cmd := &cobra.Command{
		Use:   "call AGENT",
		Short: "Places a call on a running simulator",
		Long: `Places a call to an agent of a running simulated Finesse, and prints the id of
its dialog. The agent must be signed in and READY.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			agent, err := gc.ParseAgentID(args[0])
			if err != nil {
				return usagef("agent %q: %w", args[0], err)
			}
			if call.Variables, err = parseVariables(variables); err != nil {
				return err
			}
			dialog, err := simulator.PlaceCall(cmd.Context(), control, agent, call)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), dialog)
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&control, "control", "http://"+defaultControl, "the `URL` of the simulator's control page")
	flags.StringVar(&call.From, "from", demoCaller, "the caller's `NUMBER`; empty to withhold it")
	flags.StringVar(&call.To, "to", "", "the `NUMBER` that was called (default 8005551000)")
	flags.StringArrayVar(&variables, "var", nil, "a call variable, `NAME=VALUE`: callVariable1 to 10 or user.…; may be repeated")
	return cmd
}

func parseVariables(list []string) (map[string]string, error) {
	variables := map[string]string{}
	for _, v := range list {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return nil, usagef("--var %q is not of the form name=value, for example callVariable1=gold", v)
		}
		variables[name] = value
	}
	return variables, nil
}
