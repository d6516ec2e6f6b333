package simulator

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// The sequences follow the tables of the Finesse developer guide 12.5, pages
// 127 to 133, and captures of UCCE where they differ.

const (
	activeActions = "[TRANSFER_SST CONSULT_CALL HOLD UPDATE_CALL_DATA SEND_DTMF DROP]"
	heldActions   = "[UPDATE_CALL_DATA DROP RETRIEVE]"
	earlyActions  = "[UPDATE_CALL_DATA DROP]"
)

func TestInboundCallIsAnsweredHeldRetrievedAndDropped(t *testing.T) {
	s := start(t)
	d, w := readyAgent(t, s, "1001", "7001")
	id := place(t, s, "1001", Call{From: "4085551234"})
	w.sees(
		"U RESERVED",
		"D POST ALERTING PREROUTE_ACD_IN 4085551234=INITIATED"+earlyActions+" 7001=ALERTING[ANSWER]",
	)
	d.act(id, "ANSWER", "7001", "requestId", "a1")
	w.sees(
		"D PUT ACTIVE PREROUTE_ACD_IN 4085551234=ACTIVE"+activeActions+" 7001=ACTIVE"+activeActions+" re=a1",
		"U TALKING",
	)
	d.act(id, "HOLD", "7001")
	w.sees(
		"D PUT ACTIVE PREROUTE_ACD_IN 4085551234=ACTIVE"+activeActions+" 7001=HELD"+heldActions,
		"U HOLD",
	)
	d.act(id, "RETRIEVE", "7001")
	w.sees(
		"D PUT ACTIVE PREROUTE_ACD_IN 4085551234=ACTIVE"+activeActions+" 7001=ACTIVE"+activeActions,
		"U TALKING",
	)
	d.act(id, "DROP", "7001")
	w.sees(
		"D DELETE ACTIVE PREROUTE_ACD_IN 4085551234=ACTIVE"+activeActions+" 7001=DROPPED[]",
		"U READY",
	)
	require.Equal(t, 404, d.do("GET", "/Dialog/"+string(id), "").status)
	w.quiet()
}

func TestCallerHangsUp(t *testing.T) {
	t.Run("while talking", func(t *testing.T) {
		s := start(t)
		d, w := readyAgent(t, s, "1001", "7001")
		id := place(t, s, "1001", Call{From: "4085551234"})
		d2 := ringAndAnswer(t, d, w, id)
		require.NoError(t, s.HangUp(id))
		w.sees(
			"D PUT ACTIVE PREROUTE_ACD_IN 4085551234=DROPPED[] 7001=ACTIVE"+activeActions,
			"D DELETE DROPPED PREROUTE_ACD_IN 4085551234=DROPPED[] 7001=DROPPED[]",
			"U READY",
		)
		require.Equal(t, "<Dialogs></Dialogs>", bodyOf(d2.do("GET", "/User/1001/Dialogs", "")))
	})
	t.Run("while ringing the dialog still says ALERTING", func(t *testing.T) {
		s := start(t)
		_, w := readyAgent(t, s, "1001", "7001")
		id := place(t, s, "1001", Call{From: "4085551234"})
		w.next()
		w.next()
		require.NoError(t, s.HangUp(id))
		w.sees(
			"D DELETE ALERTING PREROUTE_ACD_IN 4085551234=INITIATED"+earlyActions+" 7001=DROPPED[]",
			"U READY",
		)
	})
	t.Run("before the phone rings", func(t *testing.T) {
		s := start(t, func(o *Options) { o.MinDelay, o.MaxDelay = 50*time.Millisecond, 50*time.Millisecond })
		_, w := readyAgent(t, s, "1001", "7001")
		id := place(t, s, "1001", Call{From: "4085551234"})
		require.NoError(t, s.HangUp(id))
		w.sees("U RESERVED", "U READY")
		require.ErrorContains(t, s.HangUp(id), "there is no call")
	})
}

func bodyOf(a result) string {
	const head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	return a.body[len(head):]
}

func ringAndAnswer(t *testing.T, d *driver, w *watcher, id gc.DialogID) *driver {
	t.Helper()
	w.next()
	w.next()
	d.act(id, "ANSWER", "7001")
	w.next()
	require.Equal(t, "U TALKING", w.next().line())
	return d
}

