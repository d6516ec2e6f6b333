package simulator

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func inject(t *testing.T, s *Simulator, f Fault) {
	t.Helper()
	require.NoError(t, s.Inject(f))
}

func TestEventIsDroppedOrComesTwice(t *testing.T) {
	s := start(t)
	d, w := readyAgent(t, s, "1001", "7001")
	inject(t, s, Fault{Kind: DropEvent, Agent: "1001"})
	inject(t, s, Fault{Kind: DuplicateEvent, Agent: "1001"})
	d.state("NOT_READY") // lost
	d.state("READY")     // twice
	d.state("NOT_READY")
	first, second := w.next(), w.next()
	require.Equal(t, "U READY", first.line())
	require.Equal(t, first, second)
	w.sees("U NOT_READY reason=-1")
}

func TestEventsThatCannotBeReadWhole(t *testing.T) {
	s := start(t)
	d, w := readyAgent(t, s, "1001", "7001")
	inject(t, s, Fault{Kind: IllegibleEvent, Agent: "1001"})
	inject(t, s, Fault{Kind: StatelessEvent, Agent: "1001"})
	d.state("NOT_READY")
	require.Contains(t, w.next().update, "&#11;</lastName>")
	d.state("READY")
	stateless := w.next().update
	require.NotContains(t, stateless, "<state>")
	require.NotContains(t, stateless, "&#11;")
	d.state("NOT_READY")
	w.sees("U NOT_READY reason=-1")
}

func TestATalkativeStream(t *testing.T) {
	s := start(t)
	inject(t, s, Fault{Kind: TalkativeStream, Agent: "1001"})
	c := signedIn(t, s, "1001", "r")
	c.say("<iq type='set' id='s'><session xmlns='" + nsSession + "'/></iq>")
	require.Contains(t, c.hears("<iq type='result' id='s'"), "<message")
	second := signedIn(t, s, "1001", "other")
	second.say("<iq type='set' id='s'><session xmlns='" + nsSession + "'/></iq>")
	require.NotContains(t, second.hears("id='s'"), "<message")
}

func TestAnAnswerThatCannotBeReadWhole(t *testing.T) {
	s := start(t)
	d := as(t, s, "1001")
	inject(t, s, Fault{Kind: OddREST, Count: 2})
	require.Contains(t, d.do("GET", "/User/1001", "").body, "&#11;</lastName>")
	require.Contains(t, d.do("GET", "/User/1001/Dialogs", "").body, "<Dialog/></Dialogs>")
	require.NotContains(t, d.do("GET", "/User/1001", "").body, "&#11;")
}

func TestEventsComeLate(t *testing.T) {
	s := start(t)
	d, w := readyAgent(t, s, "1001", "7001")
	inject(t, s, Fault{Kind: LateEvent, Agent: "1001", Count: 2})
	d.state("NOT_READY")
	d.state("READY")
	d.state("NOT_READY")
	w.sees("U NOT_READY reason=-1", "U NOT_READY reason=-1", "U READY")
	inject(t, s, Fault{Kind: LateEvent, Agent: "1001"})
	d.state("READY")
	w.quiet()
	s.Heal()
	w.sees("U READY")
}

func TestOthersEventsStray(t *testing.T) {
	s := start(t)
	_, w := readyAgent(t, s, "1001", "7001")
	inject(t, s, Fault{Kind: StrayEvent, Agent: "1001"})
	id := place(t, s, "1001", Call{From: "4085551234"})
	own, another := dialogsURI("1001"), dialogsURI("colleague")
	value := func(update, element string) string {
		_, rest, _ := strings.Cut(update, "<"+element+">")
		text, _, _ := strings.Cut(rest, "</")
		return text
	}
	var got []string
	for len(got) < 5 {
		if n := w.next(); strings.Contains(n.node, "/Dialogs") {
			got = append(got, strings.Join([]string{n.node, value(n.update, "event"), value(n.update, "source"), value(n.update, "id"), value(n.update, "mediaType")}, " "))
		}
	}
	require.Equal(t, []string{
		own + " POST " + own + " " + string(id) + " Voice",
		another + " DELETE " + another + " " + string(id) + " Voice",
		own + " DELETE " + another + " " + string(id) + " Voice",
		own + "/Media POST " + own + "/Media " + string(id) + "_7_1 Cisco_Chat_MRD",
		own + " POST  " + string(id) + "_7_1 Cisco_Chat_MRD",
	}, got)
}

