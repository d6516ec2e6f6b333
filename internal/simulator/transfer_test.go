package simulator

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// In the tables of this file A is agent 1001 at 7001, B is 1002 at 7002, C is
// 1003 at 7003, S is supervisor 2001 at 7090, X is the customer and Y another
// outside party, K is who a campaign calls and P the port of its dialer. #1 is the call
// with X, #2 the consultation. Actions are shown where they are not those of
// the participant's state.

var parties = map[string]string{"4085551234": "X", "14085550000": "Y", "7001": "A", "7002": "B", "7003": "C", "7090": "S", "4085559876": "K", dialerPort: "P"}

// brief is an update in one line:
//
//	U STATE
//	D EVENT #ID [of #ASSOCIATED] [was #SECONDARY] DIALOG-STATE CALLTYPE PARTY=STATE[/CAUSE][+ACTION|(ACTION…)]…
//
// + is an action beyond those of the state, ( ) are all where some of those are
// missing.
func (n note) brief() string {
	p := n.parse()
	d := p.Joined
	if d == nil {
		d = p.Changed
	}
	if d == nil {
		return n.line()
	}
	parts := []string{"D", p.Event, call(string(d.ID))}
	if d.AssociatedDialogURI != "" {
		parts = append(parts, "of "+call(strings.TrimPrefix(d.AssociatedDialogURI, dialogURI(""))))
	}
	if d.SecondaryID != "" {
		parts = append(parts, "was "+call(string(d.SecondaryID)))
	}
	parts = append(parts, string(d.State), d.MediaProperties.CallType)
	for _, party := range d.Participants {
		parts = append(parts, briefParty(party))
	}
	if p.RequestID != "" {
		parts = append(parts, "re="+p.RequestID)
	}
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

func call(id string) string { return "#" + strings.TrimLeft(strings.TrimPrefix(id, "1687"), "0") }

func briefParty(p participantXML) string {
	s := cmp.Or(parties[p.MediaAddress], p.MediaAddress) + "=" + string(p.State)
	if p.StateCause != "" {
		s += "/" + p.StateCause
	}
	offered, usual := p.Actions.Action, actionsIn[p.State]
	if len(offered) < len(usual) || !slices.Equal(offered[:len(usual)], usual) {
		return s + strings.NewReplacer("[", "(", "]", ")").Replace(fmt.Sprint(offered))
	}
	for _, a := range offered[len(usual):] {
		s += "+" + string(a)
	}
	return s
}

func (w *watcher) seesBrief(lines ...string) {
	w.t.Helper()
	var got []string
	for range lines {
		select {
		case n, ok := <-w.notes:
			require.True(w.t, ok, "the stream ended")
			got = append(got, n.brief())
		case <-time.After(5 * time.Second):
			require.Equal(w.t, strings.Join(lines, "\n"), strings.Join(got, "\n"), "a notification is missing")
		}
	}
	require.Equal(w.t, strings.Join(lines, "\n"), strings.Join(got, "\n"))
}

// views are what two agents see: a's in the first column, b's in the second.
func views(a, b *watcher, rows ...[2]string) {
	a.t.Helper()
	for i, w := range []*watcher{a, b} {
		var lines []string
		for _, row := range rows {
			if row[i] != "" {
				lines = append(lines, row[i])
			}
		}
		w.seesBrief(lines...)
		w.quiet()
	}
}

// skip reads what another test compares, up to and including last.
func (w *watcher) skip(last string) {
	w.t.Helper()
	for range 20 {
		if w.next().brief() == last {
			return
		}
	}
	require.Fail(w.t, "not seen", last)
}

func (d *driver) actTo(id gc.DialogID, action, extension, to string, header ...string) {
	d.t.Helper()
	d.accepted("PUT", "/Dialog/"+string(id), "<Dialog><targetMediaAddress>"+extension+"</targetMediaAddress><requestedAction>"+action+
		"</requestedAction><toAddress>"+to+"</toAddress></Dialog>", header...)
}

func (d *driver) dialog(id gc.DialogID) dialogXML {
	d.t.Helper()
	a := d.do("GET", "/Dialog/"+string(id), "")
	require.Equal(d.t, 200, a.status, a.body)
	var x dialogXML
	require.NoError(d.t, xml.Unmarshal([]byte(a.body), &x))
	return x
}

const (
	first  gc.DialogID = "16870001"
	second gc.DialogID = "16870002"
)

// scene is A talking to X, and B who is READY.
type scene struct {
	s      *Simulator
	a, b   *driver
	wa, wb *watcher
}

func talking(t *testing.T, change ...func(*Options)) *scene {
	t.Helper()
	return talkingTo(t, "4085551234", change...)
}

func talkingTo(t *testing.T, caller string, change ...func(*Options)) *scene {
	t.Helper()
	s := start(t, change...)
	c := &scene{s: s}
	c.a, c.wa = readyAgent(t, s, "1001", "7001")
	c.b, c.wb = readyAgent(t, s, "1002", "7002")
	require.Equal(t, first, place(t, s, "1001", Call{From: caller, Variables: map[string]string{"callVariable1": "gold"}}))
	ringAndAnswer(t, c.a, c.wa, first)
	return c
}

// consulting is A consulting B about the call of X.
func consulting(t *testing.T, change ...func(*Options)) *scene {
	t.Helper()
	c := talking(t, change...)
	c.consult(t)
	return c
}

func (c *scene) consult(t *testing.T) {
	t.Helper()
	c.a.actTo(first, "CONSULT_CALL", "7001", "7002")
	require.Equal(t, second, c.wb.next().parse().Joined.ID)
	c.b.act(second, "ANSWER", "7002")
	c.wb.skip("U TALKING")
	c.wa.skip("U TALKING")
}

func TestConsultation(t *testing.T) {
	c := talking(t)
	c.a.actTo(first, "CONSULT_CALL", "7001", "7002", "requestId", "c1")
	c.wa.seesBrief(
		"D PUT #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=HELD re=c1",
		"U HOLD",
		"D POST #2 of #1 INITIATING CONSULT A=INITIATING",
		"D PUT #2 of #1 INITIATED CONSULT A=INITIATED",
		"D PUT #2 of #1 ALERTING CONSULT A=INITIATED B=ALERTING",
	)
	ringing := c.wb.next()
	require.Equal(t, "D POST #2 of #1 ALERTING CONSULT_OFFERED A=INITIATED B=ALERTING", ringing.brief())
	require.Equal(t, "gold", valueOf(ringing.parse().Joined, "callVariable1"), "call data goes along")
	c.b.act(second, "ANSWER", "7002")
	views(c.wa, c.wb,
		[2]string{"D PUT #2 of #1 ACTIVE CONSULT A=ACTIVE B=ACTIVE", "D PUT #2 of #1 ACTIVE CONSULT_OFFERED A=ACTIVE B=ACTIVE"},
		[2]string{"U TALKING", "U TALKING"},
	)
	held := c.a.dialog(first)
	require.Equal(t, []action{updateCallData, drop, retrieve, transfer, conference}, held.Participants[1].Actions.Action)
	require.NotContains(t, c.b.dialog(second).Participants[1].Actions.Action, transfer)

	c.a.act(second, "DROP", "7001")
	views(c.wa, c.wb,
		[2]string{"D PUT #2 of #1 DROPPED CONSULT A=DROPPED B=DROPPED", "D PUT #2 of #1 DROPPED CONSULT_OFFERED A=DROPPED B=DROPPED"},
		[2]string{"D DELETE #2 of #1 DROPPED CONSULT A=DROPPED B=DROPPED", "D DELETE #2 of #1 DROPPED CONSULT_OFFERED A=DROPPED B=DROPPED"},
		[2]string{"U HOLD", "U READY"},
	)
	require.NotContains(t, c.a.dialog(first).Participants[1].Actions.Action, transfer)
	c.a.act(first, "RETRIEVE", "7001")
	c.wa.seesBrief("D PUT #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=ACTIVE", "U TALKING")
}

func TestConsultationOfANumberThatFails(t *testing.T) {
	c := talking(t)
	c.a.actTo(first, "CONSULT_CALL", "7001", "5550001")
	c.wa.seesBrief(
		"D PUT #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=HELD",
		"U HOLD",
		"D POST #2 of #1 INITIATING CONSULT A=INITIATING",
		"D PUT #2 of #1 INITIATED CONSULT A=INITIATED",
		"D PUT #2 of #1 FAILED CONSULT A=FAILED/BUSY",
	)
	c.a.act(second, "DROP", "7001")
	c.wa.seesBrief("D PUT #2 of #1 DROPPED CONSULT A=DROPPED/BUSY", "D DELETE #2 of #1 DROPPED CONSULT A=DROPPED/BUSY")
	c.wa.quiet()
}

func TestTransfer(t *testing.T) {
	c := consulting(t)
	c.a.act(first, "TRANSFER", "7001")
	views(c.wa, c.wb,
		[2]string{"D DELETE #1 was #2 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=DROPPED/OTHER B=ACTIVE", ""},
		[2]string{"D DELETE #2 of #1 DROPPED CONSULT A=DROPPED/OTHER B=DROPPED/OTHER", "D DELETE #2 of #1 DROPPED CONSULT_OFFERED A=DROPPED/OTHER B=DROPPED/OTHER"},
		[2]string{"", "D POST #1 was #2 ACTIVE TRANSFER X=ACTIVE A=DROPPED/OTHER B=ACTIVE"},
		[2]string{"U READY", ""},
	)
	require.Equal(t, 404, c.b.do("GET", "/Dialog/"+string(second), "").status)
	c.b.act(first, "HOLD", "7002")
	c.wb.seesBrief("D PUT #1 was #2 ACTIVE TRANSFER X=ACTIVE B=HELD", "U HOLD")
	c.b.act(first, "DROP", "7002")
	c.wb.seesBrief("D DELETE #1 was #2 ACTIVE TRANSFER X=ACTIVE B=DROPPED", "U READY")
	c.wa.quiet()
}

func TestTransferOfACallTheCallerEnds(t *testing.T) {
	c := consulting(t)
	c.a.act(first, "TRANSFER", "7001")
	c.wb.next()
	c.wb.next()
	require.NoError(t, c.s.HangUp(first))
	c.wb.seesBrief("D PUT #1 was #2 ACTIVE TRANSFER X=DROPPED B=ACTIVE", "D DELETE #1 was #2 DROPPED TRANSFER X=DROPPED B=DROPPED", "U READY")
}

func TestTransferToAnOutsideParty(t *testing.T) {
	c := talking(t)
	c.a.actTo(first, "CONSULT_CALL", "7001", "14085550000")
	c.wa.skip("U TALKING")
	c.a.act(first, "TRANSFER", "7001")
	c.wa.seesBrief(
		"D DELETE #1 was #2 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=DROPPED/OTHER Y=ACTIVE",
		"D DELETE #2 of #1 DROPPED CONSULT A=DROPPED/OTHER Y=DROPPED/OTHER",
		"U READY",
	)
	require.ErrorContains(t, c.s.HangUp(first), "there is no call", "nobody of the contact centre is left")
}

func TestTheCallThatIsHeldSurvives(t *testing.T) {
	c := consulting(t)
	c.a.act(first, "RETRIEVE", "7001") // back to X; B waits
	c.wa.seesBrief(
		"D PUT #2 of #1 ACTIVE CONSULT A=HELD B=ACTIVE",
		"U HOLD",
		"D PUT #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=ACTIVE",
		"U TALKING",
	)
	c.wb.next()
	c.a.act(second, "TRANSFER", "7001")
	views(c.wa, c.wb,
		[2]string{"D DELETE #2 of #1 was #1 ACTIVE CONSULT A=DROPPED/OTHER B=ACTIVE X=ACTIVE", "D PUT #2 of #1 was #1 ACTIVE CONSULT_OFFERED A=DROPPED/OTHER B=ACTIVE X=ACTIVE"},
		[2]string{"D DELETE #1 DROPPED PREROUTE_ACD_IN X=DROPPED/OTHER A=DROPPED/OTHER", ""},
		[2]string{"U READY", ""},
	)
	require.Len(t, c.b.dialog(second).Participants, 2)
}

func TestTheOriginalCallIsRetrievedWhileBRings(t *testing.T) {
	c := talking(t)
	c.a.actTo(first, "CONSULT_CALL", "7001", "7002")
	c.wa.skip("D PUT #2 of #1 ALERTING CONSULT A=INITIATED B=ALERTING")
	c.a.act(first, "RETRIEVE", "7001")
	c.wa.seesBrief("D PUT #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=ACTIVE", "U TALKING")
	c.b.act(second, "ANSWER", "7002")
	c.wa.seesBrief(
		"D PUT #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=HELD",
		"U HOLD",
		"D PUT #2 of #1 ACTIVE CONSULT A=ACTIVE B=ACTIVE",
		"U TALKING",
	)
}

func TestTheConsultationThatSurvivesIsTheCustomersCall(t *testing.T) {
	c := talkingTo(t, "", mode(WrapUpRequired))
	c.consult(t)
	c.a.act(first, "RETRIEVE", "7001")
	c.wa.skip("U TALKING")
	c.wb.next() // A held
	c.a.act(second, "TRANSFER", "7001")
	c.wa.seesBrief(
		"D PUT #2 of #1 was #1 ACTIVE CONSULT A=WRAP_UP B=ACTIVE",
		"D DELETE #1 DROPPED PREROUTE_ACD_IN A=DROPPED/OTHER",
		"U WORK_READY",
	)
	c.wb.next()
	require.NoError(t, c.s.HangUp(second), "the customer is there, unseen")
	c.wb.seesBrief("D PUT #2 of #1 was #1 ACTIVE CONSULT_OFFERED A=WRAP_UP B=WRAP_UP", "U WORK_READY")
	require.ErrorContains(t, c.s.HangUp(second), "nobody outside")
}

func TestJoiningIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		scene func(*testing.T) *scene
		on    gc.DialogID
	}{
		"without a consultation": {func(t *testing.T) *scene { return talking(t) }, first},
		"before B answers": {func(t *testing.T) *scene {
			c := talking(t)
			c.a.actTo(first, "CONSULT_CALL", "7001", "7002")
			c.wa.skip("D PUT #2 of #1 ALERTING CONSULT A=INITIATED B=ALERTING")
			return c
		}, first},
		"on the consultation": {func(t *testing.T) *scene { return consulting(t) }, second},
		"on a call that is not held any more": {func(t *testing.T) *scene {
			c := consulting(t)
			c.a.act(first, "RETRIEVE", "7001")
			c.wa.skip("U TALKING")
			return c
		}, first},
	} {
		for _, action := range []string{"TRANSFER", "CONFERENCE"} {
			t.Run(action+" "+name, func(t *testing.T) {
				now := c.scene(t)
				now.a.act(c.on, action, "7001", "requestId", "9")
				now.wa.seesBrief("E put Generic Error INVALID_ACTION " + action + " on extension 7001 7001 re=9")
				now.wa.quiet()
			})
		}
	}
	t.Run("a second consultation at a time", func(t *testing.T) {
		c := consulting(t)
		c.a.actTo(second, "CONSULT_CALL", "7001", "7003")
		c.wa.seesBrief("E put Generic Error INVALID_ACTION CONSULT_CALL on extension 7001 7001")
	})
	t.Run("a consultation while another call has the busy tone", func(t *testing.T) {
		c := talking(t)
		c.a.dial("7001", "5550001")
		c.wa.skip("D PUT #2 FAILED OUT A=FAILED/BUSY")
		c.a.act(first, "RETRIEVE", "7001")
		c.wa.skip("U TALKING")
		c.a.actTo(first, "CONSULT_CALL", "7001", "7002")
		c.wa.seesBrief("E put Generic Error INVALID_ACTION CONSULT_CALL on extension 7001 7001")
	})
	t.Run("a consultation from a held call", func(t *testing.T) {
		c := consulting(t)
		c.a.actTo(first, "CONSULT_CALL", "7001", "7003")
		c.wa.seesBrief("E put Generic Error INVALID_ACTION CONSULT_CALL on extension 7001 7001")
	})
}

