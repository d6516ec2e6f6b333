// Package ops is the operator's side of the process: health and metrics over
// HTTP, the log, and messages to the service manager.
//
// The server only reads what its callbacks return and holds no state of the
// connector, so no request can change or delay anything, except the switch of
// the capture, which only the machine itself may use. Package localhttp decides
// who may ask, and keeps others from shutting a probe out; the number of
// requests for metrics is bounded, too. Answers hold no secret as long as the
// callbacks' values hold none.
package ops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/localhttp"
)

// Options are what a Server needs; all fields must be set.
type Options struct {
	Listen   string // host:port; port 0 takes a free one
	Logger   *zap.Logger
	Gatherer prometheus.Gatherer
	// Ready and Live are called for every request, from several goroutines,
	// and must not block. Live returns the reason why the process should be
	// restarted, nil if there is none.
	Ready func() Readiness
	Live  func() error
	// Capture is what /api/capture switches.
	Capture Switch
}

// Server answers /livez, /readyz, /metrics and /api/capture.
type Server struct {
	log     *zap.Logger
	listen  string
	handler http.Handler
	mu      sync.Mutex
	http    *localhttp.Server // nil before Start
	serving sync.WaitGroup
}

// The limits of a scrape, the longest answer. It is assembled in memory, so a
// client that does not read it does not count among the maxScrapes.
const (
	metricsTimeout = 10 * time.Second
	maxScrapes     = 4
)

// New makes a server that does not listen yet.
func New(o Options) *Server {
	mux := http.NewServeMux()
	// A pattern for GET also serves HEAD; the mux answers 405 to the rest.
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { serveLive(w, o.Live()) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { serveReady(w, o.Ready()) })
	mux.HandleFunc("GET /api/capture", func(w http.ResponseWriter, _ *http.Request) { reportCapture(w, o.Capture) })
	mux.HandleFunc("POST /api/capture", func(w http.ResponseWriter, r *http.Request) { switchCapture(w, r, o.Capture, o.Logger) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Gatherer, promhttp.HandlerOpts{
		ErrorLog:            zap.NewStdLog(o.Logger),
		MaxRequestsInFlight: maxScrapes,
		Timeout:             metricsTimeout,
	}))
	return &Server{log: o.Logger, listen: o.Listen, handler: mux}
}

// Start binds the address and answers requests until Close. It may be called
// once.
func (s *Server) Start() error {
	server, err := localhttp.Listen(s.listen, s.handler, s.log)
	if err != nil {
		return fmt.Errorf("http: %w", err)
	}
	s.mu.Lock()
	s.http = server
	s.mu.Unlock()
	// Ends when Close shuts it down.
	s.serving.Go(func() {
		if err := server.Serve(); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("http server stopped; restart the connector to get health and metrics back", zap.Error(err))
		}
	})
	return nil
}

// Addr returns the address the server listens on, nil before Start.
func (s *Server) Addr() net.Addr {
	if server := s.started(); server != nil {
		return server.Addr()
	}
	return nil
}

// Close stops listening, lets running requests finish until ctx ends and then
// cuts them. It returns ctx's error if it had to cut. To call it again, or
// without Start, does no harm.
func (s *Server) Close(ctx context.Context) error {
	server := s.started()
	if server == nil {
		return nil
	}
	err := server.Shutdown(ctx)
	s.serving.Wait()
	return err
}

func (s *Server) started() *localhttp.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.http
}

func serveLive(w http.ResponseWriter, err error) {
	answer := struct {
		Live   bool   `json:"live"`
		Reason string `json:"reason,omitempty"`
	}{Live: err == nil}
	if err != nil {
		answer.Reason = err.Error()
	}
	writeJSON(w, answer.Live, answer)
}

func serveReady(w http.ResponseWriter, r Readiness) {
	writeJSON(w, r.Ready(), struct {
		Ready bool `json:"ready"`
		Readiness
	}{r.Ready(), r})
}

// writeJSON answers 200 when good, else 503. A failed write means that the
// client is gone, which nobody needs to know.
func writeJSON(w http.ResponseWriter, good bool, answer any) {
	w.Header().Set("Content-Type", "application/json")
	if !good {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(answer)
}
