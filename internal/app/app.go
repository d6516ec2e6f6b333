// Package app is the process as a value: it wires the other packages, starts
// them in order and stops them in reverse order. Several can run at once.
package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/bridge"
	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/broker/embedded"
	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/cluster"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/nodes"
	"github.com/finesse-connector/finesse-connector/internal/ops"
	"github.com/finesse-connector/finesse-connector/internal/recording"
	"github.com/finesse-connector/finesse-connector/internal/session"
	"github.com/finesse-connector/finesse-connector/internal/trust"
)

// An orderly stop takes 15 s at most: sessions may finish what they hold until
// answerTimeout, then they answer without an outcome; until publishTimeout the
// broker may confirm the answers. During acknowledgeTimeout of that, answered
// commands that the broker delivers again are acknowledged; they might go to
// another connector. To disconnect takes up to 2 s more. firstLook is how long
// the start waits to learn whether Finesse is there, so that the first Hello gets
// the right answer.
const (
	answerTimeout      = 10 * time.Second
	publishTimeout     = 13 * time.Second
	acknowledgeTimeout = 2 * time.Second
	firstLook          = 2 * time.Second
)

// App is one connector.
type App struct {
	config   *config.Config
	started  config.Broker // as it was when the process began
	log      *zap.Logger
	embedded *embedded.Broker // nil without broker.embedded
	broker   *broker.Broker
	bridge   *bridge.Bridge
	cluster  *cluster.Cluster // nil without cluster.name
	nodes    *nodes.Nodes
	recorder *capture.Recorder
	server   *ops.Server

	consuming chan struct{} // closed once commands are being consumed
	once      sync.Once
}

// New makes a connector and binds what it listens on: the built-in broker, if
// configured, and the HTTP address. It connects to nothing. The caller calls
// Run, which also releases what New took.
func New(c *config.Config, log *zap.Logger) (*App, error) {
	a := &App{config: c, started: c.Broker, log: log, consuming: make(chan struct{})}
	if err := a.wire(c); err != nil {
		a.release(context.Background())
		return nil, err
	}
	return a, nil
}

func (a *App) wire(c *config.Config) (err error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reg := prometheus.WrapRegistererWithPrefix("finesse_connector_", registry)
	a.recorder = capture.New(captureOptions(c), func() []capture.Record { return a.nodes.Captured() }, version(), a.log.Named("capture"), reg)
	if a.cluster, err = newCluster(c, a.log); err != nil {
		return err
	}
	a.nodes, err = nodes.New(c.Finesse, nodes.Options{
		Changed: func(s gc.SystemStatus) { a.bridge.SetStatus(s) }, Before: a.before(), Logger: a.log.Named("finesse"), Registerer: reg, Capture: a.recorder,
	})
	if err != nil {
		return err
	}
	if err = a.openBroker(c.Broker, c.Messages.CategoryProperty, reg); err != nil {
		return err
	}
	ofRecorder, err := trust.Config(c.Recording.CAFile, false)
	if err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	a.bridge = bridge.New(bridge.Options{
		Publish: a.broker.Publish,
		Node:    a.nodes.Serving,
		Recorder: recording.New(recording.Options{
			PauseURL: c.Recording.PauseURL, ResumeURL: c.Recording.ResumeURL, TLS: ofRecorder,
			Logger: a.log.Named("recording"), Registerer: reg, Capture: a.recorder,
		}),
		SystemChanged: a.nodes.Look,
		Settings:      settings(c),
		Limits:        bridge.DefaultLimits,
		Times:         session.DefaultTimes,
		Logger:        a.log.Named("bridge"),
		Registerer:    reg,
		Capture:       a.recorder,
	})
	a.server = ops.New(ops.Options{
		Listen: c.HTTP.Listen, Logger: a.log.Named("http"), Gatherer: registry,
		Ready: a.Readiness, Live: a.Live, Capture: a.recorder,
	})
	return a.server.Start()
}

