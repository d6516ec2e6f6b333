package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/replay"
)

// liveFlags are those of a replay against a broker.
type liveFlags struct {
	on, dryRun                  bool
	broker                      brokerFlags
	speed, from, until, secrets string
	wait                        time.Duration
}

// liveOnly are the flags that mean nothing to an offline replay.
var liveOnly = []string{"speed", "from", "until", "dry-run", "secrets", "wait", "config", "broker", "username", "password-file"}

func (f *liveFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.on, "live", false, "send the commands to a broker instead, and compare the events that come; the flags below are for that")
	flags.StringVar(&f.speed, "speed", "1", "how many `TIMES` as fast as captured, or max; each command waits for the events captured before it")
	flags.StringVar(&f.from, "from", "", "begin with the commands of this `TIME`, RFC 3339 or, in UTC on the capture's first day, HH:MM:SS")
	flags.StringVar(&f.until, "until", "", "end before the commands of this `TIME`")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print what would be sent and when, and connect to nothing")
	flags.StringVar(&f.secrets, "secrets", "", "a `FILE` with the agents' passwords, an agent, a blank and the password on each line")
	flags.DurationVar(&f.wait, "wait", 10*time.Second, "how long to wait for events, after the last command too")
	f.broker.register(cmd)
}

// check returns the part of the capture and the speed that the flags ask for, 0
// for max, or what is wrong with them.
func (f *liveFlags) check(cmd *cobra.Command) (cut replay.Cut, speed float64, err error) {
	if !f.on {
		for _, name := range liveOnly {
			if cmd.Flags().Changed(name) {
				return cut, 0, usagef("--%s is for --live", name)
			}
		}
		return cut, 0, nil
	}
	if cmd.Flags().Changed("format") {
		return cut, 0, usagef("--format is not for --live: the clients' commands and the connector's configuration choose the format")
	}
	if speed, err = strconv.ParseFloat(f.speed, 64); f.speed == "max" {
		speed = 0
	} else if err != nil || !(speed > 0) || math.IsInf(speed, 0) {
		return cut, 0, usagef("--speed %s: name a number above 0, or max", f.speed)
	}
	if f.wait <= 0 {
		return cut, 0, usagef("--wait %s: name a time such as 10s", f.wait)
	}
	if cut.From, err = replay.ParseMoment(f.from); err != nil {
		return cut, 0, usagef("--from: %w", err)
	}
	if cut.Until, err = replay.ParseMoment(f.until); err != nil {
		return cut, 0, usagef("--until: %w", err)
	}
	return cut, speed, nil
}

// playLive replays against a broker. The error that ends it early comes after the
// report so far.
func (f *replayFlags) playLive(cmd *cobra.Command, files []string, cut replay.Cut, speed float64) error {
	plan, err := planFiles(cmd.Context(), files, cut)
	if err != nil {
		return err
	}
	if f.live.dryRun {
		return f.printPlan(cmd.OutOrStdout(), plan, speed)
	}
	secrets, err := f.live.readSecrets(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if err := refuseLacking(plan, secrets); err != nil {
		return err
	}
	c, err := f.live.broker.dial(cmd.Context())
	if err != nil {
		return err
	}
	defer c.Close()
	bar := newProgressBar(cmd.ErrOrStderr())
	r, err := replay.Live(cmd.Context(), plan, c, replay.LiveOptions{
		Queue: c.queue, Category: c.category, Speed: speed, Secrets: secrets, Wait: f.live.wait, Progress: bar.show,
	})
	bar.clear()
	err = errors.Join(err, f.write(cmd.OutOrStdout(), r))
	if err == nil && !r.Same() {
		err = errDiffers
	}
	return err
}

// errDiffers ends the program as a failure; the report has said why.
var errDiffers = errors.New("the replay differs from the capture")

func planFiles(ctx context.Context, files []string, cut replay.Cut) (p *replay.Plan, err error) {
	source, err := capture.OpenFiles(ctx, files...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	if p, err = replay.NewPlan(ctx, source, cut); errors.Is(err, replay.ErrTooLong) {
		err = fmt.Errorf("%w; play a part of it with --from and --until, or some agents with --agent", err)
	}
	return p, err
}

func (f *replayFlags) printPlan(out io.Writer, plan *replay.Plan, speed float64) error {
	for _, c := range plan.Commands(speed) {
		if f.asJSON {
			if err := writeJSON(out, c); err != nil {
				return err
			}
			continue
		}
		line := fmt.Sprintf("%+10.3fs %s", c.After.Seconds(), printable(c.Command))
		if !c.Sent {
			line += " (not sent: " + c.Text + ")"
		} else if c.Text != "" {
			line += " (" + c.Text + ")"
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

// maxSecrets bounds the file with the passwords.
const maxSecrets = 16 << 20

func (f *liveFlags) readSecrets(warnings io.Writer) (replay.Secrets, error) {
	if f.secrets == "" {
		return nil, nil
	}
	file, err := os.Open(f.secrets)
	if err != nil {
		return nil, fmt.Errorf("read the passwords: %w", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Mode().Perm()&0o004 != 0 {
		complain(warnings, fmt.Sprintf("warning: %s holds passwords and every user of this host can read it; run chmod o-r on it", f.secrets))
	}
	data, err := io.ReadAll(io.LimitReader(file, maxSecrets+1))
	if err == nil && len(data) > maxSecrets {
		err = fmt.Errorf("%s is larger than %d bytes", f.secrets, maxSecrets)
	}
	if err != nil {
		return nil, fmt.Errorf("read the passwords: %w", err)
	}
	secrets, err := replay.ParseSecrets(data)
	if err != nil {
		return nil, fmt.Errorf("read the passwords: %s: %w", f.secrets, err)
	}
	return secrets, nil
}

// refuseLacking returns an error that names the agents without a password.
func refuseLacking(plan *replay.Plan, secrets replay.Secrets) error {
	lacking := plan.Lacking(secrets)
	if len(lacking) == 0 {
		return nil
	}
	var names []string
	for _, agent := range lacking {
		names = append(names, string(agent))
	}
	return fmt.Errorf("nothing was sent: a capture holds no passwords, and --secrets has none of %s; add a line with agent and password for each, or leave agents out with --agent",
		strings.Join(names, ", "))
}

// progressBar is one line on a terminal that is written again and again.
type progressBar struct {
	out   io.Writer
	width int // 0: no terminal, and nothing is shown
	shown time.Time
}

// redraw is how often the bar may change.
const redraw = 100 * time.Millisecond

func newProgressBar(w io.Writer) *progressBar {
	b := &progressBar{out: w}
	if f, ok := w.(*os.File); ok {
		if width, ok := terminalWidth(f); ok {
			b.width = max(width, 40)
		}
	}
	return b
}

func (b *progressBar) show(p replay.Progress) {
	if b.width == 0 || p.Commands == 0 || time.Since(b.shown) < redraw {
		return
	}
	b.shown = time.Now()
	const room = 20
	done := room * p.Sent / p.Commands
	line := fmt.Sprintf("[%s%s] %s %d of %d commands sent, %d of %d events the same", strings.Repeat("=", done), strings.Repeat(" ", room-done),
		p.At.UTC().Format(time.TimeOnly), p.Sent, p.Commands, p.Same, p.All)
	fmt.Fprintf(b.out, "\r\x1b[K%.*s", b.width-1, line)
}

func (b *progressBar) clear() {
	if !b.shown.IsZero() {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
}
