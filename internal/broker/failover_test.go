package broker

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker/embedded"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

const noConnection = "no connection to the broker, trying again until there is one"

func TestFailoverAndTheWayHome(t *testing.T) {
	t.Parallel()
	first, second := servertest.StartActiveMQ(t), servertest.StartActiveMQ(t)
	atFirst, atSecond := server{first.URL(), true}, server{second.URL(), true}
	o := atFirst.options()
	o.URLs = []string{first.URL(), second.URL()}
	o.PriorityBackup = true
	b := create(t, o)
	b.home = 50 * time.Millisecond
	r := run(t, b)
	require.Equal(t, first.URL(), r.Status().URL)

	first.Kill()
	at := func(url string) func() bool {
		return func() bool { return r.Status().Consuming && r.Status().URL == url }
	}
	require.Eventually(t, at(second.URL()), patience, 5*time.Millisecond)
	c := client(t, atSecond)
	r.command(t, c, "at the second", "")
	held := next(t, r.got)
	require.Equal(t, "at the second", held.Type)
	got := subscribe(t, c, "/topic/client")
	r.Publish(Message{Destination: "/topic/client", Body: "from the second"})
	require.Equal(t, "from the second", next(t, got).Body)

	require.NoError(t, first.Start())
	require.Eventually(t, at(first.URL()), patience, 5*time.Millisecond)
	r.command(t, client(t, atFirst), "at the first", "")
	require.Equal(t, "at the first", next(t, r.got).Type)
	held.Ack() // its connection is gone: no harm

	// Events follow the commands.
	got = subscribe(t, client(t, atFirst), "/topic/client")
	require.Eventually(t, func() bool {
		r.Publish(Message{Destination: "/topic/client", Body: "from the first"})
		return len(got) > 0
	}, patience, 20*time.Millisecond)
	again := subscribe(t, c, "/queue/"+o.CommandQueue)
	require.True(t, next(t, again).Redelivered, "an unacknowledged command stays with its broker")
}

func TestWithoutPriorityBackupItStays(t *testing.T) {
	t.Parallel()
	second, err := embedded.Start(embedded.Options{Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(second.Close)
	addr := servertest.FreeAddress(t)
	o := server{}.options()
	o.URLs = []string{"tcp://" + addr, "tcp://" + second.Addr()}
	b := create(t, o)
	b.home = time.Millisecond
	r := run(t, b)
	require.Equal(t, o.URLs[1], r.Status().URL)
	first, err := embedded.Start(embedded.Options{Listen: addr})
	require.NoError(t, err)
	t.Cleanup(first.Close)
	require.Never(t, func() bool { return r.Status().URL != o.URLs[1] }, 300*time.Millisecond, 10*time.Millisecond)
}

func TestAWrongPasswordIsReportedOnceAndRecovers(t *testing.T) {
	t.Parallel()
	a := servertest.StartActiveMQ(t,
		servertest.WithUsers(
			servertest.User{Name: "connector", Password: "new-secret", Groups: "connectors"},
			servertest.User{Name: "stranger", Password: "secret", Groups: "strangers"}),
		servertest.WithRights(
			servertest.Right{Queue: ">", Read: "connectors", Write: "connectors,strangers", Admin: "connectors,strangers"},
			servertest.Right{Topic: "client.>", Read: "connectors", Write: "connectors", Admin: "connectors"},
			servertest.Right{Topic: "secret.>", Read: "connectors", Write: "strangers", Admin: "connectors"}))
	s := server{a.URL(), true}
	o := s.options()
	o.Username, o.Password = "connector", gc.NewSecret("old-secret")
	log := newLog()
	o.Logger = log.Logger
	o.Shown = func(d gc.Destination) string {
		if d.Name() == "secret.hunter2" {
			return "reply-to"
		}
		return string(d)
	}
	registry := prometheus.NewRegistry()
	o.Registerer = registry
	b := create(t, o)
	b.logins.first = 20 * time.Millisecond
	r := launch(t, b)
	login := func() int { return log.count(noConnection, commandsLink) }
	require.Eventually(t, func() bool { return login() == 1 }, patience, 5*time.Millisecond)
	require.Contains(t, r.Status().LastError, "password")
	require.ErrorContains(t, Probe(t.Context(), o, s.url), "broker.password_file")
	require.Never(t, func() bool { return login() > 1 }, 500*time.Millisecond, 10*time.Millisecond)

	a.Stop()
	a.SetPassword("connector", "old-secret")
	require.NoError(t, a.Start())
	r.waitConsuming(t)
	require.NotContains(t, log.text(), "old-secret")

	t.Run("a destination without rights stops no other", func(t *testing.T) {
		o := Options{Username: "connector", Password: o.Password}
		c, err := Dial(t.Context(), o, s.url)
		require.NoError(t, err)
		t.Cleanup(c.Close)
		got := subscribe(t, c, "/topic/client.a")
		for range 5 {
			r.Publish(Message{Destination: "/topic/secret.a", Body: "refused"})
			r.Publish(Message{Destination: "/topic/client.a", Body: "sent"})
		}
		flush(t, r.Broker)
		for range 5 {
			require.Equal(t, "sent", next(t, got).Body)
		}
		require.Equal(t, 1, log.count("event refused by the broker and dropped", ""), "logged once per destination")
		require.Contains(t, log.text(), "/topic/secret.a")
		require.EqualValues(t, 5, value(t, registry, "events_dropped_total", "refused"))
		r.Publish(Message{Destination: "/topic/secret.hunter2"})
		require.Eventually(t, func() bool { return log.count("event refused by the broker and dropped", "") == 2 }, patience, time.Millisecond)
		require.Contains(t, log.text(), "reply-to")
		require.NotContains(t, log.text(), "hunter2", "nor do the broker's words show a destination that must not be shown")
		require.EqualValues(t, 1, value(t, registry, "broker_connects_total", "events"), "ActiveMQ keeps the connection, so do we")
	})
	t.Run("a missing right to read commands is logged, once", func(t *testing.T) {
		o := s.options()
		o.Username, o.Password = "stranger", gc.NewSecret("secret")
		log := newLog()
		o.Logger = log.Logger
		b := create(t, o)
		b.logins.first = 10 * time.Millisecond
		r := launch(t, b)
		said := func() int { return log.count(noConnection, commandsLink) }
		require.Eventually(t, func() bool { return said() == 1 }, patience, 5*time.Millisecond)
		require.Never(t, func() bool { return said() > 1 }, 200*time.Millisecond, 10*time.Millisecond)
		require.Contains(t, r.Status().LastError, "not authorized to read")
		require.False(t, r.Status().Consuming)
	})
}
