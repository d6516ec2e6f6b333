package bridge

import (
	"cmp"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// A client can send any number of commands: that cannot be read or fail, of agents
// whom nobody has connected, that only greet. Of each such kind at most linesAtOnce
// in linesTime are told in the log, of those that are done doneAtOnce, more than the
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

// journal is what the operator is told: counters, and lines of the log as long as
// there is room for them.
type journal struct {
	*zap.Logger
	*metrics
	refusals, greetings, done lines
}

// say writes a line about a command that is refused or fails, while there is room
// for it.
func (j *journal) say(log *zap.Logger, level zapcore.Level, message string, fields ...zap.Field) {
	level, first := j.room(&j.refusals, level)
	if first {
		j.Warn("more commands are refused or fail than are logged; they are counted in commands_total",
			zap.String("action", "find the client that sends them; log.level debug shows each"))
	}
	log.Log(level, message, fields...)
}

// room gives the level at which a line is written: debug where there is no room for
// it, and first for the first of those.
func (j *journal) room(l *lines, level zapcore.Level) (at zapcore.Level, first bool) {
	room, first := l.take(time.Now())
	if !room {
		j.unlogged.Inc()
		level = zap.DebugLevel
	}
	return level, first
}

// greeted ends a Hello or a Beat. Drivers send one every few seconds, and a
// thousand of them are no fault.
func (j *journal) greeted(r *received) { j.ends(r, &j.greetings) }

// worked ends a command of an agent who works.
func (j *journal) worked(r *received) { j.ends(r, &j.done) }

func (j *journal) ends(r *received, l *lines) {
	level, _ := j.room(l, zap.InfoLevel)
	message, fields := r.finished(nil)
	r.log.Log(level, message, fields...)
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
