package session_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing/synctest"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// improvisation is a scene that follows a script of bytes. Its Finesse is the
// stage's, made to behave: what it accepts it does, and what it does it
// notifies of, unless the script has it otherwise.
type improvisation struct {
	*stage
	audience
	rest     []byte // of the script
	honest   bool   // Finesse has told nothing but the truth, and all of it
	draining bool

	delayed bool             // notifications wait in late
	late    []finesse.Update //
	silent  bool             // notifications are lost
	last    finesse.Update
	streams []*heardStream
	manner  manner   // of doing what was accepted
	fate    fate     // of the next request
	orders  []string // accepted, and not done yet
	made    int      // calls, for their ids
}

// heardStream remembers what was sent, so that it shows what was taken.
type heardStream struct {
	*fakeStream
	sent []finesse.Update
	lost bool
}

// taken is how many updates the session has taken.
func (s *heardStream) taken() int { return len(s.sent) - len(s.updates) }

func (s *heardStream) lose() {
	s.lost, s.err = true, gc.Errorf(gc.Down, "notify", "lost")
	close(s.updates)
}

// fate is what becomes of a request: err is answered, and perhaps it works
// although.
type fate struct {
	err   error
	works bool
}

// manner is how Finesse does what it has accepted.
type manner int

const (
	obeys manner = iota
	forgets
	rejects   // without the id of the request
	rejectsID // with that of the newest
)

var userStates = []gc.UserState{gc.NotReady, gc.Ready, gc.Talking, gc.Reserved, gc.Work, gc.WorkReady, gc.Hold, gc.LoggedOut, gc.ReservedPreview}

// direct makes the improvisation the stage's audience, Finesse and licences.
func (p *improvisation) direct(st *stage, o *session.Options) {
	p.stage = st
	p.audience.enter(p)
	st.patience, st.answer = 16*time.Second, p.accept
	st.team = []gc.TeamUser{{LoginID: "1005", Extension: "2005", State: gc.Ready}}
	st.member = finesse.User{LoginID: "1005", TeamID: "1", Extension: "2005", State: gc.Ready}
	o.Emit, o.Licences, o.SystemChanged = p.hear, &p.licences, func() {}
	a, b := &server{st, p}, &server{st.b, p}
	o.Node = func() session.Node {
		if st.best() == session.Node(st.b) {
			return b
		}
		return a
	}
}

// server is a node whose answers are noted.
type server struct {
	session.Node
	play *improvisation
}

func (n *server) User(ctx context.Context, c finesse.Credentials) (finesse.User, error) {
	began := n.play.tick()
	u, err := n.Node.User(ctx, c)
	if err == nil {
		n.play.proved(u)
	}
	if err == nil && u.State == gc.LoggedOut { // who has no calls
		n.play.listed(began, nil)
	}
	return u, err
}

func (n *server) Dialogs(ctx context.Context, c finesse.Credentials) ([]finesse.Dialog, error) {
	began := n.play.tick()
	dialogs, err := n.Node.Dialogs(ctx, c)
	dialogs = slices.Clone(dialogs)
	for i := range dialogs {
		dialogs[i] = copied(dialogs[i])
	}
	if err == nil {
		n.play.listed(began, dialogs)
	}
	return dialogs, err
}

func (n *server) Subscribe(ctx context.Context, c finesse.Credentials) (session.Stream, error) {
	stream, err := n.Node.Subscribe(ctx, c)
	if err != nil {
		return nil, err
	}
	n.play.mu.Lock()
	defer n.play.mu.Unlock()
	n.play.streams = append(n.play.streams, &heardStream{fakeStream: stream.(*fakeStream)})
	return stream, nil
}

// open are the streams that nobody has closed.
func (p *improvisation) open() []*heardStream {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.streams), func(s *heardStream) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.closed || s.lost
	})
}

