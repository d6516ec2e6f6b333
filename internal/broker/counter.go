package broker

import (
	"context"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
)

// learnTimeout bounds a login and the way of a message to the broker and back.
const learnTimeout = 2 * time.Second

// counter learns which number the broker gives next, from a message to a temporary
// topic of its own; nobody else can consume it there. It has a connection of its
// own, because a broker that denies us the topic may close it. It is not safe for
// concurrent use.
type counter struct {
	options  *Options
	endpoint endpoint
	conn     *conn // nil while there is none
	topic    string
	word     chan string // in the body of the next message; nobody else knows it before
	got      chan string
}

// next returns the id that the broker gives now, within learnTimeout. A
// *ServerError means that the broker gives none.
func (n *counter) next(ctx context.Context) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, learnTimeout)
	defer cancel()
	if n.conn == nil {
		if err := n.open(ctx); err != nil {
			return "", err
		}
	}
	send := frame.New(frame.SEND, frame.Destination, n.topic)
	word := newSecret()
	send.Body = []byte(word)
	n.word <- word
	n.conn.post(send)
	select {
	case id = <-n.got:
		return id, nil
	case <-n.conn.done:
		err = n.conn.reason()
	case <-ctx.Done():
		err = ctx.Err()
	}
	n.close() // a late message must not answer the next question
	return "", err
}

func (n *counter) open(ctx context.Context) (err error) {
	if n.conn, err = dial(ctx, n.options, n.endpoint, nil); err != nil {
		n.conn = nil
		return err
	}
	n.topic = "/temp-topic/" + n.conn.newID()
	n.word, n.got = make(chan string, 1), make(chan string, 1)
	if err = n.conn.subscribe(ctx, n.topic, heard(n.conn, n.word, n.got), frame.Ack, "client-individual"); err != nil {
		n.close()
	}
	return err
}

// heard takes the messages of the topic. Anybody may send one that names any id;
// only the one with the word in it counts.
func heard(c *conn, words <-chan string, got chan<- string) handler {
	var word string
	return func(f incoming) error {
		select {
		case word = <-words:
		default:
		}
		if word == "" || string(f.Body) != word {
			return nil
		}
		word = ""
		id := f.Header.Get(frame.Ack)
		c.post(frame.New(frame.ACK, frame.Id, id))
		got <- id // there is room: it is the answer to one question
		return nil
	}
}

func (n *counter) close() {
	if n.conn != nil {
		n.conn.close()
		n.conn = nil
	}
}
