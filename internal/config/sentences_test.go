package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// bar writes a file of sentences and a configuration beside it that names it.
func bar(t *testing.T, content string) (configuration, file string) {
	t.Helper()
	configuration = write(t, "config.yaml", nodes+"messages: {status_bar_file: bar.yaml}")
	file = filepath.Join(filepath.Dir(configuration), "bar.yaml")
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	return configuration, file
}

func TestTheShippedSentencesAreTheDefaults(t *testing.T) {
	shipped, err := filepath.Abs("../../configs/status-bar.yaml")
	require.NoError(t, err)
	c := load(t, nodes+"messages: {status_bar_file: "+shipped+"}")
	want := map[string]string{}
	for _, m := range gc.UserMessages {
		want[m.Key] = m.Text
	}
	require.Equal(t, want, c.Messages.Sentences)
	require.Equal(t, want, load(t, nodes).Messages.Sentences)

	// Each stands in the file itself: the defaults fill what is missing.
	content, err := os.ReadFile(shipped)
	require.NoError(t, err)
	for _, m := range gc.UserMessages {
		require.Contains(t, string(content), "\n"+m.Key+": ")
	}
}

func TestSentencesAreReplacedOneByOne(t *testing.T) {
	configuration, file := bar(t, `
State#READY: Připraven
"State#NOT_READY": ""
State#WORK: 'Nachbearbeitung → "Nicht bereit"'
State#HOLD: *ready
`)
	_, err := config.Load(configuration)
	require.ErrorContains(t, err, "unknown anchor", "an alias needs its anchor")

	require.NoError(t, os.WriteFile(file, []byte(`
State#READY: &ready Připraven
"State#NOT_READY": ""
State#WORK: 'Nachbearbeitung → "Nicht bereit"'
State#HOLD: *ready
Error#NO_DIALOG_ID: >-
  two lines
  in the file
State#TALKING: `+strings.Repeat("ř", 500)+`
State#UNKNOWN: "\u202bعربي\u202c"
`), 0o600))
	c, err := config.Load(configuration)
	require.NoError(t, err)
	require.Equal(t, file, c.Messages.StatusBarFile)
	require.False(t, c.Messages.StatusBar)

	want := config.Default().Messages.Sentences
	want["State#READY"] = "Připraven"
	want["State#NOT_READY"] = ""
	want["State#WORK"] = `Nachbearbeitung → "Nicht bereit"`
	want["State#HOLD"] = "Připraven"
	want["Error#NO_DIALOG_ID"] = "two lines in the file"
	want["State#TALKING"] = strings.Repeat("ř", 500)
	want["State#UNKNOWN"] = "\u202bعربي\u202c"
	require.Equal(t, want, c.Messages.Sentences)
	require.NotEqual(t, want, config.Default().Messages.Sentences, "the defaults stay as they are")
}

func TestAFileWithoutSentencesChangesNone(t *testing.T) {
	for rule, content := range map[string]string{"empty": "", "comments only": "# nothing\n", "nothing": "---\n~\n", "no keys": "{}"} {
		t.Run(rule, func(t *testing.T) {
			configuration, _ := bar(t, content)
			c, err := config.Load(configuration)
			require.NoError(t, err)
			require.Equal(t, config.Default().Messages.Sentences, c.Messages.Sentences)
		})
	}
}

const accepted = `; accepted: text of at most 500 characters without # and control characters, or "" for none`

func TestFaultsOfSentencesAreReportedAtOnceWithTheirLine(t *testing.T) {
	configuration, file := bar(t, `# line 1
State#REDY: a
State#READY: ready
State#NOT_READY: 5
State#HOLD: true
State#WORK:
State#TALKING: [a]
State#LOGOUT: {a: b}
State#READY: again
State#RESERVED: "a # b"
State#UNKNOWN: "a\tb"
State#WORK_READY: |
  a
`+`State#RE_LOGIN: `+strings.Repeat("a", 501)+`
weather: sunny
? [a, b]
: c
{State#LOGGED_IN: 1, state#redy: x}: a
"": a
<<: a
`)
	_, err := config.Load(configuration)
	const types = ": has the wrong type" + accepted + " (put it in quotes)"
	const other = ": unknown key; accepted: keys as in configs/status-bar.yaml"
	var want []string
	for _, line := range []string{
		`:2: "State#REDY": unknown key; did you mean State#READY?`,
		`:4: "State#NOT_READY"` + types,
		`:5: "State#HOLD"` + types,
		`:6: "State#WORK"` + types,
		`:7: "State#TALKING"` + types,
		`:8: "State#LOGOUT"` + types,
		`:9: "State#READY": is there twice, first in line 3`,
		`:10: "State#RESERVED": has a #, which separates the fields of events` + accepted,
		`:11: "State#UNKNOWN": has a control character` + accepted,
		`:12: "State#WORK_READY": has a control character` + accepted,
		`:14: "State#RE_LOGIN": is too long` + accepted,
		`:15: "weather"` + other,
		`:16: is no key; accepted: keys as in configs/status-bar.yaml`,
		`:18: is no key; accepted: keys as in configs/status-bar.yaml`,
		`:19` + other,
		`:20: "<<"` + other,
	} {
		want = append(want, file+line)
	}
	require.Equal(t, want, strings.Split(err.Error(), "\n"))
}

