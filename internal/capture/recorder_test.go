package capture

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/pulse"
)

const patience = 10 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// create makes a recorder that does not run yet.
func create(t *testing.T, o Options) (*Recorder, *observer.ObservedLogs) {
	t.Helper()
	if o.File == "" {
		o.File = filepath.Join(t.TempDir(), "capture.jsonl")
	}
	if o.MaxSize == 0 {
		o.MaxSize = 1 << 30
	}
	core, logs := observer.New(zap.InfoLevel)
	return New(o, nil, "v1", zap.New(core), nil), logs
}

// run has r write until the test, or stop, ends it.
func run(t *testing.T, r *Recorder) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Run(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

// read is what files hold, as "header", the type of a record, or a problem.
func read(t *testing.T, names ...string) (all []string, records []*Record) {
	t.Helper()
	f, err := OpenFiles(t.Context(), names...)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	for {
		i, err := f.Next()
		if errors.Is(err, io.EOF) {
			return all, records
		}
		require.NoError(t, err)
		switch {
		case i.Header != nil:
			all = append(all, "header")
		case i.Record != nil:
			all = append(all, i.Record.Type)
			records = append(records, i.Record)
		default:
			all = append(all, i.Problem.Error())
		}
	}
}

func (r *Recorder) update(agent gc.AgentID, what string) {
	r.Record(Record{Dir: In, Edge: Notify, Agent: agent, Type: what})
}

func TestRecordsAreReadBack(t *testing.T) {
	r, _ := create(t, Options{})
	stop := run(t, r)
	want := Record{
		Dir: In, Edge: Broker, Agent: "1001", Type: "MakeCall#1001", Request: "R1", Category: "agent_call", Destination: "/queue/C",
		Format: "text", MessageID: "m", CorrelationID: "c", ReplyTo: "/topic/x", Sent: time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC),
		Redelivered: true, Body: "<4085551234> & \u2028 😀",
	}
	r.Command(want, "")
	r.Record(Record{Dir: Out, Edge: REST, Type: "no text", Body: "\xff\x00"})
	stop()
	all, records := read(t, r.File())
	require.Equal(t, []string{"header", "MakeCall#1001", "no text"}, all)
	for i, x := range records {
		require.EqualValues(t, i+1, x.Seq)
		require.WithinDuration(t, time.Now(), x.Time, time.Minute)
		x.Seq, x.Time = 0, time.Time{}
	}
	require.Equal(t, want, *records[0])
	require.Equal(t, "\xff\x00", records[1].Text())
	info, err := os.Stat(r.File())
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm(), "it holds names and numbers")
}

func TestTheSamePasswordHasTheSameName(t *testing.T) {
	r, _ := create(t, Options{})
	require.Equal(t, "[secret 1]", r.Hide("one"))
	require.Equal(t, "[secret 2]", r.Hide("two"))
	require.Equal(t, "[secret 1]", r.Hide("one"))
}

func TestRecordsWithoutRoomAreCountedAndMarked(t *testing.T) {
	r, _ := create(t, Options{})
	for range queueSize + 7 { // nobody writes
		r.update("1001", "x")
	}
	require.EqualValues(t, 7, testutil.ToFloat64(r.metrics.dropped))
	<-r.queue
	r.update("1001", "y")
	stop := run(t, r)
	stop()
	all, records := read(t, r.File())
	require.Len(t, records, queueSize)
	last := records[len(records)-1]
	require.EqualValues(t, 7, last.Dropped)
	require.EqualValues(t, queueSize+8, last.Seq)
	require.Equal(t, []string{"7 records before this one are missing: the connector could not keep them", "y"}, all[len(all)-2:])
}

func TestLongRecordsThatWaitAreBounded(t *testing.T) {
	r, _ := create(t, Options{})
	const length = 1 << 20
	for range 2 * queueBytes / length { // nobody writes
		r.update("1001", strings.Repeat("x", length))
	}
	require.Equal(t, queueBytes/(length+overhead), len(r.queue), "a record takes more than its text")
	require.Positive(t, testutil.ToFloat64(r.metrics.dropped))
	stop := run(t, r)
	require.Eventually(t, func() bool { return len(r.queue) == 0 }, patience, time.Millisecond)
	r.update("1001", "y")
	stop()
	require.Zero(t, r.waiting.Load())
	all, _ := read(t, r.File())
	require.Equal(t, "y", all[len(all)-1])
}

func TestFilters(t *testing.T) {
	for _, k := range []struct {
		rule    string
		options Options
		want    []string
	}{
		{"none takes all", Options{}, []string{"System", "Connect#1001", "Connect#1002", "one", "two"}},
		{"agents, and records of none", Options{Agents: []gc.AgentID{"1002"}}, []string{"System", "Connect#1002", "two"}},
		{"destinations of the agents", Options{Destinations: []string{"/topic/desk1"}}, []string{"System", "Connect#1001", "one"}},
	} {
		t.Run(k.rule, func(t *testing.T) {
			r, _ := create(t, k.options)
			stop := run(t, r)
			r.Record(Record{Dir: In, Edge: REST, Type: "System"})
			r.Command(Record{Agent: "1001", Type: "Connect#1001", Body: "desk1,x"}, "/topic/desk1")
			r.Command(Record{Agent: "1002", Type: "Connect#1002", Body: "crm,x"}, "/topic/crm")
			r.update("1001", "one")
			r.update("1002", "two")
			stop()
			all, _ := read(t, r.File())
			require.Equal(t, append([]string{"header"}, k.want...), all)
		})
	}
}

