package notify

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/xmppo/go-xmpp"
)

// pingID and askID start the ids of our own requests. The library gives ids of
// its own a meaning, which these are not among.
const (
	pingID = "fc-ping-"
	askID  = "fc-ask-"
)

// questions are our requests to the publish-subscribe service that wait for an
// answer. While there are some the tap keeps what is received.
type questions struct {
	tap *tap

	mu    sync.Mutex
	asked int
	open  map[string]chan<- reply
}

// question is one of them. Its channel gets the answer once or never.
type question struct {
	id      string
	arrived <-chan reply
}

// reply is the answer to a question.
type reply struct {
	kind      string // result or error
	content   []byte // the element inside, as the library writes it anew
	condition string // of an error, "" when it could not be found
}

func (r reply) refused() bool { return r.kind != "result" }

func (q *questions) add() question {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asked++
	id, arrived := fmt.Sprintf("%s%d", askID, q.asked), make(chan reply, 1)
	q.open[id] = arrived
	q.tap.keep.Store(true)
	return question{id, arrived}
}

// remove forgets a question that was answered or given up.
func (q *questions) remove(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.open, id)
	q.tap.keep.Store(len(q.open) > 0)
}

// answer runs in the reader's goroutine. An answer nobody waits for any more
// is dropped, and so is a second one.
func (q *questions) answer(id string, r reply) {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case q.open[id] <- r:
	default:
	}
}

// send puts a question to the publish-subscribe service. The caller removes
// it, unless the stream ends anyway.
func (s *Stream) send(kind, content string) (question, error) {
	q := s.questions.add()
	_, err := s.client.SendOrg(fmt.Sprintf("<iq type='%s' to='%s' id='%s'><pubsub xmlns='http://jabber.org/protocol/pubsub'>%s</pubsub></iq>",
		kind, escape(s.pubsub), q.id, content))
	if err != nil {
		s.questions.remove(q.id)
	}
	return q, err
}

// ask puts a question and waits for the answer until Close, the loss of the
// stream or the end of ctx.
func (s *Stream) ask(ctx context.Context, kind, content string) (reply, error) {
	select {
	case <-s.closing:
		return reply{}, errClosed
	case <-s.ended:
		return reply{}, s.lost()
	default:
	}
	q, err := s.send(kind, content)
	if err != nil {
		return reply{}, err
	}
	defer s.questions.remove(q.id)
	select {
	case r := <-q.arrived:
		return r, nil
	case <-s.closing:
		return reply{}, errClosed
	case <-s.ended:
		return reply{}, s.lost()
	case <-ctx.Done():
		return reply{}, ctx.Err()
	}
}

// answer takes answers to our own requests, of which one to a ping is a sign of
// life even when it is an error, and refuses what servers ask clients. Their
// pings come here too but the library has answered them.
func (s *Stream) answer(iq xmpp.IQ) {
	switch iq.Type {
	case "result", "error":
		switch {
		case strings.HasPrefix(iq.ID, pingID):
			s.sawAnswer()
		case strings.HasPrefix(iq.ID, askID):
			r := reply{kind: iq.Type, content: iq.Query}
			if r.refused() {
				r.condition = conditionOf(s.tap.recent, iq.ID)
			}
			s.questions.answer(iq.ID, r)
		}
	case "get", "set":
		if !bytes.Contains(iq.Query, []byte("urn:xmpp:ping")) {
			s.refuse(iq)
		}
	}
}

// stanzaError finds the elements of an error (RFC 6120, 8.3.2).
var stanzaError = regexp.MustCompile(`<([a-z-]{1,40}) xmlns=['"]urn:ietf:params:xml:ns:xmpp-stanzas['"]`)

// conditionOf looks for the reason of an error in what the server sent: the
// library drops it. It is "" when the server wrote it in another way, or cut
// it in two.
func conditionOf(recent []byte, id string) string {
	start := max(bytes.LastIndex(recent, []byte(id+"'")), bytes.LastIndex(recent, []byte(id+`"`)))
	if start < 0 {
		return ""
	}
	stanza, _, _ := bytes.Cut(recent[start:], []byte("</iq>"))
	for _, found := range stanzaError.FindAllSubmatch(stanza, -1) {
		if name := string(found[1]); name != "text" {
			return name
		}
	}
	return ""
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
