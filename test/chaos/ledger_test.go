package chaos

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// ledger is every command the driver sent and what it was answered.
type ledger struct {
	mu       sync.Mutex
	commands []*entry
	byID     map[string]*entry // by correlation id
}

type entry struct {
	id, command string
	agent       gc.AgentID
	wish        wish // of a command that must run once; "" otherwise
	sent        time.Time
	accepted    bool      // the broker has confirmed it
	answers     []string  // "State#READY", "Error#DOWN"
	heard       time.Time // the first of them
}

// givesUp is how long a driver waits for an answer before it goes on.
const givesUp = 20 * time.Second

func newLedger() *ledger { return &ledger{byID: map[string]*entry{}} }

// send enters a command and gives its correlation id.
func (l *ledger) send(agent gc.AgentID, command string, w wish) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &entry{id: fmt.Sprintf("c%d", len(l.commands)), command: command, agent: agent, wish: w, sent: time.Now()}
	l.commands = append(l.commands, e)
	l.byID[e.id] = e
	return e.id
}

// accept enters that the broker has a command.
func (l *ledger) accept(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.byID[id].accepted = true
}

// failed reports whether a command may be sent again: its driver does not
// know that the broker has it, or it was refused.
func (l *ledger) failed(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.byID[id]
	refused := len(e.answers) > 0 && (strings.HasPrefix(e.answers[0], "Error#") || e.answers[0] == "State#RE_LOGIN")
	return !e.accepted || refused
}

// rejected are the commands that the broker did not confirm.
func (l *ledger) rejected() (commands []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.commands {
		if !e.accepted {
			commands = append(commands, e.String())
		}
	}
	return commands
}

// answer enters an answer; false when no such command was sent.
func (l *ledger) answer(id, answer string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.byID[id]
	if e != nil && len(e.answers) == 0 {
		e.heard = time.Now()
	}
	if e != nil {
		e.answers = append(e.answers, answer)
	}
	return e != nil
}

// answers are those to one command so far.
func (l *ledger) answers(id string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.byID[id].answers)
}

func (e *entry) String() string {
	return fmt.Sprintf("%s %s, sent %s", e.id, e.command, e.sent.Format(time.StampMilli))
}

// open are the commands that the broker accepted and that have no answer.
func (l *ledger) open() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var open []string
	for _, e := range l.commands {
		if e.accepted && len(e.answers) == 0 {
			open = append(open, e.String())
		}
	}
	return open
}

// waits reports how many answers an agent's driver still waits for.
func (l *ledger) waits(agent gc.AgentID) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, e := range slices.Backward(l.commands) {
		if time.Since(e.sent) > givesUp {
			break
		}
		if e.agent == agent && e.waits() {
			n++
		}
	}
	return n
}

func (e *entry) waits() bool {
	return e.accepted && len(e.answers) == 0 && time.Since(e.sent) < givesUp
}

// waitsFor reports whether the driver still waits for the answer to one
// command.
func (l *ledger) waitsFor(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.byID[id]
	return e != nil && e.waits()
}

// wishes are how often the driver asked for what must run once.
func (l *ledger) wishes() map[wish]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	sent := map[wish]int{}
	for _, e := range l.commands {
		if e.wish != (wish{}) {
			sent[e.wish]++
		}
	}
	return sent
}

// totals counts commands by their first answer.
func (l *ledger) totals() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := map[string]int{"sent": len(l.commands)}
	for _, e := range l.commands {
		if len(e.answers) == 0 {
			n["without an answer"]++
			continue
		}
		if kind, what, _ := strings.Cut(e.answers[0], "#"); kind == "Error" || what == "RE_LOGIN" {
			n[what]++
		} else {
			n["answered"]++
		}
		if len(e.answers) > 1 {
			n["more than one answer"]++
		}
	}
	return n
}