func TestRecordingIsSwitchedLive(t *testing.T) {
	r, _ := create(t, Options{})
	stop := run(t, r)
	r.update("1001", "on")
	require.True(t, r.Switch(false))
	r.update("1001", "off")
	require.True(t, r.Switch(true))
	r.update("1001", "on again")
	other := filepath.Join(t.TempDir(), "other.jsonl")
	file := r.File()
	r.Configure(Options{File: other, MaxSize: 1 << 30})
	r.update("1001", "elsewhere")
	stop()
	all, _ := read(t, file)
	require.Equal(t, []string{"header", "on", "header", "on again"}, all)
	all, _ = read(t, other)
	require.Equal(t, []string{"header", "elsewhere"}, all)

	r.Configure(Options{})
	require.False(t, r.Switch(true), "there is no file")
	require.False(t, r.On())
	require.False(t, (*Recorder)(nil).On())
}

func TestANewFileIsBegunAtTheSize(t *testing.T) {
	r, _ := create(t, Options{MaxSize: 20_000, Keep: 3})
	stop := run(t, r)
	for range 40 {
		for range 20 {
			r.update("1001", strings.Repeat("x", 100))
		}
		require.Eventually(t, func() bool { return len(r.queue) == 0 }, patience, time.Millisecond)
	}
	stop()
	closed, err := Closed(r.File())
	require.NoError(t, err)
	require.Len(t, closed, 3, "as many as must be kept")
	for _, name := range closed {
		require.Equal(t, ".gz", filepath.Ext(name))
	}
	_, records := read(t, r.File(), closed[2], closed[0], closed[1]) // in any order
	require.Greater(t, len(records), 200)
	for i, x := range records {
		require.Equal(t, records[0].Seq+uint64(i), x.Seq)
	}
	require.EqualValues(t, 800, records[len(records)-1].Seq)
	left, err := filepath.Glob(filepath.Join(filepath.Dir(r.File()), "*"))
	require.NoError(t, err)
	require.Len(t, left, 4, "and no other files are left")
}

// fillDisk lets no file grow until empty is called.
func fillDisk(t *testing.T) (empty func()) {
	t.Helper()
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
	signal.Ignore(syscall.SIGXFSZ)
	set := func(most uint64) {
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: most, Max: limit.Max}))
	}
	empty = func() { set(limit.Cur) }
	t.Cleanup(empty)
	set(0)
	return empty
}

func TestAFileThatCannotBeWrittenIsLoggedOnceAndCallsGoOn(t *testing.T) {
	for fault, f := range map[string]struct {
		begin func(t *testing.T, file string) (end func())
		want  string
	}{
		"a full disk": {func(t *testing.T, _ string) func() { return fillDisk(t) }, "file too large"},
		"a link, to a file that others can read": {func(t *testing.T, file string) func() {
			require.NoError(t, os.WriteFile(file+".theirs", nil, 0o666))
			require.NoError(t, os.Symlink(file+".theirs", file))
			return func() {
				info, err := os.Stat(file + ".theirs")
				require.NoError(t, err)
				require.Zero(t, info.Size())
				require.NoError(t, os.Remove(file))
			}
		}, "is a symbolic link"},
		"a pipe that nobody reads": {func(t *testing.T, file string) func() {
			require.NoError(t, syscall.Mkfifo(file, 0o600))
			return func() { require.NoError(t, os.Remove(file)) }
		}, "is no regular file"},
	} {
		t.Run(fault, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "capture.jsonl")
			end := f.begin(t, file)
			r, logs := create(t, Options{File: file})
			r.retry = time.Millisecond
			stop := run(t, r)
			for range 100 {
				r.update("1001", "lost")
			}
			require.Eventually(t, func() bool { return testutil.ToFloat64(r.metrics.failed) == 100 }, patience, time.Millisecond)
			said := logs.FilterMessageSnippet("cannot be written").All()
			require.Len(t, said, 1)
			require.Contains(t, said[0].ContextMap()["error"], f.want)
			require.Contains(t, said[0].ContextMap()["action"], "make room on the disk")

			end()
			require.Eventually(t, func() bool { return logs.FilterMessageSnippet("can be written again").Len() == 1 }, patience, time.Millisecond)
			r.update("1001", "kept")
			stop()
			all, records := read(t, file)
			require.Equal(t, []string{"header", "100 records before this one are missing: the connector could not keep them", "kept"}, all)
			require.EqualValues(t, 100, records[0].Dropped)
		})
	}
}

