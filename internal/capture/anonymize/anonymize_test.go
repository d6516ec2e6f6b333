package anonymize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/replay"
)

func samples(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "test", "captures", "*.jsonl.gz"))
	require.NoError(t, err)
	require.Greater(t, len(files), 10)
	return files
}

// items returns the lines of a capture.
func items(t testing.TB, r *capture.Reader) []capture.Item {
	t.Helper()
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

func opened(t *testing.T, name string) *capture.Reader {
	t.Helper()
	r, err := capture.Open(t.Context(), name)
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func read(t testing.TB, text []byte) *capture.Reader {
	t.Helper()
	r, err := capture.NewReader(t.Context(), "out", bytes.NewReader(text))
	require.NoError(t, err)
	return r
}

func anonymized(t *testing.T, names ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, Files(t.Context(), &out, names, func(i capture.Item) { t.Errorf("%s: %v", i.Where(), i.Problem) }))
	return out.Bytes()
}

func TestEachSampleReplaysAnonymized(t *testing.T) {
	for _, name := range samples(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text := anonymized(t, name)
			require.Len(t, items(t, read(t, text)), len(items(t, opened(t, name))))
			synctest.Test(t, func(t *testing.T) {
				r, err := replay.Offline(t.Context(), read(t, text), replay.Options{})
				require.NoError(t, err)
				require.Empty(t, r.Findings)
				require.NotZero(t, r.Events)
			})
		})
	}
}

// sensitive matches the elements of the samples whose values say something
// about a person or the site.
var sensitive = regexp.MustCompile(`<(firstName|lastName|loginId|loginName|extension|fromAddress|toAddress|callbackNumber|DNIS|dialedNumber|dialNumber|` +
	`mediaAddress|targetMediaAddress|phoneNumber|description|label|teamName|value|wrapUpReason)>([^<]+)</`)

// tokens matches the words and numbers of a text.
var tokens = regexp.MustCompile(`[\pL\pN]+`)

// originals returns the values of 4 characters or more, and their words.
func originals(all []capture.Item) map[string]bool {
	values := map[string]bool{}
	add := func(s string) {
		for _, v := range append(tokens.FindAllString(s, -1), s) {
			if len(v) >= 4 {
				values[v] = true
			}
		}
	}
	for _, i := range all {
		if i.Header != nil {
			for _, node := range i.Header.Settings.Nodes {
				values[node] = true
			}
			continue
		}
		add(string(i.Record.Agent))
		add(strings.TrimPrefix(i.Record.Destination, "/topic/"))
		for _, found := range sensitive.FindAllStringSubmatch(i.Record.Text(), -1) {
			add(found[2])
		}
	}
	// Words of entities, destinations and paths, and of actions that variables
	// name: those of the protocol stay.
	for _, protocol := range []string{"quot", "topics", "others", "queue", "topic", "Team", "CONFERENCE", "OUTBOUND", "PREVIEW", "Busy"} {
		delete(values, protocol)
	}
	return values
}

func TestNoOriginalIsLeft(t *testing.T) {
	names := samples(t)
	var all []capture.Item
	for _, name := range names {
		all = append(all, items(t, opened(t, name))...)
	}
	values := originals(all)
	require.Greater(t, len(values), 80)
	for _, must := range []string{"Lovelace", "Müller", "4085551234", "agent1001", "Rückruf"} {
		require.True(t, values[must], must)
	}
	var whole []string // those of several words
	for v := range values {
		if strings.ContainsFunc(v, func(r rune) bool { return kindOf(r) == 0 }) {
			whole = append(whole, v)
		}
	}
	for _, i := range items(t, read(t, anonymized(t, names...))) {
		if i.Record == nil {
			continue
		}
		x := i.Record
		text := strings.Join([]string{string(x.Agent), x.Type, x.Destination, x.ReplyTo, x.MessageID, x.CorrelationID, x.Node, x.Topic, x.Problem, x.Text()}, " \x00 ")
		text = markup.ReplaceAllString(clock.ReplaceAllString(text, ""), " ")
		for _, token := range tokens.FindAllString(text, -1) {
			if values[token] {
				require.Failf(t, "a value is left", "%s: %q in %s", i.Where(), token, text)
			}
		}
		for _, v := range whole {
			if strings.Contains(text, v) {
				require.Failf(t, "a value is left", "%s: %q in %s", i.Where(), v, text)
			}
		}
	}
}

// markup matches a tag of a document.
var markup = regexp.MustCompile(`</?[A-Za-z][A-Za-z0-9]*/?>`)

