package replay

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// replayed returns the report on a capture.
func replayed(t *testing.T, s Source, o Options) (r *Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var err error
		r, err = Offline(t.Context(), s, o)
		require.NoError(t, err)
	})
	return r
}

// lines returns the lines of a sample.
func lines(t *testing.T, name string) []capture.Item {
	t.Helper()
	r, err := capture.Open(t.Context(), filepath.Join("..", "..", "test", "captures", name+".jsonl.gz"))
	require.NoError(t, err)
	defer r.Close()
	var all []capture.Item
	for {
		i, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, i)
	}
}

// list is a Source.
type list []capture.Item

func (l *list) Next() (capture.Item, error) {
	if len(*l) == 0 {
		return capture.Item{}, io.EOF
	}
	next := (*l)[0]
	*l = (*l)[1:]
	return next, nil
}

func samples(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "test", "captures", "*.jsonl.gz"))
	require.NoError(t, err)
	require.Greater(t, len(files), 10)
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".jsonl.gz")
	}
	return files
}

// The samples are the regression suite of the protocol: the connector sends
// today what it sent when they were made.
func TestEachScenarioReplays(t *testing.T) {
	for _, name := range samples(t) {
		t.Run(name, func(t *testing.T) {
			all := list(lines(t, name))
			r := replayed(t, &all, Options{})
			require.Empty(t, r.Findings)
			require.True(t, r.Same())
			require.NotZero(t, r.Events)
			require.NotZero(t, r.Requests)
		})
	}
}

// Every event is among them, every command, and every format.
func TestTheSamplesAreOfTheWholeProtocol(t *testing.T) {
	events, commands, formats := map[string]bool{}, map[gc.CommandName]bool{}, map[string]bool{}
	for _, name := range samples(t) {
		for _, i := range lines(t, name) {
			switch x := i.Record; {
			case x == nil:
			case x.IsEvent():
				events[x.Event], formats[x.Format] = true, true
			case x.IsCommand():
				if c, _ := wire.ParseCommand(x.Type, x.Text()); c.Spec != nil {
					commands[c.Spec.Name] = true
				}
			}
		}
	}
	for _, row := range wire.Events {
		require.True(t, events[row.Name], row.Name)
	}
	for _, c := range gc.Commands {
		require.True(t, commands[c.Name], c.Name)
	}
	for _, f := range wire.Formats {
		require.True(t, formats[string(f)], f)
	}
}

func TestTheSameCaptureGivesTheSameReport(t *testing.T) {
	all := lines(t, "supervisor")
	spoil(t, all, "TeamUsersList", "Grace", "Hopper")
	var first []byte
	for range 100 {
		l := list(slices.Clone(all))
		text, err := json.Marshal(replayed(t, &l, Options{}))
		require.NoError(t, err)
		if first == nil {
			first = text
			require.Contains(t, string(text), "Hopper")
		}
		require.Equal(t, string(first), string(text))
	}
}

// An answer taken for that to another command is reported with the commands'
// ids in the capture: present ids differ each time.
func TestADifferenceOfTheCommandIsTheSameEachTime(t *testing.T) {
	all := lines(t, "main-job")
	i := place(t, all, "ReasonCodes", 1)
	changed, other := *all[i].Record, all[place(t, all, "ReasonCodes", 0)].Record.Request
	was := changed.Request
	require.NotEqual(t, was, other)
	changed.Request = other
	all[i].Record = &changed
	for range 5 {
		l := list(slices.Clone(all))
		r := replayed(t, &l, Options{})
		require.NotEmpty(t, r.Findings)
		require.Equal(t, []Field{{"the command it answers", other, was}}, r.Findings[0].Fields)
	}
}

// A capture in one format is checked in the others, whichever shows more.
func TestAnotherFormat(t *testing.T) {
	for _, name := range samples(t) {
		for _, format := range wire.Formats {
			all := list(lines(t, name))
			r := replayed(t, &all, Options{Format: format})
			require.Empty(t, r.Findings, "%s in %s", name, format)
			require.NotZero(t, r.Events)
		}
	}
}

