// Package legible lets a document or a stream of XML be read although some of its
// characters are none of XML's.
//
// Names and call variables are typed by people and copied between systems: control
// characters get into them, and whoever writes them writes them as they are, or as a
// reference such as &#11;. XML 1.0 (2.2) has no place for them, and a decoder refuses
// all that they stand in. Here each of them costs itself: it is read as U+FFFD.
package legible

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Reader gives what it reads with U+FFFD in the place of each character that XML 1.0
// has no place for, of each byte that is no UTF-8 and of each reference to an entity
// other than XML's own. An ampersand that begins no reference stands for itself, "]]>"
// in a text too, and the two halves of a surrogate pair, as Java writes them, for the character they make.
// What can be read already comes as it is.
//
// It holds back no more than the beginning of a character, a reference or a CDATA
// section that has not come yet, so that what is complete can be read at once.
type Reader struct {
	from     io.Reader
	replaced func(int)
	err      error  // of from
	raw      []byte // read, and not looked at
	mended   []byte // the place for ready
	ready    []byte // to be given
	cdata    bool   // raw begins inside a CDATA section
}

// NewReader makes one. replaced is called from within Read with how many characters
// were replaced since it was called last.
func NewReader(from io.Reader, replaced func(int)) *Reader {
	return &Reader{from: from, replaced: replaced}
}

// readAtOnce is more than most documents have.
const readAtOnce = 4 << 10

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	for len(r.ready) == 0 && r.err == nil {
		var n int
		had := len(r.raw)
		r.raw = append(r.raw, make([]byte, readAtOnce)...)
		n, r.err = r.from.Read(r.raw[had:])
		r.raw = r.raw[:had+n]
		r.mend()
	}
	if len(r.ready) == 0 {
		return 0, r.err
	}
	n := copy(p, r.ready)
	r.ready = r.ready[n:]
	return n, nil
}

// mend makes raw ready, but for what has only begun.
func (r *Reader) mend() {
	out, rest, count := r.mended[:0], r.raw, 0
	for len(rest) > 0 {
		if n := plain(rest); n > 0 {
			out, rest = append(out, rest[:n]...), rest[n:]
			continue
		}
		p := r.next(rest)
		if p.length == 0 && r.err == nil {
			break // the rest of it comes
		}
		p.length = max(p.length, 1)
		if p.instead == "" {
			out = append(out, rest[:p.length]...)
		} else {
			out = append(out, p.instead...)
		}
		if p.lost {
			count++
		}
		rest = rest[p.length:]
	}
	r.mended, r.ready, r.raw = out, out, r.raw[:copy(r.raw, rest)]
	if count > 0 {
		r.replaced(count)
	}
}

// plain is how many bytes begin b that need no look: nearly all of most documents.
func plain(b []byte) int {
	for i, c := range b {
		switch {
		case c < ' ' && c != '\n' && c != '\t' && c != '\r', c >= utf8.RuneSelf, c == '&',
			c == '<' && (i+1 == len(b) || b[i+1] == '!'), c == ']' && (i+1 == len(b) || b[i+1] == ']'):
			return i
		}
	}
	return len(b)
}

// piece is something at the beginning of what was read.
type piece struct {
	length  int    // 0 when the end of it has not come
	instead string // what is given in its place; "" for itself
	lost    bool   // it was something else
}

const replacement = string(utf8.RuneError)

// next is the piece that begins b, which is no plain byte.
func (r *Reader) next(b []byte) piece {
	switch {
	case b[0] == '&' && !r.cdata:
		return reference(b)
	case b[0] == '<' && !r.cdata:
		return r.mark(b, "<![CDATA[")
	case b[0] == ']':
		return r.closing(b)
	case b[0] < utf8.RuneSelf:
		return character(rune(b[0]), 1)
	case !utf8.FullRune(b):
		if r.err != nil {
			return piece{1, replacement, true}
		}
		return piece{}
	}
	return character(utf8.DecodeRune(b))
}

// mark is where a CDATA section, in which no reference is one, begins or ends.
func (r *Reader) mark(b []byte, mark string) piece {
	if bytes.HasPrefix(b, []byte(mark)) {
		r.cdata = !r.cdata
		return piece{length: len(mark)}
	}
	if r.err == nil && bytes.HasPrefix([]byte(mark), b) {
		return piece{}
	}
	return piece{length: 1}
}

// closing is the end of a CDATA section, or the same characters in a text, which has
// to write them in another way.
func (r *Reader) closing(b []byte) piece {
	inside := r.cdata
	p := r.mark(b, "]]>")
	if r.cdata != inside && !inside {
		r.cdata, p.instead = false, "]]&gt;"
	}
	return p
}

func character(c rune, length int) piece {
	if isBadUTF8 := c == utf8.RuneError && length == 1; isBadUTF8 || !isCharacter(c) {
		return piece{length, replacement, true}
	}
	return piece{length: length}
}

// isCharacter is production 2 of XML 1.0.
func isCharacter(c rune) bool {
	return c == '\t' || c == '\n' || c == '\r' || c >= ' ' && c <= 0xD7FF || c >= 0xE000 && c <= 0xFFFD || c >= 0x10000 && c <= utf8.MaxRune
}

// maxReference is longer than any that means something.
const maxReference = 32

// reference is what begins with an ampersand.
func reference(b []byte) piece {
	name, end := referenceName(b)
	switch {
	case end == 0:
		return piece{}
	case end < 0:
		return piece{length: 1, instead: "&amp;"}
	case name[0] != '#':
		if name == "amp" || name == "lt" || name == "gt" || name == "quot" || name == "apos" {
			return piece{length: end}
		}
		return piece{end, replacement, true}
	}
	c := number(name)
	if utf16.IsSurrogate(c) {
		return pair(b, c, end)
	}
	if !isCharacter(c) {
		return piece{end, replacement, true}
	}
	return piece{length: end}
}

// pair is a reference to half a character, with the other half if that comes next.
func pair(b []byte, first rune, end int) piece {
	if len(b) == end {
		return piece{} // nothing comes after all: then mend takes it for what it is
	}
	if b[end] == '&' {
		name, length := referenceName(b[end:])
		if length == 0 {
			return piece{}
		}
		if whole := utf16.DecodeRune(first, number(name)); length > 0 && whole != utf8.RuneError {
			return piece{length: end + length, instead: string(whole)}
		}
	}
	return piece{end, replacement, true}
}

// referenceName is the name in the reference that begins b, and how long the whole is:
// 0 when its end has not come, negative when it is none.
func referenceName(b []byte) (string, int) {
	for i := 1; i < len(b) && i < maxReference; i++ {
		switch c := b[i]; {
		case c == ';' && i > 1:
			return string(b[1:i]), i + 1
		case c == '#' && i == 1, c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		default:
			return "", -1
		}
	}
	if len(b) < maxReference {
		return "", 0
	}
	return "", -1
}

// number is the character that a name such as #11 or #xB stands for; one that is none
// where it stands for nothing.
func number(name string) rune {
	base := 10
	digits, ok := strings.CutPrefix(name, "#")
	if hex, isHex := strings.CutPrefix(digits, "x"); isHex {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 31)
	if !ok || err != nil {
		return 0
	}
	return rune(n)
}