func TestRingNoAnswer(t *testing.T) {
	s := start(t, func(o *Options) { o.RingTimeout = 30 * time.Millisecond })
	_, w := readyAgent(t, s, "1001", "7001")
	place(t, s, "1001", Call{From: "4085551234"})
	w.sees(
		"U RESERVED",
		"D POST ALERTING PREROUTE_ACD_IN 4085551234=INITIATED"+earlyActions+" 7001=ALERTING[ANSWER]",
		"D DELETE ALERTING PREROUTE_ACD_IN 4085551234=INITIATED"+earlyActions+" 7001=DROPPED[]",
		"U NOT_READY reason=-1",
	)
	require.Equal(t, callNotAnswered, s.Agents()[0].SystemReason)
}

func TestCallerWhoWithholdsTheNumberIsNoParticipant(t *testing.T) {
	s := start(t)
	d, w := readyAgent(t, s, "1001", "7001")
	id := place(t, s, "1001", Call{})
	w.sees("U RESERVED", "D POST ALERTING PREROUTE_ACD_IN 7001=ALERTING[ANSWER]")
	d.act(id, "ANSWER", "7001")
	n := w.next()
	require.Equal(t, "D PUT ACTIVE PREROUTE_ACD_IN 7001=ACTIVE"+activeActions, n.line())
	require.Contains(t, n.update, "<fromAddress></fromAddress>")
	w.sees("U TALKING")
	require.NoError(t, s.HangUp(id))
	w.sees("D DELETE DROPPED PREROUTE_ACD_IN 7001=DROPPED[]", "U READY")
}

func TestPendingStateComesAfterTheCall(t *testing.T) {
	for name, c := range map[string]struct{ ask, after []string }{
		"the newest request wins": {[]string{"NOT_READY", "READY"}, []string{"U READY"}},
		"not ready":               {[]string{"NOT_READY"}, []string{"U NOT_READY reason=-1"}},
		"none: the state before":  {nil, []string{"U READY"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			d, w := readyAgent(t, s, "1001", "7001")
			id := place(t, s, "1001", Call{From: "4085551234"})
			ringAndAnswer(t, d, w, id)
			for _, state := range c.ask {
				d.state(state)
				w.sees("U TALKING >" + state)
			}
			require.NoError(t, s.HangUp(id))
			w.next()
			w.next()
			w.sees(c.after...)
			w.quiet()
		})
	}
}

func TestSignInAndOut(t *testing.T) {
	s := start(t)
	w, d := watch(t, s, "1001"), as(t, s, "1001")
	d.state("READY")
	w.sees("E put Invalid State CF_INVALID_OBJECT_STATE 22")
	d.state("NOT_READY")
	w.sees("E put Invalid State CF_INVALID_PASSWORD_SPECIFIED 257")
	d.accepted("PUT", "/User/1001", "<User><state>LOGIN</state><extension>70011</extension></User>", "requestId", "r9")
	n := w.next()
	require.Equal(t, "E put Invalid Device CF_INVALID_LOGON_DEVICE_SPECIFIED 260 re=r9", n.line())
	require.Contains(t, n.update, "<peripheralErrorCode>10125</peripheralErrorCode>")
	d.signIn("7001")
	w.sees("U NOT_READY reason=-1")
	d.accepted("PUT", "/User/1001", "<User><state>NOT_READY</state><reasonCodeId>2</reasonCodeId></User>")
	n = w.next()
	require.Equal(t, "U NOT_READY reason=2", n.line())
	require.Contains(t, n.update, "<label>Break, coffee &amp; tea</label>")
	d.state("READY")
	w.sees("U READY")
	d.state("LOGOUT")
	w.sees("E put Invalid State CF_INVALID_OBJECT_STATE 22")
	d.signIn("7001") // forced: keeps the state
	w.sees("U READY")
	d.state("WORK")
	w.sees("E put Invalid State CF_INVALID_OBJECT_STATE 22")
	d.state("NOT_READY")
	w.sees("U NOT_READY reason=-1")
	d.accepted("PUT", "/User/1001", "<User><state>LOGOUT</state><reasonCodeId>5</reasonCodeId></User>")
	n = w.next()
	require.Equal(t, "U LOGOUT reason=5", n.line())
	require.Contains(t, n.update, "<extension></extension>")
}

