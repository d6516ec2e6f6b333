package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

// exampleLimit is for a whole run of an example driver, from its start.
const exampleLimit = 60 * time.Second

// exampleLines is more than an example driver may have: it is read as
// documentation.
const exampleLines = 80

// example is a driver of test/drivers.
type example struct {
	file     string
	format   wire.Format // of its events
	openWire bool        // else STOMP, which the built-in broker speaks too
	command  func(t *testing.T, file string) []string
}

var examples = map[string]example{
	"java": {file: "java/Driver.java", format: wire.Text, openWire: true, command: func(t *testing.T, file string) []string {
		need(t, "java", "default-jdk-headless")
		for _, jar := range strings.Split(servertest.JavaClasspath(), ":") {
			_, err := os.Stat(jar)
			require.NoError(t, err, `install libactivemq-java, or run "make deps"`)
		}
		return []string{"java", "-XX:TieredStopAtLevel=1", "-cp", servertest.JavaClasspath(), file}
	}},
	"python": {file: "python/driver.py", format: wire.Text, command: func(t *testing.T, file string) []string {
		const python = "/usr/bin/python3" // Debian's, which has Debian's modules
		need(t, python, "python3")
		out, err := exec.Command(python, "-c", "import stomp").CombinedOutput()
		require.NoError(t, err, `install python3-stomp, or run "make deps": %s`, out)
		return []string{python, file}
	}},
	"javascript": {file: "javascript/driver.mjs", format: wire.JSON, command: func(t *testing.T, file string) []string {
		need(t, "node", "nodejs")
		require.NoError(t, nodeModules())
		return []string{"node", file}
	}},
}

func need(t *testing.T, program, debianPackage string) {
	t.Helper()
	_, err := exec.LookPath(program)
	require.NoError(t, err, `install %s, or run "make deps"`, debianPackage)
}

func (e example) path() string { return filepath.Join("..", "drivers", e.file) }

// exampleTalk is what every example driver prints, its events by what they
// say.
var exampleTalk = []string{
	"> Hello#DESTINATION", "System#IN_SERVICE",
	"> Connect#1001", "> Login#1001", "AgentInfo#",
	"> MakeReady#1001", "State#NOT_READY", "State#READY",
	"State#RESERVED", "NewInboundCall#",
	"> AnswerCall#1001", "InboundCall#ALERTING", "InboundCall#ACTIVE",
	"> HoldCall#1001", "State#TALKING", "InboundCall#HELD",
	"> RetrieveCall#1001", "State#HOLD", "InboundCall#ACTIVE",
	"> ReleaseCall#1001", "State#TALKING", "InboundCall#DROPPED",
	"> MakeNotReady#1001", "State#READY", "State#NOT_READY",
	"> Logout#1001", "State#LOGOUT",
}

// TestDriversTakeACall runs the example drivers as who writes a driver does.
// What they hear is what the conversation "one-call" has, byte for byte.
func TestDriversTakeACall(t *testing.T) {
	t.Parallel()
	for name, e := range examples {
		brokers := []brokerServer{activeMQ()}
		if !e.openWire {
			brokers = append(brokers, builtIn())
		}
		for _, s := range brokers {
			t.Run(name+"."+s.name, func(t *testing.T) {
				t.Parallel()
				takesACall(t, e, s)
			})
		}
	}
}

func takesACall(t *testing.T, e example, s brokerServer) {
	c := start(t, s)
	topic := unique("crm")
	p := e.start(t, c, "DESTINATION="+topic)
	ring := sync.OnceFunc(func() { c.call("1001") })
	var lines, heard []string
	for line := range p.lines {
		line = strings.ReplaceAll(line, topic, "DESTINATION")
		lines = append(lines, line)
		if !strings.HasPrefix(line, ">") {
			heard = append(heard, line)
		}
		if said(event(line)) == "State#READY" {
			ring()
		}
	}
	require.NoError(t, p.err, "%s\n%s", strings.Join(lines, "\n"), &p.complaints)
	require.Empty(t, p.complaints.String())

	conversation, err := os.ReadFile(filepath.Join("testdata", "one-call."+string(e.format)+".golden"))
	require.NoError(t, err)
	require.Equal(t, events(string(conversation)), heard)
	require.Len(t, lines, len(exampleTalk))
	for i, want := range exampleTalk {
		if strings.HasPrefix(want, ">") {
			require.Equal(t, want, lines[i], "line %d", i+1)
		} else {
			require.True(t, strings.HasPrefix(said(event(lines[i])), want), "line %d: %s instead of %s", i+1, lines[i], want)
		}
	}
}

