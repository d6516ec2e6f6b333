package simulator

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// FaultKind is something that goes wrong on purpose.
type FaultKind string

// The faults. Those of events and streams need an agent; those of REST hit
// every request when none is given.
const (
	DropEvent        FaultKind = "drop"         // the agent's next Count events are lost
	DuplicateEvent   FaultKind = "duplicate"    // the agent's next Count events come twice, with the same item id
	IllegibleEvent   FaultKind = "illegible"    // the agent's next Count events hold characters that XML 1.0 has no place for, in names and call variables
	StatelessEvent   FaultKind = "stateless"    // the agent's next Count events name no state of a user
	TalkativeStream  FaultKind = "talkative"    // the agent's next Count streams bring other stanzas before the answers to the requests that begin them
	LateEvent        FaultKind = "late"         // the agent's next Count events come after the one that follows them
	StrayEvent       FaultKind = "stray"        // with the agent's next Count events of calls come what other clients subscribed to: a colleague's, which end the call, and a chat's
	CutStream        FaultKind = "cut"          // the agent's streams break without a word
	CutInside        FaultKind = "cut-inside"   // the same, in the middle of a stanza
	BlackHole        FaultKind = "black-hole"   // the agent's streams stay open and nothing passes any more; a new stream works
	SlowREST         FaultKind = "slow"         // each request waits Delay before it is looked at
	MalformedREST    FaultKind = "malformed"    // the request is carried out, its XML answer ends in the middle; answers without XML do not count
	OddREST          FaultKind = "odd-answer"   // the request is carried out, its XML answer holds such characters and, in each list, an element that cannot be read
	LostAnswer       FaultKind = "lost-answer"  // the request is carried out, the connection breaks instead of an answer
	HTMLError        FaultKind = "html"         // the request is answered 500 with an HTML page and not carried out
	UnavailableError FaultKind = "unavailable"  // the request is answered 503 and not carried out
	UnknownUser      FaultKind = "unknown-user" // the request is answered 404, Finesse does not know the user, and not carried out
	NotLetIn         FaultKind = "not-let-in"   // the request is answered 401, as one with a wrong password, and not carried out; it does not count towards the lock of the account
	ExpireToken      FaultKind = "expire-token" // the agent's access tokens with the lowest number that is good expire
	RefuseRequest    FaultKind = "refuse"       // a request for a state or an action is refused with an error of choice
)

// Fault is one order to fail.
type Fault struct {
	Kind  FaultKind     `json:"kind"`
	Agent gc.AgentID    `json:"agent"` // of REST faults: whose credentials the request carries
	Count int           `json:"count"` // of events or requests; 0 means 1
	Delay time.Duration `json:"-"`     // of SlowREST, at most a minute

	// Of RefuseRequest: the state or action that is asked for, and the error.
	// With a status the answer itself is the error; without one the request is
	// accepted, and the error comes as a notification with the id of the
	// request.
	Request string `json:"request"`
	Status  int    `json:"httpStatus"`
	Type    string `json:"type"`
	Message string `json:"message"`
	Data    string `json:"data"`
	// Anonymous: the notification does not name the request, as is mostly so in
	// captures.
	Anonymous bool `json:"anonymous"`

	at *site // the node where; nil for all
}

const (
	maxFaults = 1000
	maxSlow   = time.Minute
)

func faultKinds() []FaultKind {
	return []FaultKind{
		DropEvent, DuplicateEvent, LateEvent, StrayEvent, IllegibleEvent, StatelessEvent, TalkativeStream, CutStream, CutInside, BlackHole, SlowREST, MalformedREST, OddREST, LostAnswer, HTMLError, UnavailableError, UnknownUser, NotLetIn, ExpireToken, RefuseRequest,
	}
}

// Inject makes something fail, on top of what fails already: at the first node,
// and requests are refused by whichever is asked. The error says what is wrong
// with f.
func (s *Simulator) Inject(f Fault) error {
	if f.Kind != RefuseRequest {
		f.at = s.nodes[0].site
	}
	return s.inject(s.nodes[0], f)
}

