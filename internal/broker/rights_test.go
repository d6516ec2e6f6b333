package broker

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

// The rights are those of docs/security.md: for the connector and for two
// drivers, desk and mobile.
func TestTheRightsOfTheSecurityPage(t *testing.T) {
	t.Parallel()
	a := servertest.StartActiveMQ(t, servertest.WithXML(readDoc(t, "security.md").xml("plugins")))
	as := func(name, password string) Options {
		return Options{Username: name, Password: gc.NewSecret(password), JavaText: true}
	}
	connector, desk := as("connector", "change-me"), as("desk", "change-me-too")
	mobile := as("mobile", "change-me-as-well")
	dialAs := func(t *testing.T, o Options) *Client {
		c, err := Dial(t.Context(), o, a.URL())
		require.NoError(t, err)
		t.Cleanup(c.Close)
		return c
	}
	registry := prometheus.NewRegistry()
	o := connector
	o.URLs, o.Registerer = []string{a.URL()}, registry
	b := run(t, create(t, o))

	t.Run("a driver's command is answered wherever the driver may read", func(t *testing.T) {
		driver := dialAs(t, desk)
		for _, destination := range []string{"/topic/crm.desk", "/topic/crm.desk.left", "/queue/crm.desk", "/temp-queue/answers", "/temp-topic/answers"} {
			got := subscribe(t, driver, destination)
			require.NoError(t, driver.Send(t.Context(), Outgoing{
				Destination: "/queue/Connector1", Headers: map[string]string{"type": "Hello#desk", "reply-to": destination},
			}))
			d := next(t, b.got)
			d.Ack()
			b.Publish(Message{Destination: gc.Destination(d.ReplyTo), Body: "answer"})
			require.Equal(t, "answer", next(t, got).Body, destination)
		}
	})
	t.Run("a driver in Java needs no other rights", func(t *testing.T) {
		url := a.OpenWireURL() + "?jms.userName=desk&jms.password=change-me-too"
		j := servertest.StartJava(t, "JmsSend", url, "Connector1", "Hello#desk?", "")
		require.Equal(t, "ready", next(t, j.Lines))
		d := next(t, b.got)
		d.Ack()
		b.Publish(Message{Destination: gc.Destination(d.ReplyTo), CorrelationID: d.CorrelationID, Body: "answer"})
		require.Equal(t, "answer-3 answer", next(t, j.Lines))
		j = servertest.StartJava(t, "JmsReceive", url, "crm.desk", "1")
		require.Equal(t, "ready", next(t, j.Lines))
		b.Publish(Message{Destination: "/topic/crm.desk", Body: "answer"})
		require.Contains(t, next(t, j.Lines), "answer")
	})
	t.Run("connectors announce agents to each other", func(t *testing.T) {
		got := subscribe(t, dialAs(t, connector), "/topic/ConnectorSync")
		b.Publish(Message{Destination: "/topic/ConnectorSync", Body: "agent"})
		require.Equal(t, "agent", next(t, got).Body)
	})
	for rule, destinations := range map[string][]string{
		"commands":               {"/queue/Connector1", "/queue/crm.desk,queue://Connector1"},
		"what connectors send":   {"/topic/ConnectorSync", "/topic/crm.desk,topic://ConnectorSync"},
		"another driver's":       {"/topic/crm.mobile", "/queue/crm.mobile", "/topic/crm.mobile.left", "/topic/crm.desk,crm.mobile"},
		"everything":             {"/topic/>", "/queue/>", "/topic/crm.>", "/topic/*", "/queue/*"},
		"who is connected":       {"/topic/ActiveMQ.Advisory.Connection", "/topic/ActiveMQ.Advisory.>"},
		"a name without a right": {"/topic/elsewhere", "/queue/elsewhere"},
	} {
		t.Run("a driver cannot read "+rule, func(t *testing.T) {
			for _, destination := range destinations {
				err := dialAs(t, desk).Subscribe(t.Context(), destination, func(*Delivery) {})
				require.ErrorContains(t, err, "not authorized to read", destination)
			}
		})
	}
	t.Run("a pattern gives a driver its own only", func(t *testing.T) {
		for _, kind := range []string{"/topic/", "/queue/"} {
			got := subscribe(t, dialAs(t, desk), kind+"crm.*")
			b.Publish(Message{Destination: gc.Destination(kind + "crm.mobile"), Body: "another driver's"})
			b.Publish(Message{Destination: gc.Destination(kind + "crm.desk"), Body: "its own"})
			require.Equal(t, "its own", next(t, got).Body)
		}
	})
	t.Run("a driver cannot write answers to another one", func(t *testing.T) {
		owner := dialAs(t, mobile)
		subscribe(t, owner, "/temp-queue/answers")
		require.NoError(t, owner.Send(t.Context(), Outgoing{Destination: "/queue/Connector1", Headers: map[string]string{"type": "Hello#m", "reply-to": "/temp-queue/answers"}}))
		d := next(t, b.got)
		d.Ack()
		require.ErrorContains(t, dialAs(t, desk).Send(t.Context(), Outgoing{Destination: d.ReplyTo}), "not authorized to write")
		// The page warns of this: ActiveMQ leaves it to its clients.
		require.NoError(t, dialAs(t, desk).Subscribe(t.Context(), d.ReplyTo, func(*Delivery) {}))
	})
	t.Run("a driver can write commands only", func(t *testing.T) {
		for _, destination := range []string{
			"/topic/crm.mobile", "/queue/crm.mobile", "/topic/crm.desk", "/queue/crm.desk", "/topic/ConnectorSync", "/topic/Connector1",
			"/topic/ActiveMQ.Advisory.TempQueue", "/queue/Connector1,topic://crm.mobile", "/topic/elsewhere",
		} {
			err := dialAs(t, desk).Send(t.Context(), Outgoing{Destination: destination})
			require.ErrorContains(t, err, "not authorized", destination)
		}
	})
	t.Run("the connector writes to drivers only", func(t *testing.T) {
		before := value(t, registry, "events_dropped_total", "refused")
		for _, destination := range []gc.Destination{"/topic/elsewhere", "/queue/elsewhere", "/queue/Connector1"} {
			b.Publish(Message{Destination: destination})
		}
		flush(t, b.Broker)
		require.EqualValues(t, 3, value(t, registry, "events_dropped_total", "refused")-before)
	})
	t.Run("the connector learns how the broker numbers acknowledgements", func(t *testing.T) {
		o := connector.withDefaults()
		ep, err := parseEndpoint(a.URL())
		require.NoError(t, err)
		n := &counter{options: &o, endpoint: ep}
		defer n.close()
		id, err := n.next(t.Context())
		require.NoError(t, err)
		name, number := splitID(id)
		require.NotEmpty(t, name)
		require.NotZero(t, number)
	})
	t.Run("nobody comes in without a name", func(t *testing.T) {
		for _, o := range []Options{{}, as("desk", "wrong"), as("nobody", "change-me")} {
			_, err := Dial(t.Context(), o, a.URL())
			require.Error(t, err)
		}
	})
}
