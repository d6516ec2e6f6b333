package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// desk is a driver of the lab.
type desk struct {
	t           *testing.T
	client      *broker.Client
	destination string
	got         chan *broker.Delivery
}

func newDesk(t *testing.T, l *lab) *desk {
	t.Helper()
	c, err := broker.Dial(t.Context(), broker.Options{Username: "gc", Password: gc.NewSecret(brokerPassword)}, l.url)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	d := &desk{t: t, client: c, destination: "desk", got: make(chan *broker.Delivery, 10_000)}
	require.NoError(t, c.Subscribe(t.Context(), "/topic/desk", func(m *broker.Delivery) { d.got <- m }))
	return d
}

func (d *desk) send(typ, body string) { d.sendWithID(typ, body, "none") }

func (d *desk) sendWithID(typ, body, correlation string) {
	d.t.Helper()
	require.NoError(d.t, d.client.Send(d.t.Context(), broker.Outgoing{
		Destination: "/queue/Lab", Headers: map[string]string{"type": typ, "correlation-id": correlation, "reply-to": "/topic/" + d.destination}, Body: body,
	}))
}

// next returns the text of the next event.
func (d *desk) next() string { return d.nextEvent().Body }

func (d *desk) nextEvent() *broker.Delivery {
	d.t.Helper()
	select {
	case m := <-d.got:
		return m
	case <-time.After(patience):
		require.FailNow(d.t, "no event came")
		return nil
	}
}

// nextOf returns the next body about the agent; events about Finesse do not
// count.
func (d *desk) nextOf(id gc.AgentID) string {
	d.t.Helper()
	for {
		if body := d.next(); strings.Contains(body, string(id)+"#") {
			return body
		}
	}
}

// connect returns the agent if it could be connected.
func (d *desk) connect(id gc.AgentID) []string {
	d.t.Helper()
	d.send("Connect#"+string(id), d.destination+",secret")
	d.send("GetState#"+string(id), "")
	if body := d.nextOf(id); strings.Contains(body, "#State#LOGOUT") {
		return []string{string(id)}
	} else {
		require.Contains(d.t, body, "#Error#")
	}
	require.Contains(d.t, d.nextOf(id), "#State#RE_LOGIN")
	return nil
}
