package servertest

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/xml"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	xmppDomain     = "finesse.test"
	xmppAdmin      = "admin"
	xmppStartLimit = 20 * time.Second
	xmppStopLimit  = 5 * time.Second
)

// XMPPServer is a Prosody process that plays the notification service of a
// Finesse node: PLAIN only, real passwords, pub/sub nodes named like
// /finesse/api/User/1001 to which an agent is subscribed without asking.
type XMPPServer struct {
	URL       string         // xmpps://127.0.0.1:port, TLS from the first byte
	Plain     string         // xmpp://127.0.0.1:port, STARTTLS required
	WebSocket string         // wss://127.0.0.1:port/xmpp-websocket
	CA        *x509.CertPool // what signed its certificate, which is for 127.0.0.1
	Domain    string         // of the agents; that of pub/sub is "pubsub." and this

	dir           string
	direct        string // host:port
	startTLS      string
	https         string
	adminPassword string
	command       *exec.Cmd
	exited        chan struct{}
	admin         *xmppAdminConn
	items         int
}

// XMPP starts a server that is stopped when the test ends; what it logged is
// shown if the test failed. The methods of the server are for the goroutine of
// the test.
func XMPP(t testing.TB) *XMPPServer {
	t.Helper()
	s := &XMPPServer{
		Domain: xmppDomain, dir: t.TempDir(), adminPassword: rand.Text(),
		direct: FreeAddress(t), startTLS: FreeAddress(t), https: FreeAddress(t),
	}
	s.URL, s.Plain, s.WebSocket = "xmpps://"+s.direct, "xmpp://"+s.startTLS, "wss://"+s.https+"/xmpp-websocket"
	s.CA = writeXMPPCertificate(t, s.dir)
	s.account(t, xmppAdmin, s.adminPassword)
	if err := os.WriteFile(filepath.Join(s.dir, "prosody.cfg.lua"), []byte(s.config()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop(t)
		if log, err := os.ReadFile(filepath.Join(s.dir, "log")); err == nil && t.Failed() {
			t.Logf("output of prosody:\n%s", log)
		}
	})
	s.Start(t)
	return s
}

func (s *XMPPServer) config() string {
	port := func(address string) string { _, p, _ := net.SplitHostPort(address); return p }
	return strings.NewReplacer("$DIR", s.dir, "$TLSPORT", port(s.direct), "$STARTTLS", port(s.startTLS), "$HTTPS", port(s.https),
		"$DOMAIN", s.Domain, "$ADMIN", xmppAdmin).Replace(`
daemonize = false
run_as_root = true
pidfile = "$DIR/prosody.pid"
data_path = "$DIR/data"
certificates = "$DIR"
interfaces = { "127.0.0.1" }
c2s_ports = { $STARTTLS }
c2s_direct_tls_ports = { $TLSPORT }
c2s_direct_tls_ssl = { key = "$DIR/key.pem", certificate = "$DIR/cert.pem" }
ssl = { key = "$DIR/key.pem", certificate = "$DIR/cert.pem" }
s2s_ports = { }
http_ports = { }
https_ports = { $HTTPS }
https_ssl = { key = "$DIR/key.pem", certificate = "$DIR/cert.pem" }
http_default_host = "$DOMAIN"
modules_enabled = { "saslauth", "tls", "disco", "ping", "roster", "websocket" }
modules_disabled = { "s2s", "s2s_auth_certs", "offline" }
c2s_require_encryption = true
authentication = "internal_plain"
disable_sasl_mechanisms = { "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS" }
storage = { accounts = "internal"; pubsub_nodes = "memory"; pubsub_data = "memory"; roster = "memory" }
log = { { levels = { min = "warn" }, to = "console" } }

VirtualHost "$DOMAIN"

Component "pubsub.$DOMAIN" "pubsub"
	admins = { "$ADMIN@$DOMAIN" }
`)
}

// Start runs the server and waits until it serves. After Stop it comes back at
// the same ports, with its accounts but without nodes and subscriptions.
func (s *XMPPServer) Start(t testing.TB) {
	t.Helper()
	binary, err := exec.LookPath("prosody")
	if err != nil {
		t.Fatalf("the tests need Prosody (\"make deps\" installs it): %v", err)
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() // the process has its own
	command := exec.Command(binary, "--config", filepath.Join(s.dir, "prosody.cfg.lua"), "-F")
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { // ends with the process
		defer close(exited)
		_ = command.Wait() // that it was stopped is no error
	}()
	s.command, s.exited = command, exited
	s.connectAdmin(t)
}

// connectAdmin tries until the server is up.
func (s *XMPPServer) connectAdmin(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), xmppStartLimit)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		admin, err := dialXMPPAdmin(ctx, s)
		if err == nil {
			s.admin = admin
			return
		}
		select {
		case <-poll.C:
		case <-s.exited:
			t.Fatalf("prosody ended while starting: %v", err)
		case <-ctx.Done():
			t.Fatalf("prosody does not serve: %v", err)
		}
	}
}

