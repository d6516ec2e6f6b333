package notify

import (
	"context"
	"encoding/xml"
	"fmt"
	"strings"
	"sync"
)

// pingID and askID start the ids of our own requests.
const (
	pingID = "fc-ping-"
	askID  = "fc-ask-"
)

// request is what is sent as an IQ.
type request struct {
	XMLName xml.Name `xml:"jabber:client iq"`
	Type    string   `xml:"type,attr"`
	To      string   `xml:"to,attr,omitempty"`
	ID      string   `xml:"id,attr"`
	Content any      // named by its own XMLName
}

type ping struct {
	XMLName xml.Name `xml:"urn:xmpp:ping ping"`
}

// pubsubRequest is one thing asked of the publish-subscribe service (XEP-0060,
// 5.6, 6.1 and 6.2).
type pubsubRequest struct {
	XMLName       xml.Name             `xml:"http://jabber.org/protocol/pubsub pubsub"`
	Subscriptions *struct{}            `xml:"subscriptions"`
	Subscribe     *subscriptionElement `xml:"subscribe"`
	Unsubscribe   *subscriptionElement `xml:"unsubscribe"`
}

// stanzaError is an error that we answer with.
type stanzaError struct {
	XMLName   xml.Name `xml:"error"`
	Type      string   `xml:"type,attr"`
	Condition named
}

const stanzasNS = "urn:ietf:params:xml:ns:xmpp-stanzas"

// iq is one that was received: what is read of it whatever it is.
type iq struct {
	Type          string                `xml:"type,attr"`
	ID            string                `xml:"id,attr"`
	From          string                `xml:"from,attr"`
	JID           string                `xml:"urn:ietf:params:xml:ns:xmpp-bind bind>jid"`
	Ping          *struct{}             `xml:"urn:xmpp:ping ping"`
	Subscriptions []subscriptionElement `xml:"pubsub>subscriptions>subscription"`
	Subscription  subscriptionElement   `xml:"pubsub>subscription"`
	Error         struct {
		Reasons []named `xml:",any"`
	} `xml:"error"`
}

// isAnswer: it is no request of the server's.
func (q iq) isAnswer() bool { return q.Type == "result" || q.Type == "error" }

func (q iq) refused() bool { return q.Type != "result" }

// condition is why it was refused (RFC 6120, 8.3.2), "" when the server does
// not say.
func (q iq) condition() string {
	for _, reason := range q.Error.Reasons {
		if reason.XMLName.Space == stanzasNS && reason.XMLName.Local != "text" {
			return reason.XMLName.Local
		}
	}
	return ""
}

// questions are our requests to the publish-subscribe service that wait for an
// answer.
type questions struct {
	mu    sync.Mutex
	asked int
	open  map[string]chan<- iq
}

// question is one of them. Its channel gets the answer once or never.
type question struct {
	id      string
	arrived <-chan iq
}

func (q *questions) add() question {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asked++
	id, arrived := fmt.Sprintf("%s%d", askID, q.asked), make(chan iq, 1)
	q.open[id] = arrived
	return question{id, arrived}
}

// remove forgets a question that was answered or given up.
func (q *questions) remove(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.open, id)
}

// answer runs in the reader's goroutine. An answer nobody waits for any more
// is dropped, and so is a second one.
func (q *questions) answer(a iq) {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case q.open[a.ID] <- a:
	default:
	}
}

// write sends a stanza. It waits for the connection no longer than the
// deadline of limitWrites, and is safe for any goroutine.
func (s *Stream) write(stanza any) error { return s.session.Encode(context.Background(), stanza) }

// send puts a question to the publish-subscribe service. The caller removes
// it, unless the stream ends anyway.
func (s *Stream) send(kind string, content pubsubRequest) (question, error) {
	q := s.questions.add()
	err := s.write(request{Type: kind, To: s.pubsub, ID: q.id, Content: content})
	if err != nil {
		s.questions.remove(q.id)
	}
	return q, err
}

// ask puts a question and waits for the answer until Close, the loss of the
// stream or the end of ctx.
func (s *Stream) ask(ctx context.Context, kind string, content pubsubRequest) (iq, error) {
	select {
	case <-s.closing:
		return iq{}, errClosed
	case <-s.ended:
		return iq{}, s.lost()
	default:
	}
	q, err := s.send(kind, content)
	if err != nil {
		return iq{}, err
	}
	defer s.questions.remove(q.id)
	select {
	case a := <-q.arrived:
		return a, nil
	case <-s.closing:
		return iq{}, errClosed
	case <-s.ended:
		return iq{}, s.lost()
	case <-ctx.Done():
		return iq{}, ctx.Err()
	}
}

// answer takes answers to our own requests, of which one to a ping is a sign of
// life even when it is an error, and answers what servers ask clients.
func (s *Stream) answer(q iq) {
	switch q.Type {
	case "result", "error":
		switch {
		case strings.HasPrefix(q.ID, pingID):
			s.sawAnswer()
		case strings.EqualFold(q.From, s.pubsub): // nobody else was asked
			s.questions.answer(q)
		}
	case "get", "set":
		s.reply(q)
	}
}

// reply sends the answer every request must get (RFC 6120, 8.2.3). That it
// cannot be sent shows in the next read.
func (s *Stream) reply(q iq) {
	r := request{Type: "result", To: q.From, ID: q.ID}
	if q.Ping == nil {
		r.Type = "error"
		r.Content = stanzaError{Type: "cancel", Condition: named{xml.Name{Space: stanzasNS, Local: "service-unavailable"}}}
	}
	_ = s.write(r)
}

// sawAnswer runs in the reader's goroutine only.
func (s *Stream) sawAnswer() {
	select {
	case <-s.present:
	default:
		close(s.present)
	}
}
