package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/replay"
)

// sample is a capture of the main job, with text replaced.
func sample(t *testing.T, old, text string) string {
	t.Helper()
	packed, err := os.Open("../../test/captures/main-job.jsonl.gz")
	require.NoError(t, err)
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	require.NoError(t, err)
	all, err := io.ReadAll(z)
	require.NoError(t, err)
	require.Contains(t, string(all), old)
	return write(t, "capture.jsonl", strings.Replace(string(all), old, text, 1))
}

func TestReplay(t *testing.T) {
	t.Parallel()
	t.Run("without a difference", func(t *testing.T) {
		t.Parallel()
		p := launch(t, "", nil, "replay", sample(t, "", ""))
		require.Equal(t, exitDone, p.wait(), p.err.String())
		require.Contains(t, p.out.String(), "no difference\n")
		require.Empty(t, p.err.String())
	})
	t.Run("a difference is reported with its line and its field", func(t *testing.T) {
		t.Parallel()
		file, junit := sample(t, "1001#State#READY##Ada", "1001#State#READY#7#Ada"), filepath.Join(t.TempDir(), "junit.xml")
		p := launch(t, "", nil, "replay", "--junit", junit, "--agent", "1001", file)
		require.Equal(t, exitFailed, p.wait(), p.err.String())
		require.Regexp(t, `capture\.jsonl:\d+ different: State of agent 1001 to /topic/crm\d+ at 20`, p.out.String())
		require.Contains(t, p.out.String(), "Reason: captured \"7\", now \"\"\n")
		require.Contains(t, p.out.String(), "differences: 1 different\n")
		report, err := os.ReadFile(junit)
		require.NoError(t, err)
		require.Contains(t, string(report), `failures="1"`)
	})
	t.Run("as a page", func(t *testing.T) {
		t.Parallel()
		file, page := sample(t, "1001#State#READY##Ada", "1001#State#READY#7#Ada"), filepath.Join(t.TempDir(), "page.html")
		p := launch(t, "", nil, "replay", "--html", page, file)
		require.Equal(t, exitFailed, p.wait(), p.err.String())
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		require.Contains(t, string(text), `"counts":{"different":1}`)
		require.Contains(t, string(text), "1001#State#READY#7#Ada Lovelace")
		require.Contains(t, p.out.String(), "differences: 1 different\n")

		p = launch(t, "", nil, "replay", "--html", filepath.Join(t.TempDir(), "none", "page.html"), sample(t, "", ""))
		require.Equal(t, exitFailed, p.wait())
		require.Contains(t, p.err.String(), "write the page: ")
	})
	t.Run("reports are private, and go to regular files only", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		page, junit, theirs := filepath.Join(dir, "page.html"), filepath.Join(dir, "junit.xml"), filepath.Join(dir, "theirs")
		require.NoError(t, os.WriteFile(junit, []byte("older"), 0o600))
		require.NoError(t, os.Chmod(junit, 0o666))
		p := launch(t, "", nil, "replay", "--html", page, "--junit", junit, sample(t, "", ""))
		require.Equal(t, exitDone, p.wait(), p.err.String())
		for _, name := range []string{page, junit} {
			info, err := os.Stat(name)
			require.NoError(t, err)
			require.EqualValues(t, 0o600, info.Mode().Perm(), name)
		}
		require.NoError(t, os.Remove(page))
		require.NoError(t, os.Symlink(theirs, page))
		p = launch(t, "", nil, "replay", "--html", page, sample(t, "", ""))
		require.Equal(t, exitFailed, p.wait())
		require.Contains(t, p.err.String(), "write the page: "+page+" is a symbolic link")
		require.NoFileExists(t, theirs)
	})
	t.Run("as JSON", func(t *testing.T) {
		t.Parallel()
		p := launch(t, "", nil, "replay", "--json", "--format", "json", sample(t, "", ""))
		require.Equal(t, exitDone, p.wait(), p.err.String())
		var r replay.Report
		require.NoError(t, json.Unmarshal([]byte(p.out.String()), &r))
		require.NotZero(t, r.Events)
	})
	t.Run("a plain log", func(t *testing.T) {
		t.Parallel()
		logs, err := filepath.Abs("../../internal/replay/plainlog/testdata")
		require.NoError(t, err)
		good, junit := filepath.Join(logs, "client-4.4.log"), filepath.Join(t.TempDir(), "junit.xml")
		p := launch(t, "", nil, "replay", "--verbose", "--junit", junit, filepath.Join(logs, "faults.log"))
		require.Equal(t, exitFailed, p.wait(), p.err.String())
		require.Contains(t, p.out.String(), "plain log, text, 15 messages of 2 agents, with times\n")
		require.Contains(t, p.out.String(), "faults.log:2 is no message: (not shown")
		require.Contains(t, p.out.String(), "findings: 1 damage, 5 not understood, 7 not written, 1 out of order\n")
		report, err := os.ReadFile(junit)
		require.NoError(t, err)
		require.NotContains(t, p.out.String()+string(report), "s3cret")
		require.Contains(t, string(report), `<testcase name="log"`)
		p = launch(t, "", nil, "replay", "--json", good)
		require.Equal(t, exitDone, p.wait(), p.err.String())
		var r replay.Report
		require.NoError(t, json.Unmarshal([]byte(p.out.String()), &r))
		require.EqualValues(t, "text-4.4", r.Log.Format)
		p = launch(t, "", nil, "replay", "--format", "json", good)
		require.Equal(t, exitUsage, p.wait())
		p = launch(t, "", nil, "replay", good, sample(t, "", ""))
		require.Equal(t, exitUsage, p.wait())
	})
	t.Run("wrong usage", func(t *testing.T) {
		t.Parallel()
		for _, line := range [][]string{{"replay"}, {"replay", "--format", "morse", "x"}, {"replay", "--agent", "a#b", "x"}} {
			p := launch(t, "", nil, line...)
			require.Equal(t, exitUsage, p.wait(), line)
		}
	})
	t.Run("files that cannot be replayed", func(t *testing.T) {
		t.Parallel()
		for name, content := range map[string]string{
			"no such file":         "",
			"another version":      `{"capture": 9}`,
			"not a capture":        "hello",
			"a record and no more": `{"seq":1,"time":"2026-11-23T07:00:01Z","dir":"in","edge":"rest"}`,
		} {
			file := filepath.Join(t.TempDir(), "none")
			if content != "" {
				file = write(t, "capture.jsonl", content)
			}
			p := launch(t, "", nil, "replay", file)
			require.Equal(t, exitFailed, p.wait(), name)
			require.NotEmpty(t, p.err.String()+p.out.String(), name)
			require.False(t, bytes.Contains([]byte(p.err.String()), []byte("goroutine ")), name)
		}
	})
}
