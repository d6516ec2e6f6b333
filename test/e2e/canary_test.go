package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// Passwords with what log formats, XML, URLs and STOMP escape.
const (
	agentSecret  = `Canary pä$$"w<&>ord'%41\#x`
	wrongSecret  = `Magpie pä$$"w<&>ord'%41\#x`
	brokerSecret = `Parrot:pä$$"w<&>ord'%41\x`
	// nameSecret could be the name of a destination, a number or a login id.
	nameSecret = `Wren!s3cret`
)

// Nothing the connector writes has a password in it, in any form, at any
// level, whatever goes wrong.
func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	b := builtInAt(t, "127.0.0.1:0", "connector", brokerSecret)
	f := startFinesse(t, func(o *simulator.Options) { o.Password = gc.NewSecret(agentSecret) })
	c := launch(t, f, configuration(t, brokerServer{url: "tcp://" + b.Addr()}, f), func(c *config.Config) {
		c.Broker.Username, c.Broker.Password = "connector", gc.NewSecret(brokerSecret)
		c.Finesse.Admin = config.Admin{Username: "admin", Password: gc.NewSecret(wrongSecret)}
		c.Messages.Deprecated, c.Messages.StatusBar = true, true
		c.Cluster.Plaintext = true
		c.Capture.File = filepath.Join(t.TempDir(), "capture.jsonl")
	})
	c.waitConsuming()
	d := newDriver(c, "crm")
	d.password = agentSecret
	mainJob(c, d, "text")
	d.signIn("1004", "2004")
	mistakes(c, d)
	wren := newDriverAt(c, "/topic/"+nameSecret)
	misplaced(c, d)
	require.Empty(t, wren.got, "no topic is called like a password")
	troubles(c, d)

	var written strings.Builder
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		_, body := c.get(path)
		written.WriteString(body)
	}
	c.stop()
	written.WriteString(c.log.String())
	written.WriteString(strings.Join(events(d.conversation()), "\n"))
	captured, err := os.ReadFile(c.config.Capture.File)
	require.NoError(t, err)
	written.Write(captured)
	require.Contains(t, written.String(), `"command received"`, "the log is at debug level")
	for _, hidden := range []string{`"crm`, `,[secret 1]"`, `"[secret 1],2001"`, "AgentState#1001#[secret 1]#2001#"} {
		require.Contains(t, string(captured), hidden)
	}
	for _, secret := range []string{agentSecret, wrongSecret, brokerSecret, nameSecret} {
		for _, form := range formsOf(secret) {
			before, _, found := strings.Cut(written.String(), form)
			require.False(t, found, "%s as %s, behind %s", secret, form, before[max(0, len(before)-200):])
		}
	}
}

// mistakes are commands with a password where it does not help.
func mistakes(c *connector, d *driver) {
	for _, command := range []string{
		"agent_state/Login#1001 2001," + agentSecret,
		"agent_state/Login#1001 " + agentSecret,
		"agent_state/Lgin#1001 " + agentSecret + ",2001",
		"agent_state/MakeReady#1001 " + agentSecret,
		"agent_state/MakeNotReadyWithReason#1001 " + agentSecret,
		"agent_call/MakeCall#1001 " + agentSecret,
		"agent_call/HoldCall#1001 " + agentSecret,
		"agent_info/Connect#1002 " + d.destination + "," + wrongSecret,
		"agent_state/Login#1002 " + wrongSecret + ",2002",
		"agent_state/Login#1001 " + wrongSecret + ",2001",
		"agent_call/getallagents#1004",
		"agent_call/getallagents#1004",
	} {
		d.send(command)
		d.until("Error#")
	}
	// Nobody can be told about these.
	quarantined := c.metric("commands_quarantined_total")
	d.send("agent_state/Login#1003 " + agentSecret + ",2003")
	d.send("agent_state/ " + agentSecret)
	d.send("agent_info/Connect#1001 " + agentSecret + "," + d.destination)
	eventually(d.t, func() bool { return c.metric("commands_quarantined_total") == quarantined+3 })
}

