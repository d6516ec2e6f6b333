package app

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/finesse-connector/finesse-connector/internal/bridge"
	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/nodes"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// standing is a connector with a part that can be made to stand still.
type standing struct {
	*App
	stop    chan struct{} // closed when it must go on
	blocked func()        // the call that stands still
}

// run runs f until the end of the test.
func (s *standing) run(t *testing.T, f func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); f(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

// watched asks as a service manager does, for ten minutes, and returns the
// first complaint.
func (s *standing) watched() error {
	for range 40 {
		if err := s.Live(); err != nil {
			return err
		}
		<-time.After(15 * time.Second)
	}
	return nil
}

// slowLog calls write for each line, which may block.
func slowLog(write func()) *zap.Logger {
	core, _ := observer.New(zap.ErrorLevel)
	return zap.New(zapcore.RegisterHooks(core, func(zapcore.Entry) error { write(); return nil }))
}

// Live names every loop that stands still, and none that has nothing to do.
func TestEveryLoopIsWatched(t *testing.T) {
	watchOverFinesse := func(t *testing.T, s *standing) {
		s.nodes.Changed = func(gc.SystemStatus) { s.blocked() }
		s.run(t, s.nodes.Run)
	}
	sessions := func(t *testing.T, s *standing) {
		s.bridge = bridge.New(bridge.Options{
			Publish: func(broker.Message) {}, SystemChanged: func() {}, Logger: zap.NewNop(), Times: session.DefaultTimes, Limits: bridge.DefaultLimits,
			Node:     func() session.Node { s.blocked(); return lostNode{} },
			Settings: bridge.Settings{Writer: &wire.Writer{Location: time.UTC, Substitute: '_'}, Format: wire.Text},
		})
		t.Cleanup(func() { s.bridge.Stop(t.Context()) })
		s.bridge.Handle(&broker.Delivery{Type: "Connect#1001", Body: "desk,secret"})
	}
	recording := func(t *testing.T, s *standing) {
		o := capture.Options{File: filepath.Join(t.TempDir(), "there", "is", "none"), MaxSize: 1 << 20}
		s.recorder = capture.New(o, nil, "", slowLog(func() { s.blocked() }), nil)
		s.run(t, s.recorder.Run)
	}
	brokerIsAway := func(t *testing.T, s *standing) {
		b, err := broker.New(broker.Options{
			URLs: []string{"tcp://" + servertest.FreeAddress(t)}, CommandQueue: "Q",
			Backoff: func(int) time.Duration { s.blocked(); return time.Minute },
		})
		require.NoError(t, err)
		s.broker = b
		s.run(t, func(ctx context.Context) { b.Run(ctx, func(*broker.Delivery) {}) })
	}
	for name, start := range map[string]func(*testing.T, *standing){
		"the broker connection for":     brokerIsAway,
		"the watch over finesse":        watchOverFinesse,
		"the session of agent 1001":     sessions,
		"the recording to capture.file": recording,
	} {
		for _, stuck := range []bool{true, false} {
			t.Run(map[bool]string{true: "stands still: ", false: "goes round: "}[stuck]+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &standing{stop: make(chan struct{}), blocked: func() {}}
					if stuck {
						s.blocked = func() { <-s.stop }
					}
					idle, err := broker.New(broker.Options{URLs: []string{"tcp://127.0.0.1:1"}, CommandQueue: "Q"})
					require.NoError(t, err)
					watch, err := nodes.New(config.Finesse{}, nodes.Options{Changed: func(gc.SystemStatus) {}, Logger: zap.NewNop()})
					require.NoError(t, err)
					s.App = &App{
						broker:   idle,
						nodes:    watch,
						bridge:   bridge.New(bridge.Options{Logger: zap.NewNop()}),
						recorder: capture.New(capture.Options{}, nil, "", zap.NewNop(), nil),
					}
					start(t, s)
					t.Cleanup(func() { close(s.stop) }) // before other ends that wait for it
					err = s.watched()
					if !stuck {
						require.NoError(t, err)
						return
					}
					require.ErrorContains(t, err, name)
					require.ErrorContains(t, err, " has stood still for ")
					require.ErrorContains(t, err, "restart the connector")
				})
			})
		}
	}
}

// lostNode is a node that refuses everybody.
type lostNode struct{ session.Node }

func (lostNode) Name() string                    { return "lost" }
func (lostNode) Usable() (bool, <-chan struct{}) { return true, nil }
func (lostNode) User(context.Context, finesse.Credentials) (finesse.User, error) {
	return finesse.User{}, gc.Errorf(gc.SubscriptionFailed, "read user", "nobody is let in")
}
