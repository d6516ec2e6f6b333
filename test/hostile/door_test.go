package hostile

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// door stands before the simulated Finesse's REST interface: it counts, and
// answers an agent as an enemy would.
type door struct {
	server *httptest.Server
	client *http.Client

	mu     sync.Mutex
	asked  map[string]int                      // requests, by the user name of their credentials, or their access token
	wrong  map[string]int                      // those of which the password was another than "secret"
	answer map[gc.AgentID]func(net.Conn) error // in Finesse's place, on the bare connection
	mute   string                              // how the user names begin of whom no request is answered; "" for none

	wait    chan struct{} // for what changes something; nil: nothing waits
	waiting int
}

func newDoor(t *testing.T, f *simulator.Simulator) *door {
	t.Helper()
	target, err := url.Parse(f.RESTURL())
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(f.CertificatePEM()))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	quiet := log.New(io.Discard, "", 0)
	d := &door{asked: map[string]int{}, wrong: map[string]int{}, answer: map[gc.AgentID]func(net.Conn) error{}}
	onward := &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:    transport,
		ErrorLog:     quiet, // whoever asked has gone
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	d.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := d.note(r)
		d.hold(r)
		if answer == nil {
			onward.ServeHTTP(w, r)
			return
		}
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		_ = answer(c) // until whoever asked has gone
	}))
	d.server.Config.ErrorLog = quiet
	d.server.StartTLS()
	t.Cleanup(d.server.Close)
	d.client = d.server.Client()
	return d
}

// note counts a request, and gives what answers it in Finesse's place, nil for
// nothing.
func (d *door) note(r *http.Request) func(net.Conn) error {
	user, password, named := r.BasicAuth()
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		user = token
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked[user]++
	if named && password != "secret" {
		d.wrong[strings.ToLower(user)]++
	}
	if d.mute != "" && strings.HasPrefix(user, d.mute) {
		return nothing
	}
	return d.answer[gc.AgentID(user)]
}

// nothing answers nothing, for as long as whoever asked waits.
func nothing(c net.Conn) error {
	_, err := io.Copy(io.Discard, c)
	return err
}

// hangs has Finesse answer none of the users whose names begin so; "" answers
// all.
func (d *door) hangs(prefix string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mute = prefix
}

// answers has something else answer an agent's requests than Finesse; nil for
// Finesse.
func (d *door) answers(agent gc.AgentID, answer func(net.Conn) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer[agent] = answer
}

// refused is how many wrong passwords were put to Finesse in all.
func (d *door) refused() (all int, ofOne map[string]int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ofOne = map[string]int{}
	for user, n := range d.wrong {
		all += n
		ofOne[user] = n
	}
	return all, ofOne
}

// tokens is how many requests had an access token that begins so.
func (d *door) tokens(prefix string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for user, asked := range d.asked {
		if strings.HasPrefix(user, prefix) {
			n += asked
		}
	}
	return n
}

func (d *door) url() string { return d.server.URL }

func (d *door) certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: d.server.Certificate().Raw})
}
