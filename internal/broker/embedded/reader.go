package embedded

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
)

const (
	maxHeaderLine  = 16 << 10 // bytes, also the read buffer
	maxHeaderBytes = 64 << 10
	maxHeaders     = 256
)

// fault is a protocol error: the peer is told in an ERROR frame, then the
// connection closes. The text is the peer's own doing and carries no secret.
type fault struct{ text string }

func (f *fault) Error() string { return f.text }

func faultf(format string, args ...any) *fault { return &fault{fmt.Sprintf(format, args...)} }

// frameReader reads frames within bounds: go-stomp's own reader has none on
// header lines and allocates whatever content-length says.
type frameReader struct{ r *bufio.Reader }

func newFrameReader(r io.Reader) *frameReader {
	return &frameReader{bufio.NewReaderSize(r, maxHeaderLine)}
}

// read returns the next frame and skips heart-beats. Only SEND may have a
// body, of at most maxBody bytes. The error is a *fault or that of the
// connection.
func (r *frameReader) read(maxBody int) (*frame.Frame, error) {
	command := ""
	for command == "" {
		line, err := r.line()
		if err != nil {
			return nil, err
		}
		command = string(line)
	}
	f := frame.New(command)
	if err := r.headers(f); err != nil {
		return nil, err
	}
	if command != frame.SEND {
		maxBody = 0
	}
	return f, r.body(f, maxBody)
}

func (r *frameReader) line() ([]byte, error) {
	line, err := r.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, faultf("a header line is longer than %d bytes", maxHeaderLine)
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), err
}

func (r *frameReader) headers(f *frame.Frame) error {
	// Strict 1.2 clients do not escape CONNECT, others do: there a
	// backslash that starts no escape stands for itself.
	lenient := f.Command == frame.CONNECT || f.Command == frame.STOMP
	for total := 0; ; {
		line, err := r.line()
		if err != nil {
			return err
		}
		if len(line) == 0 {
			return nil
		}
		if total += len(line); total > maxHeaderBytes || f.Header.Len() >= maxHeaders {
			return faultf("more than %d headers or %d bytes of headers", maxHeaders, maxHeaderBytes)
		}
		name, value, ok := strings.Cut(string(line), ":")
		if !ok || name == "" {
			return faultf("a header line has no name or no colon")
		}
		n, okName := unescape(name, lenient)
		v, okValue := unescape(value, lenient)
		if !okName || !okValue {
			return faultf("a header has an undefined escape sequence")
		}
		f.Header.Add(n, v)
	}
}

// body reads up to the terminating NUL. Memory grows with what has arrived,
// never with what content-length promises.
func (r *frameReader) body(f *frame.Frame, limit int) error {
	length, given, err := f.Header.ContentLength()
	if err != nil {
		return faultf("content-length is not a number")
	}
	if length > limit {
		return tooLong(limit)
	}
	if given {
		f.Body, err = r.exactly(length)
		return err
	}
	for {
		part, err := r.r.ReadSlice(0)
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		f.Body = append(f.Body, bytes.TrimSuffix(part, []byte{0})...)
		if len(f.Body) > limit {
			return tooLong(limit)
		}
		if err == nil {
			return nil
		}
	}
}

// exactly reads a body of known length and its NUL.
func (r *frameReader) exactly(length int) (body []byte, err error) {
	if length <= maxHeaderLine {
		body = make([]byte, length)
		_, err = io.ReadFull(r.r, body)
	} else {
		body, err = io.ReadAll(io.LimitReader(r.r, int64(length)))
	}
	if err != nil {
		return nil, err
	}
	end, err := r.r.ReadByte() // also EOF when ReadAll came up short
	if err == nil && end != 0 {
		err = faultf("the body is longer than its content-length")
	}
	return body, err
}

func tooLong(limit int) error {
	if limit == 0 {
		return faultf("this frame cannot have a body")
	}
	return faultf("the body is longer than %d bytes", limit)
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

// watchedReader gives every read of the socket the deadline that the
// negotiated heart-beat allows; anything that arrives counts as a beat.
type watchedReader struct {
	net.Conn
	silence time.Duration // 0: no heart-beat was agreed on
}

func (w *watchedReader) Read(p []byte) (int, error) {
	if w.silence > 0 {
		_ = w.SetReadDeadline(time.Now().Add(w.silence))
	}
	return w.Conn.Read(p)
}
