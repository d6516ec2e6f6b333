package legible_test

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/finesse/legible"
)

func mended(t *testing.T, from io.Reader) (doc string, replaced int) {
	t.Helper()
	b, err := io.ReadAll(legible.NewReader(from, func(n int) { replaced += n }))
	require.NoError(t, err)
	return string(b), replaced
}

// What a value in a document is read as, also when it comes byte by byte.
func TestWhatIsReadOfAValue(t *testing.T) {
	for _, c := range []struct {
		rule, written, read string
		replaced            int
	}{
		{"what can be read is read as it is", "Réclamation &amp; 😀 &lt;&gt;&quot;&apos; &#235;&#xEB;&#128512;\n\t&#9;&#10;&#13;", "Réclamation & 😀 <>\"' ëë😀\n\t\t\n\r", 0},
		{"a reference to a control character", "line&#11;two", "line\uFFFDtwo", 1},
		{"to nothing", "a&#x0;b&#0;c", "a\uFFFDb\uFFFDc", 2},
		{"to what is no character", "&#xFFFE;&#xFFFF;&#x110000;&#99999999999999999999;&#;&#x;&#xyz;", strings.Repeat("\uFFFD", 7), 7},
		{"a control character itself", "Ag\x1fent\x00\x08", "Ag\uFFFDent\uFFFD\uFFFD", 3},
		{"bytes that are no UTF-8", "\xff\xfea\xe9", "\uFFFD\uFFFDa\uFFFD", 3},
		{"what Unicode keeps free", "\uFFFE\uFFFF", "\uFFFD\uFFFD", 2},
		{"U+FFFD that is written is no replacement", "\uFFFD&#xFFFD;", "\uFFFD\uFFFD", 0},
		{"the halves of a pair, as Java writes them", "&#xD83D;&#xDE00; &#55357;&#56832;", "😀 😀", 0},
		{"one half", "&#xD83D; &#xDE00;&#xDE00;x", "\uFFFD \uFFFD\uFFFDx", 3},
		{"a half before something else", "&#xD83D;&amp;&#xD83D;&#65;&#xD83D;&", "\uFFFD&\uFFFDA\uFFFD&", 3},
		{"an entity that XML does not have", "a&nbsp;b&eacute;", "a\uFFFDb\uFFFD", 2},
		{"an ampersand alone", "AT&T, a & b, && &;", "AT&T, a & b, && &;", 0},
		{"a name that never ends", "&" + strings.Repeat("x", 100) + ";", "&" + strings.Repeat("x", 100) + ";", 0},
		{"the end of a CDATA section where there is none", "a[b[0]]>1]]]>2", "a[b[0]]>1]]]>2", 0},
		{"CDATA, where nothing is a reference", "<![CDATA[&#11;&nbsp;&amp; & \x0b]] ]]>&#11;<![CDATA[]]]]><![CDATA[>]]>", "&#11;&nbsp;&amp; & \uFFFD]] \uFFFD]]>", 2},
	} {
		t.Run(c.rule, func(t *testing.T) {
			doc := "<value>" + c.written + "</value>"
			whole, replaced := mended(t, strings.NewReader(doc))
			require.Equal(t, c.replaced, replaced)
			var read string
			require.NoError(t, xml.Unmarshal([]byte(whole), &read), whole)
			require.Equal(t, c.read, read)

			bytewise, replaced := mended(t, iotest.OneByteReader(strings.NewReader(doc)))
			require.Equal(t, whole, bytewise)
			require.Equal(t, c.replaced, replaced)

			atOnce, replaced := legible.Bytes([]byte(doc))
			require.Equal(t, whole, string(atOnce))
			require.Equal(t, c.replaced, replaced)
		})
	}
}

// A stanza that is complete is never kept back until the next one.
func TestWhatIsCompleteCanBeRead(t *testing.T) {
	sent, receiver := io.Pipe()
	defer sent.Close()
	r := legible.NewReader(sent, func(int) {})
	for _, stanza := range []string{"<a>&amp;</a>", "<b>&#11;</b>", "<c><![CDATA[&]]></c>", "<d/>", "<e>é😀</e>"} {
		go func() { _, _ = io.WriteString(receiver, stanza) }()
		got := make([]byte, 100)
		n, err := io.ReadAtLeast(r, got, len(strings.ReplaceAll(stanza, "&#11;", "\uFFFD")))
		require.NoError(t, err)
		require.Equal(t, strings.ReplaceAll(stanza, "&#11;", "\uFFFD"), string(got[:n]))
	}
}

func TestADocumentThatIsGoodIsNotCopied(t *testing.T) {
	doc := []byte("<a>Réclamation &amp; 😀 &lt;b[0]&gt;</a>")
	same, _ := legible.Bytes(doc)
	require.Same(t, &doc[0], &same[0])
	require.Zero(t, testing.AllocsPerRun(100, func() { legible.Bytes(doc) }))
}

func TestAnErrorComesAfterWhatWasRead(t *testing.T) {
	r := legible.NewReader(io.MultiReader(strings.NewReader("<a>\xc3"), iotest.ErrReader(io.ErrUnexpectedEOF)), func(int) {})
	b, err := io.ReadAll(r)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, "<a>\uFFFD", string(b))
}

// Whatever comes, and in whatever pieces: the decoder never complains of a character,
// and what it would have read is read.
func FuzzReader(f *testing.F) {
	f.Add("<a>&#11;&#xD83D;&#xDE00;]]><![CDATA[&]]>\x00&nbsp;&</a>")
	f.Fuzz(func(t *testing.T, doc string) {
		read := func(r io.Reader) (all []string, err error) {
			d := xml.NewDecoder(r)
			for {
				token, err := d.RawToken()
				if err != nil {
					return all, err
				}
				if text, ok := token.(xml.CharData); ok {
					all = append(all, string(text))
				}
			}
		}
		mendedDoc, _ := mended(t, strings.NewReader(doc))
		bytewise, _ := mended(t, iotest.OneByteReader(strings.NewReader(doc)))
		require.Equal(t, mendedDoc, bytewise)
		atOnce, _ := legible.Bytes([]byte(doc))
		require.Equal(t, mendedDoc, string(atOnce))
		before, err := read(strings.NewReader(doc))
		if err == io.EOF && !strings.Contains(doc, "<!") && !strings.Contains(doc, "<?") &&
			!strings.Contains(strings.Join(before, ""), "\uFFFD") { // the decoder reads a pair as two of them
			after, err := read(strings.NewReader(mendedDoc))
			require.Equal(t, io.EOF, err)
			require.Equal(t, before, after)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	doc := "<a>" + strings.Repeat("<name>callVariable1</name><value/>", 1000) + "</a>"
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		_, _ = io.Copy(io.Discard, legible.NewReader(strings.NewReader(doc), nil))
	}
}
