package wire

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// attemptsAt are those of the forms of e in format f that a body has.
func attemptsAt(body string, f Format, e gc.Event) (all []attempt) {
	read := readText
	if strings.HasPrefix(body, "{") || strings.HasPrefix(body, "[") {
		read = readJSON
	}
	for _, a := range read(body) {
		if len(a.shape) == 0 && a.form.writes(e) && slices.Contains(a.form.formats, f) {
			all = append(all, a)
		}
	}
	return all
}

// FieldsOf are, for the tests of the writers, what is read of a body that has
// a form of e in format f; ok is whether it has exactly one.
func FieldsOf(body string, f Format, e gc.Event) (fields []ReadField, ok bool) {
	all := attemptsAt(body, f, e)
	if len(all) != 1 {
		return nil, false
	}
	return all[0].fields, true
}

func TestEveryGoldenFileIsReadAsItsFormat(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*")
	require.NoError(t, err)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		text, format := strings.TrimSuffix(string(body), "\n"), Format(strings.TrimPrefix(filepath.Ext(file), "."))
		if strings.Contains(file, ".text-4.4") {
			format = Text44
		}
		if strings.Contains(file, "agent-sync") && format == JSON {
			continue // the same text in every format
		}
		r, ok := ReadEvent(text, format)
		require.True(t, ok, file)
		if strings.Contains(text, "<") && strings.Contains(file, "phonebook") {
			continue // the seed's sample has <phonebookId> for a number
		}
		require.Empty(t, r.Problems, file)
		require.Contains(t, r.Formats, format, file)
	}
}
