package broker

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestJavaText(t *testing.T) {
	cases := []struct{ rule, text, wire string }{
		{"nothing", "", ""},
		{"ASCII is itself", "a,b#c", "a,b#c"},
		{"the basic plane is UTF-8", "ü\u0800\uffff", "\xC3\xBC\xE0\xA0\x80\xEF\xBF\xBF"},
		{"NUL is two bytes", "a\x00b", "a\xC0\x80b"},
		{"the first beyond is a surrogate pair", "\U00010000", "\xED\xA0\x80\xED\xB0\x80"},
		{"an emoji is a surrogate pair", "😀", "\xED\xA0\xBD\xED\xB8\x80"},
		{"the last character", "\U0010FFFF", "\xED\xAF\xBF\xED\xBF\xBF"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			require.Equal(t, c.wire, toJava(c.text))
			require.Equal(t, c.text, fromJava(c.wire))
		})
	}
}

func TestJavaTextIsReadLeniently(t *testing.T) {
	cases := []struct{ rule, wire, text string }{
		{"plain UTF-8 of a STOMP client", "😀", "😀"},
		{"both kinds in one body", "😀\xED\xA0\xBD\xED\xB8\x80", "😀😀"},
		{"a replacement character is one", "a\uFFFD\xC0\x80", "a\uFFFD\x00"},
		{"a high surrogate alone stays", "a\xED\xA0\xBDb", "a\xED\xA0\xBDb"},
		{"a low surrogate alone stays", "\xED\xB8\x80", "\xED\xB8\x80"},
		{"of two high surrogates and a low one the first stays", "\xED\xA0\xBD\xED\xA0\xBD\xED\xB8\x80", "\xED\xA0\xBD😀"},
		{"a sequence cut short stays", "\xED\xA0\xBD\xED\xB8", "\xED\xA0\xBD\xED\xB8"},
		{"bytes that are no text stay", "\xFF\xC0", "\xFF\xC0"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) { require.Equal(t, c.text, fromJava(c.wire)) })
	}
}

func TestInvalidTextIsSentAsReplacementCharacters(t *testing.T) {
	require.Equal(t, "a\uFFFDb", toJava("a\xFFb"))
	require.Equal(t, "a\uFFFDb\uFFFD", toPlain("a\xFFb\x00"))
}

func FuzzJavaText(f *testing.F) {
	for _, s := range []string{"", "a\x00", "😀", "\xED\xA0\xBD\xED\xB8\x80", "\xED\xA0", "\xC0\x80\xFF"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if utf8.ValidString(s) {
			require.Equal(t, s, fromJava(s), "plain UTF-8 is read as it is")
		}
		wire := toJava(s)
		require.NotContains(t, wire, "\x00", "it would end the frame")
		require.Equal(t, strings.ToValidUTF8(s, "\uFFFD"), fromJava(wire), "written text is read again")
	})
}
