package config_test

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// nodes is the part of a file that has no default.
const nodes = `
finesse:
  nodes:
    - {rest: "https://finesse-a.example.com:8445", notify: "xmpps://finesse-a.example.com:5223"}
`

// write puts a file into a directory of the test's own.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func load(t *testing.T, content string) *config.Config {
	t.Helper()
	c, err := config.Load(write(t, "config.yaml", content))
	require.NoError(t, err)
	return c
}

// faults loads a file that must be refused.
func faults(t *testing.T, content string) config.Errors {
	t.Helper()
	_, err := config.Load(write(t, "config.yaml", content))
	var errs config.Errors
	require.ErrorAs(t, err, &errs)
	return errs
}

func TestAllValuesAreRead(t *testing.T) {
	c := load(t, `
broker:
  embedded: "127.0.0.1:61613"
  urls: ["tcp://a:61613", "ssl://b:61614"]
  username: gc
  password: "1234"
  command_queue: Other
  sync_topic: Sync
  consumer_priority: 1
  heartbeat: 1m30s
  priority_backup: false
  max_command_age: 5s
finesse:
  nodes:
    - {rest: "https://a.example.com:8445", notify: "xmpps://a.example.com:5223"}
    - {rest: "https://127.0.0.1:8445", notify: "xmpp://127.0.0.1:5222"}
  xmpp_domain: a.example.com
  pubsub_domain: pubsub.a.example.com
  insecure_skip_verify: true
  request_timeout: 500ms
  retries: 0
  admin: {username: boss, password: "5678"}
messages:
  format: json
  destinations: [crm.*, /queue/desk]
  time_zone: Europe/Prague
  category_property: category
  separator_substitute: ";"
  participants: short
  status_bar: true
  deprecated: true
agents: {limit: 7}
http: {listen: "[::1]:0"}
cluster: {plaintext: true}
recording: {pause_url: "http://recorder:8080/pause?key=1&line=2", resume_url: "https://recorder/resume"}
log: {level: debug, format: console}
`)
	prague, err := time.LoadLocation("Europe/Prague")
	require.NoError(t, err)
	require.Equal(t, config.Broker{
		Embedded: "127.0.0.1:61613", URLs: []string{"tcp://a:61613", "ssl://b:61614"},
		Username: "gc", Password: gc.NewSecret("1234"), CommandQueue: "Other", SyncTopic: "Sync", ConsumerPriority: 1,
		Heartbeat: 90 * time.Second, MaxCommandAge: 5 * time.Second,
	}, c.Broker)
	require.Equal(t, config.Finesse{
		Nodes: []config.Node{
			{REST: "https://a.example.com:8445", Notify: "xmpps://a.example.com:5223"},
			{REST: "https://127.0.0.1:8445", Notify: "xmpp://127.0.0.1:5222"},
		},
		XMPPDomain: "a.example.com", PubSubDomain: "pubsub.a.example.com",
		InsecureSkipVerify: true, RequestTimeout: 500 * time.Millisecond,
		Admin: config.Admin{Username: "boss", Password: gc.NewSecret("5678")},
	}, c.Finesse)
	require.Equal(t, config.Messages{
		Format: wire.JSON, Destinations: []string{"crm.*", "/queue/desk"}, TimeZone: prague, CategoryProperty: "category", SeparatorSubstitute: ";", Participants: wire.Short,
		StatusBar: true, Deprecated: true, Sentences: config.Default().Messages.Sentences,
	}, c.Messages)
	require.Equal(t, 7, c.Agents.Limit)
	require.Equal(t, "[::1]:0", c.HTTP.Listen)
	require.Equal(t, config.Cluster{Plaintext: true}, c.Cluster)
	require.Equal(t, config.Recording{PauseURL: "http://recorder:8080/pause?key=1&line=2", ResumeURL: "https://recorder/resume"}, c.Recording)
	require.Equal(t, config.Log{Level: "debug", Format: "console"}, c.Log)
}

