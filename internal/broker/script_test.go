package broker

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

// script is a server that answers each frame as answer says, and hangs up when
// that is nil. It never beats and expects no beats.
func script(t *testing.T, answer func(*frame.Frame) []*frame.Frame) (url string) {
	return serve(t, func(c net.Conn, _ *sync.WaitGroup) {
		in, out := frame.NewReader(c), frame.NewWriter(c)
		for {
			f, err := in.Read()
			if err != nil {
				return
			}
			if f == nil {
				continue
			}
			reply := answer(f)
			for _, r := range reply {
				if out.Write(r) != nil {
					return
				}
			}
			if reply == nil {
				return
			}
		}
	})
}

// serve calls handle for each connection, and closes it when handle returns. It
// also waits for what handle starts in running.
func serve(t *testing.T, handle func(c net.Conn, running *sync.WaitGroup)) (url string) {
	l := listen(t)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				handle(c, &running)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	return "tcp://" + l.Addr().String()
}

func connected(version string) []*frame.Frame {
	return []*frame.Frame{frame.New(frame.CONNECTED, frame.Version, version, frame.HeartBeat, "0,0")}
}

func receipt(f *frame.Frame) []*frame.Frame {
	id, ok := f.Header.Contains(frame.Receipt)
	if !ok {
		return []*frame.Frame{}
	}
	return []*frame.Frame{frame.New(frame.RECEIPT, frame.ReceiptId, id)}
}

// Not every broker says which message an ERROR is about.
func TestAnErrorWithoutReceiptIdDropsOnlyTheEventItIsAbout(t *testing.T) {
	var mu sync.Mutex
	var sent []string
	url := script(t, func(f *frame.Frame) []*frame.Frame {
		switch {
		case f.Command == frame.CONNECT:
			return connected("1.2")
		case f.Command == frame.SEND && strings.Contains(string(f.Body), "bad"):
			return []*frame.Frame{frame.New(frame.ERROR, frame.Message, "no")}
		case f.Command == frame.SEND:
			mu.Lock()
			sent = append(sent, string(f.Body))
			mu.Unlock()
		}
		return receipt(f)
	})
	registry := prometheus.NewRegistry()
	o := server{url: url}.options()
	o.Registerer = registry
	b := create(t, o)
	for i := range 20 {
		body := fmt.Sprintf("good %02d", i)
		if i%5 == 3 {
			body = fmt.Sprintf("bad %02d", i)
		}
		b.Publish(Message{Destination: "/topic/x", Body: body})
	}
	run(t, b)
	flush(t, b)
	require.EqualValues(t, 4, value(t, registry, "events_dropped_total", "refused"))
	require.EqualValues(t, 16, value(t, registry, "events_published_total", "topic"))
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(sent)
	require.Len(t, slices.Compact(sent), 16)
}

// The driver of desk receives its calls even after the broker refused the
// answer to a stranger's Hello in its name.
func TestOneRefusedMessageSilencesNobody(t *testing.T) {
	sent := make(chan string, 100)
	url := script(t, func(f *frame.Frame) []*frame.Frame {
		switch {
		case f.Command == frame.CONNECT:
			return connected("1.2")
		case f.Command == frame.SEND && strings.Contains(string(f.Body), "bad"):
			return []*frame.Frame{frame.New(frame.ERROR, frame.Message, "no", frame.ReceiptId, f.Header.Get(frame.Receipt))}
		case f.Command == frame.SEND:
			sent <- string(f.Body)
		}
		return receipt(f)
	})
	b := run(t, create(t, server{url: url}.options()))
	b.Publish(Message{Destination: "/topic/desk", Body: "first"}) // then there is a connection
	require.Equal(t, "first", next(t, sent))
	for range maxStrikes - 1 {
		b.Publish(Message{Destination: "/topic/desk", Body: "bad"})
	}
	b.Publish(Message{Destination: "/topic/desk", Body: "call", Lasts: WithConnection})
	require.Equal(t, "call", next(t, sent))
}

func TestErrorsSayWhatIsWrongWithTheServer(t *testing.T) {
	nobody := "tcp://" + servertest.FreeAddress(t)
	refuse := []*frame.Frame{frame.New(frame.ERROR, frame.Message, "User name [x] or password is invalid.")}
	cases := []struct{ rule, url, says string }{
		{"nothing listens", nobody, "start the broker"},
		{"openwire port", shared.OpenWireURL(), "stomp connector"},
		{"login refused", script(t, func(*frame.Frame) []*frame.Frame { return refuse }), "password"},
		{"hangs up", script(t, func(*frame.Frame) []*frame.Frame { return nil }), "does not speak STOMP"},
		{"answers something else", script(t, receiptFor), "does not speak STOMP"},
		{"speaks STOMP 1.1 only", script(t, func(*frame.Frame) []*frame.Frame { return connected("1.1") }), "STOMP 1.2"},
		{"says nothing", script(t, func(*frame.Frame) []*frame.Frame { return []*frame.Frame{} }), "no answer"},
		{"no port", "tcp://127.0.0.1", "tcp://host:port"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.ErrorContains(t, Probe(ctx, Options{}, c.url), c.says)
		})
	}
	require.NoError(t, Probe(t.Context(), Options{}, shared.URL()))
}

func receiptFor(*frame.Frame) []*frame.Frame {
	return []*frame.Frame{frame.New(frame.RECEIPT, frame.ReceiptId, "1")}
}

func TestFailedLoginsLeaveNoSockets(t *testing.T) {
	url := script(t, func(*frame.Frame) []*frame.Frame { return []*frame.Frame{frame.New(frame.ERROR)} })
	descriptors := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		return len(list)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it would close them
	require.Error(t, Probe(t.Context(), Options{}, url))
	before := descriptors()
	for range 50 {
		require.Error(t, Probe(t.Context(), Options{}, url))
	}
	require.Eventually(t, func() bool { return descriptors() < before+10 }, 5*time.Second, 5*time.Millisecond)
}

func TestFlushGivesUpWithItsContextAndSaysHowMany(t *testing.T) {
	b := create(t, Options{URLs: []string{"tcp://127.0.0.1:1"}})
	b.Publish(Message{Destination: "/topic/a"})
	b.Publish(Message{Destination: "/queue/a"})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	require.ErrorContains(t, b.Flush(ctx), "2 events are not confirmed")
	require.False(t, b.Status().Consuming)
	require.NotEmpty(t, b.Status().LastError)
}
