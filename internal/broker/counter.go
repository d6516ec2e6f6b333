package broker

import (
	"context"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
)

// learnTimeout is to log in, and for a message to come back.
const learnTimeout = 2 * time.Second

// counter finds out where the broker's numbers of acknowledgements are, from a
// message to a temporary topic of its own, of which nobody can take it away. It has a
// connection to itself, because a broker that lets us have no such topic may end it.
// It is not safe for concurrent use.
type counter struct {
	options  *Options
	endpoint endpoint
	conn     *conn // nil while there is none
	topic    string
	got      chan string
}

// next gives the id that the broker gives next, within learnTimeout. A *ServerError
// says that it gives none.
func (n *counter) next(ctx context.Context) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, learnTimeout)
	defer cancel()
	if n.conn == nil {
		if err := n.open(ctx); err != nil {
			return "", err
		}
	}
	select {
	case <-n.got: // of a stranger's message to the topic, and old
	default:
	}
	n.conn.post(frame.New(frame.SEND, frame.Destination, n.topic))
	select {
	case id = <-n.got:
		return id, nil
	case <-n.conn.done:
		err = n.conn.reason()
	case <-ctx.Done():
		err = ctx.Err()
	}
	n.close() // what is late is no answer to the next
	return "", err
}

func (n *counter) open(ctx context.Context) (err error) {
	if n.conn, err = dial(ctx, n.options, n.endpoint, nil); err != nil {
		return err
	}
	n.topic = "/temp-topic/" + n.conn.newID()
	got, c := make(chan string, 1), n.conn
	n.got = got
	heard := func(f incoming) error {
		id := f.Header.Get(frame.Ack)
		c.post(frame.New(frame.ACK, frame.Id, id))
		select {
		case got <- id: // may be of somebody else's message: any will do
		default:
		}
		return nil
	}
	if err = n.conn.subscribe(ctx, n.topic, heard, frame.Ack, "client-individual"); err != nil {
		n.close()
	}
	return err
}

func (n *counter) close() {
	if n.conn != nil {
		n.conn.close()
		n.conn = nil
	}
}
