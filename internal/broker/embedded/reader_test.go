package embedded

import (
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/go-stomp/stomp/v3/frame"
	"github.com/stretchr/testify/require"
)

func TestReaderTakesLineEndsHeartBeatsAndEscapes(t *testing.T) {
	r := newFrameReader(strings.NewReader("\n\r\n\nSEND\r\nh\\c:a\\nb\\\\n\\r\nempty:\nv:x:y\n\nbody\n\x00\n\nACK\nid:1\n\n\x00"))
	f, err := r.read(100)
	require.NoError(t, err)
	require.Equal(t, "a\nb\\n\r", f.Header.Get("h:"))
	require.Equal(t, "x:y", f.Header.Get("v"))
	_, ok := f.Header.Contains("empty")
	require.True(t, ok)
	require.Equal(t, "body\n", string(f.Body))
	f, err = r.read(100)
	require.NoError(t, err)
	require.Equal(t, frame.ACK, f.Command)
	_, err = r.read(100)
	require.ErrorIs(t, err, io.EOF)
}

func TestReaderAllocatesWhatArrivesNotWhatIsPromised(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		_, err := newFrameReader(strings.NewReader("SEND\ncontent-length:16777216\n\nten bytes.")).read(16 << 20)
		require.ErrorIs(t, err, io.EOF)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20))
}

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
