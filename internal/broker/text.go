package broker

import (
	"strings"
	"unicode/utf8"
)

// ActiveMQ keeps the body of a JMS TextMessage in Java's modified UTF-8 and
// passes it to STOMP clients, and their bodies to JMS clients, byte for byte
// (AMQ-8398; ActiveMQ 5.17 measured). It differs from UTF-8 in two ways: NUL is
// C0 80, and a character beyond U+FFFF is a surrogate pair of two sequences of
// three bytes. Java's getText fails on anything else.

// toJava encodes s. Invalid UTF-8 becomes U+FFFD. The result has no zero byte.
func toJava(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if !strings.ContainsFunc(s, func(r rune) bool { return r == 0 || r > 0xFFFF }) {
		return s
	}
	b := make([]byte, 0, len(s)+len(s)/2)
	for _, r := range s {
		switch {
		case r == 0:
			b = append(b, 0xC0, 0x80)
		case r > 0xFFFF:
			b = appendSurrogate(b, 0xD800+(r-0x10000)>>10)
			b = appendSurrogate(b, 0xDC00+(r-0x10000)&0x3FF)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return string(b)
}

// appendSurrogate writes what utf8.AppendRune refuses to.
func appendSurrogate(b []byte, r rune) []byte {
	return append(b, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
}

// fromJava is the inverse. It is lenient: plain UTF-8 from a STOMP client stays
// as it is, even beyond U+FFFF. Bytes that are neither stay too, for the reader
// to refuse: replaced by U+FFFD they could pass for a password.
func fromJava(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for len(s) > 0 {
		r, n := decodeJava(s)
		if r == utf8.RuneError {
			b.WriteString(s[:n])
		} else {
			b.WriteRune(r)
		}
		s = s[n:]
	}
	return b.String()
}

func decodeJava(s string) (r rune, size int) {
	if strings.HasPrefix(s, "\xC0\x80") {
		return 0, 2
	}
	high, ok := surrogate(s)
	if !ok || high >= 0xDC00 {
		return utf8.DecodeRuneInString(s)
	}
	low, ok := surrogate(s[3:])
	if !ok || low < 0xDC00 {
		return utf8.DecodeRuneInString(s)
	}
	return 0x10000 + (high-0xD800)<<10 + (low - 0xDC00), 6
}

// surrogate reads a sequence ED A0..BF 80..BF.
func surrogate(s string) (rune, bool) {
	if len(s) < 3 || s[0] != 0xED || s[1]&0xE0 != 0xA0 || s[2]&0xC0 != 0x80 {
		return 0, false
	}
	return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), true
}

// toPlain makes a body for a broker whose clients all speak STOMP. A zero byte
// would end the frame, so it becomes U+FFFD too.
func toPlain(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
