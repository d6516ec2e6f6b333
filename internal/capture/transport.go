package capture

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/finesse-connector/finesse-connector/internal/exchange"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// transport records the requests to one node and their answers.
type transport struct {
	recorder *Recorder
	node     string
	next     http.RoundTripper
}

// exchanges numbers requests throughout the process.
var exchanges atomic.Uint64

// Transport puts the recorder before next, which leads to a node. Of a
// request's header only the request id is recorded, and a request in nobody's name not
// at all: the state of a node is recorded apart.
func (r *Recorder) Transport(node string, next http.RoundTripper) http.RoundTripper {
	return &transport{recorder: r, node: node, next: next}
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	agent := exchange.Asker(req)
	if agent == "" || !t.recorder.On() {
		return t.next.RoundTrip(req)
	}
	_, path, _ := strings.Cut(req.URL.Path, "/finesse/api")
	asked := Record{
		Dir: Out, Edge: REST, Agent: gc.AgentID(agent), Type: req.Method + " " + path, Request: req.Header.Get("requestId"),
		Node: t.node, Exchange: exchanges.Add(1), Body: bodyOf(req),
	}
	answer := asked
	answer.Dir, answer.Body = In, ""
	t.recorder.Record(asked)
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		t.failed(&answer, err)
		t.recorder.Record(answer)
		return nil, err
	}
	answer.Status = resp.StatusCode
	resp.Body = &recorded{ReadCloser: resp.Body, done: func(body []byte, err error) {
		answer.Body = string(body)
		if err != nil {
			t.failed(&answer, err)
		}
		t.recorder.Record(answer)
	}}
	return resp, nil
}

// failed notes why there is no answer, or not a whole one.
func (t *transport) failed(answer *Record, err error) {
	answer.Timeout = exchange.TimedOut(err)
	answer.Problem = err.Error()
}

// CloseIdleConnections serves http.Client's.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func bodyOf(req *http.Request) string {
	if req.GetBody == nil {
		return ""
	}
	body, err := req.GetBody()
	if err != nil {
		return ""
	}
	defer body.Close()
	text, err := io.ReadAll(body) // from memory
	if err != nil {
		return ""
	}
	return string(text)
}

// recorded keeps what the reader of a body reads, and no more.
type recorded struct {
	io.ReadCloser
	read bytes.Buffer
	err  error
	done func([]byte, error)
	once sync.Once
}

func (b *recorded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read.Write(p[:n])
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

func (b *recorded) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(func() { b.done(b.read.Bytes(), b.err) })
	return err
}
