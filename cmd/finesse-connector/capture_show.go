package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func newCaptureShow() *cobra.Command {
	var s captureShow
	cmd := &cobra.Command{
		Use:   "show FILE...",
		Short: "Prints captures for people",
		Long: `Prints captures, one line for each message, in the order of events. Files may
be compressed. On a terminal long messages are cut.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			if err := s.check(); err != nil {
				return err
			}
			return s.run(cmd, files)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&s.agents, "agent", nil, "only messages of this agent, by login `ID`; may be repeated")
	flags.StringVar(&s.dialog, "dialog", "", "only messages that name this call, by its `ID`")
	flags.StringArrayVar(&s.types, "type", nil, "only this `KIND`: broker, rest, notify, or the name of a command, an event or an update; may be repeated")
	flags.BoolVar(&s.full, "full", false, "never cut a message")
	flags.BoolVar(&s.asJSON, "json", false, "print records as they stand in the file, one JSON object a line")
	return cmd
}

// captureShow prints captures.
type captureShow struct {
	agents, types []string
	dialog        string
	full, asJSON  bool

	out    *bufio.Writer
	errOut io.Writer
	screen screen
	cut    bool
}

func (s *captureShow) check() error {
	for _, id := range s.agents {
		if _, err := gc.ParseAgentID(id); err != nil {
			return usagef("--agent %q: %w", id, err)
		}
	}
	if slices.Contains(s.types, "") {
		return usagef("--type is empty")
	}
	if s.dialog != "" {
		if _, err := gc.ParseDialogID(s.dialog); err != nil {
			return usagef("--dialog %q: %w", s.dialog, err)
		}
	}
	return nil
}

func (s *captureShow) run(cmd *cobra.Command, files []string) error {
	signal.Ignore(syscall.SIGPIPE) // the reader may stop before the end
	out := cmd.OutOrStdout()
	s.out, s.errOut, s.screen = bufio.NewWriter(out), cmd.ErrOrStderr(), screenOf(out)
	if f, ok := out.(*os.File); ok {
		_, s.cut = terminalWidth(f)
	}
	s.cut = s.cut && !s.full
	err := s.files(cmd.Context(), files)
	err = errors.Join(err, s.out.Flush())
	if errors.Is(err, syscall.EPIPE) {
		return nil // the reader has enough
	}
	return err
}

// files prints the lines of all files until ctx ends.
func (s *captureShow) files(ctx context.Context, names []string) (err error) {
	source, err := capture.OpenFiles(ctx, names...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	for {
		i, err := source.Next() // an error may come with the last line before it
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err := errors.Join(err, s.item(i), ctx.Err()); err != nil {
			return err
		}
	}
}

func (s *captureShow) item(i capture.Item) error {
	var err error
	switch {
	case i.Problem != nil && s.asJSON:
		complain(s.errOut, i.Where()+": "+i.Problem.Error())
	case i.Problem != nil:
		_, err = fmt.Fprintln(s.out, s.screen.paint(red, printable(i.Where()+": "+i.Problem.Error())))
	case i.Header != nil && !s.asJSON:
		_, err = fmt.Fprintln(s.out, s.screen.paint(bold, printable(i.Where()+": "+begins(i.Header))))
	case i.Record == nil || !s.wanted(i.Record):
	case s.asJSON:
		err = capture.Write(s.out, i)
	default:
		err = s.record(i.Record)
	}
	return err
}

// begins describes a header.
func begins(h *capture.Header) string {
	how := ""
	switch {
	case h.Part > 1:
		how = fmt.Sprintf(", part %d", h.Part)
	case h.Fresh:
		how = ", with the process"
	case h.Follows != "":
		how = ", goes on from " + h.Follows
	}
	return fmt.Sprintf("%s run %s%s, connector %s, Finesse at %s", h.Time.UTC().Format("2006-01-02 15:04:05.000Z"), h.Run, how, h.Connector, strings.Join(h.Settings.Nodes, ", "))
}

func (s *captureShow) wanted(x *capture.Record) bool {
	if len(s.agents) > 0 && !slices.Contains(s.agents, string(x.Agent)) {
		return false
	}
	command, _, _ := strings.Cut(x.Type, "#")
	is := func(kind string) bool {
		return strings.EqualFold(kind, string(x.Edge)) || strings.EqualFold(kind, x.Event) || strings.EqualFold(kind, strings.TrimSpace(command))
	}
	if len(s.types) > 0 && !slices.ContainsFunc(s.types, is) {
		return false
	}
	return s.dialog == "" || names(x.Type, s.dialog) || names(x.Topic, s.dialog) || names(x.Text(), s.dialog)
}

// names reports whether text has the id of a call, not as part of another
// number.
func names(text, id string) bool {
	part := func(c byte) bool { return c >= '0' && c <= '9' || c == '_' }
	for {
		i := strings.Index(text, id)
		if i < 0 {
			return false
		}
		end := i + len(id)
		if (i == 0 || !part(text[i-1])) && (end == len(text) || !part(text[end])) {
			return true
		}
		text = text[end:]
	}
}

// record prints a line.
func (s *captureShow) record(x *capture.Record) error {
	at, way, colour := x.Time.UTC().Format("15:04:05.000"), direction(x), cyan
	if x.Dir == capture.In {
		colour = green
	}
	agent := string(x.Agent)
	if agent == "" {
		agent = "-"
	}
	said, body := what(x), printable(x.Text())
	if body != "" {
		body = " " + body
	}
	if s.cut {
		body = abbreviate(body, max(s.screen.width-length(strings.Join([]string{at, way, agent, said}, " ")), 1))
	}
	_, err := fmt.Fprintf(s.out, "%s %s %s %s%s\n", s.screen.paint(dim, at), s.screen.paint(colour, way), printable(agent), said, body)
	return err
}

// direction returns the sender and the receiver, the connector in the middle.
func direction(x *capture.Record) string {
	switch {
	case x.Edge == capture.Broker && x.Dir == capture.In:
		return "driver → connector          "
	case x.Edge == capture.Broker:
		return "driver ← connector          "
	case x.Dir == capture.Out:
		return "         connector → Finesse"
	default:
		return "         connector ← Finesse"
	}
}

// what describes a message without its body.
func what(x *capture.Record) string {
	parts := []string{x.Type}
	switch {
	case x.Edge == capture.Broker && x.Event != "":
		parts = []string{x.Event, x.Type, x.Destination}
	case x.Edge == capture.REST && x.Dir == capture.In:
		status := ""
		if x.Status != 0 {
			status = fmt.Sprint(x.Status)
		}
		if x.Timeout {
			status += " not in time"
		}
		parts = []string{x.Type, strings.TrimSpace(status), x.Topic, x.Code, x.Problem}
		if x.Exchange == 0 {
			parts = append([]string{x.Node}, parts...)
		}
	case x.Edge == capture.Notify:
		parts = []string{x.Type, x.Topic, x.Code, x.Problem}
	}
	return printable(strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " "))
}
