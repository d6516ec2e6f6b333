package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/capture"
)

// ran returns what a command prints that succeeds.
func ran(t *testing.T, args ...string) string {
	t.Helper()
	p := launch(t, "", nil, args...)
	require.Equal(t, exitDone, p.wait(), p.err.String())
	require.Empty(t, p.err.String())
	return p.out.String()
}

const colleagues = "../../test/captures/colleagues.jsonl.gz"

func absolute(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	require.NoError(t, err)
	return path
}

func TestCaptureShow(t *testing.T) {
	t.Parallel()
	file := absolute(t, colleagues)
	all := ran(t, "capture", "show", file)
	require.Regexp(t, `(?m)^\S+colleagues\.jsonl\.gz:1: 2026-\S+ \S+ run \w+, with the process, connector \(devel\), Finesse at 127\.0\.0\.1:\d+$`, all)
	for _, line := range []string{
		`driver → connector           1001 AnswerCall#1001 16870001`,
		`driver ← connector           1001 State /topic/crm\d+ 1001#State#READY.*`,
		`         connector → Finesse 1001 PUT /Dialog/16870001 <Dialog><requestedAction>ANSWER<.*`,
		`         connector ← Finesse 1001 PUT /Dialog/16870001 202`,
		`         connector ← Finesse 1001 update /finesse/api/User/1001/Dialogs <Update>.*`,
		`         connector ← Finesse - 127.0.0.1:\d+ usable`,
	} {
		require.Regexp(t, `(?m)^\d\d:\d\d:\d\d\.\d{3} `+line+`$`, all)
	}
	require.NotContains(t, all, "\x1b")
	require.Equal(t, all, ran(t, "capture", "show", "--full", file))
}

func TestCaptureShowFilters(t *testing.T) {
	t.Parallel()
	file := absolute(t, colleagues)
	for _, k := range []struct {
		rule  string
		flags []string
		match func(*capture.Record) bool
	}{
		{"an agent", []string{"--agent", "1002"}, func(x *capture.Record) bool { return x.Agent == "1002" }},
		{"two agents", []string{"--agent", "1002", "--agent", "1001"}, func(x *capture.Record) bool { return x.Agent == "1002" || x.Agent == "1001" }},
		{"an edge", []string{"--type", "REST"}, func(x *capture.Record) bool { return x.Edge == capture.REST }},
		{"an event or a command", []string{"--type", "inboundcall", "--type", "ANSWERCALL"}, func(x *capture.Record) bool {
			return x.Event == "InboundCall" || strings.HasPrefix(x.Type, "AnswerCall#")
		}},
		{"a call", []string{"--dialog", "16870002"}, func(x *capture.Record) bool {
			return strings.Contains(x.Type+x.Topic+x.Body, "16870002")
		}},
	} {
		t.Run(k.rule, func(t *testing.T) {
			t.Parallel()
			want := 0
			for line := range strings.Lines(ran(t, "capture", "show", "--json", file)) {
				if k.match(parsed(t, line)) {
					want++
				}
			}
			got := ran(t, append([]string{"capture", "show", "--json", file}, k.flags...)...)
			for line := range strings.Lines(got) {
				require.True(t, k.match(parsed(t, line)), line)
			}
			require.Equal(t, want, strings.Count(got, "\n"))
			require.NotZero(t, want)
		})
	}
}

func parsed(t *testing.T, line string) *capture.Record {
	t.Helper()
	var x capture.Record
	require.NoError(t, json.Unmarshal([]byte(line), &x))
	require.NotZero(t, x.Seq)
	return &x
}

func TestACallIsNotPartOfAnotherNumber(t *testing.T) {
	for text, want := range map[string]bool{"77": true, "x77,": true, "177 77": true, "177": false, "77_1": false, "": false} {
		require.Equal(t, want, names(text, "77"), text)
	}
}