// conferring is A, B and X in one call.
func conferring(t *testing.T, change ...func(*Options)) *scene {
	t.Helper()
	c := consulting(t, change...)
	c.a.act(first, "CONFERENCE", "7001")
	c.wa.next()
	c.wa.next()
	c.wb.next()
	c.wb.next()
	return c
}

func TestConference(t *testing.T) {
	c := consulting(t)
	c.a.act(first, "CONFERENCE", "7001", "requestId", "k")
	views(c.wa, c.wb,
		[2]string{"D PUT #1 was #2 ACTIVE CONFERENCE X=ACTIVE A=ACTIVE B=ACTIVE re=k", ""},
		[2]string{"D DELETE #2 of #1 DROPPED CONSULT A=DROPPED/OTHER B=DROPPED/OTHER", "D DELETE #2 of #1 DROPPED CONSULT_OFFERED A=DROPPED/OTHER B=DROPPED/OTHER"},
		[2]string{"", "D POST #1 was #2 ACTIVE CONFERENCE X=ACTIVE A=ACTIVE B=ACTIVE"},
	)
}

func TestAConferenceGoesOnWhileTwoTalk(t *testing.T) {
	const call = " #1 was #2 ACTIVE CONFERENCE "
	t.Run("without the agent who made it", func(t *testing.T) {
		c := conferring(t)
		c.a.act(first, "DROP", "7001")
		views(c.wa, c.wb,
			[2]string{"D DELETE" + call + "X=ACTIVE A=DROPPED B=ACTIVE", "D PUT" + call + "X=ACTIVE A=DROPPED B=ACTIVE"},
			[2]string{"U READY", ""},
		)
		c.b.act(first, "HOLD", "7002")
		c.wb.seesBrief("D PUT"+call+"X=ACTIVE B=HELD", "U HOLD")
	})
	t.Run("without the agent who was asked", func(t *testing.T) {
		c := conferring(t)
		c.b.act(first, "DROP", "7002")
		views(c.wa, c.wb,
			[2]string{"D PUT" + call + "X=ACTIVE A=ACTIVE B=DROPPED", "D DELETE" + call + "X=ACTIVE A=ACTIVE B=DROPPED"},
			[2]string{"", "U READY"},
		)
		c.a.act(first, "DROP", "7001")
		c.wa.seesBrief("D DELETE"+call+"X=ACTIVE A=DROPPED", "U READY")
	})
	t.Run("without the customer, until one of the agents leaves", func(t *testing.T) {
		c := conferring(t)
		require.NoError(t, c.s.HangUp(first))
		views(c.wa, c.wb,
			[2]string{"D PUT" + call + "X=DROPPED A=ACTIVE B=ACTIVE", "D PUT" + call + "X=DROPPED A=ACTIVE B=ACTIVE"},
		)
		require.ErrorContains(t, c.s.HangUp(first), "nobody outside")
		c.a.act(first, "DROP", "7001")
		const end = " #1 was #2 DROPPED CONFERENCE A=DROPPED B=DROPPED"
		views(c.wa, c.wb,
			[2]string{"D PUT" + end, "D PUT" + end},
			[2]string{"D DELETE" + end, "D DELETE" + end},
			[2]string{"U READY", "U READY"},
		)
	})
	t.Run("with a customer who withholds the number", func(t *testing.T) {
		c := talkingTo(t, "")
		c.consult(t)
		c.a.act(first, "CONFERENCE", "7001")
		c.wa.seesBrief("D PUT"+call+"A=ACTIVE B=ACTIVE", "D DELETE #2 of #1 DROPPED CONSULT A=DROPPED/OTHER B=DROPPED/OTHER")
		c.a.act(first, "DROP", "7001")
		c.wa.seesBrief("D DELETE"+call+"A=DROPPED B=ACTIVE", "U READY")
		require.NoError(t, c.s.HangUp(first))
		c.wb.skip("U READY")
	})
	t.Run("a customer who withholds the number leaves unseen", func(t *testing.T) {
		c := talkingTo(t, "")
		c.consult(t)
		c.a.act(first, "CONFERENCE", "7001")
		c.wa.next()
		c.wa.next()
		require.NoError(t, c.s.HangUp(first))
		c.wa.quiet()
		require.ErrorContains(t, c.s.HangUp(first), "nobody outside")
	})
}

