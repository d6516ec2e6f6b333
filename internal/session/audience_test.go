package session_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// audience hears what an improvisation brings about and holds it against the
// rules, whatever happens:
//
//   - A command that was taken ends once: one answer that acknowledges it and is
//     the last about it, or none for the commands that have none. The answer is
//     of a kind that the table of commands names, and about the call and the
//     state that the command asked for, or a state that Finesse has shown to be
//     newer.
//   - Nothing is told unasked before a password was proved, after it was
//     refused, or after a driver was asked to RE_LOGIN; nor to a driver that
//     lost the agent to another.
//   - A password that Finesse has refused is not used again before a driver
//     sends it.
//   - After the DROPPED of a call nothing is told of it until Finesse speaks of
//     it anew: with a POST or, once the call is forgotten because it was deleted
//     or not listed, with a PUT; or in a list that was asked for afterwards. The
//     agent's part in it must not be DROPPED.
//   - A call is announced once (NewInboundCall) until it ends.
//   - What creates, moves or ends a call is sent once for each command.
//   - At most one licence is taken, and none by an agent who is signed out at the
//     end, nor by a session that ended.
//   - A session that is drained ends, and no session fails.
//
// And when Finesse is well: a driver that connects and refreshes is told the
// truth, and where Finesse told nothing else before, and did not fall silent,
// the driver knew it already.
type audience struct {
	play     *improvisation
	lines    []*line
	licences licences
	writer   wire.Writer
	trace    []string
	faults   []string

	ticks uint64
	bad   map[string]time.Time  // passwords that Finesse refused, since when
	known atomic.Bool           // a password was proved, and not refused since
	lost  gc.Destination        // of the driver that lost the agent, until it asks for it again
	reads []reading             // of calls
	shown map[gc.UserState]bool // states that were read
	now   picture               // what the driver knows
	over  map[gc.DialogID]*end  // of calls, not told anew
}

// line is a command of the script.
type line struct {
	*session.Request
	taken                   bool
	answers, acks, finished int
	err                     error
	ended                   time.Time
}

// proves reports whether the command may prove a password after a moment.
func (l *line) proves(since time.Time) bool {
	return l.Spec != nil && l.Spec.HasPassword() && l.taken && (l.finished == 0 || l.ended.After(since))
}

// picture is what a driver knows; it is whole after AgentInfo.
type picture struct {
	whole bool
	state gc.State
	calls map[gc.DialogID]gc.CallState
	rang  map[gc.DialogID]bool // announced
}

// end is that of a call, when it was told.
type end struct {
	at    uint64
	taken map[*heardStream]int
}

type reading struct {
	began, ended uint64
	dialogs      []finesse.Dialog
}

// licences are those of all agents; others may have taken them.
type licences struct {
	others bool
	taken  int
	fault  func(string, ...any)
}

func (l *licences) Take() bool {
	if l.others {
		return false
	}
	if l.taken++; l.taken > 1 {
		l.fault("a second licence is taken for the agent")
	}
	return true
}

func (l *licences) Give() {
	if l.taken--; l.taken < 0 {
		l.fault("a licence is given back that was not taken")
	}
}

func (a *audience) enter(p *improvisation) {
	a.play, a.writer = p, wire.Writer{Location: time.UTC, Substitute: '_'}
	a.licences.fault, a.bad = a.fault, map[string]time.Time{}
	a.shown = map[gc.UserState]bool{}
	p.refused = a.refuse
	a.forget()
}

// forget begins with a driver that knows nothing.
func (a *audience) forget() {
	a.now = picture{calls: map[gc.DialogID]gc.CallState{}, rang: map[gc.DialogID]bool{}}
	a.over = map[gc.DialogID]*end{}
}

func (a *audience) jot(format string, args ...any) {
	a.play.mu.Lock()
	defer a.play.mu.Unlock()
	a.trace = append(a.trace, time.Now().Format("04:05.000 ")+fmt.Sprintf(format, args...))
}

