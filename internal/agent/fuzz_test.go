package agent_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/agent"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// FuzzAgent: whatever Finesse does, in whatever order it is notified and read, the
// driver is told nothing twice and nothing that is older than what it was told, and
// knows what is true once all is read. Each byte of an input is something that happens.
func FuzzAgent(f *testing.F) {
	for _, seed := range []string{"", "\x00\x05\x01\x05\x02\x05\x03\x05", "\x01\x06\x07\x03\x08\x09", "\x07\x01\x02\x08\x06\x09\x03\x0a", "\x01\x04\x06\x0b\x03\x0a\x0c\x06"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, script []byte) { newWorld(t).play(script) })
}

// TestRandomScripts plays scripts that nobody wrote, with every run of the tests.
func TestRandomScripts(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 20_000 {
		script := make([]byte, random.IntN(100))
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		newWorld(t).play(script)
	}
}

// world is a Finesse with one agent, and a driver that believes what it is told.
type world struct {
	t     *testing.T
	agent *agent.Agent
	trace []string

	// Finesse
	now     time.Time
	user    finesse.User
	calls   map[gc.DialogID]finesse.Dialog
	made    int
	waiting []finesse.Update // to be notified
	last    finesse.Update   // that was
	away    bool             // the stream: nothing is notified
	setBack bool             // the clock: what is late may look new, until all is read
	asked   []*question

	// the driver
	state gc.State
	heard map[gc.DialogID]gc.CallState
	rung  map[gc.DialogID]bool
}

// question is a reading on its way.
type question struct {
	agent.Reading
	userRead, answered bool
}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, now: time.Date(2022, 3, 1, 10, 0, 0, 0, time.UTC),
		calls: map[gc.DialogID]finesse.Dialog{}, heard: map[gc.DialogID]gc.CallState{}, rung: map[gc.DialogID]bool{},
	}
	w.agent = agent.New("1001", func(finesse.User) bool { return false })
	w.user = finesse.User{LoginID: "1001", State: gc.NotReady, Extension: "2001", StateChangeTime: w.now}
	w.tell(w.agent.Notified(finesse.Update{Event: finesse.Put, User: &w.user}))
	return w
}

const (
	longest = 200 // of a script, in bytes
	most    = 20  // calls at a time, fewer than are kept
)

// play ends with a reading of all there is.
func (w *world) play(script []byte) {
	for _, b := range script[:min(len(script), longest)] {
		do := happenings[int(b)%len(happenings)]
		w.trace = append(w.trace, do.name)
		w.now = w.now.Add(time.Second)
		do.happens(w, int(b)/len(happenings))
	}
	w.trace = append(w.trace, "the end")
	w.notifyAll(0)
	w.comesBack(0)
	w.ask(0)
	q := w.asked[len(w.asked)-1]
	w.answer(q)
	w.answer(q)
	w.tell(w.agent.Compare(q.Reading))
	require.False(w.t, w.agent.InDoubt(), "all is read: %v", w.trace)
	live := map[gc.DialogID]gc.CallState{}
	for id, d := range w.calls {
		if own := d.Participants[0].State; own != gc.Dropped {
			live[id] = own
		}
	}
	maps.DeleteFunc(w.heard, func(_ gc.DialogID, s gc.CallState) bool { return s == gc.Dropped })
	require.Equal(w.t, live, w.heard, "calls: %v", w.trace)
	require.Equal(w.t, w.user.State, w.state.State, "%v", w.trace)
}

type happening struct {
	name    string
	happens func(w *world, n int)
}

var happenings = []happening{
	{"state", (*world).changeState},
	{"ring", (*world).ring},
	{"call changes", (*world).changeCall},
	{"call ends", (*world).endCall},
	{"consult", (*world).consult},
	{"notify", (*world).notify},
	{"notify all", (*world).notifyAll},
	{"ask", (*world).ask},
	{"answer", (*world).answerAny},
	{"take", (*world).take},
	{"lose the stream", (*world).lose},
	{"the stream comes back", (*world).comesBack},
	{"notify again", func(w *world, _ int) { w.tell(w.agent.Notified(w.last)) }},
	{"notify late", (*world).notifyLate},
	{"set the clock back", func(w *world, _ int) { w.now, w.setBack = w.now.Add(-time.Minute), true }},
	{"wait", func(w *world, _ int) {
		mark, _ := w.agent.Unclear()
		w.tell(w.agent.Waited(mark))
	}},
}

func (w *world) push(u finesse.Update) {
	if !w.away {
		w.waiting = append(w.waiting, u)
	}
}

func (w *world) changeState(n int) {
	states := []gc.UserState{gc.Ready, gc.NotReady, gc.Talking, gc.Work}
	w.user.State, w.user.StateChangeTime = states[n%len(states)], w.now
	u := w.user
	w.push(finesse.Update{Event: finesse.Put, User: &u})
}

func (w *world) begin(from, to string, about gc.DialogID) {
	if len(w.calls) == most {
		return
	}
	w.made++
	d := finesse.Dialog{ID: gc.DialogID(strconv.Itoa(w.made)), FromAddress: from, ToAddress: to, AssociatedDialog: about, Participants: []finesse.Participant{
		{MediaAddress: "2001", State: gc.Alerting, StartTime: w.now, StateChangeTime: w.now},
	}}
	w.calls[d.ID] = d
	w.push(finesse.Update{Event: finesse.Post, Dialogs: []finesse.Dialog{d}})
}

func (w *world) ring(int) { w.begin("4085551234", "2001", "") }

