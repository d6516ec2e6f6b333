package simulator

import (
	"encoding/xml"
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