// clock matches a time in an event or a document: its year could be an
// extension.
var clock = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d`)

// The end of an element that never began costs no search.
func TestOpenElements(t *testing.T) {
	p := ancestors{count: map[string]int{}}
	for _, tag := range []string{"<User>", "<a>", "<b>", "</a>", "</c>", "<d/>"} {
		p.follow(tag)
	}
	require.Equal(t, []string{"user"}, p.open, "an end ends all elements within")
	require.Equal(t, map[string]int{"user": 1, "a": 0, "b": 0}, p.count)
}

func TestOneValueIsReplacedByTheSameEverywhere(t *testing.T) {
	a := seeded([32]byte{1})
	say := func() (all []string) {
		for _, x := range []capture.Record{
			{Dir: capture.In, Edge: capture.Broker, Type: "MakeCall#ada", Body: "4085551234"},
			{Dir: capture.Out, Edge: capture.REST, Type: "POST /User/ada/Dialogs", Body: "<Dialog><toAddress>4085551234</toAddress></Dialog>"},
			{Dir: capture.In, Edge: capture.Notify, Type: capture.Update, Topic: "/finesse/api/User/ada/Dialogs", Body: "<User><id>77</id><uri>/finesse/api/User/ada</uri><value>a=b|c &lt;4085551234&gt; Ada</value></User>"},
			{Dir: capture.Out, Edge: capture.Broker, Event: "NewInboundCall", Format: "text", Body: "ada#NewInboundCall#4085551234#4085551234|callVariable1=a_b_c <4085551234> Ada#DialogID:77"},
			{Dir: capture.Out, Edge: capture.Broker, Event: "NewInboundCall", Format: "json", Body: `{"type":"NewInboundCall","dialogId":"77","callVariables":[{"callVariable1":"a=b|c <4085551234> Ada"}],"agentId":"ada"}`},
		} {
			i := a.Item(t.Context(), capture.Item{Record: &x})
			all = append(all, i.Record.Type+" "+i.Record.Topic+" "+i.Record.Body)
		}
		return all
	}
	say()
	require.NoError(t, a.Settle(t.Context()))
	w := a.words
	number, id, b, c, x := w.text("4085551234"), w.login("ada"), w.text("b"), w.text("c"), w.text("a")
	require.Regexp(t, `^\d{10}$`, number)
	require.Regexp(t, `^[a-z]{3}$`, id)
	require.NotEqual(t, "4085551234", number)
	name := strings.ToUpper(id[:1]) + id[1:]
	require.Equal(t, []string{
		"MakeCall#" + id + "  " + number,
		"POST /User/" + id + "/Dialogs  <Dialog><toAddress>" + number + "</toAddress></Dialog>",
		"update /finesse/api/User/" + id + "/Dialogs <User><id>77</id><uri>/finesse/api/User/" + id + "</uri><value>" + x + "=" + b + "|" + c + " &lt;" + number + "&gt; " + name + "</value></User>",
		"  " + id + "#NewInboundCall#" + number + "#" + number + "|callVariable1=" + x + "_" + b + "_" + c + " <" + number + "> " + name + "#DialogID:77",
		`  {"type":"NewInboundCall","dialogId":"77","callVariables":[{"callVariable1":"` + x + "=" + b + "|" + c + " <" + number + "> " + name + `"}],"agentId":"` + id + `"}`,
	}, say())
}

func TestWordsStayDifferentAndKeepTheirKind(t *testing.T) {
	w := newWords(seeded([32]byte{2}).words.random)
	var all []string
	for i := range 10_000 {
		all = append(all, string([]byte{'0' + byte(i/1000), '0' + byte(i/100%10), '0' + byte(i/10%10), '0' + byte(i%10)}))
	}
	all = append(all, "a", "b", "Ü", "ü", "日本語", "日本", "mueller", "ada", "+41", "x-y", "[secret 4]")
	for _, s := range all {
		w.text(s)
	}
	require.NoError(t, w.settle(t.Context()))
	seen := map[string]string{}
	for _, s := range all {
		r := w.text(s)
		require.Len(t, r, len(s), s)
		require.Empty(t, seen[r], "%q and %q became the same", s, seen[r])
		require.NoError(t, sameKind(s, r))
		seen[r] = s
	}
	require.Equal(t, "[secret 4]", w.text("[secret 4]"))
	require.Equal(t, strings.ToUpper(w.text("ada")), w.text("ADA"))
	require.NotEqual(t, w.text("new 4711 4712"), w.text("new 4711 4713"), "learnt late")
}

func sameKind(s, r string) error {
	x, y := []rune(s), []rune(r)
	for i := range x {
		if lettersOf(x[i]) != lettersOf(y[i]) {
			return errors.New(s + " became " + r)
		}
	}
	return nil
}

// A word that is not the protocol's does not become one, and a word may be as
// long as a line.
func TestNothingBecomesAWordOfTheProtocol(t *testing.T) {
	a := seeded([32]byte{6})
	for i := range 3_000 {
		a.words.text(fmt.Sprintf("w%c%c%c", 'a'+i/676%26, 'a'+i/26%26, 'a'+i%26))
	}
	long := strings.Repeat("x", 1<<20) + strings.Repeat("é", 1<<20)
	a.words.text(long)
	require.NoError(t, a.Settle(t.Context()))
	for word := range a.words.taken {
		require.False(t, reserved[word], word)
	}
	require.Len(t, a.words.text(long), len(long))
	require.NotContains(t, a.words.text(long), "xx"+"é")
	require.Less(t, a.words.size, 4<<20)
	broken := "é" + strings.Repeat("\x80", 1_000) + "é"
	require.Len(t, a.words.text(broken), len(broken))
}

// A capture with different values without end is refused, and the error names
// the line; a signal ends it anywhere.
func TestACaptureOfAStrangerIsBounded(t *testing.T) {
	var text strings.Builder
	text.WriteString(header)
	for i := range 5_000 {
		fmt.Fprintf(&text, `{"seq":%d,"time":"2026-11-23T07:00:01Z","dir":"in","edge":"rest","type":"GET /User/a%dx","node":"h%d:1","body":"<id>%d</id>"}`+"\n", i+1, i, i, i)
	}
	file := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(file, []byte(text.String()), 0o600))
	a := New()
	a.words.most = 1 << 20
	err := a.files(t.Context(), io.Discard, []string{file}, func(capture.Item) {})
	require.ErrorIs(t, err, capture.ErrBeyond)
	require.Regexp(t, regexp.QuoteMeta(file)+`:\d+: .* more than 1 MB of different names and numbers`, err)

	a = New()
	for i := range 100_000 {
		a.words.text(fmt.Sprint("1234567", i))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, a.Settle(ctx), context.Canceled)
}

func TestLoginIDsKeepTheirOrder(t *testing.T) {
	w := newWords(seeded([32]byte{3}).words.random)
	ids := []string{"1001", "1002", "1003", "2001", "agent1001", "agent1002", "anna", "bert", "carl"}
	for range 2 {
		for _, id := range ids {
			w.login(id)
		}
		w.text("1234 5678 dora")
		if w.learning {
			require.NoError(t, w.settle(t.Context()))
		}
	}
	for _, group := range [][]string{ids[:4], ids[4:6], ids[6:]} {
		for i := range group[1:] {
			require.Less(t, w.login(group[i]), w.login(group[i+1]))
		}
	}
}

func TestPartsThatStay(t *testing.T) {
	a := seeded([32]byte{4})
	a.given["16870001"] = true
	for _, x := range []capture.Record{
		{Edge: capture.Notify, Type: capture.Waits, Body: "1.5s"},
		{Dir: capture.In, Edge: capture.Broker, Event: capture.Restored, Destination: capture.Topics},
		{Edge: capture.REST, Type: "GET /Dialog/16870001", Status: 404, Body: "<ApiErrors><ApiError><ErrorType>Dialog Not Found</ErrorType><ErrorMessage>CF_RESOURCE_BUSY</ErrorMessage><ErrorData>33</ErrorData></ApiError></ApiErrors>"},
		{Edge: capture.REST, Type: capture.Paused, Topic: "16870001", Code: "NOT_CONFIGURED", Problem: "left out"},
		{Dir: capture.Out, Edge: capture.Broker, Event: "System", Format: "text", Body: "System#IN_SERVICE"},
		{Dir: capture.Out, Edge: capture.Broker, Event: "System", Format: "json", Body: `{"type":"System","status":"IN_SERVICE"}`},
	} {
		for range 2 {
			require.Equal(t, &x, a.Item(t.Context(), capture.Item{Record: &x}).Record)
			a.words.learning = false
		}
		a.words.learning = true
	}
}

func TestTheReasonOfAProblemStays(t *testing.T) {
	for from, want := range map[string]string{
		"": "", "EOF": "EOF", "dial tcp 10.1.2.3:8445: connect: connection refused": "connection refused", "no user ada": "left out",
	} {
		require.Equal(t, want, problem(from))
	}
}

func TestDestinationsTakeThePlaceOfTheirPatterns(t *testing.T) {
	a := seeded([32]byte{5})
	h := capture.Header{Settings: capture.Settings{Format: "text", Formats: wire.FormatRules{"cr*": "json", "desk": "text-4.4"}, Nodes: []string{"a.b:1", "a.b:2", "c"},
		Destinations: []string{"crm*"}, Own: []string{"Connector1"}}}
	for _, d := range []string{"/topic/crm1", "/topic/desk", "/queue/else", "/queue/VirtualTopic.Connector1"} {
		a.destination(d)
	}
	require.NoError(t, a.Settle(t.Context()))
	got := a.header(t.Context(), h).Settings
	require.Equal(t, wire.FormatRules{gc.Pattern(a.destination("/topic/crm1")): "json", gc.Pattern(a.destination("/topic/desk")): "text-4.4"}, got.Formats)
	require.Equal(t, []string{"none.other", a.destination("/topic/crm1")}, got.Destinations)
	require.Equal(t, []string{strings.TrimPrefix(a.destination("/queue/VirtualTopic.Connector1"), "/queue/")}, got.Own)
	require.Equal(t, []string{"finesse-1.example:1", "finesse-1.example:2", "finesse-2.example"}, got.Nodes)
	require.Len(t, h.Settings.Formats, 2, "the original stays")
	require.Equal(t, "a.b:1", h.Settings.Nodes[0])
}

func TestFilesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"version": `{"capture": 9}`, "gzip": "\x1f\x8bnothing"} {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		require.Error(t, Files(t.Context(), io.Discard, []string{file}, func(capture.Item) {}), name)
	}
	require.ErrorIs(t, Files(t.Context(), io.Discard, []string{filepath.Join(dir, "none")}, func(capture.Item) {}), os.ErrNotExist)
}

const header = `{"capture":1,"run":"r","part":1,"time":"2026-11-23T07:00:00Z","settings":{"format":"text","nodes":["a:1"]}}` + "\n"

func TestASignalEndsIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, Files(ctx, io.Discard, samples(t), func(capture.Item) {}), context.Canceled)

	a := New()
	a.Item(t.Context(), capture.Item{Record: &capture.Record{Destination: "/topic/desk"}})
	h := capture.Header{Settings: capture.Settings{Destinations: []string{"desk"}}}
	require.Len(t, a.header(t.Context(), h).Settings.Destinations, 2)
	require.Len(t, a.header(ctx, h).Settings.Destinations, 1, "in the middle of a header, which may have many to compare")
}

func TestALineThatCannotBeReadIsLeftOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cut")
	require.NoError(t, os.WriteFile(file, []byte(header+`{"seq":1,"time":"2026-11-23T07:00:01Z","dir":"in","edge":"rest"}`+"\n"+`{"seq":2,"bo`), 0o600))
	var out bytes.Buffer
	var problems []string
	require.NoError(t, Files(t.Context(), &out, []string{file}, func(i capture.Item) { problems = append(problems, i.Problem.Error()) }))
	require.Len(t, problems, 1)
	require.Contains(t, problems[0], "cut off")
	require.Len(t, items(t, read(t, out.Bytes())), 2)
}