func settings(c *config.Config) bridge.Settings {
	s := bridge.Settings{
		Writer:        &wire.Writer{Location: c.Messages.TimeZone, Substitute: []rune(c.Messages.SeparatorSubstitute)[0], Participants: c.Messages.Participants},
		Format:        c.Messages.Format,
		Formats:       c.Messages.Formats,
		Destinations:  c.Messages.Destinations,
		Own:           own(c.Broker),
		AgentLimit:    c.Agents.Limit,
		MaxCommandAge: c.Broker.MaxCommandAge,
		Deprecated:    c.Messages.Deprecated,
	}
	if c.Messages.StatusBar {
		s.Sentences = c.Messages.Sentences
	}
	if c.Cluster.Plaintext {
		s.SyncTopic = c.Broker.SyncTopic
	}
	return s
}

// own returns the names of the queues and topics that the connector itself
// uses. Nobody can have events there.
func own(b config.Broker) []string {
	return []string{b.CommandQueue, b.SyncTopic, broker.OwnerQueue(b.CommandQueue)}
}

// Reload applies the settings of c that can change while the connector runs,
// and logs what changed and what waits for a restart. The log's level is the
// caller's. Not for use by several goroutines at once.
func (a *App) Reload(c *config.Config) {
	live, restart := config.Changes(a.config, c)
	now := settings(c)
	now.Own = append(now.Own, own(a.started)...) // a change of these waits for a restart
	a.bridge.Configure(now)
	if len(live) > 0 { // a capture has the settings it was made with
		a.recorder.Configure(captureOptions(c))
	}
	a.config = c
	a.log.Info("configuration reloaded", zap.Strings("changed", live))
	if len(restart) > 0 {
		a.log.Warn("some keys changed that a running connector keeps; restart it to use them", zap.Strings("keys", restart))
	}
}

func (a *App) openBroker(c config.Broker, category string, reg prometheus.Registerer) error {
	urls := c.URLs
	if c.Embedded != "" {
		var err error
		a.embedded, err = embedded.Start(embedded.Options{Listen: c.Embedded, Username: c.Username, Password: c.Password, Logger: a.log.Named("broker")})
		if err != nil {
			return fmt.Errorf("start the built-in broker: %w", err)
		}
		urls = []string{"tcp://" + a.embedded.Addr()}
	}
	options, err := BrokerOptions(c, category)
	if err != nil {
		return err
	}
	options.URLs = urls
	options.Sharing = a.sharing(c.SyncTopic)
	options.Logger = a.log.Named("broker")
	options.Registerer = reg
	options.Shown = func(d gc.Destination) string { return a.bridge.Shown(d) }
	options.Restored = func(topics bool) {
		a.recorder.Restored(topics)
		a.bridge.Restored(topics)
	}
	options.Changed = func(s broker.Status) {
		if s.Consuming {
			a.once.Do(func() { close(a.consuming) })
		}
	}
	a.broker, err = broker.New(options)
	return err
}

// BrokerOptions returns the options that the section broker of the
// configuration asks for, without Logger and Registerer.
func BrokerOptions(c config.Broker, category string) (broker.Options, error) {
	tlsConfig, err := trust.Config(c.CAFile, false)
	if err != nil {
		return broker.Options{}, fmt.Errorf("broker: %w", err)
	}
	return broker.Options{
		URLs:             c.URLs,
		Username:         c.Username,
		Password:         c.Password,
		TLS:              tlsConfig,
		CommandQueue:     c.CommandQueue,
		ConsumerPriority: c.ConsumerPriority,
		Heartbeat:        c.Heartbeat,
		PriorityBackup:   c.PriorityBackup,
		CategoryProperty: category,
		JavaText:         c.Embedded == "", // drivers of the built-in broker all speak STOMP
	}, nil
}