func (w *world) consult(n int) {
	if id := w.pick(n); id != "" {
		w.begin("2001", "2002", id)
	}
}

// pick is one of the calls, "" if there is none.
func (w *world) pick(n int) gc.DialogID {
	ids := slices.Sorted(maps.Keys(w.calls))
	if len(ids) == 0 {
		return ""
	}
	return ids[n%len(ids)]
}

func (w *world) changeCall(n int) {
	states := []gc.CallState{gc.Active, gc.Held, gc.WrapUp, gc.Dropped}
	id := w.pick(n / len(states))
	if id == "" || w.calls[id].Participants[0].State == gc.Dropped {
		return
	}
	d := w.calls[id]
	d.Participants = slices.Clone(d.Participants)
	d.Participants[0].State, d.Participants[0].StateChangeTime = states[n%len(states)], w.now
	w.calls[id] = d
	w.push(finesse.Update{Event: finesse.Put, Dialogs: []finesse.Dialog{d}})
}

func (w *world) endCall(n int) {
	if id := w.pick(n); id != "" {
		d := w.calls[id]
		d.Participants = slices.Clone(d.Participants)
		d.Participants[0].State, d.Participants[0].StateChangeTime = gc.Dropped, w.now
		delete(w.calls, id)
		w.push(finesse.Update{Event: finesse.Delete, Dialogs: []finesse.Dialog{d}})
	}
}

func (w *world) notify(int) {
	if len(w.waiting) > 0 {
		w.last, w.waiting = w.waiting[0], w.waiting[1:]
		w.tell(w.agent.Notified(w.last))
	}
}

// notifyLate lets one of those that wait overtake the others.
func (w *world) notifyLate(n int) {
	if len(w.waiting) > 0 {
		i := n % len(w.waiting)
		w.last = w.waiting[i]
		w.waiting = slices.Delete(slices.Clone(w.waiting), i, i+1)
		w.tell(w.agent.Notified(w.last))
	}
}

func (w *world) notifyAll(int) {
	for len(w.waiting) > 0 {
		w.notify(0)
	}
}

func (w *world) ask(int) { w.asked = append(w.asked, &question{Reading: w.agent.Ask()}) }

// answerAny answers one of the questions: answers overtake each other.
func (w *world) answerAny(n int) { w.withQuestion(n, w.answer) }

// answer reads the user first, and then the calls.
func (w *world) answer(q *question) {
	if !q.userRead {
		q.User, q.userRead = w.user, true
	} else if !q.answered {
		q.answered = true
		for _, id := range slices.Sorted(maps.Keys(w.calls)) {
			q.Dialogs = append(q.Dialogs, w.calls[id])
		}
	}
}

func (w *world) withQuestion(n int, do func(*question)) {
	if len(w.asked) > 0 {
		do(w.asked[n%len(w.asked)])
	}
}

func (w *world) take(n int) {
	w.withQuestion(n/3, func(q *question) {
		if w.asked = slices.DeleteFunc(w.asked, func(x *question) bool { return x == q }); !q.answered {
			return
		}
		switch n % 3 {
		case 0:
			w.tell(w.agent.Compare(q.Reading))
		case 1: // GetState
			changes, _ := w.agent.TakeBack(q.Reading, true)
			w.tell(changes)
			w.state = w.agent.State()
		case 2: // refresh
			changes, _ := w.agent.TakeBack(q.Reading, false)
			w.tell(changes)
			w.state = w.agent.State()
			clear(w.heard)
			for _, e := range w.agent.Statuses() {
				s := e.(gc.DialogStatus)
				w.heard[s.Call.Dialog] = s.Call.State
				if s.Associated != nil {
					w.heard[s.Associated.Dialog] = s.Associated.State
				}
			}
		}
	})
}

func (w *world) lose(int) { w.away, w.waiting, w.last = true, nil, finesse.Update{} }

// comesBack subscribes, and reads before it takes anything from the new stream.
func (w *world) comesBack(int) {
	if !w.away {
		return
	}
	w.away = false
	q := &question{Reading: w.agent.Ask()}
	w.answer(q)
	w.answer(q)
	w.tell(w.agent.Compare(w.agent.Attach(q.Reading)))
}

// tell is the driver, and the judge.
func (w *world) tell(changes []agent.Change) {
	for _, c := range changes {
		if !c.News {
			continue
		}
		switch e := c.Event.(type) {
		case gc.State:
			require.NotEqual(w.t, w.state, e, "told twice: %v", w.trace)
			require.False(w.t, e.Changed.Before(w.state.Changed) && !w.setBack, "an older state: %v", w.trace)
			w.state = e
		case gc.NewInboundCall:
			w.hearsNew(e.Call)
		case gc.InboundCall:
			w.hears(e.Call)
		case gc.ConsultCall:
			w.hears(e.Call)
		default:
			require.Fail(w.t, fmt.Sprintf("%T: %v", e, w.trace))
		}
	}
}

func (w *world) hearsNew(c gc.Call) {
	if w.setBack {
		return
	}
	require.Empty(w.t, w.heard[c.Dialog], "announced twice: %v", w.trace)
	require.False(w.t, w.rung[c.Dialog], "announced anew: %v", w.trace)
	w.rung[c.Dialog] = true
}

func (w *world) hears(c gc.Call) {
	require.False(w.t, w.heard[c.Dialog] == gc.Dropped && !w.setBack, "told after its end: %v", w.trace)
	w.heard[c.Dialog] = c.State
}
