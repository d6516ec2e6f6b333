// Package systemd_test checks the unit that the packages install.
package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const unit = "finesse-connector.service"

// directives are the last values of the unit by "Section.Name".
func directives(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile(unit)
	require.NoError(t, err)
	found, section := map[string]string{}, ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			section = strings.Trim(line, "[]")
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		require.True(t, ok, line)
		found[section+"."+name] = value
	}
	return found
}

func TestTheUnitKeepsThePromisesOfTheProcess(t *testing.T) {
	got := directives(t)
	for name, want := range map[string]string{
		"Service.Type":                     "notify",
		"Service.ExecStart":                "/usr/bin/finesse-connector serve --config /etc/finesse-connector/config.yaml",
		"Service.Restart":                  "on-failure",
		"Service.RestartPreventExitStatus": "2",  // a wrong configuration
		"Service.TimeoutStopSec":           "20", // 15 s and some air
		"Service.LimitNOFILE":              "65536",
		"Service.LimitCORE":                "0",
		"Service.WatchdogSec":              "30",
		"Service.NoNewPrivileges":          "yes",
		"Service.ProtectSystem":            "strict",
		"Service.MemoryDenyWriteExecute":   "yes",
		"Service.User":                     "finesse-connector",
		"Install.WantedBy":                 "multi-user.target",
	} {
		require.Equal(t, want, got[name], name)
	}
}

// systemd takes part of the work only where it is installed; the test above
// runs everywhere.
func TestSystemdAcceptsTheUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	data, err := os.ReadFile(unit)
	require.NoError(t, err)
	// It asks for a program that exists.
	program, err := os.Executable()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), unit)
	checked := strings.Replace(string(data), "/usr/bin/finesse-connector", program, 1)
	require.NoError(t, os.WriteFile(path, []byte(checked), 0o644))

	output, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", path).CombinedOutput()
	require.NoError(t, err, string(output))
	require.NotContains(t, string(output), unit, "systemd has something to say about the unit")
}
