package notify

import (
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
		{"another scheme", Options{URL: "wss://host:8445/ws"}},
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
		"xmpps://host": "host:5223", "xmpp://host": "host:5222", "xmpps://[::1]:99": "[::1]:99",
	} {
		require.Equal(t, want, newDialer(t, Options{URL: url}).host)
	}
}

func TestTheLibraryKeepsItsConnectionWhereItIsRead(t *testing.T) { require.NoError(t, checkLibrary()) }

func TestAnAccountNeedsAnAgentAndADomain(t *testing.T) {
	d := newDialer(t, Options{URL: "xmpps://127.0.0.1:1"})
	for _, a := range []Account{{}, {Domain: "d"}, account(""), {Credentials: account("").Credentials, Domain: "a/b"},
		{Credentials: account("").Credentials, Domain: "d", PubSub: "pubsub'd"}} {
		if a.Agent != "" && a.Domain == domain {
			a.Domain = ""
		}
		_, err := d.Dial(t.Context(), a)
		require.Error(t, err)
	}
}

func FuzzNotification(f *testing.F) {
	f.Add([]byte(ready("a")))
	f.Add([]byte("<notification>&lt;Update/&gt;</notification>"))
	f.Add([]byte("<x><notification/></x><p:notification xmlns:p='q'><![CDATA[<Update><data><dialogs/></data></Update>]]></p:notification>"))
	f.Add([]byte("<notification>"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		u, err := parseItem(raw)
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
