package hostile

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// othersTokens: access tokens that are good, but another agent's, or a supervisor's, who
// may read the agent with it. Each is put to the notification service once, where it is
// no more than a wrong password to an agent with a password.
func othersTokens(t *testing.T, s *site) {
	s.all(t)
	thief := s.connect(t, "thief")
	refused := s.finesse.Refusals(byToken)
	for _, agent := range []gc.AgentID{"1001", byToken, tokenToo} {
		last := "thief," + tokenOf(tokenToo, 1) + ",SSO"
		if agent == tokenToo {
			last = "thief," + tokenOf(byToken, 1) + ",SSO"
		}
		for number := range 6 { // one more than lock an account
			token := tokenOf(leadsByToken, 1+number)
			thief.send(t, "Connect#"+string(agent), "thief,"+token+",SSO")
			thief.send(t, "Login#"+string(agent), token+",2009", "reply-to", "/topic/thief")
		}
		thief.send(t, "Connect#"+string(agent), last)
		if agents[agent] != "" {
			s.driver.state(t, agent) // all before it were taken
			continue
		}
		thief.send(t, "GetState#"+string(agent), "", "reply-to", "/topic/thief")
		thief.until(t, string(agent)+"#State#RE_LOGIN")
	}
	require.False(t, s.locked(t, "1001"))
	require.NotZero(t, s.door.tokens(tokenOf(leadsByToken, 6)))
	require.LessOrEqual(t, s.finesse.Refusals(byToken)-refused, 10)
	for _, e := range s.all(t) {
		require.False(t, e.destination == "/topic/thief" && (private(e, byToken) || private(e, tokenToo)), "the thief hears %s", e.body)
	}
	unwritten(t, s, "secret:")
}

// mistaken: a token is given as a password, and a password as a token, also those that
// are right; and the driver's next token comes amid strangers'.
func mistaken(t *testing.T, s *site) {
	s.all(t)
	stranger := dial(t)
	for _, m := range []string{
		"Connect#1002 elsewhere," + tokenOf(byToken, s.tokens), "Connect#1002 elsewhere,secret", "Connect#1002 elsewhere,Canary-1",
		"Connect#1001 elsewhere,secret,SSO", "Connect#1001 elsewhere," + tokenOf("1001", 1) + ",SSO", "Connect#1001 elsewhere,Canary-2,SSO",
		"Login#1001 Canary-3,2001", "Login#1002 Canary-4,2002", "Login#1002 secret,2002",
		"Connect#1003 elsewhere,secret,SSO", "Connect#1010 elsewhere,secret", "Connect#1010 elsewhere," + tokenOf(tokenToo, 1),
	} {
		typ, body, _ := strings.Cut(m, " ")
		require.NoError(t, stranger.Send(t.Context(), outgoing(typ, body)))
	}
	s.unharmed(t)

	require.NoError(t, s.finesse.Inject(simulator.Fault{Kind: simulator.ExpireToken, Agent: byToken}))
	s.driver.send(t, "MakeNotReady#1002", "")
	s.driver.until(t, "1002#State#RE_LOGIN")
	s.tokens++
	s.driver.send(t, "Connect#1002", s.connectOf(byToken))
	s.driver.send(t, "Login#1002", s.passwordOf(byToken)+",2002")
	s.driver.until(t, "1002#State#READY")
	for _, id := range []gc.AgentID{"1001", "1003"} {
		require.False(t, s.locked(t, id), "%s", id)
	}
	unwritten(t, s, "secret:", "Canary-")
}

// floodOfTokens comes for one agent who works with a token.
func floodOfTokens(t *testing.T, s *site) {
	stranger := dial(t)
	begin := time.Now()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for i := range *messages {
			command, body := "Connect", fmt.Sprintf("elsewhere,Canary%d,SSO", i)
			if i%2 == 1 {
				command, body = "Login", fmt.Sprintf("Canary%d,2002", i)
			}
			_ = stranger.Send(t.Context(), outgoing(command+"#1002", body))
		}
	}()
	var slowest time.Duration
	for flooded := true; flooded; {
		select {
		case <-sent:
			flooded = false
		default:
		}
		for id := range agents {
			_, took := s.driver.state(t, id)
			slowest = max(slowest, took)
		}
	}
	put := s.door.tokens("Canary")
	t.Logf("%d tokens in %s: the driver waited %s at most, %d were put to Finesse", *messages, time.Since(begin).Round(time.Millisecond), slowest.Round(time.Millisecond), put)
	require.Less(t, slowest, 2*time.Second)
	require.NotZero(t, put)
	require.LessOrEqual(t, put, 5+int(time.Since(begin).Seconds()/10)+1)
	unwritten(t, s, "Canary")
}

// unwritten: texts stand in nothing that the connector wrote or said.
func unwritten(t *testing.T, s *site, texts ...string) {
	t.Helper()
	events := s.all(t)
	for place, written := range s.wrote(t) {
		for _, text := range texts {
			require.NotContains(t, written, text, "%s", place)
			require.NotContains(t, written, base64.StdEncoding.EncodeToString([]byte(text))[:8], "%s", place)
		}
	}
	for _, e := range events {
		for _, text := range texts {
			require.NotContains(t, e.body+e.destination, text)
		}
	}
}
