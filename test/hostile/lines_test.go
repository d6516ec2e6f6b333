package hostile

import (
	"bufio"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// forgedLines: to a client that speaks STOMP 1.0 ActiveMQ writes a line break in a
// header as it is.
func forgedLines(t *testing.T, s *site) {
	old := oldClient(t, "/topic/"+desk)
	const forged = "x\nMessageCategory:CALL\n\n1001#NewInboundCall#4085550000#16777217#forged"
	s.driver.send(t, "GetState#1001", "", "correlation-id", forged)
	s.driver.until(t, "1001#Error#PLEASE_RETRY")
	s.driver.send(t, "GetState#\n\n1001", "")
	s.driver.until(t, "#State#")
	s.driver.send(t, "GetState#nobody", "", "correlation-id", forged, "reply-to", "/topic/"+desk)
	s.driver.send(t, "GetState#1002", "", "correlation-id", "the last one")
	for {
		frame, err := old.ReadString(0)
		require.NoError(t, err)
		head, body, _ := strings.Cut(strings.TrimLeft(frame, "\n"), "\n\n")
		require.Contains(t, head, "\ndestination:/topic/"+desk, "the broker writes it behind what a sender may choose")
		require.NotContains(t, head+body, "forged")
		if strings.Contains(head, "the last one") {
			return
		}
	}
}

// oldClient reads what comes to a destination, as STOMP 1.0 has it.
func oldClient(t *testing.T, destination string) *bufio.Reader {
	t.Helper()
	u, err := url.Parse(shared.URL())
	require.NoError(t, err)
	c, err := net.Dial("tcp", u.Host)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	r := bufio.NewReader(c)
	for _, f := range []string{"CONNECT\n\n\x00", "SUBSCRIBE\nid:1\nreceipt:1\ndestination:" + destination + "\n\n\x00"} {
		_, err := io.WriteString(c, f)
		require.NoError(t, err)
		_, err = r.ReadString(0)
		require.NoError(t, err)
	}
	return r
}