// All keys there will be, with their defaults: a file written for a later
// version loads as long as it asks for nothing that is missing here.
func TestKeysOfLaterVersionsAreAcceptedAtTheirDefault(t *testing.T) {
	c := load(t, `
broker:
  embedded: ""
  urls: ["tcp://127.0.0.1:61613"]
  username: ""
  password_file: ""
  command_queue: Connector1
  sync_topic: ConnectorSync
  consumer_priority: 127
  heartbeat: 10s
  priority_backup: true
  max_command_age: 60s
finesse:
  nodes:
    - rest: https://finesse-a.example.com:8445
      notify: xmpps://finesse-a.example.com:5223
  xmpp_domain: ""
  pubsub_domain: ""
  ca_file: ""
  insecure_skip_verify: false
  request_timeout: 5s
  retries: 2
  admin: {username: "", password_file: ""}
messages:
  format: text
  formats: {}
  time_zone: Local
  category_property: MessageCategory
  separator_substitute: "_"
agents: {limit: 0}
http: {listen: "127.0.0.1:8112"}
cluster: {name: "", key_file: "", take_back: never, plaintext: false}
capture: {file: "", max_size: 100MB, keep: 10}
recording: {pause_url: "", resume_url: ""}
log: {level: info, format: json}
`)
	want := config.Default()
	want.Finesse.Nodes = c.Finesse.Nodes
	require.Equal(t, want, c)
}

func TestOtherValuesOfLaterKeysAreRefused(t *testing.T) {
	got := faults(t, nodes+`
cluster: {plaintext: true, take_back: idle}
`)
	require.Equal(t, `cluster.take_back: is not available in this version; accepted: its default "never", or no such key`, got.Error())
}

// The connectors of a cluster have a name and a key.
func TestACluster(t *testing.T) {
	key := strings.Repeat("k", 32)
	file := write(t, "key", key+"\n")
	c := load(t, nodes+"cluster: {name: crm-1, key_file: "+file+"}")
	require.Equal(t, "crm-1", c.Cluster.Name)
	require.Equal(t, key, c.Cluster.Key.Reveal())
	require.Empty(t, c.Warnings)
	requireHidden(t, key, c)
	for rule, x := range map[string]struct{ section, path string }{
		"a name has a key":                       {"cluster: {name: a}", "cluster.key_file"},
		"a key has a name":                       {"cluster: {key_file: " + file + "}", "cluster.name"},
		"a name is short":                        {"cluster: {name: " + strings.Repeat("a", 65) + ", key_file: " + file + "}", "cluster.name"},
		"a name has no blanks":                   {"cluster: {name: a b, key_file: " + file + "}", "cluster.name"},
		"a key is long":                          {"cluster: {name: a, key_file: " + write(t, "short", key[1:]+"\n") + "}", "cluster.key_file"},
		"a key file exists":                      {"cluster: {name: a, key_file: none}", "cluster.key_file"},
		"a built-in broker is for one connector": {"broker: {embedded: \"127.0.0.1:0\"}\ncluster: {name: a, key_file: " + file + "}", "cluster.name"},
	} {
		t.Run(rule, func(t *testing.T) {
			require.Equal(t, x.path, faults(t, nodes+x.section)[0].Path)
		})
	}
	require.NoError(t, os.Chmod(file, 0o644))
	require.Len(t, load(t, nodes+"cluster: {name: crm-1, key_file: "+file+"}").Warnings, 1, "whoever can read it can be a connector")
}

