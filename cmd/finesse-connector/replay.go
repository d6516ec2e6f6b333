package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"testing/synctest"

	"github.com/spf13/cobra"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/privatefile"
	"github.com/finesse-connector/finesse-connector/internal/replay"
	"github.com/finesse-connector/finesse-connector/internal/replay/plainlog"
)

type replayFlags struct {
	format, junit, html string
	agents              []string
	asJSON, verbose     bool
	live                liveFlags
}

func newReplay() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay FILE...",
		Short: "Replays a capture, or checks a log, and reports what is different now",
		Long: `Feeds the commands of a capture, and all that Finesse answered and notified,
through this version of the connector, and compares the events and requests
that come out with those of the capture. Nothing is sent anywhere, and hours
take seconds. Files may be compressed; several are read as one, in the order of
events.

With --live the commands are sent to a broker, at the captured pace, and the
events that a connector sends for them are compared. Finesse must then be one
for tests: the commands sign agents in and make calls.

A plain log of messages, one in a line, has one side only. The check is whether
this version reads each command, and writes events like these.

Exit code 1 when anything is different; docs/replay.md walks through examples.`,
		Example: `  ` + program + ` replay capture.jsonl
  ` + program + ` replay --live --dry-run capture.jsonl
  ` + program + ` replay --live --secrets passwords --speed max --broker tcp://test:61613 capture.jsonl`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			o, err := f.options()
			if err != nil {
				return err
			}
			cut, speed, err := f.live.check(cmd)
			if err != nil {
				return err
			}
			log, err := plainLogs(cmd.Context(), files)
			switch {
			case err != nil:
				return err
			case log:
				return f.readLogs(cmd, files, o)
			case f.live.on:
				cut.Agents, cut.Keep = o.Agents, o.Keep
				return f.playLive(cmd, files, cut, speed)
			}
			bubble(func() int {
				return f.finish(cmd, func() (*replay.Report, error) { return replayFiles(cmd.Context(), files, o) })
			})
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "", "also check that events say the same in this `FORMAT` as in the captured one")
	flags.StringArrayVar(&f.agents, "agent", nil, "only this agent, by login `ID`; may be repeated")
	flags.BoolVar(&f.asJSON, "json", false, "print the report as one JSON object")
	flags.StringVar(&f.junit, "junit", "", "also write a JUnit report to this `FILE`")
	flags.StringVar(&f.html, "html", "", "also write a page that shows each agent's messages and the differences to this `FILE`")
	flags.BoolVar(&f.verbose, "verbose", false, "for a plain log, also print the first lines that are not messages")
	f.live.register(cmd)
	return cmd
}

// plainLogs reports whether all files are plain logs. Those cannot be replayed
// together with captures.
func plainLogs(ctx context.Context, files []string) (bool, error) {
	logs := 0
	for _, name := range files {
		log, err := plainlog.IsLog(ctx, name)
		if err != nil {
			return false, err
		}
		if log {
			logs++
		}
	}
	if logs > 0 && logs < len(files) {
		return false, usagef("captures and plain logs cannot be read together")
	}
	return logs > 0, nil
}

// noiseShown is how many lines that are no message --verbose prints.
const noiseShown = 10

func (f *replayFlags) logOptions(o replay.Options) plainlog.Options {
	l := plainlog.Options{Agents: o.Agents}
	if f.verbose {
		l.Samples = noiseShown
	}
	return l
}

func (f *replayFlags) options() (o replay.Options, err error) {
	o.Keep, o.Abandon = f.html != "", true // the process ends with the replay
	if f.format != "" {
		if o.Format, err = wire.ParseFormat(f.format); err != nil {
			return o, usageError{err}
		}
	}
	for _, text := range f.agents {
		id, err := gc.ParseAgentID(text)
		if err != nil {
			return o, usagef("--agent %q: %w", text, err)
		}
		o.Agents = append(o.Agents, id)
	}
	return o, nil
}

// readLogs checks plain logs and ends the process with the exit code, as a
// replay does.
func (f *replayFlags) readLogs(cmd *cobra.Command, files []string, o replay.Options) error {
	for flag, given := range map[string]bool{"format": f.format != "", "html": f.html != "", "live": f.live.on} {
		if given {
			return usagef("--%s is for captures: a plain log has one side only", flag)
		}
	}
	os.Exit(f.finish(cmd, func() (*replay.Report, error) { return plainlog.Files(cmd.Context(), files, f.logOptions(o)) }))
	return nil
}

// finish writes the report of do and returns the exit code.
func (f *replayFlags) finish(cmd *cobra.Command, do func() (*replay.Report, error)) int {
	r, err := do()
	if r != nil {
		err = errors.Join(err, f.write(cmd.OutOrStdout(), r))
	}
	switch {
	case err != nil:
		complain(cmd.ErrOrStderr(), err.Error())
		return exitFailed
	case !r.Same():
		return exitFailed
	default:
		return exitDone
	}
}

func replayFiles(ctx context.Context, files []string, o replay.Options) (r *replay.Report, err error) {
	source, err := capture.OpenFiles(ctx, files...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	return replay.Offline(ctx, source, o)
}

func (f *replayFlags) write(out io.Writer, r *replay.Report) error {
	var err error
	if f.asJSON {
		err = writeJSON(out, r)
	} else {
		err = r.Text(out)
	}
	return errors.Join(err, writeFile("the JUnit report", f.junit, r.JUnit), writeFile("the page", f.html, r.HTML))
}

// writeFile writes an output that was asked for by file name. The file holds
// what the capture holds.
func writeFile(what, name string, write func(io.Writer) error) error {
	if name == "" {
		return nil
	}
	if err := privatefile.Replace(name, write); err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}

// bubble runs f in virtual time and ends the process with the exit code of f,
// whatever f leaves running. testing/synctest has bubbles for tests only, so
// the process becomes a test (docs/decisions/0008).
func bubble(f func() int) {
	os.Args = os.Args[:1] // the flags are not those of a test
	testing.Main(func(_, _ string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "replay", F: func(t *testing.T) {
		synctest.Test(t, func(*testing.T) { os.Exit(f()) })
	}}}, nil, nil)
}
