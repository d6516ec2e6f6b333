package check_test

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker/embedded"
	"github.com/finesse-connector/finesse-connector/internal/check"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// twoNodes returns a configuration with two simulated Finesse nodes that do not
// know each other, both trusted, and a broker.
func twoNodes(t *testing.T) (*config.Config, [2]*simulator.Simulator) {
	t.Helper()
	b, err := embedded.Start(embedded.Options{Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(b.Close)
	c := config.Default()
	c.Broker.URLs = []string{"tcp://" + b.Addr()}
	c.Finesse.RequestTimeout = 2 * time.Second
	var nodes [2]*simulator.Simulator
	var certificates []byte
	for i := range nodes {
		nodes[i], err = simulator.Start(simulator.Options{MaxDelay: simulator.NoDelay})
		require.NoError(t, err)
		t.Cleanup(nodes[i].Close)
		certificates = append(certificates, nodes[i].CertificatePEM()...)
		c.Finesse.Nodes = append(c.Finesse.Nodes, config.Node{REST: nodes[i].RESTURL(), Notify: nodes[i].NotifyURL()})
	}
	c.Finesse.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(c.Finesse.CAFile, certificates, 0o600))
	return c, nodes
}

func TestACertificateWithACommonNameAlone(t *testing.T) {
	c, _ := twoNodes(t)
	s, err := simulator.Start(simulator.Options{Certificate: simulator.CommonNameAlone})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	atLocalhost := func(address string) string { return strings.Replace(address, "127.0.0.1", "localhost", 1) }
	c.Finesse.Nodes = []config.Node{{REST: atLocalhost(s.RESTURL()), Notify: atLocalhost(s.NotifyURL())}}
	var certificate check.Result
	hear := func(r check.Result) {
		if r.What == "certificate" {
			certificate = r
		}
	}
	check.Run(t.Context(), c, nil, hear)
	require.False(t, certificate.OK)
	require.Contains(t, certificate.Detail, "certificate with a common name alone")
	require.Contains(t, certificate.Next, "put this very certificate into finesse.ca_file")

	require.NoError(t, os.WriteFile(c.Finesse.CAFile, s.CertificatePEM(), 0o600))
	check.Run(t.Context(), c, nil, hear)
	require.True(t, certificate.OK, certificate.Detail)
	require.Contains(t, certificate.Detail, "by its common name alone")
}

func credentials(password string) *finesse.Credentials {
	return &finesse.Credentials{Agent: "1001", Password: gc.NewSecret(password)}
}

// checked returns "ok what" or "failed what" for each result, and the last one.
func checked(ctx context.Context, c *config.Config, who *finesse.Credentials) (verdicts []string, last check.Result) {
	check.Run(ctx, c, who, func(r check.Result) {
		verdict := "failed "
		if r.OK {
			verdict = "ok "
		}
		verdicts, last = append(verdicts, verdict+r.What), r
	})
	return verdicts, last
}

func TestEveryPartIsChecked(t *testing.T) {
	c, _ := twoNodes(t)
	got, _ := checked(t.Context(), c, credentials("secret"))
	require.Equal(t, []string{
		"ok broker",
		"ok certificate", "ok rest", "ok notifications", "ok login", "ok subscription",
		"ok certificate", "ok rest", "ok notifications", "ok login", "ok subscription",
	}, got)
}

func TestHowAgentsSignInIsShown(t *testing.T) {
	c, _ := twoNodes(t)
	s, err := simulator.Start(simulator.Options{MaxDelay: simulator.NoDelay, SSO: true})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	require.NoError(t, os.WriteFile(c.Finesse.CAFile, append(s.CertificatePEM(), readFile(t, c.Finesse.CAFile)...), 0o600))
	c.Finesse.Nodes = append(c.Finesse.Nodes[:1], config.Node{REST: s.RESTURL(), Notify: s.NotifyURL()})
	token, err := gc.NewToken("secret:1001:1")
	require.NoError(t, err)
	var rest, verdicts []string
	check.Run(t.Context(), c, &finesse.Credentials{Agent: "1001", Password: token}, func(r check.Result) {
		if r.What == "rest" {
			rest = append(rest, r.Detail)
		}
		if r.Target == s.RESTURL() || r.Target == s.NotifyURL() {
			verdicts = append(verdicts, r.What)
			require.Equal(t, r.What != "login", r.OK, r.Detail) // node a has refused the token
		}
	})
	require.Equal(t, []string{"IN_SERVICE UCCE, systemAuthMode NON_SSO", "IN_SERVICE UCCE, systemAuthMode SSO"}, rest)
	require.Contains(t, verdicts, "login")

	c.Finesse.Nodes = c.Finesse.Nodes[1:]
	got, _ := checked(t.Context(), c, &finesse.Credentials{Agent: "1001", Password: token})
	require.Equal(t, []string{"ok broker", "ok certificate", "ok rest", "ok notifications", "ok login", "ok subscription"}, got)
}

func readFile(t *testing.T, name string) []byte {
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return text
}

func TestARefusedPasswordIsNotTriedAtTheOtherNode(t *testing.T) {
	c, _ := twoNodes(t)
	got, last := checked(t.Context(), c, credentials("canary"))
	require.Equal(t, []string{
		"ok broker",
		"ok certificate", "ok rest", "ok notifications", "failed login",
		"ok certificate", "ok rest", "ok notifications", "failed login",
	}, got)
	require.Equal(t, "not tried: the password was refused before", last.Detail)

	// Five refusals lock an account, and there was one.
	c.Finesse.Nodes = c.Finesse.Nodes[:1]
	for range 3 {
		checked(t.Context(), c, credentials("canary"))
	}
	got, _ = checked(t.Context(), c, credentials("secret"))
	require.Contains(t, got, "ok login")
}

func TestALockedAccountIsExplained(t *testing.T) {
	c, _ := twoNodes(t)
	c.Finesse.Nodes = c.Finesse.Nodes[:1]
	for range 5 {
		checked(t.Context(), c, credentials("canary"))
	}
	_, last := checked(t.Context(), c, credentials("secret"))
	require.Equal(t, "login", last.What)
	require.False(t, last.OK)
	require.Equal(t, "wait five minutes, then try the right password", last.Next)
}

func TestAFailedCheckNamesTheNextStep(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer plain.Close()
	go func() {
		for {
			conn, err := plain.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("hello\n"))
			_ = conn.Close()
		}
	}()
	port := plain.Addr().String()
	for rule, test := range map[string]struct {
		change func(*config.Config, *simulator.Simulator)
		what   string
		next   string
	}{
		"Finesse is out of service": {func(_ *config.Config, s *simulator.Simulator) { s.SetStatus(gc.OutOfService) },
			"rest", "see Finesse's services (Tomcat, CTI) and its log"},
		"nothing listens for REST": {func(c *config.Config, _ *simulator.Simulator) { c.Finesse.Nodes[0].REST = "https://127.0.0.1:1" },
			"certificate", "correct the port in finesse.nodes (REST 8445, notifications 5223), or start Finesse"},
		"nothing listens for plain notifications": {func(c *config.Config, _ *simulator.Simulator) { c.Finesse.Nodes[0].Notify = "xmpp://127.0.0.1:1" },
			"notifications", "correct the port in finesse.nodes (REST 8445, notifications 5223), or start Finesse"},
		"nothing listens for notifications in clear": {func(c *config.Config, _ *simulator.Simulator) { c.Finesse.Nodes[0].Notify = "xmpp+plain://127.0.0.1:1" },
			"notifications", "correct the port in finesse.nodes (REST 8445, notifications 5223), or start Finesse"},
		"the notification service offers no TLS": {func(c *config.Config, _ *simulator.Simulator) { c.Finesse.Nodes[0].Notify = "xmpp://" + withoutTLS(t) },
			"notifications", "turn on TLS at the notification service, or use xmpps:// or wss:// in finesse.nodes; xmpp+plain:// is for a lab"},
		"the port speaks no TLS": {func(c *config.Config, _ *simulator.Simulator) { c.Finesse.Nodes[0].Notify = "xmpps://" + port },
			"notifications", "correct port and scheme: what listens there does not speak TLS"},
		"the certificate is for another name": {func(c *config.Config, s *simulator.Simulator) {
			c.Finesse.Nodes[0].REST = "https://" + relay(t, "127.0.0.2:0", s.RESTURL()[len("https://"):])
		}, "certificate", "use the name in the certificate in finesse.nodes"},
		"the CA file went away": {func(c *config.Config, _ *simulator.Simulator) { c.Finesse.CAFile = "none.pem" },
			"certificate", "correct finesse.ca_file"},
		"the broker's address speaks another protocol": {func(c *config.Config, _ *simulator.Simulator) { c.Broker.URLs = []string{"tcp://" + port} },
			"broker", "use the port of the stomp connector (61613 by default), not openwire's, and ssl:// if it is a TLS port"},
		"the broker's CA file went away": {func(c *config.Config, _ *simulator.Simulator) { c.Broker.CAFile = "none.pem" },
			"broker", "correct broker.ca_file"},
		"the built-in broker cannot listen": {func(c *config.Config, _ *simulator.Simulator) { c.Broker.Embedded = port },
			"broker", "stop what listens there, unless it is the connector itself, or change broker.embedded"},
	} {
		t.Run(rule, func(t *testing.T) {
			c, nodes := twoNodes(t)
			c.Finesse.Nodes = c.Finesse.Nodes[:1]
			test.change(c, nodes[0])
			var failed []check.Result
			check.Run(t.Context(), c, nil, func(r check.Result) {
				if !r.OK {
					failed = append(failed, r)
				}
			})
			require.Len(t, failed, 1)
			require.Equal(t, test.what, failed[0].What)
			require.Equal(t, test.next, failed[0].Next)
			require.NotEmpty(t, failed[0].Detail)
		})
	}
}

