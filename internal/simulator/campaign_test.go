package simulator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// The tables are written as in transfer_test.go. #1 is the reservation, #2 the
// call to the customer.

const offered = "P=INITIATED A=ALERTING(ACCEPT CLOSE REJECT)"

var customer = CampaignCall{Customer: "4085559876", Account: "4711", Name: "Curie, Marie", Variables: map[string]string{"callVariable1": "gold"}}

func (s *Simulator) mustCampaign(t *testing.T, agent gc.AgentID, c CampaignCall) gc.DialogID {
	t.Helper()
	id, err := s.Campaign(agent, c)
	require.NoError(t, err)
	return id
}

// previewing is A with a reservation.
func previewing(t *testing.T, c CampaignCall, change ...func(*Options)) (*Simulator, *driver, *watcher) {
	t.Helper()
	s := start(t, change...)
	a, wa := readyAgent(t, s, "1001", "7001")
	require.Equal(t, first, s.mustCampaign(t, "1001", c))
	wa.skip("D PUT #1 ALERTING OUTBOUND_PREVIEW " + offered)
	return s, a, wa
}

func TestPreviewIsAccepted(t *testing.T) {
	s := start(t)
	a, wa := readyAgent(t, s, "1001", "7001")
	require.Equal(t, first, s.mustCampaign(t, "1001", customer))
	wa.seesBrief("U RESERVED_OUTBOUND_PREVIEW")
	provisional := wa.next()
	require.Equal(t, "D POST #1 ALERTING OTHER_IN "+offered, provisional.brief())
	require.Equal(t, "(none)", valueOf(provisional.parse().Joined, "BACampaign"))
	n := wa.next()
	require.Equal(t, "D PUT #1 ALERTING OUTBOUND_PREVIEW "+offered, n.brief())
	d := n.parse().Changed
	require.Equal(t, []string{dialerPort, "7001", "4085559876"}, []string{d.FromAddress, d.ToAddress, d.CallbackNumber})
	for name, want := range map[string]string{
		"BACampaign": "Spring", "BAAccountNumber": "4711", "BAStatus": "PREVIEW_OUTBOUND_RESERVATION", "BABuddyName": "Curie, Marie",
		"BAResponse": "", "BADialedListID": "1", "BATimeZone": "0", "callVariable1": "gold",
	} {
		require.Equal(t, want, valueOf(d, name), name)
	}

	a.act(first, "ACCEPT", "7001", "requestId", "p1")
	wa.seesBrief(
		"D PUT #1 ACCEPTED OUTBOUND_PREVIEW P=INITIATED A=ACCEPTED re=p1",
		"D DELETE #1 ACCEPTED OUTBOUND_PREVIEW P=INITIATED A=DROPPED",
	)
	n = wa.next()
	require.Equal(t, "D POST #2 of #1 INITIATED OUTBOUND A=INITIATED", n.brief())
	d = n.parse().Joined
	require.Equal(t, []string{"7001", "4085559876", "PREVIEW_OUTBOUND"}, []string{d.FromAddress, d.ToAddress, valueOf(d, "BAStatus")})
	wa.seesBrief(
		"D PUT #2 of #1 ALERTING OUTBOUND A=INITIATED K=ALERTING",
		"D PUT #2 of #1 ACTIVE OUTBOUND A=ACTIVE K=ACTIVE",
		"U TALKING",
	)
	a.act(second, "DROP", "7001")
	wa.seesBrief("D PUT #2 of #1 DROPPED OUTBOUND A=DROPPED K=DROPPED", "D DELETE #2 of #1 DROPPED OUTBOUND A=DROPPED K=DROPPED", "U READY")
	wa.quiet()
}

func TestPreviewIsDeclined(t *testing.T) {
	for _, action := range []string{"REJECT", "CLOSE"} {
		t.Run(action, func(t *testing.T) {
			s, a, wa := previewing(t, customer)
			a.act(first, action, "7001")
			wa.seesBrief("D DELETE #1 ALERTING OUTBOUND_PREVIEW P=INITIATED A=DROPPED", "U READY")
			wa.quiet()
			require.Equal(t, 404, a.do("GET", "/Dialog/"+string(first), "").status)
			require.ErrorContains(t, s.HangUp(first), "there is no call")
		})
	}
	t.Run("then a pending state comes true", func(t *testing.T) {
		_, a, wa := previewing(t, customer)
		a.state("NOT_READY")
		wa.seesBrief("U RESERVED_OUTBOUND_PREVIEW >NOT_READY")
		a.act(first, "REJECT", "7001")
		wa.seesBrief("D DELETE #1 ALERTING OUTBOUND_PREVIEW P=INITIATED A=DROPPED", "U NOT_READY reason=-1")
	})
}

