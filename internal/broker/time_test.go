package broker

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
	"github.com/stretchr/testify/require"
)

// ActiveMQ's first heart-beat comes after two intervals; a client that waits
// for one loses every idle connection.
func TestIdleForTwoMinutesKeepsAllConnections(t *testing.T) {
	t.Parallel()
	wait := time.NewTimer(time.Until(idle.since.Add(2 * time.Minute)))
	defer wait.Stop()
	<-wait.C
	for _, name := range []string{commandsLink, eventsLink, repliesLink} {
		require.EqualValues(t, 1, value(t, idle.metrics, "broker_connects_total", name), name)
	}
	idle.command(t, client(t, activeMQ()), "still there", "")
	require.Equal(t, "still there", next(t, idle.handle).Type)
	idle.Publish(Message{Destination: "/topic/idle"})
	idle.Publish(Message{Destination: "/queue/idle.events"})
	flush(t, idle.Broker)
	for _, kind := range []string{"topic", "other"} { // an event is counted just after it is off the queue
		require.Eventually(t, func() bool { return value(t, idle.metrics, "events_published_total", kind) == 2 }, patience, time.Millisecond, kind)
	}
}

func TestHowLongABrokerMayBeSilent(t *testing.T) {
	for _, k := range []struct {
		rule, beats string
		silence     time.Duration
	}{
		{"for two heart-beats, when it was asked to beat in the middle of each", "5000,10000", 20 * time.Second},
		{"for three of its intervals when it beats less often", "30000,10000", 90 * time.Second},
		{"for ever when it does not beat", "0,10000", 0},
		{"for ever when it does not mention beats", "", 0},
	} {
		t.Run(k.rule, func(t *testing.T) {
			c := &conn{socket: &socket{}}
			require.NoError(t, c.negotiate(10*time.Second, k.beats))
			require.EqualValues(t, k.silence, c.socket.silence.Load())
		})
	}
	f := connectFrame(&Options{Heartbeat: 10 * time.Second}, endpoint{})
	require.Equal(t, "10000,5000", f.Header.Get(frame.HeartBeat))
}

// With Nagle's algorithm on the broker's side and a delayed acknowledgement on
// ours, nearly every message takes 42 ms when more than one is on the way. The
// stall is in every round, other work of the machine only in some.
func TestManyMessagesOnTheWayDoNotStall(t *testing.T) {
	b := run(t, create(t, Options{URLs: []string{shared.URL()}, CommandQueue: unique("Connector"), JavaText: true}))
	c := client(t, activeMQ())
	for range 3 { // the JVM compiles
		b.round(t, c)
	}
	var medians []time.Duration
	for range 7 {
		medians = append(medians, b.round(t, c))
	}
	t.Log(medians)
	require.Less(t, slices.Min(medians), 30*time.Millisecond)
}

// round returns the median time of 96 commands, with 64 on the way at a time.
// They are not acknowledged: a frame of ours would carry TCP's acknowledgement
// along.
func (r *running) round(t *testing.T, c *Client) time.Duration {
	const n, ahead = 96, 64
	sent, took := make([]time.Time, n), make([]time.Duration, n)
	send := func(i int) {
		sent[i] = time.Now()
		f := frame.New(frame.SEND, frame.Destination, "/queue/"+r.options.CommandQueue)
		f.Body = bytes.Repeat([]byte("x"), 480)
		c.conn.post(f)
	}
	for i := range ahead {
		send(i)
	}
	for i := range n {
		next(t, r.got)
		took[i] = time.Since(sent[i])
		if i+ahead < n {
			send(i + ahead)
		}
	}
	slices.Sort(took)
	return took[n/2]
}
