package e2e

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker/embedded"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/ops"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// readiness is what /readyz says.
func (c *connector) readiness() (status int, r ops.Readiness) {
	c.t.Helper()
	status, body := c.get("/readyz")
	require.NoError(c.t, json.Unmarshal([]byte(body), &r), body)
	return status, r
}

// says waits for a line in the log that has all parts in it.
func (c *connector) says(parts ...string) {
	c.t.Helper()
	eventually(c.t, func() bool { return c.log.count(parts...) > 0 }, "the log says", parts)
}

// cannotConsume is how ready the connector is once its connection for commands, which
// need not be the first to fail, does not come about for the cause given.
func (c *connector) cannotConsume(cause string) (status int, r ops.Readiness) {
	c.t.Helper()
	eventually(c.t, func() bool {
		status, r = c.readiness()
		return r.Broker.Class == cause
	}, "the cause is", cause)
	return status, r
}

// builtInAt makes a broker at an address that a connector was given before.
func builtInAt(t *testing.T, addr, username, password string) *embedded.Broker {
	t.Helper()
	b, err := embedded.Start(embedded.Options{Listen: addr, Username: username, Password: gc.NewSecret(password)})
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b
}

// closedDoor is an address where nothing listens until it is opened.
func closedDoor(t *testing.T) *servertest.Proxy {
	t.Helper()
	p := servertest.NewProxy(t, "")
	p.Refuse()
	return p
}

// opened leads who knocks to a server, instead of the one before.
func opened(door *servertest.Proxy, server string) {
	door.To(server)
	door.Cut()
	door.Heal()
}

func TestBrokerIsAwayAtTheStart(t *testing.T) {
	t.Parallel()
	d := closedDoor(t)
	f := startFinesse(t)
	c := launch(t, f, configuration(t, brokerServer{url: "tcp://" + d.Addr()}, f))
	c.says("no connection to the broker", "nothing listens", "correct the port in broker.urls", "or start the broker")
	status, r := c.cannotConsume("nothing listens")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, ops.Down, r.Broker.State)
	require.Equal(t, ops.Up, r.Nodes[0].REST)

	opened(d, shared.STOMP)
	c.waitConsuming()
	status, r = c.readiness()
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, ops.BrokerState{State: ops.Up, Consuming: true, URL: "tcp://" + d.Addr()}, r.Broker)
	newDriver(c, "crm").signIn("1001", "2001")
}

// A wrong password is tried again after 30 s.
func TestBrokerRefusesThePasswordAtTheStart(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 30 s")
	}
	t.Parallel()
	one := builtInAt(t, servertest.FreeAddress(t), "connector", "old")
	f := startFinesse(t)
	c := launch(t, f, configuration(t, brokerServer{url: "tcp://" + one.Addr()}, f), func(c *config.Config) {
		c.Broker.Username, c.Broker.Password = "connector", gc.NewSecret("new")
	})
	c.says("no connection to the broker", "login refused", "correct broker.username and broker.password_file")
	status, r := c.cannotConsume("login refused")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, ops.Down, r.Broker.State)

	one.Close()
	builtInAt(t, one.Addr(), "connector", "new")
	eventuallyWithin(t, 2*patience, func() bool { status, _ := c.readiness(); return status == http.StatusOK })
}

// What is wrong with Finesse's certificate is said; one that names its host in the common
// name alone is taken where it is trusted itself.
func TestWhatIsWrongWithFinessesCertificate(t *testing.T) {
	t.Parallel()
	for kind, says := range map[simulator.Certificate][]string{
		simulator.ExpiredSince:    {"certificate expired", "renew the certificate, or set the clock of this host"},
		simulator.OtherName:       {"certificate for another name", "use the name in the certificate in finesse.nodes"},
		simulator.ClientsAsked:    {"client certificate asked for", "let Finesse ask clients for a password alone"},
		simulator.CommonNameAlone: {"certificate with a common name alone", "subjectAltName, or put this very certificate into finesse.ca_file"},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f := startFinesse(t, func(o *simulator.Options) { o.Certificate = kind })
			conf := configuration(t, builtIn(), f)
			conf.Finesse.Nodes[0].REST = strings.Replace(f.RESTURL(), "127.0.0.1", "localhost", 1)
			conf.Finesse.Nodes[0].Notify = strings.Replace(f.NotifyURL(), "127.0.0.1", "localhost", 1)
			if kind == simulator.CommonNameAlone {
				c := launch(t, f, conf)
				c.waitConsuming()
				newDriver(c, "crm").begin("text")
				other := servertest.Certificate(t, nil)
				conf.Finesse.CAFile = filepath.Join(t.TempDir(), "other.pem")
				require.NoError(t, os.WriteFile(conf.Finesse.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: other.Leaf.Raw}), 0o600))
			}
			c := launch(t, f, conf)
			c.waitConsuming()
			c.says(append(says, "finesse node cannot be used; the connector keeps trying")...)
		})
	}
}

