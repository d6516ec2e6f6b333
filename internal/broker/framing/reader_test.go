package framing

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-stomp/stomp/v3/frame"
	"github.com/stretchr/testify/require"
)

func TestHeadTakesLineEndsHeartBeatsAndEscapes(t *testing.T) {
	for name, make := range map[string]func(io.Reader) *Reader{"strict": NewStrict, "client": New} {
		t.Run(name, func(t *testing.T) {
			r := make(strings.NewReader("\n\r\n\nSEND\r\nh\\c:a\\nb\\\\n\\r\nempty:\nv:x:y\n\nbody\n\x00\n\nACK\nid:1\n\n\x00"))
			f, err := r.Head()
			require.NoError(t, err)
			require.NoError(t, r.Body(f, 100))
			require.Equal(t, "a\nb\\n\r", f.Header.Get("h:"))
			require.Equal(t, "x:y", f.Header.Get("v"))
			_, ok := f.Header.Contains("empty")
			require.True(t, ok)
			require.Equal(t, "body\n", string(f.Body))
			f, err = r.Head()
			require.NoError(t, err)
			require.NoError(t, r.Body(f, 0))
			require.Equal(t, frame.ACK, f.Command)
			require.ErrorIs(t, r.Await(), io.EOF)
		})
	}
}

func TestMemoryGrowsWithWhatArrivesNotWithWhatIsPromised(t *testing.T) {
	for name, input := range map[string]io.Reader{
		"a length without a body":    strings.NewReader("SEND\ncontent-length:16777216\n\nten bytes."),
		"a length beyond all":        strings.NewReader("SEND\ncontent-length:4000000000\n\nten bytes."),
		"a body without end":         io.MultiReader(strings.NewReader("SEND\n\n"), io.LimitReader(endless('x'), 8<<20)),
		"a header line without end":  io.MultiReader(strings.NewReader("SEND\nh:"), io.LimitReader(endless('x'), 8<<20)),
		"headers without end":        io.MultiReader(strings.NewReader("SEND\n"), io.LimitReader(endless('h', ':', '\n'), 8<<20)),
		"a command without end":      io.LimitReader(endless('S'), 8<<20),
		"what is skipped has no end": io.MultiReader(strings.NewReader("RUBBISH\n"), io.LimitReader(endless('x', '\n'), 8<<20)),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := New(input)
			f, err := r.Head()
			if err == nil {
				_, err = r.Delimited(f, 1<<10)
			}
			if _, ok := errors.AsType[*Fault](err); ok {
				err = r.SkipPast("receipt-id:1")
			}
			require.ErrorIs(t, err, io.EOF)
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
		})
	}
}

// endless repeats some bytes.
func endless(b ...byte) io.Reader { return &repeated{what: b} }

type repeated struct {
	what []byte
	next int
}

func (e *repeated) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.what[e.next]
		e.next = (e.next + 1) % len(e.what)
	}
	return len(p), nil
}

