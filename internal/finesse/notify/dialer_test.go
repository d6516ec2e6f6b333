package notify

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNewDialerRefusesWhatCanNotWork(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
	}{
		{"no url", Options{}},
		{"another scheme", Options{URL: "https://host:8445/ws"}},
		{"WebSocket without TLS", Options{URL: "ws://host:8445/ws"}},
		{"WebSocket in clear by the word for a lab", Options{URL: "ws+plain://host:8445/ws"}},
		{"a path where there is none", Options{URL: "xmpps://host/ws/"}},
		{"no host", Options{URL: "xmpps://:5223"}},
		{"password in the url", Options{URL: "xmpps://u:secret@host"}},
		{"not even a url", Options{URL: "xmpps://u:secret@ho st:%"}},
		{"dead before it was pinged", Options{URL: "xmpps://host", PingInterval: time.Second, DeadAfter: time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewDialer(c.o)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestPortsOfTheService(t *testing.T) {
	for url, want := range map[string]string{
		"xmpps://host": "host:5223", "xmpp://host": "host:5222", "xmpp+plain://host": "host:5222", "xmpps://[::1]:99": "[::1]:99", "wss://host": "host:8445",
	} {
		require.Equal(t, want, newDialer(t, Options{URL: url}).host)
	}
}

func TestTheAddressOfWebSocket(t *testing.T) {
	for url, want := range map[string]string{
		"wss://host": "wss://host:8445/ws/", "wss://host:7443/ws/": "wss://host:7443/ws/", "wss://host:1/xmpp": "wss://host:1/xmpp", "xmpps://host": "",
	} {
		require.Equal(t, want, newDialer(t, Options{URL: url}).websocket)
	}
}

func TestAnAccountNeedsAnAgentAndADomain(t *testing.T) {
	d := newDialer(t, Options{URL: "xmpps://127.0.0.1:1"})
	for _, a := range []Account{{}, {Domain: "d"}, account(""), {Credentials: account("").Credentials, Domain: "a/b"},
		{Credentials: account("").Credentials, Domain: "under_score.corp"},
		{Credentials: account("").Credentials, Domain: "d", PubSub: "pubsub'd"}} {
		if a.Agent != "" && a.Domain == domain {
			a.Domain = ""
		}
		_, err := d.Dial(t.Context(), a)
		require.Error(t, err)
	}
}

// stanzaOf reads the first stanza of raw as a stream would.
func stanzaOf(raw string, v any) error { return xml.NewDecoder(strings.NewReader(raw)).Decode(v) }

func TestDomainsAsTheyAreFound(t *testing.T) {
	for _, domain := range []string{"finesse.test", "Finesse-A.Corp.LOCAL", "10.1.2.3", "host"} {
		a := account("")
		a.Domain = domain
		server, err := a.server()
		require.NoError(t, err, domain)
		require.Equal(t, strings.ToLower(domain), server.String())
	}
}

func FuzzNotification(f *testing.F) {
	f.Add(ready("a"))
	f.Add("<notification>&lt;Update/&gt;</notification>")
	f.Add("<x><notification/></x><p:notification xmlns:p='q'><![CDATA[<Update><data><dialogs/></data></Update>]]></p:notification>")
	f.Add("<notification>")
	f.Fuzz(func(t *testing.T, raw string) {
		var i item
		if stanzaOf("<item>"+raw+"</item>", &i) != nil {
			return
		}
		u, err := i.update()
		if err != nil {
			return
		}
		if u.User != nil {
			require.NotEmpty(t, u.User.LoginID)
		}
		for _, d := range u.Dialogs {
			require.NotEmpty(t, d.ID)
		}
	})
}
