package main

import (
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	checks "github.com/finesse-connector/finesse-connector/internal/check"
)

// verdicts returns the lines of check without what differs between two runs.
func verdicts(out string) []string {
	var list []string
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		list = append(list, fields[0]+" "+fields[1])
	}
	return list
}

func TestCheckOfALabThatWorks(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	got := run(t, "check", "--config", l.config)
	require.Equal(t, exitDone, got.code, got.out+got.err)
	require.Equal(t, []string{"ok broker", "ok certificate", "ok rest", "ok notifications"}, verdicts(got.out))
	require.Contains(t, got.out, "certificate of finesse.local is trusted and valid until ")
	require.Empty(t, got.err)

	got = run(t, "check", "--config", l.config, "--json", "--agent", "1001", "--password-file", write(t, "password", demoPassword))
	require.Equal(t, exitDone, got.code, got.out+got.err)
	var whats []string
	for line := range strings.Lines(got.out) {
		var r checks.Result
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		require.True(t, r.OK)
		require.NotEmpty(t, r.Detail)
		require.Empty(t, r.Next)
		whats = append(whats, r.What)
	}
	require.Equal(t, []string{"broker", "certificate", "rest", "notifications", "login", "subscription"}, whats)
	require.NotContains(t, got.out, demoPassword)
}

func TestCheckShowsWhatTravelsInClear(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	p := launch(t, "", []string{"FINESSE_CONNECTOR_FINESSE_INSECURE_SKIP_VERIFY=true"}, "check", "--config", l.config)
	require.Equal(t, exitDone, p.wait(), p.err.String())
	require.Contains(t, p.err.String(), "warning: finesse.insecure_skip_verify is set: ")
	require.NotContains(t, p.out.String(), "warning", "results stay alone")
}

func TestCheckNamesTheNextStep(t *testing.T) {
	t.Parallel()
	stranger := httptest.NewTLSServer(nil)
	stranger.Close()
	other := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: stranger.Certificate().Raw})
	for rule, test := range map[string]struct {
		env      string // overrides the configuration
		verdicts []string
		says     string
	}{
		"nothing listens at the broker's address": {"FINESSE_CONNECTOR_BROKER_URLS=tcp://127.0.0.1:1", []string{"failed broker", "ok certificate", "ok rest", "ok notifications"},
			"nothing listens: dial tcp 127.0.0.1:1: connect: connection refused; next: correct the port in broker.urls (ActiveMQ's stomp connector: 61613), or start the broker\n"},
		"the broker lets nobody in": {"FINESSE_CONNECTOR_BROKER_USERNAME=cg", []string{"failed broker", "ok certificate", "ok rest", "ok notifications"},
			"; next: correct broker.username and broker.password_file, or the user in the broker\n"},
		"Finesse's certificate is not trusted": {"FINESSE_CONNECTOR_FINESSE_CA_FILE=" + write(t, "other.pem", string(other)), []string{"ok broker", "failed certificate", "failed notifications"},
			"; next: add the CA of the certificate to finesse.ca_file\n"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			p := launch(t, "", []string{test.env}, "check", "--config", l.config)
			require.Equal(t, exitFailed, p.wait(), p.err.String())
			require.Equal(t, test.verdicts, verdicts(p.out.String()), p.out.String())
			require.Contains(t, p.out.String(), test.says)
			require.Regexp(t, `^finesse-connector: \d of \d checks failed\n$`, p.err.String())
		})
	}
}

func TestCheckTriesAWrongPasswordOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	got := run(t, "check", "--config", l.config, "--agent", "1001", "--password-file", write(t, "password", "canary"))
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, []string{"ok broker", "ok certificate", "ok rest", "ok notifications", "failed login"}, verdicts(got.out))
	require.Contains(t, got.out, "next: correct the password; it is not tried again")
	require.NotContains(t, got.out+got.err, "canary")
}
