package replay

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/bridge"
	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// never is longer than any capture: the capture has what ends an attempt.
const never = 100 * 365 * 24 * time.Hour

// world is a connector whose edges are played.
type world struct {
	bridge *bridge.Bridge
	known  *finesse.Nodes
	nodes  []*node
	heard  func(event) // is called with each event, maybe from several goroutines
	odd    func(*question)
	waits  func(gc.AgentID) time.Duration // how long a session waits next

	stopping sync.WaitGroup

	mu      sync.Mutex
	asked   map[gc.AgentID][]*question // those without answer yet, by agent, oldest first
	streams map[gc.AgentID]*stream
	command string         // the id that the session gave the command in hand
	lost    recent[func()] // sends the answer to a request again
	ids     recent[string] // of requests: from the captured id to the present one
}

// event is an event that came out.
type event struct {
	gc.Event
	capture.Record
	cause  uint64 // seq of the record that caused it, or that came before
	number uint64 // in the order in which events come out
}

func newWorld(s capture.Settings, settings bridge.Settings, heard func(event), odd func(*question), waits func(gc.AgentID) time.Duration) (*world, error) {
	w := &world{
		heard: heard, odd: odd, waits: waits,
		known: finesse.NewNodes(len(s.Nodes)), streams: map[gc.AgentID]*stream{}, asked: map[gc.AgentID][]*question{},
	}
	for i, name := range s.Nodes {
		n := &node{world: w, name: name, index: i}
		var err error
		n.Client, err = finesse.NewClient(finesse.Options{
			BaseURL: "https://" + name, Timeout: s.RequestTimeout, Retries: s.Retries,
			Through: func(http.RoundTripper) http.RoundTripper { return n },
		})
		if err != nil {
			return nil, err
		}
		n.admin = finesse.NewAdministrator(n.Client, finesse.Credentials{Agent: gc.AgentID(s.Admin)})
		w.nodes = append(w.nodes, n)
	}
	times, limits := session.DefaultTimes, bridge.DefaultLimits
	times.Attempt = never
	limits.AtOnce = math.MaxInt32 // the capture has who waited for whom
	w.bridge = bridge.New(bridge.Options{
		Publish: func(m broker.Message) {
			if m.Answered != nil {
				m.Answered(true)
			}
			if m.Confirmed != nil {
				m.Confirmed()
			}
		},
		Node: func() session.Node { return w.nodes[w.known.Serving()] }, Recorder: callRecorder{w}, SystemChanged: func() {},
		Settings: settings, Limits: limits, Times: times, Logger: zap.NewNop(), Capture: tap{w},
	})
	return w, nil
}

// found takes over the states of several nodes at once, except nodes that the
// capture's header does not name.
func (w *world) found(all ...*capture.Record) {
	var findings []finesse.Finding
	for _, x := range all {
		is := finesse.Condition{Usable: x.Type == capture.Usable, Silent: x.Type == capture.Silent}
		if i := slices.IndexFunc(w.nodes, func(n *node) bool { return n.name == x.Node }); i >= 0 {
			findings = append(findings, finesse.Finding{Node: i, Condition: is})
		}
	}
	w.known.Found(findings...)
	w.bridge.SetStatus(w.known.Status())
}

// tap receives what the bridge records (bridge.Capture).
type tap struct{ *world }

func (t tap) On() bool { return true }

func (t tap) Command(x capture.Record, _ gc.Destination) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.command = x.Request
}

func (t tap) Concluded(gc.AgentID, string)     {}
func (t tap) Bound(gc.AgentID, gc.Destination) {}

func (t tap) Event(e gc.Event, x capture.Record, _ gc.AgentID, lost func()) func() {
	x.Time = time.Now()
	if x.Request != "" && lost != nil {
		t.mu.Lock()
		t.lost.put(x.Request, lost)
		t.mu.Unlock()
	}
	t.heard(event{Event: e, Record: x})
	return lost
}

// Wait makes a session wait as long as in the capture.
func (t tap) Wait(agent gc.AgentID, _ time.Duration) time.Duration { return t.waits(agent) }

