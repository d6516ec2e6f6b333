package simulator

import (
	"encoding/xml"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// The tables are written as in transfer_test.go.

func mode(m WrapUp) func(*Options) { return func(o *Options) { o.WrapUp = m } }

func TestWrapUpAfterACDCalls(t *testing.T) {
	const inbound = "#1 ACTIVE PREROUTE_ACD_IN "
	agentEnds := []string{"D PUT " + inbound + "X=ACTIVE A=WRAP_UP", "D PUT " + inbound + "X=DROPPED A=WRAP_UP"}
	callerEnds := []string{"D PUT " + inbound + "X=DROPPED A=WRAP_UP"}
	const gone = "D DELETE #1 DROPPED PREROUTE_ACD_IN X=DROPPED A=DROPPED"
	for name, c := range map[string]struct {
		mode      WrapUp
		ask       string // during the call
		pending   string // shown during the call
		callerEnd bool
		work      string // the state of wrap-up
		end       string // request, "" for the timer
		after     string
	}{
		"required, the agent hangs up":                 {WrapUpRequired, "", "", false, "U WORK_READY", "READY", "U READY"},
		"required, the caller hangs up":                {WrapUpRequired, "", "", true, "U WORK_READY", "NOT_READY", "U NOT_READY reason=-1"},
		"required, NOT_READY pending":                  {WrapUpRequired, "NOT_READY", "NOT_READY", true, "U WORK >NOT_READY", "READY", "U READY"},
		"required, ended by the timer":                 {WrapUpRequired, "", "", true, "U WORK_READY", "", "U READY"},
		"required, NOT_READY pending, then the timer":  {WrapUpRequired, "NOT_READY", "NOT_READY", true, "U WORK >NOT_READY", "", "U NOT_READY reason=-1"},
		"optional, WORK asked for":                     {WrapUpOptional, "WORK", "WORK", false, "U WORK", "READY", "U READY"},
		"optional, WORK asked for, then the timer":     {WrapUpOptional, "WORK", "WORK", true, "U WORK", "", "U NOT_READY reason=-1"},
		"optional, WORK_READY asked for":               {WrapUpOptional, "WORK_READY", "WORK_READY", true, "U WORK_READY", "", "U READY"},
		"required, WORK asked for all the same":        {WrapUpRequired, "WORK", "WORK", false, "U WORK", "NOT_READY", "U NOT_READY reason=-1"},
		"required, WORK_READY ended by request, ready": {WrapUpRequired, "WORK_READY", "WORK_READY", false, "U WORK_READY", "READY", "U READY"},
	} {
		t.Run(name, func(t *testing.T) {
			now := talking(t, mode(c.mode), func(o *Options) {
				if c.end == "" {
					o.WrapUpTimer = 100 * time.Millisecond
				}
			})
			if c.ask != "" {
				now.a.state(c.ask)
				now.wa.seesBrief("U TALKING >" + c.pending)
			}
			ends := agentEnds
			if c.callerEnd {
				ends = callerEnds
				require.NoError(t, now.s.HangUp(first))
			} else {
				now.a.act(first, "DROP", "7001")
			}
			now.wa.seesBrief(append(append([]string(nil), ends...), c.work)...)
			if c.end != "" {
				now.wa.quiet()
				require.Equal(t, []action{updateCallData}, now.a.dialog(first).Participants[1].Actions.Action)
				now.a.state(c.end)
			}
			now.wa.seesBrief(gone, c.after)
			now.wa.quiet()
			require.Equal(t, 404, now.a.do("GET", "/Dialog/"+string(first), "").status)
		})
	}
}

func TestNoWrapUp(t *testing.T) {
	t.Run("optional and not asked for", func(t *testing.T) {
		c := talking(t, mode(WrapUpOptional))
		c.a.act(first, "DROP", "7001")
		c.wa.seesBrief("D DELETE #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=DROPPED", "U READY")
	})
	t.Run("optional and taken back", func(t *testing.T) {
		c := talking(t, mode(WrapUpOptional))
		c.a.state("WORK")
		c.a.state("READY")
		c.wa.seesBrief("U TALKING >WORK", "U TALKING >READY")
		c.a.act(first, "DROP", "7001")
		c.wa.seesBrief("D DELETE #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=DROPPED", "U READY")
	})
	t.Run("not allowed", func(t *testing.T) {
		c := talking(t)
		c.a.state("WORK_READY")
		c.wa.seesBrief("E put Invalid State CF_INVALID_OBJECT_STATE 22")
	})
	t.Run("without a call", func(t *testing.T) {
		s := start(t, mode(WrapUpRequired))
		d, w := readyAgent(t, s, "1001", "7001")
		d.state("WORK")
		w.seesBrief("E put Invalid State CF_INVALID_OBJECT_STATE 22")
	})
	t.Run("after a call the agent made", func(t *testing.T) {
		s := start(t, mode(WrapUpRequired))
		d, w := readyAgent(t, s, "1001", "7001")
		d.dial("7001", "14085550000")
		w.skip("U TALKING")
		d.state("WORK")
		w.seesBrief("E put Invalid State CF_INVALID_OBJECT_STATE 22")
		d.act(first, "DROP", "7001")
		w.seesBrief("D PUT #1 DROPPED OUT A=DROPPED Y=DROPPED", "D DELETE #1 DROPPED OUT A=DROPPED Y=DROPPED", "U NOT_READY reason=-1")
	})
	t.Run("while the phone rings", func(t *testing.T) {
		s := start(t, mode(WrapUpRequired))
		_, w := readyAgent(t, s, "1001", "7001")
		place(t, s, "1001", Call{From: "4085551234"})
		w.skip("D POST #1 ALERTING PREROUTE_ACD_IN X=INITIATED A=ALERTING")
		require.NoError(t, s.HangUp(first))
		w.seesBrief("D DELETE #1 ALERTING PREROUTE_ACD_IN X=INITIATED A=DROPPED", "U READY")
	})
	t.Run("a mode that is none", func(t *testing.T) {
		_, err := Start(Options{WrapUp: "SOMETIMES"})
		require.ErrorContains(t, err, `wrap-up "SOMETIMES"`)
	})
}

func TestAnAgentInWrapUpIsNotDisturbed(t *testing.T) {
	c := talking(t, mode(WrapUpRequired))
	require.NoError(t, c.s.HangUp(first))
	c.wa.skip("U WORK_READY")
	require.ErrorContains(t, c.s.HangUp(first), "nobody outside")
	_, err := c.s.Call("1001", Call{})
	require.ErrorContains(t, err, "is WORK_READY, not READY")
	c.a.dial("7001", "14085550000")
	c.wa.seesBrief("E post Invalid State CF_INVALID_OBJECT_STATE 22")
	c.a.state("LOGOUT")
	c.wa.seesBrief("E put Invalid State CF_INVALID_OBJECT_STATE 22")
	c.a.act(first, "DROP", "7001")
	c.wa.seesBrief("E put Generic Error INVALID_ACTION DROP on extension 7001 7001")
	c.b.dial("7002", "7001")
	c.wb.skip("D PUT #2 FAILED AGENT_INSIDE B=FAILED/BUSY")
}

func TestAWrapUpReasonIsGivenDuringWrapUp(t *testing.T) {
	c := talking(t, mode(WrapUpRequired))
	require.NoError(t, c.s.HangUp(first))
	c.wa.skip("U WORK_READY")
	c.a.accepted("PUT", "/Dialog/"+string(first), "<Dialog><requestedAction>UPDATE_CALL_DATA</requestedAction><mediaProperties><wrapUpReason>"+
		wrapUpReasons[2]+"</wrapUpReason></mediaProperties></Dialog>")
	n := c.wa.next()
	require.Equal(t, "D PUT #1 ACTIVE PREROUTE_ACD_IN X=DROPPED A=WRAP_UP", n.brief())
	require.Equal(t, "Rückruf gewünscht", n.parse().Changed.MediaProperties.WrapUpReason)
	c.a.state("READY")
	require.Equal(t, "Rückruf gewünscht", c.wa.next().parse().Joined.MediaProperties.WrapUpReason)
}

func TestWrapUpAfterATransfer(t *testing.T) {
	c := consulting(t, mode(WrapUpRequired))
	c.a.act(first, "TRANSFER", "7001")
	views(c.wa, c.wb,
		[2]string{"D PUT #1 was #2 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=WRAP_UP B=ACTIVE", ""},
		[2]string{"D DELETE #2 of #1 DROPPED CONSULT A=DROPPED/OTHER B=DROPPED/OTHER", "D DELETE #2 of #1 DROPPED CONSULT_OFFERED A=DROPPED/OTHER B=DROPPED/OTHER"},
		[2]string{"U WORK_READY", "D POST #1 was #2 ACTIVE TRANSFER X=ACTIVE A=WRAP_UP B=ACTIVE"},
	)
	c.a.state("READY")
	views(c.wa, c.wb,
		[2]string{"D DELETE #1 was #2 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=DROPPED B=ACTIVE", "D PUT #1 was #2 ACTIVE TRANSFER X=ACTIVE A=DROPPED B=ACTIVE"},
		[2]string{"U READY", ""},
	)
	require.NoError(t, c.s.HangUp(first))
	c.wb.seesBrief("D PUT #1 was #2 ACTIVE TRANSFER X=DROPPED B=WRAP_UP", "U WORK_READY")
}

func TestWrapUpAfterASingleStepTransfer(t *testing.T) {
	c := talking(t, mode(WrapUpRequired))
	c.a.actTo(first, "TRANSFER_SST", "7001", "7002")
	views(c.wa, c.wb,
		[2]string{"D PUT #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=HELD", ""},
		[2]string{"U HOLD", ""},
		[2]string{"D DELETE #2 DROPPED A=DROPPED/OTHER", ""},
		[2]string{"D PUT #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=WRAP_UP B=ALERTING", ""},
		[2]string{"U WORK_READY", "D POST #1 ACTIVE TRANSFER X=ACTIVE A=WRAP_UP B=ALERTING"},
	)
}

func TestWrapUpAfterAConference(t *testing.T) {
	const call = " #1 was #2 ACTIVE CONFERENCE "
	c := conferring(t, mode(WrapUpRequired))
	c.a.act(first, "DROP", "7001")
	views(c.wa, c.wb,
		[2]string{"D PUT" + call + "X=ACTIVE A=WRAP_UP B=ACTIVE", "D PUT" + call + "X=ACTIVE A=WRAP_UP B=ACTIVE"},
		[2]string{"U WORK_READY", ""},
	)
	c.b.act(first, "DROP", "7002")
	views(c.wa, c.wb,
		[2]string{"D PUT" + call + "X=ACTIVE A=WRAP_UP B=WRAP_UP", "D PUT" + call + "X=ACTIVE A=WRAP_UP B=WRAP_UP"},
		[2]string{"D PUT" + call + "X=DROPPED A=WRAP_UP B=WRAP_UP", "D PUT" + call + "X=DROPPED A=WRAP_UP B=WRAP_UP"},
		[2]string{"", "U WORK_READY"},
	)
	c.a.state("READY")
	views(c.wa, c.wb,
		[2]string{"D DELETE" + call + "X=DROPPED A=DROPPED B=WRAP_UP", "D PUT" + call + "X=DROPPED A=DROPPED B=WRAP_UP"},
		[2]string{"U READY", ""},
	)
	c.b.state("NOT_READY")
	c.wb.seesBrief("D DELETE #1 was #2 DROPPED CONFERENCE X=DROPPED B=DROPPED", "U NOT_READY reason=-1")
}

func TestWrapUpWaitsForTheConsultationThatGoesOn(t *testing.T) {
	c := consulting(t, mode(WrapUpRequired))
	require.NoError(t, c.s.HangUp(first))
	c.wa.seesBrief("D PUT #1 ACTIVE PREROUTE_ACD_IN X=DROPPED A=WRAP_UP")
	c.wa.quiet()
	c.b.act(second, "DROP", "7002")
	c.wa.seesBrief(
		"D PUT #2 of #1 DROPPED CONSULT A=DROPPED B=DROPPED",
		"D DELETE #2 of #1 DROPPED CONSULT A=DROPPED B=DROPPED",
		"U WORK_READY",
	)
}

func TestTheStateOfAnAgentWithSeveralCalls(t *testing.T) {
	for want, states := range map[gc.UserState][]gc.CallState{
		gc.Talking:   {gc.WrapUp, gc.Held, gc.Active},
		gc.Hold:      {gc.Held, gc.WrapUp},
		gc.WorkReady: {gc.WrapUp, gc.Failed},
		gc.Ready:     {gc.Alerting},
	} {
		for range 2 { // whichever came first
			u := &user{base: stance{state: gc.Ready}}
			for _, s := range states {
				u.legs = append(u.legs, &leg{state: s})
			}
			require.Equal(t, want, u.current(), states)
			slices.Reverse(states)
		}
	}
}

func TestWrapUpIsAnnouncedInTheSettings(t *testing.T) {
	s := start(t, mode(WrapUpOptional), func(o *Options) { o.WrapUpTimer = 90 * time.Second })
	body := as(t, s, "1001").do("GET", "/User/1001", "").body
	require.Contains(t, body, "<settings><wrapUpOnIncoming>OPTIONAL</wrapUpOnIncoming><wrapUpOnOutgoing>NOT_ALLOWED</wrapUpOnOutgoing></settings>")
	require.Contains(t, body, "<wrapUpTimer>90</wrapUpTimer>")
}

func TestWrapUpReasons(t *testing.T) {
	s := start(t)
	a := as(t, s, "1001").do("GET", "/User/1001/WrapUpReasons", "")
	require.Equal(t, 200, a.status)
	var list wrapUpReasonsXML
	require.NoError(t, xml.Unmarshal([]byte(a.body), &list))
	require.Equal(t, []wrapUpReasonXML{
		{"/finesse/api/User/1001/WrapUpReason/205", "Product Question", true},
		{"/finesse/api/User/1001/WrapUpReason/206", "Sold, delivery later", true},
		{"/finesse/api/User/1001/WrapUpReason/207", "Rückruf gewünscht", true},
		{"/finesse/api/User/1001/WrapUpReason/208", "Complaint passed on to the second level", true},
	}, list.Reasons)
	require.Len(t, list.Reasons[3].Label, maxWrapUp, "as long as a label may be")
}

func TestMobileAgent(t *testing.T) {
	s := start(t)
	w, d := watch(t, s, "1001"), as(t, s, "1001")
	signIn := func(mode, number string) {
		d.accepted("PUT", "/User/1001", "<User><state>LOGIN</state><extension>7001</extension><mobileAgent><mode>"+mode+
			"</mode><dialNumber>"+number+"</dialNumber></mobileAgent></User>", "requestId", "m")
	}
	signIn("CALL_BY_CALL", modeNotAllowed)
	w.sees("E put Mode Not Allowed CF_INVALID_AGENT_WORKMODE 265 re=m")
	require.Equal(t, gc.LoggedOut, s.Agents()[0].State)
	for _, mode := range []string{"CALL_BY_CALL", "NAILED_CONNECTION"} {
		signIn(mode, "+14085551234")
		n := w.next()
		require.Equal(t, "U NOT_READY reason=-1", n.line())
		require.Equal(t, &mobileXML{mode, "+14085551234"}, n.parse().User.MobileAgent)
		d.state("LOGOUT")
		n = w.next()
		require.Equal(t, "U LOGOUT reason=-1", n.line())
		require.Nil(t, n.parse().User.MobileAgent, "only while signed in")
	}
	d.signIn("7001")
	require.Nil(t, w.next().parse().User.MobileAgent, "the next sign-in is not mobile by itself")
}