func TestDriversEndWithAnErrorAndSayWhy(t *testing.T) {
	t.Parallel()
	for name, e := range examples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, activeMQ())
			cases := map[string]struct{ setting, says string }{
				"a password is refused":  {"PASSWORD=wrong-one", string(gc.SubscriptionFailed)},
				"there is no broker":     {"BROKER=tcp://" + nobody(t), "connect"},
				"the extension is wrong": {"EXTENSION=abc", string(gc.WrongExtension)},
			}
			for rule, k := range cases {
				t.Run(rule, func(t *testing.T) {
					p := e.start(t, c, "DESTINATION="+unique("crm"), k.setting)
					var lines []string
					for line := range p.lines {
						lines = append(lines, line)
					}
					var exit *exec.ExitError
					require.ErrorAs(t, p.err, &exit)
					require.Equal(t, 1, exit.ExitCode(), &p.complaints)
					require.Regexp(t, `(?m)^driver: .*`+k.says, p.complaints.String())
					require.NotRegexp(t, `Traceback|\tat |    at `, p.complaints.String(), "a stack is no message")
					require.NotContains(t, strings.Join(lines, "\n")+p.complaints.String(), "wrong-one")
				})
			}
		})
	}
}

// nobody is an address at which nobody listens.
func nobody(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func TestDriversAreShort(t *testing.T) {
	t.Parallel()
	for name, e := range examples {
		text, err := os.ReadFile(e.path())
		require.NoError(t, err)
		require.Less(t, bytes.Count(text, []byte("\n")), exampleLines, name)
	}
}

// running is an example driver that was started.
type running struct {
	lines      chan string // what it prints; closed when it has ended
	complaints bytes.Buffer
	err        error // how it ended, once lines is closed
}

// start runs the driver against a connector. It is killed when the test ends
// or the limit is reached.
func (e example) start(t *testing.T, c *connector, settings ...string) *running {
	t.Helper()
	words := e.command(t, e.path())
	ctx, cancel := context.WithTimeout(context.Background(), exampleLimit)
	broker := c.brokerURL()
	if e.openWire {
		broker = shared.OpenWireURL()
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = append(append(os.Environ(), "BROKER="+broker, "COMMAND_QUEUE="+c.config.Broker.CommandQueue,
		"AGENT=1001", "PASSWORD=secret", "EXTENSION=2001"), settings...)
	r := &running{lines: make(chan string, 1000)}
	cmd.Stderr = &r.complaints
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		require.NoError(t, err)
	}
	go func() { // ends with the process
		defer close(r.lines)
		for in := bufio.NewScanner(stdout); in.Scan(); {
			r.lines <- in.Text()
		}
		r.err = errors.Join(cmd.Wait(), ctx.Err())
	}()
	t.Cleanup(func() {
		cancel()
		for range r.lines { // until it has ended
		}
	})
	return r
}

// nodeModules installs what package-lock.json names, unless it is there
// already.
var nodeModules = sync.OnceValue(func() error {
	dir := filepath.Join("..", "drivers", "javascript")
	want, err := lockedPackages(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return err
	}
	got, err := lockedPackages(filepath.Join(dir, "node_modules", ".package-lock.json"))
	if err == nil && got == want {
		return nil
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return errors.New(`install npm, or run "make deps"`)
	}
	ctx, cancel := context.WithTimeout(context.Background(), exampleLimit)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		return errors.Join(errors.New(string(out)), err)
	}
	return nil
})

// lockedPackages are the packages that a lock file names, with their versions
// and checksums.
func lockedPackages(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	var lock struct {
		Packages map[string]struct{ Version, Integrity string }
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return "", err
	}
	delete(lock.Packages, "") // the project itself
	sorted, err := json.Marshal(lock.Packages)
	return string(sorted), err
}