// A message shaped by a stranger, as a broker writes it.
func TestTheEndOfAFrameIsFoundWhateverItsHeadersClaim(t *testing.T) {
	cases := []struct {
		rule, header, body string
		kept               bool // content-length
		fault              string
	}{
		{rule: "none", body: "text"},
		{rule: "the right one", header: "content-length:4\n", body: "text", kept: true},
		{rule: "the right one of nothing", header: "content-length:0\n", body: "", kept: true},
		{rule: "with a sign", header: "content-length:+5\n", body: "text"},
		{rule: "negative", header: "content-length:-1\n", body: "text"},
		{rule: "no number", header: "content-length:forged\n", body: "text"},
		{rule: "empty", header: "content-length:\n", body: "text"},
		{rule: "too small", header: "content-length:2\n", body: "text"},
		{rule: "too large", header: "content-length:5\n", body: "text", fault: "before its content-length"},
		{rule: "4 GB", header: "content-length:4000000000\n", body: "text", fault: "before its content-length"},
		{rule: "beyond 64 bits", header: "content-length:99999999999999999999999\n", body: "text", fault: "before its content-length"},
		{rule: "twice", header: "content-length:4\ncontent-length:2\n", body: "text", kept: true},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			r := New(strings.NewReader("MESSAGE\n" + c.header + "\n" + c.body + "\x00\nRECEIPT\nreceipt-id:1\n\n\x00\n"))
			f, err := r.Head()
			require.NoError(t, err)
			size, err := r.Delimited(f, 100)
			if c.fault != "" {
				require.ErrorContains(t, err, c.fault)
				return
			}
			require.NoError(t, err)
			require.EqualValues(t, len(c.body), size)
			require.Equal(t, c.body, string(f.Body))
			_, kept := f.Header.Contains(frame.ContentLength)
			require.Equal(t, c.kept, kept)
			next, err := r.Head()
			require.NoError(t, err)
			require.Equal(t, frame.RECEIPT, next.Command)
		})
	}
}

// The broker writes one header line with the ack id. Where a sender ends the head
// before it, or fills the head, it stands elsewhere.
func TestAFrameWhoseAckMayBeForgedIsDoubtful(t *testing.T) {
	many := strings.Repeat("p:v\n", MaxHeaders)
	for rule, c := range map[string]struct {
		frame string
		doubt bool
	}{
		"as the broker writes it":         {"subscription:1\nack:1\n\ntext", false},
		"the head was ended before":       {"subscription:1\nack:forged\n\nx:v\nack:1\n\ntext", true},
		"the body begins with it":         {"subscription:1\nack:forged\n\nack:1\n\ntext", true},
		"the head was filled before":      {"subscription:1\nack:forged\n" + many + "ack:1\n\ntext", true},
		"a long head is no reason":        {"subscription:1\nack:1\n" + many + "\ntext", false},
		"a word is not a line":            {"subscription:1\nack:1\n\ntext ack:2\nback:3", false},
		"far below":                       {"subscription:1\nack:forged\n\n" + strings.Repeat("x", 3*MaxLine) + "\nack:1", true},
		"a text of nothing but line ends": {"subscription:1\nack:1\n\n" + strings.Repeat("\n", 3*MaxLine), false},
	} {
		t.Run(rule, func(t *testing.T) {
			for _, stream := range []io.Reader{strings.NewReader("MESSAGE\n" + c.frame + "\x00\n"), iotest.OneByteReader(strings.NewReader("MESSAGE\n" + c.frame + "\x00\n"))} {
				r := New(stream)
				f, err := r.Head()
				require.NoError(t, err)
				_, err = r.Delimited(f, 10)
				require.NoError(t, err)
				require.Equal(t, c.doubt, r.Doubt())
			}
		})
	}
	for at := range len(acknowledged) { // across the parts that are read at once
		body := strings.Repeat("x", MaxLine-at) + string(acknowledged)
		r := New(strings.NewReader("MESSAGE\nack:1\n\n" + body + "\x00\n"))
		f, err := r.Head()
		require.NoError(t, err)
		_, err = r.Delimited(f, 10)
		require.NoError(t, err)
		require.True(t, r.Doubt(), at)
	}
}

func TestAHeadBeyondTheBoundsIsReadAllTheSame(t *testing.T) {
	long := strings.Repeat("v", 3*MaxLine)
	var many strings.Builder
	for i := range 2 * MaxHeaders {
		fmt.Fprintf(&many, "h%d:v\n", i)
	}
	r := New(strings.NewReader("MESSAGE\nlong:" + long + "\n" + long + ":v\nsmall\\:v\n" + many.String() + "\n" + long + "\x00\nRECEIPT\n\n\x00"))
	f, err := r.Head()
	require.NoError(t, err)
	require.Equal(t, MaxHeaders, f.Header.Len())
	require.Equal(t, "v", f.Header.Get("small\\"), "names are not escaped")
	require.Empty(t, f.Header.Get("long"))
	size, err := r.Delimited(f, 10)
	require.NoError(t, err)
	require.EqualValues(t, len(long), size)
	require.Len(t, f.Body, 10)
	f, err = r.Head()
	require.NoError(t, err)
	require.Equal(t, frame.RECEIPT, f.Command)
}