func TestTheClockIsSetBack(t *testing.T) {
	s := start(t)
	before := s.board.now()
	require.NoError(t, s.Run(t.Context(), parse(t, "clock back 1m")))
	require.WithinDuration(t, before.Add(-time.Minute), s.board.now(), 30*time.Second)
}

func TestStreamIsCut(t *testing.T) {
	for _, kind := range []FaultKind{CutStream, CutInside} {
		t.Run(string(kind), func(t *testing.T) {
			s := start(t)
			c := signedIn(t, s, "1001", "r")
			inject(t, s, Fault{Kind: kind, Agent: "1001"})
			c.ends()
			signedIn(t, s, "1001", "r").ping()
		})
	}
}

func TestBlackHole(t *testing.T) {
	s := start(t, func(o *Options) {
		o.IdleTimeout, o.PresenceTimeout = 500*time.Millisecond, 50*time.Millisecond
	})
	_, w := readyAgent(t, s, "1001", "7001")
	inject(t, s, Fault{Kind: BlackHole, Agent: "1001"})
	require.Eventually(t, func() bool { // Finesse takes the agent for gone
		_, err := w.client.SendKeepAlive()
		require.NoError(t, err, "the stream has to stay open")
		return s.Agents()[0].State == gc.NotReady
	}, 5*time.Second, 10*time.Millisecond)
	require.Empty(t, w.notes)
	watchAs(t, s, "1001", "new").roundtrip("x")
	s.Close() // the black hole's end
}

func TestRESTFaults(t *testing.T) {
	s := start(t)
	d, other := as(t, s, "1001"), as(t, s, "1002")

	inject(t, s, Fault{Kind: HTMLError, Agent: "1001"})
	require.Equal(t, 200, other.do("GET", "/User/1002", "").status)
	a := d.do("GET", "/User/1001", "")
	require.Equal(t, 500, a.status)
	require.Contains(t, a.body, "<html")

	inject(t, s, Fault{Kind: UnavailableError, Count: 2})
	require.Equal(t, 503, d.do("GET", "/User/1001", "").status)
	require.Equal(t, 503, other.do("GET", "/User/1002", "").status)
	require.Equal(t, 200, d.do("GET", "/User/1001", "").status)

	inject(t, s, Fault{Kind: NotLetIn, Agent: "1001", Count: 6})
	for range 6 {
		require.Equal(t, 401, d.do("GET", "/User/1001", "").status)
	}
	require.Equal(t, 200, d.do("GET", "/User/1001", "").status, "it locks no account")

	inject(t, s, Fault{Kind: MalformedREST})
	a = d.do("GET", "/User/1001", "")
	require.Equal(t, 200, a.status)
	var u userXML
	require.Error(t, xml.Unmarshal([]byte(a.body), &u))

	inject(t, s, Fault{Kind: SlowREST, Delay: 100 * time.Millisecond})
	began := time.Now()
	require.Equal(t, 200, d.do("GET", "/User/1001", "").status)
	require.GreaterOrEqual(t, time.Since(began), 100*time.Millisecond)
}

func TestLostAnswerIsCarriedOut(t *testing.T) {
	s := start(t)
	inject(t, s, Fault{Kind: LostAnswer})
	_, err := as(t, s, "1001").try("PUT", "/User/1001", "<User><state>LOGIN</state><extension>7001</extension></User>")
	require.Error(t, err)
	require.Eventually(t, func() bool { return s.Agents()[0].Extension == "7001" }, 5*time.Second, time.Millisecond)
}

func TestHealTakesFaultsBack(t *testing.T) {
	s := start(t)
	d, w := readyAgent(t, s, "1001", "7001")
	inject(t, s, Fault{Kind: HTMLError, Count: 100})
	inject(t, s, Fault{Kind: DropEvent, Agent: "1001", Count: 100})
	s.Heal()
	d.state("NOT_READY")
	w.sees("U NOT_READY reason=-1")
}

func TestSlowRequestDoesNotHoldCloseUp(t *testing.T) {
	s := start(t)
	inject(t, s, Fault{Kind: SlowREST, Delay: time.Minute})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = as(t, s, "1001").try("GET", "/User/1001", "")
	}()
	require.Eventually(t, func() bool { // the request has taken the fault
		s.faults.mu.Lock()
		defer s.faults.mu.Unlock()
		return len(s.faults.waiting) == 0
	}, 5*time.Second, time.Millisecond)
	began := time.Now()
	s.Close()
	require.Less(t, time.Since(began), 30*time.Second)
	<-done
}