func TestOnlyWhoMadeAConferenceAddsToIt(t *testing.T) {
	c := conferring(t)
	_, wc := readyAgent(t, c.s, "1003", "7003")
	c.b.actTo(first, "CONSULT_CALL", "7002", "14085550000")
	c.wb.skip("U TALKING")
	c.b.act(first, "CONFERENCE", "7002")
	c.wb.seesBrief("E put Generic Error Not the conference controller 20999")

	c.b.act("16870003", "DROP", "7002")
	c.b.act(first, "RETRIEVE", "7002")
	c.wb.skip("U TALKING")
	c.wa.next() // B held
	c.wa.next() // B is back
	c.a.actTo(first, "CONSULT_CALL", "7001", "7003")
	wc.next()
	as(t, c.s, "1003").act("16870004", "ANSWER", "7003")
	wc.skip("U TALKING")
	c.wa.skip("U TALKING")
	c.wb.next() // A held
	c.a.act(first, "CONFERENCE", "7001")
	views(c.wb, wc,
		[2]string{"", "D DELETE #4 of #1 DROPPED CONSULT_OFFERED A=DROPPED/OTHER C=DROPPED/OTHER"},
		[2]string{"D PUT #1 was #4 ACTIVE CONFERENCE X=ACTIVE A=ACTIVE B=ACTIVE C=ACTIVE", "D POST #1 was #4 ACTIVE CONFERENCE X=ACTIVE A=ACTIVE B=ACTIVE C=ACTIVE"},
	)
}