func TestExtensionInUse(t *testing.T) {
	s := start(t)
	as(t, s, "1002").signIn("7001")
	w, d := watch(t, s, "1001"), as(t, s, "1001")
	require.Eventually(t, func() bool { return s.Agents()[1].Extension == "7001" }, 5*time.Second, time.Millisecond)
	d.signIn("7001")
	w.sees("E put Device Busy CF_RESOURCE_BUSY 33")
}

func TestCallToAnOutsideParty(t *testing.T) {
	s := start(t)
	d, w := readyAgent(t, s, "1001", "7001")
	d.dial("7001", "14085551234")
	w.sees(
		"U NOT_READY reason=-1",
		"D POST INITIATING 7001=INITIATING"+earlyActions,
		"D PUT INITIATED OUT 7001=INITIATED"+earlyActions,
		"D PUT ALERTING OUT 7001=INITIATED"+earlyActions+" 14085551234=ALERTING[ANSWER]",
		"D PUT ACTIVE OUT 7001=ACTIVE"+activeActions+" 14085551234=ACTIVE"+activeActions,
		"U TALKING",
	)
	require.Equal(t, offHook, dialReason(s))
	require.NoError(t, s.HangUp("16870001"))
	w.sees(
		"D PUT DROPPED OUT 7001=DROPPED[] 14085551234=DROPPED[]",
		"D DELETE DROPPED OUT 7001=DROPPED[] 14085551234=DROPPED[]",
		"U NOT_READY reason=-1",
	)
}

func dialReason(s *Simulator) int {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	return s.board.users[0].base.system
}

func TestCallBetweenAgents(t *testing.T) {
	s := start(t)
	d1, w1 := readyAgent(t, s, "1001", "7001")
	d2, w2 := readyAgent(t, s, "1002", "7002")
	d1.dial("7001", "7002")
	w1.sees(
		"U NOT_READY reason=-1",
		"D POST INITIATING 7001=INITIATING"+earlyActions,
		"D PUT INITIATED AGENT_INSIDE 7001=INITIATED"+earlyActions,
		"D PUT ALERTING AGENT_INSIDE 7001=INITIATED"+earlyActions+" 7002=ALERTING[ANSWER]",
	)
	w2.sees("D POST ALERTING OTHER_IN 7001=INITIATED" + earlyActions + " 7002=ALERTING[ANSWER]")
	_, err := s.Call("1002", Call{})
	require.ErrorContains(t, err, "has a call already")
	d2.act("16870001", "ANSWER", "7002")
	both := "7001=ACTIVE" + activeActions + " 7002=ACTIVE" + activeActions
	w1.sees("D PUT ACTIVE AGENT_INSIDE "+both, "U TALKING")
	w2.sees("D PUT ACTIVE OTHER_IN "+both, "U TALKING")
	d1.act("16870001", "DROP", "7001")
	w1.sees("D PUT DROPPED AGENT_INSIDE 7001=DROPPED[] 7002=DROPPED[]", "D DELETE DROPPED AGENT_INSIDE 7001=DROPPED[] 7002=DROPPED[]", "U NOT_READY reason=-1")
	w2.sees("D PUT DROPPED OTHER_IN 7001=DROPPED[] 7002=DROPPED[]", "D DELETE DROPPED OTHER_IN 7001=DROPPED[] 7002=DROPPED[]", "U READY")
	require.ErrorContains(t, s.HangUp("16870001"), "there is no call")
}

func TestCallerGivesUpBeforeTheOtherAgentAnswers(t *testing.T) {
	s := start(t)
	d1, w1 := readyAgent(t, s, "1001", "7001")
	_, w2 := readyAgent(t, s, "1002", "7002")
	d1.dial("7001", "7002")
	for range 4 {
		w1.next()
	}
	w2.next()
	d1.act("16870001", "DROP", "7001")
	w2.sees("D DELETE ALERTING OTHER_IN 7001=INITIATED" + earlyActions + " 7002=DROPPED[]")
	w1.sees("D PUT DROPPED AGENT_INSIDE 7001=DROPPED[] 7002=DROPPED[]", "D DELETE DROPPED AGENT_INSIDE 7001=DROPPED[] 7002=DROPPED[]")
}

