package simulator

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

//go:embed control.html
var controlHTML string

var controlPage = template.Must(template.New("control").Parse(controlHTML))

// control is the page for people and the same for programs:
//
//	GET  /api/agents
//	GET  /api/scripts
//	POST /api/run     {"script":"inbound-call","agents":["1001"]} or {"text":"queue Sales calls 3"} -> a line of JSON for each step
//	POST /api/call    {"agent":"1001","from":"4085551234","to":"","variables":{"callVariable1":"x"}} -> {"dialog":"16870001"}
//	POST /api/hangup  {"dialog":"16870001"}
//	POST /api/status  {"status":"OUT_OF_SERVICE"}
//	POST /api/fault   {"kind":"slow","agent":"1001","count":3,"delay":"2s"}
//	POST /api/fault   {"kind":"refuse","agent":"1001","request":"LOGIN","type":"Invalid Device","message":"CF_…","data":"260"}, with "httpStatus":401 at once
//	POST /api/heal    {}
//	POST /api/stop    {"node":"b"}
//	POST /api/start   {"node":"b"}
//
// status, fault and heal take a node as well, else they are what the methods
// of Simulator are.
//
// What is wrong is answered 4xx with {"error":"…"}. Other web sites cannot
// use it through a browser, which localhttp sees to; nothing changes by GET.
type control struct {
	s    *Simulator
	runs runs
}

func newControl(s *Simulator) http.Handler {
	c := &control{s: s}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", c.page)
	mux.HandleFunc("POST /form/{order}", c.form)
	mux.HandleFunc("GET /api/agents", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.Agents()) })
	mux.HandleFunc("POST /api/{order}", c.api)
	mux.HandleFunc("GET /api/scripts", listScripts)
	mux.HandleFunc("POST /api/run", c.apiRun)
	mux.HandleFunc("POST /form/run", c.formRun)
	mux.HandleFunc("GET /runs", c.showRuns)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.life.enter() {
			panic(http.ErrAbortHandler)
		}
		defer s.life.leave()
		mux.ServeHTTP(w, r)
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
	Request   string            `json:"request"`
	Code      int               `json:"httpStatus"`
	Type      string            `json:"type"`
	Message   string            `json:"message"`
	Data      string            `json:"data"`
	Anonymous bool              `json:"anonymous"`
	Node      string            `json:"node"`
}

// errNoOrder: the path names nothing that can be ordered.
var errNoOrder = errors.New("call, hangup, status, fault, heal and run are accepted, and stop and start for a node")

// run carries out an order and returns what programs are answered.
func (c *control) run(name string, o order) (map[string]string, error) {
	switch name {
	case "call":
		id, err := c.s.Call(o.Agent, Call{From: o.From, To: o.To, Variables: o.Variables})
		return map[string]string{"dialog": string(id)}, err
	case "hangup":
		return map[string]string{"dialog": string(o.Dialog)}, c.s.HangUp(o.Dialog)
	case "status", "fault", "heal":
		target, err := c.target(o.Node)
		if err != nil {
			return nil, err
		}
		return o.disturb(name, target)
	case "stop", "start":
		n, err := c.s.node(o.Node)
		if err != nil {
			return nil, err
		}
		return map[string]string{"node": n.name}, n.power(name)
	}
	return nil, errNoOrder
}

// disturbed is Finesse as a whole, or one node of it.
type disturbed interface {
	SetStatus(gc.SystemStatus)
	Inject(Fault) error
	Heal()
}

// target is a node, or all of Finesse when none is named.
func (c *control) target(node string) (disturbed, error) {
	if node == "" {
		return c.s, nil
	}
	return c.s.node(node)
}

func (o order) disturb(name string, target disturbed) (map[string]string, error) {
	switch name {
	case "status":
		if o.Status != gc.InService && o.Status != gc.OutOfService {
			return nil, fmt.Errorf("status %q is not known: IN_SERVICE and OUT_OF_SERVICE are accepted", o.Status)
		}
		target.SetStatus(o.Status)
		return map[string]string{"status": string(o.Status)}, nil
	case "fault":
		f, err := o.fault()
		if err == nil {
			err = target.Inject(f)
		}
		return map[string]string{"kind": string(o.Kind)}, err
	}
	target.Heal()
	return map[string]string{}, nil
}

// power is the switch of a node: start, or else stop.
func (n *Node) power(order string) error {
	if order == "start" {
		return n.Start()
	}
	n.Stop()
	return nil
}

func (o order) fault() (Fault, error) {
	f := Fault{
		Kind: o.Kind, Agent: o.Agent, Count: o.Count,
		Request: o.Request, Status: o.Code, Type: o.Type, Message: o.Message, Data: o.Data, Anonymous: o.Anonymous,
	}
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
	if err := decode(w, r, &o); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	answer, err := c.run(r.PathValue("order"), o)
	if err != nil {
		writeJSON(w, statusOf(err), map[string]string{"error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// decode reads the one JSON object of a body.
func decode(w http.ResponseWriter, r *http.Request, o any) error {
	body := http.MaxBytesReader(w, r.Body, maxBody)
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(o); err != nil {
		return fmt.Errorf("the body is not the JSON object that is expected: %w", err)
	}
	_, _ = io.Copy(io.Discard, body) // only then the end of the connection ends the request
	return nil
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
	c.said(w, r, said)
}

// said leads back to the page, which shows the text.
func (c *control) said(w http.ResponseWriter, r *http.Request, text string) {
	http.Redirect(w, r, "/?said="+url.QueryEscape(text), http.StatusSeeOther)
}

// formOrder reads variables as lines of name=value.
func formOrder(r *http.Request) (order, error) {
	if err := r.ParseForm(); err != nil {
		return order{}, errors.New("the form cannot be read")
	}
	o := order{
		Agent: gc.AgentID(r.PostForm.Get("agent")), From: r.PostForm.Get("from"), To: r.PostForm.Get("to"),
		Dialog: gc.DialogID(r.PostForm.Get("dialog")), Status: gc.SystemStatus(r.PostForm.Get("status")),
		Node: r.PostForm.Get("node"),
		Kind: FaultKind(r.PostForm.Get("kind")), Delay: r.PostForm.Get("delay"), Variables: map[string]string{},
		Request: r.PostForm.Get("request"), Type: r.PostForm.Get("type"), Message: r.PostForm.Get("message"), Data: r.PostForm.Get("data"),
	}
	for name, to := range map[string]*int{"count": &o.Count, "httpStatus": &o.Code} {
		text := r.PostForm.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return o, fmt.Errorf("%s %q is not a number", name, text)
		}
		*to = n
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

// maxShown bounds the agents on the page, of whom load tests have thousands.
const maxShown = 100

func (c *control) page(w http.ResponseWriter, r *http.Request) {
	agents := c.s.Agents()
	shown := agents[:min(len(agents), maxShown)]
	c.write(w, controlPage, map[string]any{
		"Agents": shown, "More": len(agents) - len(shown), "Said": r.URL.Query().Get("said"), "Faults": plainFaults(), "Requests": refusable(), "InService": c.s.board.inService(),
		"REST": c.s.RESTURL(), "Notify": c.s.NotifyURL(), "Domain": c.s.Domain(), "Nodes": c.s.nodes, "Scripts": shipped,
	})
}