// fullConference is A, X and as many outside parties as there may be.
func fullConference(t *testing.T) *scene {
	t.Helper()
	c := talking(t)
	for n := range maxParties - 2 {
		consultation := gc.DialogID(fmt.Sprint(16870002 + n))
		c.a.actTo(first, "CONSULT_CALL", "7001", fmt.Sprint(14085550001+n))
		c.wa.skip("U TALKING")
		c.a.act(first, "CONFERENCE", "7001")
		require.Contains(t, c.wa.next().brief(), "D PUT #1 was "+call(string(consultation)))
		c.wa.next()
	}
	return c
}

func TestAConferenceHasALimit(t *testing.T) {
	c := fullConference(t)
	c.a.actTo(first, "CONSULT_CALL", "7001", "14085550000")
	c.wa.skip("U TALKING")
	c.a.act(first, "CONFERENCE", "7001")
	c.wa.seesBrief("E put Generic Error INVALID_ACTION CONFERENCE on extension 7001 7001")
}

func TestSingleStepTransferToAnAgent(t *testing.T) {
	c := talking(t)
	c.a.actTo(first, "TRANSFER_SST", "7001", "7002", "requestId", "s")
	views(c.wa, c.wb,
		[2]string{"D PUT #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=HELD re=s", ""},
		[2]string{"U HOLD", ""},
		[2]string{"D DELETE #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=DROPPED/OTHER", ""},
		[2]string{"D DELETE #2 DROPPED A=DROPPED/OTHER", ""}, // inside the switch, never seen before
		[2]string{"U READY", "D POST #1 ACTIVE TRANSFER X=ACTIVE A=DROPPED/OTHER B=ALERTING"},
	)
	c.b.act(first, "ANSWER", "7002")
	c.wb.seesBrief("D PUT #1 ACTIVE TRANSFER X=ACTIVE B=ACTIVE", "U TALKING")
	c.b.act(first, "DROP", "7002")
	c.wb.seesBrief("D DELETE #1 ACTIVE TRANSFER X=ACTIVE B=DROPPED", "U READY")
}

