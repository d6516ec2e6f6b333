package hostile

import (
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func outgoing(typ, body string, headers ...string) broker.Outgoing {
	all := map[string]string{"type": typ}
	for i := 0; i < len(headers); i += 2 {
		all[headers[i]] = headers[i+1]
	}
	return broker.Outgoing{Destination: "/queue/" + queue, Headers: all, Body: body}
}

// strangers come as many as there are at once: each connects an agent with a wrong
// password, or with a wrong access token, from a destination of its own, and says Hello
// from another. They are ahead of the connector by no more than maxAhead: what stands before a
// driver's command on the queue delays it (docs/security.md), and how long is the machine's
// matter.
func strangers(t *testing.T, s *site) {
	const at, maxAhead = 16, 10_000
	ahead := make(chan struct{}, maxAhead)
	received := s.commands(t)
	refusedBefore, _ := s.door.refused()
	begin := time.Now()
	var senders sync.WaitGroup
	for sender := range at {
		c := dial(t)
		senders.Go(func() {
			for i := sender; i < *crowd; i += at {
				secret := "wrong"
				if i/at%2 == 1 {
					secret = fmt.Sprintf("crowd%d,SSO", i)
				}
				ahead <- struct{}{}
				_ = c.Send(t.Context(), outgoing(fmt.Sprintf("Connect#9%05d", i), fmt.Sprintf("stranger%d,%s", i, secret)))
				ahead <- struct{}{}
				_ = c.Send(t.Context(), outgoing(fmt.Sprintf("Hello#greeter%d", i), "", "format", "json"))
			}
		})
	}
	var slowest time.Duration
	sent := make(chan struct{})
	go func() {
		senders.Wait()
		close(sent)
	}()
	most := 0
	for crowded := true; crowded; {
		for id := range agents {
			_, took := s.driver.state(t, id)
			slowest = max(slowest, took)
		}
		most = max(most, s.memory(t))
		for now := s.commands(t); received < now && len(ahead) > 0; received++ {
			<-ahead
		}
		select {
		case <-sent:
			crowded = false
		default:
		}
	}
	refused, _ := s.door.refused()
	refused, tokens := refused-refusedBefore, s.door.tokens("crowd")
	t.Logf("%d strangers in %s: the driver waited %s at most, %d wrong passwords and %d wrong tokens were put to Finesse, %d MB resident at most",
		2**crowd, time.Since(begin).Round(time.Millisecond), slowest.Round(time.Millisecond), refused, tokens, most>>20)
	require.NotZero(t, tokens)
	require.LessOrEqual(t, refused+tokens, 1100+int(20*time.Since(begin).Seconds()), "what the crowd may spend, and what is on its way")
	require.Less(t, most, 400<<20)
	require.Less(t, s.metric(t, "destinations"), 20_000.0)
	eventually(t, func() bool { return s.metric(t, "agents") < 1_100 }, "sessions that proved nothing end")

	late := s.connect(t, "latecomer")
	eventually(t, func() bool { // as soon as no more of them come than there is room for
		late.send(t, "Hello#latecomer", "", "format", "json")
		select {
		case e := <-late.got:
			return strings.Contains(e.body, `"IN_SERVICE"`)
		case <-time.After(200 * time.Millisecond):
			return false
		}
	})
	late.send(t, "Connect#1005", "latecomer,secret", "format", "json")
	late.send(t, "Login#1005", "secret,2005")
	late.until(t, `"NOT_READY"`)
	late.send(t, "Logout#1005", "")
	late.until(t, `"LOGOUT"`)
}

// strangersThatHang come with agents of whom Finesse answers no request: each
// would keep its command from being settled for as long as it waits.
func strangersThatHang(t *testing.T, s *site) {
	const many, at = 12_000, 8
	s.door.hangs("8")
	defer s.door.hangs("")
	begin := time.Now()
	var senders sync.WaitGroup
	for sender := range at {
		c := dial(t)
		senders.Go(func() {
			for i := sender; i < many; i += at {
				_ = c.Send(t.Context(), outgoing(fmt.Sprintf("Connect#8%05d", i), "desk8,wrong"))
			}
		})
	}
	senders.Wait()
	s.driver.state(t, "1001") // which stood behind all of them on the queue
	var slowest time.Duration
	for range 50 {
		_, took := s.driver.state(t, "1001")
		slowest = max(slowest, took)
	}
	t.Logf("%d strangers in %s: the driver waited %s at most", many, time.Since(begin).Round(time.Millisecond), slowest.Round(time.Millisecond))
	require.Less(t, slowest, 2*time.Second)
	require.LessOrEqual(t, s.metric(t, "commands_unproved"), 6400.0)

	s.door.hangs("")
	late := s.connect(t, "patient")
	late.send(t, "Hello#patient", "")
	late.until(t, "System#IN_SERVICE")
	eventually(t, func() bool { // who is told so tries again
		late.send(t, "Connect#1005", "patient,secret")
		late.send(t, "GetState#1005", "")
		return strings.Contains(late.until(t, "1005#").body, "#State#LOGOUT")
	})
}

func hijack(t *testing.T, s *site) {
	evil := s.connect(t, "evil")
	evil.send(t, "Hello#evil", "")
	evil.send(t, "Connect#1003", "evil,wrongpw")
	evil.until(t, "1003#Error#SUBSCRIPTION_FAILED")
	s.all(t)
	s.driver.send(t, "Login#1003", "secret,2003")
	s.driver.send(t, "Login#1003", "secret,2003", "reply-to", "/topic/"+desk)
	s.driver.until(t, "1003#State#")
	s.driver.send(t, "MakeReady#1003", "")
	s.driver.until(t, "1003#State#READY")
	s.rings(t, "1003")
	s.driver.send(t, "force_logout#1003", "")
	s.driver.until(t, "1003#State#LOGOUT")
	for _, e := range s.all(t) {
		require.False(t, e.destination == "/topic/evil" && private(e, "1003"), "evil hears %s", e.body)
	}
}

func formatFlip(t *testing.T, s *site) {
	s.all(t)
	stranger := dial(t)
	for _, m := range []broker.Outgoing{
		outgoing("Hello#"+desk, "", "format", "json"),
		outgoing("Beat#"+desk, "", "format", "text-old"),
		outgoing("Connect#1001", desk+",wrong", "format", "json"),
		outgoing("Connect#4711", desk+",wrong", "format", "json"),
		outgoing("Connect#1001", desk, "format", "json"),
		outgoing("Login#1001", "wrong,2001", "format", "json", "reply-to", "/topic/evil"),
	} {
		require.NoError(t, stranger.Send(t.Context(), m))
	}
	answer, _ := s.driver.state(t, "1001")
	require.True(t, strings.HasPrefix(answer, "1001#State#READY"), answer)
	s.rings(t, "1001")
	for _, e := range s.all(t) {
		if e.destination == "/topic/"+desk {
			require.False(t, strings.HasPrefix(e.body, "{"), e.body)
			require.False(t, strings.HasPrefix(e.body, "1001#Error#"), "a stranger's failure is not told to the driver")
		}
	}
}

func lockOut(t *testing.T, s *site) {
	_, before := s.door.refused()
	stranger := dial(t)
	for i := range 10 {
		wrong := fmt.Sprint("wrong", i)
		for _, m := range []broker.Outgoing{
			outgoing("Connect#1001", "elsewhere,"+wrong+"a"),
			outgoing("Login#1001", wrong+"b,2001"),
			outgoing("MobileAgentLogin#1001", wrong+"c,2001,5551234,false"),
			outgoing("Connect#1004", "elsewhere,"+wrong),
			outgoing("Login#1004", wrong+",2004", "reply-to", "/topic/elsewhere"),
			outgoing("Connect#1004 ", "elsewhere,"+wrong+"d"),
			outgoing(fmt.Sprintf("Connect#1006:%d", i), "elsewhere,wrong"),
			outgoing("Connect#1006/../1001", "elsewhere,wrong"),
		} {
			require.NoError(t, stranger.Send(t.Context(), m))
		}
	}
	for i := range 5 { // Finesse takes the login name as well
		for _, name := range []string{"1001", "agent1001", "1008", "agent1008"} {
			require.NoError(t, stranger.Send(t.Context(), outgoing("Connect#"+name, fmt.Sprintf("elsewhere,wrong%d of %s", i, name))))
		}
	}
	s.driver.state(t, "1001") // all before it were taken
	s.driver.state(t, "1002")
	_, after := s.door.refused()
	accounts := map[string]int{}
	for user, n := range after {
		accounts[strings.TrimPrefix(user, "agent")] += n - before[user]
	}
	for user, n := range accounts {
		require.LessOrEqual(t, n, 4, "wrong passwords of %s", user)
	}
	for _, id := range []gc.AgentID{"1001", "1004", "1006", "1008"} {
		require.False(t, s.locked(t, id), "%s", id)
	}
}

// writtenDown puts a canary in every place of a message.
func writtenDown(t *testing.T, s *site) {
	s.all(t)
	count := 0
	canary := func() string {
		count++
		return fmt.Sprintf("Canary-%02d-x", count)
	}
	stranger := dial(t)
	say := func(typ, body string, headers ...string) {
		require.NoError(t, stranger.Send(t.Context(), outgoing(typ, body, headers...)))
	}
	say("Connect#1001", canary())
	say("Connect#1007", canary())
	say("Connect#1001", "desk,"+canary())
	say("Connect#1007", "elsewhere,"+canary())
	say("Login#1001", canary()+",2001")
	say("Login#1007", canary()+",2007")
	say("Login#1001 "+canary()+",2001", "")
	say("Login#"+canary()+",2001", "")
	say("Login "+canary(), "")
	say(canary(), "")
	say(canary()+"#1001", "")
	say("GetState#1001", canary())
	say("MakeNotReadyWithReason#1001", canary())
	say("GetState#1001", "", "category", canary())
	say("GetState#1001", "", "MessageCategory", canary())
	say("Hello#"+desk, "", "format", canary())
	say("GetState#1001", "", "message-id", canary())
	say("GetState#1001", "", "reply-to", canary())
	say("GetState#1001", "", canary(), canary())
	say("Connect#1007", canary()+","+canary())
	s.driver.state(t, "1001")
	s.driver.state(t, "1002")
	events := s.all(t)
	for place, text := range s.wrote(t) {
		require.NotContains(t, text, "Canary-", "%s", place)
		require.NotContains(t, text, base64.StdEncoding.EncodeToString([]byte("Canary-"))[:8], "%s", place)
	}
	for _, e := range events {
		require.NotContains(t, e.destination, "Canary-")
	}
}
