package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/finesse-connector/finesse-connector/internal/config"
)

// Whatever the file holds, Load gives a usable configuration or faults that
// name a place.
func FuzzLoad(f *testing.F) {
	f.Add(config.Example())
	f.Add([]byte("broker: {urls: [1, null, {a: b}], password: !!int x}\n? [a]\n: b"))
	f.Add([]byte("finesse: {nodes: [{1: 2}, *a]}\nmessages: {formats: {1: text, a.b: [c]}}"))
	f.Add([]byte("a: &a [*a]"))
	path := filepath.Join(f.TempDir(), "config.yaml")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(path)
		if err == nil {
			if len(c.Finesse.Nodes) == 0 || c.Messages.TimeZone == nil {
				t.Fatalf("an unusable configuration was accepted: %+v", c)
			}
			return
		}
		var faults config.Errors
		if !errors.As(err, &faults) || len(faults) == 0 {
			t.Fatalf("not Errors: %v", err)
		}
		for _, fault := range faults {
			if fault.Problem == "" || strings.Contains(fault.Problem, "mapstructure") {
				t.Fatalf("a fault without words of ours: %#v", fault)
			}
		}
	})
}
