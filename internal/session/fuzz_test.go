package session_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// FuzzSession: whatever drivers, Finesse and its nodes do, in whatever order,
// the rules of audience_test.go hold. An input is a script; see script.
func FuzzSession(f *testing.F) {
	for _, words := range scripts {
		f.Add(script(words))
	}
	f.Fuzz(improvise)
}

// TestRandomScripts plays scripts that nobody wrote, with every run of the
// tests; FuzzSession looks for more of them.
func TestRandomScripts(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 400 {
		text := script("0 login 0")[:3*random.IntN(2)]
		for range 10 + random.IntN(150) {
			text = append(text, byte(random.Uint32()))
		}
		improvise(t, text)
	}
}

// scripts are where the fuzzing begins.
var scripts = []string{
	"0 login 0 work 0 ring call 0 0 call 0 1 call 0 2 call 0 4 end 0 0",
	"0 login 0 ring phone 0 0 phone 1 0 phone 2 0 phone 3 0 command GetState",
	"0 login 0 phone 4 0 phone 5 0 phone 7 0 command refresh",
	"0 login 0 ring call 0 0 phone 5 0 consult 0 phone 8 0 end 0 1 end 0 0",
	"0 login 0 late ring call 0 0 command refresh end 0 0 command GetState late",
	"0 login 0 ring call 0 0 lost 0 end 0 1 wait 2 ring wait 3",
	"0 login 0 ring node 1 0 work 0 wait 2 state 7 wait 3 node 0 0 node 3 0 wait 4",
	"0 login 0 node 1 2 work 1 phone 4 0 verdict fate 1 phone 4 1 wait 3",
	"0 login 0 hold 0 work 0 ring command refresh end 0 0 wait 3 hold 0 wait 4",
	"0 login 0 work 0 connect 4 login 0 connect 5 connect 6 password connect 7 work 0 connect 0",
	"0 login 0 manner 1 work 0 wait 3 wait 4 manner 2 work 1 manner 3 phone 4 0 manner 0 work 2 state 7",
	"0 login 0 preview wait 1 phone 9 0 monitored ring command getteamusers 0 0 other 0 other 1",
	"0 login 0 user 1 0 dialog 0 3 1 0 0 dialog 1 3 3 0 0 repeat dialog 2 3 0 0 0 error 0 0 tell dialog 1 3 3 0 0",
	"0 login 0 silent state 7 command GetState silent licence login 0 drain 0 wait 4",
	// found, and rare
	"0 node 2 2 state 0 password ring lost 0 hold 2 verdict wait 7 work 0 drain 0",
	"0 user 0 0 0 0 0 manner 1 verdict node 3 2 connect 0",
	"0 node 1 0 login 2 state 7 user 0 0 0 3 1 lost 0",
	"0 login 0 reads 2 hold 0 login 0 state 6 hold 0",
}

// event is something that happens; it may take more of the script to know what.
type event struct {
	name   string
	happen func(*improvisation)
}

// script turns words into an input: each event is a byte, its number among the
// events, followed by those it takes. A command is named. What comes first is
// the number of a connect.
func script(words string) []byte {
	var text []byte
	for _, w := range strings.Fields(words) {
		n, err := strconv.Atoi(w)
		if err != nil {
			n = slices.IndexFunc(events, func(e event) bool { return e.name == w })
		}
		if n < 0 {
			n = slices.IndexFunc(gc.Commands, func(c gc.CommandSpec) bool { return string(c.Name) == w })
		}
		if n < 0 {
			panic("no event and no command is called " + w)
		}
		text = append(text, byte(n))
	}
	return text
}

// events are all that can happen. What a number behind an event of a script
// means is said where it is taken.
var events []event