func TestNumbersThatFail(t *testing.T) {
	for number, cause := range map[string]string{
		"5550001": "BUSY", "5550002": "BAD_DESTINATION", "5550003": "OTHER", "5550004": "DEVICE_RESOURCE_NOT_AVAILABLE",
		"5550005": "OTHER", "7999": "BAD_DESTINATION", "911": "BAD_DESTINATION", "7002": "BUSY", "abc": "BAD_DESTINATION",
	} {
		t.Run(number+" "+cause, func(t *testing.T) {
			s := start(t, func(o *Options) { o.RingTimeout = 50 * time.Millisecond })
			d, w := readyAgent(t, s, "1001", "7001")
			if number == "7002" {
				other, w2 := readyAgent(t, s, "1002", "7002")
				other.dial("7002", "5550001")
				for range 4 {
					w2.next()
				}
			}
			d.dial("7001", number)
			var id gc.DialogID
			require.Eventually(t, func() bool { // BUSY, ringing or not, ends in FAILED
				p := w.next().parse()
				if p.Changed != nil {
					id = p.Changed.ID
				}
				return p.Changed != nil && p.Changed.State == gc.Failed && p.Changed.Participants[0].StateCause == cause &&
					len(p.Changed.Participants) == 1
			}, 5*time.Second, time.Nanosecond)
			w.quiet() // the busy tone lasts until the agent hangs up
			d.act(id, "DROP", "7001")
			require.Equal(t, "PUT", w.next().parse().Event)
			require.Equal(t, "DELETE", w.next().parse().Event)
			require.Equal(t, "<Dialogs></Dialogs>", bodyOf(d.do("GET", "/User/1001/Dialogs", "")))
		})
	}
}

func TestSecondCallHoldsTheFirst(t *testing.T) {
	s := start(t)
	d, w := readyAgent(t, s, "1001", "7001")
	id := place(t, s, "1001", Call{From: "4085551234"})
	ringAndAnswer(t, d, w, id)
	d.dial("7001", "14085550000")
	require.Contains(t, w.next().line(), "7001=HELD")
	w.sees("U HOLD")
	for range 3 {
		w.next()
	}
	require.Contains(t, w.next().line(), "D PUT ACTIVE OUT")
	w.sees("U TALKING")
	d.act(id, "RETRIEVE", "7001")
	require.Contains(t, w.next().line(), "D PUT ACTIVE OUT 7001=HELD")
	w.sees("U HOLD")
	require.Contains(t, w.next().line(), "PREROUTE_ACD_IN 4085551234=ACTIVE"+activeActions+" 7001=ACTIVE")
	w.sees("U TALKING")
}

func TestActionThatIsNotListedIsRefusedLater(t *testing.T) {
	s := start(t)
	d, w := readyAgent(t, s, "1001", "7001")
	id := place(t, s, "1001", Call{From: "4085551234"})
	w.next()
	w.next()
	for _, action := range []string{"HOLD", "RETRIEVE", "DROP", "UPDATE_CALL_DATA"} {
		d.accepted("PUT", "/Dialog/"+string(id), "<Dialog><targetMediaAddress>7001</targetMediaAddress><requestedAction>"+action+
			"</requestedAction><mediaProperties><wrapUpReason>x</wrapUpReason></mediaProperties></Dialog>", "requestId", "145")
		n := w.next()
		require.Equal(t, "E put Generic Error INVALID_ACTION "+action+" on extension 7001 7001 re=145", n.line())
		require.Equal(t, "/finesse/api/User/1001/Dialogs", n.node)
		require.Equal(t, "/finesse/api/Dialog/"+string(id), n.parse().Source)
	}
}

