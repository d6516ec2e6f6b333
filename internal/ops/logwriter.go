package ops

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// linesWaiting is how many lines can wait: some megabytes.
	linesWaiting = 4096
	// closeTime is how long the last lines may take.
	closeTime = time.Second
)

// lineWriter writes lines in a goroutine of its own, so that logging never
// waits for a pipe that nobody reads. Lines that find no room, or cannot be
// written, are left out; once lines can be written again, one says how many are
// missing. It is safe for concurrent use.
type lineWriter struct {
	out    io.Writer
	lines  chan []byte
	lost   atomic.Int64
	report func(lost int64) []byte

	closing  sync.Once
	finish   chan struct{}
	finished chan struct{}
}

func newLineWriter(out io.Writer, report func(lost int64) []byte) *lineWriter {
	w := &lineWriter{
		out: out, lines: make(chan []byte, linesWaiting), report: report,
		finish: make(chan struct{}), finished: make(chan struct{}),
	}
	go w.run() // ends with close, or hangs in a write until the process ends
	return w
}

// Write takes one line and never blocks (zapcore.WriteSyncer).
func (w *lineWriter) Write(line []byte) (int, error) {
	select {
	case w.lines <- bytes.Clone(line):
	default:
		w.lost.Add(1)
	}
	return len(line), nil
}

// Sync has nothing to do: close waits.
func (w *lineWriter) Sync() error { return nil }

func (w *lineWriter) run() {
	defer close(w.finished)
	for {
		select {
		case line := <-w.lines:
			w.put(line)
			continue
		default:
		}
		select {
		case line := <-w.lines:
			w.put(line)
		case <-w.finish:
			if len(w.lines) == 0 {
				return
			}
		}
	}
}

func (w *lineWriter) put(line []byte) {
	if lost := w.lost.Swap(0); lost > 0 {
		if _, err := w.out.Write(w.report(lost)); err != nil {
			w.lost.Add(lost)
		}
	}
	if _, err := w.out.Write(line); err != nil {
		w.lost.Add(1)
	}
}

func (w *lineWriter) close() {
	w.closing.Do(func() { close(w.finish) })
	late := time.NewTimer(closeTime)
	defer late.Stop()
	select {
	case <-w.finished:
	case <-late.C:
	}
}
