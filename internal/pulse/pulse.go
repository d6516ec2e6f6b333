// Package pulse distinguishes a loop that waits for work from one that stands
// still.
//
// A loop that runs as long as the process owns a Pulse. The watchdog of the
// process asks it (Live) now and then; the loop answers where it waits for its
// work, by a case in its select. So a loop with nothing to do is as alive as a
// busy one, and one that is blocked anywhere else is found. A server that does
// not answer holds up no loop: each wait for one has a deadline well below the
// time that a loop may take.
package pulse

import (
	"fmt"
	"sync"
	"time"
)

// Pulse is one loop's. Its methods may be called from any goroutine and do not
// block.
type Pulse struct {
	name  string
	most  time.Duration
	asked chan struct{} // holds one element from a question to its answer

	mu      sync.Mutex
	running bool
	since   time.Time // of the last question
}

// pause is the least time between two questions: clients that ask over HTTP
// must not keep every loop busy with answers.
const pause = 5 * time.Second

// New makes the pulse of a loop, which may take most to come round. The name is
// for the operator: "the watch over finesse".
func New(name string, most time.Duration) *Pulse {
	return &Pulse{name: name, most: most, asked: make(chan struct{}, 1)}
}

// Begin says that from now on the loop answers.
func (p *Pulse) Begin() { p.turn(true) }

// End says that the loop answers no more: it has ended, or waits for something
// that has a pulse of its own.
func (p *Pulse) End() { p.turn(false) }

func (p *Pulse) turn(running bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = running
	p.Answer() // an earlier question is settled
}

// Asked returns a channel for the select of the loop: to receive from it is the
// answer.
func (p *Pulse) Asked() <-chan struct{} { return p.asked }

// Answer is for a loop that comes round by itself.
func (p *Pulse) Answer() {
	select {
	case <-p.asked:
	default:
	}
}

// Live asks the loop, and returns an error if it has owed an answer for too
// long: it stands still, and only a restart helps. To find that out, call Live
// again and again.
func (p *Pulse) Live() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	waited := time.Since(p.since)
	switch {
	case !p.running:
		return nil
	case len(p.asked) > 0 && waited > p.most:
		return fmt.Errorf("%s has stood still for %s; restart the connector (kill -ABRT logs where it stands)", p.name, waited.Round(time.Second))
	case len(p.asked) == 0 && waited >= pause:
		p.since = time.Now()
		p.asked <- struct{}{} // there is room: only this sends
	}
	return nil
}