func TestFaultsOfOneLineAreAllReported(t *testing.T) {
	configuration, file := bar(t, `{State#REDY: a, State#HOLD: 1}`)
	_, err := config.Load(configuration)
	require.Equal(t, config.Errors{
		{Path: file, Line: 1, Value: "State#REDY", Problem: "unknown key; did you mean State#READY?"},
		{Path: file, Line: 1, Value: "State#HOLD", Problem: "has the wrong type", Accepted: strings.TrimPrefix(accepted, "; accepted: ") + " (put it in quotes)"},
	}, err)
}

func TestAFileThatHoldsNoSentencesIsAFault(t *testing.T) {
	for rule, test := range map[string]struct{ content, problem string }{
		"text":                  {"\n\n" + secret, `:3: does not hold lines such as State#READY: "…"`},
		"a list":                {"- " + secret, `:1: does not hold lines such as State#READY: "…"`},
		"broken YAML":           {"State#READY: [" + secret, ": is not YAML: line 1: did not find expected ',' or ']'"},
		"two documents":         {"{}\n---\n{}", ": holds more than one YAML document"},
		"another encoding":      {"State#READY: a\nState#HOLD: P\xf8ipraven " + secret, ":2: is not UTF-8"},
		"a configuration":       {"broker: {password: " + secret + "}", `:1: "broker": unknown key; accepted: keys as in configs/status-bar.yaml`},
		"an alias without node": {"State#READY: *" + secret, ": is not YAML: unknown anchor referenced"},
	} {
		t.Run(rule, func(t *testing.T) {
			configuration, file := bar(t, test.content)
			_, err := config.Load(configuration)
			require.EqualError(t, err, file+test.problem)
			requireHidden(t, secret, err)
		})
	}
}

func TestAMissingFileOfSentencesIsAFaultOfItsKey(t *testing.T) {
	require.EqualError(t, faults(t, nodes+"messages: {status_bar_file: none.yaml}"),
		`messages.status_bar_file: "none.yaml": cannot be read: no such file or directory; accepted: a readable YAML file, or empty`)
	big := write(t, "big", strings.Repeat("#", 1<<20+1))
	require.EqualError(t, faults(t, nodes+"messages: {status_bar_file: "+big+"}"),
		`messages.status_bar_file: "`+big+`": cannot be read: it is larger than 1048576 bytes; accepted: a readable YAML file, or empty`)
}

// Whatever the file holds, the sentences can be sent or a fault names a place.
func FuzzSentences(f *testing.F) {
	f.Add(config.ExampleSentences())
	f.Add([]byte("State#READY: &a [*a]\nState#HOLD: *a\n<<: *a"))
	f.Add([]byte("? {a: b}\n: !!binary aGk=\n\"State#READY\": \"\\u0000\\uD800\""))
	dir := f.TempDir()
	path, file := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "bar.yaml")
	if err := os.WriteFile(path, []byte(nodes+"messages: {status_bar_file: bar.yaml}"), 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		require.NoError(t, os.WriteFile(file, data, 0o600))
		c, err := config.Load(path)
		if err != nil {
			var faults config.Errors
			require.ErrorAs(t, err, &faults)
			require.NotEmpty(t, faults)
			for _, fault := range faults {
				require.Contains(t, []string{file, "messages.status_bar_file"}, fault.Path)
				require.NotEmpty(t, fault.Problem)
			}
			return
		}
		require.Len(t, c.Messages.Sentences, len(gc.UserMessages))
		for key, text := range c.Messages.Sentences {
			require.NotContains(t, text, "#", key)
			require.NotContains(t, text, "\n", key)
			require.LessOrEqual(t, len([]rune(text)), 500, key)
		}
	})
}
