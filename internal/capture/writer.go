package capture

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/privatefile"
	"github.com/finesse-connector/finesse-connector/internal/pulse"
)

// writer is the file end of a Recorder. It belongs to the goroutine of Run.
type writer struct {
	recorder *Recorder
	under    *setup // of the file

	file   *os.File // nil while nothing is recorded
	buffer *bufio.Writer
	size   int64
	run    string
	part   int

	fresh   bool   // the run began with the process
	follows string // the run before, without a gap

	failing bool             // the log says that the file cannot be written
	lost    uint64           // records since
	due     <-chan time.Time // when to try again
	packing sync.WaitGroup   // one file at a time
}

// use switches to a setup, with a run of its own.
func (w *writer) use(s *setup) {
	if w.under == s {
		return
	}
	w.finish()
	w.follows = ""
	w.fresh = w.under == nil && s == w.recorder.first
	if s.on && w.under != nil && w.under.on {
		w.follows = w.run
	}
	w.under, w.run, w.part, w.due = s, newRun(), 0, nil
	if s.on {
		w.open()
	}
}

// follow switches to the newest setup, once everything taken before is written.
func (w *writer) follow() {
	r := w.recorder
	for {
		w.drain()
		r.mu.Lock()
		newest, all := r.setup.Load(), len(r.queue) == 0
		r.mu.Unlock()
		if all {
			w.use(newest)
			return
		}
	}
}

// drain writes what waits now.
func (w *writer) drain() {
	for range len(w.recorder.queue) {
		w.write(<-w.recorder.queue)
	}
}

// open begins the next part of the run.
func (w *writer) open() {
	f, err := privatefile.Append(w.under.File)
	if err != nil {
		w.fail(err)
		return
	}
	info, err := f.Stat()
	if err != nil {
		w.fail(errors.Join(err, f.Close()))
		return
	}
	w.file, w.buffer, w.size = f, bufio.NewWriterSize(f, 64<<10), info.Size()
	w.part++
	w.put(&Header{
		Capture: Version, Run: w.run, Fresh: w.fresh, Follows: w.follows, Part: w.part, Time: time.Now().UTC(),
		Connector: w.recorder.version, Settings: w.under.Settings,
	})
	w.flush()
	if w.file == nil {
		return
	}
	if w.failing {
		w.recorder.log.Info("the capture file can be written again", zap.String("file", w.under.File), zap.Uint64("lost", w.lost))
		w.failing = false
	} else if w.part == 1 {
		w.recorder.log.Info("recording", zap.String("file", w.under.File))
	}
}

// write adds a record. Records lost to a failing file are part of the next
// record's count.
func (w *writer) write(x entry) {
	w.recorder.pulse.Answer() // there may be many to write
	w.recorder.waiting.Add(-int64(x.Weight()))
	w.use(x.under)
	if w.file == nil {
		w.lost++
		w.recorder.metrics.failed.Inc()
		return
	}
	x.Dropped += w.lost
	w.lost = 0
	w.put(x.Record)
	if w.file != nil && w.size >= w.under.MaxSize {
		w.rotate()
	}
}

func (w *writer) put(v any) {
	b, err := line(v)
	if err == nil {
		_, err = w.buffer.Write(b)
	}
	w.size += int64(len(b))
	if err != nil {
		w.fail(err)
	}
}

func (w *writer) flush() {
	if w.file == nil || w.buffer.Buffered() == 0 {
		return
	}
	if err := w.buffer.Flush(); err != nil {
		w.fail(err)
	}
}

// fail gives the file up for a while: a full disk must not be tried for every
// record.
func (w *writer) fail(err error) {
	if w.file != nil {
		_ = w.file.Close() // it has failed already
		w.file = nil
	}
	w.due = time.After(w.recorder.retry)
	if w.failing {
		return
	}
	w.failing = true
	w.recorder.log.Error("the capture file cannot be written; the connector keeps trying, calls go on", zap.Error(err),
		zap.String("action", "make room on the disk, or do what the error says to the file or capture.file, or switch recording off"))
}

// finish closes the file.
func (w *writer) finish() {
	w.flush()
	if w.file == nil {
		return
	}
	if err := w.file.Close(); err != nil {
		w.recorder.log.Warn("closing the capture file", zap.Error(err))
	}
	w.file = nil
}

func (w *writer) close() {
	w.finish()
	w.awaitPacking()
}

// awaitPacking waits while a closed file is compressed, as long as a large one
// takes.
func (w *writer) awaitPacking() {
	w.recorder.pulse.End()
	w.packing.Wait()
	w.recorder.pulse.Begin()
}

// rotate begins a new file, and has the old one compressed at the same time.
func (w *writer) rotate() {
	w.finish()
	w.awaitPacking()
	closed := closedName(w.under.File, time.Now())
	if err := os.Rename(w.under.File, closed); err != nil {
		w.fail(err)
		return
	}
	keep, file := w.under.Keep, w.under.File
	w.packing.Go(func() {
		w.recorder.packing.Begin()
		defer w.recorder.packing.End()
		if err := errors.Join(pack(closed, w.recorder.packing), prune(file, keep)); err != nil {
			w.recorder.log.Warn("a closed capture file stays as it is", zap.String("file", closed), zap.Error(err),
				zap.String("action", "make room on the disk"))
		}
	})
	w.open()
}

// closedName returns the name of a file closed at a time; they sort by it.
func closedName(file string, at time.Time) string {
	ext := filepath.Ext(file)
	return strings.TrimSuffix(file, ext) + "-" + at.UTC().Format("20060102T150405.000000000Z") + ext
}

// pack compresses a file. The original is removed only when the copy is whole.
func pack(name string, p *pulse.Pulse) error {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	err = privatefile.Replace(name+".gz", func(out io.Writer) error {
		z := gzip.NewWriter(out)
		_, err := io.Copy(z, beating{in, p})
		return errors.Join(err, z.Close())
	})
	if err != nil {
		return err
	}
	return os.Remove(name)
}

// beating answers the pulse while a long file is read.
type beating struct {
	io.Reader
	pulse *pulse.Pulse
}

func (b beating) Read(p []byte) (int, error) {
	b.pulse.Answer()
	return b.Reader.Read(p)
}

// prune removes the oldest closed files beyond keep.
func prune(file string, keep int) error {
	closed, err := Closed(file)
	if err != nil {
		return err
	}
	for len(closed) > keep {
		err = errors.Join(err, os.Remove(closed[0]))
		closed = closed[1:]
	}
	return err
}

// Closed returns the closed files of file, oldest first.
func Closed(file string) ([]string, error) {
	ext := filepath.Ext(file)
	var closed []string
	for _, end := range []string{ext, ext + ".gz"} {
		found, err := filepath.Glob(globSafe(strings.TrimSuffix(file, ext)) + "-????????T??????.?????????Z" + globSafe(end))
		if err != nil {
			return nil, fmt.Errorf("look for closed capture files: %w", err)
		}
		closed = append(closed, found...)
	}
	slices.SortFunc(closed, func(a, b string) int {
		return cmp.Compare(strings.TrimSuffix(a, ".gz"), strings.TrimSuffix(b, ".gz"))
	})
	return closed, nil
}

func globSafe(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(s)
}