// withoutTLS starts an XMPP server without TLS and returns its address.
func withoutTLS(t *testing.T) (address string) {
	t.Helper()
	return serveFirst(t, "127.0.0.1:0", func(conn net.Conn, _ *sync.WaitGroup) {
		_, _ = io.WriteString(conn, "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'><stream:features>"+
			"<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>")
		_, _ = io.Copy(io.Discard, conn)
	})
}

// relay passes the first connection to listen on to the address to.
func relay(t *testing.T, listen, to string) (address string) {
	t.Helper()
	return serveFirst(t, listen, func(in net.Conn, running *sync.WaitGroup) {
		out, err := net.Dial("tcp", to)
		if err != nil {
			return
		}
		defer out.Close()
		running.Go(func() { _, _ = io.Copy(out, in); _ = out.(*net.TCPConn).CloseWrite() })
		_, _ = io.Copy(in, out)
	})
}

// serveFirst calls handle for the first connection to listen, and closes it
// when handle returns. It also waits for what handle starts in running.
func serveFirst(t *testing.T, listen string, handle func(c net.Conn, running *sync.WaitGroup)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", listen)
	require.NoError(t, err)
	var running sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		running.Wait()
	})
	running.Go(func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		handle(c, &running)
	})
	return l.Addr().String()
}

func TestTheBuiltInBrokersAddressIsChecked(t *testing.T) {
	c, _ := twoNodes(t)
	c.Finesse.Nodes = nil
	c.Broker.Embedded = "127.0.0.1:0"
	got, _ := checked(t.Context(), c, nil)
	require.Equal(t, []string{"ok broker"}, got)
}

func TestChecksEndWithTheirContext(t *testing.T) {
	c, _ := twoNodes(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, _ := checked(ctx, c, nil)
	require.Equal(t, []string{"failed broker"}, got)
}
