package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// pageOf returns the page of a replay, and its data.
func pageOf(t *testing.T, all []capture.Item) (string, shown) {
	t.Helper()
	l := list(slices.Clone(all))
	return written(t, replayed(t, &l, Options{Keep: true}))
}

// written returns the page of a report, and its data.
func written(t *testing.T, r *Report) (string, shown) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.HTML(&b))
	_, block, ok := strings.Cut(b.String(), `<script type="application/json" id="data">`)
	require.True(t, ok)
	block, _, _ = strings.Cut(block, "</script>")
	var s shown
	require.NoError(t, json.Unmarshal([]byte(block), &s))
	return b.String(), s
}

type shown struct {
	Counts map[Kind]int
	More   int
	Left   int
	Live   LiveSummary
	Texts  []string
	Rows   []row
}

// marked returns the rows with a difference.
func (s *shown) marked() (all []row) {
	for _, r := range s.Rows {
		if len(r.Marks) > 0 {
			all = append(all, r)
		}
	}
	return all
}

// The page of a live replay shows the capture, what was compared and why a
// command was not sent.
func TestAPageOfALiveReplay(t *testing.T) {
	p := planOf(t, "main-job", Cut{Keep: true})
	r := playedLive(t, p, &again{
		lacks: func(a *awaited) bool { return a.optional },
		changes: func(d *broker.Delivery) {
			d.Body = strings.Replace(d.Body, "#State#NOT_READY##", "#State#NOT_READY#7#", 1)
		},
	}, 0)
	require.NotZero(t, r.Counts[Different])
	page, s := written(t, r)
	require.NotContains(t, page, "hunter2")
	t.Run("in a browser", func(t *testing.T) {
		b := openText(t, page)
		b.until(`/^Played live, from .* UTC\. \d+ of \d+ commands sent; \d+ events came as captured; \d+ not played\.$/.test(document.getElementById("counts").textContent)`)
		b.until(`document.getElementById("verdict").textContent.startsWith("≠ ")`)
	})
	require.Len(t, s.Rows, len(lines(t, "main-job")))
	require.Equal(t, r.Live.Sent, s.Live.Sent)
	skipped := map[string]int{}
	for _, x := range s.Rows {
		if slices.Contains([]string{requestRow, answerRow, notificationRow}, x.Kind) {
			require.True(t, x.Skipped, "what Finesse sends now is not known")
		}
		if x.Skipped {
			skipped[x.Kind]++
		}
	}
	require.Equal(t, r.Live.NotPlayed, skipped[eventRow])
	require.Len(t, s.marked(), r.Counts[Different])
	require.Equal(t, [3]string{"Reason", "", "7"}, s.field(s.marked()[0], 0))
	noted := 0
	for _, x := range s.Rows {
		for _, d := range x.Details {
			if s.Texts[d[0]] == "note" {
				noted++
				require.Equal(t, commandRow, x.Kind)
				require.Contains(t, s.Texts[d[1]], "not sent: ")
			}
		}
	}
	require.Equal(t, len(r.Notes), noted)
}

// field returns what a row shows of the nth field that differs.
func (s *shown) field(r row, n int) [3]string {
	f := r.Marks[0].Fields[n]
	return [3]string{s.Texts[f[0]], s.Texts[f[1]], s.Texts[f[2]]}
}

func TestAPageHasARowForEachLineInOrder(t *testing.T) {
	for _, name := range samples(t) {
		all := lines(t, name)
		_, s := pageOf(t, all)
		require.Len(t, s.Rows, len(all), name)
		kinds := map[string]int{}
		for i, r := range s.Rows {
			require.Equal(t, all[i].Where(), fmt.Sprintf("%s:%d", s.Texts[r.File], r.Line))
			if x := all[i].Record; x != nil {
				want := strings.ToValidUTF8(x.Text(), "\ufffd")
				require.Equal(t, len(want) > maxPart, strings.HasSuffix(s.Texts[r.Body], "bytes; the capture has all)"))
				require.True(t, strings.HasPrefix(s.Texts[r.Body], want[:min(len(want), maxPart)]))
				require.Equal(t, string(x.Agent), s.Texts[r.Agent])
				require.Equal(t, x.Time.UnixMicro(), r.Time)
			}
			kinds[r.Kind]++
		}
		require.Empty(t, s.marked())
		for _, kind := range []string{commandRow, eventRow, requestRow, answerRow, notificationRow, otherRow} {
			require.NotZero(t, kinds[kind], "%s in %s", kind, name)
		}
	}
}

