package simulator

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

//go:embed runs.html
var runsHTML string

var runsPage = template.Must(template.New("runs").Parse(runsHTML))

// Bounds of the runs.
const (
	maxRuns  = 16               // that go on at once; more are refused
	keptRuns = 20               // that are shown, those that go on included
	lineTime = 15 * time.Second // in which the one who asked for a run takes a line
)

// runs are the scripts that were started from the control page or by programs.
type runs struct {
	mu   sync.Mutex
	list []*run // the newest first
}

// run is guarded by the lock of runs.
type run struct {
	Name  string
	Steps []string // taken, the last one perhaps not yet over
	Over  bool
	Error string // of the step that failed
}

func (r *runs) begin(name string) (*run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	going := 0
	for _, other := range r.list {
		if !other.Over {
			going++
		}
	}
	if going >= maxRuns {
		return nil, fmt.Errorf("%d scripts run already", going)
	}
	one := &run{Name: name}
	r.list = slices.Insert(r.list, 0, one)
	for i := len(r.list) - 1; len(r.list) > keptRuns; i-- {
		if r.list[i].Over {
			r.list = slices.Delete(r.list, i, i+1)
		}
	}
	return one, nil
}

func (r *runs) took(one *run, line int, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one.Steps = append(one.Steps, fmt.Sprintf("%d: %s", line, text))
}

func (r *runs) end(one *run, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one.Over = true
	if err != nil {
		one.Error = err.Error()
	}
}

// shown are copies, and whether one goes on.
func (r *runs) shown() (list []run, going bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range r.list {
		list = append(list, run{one.Name, slices.Clone(one.Steps), one.Over, one.Error})
		going = going || !one.Over
	}
	return list, going
}

// runOrder asks for a script: one that comes with the simulator, by its name,
// or any by its text.
type runOrder struct {
	Script string       `json:"script"`
	Text   string       `json:"text"`
	Agents []gc.AgentID `json:"agents"`
}

func (o *runOrder) parse() (*Script, error) {
	if o.Text != "" {
		return ParseScript(cmp.Or(o.Script, "script"), o.Text)
	}
	if s := FindScript(o.Script); s != nil {
		return s, nil
	}
	var names []string
	for _, s := range shipped {
		names = append(names, s.Name)
	}
	return nil, fmt.Errorf("script %q is not known: %s are; or give its text", o.Script, strings.Join(names, ", "))
}

// progress is a line of what a program is told while its script runs: the step
// that is taken now, or how it ended.
type progress struct {
	Line  int    `json:"line,omitempty"`
	Step  string `json:"step,omitempty"`
	Done  bool   `json:"done,omitempty"`
	Error string `json:"error,omitempty"`
}

// apiRun plays a script and reports it line by line. The script ends with the
// request.
func (c *control) apiRun(w http.ResponseWriter, r *http.Request) {
	var o runOrder
	if err := decode(w, r, &o); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	script, one, err := c.beginRun(&o)
	if err != nil {
		writeJSON(w, http.StatusUnprocessableEntity, map[string]string{"error": err.Error()})
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines, connection := json.NewEncoder(w), http.NewResponseController(w)
	_ = connection.SetReadDeadline(noDeadline) // or the request would be over before a long script is
	tell := func(p progress) {                 // one that cannot be told in time ends the request
		_ = connection.SetWriteDeadline(time.Now().Add(lineTime))
		_ = lines.Encode(p)
		_ = connection.Flush()
	}
	err = c.s.play(r.Context(), script, o.Agents, func(line int, text string) {
		c.runs.took(one, line, text)
		tell(progress{Line: line, Step: text})
	})
	c.runs.end(one, err)
	last := progress{Done: err == nil}
	if err != nil {
		last.Error = err.Error()
	}
	tell(last)
}

func (c *control) beginRun(o *runOrder) (*Script, *run, error) {
	script, err := o.parse()
	if err != nil {
		return nil, nil, err
	}
	if _, err = script.cast(o.Agents); err != nil {
		return nil, nil, err
	}
	one, err := c.runs.begin(script.Name)
	return script, one, err
}

// formRun starts a script and leads to the page that shows how it goes.
func (c *control) formRun(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	err := r.ParseForm()
	if err != nil {
		err = errors.New("the form cannot be read")
	}
	o := runOrder{Script: r.PostForm.Get("script"), Text: r.PostForm.Get("text")}
	for _, id := range strings.Fields(r.PostForm.Get("agents")) {
		o.Agents = append(o.Agents, gc.AgentID(id))
	}
	var script *Script
	var one *run
	if err == nil {
		script, one, err = c.beginRun(&o)
	}
	if err != nil {
		c.said(w, r, "refused: "+err.Error())
		return
	}
	if !c.s.life.run(func() { // every step ends with the simulator
		c.runs.end(one, c.s.play(context.Background(), script, o.Agents, func(line int, text string) { c.runs.took(one, line, text) }))
	}) {
		c.runs.end(one, errClosed)
	}
	http.Redirect(w, r, "/runs", http.StatusSeeOther)
}

func (c *control) showRuns(w http.ResponseWriter, _ *http.Request) {
	list, going := c.runs.shown()
	c.write(w, runsPage, map[string]any{"Runs": list, "Going": going})
}

// write answers with a page, or says that it cannot be written.
func (c *control) write(w http.ResponseWriter, page *template.Template, data any) {
	var b bytes.Buffer
	if err := page.Execute(&b, data); err != nil {
		c.s.log.Error("control page cannot be written", zap.Error(err))
		http.Error(w, "the page cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes())
}

// scriptJSON is a script for programs.
type scriptJSON struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Text  string `json:"text"`
}

func listScripts(w http.ResponseWriter, _ *http.Request) {
	list := []scriptJSON{}
	for _, s := range shipped {
		list = append(list, scriptJSON{s.Name, s.Title, s.Text})
	}
	writeJSON(w, http.StatusOK, list)
}
