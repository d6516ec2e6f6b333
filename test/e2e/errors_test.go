package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// TestErrors has every error code of the protocol, with the sentence for the
// agent's status bar.
func TestErrors(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		c := start(t, s, withStatusBar, func(c *config.Config) {
			c.Agents.Limit = 2
			c.Finesse.RequestTimeout, c.Finesse.Retries = 500*time.Millisecond, 0
		})
		d := newDriver(c, "crm")
		d.statusBar = true
		d.begin("text")
		d.beginAs("2001", "3001", "text")
		badParameters(d)
		refusedByFinesse(c, d)
		refusedInACall(c, d)
		finesseAway(c, d)
		accounts(c, d)
		takenOver(c, d)
		golden(t, "errors.text", d.conversation())
	})
}

func withStatusBar(c *config.Config) { c.Messages.StatusBar = true }

// fails sends a command that is answered with an error and its sentence.
func (d *driver) fails(code gc.Code, command string, headers ...string) {
	d.t.Helper()
	d.send(command, headers...)
	d.until("Error#" + string(code))
}

func badParameters(d *driver) {
	d.note("# what is missing or wrong")
	d.fails(gc.MissingPassword, "agent_state/Login#1001")
	d.fails(gc.MissingExtension, "agent_state/Login#1001 secret")
	d.fails(gc.WrongExtension, "agent_state/Login#1001 secret,20O1")
	d.fails(gc.MissingNumber, "agent_call/MakeCall#1001")
	d.fails(gc.MissingReasonCode, "agent_state/MakeNotReadyWithReason#1001")
	d.fails(gc.NoDialogID, "agent_call/HoldCall#1001 4711")
	d.fails(gc.PleaseRetry, "agent_state/Dance#1001")
	d.fails(gc.NotConfigured, "agent_call/getallagents#1001")
	d.fails(gc.UserNotFound, "supervisor_team_member_state/getteamuserstate#2001 9999")
	d.fails(gc.BadDestination, "agent_call/MakeCall#1001 2001")
}

// refuses has Finesse refuse a request in a way that no real one could be
// asked for.
func refuses(c *connector, request, errorType, message string) {
	c.t.Helper()
	require.NoError(c.t, c.finesse.Inject(simulator.Fault{Kind: simulator.RefuseRequest, Agent: "1001", Request: request, Type: errorType, Message: message}))
}

func refusedByFinesse(c *connector, d *driver) {
	d.note("# what Finesse refuses, by the name it has for it")
	for _, code := range []gc.Code{
		"CF_INVALID_CALLED_DEVICE", "CF_INVALID_CALLING_DEVICE", "CF_INVALID_CSTA_DEVICE_IDENTIFIER", "CF_RESOURCE_BUSY",
		"CF_GENERIC_UNSPECIFIED_REJECTION", "CF_GENERIC_SYSTEM_RESOURCE_AVAILABILITY", "CF_GENERIC_OPERATION", "CF_A_NAME_NOBODY_KNOWS",
	} {
		refuses(c, "MAKE_CALL", "Call Operation Failure", string(code))
		d.fails(code, "agent_call/MakeCall#1001 4085559876")
	}
	refuses(c, "LOGIN", "Invalid Device", "CF_INVALID_LOGON_DEVICE_SPECIFIED")
	d.fails(gc.InvalidLogonDevice, "agent_state/Login#1001 secret,2009")
	refuses(c, "READY", "Invalid State", "CF_INVALID_PASSWORD_SPECIFIED")
	d.fails("CF_INVALID_PASSWORD_SPECIFIED", "agent_state/MakeReady#1001")
	refuses(c, "READY", "Whatever", "nobody knows why")
	d.fails(gc.GeneralError, "agent_state/MakeReady#1001")
}