func TestFinesseIsAwayAtTheStart(t *testing.T) {
	t.Parallel()
	notATrustedOne := httptest.NewUnstartedServer(http.NotFoundHandler())
	notATrustedOne.Config.ErrorLog = log.New(io.Discard, "", 0)
	notATrustedOne.StartTLS()
	t.Cleanup(notATrustedOne.Close)
	untrusted, err := url.Parse(notATrustedOne.URL)
	require.NoError(t, err)
	for _, k := range []struct {
		rule, server string // "" is none
		says         []string
	}{
		{"nothing listens", "", []string{"connection refused", "correct the port in finesse.nodes", "or start Finesse"}},
		{"the certificate is not trusted", untrusted.Host, []string{"unknown CA", "add the CA of the certificate to finesse.ca_file"}},
	} {
		t.Run(k.rule, func(t *testing.T) {
			t.Parallel()
			door := closedDoor(t)
			if k.server != "" {
				opened(door, k.server)
			}
			f := startFinesse(t)
			conf := configuration(t, builtIn(), f)
			conf.Finesse.Nodes[0].REST = "https://" + door.Addr()
			c := launch(t, f, conf)
			c.waitConsuming()
			d := newDriver(c, "crm")
			d.send("system/Hello#" + d.destination)
			d.expect("system\tSystem#OUT_OF_SERVICE")
			c.says(append(k.says, "finesse node cannot be used; the connector keeps trying")...)
			status, r := c.readiness()
			require.Equal(t, http.StatusOK, status, "commands are taken, and answered that Finesse is away")
			require.Equal(t, ops.Down, r.Nodes[0].REST)
			d.send("agent_info/Connect#1001 " + d.destination + ",secret")
			d.expect("agent_error\t1001#Error#DOWN")

			address, err := url.Parse(f.RESTURL())
			require.NoError(t, err)
			opened(door, address.Host)
			d.expect("system\tSystem#IN_SERVICE")
			_, r = c.readiness()
			require.Equal(t, ops.Up, r.Nodes[0].REST)
			d.signIn("1001", "2001")
		})
	}
}

func TestNotificationServiceIsAwayAtTheStart(t *testing.T) {
	t.Parallel()
	door := closedDoor(t)
	f := startFinesse(t)
	conf := configuration(t, builtIn(), f)
	conf.Finesse.Nodes[0].Notify = "xmpps://" + door.Addr()
	c := launch(t, f, conf)
	c.waitConsuming()
	d := newDriver(c, "crm")
	d.send("agent_info/Connect#1001 " + d.destination + ",secret")
	d.expect("agent_error\t1001#Error#UNABLE_TO_SUBSCRIBE_TO_FINESSE")
	c.says("notification service cannot be used", door.Addr(), "connection refused", "correct the port in finesse.nodes")
	_, r := c.readiness()
	require.Equal(t, ops.Down, r.Nodes[0].Notifications)
	require.Equal(t, ops.Up, r.Nodes[0].REST)

	address, err := url.Parse(f.NotifyURL())
	require.NoError(t, err)
	opened(door, address.Host)
	d.signIn("1001", "2001")
	_, r = c.readiness()
	require.Equal(t, ops.Up, r.Nodes[0].Notifications)
}

// The stream of an agent who works is lost with its port and comes back by
// itself; what changed meanwhile is told once.
func TestNotificationPortIsClosedForAWhile(t *testing.T) {
	t.Parallel()
	door := closedDoor(t)
	f := startFinesse(t)
	conf := configuration(t, builtIn(), f)
	conf.Finesse.Nodes[0].Notify = "xmpps://" + door.Addr()
	address, err := url.Parse(f.NotifyURL())
	require.NoError(t, err)
	opened(door, address.Host)
	c := launch(t, f, conf)
	c.waitConsuming()
	d := newDriver(c, "crm")
	d.signIn("1001", "2001")
	d.send("agent_state/MakeReady#1001")
	d.expect("agent_state\t1001#State#READY##Ada Lovelace")

	door.Refuse()
	door.Cut()
	c.says("notification stream lost; reconnecting")
	id := string(c.call("1001"))
	eventually(t, func() bool { return len(c.agent("1001").Calls) == 1 }, "it rings")
	opened(door, address.Host)
	d.expect("agent_state\t1001#State#RESERVED##Ada Lovelace")
	require.Equal(t, "NewInboundCall#4085551234", said(d.next().Body))
	require.Equal(t, "InboundCall#ALERTING", said(d.next().Body))
	d.send("agent_call/AnswerCall#1001 " + id)
	d.until("State#TALKING")
	require.Empty(t, d.hears("1001"))
}

func TestBrokerIsRestartedUnderASignedInAgent(t *testing.T) {
	t.Parallel()
	a := servertest.StartActiveMQ(t)
	c := start(t, brokerServer{url: a.URL()})
	before := newDriver(c, "crm")
	before.signIn("1001", "2001")
	a.Stop()
	eventually(t, func() bool { status, _ := c.readiness(); return status == http.StatusServiceUnavailable })
	require.NoError(t, a.Start())
	eventually(t, func() bool { status, _ := c.readiness(); return status == http.StatusOK })

	d := newDriverAt(c, "/topic/"+before.destination)
	d.send("agent_state/MakeReady#1001")
	d.until("State#READY")
	c.call("1001")
	id := d.untilCall(gc.Alerting)
	d.send("agent_call/AnswerCall#1001 " + id)
	d.until("State#TALKING")
	d.send("agent_call/ReleaseCall#1001 " + id)
	d.until("State#READY")
	require.Empty(t, d.hears("1001"))
}