// push sends a notification to every stream there is. One that is not read is
// lost when it is full.
func (p *improvisation) push(u finesse.Update) {
	p.last = u
	if u.User != nil { // its state may be what a command is answered with that an older notification shows to be done
		p.mu.Lock()
		p.shown[u.User.State] = true
		p.mu.Unlock()
	}
	for _, s := range p.open() {
		if len(s.updates) == cap(s.updates) {
			s.lose()
			continue
		}
		p.mu.Lock()
		s.sent = append(s.sent, u)
		p.mu.Unlock()
		s.updates <- u
	}
	synctest.Wait()
}

// news notifies of what has happened.
func (p *improvisation) news(u finesse.Update) {
	switch {
	case p.silent:
	case p.delayed:
		p.late = append(p.late, u)
	default:
		p.push(u)
	}
}

func (p *improvisation) toggleLate() {
	p.delayed = !p.delayed
	late := p.late
	p.late = nil
	for _, u := range late {
		p.push(u)
	}
}

// What happens at Finesse.

// copied lets the session and the scene keep the same dialog.
func copied(d finesse.Dialog) finesse.Dialog {
	d.Participants = slices.Clone(d.Participants)
	return d
}

func (p *improvisation) userBecomes(state gc.UserState, more ...func(*finesse.User)) {
	u := p.user
	u.State, u.ReasonCodeID, u.PendingState, u.StateChangeTime = state, "", "", time.Now()
	if state == gc.LoggedOut {
		u.Extension = ""
	} else if u.Extension == "" {
		u.Extension = "2001"
	}
	for _, f := range more {
		f(&u)
	}
	p.user = u
	p.news(finesse.Update{Event: finesse.Put, User: &u, Source: "/finesse/api/User/1001"})
}

// stateChanges is a change that nobody asked for.
func (p *improvisation) stateChanges() {
	state := pick(p, userStates...)
	if state == gc.LoggedOut {
		p.endAll()
	}
	p.userBecomes(state)
}

func (p *improvisation) endAll() {
	for len(p.dialogs) > 0 {
		p.ends(0, "")
	}
}

const mostCalls = 10

// begins makes a call in which the agent's participant comes first.
func (p *improvisation) begins(from string, state gc.CallState, more ...func(*finesse.Dialog)) {
	if p.user.Extension == "" || len(p.dialogs) == mostCalls {
		return
	}
	p.made++
	d := leg(gc.DialogID(strconv.Itoa(100+p.made)), from, state, finesse.Participant{MediaAddress: "4085551234", State: gc.Active})
	d.Participants[0].MediaAddress = string(p.user.Extension)
	d.Participants[0].StartTime, d.Participants[0].StateChangeTime, d.CallType = time.Now(), time.Now(), "ACD_IN"
	for _, f := range more {
		f(&d)
	}
	p.dialogs = append(slices.Clone(p.dialogs), d)
	p.news(finesse.Update{Event: finesse.Post, Dialogs: []finesse.Dialog{copied(d)}})
}

// changes notifies of a change of call i.
func (p *improvisation) changes(i int, how func(*finesse.Dialog)) {
	d := copied(p.dialogs[i])
	how(&d)
	p.dialogs = slices.Clone(p.dialogs)
	p.dialogs[i] = d
	p.news(finesse.Update{Event: finesse.Put, Dialogs: []finesse.Dialog{copied(d)}})
}

func (p *improvisation) becomes(i int, state gc.CallState) {
	p.changes(i, func(d *finesse.Dialog) {
		d.Participants[0].State, d.Participants[0].StateChangeTime = state, time.Now()
	})
}

// ends takes call i from the agent. With the last one comes what was pending.
func (p *improvisation) ends(i int, joined gc.DialogID) {
	d := p.dialogs[i]
	d.SecondaryID = joined
	p.dialogs = slices.Delete(slices.Clone(p.dialogs), i, i+1)
	p.news(finesse.Update{Event: finesse.Delete, Dialogs: []finesse.Dialog{d}})
	if next := p.user.PendingState; next != "" && len(p.dialogs) == 0 {
		p.userBecomes(next)
	}
}

func (p *improvisation) ring() { p.begins("4085551234", gc.Alerting) }

