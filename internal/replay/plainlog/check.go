package plainlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/replay"
)

// Options say what to check.
type Options struct {
	Agents  []gc.AgentID // empty: all
	Samples int          // how many lines that are no message are kept
}

// ErrNoMessage is in the chain of the error about files without any message.
var ErrNoMessage = errors.New("neither a capture nor a log with messages in it")

// maxLine is longer than any message; lists of teams are the longest.
const maxLine = 1 << 20

// IsLog reports whether a file, which may be compressed, is not a capture.
func IsLog(ctx context.Context, name string) (bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	text, err := capture.NewLines(ctx, f, maxLine)
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	start := text.Start()
	return len(start) > 0 && !captureLine.Match(start), nil // the reader of captures reports an empty file
}

// captureLine matches a line of a capture, even of one that lost its header.
var captureLine = regexp.MustCompile(`(?m)^\s*\{\s*"(?:capture|seq)"\s*:`)

// Files checks logs, one after the other.
func Files(ctx context.Context, names []string, o Options) (*replay.Report, error) {
	c := newChecker(o)
	for _, name := range names {
		if err := c.file(ctx, name); err != nil {
			return c.done(), err
		}
	}
	if c.messages == 0 && c.report.Same() {
		return c.done(), fmt.Errorf("%s: %w", strings.Join(names, ", "), ErrNoMessage)
	}
	return c.done(), nil
}

type checker struct {
	options  Options
	report   *replay.Report
	calls    calls
	votes    map[wire.Format]int
	messages int    // of all agents
	timed    int    // of them
	where    string // the line in hand
	lacking  bool   // this line may continue the one before, with a password
}

func newChecker(o Options) *checker {
	return &checker{options: o, report: &replay.Report{Log: &replay.Log{}}, votes: map[wire.Format]int{}}
}

func (c *checker) done() *replay.Report {
	c.report.Log.Format, c.report.Log.Times = c.usual(), c.timed*2 > c.messages
	return c.report
}

// usual returns the format of most events so far.
func (c *checker) usual() (best wire.Format) {
	for _, f := range wire.Formats {
		if c.votes[f] > c.votes[best] {
			best = f
		}
	}
	return best
}

func (c *checker) file(ctx context.Context, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := capture.NewLines(ctx, f, maxLine)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return c.read(ctx, name, text)
}

