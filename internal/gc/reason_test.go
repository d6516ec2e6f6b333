package gc_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// What may go to a driver is in one file: an error that holds the name of a host or
// something of a message has a reason of that file, or none of its own.
func TestReasonsAreOfTheTable(t *testing.T) {
	hidden := gc.Errorf(gc.Down, "sign in", "finesse-a.example.com: S3cret!: connection refused")
	require.EqualValues(t, "The connection to Finesse broke.", gc.ReasonOf(hidden))
	require.EqualValues(t, "The cause is not clear; the connector's log has it.", gc.ReasonOf(os.ErrClosed))
	require.EqualValues(t, "Finesse refused it; the code says why.", gc.ReasonOf(gc.Errorf("CF_SERVICE_BUSY", "ask", "x")))
	require.Equal(t, gc.TooOld, gc.ReasonOf(gc.Errorf(gc.PleaseRetry, "a", "%w", gc.Retry(gc.TooOld, "b", "x")).Unwrap()))
	require.Equal(t, gc.PleaseRetry.Meaning(), gc.ReasonOf(gc.Errorf(gc.PleaseRetry, "a", "%w", gc.Retry(gc.TooOld, "b", "x"))), "code and reason are of one error")
	require.True(t, gc.IsReason("The connection to Finesse broke."))
	require.False(t, gc.IsReason("The connection to finesse-a.example.com broke."))
}

// Drivers of text-4.4 split on "#", and show the reason in one line.
func TestEveryReasonIsAShortSentence(t *testing.T) {
	var constants []string
	for _, value := range values(t, "Reason") {
		require.Truef(t, gc.IsReason(value), "%s is not in RetryReasons", value)
		require.Falsef(t, strings.ContainsAny(value, "#\r\n") || len(value) > 100 || !strings.HasSuffix(value, "."), "%s", value)
		constants = append(constants, value)
	}
	require.Subset(t, constants, asTexts(gc.RetryReasons))
	for _, code := range values(t, "Code") {
		require.NotEqualf(t, gc.Code("CF_OTHER").Meaning(), gc.Code(code).Meaning(), "%s has no meaning", code)
		require.NotContains(t, string(gc.Code(code).Meaning()), "#")
	}
}

func asTexts(all []gc.Reason) (texts []string) {
	for _, r := range all {
		texts = append(texts, string(r))
	}
	return texts
}

// values are those of the constants of a type, as the package's source has them.
func values(t *testing.T, typ string) (all []string) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
				of, isName := v.Type.(*ast.Ident)
				text, isText := v.Values[0].(*ast.BasicLit)
				if isName && isText && of.Name == typ {
					value, err := strconv.Unquote(text.Value)
					require.NoError(t, err)
					all = append(all, value)
				}
			}
			return true
		})
	}
	require.NotEmpty(t, all)
	return all
}