func TestSingleStepTransferToAnOutsideParty(t *testing.T) {
	c := talking(t)
	c.a.actTo(first, "TRANSFER_SST", "7001", "14085550000")
	c.wa.seesBrief(
		"D PUT #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=HELD",
		"U HOLD",
		"D DELETE #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=DROPPED/OTHER",
		"D DELETE #2 DROPPED A=DROPPED/OTHER",
		"U READY",
	)
	c.wa.quiet()
	require.Equal(t, 404, c.a.do("GET", "/Dialog/"+string(first), "").status)
}

func TestSingleStepTransferFromACallBetweenAgents(t *testing.T) {
	s := start(t)
	a, wa := readyAgent(t, s, "1001", "7001")
	b, wb := readyAgent(t, s, "1002", "7002")
	a.dial("7001", "7002")
	wb.next()
	b.act(first, "ANSWER", "7002")
	wb.skip("U TALKING")
	wa.skip("U TALKING")
	a.actTo(first, "TRANSFER_SST", "7001", "14085550000")
	wb.seesBrief(
		"D PUT #1 ACTIVE OTHER_IN A=HELD B=ACTIVE",
		"D PUT #1 ACTIVE OTHER_IN A=DROPPED/OTHER B=ACTIVE Y=ACTIVE",
	)
	require.NoError(t, s.HangUp(first))
	wb.seesBrief("D PUT #1 DROPPED OTHER_IN B=DROPPED Y=DROPPED", "D DELETE #1 DROPPED OTHER_IN B=DROPPED Y=DROPPED", "U READY")
}