// read takes one line after the other, in constant memory.
func (c *checker) read(ctx context.Context, name string, text *capture.Lines) error {
	c.calls.forget()
	for {
		line, size, err := text.Next()
		switch {
		case errors.Is(err, io.EOF):
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("%s:%d: %w", name, text.Number, err)
		}
		c.where = fmt.Sprintf("%s:%d", name, text.Number)
		if c.line(line, size); ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (c *checker) line(line []byte, size int) {
	lacking := c.lacking
	c.lacking = false
	switch {
	case size > maxLine:
		c.damaged(fmt.Sprintf("the line has %d bytes; no message has more than %d", size, maxLine))
		return
	case !utf8.Valid(line):
		c.damaged("the line is not UTF-8; it may be Latin-1, and is left out")
		return
	case len(bytes.TrimSpace(line)) == 0:
		return
	}
	m := find(string(line))
	if m.kind == noise {
		c.noise(string(line), lacking)
		return
	}
	c.messages++
	if m.timed {
		c.timed++
	}
	switch m.kind {
	case command:
		c.command(m)
	case event:
		c.event(m)
	default:
		c.unknown(m)
	}
}

// damaged notes a line that may have held anything.
func (c *checker) damaged(text string) {
	c.calls.forget()
	c.report.Add(replay.Finding{Kind: replay.Damage, Where: c.where, Text: text})
}

var password = regexp.MustCompile(`(?i)pass|pwd|secret|credential|authorization`)

// noise counts a line that is no message. It keeps none that may hold a
// password.
func (c *checker) noise(line string, lacking bool) {
	l := c.report.Log
	l.Noise++
	if len(l.Samples) >= c.options.Samples {
		return
	}
	text := replay.Shown(strings.TrimSpace(line))
	switch {
	case lacking:
		text = "(not shown: it may be the parameters of the command before)"
	case password.MatchString(line):
		text = "(not shown: it may hold a password)"
	}
	l.Samples = append(l.Samples, replay.Noise{Where: c.where, Text: text})
}

// wanted counts a message about an agent that is asked for, or about none, and
// reports whether it is one.
func (c *checker) wanted(agent gc.AgentID) bool {
	if len(c.options.Agents) > 0 && agent != "" && !slices.Contains(c.options.Agents, agent) {
		return false
	}
	c.report.Records++
	c.report.Saw(agent)
	return true
}

func (c *checker) command(m message) {
	parsed, err := wire.ParseCommand(strings.Clone(m.typ), m.body)
	if s := parsed.Spec; err == nil && (s.Name == gc.Refresh || s.Category == gc.AgentInfoCategory) || s != nil && s.HasPassword() {
		c.calls.forgetAgent(parsed.Agent) // its calls are reported again
		c.lacking = err != nil
	}
	if !c.wanted(parsed.Agent) {
		return
	}
	if err == nil {
		c.report.Commands++
		return
	}
	typ, body := wire.Redact(m.typ, m.body, func(string) string { return "****" }, func(*gc.CommandSpec, gc.Destination) string { return "" })
	name, _, _ := strings.Cut(strings.Clone(m.typ), "#")
	text := fmt.Sprintf("a driver is told %s: %v", gc.CodeOf(err), errors.Unwrap(err))
	if parsed.Spec == nil {
		text += fmt.Sprintf(": %.40q", name)
	}
	c.report.Add(replay.Finding{
		Kind: replay.NotUnderstood, Where: c.where, Time: m.time, Agent: parsed.Agent, Event: name,
		Text: text, Line: replay.Shown(strings.TrimSpace(typ + " " + body)),
	})
}

// unknown reports what may be an event of another version. Nobody can say which
// part of it may be a password.
func (c *checker) unknown(m message) {
	fields := strings.SplitN(m.text, "#", 3)
	agent, _ := gc.ParseAgentID(strings.Clone(fields[0]))
	if c.wanted(agent) {
		c.report.Add(replay.Finding{
			Kind: replay.NotUnderstood, Where: c.where, Time: m.time, Agent: agent, Event: strings.Clone(fields[1]),
			Text: "no event has this name", Line: replay.Shown(fields[0] + "#" + fields[1] + "#…"),
		})
	}
}

func (c *checker) event(m message) {
	r, ok := wire.ReadEvent(m.text, c.usual())
	if !ok {
		if c.wanted("") {
			c.report.Add(replay.Finding{Kind: replay.NotUnderstood, Where: c.where, Time: m.time, Text: "the JSON object is no event, or is cut off"})
		}
		return
	}
	agent, _ := gc.ParseAgentID(strings.Clone(r.Get("Agent"))) // else the whole line would be kept
	problem := c.follow(&r, agent)
	if !c.wanted(agent) {
		return
	}
	for _, f := range r.Formats {
		c.votes[f]++
	}
	f := replay.Finding{Kind: replay.NotWritten, Where: c.where, Time: m.time, Agent: agent, Event: r.Name, Line: replay.Shown(m.text)}
	if r.HasSecret() {
		f.Line = r.Name + " (not shown: it may hold a password)"
	}
	switch {
	case len(r.Problems) > 0 && r.HasSecret():
		f.Text = "its fields are not as this version writes them"
	case len(r.Problems) > 0:
		f.Text = strings.Join(r.Problems, "; ")
	case problem != nil:
		f.Kind, f.Text = replay.OutOfOrder, problem.Error()
	default:
		c.report.Events++
		return
	}
	c.report.Add(f)
}

// follow returns why an event cannot follow those before.
func (c *checker) follow(r *wire.Reading, agent gc.AgentID) error {
	id, state := gc.DialogID(strings.Clone(r.Get("Dialog"))), gc.CallState(strings.Clone(r.Get("State")))
	switch {
	case r.Name == "System" || r.Name == "DESTINATION":
		c.calls.forget()
	case slices.Contains([]string{"NewInboundCall", "NewOutboundCall"}, r.Name):
		c.calls.begin(agent, id)
	case slices.Contains([]string{"AgentInfo", "RECONNECT", "LOGOUT", "DialogStatus"}, r.Name),
		r.Name == "State" && slices.Contains([]gc.CallState{"", "RE_LOGIN", "LOGOUT", "UNKNOWN"}, state):
		c.calls.forgetAgent(agent)
	case len(r.Problems) == 0 && id != "" && slices.Contains([]string{"InboundCall", "ConsultCall"}, r.Name):
		return c.calls.next(agent, id, state)
	}
	return nil
}
