package replay

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/finesse-connector/finesse-connector/internal/capture"
)

// Bounds of a page, so that a browser can open it: rows, bytes of distinct
// texts, and bytes of one text.
const (
	maxRows = 200_000
	maxText = 64 << 20
	maxPart = 32 << 10
)

// The kinds of rows.
const (
	commandRow      = "command"
	eventRow        = "event"
	requestRow      = "request"
	answerRow       = "answer"
	notificationRow = "notification"
	otherRow        = "other"
)

// page is what a page shows of the records, in order. The methods of a nil
// *page do nothing: no page is asked for.
type page struct {
	rows   []row
	left   int // rows that found no room
	texts  []string
	number map[string]int // of each text
	weight int            // of the texts
	apart  []string       // places of rows that turned out not to be compared
}

// row is a message. Texts are numbers into the page's list of them.
type row struct {
	Time    int64    `json:"t,omitempty"` // in microseconds since 1970
	Kind    string   `json:"k"`
	File    int      `json:"f,omitempty"`
	Line    int      `json:"n,omitempty"`
	Agent   int      `json:"a,omitempty"`
	Label   int      `json:"l"`
	Body    int      `json:"b,omitempty"`
	Details [][2]int `json:"d,omitempty"`
	Skipped bool     `json:"s,omitempty"` // it was not compared
	Damage  bool     `json:"-"`
	Now     bool     `json:"w,omitempty"` // it is not in the capture
	Marks   []mark   `json:"m,omitempty"`
}

// mark is a difference of a row.
type mark struct {
	Kind     Kind     `json:"k"`
	Text     int      `json:"x,omitempty"`
	Captured int      `json:"c,omitempty"`
	Now      int      `json:"w,omitempty"`
	Fields   [][3]int `json:"f,omitempty"`
}

func newPage() *page {
	return &page{texts: []string{"", leftOut}, number: map[string]int{"": 0, leftOut: 1}}
}

// leftOut stands for texts that have no room.
const leftOut = "(left out: the page is full)"

// text returns the number of a text.
func (p *page) text(s string) int {
	if len(s) > maxPart {
		cut := maxPart
		for cut > maxPart-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + fmt.Sprintf("\n… (%d of %d bytes; the capture has all)", cut, len(s))
	}
	if n, ok := p.number[s]; ok {
		return n
	}
	if p.weight+len(s) > maxText {
		return p.number[leftOut]
	}
	s = strings.Clone(s) // so as not to keep a line of the capture
	p.weight += len(s)
	p.number[s] = len(p.texts)
	p.texts = append(p.texts, s)
	return p.number[s]
}

// item keeps a line of the capture.
func (p *page) item(i capture.Item) {
	switch {
	case p == nil:
	case len(p.rows) == maxRows:
		p.left++
	default:
		r := row{Kind: otherRow}
		switch {
		case i.Problem != nil:
			r.Damage, r.Label = true, p.text("damage")
		case i.Header != nil:
			r.Time, r.Label, r.Body = i.Header.Time.UnixMicro(), p.text("a run begins"), p.text("connector "+i.Header.Connector)
		default:
			r = p.record(i.Record)
		}
		r.File, r.Line = p.text(i.File), i.Line
		p.rows = append(p.rows, r)
	}
}

// skipped notes that the row before was not compared.
func (p *page) skipped() {
	if p != nil && p.left == 0 {
		p.rows[len(p.rows)-1].Skipped = true
	}
}

// leave notes that a row is not compared, once that is known.
func (p *page) leave(where string) {
	if p != nil {
		p.apart = append(p.apart, where)
	}
}

func (p *page) record(x *capture.Record) row {
	kind, label := rowOf(x)
	r := row{
		Time: x.Time.UnixMicro(), Kind: kind, Agent: p.text(string(x.Agent)), Label: p.text(label), Body: p.text(x.Text()),
	}
	for _, d := range []struct{ name, value string }{
		{"destination", x.Destination}, {"JMSType", jmsType(x)}, {"category", x.Category}, {"format", x.Format}, {"request", x.Request},
		{"correlation id", x.CorrelationID}, {"reply to", x.ReplyTo}, {"message id", x.MessageID}, {"node", x.Node}, {"topic", x.Topic},
		{"exchange", number(x.Exchange)}, {"code", x.Code}, {"problem", x.Problem},
	} {
		if d.value != "" {
			r.Details = append(r.Details, [2]int{p.text(d.name), p.text(d.value)})
		}
	}
	return r
}

// rowOf returns the kind of a record's row and the words on its arrow.
func rowOf(x *capture.Record) (kind, label string) {
	switch {
	case x.IsEvent():
		return eventRow, x.Event
	case x.Edge == capture.Broker && x.Event != "":
		return otherRow, strings.TrimSpace(x.Event + " " + x.Destination)
	case x.Edge == capture.Broker:
		return commandRow, x.Type
	case x.Edge == capture.REST && x.Exchange != 0 && x.Dir == capture.Out:
		return requestRow, x.Type
	case x.Edge == capture.REST && x.Exchange != 0 && x.Status == 0:
		return answerRow, "no answer to " + x.Type
	case x.Edge == capture.REST && x.Exchange != 0:
		return answerRow, strconv.Itoa(x.Status) + " " + x.Type
	case x.Edge == capture.REST:
		return otherRow, strings.TrimSpace(x.Type + " " + x.Node + x.Topic)
	case x.Type == capture.Waits:
		return otherRow, x.Type
	default:
		return notificationRow, strings.TrimSpace(x.Type + " " + x.Topic)
	}
}