func TestSingleStepTransferThatNobodyTakes(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *scene){
		"until the time is over":      func(*testing.T, *scene) {},
		"until the customer gives up": func(t *testing.T, c *scene) { require.NoError(t, c.s.HangUp(first)) },
	} {
		t.Run(name, func(t *testing.T) {
			c := talking(t, func(o *Options) {
				if name == "until the time is over" {
					o.RingTimeout = time.Second
				}
			})
			c.a.actTo(first, "TRANSFER_SST", "7001", "7002")
			c.wb.seesBrief("D POST #1 ACTIVE TRANSFER X=ACTIVE A=DROPPED/OTHER B=ALERTING")
			end(t, c)
			c.wb.seesBrief("D DELETE #1 ACTIVE TRANSFER X=ACTIVE B=DROPPED")
			c.wb.quiet()
			require.Equal(t, gc.Ready, c.s.Agents()[1].State)
		})
	}
}

func TestSingleStepTransferThatFailsLeavesTheCall(t *testing.T) {
	for number, want := range map[string]string{
		"5550001": "CF_RESOURCE_BUSY 33", "5550002": "CF_INVALID_DESTINATION 14", "5550003": "CF_GENERIC_OPERATION 1",
		"5550004": "CF_RESOURCE_OUT_OF_SERVICE 34", "7999": "CF_INVALID_DESTINATION 14",
	} {
		t.Run(number, func(t *testing.T) {
			c := talking(t)
			c.a.actTo(first, "TRANSFER_SST", "7001", number, "requestId", "s")
			c.wa.seesBrief("E put Call Operation Failure " + want + " re=s")
			c.wa.quiet()
			require.Equal(t, gc.Talking, c.s.Agents()[0].State)
		})
	}
}
