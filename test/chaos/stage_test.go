package chaos

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/finesse-connector/finesse-connector/internal/app"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// stage is a connector between a broker and a simulated Finesse, with a proxy
// on each of its three edges.
type stage struct {
	t        *testing.T
	name     string // of the command queue and of the driver's topic
	activemq *servertest.ActiveMQ
	finesse  *simulator.Simulator
	history  *history
	fronts   []*front                     // one for each node
	edges    map[string]*servertest.Proxy // broker, rest, notify
	config   *config.Config
	log      *zap.Logger

	connector *running
}

// newStage may share an ActiveMQ with stages of other names.
func newStage(t *testing.T, name string, a *servertest.ActiveMQ) *stage {
	t.Helper()
	s := emptyStage(t, name, a, simulator.Options{MaxDelay: simulator.NoDelay, SSO: true, SSOAgents: tokenHolders()})
	s.open()
	return s
}

// emptyStage has no connector yet.
func emptyStage(t *testing.T, name string, a *servertest.ActiveMQ, o simulator.Options) *stage {
	t.Helper()
	s := &stage{t: t, name: name, activemq: a, history: newHistory(), log: logTo(t, "connector.log")}
	o.Observer = s.history.observe
	var err error
	s.finesse, err = simulator.Start(o)
	require.NoError(t, err)
	t.Cleanup(s.finesse.Close)
	s.fronts = []*front{newFront(t, s.finesse.Nodes()[0], s.finesse.CertificatePEM())}
	notify, err := url.Parse(s.finesse.NotifyURL())
	require.NoError(t, err)
	s.edges = map[string]*servertest.Proxy{
		"broker": servertest.NewProxy(t, s.activemq.STOMP),
		"rest":   servertest.NewProxy(t, s.fronts[0].address),
		"notify": servertest.NewProxy(t, notify.Host),
	}
	s.config = s.configuration()
	return s
}

// open starts the connector, which ends with the test.
func (s *stage) open() {
	s.start()
	s.t.Cleanup(func() { s.stop() })
}

func (s *stage) configuration() *config.Config {
	c := config.Default()
	c.Broker.URLs = []string{"tcp://" + s.edges["broker"].Addr()}
	c.Broker.CommandQueue = s.name
	c.Finesse.Nodes = []config.Node{{REST: "https://" + s.edges["rest"].Addr(), Notify: "xmpps://" + s.edges["notify"].Addr()}}
	c.Finesse.CAFile = s.authorities()
	c.Finesse.RequestTimeout = 2 * time.Second // so that a short black hole is one
	c.Messages.Format = wire.JSON
	c.HTTP.Listen = "127.0.0.1:0"
	return c
}

// authorities is a file with those that sign for REST and for notifications.
func (s *stage) authorities() string {
	file := filepath.Join(s.t.TempDir(), "ca.pem")
	require.NoError(s.t, os.WriteFile(file, append(s.finesse.CertificatePEM(), s.fronts[0].certificate()...), 0o600))
	return file
}

// reached is how often Finesse was asked for w.
func (s *stage) reached(w wish) (n int) {
	for _, f := range s.fronts {
		n += f.reached(w)
	}
	return n
}

// running is one life of the connector.
type running struct {
	end  context.CancelFunc
	done chan struct{}
}

func (s *stage) start() {
	a, err := app.New(s.config, s.log)
	require.NoError(s.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{cancel, make(chan struct{})}
	go func() {
		defer close(r.done)
		a.Run(ctx)
	}()
	s.connector = r
}

// stop ends the connector in order, and says how long that took.
func (s *stage) stop() time.Duration {
	begin := time.Now()
	s.connector.end()
	<-s.connector.done
	return time.Since(begin)
}

// agent is what the simulated Finesse knows of an agent.
func (s *stage) agent(id gc.AgentID) simulator.Agent {
	for _, a := range s.finesse.Agents() {
		if a.ID == id {
			return a
		}
	}
	panic("no agent " + id)
}

// logTo logs into a file that "go test -artifacts" keeps.
func logTo(t *testing.T, name string) *zap.Logger {
	t.Helper()
	f, err := os.Create(filepath.Join(t.ArtifactDir(), name))
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	encoding := zap.NewProductionEncoderConfig()
	encoding.EncodeTime = zapcore.ISO8601TimeEncoder
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(encoding), f, zap.DebugLevel))
}
