package broker

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func TestURLs(t *testing.T) {
	for url, addr := range map[string]string{
		"tcp://broker:61613": "broker:61613",
		"ssl://10.0.0.1:1":   "10.0.0.1:1",
		"tcp://[::1]:61613":  "[::1]:61613",
	} {
		ep, err := parseEndpoint(url)
		require.NoError(t, err)
		require.Equal(t, addr, ep.addr)
		require.Equal(t, url[:3] == "ssl", ep.tls)
	}
	_, err := New(Options{URLs: []string{"tcp://one:1", "stomp://two:2", "tcp://three", "ssl://four:4?a=b", "tcp://user:hidden@five:5"}})
	require.ErrorContains(t, err, "stomp://two:2")
	require.ErrorContains(t, err, "tcp://three")
	require.ErrorContains(t, err, "ssl://four:4?a=b")
	require.NotContains(t, err.Error(), "one")
	require.NotContains(t, err.Error(), "hidden", "a password is not quoted")
	_, err = New(Options{})
	require.Error(t, err)
}

func TestMetricsAreThereBeforeTheFirstEvent(t *testing.T) {
	r := prometheus.NewRegistry()
	o := Options{URLs: []string{"tcp://127.0.0.1:1"}, Registerer: r}
	create(t, o)
	for _, series := range [][]string{
		{"broker_connects_total", "commands"}, {"broker_connects_total", "events"}, {"broker_connects_total", "replies"},
		{"commands_received_total"}, {"events_published_total", "topic"}, {"events_published_total", "other"},
		{"events_dropped_total", "queue_full"}, {"events_dropped_total", "refused"},
		{"events_unconfirmed", "topic"}, {"events_unconfirmed", "other"}, {"broker_receipt_seconds"},
	} {
		require.Zero(t, value(t, r, series[0], series[1:]...), series)
	}
	_, err := New(o)
	require.Error(t, err, "two Brokers cannot share a registry")
}

func TestEventsForQueuesExpireAfterADayAndOthersNever(t *testing.T) {
	b := create(t, Options{URLs: []string{"tcp://127.0.0.1:1"}})
	for destination, expires := range map[string]bool{"/topic/a": false, "/queue/a": true, "/remote-temp-queue/ID:1": true} {
		f := b.others.frame(&Message{Destination: gc.Destination(destination)})
		require.Equal(t, !expires, timestamp(f.Header.Get("expires")).IsZero(), destination)
		if expires {
			require.WithinDuration(t, time.Now().Add(24*time.Hour), timestamp(f.Header.Get("expires")), time.Minute)
		}
		require.Empty(t, f.Header.Get("persistent"))
	}
}

func TestAPasswordIsSentOnlyWhenThereIsAUser(t *testing.T) {
	f := connectFrame(&Options{Password: gc.NewSecret("x")}, endpoint{})
	_, sent := f.Header.Contains("passcode")
	require.False(t, sent)
}
