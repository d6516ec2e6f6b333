package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// role is a state in which an agent meets a fault.
type role struct {
	name  string
	agent gc.AgentID
	// enter puts the agent into the state, at the last moment before the fault
	// if there is atOnce, which begins something that the fault meets on its way.
	// It runs beside the others'.
	enter, atOnce func(*actor)
	// amid is what happens at Finesse during the fault; may be nil.
	amid func(*actor)
	// leave shows that the agent works: the commands that end its state are
	// answered. What its driver knows has been compared before.
	leave func(*actor)
}

// roles are all states in which a session can be. The first is a supervisor, who hears
// of all others but the one who was never connected: a member would be answered for.
func roles() []role {
	return []role{
		{name: "follows a team", agent: "2001", enter: (*actor).followsTeam, leave: (*actor).knowsTeam},
		{name: "listened to", agent: "1001", enter: (*actor).talks, leave: (*actor).releases},
		{name: "listens", agent: "2002", enter: (*actor).listens, leave: (*actor).stopsListening},
		{name: "never connected", agent: "1023", atOnce: asks("GetState"), leave: (*actor).comesIn},
		{name: "connected, signed out", agent: "1003", enter: (*actor).connects, leave: (*actor).logsIn},
		{name: "NOT_READY", agent: "1004", enter: (*actor).logsIn, leave: (*actor).getsReady},
		{name: "READY, a call comes", agent: "1005", enter: (*actor).getsReady, amid: (*actor).isCalled, leave: (*actor).takesCall},
		{name: "MakeReady under way", agent: "1006", enter: (*actor).logsIn, atOnce: asks("MakeReady"), leave: (*actor).isAnswered},
		{name: "RESERVED", agent: "1007", enter: (*actor).getsReady, atOnce: (*actor).isCalled, leave: (*actor).takesCall},
		{name: "ringing", agent: "1008", enter: (*actor).rings, leave: (*actor).takesCall},
		{name: "ringing, the caller hangs up", agent: "1009", enter: (*actor).rings, amid: (*actor).isHungUp, leave: (*actor).getsNotReady},
		{name: "talking", agent: "1010", enter: (*actor).talks, leave: (*actor).holdsAndReleases},
		{name: "talking, the caller hangs up", agent: "1011", enter: (*actor).talks, amid: (*actor).isHungUp, leave: (*actor).getsNotReady},
		{name: "holds", agent: "1012", enter: (*actor).holds, leave: (*actor).retrievesAndReleases},
		{name: "holds, the caller hangs up", agent: "1013", enter: (*actor).holds, amid: (*actor).isHungUp, leave: (*actor).getsNotReady},
		{name: "consults", agent: "1014", leave: (*actor).endsConsultation},
		{name: "consulted", agent: "1015", enter: (*actor).isConsulted, leave: (*actor).holdsAndRetrieves},
		{name: "wraps up", agent: "1016", enter: (*actor).wrapsUp, leave: (*actor).getsReady},
		{name: "asked about a customer", agent: "1017", enter: (*actor).isAsked, leave: (*actor).rejects},
		{name: "asked about a customer, the question on its way", agent: "1018", enter: (*actor).getsReady, atOnce: (*actor).isReservedForPreview, leave: (*actor).rejects},
		{name: "dials out", agent: "1019", enter: (*actor).dials, leave: (*actor).releases},
		{name: "MakeCall under way", agent: "1020", enter: (*actor).logsIn, atOnce: (*actor).dialsOut, leave: (*actor).goesOn},
		{name: "AnswerCall under way", agent: "1021", enter: (*actor).rings, atOnce: begins("AnswerCall"), leave: (*actor).goesOn},
		{name: "HoldCall under way", agent: "1022", enter: (*actor).talks, atOnce: begins("HoldCall"), leave: (*actor).goesOn},
		{name: "ReleaseCall under way", agent: "1002", enter: (*actor).talks, atOnce: begins("ReleaseCall"), leave: (*actor).goesOn},
	}
}

