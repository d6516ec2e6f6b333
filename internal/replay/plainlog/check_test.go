package plainlog

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/replay"
)

func linesOf(t testing.TB, text io.Reader) *capture.Lines {
	t.Helper()
	lines, err := capture.NewLines(t.Context(), text, maxLine)
	require.NoError(t, err)
	return lines
}

// checked returns the report on a log.
func checked(t testing.TB, text string, o Options) *replay.Report {
	t.Helper()
	c := newChecker(o)
	require.NoError(t, c.read(t.Context(), "gc.log", linesOf(t, strings.NewReader(text))))
	return c.done()
}

func sample(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(text)
}

func printed(t testing.TB, r *replay.Report) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.Text(&b))
	require.NoError(t, r.JUnit(&b))
	return b.String()
}

func TestALogInOrderHasNoFinding(t *testing.T) {
	for _, x := range []struct {
		name                    string
		format                  wire.Format
		commands, events, noise int
		times                   bool
	}{
		{"client-4.4.log", wire.Text44, 2, 5, 1, true},
		{"server-text.log", wire.Text, 3, 7, 2, true},
		{"old-and-json.log", wire.TextOld, 1, 5, 0, false},
	} {
		r := checked(t, sample(t, x.name), Options{})
		require.True(t, r.Same(), "%s: %s", x.name, printed(t, r))
		require.Equal(t, x.format, r.Log.Format, x.name)
		require.Equal(t, []int{x.commands, x.events, x.noise}, []int{r.Commands, r.Events, r.Log.Noise}, x.name)
		require.Equal(t, x.commands+x.events, r.Records, x.name)
		require.Equal(t, x.times, r.Log.Times, x.name)
	}
}

func TestEachFaultIsFoundAtItsLine(t *testing.T) {
	r := checked(t, sample(t, "faults.log"), Options{Samples: 10})
	var found []string
	for _, f := range r.Findings {
		found = append(found, fmt.Sprintf("%s %s %s", f.Where, f.Kind, f.Text))
	}
	want := []string{
		"gc.log:1 not understood a driver is told MISSING_EXTENSION",
		`gc.log:3 not understood a driver is told PLEASE_RETRY: no command has that name: "MakeCal"`,
		"gc.log:4 not understood a driver is told WRONG_EXTENSION",
		"gc.log:5 not written State in text: field 4 (Reason) is not a number",
		`gc.log:6 not written State in text: field 3 (State) "LOGGED_IN" is none of`,
		"gc.log:7 not understood no event has this name",
		`gc.log:8 not written InboundCall in text: field 3 (State) "DROP" is none of`,
		"gc.log:9 not written InboundCall in text: field 6 (Variables) has no callVariable2",
		"gc.log:11 out of order call 16871288 was DROPPED, and HELD cannot follow",
		"gc.log:12 not written InboundCall in text: field 7 (Start) is not a time",
		"gc.log:13 not written its fields are not as this version writes them",
		"gc.log:14 not written State in json: the object has the members type agentId state, not",
		"gc.log:15 not understood the JSON object is no event, or is cut off",
		"gc.log:16 damage the line is not UTF-8",
	}
	require.Len(t, found, len(want), strings.Join(found, "\n"))
	for i := range want {
		require.True(t, strings.HasPrefix(found[i], want[i]), "%s\nnot\n%s", found[i], want[i])
	}
	require.Equal(t, gc.AgentID("1002"), r.Findings[11].Agent)
	require.NotContains(t, printed(t, r), "s3cret", "a password is never printed, nor a line that may hold one")
	require.Contains(t, printed(t, r), "gc.log:2 is no message: (not shown")
}

func TestOneMessageIsReadWhateverIsAroundIt(t *testing.T) {
	const body = "1001#State#READY#7#Ada Lovelace"
	for _, line := range []string{
		body, body + "\r", "  " + body + "  ", "2026-11-23T07:59:22Z " + body, "2026-11-23T08:59:22.123456+01:00 " + body,
		"2026-11-23 07:59:22,123 " + body, "[2026-11-23 07:59:22] " + body, "[23/Nov/2026:07:59:22 +0000] " + body, "6:16:46 PM " + body,
		"7/22/2022 6:16:46 PM: " + body, "1795420762123 " + body, "2026-11-23 07:59:22,123 INFO  [http-nio-8080-exec-7] c.e.GC - " + body,
		"INFO: " + body, "DEBUG [a b] (Sender.java:77) publishing to crm.7: " + body, `07:59:22 body="` + body + `"`, "07:59:22 sent <" + body + ">",
		body + " NMSCorrelationID: 5 Sent Time 7/22/2022 6:16:46 PM", body + "|JMSCorrelationID: x", body + " LastGCUpdate: 6:16 Build <> 4.2.9",
	} {
		m := find(line)
		require.Equal(t, event, m.kind, line)
		require.Equal(t, body, m.text, line)
		require.Equal(t, !strings.ContainsAny(line[:1], " ID") && !strings.HasPrefix(line, body), m.timed, line)
	}
	require.Equal(t, "2026-11-23T07:59:22.123Z", find("2026-11-23T08:59:22.123+01:00 "+body).time.Format("2006-01-02T15:04:05.000Z"))
	require.Equal(t, int64(1795420762123), find("1795420762123 "+body).time.UnixMilli())
	require.True(t, find("2026-11-23 07:59:22 "+body).time.IsZero(), "the zone is not known")
}

