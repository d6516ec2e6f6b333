package bridge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker"
)

// Anybody can name temporary destinations that nobody has made. The broker
// refuses what is sent there, which costs it something.
func TestTemporaryDestinationsThatDoNotExist(t *testing.T) {
	const real, many, bound = "/remote-temp-queue/ID:real-", 25_000, 10_000
	// stage has a broker that knows only destinations whose names begin with
	// real, and counts what it refuses.
	begin := func(st *stage) (refused *int) {
		refused = new(int)
		st.intercept = func(m broker.Message) bool {
			exists := !m.Destination.IsTemporary() || strings.HasPrefix(string(m.Destination), real)
			if !exists {
				*refused++
			}
			if m.Answered != nil {
				m.Answered(exists)
			}
			if m.Confirmed != nil {
				m.Confirmed()
			}
			if exists {
				st.out <- m
			}
			return true
		}
		return refused
	}
	ask := func(st *stage, replyTo string) {
		st.bridge.HandleWith(&broker.Delivery{Type: "GetState#nobody", ReplyTo: replyTo}, func() { st.acks <- "" })
	}
	answer := func(replyTo string) string { return replyTo + " agent_state nobody#State#RE_LOGIN" }
	cases := []struct {
		rule     string
		invented func(i int) string
	}{
		{"are many", func(i int) string { return fmt.Sprintf("/remote-temp-queue/ID:evil-%d:1:1", i) }},
		{"are many topics", func(i int) string { return fmt.Sprintf("/remote-temp-topic/ID:evil-%d:1:1", i) }},
		{"are one many times", func(int) string { return "/remote-temp-queue/ID:gone-1:1:1" }},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			play(t, 0, func(st *stage) {
				st.acks = make(chan string, 2*many)
				refused := begin(st)
				ask(st, real+"known")
				st.send(&broker.Delivery{Type: "Login#1001", Body: "secret,2001", ReplyTo: real + "works"})
				st.hears(2, answer(real+"known"), strings.Replace(signedIn, "/topic/crm", real+"works", -1))
				for i := range many {
					ask(st, c.invented(i))
				}
				require.Equal(t, bound, *refused, "the broker is not asked without end")
				st.hears(many)
				require.EqualValues(t, many-bound, st.count("events_undeliverable_total"))
				ask(st, real+"known")
				st.command("GetState#1001", "")
				st.command("Hello#desk", "")
				st.hears(3, answer(real+"known"), real+"works agent_state 1001#State#READY##Ann", "/topic/desk system System#OUT_OF_SERVICE")
				ask(st, real+"late")
				st.hears(1)
				<-time.After(time.Second)
				for range 3 {
					ask(st, real+"late")
				}
				st.hears(3, answer(real+"late"), answer(real+"late"), answer(real+"late"))
			})
		})
	}
	t.Run("are not those of a client that makes one for each command", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.acks = make(chan string, many)
			st.out = make(chan broker.Message, many)
			begin(st)
			for i := range many {
				ask(st, fmt.Sprint(real, i))
			}
			require.Len(t, st.out, many)
			require.Len(t, st.acks, many)
		})
	})
	t.Run("are those that existed, from the first refusal on", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			refused, gone := begin(st), false
			before := st.intercept
			st.intercept = func(m broker.Message) bool {
				if gone {
					m.Destination = "/remote-temp-queue/ID:gone"
				}
				return before(m)
			}
			st.acks = make(chan string, 2*many)
			ask(st, real+"known")
			st.hears(1, answer(real+"known"))
			gone = true
			for range many {
				ask(st, real+"known")
			}
			require.Equal(t, bound+1, *refused)
		})
	})
}
