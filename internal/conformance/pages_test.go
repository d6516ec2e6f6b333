package conformance_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	// namedTests are tests that a page names: `TestX`, `TestY` (package).
	namedTests = regexp.MustCompile("((?:`Test\\w+`(?:, )?)+)(?: \\(([\\w/-]+)\\))?")
	testName   = regexp.MustCompile("`(Test\\w+)`")
	testFunc   = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
	// namedRule is a part of a test: `TestX` (package): rule.
	namedRule = regexp.MustCompile("`(Test\\w+)`(?: \\([\\w/-]+\\))?: ([^|`]*[^|` ,])")
)

// What docs/reliability.md promises is shown by tests that exist, where it says
// they are.
func TestThePageOnReliabilityNamesTestsThatExist(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(repository, "docs", "reliability.md"))
	require.NoError(t, err)
	tests, sources := testsByPackage(t)
	named := 0
	for _, m := range namedTests.FindAllStringSubmatch(string(page), -1) {
		for _, name := range testName.FindAllStringSubmatch(m[1], -1) {
			named++
			require.NotEmpty(t, tests[name[1]], "%s is a test", name[1])
			if dir := m[2]; dir != "" {
				require.Contains(t, tests[name[1]], dir, "%s is in %s", name[1], dir)
			}
		}
	}
	require.Greater(t, named, 40, "the page can be read")
	rules := namedRule.FindAllStringSubmatch(string(page), -1)
	require.Greater(t, len(rules), 10)
	for _, m := range rules {
		require.True(t, strings.Contains(sources[tests[m[1]][0]], m[2]), "%q is a rule of %s", m[2], m[1])
	}
}

// testsByPackage gives the directories that have a test of a name, and the text
// of all tests of a directory.
func testsByPackage(t *testing.T) (tests map[string][]string, sources map[string]string) {
	t.Helper()
	tests, sources = map[string][]string{}, map[string]string{}
	require.NoError(t, filepath.WalkDir(repository, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		dir := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), repository+"/")
		sources[dir] += string(source)
		for _, f := range testFunc.FindAllSubmatch(source, -1) {
			tests[string(f[1])] = append(tests[string(f[1])], dir)
		}
		return err
	}))
	return tests, sources
}
