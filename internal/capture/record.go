package capture

import (
	"bytes"
	"encoding/json"
	"io"
	"time"
	"unicode/utf8"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// Version is the version of the format. It stays the same when fields are
// added.
const Version = 1

// Header is the first line of a file, and of each run in it.
type Header struct {
	Capture   int       `json:"capture"`           // Version
	Run       string    `json:"run"`               // a new one each time recording begins
	Fresh     bool      `json:"fresh,omitempty"`   // the run began with the process
	Follows   string    `json:"follows,omitempty"` // the run that this one continued without a gap: the configuration changed
	Part      int       `json:"part"`              // of the run, from 1: its files in order
	Time      time.Time `json:"time"`
	Connector string    `json:"connector"` // the version that recorded
	Settings  Settings  `json:"settings"`
}

// Settings are the parts of the configuration that change what the connector
// sends.
type Settings struct {
	Format              wire.Format       `json:"format"`
	Formats             wire.FormatRules  `json:"formats,omitempty"`
	TimeZone            string            `json:"timeZone"`
	SeparatorSubstitute string            `json:"separatorSubstitute"`
	Participants        wire.Participants `json:"participants,omitempty"` // none: full
	Deprecated          bool              `json:"deprecated,omitempty"`
	Sentences           map[string]string `json:"sentences,omitempty"`    // of the status bar; empty: it is off
	Destinations        []string          `json:"destinations,omitempty"` // patterns of those that clients may name; empty: any
	Own                 []string          `json:"own,omitempty"`          // names of queues and topics that they may not
	SyncTopic           string            `json:"syncTopic,omitempty"`    // where agents are announced to other connectors
	AgentLimit          int               `json:"agentLimit,omitempty"`
	MaxCommandAge       time.Duration     `json:"maxCommandAge"`  // in nanoseconds
	RequestTimeout      time.Duration     `json:"requestTimeout"` // in nanoseconds
	Retries             int               `json:"retries"`
	Admin               string            `json:"admin,omitempty"` // the user name of finesse.admin
	Nodes               []string          `json:"nodes"`           // names, in order of preference
}

// Dir is the direction of a message, as seen by the connector.
type Dir string

// The directions.
const (
	In  Dir = "in"
	Out Dir = "out"
)

// Edge is where a message crossed.
type Edge string

// The edges.
const (
	Broker Edge = "broker"
	REST   Edge = "rest"
	Notify Edge = "notify"
)

// The types of records of the edge notify.
const (
	Opened   = "opened"   // the agent's stream
	Refused  = "refused"  // no stream could be opened; Code says why
	Lost     = "lost"     // the stream ended, not at the connector's wish
	Waits    = "waits"    // the wait before the next attempt, as long as Body says; it is random
	Update   = "update"   // Body is the update
	Followed = "followed" // the answer to the subscription of a team; Code is empty when it worked
)

// The types of records of the edge rest that are not exchanges.
const (
	Usable   = "usable"   // a node is in service now
	Unusable = "unusable" // it is not; Problem says why
	Silent   = "silent"   // it does not even answer
	Verified = "verified" // a session that asked for a node's state has learnt it
	Paused   = "paused"   // the recorder of calls was asked to pause the call Topic; Code says why it did not
	Resumed  = "resumed"  // the same, to go on
)

// The events of records that come in over the edge broker and are not commands.
const (
	Restored   = "restored"    // after an interruption events can be sent again: to Topics or Others
	AnswerLost = "answer lost" // the answer to Request may not have arrived
	Stopping   = "stopping"    // the process ends in an orderly way
)

// The destinations of Restored.
const (
	Topics = "topics"
	Others = "others"
)

// Record is one message. Which fields are set depends on the edge.
type Record struct {
	Seq     uint64     `json:"seq"`
	Time    time.Time  `json:"time"`
	Dir     Dir        `json:"dir"`
	Edge    Edge       `json:"edge"`
	Dropped uint64     `json:"dropped,omitempty"` // how many records before this one found no room
	Agent   gc.AgentID `json:"agent,omitempty"`
	Type    string     `json:"type,omitempty"`    // JMSType; HTTP method and path; or one of Opened and the others
	Request string     `json:"request,omitempty"` // links a command, the requests for it and its answers

	// Of the broker.
	Event         string    `json:"event,omitempty"` // the name of an event
	Category      string    `json:"category,omitempty"`
	Destination   string    `json:"destination,omitempty"` // the queue of a command
	Format        string    `json:"format,omitempty"`      // of an event; the property of a command
	MessageID     string    `json:"messageId,omitempty"`
	CorrelationID string    `json:"correlationId,omitempty"`
	ReplyTo       string    `json:"replyTo,omitempty"`
	Sent          time.Time `json:"sent,omitzero"` // JMSTimestamp
	Redelivered   bool      `json:"redelivered,omitempty"`
	Binary        bool      `json:"binary,omitempty"` // a BytesMessage

	// Of Finesse.
	Node     string `json:"node,omitempty"`
	Exchange uint64 `json:"exchange,omitempty"` // a request and its answer have the same
	Status   int    `json:"status,omitempty"`   // of HTTP
	Timeout  bool   `json:"timeout,omitempty"`  // of a request that was not answered in time
	Topic    string `json:"topic,omitempty"`    // the node of the publish-subscribe service, or the team
	Code     string `json:"code,omitempty"`     // why there is no stream
	Problem  string `json:"problem,omitempty"`  // the same for people, or why a request was not answered

	Body string `json:"body,omitempty"`
	Raw  []byte `json:"raw,omitempty"` // instead of Body, in base64, where that is not UTF-8
}

// IsCommand reports whether the record is a command of a driver.
func (x *Record) IsCommand() bool { return x.Edge == Broker && x.Dir == In && x.Event == "" }

// IsEvent reports whether the record is an event for a driver.
func (x *Record) IsEvent() bool { return x.Edge == Broker && x.Dir == Out }

// Text returns the body, from Body or Raw.
func (x *Record) Text() string {
	if x.Raw != nil {
		return string(x.Raw)
	}
	return x.Body
}

// overhead is what a record takes besides its texts, in bytes.
const overhead = 1 << 10

// Weight returns about how many bytes the record takes in memory; it may be
// nil.
func (x *Record) Weight() int {
	if x == nil {
		return overhead
	}
	return overhead + len(x.Body) + len(x.Raw) + len(x.Type) + len(x.Category) + len(x.Destination) + len(x.CorrelationID) + len(x.ReplyTo) +
		len(x.Node) + len(x.Topic) + len(x.Problem)
}

// line returns a Header or a Record as it is written to the file.
func line(v any) ([]byte, error) {
	if r, ok := v.(*Record); ok && !utf8.ValidString(r.Body) {
		kept := *r
		kept.Raw, kept.Body = []byte(r.Body), ""
		v = &kept
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b) // it ends the line
	e.SetEscapeHTML(false)   // Finesse's documents are XML
	err := e.Encode(v)
	return b.Bytes(), err
}

// Write writes a line, header or record.
func Write(w io.Writer, i Item) error {
	var b []byte
	var err error
	if i.Header != nil {
		b, err = line(i.Header)
	} else {
		b, err = line(i.Record)
	}
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}
