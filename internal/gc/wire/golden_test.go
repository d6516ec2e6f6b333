package wire_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

var update = flag.Bool("update", false, "write the golden files anew")

var writer = &wire.Writer{Location: time.UTC, Substitute: '_'}

func TestEveryEventIsWrittenAsItsGoldenFile(t *testing.T) {
	for _, x := range examples {
		for _, f := range wire.Formats {
			t.Run(x.name+"/"+string(f), func(t *testing.T) {
				got := writer.Write(f, x.event)
				file := filepath.Join("testdata", "golden", x.name+"."+string(f))
				if *update {
					require.NoError(t, os.WriteFile(file, []byte(got.Body+"\n"), 0o644))
				}
				want, err := os.ReadFile(file)
				require.NoError(t, err)
				require.Equal(t, strings.TrimSuffix(string(want), "\n"), got.Body)
			})
		}
	}
}

func TestEveryGoldenFileHasAnExample(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*")
	require.NoError(t, err)
	var want []string
	for _, x := range examples {
		for _, f := range wire.Formats {
			want = append(want, filepath.Join("testdata", "golden", x.name+"."+string(f)))
		}
	}
	require.ElementsMatch(t, want, files)
}