func TestAReservationOffersNothingElse(t *testing.T) {
	_, a, wa := previewing(t, customer)
	for _, action := range []string{"ANSWER", "HOLD", "DROP"} {
		a.act(first, action, "7001", "requestId", "r")
		wa.seesBrief("E put Generic Error INVALID_ACTION " + action + " on extension 7001 7001 re=r")
	}
	a.actTo(first, "CONSULT_CALL", "7001", "14085550000")
	wa.seesBrief("E put Generic Error INVALID_ACTION CONSULT_CALL on extension 7001 7001")
	a.act(first, "ACCEPT", "7001")
	wa.skip("U TALKING")
	a.act(second, "ACCEPT", "7001") // no reservation any more
	wa.seesBrief("E put Generic Error INVALID_ACTION ACCEPT on extension 7001 7001")
}

func TestPreviewThatNobodyLooksAt(t *testing.T) {
	s, _, wa := previewing(t, customer, func(o *Options) { o.RingTimeout = 100 * time.Millisecond })
	wa.seesBrief("D DELETE #1 ALERTING OUTBOUND_PREVIEW P=INITIATED A=DROPPED", "U NOT_READY reason=-1")
	require.Equal(t, callNotAnswered, s.agent("1001").SystemReason)
}

func TestTheDialerTakesAPreviewBack(t *testing.T) {
	t.Run("once it is shown", func(t *testing.T) {
		s, _, wa := previewing(t, customer)
		require.NoError(t, s.HangUp(first))
		wa.seesBrief("D DELETE #1 ALERTING OUTBOUND_PREVIEW P=INITIATED A=DROPPED", "U READY")
	})
	t.Run("before", func(t *testing.T) {
		s := start(t, func(o *Options) { o.MinDelay, o.MaxDelay = time.Hour, time.Hour })
		s.under(func(b *switchboard) { b.signIn(origin{user: b.users[0]}, "7001", nil) })
		s.under(func(b *switchboard) { b.changeState(origin{user: b.users[0]}, stance{state: gc.Ready}) })
		require.NoError(t, s.HangUp(s.mustCampaign(t, "1001", customer)))
		require.Equal(t, gc.Ready, s.agent("1001").State)
	})
}

func (s *Simulator) under(f func(*switchboard)) {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	f(s.board)
}

func TestTheCustomerOfAPreviewCanNotBeReached(t *testing.T) {
	_, a, wa := previewing(t, CampaignCall{Customer: "5550001"})
	a.act(first, "ACCEPT", "7001")
	wa.skip("D PUT #2 of #1 FAILED OUTBOUND A=FAILED/BUSY")
	wa.quiet()
	a.act(second, "DROP", "7001")
	wa.seesBrief("D PUT #2 of #1 DROPPED OUTBOUND A=DROPPED/BUSY", "D DELETE #2 of #1 DROPPED OUTBOUND A=DROPPED/BUSY", "U READY")
}

func TestCampaignWithoutPreview(t *testing.T) {
	for _, mode := range []CampaignMode{Predictive, Progressive} {
		t.Run(string(mode), func(t *testing.T) {
			c := customer
			c.Mode = mode
			s := start(t)
			a, wa := readyAgent(t, s, "1001", "7001")
			require.Equal(t, first, s.mustCampaign(t, "1001", c))
			wa.seesBrief("U RESERVED_OUTBOUND")
			n := wa.next()
			require.Equal(t, "D POST #1 ALERTING OUTBOUND A=ALERTING K=ACTIVE", n.brief())
			d := n.parse().Joined
			require.Equal(t, []string{"7001", "4085559876", string(mode) + "_OUTBOUND"}, []string{d.FromAddress, d.ToAddress, valueOf(d, "BAStatus")})
			wa.seesBrief("D PUT #1 ACTIVE OUTBOUND A=ACTIVE K=ACTIVE", "U TALKING")
			a.act(first, "HOLD", "7001")
			wa.seesBrief("D PUT #1 ACTIVE OUTBOUND A=HELD K=ACTIVE", "U HOLD")
			require.NoError(t, s.HangUp(first))
			wa.seesBrief("D PUT #1 DROPPED OUTBOUND A=DROPPED K=DROPPED", "D DELETE #1 DROPPED OUTBOUND A=DROPPED K=DROPPED", "U READY")
		})
	}
}

func TestCampaignIsRefusedWithTheReason(t *testing.T) {
	s := start(t)
	readyAgent(t, s, "1001", "7001")
	for name, c := range map[string]struct {
		agent gc.AgentID
		call  CampaignCall
		want  string
	}{
		"unknown agent":     {"9999", customer, `agent "9999" is not known`},
		"the administrator": {"admin", customer, `agent "admin" is not known`},
		"signed out":        {"1002", customer, "agent 1002 is not signed in"},
		"unknown mode":      {"1001", CampaignCall{Customer: "4085559876", Mode: "MAGIC"}, `mode "MAGIC" is not known`},
		"an extension":      {"1001", CampaignCall{Customer: "7002"}, `customer "7002" is not an outside number`},
		"a long name":       {"1001", CampaignCall{Customer: "4085559876", Name: string(make([]byte, 41))}, "longer than 40 bytes"},
		"campaign's data":   {"1001", CampaignCall{Customer: "4085559876", Variables: map[string]string{"BAStatus": "x"}}, "is not a call variable"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Campaign(c.agent, c.call)
			require.ErrorContains(t, err, c.want)
		})
	}
}
