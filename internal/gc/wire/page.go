package wire

import (
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// page is what an event is written on.
type page struct {
	*Writer
	format   Format
	out      []byte
	replaced int
	position int  // in the list that is being written
	comma    bool // the next member or element of JSON is not the first
}

var pages = sync.Pool{New: func() any { return &page{} }}

// write gives an event the form f of a format.
func (w *Writer) write(format Format, f *Form, event reflect.Value) (body string, replaced int) {
	p := pages.Get().(*page)
	*p = page{Writer: w, format: format, out: p.out[:0]}
	if f.tree == nil {
		p.text(f, event)
	} else {
		p.member(f.tree, event)
	}
	body, replaced = string(p.out), p.replaced
	pages.Put(p)
	return body, replaced
}

func (p *page) raw(s string) { p.out = append(p.out, s...) }

// held is what a value is. It takes what is not addressable, as the fields of an
// event are, without a copy on the heap.
func held[T any](v reflect.Value) T {
	if v.CanAddr() {
		return *v.Addr().Interface().(*T)
	}
	return v.Interface().(T)
}

// asText is a field of an event as it is.
func asText(v reflect.Value) string {
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int:
		return strconv.FormatInt(v.Int(), 10)
	}
	return "" // behind a reference to nothing
}

// string is a single value of an event that is no time.
func (p *page) string(k *valueKind, v reflect.Value) string {
	if k.text != nil {
		return k.text(p, v)
	}
	return asText(v)
}

// time leaves out one that is not known.
func (p *page) time(v reflect.Value) {
	if at := held[time.Time](v); !at.IsZero() {
		p.out = at.In(p.Location).AppendFormat(p.out, timeLayout)
	}
}

var timeType = reflect.TypeFor[time.Time]()

func (p *page) text(f *Form, event reflect.Value) {
	for i := range f.fields {
		if i > 0 {
			p.raw("#")
		}
		p.field(&f.fields[i], event)
	}
	if f.entry == nil {
		return
	}
	list := f.list.of(event)
	for i := range list.Len() {
		for j := range f.entry {
			p.raw(when(j == 0, "#", ","))
			p.field(&f.entry[j], list.Index(i))
		}
	}
}

// field writes one of a text form.
func (p *page) field(f *field, of reflect.Value) {
	if p.raw(f.label); f.name == "" {
		return
	}
	v := f.source.of(of)
	switch {
	case f.kind.list != nil:
		f.kind.list.write(p, f, v)
	case f.of == timeType:
		p.time(v)
	case f.colonless && p.format == Text44:
		p.replace(separators+":", p.string(f.kind, v))
	case f.kind.keeps == "":
		p.value(p.string(f.kind, v))
	case f.kind.keeps == separators:
		p.raw(p.string(f.kind, v))
	default:
		p.replace(strings.Trim(separators, f.kind.keeps), p.string(f.kind, v))
	}
}

// separators are those of a text form.
const separators = "#|,="

// value makes s safe: drivers split on the separators and index by position,
// so one inside a value would shift everything behind it.
func (p *page) value(s string) {
	if isPlain(s) {
		p.raw(s)
	} else {
		p.replace(separators, s)
	}
}

// Value is a value as drivers of a text form hear it.
func (w *Writer) Value(s string) string {
	p := page{Writer: w}
	p.value(s)
	return string(p.out)
}

func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c == '#' || c == '|' || c == ',' || c == '=' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// replace also makes s UTF-8.
func (p *page) replace(separators, s string) {
	for _, r := range s {
		if strings.ContainsRune(separators, r) {
			p.replaced++
			r = p.Substitute
		}
		p.out = utf8.AppendRune(p.out, r)
	}
}

// JSON is compact and in ASCII: a JMS client reads text in a variant of UTF-8
// that characters beyond the basic plane do not survive. "<", ">" and "&" stay
// as they are, as in the seed's samples.

// member writes what a template says of an event, or of an element of one of its
// lists.
func (p *page) member(n *node, of reflect.Value) {
	switch {
	case n.of.name != "":
		p.json(&n.of, n.of.source.of(of))
	case n.kind == '{':
		p.open('{')
		for i := range n.items {
			p.name(n.names[i])
			p.member(&n.items[i], of)
		}
		p.close('}')
	case n.kind == '[' && !n.lists:
		p.open('[')
		p.member(&n.items[0], of)
		p.close(']')
	case n.kind == '[':
		p.open('[')
		list := n.list.of(of)
		for i := range list.Len() {
			p.position = i
			p.member(&n.items[0], list.Index(i))
		}
		p.close(']')
	case n.kind == '"':
		p.quote(n.text)
	default:
		p.literal(n.text)
	}
}

// json writes a value.
func (p *page) json(f *field, v reflect.Value) {
	switch {
	case f.kind.json == 'v':
		p.variables(v)
	case f.kind.json == 'c':
		p.codes(held[[]gc.ReasonCode](v))
	case f.of == timeType:
		p.separate()
		p.raw(`"`)
		p.time(v)
		p.raw(`"`)
		p.comma = true
	case f.inJSON() != '"':
		p.literal(p.string(f.kind, v))
	default:
		if s := p.string(f.kind, v); s == "" && f.null {
			p.literal("null")
		} else {
			p.quote(s)
		}
	}
}

// variables puts ani last, unlike the text forms.
func (p *page) variables(v reflect.Value) {
	c, _ := callOf(v)
	p.open('[')
	eachVariable(c.Variables, p.pair)
	p.pair("ani", c.ANI())
	p.close(']')
}

func (p *page) codes(all []gc.ReasonCode) {
	p.open('[')
	for _, c := range all {
		p.pair(string(c.ID), c.Label)
	}
	p.close(']')
}

func (p *page) pair(name, value string) {
	p.open('{')
	p.name(name)
	p.quote(value)
	p.close('}')
}

// The parts that members are made of.

func (p *page) open(bracket byte) {
	p.separate()
	p.out = append(p.out, bracket)
	p.comma = false
}

func (p *page) close(bracket byte) {
	p.out = append(p.out, bracket)
	p.comma = true
}

func (p *page) separate() {
	if p.comma {
		p.out = append(p.out, ',')
	}
}

func (p *page) name(s string) {
	p.quote(s)
	p.out = append(p.out, ':')
	p.comma = false
}

func (p *page) literal(s string) {
	p.separate()
	p.raw(s)
	p.comma = true
}

func (p *page) quote(s string) {
	p.separate()
	p.out = append(p.out, '"')
	for s != "" {
		n := plainASCII(s)
		p.raw(s[:n])
		if s = s[n:]; s == "" {
			break
		}
		r, n := utf8.DecodeRuneInString(s) // of what is not UTF-8, one byte at a time
		s = s[n:]
		p.escape(r)
	}
	p.out = append(p.out, '"')
	p.comma = true
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

func (p *page) escape(r rune) {
	switch {
	case r == '"' || r == '\\':
		p.out = append(p.out, '\\', byte(r))
	case r > 0xFFFF:
		high, low := utf16.EncodeRune(r)
		p.unicode(high)
		p.unicode(low)
	default:
		p.unicode(r)
	}
}

func (p *page) unicode(r rune) {
	const hex = "0123456789abcdef"
	p.raw(`\u`)
	for shift := 12; shift >= 0; shift -= 4 {
		p.out = append(p.out, hex[r>>shift&0xF])
	}
}
