package session_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// With single sign-on an access token stands for the password: in every request, for it
// is the stage's Finesse that takes nothing else.
func TestSingleSignOn(t *testing.T) {
	const info, notReady, reLogin = "crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith", "crm: 1001#State#RE_LOGIN"
	signOn := (*stage).signOn
	scene(t, "a Login's password is the token, too", func(st *stage) {
		signOn(st)
		require.Zero(st, st.refusals)
	})
	scene(t, "also when the Connect waits for Finesse", func(st *stage) {
		st.sso, st.password, st.down = true, "first", errDown
		st.send("Connect#1001", "crm,first,SSO")
		st.hears("crm: 1001#Error#DOWN")
		st.down = nil
		st.send("Login#1001", "first,2001")
		st.userIs(gc.NotReady, extension("2001"))
		st.hears(info, notReady)
		st.asks("LOGIN 2001")
	})
	scene(t, "a new token takes the place of the old one without a gap", func(st *stage) {
		signOn(st)
		old := st.stream
		st.password = "second"
		st.send("Connect#1001", "crm,second,SSO")
		require.NotSame(st, old, st.stream, "its stream is there")
		require.True(st, old.closed)
		st.userIs(gc.Ready)
		st.hears("crm: 1001#State#READY##Ann Smith")
		require.Zero(st, st.refusals, "nothing was asked with the old one")
	})
	scene(t, "a call that comes meanwhile is told once", func(st *stage) {
		signOn(st)
		st.password, st.dialogs = "second", []finesse.Dialog{leg("7", "4085551234", gc.Alerting)}
		st.send("Connect#1001", "crm,second,SSO")
		st.dialog(finesse.Post, st.dialogs[0])
		require.Len(st, st.heard, 2, "NewInboundCall and InboundCall")
		st.heard = nil
	})
	scene(t, "a token that has expired is asked for once, and a new one works at once", func(st *stage) {
		signOn(st)
		st.password = "second"
		st.send("MakeReady#1001", "")
		st.hears(reLogin)
		require.Equal(st, 1, st.logs.FilterMessageSnippet("access token has expired").Len())
		st.asked = nil
		st.send("MakeReady#1001", "")
		st.hears(reLogin)
		require.Equal(st, 1, st.refusals, "it is not used again")
		st.send("Connect#1001", "crm,second,SSO")
		st.send("Login#1001", "second,2001")
		st.hears(info, notReady)
		st.asks("LOGIN 2001")
	})
	scene(t, "also when no command shows it", func(st *stage) {
		signOn(st)
		st.wait(15 * time.Second)
		st.password = "second"
		close(st.stream.updates)
		st.wait(10 * time.Second)
		st.hears(reLogin)
		require.Equal(st, 1, st.refusals)
	})
	scene(t, "a Connect with an expired one is refused, so that no driver repeats it for ever", func(st *stage) {
		signOn(st)
		st.password = "second"
		st.send("Connect#1001", "crm,first,SSO")
		st.hears("crm: 1001#Error#SUBSCRIPTION_FAILED")
	})
	scene(t, "the token sent as a password disturbs nothing", func(st *stage) {
		signOn(st)
		st.send("Connect#1001", "crm,first")
		st.hears(": 1001#Error#SUBSCRIPTION_FAILED") // told nowhere, as of any wrong one
		st.userIs(gc.Ready)
		st.hears("crm: 1001#State#READY##Ann Smith")
	})
	scene(t, "a supervisor's token is no member's, though it reads the member", func(st *stage) {
		signOn(st)
		st.leaders = "leader"
		st.send("Connect#1001", "thief,leader,SSO")
		st.send("Login#1001", "leader,2002")
		st.asks()
		st.userIs(gc.Ready)
		require.Equal(st, "crm: 1001#State#READY##Ann Smith", st.heard[len(st.heard)-1])
		for _, heard := range st.heard[:len(st.heard)-1] {
			require.Contains(st, heard, "SUBSCRIPTION_FAILED")
			require.NotContains(st, heard, "crm:", "nothing of it is told where the agent works")
		}
		st.heard = nil
	})
	scene(t, "nor is it told there when it names the destination itself", func(st *stage) {
		signOn(st)
		st.leaders = "leader"
		st.send("Connect#1001", "crm,leader,SSO")
		st.hears(": 1001#Error#SUBSCRIPTION_FAILED")
	})
	scene(t, "tokens of strangers do not keep out the new one", func(st *stage) {
		signOn(st)
		st.strangersTokens(4)
		st.password = "second"
		st.send("Connect#1001", "crm,second,SSO")
		st.userIs(gc.Ready)
		st.hears("crm: 1001#State#READY##Ann Smith")
	})
	scene(t, "a Login with the next token, without its Connect, is no password", func(st *stage) {
		signOn(st)
		st.password = "second"
		st.send("MakeReady#1001", "")
		st.hears(reLogin)
		st.asked = nil
		st.send("Login#1001", "second,2001")
		st.hears(info, notReady)
		require.Equal(st, 1, st.refusals)
	})
	scene(t, "a supervisor is asked for a new one, not the member whom a command is about", func(st *stage) {
		st.sso, st.password = true, "first"
		for _, replyTo := range []gc.Destination{"/topic/crm", "/topic/other"} {
			st.team = []gc.TeamUser{{LoginID: "1005", Extension: "2005", State: gc.Ready, MediaType: "1"}}
			st.member = finesse.User{LoginID: "1005", TeamID: "1", Extension: "2005", State: gc.Ready}
			st.followers = []gc.Destination{"/topic/crm", "/topic/other"}
			st.send("Connect#1001", "crm,"+st.password+",SSO")
			st.heard = nil
			st.send("getteamusers#1001", "1")
			st.heard, st.replyTo, st.password = nil, replyTo, "next"+replyTo.Name()
			st.send("MakeNotReady#1005", "")
			st.hears(replyTo.Name()+": 1005#Error#SUBSCRIPTION_FAILED", reLogin)
		}
	})
}