func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	got := faults(t, `
brokr: {}
broker:
  urls: ["tcp://a:61613", "http://b:1"]
  url: tcp://c:61613
  heartbeat: 10
  consumer_priority: 128
  priority_backup: maybe
finesse:
  nodes:
    - {rest: "https://a:8445", notify: "ws://a:7443", user: x}
  retries: {a: b}
messages:
  formats: {"Crm.*": texd}
log: 5
`)
	require.Equal(t, []string{
		`broker.consumer_priority: "128": is out of range; accepted: 0 to 127`,
		`broker.heartbeat: "10": has no unit; accepted: 1s to 5m`,
		`broker.priority_backup: "maybe": has the wrong type; accepted: true or false`,
		`broker.url: unknown key; did you mean broker.urls?`,
		`broker.urls[1]: "http://b:1": begins with the wrong scheme; accepted: tcp://host:port or ssl://host:port, at least one`,
		`brokr: unknown key; did you mean broker?`,
		`finesse.nodes[0].notify: "ws://a:7443": begins with the wrong scheme; accepted: xmpps://host:port, wss://host:port, xmpp://host:port or xmpp+plain://host:port`,
		`finesse.nodes[0].user: unknown key; accepted: rest, notify`,
		`finesse.retries: has the wrong type; accepted: 0 to 10`,
		`log: is a section; accepted: further keys below it`,
		`messages.formats["Crm.*"]: "texd": is not a format; accepted: destination pattern: text, text-old, text-4.4 or json`,
	}, strings.Split(got.Error(), "\n"))
}

func TestAFaultIsAnErrorOfItsOwn(t *testing.T) {
	err := error(faults(t, "log: {level: loud}\n"+nodes))
	var fault config.Fault
	require.True(t, errors.As(err, &fault))
	require.Equal(t, config.Fault{
		Path: "log.level", Value: "loud", Problem: "is not known", Accepted: "debug, info, warn or error",
	}, fault)
}

