package capture

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/pulse"
)

// queueSize is how many records can wait for the disk: some seconds of a site
// with thousands of agents.
const queueSize = 16 << 10

// queueBytes bounds their texts: a list from Finesse has megabytes.
const queueBytes = 64 << 20

// retryAfter is how long the recorder waits before it tries again to write a
// file.
const retryAfter = 10 * time.Second

// Options say what is recorded and where. They may change; see Configure.
type Options struct {
	File         string       // "" records nothing
	MaxSize      int64        // of a file, in bytes
	Keep         int          // closed files
	Destinations []string     // patterns: whose agents are recorded; empty: all
	Agents       []gc.AgentID // empty: all
	Settings     Settings
}

// Recorder writes the file. Its methods may be called from any goroutine and
// never block, except Run, which writes.
type Recorder struct {
	version string
	begin   func() []Record
	log     *zap.Logger
	metrics *metrics
	secrets *secrets
	setup   atomic.Pointer[setup]
	first   *setup // the process began with it
	queue   chan entry
	waiting atomic.Int64  // bytes in the queue
	control chan struct{} // has an element when setup may have changed
	retry   time.Duration // retryAfter
	pulse   *pulse.Pulse  // of Run
	packing *pulse.Pulse  // of the compression of closed files

	mu      sync.Mutex // orders records
	seq     uint64
	dropped uint64                        // since the last record that found room
	homes   map[gc.AgentID]gc.Destination // where agents work, or last worked: their passwords were proved there
	claims  map[gc.AgentID][]claim        // commands that want to bind them somewhere, until their outcome
}

// claim is a command that names where its agent is to work.
type claim struct {
	request string
	to      gc.Destination
}

// setup is how records are taken. It is immutable; Configure and Switch replace
// it.
type setup struct {
	Options
	on bool
}

// entry is a record on its way to the file of its setup.
type entry struct {
	*Record
	under *setup
}

// New makes a recorder that records as o says once Run runs. begin, which may be
// nil, returns the first records of a run that begins later; it must not block.
// version is the connector's.
func New(o Options, begin func() []Record, version string, log *zap.Logger, reg prometheus.Registerer) *Recorder {
	r := &Recorder{
		version: version, begin: begin, log: log, metrics: newMetrics(reg), secrets: newSecrets(),
		queue: make(chan entry, queueSize), control: make(chan struct{}, 1), retry: retryAfter,
		pulse: pulse.New("the recording to capture.file", stuckAfter), packing: pulse.New("the compression of closed capture files", stuckAfter),
		homes: map[gc.AgentID]gc.Destination{}, claims: map[gc.AgentID][]claim{},
	}
	r.first = &setup{o, o.File != ""}
	r.setup.Store(r.first)
	return r
}

// Configure applies new options. A file name switches recording on, "" off.
func (r *Recorder) Configure(o Options) { r.change(&setup{o, o.File != ""}) }

// Switch begins or ends recording, and reports whether there is a file to
// record to; without one nothing changes.
func (r *Recorder) Switch(on bool) bool {
	now := r.setup.Load()
	if now.File != "" && now.on != on {
		r.change(&setup{now.Options, on})
	}
	return now.File != ""
}

func (r *Recorder) change(s *setup) {
	r.mu.Lock()
	r.setup.Store(s)
	r.mu.Unlock()
	select {
	case r.control <- struct{}{}:
	default:
	}
	if s.on && r.begin != nil {
		for _, x := range r.begin() {
			r.Record(x)
		}
	}
}

// On reports whether records are taken. A nil Recorder takes none.
func (r *Recorder) On() bool { return r != nil && r.setup.Load().on }

// File returns where records go, "" if none was configured.
func (r *Recorder) File() string { return r.setup.Load().File }

// Command records a command; the caller has hidden what may be a password.
// claims is the destination that it wants to bind the agent to, "" for none:
// until Concluded the agent's records belong there too, so that a capture of the
// destination has the proof as well.
func (r *Recorder) Command(x Record, claims gc.Destination) {
	if !r.On() {
		return
	}
	if claims != "" {
		r.mu.Lock()
		r.claims[x.Agent] = append(r.claims[x.Agent], claim{x.Request, claims})
		r.mu.Unlock()
	}
	x.Dir, x.Edge = In, Broker
	r.take(&x)
}

// Concluded ends the claim of a command on its agent. So a client without the
// password changes what is recorded of an agent only by the requests that its
// command makes.
func (r *Recorder) Concluded(agent gc.AgentID, request string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	left := slices.DeleteFunc(r.claims[agent], func(c claim) bool { return c.request == request })
	if len(left) == 0 {
		delete(r.claims, agent)
	} else {
		r.claims[agent] = left
	}
}