// signOn is signIn with single sign-on.
func (st *stage) signOn() {
	st.sso, st.password = true, "first"
	st.send("Connect#1001", "crm,first,SSO")
	st.send("Login#1001", "first,2001")
	st.userIs(gc.NotReady, extension("2001"))
	st.hears("crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith")
	st.asks("LOGIN 2001")
}

// strangersTokens are none of the agent's.
func (st *stage) strangersTokens(n int) {
	for i := range n {
		st.send("Connect#1001", "thief,"+strconv.Itoa(i)+",SSO")
	}
	st.heard = nil
}

// A new stream of the agent replaces the old one at the server, before the session has
// it.
func TestAStreamThatAConnectReplaces(t *testing.T) {
	replaced := gc.Errorf(gc.UnableToSubscribe, "notify", "conflict")
	scene(t, "no other one is opened then", func(st *stage) {
		st.signIn()
		st.dialogs = []finesse.Dialog{leg("7", "4085551234", gc.Active)}
		st.dialog(finesse.Post, st.dialogs[0]) // for which a lost one is opened at once
		st.heard = nil
		st.wait(15 * time.Second)
		st.dials, st.password = 0, "new"
		old := st.stream
		st.joined = func() {
			st.joined = nil
			old.err = replaced
			close(old.updates)
			<-time.After(time.Millisecond) // the session has heard of it
		}
		st.send("Connect#1001", "crm,new")
		st.wait(time.Minute)
		require.Equal(st, 1, st.dials)
		require.False(st, st.stream.closed)
		st.hears()
	})
	scene(t, "unless the new one does not come", func(st *stage) {
		st.signIn()
		st.wait(15 * time.Second)
		st.dials, st.stream.err = 0, replaced
		close(st.stream.updates)
		st.wait(time.Millisecond)
		require.Zero(st, st.dials)
		st.wait(5 * time.Second)
		require.Equal(st, 1, st.dials)
		require.False(st, st.stream.closed)
	})
}