func (a *audience) fault(format string, args ...any) {
	a.jot("FAULT "+format, args...)
	a.play.mu.Lock()
	defer a.play.mu.Unlock()
	a.faults = append(a.faults, fmt.Sprintf(format, args...))
}

func (a *audience) tick() uint64 {
	a.play.mu.Lock()
	defer a.play.mu.Unlock()
	a.ticks++
	return a.ticks
}

func (a *audience) proved(u finesse.User) {
	a.play.mu.Lock()
	a.shown[u.State] = true
	a.play.mu.Unlock()
	a.known.Store(true)
}

// refuse hears that Finesse refuses a password in a request that began then.
func (a *audience) refuse(password gc.Secret, began time.Time) {
	a.play.mu.Lock()
	since, before := a.bad[password.Reveal()]
	if !before {
		a.bad[password.Reveal()] = time.Now()
	}
	sent := slices.ContainsFunc(a.lines, func(l *line) bool { return l.proves(since) && l.Password.Equal(password) })
	a.play.mu.Unlock()
	if before && began.After(since) && !sent {
		a.fault("a password is used that Finesse has refused")
	}
}

func (a *audience) listed(began uint64, dialogs []finesse.Dialog) {
	ended := a.tick()
	a.play.mu.Lock()
	defer a.play.mu.Unlock()
	a.reads = append(a.reads, reading{began, ended, dialogs})
}

// submit gives the session a command.
func (p *improvisation) submit(typ, body string) *line {
	c, err := wire.ParseCommand(typ, body)
	id := fmt.Sprintf("%d", len(p.lines))
	l := &line{Request: &session.Request{Command: c, Refusal: err, ID: finesse.RequestID(id), CorrelationID: id, ReplyTo: "/queue/reply"}}
	l.Acknowledge = func() { l.acks++ }
	l.Finished = func(err error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		l.finished, l.err, l.ended = l.finished+1, err, time.Now()
	}
	p.jot("driver: %s %s <%s>", typ, body, id)
	if c.Destination == p.lost {
		p.lost = ""
	}
	p.lines = append(p.lines, l)
	delete(p.bad, c.Password.Reveal())
	p.turn()
	l.taken = true
	if p.session.Submit(l.Request) != nil {
		l.taken = false
	}
	return l
}

// hear is called from the session's goroutine.
func (a *audience) hear(e session.Emission) {
	body := a.writer.Write(wire.Text, e.Event).Body
	if _, ours := e.Event.(gc.AgentSync); ours {
		return
	}
	cause := ""
	if e.Cause != nil {
		cause = " <" + e.Cause.CorrelationID + ">"
	}
	a.jot("%s: %s %s%s", e.Destination.Name(), wire.RowOf(e.Event).Name, shorten(body), cause)
	if e.Cause != nil {
		a.hearAnswer(e)
	} else {
		a.hearUnasked(e)
	}
	a.learn(e)
	if e.Acknowledge != nil {
		e.Acknowledge()
	}
}

func (a *audience) hearAnswer(e session.Emission) {
	i := slices.IndexFunc(a.lines, func(l *line) bool { return l.Request == e.Cause })
	if i < 0 {
		a.fault("an answer to no command: %v", e.Event)
		return
	}
	l := a.lines[i]
	if l.answers > 0 || l.finished > 0 {
		a.fault("%s is answered after its end", l.ID)
	}
	if e.Acknowledge != nil {
		l.answers++
	}
	if e.Destination == "" && (l.Spec == nil || l.Spec.Name != gc.Connect) { // what fails of it is not told where the agent works
		a.fault("the answer to %s goes nowhere", l.ID)
	}
	a.play.mu.Lock()
	why := unfit(l.Command, e.Event, a.shown)
	a.play.mu.Unlock()
	if why != "" {
		a.fault("%s is answered with %T: %s", l.ID, e.Event, why)
	}
}

