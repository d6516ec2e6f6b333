package simulator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// The tables are written as in transfer_test.go. #2 is the silent monitoring,
// #3 the consultation of a barge. listens and heard are the parts of
// supervisor and agent in the former.

const (
	listens = "S=ACTIVE(UPDATE_CALL_DATA DROP)"
	heard   = "A=ACTIVE()"
	third   = gc.DialogID("16870003")
)

func (d *driver) listen(to string, header ...string) {
	d.t.Helper()
	d.accepted("POST", "/User/2001/Dialogs", "<Dialog><requestedAction>SILENT_MONITOR</requestedAction><fromAddress>7090</fromAddress><toAddress>"+to+
		"</toAddress></Dialog>", header...)
}

func (d *driver) barge(monitor gc.DialogID, header ...string) {
	d.t.Helper()
	d.accepted("POST", "/User/2001/Dialogs", "<Dialog><requestedAction>BARGE_CALL</requestedAction><fromAddress>7090</fromAddress><toAddress>7001</toAddress>"+
		"<associatedDialogUri>/finesse/api/Dialog/"+string(monitor)+"</associatedDialogUri></Dialog>", header...)
}

// monitored is a scene whose A is listened to by S.
type monitored struct {
	*scene
	boss *driver
	ws   *watcher
}

func listening(t *testing.T, change ...func(*Options)) *monitored {
	t.Helper()
	return listenIn(t, talking(t, change...), second)
}

func listenIn(t *testing.T, c *scene, monitor gc.DialogID) *monitored {
	t.Helper()
	m := &monitored{scene: c}
	m.boss, m.ws = signedInSupervisor(t, c.s)
	m.boss.listen("7001")
	m.ws.skip("U TALKING")
	m.wa.skip("D PUT " + call(string(monitor)) + " ACTIVE SUPERVISOR_MONITOR " + listens + " " + heard)
	return m
}

func TestSilentMonitoring(t *testing.T) {
	const ring = " #2 ALERTING SUPERVISOR_MONITOR S=INITIATED A=ALERTING()"
	const on = "D PUT #2 ACTIVE SUPERVISOR_MONITOR " + listens + " " + heard
	const over = " #2 DROPPED SUPERVISOR_MONITOR S=DROPPED A=DROPPED"
	c := talking(t)
	boss, ws := signedInSupervisor(t, c.s)
	boss.listen("7001", "requestId", "m1")
	ws.seesBrief(
		"D POST #2 INITIATING SUPERVISOR_MONITOR S=INITIATING",
		"D PUT #2 INITIATED SUPERVISOR_MONITOR S=INITIATED re=m1",
		"D PUT"+ring, on, "U TALKING",
	)
	c.wa.seesBrief("D POST"+ring, on)
	c.wa.quiet()
	require.Equal(t, gc.Talking, c.s.agent("1001").State)
	require.Equal(t, "<Dialogs>", bodyOf(c.a.do("GET", "/User/1001/Dialogs", ""))[:9])
	require.Equal(t, "7001", boss.dialog(second).ToAddress)

	c.a.act(second, "DROP", "7001") // a passive part has no actions
	c.wa.seesBrief("E put Generic Error INVALID_ACTION DROP on extension 7001 7001")
	c.a.act(first, "HOLD", "7001") // the passive call is not in the way
	c.wa.seesBrief("D PUT #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=HELD", "U HOLD")
	c.a.act(first, "RETRIEVE", "7001")
	c.wa.seesBrief("D PUT #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=ACTIVE", "U TALKING")
	ws.quiet()

	boss.act(second, "DROP", "7090", "requestId", "m2")
	views(ws, c.wa,
		[2]string{"D PUT" + over + " re=m2", "D PUT" + over},
		[2]string{"D DELETE" + over, "D DELETE" + over},
		[2]string{"U NOT_READY reason=-1", ""},
	)
	require.Equal(t, gc.Talking, c.s.agent("1001").State)
}

