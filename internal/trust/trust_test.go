package trust_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/trouble"
	"github.com/finesse-connector/finesse-connector/internal/trust"
)

func TestWhoIsTrusted(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = zap.NewStdLog(zap.NewNop())
	s.StartTLS()
	defer s.Close()
	file := func(content []byte) string {
		name := filepath.Join(t.TempDir(), "ca.pem")
		require.NoError(t, os.WriteFile(name, content, 0o600))
		return name
	}
	ca := file(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	for rule, k := range map[string]struct {
		file     string
		insecure bool
		url      string
		fails    func(error) bool // nil where it does not
	}{
		"the authorities of the system":          {"", false, s.URL, trouble.UnknownCA},
		"and those of the file":                  {ca, false, s.URL, nil},
		"for the names of the certificate":       {ca, false, "https://localhost" + s.URL[len("https://127.0.0.1"):], trouble.OtherName},
		"everybody, where that is asked for":     {"", true, s.URL, nil},
		"what is no certificate changes nothing": {ca, false, "https://127.0.0.1:0", trouble.NothingListens},
	} {
		c, err := trust.Config(k.file, k.insecure)
		require.NoError(t, err, rule)
		conn, err := tls.Dial("tcp", k.url[len("https://"):], c)
		if k.fails == nil {
			require.NoError(t, err, rule)
			require.NoError(t, conn.Close())
			continue
		}
		require.True(t, k.fails(err), "%s: %v", rule, err)
	}
	_, err := trust.Config(filepath.Join(t.TempDir(), "none"), false)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = trust.Config(file([]byte("hello")), false)
	require.ErrorContains(t, err, "holds no certificate")
}

// What package tls takes is taken, and of what it does not take one thing: a
// certificate that is trusted itself is for the host in its common name.
func TestForAHost(t *testing.T) {
	usual := servertest.Certificate(t, nil)
	authority := servertest.Certificate(t, nil)
	alone := servertest.Certificate(t, servertest.CommonNameAlone)
	issued := servertest.IssuedCertificate(t, &authority, servertest.CommonNameAlone)
	issuedWell := servertest.IssuedCertificate(t, &authority, nil)
	expired := servertest.Certificate(t, func(c *x509.Certificate) { servertest.CommonNameAlone(c); servertest.Expired(c) })
	forClients := servertest.Certificate(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	address := servertest.Certificate(t, func(c *x509.Certificate) { servertest.CommonNameAlone(c); c.Subject.CommonName = "127.0.0.1" })
	for _, c := range []struct {
		rule   string
		shown  tls.Certificate
		host   string
		roots  []tls.Certificate // none: the system's
		refuse func(error) bool  // nil: it is taken
	}{
		{"a name", usual, "localhost", []tls.Certificate{usual}, nil},
		{"an address", usual, "127.0.0.1", []tls.Certificate{usual}, nil},
		{"another name", usual, "other.test", []tls.Certificate{usual}, trouble.OtherName},
		{"another address", usual, "127.0.0.2", []tls.Certificate{usual}, trouble.OtherName},
		{"vouched for by an authority", issuedWell, "localhost", []tls.Certificate{usual, authority}, nil},
		{"unknown", usual, "localhost", []tls.Certificate{authority}, trouble.UnknownCA},
		{"unknown to the system", usual, "localhost", nil, trouble.UnknownCA},
		{"for clients", forClients, "localhost", []tls.Certificate{forClients}, trouble.Invalid},
		{"a common name alone, itself trusted", alone, "localhost", []tls.Certificate{authority, alone}, nil},
		{"in another case", alone, "LocalHost", []tls.Certificate{alone}, nil},
		{"an address as a common name, itself trusted", address, "127.0.0.1", []tls.Certificate{address}, nil},
		{"a common name alone, which an authority vouches for", issued, "localhost", []tls.Certificate{authority}, trouble.OnlyCommonName},
		{"a common name alone, unknown", alone, "localhost", []tls.Certificate{usual}, trouble.OnlyCommonName},
		{"a common name alone, unknown to the system", alone, "localhost", nil, trouble.OnlyCommonName},
		{"another common name, itself trusted", alone, "127.0.0.1", []tls.Certificate{alone}, trouble.OnlyCommonName},
		{"a common name alone, itself trusted, and expired", expired, "localhost", []tls.Certificate{expired}, trouble.Expired},
	} {
		t.Run(c.rule, func(t *testing.T) {
			conf := &tls.Config{}
			for _, root := range c.roots {
				if conf.RootCAs == nil {
					conf.RootCAs = x509.NewCertPool()
				}
				conf.RootCAs.AddCert(root.Leaf)
			}
			conf.ClientSessionCache = tls.NewLRUClientSessionCache(0)
			conf = trust.For(conf, c.host)
			for range 2 { // the second one may be resumed
				err := shake(t, c.shown, conf)
				if c.refuse == nil {
					require.NoError(t, err)
					continue
				}
				require.True(t, c.refuse(err), "%v", err)
				var invalid *tls.CertificateVerificationError
				require.ErrorAs(t, err, &invalid)
			}
		})
	}
	require.NoError(t, shake(t, usual, trust.For(&tls.Config{InsecureSkipVerify: true}, "other.test")), "where that is asked for")
	require.True(t, trouble.UnknownCA(shake(t, usual, trust.For(nil, "localhost"))))
}

// shake is the client's outcome of a handshake with a server that shows a certificate.
func shake(t *testing.T, shown tls.Certificate, conf *tls.Config) error {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{shown}})
	require.NoError(t, err)
	defer l.Close()
	go func() {
		if conn, err := l.Accept(); err == nil {
			_ = conn.(*tls.Conn).Handshake()
			_, _ = conn.Write([]byte("x")) // the ticket comes before
			_ = conn.Close()
		}
	}()
	conn, err := tls.Dial("tcp", l.Addr().String(), conf)
	if err == nil {
		_, _ = conn.Read(make([]byte, 1))
		_ = conn.Close()
	}
	return err
}
