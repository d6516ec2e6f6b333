package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// runMain makes the test binary run as the program.
const runMain = "RUN_MAIN_OF_FINESSE_CONNECTOR"

func TestMain(m *testing.M) {
	if os.Getenv(runMain) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// patience is for a busy machine; nothing takes long otherwise.
const patience = 30 * time.Second

// result is the outcome of a command.
type result struct {
	code     int
	out, err string
}

// run runs the program to its end.
func run(t *testing.T, args ...string) result {
	t.Helper()
	return runWith(t, "", args...)
}

func runWith(t *testing.T, input string, args ...string) result {
	t.Helper()
	p := launch(t, input, nil, args...)
	code := p.wait()
	return result{code, p.out.String(), p.err.String()}
}

// process is the running program.
type process struct {
	t        *testing.T
	cmd      *exec.Cmd
	out, err *output
	ended    chan struct{}
}

// launch starts the program; the end of the test kills it if it still runs.
func launch(t *testing.T, input string, env []string, args ...string) *process {
	t.Helper()
	return start(t, input, env, append([]string{os.Args[0]}, args...))
}

// start starts a command line that is the program or becomes it.
func start(t *testing.T, input string, env []string, line []string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	p := &process{t: t, cmd: exec.CommandContext(ctx, line[0], line[1:]...), out: &output{}, err: &output{}, ended: make(chan struct{})}
	// The race detector would have each process sleep for a second at its end.
	p.cmd.Env = append(append(os.Environ(), runMain+"=1", "GORACE=atexit_sleep_ms=0"), env...)
	p.cmd.Dir = t.TempDir()
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = strings.NewReader(input), p.out, p.err
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-p.ended
	})
	return p
}

func (p *process) wait() (code int) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		require.FailNow(p.t, "the program does not end", p.err.String())
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(s))
}

// output is written by one goroutine and read by another.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// await waits until text was written.
func (p *process) await(o *output, text string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool { return strings.Contains(o.String(), text) }, patience, 5*time.Millisecond,
		"%q did not come", text)
}

// requireInOrder finds each part after the one before.
func requireInOrder(t *testing.T, text string, parts ...string) {
	t.Helper()
	rest := text
	for _, part := range parts {
		_, after, ok := strings.Cut(rest, part)
		require.True(t, ok, "%q is missing or too early in\n%s", part, text)
		rest = after
	}
}

// requireComplaint checks that every line of an error names the program and
// ends without a period.
func requireComplaint(t *testing.T, text string) {
	t.Helper()
	require.NotEmpty(t, text)
	for line := range strings.Lines(text) {
		require.Regexp(t, `^finesse-connector: .*[^.\n]\n$`, line)
	}
}

// write puts a file into a directory of the test's own.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}
