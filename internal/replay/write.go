package replay

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Text writes the report for people.
func (r *Report) Text(w io.Writer) error {
	var b strings.Builder
	if r.Log != nil {
		r.describeLog(&b)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s\n", f.title())
		b.WriteString(f.detail("  "))
	}
	if left := r.total() - len(r.Findings); left > 0 {
		fmt.Fprintf(&b, "and %d more\n", left)
	}
	if r.Log != nil {
		r.summariseLog(&b)
	} else {
		r.summarise(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) summarise(b *strings.Builder) {
	for _, n := range r.Notes {
		fmt.Fprintf(b, "%s note: %s: %s\n", n.Where, n.Command, n.Text)
	}
	if r.Unnoted > 0 {
		fmt.Fprintf(b, "and %d notes more\n", r.Unnoted)
	}
	b.WriteString(r.summary())
	if r.Ended != "" {
		fmt.Fprintf(b, "%s\n", r.Ended)
	}
	if r.Same() {
		b.WriteString("no difference\n")
	} else if r.total() > 0 {
		fmt.Fprintf(b, "differences: %s\n", r.counted())
	}
}

func (r *Report) counted() string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(r.Counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", r.Counts[k], k))
	}
	return strings.Join(parts, ", ")
}

func (r *Report) describeLog(b *strings.Builder) {
	times := "without times"
	if r.Log.Times {
		times = "with times"
	}
	format := ""
	if r.Log.Format != "" {
		format = string(r.Log.Format) + ", "
	}
	fmt.Fprintf(b, "plain log, %s%d messages of %d agents, %s\n", format, r.Records, len(r.Agents), times)
	for _, n := range r.Log.Samples {
		fmt.Fprintf(b, "%s is no message: %s\n", n.Where, n.Text)
	}
}

func (r *Report) summariseLog(b *strings.Builder) {
	fmt.Fprintf(b, "%d commands are understood, and %d events are as this version writes them; %d lines are no message\n", r.Commands, r.Events, r.Log.Noise)
	if r.Same() {
		b.WriteString("no finding\n")
	} else {
		fmt.Fprintf(b, "findings: %s\n", r.counted())
	}
}

// summary returns what was replayed, in lines.
func (r *Report) summary() string {
	if r.Live != nil {
		return r.Live.text(r)
	}
	s := fmt.Sprintf("%d records of %d agents replayed, %s of traffic: %d commands, %d events and %d requests the same",
		r.Records, len(r.Agents), r.Until.Sub(r.From).Round(1e9), r.Commands, r.Events, r.Requests)
	if r.Skipped > 0 {
		s += fmt.Sprintf("; %d records not compared, of agents before their first Connect", r.Skipped)
	}
	return s + "\n"
}

func (l *LiveSummary) text(r *Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of traffic of %d agents played live in %s: %d of %d commands sent, %d events the same, %d not played\n",
		r.Until.Sub(r.From).Round(1e9), len(r.Agents), l.Took.Round(1e6), l.Sent, r.Commands, r.Events, l.NotPlayed)
	return b.String()
}

func (r *Report) total() int {
	n := 0
	for _, c := range r.Counts {
		n += c
	}
	return n
}

// title returns one line.
func (f *Finding) title() string {
	var parts []string
	for _, part := range []string{f.Where, string(f.Kind) + ":", f.Event} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if f.Agent != "" {
		parts = append(parts, "of agent "+string(f.Agent))
	}
	if f.Destination != "" {
		parts = append(parts, "to "+f.Destination)
	}
	if !f.Time.IsZero() {
		parts = append(parts, "at "+f.Time.UTC().Format("2006-01-02 15:04:05.000Z"))
	}
	return cmp.Or(strings.Join(parts, " "), "a difference")
}

// detail returns what differs, each line after indent.
func (f *Finding) detail(indent string) string {
	var b strings.Builder
	if f.Text != "" {
		fmt.Fprintf(&b, "%s%s\n", indent, f.Text)
	}
	for _, x := range f.Fields {
		fmt.Fprintf(&b, "%s%s: captured %q, now %q\n", indent, x.Name, Shown(x.Expected), Shown(x.Got))
	}
	if f.Expected != "" {
		fmt.Fprintf(&b, "%scaptured: %s\n", indent, Shown(f.Expected))
	}
	if f.Got != "" {
		fmt.Fprintf(&b, "%snow:      %s\n", indent, Shown(f.Got))
	}
	if f.Line != "" {
		fmt.Fprintf(&b, "%sline: %s\n", indent, f.Line)
	}
	return b.String()
}

// maxShown is how many bytes of a text a report for people shows.
const maxShown = 2000

// Shown returns a text as a report for people shows it: the beginning of a long
// one. The report in JSON and the page have more.
func Shown(s string) string {
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	return s
}

// unknownCommand is the note on an unknown command.
const unknownCommand = "no command of that name is known"

// commandText returns a command for people. A capture holds no password.
func commandText(x *capture.Record) string {
	line := x.Type
	if x.Category != "" {
		line = x.Category + "/" + line
	}
	return Shown(strings.TrimRight(line+" "+x.Text(), " "))
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name     string         `xml:"name,attr"`
	Class    string         `xml:"classname,attr"`
	Failures []junitFailure `xml:"failure"`
}

type junitFailure struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes the report for continuous integration: a test case for each
// agent, and one for the capture or log itself.
func (r *Report) JUnit(w io.Writer) error {
	suite := junitSuite{Name: "replay"}
	cases := map[gc.AgentID]int{"": 0}
	whole := "capture"
	if r.Log != nil {
		whole = "log"
	}
	suite.Cases = append(suite.Cases, junitCase{Name: whole, Class: "replay"})
	if r.Ended != "" {
		suite.Cases[0].Failures = []junitFailure{{Type: "ended", Message: r.Ended}}
	}
	for _, agent := range r.Agents {
		cases[agent] = len(suite.Cases)
		suite.Cases = append(suite.Cases, junitCase{Name: "agent " + string(agent), Class: "replay"})
	}
	for _, f := range r.Findings {
		c := &suite.Cases[cases[f.Agent]]
		c.Failures = append(c.Failures, junitFailure{Type: string(f.Kind), Message: f.title(), Text: f.detail("")})
	}
	suite.Tests = len(suite.Cases)
	for _, c := range suite.Cases {
		if len(c.Failures) > 0 {
			suite.Failures++
		}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(suite); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
