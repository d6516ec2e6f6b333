package notify

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/xmppo/go-xmpp"
)

// answer takes answers to our own pings, an error being as much a sign of life
// as a result, and refuses what servers ask clients. Their pings come here too
// but the library has answered them.
func (s *Stream) answer(iq xmpp.IQ) {
	switch iq.Type {
	case "result", "error":
		if strings.HasPrefix(iq.ID, pingID) {
			s.sawAnswer()
		}
	case "get", "set":
		if !bytes.Contains(iq.Query, []byte("urn:xmpp:ping")) {
			s.refuse(iq)
		}
	}
}

// sawAnswer runs in the reader's goroutine only.
func (s *Stream) sawAnswer() {
	select {
	case <-s.present:
	default:
		close(s.present)
	}
}

// refuse sends the answer every request must get (RFC 6120, 8.2.3). That it
// can not be sent shows in the next read.
func (s *Stream) refuse(iq xmpp.IQ) {
	to := ""
	if iq.From != "" {
		to = fmt.Sprintf(" to='%s'", escape(iq.From))
	}
	_, _ = s.client.SendOrg(fmt.Sprintf("<iq type='error'%s id='%s'><error type='cancel'>"+
		"<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>", to, escape(iq.ID)))
}
