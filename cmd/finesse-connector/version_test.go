package main

import (
	"encoding/json"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVersionNamesWhatTheBinaryIsMadeOf(t *testing.T) {
	t.Parallel()
	got := run(t, "version")
	require.Equal(t, exitDone, got.code, got.err)
	require.Regexp(t, `^finesse-connector \S+\n`, got.out)
	require.Contains(t, got.out, runtime.Version()+"\n")
	require.Regexp(t, `\n  github.com/go-stomp/stomp/v3 v\d`, got.out)

	var b build
	require.NoError(t, json.Unmarshal([]byte(run(t, "version", "--json").out), &b))
	require.Equal(t, runtime.Version(), b.Go)
	require.NotEmpty(t, b.Version)
	require.NotEmpty(t, b.Dependencies)
}