// Stop ends the process. It may be called again.
func (s *XMPPServer) Stop(t testing.TB) {
	t.Helper()
	if s.admin != nil {
		s.admin.close()
		s.admin = nil
	}
	if s.command == nil {
		return
	}
	_ = s.command.Process.Signal(syscall.SIGTERM) // it may have ended
	timer := time.NewTimer(xmppStopLimit)
	defer timer.Stop()
	select {
	case <-s.exited:
	case <-timer.C:
		_ = s.command.Process.Kill()
		<-s.exited
	}
	s.command = nil
}

// Freeze stops the process from doing anything while its connections stay
// open, as a machine that hangs does. Thaw lets it go on.
func (s *XMPPServer) Freeze(t testing.TB) { s.signal(t, syscall.SIGSTOP) }

// Thaw ends Freeze.
func (s *XMPPServer) Thaw(t testing.TB) { s.signal(t, syscall.SIGCONT) }

func (s *XMPPServer) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := s.command.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// XMPPNodes are the nodes an agent is subscribed to by Finesse.
func XMPPNodes(agent string) []string {
	return []string{"/finesse/api/User/" + agent, "/finesse/api/User/" + agent + "/Dialogs", "/finesse/api/SystemInfo"}
}

// SubscribeAgent gives the agent an account and subscribes it to the nodes of
// XMPPNodes. Node names have the id as it is, the account's has it escaped by
// XEP-0106, which the caller does.
func (s *XMPPServer) SubscribeAgent(t testing.TB, agent, account, password string) {
	t.Helper()
	s.account(t, account, password)
	for _, node := range XMPPNodes(agent) {
		s.admin.create(t, node)
		s.admin.request(t, fmt.Sprintf("<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><subscriptions node='%s'>"+
			"<subscription jid='%s@%s' subscription='subscribed'/></subscriptions></pubsub>",
			xmppEscape(node), xmppEscape(account), s.Domain))
	}
}

// CreateTeam creates the node of a team's users, to which nobody but these
// accounts may subscribe.
func (s *XMPPServer) CreateTeam(t testing.TB, team string, supervisors ...string) {
	t.Helper()
	node := "/finesse/api/Team/" + team + "/Users"
	s.admin.create(t, node)
	s.admin.request(t, fmt.Sprintf("<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><configure node='%s'>"+
		"<x xmlns='jabber:x:data' type='submit'>"+
		"<field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#node_config</value></field>"+
		"<field var='pubsub#access_model'><value>whitelist</value></field></x></configure></pubsub>", xmppEscape(node)))
	for _, supervisor := range supervisors {
		s.admin.request(t, fmt.Sprintf("<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><affiliations node='%s'>"+
			"<affiliation jid='%s@%s' affiliation='member'/></affiliations></pubsub>",
			xmppEscape(node), xmppEscape(supervisor), s.Domain))
	}
}

// Publish publishes an update at a node, escaped as Finesse does it, under a
// fresh item id.
func (s *XMPPServer) Publish(t testing.TB, node, update string) {
	t.Helper()
	s.items++
	s.PublishRaw(t, node, fmt.Sprintf("%s%d", s.adminPassword[:8], s.items),
		"<notification xmlns='http://jabber.org/protocol/pubsub'>"+xmppEscape(update)+"</notification>")
}

// PublishRaw publishes XML as the content of an item of that id. It returns
// when the server has sent it to the subscribers.
func (s *XMPPServer) PublishRaw(t testing.TB, node, item, content string) {
	t.Helper()
	s.admin.request(t, fmt.Sprintf("<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='%s'><item id='%s'>%s</item></publish></pubsub>",
		xmppEscape(node), xmppEscape(item), content))
}

var notAlphanumeric = regexp.MustCompile(`[^A-Za-z0-9]`)

// account writes the file Prosody looks a password up in at each login.
func (s *XMPPServer) account(t testing.TB, name, password string) {
	t.Helper()
	encode := func(n string) string {
		return notAlphanumeric.ReplaceAllStringFunc(n, func(c string) string { return fmt.Sprintf("%%%02x", c[0]) })
	}
	dir := filepath.Join(s.dir, "data", encode(s.Domain), "accounts")
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		text := fmt.Sprintf("return { [\"password\"] = %q };\n", password)
		err = os.WriteFile(filepath.Join(dir, encode(name)+".dat"), []byte(text), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func xmppEscape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}
