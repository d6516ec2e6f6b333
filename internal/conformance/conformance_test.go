package conformance_test

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/conformance"
)

var update = flag.Bool("update", false, "write docs/protocol.md anew")

const (
	repository = "../.."
	document   = repository + "/docs/protocol.md"
)

func load(t *testing.T) *conformance.Protocol {
	t.Helper()
	p, err := conformance.Load(os.DirFS(repository))
	require.NoError(t, err)
	return p
}

// The name takes part in "make generated".
func TestGeneratedProtocolIsCurrent(t *testing.T) {
	want := load(t).Document()
	if *update {
		require.NoError(t, os.WriteFile(document, want, 0o644))
	}
	got, err := os.ReadFile(document)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "run make generate")
}

// Each row of the protocol document is implemented, proved by a golden file and
// described.
func TestGeneratedProtocolHasEveryRow(t *testing.T) {
	for _, row := range load(t).Rows() {
		t.Run(row.ID, func(t *testing.T) { require.Empty(t, row.Faults) })
	}
}

// What is described is there, and what is there is described.
func TestGeneratedProtocolIsComplete(t *testing.T) {
	require.Empty(t, load(t).Faults())
}