func TestValuesThatCanNotWorkAreRefused(t *testing.T) {
	for rule, test := range map[string]struct{ file, path string }{
		"the embedded broker needs a port":                {nodes + "broker: {embedded: localhost}", "broker.embedded"},
		"there is a broker":                               {nodes + "broker: {urls: []}", "broker.urls"},
		"a broker address has a port":                     {nodes + "broker: {urls: [tcp://a]}", "broker.urls[0]"},
		"a port is a port":                                {nodes + "broker: {urls: [tcp://a:70000]}", "broker.urls[0]"},
		"a broker address has no options":                 {nodes + `broker: {urls: ["tcp://a:1?x=y"]}`, "broker.urls[0]"},
		"an empty element is no address":                  {nodes + "broker: {urls: [null]}", "broker.urls[0]"},
		"a queue has a plain name":                        {nodes + "broker: {command_queue: /queue/A}", "broker.command_queue"},
		"a queue has no options":                          {nodes + `broker: {command_queue: "A?x=y"}`, "broker.command_queue"},
		"a queue has a name":                              {nodes + `broker: {command_queue: ""}`, "broker.command_queue"},
		"a topic has a plain name":                        {nodes + "broker: {sync_topic: /topic/A}", "broker.sync_topic"},
		"a topic has a name":                              {nodes + `broker: {sync_topic: ""}`, "broker.sync_topic"},
		"a topic is not several":                          {nodes + `broker: {sync_topic: "A,B"}`, "broker.sync_topic"},
		"priorities end at 127":                           {nodes + "broker: {consumer_priority: -1}", "broker.consumer_priority"},
		"a number loses no fraction":                      {nodes + "broker: {consumer_priority: 1.5}", "broker.consumer_priority"},
		"a number is not cut":                             {nodes + "agents: {limit: 18446744073709551615}", "agents.limit"},
		"a heartbeat is not hectic":                       {nodes + "broker: {heartbeat: 999ms}", "broker.heartbeat"},
		"a heartbeat is not rare":                         {nodes + "broker: {heartbeat: 5m1s}", "broker.heartbeat"},
		"commands may get some age":                       {nodes + "broker: {max_command_age: 0s}", "broker.max_command_age"},
		"text is not a number":                            {nodes + "broker: {username: 1001}", "broker.username"},
		"text is not a map":                               {nodes + "broker: {username: {}}", "broker.username"},
		"a password is text":                              {nodes + "broker: {password: {a: b}}", "broker.password"},
		"there is a node":                                 {"", "finesse.nodes"},
		"there are two nodes at most":                     {"finesse: {nodes: [{rest: https://a, notify: xmpps://a:1}, {rest: https://b, notify: xmpps://b:1}, {rest: https://c, notify: xmpps://c:1}]}", "finesse.nodes"},
		"nodes are a list":                                {`finesse: {nodes: {rest: "https://a", notify: "xmpps://a:1"}}`, "finesse.nodes"},
		"a node is a section":                             {"finesse: {nodes: [https://a]}", "finesse.nodes[0]"},
		"a node has a REST address":                       {"finesse: {nodes: [{notify: xmpps://a:1}]}", "finesse.nodes[0].rest"},
		"a node has a notification address":               {"finesse: {nodes: [{rest: https://a}]}", "finesse.nodes[0].notify"},
		"a REST address has no path":                      {"finesse: {nodes: [{rest: https://a/finesse, notify: xmpps://a:1}]}", "finesse.nodes[0].rest"},
		"passwords do not leave the host in clear":        {"finesse: {nodes: [{rest: http://a, notify: xmpps://a:1}]}", "finesse.nodes[0].rest"},
		"nor within it":                                   {"finesse: {nodes: [{rest: http://127.0.0.1:8082, notify: xmpps://a:1}]}", "finesse.nodes[0].rest"},
		"a port is not left out behind its colon":         {`finesse: {nodes: [{rest: "https://a:", notify: xmpps://a:1}]}`, "finesse.nodes[0].rest"},
		"the nodes are two servers":                       {"finesse: {nodes: [{rest: https://a, notify: xmpps://a:1}, {rest: https://a, notify: xmpps://b:1}]}", "finesse.nodes[1].rest"},
		"a node's key is text":                            {"finesse: {nodes: [{1: a, rest: https://a, notify: xmpps://a:1}]}", "finesse.nodes[0].1"},
		"a domain is a domain":                            {nodes + "  xmpp_domain: a b", "finesse.xmpp_domain"},
		"a domain has no empty label":                     {nodes + "  xmpp_domain: a..b", "finesse.xmpp_domain"},
		"so is that of the publish-subscribe service":     {nodes + "  pubsub_domain: pubsub:7443", "finesse.pubsub_domain"},
		"an administrator has a password":                 {nodes + "  admin: {username: boss}", "finesse.admin.password_file"},
		"a password is an administrator's":                {nodes + "  admin: {password: a}", "finesse.admin.username"},
		"an administrator's name ends at no colon":        {nodes + `  admin: {username: "a:b", password: c}`, "finesse.admin.username"},
		"an administrator's name can be seen":             {nodes + `  admin: {username: "a\nb", password: c}`, "finesse.admin.username"},
		"requests get some time":                          {nodes + "  request_timeout: 1ms", "finesse.request_timeout"},
		"requests end":                                    {nodes + "  request_timeout: 1h", "finesse.request_timeout"},
		"retries end":                                     {nodes + "  retries: 11", "finesse.retries"},
		"authorities can be read":                         {nodes + "  ca_file: missing.pem", "finesse.ca_file"},
		"authorities of the recorder can be read":         {nodes + "recording: {ca_file: missing.pem}", "recording.ca_file"},
		"the format exists":                               {nodes + "messages: {format: xml}", "messages.format"},
		"a format there is not":                           {nodes + "messages: {format: text-5}", "messages.format"},
		"nor for a pattern":                               {nodes + `messages: {formats: {"*": xml}}`, `messages.formats["*"]`},
		"formats are a map":                               {nodes + "messages: {formats: [text]}", "messages.formats"},
		"a format is text":                                {nodes + "messages: {formats: {a: 1}}", `messages.formats["a"]`},
		"a pattern can match something":                   {nodes + "messages: {formats: {'a b': text}}", `messages.formats["a b"]`},
		"the time zone exists":                            {nodes + "messages: {time_zone: Mars/Base}", "messages.time_zone"},
		"a time zone has a name":                          {nodes + `messages: {time_zone: ""}`, "messages.time_zone"},
		"a time zone is text":                             {nodes + "messages: {time_zone: 1}", "messages.time_zone"},
		"a property name is one JMS allows":               {nodes + "messages: {category_property: a-b}", "messages.category_property"},
		"a separator does not replace one":                {nodes + `messages: {separator_substitute: "|"}`, "messages.separator_substitute"},
		"a colon is one too, in lists of text-4.4":        {nodes + `messages: {separator_substitute: ":"}`, "messages.separator_substitute"},
		"participants are listed in a way there is":       {nodes + `messages: {participants: long}`, "messages.participants"},
		"the substitute is one character":                 {nodes + `messages: {separator_substitute: "__"}`, "messages.separator_substitute"},
		"the substitute is not empty":                     {nodes + `messages: {separator_substitute: ""}`, "messages.separator_substitute"},
		"the substitute can be seen":                      {nodes + `messages: {separator_substitute: "\u0007"}`, "messages.separator_substitute"},
		"a switch is a switch":                            {nodes + "messages: {status_bar: 1}", "messages.status_bar"},
		"nor is it a word":                                {nodes + "messages: {deprecated: sometimes}", "messages.deprecated"},
		"so is one that others would read with":           {nodes + "cluster: {plaintext: some}", "cluster.plaintext"},
		"who pauses a recording resumes it":               {nodes + "recording: {pause_url: http://a/p}", "recording.resume_url"},
		"who resumes a recording pauses it":               {nodes + "recording: {resume_url: http://a/r}", "recording.pause_url"},
		"a recorder speaks HTTP":                          {nodes + "recording: {pause_url: ftp://a/p, resume_url: http://a/r}", "recording.pause_url"},
		"a recorder is a host":                            {nodes + "recording: {pause_url: http:///p, resume_url: http://a/r}", "recording.pause_url"},
		"a recorder's port is a port":                     {nodes + "recording: {pause_url: http://a/p, resume_url: http://a:0/r}", "recording.resume_url"},
		"nor is it left out behind its colon":             {nodes + "recording: {pause_url: http://a/p, resume_url: http://a:/r}", "recording.resume_url"},
		"a recorder's address is one":                     {nodes + "recording: {pause_url: http://a/p, resume_url: recorder}", "recording.resume_url"},
		"a recorder gets what is written":                 {nodes + `recording: {pause_url: "http://a/p#x", resume_url: http://a/r}`, "recording.pause_url"},
		"even an empty fragment is none":                  {nodes + `recording: {pause_url: "http://a/p#", resume_url: http://a/r}`, "recording.pause_url"},
		"a query is one word":                             {nodes + `recording: {pause_url: "http://a/p?a b", resume_url: http://a/r}`, "recording.pause_url"},
		"a recorder gets no password":                     {nodes + "recording: {pause_url: http://u:p@a/p, resume_url: http://a/r}", "recording.pause_url"},
		"nor a name":                                      {nodes + "recording: {pause_url: http://u@a/p, resume_url: http://a/r}", "recording.pause_url"},
		"the limit is not negative":                       {nodes + "agents: {limit: -1}", "agents.limit"},
		"the HTTP server needs a port":                    {nodes + "http: {listen: localhost}", "http.listen"},
		"the log has a known level":                       {nodes + "log: {level: trace}", "log.level"},
		"the log has a known format":                      {nodes + "log: {format: xml}", "log.format"},
		"keys have the case of the reference":             {nodes + "Log: {level: info}", "Log"},
		"a key is in its place":                           {nodes + "heartbeat: 10s", "heartbeat"},
		"an unknown key is a fault without a value, too":  {nodes + "log: {colour: null}", "log.colour"},
		"a section of a later version has its known keys": {nodes + "cluster: {nmae: x}", "cluster.nmae"},
		"a section is a section":                          {nodes + "capture: yes", "capture"},
		"a size has a unit":                               {nodes + "capture: {max_size: 100}", "capture.max_size"},
		"a size is a size":                                {nodes + "capture: {max_size: 1.5MB}", "capture.max_size"},
		"a capture file is not tiny":                      {nodes + "capture: {max_size: 999KB}", "capture.max_size"},
		"a capture file is not huge":                      {nodes + "capture: {max_size: 11GB}", "capture.max_size"},
		"closed capture files are not counted below 0":    {nodes + "capture: {keep: -1}", "capture.keep"},
		"a capture file has a directory":                  {nodes + "capture: {file: nowhere/capture.jsonl}", "capture.file"},
		"a pattern of allowed destinations is one":        {nodes + "messages: {destinations: [crm.*, \"a b\"]}", "messages.destinations[1]"},
		"a pattern of captured destinations is one":       {nodes + "capture: {destinations: [\"a b\"]}", "capture.destinations[0]"},
		"a captured agent has a login id":                 {nodes + "capture: {agents: [\"10#01\"]}", "capture.agents[0]"},
		"a section of both versions is a section":         {nodes + "cluster: yes", "cluster"},
		"a section in a section is one":                   {nodes + "  admin: boss", "finesse.admin"},
		"a section in a section has known keys":           {nodes + "  admin: {user: boss}", "finesse.admin.user"},
		"a dotted name is no path":                        {nodes + "log.level: info", "log.level"},
	} {
		t.Run(rule, func(t *testing.T) {
			got := faults(t, test.file)
			require.Len(t, got, 1, got.Error())
			require.Equal(t, test.path, got[0].Path)
		})
	}
}

