package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-stomp/stomp/v3"
	"github.com/go-stomp/stomp/v3/frame"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// badInput is something a driver or Finesse gets wrong. Agent 1001 is signed
// in, 1002 and 1003 are not connected. The command goes out byte for byte.
type badInput struct {
	rule       string
	typ, body  string
	replyTo    bool                // the command names another destination for its answer
	bytes      bool                // it is a BytesMessage
	category   string              // of the command
	fault      simulator.FaultKind // of the answer Finesse gives to 1001
	want       string              // at the reply-to if there is one, else at the driver's destination; "" for no answer
	command    string              // of the metric
	result     string              // of the metric, "ok" and "PLEASE_RETRY" included
	log        string              // the line's message
	quarantine bool
}

const (
	failed     = "command failed"
	done       = "command done"
	quarantine = "command dropped: no destination is known to answer to"
)

var badInputs = []badInput{
	{rule: "a command nobody knows", typ: "Dance#1001", want: "Error#PLEASE_RETRY", command: "unknown", result: "PLEASE_RETRY", log: failed},
	{rule: "a number is missing", typ: "MakeCall#1001", want: "Error#MISSING_NUMBER", command: "MakeCall", result: "MISSING_NUMBER", log: failed},
	{rule: "the password is missing", typ: "Login#1001", want: "Error#MISSING_PASSWORD", command: "Login", result: "MISSING_PASSWORD", log: failed},
	{rule: "the extension is missing", typ: "Login#1001", body: "secret", want: "Error#MISSING_EXTENSION", command: "Login", result: "MISSING_EXTENSION", log: failed},
	{rule: "the reason is missing", typ: "logoutwithreason#1001", want: "Error#MISSING_REASON_CODE", command: "logoutwithreason", result: "MISSING_REASON_CODE", log: failed},
	{rule: "the dialog is missing", typ: "HoldCall#1001", want: "Error#NO_DIALOG_ID", command: "HoldCall", result: "NO_DIALOG_ID", log: failed},
	{rule: "a parameter too many", typ: "MakeCall#1001", body: "4085559876,2002", want: "Error#PLEASE_RETRY", command: "MakeCall", result: "PLEASE_RETRY", log: failed},
	{rule: "a parameter where none belongs", typ: "GetState#1001", body: "now", want: "Error#PLEASE_RETRY", command: "GetState", result: "PLEASE_RETRY", log: failed},
	{rule: "letters in an extension", typ: "Login#1001", body: "secret,20O1", want: "Error#WRONG_EXTENSION", command: "Login", result: "WRONG_EXTENSION", log: failed},
	{rule: "a dialog nobody knows", typ: "HoldCall#1001", body: "4711", want: "Error#NO_DIALOG_ID", command: "HoldCall", result: "NO_DIALOG_ID", log: failed},
	{rule: "a reason nobody knows", typ: "MakeNotReadyWithReason#1001", body: "99", want: "Error#PLEASE_RETRY", command: "MakeNotReadyWithReason", result: "PLEASE_RETRY", log: failed},
	{rule: "an agent Finesse does not know", typ: "Connect#9999", body: "DESTINATION,secret", want: "Error#SUBSCRIPTION_FAILED", command: "Connect", result: "SUBSCRIPTION_FAILED", log: failed},
	{rule: "a wrong password", typ: "Connect#1002", body: "DESTINATION,wrong", want: "Error#SUBSCRIPTION_FAILED", command: "Connect", result: "SUBSCRIPTION_FAILED", log: failed},
	{rule: "a wildcard as destination of an agent who works", typ: "Connect#1001", body: "crm.*,secret", replyTo: true, want: "Error#PLEASE_RETRY", command: "Connect", result: "PLEASE_RETRY", log: failed},
	{rule: "a wildcard as destination, with a reply-to", typ: "Connect#1003", body: "crm.>,secret", replyTo: true, want: "Error#PLEASE_RETRY", command: "Connect", result: "PLEASE_RETRY", log: failed},
	{rule: "a wildcard as destination and nobody to tell", typ: "Connect#1003", body: "crm.>,secret", command: "Connect", result: "PLEASE_RETRY", log: quarantine, quarantine: true},
	{rule: "a body that is not UTF-8", typ: "MakeCall#1001", body: "408\xff\xfe", want: "Error#PLEASE_RETRY", command: "MakeCall", result: "PLEASE_RETRY", log: failed},
	{rule: "a password that is not UTF-8 is not tried", typ: "Login#1001", body: "secret\xff,2001", want: "Error#PLEASE_RETRY", command: "Login", result: "PLEASE_RETRY", log: failed},
	{rule: "bytes that are not UTF-8", typ: "Login#1001", body: "secret\xc3(,2001", bytes: true, want: "Error#PLEASE_RETRY", command: "Login", result: "PLEASE_RETRY", log: failed},
	{rule: "a body of 10 MB", typ: "MakeCall#1001", body: strings.Repeat("4085551234", 1<<20), want: "Error#PLEASE_RETRY", command: "MakeCall", result: "PLEASE_RETRY", log: failed},
	{rule: "no JMSType", body: "secret", command: "unknown", result: "PLEASE_RETRY", log: quarantine, quarantine: true},
	{rule: "no JMSType, with a reply-to", replyTo: true, want: "Error#PLEASE_RETRY", command: "unknown", result: "PLEASE_RETRY", log: failed},
	{rule: "a JMSType without an agent", typ: "GetState#", command: "unknown", result: "PLEASE_RETRY", log: quarantine, quarantine: true},
	{rule: "a JMSType that is not UTF-8", typ: "Dance#10\xff01", command: "unknown", result: "PLEASE_RETRY", log: quarantine, quarantine: true},
	{rule: "a wildcard as destination of Hello", typ: "Hello#crm.*", command: "Hello", result: "PLEASE_RETRY", log: quarantine, quarantine: true},
	{rule: "another category than the command's is nothing worse than a line in the log", typ: "MakeNotReadyWithReason#1001", body: "1", category: "agent_call", want: "State#NOT_READY", command: "MakeNotReadyWithReason", result: "ok", log: "command has another category than the protocol's"},
	{rule: "an agent nobody connected", typ: "GetState#1003", command: "GetState", result: "PLEASE_RETRY", log: quarantine, quarantine: true},
	{rule: "an agent nobody connected, with a reply-to", typ: "MakeReady#1003", replyTo: true, want: "State#RE_LOGIN", command: "MakeReady", result: "RE_LOGIN", log: failed},
	{rule: "broken XML from Finesse", typ: "GetState#1001", fault: simulator.MalformedREST, want: "Error#GENERAL_ERROR", command: "GetState", result: "GENERAL_ERROR", log: failed},
	{rule: "an HTML error from Finesse", typ: "GetState#1001", fault: simulator.HTMLError, want: "Error#GENERAL_ERROR", command: "GetState", result: "GENERAL_ERROR", log: failed},
	{rule: "Finesse is starting", typ: "GetState#1001", fault: simulator.UnavailableError, want: "Error#FINESSE_UNAVAILABLE", command: "GetState", result: "FINESSE_UNAVAILABLE", log: failed},
	{rule: "bytes that are valid text are accepted", typ: "MakeNotReadyWithReason#1001", body: "2", bytes: true, want: "State#NOT_READY", command: "MakeNotReadyWithReason", result: "ok", log: done},
}

