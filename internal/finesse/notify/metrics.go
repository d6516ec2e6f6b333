package notify

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// dialOutcome is how a Dial ended, and a label: the set is closed.
type dialOutcome string

const (
	dialConnected   dialOutcome = "connected"
	dialCredentials dialOutcome = "credentials" // refused: wrong id or password
	dialFailed      dialOutcome = "failed"      // refused otherwise, or not there
	dialTimeout     dialOutcome = "timeout"     // no answer in time
)

// loss is why a stream ended, and a label: the set is closed.
type loss string

const (
	lossClosed    loss = "closed" // by Close, which is no loss
	lossSilent    loss = "silent"
	lossOversized loss = "oversized"
	lossBroken    loss = "broken" // cut, ended by the server, or not XMPP any more
)

// subscribeResult is how a SubscribeTeam ended, and a label: the set is closed.
type subscribeResult string

const (
	subscribed          subscribeResult = "subscribed"
	subscriptionRefused subscribeResult = "refused"
	subscriptionFailed  subscribeResult = "failed" // no answer
)

type metrics struct {
	streams                                 prometheus.Gauge
	dials                                   map[dialOutcome]prometheus.Counter
	lost                                    map[loss]prometheus.Counter
	subscriptions                           map[subscribeResult]prometheus.Counter
	updates, malformed, duplicates, unknown prometheus.Counter
	foreign, delayed, others                prometheus.Counter
	characters, elements                    prometheus.Counter // that cannot be read
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	b := builder{registerer: r}
	m := &metrics{
		streams:    b.gauge("notify_streams", "Streams to the notification service that are open."),
		updates:    b.counter("notify_updates_total", "Updates passed on."),
		malformed:  b.counter("notify_malformed_total", "Updates dropped because they cannot be read."),
		duplicates: b.counter("notify_duplicates_total", "Updates dropped because the service sent them twice."),
		foreign:    b.counter("notify_foreign_total", "Notifications dropped because the publish-subscribe service has not sent them."),
		others:     b.counter("notify_others_total", "Updates dropped because they are not about the agent or its voice calls."),
		delayed:    b.counter("notify_delayed_total", "Notifications dropped because the server had kept them for later."),
		unknown:    b.counter("notify_unknown_stanzas_total", "Elements that are no stanzas of XMPP."),

		dials:         map[dialOutcome]prometheus.Counter{},
		lost:          map[loss]prometheus.Counter{},
		subscriptions: map[subscribeResult]prometheus.Counter{},
	}
	dials := b.vector("notify_dials_total", "Attempts to connect an agent, by how they ended.", "result")
	unreadable := b.vector("notify_unreadable_total",
		"Characters of what the service sends that were replaced, and elements that were left out, because they cannot be read.", "what")
	m.characters, m.elements = unreadable.WithLabelValues("characters"), unreadable.WithLabelValues("elements")
	for _, o := range []dialOutcome{dialConnected, dialCredentials, dialFailed, dialTimeout} {
		m.dials[o] = dials.WithLabelValues(string(o))
	}
	lost := b.vector("notify_ended_streams_total", "Streams that ended, by reason.", "reason")
	for _, l := range []loss{lossClosed, lossSilent, lossOversized, lossBroken} {
		m.lost[l] = lost.WithLabelValues(string(l))
	}
	subscriptions := b.vector("notify_team_subscriptions_total", "Attempts to subscribe a supervisor to the updates of a team, by how they ended.", "result")
	for _, r := range []subscribeResult{subscribed, subscriptionRefused, subscriptionFailed} {
		m.subscriptions[r] = subscriptions.WithLabelValues(string(r))
	}
	return m, b.err
}

// builder makes collectors and remembers the first that could not be
// registered.
type builder struct {
	registerer prometheus.Registerer
	err        error
}

func (b *builder) gauge(name, help string) prometheus.Gauge {
	return register(b, prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help}))
}

func (b *builder) counter(name, help string) prometheus.Counter {
	return register(b, prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help}))
}

func (b *builder) vector(name, help, label string) *prometheus.CounterVec {
	return register(b, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label}))
}

// register gives the collector that counts: c, or the one the dialer of
// another node registered before.
func register[C prometheus.Collector](b *builder, c C) C {
	if b.registerer == nil {
		return c
	}
	err := b.registerer.Register(c)
	var already prometheus.AlreadyRegisteredError
	if errors.As(err, &already) {
		if existing, ok := already.ExistingCollector.(C); ok {
			return existing
		}
	}
	if err != nil && b.err == nil {
		b.err = err
	}
	return c
}
