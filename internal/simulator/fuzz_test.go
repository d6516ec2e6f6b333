package simulator

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzStanzaReader: whatever a client sends, reading ends, nothing panics and
// no stanza takes more than the limit.
func FuzzStanzaReader(f *testing.F) {
	for _, seed := range []string{
		head + plain("1001", "secret"),
		head + "<iq type='set' id='b1'><bind xmlns='" + nsBind + "'><resource>x</resource></bind></iq><presence><priority>1</priority></presence></stream:stream>",
		head + pubsubIQ("set", "s1", "<subscribe node='/finesse/api/Team/1/Users' jid='2001@finesse.local/x'/>"),
		"<!DOCTYPE x>" + head, head + "<!-- -->", head + "<a><b", head + strings.Repeat("<a>", 1000),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		r := newStanzaReader(strings.NewReader(input))
		if _, err := r.open(); err != nil {
			return
		}
		for range len(input) + 1 {
			st, err := r.next()
			if err != nil {
				return
			}
			require.NotNil(t, st)
		}
		t.Fatal("more stanzas than bytes")
	})
}

// FuzzStream drives a bound client's stanzas through the server: each is
// answered with well-formed XML and none panics.
func FuzzStream(f *testing.F) {
	for _, seed := range []string{
		"<iq type='get' id='&lt;'><ping xmlns='urn:xmpp:ping'/></iq>",
		"<presence><priority>127</priority></presence><presence type='unavailable'/>",
		pubsubIQ("set", "s1", "<subscribe node=\"'&lt;\" jid='1001@finesse.local/&lt;'/>"),
		pubsubIQ("get", "l1", "<subscriptions/>"),
	} {
		f.Add(seed)
	}
	s, err := Start(Options{Seed: 1})
	require.NoError(f, err)
	f.Cleanup(s.Close)
	f.Fuzz(func(t *testing.T, input string) {
		c := &stream{hub: s.nodes[0].hub, agent: "1001", jid: "1001@finesse.local/<odd>", out: make(chan outgoing, 1000), done: make(chan struct{}), log: s.log}
		r := newStanzaReader(strings.NewReader(head + input))
		_, err := r.open()
		for err == nil && len(c.out) < 900 {
			var st *stanza
			if st, err = r.next(); err == nil {
				err = c.handle(st)
			}
		}
		for len(c.out) > 0 {
			require.NoError(t, xml.Unmarshal([]byte((<-c.out).text), new(stanza)))
		}
	})
}

// FuzzRequest: no body makes the checks panic.
func FuzzRequest(f *testing.F) {
	f.Add("<Dialog><requestedAction>UPDATE_CALL_DATA</requestedAction><mediaProperties><wrapUpReason/><callvariables><CallVariable><name>user.</name></CallVariable></callvariables></mediaProperties></Dialog>")
	f.Add("<Dialog><requestedAction>SEND_DTMF</requestedAction><targetMediaAddress>7001</targetMediaAddress></Dialog>")
	f.Add("<Dialog><requestedAction>TRANSFER_SST</requestedAction><targetMediaAddress>7001</targetMediaAddress><toAddress>7001</toAddress></Dialog>")
	f.Fuzz(func(t *testing.T, body string) {
		var x requestXML
		if xml.Unmarshal([]byte(body), &x) == nil {
			if refused := checkAction(&x, "7001"); refused != nil {
				require.GreaterOrEqual(t, refused.status, 400)
				require.NotEmpty(t, encode(refused.doc))
			}
		}
	})
}
