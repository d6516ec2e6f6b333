package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/app"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// The demo's simulated Finesse answers after a moment, as a real one does, and
// keeps nobody waiting.
const (
	demoMinDelay = time.Millisecond
	demoMaxDelay = 30 * time.Millisecond
)

// demoPassword is that of the simulated agents. It opens nothing else.
const demoPassword = "secret"

// stageTimeout is how long all parts may take to start.
const stageTimeout = 10 * time.Second

// stage is everything the demo needs, on this machine: simulated Finesse,
// built-in broker and connector.
type stage struct {
	finesse   *simulator.Simulator
	connector *app.App
	stop      context.CancelFunc
	running   sync.WaitGroup
}

// addresses are where the parts of a stage listen; control may be "".
type addresses struct{ broker, http, control string }

// openStage starts the parts and waits until commands can be sent. The caller
// closes the stage.
func openStage(ctx context.Context, at addresses, log *zap.Logger) (*stage, error) {
	finesse, err := simulator.Start(simulator.Options{
		Control: at.control, Password: gc.NewSecret(demoPassword),
		MinDelay: demoMinDelay, MaxDelay: demoMaxDelay, Logger: log.Named("simulator"),
	})
	if err != nil {
		return nil, err
	}
	connector, err := newDemoConnector(finesse, at, log)
	if err != nil {
		finesse.Close()
		return nil, err
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &stage{finesse: finesse, connector: connector, stop: stop}
	s.running.Go(func() { connector.Run(run) })
	if err := s.awaitConsuming(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// newDemoConnector makes a connector for a simulated Finesse. It reads the
// certificate from a file, as always.
func newDemoConnector(finesse *simulator.Simulator, at addresses, log *zap.Logger) (*app.App, error) {
	ca, err := os.CreateTemp("", program+"-demo-*.pem")
	if err != nil {
		return nil, fmt.Errorf("write the simulator's certificate: %w; set TMPDIR to a directory that can be written to", err)
	}
	defer os.Remove(ca.Name())
	_, err = ca.Write(finesse.CertificatePEM())
	if err = errors.Join(err, ca.Close()); err != nil {
		return nil, fmt.Errorf("write the simulator's certificate: %w", err)
	}
	c := config.Default()
	c.Broker.Embedded = at.broker
	c.HTTP.Listen = at.http
	c.Finesse.Nodes = []config.Node{{REST: finesse.RESTURL(), Notify: finesse.NotifyURL()}}
	c.Finesse.CAFile = ca.Name()
	return app.New(c, log)
}

func (s *stage) awaitConsuming(ctx context.Context) error {
	timeout := time.NewTimer(stageTimeout)
	defer timeout.Stop()
	select {
	case <-s.connector.Consuming():
		return nil
	case <-timeout.C:
		return fmt.Errorf("the connector takes no commands after %s; run the demo with --verbose to see why", stageTimeout)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *stage) close() {
	s.stop()
	s.running.Wait()
	s.finesse.Close()
}

func (s *stage) brokerURL() string { return "tcp://" + s.connector.EmbeddedAddr() }

// freeOr returns address if it is free now, else one with any free port.
func freeOr(address string) string {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "127.0.0.1:0"
	}
	_ = l.Close()
	return address
}
