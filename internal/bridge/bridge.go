// Package bridge takes commands from the broker to the sessions of their agents
// (intake) and events from the sessions to the destinations of their drivers
// (delivery). Who is connected where they both ask the directory.
//
// A command's way is Handle, receive, submit; an event's is emit, sendAs. Handle never
// blocks, so a slow agent never delays another: what an agent's session has no room
// for is answered PLEASE_RETRY, and so is what comes of those who proved nothing when
// that is most of all that may wait. Commands of one agent reach its session in the
// order delivered, and a command is acknowledged when its answer is confirmed by the
// broker. One that is delivered again, because the connection was lost before, is not
// run again while the process lives (ledger). One that cannot be answered, because
// nobody is known to tell, is logged, counted and acknowledged: it must not come back
// for ever.
package bridge

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/directory"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/passwords"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// Options wires a bridge. All fields but Registerer and Capture are required.
type Options struct {
	Publish       func(broker.Message) // must not block
	Node          func() session.Node
	Recorder      session.Recorder
	SystemChanged func() // a session heard that Finesse's own state changed
	Settings      Settings
	Limits        Limits
	Times         session.Times
	Logger        *zap.Logger
	Registerer    prometheus.Registerer
	Capture       Capture // records commands and events; nil for none
}

// Limits bound what is under way.
type Limits struct {
	AtOnce    int // of agents of whom no password has worked yet so many are put to Finesse at a time
	Strangers int // so many sessions there are of which no password was proved
	Prefetch  int // so many commands the broker gives at a time
}

// DefaultLimits are those of the daemon.
var DefaultLimits = Limits{AtOnce: passwords.AtOnce, Strangers: directory.Strangers, Prefetch: broker.Prefetch}

// Settings can change while the bridge works; see Configure.
type Settings struct {
	Writer        *wire.Writer
	Format        wire.Format // of events for clients that ask for none, where Formats say nothing
	Formats       wire.FormatRules
	AgentLimit    int               // 0: none; agents that are signed in stay so
	Sentences     map[string]string // of the agents' status bars (O-003); nil sends none
	Deprecated    bool              // also sends what the protocol keeps for old clients
	Own           []string          // queues and topics of the connector itself, by name, which are no destinations
	Destinations  []string          // patterns of those that clients may name; none: any
	SyncTopic     string            // where agents are announced to other connectors (O-025); "" nowhere
	MaxCommandAge time.Duration     // of call-control commands
}

// formatFor is the format of a destination whose clients ask for none.
func (s *Settings) formatFor(d gc.Destination) wire.Format { return s.Formats.For(d, s.Format) }

// permits is why clients cannot use a destination: it is one of the connector's
// own, or the configuration does not allow it. A temporary one, which a client
// has made, is always allowed.
func (s *Settings) permits(d gc.Destination) error {
	if slices.ContainsFunc(s.Own, d.BelongsTo) {
		return errors.New("destination is one of the connector's own")
	}
	if !d.IsTemporary() && !gc.AnyMatches(s.Destinations, d) {
		return errors.New("destination is none of messages.destinations")
	}
	return nil
}

// Bridge connects the broker and the sessions.
type Bridge struct {
	settings *atomic.Pointer[Settings]
	licences *licences
	*intake
	*delivery
}

// New makes a bridge that says OUT_OF_SERVICE until SetStatus knows better.
func New(o Options) *Bridge {
	if o.Capture == nil {
		o.Capture = (*capture.Recorder)(nil)
	}
	b := &Bridge{settings: &atomic.Pointer[Settings]{}, licences: &licences{}}
	b.Configure(o.Settings)
	who := directory.New(o.Limits.Strangers)
	unproved, unconfirmed := newOwed(o.Limits.Prefetch/5*unprovedFifths), newOwed(o.Limits.Prefetch/10)
	j := &journal{Logger: o.Logger, metrics: newMetrics(o.Registerer, who, unproved, b.licences), done: lines{most: doneAtOnce}}
	b.delivery = &delivery{
		publish: o.Publish, capture: o.Capture, settings: b.settings, directory: who, journal: j,
		unproved: unproved, unconfirmed: unconfirmed, status: gc.OutOfService,
	}
	guard := passwords.New(passwords.Options{Tried: j.tried, AtOnce: o.Limits.AtOnce, Registerer: o.Registerer})
	b.intake = &intake{
		capture: o.Capture, settings: b.settings, directory: who, journal: j, delivery: b.delivery,
		unproved: unproved, unconfirmed: unconfirmed, ledger: newLedger(2 * o.Limits.Prefetch), passwords: guard, sessions: session.Options{
			Node:     func() session.Node { return guard.Node(o.Node()) },
			AsText:   func(s string) string { return b.settings.Load().Writer.Value(s) },
			Licences: b.licences, Recorder: o.Recorder, SystemChanged: o.SystemChanged, Times: o.Times,
		},
	}
	b.intake.ctx, b.intake.cancel = context.WithCancel(context.Background())
	return b
}

// Configure takes new settings over; the next command and the next event use
// them.
func (b *Bridge) Configure(s Settings) {
	b.settings.Store(&s)
	b.licences.setLimit(s.AgentLimit)
}
