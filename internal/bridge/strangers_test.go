package bridge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Who writes to the command queue and has no password gets nothing.
func TestNobodyGetsIn(t *testing.T) {
	t.Run("a Login does not go where a Connect with another password wanted it", func(t *testing.T) {
		for _, delay := range []time.Duration{0, time.Minute} { // while the stranger's session lives, and after it
			play(t, 0, func(st *stage) {
				st.command("Hello#evil", "")
				st.command("Connect#1001", "evil,wrong")
				st.hears(2, "/topic/evil system System#OUT_OF_SERVICE", "/topic/evil agent_error 1001#Error#SUBSCRIPTION_FAILED")
				<-time.After(delay)
				st.send(&broker.Delivery{Type: "Login#1001", Body: "secret,2001"})
				st.hears(1)
				require.Equal(t, 1.0, st.count("commands_quarantined_total"))
				st.send(&broker.Delivery{Type: "Login#1001", Body: "secret,2001", ReplyTo: "/topic/crm"})
				st.hears(1, signedIn)
				st.command("GetState#1001", "")
				st.hears(1, "/topic/crm agent_state 1001#State#READY##Ann")
			})
		}
	})
	t.Run("nor while the Connect is still being proved", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Hello#evil", "")
			st.hears(1, "/topic/evil system System#OUT_OF_SERVICE")
			st.hold = make(chan struct{})
			st.command("Connect#1001", "evil,wrong")
			st.send(&broker.Delivery{Type: "Login#1001", Body: "secret,2001", ReplyTo: "/topic/crm"})
			close(st.hold)
			st.hears(2, "/topic/evil agent_error 1001#Error#SUBSCRIPTION_FAILED", signedIn)
		})
	})
	t.Run("a stranger's Connects that find the agent's mailbox full are not told where it works", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#1001", "crm,secret")
			st.hears(1)
			st.hold = make(chan struct{})
			st.command("GetState#1001", "")
			for range 40 {
				st.command("Connect#1001", "crm,wrong")
			}
			close(st.hold)
			st.hears(41, "/topic/crm agent_state 1001#State#READY##Ann")
		})
	})
}

// Anybody may send any number of passwords for an agent, in any command.
func TestNobodyIsLockedOut(t *testing.T) {
	tries := func(st *stage) {
		for i := range 20 {
			for _, agent := range []string{"ann", "Ann", "ANN", "ａｎｎ"} {
				st.command("Connect#"+agent, fmt.Sprint("evil,", agent, i))
				st.send(&broker.Delivery{Type: "Login#" + agent, Body: fmt.Sprint("a", agent, i, ",2001"), ReplyTo: "/topic/evil"})
				st.send(&broker.Delivery{Type: "MobileAgentLogin#" + agent, Body: fmt.Sprint("b", agent, i, ",2001,4085551234,true"), ReplyTo: "/topic/evil"})
			}
		}
		for len(st.out) > 0 {
			require.NotEqual(st, gc.Destination("/topic/crm"), (<-st.out).Destination)
		}
		st.hears(20 * 4 * 3)
	}
	t.Run("who has not signed in yet", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			tries(st)
			require.EqualValues(t, 4, st.refusals.Load())
			require.Equal(t, 1, st.logs.FilterMessageSnippet("somebody tries passwords").Len(), "said once")
			<-time.After(5 * time.Minute)
			st.command("Connect#ann", "crm,secret")
			st.command("GetState#ann", "")
			st.hears(2, "/topic/crm agent_state ann#State#READY##Ann")
		})
	})
	t.Run("who works, and works on", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#ann", "crm,secret")
			st.hears(1)
			tries(st)
			require.Less(t, st.refusals.Load(), int32(5))
			st.command("GetState#ann", "")
			st.command("Connect#ann", "new,secret")
			st.command("GetState#ann", "")
			st.hears(3, "/topic/crm agent_state ann#State#READY##Ann", "/topic/crm agent_state ann#State#LOGOUT##Ann",
				"/topic/crm agent_error ann#Error#SESSION_INVALIDATED", "/topic/new agent_state ann#State#READY##Ann")
		})
	})
}
