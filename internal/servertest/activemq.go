package servertest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const (
	activemqHome = "/usr/share/activemq"
	startLimit   = 60 * time.Second // a JVM on a busy machine
	stopLimit    = 10 * time.Second
)

// ActiveMQ is an ActiveMQ Classic process with an openwire and a stomp
// connector, all in memory unless WithXML says otherwise. It keeps its ports when it is started again.
type ActiveMQ struct {
	STOMP    string // host:port
	OpenWire string // host:port
	STOMPTLS string // host:port, of a stomp+ssl connector if WithXML adds one

	dir     string
	kept    []*Address
	users   []User
	rights  []Right
	xmls    []string  // see WithXML
	heap    string    // of Java
	command *exec.Cmd // nil while it is not running
	exited  chan struct{}
}

// User may log in. An ActiveMQ without users lets everybody in.
type User struct {
	Name, Password string
	Groups         string // comma separated
}

// Right is what groups may do with the queue or topic of a name, in which ">"
// stands for any rest. An ActiveMQ without rights lets users do everything.
type Right struct {
	Queue, Topic       string // one of the two
	Read, Write, Admin string // groups; Admin is to create it
}

// Option changes an ActiveMQ before it is started.
type Option func(*ActiveMQ)

// WithUsers makes logins necessary.
func WithUsers(users ...User) Option { return func(a *ActiveMQ) { a.users = users } }

// WithRights limits what users may do. Advisory topics, which every connection
// needs, are open to all groups.
func WithRights(rights ...Right) Option { return func(a *ActiveMQ) { a.rights = rights } }

// WithHeap gives it another heap than the 256m that nearly all tests can do with; ActiveMQ's
// own script gives it 1g.
func WithHeap(most string) Option { return func(a *ActiveMQ) { a.heap = most } }

// StartActiveMQ starts one that is stopped when the test ends; its output is
// shown if the test failed.
func StartActiveMQ(t testing.TB, options ...Option) *ActiveMQ {
	t.Helper()
	a, err := NewActiveMQ(t.TempDir(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.Close()
		if t.Failed() {
			t.Logf("output of ActiveMQ:\n%s", a.Output())
		}
	})
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	return a
}