func TestMonitoringEndsWithTheCall(t *testing.T) {
	const over = " #2 DROPPED SUPERVISOR_MONITOR S=DROPPED A=DROPPED"
	for name, c := range map[string]struct {
		end   func(*testing.T, *monitored)
		seen  []string // by A before the monitoring ends
		after []string
	}{
		"the agent hangs up": {
			func(_ *testing.T, m *monitored) { m.a.act(first, "DROP", "7001") },
			[]string{"D DELETE #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=DROPPED"}, []string{"U READY"},
		},
		"the customer hangs up": {
			func(t *testing.T, m *monitored) { require.NoError(t, m.s.HangUp(first)) },
			[]string{"D PUT #1 ACTIVE PREROUTE_ACD_IN X=DROPPED A=ACTIVE", "D DELETE #1 DROPPED PREROUTE_ACD_IN X=DROPPED A=DROPPED"}, []string{"U READY"},
		},
		"the agent hands the call over": {
			func(_ *testing.T, m *monitored) { m.a.actTo(first, "TRANSFER_SST", "7001", "7002") },
			[]string{
				"D PUT #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=HELD", "U HOLD",
				"D DELETE #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=DROPPED/OTHER", "D DELETE #3 DROPPED A=DROPPED/OTHER",
			}, []string{"U READY"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := listening(t)
			c.end(t, m)
			m.wa.seesBrief(append(append(c.seen, "D PUT"+over, "D DELETE"+over), c.after...)...)
			m.ws.seesBrief("D PUT"+over, "D DELETE"+over, "U NOT_READY reason=-1")
			m.wa.quiet()
			m.ws.quiet()
		})
	}
	t.Run("with wrap-up", func(t *testing.T) {
		m := listening(t, mode(WrapUpRequired))
		m.a.act(first, "DROP", "7001")
		m.wa.seesBrief(
			"D PUT #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=WRAP_UP", "D PUT #1 ACTIVE PREROUTE_ACD_IN X=DROPPED A=WRAP_UP",
			"D PUT"+over, "D DELETE"+over, "U WORK_READY",
		)
	})
	t.Run("before the agent has it", func(t *testing.T) {
		c := talking(t, func(o *Options) { o.MinDelay, o.MaxDelay = 100*time.Millisecond, 100*time.Millisecond })
		boss, ws := signedInSupervisor(t, c.s)
		boss.listen("7001")
		ws.seesBrief("D POST #2 INITIATING SUPERVISOR_MONITOR S=INITIATING")
		require.NoError(t, c.s.HangUp(first))
		ws.seesBrief("D PUT #2 DROPPED SUPERVISOR_MONITOR S=DROPPED", "D DELETE #2 DROPPED SUPERVISOR_MONITOR S=DROPPED")
		ws.quiet()
	})
}

func TestMonitoringIsRefusedLater(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*testing.T, *scene)
		to      string
		want    string
	}{
		"agent on hold": {func(t *testing.T, c *scene) {
			c.a.act(first, "HOLD", "7001")
			c.wa.skip("U HOLD")
		}, "7001", "E post 13145 The agent to be monitored is not talking 13145 re=m"},
		"agent not ready": {func(t *testing.T, c *scene) {
			c.b.state("NOT_READY")
			c.wb.skip("U NOT_READY reason=-1")
		}, "7002", "E post 13145 The agent to be monitored is not talking 13145 re=m"},
		"agent ready":    {func(*testing.T, *scene) {}, "7002", "E post Invalid State CF_INVALID_OBJECT_STATE 22 re=m"},
		"agent reserved": {func(t *testing.T, c *scene) { place(t, c.s, "1002", Call{}) }, "7002", "E post Invalid State CF_INVALID_OBJECT_STATE 22 re=m"},
	} {
		t.Run(name, func(t *testing.T) {
			now := talking(t)
			c.prepare(t, now)
			boss, ws := signedInSupervisor(t, now.s)
			boss.listen(c.to, "requestId", "m")
			n := ws.next()
			require.Equal(t, c.want, n.line())
			require.Equal(t, "/finesse/api/User/2001/Dialogs", n.node)
			require.Equal(t, "/finesse/api/User/2001/Dialogs", n.parse().Source)
		})
	}
	t.Run("agent in wrap-up", func(t *testing.T) {
		c := talking(t, mode(WrapUpRequired))
		require.NoError(t, c.s.HangUp(first))
		c.wa.skip("U WORK_READY")
		boss, ws := signedInSupervisor(t, c.s)
		boss.listen("7001")
		ws.sees("E post Invalid State CF_INVALID_OBJECT_STATE 22")
	})
	t.Run("agent who is listened to already", func(t *testing.T) {
		m := listening(t)
		w, other := watch(t, m.s, "2002"), as(t, m.s, "2002")
		other.signIn("7092")
		w.next()
		other.accepted("POST", "/User/2002/Dialogs", "<Dialog><requestedAction>SILENT_MONITOR</requestedAction><fromAddress>7092</fromAddress><toAddress>7001</toAddress></Dialog>")
		w.sees("E post Call Operation Failure CF_RESOURCE_BUSY 33")
	})
	t.Run("supervisor who makes calls while listening", func(t *testing.T) {
		m := listening(t)
		m.boss.dial("7090", "14085550000")
		m.ws.sees("E post Invalid State CF_INVALID_OBJECT_STATE 22")
	})
}