func TestADifferenceIsAtItsRow(t *testing.T) {
	t.Run("a field that differs", func(t *testing.T) {
		all := lines(t, "one-call-json")
		spoil(t, all, "State", `"state":"READY"`, `"state":"BUSY"`)
		_, s := pageOf(t, all)
		require.NotEmpty(t, s.marked())
		for _, r := range s.marked() {
			require.Equal(t, "State", s.Texts[r.Label])
			require.Contains(t, s.Texts[r.Body], "BUSY")
			m := r.Marks[0]
			require.Equal(t, Different, m.Kind)
			require.Contains(t, s.Texts[m.Captured], "BUSY")
			require.Contains(t, s.Texts[m.Now], "READY")
			f := m.Fields[0]
			require.Equal(t, []string{"state", "BUSY", "READY"}, []string{s.Texts[f[0]], s.Texts[f[1]], s.Texts[f[2]]})
		}
		require.Len(t, s.marked(), s.Counts[Different])
	})
	t.Run("an event that was not captured has a row where it comes", func(t *testing.T) {
		all := lines(t, "one-call-json")
		i := place(t, all, "State", 3)
		gone := all[i].Record
		_, s := pageOf(t, slices.Delete(all, i, i+1))
		require.Len(t, s.marked(), s.Counts[Unexpected]+s.Counts[Damage])
		at := slices.IndexFunc(s.Rows, func(r row) bool { return r.Now })
		require.GreaterOrEqual(t, at, 0)
		r := s.Rows[at]
		require.Equal(t, Unexpected, r.Marks[0].Kind)
		require.Equal(t, gone.Text(), s.Texts[r.Body])
		require.Equal(t, "1001", s.Texts[r.Agent])
		require.LessOrEqual(t, s.Rows[at-1].Time, r.Time)
		require.Less(t, r.Time, s.Rows[at+1].Time)
		require.Less(t, i-3, at)
		require.Less(t, at, i+3)
	})
	t.Run("a fault of the order and a difference of the record have a row each", func(t *testing.T) {
		all := lines(t, "one-call-json")
		i := place(t, all, "State", 3)
		changed := *all[i].Record
		changed.Category = "odd"
		all[i].Record = &changed
		fault := all[i]
		fault.Record, fault.Problem = nil, errors.New("records are missing")
		_, s := pageOf(t, slices.Insert(all, i, fault))
		require.Equal(t, Damage, s.Rows[i].Marks[0].Kind)
		require.Equal(t, Different, s.Rows[i+1].Marks[0].Kind)
		require.Len(t, s.marked(), 2)
	})
}

func TestSkippedRecordsAreMarkedOnThePage(t *testing.T) {
	all := lines(t, "main-job")
	header := *all[0].Header
	header.Fresh = false
	all[0].Header = &header
	i := slices.IndexFunc(all, func(i capture.Item) bool { return i.Record != nil && strings.HasPrefix(i.Record.Type, "Connect#") })
	before := *all[i+1].Record
	before.Edge, before.Dir, before.Type, before.Exchange, before.Agent = capture.Broker, capture.Out, "", 0, "1001"
	all = slices.Insert(all, i, capture.Item{File: "f", Line: 1, Run: header.Run, Record: &before})
	_, s := pageOf(t, all)
	require.True(t, s.Rows[i].Skipped)
	require.False(t, s.Rows[i+1].Skipped)
}

// hostile is text that would do something if a browser took it for markup.
const hostile = `</script><img src=x onerror="document.title='taken'"><!--<script>alert(1)</script>` + "\u2028\u202e"

// hostileRecord returns x with such text in everything that a page shows of it.
func hostileRecord(x *capture.Record) *capture.Record {
	changed := *x
	changed.Event, changed.Type, changed.Category, changed.CorrelationID, changed.Body = hostile, hostile, hostile, hostile, hostile
	changed.Agent = gc.AgentID(hostile)
	return &changed
}

func TestHostileTextStaysText(t *testing.T) {
	all := lines(t, "one-call-json")
	plain, _ := pageOf(t, all)
	i := place(t, all, "State", 3)
	all[i].File, all[i].Record = hostile, hostileRecord(all[i].Record)
	page, s := pageOf(t, all)
	at := slices.IndexFunc(s.Rows, func(r row) bool { return s.Texts[r.File] == hostile })
	require.Equal(t, hostile, s.Texts[s.Rows[at].Body])
	require.Equal(t, hostile, s.Texts[s.Rows[at].Agent])
	require.NotEmpty(t, s.Rows[at].Marks)
	for _, tag := range []string{"<script", "</script", "<img", "<!--", "\u2028"} {
		require.Equal(t, strings.Count(plain, tag), strings.Count(page, tag), tag)
	}
	require.NotContains(t, page, "{{")
}

func TestThePageOfACaptureIsTheSameEachTime(t *testing.T) {
	all := lines(t, "supervisor")
	spoil(t, all, "TeamUsersList", "Grace", "Hopper")
	first, _ := pageOf(t, all)
	for range 20 {
		again, _ := pageOf(t, all)
		require.Equal(t, first, again)
	}
}

func TestRecordsAreKeptOnlyForAPage(t *testing.T) {
	all := list(lines(t, "one-call-json"))
	r := replayed(t, &all, Options{})
	require.Nil(t, r.page)
	var b bytes.Buffer
	require.Error(t, r.HTML(&b))
	require.Zero(t, b.Len())
}

func TestAPageIsBounded(t *testing.T) {
	p := newPage()
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	for i := range maxRows + 5 {
		p.item(capture.Item{File: "f", Line: i + 1, Record: &capture.Record{Time: at.Add(time.Duration(i) * time.Second), Dir: capture.Out, Edge: capture.Broker, Event: "State"}})
	}
	p.skipped() // of the last, which has no row
	require.Len(t, p.rows, maxRows)
	require.Equal(t, 5, p.left)
	require.False(t, p.rows[maxRows-1].Skipped)
	late := Finding{Kind: Different, Where: fmt.Sprintf("f:%d", maxRows+3), Time: at.Add((maxRows + 3) * time.Second), Event: "State", Destination: "/topic/a"}
	rows := p.marked([]Finding{late}, nil)
	require.Len(t, rows, maxRows+1, "a difference beyond the bound is on the page")
	require.Equal(t, Different, rows[maxRows].Marks[0].Kind)

	long := strings.Repeat("ä", maxPart)
	require.Contains(t, p.texts[p.text(long)], fmt.Sprintf("(%d of %d bytes; the capture has all)", maxPart, 2*maxPart))
	for i := 0; p.weight+maxPart <= maxText; i++ {
		p.text(fmt.Sprint(i) + strings.Repeat("x", maxPart-len(fmt.Sprint(i))))
	}
	require.Equal(t, leftOut, p.texts[p.text(strings.Repeat("y", maxPart))])
	require.LessOrEqual(t, p.weight, maxText)
}