// any is one of the agent's calls, -1 if there is none.
func (p *improvisation) any() int {
	n := p.pick(8)
	if len(p.dialogs) == 0 {
		return -1
	}
	return n % len(p.dialogs)
}

func (p *improvisation) callChanges() {
	if i := p.any(); i >= 0 {
		p.becomes(i, pick(p, gc.Active, gc.Held, gc.Active, gc.Failed, gc.WrapUp))
	}
}

// callEnds ends a call, with DELETE alone or after the agent's part has.
func (p *improvisation) callEnds() {
	i, first := p.any(), p.pick(2) == 0
	if i < 0 {
		return
	}
	if first {
		p.becomes(i, gc.Dropped)
	}
	p.ends(i, "")
}

func (p *improvisation) consults() {
	if i := p.any(); i >= 0 {
		p.consult(i)
	}
}

func (p *improvisation) consult(i int) {
	about := p.dialogs[i].ID
	p.becomes(i, gc.Held)
	p.begins(string(p.user.Extension), gc.Initiating, func(d *finesse.Dialog) { d.AssociatedDialog, d.CallType = about, "CONSULT" })
}

// transfers joins a call with the others.
func (p *improvisation) transfers() {
	if i := p.any(); i >= 0 {
		p.transfer(i)
	}
}

func (p *improvisation) transfer(i int) {
	joined := p.dialogs[(i+1)%len(p.dialogs)].ID
	p.ends(i, joined)
	if i := p.find(joined); i >= 0 {
		p.ends(i, "")
	}
}

// preview is a call of a campaign, shown before it is dialled. Its first
// notification looks like a direct call.
func (p *improvisation) preview() {
	if p.user.Extension == "" || len(p.dialogs) == mostCalls {
		return
	}
	p.userBecomes(gc.ReservedPreview)
	p.begins("9999", gc.Alerting, func(d *finesse.Dialog) { d.CallType, d.ToAddress = "OTHER_IN", d.Participants[0].MediaAddress })
	p.changes(len(p.dialogs)-1, func(d *finesse.Dialog) {
		d.CallType, d.Variables = "OUTBOUND_PREVIEW", []gc.CallVariable{{Name: "BACustomerNumber", Value: "4085550001"}}
	})
}

// monitored is a supervisor who listens; the driver hears nothing of it.
func (p *improvisation) monitored() {
	p.begins("2009", gc.Active, func(d *finesse.Dialog) { d.CallType = "SUPERVISOR_MONITOR" })
}

// How Finesse does what it is asked.

func (p *improvisation) accept(request string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	fate := p.fate
	p.fate.err = nil
	if fate.err == nil || fate.works {
		p.orders = append(p.orders, request)
	}
	return fate.err
}

// settle lets the session come to rest, and Finesse do what it accepted.
func (p *improvisation) settle() {
	for range 20 { // each may lead to another
		p.turn()
		synctest.Wait()
		p.mu.Lock()
		orders := p.orders
		p.orders = nil
		p.mu.Unlock()
		if len(orders) == 0 {
			return
		}
		for _, o := range orders {
			p.jot("finesse: %s", o)
			p.carryOut(o)
		}
	}
}