func TestExactBelievesTheLength(t *testing.T) {
	r := New(strings.NewReader("MESSAGE\ncontent-length:9\n\na\x00b\x00\nMESS\x00\nMESSAGE\n\ntext\x00"))
	f, err := r.Head()
	require.NoError(t, err)
	size, err := r.Exact(f, 5)
	require.NoError(t, err)
	require.EqualValues(t, 9, size)
	require.Equal(t, "a\x00b\x00\n", string(f.Body))
	f, err = r.Head()
	require.NoError(t, err)
	size, err = r.Exact(f, 5)
	require.NoError(t, err)
	require.EqualValues(t, 4, size)
}

func TestSkipPastFindsAHeaderLineInAnyRubbish(t *testing.T) {
	long := strings.Repeat("x", 2*MaxLine)
	for name, rubbish := range map[string]string{
		"nothing":                "RECEIPT\n",
		"half a frame":           "ck:1\n\nbody\x00\nRECEIPT\n",
		"the line within a line": "x receipt-id:7\n receipt-id:7\nreceipt-id:77\n",
		"after a long line":      long + "\nRECEIPT\n",
		"within a long line":     long[:MaxLine] + "receipt-id:7\nRECEIPT\n",
	} {
		t.Run(name, func(t *testing.T) {
			r := New(strings.NewReader(rubbish + "receipt-id:7\nother:1\n\n\x00\nMESSAGE\n\n\x00"))
			require.NoError(t, r.SkipPast("receipt-id:7"))
			f, err := r.Head()
			require.NoError(t, err)
			require.Equal(t, frame.MESSAGE, f.Command)
		})
	}
}

// resumed reads past whatever is no frame, to the first message of a
// subscription.
func resumed(r *Reader, subscription string) (*frame.Frame, error) {
	for {
		f, err := r.Head()
		if err == nil {
			_, err = r.Delimited(f, 1<<20)
		}
		switch {
		case err == nil && f.Header.Get(frame.Subscription) == subscription:
			return f, nil
		case IsFault(err):
			err = r.Resume()
		}
		if err != nil {
			return nil, err
		}
	}
}

const ours = "MESSAGE\nsubscription:secret\n\nours\x00\n"

func TestTheNextFrameIsFoundAfterAnyRubbish(t *testing.T) {
	long := strings.Repeat("x", 2*MaxLine)
	for name, rubbish := range map[string]string{
		"nothing":                                 "",
		"a line":                                  "more",
		"several lines":                           "more\nand\nmore\n",
		"several pieces":                          "more\x00and\x00\nmore",
		"half a head":                             "MESSAGE\nsubscription:1\nx",
		"half a head, at the end of a line":       "MESSAGE\nsubscription:1\n",
		"half a head, with a colon":               "MESSAGE\nsubscription:1\nx:y",
		"a head without a body":                   "MESSAGE\nsubscription:1\n\n",
		"a head of nothing":                       "MESSAGE\n:v\n\nbody",
		"a body longer than it says":              "MESSAGE\ncontent-length:4000000000\n\nbody",
		"frames of others":                        "ERROR\n\n\x00RECEIPT\nreceipt-id:1\n\n\x00\nMESSAGE\nsubscription:1\n\nforged",
		"a long line":                             long,
		"a long line that ends where a part does": long[:2*MaxLine-1],
	} {
		t.Run(name, func(t *testing.T) {
			f, err := resumed(New(strings.NewReader(rubbish+"\x00\n"+ours)), "secret")
			require.NoError(t, err)
			require.Equal(t, "ours", string(f.Body))
		})
	}
}