// A character at which drivers split makes a different value in a text.
func TestAFormatWithAnotherValueIsNamed(t *testing.T) {
	w := &wire.Writer{Location: time.UTC, Substitute: '|'}
	call := gc.InboundCall{Call: gc.Call{Agent: "1001", Dialog: "5", State: gc.Active, Variables: []gc.CallVariable{{Name: "callVariable2", Value: "a=b"}}}}
	for _, captured := range wire.Formats {
		m := w.Write(captured, call)
		x := capture.Record{Event: m.Name, Agent: "1001", Destination: "/topic/crm", Format: string(captured), Body: m.Body}
		for _, also := range wire.Formats {
			c := newComparison(&Report{}, standing)
			c.writer, c.also = w, also
			c.expect("capture.jsonl:7", x)
			c.heard(event{Event: call, Record: x})
			require.Equal(t, 1, c.report.Events)
			if captured == also || captured == wire.TextOld || also == wire.TextOld || captured != wire.JSON && also != wire.JSON {
				require.Empty(t, c.report.Findings, "%s in %s", captured, also)
				continue
			}
			require.Len(t, c.report.Findings, 1, "%s in %s", captured, also)
			f := c.report.Findings[0]
			require.Equal(t, []string{"capture.jsonl:7", "Variables callVariable2"}, []string{f.Where, f.Fields[0].Name})
			require.Equal(t, []string{m.Body, w.Write(also, call).Body}, []string{f.Expected, f.Got})
		}
	}
}

// spoil replaces text in the events of a name.
func spoil(t *testing.T, all []capture.Item, event, old, text string) {
	t.Helper()
	n := 0
	for i := range all {
		if x := all[i].Record; x != nil && x.Dir == capture.Out && x.Event == event && strings.Contains(x.Body, old) {
			changed := *x
			changed.Body = strings.Replace(x.Body, old, text, 1)
			all[i].Record = &changed
			n++
		}
	}
	require.NotZero(t, n)
}

// place returns the index of the nth event of a name.
func place(t *testing.T, all []capture.Item, event string, nth int) int {
	t.Helper()
	for i := range all {
		if x := all[i].Record; x != nil && x.Dir == capture.Out && x.Event == event {
			if nth--; nth < 0 {
				return i
			}
		}
	}
	require.FailNow(t, "no such event")
	return 0
}

func TestADifferentFieldIsNamed(t *testing.T) {
	for _, k := range []struct {
		sample, event, old, text string
		want                     []Field
	}{
		{"main-job", "State", "#READY#", "#READY#9", []Field{{"Reason", "9", ""}}},
		{"main-job", "State", "#READY#", "#UNREADY#", []Field{{"State", "UNREADY", "READY"}}},
		{"main-job", "State", "Ada Lovelace", "Eve", []Field{{"FullName", "Eve", "Ada Lovelace"}}},
		{"main-job", "InboundCall", "callVariable3=a_b_c", "callVariable3=abc", []Field{{"Variables callVariable3", "abc", "a_b_c"}}},
		{"one-call-json", "State", `"state":"READY"`, `"state":"BUSY"`, []Field{{"state", "BUSY", "READY"}}},
		{"one-call-json", "InboundCall", `"callVariable1"`, `"callVariableX"`, nil},
		{"colleagues", "InboundCall", "#ALERTING#", "#RINGING#", []Field{{"State", "RINGING", "ALERTING"}}},
	} {
		t.Run(k.sample+" "+k.event+" "+k.text, func(t *testing.T) {
			all := lines(t, k.sample)
			spoil(t, all, k.event, k.old, k.text)
			l := list(all)
			r := replayed(t, &l, Options{})
			require.False(t, r.Same())
			require.Len(t, r.Findings, r.Counts[Different])
			f := r.Findings[0]
			require.Equal(t, k.event, f.Event)
			require.Regexp(t, `\.jsonl\.gz:\d+$`, f.Where)
			if k.want != nil {
				require.Equal(t, k.want, f.Fields)
			}
			require.NotEmpty(t, f.Fields)
		})
	}
}