func init() {
	events = []event{
		// drivers
		{"connect", (*improvisation).connect},
		{"login", (*improvisation).login},
		{"command", (*improvisation).anyCommand},
		{"work", (*improvisation).work},
		{"phone", (*improvisation).phone},
		{"tell", func(p *improvisation) { p.session.Tell() }},
		{"drain", (*improvisation).drain},
		// what Finesse does, and notifies
		{"state", (*improvisation).stateChanges},
		{"ring", (*improvisation).ring},
		{"call", (*improvisation).callChanges},
		{"end", (*improvisation).callEnds},
		{"consult", (*improvisation).consults},
		{"transfer", (*improvisation).transfers},
		{"preview", (*improvisation).preview},
		{"monitored", (*improvisation).monitored},
		// how it notifies, and how it does what it accepted
		{"late", (*improvisation).toggleLate},
		{"silent", func(p *improvisation) { p.silent, p.honest = !p.silent, false }},
		{"repeat", func(p *improvisation) { p.push(p.last) }},
		{"manner", func(p *improvisation) { p.manner = manner(p.pick(4)) }},
		// what it notifies without it being so
		{"user", (*improvisation).anyUser},
		{"dialog", (*improvisation).anyDialog},
		{"error", (*improvisation).anyError},
		{"other", (*improvisation).anyOther},
		// faults
		{"lost", (*improvisation).lose},
		{"refuse", (*improvisation).toggleDial},
		{"hold", (*improvisation).toggleHold},
		{"fate", (*improvisation).nextFate},
		{"reads", (*improvisation).toggleReads},
		{"node", (*improvisation).nodeChanges},
		{"verdict", (*improvisation).nextVerdict},
		{"licence", func(p *improvisation) { p.licences.others = !p.licences.others }},
		{"password", (*improvisation).passwordChanges},
		{"wait", func(p *improvisation) { p.pass(waits[p.pick(len(waits))]) }},
		{"wait", func(p *improvisation) { p.pass(waits[p.pick(4)]) }},
	}
}

var waits = []time.Duration{0, 200 * time.Millisecond, 1100 * time.Millisecond, 6 * time.Second, 16 * time.Second, 21 * time.Second, 70 * time.Second, 11 * time.Minute}

func improvise(t *testing.T, text []byte) {
	if p := perform(t, text); len(p.faults) > 0 {
		require.Fail(t, strings.Join(p.faults, "\n"), "%q\n%s", text, strings.Join(p.trace, "\n"))
	}
}

// longest is how much of a script is played, in bytes.
const longest = 400

// perform plays a script, and then sees whether all is well again once nothing
// more happens.
func perform(t *testing.T, text []byte) *improvisation {
	p := &improvisation{rest: text[:min(len(text), longest)], honest: true}
	playWith(t, p.direct, func(*stage) {
		p.connect() // which is what sessions begin with
		p.settle()
		for len(p.rest) > 0 && !p.ended {
			e := events[p.pick(len(events))]
			p.jot("-- %s", e.name)
			e.happen(p)
			p.settle()
		}
		p.heal()
		p.lastAct()
	})
	p.curtain()
	return p
}

// pick takes a number below n from the script.
func (p *improvisation) pick(n int) int {
	if len(p.rest) == 0 {
		return 0
	}
	next := p.rest[0]
	p.rest = p.rest[1:]
	return int(next) % n
}

func pick[T any](p *improvisation, from ...T) T { return from[p.pick(len(from))] }

// What drivers do.

// connect: 0 to 3 as the driver does, 4 and up from elsewhere or with a wrong
// password.
func (p *improvisation) connect() {
	right := p.password
	switch p.pick(8) {
	case 4:
		p.submit("Connect#1001", "other,"+right)
	case 5:
		p.submit("Connect#1001", "crm,wrong")
	case 6:
		p.submit("Connect#1001", "thief,wrong")
	case 7:
		p.submit("Connect#1001", "crm,"+p.otherPassword())
	default:
		p.submit("Connect#1001", "crm,"+right)
	}
}

func (p *improvisation) login() {
	switch p.pick(8) {
	case 4:
		p.submit("Login#1001", p.password+",2002")
	case 5:
		p.submit("Login#1001", "wrong,2001")
	case 6:
		p.submit("MobileAgentLogin#1001", p.password+",2001,4085551234,true")
	case 7:
		p.submit("Login#1001", p.otherPassword()+",2001")
	default:
		p.submit("Login#1001", p.password+",2001")
	}
}

func (p *improvisation) otherPassword() string {
	if p.password == "secret" {
		return "new"
	}
	return "secret"
}

// work asks for a state.
func (p *improvisation) work() {
	p.submit(pick(p, "MakeReady#1001", "MakeNotReady#1001", "Logout#1001", "force_logout#1001", "makeworkready#1001", "MakeReady#1005", "force_logout#1005", "GetState#1005", "GetState#1001", "refresh#1001"), "")
}