// Hide returns a password unchanged: in a capture it is a name for one already.
func (t tap) Hide(password string) string { return password }

func (t tap) Place(d gc.Destination, _ bool) gc.Destination { return d }

// question is a request to Finesse or to the recorder of calls.
type question struct {
	kind     kind
	agent    gc.AgentID
	node     string
	what     string // method and path, team or call
	body     string
	request  string
	at       time.Time
	exchange uint64 // of the capture, once it was found there
	answer   chan *capture.Record
}

type kind int

const (
	exchanged kind = iota
	subscription
	following
	verification
	pausing
	resuming
)

// ask waits for the answer. It fails with ctx.
func (w *world) ask(ctx context.Context, q *question) (*capture.Record, error) {
	q.at, q.answer = time.Now(), make(chan *capture.Record, 1)
	w.mu.Lock()
	w.asked[q.agent] = append(w.asked[q.agent], q)
	w.mu.Unlock()
	select {
	case x := <-q.answer:
		return x, nil
	case <-ctx.Done():
		w.mu.Lock()
		w.answered(q.agent, slices.Index(w.asked[q.agent], q))
		w.mu.Unlock()
		if q.kind == exchanged && q.exchange == 0 && context.Cause(ctx) == context.DeadlineExceeded {
			w.odd(q)
		}
		return nil, ctx.Err()
	}
}

// answered removes the question at a place, if it is still there. Called with
// mu held.
func (w *world) answered(agent gc.AgentID, i int) {
	if i >= 0 {
		w.asked[agent] = slices.Delete(w.asked[agent], i, i+1)
	}
	if len(w.asked[agent]) == 0 {
		delete(w.asked, agent)
	}
}

// find returns the agent's question that match accepts, nil for none; of several
// the first of those that were asked last: on a busy machine a wait ends late, so
// an older one may belong to a later request of the capture.
func (w *world) find(agent gc.AgentID, match func(*question) bool) (found *question) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, q := range w.asked[agent] {
		if match(q) && (found == nil || q.at.After(found.at)) {
			found = q
		}
	}
	return found
}

// subscribing matches the attempt to open a stream at a node.
func subscribing(node string) func(*question) bool {
	return func(q *question) bool { return q.kind == subscription && q.node == node }
}

// subscribes reports whether the agent's session opens a stream at the node now.
func (w *world) subscribes(agent gc.AgentID, node string) bool {
	return w.find(agent, subscribing(node)) != nil
}

// answer answers the agent's oldest question that match accepts, and reports
// whether there is one.
func (w *world) answer(agent gc.AgentID, x *capture.Record, match func(*question) bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.asked[agent], match)
	if i < 0 {
		return false
	}
	w.asked[agent][i].answer <- x
	w.answered(agent, i)
	return true
}

// renamed replaces the ids of captured requests in an update with those of now.
func (w *world) renamed(body string) string {
	i := strings.Index(body, "<requestId>")
	if i < 0 {
		return body
	}
	start := i + len("<requestId>")
	id, _, _ := strings.Cut(body[start:], "<")
	w.mu.Lock()
	now := w.ids.values[id]
	w.mu.Unlock()
	if now == "" {
		return body
	}
	return body[:start] + now + body[start+len(id):]
}

// captured returns the request of the capture that has an id now: present ids
// differ in each replay. If several have it, it is the first by name.
func (w *world) captured(id string) string {
	if id == "" {
		return "none"
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	first := ""
	for was, now := range w.ids.values {
		if now == id && (first == "" || was < first) {
			first = was
		}
	}
	return cmp.Or(first, "one that was not captured")
}

// stopTimeout is how long the connector has to stop.
const stopTimeout = 15 * time.Second

// stop lets the connector stop in an orderly way.
func (w *world) stop() {
	w.stopping.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		w.bridge.Stop(ctx)
	})
}

// close ends all sessions.
func (w *world) close() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // nobody waits for answers
	w.bridge.Stop(ctx)
	w.stopping.Wait()
}