func (p *improvisation) carryOut(order string) {
	f := strings.Fields(order)
	switch {
	case p.manner == forgets:
	case p.manner == rejects || p.manner == rejectsID:
		u := finesse.Update{Event: finesse.Put, Source: "/finesse/api/Dialog/7", Error: &finesse.APIError{Type: "Generic Error", Message: "CF_RESOURCE_BUSY"}}
		if f[0] == "LOGIN" || slices.Contains(userStates, gc.UserState(f[0])) {
			u.Source = "/finesse/api/User/1001"
		} else if slices.Contains([]string{"MAKE_CALL", "SILENT_MONITOR", "BARGE_CALL"}, f[0]) {
			u.Event, u.Source = finesse.Post, "/finesse/api/User/1001/Dialogs"
		}
		if p.manner == rejectsID {
			u.RequestID = p.lines[len(p.lines)-1].ID
		}
		p.push(u)
	case f[0] == "1005":
		p.member.State = gc.UserState(f[1])
	case f[0] == "LOGIN":
		if len(f) == 1 {
			p.fault("a sign-in without an extension")
		} else if p.user.State == gc.LoggedOut {
			p.userBecomes(gc.NotReady, extension(gc.Extension(f[1])))
		}
	case slices.Contains(userStates, gc.UserState(f[0])):
		p.comply(gc.UserState(f[0]), f[1:])
	case f[0] == "MAKE_CALL":
		p.begins(string(p.user.Extension), gc.Initiated, func(d *finesse.Dialog) { d.CallType = "OUT" })
	case f[0] == "SILENT_MONITOR":
		p.begins(string(p.user.Extension), gc.Active, func(d *finesse.Dialog) { d.CallType = "SUPERVISOR_MONITOR" })
	case f[0] == "BARGE_CALL":
		p.begins("4085551234", gc.Active, func(d *finesse.Dialog) { d.CallType = "CONFERENCE" })
	case len(f) > 1 && p.find(gc.DialogID(f[1])) >= 0:
		p.act(f[0], p.find(gc.DialogID(f[1])), order)
	}
}

// comply changes the state; during a call that has to wait.
func (p *improvisation) comply(state gc.UserState, more []string) {
	var why gc.ReasonCodeID
	if len(more) > 0 {
		why = gc.ReasonCodeID(more[0])
	}
	switch {
	case p.user.State == gc.LoggedOut:
	case len(p.dialogs) > 0:
		p.userBecomes(p.user.State, pending(state))
	default:
		p.userBecomes(state, reason(why))
	}
}

func (p *improvisation) find(id gc.DialogID) int {
	return slices.IndexFunc(p.dialogs, func(d finesse.Dialog) bool { return d.ID == id })
}

func (p *improvisation) act(action string, i int, order string) {
	switch action {
	case "ANSWER", "RETRIEVE", "CONFERENCE", "ACCEPT":
		p.becomes(i, gc.Active)
	case "HOLD":
		p.becomes(i, gc.Held)
	case "CONSULT_CALL":
		p.consult(i)
	case "TRANSFER":
		p.transfer(i)
	case "DROP", "TRANSFER_SST", "REJECT", "CLOSE":
		p.becomes(i, gc.Dropped)
		p.ends(i, "")
	case "PARTICIPANT_DROP":
		p.changes(i, func(d *finesse.Dialog) { d.Participants = d.Participants[:1] })
	case "UPDATE_CALL_DATA":
		p.changes(i, func(d *finesse.Dialog) {
			for _, value := range []string{"1", "8"} {
				if strings.Contains(order, "{callVariable4 "+value+"}") {
					d.Variables = []gc.CallVariable{{Name: "callVariable4", Value: value}}
				}
			}
		})
	}
}

// pass lets time pass, in which Finesse goes on.
func (p *improvisation) pass(d time.Duration) {
	for step := max(500*time.Millisecond, d/20); d > 0; d -= step {
		p.turn()
		<-time.After(min(step, d))
		p.settle()
	}
}

// heal ends all faults: Finesse obeys and tells.
func (p *improvisation) heal() {
	p.jot("-- all is well")
	p.down, p.b.down, p.dialErr, p.readErr, p.fate, p.manner, p.silent, p.licences.others = nil, nil, nil, nil, fate{}, obeys, false, false
	p.letGo(&p.hold)
	p.letGo(&p.b.hold)
	p.know(false, false)
	p.settle()
	if p.delayed {
		p.toggleLate()
	}
	p.pass(3 * time.Minute)
	p.finish()
}

// finish lets all commands end that were taken.
func (p *improvisation) finish() {
	for range 32 {
		p.pass(time.Minute)
		if !slices.ContainsFunc(p.lines, func(l *line) bool { return l.taken && l.finished == 0 }) {
			return
		}
	}
}

// letGo lets requests that wait go on.
func (p *improvisation) letGo(hold *chan struct{}) {
	if held := *hold; held != nil {
		*hold = nil
		p.turn()
		close(held)
		synctest.Wait()
	}
}
