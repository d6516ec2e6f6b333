package capture

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const aHeader = `{"capture":1,"run":"r","part":1,"time":"2026-11-23T07:00:00Z","connector":"v1","settings":{}}` + "\n"

func aRecord(seq int) string {
	return fmt.Sprintf(`{"seq":%d,"time":"2026-11-23T07:00:01Z","dir":"in","edge":"notify","type":"t%d"}`+"\n", seq, seq)
}

// lines reads a text as a file; each line becomes "line: content".
func lines(t *testing.T, text string) (all []string, err error) {
	t.Helper()
	r, err := NewReader(t.Context(), "f", strings.NewReader(text))
	require.NoError(t, err)
	for {
		i, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return all, err
		case i.Header != nil:
			all = append(all, i.Where()+" header")
		case i.Record != nil:
			all = append(all, i.Where()+" "+i.Record.Type)
		default:
			all = append(all, i.Where()+" "+i.Problem.Error())
		}
	}
}

func TestBadFiles(t *testing.T) {
	cut := strings.TrimSuffix(aRecord(2), "}\n")
	for _, k := range []struct {
		rule, text string
		want       []string
	}{
		{"nothing", "", nil},
		{"empty lines do no harm", "\n" + aHeader + "\n" + aRecord(1), []string{"f:2 header", "f:4 t1"}},
		{"a byte order mark does no harm", "\ufeff" + aHeader, []string{"f:1 header"}},
		{"CRLF does no harm", strings.ReplaceAll(aHeader+aRecord(1), "\n", "\r\n"), []string{"f:1 header", "f:2 t1"}},
		{"the last line is cut off", aHeader + aRecord(1) + cut, []string{"f:1 header", "f:2 t1",
			"f:3 the last line is cut off: the line is no JSON object: unexpected end of JSON input"}},
		{"the last line only lacks its end", aHeader + strings.TrimSpace(aRecord(1)), []string{"f:1 header", "f:2 t1"}},
		{"a line is no JSON, and the next is read", aHeader + "hello\n" + aRecord(1), []string{"f:1 header",
			"f:2 the line is no JSON object: invalid character 'h' looking for beginning of value", "f:3 t1"}},
		{"records are missing", aHeader + aRecord(1) + aRecord(5), []string{"f:1 header", "f:2 t1", "f:3 records are missing: seq 5 comes after 1", "f:3 t5"}},
		{"records change places", aHeader + aRecord(2) + aRecord(1), []string{"f:1 header", "f:2 t2", "f:3 seq 1 comes after 2", "f:3 t1"}},
		{"mixed encodings", aHeader + "{\"type\":\"M\xfcller\"}\n" + aRecord(1), []string{"f:1 header", "f:2 the line is not UTF-8", "f:3 t1"}},
		{"no header", aRecord(4), []string{"f:1 the file does not begin with a header", "f:1 t4"}},
		{"no seq", aHeader + `{"time":"2026-11-23T07:00:01Z"}` + "\n", []string{"f:1 header", "f:2 the record has no seq"}},
		{"no time", aHeader + `{"seq":1}` + "\n", []string{"f:1 header", "f:2 the record has no time"}},
		{"no direction", aHeader + `{"seq":1,"time":"2026-11-23T07:00:01Z"}` + "\n", []string{"f:1 header", `f:2 the record has the dir "", not in or out`}},
		{"no edge", aHeader + `{"seq":1,"time":"2026-11-23T07:00:01Z","dir":"in","edge":"moon"}` + "\n",
			[]string{"f:1 header", `f:2 the record has the edge "moon", not broker, rest or notify`}},
		{"a field of the wrong kind", aHeader + `{"seq":"1"}` + "\n",
			[]string{"f:1 header", "f:2 the record cannot be read: json: cannot unmarshal string into Go struct field Record.seq of type uint64"}},
		{"a line that is too long", aHeader + strings.Repeat("x", maxLine+10) + "\n" + aRecord(1), []string{"f:1 header", "f:2 the line has more than 32 MB", "f:3 t1"}},
		{"a line of 10 MB is not too long", aHeader + `{"seq":1,"time":"2026-11-23T07:00:01Z","dir":"in","edge":"rest","type":"long","body":"` + strings.Repeat("x", 10<<20) + `"}` + "\n", []string{"f:1 header", "f:2 long"}},
	} {
		t.Run(k.rule, func(t *testing.T) {
			all, err := lines(t, k.text)
			require.NoError(t, err)
			require.Equal(t, k.want, all)
		})
	}
	t.Run("another version ends the file", func(t *testing.T) {
		_, err := lines(t, `{"capture":2}`+"\n")
		require.ErrorIs(t, err, ErrVersion)
		require.EqualError(t, err, "f:1: a version of the format that this program does not know: 2; it knows 1")
	})
	t.Run("a compressed file that is cut off", func(t *testing.T) {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		for i := range 2000 {
			_, err := z.Write([]byte(aRecord(i + 1)))
			require.NoError(t, err)
		}
		require.NoError(t, z.Close())
		all, err := lines(t, packed.String()[:packed.Len()/2])
		require.NotEmpty(t, all)
		if err == nil {
			require.Contains(t, all[len(all)-1], "cut off")
		} else {
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		}
	})
}

