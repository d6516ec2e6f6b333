package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// driver plays a CRM driver: it sends commands, hears what arrives at its
// destination, and remembers both.
type driver struct {
	t           testing.TB
	client      *broker.Client
	queue       string
	destination string // a topic
	password    string // of its agents
	statusBar   bool   // each event that has one is followed by a sentence
	got         chan *broker.Delivery

	mu     sync.Mutex
	script []string // the conversation so far
}

// newDriver subscribes a driver to a topic of its own, whose name begins with
// prefix.
func newDriver(c *connector, prefix string) *driver {
	c.t.Helper()
	return newDriverAt(c, "/topic/"+unique(prefix))
}

func newDriverAt(c *connector, destination string) *driver {
	c.t.Helper()
	cl, err := broker.Dial(c.t.Context(), broker.Options{
		Username: c.config.Broker.Username, Password: c.config.Broker.Password, JavaText: c.embeddedAddr() == "",
	}, c.brokerURL())
	require.NoError(c.t, err)
	d := &driver{
		t: c.t, client: cl, queue: "/queue/" + c.config.Broker.CommandQueue,
		destination: strings.TrimPrefix(destination, "/topic/"), password: "secret", got: make(chan *broker.Delivery, 10_000),
	}
	c.t.Cleanup(func() {
		cl.Close()
		if c.t.Failed() {
			c.t.Logf("conversation of %s:\n%s", d.destination, d.conversation())
		}
	})
	require.NoError(c.t, cl.Subscribe(c.t.Context(), destination, func(m *broker.Delivery) { d.got <- m }))
	return d
}

// note adds a line to the conversation. The driver's own destination, which is
// another on each run, is written as DESTINATION.
func (d *driver) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.script = append(d.script, strings.ReplaceAll(line, d.destination, "DESTINATION"))
}

func (d *driver) conversation() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.script, "\n") + "\n"
}

// send sends a command, written as "category/Type#id parameters".
func (d *driver) send(command string, headers ...string) {
	d.t.Helper()
	d.note("> " + command)
	typ, body, _ := strings.Cut(command, " ")
	category, typ, _ := strings.Cut(typ, "/")
	all := map[string]string{"type": typ, "MessageCategory": category}
	for i := 0; i < len(headers); i += 2 {
		all[headers[i]] = headers[i+1]
	}
	d.sendRaw(body, all)
}

func (d *driver) sendRaw(body string, headers map[string]string) {
	d.t.Helper()
	maps.DeleteFunc(headers, func(_, v string) bool { return v == "" })
	require.NoError(d.t, d.client.Send(d.t.Context(), broker.Outgoing{Destination: d.queue, Headers: headers, Body: body}))
}

// next is the next event.
func (d *driver) next() *broker.Delivery {
	d.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case m := <-d.got:
		return d.heard(m)
	case <-d.client.Done():
	case <-timer.C:
		require.FailNow(d.t, "no event came")
	}
	select {
	case m := <-d.got: // what came before the broker went
		return d.heard(m)
	default:
		require.FailNow(d.t, "the broker has gone", "%v", d.client.Err())
		panic("not reached")
	}
}

func (d *driver) heard(m *broker.Delivery) *broker.Delivery {
	d.t.Helper()
	d.note(m.Category + "\t" + m.Body)
	require.True(d.t, m.Text, "an event must be a TextMessage")
	return m
}

// until reads events up to the one that says what: "State#READY",
// "InboundCall#ACTIVE", in the words of the text format. It understands both
// formats.
func (d *driver) until(what string) *broker.Delivery {
	d.t.Helper()
	for {
		if m := d.next(); strings.HasPrefix(said(m.Body), what) {
			d.readSentence(said(m.Body))
			return m
		}
	}
}

// untilAll is until for several, in any order.
func (d *driver) untilAll(what ...string) map[string]*broker.Delivery {
	d.t.Helper()
	told := map[string]*broker.Delivery{}
	for len(told) < len(what) {
		m := d.next()
		for _, w := range what {
			if strings.HasPrefix(said(m.Body), w) {
				told[w] = m
			}
		}
	}
	return told
}

// readSentence reads what follows an event for the agent's status bar.
func (d *driver) readSentence(said string) {
	d.t.Helper()
	key := strings.Replace(said, "#DROPPED", "#DROP", 1)
	hasOne := strings.HasPrefix(said, "Error#") || slices.ContainsFunc(gc.UserMessages, func(m gc.UserMessage) bool { return m.Key == key && m.Text != "" })
	if d.statusBar && hasOne {
		require.Contains(d.t, d.next().Body, "#Control#PrintStatusBar#")
	}
}

// begin signs agent 1001 in, as most conversations begin.
func (d *driver) begin(format string) {
	d.t.Helper()
	d.beginAs("1001", "2001", format)
}

func (d *driver) beginAs(agent, extension, format string) {
	d.t.Helper()
	d.send("system/Hello#"+d.destination, "format", format)
	d.until("System#IN_SERVICE")
	d.signIn(agent, extension)
}

// expect reads exactly these events, in the text format.
func (d *driver) expect(lines ...string) {
	d.t.Helper()
	for _, want := range lines {
		m := d.next()
		require.Equal(d.t, want, m.Category+"\t"+m.Body)
	}
}

// said is the kind of an event and its first word: "State#READY".
func said(body string) string {
	var e struct{ Type, State, Status, Error string }
	if json.Unmarshal([]byte(body), &e) == nil {
		return e.Type + "#" + e.State + e.Status + e.Error
	}
	fields := strings.Split(body, "#")
	if fields[0] == "System" {
		return body
	}
	if len(fields) > 1 {
		return strings.Join(fields[1:min(3, len(fields))], "#")
	}
	return body
}

var dialogID = regexp.MustCompile(`DialogID:(\d+)|"(?:dialogId|assDialogId)":"(\d+)"`)

// untilCall reads up to an event of a call and gives the call's id.
func (d *driver) untilCall(state gc.CallState) string {
	d.t.Helper()
	return d.idOf(d.until("InboundCall#" + string(state)))
}

// idOf is the id of the call that an event is about.
func (d *driver) idOf(m *broker.Delivery) string {
	d.t.Helper()
	id := dialogID.FindStringSubmatch(m.Body)
	require.NotNil(d.t, id, m.Body)
	return id[1] + id[2]
}

// hears reports what comes before the answer of a command sent now, which
// shows that nothing else is on its way.
func (d *driver) hears(agent string) []string {
	d.t.Helper()
	mark := unique("mark")
	d.send("agent_state/GetState#"+agent, "correlation-id", mark)
	var lines []string
	for {
		m := d.next()
		if m.CorrelationID == mark {
			return lines
		}
		lines = append(lines, m.Category+"\t"+m.Body)
	}
}

// signIn connects an agent and signs it in.
func (d *driver) signIn(agent, extension string) {
	d.t.Helper()
	d.send(fmt.Sprintf("agent_info/Connect#%s %s,%s", agent, d.destination, d.password))
	d.send(fmt.Sprintf("agent_state/Login#%s %s,%s", agent, d.password, extension))
	d.until("AgentInfo")
	d.until("State#")
}

// events are the events of a conversation, without the commands and remarks.
func events(conversation string) []string {
	return slices.DeleteFunc(strings.Split(strings.TrimSuffix(conversation, "\n"), "\n"), func(line string) bool {
		return !strings.Contains(line, "\t")
	})
}
