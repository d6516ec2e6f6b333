package notify

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// server is a notification service the suite can be run against. Its agents
// are 1001 to 1020 and the supervisor 2001, who leads team 1; their password is
// "secret".
type server struct {
	url, startTLS string // startTLS is "" where there is none
	ca            *x509.CertPool
	domain        string
	// publishAt sends an update to a node.
	publishAt func(t testing.TB, node, update string)
}

// publish sends an update about the agent to its own node.
func (s server) publish(t testing.TB, agent gc.AgentID, update string) {
	own := strings.NewReplacer("<loginId>1001<", "<loginId>"+string(agent)+"<", "/User/1001<", "/User/"+string(agent)+"<")
	s.publishAt(t, "/finesse/api/User/"+string(agent), own.Replace(update))
}

const suiteAgents = 20

func suiteAgent(i int) gc.AgentID { return gc.AgentID(fmt.Sprint(1001 + i)) }

func (s server) account(agent gc.AgentID) Account {
	return Account{Credentials: finesse.Credentials{Agent: agent, Password: gc.NewSecret("secret")}, Domain: s.domain}
}

func (s server) options() Options {
	return Options{URL: s.url, TLS: &tls.Config{RootCAs: s.ca}, PingInterval: 100 * time.Millisecond, DeadAfter: 2 * time.Second}
}

func (s server) dial(t *testing.T, d *Dialer, agent gc.AgentID) *Stream {
	t.Helper()
	stream, err := d.Dial(t.Context(), s.account(agent))
	require.NoError(t, err)
	t.Cleanup(func() { stream.Close(); drain(t, stream) })
	return stream
}

// onProsody starts a server with the agents of the suite.
func onProsody(t *testing.T) (*servertest.XMPPServer, server) {
	x := servertest.XMPP(t)
	for i := range suiteAgents {
		agent := string(suiteAgent(i))
		x.SubscribeAgent(t, agent, agent, "secret")
	}
	x.SubscribeAgent(t, supervisor, supervisor, "secret")
	x.CreateTeam(t, team, supervisor)
	return x, server{url: x.URL, startTLS: x.Plain, ca: x.CA, domain: x.Domain, publishAt: x.Publish}
}

func TestProsody(t *testing.T) {
	_, s := onProsody(t)
	suite(t, s)
	teamSuite(t, s)
}

func TestProsodyOverWebSocket(t *testing.T) {
	x, s := onProsody(t)
	s.url, s.startTLS = x.WebSocket, ""
	suite(t, s)
	teamSuite(t, s)
}

// TestSimulator keeps the simulated Finesse from drifting away from a real XMPP
// server.
func TestSimulator(t *testing.T) {
	sim, err := simulator.Start(simulator.Options{Logger: zap.NewNop()})
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	ca := x509.NewCertPool()
	require.True(t, ca.AppendCertsFromPEM(sim.CertificatePEM()))
	s := server{url: sim.NotifyURL(), ca: ca, domain: sim.Domain(), publishAt: func(_ testing.TB, node, update string) {
		sim.Publish(node, []byte(update))
	}}
	suite(t, s)
	teamSuite(t, s)
}