func TestAKeyInTheWrongPlaceIsShownItsOwn(t *testing.T) {
	require.EqualError(t, faults(t, nodes+"heartbeat: 10s"), "heartbeat: unknown key; did you mean broker.heartbeat?")
}

func TestWhatIsNoConfigurationIsRefused(t *testing.T) {
	for rule, content := range map[string]string{
		"text":                   "hello",
		"a list":                 "- a",
		"broken YAML":            "a: [",
		"a key that comes twice": "log: {level: info}\nlog: {level: debug}",
		"two documents":          nodes + "---\n" + nodes,
		"more than a megabyte":   "#" + strings.Repeat("x", 1<<20),
	} {
		t.Run(rule, func(t *testing.T) {
			path := write(t, "config.yaml", content)
			_, err := config.Load(path)
			var errs config.Errors
			require.ErrorAs(t, err, &errs)
			require.Len(t, errs, 1)
			require.Equal(t, path, errs[0].Path)
		})
	}
}

func TestAMissingFileIsAFault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.yaml")
	_, err := config.Load(path)
	require.Equal(t, config.Errors{{Path: path, Problem: "cannot be read: no such file or directory"}}, err)
}

func TestAKeyWithoutValueKeepsItsDefault(t *testing.T) {
	c := load(t, nodes+"broker:\n  username:\n  urls:\nlog:\n")
	require.Equal(t, config.Default().Broker, c.Broker)
	require.Equal(t, config.Default().Log, c.Log)
}