func TestCallDataSurvivesTheWire(t *testing.T) {
	s := start(t)
	d, w := readyAgent(t, s, "1001", "7001")
	odd := `Fish & Chips <"'> é`
	id := place(t, s, "1001", Call{From: "4085551234", Variables: map[string]string{"callVariable1": odd, "user.key": "a|b"}})
	w.next()
	require.Equal(t, odd, valueOf(w.next().parse().Joined, "callVariable1"))
	d.act(id, "ANSWER", "7001")
	w.next()
	w.next()
	d.accepted("PUT", "/Dialog/"+string(id), `<Dialog><requestedAction>UPDATE_CALL_DATA</requestedAction><mediaProperties><wrapUpReason>Happy &amp; gone</wrapUpReason>`+
		`<callvariables><CallVariable><name>callVariable2</name><value>&lt;b&gt; &amp;amp;</value></CallVariable></callvariables></mediaProperties></Dialog>`)
	p := w.next().parse()
	require.Equal(t, "<b> &amp;", valueOf(p.Changed, "callVariable2"))
	require.Equal(t, odd, valueOf(p.Changed, "callVariable1"))
	require.Equal(t, "a|b", valueOf(p.Changed, "user.key"))
	require.Equal(t, "Happy & gone", p.Changed.MediaProperties.WrapUpReason)
	require.Len(t, p.Changed.MediaProperties.Variables, 11)
}

func valueOf(d *dialogXML, name string) string {
	for _, v := range d.MediaProperties.Variables {
		if v.Name == name {
			return v.Value
		}
	}
	return "(none)"
}

func TestCallIsRefusedWithTheReason(t *testing.T) {
	s := start(t)
	for name, c := range map[string]struct {
		agent gc.AgentID
		call  Call
		want  string
	}{
		"unknown agent":   {"9999", Call{}, `agent "9999" is not known`},
		"signed out":      {"1002", Call{}, "agent 1002 is not signed in"},
		"not ready":       {"1001", Call{}, "agent 1001 is NOT_READY, not READY"},
		"unknown data":    {"1001", Call{Variables: map[string]string{"callVariable11": "x"}}, "is not a call variable"},
		"too long a data": {"1001", Call{Variables: map[string]string{"callVariable1": string(make([]byte, 41))}}, "longer than 40 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			as(t, s, "1001").signIn("7001")
			require.Eventually(t, func() bool { return s.Agents()[0].State == gc.NotReady }, 5*time.Second, time.Millisecond)
			_, err := s.Call(c.agent, c.call)
			require.ErrorContains(t, err, c.want)
		})
	}
	s.SetStatus(gc.OutOfService)
	_, err := s.Call("1001", Call{})
	require.ErrorContains(t, err, "OUT_OF_SERVICE")
}

// TestAgentsAtTheSameTime: calls of different agents neither mix nor wait for
// each other.
func TestAgentsAtTheSameTime(t *testing.T) {
	s := start(t, func(o *Options) { o.MaxDelay = 5 * time.Millisecond })
	for n := range 8 {
		agent, extension := fmt.Sprint(1001+n), fmt.Sprint(7001+n)
		t.Run(agent, func(t *testing.T) {
			t.Parallel()
			d, w := readyAgent(t, s, agent, extension)
			for range 3 {
				id := place(t, s, gc.AgentID(agent), Call{From: "408555" + extension})
				caller := "408555" + extension
				w.sees("U RESERVED", "D POST ALERTING PREROUTE_ACD_IN "+caller+"=INITIATED"+earlyActions+" "+extension+"=ALERTING[ANSWER]")
				d.act(id, "ANSWER", extension)
				w.sees("D PUT ACTIVE PREROUTE_ACD_IN "+caller+"=ACTIVE"+activeActions+" "+extension+"=ACTIVE"+activeActions, "U TALKING")
				d.act(id, "HOLD", extension) // two at once: carried out in this order
				d.act(id, "DROP", extension)
				w.sees(
					"D PUT ACTIVE PREROUTE_ACD_IN "+caller+"=ACTIVE"+activeActions+" "+extension+"=HELD"+heldActions, "U HOLD",
					"D DELETE ACTIVE PREROUTE_ACD_IN "+caller+"=ACTIVE"+activeActions+" "+extension+"=DROPPED[]", "U READY",
				)
			}
			w.quiet()
		})
	}
}

// TestSameSeedSameNotifications compares whole documents and item ids.
func TestSameSeedSameNotifications(t *testing.T) {
	run := func() (notes []note) {
		s := start(t, func(o *Options) { o.Seed, o.Now = 7, func() time.Time { return fixed } })
		d, w := readyAgent(t, s, "1001", "7001")
		id := place(t, s, "1001", Call{From: "4085551234"})
		notes = append(notes, w.next(), w.next())
		d.act(id, "ANSWER", "7001")
		return append(notes, w.next(), w.next())
	}
	require.Equal(t, run(), run())
}