func TestAFileThatOthersCouldReadIsMadePrivate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "capture.jsonl")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.NoError(t, os.Chmod(file, 0o666))
	r, _ := create(t, Options{File: file, MaxSize: 20_000, Keep: 1})
	stop := run(t, r)
	for range 300 { // so that a new file is begun, too
		r.update("1001", strings.Repeat("x", 100))
	}
	require.Eventually(t, func() bool { return len(r.queue) == 0 }, patience, time.Millisecond)
	stop()
	closed, err := Closed(file)
	require.NoError(t, err)
	require.Len(t, closed, 1)
	for _, name := range []string{file, closed[0]} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.EqualValues(t, 0o600, info.Mode().Perm(), name)
	}
}

// BenchmarkOff is what each message costs while nothing is recorded.
func BenchmarkOff(b *testing.B) {
	r := New(Options{}, nil, "v1", zap.NewNop(), nil)
	x := Record{Dir: In, Edge: Notify, Agent: "1001", Body: "x"}
	b.ReportAllocs()
	for b.Loop() {
		if r.On() {
			r.Record(x)
		}
	}
}

func BenchmarkOn(b *testing.B) {
	r := New(Options{File: filepath.Join(b.TempDir(), "capture.jsonl"), MaxSize: 64 << 20}, nil, "v1", zap.NewNop(), nil)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Run(ctx)
	}()
	x := Record{Dir: In, Edge: Notify, Agent: "1001", Body: strings.Repeat("x", 3000)}
	b.ReportAllocs()
	for b.Loop() {
		r.Record(x)
	}
	cancel()
	<-done
}

// Files may have gigabytes, and to compress one takes long.
func TestCompressingALongFileAnswersThePulse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "closed.jsonl")
	require.NoError(t, os.WriteFile(file, []byte("{}\n"), 0o600))
	p := pulse.New("the compression", 0)
	p.Begin()
	require.NoError(t, p.Live(), "it is asked")
	require.NoError(t, pack(file, p))
	require.NoError(t, p.Live(), "and answered")
}

func TestAnAgentsRecordsBelongWhereThePasswordWasProved(t *testing.T) {
	only := Options{Destinations: []string{"/topic/desk"}}
	connect := func(r *Recorder, request string, to gc.Destination) {
		r.Command(Record{Agent: "1001", Type: request, Request: request}, to)
	}
	for _, c := range []struct {
		rule string
		play func(*Recorder)
		want []string
	}{
		{"to the end and from the beginning of the proof", func(r *Recorder) {
			r.update("1001", "before")
			connect(r, "Connect", "/topic/desk")
			r.update("1001", "proof")
			r.Bound("1001", "/topic/desk")
			r.Concluded("1001", "Connect")
			r.update("1001", "after")
		}, []string{"Connect", "proof", "after"}},
		{"a Connect from elsewhere that fails hides nothing, during its proof and after it", func(r *Recorder) {
			r.Bound("1001", "/topic/desk")
			connect(r, "Connect", "/topic/evil")
			r.update("1001", "during")
			r.Concluded("1001", "Connect")
			r.update("1001", "after")
		}, []string{"Connect", "during", "after"}},
		{"one that names the destination shows nothing after its failure", func(r *Recorder) {
			r.Bound("1001", "/topic/other")
			connect(r, "Connect", "/topic/desk")
			r.Concluded("1001", "Connect")
			r.update("1001", "after")
		}, []string{"Connect"}},
		{"nor takes another's proof with it", func(r *Recorder) {
			connect(r, "Connect", "/topic/desk")
			connect(r, "stranger's", "/topic/evil")
			r.Concluded("1001", "stranger's")
			r.update("1001", "proof")
		}, []string{"Connect", "stranger's", "proof"}},
		{"until the password was proved elsewhere", func(r *Recorder) {
			r.Bound("1001", "/topic/desk")
			connect(r, "Connect", "/topic/other")
			r.Bound("1001", "/topic/other")
			r.Concluded("1001", "Connect")
			r.update("1001", "after")
		}, []string{"Connect"}},
		{"even if nothing was recorded meanwhile", func(r *Recorder) {
			r.Switch(false)
			r.Bound("1001", "/topic/desk")
			r.Switch(true)
			r.update("1001", "after")
		}, []string{"after"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r, _ := create(t, only)
			stop := run(t, r)
			c.play(r)
			stop()
			all, _ := read(t, r.File())
			// Each time recording begins there is one, if the writer has begun by then.
			require.Equal(t, append([]string{"header"}, c.want...), slices.Compact(all))
		})
	}
	var none *Recorder
	none.Bound("1001", "/topic/desk")
	none.Concluded("1001", "Connect")
}

// Each text of a record that may be a stranger's counts in its weight.
func TestEveryTextOfARecordHasAWeight(t *testing.T) {
	ours := map[string]bool{"Dir": true, "Edge": true, "Agent": true, "Request": true, "Event": true, "Format": true, "MessageID": true, "Code": true}
	for f := range reflect.TypeFor[Record]().Fields() {
		if f.Type.Kind() != reflect.String || ours[f.Name] {
			continue
		}
		var x Record
		reflect.ValueOf(&x).Elem().FieldByName(f.Name).SetString(strings.Repeat("x", 1000))
		require.Equal(t, (&Record{}).Weight()+1000, x.Weight(), f.Name)
	}
}
