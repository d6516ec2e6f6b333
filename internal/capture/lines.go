package capture

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	runtimemetrics "runtime/metrics"
)

// Lines reads a text line by line, in constant memory however long it and its
// lines are. It bounds what a stranger's file can do to the program that reads
// it: how much it expands to, how long a line is, and how much memory the
// program uses for all lines so far.
type Lines struct {
	Number int // of the line that Next returned last, from 1
	from   *bufio.Reader
	most   int
	text   []byte
	packed bool
	total  int64 // bytes
	looked int64 // of total, when the memory was last checked
	limits limits
}

// limits bound a file.
type limits struct {
	line     int    // bytes of a line that is passed over
	expanded int64  // bytes of a compressed file
	memory   uint64 // bytes that the program uses after a part of the file
}

// The longest capture that the connector writes has 10 GB (capture.max_size).
// A replay of 10,000 agents needs some 300 MB.
var standing = limits{line: 256 << 20, expanded: 16 << 30, memory: 3 << 29}

// ahead is how many bytes are read at a time.
const ahead = 64 << 10

// NewLines reads a text, which may be compressed, until ctx ends. Of lines with
// more than most bytes it returns only the size.
func NewLines(ctx context.Context, from io.Reader, most int) (*Lines, error) {
	l := &Lines{from: bufio.NewReaderSize(interruptible{ctx, from}, ahead), most: most, limits: standing}
	if start, _ := l.from.Peek(2); !bytes.Equal(start, []byte{0x1f, 0x8b}) {
		return l, nil
	}
	z, err := gzip.NewReader(l.from)
	if err != nil {
		return nil, err
	}
	l.from, l.packed = bufio.NewReaderSize(interruptible{ctx, z}, ahead), true // little may expand to much
	return l, nil
}

// interruptible reads until a context ends, even if a text has no end or no
// line in it.
type interruptible struct {
	ctx context.Context
	io.Reader
}

func (r interruptible) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// Start returns the beginning of the text and consumes nothing.
func (l *Lines) Start() []byte {
	start, _ := l.from.Peek(ahead)
	return bytes.TrimPrefix(start, byteOrder)
}

// byteOrder is the mark that some editors put in front of a text.
var byteOrder = []byte("\ufeff")

// Next returns the next line with its end, which the last may lack, and its
// size. The line is valid until the next call, and empty if it is too long.
// After the last comes io.EOF; any other error means that the text cannot be
// read, a compressed file is cut off, or a bound is passed.
func (l *Lines) Next() (text []byte, size int, err error) {
	l.Number++
	l.text = l.text[:0]
	for {
		part, err := l.from.ReadSlice('\n')
		if size += len(part); size <= l.most {
			l.text = append(l.text, part...)
		}
		l.total += int64(len(part))
		if beyond := l.beyond(size); beyond != nil {
			return nil, 0, beyond
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && (size == 0 || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)):
			return nil, 0, err
		case size > l.most:
			return nil, size, nil
		case l.Number == 1:
			return bytes.TrimPrefix(l.text, byteOrder), size, nil
		}
		return l.text, size, nil
	}
}

// ErrBeyond is in the chain of the error about a file that passes a bound.
var ErrBeyond = errors.New("that is more than this program takes")

// often is the number of bytes after which the memory is checked.
const often = 256 << 10

// beyond returns an error if a bound is passed, size bytes into a line.
func (l *Lines) beyond(size int) error {
	switch {
	case size > max(l.limits.line, l.most):
		return fmt.Errorf("%w: a line of more than %d MB, longer than any in a capture or a log", ErrBeyond, l.limits.line>>20)
	case l.packed && l.total > l.limits.expanded:
		return fmt.Errorf("%w: the file expands to more than %d GB", ErrBeyond, l.limits.expanded>>30)
	case l.total-l.looked < often:
		return nil
	}
	l.looked = l.total
	if inUse() > l.limits.memory {
		runtime.GC()
		if inUse() > l.limits.memory {
			return fmt.Errorf("%w: what was read up to here takes more than %d MB of memory; take fewer agents, or fewer files", ErrBeyond, l.limits.memory>>20)
		}
	}
	return nil
}

// inUse returns the memory of the program, with garbage that was not collected
// yet.
func inUse() uint64 {
	s := []runtimemetrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	runtimemetrics.Read(s)
	return s[0].Value.Uint64() + s[1].Value.Uint64()
}
