// Package config is the configuration file: its keys, their defaults, what
// they accept, and their description for people.
//
// The struct Config is the only list of keys. The shipped configs/config.yaml
// and docs/configuration.md are generated from its tags, so a key cannot exist
// without a description, and a description not without a key. In the same way
// configs/status-bar.yaml is generated from gc.UserMessages.
//
// Load either gives a Config in which every value was checked or reports all
// faults of the file at once. No fault and no warning shows a password.
package config

import (
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// Config is a checked configuration. Nothing changes it after Load, so it may
// be read from any goroutine.
//
// Tags: key is the name in the file, doc what the key does, accept the values
// it takes in the words a fault uses, example what the shipped file shows
// where the default is no use to a reader, hidden keeps a key out of the
// shipped file (not out of the reference) where another one is better, and live
// marks what a running connector takes over on SIGHUP.
type Config struct {
	Broker    Broker    `key:"broker" doc:"The ActiveMQ broker that drivers and the connector meet at."`
	Finesse   Finesse   `key:"finesse" doc:"The Finesse servers."`
	Messages  Messages  `key:"messages" doc:"How events are written."`
	Agents    Agents    `key:"agents" doc:"The agents the connector serves."`
	HTTP      HTTP      `key:"http" doc:"The operator's HTTP server: /livez, /readyz and /metrics. It asks for no password: keep it on an address that only operators reach; docs/security.md."`
	Cluster   Cluster   `key:"cluster" doc:"Other connectors at the same broker."`
	Capture   Capture   `key:"capture" doc:"A file of all messages, for finding out afterwards what happened; docs/capture.md. It holds names, numbers and call variables, and no passwords."`
	Recording Recording `key:"recording" doc:"The site's call recorder, which ZOOMPauseRecording and ZOOMResumeRecording are for: Finesse cannot pause a recording. It gets a POST that names agent, extension and dialog, in the query and as a form; any 2xx is success. A request is sent once, and one that has no answer within 5 seconds has failed."`
	Log       Log       `key:"log" doc:"The log, which goes to standard error."`

	// Warnings are things that work and should not stay as they are, those of
	// InClear included, for the log. They are not part of the file.
	Warnings []string `key:"-"`
}

// Broker is the section broker.
type Broker struct {
	Embedded         string        `key:"embedded" doc:"Runs the built-in broker at this address instead of connecting to urls." accept:"host:port, or empty to use urls"`
	URLs             []string      `key:"urls" doc:"The brokers' STOMP addresses. The first is preferred, the others are fail-over. Ignored when embedded is set." accept:"tcp://host:port or ssl://host:port, at least one"`
	Username         string        `key:"username" doc:"The name to sign in to the broker with; empty for a broker that asks for none." accept:"text"`
	PasswordFile     string        `key:"password_file" doc:"A file that holds the broker's password, or the name of a systemd credential." accept:"a readable file that is not empty; not together with password"`
	Password         gc.Secret     `key:"password" hidden:"true" doc:"The broker's password itself. Better use password_file." accept:"text (put digits in quotes); not together with password_file"`
	CAFile           string        `key:"ca_file" doc:"Certificates of authorities that ssl:// brokers are trusted with besides the system's." accept:"a readable file with PEM certificates, or empty"`
	CommandQueue     string        `key:"command_queue" doc:"The queue commands arrive on." accept:"a name without /queue/ in front, blanks or any of *>,?#|/"`
	SyncTopic        string        `key:"sync_topic" doc:"The topic on which connectors hear each other. Used with cluster.name and with cluster.plaintext." accept:"a name without /topic/ in front, blanks or any of *>,?#|/"`
	ConsumerPriority int           `key:"consumer_priority" doc:"The broker gives commands to the connector with the highest priority." accept:"0 to 127"`
	Heartbeat        time.Duration `key:"heartbeat" doc:"How often both sides show that they are alive." accept:"1s to 5m"`
	PriorityBackup   bool          `key:"priority_backup" doc:"Goes back to the first of urls when it can be reached again." accept:"true or false"`
	MaxCommandAge    time.Duration `key:"max_command_age" live:"true" doc:"A call-control command older than this is answered PLEASE_RETRY and not run." accept:"1s to 24h"`
}

// Finesse is the section finesse.
type Finesse struct {
	Nodes              []Node        `key:"nodes" doc:"The Finesse servers in order of preference." accept:"one or two nodes, each with rest and notify"`
	XMPPDomain         string        `key:"xmpp_domain" doc:"The domain of agents' JIDs. Empty: what SystemInfo says, else the host of notify." accept:"a domain name, or empty"`
	PubSubDomain       string        `key:"pubsub_domain" doc:"The domain of the publish-subscribe service, which notifies supervisors of their teams. Empty: what SystemInfo says." accept:"a domain name, or empty"`
	CAFile             string        `key:"ca_file" doc:"Certificates of authorities that Finesse is trusted with besides the system's." accept:"a readable file with PEM certificates, or empty"`
	InsecureSkipVerify bool          `key:"insecure_skip_verify" doc:"Does not check Finesse's certificates. For a lab only: whoever is between can read agents' passwords." accept:"true or false"`
	RequestTimeout     time.Duration `key:"request_timeout" doc:"How long one request to Finesse may take." accept:"100ms to 30s"`
	Retries            int           `key:"retries" doc:"How often a harmless request is repeated after a time-out before the other node is asked." accept:"0 to 10"`
	Admin              Admin         `key:"admin" doc:"The administrator that getallagents asks with. Nothing else does, and without one it is answered NOT_CONFIGURED."`
}

// Admin is the section finesse.admin. It has a name and a password or neither.
type Admin struct {
	Username     string    `key:"username" doc:"The administrator's name; empty for none." accept:"text without a colon; only together with a password"`
	PasswordFile string    `key:"password_file" doc:"A file that holds the administrator's password, or the name of a systemd credential." accept:"a readable file that is not empty; not together with password; only together with username"`
	Password     gc.Secret `key:"password" hidden:"true" doc:"The administrator's password itself. Better use password_file." accept:"text (put digits in quotes); not together with password_file; only together with username"`
}

// Node is one Finesse server.
type Node struct {
	REST   string `key:"rest" doc:"The address of the REST API." accept:"https://host or https://host:port without a path" example:"https://finesse-a.example.com:8445"`
	Notify string `key:"notify" doc:"The address of the notification service: xmpps:// is TLS from the first byte (port 5223), wss:// the same over a WebSocket for sites that close that port (8445, before release 12.6 7443), xmpp:// STARTTLS, which the server must offer (port 5222), xmpp+plain:// clear text, for a lab." accept:"xmpps://host:port, wss://host:port, xmpp://host:port or xmpp+plain://host:port" example:"xmpps://finesse-a.example.com:5223"`
}

// Messages is the section messages.
type Messages struct {
	Format              wire.Format       `key:"format" live:"true" doc:"The format of events for clients that ask for none." accept:"text, text-old, text-4.4 or json"`
	Formats             wire.FormatRules  `key:"formats" live:"true" doc:"Formats by destination: pattern: format. In a pattern * stands for any text; a pattern that begins with /topic/ or /queue/ also compares the kind. Of several that match the longest wins." accept:"destination pattern: text, text-old, text-4.4 or json"`
	Destinations        []string          `key:"destinations" live:"true" doc:"The only destinations that clients may name, as patterns like those of formats; temporary ones are always allowed. Empty: any but the broker's and the connector's own. Any client can name any number of destinations, and each becomes a topic of the broker." accept:"patterns of destinations as in messages.formats, or an empty list"`
	TimeZone            *time.Location    `key:"time_zone" live:"true" doc:"The time zone of times in events." accept:"Local, UTC or an IANA name such as Europe/Prague"`
	CategoryProperty    string            `key:"category_property" doc:"The message property that carries the category of an event." accept:"letters, digits and _"`
	SeparatorSubstitute string            `key:"separator_substitute" live:"true" doc:"Stands in the text formats for a separator inside a value." accept:"one printable character that is none of # | , = :"`
	Participants        wire.Participants `key:"participants" live:"true" doc:"How text-4.4 lists the parties of a call: full as the Generic Connector of mid 2022 did, address,state,type,SUPERVISOR_BARGE_IN or nothing,start; short as the one before, address,state,AGENT_DEVICE or NULL, for drivers that split the list on colons." accept:"full or short"`
	StatusBar           bool              `key:"status_bar" live:"true" doc:"Also sends each state, error and call as a sentence for the agent's status bar (O-003)." accept:"true or false"`
	StatusBarFile       string            `key:"status_bar_file" live:"true" doc:"A file with other sentences, e.g. a translation; see configs/status-bar.yaml." accept:"a readable YAML file, or empty"`
	Deprecated          bool              `key:"deprecated" live:"true" doc:"Also sends the events the protocol keeps for old clients: O-006, O-018, O-023." accept:"true or false"`

	// Sentences are those of StatusBarFile, and where it has none those of
	// gc.UserMessages: one for each key, whether StatusBar is set or not.
	Sentences map[string]string `key:"-"`
}

// Agents is the section agents.
type Agents struct {
	Limit int `key:"limit" live:"true" doc:"How many agents may be connected at once; those beyond it get LICENSES_EXCEEDED. 0 is no limit." accept:"0 or more"`
}

// HTTP is the section http.
type HTTP struct {
	Listen string `key:"listen" doc:"The address to listen on. Clients must ask for this host, the address they reach or the machine's name, with this port, or localhost on the machine itself; others are answered 421." accept:"host:port"`
}

// Cluster is the section cluster.
type Cluster struct {
	Name      string    `key:"name" doc:"The group of connectors that share broker.command_queue: one of them, the owner, takes commands, and when it dies another one does; docs/high-availability.md. Empty: the connector has the queue for itself." accept:"letters, digits, - and _; only together with key_file, and not with broker.embedded"`
	KeyFile   string    `key:"key_file" doc:"A file with the key that seals what the connectors of the group say to each other, the same for all, or the name of a systemd credential. \"openssl rand -base64 48\" makes one." accept:"a readable file of 32 bytes or more; only together with name"`
	Key       gc.Secret `key:"-"` // of KeyFile
	Plaintext bool      `key:"plaintext" doc:"Announces each agent that signs in on broker.sync_topic, with the password in clear, as Generic Connectors expect of each other (O-025). Whoever can read that topic learns the passwords." accept:"true or false"`
}

// Capture is the section capture.
type Capture struct {
	File         string   `key:"file" live:"true" doc:"The file to record to. Empty: nothing is recorded. POST /api/capture switches recording off and on again without a change of the file." accept:"a path in a directory that exists, or empty"`
	MaxSize      Size     `key:"max_size" live:"true" doc:"The size at which a new file is begun. The one before is compressed." accept:"1MB to 10GB"`
	Keep         int      `key:"keep" live:"true" doc:"How many closed files are kept." accept:"0 to 10000"`
	Destinations []string `key:"destinations" live:"true" doc:"Records only agents whose events go to one of these. In a pattern * stands for any text. Empty: all." accept:"patterns of destinations as in messages.formats, or an empty list"`
	Agents       []string `key:"agents" live:"true" doc:"Records only these agents. Empty: all." accept:"login ids, or an empty list"`
}

// Recording is the section recording. It has both addresses or neither.
type Recording struct {
	PauseURL  string `key:"pause_url" doc:"The address behind ZOOMPauseRecording. Empty: the command is answered NOT_CONFIGURED." accept:"http:// or https:// address without user name, password and #, or empty; only together with resume_url"`
	ResumeURL string `key:"resume_url" doc:"The address behind ZOOMResumeRecording. Empty: the command is answered NOT_CONFIGURED." accept:"http:// or https:// address without user name, password and #, or empty; only together with pause_url"`
	CAFile    string `key:"ca_file" doc:"Certificates of authorities that an https:// recorder is trusted with besides the system's." accept:"a readable file with PEM certificates, or empty"`
}

// Log is the section log.
type Log struct {
	Level  string `key:"level" live:"true" doc:"The least important lines to write." accept:"debug, info, warn or error"`
	Format string `key:"format" doc:"json for programs, console for people." accept:"json or console"`
}

// Default is the configuration of an empty file. It lacks the one thing that
// has no sensible default: the Finesse nodes.
func Default() *Config {
	return &Config{
		Broker: Broker{
			URLs:             []string{"tcp://127.0.0.1:61613"},
			CommandQueue:     "Connector1",
			SyncTopic:        "ConnectorSync",
			ConsumerPriority: 127,
			Heartbeat:        10 * time.Second,
			PriorityBackup:   true,
			MaxCommandAge:    60 * time.Second,
		},
		Finesse: Finesse{
			RequestTimeout: 5 * time.Second,
			Retries:        2,
		},
		Messages: Messages{
			Format:              wire.Text,
			Destinations:        []string{},
			TimeZone:            time.Local,
			CategoryProperty:    "MessageCategory",
			SeparatorSubstitute: "_",
			Participants:        wire.Full,
			Sentences:           defaultSentences(),
		},
		Capture: Capture{MaxSize: 100 * MB, Keep: 10, Destinations: []string{}, Agents: []string{}},
		HTTP:    HTTP{Listen: "127.0.0.1:8112"},
		Log:     Log{Level: "info", Format: "json"},
	}
}