// unfit says what is wrong with an answer, "" if nothing is.
func unfit(c gc.Command, e gc.Event, shown map[gc.UserState]bool) string {
	switch e.(type) {
	case gc.ErrorEvent, gc.ReLogin:
		return ""
	}
	kind := strings.Replace(wire.RowOf(e).Name, "ConsultCall", "InboundCall", 1)
	switch {
	case c.Agent != "1001":
		if s, ok := e.(gc.State); !ok || s.Agent != c.Agent {
			return "not of that agent"
		}
	case !slices.ContainsFunc(c.Spec.Answers, func(s string) bool { return strings.Replace(s, "ConsultCall", "InboundCall", 1) == kind }):
		return "not of its answers"
	case kind == "InboundCall" && c.Spec.Name == gc.MakeConsultCall:
		if callOf(e).Previous != c.Dialog {
			return "about another call"
		}
	case kind == "InboundCall" && c.Dialog != "" && c.Spec.Name != gc.BargeIn:
		if callOf(e).Dialog != c.Dialog {
			return "about another call"
		}
	case kind == "State":
		s, want := e.(gc.State), stateOf[c.Spec.Name]
		if c.Spec.Name == gc.ForceLogout { // during a call another command may have been asked for since
			want = ""
		}
		overtaken := s.Pending == gc.LoggedOut // by a force_logout during a call
		if want != "" && s.State != want && s.Pending != want && !shown[s.State] && !overtaken {
			return "another state"
		}
	}
	return ""
}

var stateOf = map[gc.CommandName]gc.UserState{
	gc.MakeReady: gc.Ready, gc.MakeNotReady: gc.NotReady, gc.MakeNotReadyWithReason: gc.NotReady, gc.MakeWorkReady: gc.WorkReady,
	gc.MakeWorkNotReady: gc.Work, gc.Logout: gc.LoggedOut, gc.LogoutWithReason: gc.LoggedOut, gc.ForceLogout: gc.LoggedOut,
}

// callOf is the call that an event reports, nil if it reports none.
func callOf(e gc.Event) *gc.Call {
	switch e := e.(type) {
	case gc.NewInboundCall:
		return &e.Call
	case gc.NewOutboundCall:
		return &e.Call
	case gc.InboundCall:
		return &e.Call
	case gc.ConsultCall:
		return &e.Call
	case gc.DialogStatus:
		return &e.Call
	}
	return nil
}

func (a *audience) hearUnasked(e session.Emission) {
	if !a.known.Load() {
		a.fault("told although nobody has connected the agent: %T", e.Event)
	}
	if a.lost != "" && e.Destination == a.lost {
		a.fault("%s lost the agent and is told %T", a.lost, e.Event)
	}
}

// learn is what a driver does with an event.
func (a *audience) learn(e session.Emission) {
	switch event := e.Event.(type) {
	case gc.ErrorEvent:
		switch {
		case event.Code == gc.SessionInvalidated:
			if !slices.ContainsFunc(a.lines, func(l *line) bool { return l.Destination == e.Destination && l.finished == 0 }) {
				a.lost = e.Destination // which has not asked for it again
			}
			a.forget()
		case (event.Code == gc.SubscriptionFailed || event.Code == gc.AccountLocked) && a.counts(e.Cause):
			proving := slices.ContainsFunc(a.lines, func(l *line) bool { return l.proves(time.Now()) })
			a.known.Store(a.known.Load() && (e.Cause != nil || proving))
			a.forget()
		}
	case gc.ReLogin:
		if e.Cause == nil || !a.needsExtension(e.Cause) {
			a.known.Store(false)
			a.forget()
		}
	case gc.AgentInfo:
		a.now.whole, a.now.calls = true, map[gc.DialogID]gc.CallState{}
	case gc.State:
		if event.Agent == "1001" { // else a member's
			a.now.state = event
		}
	case gc.DialogStatus:
		a.learnCall(event, event.Call)
		if event.Associated != nil {
			a.learnCall(event, *event.Associated)
		}
	default:
		if c := callOf(e.Event); c != nil {
			a.learnCall(e.Event, *c)
		}
	}
}