// FuzzResume puts anything before a frame, ended as ActiveMQ ends it.
func FuzzResume(f *testing.F) {
	for _, s := range []string{"", "more\nand more", "MESSAGE\nsubscription:1\nx:", "MESSAGE\ncontent-length:40\n\nbody", "a\x00b\x00\nMESSAGE"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, rubbish []byte) {
		if bytes.Contains(rubbish, []byte("secret")) {
			return // nobody knows it
		}
		found, err := resumed(New(strings.NewReader(string(rubbish)+"\x00\n"+ours)), "secret")
		require.NoError(t, err)
		require.Equal(t, "ours", string(found.Body))
	})
}

// frames reads everything and writes down what it understood.
func frames(r *Reader, keep int) string {
	var b bytes.Buffer
	for {
		f, err := r.Head()
		if err != nil {
			fmt.Fprintf(&b, "%v", err)
			return b.String()
		}
		size, err := r.Delimited(f, keep)
		fmt.Fprintf(&b, "%s %q %d %q %v\n", f.Command, *f.Header, size, f.Body, err)
		if err != nil {
			return b.String()
		}
	}
}

// FuzzReader feeds any bytes, whole and split at every byte: both must be
// understood alike, within the bounds, and without a panic.
func FuzzReader(f *testing.F) {
	for _, s := range []string{
		"", "\n\r\n", "MESSAGE\ncontent-length:+5\n\ntext\x00\n", "MESSAGE\ncontent-length:4000000000\n\ntext\x00\nMESSAGE\n\n\x00",
		"MESSAGE\ncontent-length:2\ncontent-length:4\nsubscription:1\nack:ID\\c1\n\ntext\x00\nRECEIPT\nreceipt-id:1\n\n\x00\n",
		"MESSAGE\nx:y\nack:evil\n\nbo\x00\nMESSAGE\nsubscription:1\n\nnames\x00\n", "ERROR\nmessage:\\t\n\nat java\x00", "MESSAGE\n:v\n", "MESSAGE\nno colon\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		whole := frames(New(bytes.NewReader(input)), 16)
		split := frames(New(iotest.OneByteReader(bytes.NewReader(input))), 16)
		require.Equal(t, whole, split)
		frames(NewStrict(bytes.NewReader(input)), 16)
		_ = New(bytes.NewReader(input)).SkipPast("receipt-id:1")
	})
}

// FuzzDelimited writes a frame as ActiveMQ does, with a property in place of
// its content-length: it is read as it was written, or it is a fault, and the
// next frame is never taken for a part of it.
func FuzzDelimited(f *testing.F) {
	for _, length := range []string{"", "0", "4", "+5", "3", "5", "45", "4000000000", "-1", "x", "99999999999999999999"} {
		f.Add(length, "text")
	}
	f.Fuzz(func(t *testing.T, length, text string) {
		text = strings.ReplaceAll(text, "\x00", "")
		var b bytes.Buffer
		written := frame.New(frame.MESSAGE, frame.ContentLength, strings.ReplaceAll(length, "\x00", ""), frame.Subscription, "1")
		written.Body = []byte(text)
		require.NoError(t, frame.NewWriter(&b).Write(written))
		b.WriteString("\nRECEIPT\nreceipt-id:1\n\n\x00\n")
		r := New(&b)
		head, err := r.Head()
		require.NoError(t, err)
		if len(length) > MaxLine { // left out
			return
		}
		size, err := r.Delimited(head, 1<<20)
		if _, ok := errors.AsType[*Fault](err); ok {
			require.NoError(t, r.SkipPast("receipt-id:1"))
			return
		}
		require.NoError(t, err)
		require.EqualValues(t, len(text), size)
		require.Equal(t, text, string(head.Body))
		next, err := r.Head()
		require.NoError(t, err)
		require.Equal(t, frame.RECEIPT, next.Command)
	})
}
