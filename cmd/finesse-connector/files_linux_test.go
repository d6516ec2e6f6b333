package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// serveWithFiles starts the daemon with a limit of open descriptors.
func serveWithFiles(t *testing.T, files int, l *lab) *process {
	t.Helper()
	p := start(t, "", nil, []string{"bash", "-c", `ulimit -n "$0" && exec "$@"`, strconv.Itoa(files), os.Args[0], "serve", "--config", l.config})
	p.await(p.err, `"msg":"started"`)
	return p
}

// An agent for whom the process has no descriptors is refused. The others go on
// working, and there is room again when some have gone.
func TestMoreAgentsThanFiles(t *testing.T) {
	t.Parallel()
	const all, files, fit = 28, 64, (64 - 64/4) / 2
	l := newLab(t)
	p := serveWithFiles(t, files, l)
	d := newDesk(t, l)
	agents := l.finesse.Agents()
	require.Len(t, agents, all)
	connected := d.connect(agents[0].ID)
	for _, a := range agents[1:] {
		connected = append(connected, d.connect(a.ID)...)
	}
	require.Len(t, connected, fit, "as many as there are descriptors for")
	for range 3 {
		for _, id := range connected {
			d.send("GetState#"+id, "")
			require.Contains(t, d.next(), id+"#State#LOGOUT", "agents who fit work")
		}
	}
	require.LessOrEqual(t, p.files(), files)
	require.Equal(t, 1, strings.Count(p.err.String(), "no more agents can connect"))
	require.Contains(t, p.err.String(), "raise LimitNOFILE")
	require.EqualValues(t, all-fit, p.metric("notify_streams_refused_total"))

	for _, id := range connected[:all-fit] {
		l.finesse.Remove(gc.AgentID(id))
	}
	for range all - fit {
		require.Contains(t, d.next(), "#Error#SUBSCRIPTION_FAILED")
	}
	for _, a := range agents[fit:] {
		require.Equal(t, []string{string(a.ID)}, d.connect(a.ID), "there is room again")
	}
	p.signal(syscall.SIGTERM)
	require.Equal(t, exitDone, p.wait())
}

// When no descriptor is left, for whatever reason, the process neither dies nor
// spins, logs it once, and works again afterwards.
func TestNoFilesAreLeft(t *testing.T) {
	t.Parallel()
	const files = 64
	l := newLab(t)
	p := serveWithFiles(t, files, l)
	d := newDesk(t, l)
	require.Equal(t, []string{"1001"}, d.connect("1001"))
	p.allowFiles(0)
	visitor, err := net.Dial("tcp", p.http())
	require.NoError(t, err)
	defer visitor.Close()
	p.await(p.err, "http server has no descriptor")

	busy := p.cpu()
	refused := 0
	for i := range 10 { // more than there are connections to reuse
		refused += 1 - len(d.connect(gc.AgentID(strconv.Itoa(1002+i))))
	}
	require.GreaterOrEqual(t, refused, 8)
	require.NoError(t, l.finesse.Inject(simulator.Fault{Kind: simulator.CutStream, Agent: "1001"}))
	p.await(p.err, "raise LimitNOFILE")
	<-time.After(6 * time.Second) // meanwhile the nodes are checked
	require.Less(t, p.cpu()-busy, 3*time.Second, "it does not spin")
	for _, once := range []string{"http server has no descriptor", "notification service cannot be used"} {
		require.Equal(t, 1, strings.Count(p.err.String(), once), once)
	}
	d.send("GetState#1001", "")
	d.nextOf("1001") // whatever the answer is

	p.allowFiles(files)
	require.Eventually(t, func() bool { return len(d.connect("1012")) == 1 }, patience, 100*time.Millisecond, "it works again")
	d.send("GetState#1001", "")
	require.Contains(t, d.nextOf("1001"), "1001#State#LOGOUT")
	require.Eventually(t, func() bool { return l.finesse.Agents()[0].Streams == 1 }, patience, 100*time.Millisecond, "the stream is back")
	p.signal(syscall.SIGTERM)
	require.Equal(t, exitDone, p.wait())
}

// allowFiles sets how many descriptors the process may have open from now on.
// Open ones stay open.
func (p *process) allowFiles(n uint64) {
	p.t.Helper()
	var now unix.Rlimit
	require.NoError(p.t, unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_NOFILE, nil, &now))
	require.NoError(p.t, unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: now.Max}, nil))
}

// files returns how many descriptors the process has open.
func (p *process) files() int {
	p.t.Helper()
	open, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "fd"))
	require.NoError(p.t, err)
	return len(open)
}

// cpu returns the time the process has worked.
func (p *process) cpu() time.Duration {
	p.t.Helper()
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "stat"))
	require.NoError(p.t, err)
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest) // from the third field of proc(5) on
	var ticks int
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.Atoi(field)
		require.NoError(p.t, err)
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100
}

var listensAt = regexp.MustCompile(`"msg":"started","http":"([^"]+)"`)

// http returns the address where the process answers operators.
func (p *process) http() string {
	p.t.Helper()
	m := listensAt.FindStringSubmatch(p.err.String())
	require.NotNil(p.t, m, p.err.String())
	return m[1]
}

func (p *process) metric(name string) float64 {
	p.t.Helper()
	r, err := http.Get("http://" + p.http() + "/metrics")
	require.NoError(p.t, err)
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	require.NoError(p.t, err)
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "finesse_connector_"+name+" "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			require.NoError(p.t, err)
			return f
		}
	}
	return 0
}