// Times of the matrix: a fault outlasts a request, and what begins with it is
// still on its way.
const (
	matrixRequest = time.Second
	matrixFault   = 1300 * time.Millisecond
	matrixDelay   = 10 * time.Millisecond // of the simulated Finesse
)

// TestMatrix has an agent in each state meet each fault on each edge, for a
// time that a session must outlive. Afterwards each driver knows what is true,
// everything was told in order, and each agent can go on from where it is.
func TestMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("repeat with -chaos.seed=%d", *seed)
	a := servertest.StartActiveMQ(t)
	for _, edge := range []string{"broker", "rest", "notify"} {
		for _, f := range all {
			if f.name == "silence" { // as a black hole
				continue
			}
			t.Run(edge+", "+f.name, func(t *testing.T) {
				t.Parallel()
				meet(t, a, edge, f)
			})
		}
	}
}

func meet(t *testing.T, a *servertest.ActiveMQ, edge string, f fault) {
	s := emptyStage(t, "Matrix."+strings.ReplaceAll(edge+"."+f.name, " ", ""), a, simulator.Options{
		MinDelay: matrixDelay, MaxDelay: matrixDelay, RingTimeout: 10 * time.Minute, WrapUp: simulator.WrapUpOptional,
	})
	s.config.Finesse.RequestTimeout = matrixRequest
	s.open()
	actors := play(s)
	for _, r := range actors {
		if r.enter != nil {
			r.enter(r)
		}
	}
	begin(actors, func() { f.hurt(s.edges[edge], randomOf(t, "fault")) })
	pause(t.Context(), matrixFault/4)
	for _, r := range actors {
		if r.amid != nil {
			r.amid(r)
		}
	}
	pause(t.Context(), matrixFault*3/4)
	s.edges[edge].Heal()
	for _, r := range actors {
		if r.picture.isSignedIn() {
			r.knowsTheTruth(t, r.name+": is told something else")
		}
	}
	for _, r := range slices.Backward(actors) { // who has to do with another comes before that one
		r.leave(r)
		r.knowsTheTruth(t, r.name+": is told something else in the end")
	}
	for _, r := range actors {
		require.Empty(t, r.picture.disorder(s.history), "%s: states came in another order than they happened", r.name)
	}
	t.Logf("commands: %v", actors[0].ledger.totals())
	require.Empty(t, actors[0].ledger.open(), "commands without an answer")
	checkOnce(t, s, actors[0].driver)
}

// begin has all begin what they do at once, while the fault begins.
func begin(actors []*actor, fault func()) {
	var together sync.WaitGroup
	defer together.Wait()
	for _, r := range actors {
		if r.atOnce != nil {
			together.Go(func() { r.atOnce(r) })
		}
	}
	fault()
}

// actor plays a role.
type actor struct {
	*desk
	role
	cast map[string]*actor // by role
	call gc.DialogID       // the one it is about
	held gc.DialogID       // that the other is about, of who consults
	id   string            // of the command under way
}

func play(s *stage) (actors []*actor) {
	var ids []gc.AgentID
	for _, r := range roles() {
		ids = append(ids, r.agent)
	}
	d, cast := steadyDriver(s, ids), map[string]*actor{}
	for _, r := range roles() {
		a := &actor{desk: newDesk(s, d, r.agent), role: r, cast: cast}
		cast[r.name] = a
		actors = append(actors, a)
	}
	return actors
}

// begin sends a command, "Type parameters".
func (a *actor) begin(command string, w wish) (id string) {
	typ, body, _ := strings.Cut(command, " ")
	return a.send(a.desk.agent, strings.TrimSpace(typ+"#"+string(a.desk.agent)+" "+body), w)
}

// does sends a command and wants an answer to it.
func (a *actor) does(command, answer string) {
	a.t.Helper()
	require.Equal(a.t, answer, a.answerTo(a.begin(command, wish{})), "%s: %s", a.name, command)
}

