// Package framing reads STOMP frames that an attacker may have shaped: within
// bounds, and without trusting what a frame says about itself.
//
// The built-in broker reads what clients send (Strict). Its peers answer for
// their frames, so any fault ends the connection with an explanation.
//
// The connector reads what a broker sends. The broker is honest but passes on
// what strangers wrote (ActiveMQ 5.17 measured):
//
//   - A JMS property becomes a header and replaces the frame's own of that
//     name: content-length, message-id, destination, timestamp, redelivered and
//     all others but subscription and ack.
//   - The name of a property is written unescaped. A line break in it begins
//     new header lines, and an empty line ends the headers.
//   - The text of a compressed TextMessage may have a zero byte, which ends the
//     frame for its reader; what follows is read as the next frame.
//
// So a body ends at its first zero byte, and a content-length beyond that is a
// Fault (Delimited). Where the end of a frame was forged, the next frame is a
// Fault too: its subscription is not the secret one (package broker). What
// remains is to find the message that did it.
package framing

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/go-stomp/stomp/v3/frame"
)

// Bounds of the head of a frame. MaxLine is also the size of the read buffer.
const (
	MaxLine    = 16 << 10 // bytes
	MaxHeaders = 256
	maxBytes   = 64 << 10 // of all header lines
)

// BuiltIn is what the built-in broker calls itself in CONNECTED. Its frames are
// read by Exact.
const BuiltIn = "finesse-connector-embedded"

// Fault says what is wrong with a frame. The text quotes no part of the frame
// that its sender chose.
type Fault struct{ Text string }

func (f *Fault) Error() string { return f.Text }

// IsFault reports whether err is a Fault, or wraps one.
func IsFault(err error) bool {
	_, is := errors.AsType[*Fault](err)
	return is
}

// Faultf makes a Fault.
func Faultf(format string, args ...any) *Fault { return &Fault{fmt.Sprintf(format, args...)} }

// Reader reads frames. It is for one goroutine; its methods block as long as
// the stream does. Their errors are a *Fault or the stream's.
type Reader struct {
	stream *bufio.Reader
	strict bool
	within bool // a frame has begun and was not read to its end
	doubt  bool // see Doubt
	tail   []byte
}

// NewStrict makes a reader for a broker: a head beyond the bounds is a Fault.
func NewStrict(r io.Reader) *Reader {
	return &Reader{stream: bufio.NewReaderSize(r, MaxLine), strict: true}
}

// New makes a reader for a client of a broker. Headers beyond the bounds are
// left out, because the frame must be read anyway, and a backslash that begins
// no escape stands for itself, because ActiveMQ does not escape names.
func New(r io.Reader) *Reader { return &Reader{stream: bufio.NewReaderSize(r, MaxLine)} }

// Await returns when a frame begins. Heart-beats before it are skipped.
func (r *Reader) Await() error {
	for {
		next, err := r.stream.Peek(1)
		if err != nil {
			return err
		}
		if next[0] != '\n' && next[0] != '\r' {
			return nil
		}
		_, _ = r.stream.Discard(1) // it is there
	}
}

var commands = map[string]bool{
	frame.CONNECT: true, frame.STOMP: true, frame.SEND: true, frame.SUBSCRIBE: true, frame.UNSUBSCRIBE: true,
	frame.ACK: true, frame.NACK: true, frame.BEGIN: true, frame.COMMIT: true, frame.ABORT: true, frame.DISCONNECT: true,
	frame.CONNECTED: true, frame.MESSAGE: true, frame.RECEIPT: true, frame.ERROR: true,
}

// Head reads the command and the headers of the next frame. Read its body next,
// with Body or Delimited.
func (r *Reader) Head() (*frame.Frame, error) {
	if err := r.Await(); err != nil {
		return nil, err
	}
	r.within, r.doubt, r.tail = true, false, append(r.tail[:0], '\n')
	line, whole, err := r.line()
	if err != nil {
		return nil, err
	}
	if !whole || !commands[string(line)] {
		return nil, Faultf("unexpected frame")
	}
	f := frame.New(string(line))
	return f, r.headers(f)
}