// misplaced are commands with a password in each place that a client can write
// to, but for those that no password can be told from: the name in Hello, and an
// agent's id and a reply-to that are valid.
func misplaced(c *connector, d *driver) {
	for _, secret := range []string{agentSecret, nameSecret} {
		for _, x := range []struct{ header, text, body string }{
			{"type", secret, ""},
			{"type", secret, secret},
			{"type", secret + "#1001", "1,2"},
			{"type", "Login#1001 " + secret + ",2001", ""},
			{"type", "Login#" + secret + ",2001", ""},
			{"type", "Connect#1001 desk," + secret, ""},
			{"type", "Hello#" + secret + "," + secret, ""},
			{"type", "Connect#1001", secret},
			{"type", "Connect#1003", secret},
			{"type", "Connect#1003", secret + "," + d.destination},
			{"type", "Connect#1001", secret + "," + d.destination},
			{"type", "Connect#1001", secret + "," + secret},
			{"type", "Login#1003", secret + ",2003"},
			{"type", "Login#1001", "2001," + secret},
			{"type", "MobileAgentLogin#1001", "2001," + secret + "," + secret + "," + secret},
			{"type", "AnswerCall#1001", secret},
			{"type", "MakeNotReadyWithReason#1001", secret},
			{"type", "bargein#1001", secret + "," + secret},
			{"category", secret, ""},
			{"MessageCategory", secret, ""},
			{"format", secret, ""},
			{"correlation-id", secret, ""},
			{"reply-to", secret, ""},
			{"reply-to", "/topic/" + secret + ">", ""},
			{"x-anything", secret, ""},
		} {
			headers := map[string]string{"type": "GetState#1001", x.header: x.text}
			d.sendRaw(x.body, headers)
		}
	}
	d.send("system/Beat#"+d.destination, "correlation-id", "after")
	for d.next().CorrelationID != "after" {
		continue
	}
}

// troubles are failures of Finesse on the way of a password.
func troubles(c *connector, d *driver) {
	for _, kind := range []simulator.FaultKind{
		simulator.HTMLError, simulator.UnavailableError, simulator.MalformedREST, simulator.LostAnswer,
	} {
		// Often, because net/http repeats a read for each connection that was
		// used before and breaks.
		require.NoError(d.t, c.finesse.Inject(simulator.Fault{Kind: kind, Agent: "1004", Count: 50}))
		d.send("agent_info/Connect#1004 " + d.destination + "," + agentSecret)
		d.until("Error#")
		c.finesse.Heal()
	}
	d.signIn("1004", "2004")
	for _, kind := range []simulator.FaultKind{simulator.CutStream, simulator.CutInside} {
		lost := c.log.count("notification stream is back")
		require.NoError(d.t, c.finesse.Inject(simulator.Fault{Kind: kind, Agent: "1004"}))
		eventually(d.t, func() bool { return c.log.count("notification stream is back") > lost })
	}
}

// formsOf are the ways in which a secret could get out: as it is, escaped, and
// encoded, alone or within something longer.
func formsOf(secret string) []string {
	name, _, _ := strings.Cut(secret, "p")
	name = strings.TrimRight(name, " :") // the readable beginning: Canary
	inJSON, _ := json.Marshal(secret)    // a string always succeeds
	var inXML strings.Builder
	_ = xml.EscapeText(&inXML, []byte(secret)) // nor does a Builder fail
	forms := []string{
		secret, name, strings.Trim(string(inJSON), `"`), inXML.String(),
		url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret)),
	}
	for shift := range 3 { // a group of base64 is three bytes
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			text := encoding.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
			forms = append(forms, text[4:len(text)-4])
		}
	}
	return forms
}

// The search for secrets must find one in what writers of logs make of it.
func TestFormsOfASecretAreComplete(t *testing.T) {
	authorization := base64.StdEncoding.EncodeToString([]byte("1001:" + wrongSecret))
	sasl := base64.StdEncoding.EncodeToString([]byte("\x001001\x00" + wrongSecret))
	quoted, err := json.Marshal("body " + wrongSecret + ",2001")
	require.NoError(t, err)
	for _, text := range []string{authorization, sasl, string(quoted)} {
		require.Condition(t, func() bool {
			for _, form := range formsOf(wrongSecret) {
				if strings.Contains(text, form) {
					return true
				}
			}
			return false
		}, text)
	}
}