func TestDifferences(t *testing.T) {
	for _, k := range []struct {
		rule  string
		spoil func(t *testing.T, all []capture.Item) []capture.Item
		want  map[Kind]int
	}{
		{"an event that does not come any more", func(t *testing.T, all []capture.Item) []capture.Item {
			i := place(t, all, "State", 3)
			more := *all[i].Record
			more.Body = strings.Replace(more.Body, "#State#", "#State#FORGOTTEN", 1)
			return slices.Insert(all, i+1, capture.Item{File: "f", Line: 1, Run: all[1].Run, Record: &more})
		}, map[Kind]int{Missing: 1}},
		{"an event that was not captured", func(t *testing.T, all []capture.Item) []capture.Item {
			i := place(t, all, "State", 3)
			return slices.Delete(all, i, i+1)
		}, map[Kind]int{Unexpected: 1}},
		{"two events of one cause in another order", func(t *testing.T, all []capture.Item) []capture.Item {
			i := place(t, all, "NewInboundCall", 0)
			all[i].Record, all[i+1].Record = all[i+1].Record, all[i].Record
			return all
		}, map[Kind]int{OutOfOrder: 1}},
		{"a request that is not made any more", func(t *testing.T, all []capture.Item) []capture.Item {
			i := slices.IndexFunc(all, func(i capture.Item) bool {
				return i.Record != nil && i.Record.Edge == capture.REST && i.Record.Dir == capture.Out
			})
			more := *all[i].Record
			more.Type, more.Exchange = "GET /Moon", 1<<40
			return slices.Insert(all, i, capture.Item{File: "f", Line: 1, Run: all[1].Run, Record: &more})
		}, map[Kind]int{Missing: 1}},
		{"a request for something else", func(t *testing.T, all []capture.Item) []capture.Item {
			for i := range all {
				if x := all[i].Record; x != nil && strings.Contains(x.Body, "<requestedAction>ANSWER") {
					changed := *x
					changed.Body = strings.Replace(x.Body, "ANSWER", "HOLD", 1)
					all[i].Record = &changed
				}
			}
			return all
		}, map[Kind]int{Different: 1}},
		{"a line that cannot be read", func(_ *testing.T, all []capture.Item) []capture.Item {
			return append(all, capture.Item{File: "f", Line: 1, Problem: errors.New("what is this?")})
		}, map[Kind]int{Damage: 1}},
	} {
		t.Run(k.rule, func(t *testing.T) {
			all := list(k.spoil(t, lines(t, "one-call-json")))
			r := replayed(t, &all, Options{})
			require.Equal(t, k.want, r.Counts, "%+v", r.Findings)
			require.Len(t, r.Findings, 1)
		})
	}
}

// A capture may begin and end anywhere, even inside a call: what it does not
// hold is no difference.
func TestACaptureThatIsCut(t *testing.T) {
	all := lines(t, "main-job")
	for end := 1; end <= len(all); end += 7 {
		l := list(slices.Clone(all[:end]))
		r := replayed(t, &l, Options{})
		require.Empty(t, r.Findings, "cut after line %d", end)
	}
	for begin := 2; begin < len(all); begin += 7 {
		header := *all[0].Header
		header.Fresh = false
		l := list{{Header: &header}}
		for _, i := range all[:begin] {
			if i.Record != nil && isState(i.Record) { // each run begins with the states of the nodes
				l = append(l, i)
			}
		}
		l = append(l, all[begin:]...)
		r := replayed(t, &l, Options{})
		require.Empty(t, r.Findings, "from line %d", begin)
	}
}

// A command that nobody knows is no difference, but is noted.
func TestACommandThatNobodyKnowsIsNoted(t *testing.T) {
	all := list(lines(t, "bad-input"))
	r := replayed(t, &all, Options{})
	require.True(t, r.Same())
	require.Len(t, r.Notes, 5)
	var b strings.Builder
	require.NoError(t, r.Text(&b))
	require.Regexp(t, `bad-input\.jsonl\.gz:\d+ note: \[secret \d+\]#1001: no command of that name is known\n`, b.String())
}

func TestAReportForPeopleShowsTheBeginningOfALongText(t *testing.T) {
	long := strings.Repeat("é", 5000)
	r := &Report{}
	r.Add(Finding{Kind: Different, Expected: long, Got: long, Fields: []Field{{"From", long, long}}})
	r.note("f:1", &capture.Record{Type: "MakeCall#1001", Body: long}, "odd")
	for range maxNotes {
		r.note("f:2", &capture.Record{}, "odd")
	}
	var people, programs bytes.Buffer
	require.NoError(t, errors.Join(r.Text(&people), json.NewEncoder(&programs).Encode(r)))
	require.NotContains(t, people.String(), strings.Repeat("é", 1001))
	require.Equal(t, 5, strings.Count(people.String(), "é…"))
	require.Contains(t, people.String(), "and 1 notes more\n")
	require.Contains(t, programs.String(), long)
}

// One connector cannot do what two did at the same time.
func TestCapturesOfSeveralConnectorsAreRefused(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("..", "..", "test", "captures", "*.jsonl.gz")) // some are of the same seconds
	require.NoError(t, err)
	files, err := capture.OpenFiles(t.Context(), names...)
	require.NoError(t, err)
	defer files.Close()
	synctest.Test(t, func(t *testing.T) {
		r, err := Offline(t.Context(), files, Options{})
		require.ErrorContains(t, err, "one at a time")
		require.ErrorContains(t, err, ".jsonl.gz:")
		require.False(t, r.Same(), "what follows is not replayed")
		require.Regexp(t, `^ended early, at .*\.jsonl\.gz:\d+$`, r.Ended)
		var b strings.Builder
		require.NoError(t, errors.Join(r.JUnit(&b), r.Text(&b)))
		require.Equal(t, 2, strings.Count(b.String(), r.Ended))
		require.NotContains(t, b.String(), "no difference")
	})
}

