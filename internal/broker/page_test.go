package broker

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/trouble"
)

// page is one page of docs.
type page struct {
	t    *testing.T
	text string
}

// readPage reads docs/activemq.md.
func readPage(t *testing.T) page { return readDoc(t, "activemq.md") }

func readDoc(t *testing.T, name string) page {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + name)
	require.NoError(t, err)
	return page{t, string(text)}
}

func (p page) blocks(language string) (found []string) {
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(p.text, -1) {
		found = append(found, m[1])
	}
	require.NotEmpty(p.t, found, language)
	return found
}

// xml returns the block that has the element name.
func (p page) xml(name string) string {
	for _, b := range p.blocks("xml") {
		if strings.HasPrefix(b, "<"+name+">") {
			return b
		}
	}
	require.FailNow(p.t, "not on the page: "+name)
	return ""
}

func TestTheBrokerOfTheOperatorsPage(t *testing.T) {
	t.Parallel()
	p := readPage(t)
	rights := readDoc(t, "security.md").xml("plugins")
	a, err := servertest.NewActiveMQ(t.TempDir(), servertest.WithXML(append(p.blocks("xml"), rights)...))
	require.NoError(t, err)
	t.Cleanup(a.Close)
	roots := keyStore(t, p, a.ConfDir())
	require.NoError(t, a.Start())

	as := func(name, password string) Options {
		return Options{Username: name, Password: gc.NewSecret(password), JavaText: true, TLS: &tls.Config{RootCAs: roots}}
	}
	registry := prometheus.NewRegistry()
	o := as("connector", "change-me")
	o.URLs, o.Registerer = []string{"ssl://" + a.STOMPTLS}, registry
	b := run(t, create(t, o))
	require.NoError(t, Probe(t.Context(), o, a.URL()))
	driver, err := Dial(t.Context(), as("desk", "change-me-too"), a.URL())
	require.NoError(t, err)
	t.Cleanup(driver.Close)

	t.Run("commands and events pass", func(t *testing.T) {
		for _, destination := range []string{"/topic/crm.desk", "/queue/crm.desk", "/temp-queue/answers"} {
			got := subscribe(t, driver, destination)
			require.NoError(t, driver.Send(t.Context(), Outgoing{
				Destination: "/queue/Connector1", Headers: map[string]string{"type": "Hello#desk", "reply-to": destination},
			}))
			d := next(t, b.got)
			d.Ack()
			b.Publish(Message{Destination: gc.Destination(d.ReplyTo), Body: "answer"})
			require.Equal(t, "answer", next(t, got).Body)
		}
	})
	t.Run("a name that matches no entry is closed to all", func(t *testing.T) {
		b.Publish(Message{Destination: "/topic/elsewhere"})
		b.Publish(Message{Destination: "/queue/elsewhere"})
		flush(t, b.Broker)
		require.Eventually(t, func() bool { // it is counted once it is settled
			return value(t, registry, "events_dropped_total", "refused") == 2
		}, patience, time.Millisecond)
	})
}

// keyStore makes one with the page's command, and returns the authority.
func keyStore(t *testing.T, p page, dir string) *x509.CertPool {
	t.Helper()
	web := httptest.NewTLSServer(nil) // only for its certificate, made for 127.0.0.1
	defer web.Close()
	key, err := x509.MarshalPKCS8PrivateKey(web.TLS.Certificates[0].PrivateKey)
	require.NoError(t, err)
	for name, block := range map[string]*pem.Block{
		"broker.crt": {Type: "CERTIFICATE", Bytes: web.Certificate().Raw},
		"broker.key": {Type: "PRIVATE KEY", Bytes: key},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
	commands := p.blocks("sh")
	require.Len(t, commands, 1)
	c := exec.CommandContext(t.Context(), "sh", "-ec", commands[0])
	c.Dir = dir
	out, err := c.CombinedOutput()
	require.NoError(t, err, string(out))
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	return roots
}

func TestTheOperatorsPageNamesWhatExists(t *testing.T) {
	p := readPage(t)
	registry := prometheus.NewRegistry()
	o := activeMQ().options()
	o.Registerer = registry
	o.Sharing = &Sharing{}
	create(t, o)
	families, err := registry.Gather()
	require.NoError(t, err)
	var have, named []string
	for _, f := range families {
		have = append(have, "finesse_connector_"+f.GetName())
	}
	for _, m := range regexp.MustCompile("`(finesse_connector_[a-z_]+)`").FindAllStringSubmatch(p.text, -1) {
		named = append(named, m[1])
	}
	require.ElementsMatch(t, have, named)

	for _, c := range append(slices.Clone(troubles), trouble.Case{Kind: lost}) {
		require.Contains(t, p.text, "\n| "+c.Class+" | "+c.Next+" |\n")
	}
	reference := string(config.Reference())
	for _, b := range p.blocks("yaml") {
		for _, m := range regexp.MustCompile(`(?m)^  (\w+):`).FindAllStringSubmatch(b, -1) {
			require.Contains(t, reference, "`broker."+m[1]+"`")
		}
	}
	sources, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var code strings.Builder
	for _, s := range sources {
		text, err := os.ReadFile(s)
		require.NoError(t, err)
		if !strings.HasSuffix(s, "_test.go") {
			code.Write(text)
		}
	}
	_, said, _ := strings.Cut(p.text, "## What the log says")
	for _, m := range regexp.MustCompile("`([a-z:, ]+ [a-z:, ]+)`").FindAllStringSubmatch(said, -1) {
		require.Contains(t, code.String(), `"`+m[1]+`"`)
	}
}
