package conformance_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// wallClock is what leaves a time.Time without the monotonic clock, so that a
// comparison with it jumps when somebody sets the clock.
var wallClock = regexp.MustCompile(`\.(Unix|UnixMilli|UnixMicro|UnixNano|AddDate)\(|\.(Round|Truncate)\(0\)|\btime\.(Unix|UnixMilli|UnixMicro|Parse|ParseInLocation|Date)\(`)

// wallClockUses are the lines of the product that may use it, because what they
// compare comes from another machine or goes there.
var wallClockUses = map[string]string{
	"internal/broker/delivery.go":  "the time a command was sent, by the clock of who sent it",
	"internal/broker/publisher.go": "until when the broker keeps a reply, by its own clock",
	"internal/finesse/elements.go": "times of Finesse, compared with each other only",
	"internal/gc/wire/kinds.go":    "whether a text is a time at all",
}

// Deadlines, pauses and heart-beats do not move when the clock is set.
func TestNoDeadlineHangsOnTheWallClock(t *testing.T) {
	found := map[string]int{}
	for _, dir := range []string{"internal", "cmd"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(repository, dir), func(path string, e fs.DirEntry, err error) error {
			name := strings.TrimPrefix(filepath.ToSlash(path), repository+"/")
			if err != nil || e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || forTheLab(name) {
				return err
			}
			source, err := os.ReadFile(path)
			for n, line := range strings.Split(string(source), "\n") {
				if wallClock.MatchString(line) {
					found[name]++
					require.Contains(t, wallClockUses, name, fmt.Sprintf("line %d uses the wall clock: %s", n+1, strings.TrimSpace(line)))
				}
			}
			return err
		}))
	}
	for name := range wallClockUses {
		require.Equal(t, 1, found[name], "%s: one line is explained", name)
	}
}

// forTheLab: the simulated Finesse and the built-in broker play machines that
// have clocks of their own, and a replay has that of its capture.
func forTheLab(name string) bool {
	for _, dir := range []string{"internal/simulator/", "internal/broker/embedded/", "internal/servertest/", "internal/conformance/", "internal/replay/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return false
}