func TestCommandsAreFoundInEitherForm(t *testing.T) {
	for line, want := range map[string][2]string{
		"MakeCall#1001 2002":                             {"MakeCall#1001", "2002"},
		"07:59:22 agent_call/MakeCall#1001 2002":         {"MakeCall#1001", "2002"},
		"INFO [x] received makecall# 1001 2002":          {"makecall#1001", "2002"},
		"update_call_variable#1001 7,callVariable4,a#b ": {"update_call_variable#1001", "7,callVariable4,a#b"},
		"Hello#queue://crm.7":                            {"Hello#queue://crm.7", ""},
		"ConsultCall#1001 2002,7 NMSCorrelationID: 5":    {"ConsultCall#1001", "2002,7"},
		"agent_state/MakeReddy#1001":                     {"MakeReddy#1001", ""},
	} {
		m := find(line)
		require.Equal(t, command, m.kind, line)
		require.Equal(t, want, [2]string{m.typ, m.body}, line)
	}
}

func TestNoiseIsCountedAndNotAFinding(t *testing.T) {
	noise := []string{
		"started", "java.lang.NullPointerException", "\tat com.example.Foo.bar(Foo.java:12)", "bug #12 in the driver", "a # b # c", "#", "##", "#State#", "see http://x/y#State",
		`{"time":"2026-11-23","msg":"hello"}`, "password=hunter2",
	}
	r := checked(t, strings.Join(noise, "\n\n")+"\n1001#LOGOUT\n", Options{Samples: 100})
	require.True(t, r.Same(), printed(t, r))
	require.Equal(t, len(noise), r.Log.Noise)
	require.Equal(t, 1, r.Records)
	require.Len(t, r.Log.Samples, len(noise))
	require.NotContains(t, printed(t, r), "hunter2")
	require.Len(t, checked(t, strings.Join(noise, "\n"), Options{Samples: 3}).Log.Samples, 3)
}

func TestLinesThatCannotBeUsedAreFindings(t *testing.T) {
	long := "1001#State#READY##" + strings.Repeat("x", 10<<20)
	r := checked(t, "1001#LOGOUT\n"+long+"\n1001#State#READY##Zo\xeb\n1002#LOGOUT", Options{})
	require.Equal(t, map[replay.Kind]int{replay.Damage: 2}, r.Counts)
	require.Equal(t, "gc.log:2", r.Findings[0].Where)
	require.Equal(t, "gc.log:3", r.Findings[1].Where)
	require.Equal(t, 2, r.Events, "the lines around them are read, the last without an end too")
	r = checked(t, strings.Repeat("#", 1<<20-1)+"\n"+strings.Repeat("[", 1<<20-1)+"\n"+`{"type":`+strings.Repeat("[", 1<<19), Options{})
	require.Equal(t, 2, r.Log.Noise)
}

const variables = "callVariable1=|callVariable2=|callVariable3=|callVariable4=|callVariable5=|callVariable6=|callVariable7=|callVariable8=|callVariable9=|callVariable10="

// inbound returns InboundCalls of one call in text, one for each state.
func inbound(states ...string) string {
	var b strings.Builder
	for _, s := range states {
		if strings.Contains(s, "#") {
			fmt.Fprintln(&b, s)
			continue
		}
		fmt.Fprintf(&b, "1001#InboundCall#%s#DialogID:7#2002#ani=2002|%s#2026-11-23 07:59:24#Ada\n", s, variables)
	}
	return b.String()
}

