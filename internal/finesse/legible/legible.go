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
// section that has not come yet, so that what is complete can be read at once. What is
// good as it is, nearly all that comes, is read without a buffer of its own.
type Reader struct {
	from     io.Reader
	replaced func(int)
	err      error  // of from
	raw      []byte // read, and not given
	mended   []byte // the place for ready
	ready    []byte // to be given
	cdata    bool   // raw begins inside a CDATA section
}

// NewReader makes one. replaced is called from within Read with how many characters
// were replaced since it was called last.
func NewReader(from io.Reader, replaced func(int)) *Reader {
	return &Reader{from: from, replaced: replaced}
}

// Bytes gives a whole document as a Reader would, doc itself if it is good as it is, and how many
// characters were replaced.
func Bytes(doc []byte) (readable []byte, replaced int) {
	if good(doc) == len(doc) {
		return doc, 0
	}
	r := Reader{err: io.EOF, raw: doc}
	replaced = r.mend()
	return r.ready, replaced
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	for len(r.ready) == 0 && r.err == nil {
		var n int
		n, r.err = r.from.Read(p)
		if n > 0 && len(r.raw) == 0 && good(p[:n]) == n {
			return n, nil
		}
		r.raw = append(r.raw, p[:n]...)
		if count := r.mend(); count > 0 {
			r.replaced(count)
		}
	}
	if len(r.ready) == 0 {
		return 0, r.err
	}
	n := copy(p, r.ready)
	r.ready = r.ready[n:]
	return n, nil
}

// mend makes raw ready, but for what has only begun, and gives how many characters it replaced.
func (r *Reader) mend() (count int) {
	out, rest := r.mended[:0], r.raw
	for len(rest) > 0 {
		if n := good(rest); n > 0 {
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
	return count
}

// plain are the bytes that are good whatever comes after them.
var plain = func() (is [256]bool) {
	for c := range utf8.RuneSelf {
		is[c] = isCharacter(rune(c)) && !strings.ContainsRune("&<]", rune(c))
	}
	return is
}()

// good is how many bytes begin b that are given as they are, inside of a CDATA section
// or not: nearly all of most documents.
func good(b []byte) int {
	i := 0
	for i < len(b) {
		if plain[b[i]] {
			i++
			continue
		}
		n := goodMark(b[i:])
		if n == 0 {
			return i
		}
		i += n
	}
	return i
}

// goodMark is how many bytes that are not plain, but good, begin b.
func goodMark(b []byte) int {
	switch b[0] {
	case '&':
		return len(entity(b))
	case '<', ']': // the first of "<![CDATA[" or "]]>", perhaps
		if len(b) == 1 || b[1] == '!' || b[1] == ']' {
			return 0
		}
		return 1
	}
	p := character(utf8.DecodeRune(b))
	if p.lost {
		return 0
	}
	return p.length
}

// entity is the reference to one of XML's own entities that begins b, "" for none.
func entity(b []byte) string {
	for _, e := range []string{"&lt;", "&gt;", "&amp;", "&quot;", "&apos;"} {
		if len(b) >= len(e) && string(b[:len(e)]) == e {
			return e
		}
	}
	return ""
}

// piece is something at the beginning of what was read.
type piece struct {
	length  int    // 0 when the end of it has not come
	instead string // what is given in its place; "" for itself
	lost    bool   // it was something else
}

const replacement = string(utf8.RuneError)

// next is the piece that begins b, which may not be good.
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
		if entity(b) != "" {
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