// Bound says where an agent works from now on; the agent's password was proved
// there. The agent's records belong there, even while nothing is recorded.
func (r *Recorder) Bound(agent gc.AgentID, to gc.Destination) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.homes[agent] = to
}

// Record takes any other record. The caller does not change it any more.
func (r *Recorder) Record(x Record) {
	if r.On() {
		r.take(&x)
	}
}

// Event records an event as x, without what must be hidden of e. lost, which is nil
// where nothing can be lost, sends the answer to an agent's command again; the function
// that Event returns in its place records that too.
func (r *Recorder) Event(e gc.Event, x Record, agent gc.AgentID, lost func()) func() {
	d := gc.Destination(x.Destination)
	other := r.Place(d, false)
	if _, sync := e.(gc.AgentSync); sync || other != d {
		x.Body = wire.RewriteEvent(x.Event, wire.Format(x.Format), x.Body, func(_ string, holds wire.Holds, text string) string {
			switch holds {
			case wire.Password:
				return r.Hide(text)
			case wire.Destination:
				return other.Name()
			}
			return text
		})
	}
	r.Record(x)
	if lost == nil {
		return nil
	}
	return func() {
		r.Record(Record{Dir: In, Edge: Broker, Agent: agent, Event: AnswerLost, Request: x.Request})
		lost()
	}
}

// Restored records that a snapshot is reported again to all topics, or to all
// other destinations.
func (r *Recorder) Restored(topics bool) {
	kind := Others
	if topics {
		kind = Topics
	}
	r.Record(Record{Dir: In, Edge: Broker, Event: Restored, Destination: kind})
}

// Wait records how long an agent's session waits.
func (r *Recorder) Wait(agent gc.AgentID, d time.Duration) time.Duration {
	if r.On() {
		r.Record(Record{Dir: In, Edge: Notify, Agent: agent, Type: Waits, Body: d.String()})
	}
	return d
}

// Hide returns the name that stands for a password, or for what may be one.
func (r *Recorder) Hide(password string) string { return r.secrets.name(password) }

// Place returns what stands for a destination: itself, unless hide says now, or
// said before, that it may be a password.
func (r *Recorder) Place(d gc.Destination, hide bool) gc.Destination { return r.secrets.place(d, hide) }

func (r *Recorder) take(x *Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	under := r.setup.Load()
	if !under.on || !r.wanted(x, &under.Options) {
		return
	}
	if x.IsEvent() {
		x.Destination = string(r.secrets.place(gc.Destination(x.Destination), false))
	}
	r.seq++
	x.Seq, x.Time, x.Dropped = r.seq, time.Now().UTC(), r.dropped
	if bytes := int64(x.Weight()); len(r.queue) < cap(r.queue) && r.waiting.Load()+bytes <= queueBytes {
		r.waiting.Add(bytes)
		r.queue <- entry{x, under} // only here, with mu held
		r.dropped = 0
		r.metrics.records.Inc()
	} else {
		r.dropped++
		r.metrics.dropped.Inc()
	}
}

// wanted reports whether o takes x. What concerns no agent, such as a node's
// state, always is. Called with mu held.
func (r *Recorder) wanted(x *Record, o *Options) bool {
	if len(o.Agents) > 0 && x.Agent != "" && !slices.Contains(o.Agents, x.Agent) {
		return false
	}
	at := func(d gc.Destination) bool { return gc.AnyMatches(o.Destinations, d) }
	if x.IsEvent() {
		return x.Agent == "" && x.Destination == "" || at(gc.Destination(x.Destination))
	}
	return x.Agent == "" || at(r.homes[x.Agent]) || slices.ContainsFunc(r.claims[x.Agent], func(c claim) bool { return at(c.to) })
}

// stuckAfter is far longer than any disk takes for one record.
const stuckAfter = 2 * time.Minute

// Live reports a writer that stands still; see pulse.Pulse.
func (r *Recorder) Live() error { return cmp.Or(r.pulse.Live(), r.packing.Live()) }

// Run writes what is recorded until ctx ends, then what still waits, and
// closes the file. Records that cannot be written are counted, and that is
// logged once until it works again.
func (r *Recorder) Run(ctx context.Context) {
	w := &writer{recorder: r}
	r.pulse.Begin()
	defer r.pulse.End()
	defer w.close()
	w.follow()
	for {
		if len(r.queue) == 0 {
			w.flush()
		}
		select {
		case e := <-r.queue:
			w.write(e)
		case <-r.control:
			w.follow()
		case <-r.pulse.Asked():
		case <-w.due:
			w.due = nil
			w.open()
		case <-ctx.Done():
			w.drain()
			return
		}
	}
}

func newRun() string { return strings.ToLower(rand.Text()[:12]) }