// A new token takes the place of one that works, or does not, and costs the agent nothing.
func TestANewToken(t *testing.T) {
	const reLogin = "crm: 1001#State#RE_LOGIN"
	failsOnce := func(st *stage) { // the reading after the stream was opened
		st.joined = func() {
			st.joined = nil
			st.turn()
			st.readErr = gc.Errorf(gc.GeneralError, "finesse", "500")
		}
	}
	for rule, first := range map[string]string{"which is revoked": "", "which is good": "first"} {
		scene(t, "no stream is opened with the old one, "+rule+", though the calls are listed slowly", func(st *stage) {
			st.signOn()
			st.wait(15 * time.Second)
			st.dials = 0
			old := st.stream
			st.password, st.leaders, st.slowCalls = "second", first, 4*time.Second
			st.joined = func() { // the server lets the agent have one
				st.joined = nil
				old.err = gc.Errorf(gc.UnableToSubscribe, "notify", "conflict")
				close(old.updates)
			}
			st.submit("Connect#1001", "crm,second,SSO")
			st.wait(time.Minute)
			st.hears()
			require.Zero(st, st.refusals)
			require.Equal(st, 1, st.dials)
			require.False(st, st.stream.closed)
		})
	}
	scene(t, "one that fails halfway leaves that which works what it was, and the driver hears of it", func(st *stage) {
		st.signOn()
		st.leaders, st.password = "first", "second"
		failsOnce(st)
		st.send("Connect#1001", "crm,second,SSO")
		st.hears("crm: 1001#Error#GENERAL_ERROR")
		st.readErr = nil
		for range 10 {
			st.send("MakeReady#1001", "")
			st.userIs(gc.Ready)
			st.send("MakeNotReady#1001", "")
			st.userIs(gc.NotReady)
		}
		require.Len(st, st.asked, 20)
		require.NotContains(st, strings.Join(st.heard, "\n"), "Error")
		st.heard = nil
	})
	scene(t, "a command that is read with the old one, which is over by then, is to be repeated", func(st *stage) {
		st.signOn()
		st.send("MakeReady#1001", "") // is taken, and not notified
		st.leaders, st.password = "first", "second"
		reading := make(chan struct{})
		st.hold = reading
		st.wait(15 * time.Second)
		st.hold = nil
		st.send("Connect#1001", "crm,second,SSO")
		st.leaders = ""
		close(reading)
		st.hears("crm: 1001#Error#PLEASE_RETRY")
	})
	scene(t, "with whose owner Finesse answers for any agent is not the agent's", func(st *stage) {
		st.signOn()
		st.leaders, st.owner = "thief's", map[string]gc.AgentID{"thief's": "1002"}
		st.send("Connect#1001", "thief,thief's,SSO")
		st.hears("thief: 1001#Error#SUBSCRIPTION_FAILED")
		require.Equal(st, gc.Destination("/topic/crm"), st.session.Destination())
	})
	for _, each := range []time.Duration{2 * time.Second, 10 * time.Second, 30 * time.Second} {
		scene(t, "is let in soon after strangers have stopped, if the driver sends it each "+each.String(), func(st *stage) {
			st.signOn()
			st.strangersTokens(20)
			st.password = "second"
			st.send("MakeReady#1001", "")
			st.hears(reLogin)
			for range 30 * time.Second / each {
				st.wait(each)
				st.send("Connect#1001", "crm,second,SSO")
			}
			require.True(st, st.session.Works())
			st.heard = nil
		})
	}
	scene(t, "also after the notification service was away", func(st *stage) {
		st.signOn()
		st.password = "second"
		st.send("MakeReady#1001", "")
		st.dialErr = gc.Errorf(gc.UnableToSubscribe, "notify", "connection refused")
		for range 60 {
			st.wait(2 * time.Second)
			st.send("Connect#1001", "crm,second,SSO")
		}
		st.dialErr = nil
		st.send("Connect#1001", "crm,second,SSO")
		require.True(st, st.session.Works())
		st.heard = nil
	})
	for rule, begin := range map[string]func(*stage){"a token": (*stage).signOn, "a password": (*stage).signIn} {
		scene(t, "strangers' tokens that Finesse is slow to refuse hold up who works with "+rule+" for no more than ten seconds", func(st *stage) {
			begin(st)
			st.slowTokens = 5 * time.Second
			for i := range 12 {
				st.submit("Connect#1001", "thief,"+strconv.Itoa(i)+",SSO")
			}
			st.submit("MakeReady#1001", "")
			st.wait(10 * time.Second)
			st.asks("READY ")
			st.heard = nil
		})
	}
}