// line reads up to the next line feed. One longer than MaxLine is cut, and not
// whole. One that ends with a zero byte, as ActiveMQ ends each frame, is not
// part of a head: the frame is over.
func (r *Reader) line() (line []byte, whole bool, err error) {
	line, err = r.stream.ReadSlice('\n')
	whole = !errors.Is(err, bufio.ErrBufferFull)
	if !whole && r.strict {
		return nil, false, Faultf("a header line is longer than %d bytes", MaxLine)
	}
	var before byte // the last of the part before, where the line is cut
	for errors.Is(err, bufio.ErrBufferFull) {
		before = line[len(line)-1]
		line, err = r.stream.ReadSlice('\n')
	}
	if bytes.HasSuffix(line, []byte("\x00\n")) || string(line) == "\n" && !whole && before == 0 {
		r.within = false
		return nil, false, Faultf("a frame ends within its head")
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), whole, err
}

func (r *Reader) headers(f *frame.Frame) error {
	// Strict 1.2 clients do not escape in CONNECT, others do.
	lenient := !r.strict || f.Command == frame.CONNECT || f.Command == frame.STOMP
	for total := 0; ; {
		line, whole, err := r.line()
		if err != nil {
			return err
		}
		if whole && len(line) == 0 {
			return nil
		}
		total += len(line)
		if !whole || total > maxBytes || f.Header.Len() >= MaxHeaders {
			if r.strict {
				return Faultf("more than %d headers or %d bytes of headers", MaxHeaders, maxBytes)
			}
			r.doubt = r.doubt || bytes.HasPrefix(line, acknowledged[1:]) // a cut line is longer than any the broker writes
			continue
		}
		name, value, ok := strings.Cut(string(line), ":")
		if !ok || name == "" {
			return Faultf("a header line has no name or no colon")
		}
		n, okName := unescape(name, lenient)
		v, okValue := unescape(value, lenient)
		if !okName || !okValue {
			return Faultf("a header has an undefined escape sequence")
		}
		f.Header.Add(n, v)
	}
}

// Body reads a body as its sender bounds it: by content-length, else by the
// first zero byte. More than limit bytes are a Fault. Memory grows with what
// has arrived, never with what content-length promises.
func (r *Reader) Body(f *frame.Frame, limit int) error {
	length, given, err := f.Header.ContentLength()
	if err != nil {
		return Faultf("content-length is not a number")
	}
	if length > limit {
		return tooLong(limit)
	}
	if given {
		_, err = r.Exact(f, limit)
		return err
	}
	size, err := r.delimited(f, limit+1)
	if size > int64(limit) {
		return tooLong(limit)
	}
	return err
}

func tooLong(limit int) error {
	if limit == 0 {
		return Faultf("this frame cannot have a body")
	}
	return Faultf("the body is longer than %d bytes", limit)
}

// Exact reads a body by content-length, else up to the first zero byte. It is
// for a broker that lets no property replace its own headers, such as the
// built-in one. It keeps the first bytes and returns the size.
func (r *Reader) Exact(f *frame.Frame, keep int) (size int64, err error) {
	size, given := contentLength(f)
	if !given {
		return r.delimited(f, keep)
	}
	if f.Body, err = io.ReadAll(io.LimitReader(r.stream, min(size, int64(keep)))); err != nil {
		return size, err
	}
	if _, err = io.CopyN(io.Discard, r.stream, size-int64(len(f.Body))); err != nil {
		return size, err
	}
	end, err := r.stream.ReadByte()
	r.within = err == nil && end != 0
	if err == nil && end != 0 {
		err = Faultf("the body is longer than its content-length")
	}
	return size, err
}

