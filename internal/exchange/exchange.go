// Package exchange sends HTTP requests to servers that may be broken or
// hostile: a Finesse node, a site's recorder, a simulator.
//
// It promises for each exchange, whatever the server does:
//
//   - One deadline, Options.Timeout, holds from the dial to the last byte of the
//     answer. A dial or a TLS handshake that nobody waits for any more ends
//     after the same time, counted from its own begin.
//   - Reading is bounded: 64 KiB of status lines and headers, those of all
//     informational answers (1xx) included, and as much of the body as the
//     caller allows. Nothing is unpacked.
//   - A redirect is an answer like any other and is not followed. No proxy is
//     taken from the environment. HTTP/1.1 is spoken and at least TLS 1.2.
//   - An answer 101 has no body. After it net/http would hand out the
//     connection itself, where reads ignore the context, so the connection is
//     closed.
//
// Errors hold what net/http puts into them, maybe all that the server sent: to
// show one, make it Brief, or hide what must not be shown.
//
// A server that sends something unasked on a kept connection loses that
// connection, unless another request is already under way on it (net/http looks
// when a request has ended).
package exchange

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// Options are what a Client needs; Timeout must be set.
type Options struct {
	// TLS holds the trusted roots; nil trusts the system's.
	TLS *tls.Config
	// Timeout is for one exchange.
	Timeout time.Duration
	// Kept is how many idle connections to a server are kept for the next
	// exchange. 0 gives each exchange a connection of its own, so that net/http
	// has no reason to send a request twice.
	Kept int
	// Large is how many answers with a body of more than LargeBody may be held at a
	// time; see Answer.Release. 0: any number.
	Large int
	// Through, if set, takes the way to the server and returns the one to use.
	Through func(http.RoundTripper) http.RoundTripper
}

// LargeBody is how many bytes are read of every body, however many bodies there
// are.
const LargeBody = 1 << 20

const (
	maxHeader = 64 << 10
	// idleTime is shorter than Tomcat's keep-alive (20 s by default), so that a
	// request seldom meets a connection the server is about to close.
	idleTime = 15 * time.Second
	// maxProblem is how much of an error is shown.
	maxProblem = 400
)

// Client may be used by any number of goroutines.
type Client struct {
	timeout time.Duration
	way     http.RoundTripper
	large   chan struct{} // has an element for each large body held; nil without a bound
}

// New makes a client. It connects to nothing.
func New(o Options) *Client {
	c := &Client{timeout: o.Timeout, way: NewTransport(o)}
	if o.Large > 0 {
		c.large = make(chan struct{}, o.Large)
	}
	if o.Through != nil {
		c.way = o.Through(c.way)
	}
	return c
}

type inNameOf struct{}

// InNameOf notes for whom an exchange is: an access token does not show it.
func InNameOf(ctx context.Context, who string) context.Context {
	return context.WithValue(ctx, inNameOf{}, who)
}

// Asker is for whom a request is; "" for nobody in particular.
func Asker(r *http.Request) string {
	who, _ := r.Context().Value(inNameOf{}).(string)
	return who
}

// Answer is a server's answer.
type Answer struct {
	Status int
	Body   []byte // at most as much as the caller allowed
	// Broken is why the body is not whole; nil for a whole one and for one that
	// was cut because the caller allows no more.
	Broken error
	// Release says that the body is not used any more. Call it once. It is nil
	// if Do failed.
	Release func()
}

// Do sends r, which must not be used again, and reads at most most bytes of
// the answer's body. It returns within Options.Timeout, or when ctx ends. The
// error says why there is no answer; see TimedOut.
func (c *Client) Do(ctx context.Context, r *http.Request, most int) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	resp, err := c.way.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	a := Answer{Status: resp.StatusCode, Release: func() {}}
	a.Body, err = io.ReadAll(io.LimitReader(resp.Body, int64(min(most, LargeBody))))
	if err == nil && len(a.Body) < most && len(a.Body) == LargeBody {
		err = c.readOn(ctx, resp.Body, &a, most)
	}
	if err == nil {
		err = ctx.Err() // a server that learns of our leaving may end its answer as if it were whole
	}
	a.Broken = err
	return a, nil
}

// readOn reads the rest of a large body once it may be held. The wait for that
// is part of the exchange's time.
func (c *Client) readOn(ctx context.Context, body io.Reader, a *Answer, most int) error {
	if c.large != nil {
		select {
		case c.large <- struct{}{}:
			a.Release = func() { <-c.large }
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	rest, err := io.ReadAll(io.LimitReader(body, int64(most-len(a.Body))))
	a.Body = append(a.Body, rest...)
	return err
}

// Close drops the idle connections. Exchanges under way are not disturbed.
func (c *Client) Close() { (&http.Client{Transport: c.way}).CloseIdleConnections() }

// TimedOut reports whether time was up or the caller gave up waiting: the
// outcome is not known.
func TimedOut(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout() ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// Transport is the way to a server, for answers that are read while they come:
// the reader of an answer bounds its size and ends the request's context in
// time.
type Transport struct{ http http.Transport }

// NewTransport makes a Transport. It ignores Options.Through.
func NewTransport(o Options) *Transport {
	conf := &tls.Config{}
	if o.TLS != nil {
		conf = o.TLS.Clone()
	}
	conf.MinVersion = max(conf.MinVersion, tls.VersionTLS12)
	conf.NextProtos = nil
	if conf.ClientSessionCache == nil {
		conf.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	// HTTP/1.1 only: with HTTP/2 all agents would share one TCP connection,
	// where a lost packet or a dead path stalls them at once, and it has rules of
	// its own for sending a request again.
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	// net/http lets a dial go on when its request has ended, so a dial needs
	// limits of its own.
	return &Transport{http.Transport{
		DialContext:            (&net.Dialer{Timeout: o.Timeout, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:    o.Timeout,
		TLSClientConfig:        conf,
		Protocols:              &protocols,
		DisableKeepAlives:      o.Kept == 0,
		MaxIdleConnsPerHost:    o.Kept,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // else a limit on the body would not bound what it unpacks to
	}}
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.http.RoundTrip(r)
	if err == nil && resp.StatusCode == http.StatusSwitchingProtocols {
		err = resp.Body.Close()
		resp.Body = http.NoBody
	}
	return resp, err
}

// CloseIdleConnections serves http.Client's.
func (t *Transport) CloseIdleConnections() { t.http.CloseIdleConnections() }

// Brief returns err with a text that fits into a log line.
func Brief(err error) error {
	if text := []rune(err.Error()); len(text) > maxProblem {
		return &brief{err, string(text[:maxProblem]) + "…"}
	}
	return err
}

// brief is an error whose text is cut.
type brief struct {
	whole error
	text  string
}

func (b *brief) Error() string { return b.text }
func (b *brief) Unwrap() error { return b.whole }
