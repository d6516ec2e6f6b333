package hostile

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

const (
	queue = "Connector1"
	desk  = "desk" // the driver's destination
)

// agents are the driver's, with their extensions. Those of stage are connected
// and signed in all the time.
var agents = map[gc.AgentID]string{"1001": "2001", byToken: "2002"}

// Who is let in with an access token, all others with a password.
const (
	byToken      gc.AgentID = "1002"
	tokenToo     gc.AgentID = "1010" // who does not work
	leadsByToken gc.AgentID = "2001"
)

// tokenOf is an agent's access token of that number.
func tokenOf(agent gc.AgentID, number int) string { return fmt.Sprintf("secret:%s:%d", agent, number) }

// site is a connector at work.
type site struct {
	finesse  *simulator.Simulator
	door     *door
	program  string
	dir      string // all that the connector writes
	patience time.Duration
	config   string
	command  *exec.Cmd
	http     string // the operator's address
	driver   *client
	tokens   int // of byToken, so far; the last one is good

	ear   *broker.Client
	mu    sync.Mutex
	heard []event // at any topic, by anybody
}

// event is what somebody heard somewhere.
type event struct{ destination, category, body, correlation string }

func newSite(t *testing.T) *site {
	t.Helper()
	return newPatientSite(t, 2*time.Second)
}

// newPatientSite is one that waits for Finesse as long as patience.
func newPatientSite(t *testing.T, patience time.Duration) *site {
	t.Helper()
	s := &site{dir: t.ArtifactDir(), patience: patience, tokens: 1}
	var err error
	s.finesse, err = simulator.Start(simulator.Options{
		MaxDelay: simulator.NoDelay, SSO: true, SSOAgents: []gc.AgentID{byToken, tokenToo, leadsByToken},
	})
	require.NoError(t, err)
	t.Cleanup(s.finesse.Close)
	s.door = newDoor(t, s.finesse)
	s.program = filepath.Join(t.TempDir(), "finesse-connector")
	built, err := exec.CommandContext(t.Context(), "go", "build", "-o", s.program, "../../cmd/finesse-connector").CombinedOutput()
	require.NoError(t, err, string(built))
	s.config = s.configuration(t, "config.yaml", s.door.url(), s.finesse.NotifyURL())
	s.start(t)
	s.spy(t)
	s.driver = s.connect(t, desk)
	s.begin(t)
	return s
}

func (s *site) configuration(t *testing.T, name, rest, notify string) string {
	t.Helper()
	ca := filepath.Join(s.dir, name+".ca.pem")
	require.NoError(t, os.WriteFile(ca, append(s.finesse.CertificatePEM(), s.door.certificate()...), 0o600))
	file := filepath.Join(s.dir, name)
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `
broker: {urls: [%q], command_queue: %s}
finesse: {nodes: [{rest: %q, notify: %q}], ca_file: %q, request_timeout: %s}
messages: {status_bar: true}
capture: {file: %q}
http: {listen: "127.0.0.1:0"}
log: {level: debug}
`, shared.URL(), queue, rest, notify, ca, s.patience, filepath.Join(s.dir, "capture.jsonl")), 0o600))
	return file
}

var listening = regexp.MustCompile(`"msg":"started".*"http":"([^"]+)"`)

// start starts the connector and waits until it takes commands.
func (s *site) start(t *testing.T) {
	t.Helper()
	log, err := os.Create(s.logFile())
	require.NoError(t, err)
	defer log.Close() // the child has its own descriptor
	s.command = exec.Command(s.program, "serve", "--config", s.config)
	s.command.Stderr = log
	require.NoError(t, s.command.Start())
	t.Cleanup(func() {
		stopped := time.AfterFunc(20*time.Second, func() { _ = s.command.Process.Kill() })
		_ = s.command.Process.Signal(syscall.SIGTERM)
		_ = s.command.Wait()
		stopped.Stop()
		if t.Failed() {
			t.Logf("the end of the log:\n%s", tail(s.log(t), 60))
		}
	})
	eventually(t, func() bool {
		found := listening.FindStringSubmatch(s.log(t))
		if found == nil {
			return false
		}
		s.http = found[1]
		return s.get(t, "/readyz") == http.StatusOK
	}, "the connector does not start")
}

func (s *site) logFile() string { return filepath.Join(s.dir, "log") }

func (s *site) log(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(s.logFile())
	require.NoError(t, err)
	return string(b)
}