func (s *Simulator) inject(n *Node, f Fault) error {
	f.Count = cmp.Or(f.Count, 1)
	if f.Count < 0 || f.Count > maxFaults {
		return fmt.Errorf("count is %d: 1 to %d are accepted", f.Count, maxFaults)
	}
	if f.Agent != "" {
		u, err := s.board.findAgent(f.Agent)
		if err != nil {
			return err
		}
		f.Agent = u.id
	}
	switch f.Kind {
	case RefuseRequest:
		if err := f.checkRefusal(); err != nil {
			return err
		}
		return s.faults.add(f)
	case SlowREST, MalformedREST, OddREST, LostAnswer, HTMLError, UnavailableError, UnknownUser, NotLetIn:
		return s.faults.add(f)
	}
	if slices.Contains(faultKinds(), f.Kind) && f.Agent == "" {
		return fmt.Errorf("fault %q needs an agent", f.Kind)
	}
	switch f.Kind {
	case ExpireToken:
		s.accounts.expire(f.Agent)
		return nil
	case DropEvent, DuplicateEvent, LateEvent, StrayEvent, IllegibleEvent, StatelessEvent, TalkativeStream, CutStream, CutInside, BlackHole:
		n.hub.inject(f)
		return nil
	}
	return fmt.Errorf("fault %q is not known: one of %q is", f.Kind, faultKinds())
}

// refusable are the requests that can be refused with an error of choice.
func refusable() []string {
	var names []string
	for _, state := range requestable {
		names = append(names, string(state))
	}
	for _, a := range slices.Concat(newCalls, played, []action{updateCallData}) {
		names = append(names, string(a))
	}
	return names
}

func (f *Fault) checkRefusal() error {
	switch {
	case !slices.Contains(refusable(), f.Request):
		return fmt.Errorf("request %q cannot be refused: one of %q can", f.Request, refusable())
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("status %d is no error: 400 to 599 are, or 0 for an error that comes as a notification", f.Status)
	case f.Type == "":
		return errors.New("the type of the error is missing, for example Invalid State")
	}
	return nil
}

// Heal takes back the faults that have not happened yet, at all nodes. Broken
// streams stay broken.
func (s *Simulator) Heal() {
	s.faults.clear(func(*Fault) bool { return true })
	for _, n := range s.nodes {
		n.hub.heal()
	}
}

func (n *notifier) inject(f Fault) {
	if isFate(f.Kind) || f.Kind == TalkativeStream {
		n.spoil(f)
		return
	}
	for _, s := range n.of(f.Agent) {
		switch f.Kind {
		case CutStream:
			s.cut()
		case CutInside:
			s.enqueue(outgoing{fmt.Sprintf("<message from='%s' to='%s'><event xmlns='%s#event'><ite", n.pubsub(), n.bare(s.agent), nsPubSub), true})
		case BlackHole:
			s.blackHole.Store(true)
		}
	}
}

func (n *notifier) spoil(f Fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.faults[f.Agent] == nil {
		n.faults[f.Agent] = map[FaultKind]int{}
	}
	n.faults[f.Agent][f.Kind] = min(n.faults[f.Agent][f.Kind]+f.Count, maxFaults)
}

// restFaults are the orders for requests that have not come yet.
type restFaults struct {
	mu      sync.Mutex
	waiting []Fault
}

func (q *restFaults) add(f Fault) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case f.Kind == SlowREST && (f.Delay <= 0 || f.Delay > maxSlow):
		return fmt.Errorf("delay is %s: up to %s is accepted", f.Delay, maxSlow)
	case len(q.waiting) >= maxFaults:
		return errors.New("too many faults are waiting")
	}
	q.waiting = append(q.waiting, f)
	return nil
}

func (q *restFaults) clear(meant func(*Fault) bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.DeleteFunc(q.waiting, func(f Fault) bool { return meant(&f) })
}

// take uses up the oldest fault of one of the kinds that is meant for agent at
// a node.
func (q *restFaults) take(at *site, agent gc.AgentID, kinds ...FaultKind) (Fault, bool) {
	return q.takeIf(func(f *Fault) bool { return slices.Contains(kinds, f.Kind) && f.hits(at, agent) })
}

