package broker

import (
	"context"
	"testing"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/pulse"
)

// A handler of commands or of confirmations must not hold up the loop that
// calls it.
func TestALoopThatStandsStillIsNamed(t *testing.T) {
	const soon = 20 * time.Millisecond
	stuck := func(b *Broker) func() bool {
		return func() bool { return b.Live() != nil }
	}
	url := script(t, func(f *frame.Frame) []*frame.Frame {
		switch f.Command {
		case frame.CONNECT:
			return connected("1.2")
		case frame.SUBSCRIBE:
			command := frame.New(frame.MESSAGE, frame.Subscription, f.Header.Get(frame.Id), frame.MessageId, "1", frame.Ack, "1")
			return append(receipt(f), command)
		}
		return receipt(f)
	})
	t.Run("the handling of a command", func(t *testing.T) {
		b := create(t, server{url: url}.options())
		b.handling = pulse.New("the handling of a command", soon)
		release := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); b.Run(ctx, func(*Delivery) { <-release }) }()
		require.Eventually(t, stuck(b), patience, time.Millisecond)
		require.ErrorContains(t, b.Live(), "the handling of a command has stood still for ")
		close(release)
		require.Eventually(t, func() bool { return b.Live() == nil }, patience, time.Millisecond, "it goes on")
		cancel()
		<-done
	})
	t.Run("the sending of events", func(t *testing.T) {
		b := create(t, server{url: url}.options())
		b.topics.pulse = pulse.New("the sending of events", soon)
		release := make(chan struct{})
		run(t, b)
		b.Publish(Message{Destination: "/topic/x", Body: "y", Confirmed: func() { <-release }})
		require.Eventually(t, stuck(b), patience, time.Millisecond)
		require.ErrorContains(t, b.Live(), "the sending of events has stood still for ")
		close(release)
		flush(t, b)
	})
}
