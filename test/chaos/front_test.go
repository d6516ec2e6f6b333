package chaos

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"encoding/xml"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// wish is something that must be asked of Finesse once only: an action, and
// the call it is about or, for a new one, the number to dial.
type wish struct{ action, object string }

// front stands before the REST interface of a node of the simulated Finesse
// and counts what reaches it. It can be closed and opened again, as the node
// is stopped and started.
type front struct {
	address string // kept while it is closed
	handler http.Handler
	server  *httptest.Server // the last one

	mu    sync.Mutex
	count map[wish]int
}

var quiet = log.New(io.Discard, "", 0)

func newFront(t *testing.T, n *simulator.Node, certificate []byte) *front {
	t.Helper()
	target, err := url.Parse(n.RESTURL())
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(certificate))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	f := &front{address: servertest.FreeAddress(t), count: map[wish]int{}}
	onward := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: transport,
		ErrorLog:  quiet, // whoever asked has gone
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {
			panic(http.ErrAbortHandler) // the node has
		},
	}
	f.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler) // half a request; Finesse sees none
		}
		f.note(r, body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		onward.ServeHTTP(w, r)
	})
	require.NoError(t, f.open())
	t.Cleanup(f.close)
	return f
}

func (f *front) open() error {
	l, err := net.Listen("tcp", f.address)
	if err != nil {
		return err
	}
	f.server = &httptest.Server{Listener: l, Config: &http.Server{Handler: f.handler, ErrorLog: quiet}}
	f.server.StartTLS()
	return nil
}

func (f *front) close() {
	f.server.CloseClientConnections()
	f.server.Close()
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
