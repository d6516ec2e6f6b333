package broker

import (
	"context"
	"slices"
	"strings"

	"github.com/go-stomp/stomp/v3/frame"

	"github.com/finesse-connector/finesse-connector/internal/trouble"
)

// Client is one plain connection, for command line tools and tests. It does
// not reconnect. Its methods may be called from any goroutine.
type Client struct {
	options Options
	conn    *conn
}

// Outgoing is what a Client sends.
type Outgoing struct {
	Destination string            // in STOMP's form, "/queue/Connector1"
	Headers     map[string]string // "type", "reply-to", "correlation-id", properties
	Body        string            // UTF-8 text, sent as a TextMessage
}

// Dial connects to url, one of broker.urls, and logs in. The error says what is
// wrong and how to fix it. The caller closes the Client.
func Dial(ctx context.Context, o Options, url string) (*Client, error) {
	ep, err := parseEndpoint(url)
	if err != nil {
		return nil, err
	}
	o.maxBody = eventBody
	cl := &Client{options: o.withDefaults()}
	if cl.conn, err = dial(ctx, &cl.options, ep, nil); err != nil {
		return nil, &trouble.Error{Kind: classify(err), Target: url, Err: err}
	}
	return cl, nil
}

// Probe connects to url, logs in and disconnects. The error says what is wrong
// and how to fix it.
func Probe(ctx context.Context, o Options, url string) error {
	cl, err := Dial(ctx, o, url)
	if err != nil {
		return err
	}
	cl.Close()
	return nil
}

// Server is what the broker calls itself, for example "ActiveMQ/5.17.2".
func (cl *Client) Server() string { return cl.conn.server }

// Send returns when the broker has confirmed m. A *ServerError means that it
// refused m.
func (cl *Client) Send(ctx context.Context, m Outgoing) error {
	f := frame.New(frame.SEND, frame.Destination, m.Destination)
	names := make([]string, 0, len(m.Headers))
	for name := range m.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		f.Header.Add(name, strings.ReplaceAll(m.Headers[name], "\x00", ""))
	}
	f.Body = textBody(&cl.options, m.Body)
	return cl.conn.request(ctx, f)
}

// Subscribe passes every message for destination to handle; none needs an
// acknowledgement. Nothing sent after it returns is missed. handle is called
// from one goroutine; while it blocks the broker waits.
func (cl *Client) Subscribe(ctx context.Context, destination string, handle func(*Delivery)) error {
	return cl.conn.subscribe(ctx, destination,
		func(f incoming) error {
			handle(newDelivery(&cl.options, f))
			return nil
		},
		frame.Ack, "auto")
}

// Done is closed when the connection has ended.
func (cl *Client) Done() <-chan struct{} { return cl.conn.done }

// Err returns why the connection ended, nil before.
func (cl *Client) Err() error { return cl.conn.reason() }

// Close disconnects, in an orderly way if the broker answers within 2 s. It may
// be called more than once, but not from a Subscribe handler.
func (cl *Client) Close() { cl.conn.leave(errClosed) }
