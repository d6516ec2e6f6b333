package conformance_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/conformance"
)

const (
	seed          = "internal/conformance/testdata/seed/"
	goldens       = "internal/gc/wire/testdata/golden/"
	conversations = "test/e2e/testdata/"
	codes         = "internal/gc/code.go"
)

// copyOf is what the package reads of the repository, to be spoiled.
func copyOf(t *testing.T) fstest.MapFS {
	t.Helper()
	files, all := os.DirFS(repository), fstest.MapFS{}
	for _, dir := range []string{seed, goldens, conversations, codes} {
		require.NoError(t, fs.WalkDir(files, strings.TrimSuffix(dir, "/"), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := fs.ReadFile(files, name)
			all[name] = &fstest.MapFile{Data: data}
			return err
		}))
	}
	return all
}

func add(files fstest.MapFS, name, text string) {
	var before []byte
	if f := files[name]; f != nil {
		before = f.Data
	}
	files[name] = &fstest.MapFile{Data: append(before, text...)}
}

func faultsOf(t *testing.T, files fs.FS, id string) []string {
	t.Helper()
	p, err := conformance.Load(files)
	require.NoError(t, err)
	for _, row := range p.Rows() {
		if row.ID == id {
			return row.Faults
		}
	}
	require.FailNow(t, "no such row", id)
	return nil
}

const (
	notImplemented = "it is not implemented"
	notProved      = "no golden file proves it"
	notDescribed   = "docs/protocol.md does not describe it"
)

func TestARowThatLacksSomethingHasAFault(t *testing.T) {
	for _, c := range []struct {
		rule, row string
		spoil     func(fstest.MapFS)
		want      []string
	}{
		{"an event needs a golden message, whatever conversations say", "O-002", func(files fstest.MapFS) {
			for name := range files {
				if strings.HasPrefix(name, goldens+"error.") || strings.HasPrefix(name, goldens+"error-") {
					delete(files, name)
				}
			}
			add(files, conversations+"spoilt.text.golden", "agent_error\t1001#Error#DOWN\n")
		}, []string{notProved}},
		{"an event needs its golden message in every format", "O-002", func(files fstest.MapFS) {
			delete(files, goldens+"error.text-old")
		}, []string{"golden message error is not there in text-old"}},
		{"a command needs a conversation", "command MakeCall", func(files fstest.MapFS) {
			for name := range files {
				if strings.HasPrefix(name, conversations) {
					delete(files, name)
				}
			}
		}, []string{notProved}},
		{"a command that nobody wrote lacks everything", "command Teleport", func(files fstest.MapFS) {
			add(files, seed+"commands.tsv", "agent\tteleport\tagent_call\tTeleport\t\t\t\n")
		}, []string{notImplemented, notProved, notDescribed}},
		{"an event that nobody wrote lacks everything", "O-099", func(files fstest.MapFS) {
			add(files, seed+"events.tsv", "O-099\ttea\t\tagent_state\t\n")
		}, []string{notImplemented, notProved, notDescribed}},
		{"a JSON object is its attributes in their order", "JSON Tea", func(files fstest.MapFS) {
			add(files, seed+"objects.tsv", "Tea\tSystem\ttea\t\n")
			add(files, seed+"tea.json", `{"status":"","type":"System"}`)
		}, []string{notImplemented, notProved, notDescribed}},
		{"an error that is not known by name is not implemented", "error TEA_IS_COLD", func(files fstest.MapFS) {
			add(files, seed+"errors.tsv", "TEA_IS_COLD\tGC\tcold\tdrink\n")
			add(files, conversations+"spoilt.text.golden", "agent_error\t1001#Error#TEA_IS_COLD\n")
		}, []string{notImplemented, notDescribed}},
		{"an error needs a conversation in which a driver gets it", "error CF_TEA", func(files fstest.MapFS) {
			add(files, seed+"errors.tsv", "CF_TEA\tFinesse\tcold\tdrink\n")
			add(files, conversations+"spoilt.text.golden", "agent_error\t1001#Error#CF_TEA_2\n")
		}, []string{notProved, notDescribed}},
		{"a sentence that is another is a fault", "user message Error#PLEASE_RETRY", func(files fstest.MapFS) {
			text := strings.Replace(string(files[seed+"messages.tsv"].Data), "\nError#PLEASE_RETRY\tAn error", "\nError#PLEASE_RETRY\tNo error", 1)
			files[seed+"messages.tsv"] = &fstest.MapFile{Data: []byte(text)}
			add(files, conversations+"spoilt.text.golden", "agent_control\t1#Control#PrintStatusBar#No error occurred, please try again later.\n")
		}, []string{`its sentence is "An error occurred, please try again later.", not "No error occurred, please try again later."`}},
		{"a command in another category is a fault", "command Hello", func(files fstest.MapFS) {
			files[seed+"commands.tsv"] = &fstest.MapFile{Data: []byte("\nagent\thello\tagent_state\tHello\t\tSystem Status\t\n")}
		}, []string{"its category is system, not agent_state"}},
		{"a command with more parameters is a fault", "command Hello", func(files fstest.MapFS) {
			files[seed+"commands.tsv"] = &fstest.MapFile{Data: []byte("\nagent\thello\tsystem\tHello\tcup,saucer\tSystem Status\t\n")}
		}, []string{"it takes 0 to 0 parameters, not 2"}},
		{"a command without the answer expected is a fault", "command Hello", func(files fstest.MapFS) {
			files[seed+"commands.tsv"] = &fstest.MapFile{Data: []byte("\nagent\thello\tsystem\tHello\t\tAgent Info\t\n")}
		}, []string{"its answers lack Agent Info"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			files := copyOf(t)
			c.spoil(files)
			require.Equal(t, c.want, faultsOf(t, files, c.row))
		})
	}
}