// counts reports whether a refusal may end the connection: nobody else's wrong
// password does.
func (a *audience) counts(cause *session.Request) bool {
	return cause == nil || !cause.Password.Equal(gc.NewSecret("wrong"))
}

// needsExtension: the command may get RE_LOGIN from an agent who is connected
// and not signed in.
func (a *audience) needsExtension(r *session.Request) bool {
	return r.Spec.Name == gc.MakeCall || r.Spec.Name == gc.SilentMonitor || stateOf[r.Spec.Name] != ""
}

func (a *audience) learnCall(e gc.Event, c gc.Call) {
	if end := a.over[c.Dialog]; end != nil && !a.anew(c.Dialog, end) {
		a.fault("call %s is told after its end: %T %s", c.Dialog, e, c.State)
	}
	delete(a.over, c.Dialog)
	if _, announced := e.(gc.NewInboundCall); announced {
		if a.now.rang[c.Dialog] {
			a.fault("call %s is announced twice", c.Dialog)
		}
		a.now.rang[c.Dialog] = true
	}
	a.now.calls[c.Dialog] = c.State
	if c.State == gc.Dropped {
		delete(a.now.calls, c.Dialog)
		delete(a.now.rang, c.Dialog)
		a.over[c.Dialog] = &end{at: a.tick(), taken: a.takenBy()}
	}
}

func (a *audience) takenBy() map[*heardStream]int {
	a.play.mu.Lock()
	defer a.play.mu.Unlock()
	taken := map[*heardStream]int{}
	for _, s := range a.play.streams {
		taken[s] = s.taken()
	}
	return taken
}

// anew reports whether Finesse has spoken of a call since its end was told.
func (a *audience) anew(id gc.DialogID, end *end) bool {
	a.play.mu.Lock()
	defer a.play.mu.Unlock()
	deleted := false
	for _, s := range a.play.streams {
		forgotten := slices.ContainsFunc(s.sent[:s.taken()], func(u finesse.Update) bool { return u.Event == finesse.Delete && about(u, id) != nil })
		unlisted := slices.ContainsFunc(a.reads, func(r reading) bool { return !lists(r.dialogs, id) })
		for _, u := range s.sent[end.taken[s]:s.taken()] {
			if d := about(u, id); d != nil && live(*d) && (u.Event == finesse.Post || forgotten || unlisted) {
				return true
			}
		}
		deleted = deleted || forgotten
	}
	return slices.ContainsFunc(a.reads, func(r reading) bool {
		return (r.began > end.at || !deleted && r.ended > end.at) && slices.ContainsFunc(r.dialogs, func(d finesse.Dialog) bool { return d.ID == id && live(d) })
	})
}

func about(u finesse.Update, id gc.DialogID) *finesse.Dialog {
	for i := range u.Dialogs {
		if u.Dialogs[i].ID == id {
			return &u.Dialogs[i]
		}
	}
	return nil
}

func lists(dialogs []finesse.Dialog, id gc.DialogID) bool {
	return slices.ContainsFunc(dialogs, func(d finesse.Dialog) bool { return d.ID == id })
}

// live reports whether a part that may be the agent's is not over.
func live(d finesse.Dialog) bool {
	return slices.ContainsFunc(d.Participants, func(p finesse.Participant) bool {
		return strings.HasPrefix(p.MediaAddress, "200") && p.State != gc.Dropped
	})
}

// lastAct sees whether the driver knows the truth, is told it, and whether the
// session ends.
func (p *improvisation) lastAct() {
	if !p.draining && !p.ended {
		p.knows()
		p.refreshes()
	}
	p.jot("-- drain")
	go p.session.Drain(p.Context())
	p.pass(3 * time.Minute)
	if !p.ended {
		p.fault("the session does not end")
	}
}

