package e2e

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/replay"
)

// captures is where every connector of the suite records what it does, a file
// each. When all tests have passed, each file is replayed and must show no
// difference. That takes a process of its own: the bubbles of testing/synctest
// are for tests, and the files are whole only after those.
const captures = "E2E_CAPTURES"

// recorded runs the suite, and replays what it has recorded.
func recorded(run func() int) int {
	if os.Getenv(captures) != "" { // it is the second process
		return run()
	}
	dir, err := os.MkdirTemp("", "e2e-captures-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	captureDir = dir
	code := run()
	if code == 0 {
		code = replayed(dir)
	}
	if code == 0 {
		os.RemoveAll(dir)
	} else {
		fmt.Fprintf(os.Stderr, "the captures of the tests are in %s\n", dir)
	}
	return code
}

// replayed replays what was captured, in a process of its own.
func replayed(dir string) int {
	again := exec.Command(os.Args[0], "-test.run=^TestEveryCaptureReplays$", "-test.timeout=5m", fmt.Sprintf("-update=%t", *update))
	again.Env = append(os.Environ(), captures+"="+dir)
	out, err := again.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) || err != nil {
		fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
		return 1
	}
	fmt.Printf("%s", out)
	return 0
}

// captureDir is set while the suite records.
var captureDir string

// captureFile is a new file for a test's connector.
func captureFile(t testing.TB) string {
	name := strings.Map(func(r rune) rune {
		if r == '/' || r == filepath.Separator {
			return '.'
		}
		return r
	}, t.Name())
	return filepath.Join(captureDir, unique(name+".")+".jsonl")
}

func TestEveryCaptureReplays(t *testing.T) {
	dir := os.Getenv(captures)
	if dir == "" {
		t.Skip("runs after the other tests, see recorded")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	require.NoError(t, err)
	records := 0
	for i, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".jsonl"), func(t *testing.T) {
			records += replays(t, file, wire.Formats[i%len(wire.Formats)])
			if *update {
				keep(t, file)
			}
		})
	}
	fmt.Printf("%d captures with %d records replayed\n", len(files), records)
}

// samples names the tests whose captures are kept in test/captures: each
// scenario, in each of its formats. Those of conversations have their own names.
var samples = map[string]string{
	"TestConversations": "", "TestColleagues": "colleagues", "TestSupervisor": "supervisor", "TestOldDrivers": "old-driver", "TestErrors": "errors",
	"TestBadInput": "bad-input", "TestRecording": "recording", "TestTranslatedStatusBar": "status-bar-translated", "TestAnExtensionInUse": "extension-in-use",
	"TestOtherConnectorsHearOfAgents": "other-connectors", "TestAgentsWhoVanish": "agents-vanish", "TestAStraySignOutIsUndone": "stray-sign-out",
	"TestANodeThatDies": "node-dies", "TestBothNodesAway": "both-nodes-away", "TestSingleSignOn": "single-sign-on", "TestNoNotificationService": "no-notifications", "TestABrokerThatIsAway": "broker-away",
}

var captureName = regexp.MustCompile(`^(Test\w+)(?:\.embedded)?(?:\.(.+))?\.\d+\.jsonl$`)

// sampleOf is the name of the sample that a capture becomes, "" for none. The
// usual format is not named.
func sampleOf(file string) string {
	found := captureName.FindStringSubmatch(filepath.Base(file))
	if found == nil || strings.HasPrefix(found[2], "activemq") {
		return ""
	}
	name, kept := samples[found[1]]
	if !kept {
		return ""
	}
	variant := strings.NewReplacer(".", "-", "_", "-").Replace(found[2])
	return strings.TrimSuffix(strings.Trim(name+"-"+variant, "-"), "-text")
}

// keep keeps a capture as a sample, if its scenario is to have one.
func keep(t *testing.T, file string) {
	t.Helper()
	name := sampleOf(file)
	if name == "" {
		return
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err = z.Write(text)
	require.NoError(t, errors.Join(err, z.Close()))
	require.NoError(t, os.WriteFile(filepath.Join("..", "captures", name+".jsonl.gz"), packed.Bytes(), 0o644))
}

func TestNamesOfSamples(t *testing.T) {
	for file, want := range map[string]string{
		"TestConversations.embedded.main-job.text.5.jsonl":     "main-job",
		"TestConversations.embedded.main-job.text-4.4.5.jsonl": "main-job-text-4-4",
		"TestConversations.embedded.one-call.json.5.jsonl":     "one-call-json",
		"TestConversations.activemq.one-call.json.5.jsonl":     "",
		"TestRecording.embedded.with_a_recorder.5.jsonl":       "recording-with-a-recorder",
		"TestErrors.embedded.5.jsonl":                          "errors",
		"TestABrokerThatIsAway.8.jsonl":                        "broker-away",
		"TestPromises.embedded.a_call_goes_on.7.jsonl":         "",
	} {
		require.Equal(t, want, sampleOf(file), file)
	}
}

// replays shows that a connector's capture replays without a difference, and
// that its events tell the same in another format.
func replays(t *testing.T, file string, also wire.Format) (records int) {
	t.Helper()
	var r *replay.Report
	synctest.Test(t, func(t *testing.T) {
		f, err := capture.OpenFiles(t.Context(), file)
		require.NoError(t, err)
		defer f.Close()
		r, err = replay.Offline(t.Context(), f, replay.Options{Format: also})
		require.NoError(t, err)
	})
	var text strings.Builder
	for i, f := range r.Findings {
		if i < 10 {
			fmt.Fprintf(&text, "%s: %s, agent %s, %s %s\n  captured %s\n  now      %s\n  %v\n", f.Where, f.Kind, f.Agent, f.Event, f.Text, f.Expected, f.Got, f.Fields)
		}
	}
	require.True(t, r.Same(), "%v\n%s", r.Counts, text.String())
	return r.Records
}
