// Package recording asks a site's call recorder to pause and to resume, over
// HTTP: Finesse itself cannot pause the recording of a voice call.
//
// It promises:
//
//   - Each Pause and each Resume is at most one request, whatever its outcome:
//     a recorder that toggles would record again after a second one. No
//     redirect is followed, and each request has a connection of its own, so
//     that net/http has no reason to send it twice either.
//   - It ends within Options.Timeout, and no more than 64 KiB of an answer's
//     head and of its body are read (package exchange).
//   - Every error is a *gc.Error. PLEASE_RETRY means that no answer came in
//     time, so the outcome is not known.
//   - No error and no line of the log shows the query of an address: sites put
//     keys there.
//
// Calls do not wait for each other and have no order. A Recorder starts no
// goroutine that outlives a call, and needs no Close.
package recording

import (
	"cmp"
	"context"
	"crypto/tls"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/exchange"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Options say where the recorder is. An empty address leaves its command
// unconfigured.
type Options struct {
	// PauseURL and ResumeURL are http:// or https:// addresses; their query is
	// kept, and the call's values are appended to it.
	PauseURL, ResumeURL string
	// TLS holds the authorities for https:// addresses; nil trusts the
	// system's.
	TLS *tls.Config
	// Timeout is for a request and its answer; 0 means 5 s.
	Timeout time.Duration
	// Logger gets successes, at debug level; nil is silent. The caller logs
	// failures.
	Logger *zap.Logger
	// Registerer gets the metrics; nil keeps them private. It panics when it
	// has other metrics of that name.
	Registerer prometheus.Registerer
	// Capture records what the recorder answers; nil: nothing.
	Capture *capture.Recorder
}

const defaultTimeout = 5 * time.Second

// Call is what the recorder gets: whose call it is, and which.
type Call struct {
	Agent     gc.AgentID
	Extension gc.Extension
	Dialog    gc.DialogID
}

// values returns the parameters, the same for the query and the body.
func (c Call) values() url.Values {
	return url.Values{
		"agent":     {string(c.Agent)},
		"extension": {string(c.Extension)},
		"dialog":    {string(c.Dialog)},
	}
}

// Recorder asks one recorder. Any number of goroutines may use it.
type Recorder struct {
	pauseURL, resumeURL string
	http                *exchange.Client
	log                 *zap.Logger
	capture             *capture.Recorder
	requests            *prometheus.CounterVec
}

// New makes a Recorder. It sends nothing.
func New(o Options) *Recorder {
	r := &Recorder{
		pauseURL:  o.PauseURL,
		resumeURL: o.ResumeURL,
		http:      exchange.New(exchange.Options{TLS: o.TLS, Timeout: cmp.Or(o.Timeout, defaultTimeout)}),
		log:       o.Logger,
		capture:   o.Capture,
		requests:  newMetrics(o.Registerer),
	}
	if r.log == nil {
		r.log = zap.NewNop()
	}
	return r
}

// Pause asks the recorder to stop recording the call until Resume. It blocks
// until there is an answer, at most Options.Timeout. Errors: NOT_CONFIGURED
// without an address, PLEASE_RETRY without an answer in time, GENERAL_ERROR
// when the recorder cannot be reached or refuses.
func (r *Recorder) Pause(ctx context.Context, c Call) error {
	return r.record(capture.Paused, c, r.ask(ctx, pause, r.pauseURL, c))
}

// Resume asks the recorder to go on recording the call. It blocks and fails as
// Pause does.
func (r *Recorder) Resume(ctx context.Context, c Call) error {
	return r.record(capture.Resumed, c, r.ask(ctx, resume, r.resumeURL, c))
}

func (r *Recorder) ask(ctx context.Context, a action, address string, c Call) error {
	result, err := r.send(ctx, request{action: a, address: address, call: c})
	r.requests.WithLabelValues(string(a), string(result)).Inc()
	if err != nil {
		return err
	}
	r.log.Debug("the recorder did as asked", zap.String("action", string(a)),
		zap.String("agent", string(c.Agent)), zap.String("dialog", string(c.Dialog)))
	return nil
}

// record captures how a request ended.
func (r *Recorder) record(what string, c Call, err error) error {
	if !r.capture.On() {
		return err
	}
	x := capture.Record{Dir: capture.In, Edge: capture.REST, Agent: c.Agent, Type: what, Topic: string(c.Dialog)}
	if err != nil {
		x.Code, x.Problem = string(gc.CodeOf(err)), err.Error()
	}
	r.capture.Record(x)
	return err
}
