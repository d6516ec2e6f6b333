package gc_test

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func TestAgentIDs(t *testing.T) {
	for _, id := range []string{"1001", "ann.smith", "ann@example.com", "O'Neil", "a_b-c+d", "jürgen", "张伟", "...", ".a", strings.Repeat("7", 64)} {
		parsed, err := gc.ParseAgentID(id)
		require.NoError(t, err, id)
		require.Equal(t, gc.AgentID(id), parsed)
	}
	for rule, ids := range map[string][]string{
		"ends the user name of Basic authentication": {"1006:0", ":", "1006:"},
		"is another path":             {".", "..", "1/2", `1\2`, "../1006", "1006;x", "1006?x", "1006%2f"},
		"is blank, or cannot be seen": {"", " ", "10 06", "1006 ", "1006\t", "1006\n", "1006\u00a0", "1006\u2003", "1006\u200b", "1006\u00ad", "1006\u034f", "1006\ufe0f", "1006\u3164", "1006\u1806", "1006\u2800", "1006\U000e0100"},
		"is a control character":      {"\x00", "1006\x00", "1006\x7f", "1006\u0085", "1006\u202e"},
		"separates fields, or is XML": {"1#2", "1,2", "1|2", "<1>", "1&2", `1"2`},
		"may be read as a number":     {"١٠٠١", "۱۰۰۱", "１００１", "100੧", "ann𝟙"},
		"is no text":                  {"\xff", "1006\xc0\xae", "\ufffd"},
		"is too long":                 {strings.Repeat("7", 65), strings.Repeat("ü", 65)},
	} {
		for _, id := range ids {
			_, err := gc.ParseAgentID(id)
			require.Error(t, err, "what %s: %q", rule, id)
			require.NotContains(t, err.Error(), "1006", "it may be a password")
		}
	}
}

// An id that is accepted is the same user for everybody who takes it apart.
func FuzzAgentID(f *testing.F) {
	for _, id := range []string{"1001", "1006:0", "..", "ann@example.com", "a%2f", "\u00ad"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := gc.ParseAgentID(s); err != nil {
			return
		}
		req, err := http.NewRequest(http.MethodGet, "https://a/finesse/api/User/"+url.PathEscape(s), nil)
		require.NoError(t, err)
		req.SetBasicAuth(s, "password")
		user, password, ok := req.BasicAuth()
		require.True(t, ok)
		require.Equal(t, []string{s, "password"}, []string{user, password})
		require.Equal(t, "/finesse/api/User/"+s, req.URL.Path)
		require.Equal(t, req.URL.Path, path.Clean(req.URL.Path))
		require.Equal(t, s, strings.TrimSpace(s))
		again, err := url.PathUnescape(req.URL.Path)
		require.NoError(t, err)
		require.Equal(t, req.URL.Path, again, "also when it is unescaped twice")
	})
}