func TestOnlyTheAgentsAskedFor(t *testing.T) {
	all := lines(t, "colleagues")
	spoil(t, all, "State", "1002#", "1009#")
	one, other := list(slices.Clone(all)), list(slices.Clone(all))
	require.True(t, replayed(t, &one, Options{Agents: []gc.AgentID{"1001"}}).Same())
	require.False(t, replayed(t, &other, Options{Agents: []gc.AgentID{"1002"}}).Same())
}

// A capture replays with the participants listed as they were when it was recorded.
func TestParticipantsAreListedAsCaptured(t *testing.T) {
	all := lines(t, "one-call-text-4-4")
	usual := list(slices.Clone(all))
	require.True(t, replayed(t, &usual, Options{}).Same())
	for i := range all {
		if all[i].Header != nil {
			h := *all[i].Header
			h.Settings.Participants = wire.Short
			all[i].Header = &h
		}
	}
	short := list(all)
	require.False(t, replayed(t, &short, Options{}).Same())
}

func TestUnusableSettings(t *testing.T) {
	nodes := []string{"a"}
	for _, s := range []capture.Settings{
		{TimeZone: "Mars/Phobos", Nodes: nodes}, {Format: "morse", Nodes: nodes}, {Format: "TEXT", Nodes: nodes},
		{Formats: wire.FormatRules{"crm": "JSON"}, Nodes: nodes}, {Nodes: []string{"a b"}}, {}, {Participants: "long", Nodes: nodes},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := list{{File: "f", Line: 1, Header: &capture.Header{Settings: s}}, {File: "f", Line: 2, Record: &capture.Record{Seq: 1, Dir: capture.In, Edge: capture.Broker, Type: "Connect#1001", Agent: "1001", Body: "crm,x"}}}
			_, err := Offline(t.Context(), &l, Options{})
			require.ErrorContains(t, err, "f:1: the header's settings cannot be used")
		})
	}
}

// repeated is a sample n times, one after the other, an hour apart.
func repeated(t *testing.T, name string, n int) list {
	t.Helper()
	sample := lines(t, name)
	var all list
	run := ""
	for i := range n {
		for _, x := range sample {
			if x.Record != nil {
				later := *x.Record
				later.Time = later.Time.Add(time.Duration(i) * time.Hour)
				if !later.Sent.IsZero() {
					later.Sent = later.Sent.Add(time.Duration(i) * time.Hour)
				}
				later.MessageID = fmt.Sprint(later.MessageID, i)
				x.Record, x.Run = &later, cmp.Or(run, x.Run)
			} else if i > 0 {
				header := *x.Header
				run = fmt.Sprint(i)
				header.Run, header.Time = run, header.Time.Add(time.Duration(i)*time.Hour)
				x.Header = &header
			}
			x.Line = len(all) + 1
			all = append(all, x)
		}
	}
	return all
}

// Hours of traffic take seconds: the rate is logged, not judged.
func TestHowFastItIs(t *testing.T) {
	all := repeated(t, "main-job", 50)
	n, start := len(all), time.Now()
	r := replayed(t, &all, Options{})
	took := time.Since(start)
	require.Empty(t, r.Findings)
	t.Logf("%d records of %s in %s: %.0f a second", n, r.Until.Sub(r.From).Round(time.Hour), took.Round(time.Millisecond), float64(n)/took.Seconds())
}

func TestTheLongPastIsForgotten(t *testing.T) {
	var r recent[int]
	for i := range 3 * maxRecent {
		r.put(fmt.Sprint(i), i)
		r.put(fmt.Sprint(i), i) // the same again takes no room
	}
	require.Len(t, r.values, maxRecent)
	require.Len(t, r.order, maxRecent)
	require.Equal(t, 3*maxRecent-1, r.values[fmt.Sprint(3*maxRecent-1)])
	require.NotContains(t, r.values, "0")
}

func TestJUnit(t *testing.T) {
	all := lines(t, "main-job")
	spoil(t, all, "State", "Ada", "Eve")
	l := list(all)
	r := replayed(t, &l, Options{})
	var b bytes.Buffer
	require.NoError(t, r.JUnit(&b))
	require.Contains(t, b.String(), `<testcase name="agent 1001"`)
	require.Contains(t, b.String(), "FullName")
}
