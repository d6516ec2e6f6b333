package wire

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// jsonForm builds one JSON object in a single buffer, compact and in ASCII: a
// JMS client reads text in a variant of UTF-8 that characters beyond the basic
// plane do not survive. "<", ">" and "&" stay as they are, as in the seed's
// samples.
type jsonForm struct {
	writer *Writer
	out    strings.Builder
	comma  bool // the next member or element is not the first
}

// writeJSON gives the object whose members form adds, as the only element of an
// array where the seed prints one.
func writeJSON(w *Writer, inArray bool, form func(*jsonForm)) string {
	j := &jsonForm{writer: w}
	j.out.Grow(bodySize)
	if inArray {
		j.open('[')
	}
	j.open('{')
	form(j)
	j.close('}')
	if inArray {
		j.close(']')
	}
	return j.out.String()
}

// texts adds members whose values are strings.
func (j *jsonForm) texts(namesAndValues ...string) {
	for i := 0; i < len(namesAndValues); i += 2 {
		j.name(namesAndValues[i])
		j.text(namesAndValues[i+1])
	}
}

func (j *jsonForm) textOrNull(name, value string) {
	j.name(name)
	if value == "" {
		j.literal("null")
	} else {
		j.text(value)
	}
}

func (j *jsonForm) time(name string, at time.Time) {
	var b [len(timeLayout)]byte
	j.name(name)
	j.out.WriteByte('"')
	j.out.Write(j.writer.appendTime(b[:0], at))
	j.out.WriteByte('"')
	j.comma = true
}

func (j *jsonForm) flag(name string, yes bool) {
	j.name(name)
	j.literal(strconv.FormatBool(yes))
}

func (j *jsonForm) number(name string, n int) {
	j.name(name)
	j.literal(strconv.Itoa(n))
}

func (j *jsonForm) object(name string, members func()) {
	j.name(name)
	j.open('{')
	members()
	j.close('}')
}

// objects adds a member that is an array of n objects, [] for none.
func (j *jsonForm) objects(name string, n int, members func(i int)) {
	j.name(name)
	j.open('[')
	for i := range n {
		j.open('{')
		members(i)
		j.close('}')
	}
	j.close(']')
}

// list adds a member that is an array of n strings, [] for none.
func (j *jsonForm) list(name string, n int, element func(i int) string) {
	j.name(name)
	j.open('[')
	for i := range n {
		j.text(element(i))
	}
	j.close(']')
}

// callVariables puts ani last, unlike the text forms.
func (j *jsonForm) callVariables(c gc.Call) {
	j.out.Grow(variablesSize(c.Variables))
	j.name("callVariables")
	j.open('[')
	pair := func(name, value string) {
		j.open('{')
		j.texts(name, value)
		j.close('}')
	}
	eachVariable(c.Variables, pair)
	pair("ani", c.ANI())
	j.close(']')
}

// The parts that members are made of.

func (j *jsonForm) open(bracket byte) {
	j.separate()
	j.out.WriteByte(bracket)
	j.comma = false
}

func (j *jsonForm) close(bracket byte) {
	j.out.WriteByte(bracket)
	j.comma = true
}

func (j *jsonForm) separate() {
	if j.comma {
		j.out.WriteByte(',')
	}
}

func (j *jsonForm) name(s string) {
	j.text(s)
	j.out.WriteByte(':')
	j.comma = false
}

func (j *jsonForm) literal(s string) {
	j.separate()
	j.out.WriteString(s)
	j.comma = true
}

func (j *jsonForm) text(s string) {
	j.separate()
	j.out.WriteByte('"')
	for s != "" {
		n := plainASCII(s)
		j.out.WriteString(s[:n])
		if s = s[n:]; s == "" {
			break
		}
		r, n := utf8.DecodeRuneInString(s) // of what is not UTF-8, one byte at a time
		s = s[n:]
		j.escape(r)
	}
	j.out.WriteByte('"')
	j.comma = true
}

// plainASCII is the length of the beginning of s that stands for itself.
func plainASCII(s string) int {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return i
		}
	}
	return len(s)
}

func (j *jsonForm) escape(r rune) {
	switch {
	case r == '"' || r == '\\':
		j.out.WriteByte('\\')
		j.out.WriteByte(byte(r))
	case r > 0xFFFF:
		high, low := utf16.EncodeRune(r)
		j.unicode(high)
		j.unicode(low)
	default:
		j.unicode(r)
	}
}

func (j *jsonForm) unicode(r rune) {
	const hex = "0123456789abcdef"
	j.out.WriteString(`\u`)
	for shift := 12; shift >= 0; shift -= 4 {
		j.out.WriteByte(hex[r>>shift&0xF])
	}
}
