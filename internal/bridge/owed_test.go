package bridge_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/bridge"
	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// unproved is how many commands of who proved nothing may be unsettled.
const unproved = prefetch / 5 * 4

// Whatever the commands of a crowd wait for, those of who works are delivered,
// and are answered at once.
func TestACrowdThatWaitsHoldsUpNobody(t *testing.T) {
	for rule, message := range map[string]func(i int) *broker.Delivery{
		"for agents there are not": func(i int) *broker.Delivery {
			return &broker.Delivery{Type: fmt.Sprint("Connect#9", i), Body: "desk,wrong"}
		},
		"and wants answers": func(i int) *broker.Delivery {
			return &broker.Delivery{Type: fmt.Sprint("Login#9", i), Body: "wrong,2001", ReplyTo: "/topic/desk"}
		},
		"for few agents, with what comes behind a Connect": func(i int) *broker.Delivery {
			if i < 100 {
				return &broker.Delivery{Type: fmt.Sprint("Connect#9", i), Body: "desk,wrong"}
			}
			return &broker.Delivery{Type: fmt.Sprint("GetState#9", i%100), ReplyTo: "/topic/desk"}
		},
	} {
		t.Run(rule, func(t *testing.T) {
			play(t, 0, func(st *stage) {
				st.out = make(chan broker.Message, 20_000)
				st.command("Connect#ann", "crm,secret")
				st.hears(1)
				st.hangs = "9"
				const many = 6000
				var settled atomic.Int32
				for i := range many {
					st.bridge.HandleWith(message(i), func() { settled.Add(1) })
				}
				synctest.Wait()
				require.EqualValues(t, many-unproved, settled.Load(), "those beyond four fifths of the prefetch are refused")
				require.Equal(t, float64(unproved), st.count("commands_unproved"))
				drained(st)
				began := time.Now()
				st.command("GetState#ann", "")
				st.hears(1, "/topic/crm agent_state ann#State#READY##Ann")
				require.Zero(t, time.Since(began))
				<-time.After(2 * time.Minute)
				synctest.Wait()
				require.EqualValues(t, many, settled.Load())
				require.Zero(t, st.count("commands_unproved"))
				drained(st)
			})
		})
	}
	t.Run("nor somebody whose password has worked", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#ann", "crm,secret")
			st.password.Store("") // Finesse's directory is away
			st.command("GetState#ann", "")
			st.password.Store("secret")
			st.hears(2, "/topic/crm agent_error ann#Error#SUBSCRIPTION_FAILED")
			<-time.After(10 * time.Second)
			st.hangs = "9"
			for i := range prefetch {
				st.bridge.HandleWith(&broker.Delivery{Type: fmt.Sprint("Connect#9", i), Body: "desk,wrong"}, func() {})
			}
			st.command("Connect#bob", "desk,secret")
			st.command("Connect#ann", "crm,secret")
			st.command("Login#ann", "secret,2001")
			st.hears(3, strings.ReplaceAll(signedIn, "1001", "ann"))
			<-time.After(2 * time.Minute)
		})
	})
	t.Run("nor does an answer that the broker does not confirm keep others from waiting", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.intercept = func(m broker.Message) bool { return m.Destination == "/topic/desk" }
			for range prefetch {
				st.command("Hello#desk", "")
			}
			st.hears(prefetch - unproved)
			st.command("Connect#ann", "crm,secret")
			st.command("GetState#ann", "")
			st.hears(3, "/topic/crm agent_state ann#State#READY##Ann") // and a Hello gave way
		})
	})
}

// Anybody may send commands for an agent who works. However late Finesse tells
// what became of those that it accepted, one agent's are few of what the broker
// gives at a time.
func TestWhatWaitsForAnOutcomeIsBounded(t *testing.T) {
	play(t, 0, func(st *stage) {
		const sent, held = 200, 64
		st.command("Connect#ann", "crm,secret")
		st.command("Connect#bob", "desk,secret")
		st.hears(2)
		for range sent {
			st.command("MakeNotReady#ann", "") // of which nothing is ever notified
		}
		refused := slices.Repeat([]string{"/topic/crm agent_error ann#Error#PLEASE_RETRY"}, sent-held)
		st.hears(sent-held, refused...)
		require.EqualValues(t, sent-held, st.count("commands_mailbox_full_total"))
		began := time.Now()
		st.command("GetState#bob", "")
		st.hears(1, "/topic/desk agent_state bob#State#READY##Ann")
		require.Zero(t, time.Since(began))
		<-time.After(20 * time.Second)
		st.hears(held, refused[:held]...)
		st.command("GetState#ann", "")
		st.hears(1, "/topic/crm agent_state ann#State#READY##Ann") // there is room again
	})
}