func TestBargeIn(t *testing.T) {
	const over = " #2 DROPPED SUPERVISOR_MONITOR S=DROPPED A=DROPPED"
	const joined = " #1 was #3 ACTIVE CONFERENCE X=ACTIVE A=ACTIVE S=ACTIVE+PARTICIPANT_DROP"
	const gone = "D DELETE #3 of #1 DROPPED BARGE_IN_CONSULT A=DROPPED/OTHER S=DROPPED/OTHER"
	m := listening(t)
	m.boss.barge(second, "requestId", "b1")
	views(m.wa, m.ws,
		[2]string{"D PUT" + over, "D PUT" + over + " re=b1"},
		[2]string{"D DELETE" + over, "D DELETE" + over},
		[2]string{"D PUT #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=HELD", ""},
		[2]string{"D POST #3 of #1 INITIATING BARGE_IN_CONSULT A=INITIATING", ""},
		[2]string{"D PUT #3 of #1 INITIATED BARGE_IN_CONSULT A=INITIATED", ""},
		[2]string{"D PUT #3 of #1 ALERTING BARGE_IN_CONSULT A=INITIATED S=ALERTING", "D POST #3 of #1 ALERTING BARGE_IN_CONSULT A=INITIATED S=ALERTING"},
		[2]string{"D PUT #3 of #1 ACTIVE BARGE_IN_CONSULT A=ACTIVE S=ACTIVE", "D PUT #3 of #1 ACTIVE BARGE_IN_CONSULT A=ACTIVE S=ACTIVE"},
		[2]string{"D PUT" + joined, gone},
		[2]string{gone, "D POST" + joined},
	)
	require.Equal(t, gc.Talking, m.s.agent("1001").State)
	require.Equal(t, gc.Talking, m.s.agent("2001").State)

	m.boss.act(first, "DROP", "7090")
	const left = " #1 was #3 ACTIVE CONFERENCE X=ACTIVE A=ACTIVE S=DROPPED"
	views(m.wa, m.ws,
		[2]string{"D PUT" + left, "D DELETE" + left},
		[2]string{"", "U NOT_READY reason=-1"},
	)
	require.Equal(t, 404, m.boss.do("PUT", "/Dialog/"+string(third), "<Dialog/>").status)
}

// bargedIn is A, X and S in one call.
func bargedIn(t *testing.T, change ...func(*Options)) *monitored {
	t.Helper()
	m := listening(t, change...)
	m.boss.barge(second)
	m.ws.skip("D POST #1 was #3 ACTIVE CONFERENCE X=ACTIVE A=ACTIVE S=ACTIVE+PARTICIPANT_DROP")
	m.wa.skip("D DELETE #3 of #1 DROPPED BARGE_IN_CONSULT A=DROPPED/OTHER S=DROPPED/OTHER")
	return m
}

func TestSupervisorDropsTheAgent(t *testing.T) {
	const left = " #1 was #3 ACTIVE CONFERENCE X=ACTIVE A=DROPPED S=ACTIVE+PARTICIPANT_DROP"
	m := bargedIn(t)
	m.a.act(first, "PARTICIPANT_DROP", "7090") // for supervisors only
	m.wa.seesBrief("E put Generic Error INVALID_ACTION PARTICIPANT_DROP on extension 7001 7001")
	m.boss.act(first, "PARTICIPANT_DROP", "7001", "requestId", "p")
	views(m.wa, m.ws,
		[2]string{"D DELETE" + left, "D PUT" + left + " re=p"},
		[2]string{"U READY", ""},
	)
	require.Equal(t, gc.Talking, m.s.agent("2001").State)
	require.NoError(t, m.s.HangUp(first))
	m.ws.seesBrief("D PUT #1 was #3 ACTIVE CONFERENCE X=DROPPED S=ACTIVE+PARTICIPANT_DROP", "D DELETE #1 was #3 DROPPED CONFERENCE X=DROPPED S=DROPPED", "U NOT_READY reason=-1")
}

