package broker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/trouble"
)

func TestACutConnectionLosesNothing(t *testing.T) {
	t.Parallel()
	p := newProxy(t, listen(t), "tcp", shared.STOMP)
	o := activeMQ().options()
	o.URLs = []string{p.url}
	b := run(t, create(t, o))
	c := client(t, activeMQ())
	destination := "/topic/" + unique("client")
	got := subscribe(t, c, destination)

	b.command(t, c, "held", "")
	held := next(t, b.got)
	require.False(t, held.Redelivered)
	for i := range 200 {
		b.Publish(Message{Destination: gc.Destination(destination), Body: fmt.Sprint(i)})
		if i == 100 {
			p.cut()
		}
	}
	again := next(t, b.got)
	require.Equal(t, "held", again.Type)
	require.True(t, again.Redelivered)
	held.Ack() // of the connection that is gone
	again.Ack()
	flush(t, b.Broker)
	highest := -1
	for highest < 199 {
		var i int
		_, err := fmt.Sscan(next(t, got).Body, &i)
		require.NoError(t, err)
		require.LessOrEqual(t, i, highest+1, "none is left out")
		highest = max(highest, i)
	}
}

func TestALateReceiptCostsOneConnectionAndNoEvent(t *testing.T) {
	t.Parallel()
	p := newProxy(t, listen(t), "tcp", shared.STOMP)
	registry := prometheus.NewRegistry()
	o := activeMQ().options()
	o.URLs, o.Registerer = []string{p.url}, registry
	b := create(t, o)
	b.topics.late, b.topics.held = 300*time.Millisecond, 300*time.Millisecond
	r := run(t, b)
	destination := "/topic/" + unique("client")
	got := subscribe(t, client(t, activeMQ()), destination)
	publish := func(body string) {
		b.Publish(Message{Destination: gc.Destination(destination), Body: body})
	}
	publish("before")
	flush(t, b)

	p.hold()
	publish("held 1")
	publish("held 2")
	require.Equal(t, "before", next(t, got).Body)
	require.Equal(t, "held 1", next(t, got).Body, "the broker has it, only the receipt is late")
	before := value(t, registry, "broker_connects_total", "events")
	lost := func() bool {
		return b.topics.queue.onTheWay() == 2 && time.Since(b.topics.queue.oldest().sent) > 2*b.topics.late
	}
	require.Eventually(t, lost, patience, time.Millisecond)
	p.release()
	flush(t, b)
	publish("after")
	flush(t, b)
	for next(t, got).Body != "after" {
	}
	require.Greater(t, value(t, registry, "broker_connects_total", "events"), before)
	require.EqualValues(t, 4, value(t, registry, "events_published_total", "topic"))
	r.stop() // must not hang on the connection that was given up
}

func TestSSL(t *testing.T) {
	t.Parallel()
	web := httptest.NewTLSServer(nil) // only for its certificate, made for 127.0.0.1
	defer web.Close()
	p := newProxy(t, tls.NewListener(listen(t), &tls.Config{Certificates: web.TLS.Certificates}), "ssl", shared.STOMP)
	o := activeMQ().options()
	o.URLs = []string{p.url}

	require.ErrorContains(t, Probe(t.Context(), o, p.url), "ca_file", "the system's roots do not know it")
	require.ErrorContains(t, Probe(t.Context(), o, "tcp"+p.url[len("ssl"):]), "not STOMP")
	soon, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	// ActiveMQ waits for more, or takes a part of the greeting for a frame.
	require.Regexp(t, "no TLS|no answer", Probe(soon, o, "ssl://"+shared.STOMP).Error())

	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	o.TLS = &tls.Config{RootCAs: roots}
	require.NoError(t, Probe(t.Context(), o, p.url))
	b := run(t, create(t, o))
	b.command(t, client(t, activeMQ()), "over TLS", "")
	require.Equal(t, "over TLS", next(t, b.got).Type)
}