func tail(text string, lines int) string {
	all := strings.Split(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// get asks the operator's server and gives the status, 0 when there is no
// answer.
func (s *site) get(t *testing.T, path string) int {
	status, _ := s.read(t, path)
	return status
}

func (s *site) read(t *testing.T, path string) (status int, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.http+path, nil)
	require.NoError(t, err)
	r.Close = true
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, ""
	}
	defer answer.Body.Close()
	b, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(b)
}

// spy hears all topics.
func (s *site) spy(t *testing.T) {
	t.Helper()
	s.ear = dial(t)
	require.NoError(t, s.ear.Subscribe(t.Context(), "/topic/>", func(d *broker.Delivery) {
		if strings.HasPrefix(d.Destination, "/topic/ActiveMQ.") {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.heard = append(s.heard, event{d.Destination, d.Category, d.Body, d.CorrelationID})
	}))
}

// all is what was heard at any topic since it was asked for last.
func (s *site) all(t *testing.T) []event {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NoError(t, s.ear.Err(), "who is to hear all hears nothing")
	heard := s.heard
	s.heard = nil
	return heard
}

func dial(t *testing.T) *broker.Client {
	t.Helper()
	c, err := broker.Dial(t.Context(), broker.Options{JavaText: true}, shared.URL())
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// client is a driver or somebody who behaves as one.
type client struct {
	*broker.Client
	got chan event
}

// connect makes a client that hears a topic.
func (s *site) connect(t *testing.T, topic string) *client {
	t.Helper()
	return listen(t, "/topic/"+topic)
}

// listen makes a client that hears a destination.
func listen(t *testing.T, destination string) *client {
	t.Helper()
	c := &client{Client: dial(t), got: make(chan event, 100_000)}
	require.NoError(t, c.Subscribe(t.Context(), destination, func(d *broker.Delivery) {
		c.got <- event{d.Destination, d.Category, d.Body, d.CorrelationID}
	}))
	return c
}

// send sends a command: its type, its parameters, and headers.
func (c *client) send(t *testing.T, typ, body string, headers ...string) {
	t.Helper()
	all := map[string]string{"type": typ}
	for i := 0; i < len(headers); i += 2 {
		all[headers[i]] = headers[i+1]
	}
	require.NoError(t, c.Send(t.Context(), broker.Outgoing{Destination: "/queue/" + queue, Headers: all, Body: body}))
}

// sendUntil is send and until. The command is sent again when it is answered
// PLEASE_RETRY: it may have been on its way when a connection broke.
func (c *client) sendUntil(t *testing.T, typ, body, text string) {
	t.Helper()
	const retry = "#Error#PLEASE_RETRY"
	for {
		c.send(t, typ, body)
		if e := c.until(t, text, retry); strings.Contains(e.body, text) {
			return
		}
	}
}

// until reads up to the event whose body has one of the texts in it.
func (c *client) until(t *testing.T, texts ...string) event {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var others []event
	for {
		select {
		case e := <-c.got:
			if slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(e.body, text) }) {
				return e
			}
			others = append(others, e)
		case <-timer.C:
			require.FailNow(t, "the event did not come", "%s; the last of %d others: %q",
				strings.Join(texts, " or "), len(others), others[max(0, len(others)-10):])
		}
	}
}

var marks int

// state asks for an agent's state and gives the answer and the time it took.
func (c *client) state(t *testing.T, agent gc.AgentID) (answer string, took time.Duration) {
	t.Helper()
	marks++
	mark := "mark-" + strconv.Itoa(marks)
	begin := time.Now()
	c.send(t, "GetState#"+string(agent), "", "correlation-id", mark)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case e := <-c.got:
			if e.correlation == mark && strings.HasPrefix(e.body, string(agent)+"#State#") {
				return e.body, time.Since(begin)
			}
		case <-timer.C:
			require.FailNow(t, "no answer", "%s", agent)
		}
	}
}

// begin signs the driver's agents in.
func (s *site) begin(t *testing.T) {
	t.Helper()
	s.driver.send(t, "Hello#"+desk, "")
	s.driver.until(t, "System#IN_SERVICE")
	for id, extension := range agents {
		s.driver.send(t, "Connect#"+string(id), s.connectOf(id))
		s.driver.send(t, "Login#"+string(id), s.passwordOf(id)+","+extension)
		s.driver.until(t, string(id)+"#State#NOT_READY")
		s.driver.send(t, "MakeReady#"+string(id), "")
		s.driver.until(t, string(id)+"#State#READY")
	}
}

