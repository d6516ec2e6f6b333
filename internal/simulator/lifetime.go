package simulator

import (
	"sync"
	"time"
)

// lifetime owns every goroutine and timer of one simulator. Nothing starts
// once it has ended, so that wait cannot miss anything.
type lifetime struct {
	done chan struct{}

	mu     sync.Mutex // taken last: nothing else is locked while it is held
	ended  bool
	timers map[*timer]struct{}
	wg     sync.WaitGroup
}

func newLifetime() *lifetime {
	return &lifetime{done: make(chan struct{}), timers: map[*timer]struct{}{}}
}

// enter counts the calling goroutine in until it calls leave; false means
// that the simulator has ended.
func (l *lifetime) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.wg.Add(1)
	return true
}

func (l *lifetime) leave() { l.wg.Done() }

// run starts a goroutine unless the simulator has ended.
func (l *lifetime) run(f func()) bool {
	if !l.enter() {
		return false
	}
	go func() {
		defer l.leave()
		f()
	}()
	return true
}

type timer struct {
	life *lifetime
	t    *time.Timer
}

// after calls f once d has passed. Stop may come too late: f has to check
// that what it was set for still holds.
func (l *lifetime) after(d time.Duration, f func()) *timer {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &timer{life: l}
	if l.ended {
		return t
	}
	l.wg.Add(1)
	l.timers[t] = struct{}{}
	t.t = time.AfterFunc(d, func() {
		defer l.wg.Done()
		l.mu.Lock()
		delete(l.timers, t)
		l.mu.Unlock()
		f()
	})
	return t
}

// stop may be called on nil, and more than once.
func (t *timer) stop() {
	if t == nil {
		return
	}
	t.life.mu.Lock()
	defer t.life.mu.Unlock()
	t.life.drop(t)
}

func (l *lifetime) drop(t *timer) {
	if _, waiting := l.timers[t]; waiting && t.t.Stop() {
		delete(l.timers, t)
		l.wg.Done()
	}
}

// end stops the timers and tells the goroutines, which wait then waits for.
func (l *lifetime) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.ended = true
	close(l.done)
	for t := range l.timers {
		l.drop(t)
	}
}

func (l *lifetime) wait() { l.wg.Wait() }
