package capture

import (
	"flag"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write schema.json")

func TestGeneratedSchemaIsCurrent(t *testing.T) {
	if *update {
		require.NoError(t, os.WriteFile("schema.json", Schema(), 0o644))
	}
	have, err := os.ReadFile("schema.json")
	require.NoError(t, err)
	require.Equal(t, string(Schema()), string(have), "run make generate")
}

// Each field has its row in docs/capture.md.
func TestEachFieldIsDescribed(t *testing.T) {
	page, err := os.ReadFile("../../docs/capture.md")
	require.NoError(t, err)
	rows := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^|]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		for _, name := range strings.Split(m[1], "`, `") {
			rows[name] = true
		}
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[Header](), reflect.TypeFor[Record](), reflect.TypeFor[Settings]()} {
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			require.True(t, rows[name], "%s.%s", typ.Name(), name)
		}
	}
}
