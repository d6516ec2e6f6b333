package wire

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// FieldsOf are, for the tests of the writers, what is read of a body that has
// a form of e in format f; ok is whether it has exactly one.
func FieldsOf(body string, f Format, e gc.Event) (fields []ReadField, ok bool) {
	all := readAs(body, f, e)
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
		r, ok := ReadEvent(text, format)
		require.True(t, ok, file)
		if strings.Contains(text, "<") && strings.Contains(file, "phonebook") {
			continue // the seed's sample has <phonebookId> for a number
		}
		require.Empty(t, r.Problems, file)
		require.Contains(t, r.Formats, format, file)
	}
}

// A row that lacks something is found at the start, whatever is tested.
func TestARowThatLacksSomethingIsABug(t *testing.T) {
	good := Row{event: gc.AgentLogout{}, lasts: kept, forms: []form{{Formats, usual, "<Agent>#LOGOUT"}}}
	require.NotPanics(t, func() { complete([]Row{good}) })
	for lacks, spoil := range map[string]func(r *Row){
		"how long it lasts":        func(r *Row) { r.lasts = 0 },
		"a form for a format":      func(r *Row) { r.forms = []form{{texts, usual, "<Agent>#LOGOUT"}} },
		"a form that always fits":  func(r *Row) { r.forms = []form{{Formats, condition{"", "Agent", []string{"1"}}, "<Agent>#LOGOUT"}} },
		"a field of its form":      func(r *Row) { r.forms = []form{{Formats, usual, "<Agent>#<State>"}} },
		"a kind of its form":       func(r *Row) { r.forms = []form{{Formats, usual, "<Agent:Nobody>#LOGOUT"}} },
		"the field of a condition": func(r *Row) { r.forms = append([]form{{texts, failed, "<Agent>#FAILED"}}, r.forms...) },
		"the field of its JMSType": func(r *Row) { r.jmsType = "Request" },
		"the field of its key":     func(r *Row) { r.keys = []string{"State#<State>"} },
	} {
		bad := good
		spoil(&bad)
		require.Panics(t, func() { complete([]Row{bad}) }, lacks)
	}
}