func refusedInACall(c *connector, d *driver) {
	d.note("# what Finesse refuses in a call")
	d.send("agent_state/MakeReady#1001")
	d.until("State#READY")
	id := string(c.call("1001"))
	d.untilCall(gc.Alerting)
	d.fails(gc.InvalidObjectState, "agent_call/HoldCall#1001 "+id)
	d.send("agent_call/AnswerCall#1001 " + id)
	d.until("State#TALKING")
	refuses(c, "CONSULT_CALL", "Call Operation Failure", "CF_INVALID_CONSULT_TYPE")
	d.fails("CF_INVALID_CONSULT_TYPE", "agent_call/ConsultCall#1001 4085559876,"+id)
	refuses(c, "HOLD", "Call Operation Failure", "CF_INVALID_CONNECTION_ID_FOR_ACTIVE_CALL")
	d.fails("CF_INVALID_CONNECTION_ID_FOR_ACTIVE_CALL", "agent_call/HoldCall#1001 "+id)
	refuses(c, "HOLD", "Generic Error", "E_CTI_INVALID_CALLID")
	d.fails("E_CTI_INVALID_CALLID", "agent_call/HoldCall#1001 "+id)
	d.released("1001", id, "READY")
}

func finesseAway(c *connector, d *driver) {
	d.note("# Finesse is away")
	for _, x := range []struct {
		kind simulator.FaultKind
		code gc.Code
	}{{simulator.LostAnswer, gc.Down}, {simulator.SlowREST, gc.NotReachable}, {simulator.UnavailableError, gc.FinesseUnavailable}} {
		// Often, because net/http repeats a read for each connection that was
		// used before and breaks.
		require.NoError(c.t, c.finesse.Inject(simulator.Fault{Kind: x.kind, Agent: "1001", Count: 50, Delay: 2 * time.Second}))
		d.fails(x.code, "agent_work/wrapupreasoncode#1001")
		c.finesse.Heal()
	}
}

func accounts(c *connector, d *driver) {
	d.note("# accounts")
	d.send("agent_info/Connect#1002 " + d.destination + ",secret")
	d.fails(gc.LicensesExceeded, "agent_state/Login#1002 secret,2002")
	for _, wrong := range []string{"wrong", "Wrong", "wrung", "wring", "wrongs"} { // a repeated one would not be tried
		d.fails(gc.SubscriptionFailed, "agent_info/Connect#1003 "+d.destination+","+wrong)
	}
	require.Equal(d.t, 2, c.finesse.Refusals("1003"), "as many may come for its login name, and the fifth would lock the account")
	c.finesse.LockAccount("1005")
	d.fails(gc.AccountLocked, "agent_info/Connect#1005 "+d.destination+",secret")
	d.send("agent_state/MakeReady#1004", "reply-to", "/topic/"+d.destination)
	d.until("State#RE_LOGIN")
}

func takenOver(c *connector, d *driver) {
	d.note("# another driver takes the agent")
	other := newDriver(c, "other")
	other.send("agent_info/Connect#1001 " + other.destination + ",secret")
	d.until("Error#SESSION_INVALIDATED")
}

// A node whose notification service is not there is no use to anybody: without
// it no outcome of a command would be known.
func TestNoNotificationService(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		f := startFinesse(t)
		c := launch(t, f, configuration(t, s, f), withStatusBar, func(c *config.Config) { c.Finesse.Nodes[0].Notify = "xmpps://127.0.0.1:1" })
		c.waitConsuming()
		d := newDriver(c, "crm")
		d.statusBar = true
		d.fails(gc.UnableToSubscribe, "agent_info/Connect#1001 "+d.destination+",secret")
		golden(t, "no-notifications.text", d.conversation())
	})
}

// A wrong password of the administrator is tried once: five lock the account,
// for everybody who uses it.
func TestAWrongAdministratorIsTriedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		f := startFinesse(t)
		password := "wrong"
		for _, want := range []string{"Error#GENERAL_ERROR", "Agents#"} {
			c := launch(t, f, configuration(t, s, f), func(c *config.Config) {
				c.Finesse.Admin = config.Admin{Username: "admin", Password: gc.NewSecret(password)}
			})
			c.waitConsuming()
			d := newDriver(c, "crm")
			d.signIn("1001", "2001")
			for range 6 {
				d.send("agent_call/getallagents#1001")
				d.until(want)
			}
			password = "secret"
		}
	})
}
