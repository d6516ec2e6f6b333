package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/config"
)

var update = flag.Bool("update", false, "write the generated files anew")

func TestGeneratedFilesAreCurrent(t *testing.T) {
	for path, want := range map[string][]byte{
		"../../configs/config.yaml":     config.Example(),
		"../../configs/status-bar.yaml": config.ExampleSentences(),
		"../../docs/configuration.md":   config.Reference(),
	} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
				require.NoError(t, os.WriteFile(path, want, 0o644))
			}
			got, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got), "run make generate")
		})
	}
}

func TestExampleHoldsTheDefaults(t *testing.T) {
	got, err := config.Load("../../configs/config.yaml")
	require.NoError(t, err)

	want := config.Default()
	want.Finesse.Nodes = []config.Node{{
		REST:   "https://finesse-a.example.com:8445",
		Notify: "xmpps://finesse-a.example.com:5223",
	}}
	require.Equal(t, want, got)
}

func TestExampleShowsNoKeyWithoutEffect(t *testing.T) {
	for line := range strings.Lines(string(config.Example())) {
		key, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		require.NotContains(t, []string{"take_back", "password"}, key)
	}
}