// The parts of a run, and runs that overlap in time, come in order, whatever
// order their files are named in: seq decides within a run, time between runs.
func TestOrderAcrossFiles(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 1))
		dir := t.TempDir()
		var names []string
		at := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
		for run := range 1 + r.IntN(3) {
			now, seq := at, 0
			for part := range 1 + r.IntN(4) {
				h := Header{Capture: Version, Run: fmt.Sprint(run), Part: part + 1, Time: now}
				text, err := line(&h)
				require.NoError(t, err)
				for range r.IntN(20) {
					now = now.Add(time.Duration(r.IntN(3)) * time.Second) // often the same time
					seq++
					record, err := line(&Record{Seq: uint64(seq), Time: now, Dir: In, Edge: Notify, Type: fmt.Sprint(run), Agent: "1001"})
					require.NoError(t, err)
					text = append(text, record...)
				}
				names = append(names, filepath.Join(dir, fmt.Sprintf("%d-%d.jsonl", run, part)))
				require.NoError(t, os.WriteFile(names[len(names)-1], text, 0o600))
			}
		}
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		_, records := read(t, names...)
		last, seqs := time.Time{}, map[string]uint64{}
		for _, x := range records {
			require.False(t, x.Time.Before(last), "seed %d: time goes back", seed)
			last = x.Time
			require.Equal(t, seqs[x.Type]+1, x.Seq, "seed %d: run %s", seed, x.Type)
			seqs[x.Type] = x.Seq
		}
	}
}

// A clock that was set back does not change the order of a run.
func TestAClockThatWasSetBack(t *testing.T) {
	text := aHeader
	for i, s := range []string{"10", "40", "05"} {
		text += fmt.Sprintf(`{"seq":%d,"time":"2026-11-23T07:00:%sZ","dir":"in","edge":"notify","type":"t%d"}`+"\n", i+1, s, i+1)
	}
	all, err := lines(t, text)
	require.NoError(t, err)
	require.Equal(t, []string{"f:1 header", "f:2 t1", "f:3 t2", "f:4 t3"}, all)
}

// endless is a file of size bytes that nobody has to store.
type endless struct {
	size, at int
	line     []byte
	seq      int
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.line) == 0 {
		if e.at >= e.size {
			return 0, io.EOF
		}
		e.seq++
		e.line = []byte(fmt.Sprintf(`{"seq":%d,"time":"2026-11-23T07:00:01Z","dir":"in","edge":"notify","body":"%s"}`+"\n", e.seq, strings.Repeat("x", 4000)))
	}
	n := copy(p, e.line)
	e.line, e.at = e.line[n:], e.at+n
	return n, nil
}

func TestALongFileTakesConstantMemory(t *testing.T) {
	const size = 64 << 20
	r, err := NewReader(t.Context(), "f", &endless{size: size})
	require.NoError(t, err)
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	most := uint64(0)
	for n := 0; ; n++ {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			break
		}
		if n%2000 == 0 {
			runtime.GC() // count what is in use, not what was
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapInuse)
		}
	}
	t.Logf("heap: %d MB before, at most %d MB, for a file of %d MB", before.HeapInuse>>20, most>>20, size>>20)
	require.Less(t, most, before.HeapInuse+8<<20)
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(aHeader + aRecord(1) + aRecord(2)))
	f.Add([]byte("\x1f\x8b\x08"))
	f.Add([]byte(`{"capture":1,"settings":{"nodes":["a"]}}` + "\n" + `{"seq":1,"raw":"/w=="}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := NewReader(t.Context(), "f", bytes.NewReader(data))
		if err != nil {
			return
		}
		for range len(data) + 2 { // no more items than lines, twice over
			i, err := r.Next()
			if err != nil {
				return
			}
			n := 0
			for _, set := range []bool{i.Header != nil, i.Record != nil, i.Problem != nil} {
				if set {
					n++
				}
			}
			if n != 1 {
				t.Fatalf("an item is %d things", n)
			}
		}
		if _, err := r.Next(); err == nil && len(data) > 0 {
			t.Fatal("more items than bytes")
		}
	})
}
