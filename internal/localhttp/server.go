// Package localhttp serves HTTP to people and programs of this machine and to
// its operators: health, metrics, and the simulator's control page. They need
// no password, so three things are decided here for all of them:
//
//   - Who is meant. The Host of a request must be a name or an address of this
//     server; else the answer is 421. An attacker's DNS can point a name to
//     this machine, but that does not turn the attacker's page into one of this
//     server's.
//   - Who asks. A request that may change something, that is any but GET, HEAD
//     and OPTIONS, is answered 403 when a browser sends it for a page of
//     another origin. So handlers change nothing on GET.
//   - Who gets in: everybody, at once. A connection is for one request. At most
//     maxConnections are open; for one more, the one is closed that has waited
//     longest without a request, or has been served longest. Connections that
//     are idle, slow or do not read keep nobody out.
//
// Every answer has headers that keep it out of caches and of other sites'
// frames.
package localhttp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
)

// The limits of a request. A handler that takes longer moves the deadlines of
// its own connection (http.ResponseController).
const (
	readTimeout  = 5 * time.Second
	writeTimeout = 15 * time.Second
	maxHeader    = 16 << 10
)

// Server answers requests at one address. Its methods may be called from any
// goroutine.
type Server struct {
	http http.Server
	door *door
}

// Listen binds an address, host:port; port 0 takes a free one. Requests may use
// a host name in it; an empty host means all addresses of the machine. The
// caller serves and closes the server.
func Listen(address string, h http.Handler, log *zap.Logger) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	s := &Server{door: newDoor(listener, log)}
	s.http = http.Server{
		Handler:           s.door.follow(newGuard(address, listener.Addr(), h, log)),
		ConnContext:       remember,
		ReadHeaderTimeout: readTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          zap.NewStdLog(log),
	}
	s.http.SetKeepAlivesEnabled(false)
	s.http.RegisterOnShutdown(s.door.clear)
	return s, nil
}

// Addr returns the address listened on.
func (s *Server) Addr() net.Addr { return s.door.Addr() }

// Serve answers requests until Shutdown or Close. Its error is never nil:
// http.ErrServerClosed then, else the fault that ended it.
func (s *Server) Serve() error { return s.http.Serve(s.door) }

// Shutdown stops listening, lets running requests finish until ctx ends, and
// then cuts them. It returns ctx's error if it had to cut.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	return err
}

// Close stops listening, even if Serve was not called, and cuts all
// connections.
func (s *Server) Close() error {
	err := s.http.Close()
	_ = s.door.Close() // closed already if it was served
	return err
}