func TestRequestsAreRefusedOnPurpose(t *testing.T) {
	c := talking(t)
	boss, ws := signedInSupervisor(t, c.s)
	refuse := func(agent gc.AgentID, request string, more ...func(*Fault)) {
		f := Fault{Kind: RefuseRequest, Agent: agent, Request: request, Type: "Call Operation Failure", Message: "CF_RESOURCE_OUT_OF_SERVICE", Data: "34"}
		for _, m := range more {
			m(&f)
		}
		inject(t, c.s, f)
	}
	const failed = " Call Operation Failure CF_RESOURCE_OUT_OF_SERVICE 34 re=x"
	expect := func(w *watcher, line, node, source string) {
		t.Helper()
		n := w.next()
		require.Equal(t, line+failed, n.line())
		require.Equal(t, node+" "+source, n.node+" "+n.parse().Source)
	}
	t.Run("a state", func(t *testing.T) {
		refuse("1002", "NOT_READY")
		c.a.state("NOT_READY") // of another agent
		c.wa.sees("U TALKING >NOT_READY")
		c.b.accepted("PUT", "/User/1002", "<User><state>NOT_READY</state></User>", "requestId", "x")
		expect(c.wb, "E put", userURI("1002"), userURI("1002"))
		require.Equal(t, gc.Ready, c.s.agent("1002").State)
		c.b.state("NOT_READY") // once only
		c.wb.sees("U NOT_READY reason=-1")
	})
	t.Run("a new call", func(t *testing.T) {
		refuse("1002", "MAKE_CALL")
		c.b.accepted("POST", "/User/1002/Dialogs", "<Dialog><requestedAction>MAKE_CALL</requestedAction></Dialog>", "requestId", "x") // not even looked at
		expect(c.wb, "E post", dialogsURI("1002"), dialogsURI("1002"))
	})
	t.Run("an action", func(t *testing.T) {
		refuse("", "HOLD") // anybody's
		c.a.act(first, "HOLD", "7001", "requestId", "x")
		expect(c.wa, "E put", dialogsURI("1001"), dialogURI(first))
		require.Equal(t, gc.Talking, c.s.agent("1001").State)
	})
	t.Run("a supervisor's request", func(t *testing.T) {
		refuse("2001", "READY")
		boss.force("1002", "READY", "requestId", "x")
		expect(ws, "E put", userURI("2001"), userURI("1002"))
	})
	t.Run("at once", func(t *testing.T) {
		refuse("1001", "RETRIEVE", func(f *Fault) { f.Status, f.Type = 400, "Invalid State" })
		a := c.a.do("PUT", "/Dialog/"+string(first), "<Dialog><requestedAction>RETRIEVE</requestedAction></Dialog>", "requestId", "x")
		require.Equal(t, 400, a.status)
		require.Equal(t, "x", a.header.Get("requestId"))
		require.Contains(t, a.body, "<ErrorType>Invalid State</ErrorType><ErrorData>34</ErrorData><ErrorMessage>CF_RESOURCE_OUT_OF_SERVICE</ErrorMessage>")
		c.wa.quiet()
	})
	t.Run("without the id of the request", func(t *testing.T) {
		refuse("1001", "RETRIEVE", func(f *Fault) { f.Anonymous = true })
		c.a.act(first, "RETRIEVE", "7001", "requestId", "x")
		require.Equal(t, "E put"+strings.TrimSuffix(failed, " re=x"), c.wa.next().line())
	})
	t.Run("of nothing that was asked for", func(t *testing.T) {
		require.NoError(t, c.s.Run(t.Context(), parse(t, `stray-error 1001 about /finesse/api/Dialog/5001_7_1 with "Call Operation Failure" CF_RESOURCE_OUT_OF_SERVICE 34`)))
		n := c.wa.next()
		require.Equal(t, "E put"+strings.TrimSuffix(failed, " re=x"), n.line())
		require.Equal(t, "/finesse/api/Dialog/5001_7_1", n.parse().Source)
	})
	t.Run("as often as told, until healed", func(t *testing.T) {
		refuse("1001", "HOLD", func(f *Fault) { f.Count = 3 })
		for range 2 {
			c.a.act(first, "HOLD", "7001", "requestId", "x")
			expect(c.wa, "E put", dialogsURI("1001"), dialogURI(first))
		}
		c.s.Heal()
		c.a.act(first, "HOLD", "7001")
		c.wa.skip("U HOLD >NOT_READY")
	})
}