// What is wrong with the certificates is said as precisely as for Finesse.
func TestWhatIsWrongWithTheBrokersCertificate(t *testing.T) {
	t.Parallel()
	usual := servertest.Certificate(t, nil)
	alone := servertest.Certificate(t, servertest.CommonNameAlone)
	expired := servertest.Certificate(t, servertest.Expired)
	for _, c := range []struct {
		server  *tls.Config
		host    string
		trusted tls.Certificate
		class   string // "" where all is well
	}{
		{&tls.Config{Certificates: []tls.Certificate{usual}}, "localhost", usual, ""},
		{&tls.Config{Certificates: []tls.Certificate{alone}}, "localhost", alone, ""},
		{&tls.Config{Certificates: []tls.Certificate{alone}}, "localhost", usual, "certificate with a common name alone"},
		{&tls.Config{Certificates: []tls.Certificate{usual}}, "127.0.0.2", usual, "certificate for another name"},
		{&tls.Config{Certificates: []tls.Certificate{usual}}, "localhost", alone, "unknown CA"},
		{&tls.Config{Certificates: []tls.Certificate{expired}}, "localhost", expired, "certificate expired"},
		{&tls.Config{Certificates: []tls.Certificate{usual}, ClientAuth: tls.RequireAnyClientCert}, "localhost", usual, "client certificate asked for"},
		{&tls.Config{Certificates: []tls.Certificate{usual}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, "localhost", usual, "TLS refused"},
		{&tls.Config{Certificates: []tls.Certificate{usual}, MaxVersion: tls.VersionTLS11}, "localhost", usual, "TLS refused"},
	} {
		t.Run(c.class, func(t *testing.T) {
			l, err := net.Listen("tcp", "0.0.0.0:0")
			require.NoError(t, err)
			newProxy(t, tls.NewListener(l, c.server), "ssl", shared.STOMP)
			_, port, err := net.SplitHostPort(l.Addr().String())
			require.NoError(t, err)
			o := activeMQ().options()
			o.URLs = []string{"ssl://" + net.JoinHostPort(c.host, port)}
			o.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
			o.TLS.RootCAs.AddCert(c.trusted.Leaf)
			err = Probe(t.Context(), o, o.URLs[0])
			if c.class == "" {
				require.NoError(t, err)
				return
			}
			var known *trouble.Error
			require.ErrorAs(t, err, &known)
			require.Equal(t, c.class, known.Class, "%v", err)
		})
	}
}

func TestAFrozenBrokerIsNoticed(t *testing.T) {
	t.Parallel()
	a := servertest.StartActiveMQ(t)
	o := server{url: a.URL(), javaText: true}.options()
	o.Heartbeat = 300 * time.Millisecond
	b := run(t, create(t, o))
	thaw := a.Freeze()
	defer thaw()
	require.Eventually(t, func() bool { return !b.Status().Consuming }, patience, 5*time.Millisecond)
	require.NotEmpty(t, b.Status().LastError)
	thaw()
	b.waitConsuming(t)
	require.Empty(t, b.Status().LastError)
}

func TestARestartedBrokerIsFoundAgain(t *testing.T) {
	t.Parallel()
	a := servertest.StartActiveMQ(t)
	s := server{url: a.URL(), javaText: true}
	changes := make(chan Status, 1000)
	o := s.options()
	o.Changed = func(s Status) { changes <- s }
	b := run(t, create(t, o))
	require.True(t, next(t, changes).Consuming)
	require.Equal(t, a.URL(), b.Status().URL)
	since := b.Status().Since

	a.Kill()
	require.Eventually(t, func() bool { return !b.Status().Consuming }, patience, 5*time.Millisecond)
	require.True(t, b.Status().Since.After(since))
	require.Empty(t, b.Status().URL)
	b.Publish(Message{Destination: "/queue/answers", Body: "kept"})
	require.NoError(t, a.Start())
	b.waitConsuming(t)
	require.Equal(t, "kept", next(t, subscribe(t, client(t, s), "/queue/answers")).Body)
	b.command(t, client(t, s), "back", "")
	require.Equal(t, "back", next(t, b.got).Type)
}