// A stranger makes the connector keep little for each command that waits.
func TestWhoProvedNothingHasShortCommandsWait(t *testing.T) {
	play(t, 0, func(st *stage) {
		body := strings.Repeat("s", 4<<10) + ",2001"
		st.hangs = "9"
		st.send(&broker.Delivery{Type: "Login#9", Body: body, Size: len(body), ReplyTo: "/topic/desk"})
		st.hears(1, "/topic/desk agent_error 9#Error#PLEASE_RETRY")
	})
}

func drained(st *stage) {
	for len(st.out) > 0 {
		<-st.out
	}
	st.logs.TakeAll()
}

// All agents of a large site sign in at the start of a shift, or, when their
// driver finds a connector that does not know them, at once. An old driver asks for
// the state behind the Login (O-023).
func TestASignInStormGetsIn(t *testing.T) {
	const agents = 2000
	for _, c := range []struct {
		rule                string
		every, finesseTakes time.Duration
	}{
		{"in a minute while Finesse is quick", time.Minute / agents, 50 * time.Millisecond},
		{"in a minute while Finesse is slow", time.Minute / agents, 700 * time.Millisecond},
		{"at once while Finesse is quick", 0, 50 * time.Millisecond},
		{"at once while Finesse is busy", 0, 200 * time.Millisecond},
		{"at once while Finesse is slow", 0, 700 * time.Millisecond},
	} {
		t.Run(c.rule, func(t *testing.T) {
			usual := func(o *bridge.Options) { o.Limits = bridge.DefaultLimits }
			playWith(t, usual, func(st *stage) {
				const sent = 3*agents + 1
				st.out = make(chan broker.Message, 10*agents)
				st.acks = make(chan string, sent)
				st.takes = c.finesseTakes
				st.begin(&broker.Delivery{Type: "Connect#stray", Body: "desk,wrong"})
				for i := range agents {
					st.begin(&broker.Delivery{Type: "Connect#" + strconv.Itoa(i), Body: "crm,secret"})
					st.begin(&broker.Delivery{Type: "Login#" + strconv.Itoa(i), Body: "secret,2001"})
					st.begin(&broker.Delivery{Type: "GetState#" + strconv.Itoa(i)})
					<-time.After(c.every)
				}
				<-time.After(time.Minute)
				require.Len(t, st.acks, sent)
				require.EqualValues(t, agents, st.count("agents_signed_in"))
				for len(st.out) > 0 {
					require.NotContains(t, (<-st.out).Body, "Error")
				}
				st.logs.TakeAll()
				for range sent {
					<-st.acks
				}
			})
		})
	}
	t.Run("and who has proved a password waits on nobody's account", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.takes = time.Second
			st.command("Connect#ann", "crm,secret")
			st.command("Login#ann", "secret,2001")
			require.Equal(t, 2.0, st.count("commands_unproved"))
			<-time.After(3500 * time.Millisecond)
			require.Zero(t, st.count("commands_unproved"))
			st.hears(1)
			<-time.After(time.Minute)
			st.hears(1, strings.ReplaceAll(signedIn, "1001", "ann"))
		})
	})
}

// Somebody who does not read a topic can make the broker hold all events back;
// the commands of those who work come all the same.
func TestAnswersToStrangersDoNotUseUpThePrefetch(t *testing.T) {
	play(t, 0, func(st *stage) {
		st.command("Connect#1001", "crm,secret")
		st.hears(1)
		var held []func()
		st.intercept = func(m broker.Message) bool { // the broker confirms nothing
			require.Equal(t, m.Destination != "/topic/crm", m.Expendable)
			held = append(held, m.Confirmed)
			return true
		}
		for range prefetch {
			st.command("Hello#desk", "")
		}
		st.hears(prefetch - unproved) // the others are not waited for
		st.command("GetState#1001", "")
		st.hears(0) // an answer to who works always is
		for _, confirmed := range held {
			confirmed()
		}
		st.hears(unproved + 1)
		require.Zero(t, st.count("commands_unproved"))
		st.command("Hello#desk", "")
		st.hears(0) // there is room again
		held[len(held)-1]()
		st.hears(1)
	})
	t.Run("nor do those that no session takes, to where an agent works", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#1001", "crm,secret")
			st.hears(1)
			st.intercept = func(broker.Message) bool { return true }
			for range unproved {
				st.command("Hello#crm", "")
				st.send(&broker.Delivery{Type: "GetState#eve", ReplyTo: "/topic/crm"})
			}
			st.hears(unproved)
		})
	})
	t.Run("nor when one is given again because it may have been lost", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			var lost []func()
			st.intercept = func(m broker.Message) bool {
				lost = append(lost, m.Lost)
				return true
			}
			for range prefetch {
				st.command("Hello#desk", "")
			}
			st.hears(prefetch - unproved)
			st.intercept = nil
			for _, again := range lost {
				again()
			}
			for len(st.out) > 0 {
				require.Equal(t, "System#"+string(gc.OutOfService), (<-st.out).Body)
			}
			st.hears(unproved)
			require.Zero(t, st.count("commands_unproved"))
		})
	})
}