func TestOnlyConferencesHaveParticipantsToDrop(t *testing.T) {
	c := talking(t)
	c.a.act(first, "PARTICIPANT_DROP", "7001")
	c.wa.seesBrief("E put Generic Error INVALID_ACTION PARTICIPANT_DROP on extension 7001 7001")
}

func TestBargeIsRefusedLater(t *testing.T) {
	t.Run("the agent has a consultation", func(t *testing.T) {
		m := listenIn(t, consulting(t), third)
		m.boss.barge(third, "requestId", "b")
		m.ws.seesBrief("E post 20999 The agent is not the conference controller or has a consultation 20999 re=b")
	})
	t.Run("the agent did not make the conference", func(t *testing.T) {
		c := conferring(t)
		boss, ws := signedInSupervisor(t, c.s)
		boss.listen("7002")
		ws.skip("U TALKING")
		boss.accepted("POST", "/User/2001/Dialogs", "<Dialog><requestedAction>BARGE_CALL</requestedAction><fromAddress>7090</fromAddress><toAddress>7002</toAddress>"+
			"<associatedDialogUri>/finesse/api/Dialog/"+string(third)+"</associatedDialogUri></Dialog>")
		ws.seesBrief("E post 20999 The agent is not the conference controller or has a consultation 20999")
	})
	t.Run("the conference is full", func(t *testing.T) {
		c := fullConference(t)
		monitor := gc.DialogID("16870008")
		m := listenIn(t, c, monitor)
		m.boss.barge(monitor)
		m.ws.seesBrief("E post 20700 The conference has as many parties as there may be 20700")
	})
	t.Run("the agent is on hold", func(t *testing.T) {
		m := listening(t)
		m.a.act(first, "HOLD", "7001")
		m.wa.skip("U HOLD")
		a := m.boss.do("POST", "/User/2001/Dialogs", "<Dialog><requestedAction>BARGE_CALL</requestedAction><fromAddress>7090</fromAddress><toAddress>7001</toAddress>"+
			"<associatedDialogUri>/finesse/api/Dialog/"+string(second)+"</associatedDialogUri></Dialog>")
		require.Equal(t, 400, a.status)
		require.Contains(t, a.body, "<ErrorType>Invalid Destination</ErrorType><ErrorData>7001</ErrorData>")
	})
}

func TestBargeIntoAConferenceAddsAParty(t *testing.T) {
	m := listenIn(t, conferring(t), third)
	m.boss.barge(third)
	m.ws.skip("D POST #1 was #4 ACTIVE CONFERENCE X=ACTIVE A=ACTIVE B=ACTIVE S=ACTIVE+PARTICIPANT_DROP")
}

func TestBargeThatSomebodyComesInTheWayOf(t *testing.T) {
	slow := func(o *Options) { o.MinDelay, o.MaxDelay = 50*time.Millisecond, 50*time.Millisecond }
	t.Run("the customer hangs up", func(t *testing.T) {
		m := listening(t, slow)
		m.boss.barge(second)
		m.wa.skip("D POST #3 of #1 INITIATING BARGE_IN_CONSULT A=INITIATING")
		require.NoError(t, m.s.HangUp(first))
		m.wa.seesBrief(
			"D PUT #1 ACTIVE PREROUTE_ACD_IN X=DROPPED A=HELD", "D DELETE #1 DROPPED PREROUTE_ACD_IN X=DROPPED A=DROPPED",
			"D PUT #3 of #1 DROPPED BARGE_IN_CONSULT A=DROPPED", "D DELETE #3 of #1 DROPPED BARGE_IN_CONSULT A=DROPPED", "U READY",
		)
		m.ws.skip("U NOT_READY reason=-1")
	})
	t.Run("the agent goes back to the customer", func(t *testing.T) {
		m := listening(t, slow)
		m.boss.barge(second)
		m.wa.skip("D POST #3 of #1 INITIATING BARGE_IN_CONSULT A=INITIATING")
		m.a.act(first, "RETRIEVE", "7001")
		m.wa.skip("D PUT #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=ACTIVE")
		m.ws.skip("U NOT_READY reason=-1")
		require.Equal(t, gc.Talking, m.s.agent("1001").State)
	})
}
