package simulator

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

//go:embed control.html
var controlHTML string

var controlPage = template.Must(template.New("control").Parse(controlHTML))

// control is the page for people and the same for programs:
//
//	GET  /api/agents
//	POST /api/call    {"agent":"1001","from":"4085551234","to":"","variables":{"callVariable1":"x"}} -> {"dialog":"16870001"}
//	POST /api/hangup  {"dialog":"16870001"}
//	POST /api/status  {"status":"OUT_OF_SERVICE"}
//	POST /api/fault   {"kind":"slow","agent":"1001","count":3,"delay":"2s"}
//	POST /api/heal    {}
//
// What is wrong is answered 4xx with {"error":"…"}. Other web sites can not
// use it through a browser.
type control struct{ s *Simulator }

func newControl(s *Simulator) http.Handler {
	c := &control{s}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", c.page)
	mux.HandleFunc("POST /form/{order}", c.form)
	mux.HandleFunc("GET /api/agents", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.Agents()) })
	mux.HandleFunc("POST /api/{order}", c.api)
	guarded := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.life.enter() {
			panic(http.ErrAbortHandler)
		}
		defer s.life.leave()
		guarded.ServeHTTP(w, r)
	})
}

// order is what people and programs may ask for; each uses its own fields.
type order struct {
	Agent     gc.AgentID        `json:"agent"`
	From      string            `json:"from"`
	To        string            `json:"to"`
	Variables map[string]string `json:"variables"`
	Dialog    gc.DialogID       `json:"dialog"`
	Status    gc.SystemStatus   `json:"status"`
	Kind      FaultKind         `json:"kind"`
	Count     int               `json:"count"`
	Delay     string            `json:"delay"`
}

// errNoOrder: the path names nothing that can be ordered.
var errNoOrder = errors.New("call, hangup, status, fault and heal are accepted")

// run carries out an order and returns what programs are answered.
func (c *control) run(name string, o order) (map[string]string, error) {
	switch name {
	case "call":
		id, err := c.s.Call(o.Agent, Call{From: o.From, To: o.To, Variables: o.Variables})
		return map[string]string{"dialog": string(id)}, err
	case "hangup":
		return map[string]string{"dialog": string(o.Dialog)}, c.s.HangUp(o.Dialog)
	case "status":
		if o.Status != gc.InService && o.Status != gc.OutOfService {
			return nil, fmt.Errorf("status %q is not known: IN_SERVICE and OUT_OF_SERVICE are accepted", o.Status)
		}
		c.s.SetStatus(o.Status)
		return map[string]string{"status": string(o.Status)}, nil
	case "fault":
		f, err := o.fault()
		if err == nil {
			err = c.s.Inject(f)
		}
		return map[string]string{"kind": string(o.Kind)}, err
	case "heal":
		c.s.Heal()
		return map[string]string{}, nil
	}
	return nil, errNoOrder
}

func (o order) fault() (Fault, error) {
	f := Fault{Kind: o.Kind, Agent: o.Agent, Count: o.Count}
	if o.Delay == "" {
		return f, nil
	}
	d, err := time.ParseDuration(o.Delay)
	if err != nil {
		return f, fmt.Errorf("delay %q is not a duration such as 500ms or 2s", o.Delay)
	}
	f.Delay = d
	return f, nil
}

func (c *control) api(w http.ResponseWriter, r *http.Request) {
	var o order
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&o); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "the body is not the JSON object that is expected: " + err.Error()})
		return
	}
	answer, err := c.run(r.PathValue("order"), o)
	if err != nil {
		writeJSON(w, statusOf(err), map[string]string{"error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func statusOf(err error) int {
	if errors.Is(err, errNoOrder) {
		return http.StatusNotFound
	}
	return http.StatusUnprocessableEntity
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// form serves the page's forms and leads back to it with the outcome.
func (c *control) form(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	o, err := formOrder(r)
	var answer map[string]string
	if err == nil {
		answer, err = c.run(r.PathValue("order"), o)
	}
	said := "done"
	if id := answer["dialog"]; id != "" {
		said = "call " + id
	}
	if err != nil {
		said = "refused: " + err.Error()
	}
	http.Redirect(w, r, "/?said="+url.QueryEscape(said), http.StatusSeeOther)
}

// formOrder reads variables as lines of name=value.
func formOrder(r *http.Request) (order, error) {
	if err := r.ParseForm(); err != nil {
		return order{}, errors.New("the form can not be read")
	}
	o := order{
		Agent: gc.AgentID(r.PostForm.Get("agent")), From: r.PostForm.Get("from"), To: r.PostForm.Get("to"),
		Dialog: gc.DialogID(r.PostForm.Get("dialog")), Status: gc.SystemStatus(r.PostForm.Get("status")),
		Kind: FaultKind(r.PostForm.Get("kind")), Delay: r.PostForm.Get("delay"), Variables: map[string]string{},
	}
	if count := r.PostForm.Get("count"); count != "" {
		n, err := strconv.Atoi(count)
		if err != nil {
			return o, fmt.Errorf("count %q is not a number", count)
		}
		o.Count = n
	}
	for line := range strings.Lines(r.PostForm.Get("variables")) {
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return o, fmt.Errorf("variable %q has no =", line)
		}
		o.Variables[name] = value
	}
	return o, nil
}

func (c *control) page(w http.ResponseWriter, r *http.Request) {
	var b bytes.Buffer
	err := controlPage.Execute(&b, map[string]any{
		"Agents": c.s.Agents(), "Said": r.URL.Query().Get("said"), "Faults": faultKinds(), "InService": c.s.board.inService(),
		"REST": c.s.RESTURL(), "Notify": c.s.NotifyURL(), "Domain": c.s.Domain(),
	})
	if err != nil {
		c.s.log.Error("control page can not be written", zap.Error(err))
		http.Error(w, "the page can not be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
	_, _ = w.Write(b.Bytes())
}