func TestAConversationProvesWhatItShows(t *testing.T) {
	for _, c := range []struct{ rule, row, lines string }{
		{"a command that a driver sends", "command MobileAgentLogin", "> agent_state/MobileAgentLogin#1001 secret,2001,4085551234,true\n"},
		{"a command without its category", "command MobileAgentLogin", "> MobileAgentLogin#1001 secret,2001,4085551234,true\n"},
		{"an error that a driver gets", "error E_CTI_INVALID_CALLID", "agent_error\t1001#Error#E_CTI_INVALID_CALLID\n"},
		{"a sentence that is shown", "user message State#TALKING", "agent_control\t1001#Control#PrintStatusBar#You are talking.\n"},
		{"an event without a sentence, where sentences are shown", "user message ConsultCall#INITIATED",
			"agent_control\t1001#Control#PrintStatusBar#You are talking.\nagent_call\t1001#ConsultCall#INITIATED#AssDialogID:7#1#ani=1##Ann\n"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			files := copyOf(t)
			for name := range files {
				if strings.HasPrefix(name, conversations) {
					delete(files, name)
				}
			}
			require.Equal(t, []string{notProved}, faultsOf(t, files, c.row))
			add(files, conversations+"talk.text.golden", c.lines)
			require.Empty(t, faultsOf(t, files, c.row))
		})
	}
}

func TestWhatIsNotDescribedIsAFault(t *testing.T) {
	for _, c := range []struct {
		rule, file, text, want string
	}{
		{"a message of no known form", goldens + "spoilt.text", "1001#Tea#COLD", "golden message spoilt has the form of 0 events: []"},
		{"a text form of a golden message", goldens + "error.text-old", "1001#Error#DOWN#cold", "event O-002: golden message error has no form in text-old"},
		{"a JSON attribute", goldens + "error.json", `{"type":"Error","error":"DOWN","tea":"cold","agentId":"1001"}`, "event O-002: attribute tea is not described"},
		{"a code of the connector's", codes, "\tteaIsCold Code = \"TEA_IS_COLD\"\n", "error TEA_IS_COLD is not described"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			files := copyOf(t)
			files[c.file] = &fstest.MapFile{Data: []byte(c.text)}
			p, err := conformance.Load(files)
			require.NoError(t, err)
			require.Contains(t, p.Faults(), c.want)
		})
	}
}

func TestATableWithABrokenLineIsRefused(t *testing.T) {
	files := copyOf(t)
	add(files, seed+"errors.tsv", "CF_TEA\tFinesse\n")
	_, err := conformance.Load(files)
	require.ErrorContains(t, err, "errors.tsv:32 has 2 columns, not 4")
}

var (
	linkTarget = regexp.MustCompile(`\]\(([^)]+)\)`)
	idOfRow    = regexp.MustCompile(`<a id="([^"]+)">`)
	heading    = regexp.MustCompile(`(?m)^#+ (.+)$`)
	noAnchor   = regexp.MustCompile(`[^\w\- ]`)
)

func TestEveryLinkOfTheDocumentLeadsSomewhere(t *testing.T) {
	text := string(load(t).Document())
	anchors := map[string]int{}
	for _, m := range idOfRow.FindAllStringSubmatch(text, -1) {
		anchors[m[1]]++
	}
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		anchors[strings.ReplaceAll(strings.ToLower(noAnchor.ReplaceAllString(m[1], "")), " ", "-")]++
	}
	for name, times := range anchors {
		require.Equal(t, 1, times, name)
	}
	for _, m := range linkTarget.FindAllStringSubmatch(text, -1) {
		if name, ok := strings.CutPrefix(m[1], "#"); ok {
			require.Contains(t, anchors, name)
			continue
		}
		_, err := os.Stat(path.Join(repository, "docs", m[1]))
		require.NoError(t, err)
	}
}

var configurationKey = regexp.MustCompile("`((?:broker|finesse|messages|agents|cluster|recording)\\.[a-z_.]+)`")

func TestEveryConfigurationKeyOfTheDocumentExists(t *testing.T) {
	reference, err := os.ReadFile(repository + "/docs/configuration.md")
	require.NoError(t, err)
	keys := configurationKey.FindAllStringSubmatch(string(load(t).Document()), -1)
	require.NotEmpty(t, keys)
	for _, m := range keys {
		require.Contains(t, string(reference), m[1])
	}
}