func suite(t *testing.T, s server) {
	t.Run("updates published once Dial has returned come, in order", func(t *testing.T) {
		stream := s.dial(t, newDialer(t, s.options()), "1001")
		for i := range 50 {
			s.publish(t, "1001", readyUpdate(fmt.Sprint(i)))
		}
		for i := range 50 {
			require.EqualValues(t, fmt.Sprint(i), next(t, stream).RequestID)
		}
	})
	t.Run("a wrong password is told from other failures", func(t *testing.T) {
		a := s.account("1002")
		a.Password = gc.NewSecret("wrong")
		_, err := newDialer(t, s.options()).Dial(t.Context(), a)
		require.Equal(t, gc.SubscriptionFailed, gc.CodeOf(err))
		require.NotContains(t, err.Error(), "wrong")
	})
	t.Run("an unknown agent is refused", func(t *testing.T) {
		_, err := newDialer(t, s.options()).Dial(t.Context(), s.account("9999"))
		require.Equal(t, gc.SubscriptionFailed, gc.CodeOf(err))
	})
	t.Run("a certificate that is not trusted is no connection", func(t *testing.T) {
		o := s.options()
		o.TLS = nil
		_, err := newDialer(t, o).Dial(t.Context(), s.account("1001"))
		require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
		require.ErrorContains(t, err, "unknown authority")
	})
	t.Run("STARTTLS", func(t *testing.T) {
		if s.startTLS == "" {
			return
		}
		o := s.options()
		o.URL = s.startTLS
		stream := s.dial(t, newDialer(t, o), "1003")
		require.IsType(t, &tls.Conn{}, stream.wire.Conn)
		s.publish(t, "1003", readyUpdate("encrypted"))
		require.EqualValues(t, "encrypted", next(t, stream).RequestID)
	})
	t.Run("text survives both layers of XML", func(t *testing.T) {
		stream := s.dial(t, newDialer(t, s.options()), "1004")
		const name = `R&D <"Zoë" 'Ли' 한국 🎧 &amp; ]]>`
		s.publish(t, "1004", "<Update><data><user><loginId>1004</loginId><teamName>"+escapeText(name)+"</teamName></user></data><event>PUT</event></Update>")
		require.Equal(t, name, next(t, stream).User.TeamName)
	})
	t.Run("each agent gets its own updates, all agents at once", func(t *testing.T) {
		d := newDialer(t, s.options())
		streams := make([]*Stream, suiteAgents)
		var dials sync.WaitGroup
		for i := range streams {
			dials.Go(func() {
				stream, err := d.Dial(t.Context(), s.account(suiteAgent(i)))
				if err == nil {
					streams[i] = stream
				}
			})
		}
		dials.Wait()
		for i, stream := range streams {
			require.NotNil(t, stream)
			defer func() { stream.Close(); drain(t, stream) }()
			s.publish(t, suiteAgent(i), readyUpdate(string(suiteAgent(i))))
		}
		for i, stream := range streams {
			require.EqualValues(t, suiteAgent(i), next(t, stream).RequestID)
		}
	})
	t.Run("a stream on which nothing happens stays", func(t *testing.T) {
		o := s.options()
		o.DeadAfter = 300 * time.Millisecond
		stream := s.dial(t, newDialer(t, o), "1005")
		select {
		case <-stream.Updates():
			require.Fail(t, "lost", "%v", stream.Err())
		case <-time.After(4 * o.DeadAfter):
		}
		s.publish(t, "1005", readyUpdate("still here"))
		require.EqualValues(t, "still here", next(t, stream).RequestID)
	})
	t.Run("what cannot be read does not end the stream", func(t *testing.T) {
		stream := s.dial(t, newDialer(t, s.options()), "1006")
		s.publish(t, "1006", "<Update><data><user>")
		s.publish(t, "1006", readyUpdate("next"))
		require.EqualValues(t, "next", next(t, stream).RequestID)
	})
	t.Run("a new stream of the same dialer replaces the old one", func(t *testing.T) {
		d := newDialer(t, s.options())
		old := s.dial(t, d, "1007")
		fresh := s.dial(t, d, "1007")
		require.Error(t, requireLost(t, old))
		s.publish(t, "1007", readyUpdate("fresh"))
		require.EqualValues(t, "fresh", next(t, fresh).RequestID)
	})
	t.Run("after Close there is no error, and dialling again works", func(t *testing.T) {
		d := newDialer(t, s.options())
		for range 3 {
			stream := s.dial(t, d, "1008")
			stream.Close()
			drain(t, stream)
			require.NoError(t, stream.Err())
		}
	})
	t.Run("a proxy of the environment is not used", func(t *testing.T) {
		t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
		t.Setenv("NO_PROXY", "")
		t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
		s.dial(t, newDialer(t, s.options()), "1009")
	})
	t.Run("dialers of two nodes share metrics", func(t *testing.T) {
		o := s.options()
		o.Registerer = prometheus.NewRegistry()
		first, second := newDialer(t, o), newDialer(t, o)
		require.Same(t, first.metrics.updates, second.metrics.updates)
	})
}

func TestAServerThatIsKilledLosesItsStreamsAndTakesNewOnesWhenBack(t *testing.T) {
	x, s := onProsody(t)
	d := newDialer(t, s.options())
	stream := s.dial(t, d, "1001")
	x.Stop(t)
	requireLost(t, stream)

	_, err := d.Dial(t.Context(), s.account("1001"))
	require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
	x.Start(t)
	x.SubscribeAgent(t, "1001", "1001", "secret")
	again := s.dial(t, d, "1001")
	s.publish(t, "1001", readyUpdate("back"))
	require.EqualValues(t, "back", next(t, again).RequestID)
}

func TestAServerThatHangsIsFoundDead(t *testing.T) {
	x, s := onProsody(t)
	o := s.options()
	o.DeadAfter, o.ConnectTimeout = 400*time.Millisecond, 300*time.Millisecond
	d := newDialer(t, o)
	stream := s.dial(t, d, "1001")
	x.Freeze(t)
	require.ErrorContains(t, requireLost(t, stream), "no sign of life")
	_, err := d.Dial(t.Context(), s.account("1001"))
	require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
	x.Thaw(t)
	s.dial(t, d, "1001")
}

func TestAnAgentWithSpecialCharacters(t *testing.T) {
	x, s := onProsody(t)
	const agent = gc.AgentID("jo.o'neil@corp")
	x.SubscribeAgent(t, string(agent), `jo.o\27neil\40corp`, "secret")
	stream := s.dial(t, newDialer(t, s.options()), agent)
	s.publish(t, agent, readyUpdate("special"))
	require.EqualValues(t, "special", next(t, stream).RequestID)
}
