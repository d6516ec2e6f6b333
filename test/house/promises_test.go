// Package house checks the repository itself: what its pages say of its code.
package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var keeper = regexp.MustCompile("\\[`(\\w+)\\.(\\w+)`\\]\\(([^)]+)\\)")

// Each promise names the function that keeps it, and where it is.
func TestPromisesNameTheirFunctions(t *testing.T) {
	const page = "../../docs/promises.md"
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	rows := 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| promise") {
			continue
		}
		rows++
		keepers := keeper.FindAllStringSubmatch(line, -1)
		require.NotEmpty(t, keepers, line)
		for _, k := range keepers {
			code, err := os.ReadFile(filepath.Join(filepath.Dir(page), k[3]))
			require.NoError(t, err, line)
			require.Regexp(t, `(?m)^func \(\w* ?\*?`+k[1]+`\) `+k[2]+`\(`, string(code), line)
		}
	}
	require.GreaterOrEqual(t, rows, 30)
}
