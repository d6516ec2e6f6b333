package broker

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// kind separates events to topics from all others; a label value.
type kind string

const (
	toTopic kind = "topic"
	toOther kind = "other"
)

// Why an event was dropped; label values.
const (
	droppedFull    = "queue_full" // too much waited; the oldest went
	droppedRefused = "refused"    // the broker answered ERROR
	droppedStale   = "stale"      // the broker was away; a snapshot is reported when it is back
)

// Names of the connections; label values.
const (
	commandsLink = "commands"
	eventsLink   = "events"
	repliesLink  = "replies"
	ownerLink    = "owner" // only with Options.Sharing
)

type metrics struct {
	connects  *prometheus.CounterVec
	received  prometheus.Counter
	published *prometheus.CounterVec
	dropped   *prometheus.CounterVec
	receipts  prometheus.Histogram
}

// newMetrics registers the counters, and the queue lengths that length returns.
// Every label value starts at zero, so that the first event is a change.
func newMetrics(r prometheus.Registerer, length func(kind) float64) (*metrics, error) {
	m := &metrics{
		connects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "broker_connects_total", Help: "Connections to the broker that were established.",
		}, []string{"connection"}),
		received: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "commands_received_total", Help: "Messages taken from the command queue.",
		}),
		published: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "events_published_total", Help: "Events the broker confirmed.",
		}, []string{"kind"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "events_dropped_total", Help: "Events that will not reach their destination.",
		}, []string{"reason"}),
		receipts: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "broker_receipt_seconds", Help: "From sending an event to the broker's receipt.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5, 10},
		}),
	}
	collectors := []prometheus.Collector{m.connects, m.received, m.published, m.dropped, m.receipts}
	for _, name := range []string{commandsLink, eventsLink, repliesLink} {
		m.connects.WithLabelValues(name)
	}
	for _, reason := range []string{droppedFull, droppedRefused, droppedStale} {
		m.dropped.WithLabelValues(reason)
	}
	for _, k := range []kind{toTopic, toOther} {
		m.published.WithLabelValues(string(k))
		collectors = append(collectors, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "events_unconfirmed", Help: "Events that wait for the broker or for its receipt.",
			ConstLabels: prometheus.Labels{"kind": string(k)},
		}, func() float64 { return length(k) }))
	}
	if r == nil {
		return m, nil
	}
	var faults []error
	for _, c := range collectors {
		faults = append(faults, r.Register(c))
	}
	return m, errors.Join(faults...)
}

// share registers what there is to see of connectors that share the command queue.
func (m *metrics) share(r prometheus.Registerer, owner func() float64) error {
	m.connects.WithLabelValues(ownerLink)
	if r == nil {
		return nil
	}
	return r.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "cluster_owner", Help: "1 while this connector is the owner of the command queue, with cluster.name.",
	}, owner))
}
