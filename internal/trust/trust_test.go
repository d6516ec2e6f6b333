package trust_test

import (
	"crypto/tls"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

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