func TestURLsAreIgnoredWithTheEmbeddedBroker(t *testing.T) {
	c := load(t, nodes+`broker: {embedded: "127.0.0.1:0", urls: []}`)
	require.Equal(t, "127.0.0.1:0", c.Broker.Embedded)
}

func TestTheEnvironmentOverridesTheFile(t *testing.T) {
	t.Setenv("FINESSE_CONNECTOR_BROKER_USERNAME", "1001")
	t.Setenv("FINESSE_CONNECTOR_BROKER_PASSWORD", "2002")
	t.Setenv("FINESSE_CONNECTOR_BROKER_URLS", "tcp://a:1, ssl://b:2")
	t.Setenv("FINESSE_CONNECTOR_BROKER_HEARTBEAT", "20s")
	t.Setenv("FINESSE_CONNECTOR_BROKER_PRIORITY_BACKUP", "false")
	t.Setenv("FINESSE_CONNECTOR_FINESSE_RETRIES", "3")
	t.Setenv("FINESSE_CONNECTOR_FINESSE_ADMIN_USERNAME", "boss")
	t.Setenv("FINESSE_CONNECTOR_FINESSE_ADMIN_PASSWORD", "3003")
	t.Setenv("FINESSE_CONNECTOR_MESSAGES_STATUS_BAR", "true")
	t.Setenv("FINESSE_CONNECTOR_MESSAGES_TIME_ZONE", "UTC")
	t.Setenv("FINESSE_CONNECTOR_LOG_LEVEL", "")
	c := load(t, nodes+"broker: {username: file, urls: [tcp://c:1, tcp://d:1, tcp://e:1]}\nlog: {level: warn}")

	require.Equal(t, "1001", c.Broker.Username)
	require.Equal(t, "2002", c.Broker.Password.Reveal())
	require.Equal(t, []string{"tcp://a:1", "ssl://b:2"}, c.Broker.URLs)
	require.Equal(t, 20*time.Second, c.Broker.Heartbeat)
	require.False(t, c.Broker.PriorityBackup)
	require.Equal(t, 3, c.Finesse.Retries)
	require.Equal(t, "boss", c.Finesse.Admin.Username)
	require.Equal(t, "3003", c.Finesse.Admin.Password.Reveal())
	require.True(t, c.Messages.StatusBar)
	require.Equal(t, time.UTC, c.Messages.TimeZone)
	require.Equal(t, "warn", c.Log.Level, "an empty variable sets nothing")
	require.Equal(t, c.InClear(), c.Warnings, "nothing is wrong with the variables")
}