func TestOnlyWhatCannotFollowIsOutOfOrder(t *testing.T) {
	endedInJSON := `{"type":"InboundCall","dialogId":"7","prevDialogId":null,"state":"DROPPED","agentId":"1001"} #`
	announced := "1001#NewInboundCall#2002#2002|" + variables + "#DialogID:7"
	for _, x := range []struct {
		states []string
		line   int // of the finding, 0 for none
	}{
		{[]string{"ALERTING", "ACTIVE", "HELD", "ACTIVE", "WRAP_UP", "DROPPED"}, 0},
		{[]string{"ACTIVE", "DROPPED", "DROPPED", "ACTIVE"}, 0}, // a second barge-in
		{[]string{"ACTIVE", "DROPPED", announced, "ALERTING"}, 0},
		{[]string{"ACTIVE", announced, "ALERTING"}, 0},
		{[]string{"ACTIVE", "DROPPED", "HELD"}, 3},
		{[]string{"DROPPED", "WRAP_UP"}, 2},
		{[]string{endedInJSON, "WRAP_UP"}, 2},
		{[]string{"HELD", "ALERTING"}, 2},
		{[]string{"ACTIVE", "INITIATED"}, 2},
		{[]string{"DROPPED", "System#OUT_OF_SERVICE", "HELD"}, 0}, // meanwhile anything may have happened
		{[]string{"DROPPED", "refresh#1001", "HELD"}, 0},
		{[]string{"DROPPED", "refresh#1002", "HELD"}, 3},
		{[]string{"DROPPED", "1001#State#RE_LOGIN", "HELD"}, 0},
		{[]string{"DROPPED", "1001#State#\xff##", "HELD"}, 0}, // only the damage is found
	} {
		r := checked(t, inbound(x.states...), Options{})
		if x.line == 0 {
			require.Zero(t, r.Counts[replay.OutOfOrder], x.states)
			continue
		}
		require.Len(t, r.Findings, 1, x.states)
		require.Equal(t, replay.OutOfOrder, r.Findings[0].Kind, x.states)
		require.Equal(t, fmt.Sprintf("gc.log:%d", x.line), r.Findings[0].Where, x.states)
	}
}

func TestOneAgentOfALog(t *testing.T) {
	log := "1001#State#READY##Ada\n1002#State#LOGGED_IN##Ann\nMakeCall#1002\nMakeCall#1001 7\nSystem#IN_SERVICE\n"
	r := checked(t, log, Options{Agents: []gc.AgentID{"1001"}})
	require.True(t, r.Same(), printed(t, r))
	require.Equal(t, []gc.AgentID{"1001"}, r.Agents)
	require.Equal(t, 3, r.Records)
	require.Equal(t, 2, checked(t, log, Options{Agents: []gc.AgentID{"1002"}}).Counts[replay.NotUnderstood]+checked(t, log, Options{}).Counts[replay.NotWritten])
}

// repeated returns the lines of a nearly endless log.
type repeated struct{ left, agent int }

func (r *repeated) Read(p []byte) (int, error) {
	if r.left--; r.left < 0 {
		return 0, fmt.Errorf("the disk is gone")
	}
	r.agent++
	return copy(p, fmt.Sprintf("%d#InboundCall#ODD#DialogID:%d#%s#Ada\n", r.agent, r.agent, strings.Repeat("x", 3000))), nil
}

func TestALongLogTakesNoMoreMemory(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	c := newChecker(Options{})
	err := c.read(t.Context(), "gc.log", linesOf(t, &repeated{left: 20_000}))
	require.ErrorContains(t, err, "gc.log:20001: the disk is gone")
	require.Less(t, int64(heap())-int64(before), int64(40<<20), "60 MB went through")
	require.Equal(t, 20_000, c.done().Counts[replay.NotWritten])
}

func TestALogIsDistinguishedFromACapture(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write([]byte(sample(t, "client-4.4.log")))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	for text, want := range map[string]bool{
		"hello": true, "": false, `{"capture": 9}`: false, `{"seq":1}`: false, "junk\n" + `{"seq":1}`: false,
		"\ufeff" + `{"capture":1}`: false, `{"type":"System"}`: true, packed.String(): true,
	} {
		file := filepath.Join(t.TempDir(), "gc.log")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		got, err := IsLog(t.Context(), file)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	file := filepath.Join(t.TempDir(), "gc.log.gz")
	require.NoError(t, os.WriteFile(file, packed.Bytes(), 0o600))
	r, err := Files(t.Context(), []string{file, filepath.Join("testdata", "server-text.log")}, Options{})
	require.NoError(t, err)
	require.Equal(t, 17, r.Records)
	_, err = Files(t.Context(), []string{filepath.Join("..", "..", "..", "LICENSE")}, Options{})
	require.ErrorIs(t, err, ErrNoMessage)
}

// Whatever a log holds, every line of it is a message, noise, damage or empty,
// and no password in a command is printed, whether the command is understood or
// not.
func FuzzLog(f *testing.F) {
	for _, name := range []string{"client-4.4.log", "server-text.log", "old-and-json.log", "faults.log"} {
		for line := range strings.Lines(sample(f, name)) {
			f.Add(line)
		}
		f.Add(sample(f, name))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.HasPrefix(text, "\x1f\x8b") {
			t.Skip("it would be compressed")
		}
		r := checked(t, text, Options{Samples: 10})
		lines := 0
		for line := range strings.SplitSeq(strings.TrimPrefix(text, "\ufeff"), "\n") {
			if strings.TrimSpace(line) != "" {
				lines++
			}
		}
		require.Equal(t, lines, r.Records+r.Log.Noise+r.Counts[replay.Damage])
		require.NotContains(t, printed(t, checked(t, "Login#1001 qu9ny"+text, Options{Samples: 9})), "qu9ny")
	})
}
