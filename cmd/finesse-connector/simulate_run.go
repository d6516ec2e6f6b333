package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

func newSimulateRun() *cobra.Command {
	var control string
	cmd := &cobra.Command{
		Use:   "run SCRIPT [AGENT…]",
		Short: "Plays a script on a running simulator",
		Long: `Plays a script on a running simulated Finesse: one that comes with the simulator,
by its name, or a file. The agents given play those that the script names, in the
same order. Each step is printed when it is taken; the first that fails ends the
script.

"` + program + ` simulate scripts" lists the scripts and prints them.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			script, err := findScript(args[0])
			if err != nil {
				return err
			}
			var agents []gc.AgentID
			for _, arg := range args[1:] {
				agent, err := gc.ParseAgentID(arg)
				if err != nil {
					return usagef("agent %q: %w", arg, err)
				}
				agents = append(agents, agent)
			}
			return simulator.RunScript(cmd.Context(), control, script, agents, func(line int, step string) {
				cmd.PrintErrf("%3d  %s\n", line, step)
			})
		},
	}
	cmd.Flags().StringVar(&control, "control", "http://"+defaultControl, "the `URL` of the simulator's control page")
	return cmd
}

// findScript finds a script by the name of a built-in one, else by file.
func findScript(name string) (*simulator.Script, error) {
	if s := simulator.FindScript(name); s != nil {
		return s, nil
	}
	text, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("there is no script and no file %q; the scripts are %s", name, strings.Join(scriptNames(), ", "))
	case err != nil:
		return nil, fmt.Errorf("read the script: %w", err)
	}
	s, err := simulator.ParseScript(filepath.Base(name), string(text))
	if err != nil {
		return nil, usageError{err}
	}
	return s, nil
}

func scriptNames() []string {
	var names []string
	for _, s := range simulator.Scripts() {
		names = append(names, s.Name)
	}
	return names
}

func newSimulateScripts() *cobra.Command {
	return &cobra.Command{
		Use:   "scripts [SCRIPT]",
		Short: "Lists the scripts of the simulator, or prints one",
		Long: `Lists the scripts that come with the simulated Finesse. With a name it prints that
script, to be read, or to be changed and run from a file of one's own.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				for _, s := range simulator.Scripts() {
					if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%-16s %s\n", s.Name, s.Title); err != nil {
						return err
					}
				}
				return nil
			}
			s := simulator.FindScript(args[0])
			if s == nil {
				return usagef("there is no script %q; the scripts are %s", args[0], strings.Join(scriptNames(), ", "))
			}
			_, err := fmt.Fprint(cmd.OutOrStdout(), s.Text)
			return err
		},
	}
}