// takeRefusal uses up the oldest order to refuse such a request.
func (q *restFaults) takeRefusal(at *site, agent gc.AgentID, wish string) (Fault, bool) {
	return q.takeIf(func(f *Fault) bool { return f.Kind == RefuseRequest && f.Request == wish && f.hits(at, agent) })
}

func (f *Fault) hits(at *site, agent gc.AgentID) bool {
	return (f.Agent == "" || f.Agent == agent) && (f.at == nil || f.at == at)
}

func (q *restFaults) takeIf(meant func(*Fault) bool) (Fault, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, f := range q.waiting {
		if !meant(&f) {
			continue
		}
		if q.waiting[i].Count--; q.waiting[i].Count == 0 {
			q.waiting = slices.Delete(q.waiting, i, i+1)
		}
		return f, true
	}
	return Fault{}, false
}

// subject is what a request is about: the object whose queue it waits in, and
// where and as what an error is published.
type subject struct{ object, node, source, event string }

// refuseOnPurpose answers a request that is to be refused; false for others.
// An error that comes as a notification waits its turn, as the request would.
func (s *rest) refuseOnPurpose(by origin, wish string, about subject) (reply, bool) {
	f, ok := s.faults.takeRefusal(s.site, by.user.id, wish)
	switch {
	case !ok:
		return reply{}, false
	case f.Status != 0:
		return apiError(f.Status, f.Type, f.Data, f.Message), true
	}
	if f.Anonymous {
		by.request = ""
	}
	if !s.board.queue(about.object, func() {
		s.board.refuse(by, about.node, about.source, about.event, asyncErrorXML{Type: f.Type, Message: f.Message, Data: f.Data})
	}) {
		return overloaded, true
	}
	return accepted, true
}

// spoil puts the faults around the web service, and its requests under the
// simulator's lifetime.
func spoil(q *restFaults, at *site, life *lifetime, board *switchboard, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !life.enter() {
			panic(http.ErrAbortHandler)
		}
		defer life.leave()
		agent := gc.AgentID("")
		if name, _, _ := credentials(r); board.find(name) != nil {
			agent = board.find(name).id
		}
		if f, ok := q.take(at, agent, SlowREST); ok {
			_ = http.NewResponseController(w).SetReadDeadline(noDeadline) // or the request would be over first
			life.pause(r.Context(), f.Delay)
			if errors.Is(context.Cause(r.Context()), errStopped) {
				panic(http.ErrAbortHandler) // who is switched off does nothing any more
			}
		}
		if f, ok := q.take(at, agent, HTMLError, UnavailableError, UnknownUser, NotLetIn); ok {
			refusalOf(f).write(w, r)
			return
		}
		answer := &recorder{header: http.Header{}, status: http.StatusOK}
		next.ServeHTTP(answer, r)
		// Who has hung up gets no answer: one on its way could arrive all the
		// same, and a request that was too slow would seem to be in time.
		if _, ok := q.take(at, agent, LostAnswer); ok || r.Context().Err() != nil {
			panic(http.ErrAbortHandler)
		}
		if answer.isXML() {
			if _, ok := q.take(at, agent, MalformedREST); ok {
				answer.body.Truncate(answer.body.Len() / 2)
			}
			if _, ok := q.take(at, agent, OddREST); ok {
				answer.body = *bytes.NewBufferString(odd.Replace(illegible(answer.body.String())))
			}
		}
		answer.write(w)
	})
}

func refusalOf(f Fault) reply {
	switch f.Kind {
	case HTMLError:
		return htmlPage(http.StatusInternalServerError)
	case NotLetIn:
		return htmlPage(http.StatusUnauthorized)
	case UnknownUser:
		return apiError(http.StatusNotFound, "User Not Found", string(f.Agent), "UNKNOWN_USER")
	}
	return apiError(http.StatusServiceUnavailable, "Service Unavailable", "", "Finesse is not in service")
}

// recorder keeps an answer back until it is known whether it gets through.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *recorder) Header() http.Header         { return a.header }
func (a *recorder) WriteHeader(status int)      { a.status = status }
func (a *recorder) Write(p []byte) (int, error) { return a.body.Write(p) }

func (a *recorder) isXML() bool { return isXML(a.header.Get("Content-Type")) }

func (a *recorder) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes())
}
