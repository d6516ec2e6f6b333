package servertest_test

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

func TestXMPPServesWithTLSAndStopsAndComesBackAtTheSamePorts(t *testing.T) {
	s := servertest.XMPP(t)
	s.SubscribeAgent(t, "1001", "1001", "secret")
	s.Publish(t, "/finesse/api/User/1001", "<Update/>")

	address := strings.TrimPrefix(s.URL, "xmpps://")
	s.Stop(t)
	_, err := net.Dial("tcp", address)
	require.Error(t, err, "the process has ended")

	s.Start(t)
	conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: s.CA, ServerName: "127.0.0.1"})
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}
