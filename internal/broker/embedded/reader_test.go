package embedded

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzConnection feeds a connection any bytes, before and after CONNECT: it
// must neither panic nor hang nor leave anything behind when it ends.
func FuzzConnection(f *testing.F) {
	for _, s := range []string{
		"", "\n\n", "CONNECT\naccept-version:1.2\n\n\x00",
		"SEND\ndestination:/queue/a\nreceipt:1\n\nbody\x00SUBSCRIBE\nid:1\ndestination:/queue/a\nack:client\n\n\x00",
		"SUBSCRIBE\nid:1\ndestination:/topic/a\n\n\x00SEND\ndestination:/topic/a\ncontent-length:3\n\na\x00b\x00UNSUBSCRIBE\nid:1\n\n\x00DISCONNECT\nreceipt:2\n\n\x00",
		"SUBSCRIBE\nid:1\ndestination:/temp-queue/a\nactivemq.prefetchSize:1\n\n\x00SEND\ndestination:/temp-queue/a\nreply-to:/temp-topic/b\nexpires:1\n\n\x00",
		"ACK\nid:@1\n\n\x00", "NACK\nid:\\c\n\n\x00", "SEND\ncontent-length:4294967295\n\n",
	} {
		f.Add(true, []byte(s))
		f.Add(false, []byte(s))
	}
	f.Fuzz(func(t *testing.T, connected bool, input []byte) {
		b := newBroker(Options{}, defaultLimits)
		client, server := net.Pipe()
		b.admit(server)
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			_, _ = io.Copy(io.Discard, client)
		}()
		if connected {
			_, err := io.WriteString(client, "CONNECT\naccept-version:1.2\nheart-beat:0,100\n\n\x00")
			require.NoError(t, err)
		}
		_, _ = client.Write(input)
		_ = client.Close()
		<-drained
		b.workers.Wait()
		require.Empty(t, b.conns)
		require.Empty(t, b.topics)
		require.Empty(t, b.temporaries)
		require.Zero(t, b.subscriptions)
		waiting := 0
		for _, q := range b.queues {
			require.Zero(t, q.held)
			require.Empty(t, q.consumers)
			require.NotEmpty(t, q.ready)
			for _, m := range q.ready {
				waiting += m.size
			}
		}
		require.Equal(t, waiting, b.storedBytes)
	})
}
