package replay

import (
	"sync"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// ahead reads a capture, and looks forward in it for how long a session must
// wait before its next attempt: that was random. It is recorded within an
// instant of what makes the session wait.
type ahead struct {
	source Source

	mu     sync.Mutex
	buffer []read
	size   int                              // of the buffer, in bytes
	waits  map[gc.AgentID][]*capture.Record // those in the buffer
	known  map[gc.AgentID]int               // waits that were looked up and not passed yet
}

type read struct {
	capture.Item
	err error
}

// furthest is how many lines it looks ahead: thousands of sessions can lose
// their streams at once. widest bounds their bytes.
const (
	furthest = 50_000
	widest   = 128 << 20
)

func newAhead(s Source) *ahead {
	return &ahead{source: s, waits: map[gc.AgentID][]*capture.Record{}, known: map[gc.AgentID]int{}}
}

// Next returns the next line.
func (a *ahead) Next() (capture.Item, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.buffer) == 0 {
		return a.source.Next()
	}
	next := a.buffer[0]
	a.buffer = a.buffer[1:]
	a.size -= next.Record.Weight()
	if x := next.Record; isWait(x) {
		if a.waits[x.Agent] = a.waits[x.Agent][1:]; len(a.waits[x.Agent]) == 0 {
			delete(a.waits, x.Agent)
		}
		if a.known[x.Agent]--; a.known[x.Agent] <= 0 {
			delete(a.known, x.Agent)
		}
	}
	return next.Item, next.err
}

func isWait(x *capture.Record) bool { return x != nil && x.Type == capture.Waits }

// sameMoment bounds moment: machines are busy when nodes fail.
const sameMoment = 100 * time.Millisecond

// moment returns x, which reports the state of a node, and the records that
// report others in the same moment: no session did anything between them, so
// each session saw all at once. But one that went to such a node afterwards had not
// seen it: then the node's state comes just before what became of that. asks reports
// whether an agent's session is on its way to a node already.
func (a *ahead) moment(x *capture.Record, asks func(gc.AgentID, string) bool) []*capture.Record {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := []*capture.Record{x}
	for i := 0; ; i++ {
		if i == len(a.buffer) && !a.more() {
			return all
		}
		switch next := a.buffer[i].Record; {
		case next == nil || next.Time.Sub(x.Time) > sameMoment:
			return all
		case isState(next) && !a.postpone(i, asks):
			all = append(all, next)
		case isState(next):
			i-- // another record is there now
		case next.Type != capture.Verified:
			return all
		}
	}
}

// postpone moves the state of a node that cannot be used to just before the record
// of the same moment that shows a session, which was not on its way already, arrive
// there or be refused. It reports whether there is one. Called with mu held.
func (a *ahead) postpone(i int, asks func(gc.AgentID, string) bool) bool {
	state := a.buffer[i]
	if state.Record.Type == capture.Usable {
		return false
	}
	for j := i + 1; j < len(a.buffer) || a.more(); j++ {
		next := a.buffer[j].Record
		switch {
		case next == nil || next.Time.Sub(state.Record.Time) > sameMoment || isState(next) && next.Node == state.Record.Node:
			return false
		case (next.Type == capture.Opened || next.Type == capture.Refused) && next.Node == state.Record.Node && !asks(next.Agent, next.Node):
			copy(a.buffer[i:], a.buffer[i+1:j])
			a.buffer[j-1] = state
			return true
		}
	}
	return false
}

// isState reports whether the record gives the state of a node.
func isState(x *capture.Record) bool {
	return x.Type == capture.Usable || x.Type == capture.Unusable || x.Type == capture.Silent
}

// more reads a line into the buffer, if that has room and does not hold the end
// of the run. Called with mu held.
func (a *ahead) more() bool {
	n := len(a.buffer)
	if n >= furthest || a.size > widest || n > 0 && (a.buffer[n-1].err != nil || a.buffer[n-1].Header != nil) {
		return false
	}
	item, err := a.source.Next()
	a.buffer = append(a.buffer, read{item, err})
	a.size += item.Record.Weight()
	if x := item.Record; isWait(x) {
		a.waits[x.Agent] = append(a.waits[x.Agent], x)
	}
	return true
}

// wait returns how long the agent's session waits now, 0 when the capture does not
// say. The wait ends when it ended in the capture: a busy machine begins to wait a
// little later, maybe after an answer.
func (a *ahead) wait(agent gc.AgentID) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.waits[agent]) <= a.known[agent] {
		if !a.more() {
			return 0
		}
	}
	x := a.waits[agent][a.known[agent]]
	a.known[agent]++
	d, err := time.ParseDuration(x.Body)
	if err != nil {
		return 0
	}
	return max(d, time.Until(x.Time.Add(d)))
}
