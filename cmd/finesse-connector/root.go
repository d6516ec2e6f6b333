package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/finesse-connector/finesse-connector/internal/config"
)

const program = "finesse-connector"

// The exit codes. systemd does not restart the service after exitUsage:
// starting again would change nothing.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is something the user should have typed differently.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// execute runs the command line args and returns the exit code.
func execute(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	root, parsed := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	cmd, err := root.ExecuteContextC(ctx)
	var usage usageError
	var faults config.Errors
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errDiffers): // the report has said so
		return exitFailed
	case !*parsed || errors.As(err, &usage):
		complain(errOut, fmt.Sprintf("%v; see %q", err, cmd.CommandPath()+" --help"))
		return exitUsage
	case errors.As(err, &faults):
		complain(errOut, err.Error())
		return exitUsage
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		complain(errOut, "ended by a signal")
	default:
		complain(errOut, err.Error())
	}
	return exitFailed
}

// complain prints an error, each of its lines with the program's name.
func complain(w io.Writer, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(w, "%s: %s\n", program, strings.TrimRight(line, "\n"))
	}
}

// newRoot makes the tree of commands. parsed is set once the line was
// understood: an earlier error is one of usage.
func newRoot() (root *cobra.Command, parsed *bool) {
	parsed = new(bool)
	root = group(program, "Lets CRM drivers drive Cisco Finesse agents by messages",
		newServe(), newDemo(), newSimulate(), newSend(), newTail(), newCapture(), newReplay(), newCheck(), newConfig(), newVersion())
	root.Long = root.Short + ` on a broker (ActiveMQ over STOMP).

Begin with "` + program + ` demo": it needs no configuration and no other server.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.`
	root.SilenceErrors, root.SilenceUsage = true, true
	root.DisableSuggestions = true // group has its own, on one line
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(newHelp())
	root.PersistentPreRun = func(*cobra.Command, []string) { *parsed = true }
	return root, parsed
}

// newHelp replaces cobra's, to which an unknown command is no mistake.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explains a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("unknown command %q", strings.Join(args, " "))
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
	}
}

// group is a command that does nothing without one of its sub-commands.
func group(name, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: name, Short: short}
	g.AddCommand(commands...)
	g.SuggestionsMinimumDistance = 2
	g.Args = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		if near := g.SuggestionsFor(args[0]); len(near) > 0 {
			return fmt.Errorf("unknown command %q, did you mean %s?", args[0], strings.Join(near, " or "))
		}
		return fmt.Errorf("unknown command %q", args[0])
	}
	g.RunE = func(*cobra.Command, []string) error {
		var names []string
		for _, c := range g.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		return usagef("name a command: %s", strings.Join(names, ", "))
	}
	return g
}