// Run works until ctx ends, then stops in an orderly way within 15 s: it takes
// no new commands, sessions answer what they hold, events are confirmed,
// connections end. Agents stay signed in at Finesse. ErrLost says that another connector
// has become the owner of the command queue before that: then what was held is left to it.
func (a *App) Run(ctx context.Context) error {
	// The parts outlive ctx: stopping needs them.
	work, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var running sync.WaitGroup
	record, recorded := context.WithCancel(context.WithoutCancel(ctx)) // to the end
	var recorder sync.WaitGroup
	recorder.Go(func() { a.recorder.Run(record) })
	look, looked := context.WithTimeout(work, firstLook)
	a.nodes.Check(look)
	looked()
	running.Go(func() { a.nodes.Run(work) })
	running.Go(func() { a.broker.Run(work, a.bridge.Handle) })
	if a.cluster != nil {
		running.Go(func() { a.cluster.Run(work, a.broker) })
	}
	a.log.Info("started", zap.Stringer("http", a.server.Addr()))

	var lost error
	select {
	case <-ctx.Done():
		a.log.Info("stopping")
		a.finish(work)
	case <-a.lost():
		lost = ErrLost
		a.abandon(work)
	}
	end()
	running.Wait()
	a.release(context.WithoutCancel(ctx))
	recorded()
	recorder.Wait()
	a.log.Info("stopped")
	return lost
}

// abandon ends what sessions hold at once, without a word: it is not this connector's any
// more.
func (a *App) abandon(ctx context.Context) {
	a.log.Error("another connector is the owner of the command queue now; this one begins anew", zap.Error(ErrLost),
		zap.String("action", "nothing, if the service manager starts it again; find out why it did not hear the broker"))
	ended, end := context.WithCancel(ctx)
	end()
	a.bridge.Stop(ended)
}

// finish answers what sessions hold, and waits until the broker has it.
func (a *App) finish(work context.Context) {
	stop, stopped := context.WithTimeout(work, publishTimeout)
	defer stopped()
	answer, answered := context.WithTimeout(stop, answerTimeout)
	a.broker.StopConsuming(answer)
	a.recorder.Record(capture.Record{Dir: capture.In, Edge: capture.Broker, Event: capture.Stopping})
	a.bridge.Stop(answer)
	answered()
	if err := a.broker.Flush(stop); err != nil {
		a.log.Warn("stopping with events that the broker did not confirm; their commands will be delivered again", zap.Error(err))
	}
	last, acknowledged := context.WithTimeout(stop, acknowledgeTimeout)
	a.bridge.Acknowledged(last)
	acknowledged()
}

// release gives back what New took.
func (a *App) release(ctx context.Context) {
	if a.server != nil {
		if err := a.server.Close(ctx); err != nil {
			a.log.Debug("http server closed with requests open", zap.Error(err))
		}
	}
	if a.nodes != nil {
		a.nodes.Close()
	}
	if a.embedded != nil {
		a.embedded.Close()
	}
}

// Consuming is closed once the first command can be taken.
func (a *App) Consuming() <-chan struct{} { return a.consuming }

// HTTPAddr returns the address of /livez, /readyz and /metrics.
func (a *App) HTTPAddr() string { return a.server.Addr().String() }

// EmbeddedAddr returns where the built-in broker listens, "" without one.
func (a *App) EmbeddedAddr() string {
	if a.embedded == nil {
		return ""
	}
	return a.embedded.Addr()
}

// Readiness returns what /readyz shows: a pure function of state.
func (a *App) Readiness() ops.Readiness {
	s := a.broker.Status()
	state := ops.Down
	if s.Consuming {
		state = ops.Up
	}
	return ops.Readiness{
		Broker:  ops.BrokerState{State: state, Consuming: s.Consuming, URL: s.URL, Kind: s.Trouble},
		Cluster: a.clusterState(),
		Nodes:   a.nodes.States(),
	}
}

// Live returns an error when a loop of the process stands still: the process
// needs a restart. A broker or a Finesse that is away holds up no loop. Call it
// again and again. It waits for the locks of the parts that it asks: a deadlock
// there keeps it from returning.
func (a *App) Live() error {
	for _, part := range []interface{ Live() error }{a.nodes, a.broker, a.bridge, a.recorder} {
		if err := part.Live(); err != nil {
			return err
		}
	}
	return nil
}
