package trust_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

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
		want     string // what the error begins with; "" for none
	}{
		"the authorities of the system":          {"", false, s.URL, "the certificate of h is not trusted: add its CA to site.ca_file: "},
		"and those of the file":                  {ca, false, s.URL, ""},
		"for the names of the certificate":       {ca, false, "https://localhost" + s.URL[len("https://127.0.0.1"):], "the certificate of h is for another name: use the name in it in site.url: "},
		"everybody, where that is asked for":     {"", true, s.URL, ""},
		"what is no certificate changes nothing": {ca, false, "https://127.0.0.1:0", "dial tcp 127.0.0.1:0: "},
	} {
		c, err := trust.Config(k.file, k.insecure)
		require.NoError(t, err, rule)
		conn, err := tls.Dial("tcp", k.url[len("https://"):], c)
		if k.want == "" {
			require.NoError(t, err, rule)
			require.NoError(t, conn.Close())
			continue
		}
		require.Regexp(t, "^"+k.want, trust.Explain("h", "site.url", "site.ca_file", err), rule)
	}
	_, err := trust.Config(filepath.Join(t.TempDir(), "none"), false)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = trust.Config(file([]byte("hello")), false)
	require.ErrorContains(t, err, "holds no certificate")
}

func TestACertificateThatIsOverIsSaidSo(t *testing.T) {
	for reason, want := range map[x509.InvalidReason]string{
		x509.Expired:              "the certificate of h is not valid at this time: renew it or set the clock: ",
		x509.TooManyIntermediates: "the certificate of h cannot be used: ",
	} {
		err := x509.CertificateInvalidError{Reason: reason}
		require.ErrorContains(t, trust.Explain("h", "", "", err), want)
		require.ErrorAs(t, trust.Explain("h", "", "", err), new(x509.CertificateInvalidError))
	}
	other := errors.New("x")
	require.Equal(t, other, trust.Explain("h", "", "", other))
}
