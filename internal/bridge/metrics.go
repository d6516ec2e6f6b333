package bridge

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/finesse-connector/finesse-connector/internal/directory"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

type metrics struct {
	commands      *prometheus.CounterVec
	took          prometheus.Histogram
	quarantined   prometheus.Counter
	full          prometheus.Counter
	categories    prometheus.Counter
	repeated      prometheus.Counter
	returned      prometheus.Counter
	separators    prometheus.Counter
	undeliverable prometheus.Counter
	unlogged      prometheus.Counter
}

// newMetrics starts every series at zero, so that the first failure of a kind
// shows as a change.
func newMetrics(reg prometheus.Registerer, who *directory.Directory, owed *owed, l *licences) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &metrics{
		commands:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "commands_total", Help: "Commands by name and outcome: ok or an error code."}, []string{"command", "result"}),
		took:          prometheus.NewHistogram(prometheus.HistogramOpts{Name: "command_seconds", Help: "From the arrival of a command to its outcome.", Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}}),
		quarantined:   counter("commands_quarantined_total", "Messages put aside: commands nobody could be told about, events that came back, and what could not be read."),
		full:          counter("commands_mailbox_full_total", "Commands refused because too many waited for their agent."),
		categories:    counter("commands_category_mismatch_total", "Commands with another category than the protocol's."),
		repeated:      counter("commands_repeated_total", "Commands delivered again after they were taken; they did not run twice."),
		returned:      counter("commands_returned_total", "Events of a connector that came back on the command queue."),
		separators:    counter("separators_replaced_total", "Separators inside values, replaced in text events."),
		undeliverable: counter("events_undeliverable_total", "Events without a destination, or to one that is not tried."),
		unlogged:      counter("log_lines_left_out_total", "Lines about commands, left out of the log because too many came."),
	}
	for _, c := range gc.Commands {
		m.commands.WithLabelValues(string(c.Name), "ok")
	}
	if reg == nil {
		return m
	}
	gauge := func(name, help string, read func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(read()) })
	}
	reg.MustRegister(m.commands, m.took, m.quarantined, m.full, m.categories, m.repeated, m.returned, m.separators, m.undeliverable, m.unlogged,
		gauge("agents", "Agents with a session.", func() int { return who.Counts().Agents }),
		gauge("agents_unproved", "Agents with a session, of whom no password was proved.", func() int { return who.Counts().Strangers }),
		gauge("commands_unproved", "Commands of those who proved no password that are not acknowledged.", owed.strangers),
		gauge("destinations", "Destinations known.", func() int { return who.Counts().Destinations }),
		gauge("agents_signed_in", "Agents signed in through the connector.", l.count))
	return m
}

func (m *metrics) finished(command, result string, took time.Duration) {
	m.commands.WithLabelValues(command, result).Inc()
	m.took.Observe(took.Seconds())
}

// resultOf names an outcome. Codes are few, though Finesse may pass through
// one that is not listed; those that are not even names are not shown.
func resultOf(err error) string {
	if err == nil {
		return "ok"
	}
	code := string(gc.CodeOf(err))
	if len(code) > 60 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		return string(gc.GeneralError)
	}
	return code
}

// licences counts the agents that are signed in.
type licences struct {
	mu    sync.Mutex
	limit int // 0: none
	taken int
}

func (l *licences) setLimit(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = n
}

func (l *licences) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.taken
}

func (l *licences) Take() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limit > 0 && l.taken >= l.limit {
		return false
	}
	l.taken++
	return true
}

func (l *licences) Give() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken--
}
