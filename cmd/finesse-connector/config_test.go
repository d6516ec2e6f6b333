package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/config"
)

func TestConfigInitWritesTheExampleOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yaml")
	got := run(t, "config", "init", path)
	require.Equal(t, exitDone, got.code, got.err)
	require.Empty(t, got.out)
	require.Contains(t, got.err, "wrote "+path)
	_, err := config.Load(path)
	require.NoError(t, err)

	require.NoError(t, os.WriteFile(path, []byte("mine"), 0o600))
	got = run(t, "config", "init", path)
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, "finesse-connector: "+path+" exists; name another file, or --force to overwrite it\n", got.err)
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "mine", string(kept))

	require.Equal(t, exitDone, run(t, "config", "init", "--force", path).code)
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(config.Example()), string(written))
}

func TestConfigInitToStandardOutput(t *testing.T) {
	t.Parallel()
	got := run(t, "config", "init", "-")
	require.Equal(t, exitDone, got.code)
	require.Equal(t, string(config.Example()), got.out)
}

func TestConfigInitNeedsADirectory(t *testing.T) {
	t.Parallel()
	got := run(t, "config", "init", filepath.Join(t.TempDir(), "none", "config.yaml"))
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "no such file or directory; make its directory first")
}

func TestConfigDescribePrintsTheReference(t *testing.T) {
	t.Parallel()
	reference, err := os.ReadFile("../../docs/configuration.md")
	require.NoError(t, err)
	got := run(t, "config", "describe")
	require.Equal(t, exitDone, got.code)
	require.Equal(t, string(reference), got.out)
}
