package replay

import (
	"time"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// Kind is what a finding is about.
type Kind string

// The kinds of findings.
const (
	Missing    Kind = "missing"      // was captured, and does not come any more
	Unexpected Kind = "unexpected"   // comes, and was not captured
	Different  Kind = "different"    // comes with other content
	OutOfOrder Kind = "out of order" // comes at another place
	Request    Kind = "not asked"    // a captured answer that nobody asks for any more
	Damage     Kind = "damage"       // a line of the capture that cannot be used

	// Of a plain log.
	NotUnderstood Kind = "not understood" // a command that is refused, or an unknown event
	NotWritten    Kind = "not written"    // an event that this version writes differently
)

// Finding is one difference, or a fault of the capture.
type Finding struct {
	Kind        Kind       `json:"kind"`
	Where       string     `json:"where"` // file and line
	Time        time.Time  `json:"time,omitzero"`
	Agent       gc.AgentID `json:"agent,omitempty"`
	Destination string     `json:"destination,omitempty"`
	Event       string     `json:"event,omitempty"` // or the request
	Text        string     `json:"text,omitempty"`
	Expected    string     `json:"expected,omitempty"`
	Got         string     `json:"got,omitempty"`
	Fields      []Field    `json:"fields,omitempty"`
	Line        string     `json:"line,omitempty"` // of a plain log, without passwords
}

// Field is a field that differs.
type Field struct {
	Name     string `json:"name"`
	Expected string `json:"expected"`
	Got      string `json:"got"`
}

// maxFindings and maxFindingBytes bound the list; all findings are counted.
const (
	maxFindings     = 10_000
	maxFindingBytes = 64 << 20
)

// weight returns about how many bytes a finding takes in memory.
func (f *Finding) weight() int {
	n := len(f.Text) + len(f.Expected) + len(f.Got) + len(f.Line) + len(f.Event) + len(f.Destination)
	for _, field := range f.Fields {
		n += 64 + len(field.Name) + len(field.Expected) + len(field.Got)
	}
	return n
}

// Report is the result of a replay.
type Report struct {
	Records  int          `json:"records"` // replayed
	Commands int          `json:"commands"`
	Events   int          `json:"events"`   // that came as captured
	Requests int          `json:"requests"` // that are the same
	Skipped  int          `json:"skipped"`  // records of agents before their first Connect
	From     time.Time    `json:"from,omitzero"`
	Until    time.Time    `json:"until,omitzero"`
	Counts   map[Kind]int `json:"counts"` // of findings
	Findings []Finding    `json:"findings"`
	Notes    []Note       `json:"notes,omitempty"`
	Unnoted  int          `json:"unnoted,omitempty"` // notes that found no room
	Agents   []gc.AgentID `json:"agents"`
	Ended    string       `json:"ended,omitempty"` // where, when it ended early
	Live     *LiveSummary `json:"live,omitempty"`  // nil for an offline replay
	Log      *Log         `json:"log,omitempty"`   // nil for captures

	agents map[gc.AgentID]bool
	weight int   // of the findings
	page   *page // nil unless it was asked for
}

// LiveSummary is what a live replay reports besides the comparison.
type LiveSummary struct {
	Sent      int           `json:"sent"` // commands
	NotSent   int           `json:"notSent"`
	NotPlayed int           `json:"notPlayed"` // events that no command that was sent could cause
	Others    int           `json:"others"`    // events that came for other drivers and agents
	Took      time.Duration `json:"took"`      // in nanoseconds
}

// Note is something odd about a command that is no difference: no such command
// is known, or why it was not sent or was sent in another way.
type Note struct {
	Where   string `json:"where"`
	Command string `json:"command"`
	Text    string `json:"text"`
}

// maxNotes bounds the list.
const maxNotes = 10_000

func (r *Report) note(where string, x *capture.Record, text string) {
	if len(r.Notes) == maxNotes {
		r.Unnoted++
		return
	}
	r.Notes = append(r.Notes, Note{where, Shown(commandText(x)), text})
}

// Log is what is known of a plain log. In the report, Records counts its
// messages, Commands those that are understood, and Events those that are as
// this version writes them.
type Log struct {
	Format  wire.Format `json:"format,omitempty"` // of most events
	Times   bool        `json:"times"`            // most lines have one
	Noise   int         `json:"noise"`            // lines that are no message
	Samples []Noise     `json:"samples,omitempty"`
}

// Noise is a line that is no message.
type Noise struct {
	Where string `json:"where"`
	Text  string `json:"text"`
}

// Same reports whether everything came as captured, and the capture was whole.
func (r *Report) Same() bool { return len(r.Counts) == 0 && r.Ended == "" }

// Add adds a finding.
func (r *Report) Add(f Finding) {
	if r.Counts == nil {
		r.Counts = map[Kind]int{}
	}
	r.Counts[f.Kind]++
	if weight := f.weight(); len(r.Findings) < maxFindings && r.weight+weight <= maxFindingBytes {
		r.weight += weight
		r.Findings = append(r.Findings, f)
	}
}

func (r *Report) count(x *capture.Record) {
	r.Records++
	if x.IsCommand() {
		r.Commands++
	}
	if r.From.IsZero() {
		r.From = x.Time
	}
	r.Until = x.Time
	r.Saw(x.Agent)
}

// maxAgents bounds the list: a log may hold anything.
const maxAgents = 100_000

// Saw notes an agent, "" for none.
func (r *Report) Saw(agent gc.AgentID) {
	if r.agents == nil {
		r.agents = map[gc.AgentID]bool{}
	}
	if agent != "" && !r.agents[agent] && len(r.agents) < maxAgents {
		r.agents[agent] = true
		r.Agents = append(r.Agents, agent)
	}
}