func TestAFaultFromTheEnvironmentSaysSo(t *testing.T) {
	t.Setenv("FINESSE_CONNECTOR_FINESSE_RETRIES", "many")
	require.EqualError(t, faults(t, nodes),
		`finesse.retries (from FINESSE_CONNECTOR_FINESSE_RETRIES): "many": has the wrong type; accepted: 0 to 10`)
}

func TestAVariableThatSetsNothingIsWarnedOf(t *testing.T) {
	t.Setenv("FINESSE_CONNECTOR_BROKER_USER", "gc")
	t.Setenv("FINESSE_CONNECTOR_FINESSE_NODES", "https://a")
	t.Setenv("FINESSE_CONNECTOR_FINESSE_ADMIN_NAME", "boss")
	t.Setenv("FINESSE_CONNECTOR_SOMETHING", "else")
	require.Equal(t, []string{
		"the environment variable FINESSE_CONNECTOR_BROKER_USER sets nothing",
		"the environment variable FINESSE_CONNECTOR_FINESSE_ADMIN_NAME sets nothing",
		"the environment variable FINESSE_CONNECTOR_FINESSE_NODES sets nothing",
	}, load(t, nodes).Warnings)
}

func TestTheLocalTimeZoneIsTheHostsOwn(t *testing.T) {
	require.Same(t, time.Local, load(t, nodes+"messages: {time_zone: Local}").Messages.TimeZone)
}

func TestAuthoritiesAreReadBesideTheFile(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	path := write(t, "config.yaml", nodes+"  ca_file: ca.pem\nbroker: {ca_file: empty.pem}")
	ca := filepath.Join(filepath.Dir(path), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(ca, certificate, 0o600))
	empty := filepath.Join(filepath.Dir(path), "empty.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))

	_, err := config.Load(path)
	require.EqualError(t, err, `broker.ca_file: "empty.pem": holds no certificate; accepted: a readable file with PEM certificates, or empty`)

	require.NoError(t, os.WriteFile(empty, certificate, 0o600))
	c, err := config.Load(path)
	require.NoError(t, err)
	require.Equal(t, ca, c.Finesse.CAFile)
	require.Equal(t, empty, c.Broker.CAFile)
}

// json.Marshal and fmt show what a careless log line would.
func requireHidden(t *testing.T, secret string, values ...any) {
	t.Helper()
	for _, value := range values {
		encoded, err := json.Marshal(value)
		require.NoError(t, err)
		require.NotContains(t, string(encoded), secret)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", value, value, value), secret)
	}
}
