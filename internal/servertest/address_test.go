package servertest

import (
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnAddressIsKeptForItsTest(t *testing.T) {
	address := FreeAddress(t)
	refused := func() {
		t.Helper()
		_, err := net.Dial("tcp", address)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	}
	refused()
	for range 2 { // a server may come back
		l, err := net.Listen("tcp", address)
		require.NoError(t, err)
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		s, err := l.Accept()
		require.NoError(t, err)
		require.NoError(t, s.Close())
		require.NoError(t, c.Close())
		require.NoError(t, l.Close())
		refused()
	}
	_, err := net.ListenPacket("udp", address)
	require.NoError(t, err, "only TCP is kept")

	mine, err := NewAddress()
	require.NoError(t, err)
	defer mine.Close()
	require.NotEqual(t, address, mine.String())
}