// jmsType returns that of an event: a command's is its label.
func jmsType(x *capture.Record) string {
	if x.Edge != capture.Broker || x.Dir != capture.Out {
		return ""
	}
	return x.Type
}

func number(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

//go:embed page.html
var pageHTML string

// HTML writes the report as one self-contained page. Options.Keep must have
// been set.
func (r *Report) HTML(w io.Writer) error {
	if r.page == nil {
		return errors.New("the records were not kept")
	}
	summary := *r
	summary.Findings, summary.Notes, summary.Agents = nil, nil, nil
	rows := r.page.marked(r.Findings, r.Notes)
	data := struct {
		*Report
		More  int      `json:"more,omitempty"` // findings
		Left  int      `json:"left,omitempty"` // rows
		Texts []string `json:"texts"`
		Rows  []row    `json:"rows"`
	}{&summary, r.total() - len(r.Findings), r.page.left, r.page.texts, rows}
	text, err := json.Marshal(data) // it escapes what could end the script or begin a comment
	if err != nil {
		return err
	}
	before, after, _ := strings.Cut(strings.Replace(pageHTML, "{{policy}}", policy(pageHTML), 1), "{{data}}")
	for _, part := range [][]byte{[]byte(before), text, []byte(after)} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// policy allows a browser to use the page's own script and style, and nothing
// else.
func policy(page string) string {
	hash := func(tag string) string {
		_, inner, _ := strings.Cut(page, "<"+tag+">")
		inner, _, _ = strings.Cut(inner, "</"+tag+">")
		sum := sha256.Sum256([]byte(inner))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return fmt.Sprintf("default-src 'none'; script-src %s; style-src %s; base-uri 'none'; form-action 'none'", hash("script"), hash("style"))
}

// spot links a finding to its row. A fault of a record's place in the capture
// has the same line as the record.
type spot struct {
	where  string
	damage bool
}

// marked returns the rows with the findings and notes on them. A finding without a
// row, because it is new or its record was not kept, gets one at its time.
func (p *page) marked(findings []Finding, notes []Note) []row {
	rows := slices.Clone(p.rows)
	if len(findings)+len(notes)+len(p.apart) == 0 {
		return rows
	}
	at := make(map[spot]int, len(rows))
	for i, r := range rows {
		where := capture.Item{File: p.texts[r.File], Line: r.Line}.Where()
		if _, taken := at[spot{where, r.Damage}]; !taken {
			at[spot{where, r.Damage}] = i
		}
	}
	for _, n := range notes {
		if i, ok := at[spot{n.Where, false}]; ok {
			rows[i].Details = append(slices.Clone(rows[i].Details), [2]int{p.text("note"), p.text(n.Text)})
		}
	}
	for _, where := range p.apart {
		if i, ok := at[spot{where, false}]; ok {
			rows[i].Skipped = true
		}
	}
	var own []row
	for _, f := range findings {
		i, ok := at[spot{f.Where, f.Kind == Damage}]
		if ok && f.Kind != Unexpected {
			rows[i].Marks = append(rows[i].Marks, p.mark(f))
		} else {
			own = append(own, p.ownRow(f))
		}
	}
	return merged(rows, own)
}

func (p *page) mark(f Finding) mark {
	m := mark{Kind: f.Kind, Text: p.text(f.Text), Captured: p.text(f.Expected), Now: p.text(f.Got)}
	for _, field := range f.Fields {
		m.Fields = append(m.Fields, [3]int{p.text(field.Name), p.text(field.Expected), p.text(field.Got)})
	}
	return m
}

func (p *page) ownRow(f Finding) row {
	r := row{
		Kind: requestRow, Agent: p.text(string(f.Agent)), Label: p.text(cmp.Or(f.Event, string(f.Kind))),
		Body: p.text(cmp.Or(f.Got, f.Expected)), Now: f.Kind == Unexpected, Marks: []mark{p.mark(f)},
	}
	if !f.Time.IsZero() {
		r.Time = f.Time.UnixMicro()
	}
	if f.Where != "" {
		r.Details = append(r.Details, [2]int{p.text("at or behind"), p.text(f.Where)})
	}
	switch {
	case f.Kind == Damage:
		r.Kind = otherRow
	case f.Destination != "":
		r.Kind = eventRow
		r.Details = append(r.Details, [2]int{p.text("destination"), p.text(f.Destination)})
	}
	return r
}

// merged puts each row of own before the first later row, or at the end if it
// has no time.
func merged(rows, own []row) []row {
	at := func(r row) int64 { return cmp.Or(r.Time, math.MaxInt64) }
	slices.SortStableFunc(own, func(a, b row) int { return cmp.Compare(at(a), at(b)) })
	all := make([]row, 0, len(rows)+len(own))
	for _, r := range rows {
		for len(own) > 0 && at(own[0]) < r.Time {
			all, own = append(all, own[0]), own[1:]
		}
		all = append(all, r)
	}
	return append(all, own...)
}