// phone does something with a call.
func (p *improvisation) phone() {
	name := pick(p, gc.AnswerCall, gc.HoldCall, gc.RetrieveCall, gc.ReleaseCall, gc.MakeCall, gc.MakeConsultCall,
		gc.TransferSST, gc.TransferCall, gc.ConferenceCall, gc.AcceptOutboundPreview, gc.UpdateCallVariable, gc.WrapUpCall, gc.GetDialogState, gc.DropParticipant, gc.SilentMonitor, gc.BargeIn)
	p.command(gc.FindCommand(string(name)))
}

// anyCommand is one of the table, or one that cannot be read.
func (p *improvisation) anyCommand() {
	n := p.pick(len(gc.Commands) + 2)
	switch {
	case n == len(gc.Commands):
		p.submit("MakeTea#1001", "")
	case n == len(gc.Commands)+1:
		p.submit("HoldCall#1001", "1,2,3")
	case gc.Commands[n].ForDestination: // none of a session's
		p.submit("MakeCall#1001", "")
	default:
		p.command(&gc.Commands[n])
	}
}

func (p *improvisation) command(spec *gc.CommandSpec) {
	var body []string
	for _, want := range spec.Parameters {
		body = append(body, p.parameter(spec, want.Kind))
	}
	p.submit(string(spec.Name)+"#1001", strings.Join(body, ","))
}

func (p *improvisation) parameter(spec *gc.CommandSpec, kind gc.Kind) string {
	switch kind {
	case gc.DestinationKind:
		return "crm"
	case gc.PasswordKind:
		return p.password
	case gc.ExtensionKind:
		return "2001"
	case gc.NumberKind: // each number once, to count what is dialled
		return strconv.Itoa(9000 + len(p.lines))
	case gc.DialogKind:
		return string(p.dialogID())
	case gc.ModeKind, gc.TeamEventsKind:
		return pick(p, "true", "false")
	case gc.PreviewActionKind:
		return map[gc.CommandName]string{gc.AcceptOutboundPreview: "ACCEPT", gc.RejectOutboundPreview: "REJECT", gc.CloseOutboundPreview: "CLOSE"}[spec.Name]
	case gc.VariableNameKind:
		return "callVariable4"
	case gc.MemberKind, gc.PartyKind:
		return "1005"
	case gc.IgnoredKind:
		return ""
	default: // a team, a phone book, a reason, a value
		return pick(p, "1", "8")
	}
}

// dialogID is one of the agent's calls, or any.
func (p *improvisation) dialogID() gc.DialogID {
	n := p.pick(16)
	if n < 12 && len(p.dialogs) > 0 {
		return p.dialogs[n%len(p.dialogs)].ID
	}
	return gc.DialogID(strconv.Itoa(n + 1))
}

// drain ends the session, mostly not: little would come after it.
func (p *improvisation) drain() {
	if p.pick(8) == 0 {
		p.draining = true
		go p.session.Drain(p.Context())
	}
}

// What Finesse notifies without it being so.

var callStates = []gc.CallState{gc.Initiating, gc.Initiated, gc.Alerting, gc.Active, gc.Held, gc.WrapUp, gc.Accepted, gc.Failed, gc.Dropped, ""}

func (p *improvisation) anyUser() {
	p.honest = false
	u := finesse.User{
		LoginID: pick[gc.AgentID](p, "1001", "1001", "", "1002"), State: pick(p, userStates...), Extension: pick[gc.Extension](p, "2001", "", "2002"),
		PendingState: pick[gc.UserState](p, "", "", gc.Ready, gc.LoggedOut), ReasonCodeID: pick[gc.ReasonCodeID](p, "", "8"),
	}
	p.push(finesse.Update{Event: finesse.Put, User: &u})
}

func (p *improvisation) anyDialog() {
	p.honest = false
	event := pick(p, finesse.Post, finesse.Put, finesse.Delete)
	d := leg(p.dialogID(), pick(p, "4085551234", "2001", "2002", ""), pick(p, callStates...), finesse.Participant{MediaAddress: "4085551234", State: gc.Active})
	d.CallType = pick(p, "ACD_IN", "", "OTHER_IN", "OUT", "CONSULT", "OUTBOUND_PREVIEW", "SUPERVISOR_MONITOR", "BARGE_IN_CONSULT", "NULL")
	switch p.pick(8) {
	case 1:
		d.AssociatedDialog = p.dialogID()
	case 2:
		d.SecondaryID = p.dialogID()
	case 3:
		d.Participants = d.Participants[1:]
	case 4:
		d.Participants = nil
	case 5:
		d.Participants[0].StateChangeTime = time.Now()
	case 6:
		d.Participants[0].StateChangeTime = time.Now().Add(-time.Minute)
	case 7:
		d.Participants[0].MediaAddress = "2002"
	}
	p.push(finesse.Update{Event: event, Dialogs: []finesse.Dialog{d}})
}

