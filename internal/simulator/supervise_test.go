package simulator

import (
	"encoding/xml"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// supervisor 2001 is signed in, NOT_READY.
func signedInSupervisor(t *testing.T, s *Simulator) (*driver, *watcher) {
	t.Helper()
	w, d := watch(t, s, "2001"), as(t, s, "2001")
	d.signIn("7090")
	w.sees("U NOT_READY reason=-1")
	return d, w
}

func (d *driver) force(member, state string, header ...string) {
	d.t.Helper()
	d.accepted("PUT", "/User/"+member, "<User><state>"+state+"</state></User>", header...)
}

func (s *Simulator) agent(id gc.AgentID) Agent {
	for _, a := range s.Agents() {
		if a.ID == id {
			return a
		}
	}
	return Agent{}
}

func TestSupervisorChangesAStateOfTheTeam(t *testing.T) {
	for name, c := range map[string]struct {
		states []string // the agent's own requests first
		force  string
		want   []string
		reason int
	}{
		"READY to NOT_READY":     {[]string{"READY"}, "NOT_READY", []string{"U NOT_READY reason=-1"}, supervisorInitiated},
		"NOT_READY to READY":     {nil, "READY", []string{"U READY"}, 0},
		"READY to LOGOUT":        {[]string{"READY"}, "LOGOUT", []string{"U LOGOUT reason=-1"}, supervisorInitiated},
		"NOT_READY to LOGOUT":    {nil, "LOGOUT", []string{"U LOGOUT reason=-1"}, supervisorInitiated},
		"READY to READY, no new": {[]string{"READY"}, "READY", []string{"U READY"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			boss, wboss := signedInSupervisor(t, s)
			w, d := watch(t, s, "1001"), as(t, s, "1001")
			d.signIn("7001")
			w.next()
			for _, state := range c.states {
				d.state(state)
				w.next()
			}
			boss.force("1001", c.force)
			w.sees(c.want...)
			wboss.quiet()
			require.Equal(t, c.reason, s.agent("1001").SystemReason)
		})
	}
}

func TestSupervisorIsToldWhatCanNotBe(t *testing.T) {
	s := start(t)
	boss, wboss := signedInSupervisor(t, s)
	w, d := watch(t, s, "1001"), as(t, s, "1001")
	refused := func(state string) {
		t.Helper()
		boss.force("1001", state, "requestId", "f1")
		n := wboss.next()
		require.Equal(t, "E put Invalid State CF_INVALID_OBJECT_STATE 22 re=f1", n.line())
		require.Equal(t, "/finesse/api/User/2001", n.node)
		require.Equal(t, "/finesse/api/User/1001", n.parse().Source)
		w.quiet()
	}
	for _, state := range []string{"READY", "NOT_READY", "LOGOUT"} {
		refused(state) // signed out
	}
	d.signIn("7001")
	w.next()
	refused("NOT_READY")
	d.state("READY")
	w.next()
	id := place(t, s, "1001", Call{From: "4085551234"})
	ringAndAnswer(t, d, w, id)
	refused("NOT_READY")
}

func TestForcedSignOutWaitsForTheCall(t *testing.T) {
	const deleted = "D DELETE #1 ACTIVE PREROUTE_ACD_IN X=ACTIVE A=DROPPED"
	t.Run("talking", func(t *testing.T) {
		c := talking(t)
		boss, _ := signedInSupervisor(t, c.s)
		boss.force("1001", "LOGOUT")
		c.wa.seesBrief("U TALKING >LOGOUT")
		c.a.act(first, "DROP", "7001")
		c.wa.seesBrief(deleted, "U NOT_READY reason=-1", "U LOGOUT reason=-1")
		require.Equal(t, forceLogout, c.s.agent("1001").SystemReason)
	})
	t.Run("the agent's own wish comes later and counts", func(t *testing.T) {
		c := talking(t)
		boss, _ := signedInSupervisor(t, c.s)
		boss.force("1001", "LOGOUT")
		c.wa.next()
		c.a.state("READY")
		c.wa.seesBrief("U TALKING >READY")
		c.a.act(first, "DROP", "7001")
		c.wa.seesBrief(deleted, "U READY")
	})
	t.Run("ringing, and nobody answers", func(t *testing.T) {
		s := start(t, func(o *Options) { o.RingTimeout = 500 * time.Millisecond })
		boss, _ := signedInSupervisor(t, s)
		_, w := readyAgent(t, s, "1001", "7001")
		place(t, s, "1001", Call{From: "4085551234"})
		w.skip("D POST #1 ALERTING PREROUTE_ACD_IN X=INITIATED A=ALERTING")
		boss.force("1001", "LOGOUT")
		w.seesBrief("U RESERVED >LOGOUT", "D DELETE #1 ALERTING PREROUTE_ACD_IN X=INITIATED A=DROPPED", "U NOT_READY reason=-1", "U LOGOUT reason=-1")
	})
	t.Run("a direct call rings", func(t *testing.T) {
		s := start(t)
		boss, _ := signedInSupervisor(t, s)
		_, w := readyAgent(t, s, "1001", "7001")
		b, _ := readyAgent(t, s, "1002", "7002")
		b.dial("7002", "7001")
		w.skip("D POST #1 ALERTING OTHER_IN B=INITIATED A=ALERTING")
		boss.force("1001", "LOGOUT")
		w.seesBrief("U READY >LOGOUT")
		b.act(first, "DROP", "7002")
		w.seesBrief("D DELETE #1 ALERTING OTHER_IN B=INITIATED A=DROPPED", "U NOT_READY reason=-1", "U LOGOUT reason=-1")
	})
	t.Run("in wrap-up, which it ends", func(t *testing.T) {
		c := talking(t, mode(WrapUpRequired))
		boss, _ := signedInSupervisor(t, c.s)
		c.a.act(first, "DROP", "7001")
		c.wa.skip("U WORK_READY")
		boss.force("1001", "LOGOUT")
		c.wa.seesBrief("D DELETE #1 DROPPED PREROUTE_ACD_IN X=DROPPED A=DROPPED", "U NOT_READY reason=-1", "U LOGOUT reason=-1")
	})
	t.Run("NOT_READY ends wrap-up", func(t *testing.T) {
		c := talking(t, mode(WrapUpRequired))
		boss, _ := signedInSupervisor(t, c.s)
		c.a.act(first, "DROP", "7001")
		c.wa.skip("U WORK_READY")
		boss.force("1001", "NOT_READY")
		c.wa.seesBrief("D DELETE #1 DROPPED PREROUTE_ACD_IN X=DROPPED A=DROPPED", "U NOT_READY reason=-1")
		require.Equal(t, supervisorInitiated, c.s.agent("1001").SystemReason)
	})
}

// TestWhatSupervisorsAndOthersAreRefusedAtOnce is the rights of 9.2.
func TestWhatSupervisorsAndOthersAreRefusedAtOnce(t *testing.T) {
	c := talking(t)
	signedInSupervisor(t, c.s)
	as(t, c.s, "2003").signIn("7093")
	as(t, c.s, "1021").signIn("7021")
	require.Eventually(t, func() bool {
		return c.s.agent("2003").Extension == "7093" && c.s.agent("1021").Extension == "7021"
	}, 5*time.Second, time.Millisecond)
	state := func(s, more string) string { return "<User><state>" + s + "</state>" + more + "</User>" }
	call := func(action, from, to, more string) string {
		return "<Dialog><requestedAction>" + action + "</requestedAction><fromAddress>" + from + "</fromAddress><toAddress>" + to + "</toAddress>" + more + "</Dialog>"
	}
	for name, r := range map[string]struct {
		user, method, path, body string
		status                   int
		want                     string // type|data
	}{
		"an agent of another team":             {"2001", "PUT", "/User/1021", state("READY", ""), 401, "Invalid Supervisor|1021"},
		"a supervisor without teams":           {"2003", "PUT", "/User/1001", state("READY", ""), 401, "Invalid Supervisor|1001"},
		"an agent, no supervisor":              {"1002", "PUT", "/User/1001", state("READY", ""), 401, "Invalid Authorization User Specified|1001"},
		"an unknown agent":                     {"2001", "PUT", "/User/9999", state("READY", ""), 404, "User Not Found|9999"},
		"a reason code":                        {"2001", "PUT", "/User/1001", state("NOT_READY", "<reasonCodeId>1</reasonCodeId>"), 400, "Invalid Input|reasonCodeId"},
		"a state that is not theirs to set":    {"2001", "PUT", "/User/1001", state("WORK", ""), 400, "Invalid Input|state"},
		"signing in for another":               {"2001", "PUT", "/User/1001", state("LOGIN", "<extension>7001</extension>"), 400, "Invalid Input|state"},
		"no state":                             {"2001", "PUT", "/User/1001", "<User/>", 400, "Parameter Missing|state"},
		"the administrator changing a state":   {"admin", "PUT", "/User/1001", state("READY", ""), 401, "Invalid Authorization User Specified|The user is not authorized to perform this operation"},
		"the administrator signing in":         {"admin", "PUT", "/User/admin", state("LOGIN", "<extension>7001</extension>"), 401, "Invalid Authorization User Specified|The user is not authorized to perform this operation"},
		"the administrator making a call":      {"admin", "POST", "/User/admin/Dialogs", call("MAKE_CALL", "7001", "7002", ""), 401, "Invalid Authorization User Specified|The user is not authorized to perform this operation"},
		"the administrator acting on a call":   {"admin", "PUT", "/Dialog/" + string(first), "<Dialog/>", 401, "Authorization Failure|admin"},
		"all users":                            {"2001", "GET", "/Users", "", 401, "Unauthorized|2001"},
		"a team one does not lead":             {"2001", "GET", "/Team/2", "", 401, "Authorization Failure|2001"},
		"the own team of an agent":             {"1001", "GET", "/Team/1", "", 401, "Authorization Failure|1001"},
		"a team of a supervisor without teams": {"2003", "GET", "/Team/2", "", 401, "Authorization Failure|2003"},
		"an unknown team":                      {"2001", "GET", "/Team/9", "", 404, "Not Found|9"},
		"a word for a truth":                   {"2001", "GET", "/Team/1?includeLoggedOutAgents=maybe", "", 400, "Invalid Input|includeLoggedOutAgents"},
		"an unknown queue":                     {"1001", "GET", "/Queue/9", "", 404, "Not Found|9"},
		"queues of an unknown user":            {"1001", "GET", "/User/9999/Queues", "", 404, "User Not Found|9999"},
		"phone books of another agent":         {"1001", "GET", "/User/1002/PhoneBooks", "", 401, "Invalid Authorization User Specified|1002"},
		"phone books of another team":          {"1001", "GET", "/TeamResource/2/PhoneBooks", "", 401, "Authorization Failure|1001"},
		"phone books of no team":               {"1001", "GET", "/TeamResource/9/PhoneBooks", "", 404, "Not Found|9"},
		"an agent monitoring":                  {"1001", "POST", "/User/1001/Dialogs", call("SILENT_MONITOR", "7001", "7002", ""), 401, "Invalid Supervisor|1001"},
		"an agent barging in":                  {"1001", "POST", "/User/1001/Dialogs", call("BARGE_CALL", "7001", "7002", ""), 401, "Invalid Supervisor|1001"},
		"monitoring by another supervisor":     {"2002", "POST", "/User/2001/Dialogs", call("SILENT_MONITOR", "7090", "7001", ""), 401, "Invalid Authorization User Specified|2001"},
		"monitoring nobody":                    {"2001", "POST", "/User/2001/Dialogs", call("SILENT_MONITOR", "7090", "7999", ""), 400, "Invalid Destination|7999"},
		"monitoring oneself":                   {"2001", "POST", "/User/2001/Dialogs", call("SILENT_MONITOR", "7090", "7090", ""), 400, "Invalid Destination|7090"},
		"monitoring from another extension":    {"2001", "POST", "/User/2001/Dialogs", call("SILENT_MONITOR", "7091", "7001", ""), 400, "Invalid Input|fromAddress"},
		"monitoring an agent of another team":  {"2001", "POST", "/User/2001/Dialogs", call("SILENT_MONITOR", "7090", "7021", ""), 401, "Invalid Supervisor|1021"},
		"monitoring by a supervisor of nobody": {"2003", "POST", "/User/2003/Dialogs", call("SILENT_MONITOR", "7093", "7001", ""), 401, "Invalid Supervisor|1001"},
		"barging in without monitoring":        {"2001", "POST", "/User/2001/Dialogs", call("BARGE_CALL", "7090", "7001", ""), 400, "Parameter Missing|associatedDialogUri"},
		"barging in by a word":                 {"2001", "POST", "/User/2001/Dialogs", call("BARGE_CALL", "7090", "7001", "<associatedDialogUri>5</associatedDialogUri>"), 400, "Invalid Input|associatedDialogUri"},
		"barging in by a call that is gone":    {"2001", "POST", "/User/2001/Dialogs", call("BARGE_CALL", "7090", "7001", "<associatedDialogUri>/finesse/api/Dialog/5</associatedDialogUri>"), 404, "Dialog Not Found|5"},
		"barging in by the customer's call":    {"2001", "POST", "/User/2001/Dialogs", call("BARGE_CALL", "7090", "7001", "<associatedDialogUri>/finesse/api/Dialog/"+string(first)+"</associatedDialogUri>"), 400, "Invalid State|" + string(first)},
		"dropping who is no party":             {"1001", "PUT", "/Dialog/" + string(first), "<Dialog><requestedAction>PARTICIPANT_DROP</requestedAction><targetMediaAddress>7002</targetMediaAddress></Dialog>", 400, "Invalid Destination|7002"},
		"dropping the customer":                {"1001", "PUT", "/Dialog/" + string(first), "<Dialog><requestedAction>PARTICIPANT_DROP</requestedAction><targetMediaAddress>4085551234</targetMediaAddress></Dialog>", 400, "Invalid Destination|4085551234"},
		"dropping nobody":                      {"1001", "PUT", "/Dialog/" + string(first), "<Dialog><requestedAction>PARTICIPANT_DROP</requestedAction></Dialog>", 400, "Parameter Missing|targetMediaAddress"},
	} {
		t.Run(name, func(t *testing.T) {
			a := as(t, c.s, r.user).do(r.method, r.path, r.body)
			require.Equal(t, r.status, a.status, a.body)
			var e apiErrorsXML
			require.NoError(t, xml.Unmarshal([]byte(a.body), &e))
			require.Equal(t, r.want, e.Type+"|"+e.Data)
		})
	}
	t.Run("a supervisor who is not NOT_READY", func(t *testing.T) {
		boss := as(t, c.s, "2001")
		boss.state("READY")
		require.Eventually(t, func() bool { return c.s.agent("2001").State == gc.Ready }, 5*time.Second, time.Millisecond)
		a := boss.do("POST", "/User/2001/Dialogs", call("SILENT_MONITOR", "7090", "7001", ""))
		require.Equal(t, 400, a.status)
		require.Contains(t, a.body, "<ErrorType>Invalid State</ErrorType><ErrorData>READY</ErrorData>")
	})
}
