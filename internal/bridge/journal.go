package bridge

import (
	"cmp"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/finesse-connector/finesse-connector/internal/directory"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// A client can send any number of commands: that cannot be read or fail, of agents
// whom nobody has connected, that only greet. Of each such kind at most linesAtOnce
// in linesTime are written to the log, of those that are done doneAtOnce, more than the
// agents of a Finesse pair send in a busy hour; the others at level debug.
const (
	linesAtOnce = 100
	doneAtOnce  = 2000
	linesTime   = 10 * time.Second
)

// lines counts what was said of such commands. It is safe for concurrent use.
type lines struct {
	most int // in linesTime; 0 is linesAtOnce

	mu      sync.Mutex
	since   time.Time
	said    int
	episode bool // more came than there is room for, and that was said
}

// take reports whether there is room for a line, and whether this is the first
// for which there is none. An episode ends with a time in which all had room.
func (l *lines) take(now time.Time) (room, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	most := cmp.Or(l.most, linesAtOnce)
	if now.Sub(l.since) >= linesTime {
		l.episode = l.episode && l.said > most && now.Sub(l.since) < 2*linesTime
		l.since, l.said = now, 0
	}
	l.said++
	if l.said <= most {
		return true, false
	}
	first = !l.episode
	l.episode = true
	return false, first
}

// journal is what the operator sees: counters, and lines of the log as long as
// there is room for them.
type journal struct {
	*zap.Logger
	*metrics
	refusals, done lines
	greetings      lines // drivers send one every few seconds, and a thousand of them are no fault
}

// say writes a line about a command that is refused or fails, while there is room
// for it.
func (j *journal) say(log *zap.Logger, level zapcore.Level, message string, fields ...zap.Field) {
	j.sayAmong(&j.refusals, log, level, message, fields...)
}

// sayAmong writes a line, at level debug where there is no room for it among those
// of its kind.
func (j *journal) sayAmong(l *lines, log *zap.Logger, level zapcore.Level, message string, fields ...zap.Field) {
	room, first := l.take(time.Now())
	if !room {
		j.unlogged.Inc()
		level = zap.DebugLevel
	}
	if first && l == &j.refusals {
		j.Warn("more commands are refused or fail than are logged; they are counted in commands_total",
			zap.String("action", "find the client that sends them; log.level debug shows each"))
	}
	log.Log(level, message, fields...)
}

// quarantine says that a message is dropped, and counts it.
func (j *journal) quarantine(why string, fields ...zap.Field) {
	j.quarantined.Inc()
	j.say(j.Named("quarantine"), zap.WarnLevel, why, fields...)
}

// tried tells the operator that somebody tries passwords.
func (j *journal) tried(agent gc.AgentID) {
	j.say(j.Logger, zap.WarnLevel, "somebody tries passwords for an agent; more than were refused are not put to finesse, which would lock the account",
		zap.String("agent", string(agent)),
		zap.String("action", "if it is not the agent, find who may write to the command queue: docs/activemq.md; an agent who has not signed in through this connector yet waits for five minutes"))
}

// metrics are the counters.
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
// shows as a change. reg may be nil.
func newMetrics(reg prometheus.Registerer, who *directory.Directory, unproved *owed, l *licences) *metrics {
	to := promauto.With(reg)
	counter := func(name, help string) prometheus.Counter {
		return to.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	gauge := func(name, help string, read func() int) {
		to.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(read()) })
	}
	gauge("agents", "Agents with a session.", func() int { return who.Counts().Agents })
	gauge("agents_unproved", "Agents with a session, of whom no password was proved.", func() int { return who.Counts().Strangers })
	gauge("commands_unproved", "Commands of those who proved no password that are not acknowledged.", unproved.count)
	gauge("destinations", "Destinations known.", func() int { return who.Counts().Destinations })
	gauge("agents_signed_in", "Agents signed in through the connector.", l.count)
	m := &metrics{
		commands:      to.NewCounterVec(prometheus.CounterOpts{Name: "commands_total", Help: "Commands by name and outcome: ok, RE_LOGIN, or an error code."}, []string{"command", "result"}),
		took:          to.NewHistogram(prometheus.HistogramOpts{Name: "command_seconds", Help: "From the arrival of a command to its outcome.", Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}}),
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
	return m
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

// isToken reports whether a text looks like an id that a program made: it may be
// shown. Any other may be a password in the wrong place.
func isToken(s string) bool {
	return len(s) <= 200 && strings.IndexFunc(s, func(r rune) bool {
		return !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || strings.ContainsRune("-_.:/+={}@", r))
	}) < 0
}

// token is an id for the log.
func token(key, id string) zap.Field {
	if !isToken(id) {
		id = "(not shown)"
	}
	return zap.String(key, id)
}
