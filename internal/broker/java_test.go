package broker

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

// What JMS clients see over OpenWire; drivers are such clients.
func TestJavaClients(t *testing.T) {
	t.Parallel()
	const text, escaped = "a,grüße 😀 \x00 end", `a,gr\u00fc\u00dfe \ud83d\ude00 \u0000 end`
	b := run(t, create(t, activeMQ().options()))

	t.Run("a TextMessage arrives as it was written", func(t *testing.T) {
		servertest.RunJava(t, "JmsSend", shared.OpenWireURL(), b.options.CommandQueue, "Login#1001", escaped, "")
		d := next(t, b.got)
		require.Equal(t, text, d.Body)
		require.Equal(t, "Login#1001", d.Type)
		require.Equal(t, "agent_state", d.Category)
		require.True(t, d.Text)
		require.WithinDuration(t, time.Now(), d.Timestamp, time.Minute)
		require.Empty(t, next(t, b.got).Body)
	})
	t.Run("an event is a TextMessage with its category, non-persistent and without expiry", func(t *testing.T) {
		name := unique("client")
		j := servertest.StartJava(t, "JmsReceive", shared.OpenWireURL(), name, "2")
		require.Equal(t, "ready", j.Next(t))
		to := gc.Destination("/topic/" + name)
		b.Publish(Message{Destination: to, Category: gc.AgentState, Body: text})
		b.Publish(Message{Destination: to, Category: gc.AgentCall, Type: "T", CorrelationID: "c", Body: ""})
		require.Equal(t, "TextMessage null agent_state null non-persistent 0 "+escaped, j.Next(t))
		require.Equal(t, "TextMessage T agent_call c non-persistent 0 ", j.Next(t))
	})
	t.Run("a property that replaces JMSReplyTo and asks for a temporary queue of the connector's own gets none", func(t *testing.T) {
		for _, own := range []string{"/temp-queue/evil", "/temp-topic/evil"} {
			servertest.RunJava(t, "JmsHostile", shared.OpenWireURL(), b.options.CommandQueue, "GetState#1|text|reply-to="+own)
			d := next(t, b.got)
			require.Equal(t, own, d.ReplyTo)
			_, err := gc.ParseReplyTo(d.ReplyTo)
			require.Error(t, err)
		}
	})
	t.Run("a temporary queue is answered, and refused when its client has gone", func(t *testing.T) {
		j := servertest.StartJava(t, "JmsSend", shared.OpenWireURL(), b.options.CommandQueue, "GetState#1?", "one")
		require.Equal(t, "ready", j.Next(t))
		d := next(t, b.got)
		replyTo, err := gc.ParseReplyTo(d.ReplyTo)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(replyTo), "/remote-temp-queue/"))
		answer := Message{Destination: replyTo, CorrelationID: d.CorrelationID, Body: text}
		b.Publish(answer)
		require.Equal(t, d.CorrelationID+" "+escaped, j.Next(t))
		for range j.Lines { // until it has ended
		}
		settled := make(chan struct{}, 1)
		answer.Confirmed = func() { settled <- struct{}{} }
		b.Publish(answer)
		next(t, settled)
	})
}