// actions of Finesse that must not be asked for twice.
var actions = map[string]string{"AnswerCall": "ANSWER", "ReleaseCall": "DROP", "endsilentmonitor": "DROP"}

// beginAbout sends a command about the actor's call.
func (a *actor) beginAbout(command string) (id string) {
	var once wish
	if actions[command] != "" {
		once = wish{actions[command], string(a.call)}
	}
	return a.begin(command+" "+string(a.call), once)
}

// about does something about the actor's call.
func (a *actor) about(command, answer string) {
	a.t.Helper()
	require.Equal(a.t, answer, a.answerTo(a.beginAbout(command)), "%s: %s", a.name, command)
}

func (a *actor) eventuallyCall(state gc.CallState) {
	a.t.Helper()
	eventually(a.t, func() bool { return a.picture.call(a.call) == state }, func() string {
		return a.difference(fmt.Sprintf("(%s) does not hear that call %s is %s", a.name, a.call, state))
	})
}

// asks begins a command, and begins one about the call.
func asks(command string) func(*actor) {
	return func(a *actor) { a.id = a.begin(command, wish{}) }
}

func begins(command string) func(*actor) {
	return func(a *actor) { a.id = a.beginAbout(command) }
}

// The ways into a state.

func (a *actor) connects() {
	require.NoError(a.t, a.connect())
	a.does("GetState", "State#LOGOUT")
}

func (a *actor) logsIn() {
	require.NoError(a.t, a.connect())
	a.does("Login "+a.password()+","+a.extension, "State#NOT_READY")
}

func (a *actor) getsReady() {
	if !a.picture.isSignedIn() {
		a.logsIn()
	}
	a.does("MakeReady", "State#READY")
}

func (a *actor) getsNotReady() { a.does("MakeNotReady", "State#NOT_READY") }

func (a *actor) isCalled() {
	var err error
	a.call, err = a.stage.finesse.Call(a.desk.agent, simulator.Call{From: "4085551234"})
	assert.NoError(a.t, err, a.name) // may run beside the test
}

func (a *actor) isHungUp() { require.NoError(a.t, a.stage.finesse.HangUp(a.call), a.name) }

func (a *actor) rings() {
	a.getsReady()
	a.isCalled()
	a.eventuallyCall(gc.Alerting)
}

func (a *actor) talks() {
	a.rings()
	a.about("AnswerCall", "InboundCall#ACTIVE")
}

func (a *actor) holds() {
	a.talks()
	a.about("HoldCall", "InboundCall#HELD")
}

func (a *actor) wrapsUp() {
	a.talks()
	a.does("MakeWorkNotReady", "State#TALKING")
	a.about("ReleaseCall", "InboundCall#WRAP_UP")
}

func (a *actor) isReservedForPreview() {
	var err error
	a.call, err = a.stage.finesse.Campaign(a.desk.agent, simulator.CampaignCall{Customer: "4085551234"})
	assert.NoError(a.t, err, a.name) // may run beside the test
}

func (a *actor) isAsked() {
	a.getsReady()
	a.isReservedForPreview()
	a.eventuallyCall(gc.Alerting)
}

// newCall is the agent's call that is none of known.
func (a *actor) newCall(known ...gc.DialogID) {
	eventually(a.t, func() bool {
		for _, c := range a.truth().Calls {
			if !slices.Contains(known, c.Dialog) {
				a.call = c.Dialog
			}
		}
		return a.call != "" && !slices.Contains(known, a.call)
	}, func() string { return a.difference("(" + a.name + ") has no call") })
}

const neverAnswers = "5550005"

func (a *actor) dialsOut() { a.id = a.begin("MakeCall "+neverAnswers, wish{"MAKE_CALL", neverAnswers}) }

func (a *actor) dials() {
	a.logsIn()
	number := "4085559876" + string(a.desk.agent)
	a.does("MakeCall "+number, "InboundCall#INITIATING")
	a.newCall()
	a.eventuallyCall(gc.Active)
}

