package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What others on the network can read is said at each start, with what to do
// about it; what stays on this host is not.
func TestWhatTravelsInClearIsWarnedOf(t *testing.T) {
	node := func(notify string) string {
		return "finesse: {nodes: [{rest: \"https://a\", notify: \"" + notify + "\"}]}"
	}
	recorder := func(address string) string {
		return nodes + "recording: {pause_url: \"" + address + "\", resume_url: \"https://a/\"}"
	}
	for rule, c := range map[string]struct {
		file string
		want []string // what each warning must say
	}{
		"the defaults":                       {nodes, nil},
		"tcp:// to this host":                {nodes + `broker: {password: "` + secret + `", urls: ["tcp://127.0.0.1:1", "tcp://[::1]:1", "tcp://LOCALHOST:1", "tcp://127.9.9.9:1", "tcp://[::ffff:127.0.0.1]:1"]}`, nil},
		"tcp:// to another, with a password": {nodes + `broker: {password: "` + secret + `", urls: ["ssl://a:1", "tcp://b:2"]}`, []string{"broker.urls[1] tcp://b:2 is not encrypted: the broker's and agents' passwords travel in clear; use ssl://"}},
		"tcp:// to another, without":         {nodes + `broker: {urls: ["tcp://10.0.0.1:1", "tcp://localhost.example.com:1"]}`, []string{"broker.urls[0] tcp://10.0.0.1:1 is not encrypted: agents' passwords", "broker.urls[1]"}},
		"tcp:// that is not used":            {nodes + `broker: {embedded: "127.0.0.1:0", urls: ["tcp://b:2"]}`, nil},
		"ssl://":                             {nodes + `broker: {password: "` + secret + `", urls: ["ssl://a:1"]}`, nil},
		"a built-in broker for others":       {nodes + `broker: {embedded: ":61613"}`, []string{"broker.embedded :61613 can be reached from other hosts"}},
		"an operator's server for others":    {nodes + `http: {listen: "0.0.0.0:8112"}`, []string{"http.listen 0.0.0.0:8112 can be reached from other hosts"}},
		"one on all addresses":               {nodes + `http: {listen: ":8112"}`, []string{"http.listen :8112"}},
		"one by name":                        {nodes + `http: {listen: "connector.example.com:8112"}`, []string{"http.listen connector"}},
		"one on IPv6":                        {nodes + `http: {listen: "[::]:8112"}`, []string{"http.listen [::]:8112"}},
		"one for this host":                  {nodes + `http: {listen: "[::1]:8112"}`, nil},
		"notifications in clear":             {node("xmpp+plain://127.0.0.1:5222"), []string{"finesse.nodes[0].notify begins with xmpp+plain://, which is for a lab"}},
		"the same, in capitals":              {node("XMPP+Plain://127.0.0.1:5222"), []string{"finesse.nodes[0].notify begins with xmpp+plain://"}},
		"notifications with STARTTLS":        {node("xmpp://a:5222"), nil},
		"notifications over a WebSocket":     {node("wss://a:8445"), nil},
		"certificates that are not checked":  {nodes + "  insecure_skip_verify: true", []string{"finesse.insecure_skip_verify is set: "}},
		"a recorder in clear":                {recorder("http://recorder/?key=" + secret), []string{"recording.pause_url begins with http://"}},
		"a recorder on this host":            {recorder("http://127.0.0.1:1/?key=" + secret), nil},
		"a recorder with TLS":                {recorder("https://recorder/?key=" + secret), nil},
		"passwords on a topic":               {nodes + "cluster: {plaintext: true}", []string{"cluster.plaintext is set: "}},
	} {
		t.Run(rule, func(t *testing.T) {
			loaded := load(t, c.file)
			got := loaded.InClear()
			require.Subset(t, loaded.Warnings, got, "the log and check show them")
			require.Len(t, got, len(c.want), got)
			for i, want := range c.want {
				require.Contains(t, got[i], want)
				require.Regexp(t, "; (use|listen on|let) ", got[i], "it says what to do")
				require.NotContains(t, got[i], secret)
			}
			require.NotContains(t, strings.Join(loaded.Warnings, " "), secret)
		})
	}
}