// WithActiveMQ runs all tests of a package with one ActiveMQ that they share,
// which is stopped before it returns run's exit code.
func WithActiveMQ(run func(*ActiveMQ) int, options ...Option) int {
	dir, err := os.MkdirTemp("", "activemq-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	a, err := NewActiveMQ(dir, options...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer a.Close()
	if err := a.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return run(a)
}

// NewActiveMQ prepares one with its files in dir; Start starts it, and its
// owner closes it. It serves TestMain, where there is no test to clean up
// after.
func NewActiveMQ(dir string, options ...Option) (*ActiveMQ, error) {
	if _, err := os.Stat(activemqHome + "/bin/activemq.jar"); err != nil {
		return nil, fmt.Errorf("ActiveMQ is not installed, run \"make deps\": %w", err)
	}
	a := &ActiveMQ{dir: dir, heap: "256m"}
	for _, o := range options {
		o(a)
	}
	for _, addr := range []*string{&a.STOMP, &a.OpenWire, &a.STOMPTLS} {
		kept, err := NewAddress()
		if err != nil {
			a.Close()
			return nil, err
		}
		a.kept = append(a.kept, kept)
		*addr = kept.String()
	}
	if err := a.prepare(); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// URL is the stomp connector as the connector's configuration names it.
func (a *ActiveMQ) URL() string { return "tcp://" + a.STOMP }

// OpenWireURL is the openwire connector as JMS programs name it.
func (a *ActiveMQ) OpenWireURL() string { return "tcp://" + a.OpenWire }

// SetPassword changes a user's password from the next start on.
func (a *ActiveMQ) SetPassword(name, password string) {
	for i := range a.users {
		if a.users[i].Name == name {
			a.users[i].Password = password
		}
	}
}

// prepare makes the directories ActiveMQ insists on. Debian's package has no
// lib/optional, and without these jars advisory messages never reach STOMP.
func (a *ActiveMQ) prepare() error {
	optional := filepath.Join(a.dir, "lib", "optional")
	err := errors.Join(os.MkdirAll(optional, 0o755), os.MkdirAll(filepath.Join(a.dir, "conf"), 0o755),
		os.MkdirAll(filepath.Join(a.dir, "data"), 0o755))
	for _, jar := range []string{"xstream.jar", "jettison.jar", "xpp3.jar"} {
		from := filepath.Join(javaDir, jar)
		if _, statErr := os.Stat(from); statErr != nil {
			return fmt.Errorf("a jar ActiveMQ needs is not installed, run \"make deps\": %w", statErr)
		}
		err = errors.Join(err, os.Symlink(from, filepath.Join(optional, jar)))
	}
	return errors.Join(err, os.WriteFile(filepath.Join(a.dir, "conf", "log4j.properties"), []byte(log4j), 0o644))
}

const log4j = `log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %-5p %m (%c)%n
`

// Start returns when both connectors accept connections. The ports are the
// same every time.
func (a *ActiveMQ) Start() error {
	configuration := filepath.Join(a.dir, "conf", "activemq.xml")
	if err := os.WriteFile(configuration, []byte(a.xml()), 0o600); err != nil {
		return err
	}
	output, err := os.OpenFile(a.outputFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer output.Close() // the child has its own descriptor
	cmd := exec.Command("java", "-Xms64m", "-Xmx"+a.heap,
		"-Dlog4j.configuration=file:"+filepath.Join(a.dir, "conf", "log4j.properties"),
		"-Dactivemq.home="+activemqHome, "-Dactivemq.base="+a.dir,
		"-Dactivemq.conf="+filepath.Join(a.dir, "conf"), "-Dactivemq.data="+filepath.Join(a.dir, "data"),
		"-jar", activemqHome+"/bin/activemq.jar", "start", "xbean:file:"+configuration)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start ActiveMQ (is Java installed? \"make deps\"): %w", err)
	}
	a.command, a.exited = cmd, make(chan struct{})
	go func() {
		defer close(a.exited)
		_ = cmd.Wait() // stopping makes it exit with an error
	}()
	if err := a.waitReady(); err != nil {
		a.Kill()
		return fmt.Errorf("%w\n%s", err, a.Output())
	}
	return nil
}

func (a *ActiveMQ) waitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for _, addr := range []string{a.OpenWire, a.STOMP} {
		for !answers(addr) {
			select {
			case <-poll.C:
			case <-a.exited:
				return errors.New("ActiveMQ ended before it was ready")
			case <-ctx.Done():
				return fmt.Errorf("ActiveMQ does not listen on %s after %s", addr, startLimit)
			}
		}
	}
	return nil
}

func answers(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// Stop ends it in order, or after 10 s by force. It does nothing when it is
// not running.
func (a *ActiveMQ) Stop() { a.end(syscall.SIGTERM) }

// Close stops it for good and gives its ports up.
func (a *ActiveMQ) Close() {
	a.Stop()
	for _, k := range a.kept {
		k.Close()
	}
}

// Kill ends it without warning, as a power cut would.
func (a *ActiveMQ) Kill() { a.end(syscall.SIGKILL) }

func (a *ActiveMQ) end(signal os.Signal) {
	if a.command == nil {
		return
	}
	_ = a.command.Process.Signal(signal) // it may have ended by itself
	t := time.NewTimer(stopLimit)
	defer t.Stop()
	select {
	case <-a.exited:
	case <-t.C:
		_ = a.command.Process.Kill()
		<-a.exited
	}
	a.command = nil
}

// Freeze stops the process without ending it: its connections stay open and
// nothing answers. The returned function lets it go on.
func (a *ActiveMQ) Freeze() (thaw func()) {
	p := a.command.Process
	_ = p.Signal(syscall.SIGSTOP)
	return func() { _ = p.Signal(syscall.SIGCONT) }
}

// Output is everything it has printed.
func (a *ActiveMQ) Output() string {
	b, err := os.ReadFile(a.outputFile())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err.Error()
	}
	return string(b)
}

func (a *ActiveMQ) outputFile() string { return filepath.Join(a.dir, "output.txt") }
