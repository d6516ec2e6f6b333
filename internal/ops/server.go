// Package ops is the operator's side of the process: health and metrics over
// HTTP, the log, and word to the service manager.
//
// The server only reads what its callbacks give it and holds no state of the
// connector, so that no request can change or delay anything, but for the
// switch of the capture, which only the machine itself may press. Requests are
// bounded in size, time and, for metrics, in number. Answers never hold a
// secret as long as the callbacks' values do not.
package ops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
	"golang.org/x/net/netutil"
)

// Options are what a Server needs; all fields must be set.
type Options struct {
	Listen   string // host:port; port 0 takes a free one
	Logger   *zap.Logger
	Gatherer prometheus.Gatherer
	// Ready and Live are called for every request, from several goroutines,
	// and must not block. Live gives the reason why the process should be
	// restarted, nil when there is none.
	Ready func() Readiness
	Live  func() error
	// Capture is what /api/capture switches.
	Capture Switch
}

// Server answers /livez, /readyz, /metrics and /api/capture.
type Server struct {
	log      *zap.Logger
	http     http.Server
	listen   string
	mu       sync.Mutex
	listener net.Listener
	serving  sync.WaitGroup
}

// The limits of a request. Answers are small; a scrape of metrics is the
// longest.
const (
	readTimeout    = 5 * time.Second
	metricsTimeout = 10 * time.Second
	writeTimeout   = metricsTimeout + 5*time.Second
	idleTimeout    = time.Minute
	maxHeader      = 16 << 10
	maxScrapes     = 4
	// maxConnections keeps the descriptors for agents. One more waits until
	// another one is closed, at the latest for idleTimeout.
	maxConnections = 32
	acceptPause    = 100 * time.Millisecond
)

// New makes a server that does not listen yet.
func New(o Options) *Server {
	mux := http.NewServeMux()
	// A pattern for GET also serves HEAD; the mux answers 405 to the rest.
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { serveLive(w, o.Live()) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { serveReady(w, o.Ready()) })
	mux.HandleFunc("GET /api/capture", func(w http.ResponseWriter, _ *http.Request) { tellCapture(w, o.Capture) })
	mux.HandleFunc("POST /api/capture", func(w http.ResponseWriter, r *http.Request) { switchCapture(w, r, o.Capture, o.Logger) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Gatherer, promhttp.HandlerOpts{
		ErrorLog:            zap.NewStdLog(o.Logger),
		MaxRequestsInFlight: maxScrapes,
		Timeout:             metricsTimeout,
	}))
	return &Server{
		log:    o.Logger,
		listen: o.Listen,
		http: http.Server{
			Handler:           mux,
			ReadHeaderTimeout: readTimeout,
			ReadTimeout:       readTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeader,
			ErrorLog:          zap.NewStdLog(o.Logger),
		},
	}
}

// Start binds the address and answers requests until Close. It may be called
// once.
func (s *Server) Start() error {
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("http: listen on %s: %w", s.listen, err)
	}
	s.mu.Lock()
	s.listener = listener
	s.mu.Unlock()
	// Ends when Close shuts s.http down.
	s.serving.Go(func() {
		if err := s.http.Serve(netutil.LimitListener(&patient{Listener: listener, log: s.log}, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("http server stopped; restart the connector to get health and metrics back", zap.Error(err))
		}
	})
	return nil
}

// patient waits for descriptors when there are none. http.Server would too, and
// say so every second.
type patient struct {
	net.Listener
	log  *zap.Logger
	last time.Time // without one
}

// Accept implements net.Listener.
func (l *patient) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) {
			return c, err
		}
		if time.Since(l.last) > time.Minute { // one that becomes free for a moment is no end
			l.log.Error("http server has no descriptor for a connection; trying on", zap.Error(err), zap.String("action", "raise LimitNOFILE of the service (ulimit -n)"))
		}
		l.last = time.Now()
		<-time.After(acceptPause)
	}
}

// Addr is the address the server listens on, nil before Start.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Close stops listening, lets running requests finish until ctx ends and
// then cuts them. It gives ctx's error when it had to cut. Calling it again,
// or without Start, does no harm.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	s.serving.Wait()
	return err
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

// writeJSON answers 200 when good, else 503. A write that fails means that
// the client is gone, which is no news to anybody.
func writeJSON(w http.ResponseWriter, good bool, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !good {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(answer)
}