// Delimited reads a body up to its first zero byte, keeps its first bytes and
// returns its size. A content-length that says less, or makes no sense, was not
// the broker's and is removed. One that says more is a Fault: either the body
// has a zero byte or the header lies, and a wrong guess would take another
// message for a part of this one, or a part of this one for a message.
func (r *Reader) Delimited(f *frame.Frame, keep int) (size int64, err error) {
	size, err = r.delimited(f, keep)
	if err != nil {
		return size, err
	}
	switch said, isNumber := contentLength(f); {
	case isNumber && said == size:
	case isNumber && said > size:
		return size, Faultf("the body ends before its content-length")
	default:
		f.Header.Del(frame.ContentLength)
	}
	return size, nil
}

// delimited reads to the first zero byte. A strict reader reads no further than
// keep bytes: the rest is never wanted.
func (r *Reader) delimited(f *frame.Frame, keep int) (size int64, err error) {
	for {
		part, err := r.stream.ReadSlice(0)
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return size, err
		}
		text := bytes.TrimSuffix(part, []byte{0})
		r.suspect(text)
		size += int64(len(text))
		f.Body = append(f.Body, text[:min(len(text), keep-len(f.Body))]...)
		if r.within = err != nil; err == nil || r.strict && size >= int64(keep) {
			return size, nil
		}
	}
}

// acknowledged is the start of the header line that a broker writes into each
// message.
var acknowledged = []byte("\n" + frame.Ack + ":")

// suspect looks for that line in a part of a body; tail is the end of what came
// before it.
func (r *Reader) suspect(part []byte) {
	overlap := len(acknowledged) - 1
	r.tail = append(r.tail, part[:min(len(part), overlap)]...)
	r.doubt = r.doubt || bytes.Contains(r.tail, acknowledged) || bytes.Contains(part, acknowledged)
	if len(part) > overlap {
		r.tail = append(r.tail[:0], part[len(part)-overlap:]...)
	} else {
		r.tail = append(r.tail[:0], r.tail[max(0, len(r.tail)-overlap):]...)
	}
}

// Doubt reports whether the frame that was read last may have another ack in its head
// than the broker wrote: a property whose name has line breaks can write one and end
// the head. Then the broker's own is in a header that was left out, or in the body.
func (r *Reader) Doubt() bool { return r.doubt }

// contentLength returns what the header says if a broker may have written it.
func contentLength(f *frame.Frame) (n int64, ok bool) {
	s := f.Header.Get(frame.ContentLength)
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil { // out of range
		n = math.MaxInt64
	}
	return n, true
}

// Resume discards the rest of a frame that was a Fault, up to its zero byte: then
// the next one begins, or another piece of a text that had zero bytes. It discards
// none of ActiveMQ's own frames, for each begins after a zero byte and a line feed.
func (r *Reader) Resume() error {
	if !r.within {
		return nil
	}
	_, err := r.delimited(&frame.Frame{}, 0)
	return err
}

// SkipPast discards everything up to the end of the first frame with the header
// line given, whatever comes before it.
func (r *Reader) SkipPast(header string) error {
	for begins := true; ; {
		part, err := r.stream.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if begins && string(bytes.TrimSuffix(part, []byte("\n"))) == header {
			break
		}
		begins = err == nil
	}
	_, err := r.delimited(&frame.Frame{}, 0)
	return err
}

// Escape encodes a header's name or value as it travels.
func Escape(s string) string { return escapes.Replace(s) }

var escapes = strings.NewReplacer(`\`, `\\`, ":", `\c`, "\r", `\r`, "\n", `\n`)

// Unescape is the inverse. A backslash that begins no escape stands for itself.
func Unescape(s string) string {
	s, _ = unescape(s, true)
	return s
}

func unescape(s string, lenient bool) (string, bool) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, true
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			continue
		}
		k := -1
		if i+1 < len(s) {
			k = strings.IndexByte(`\crn`, s[i+1])
		}
		switch {
		case k >= 0:
			out = append(out, "\\:\r\n"[k])
			i++
		case lenient:
			out = append(out, '\\')
		default:
			return "", false
		}
	}
	return string(out), true
}