func (p *improvisation) anyError() {
	u := finesse.Update{Event: finesse.Put, Error: &finesse.APIError{Type: "Generic Error", Message: pick(p, "CF_RESOURCE_BUSY", "odd")}}
	u.Source = pick(p, "/finesse/api/User/1001", "/finesse/api/Dialog/7", "/finesse/api/User/1001/Dialogs", "")
	if n := p.pick(16); n < 8 && len(p.lines) > 0 {
		u.RequestID = p.lines[max(0, len(p.lines)-1-n)].ID
	} else if n == 8 {
		u.RequestID = "of somebody else"
	}
	p.push(u)
}

func (p *improvisation) anyOther() {
	switch p.pick(4) {
	case 0:
		p.push(finesse.Update{SystemInfo: &finesse.SystemInfo{Status: "OUT_OF_SERVICE"}})
	case 1:
		p.push(finesse.Update{Event: finesse.Put, Team: "1", User: &finesse.User{LoginID: pick[gc.AgentID](p, "1005", "1001", "1006"), State: pick(p, userStates...)}})
	case 2:
		p.push(finesse.Update{Event: finesse.Put, Team: pick[gc.TeamID](p, "1", "2")})
	default:
		p.push(finesse.Update{})
	}
}

// Faults.

// lose loses the newest stream, or all.
func (p *improvisation) lose() {
	open := p.open()
	if p.pick(4) == 0 && len(open) > 1 {
		open = open[len(open)-1:]
	}
	for _, s := range open {
		s.lose()
	}
}

func (p *improvisation) toggleDial() {
	if p.dialErr = nil; p.pick(2) == 0 {
		p.dialErr = gc.Errorf(gc.UnableToSubscribe, "notify", "refused")
	}
}

// toggleHold lets requests wait, at one node or the other, or lets them go.
func (p *improvisation) toggleHold() {
	hold := &p.hold
	if p.pick(3) == 2 {
		hold = &p.b.hold
	}
	if *hold == nil {
		*hold = make(chan struct{})
	} else {
		p.letGo(hold)
	}
}

// nextFate is what becomes of the next request: its answer is lost, or it is
// refused.
func (p *improvisation) nextFate() {
	p.fate = pick(p, fate{err: errNoAnswer}, fate{err: errNoAnswer, works: true}, fate{err: errDown}, fate{err: errDown, works: true}, fate{err: errUnavailable},
		fate{err: gc.Errorf("CF_RESOURCE_BUSY", "finesse", "400")}, fate{err: gc.Errorf(gc.GeneralError, "finesse", "500")}, fate{err: errRefused})
}

func (p *improvisation) toggleReads() {
	p.readErr = pick[error](p, nil, errUnavailable, errNoAnswer, gc.Errorf(gc.GeneralError, "finesse", "500"))
}

// nodeChanges lets a node die or come back, and that be known or not.
func (p *improvisation) nodeChanges() {
	err := pick[error](p, nil, errDown, errNoAnswer, errUnavailable)
	switch p.pick(6) {
	case 0:
		p.down = err
		p.know(err != nil, p.b.unfit)
	case 1:
		p.b.down = err
		p.know(p.left, err != nil)
	case 2:
		p.down = err
	case 3:
		p.b.down = err
	case 4:
		p.know(p.down != nil, p.b.down != nil)
	case 5:
		p.down, p.b.down = err, err
		p.know(err != nil, err != nil)
	}
}

// nextVerdict lets it be found out how the nodes are, once somebody asks.
func (p *improvisation) nextVerdict() {
	p.verdict = func() { p.know(p.down != nil, p.b.down != nil) }
}

func (p *improvisation) passwordChanges() {
	p.password = p.otherPassword()
	delete(p.bad, p.password)
}