// records returns the lines that are no problems.
func records(all []capture.Item) (good []capture.Item) {
	for _, i := range all {
		if i.Problem == nil {
			good = append(good, i)
		}
	}
	return good
}

func FuzzAnonymizer(f *testing.F) {
	for _, body := range []string{"1001#State#READY##Ada", `{"a":[{"b":"c"}]}`, "<a>&#233;<b c='d'>1</b><![CDATA[x]]>", "crm,[secret 1]", "\xff,"} {
		f.Add("out", "broker", "State", "json", "MakeCall#1001", []byte(body))
		f.Add("in", "rest", "", "", "GET /User/1001", []byte(body))
		f.Add("in", "broker", "", "", "Connect#1001", []byte(body))
	}
	f.Fuzz(func(t *testing.T, dir, edge, event, format, typ string, body []byte) {
		var in bytes.Buffer
		in.WriteString(header)
		x := capture.Record{Seq: 1, Dir: capture.Dir(dir), Edge: capture.Edge(edge), Event: event, Format: format, Type: typ, Agent: gc.AgentID(event), Topic: typ, Body: string(body)}
		x.Time = x.Time.AddDate(2026, 0, 0)
		require.NoError(t, capture.Write(&in, capture.Item{Record: &x}))
		before := records(items(t, read(t, in.Bytes())))
		a := New()
		for _, i := range before {
			a.Item(t.Context(), i)
		}
		require.NoError(t, a.Settle(t.Context()))
		var out bytes.Buffer
		for _, i := range before {
			require.NoError(t, capture.Write(&out, a.Item(t.Context(), i)))
		}
		after := items(t, read(t, out.Bytes()))
		require.Len(t, after, len(before))
		require.Len(t, records(after), len(before))
	})
}