// Whatever is wrong is answered where somebody is known to tell, logged and
// counted, and hurts no later command.
func TestBadInput(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		c := start(t, s)
		d := newDriver(c, "crm")
		d.signIn("1001", "2001")
		other := newDriver(c, "replies")
		raw := newRawSender(c)
		for _, b := range badInputs {
			t.Run(b.rule, func(t *testing.T) { b.play(t, c, d, other, raw) })
		}
	})
}

func (b *badInput) play(t *testing.T, c *connector, d, other *driver, raw *rawSender) {
	answered := fmt.Sprintf(`commands_total{command="%s",result="%s"}`, b.command, b.result)
	counted, quarantined, logged := c.metric(answered), c.metric("commands_quarantined_total"), c.log.count(`"`+b.log+`"`)
	if b.fault != "" {
		require.NoError(t, c.finesse.Inject(simulator.Fault{Kind: b.fault, Agent: "1001"}))
	}
	replyTo := ""
	if b.replyTo {
		replyTo = "/topic/" + other.destination
	}
	raw.send(t, b.typ, strings.ReplaceAll(b.body, "DESTINATION", d.destination), replyTo, b.bytes, "MessageCategory", b.category)
	switch {
	case b.replyTo:
		require.Equal(t, b.want, said(other.next().Body))
	case b.want != "":
		require.Equal(t, b.want, said(d.next().Body))
	}
	require.Empty(t, d.hears("1001"), "the next good command works, and nothing else was said")
	eventually(t, func() bool { return c.metric(answered) == counted+1 }, answered)
	require.Greater(t, c.log.count(`"`+b.log+`"`), logged, "a line in the log: %s", b.log)
	if b.quarantine {
		quarantined++
	}
	require.Equal(t, quarantined, c.metric("commands_quarantined_total"))
}

// rawSender sends what a well-behaved client would not.
type rawSender struct {
	conn  *stomp.Conn
	queue string
}

func newRawSender(c *connector) *rawSender {
	conn, err := stomp.Dial("tcp", strings.TrimPrefix(c.brokerURL(), "tcp://"), stomp.ConnOpt.HeartBeat(0, 0))
	require.NoError(c.t, err)
	c.t.Cleanup(func() { _ = conn.MustDisconnect() })
	return &rawSender{conn, "/queue/" + c.config.Broker.CommandQueue}
}

// send returns when the broker has the message.
func (r *rawSender) send(t *testing.T, typ, body, replyTo string, bytes bool, headers ...string) {
	t.Helper()
	options := []func(*frame.Frame) error{stomp.SendOpt.Receipt}
	if !bytes {
		options = append(options, stomp.SendOpt.NoContentLength)
	}
	for h := range slices.Chunk(append(headers, "type", typ, "reply-to", replyTo), 2) {
		if h[1] != "" {
			options = append(options, stomp.SendOpt.Header(h[0], h[1]))
		}
	}
	require.NoError(t, r.conn.Send(r.queue, "", []byte(body), options...))
}