// isConsulted has somebody else talk and consult this agent.
func (a *actor) isConsulted() {
	a.logsIn()
	other := a.cast["consults"]
	other.talks()
	about := other.call
	other.does("ConsultCall "+a.extension+","+string(about), "ConsultCall#INITIATING")
	other.newCall(about)
	a.call = other.call
	a.eventuallyCall(gc.Alerting)
	a.about("AnswerCall", "InboundCall#ACTIVE")
	other.held = about
	other.eventuallyCall(gc.Active)
}

func (a *actor) followsTeam() {
	a.logsIn()
	a.does("getteamusers 1,true", "Agents#")
}

func (a *actor) listens() {
	a.logsIn()
	a.does("silentmonitor "+a.cast["listened to"].extension, "InboundCall#INITIATING")
	a.newCall()
	a.eventuallyCall(gc.Active)
	a.cast["listened to"].secret = a.call
}

// The ways out.

func (a *actor) comesIn() {
	require.Equal(a.t, "State#RE_LOGIN", a.answerTo(a.id), a.name)
	a.getsReady()
}

func (a *actor) takesCall() {
	a.eventuallyCall(gc.Alerting)
	a.about("AnswerCall", "InboundCall#ACTIVE")
	a.releases()
}

func (a *actor) releases() { a.about("ReleaseCall", "InboundCall#DROPPED") }

func (a *actor) holdsAndRetrieves() {
	a.about("HoldCall", "InboundCall#HELD")
	a.about("RetrieveCall", "InboundCall#ACTIVE")
}

func (a *actor) retrievesAndReleases() {
	a.about("RetrieveCall", "InboundCall#ACTIVE")
	a.releases()
}

func (a *actor) holdsAndReleases() {
	a.holdsAndRetrieves()
	a.releases()
}

func (a *actor) endsConsultation() {
	a.about("ReleaseCall", "ConsultCall#DROPPED")
	a.call = a.held
	a.retrievesAndReleases()
}

func (a *actor) rejects() {
	a.eventuallyCall(gc.Alerting)
	a.does("RejectOutboundPreview "+string(a.call)+",REJECT", "InboundCall#DROPPED")
}

func (a *actor) stopsListening() { a.about("endsilentmonitor", "InboundCall#DROPPED") }

// isAnswered: whatever the fault made of the command under way, it is
// answered, and can be given again.
func (a *actor) isAnswered() {
	a.answerTo(a.id)
	a.getsReady()
}

// goesOn: the command under way was carried out or it was not, its driver
// knows, and goes on from there.
func (a *actor) goesOn() {
	a.answerTo(a.id)
	a.knowsTheTruth(a.t, a.name+": does not know its call")
	for _, c := range a.truth().Calls {
		switch a.call = c.Dialog; c.State {
		case gc.Alerting:
			a.takesCall()
		case gc.Held:
			a.retrievesAndReleases()
		default:
			a.releases()
		}
	}
	a.getsReady()
}

// knowsTeam: the supervisor's driver heard of every member, and can ask.
func (a *actor) knowsTeam() {
	team := func() (told, real []string) {
		for id, state := range a.picture.team() {
			told = append(told, fmt.Sprint(id, " ", state))
			real = append(real, fmt.Sprint(id, " ", a.stage.agent(id).State))
		}
		slices.Sort(told)
		slices.Sort(real)
		return told, real
	}
	eventually(a.t, func() bool {
		told, real := team()
		return slices.Equal(told, real)
	}, func() string {
		told, real := team()
		return fmt.Sprintf("%s: the driver knows %q, Finesse %q", a.name, told, real)
	})
	require.Len(a.t, a.picture.team(), 20, "all members have been at work, and the supervisor is not told of itself")
	a.does("getteamuserstate 1004", "TeamMemberStateChanged#"+string(a.stage.agent("1004").State))
}