// passwordOf is what one of the driver's agents is let in with, and connectOf what its
// driver says to connect it.
func (s *site) passwordOf(id gc.AgentID) string {
	if id == byToken {
		return tokenOf(id, s.tokens)
	}
	return "secret"
}

func (s *site) connectOf(id gc.AgentID) string {
	if id == byToken {
		return desk + "," + s.passwordOf(id) + ",SSO"
	}
	return desk + "," + s.passwordOf(id)
}

// unharmed is what must be true after each attack.
func (s *site) unharmed(t *testing.T) {
	t.Helper()
	for id := range agents {
		answer, took := s.driver.state(t, id)
		require.Contains(t, answer, "#State#READY", "%s is signed in and ready as before", id)
		require.Less(t, took, 5*time.Second, "%s is answered", id)
	}
	s.rings(t, "1001")
	require.Eventually(t, func() bool { return s.get(t, "/readyz") == http.StatusOK }, 5*time.Second, 10*time.Millisecond, "a connection may be replaced just now")
	require.Nil(t, s.command.ProcessState, "the process lives")
	require.Less(t, s.memory(t), 400<<20, "it has not grown beyond reason")
	for _, e := range s.all(t) {
		for id := range agents {
			require.False(t, private(e, id) && e.destination != "/topic/"+desk, "an agent's event went to %s: %s", e.destination, e.body)
		}
	}
}

// private reports whether an event is for the agent's driver alone: all but the
// answers that strangers get.
func private(e event, agent gc.AgentID) bool {
	rest, isAbout := strings.CutPrefix(e.body, string(agent)+"#")
	return isAbout && !strings.HasPrefix(rest, "Error#") && !strings.HasPrefix(rest, "State#RE_LOGIN") &&
		!strings.HasPrefix(rest, "Control#PrintStatusBar")
}

// rings has a call come to an agent, which its driver is told, and end.
func (s *site) rings(t *testing.T, agent gc.AgentID) {
	t.Helper()
	from := "40855" + strconv.Itoa(10_000+marks)
	dialog, err := s.finesse.Call(agent, simulator.Call{From: from})
	require.NoError(t, err)
	s.driver.until(t, "#NewInboundCall#"+from)
	s.driver.sendUntil(t, "AnswerCall#"+string(agent), string(dialog), "#InboundCall#ACTIVE")
	s.driver.sendUntil(t, "ReleaseCall#"+string(agent), string(dialog), "#InboundCall#DROPPED")
	s.driver.until(t, string(agent)+"#State#READY")
}

var resident = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// memory is what the connector has resident, in bytes.
func (s *site) memory(t *testing.T) int {
	t.Helper()
	bytes := residentOf(s.command)
	require.NotZero(t, bytes)
	return bytes
}

// residentOf is what a process has resident, in bytes; 0 for one that has ended.
func residentOf(c *exec.Cmd) int {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Process.Pid))
	found := resident.FindSubmatch(b)
	if found == nil {
		return 0
	}
	kb, _ := strconv.Atoi(string(found[1]))
	return kb << 10
}

// wrote is all that the connector wrote so far, by file, and what it shows.
func (s *site) wrote(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	files, err := os.ReadDir(s.dir)
	require.NoError(t, err)
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(s.dir, f.Name()))
		require.NoError(t, err)
		all[f.Name()] = string(b)
	}
	for _, path := range []string{"/metrics", "/readyz", "/livez", "/api/capture"} {
		_, all[path] = s.read(t, path)
	}
	return all
}

// locked reports whether Finesse has locked the account of an agent with a password.
func (s *site) locked(t *testing.T, agent gc.AgentID) bool {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.door.url()+"/finesse/api/User/"+string(agent), nil)
	require.NoError(t, err)
	r.SetBasicAuth(string(agent), "secret")
	answer, err := s.door.client.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode != http.StatusOK
}

// lines are those of the log with the text in them, read as JSON.
func (s *site) lines(t *testing.T, text string) (lines []map[string]any) {
	t.Helper()
	for line := range strings.Lines(s.log(t)) {
		if strings.Contains(line, text) {
			var fields map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &fields))
			lines = append(lines, fields)
		}
	}
	return lines
}