func TestCaptureShowOnATerminal(t *testing.T) {
	x := capture.Record{Dir: capture.Out, Edge: capture.Broker, Agent: "1001", Event: "State", Body: strings.Repeat("ä\x1b", 100)}
	var b strings.Builder
	s := captureShow{out: bufio.NewWriter(&b), screen: screen{colour: true, width: 80}, cut: true}
	require.NoError(t, s.record(&x))
	require.NoError(t, s.out.Flush())
	plain := strings.NewReplacer("\x1b["+dim+"m", "", "\x1b["+cyan+"m", "", "\x1b[0m", "", "\n", "").Replace(b.String())
	require.Equal(t, 80, length(plain))
	require.NotContains(t, plain, "\x1b")
	require.Contains(t, plain, "…")
}

func TestCaptureShowEndsQuietlyWithItsReader(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, reader.Close())
	defer writer.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "capture", "show", absolute(t, colleagues))
	var said strings.Builder
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), runMain+"=1"), writer, &said
	require.NoError(t, cmd.Run())
	require.Empty(t, said.String())
}

func TestFilesThatAreNoCaptures(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"show", "anonymize"} {
		for name, content := range map[string]string{"no such file": "", "another version": `{"capture": 9}`, "no gzip": "\x1f\x8bno"} {
			t.Run(command+" "+name, func(t *testing.T) {
				t.Parallel()
				file := filepath.Join(t.TempDir(), "none")
				if content != "" {
					file = write(t, "capture.jsonl", content)
				}
				p := launch(t, "", nil, "capture", command, file)
				require.Equal(t, exitFailed, p.wait())
				require.Contains(t, p.err.String(), file)
			})
		}
	}
}

func TestCaptureDamage(t *testing.T) {
	t.Parallel()
	file := write(t, "capture.jsonl", `{"capture":1,"run":"r","part":1,"time":"2026-11-23T07:00:00Z","settings":{"nodes":["a:1"]}}`+"\n"+`{"seq":1,"ti`)
	require.Contains(t, ran(t, "capture", "show", file), file+":2: the last line is cut off")
	for _, line := range [][]string{{"show", "--json"}, {"anonymize"}} {
		p := launch(t, "", nil, append(append([]string{"capture"}, line...), file)...)
		require.Equal(t, exitDone, p.wait())
		require.Contains(t, p.err.String(), file+":2: the last line is cut off")
	}
}

func TestCaptureWrongUsage(t *testing.T) {
	t.Parallel()
	for _, line := range [][]string{
		{}, {"show"}, {"anonymize"}, {"sing"}, {"show", "--agent", "a#b", "x"}, {"show", "--dialog", "one", "x"}, {"show", "--type", "", "x"}, {"anonymize", "--force", "x"},
	} {
		p := launch(t, "", nil, append([]string{"capture"}, line...)...)
		require.Equal(t, exitUsage, p.wait(), line)
	}
}

func TestCaptureAnonymize(t *testing.T) {
	t.Parallel()
	file, out := absolute(t, colleagues), filepath.Join(t.TempDir(), "copy.jsonl.gz")
	require.Empty(t, ran(t, "capture", "anonymize", "--out", out, file))
	packed, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, []byte{0x1f, 0x8b}, packed[:2])
	require.Contains(t, ran(t, "replay", out), "no difference\n")
	require.NotContains(t, ran(t, "capture", "show", out), "Lovelace")

	p := launch(t, "", nil, "capture", "anonymize", "--out", out, file)
	require.Equal(t, exitFailed, p.wait())
	require.Contains(t, p.err.String(), "exists; name another file")
	same, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, packed, same)

	ran(t, "capture", "anonymize", "--out", out, "--force", out) // even the file that is read
	require.Contains(t, ran(t, "replay", out), "no difference\n")
	info, err := os.Stat(out)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	left, err := os.ReadDir(filepath.Dir(out))
	require.NoError(t, err)
	require.Len(t, left, 1, "no other files are left")
	theirs := filepath.Join(t.TempDir(), "theirs")
	require.NoError(t, os.Remove(out))
	require.NoError(t, os.Symlink(theirs, out))
	p = launch(t, "", nil, "capture", "anonymize", "--out", out, "--force", file)
	require.Equal(t, exitFailed, p.wait())
	require.Contains(t, p.err.String(), "is a symbolic link")
	require.NoFileExists(t, theirs)
	require.Contains(t, ran(t, "capture", "anonymize", file), `{"capture":1`)
}
