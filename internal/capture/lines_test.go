package capture

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// forever is a text without end.
type forever string

func (f forever) Read(p []byte) (int, error) {
	n := 0
	for n+len(f) <= len(p) {
		n += copy(p[n:], f)
	}
	return n, nil
}

func packed(t *testing.T, text io.Reader) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.Copy(z, text)
	require.NoError(t, errors.Join(err, z.Close()))
	return &b
}

// A file without end is refused, and the error names the line.
func TestAFileOfAStrangerIsBounded(t *testing.T) {
	for rule, k := range map[string]struct {
		text  io.Reader
		bound func(*limits)
		want  string
	}{
		"a line": {
			io.MultiReader(strings.NewReader(aHeader), forever("x")), func(l *limits) { l.line = maxLine },
			"f:2: that is more than this program takes: a line of more than 32 MB",
		},
		"what a compressed file expands to": {
			packed(t, io.MultiReader(strings.NewReader(aHeader), io.LimitReader(forever("\n"), 3<<20))), func(l *limits) { l.expanded = 2 << 20 },
			"that is more than this program takes: the file expands to more than",
		},
		"memory": {
			io.MultiReader(strings.NewReader(aHeader), forever("\n")), func(l *limits) { l.memory = 1 },
			"MB of memory; take fewer agents",
		},
	} {
		t.Run(rule, func(t *testing.T) {
			r, err := NewReader(t.Context(), "f", k.text)
			require.NoError(t, err)
			k.bound(&r.lines.limits)
			i, err := r.Next()
			require.NoError(t, err)
			require.NotNil(t, i.Header)
			_, err = r.Next()
			require.ErrorIs(t, err, ErrBeyond)
			require.ErrorContains(t, err, k.want)
		})
	}
}

// Even if no line ever ends, or all are empty.
func TestReadingEndsWithItsContext(t *testing.T) {
	for what, text := range map[string]io.Reader{
		"one long line": forever("x"), "empty lines": forever("\n"), "lines that are too long": forever(strings.Repeat("x", ahead/2-1) + "\n"),
	} {
		ctx, cancel := context.WithCancel(t.Context())
		read := 0
		r, err := NewReader(ctx, "f", readerFunc(func(p []byte) (int, error) {
			if read++; read == 10 {
				cancel()
			}
			require.LessOrEqual(t, read, 11, what)
			return text.Read(p)
		}))
		require.NoError(t, err)
		for err == nil {
			_, err = r.Next()
		}
		require.ErrorIs(t, err, context.Canceled, what)
		cancel()
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// No connector writes such lines, and a replay would act on them.
func TestALineThatNoConnectorWrites(t *testing.T) {
	settings := func(s string) string {
		return `{"capture":1,"run":"r","part":1,"time":"2026-11-23T07:00:00Z","settings":{` + s + `}}` + "\n"
	}
	record := func(s string) string {
		return aHeader + `{"seq":1,"dir":"in","edge":"rest","time":"2026-11-23T07:00:00Z",` + s + `}` + "\n"
	}
	long := strings.Repeat("x", maxField+1)
	for text, want := range map[string]string{
		settings(`"nodes":["a"` + strings.Repeat(`,"a"`, 8) + `]`):                    "names 9 nodes",
		settings(`"nodes":["` + long + `"]`):                                          "a name of more than",
		settings(`"retries":11`):                                                      "has 11 retries",
		settings(`"retries":-1`):                                                      "has -1 retries",
		settings(`"requestTimeout":1`):                                                "a time-out of 1ns",
		settings(`"requestTimeout":-1`):                                               "a time-out of -1ns",
		settings(`"sentences":{"State#READY":"` + long + `"}`):                        "a sentence of more than",
		settings(`"formats":{"` + long + `":"json"}`):                                 "a pattern of more than",
		settings(`"destinations":["` + long + `"]`):                                   "a pattern of more than",
		settings(`"own":["a"` + strings.Repeat(`,"a"`, 1_000) + `]`):                  "0 and 1001 destinations",
		strings.Replace(settings(""), "2026", "2200", 1):                              "the year 2200",
		record(`"agent":"` + strings.Repeat("a", maxAgentID+1) + `"`):                 "an agent's id of 257 bytes",
		record(`"type":"` + long + `"`):                                               "a field of 16385 bytes",
		record(`"correlationId":"` + long + `"`):                                      "a field of 16385 bytes",
		record(`"sent":"9999-11-23T07:00:00Z"`):                                       "the year 9999",
		record(`"body":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)): "depth",
		strings.Replace(record(`"x":1`), `"time":"2026-11-23T07:00:00Z","x"`, `"time":"2300-11-23T07:00:00Z","x"`, 1): "the year 2300",
	} {
		r, err := NewReader(t.Context(), "f", strings.NewReader(text))
		require.NoError(t, err)
		var problem error
		for {
			i, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			problem = errors.Join(problem, i.Problem)
		}
		require.ErrorContains(t, problem, want)
	}
}
