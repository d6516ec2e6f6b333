package chaos

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"encoding/xml"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// wish is something that must be asked of Finesse once only: an action, and
// the call it is about or, for a new one, the number to dial.
type wish struct{ action, object string }

// front stands before the simulated Finesse's REST interface and counts what
// reaches it.
type front struct {
	server *httptest.Server

	mu    sync.Mutex
	count map[wish]int
}

func newFront(t *testing.T, s *simulator.Simulator) *front {
	t.Helper()
	target, err := url.Parse(s.RESTURL())
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(s.CertificatePEM()))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	quiet := log.New(io.Discard, "", 0)
	f := &front{count: map[wish]int{}}
	onward := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: transport,
		ErrorLog:  quiet, // whoever asked has gone
	}
	f.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler) // half a request; Finesse sees none
		}
		f.note(r, body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		onward.ServeHTTP(w, r)
	}))
	f.server.Config.ErrorLog = quiet
	f.server.StartTLS()
	t.Cleanup(func() {
		f.server.Close()
		transport.CloseIdleConnections()
	})
	return f
}

func (f *front) note(r *http.Request, body []byte) {
	var asked struct {
		Action string `xml:"requestedAction"`
		To     string `xml:"toAddress"`
	}
	if r.Method == http.MethodGet || xml.Unmarshal(body, &asked) != nil || asked.Action == "" {
		return
	}
	w := wish{asked.Action, path.Base(r.URL.Path)}
	if r.Method == http.MethodPost {
		w.object = asked.To
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count[w]++
}

// reached is how often Finesse was asked for w.
func (f *front) reached(w wish) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count[w]
}

func (f *front) certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.server.Certificate().Raw})
}

func (f *front) addr() string { return f.server.Listener.Addr().String() }