// knows compares what a driver was told with the truth.
func (p *improvisation) knows() {
	if p.honest && p.known.Load() && p.now.whole {
		p.compare("the driver believes")
	}
}

func (p *improvisation) refreshes() {
	connect := p.submit("Connect#1001", "crm,"+p.password)
	synctest.Wait()
	if p.ended {
		return
	}
	refresh := p.submit("refresh#1001", "")
	p.finish() // what it finds may have to be mended first
	if connect.err != nil || refresh.err != nil || refresh.finished == 0 {
		p.fault("the driver is not told: %v, %v", connect.err, refresh.err)
		return
	}
	p.compare("the driver is told")
	if p.user.State == gc.LoggedOut && p.licences.taken > 0 {
		p.fault("the agent is signed out and has a licence")
	}
}

func (p *improvisation) compare(what string) {
	u, s := p.user, p.now.state
	signsOutLater := s.Pending == gc.LoggedOut && slices.ContainsFunc(p.lines, func(l *line) bool { return l.Spec != nil && l.Spec.Name == gc.ForceLogout })
	if s.State != u.State || s.Pending != u.PendingState && !signsOutLater || s.Reason != u.ReasonCodeID {
		p.fault("%s %s %q %q, true is %s %q %q", what, s.State, s.Pending, s.Reason, u.State, u.PendingState, u.ReasonCodeID)
	}
	truth := map[gc.DialogID]gc.CallState{}
	for _, d := range p.dialogs {
		if own := d.Participants[0]; d.FromAddress != "2009" && own.MediaAddress == string(u.Extension) && own.State != gc.Dropped {
			truth[d.ID] = own.State
		}
	}
	if !maps.Equal(truth, p.now.calls) {
		p.fault("%s %v, true is %v", what, p.now.calls, truth)
	}
}

// curtain looks at what only shows when all is over.
func (a *audience) curtain() {
	for _, l := range a.lines {
		if want := map[bool]int{true: 1}[l.taken]; l.finished != want || l.acks != want {
			a.fault("command %s was finished %d times and acknowledged %d times", l.ID, l.finished, l.acks)
		}
	}
	if a.licences.taken != 0 {
		a.fault("%d licences are not given back", a.licences.taken)
	}
	for _, log := range a.play.logs.FilterMessageSnippet("session failed").All() {
		a.fault("the session failed: %v\n%s", log.ContextMap()["panic"], log.ContextMap()["stack"])
	}
	a.sentOnce()
}

// sentOnce looks at what reached Finesse.
func (a *audience) sentOnce() {
	sent, asked := map[string]int{}, map[string]int{}
	for _, l := range a.lines {
		if l.Refusal == nil {
			asked[onceActions[l.Spec.Name]]++
		}
	}
	for _, request := range a.play.asked {
		sent[strings.Fields(strings.TrimPrefix(request, "b: "))[0]]++
	}
	for name, action := range onceActions {
		if sent[action] > asked[action] {
			a.fault("%s: %s was sent %d times", name, action, sent[action])
		}
	}
}

var onceActions = map[gc.CommandName]string{
	gc.MakeCall: "MAKE_CALL", gc.AnswerCall: "ANSWER", gc.MakeConsultCall: "CONSULT_CALL", gc.TransferSST: "TRANSFER_SST", gc.TransferCall: "TRANSFER",
	gc.ConferenceCall: "CONFERENCE", gc.SilentMonitor: "SILENT_MONITOR", gc.BargeIn: "BARGE_CALL", gc.ReleaseCall: "DROP", gc.EndSilentMonitor: "DROP",
	gc.AcceptOutboundPreview: "ACCEPT", gc.RejectOutboundPreview: "REJECT", gc.CloseOutboundPreview: "CLOSE", gc.DropParticipant: "PARTICIPANT_DROP",
	gc.HoldCall: "HOLD", gc.RetrieveCall: "RETRIEVE",
}
