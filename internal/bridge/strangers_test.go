package bridge_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/bridge"
	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// A session that makes room for another takes no command more: who proves the
// password right then has the agent for good.
func TestASessionThatMakesRoomTakesNothingMore(t *testing.T) {
	for range 20 { // who is quicker is left to chance
		playWith(t, func(o *bridge.Options) { o.Limits.Strangers = 2 }, func(st *stage) {
			st.down.Store(true)
			st.command("Connect#1001", "crm,secret") // whose session rests
			st.command("Connect#1003", "crm,secret")
			st.hears(2)
			st.down.Store(false)
			st.begin(&broker.Delivery{Type: "Connect#1002", Body: "other,secret", Text: true}) // for whom that of 1001 goes
			st.begin(&broker.Delivery{Type: "Connect#1001", Body: "crm,secret", Text: true})
			synctest.Wait()
			st.hears(2)
			st.command("GetState#1001", "")
			st.hears(1, "/topic/crm agent_state 1001#State#READY##Ann")
		})
	}
}

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
	t.Run("nor by Connects while Finesse is away, after the driver's", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.down.Store(true)
			st.command("Hello#crm", "")
			st.command("Connect#1001", "crm,secret")
			st.hears(2, "/topic/crm system System#OUT_OF_SERVICE", "/topic/crm agent_error 1001#Error#DOWN")
			for i := range 100 {
				st.command("Connect#1001", fmt.Sprintf("evil%d,wrong%d", i, i))
				st.hears(1)
			}
			st.down.Store(false)
			st.send(&broker.Delivery{Type: "Login#1001", Body: "secret,2001", ReplyTo: "/queue/answers"})
			st.hears(1, signedIn)
		})
	})
	t.Run("a stranger's Connects that find the agent's mailbox full are not told where it works", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#1001", "crm,secret")
			st.hears(1)
			st.hold = make(chan struct{})
			st.command("GetState#1001", "")
			for range 70 {
				st.command("Connect#1001", "crm,wrong")
			}
			close(st.hold)
			st.hears(71, "/topic/crm agent_state 1001#State#READY##Ann")
		})
	})
}

// Nobody knows who sends a Connect or a Login. What is refused of a Connect, and
// why ever, is told where the agent works only to who has its password; what is
// refused of a Login at its reply-to, or there if it has none, as of any command.
func TestARefusedStrangerIsNotToldWhereTheAgentWorks(t *testing.T) {
	unanswerable := errors.New("the correlation id is too long")
	for rule, command := range map[string]struct {
		typ, body    string
		unanswerable error
	}{
		"Connect with a wrong password":              {"Connect#1001", "crm,wrong", nil},
		"Connect without a password":                 {"Connect#1001", "crm", nil},
		"Connect with too much":                      {"Connect#1001", "crm," + strings.Repeat("x", 70_000), nil},
		"Connect to no destination":                  {"Connect#1001", ">,wrong", nil},
		"Connect that cannot be answered":            {"Connect#1001", "crm,wrong", unanswerable},
		"Login with a wrong password":                {"Login#1001", "wrong,2001", nil},
		"Login without parameters":                   {"Login#1001", "", nil},
		"Login without a number that is one":         {"Login#1001", "wrong,abc", nil},
		"Login that is not UTF-8":                    {"Login#1001", "\xff,2001", nil},
		"Login that cannot be answered":              {"Login#1001", "wrong,2001", unanswerable},
		"MobileAgentLogin with a wrong password":     {"MobileAgentLogin#1001", "wrong,2001,4085551234,true", nil},
		"MobileAgentLogin without all that it takes": {"MobileAgentLogin#1001", "wrong,2001", nil},
	} {
		t.Run(rule, func(t *testing.T) {
			play(t, 0, func(st *stage) {
				st.command("Hello#crm", "")
				st.command("Connect#1001", "crm,secret")
				st.hears(2, "/topic/crm system System#OUT_OF_SERVICE")
				for _, replyTo := range []string{"", "/topic/crm", "/queue/evil"} {
					st.send(&broker.Delivery{Type: command.typ, Body: command.body, ReplyTo: replyTo, Unanswerable: command.unanswerable})
				}
				if !strings.HasPrefix(command.typ, "Connect") {
					require.Equal(t, gc.Destination("/topic/crm"), (<-st.out).Destination)
					require.Equal(t, gc.Destination("/topic/crm"), (<-st.out).Destination)
				}
				require.Len(t, st.out, 1)
				require.Equal(t, gc.Destination("/queue/evil"), (<-st.out).Destination)
				st.hears(3)
			})
		})
	}
	t.Run("who has the password hears what else is wrong", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#1001", "crm,secret")
			st.command("Login#1001", "secret")
			st.send(&broker.Delivery{Type: "Login#1001", Body: "secret,2001", Unanswerable: unanswerable})
			st.hears(3, "/topic/crm agent_error 1001#Error#MISSING_EXTENSION", "/topic/crm agent_error 1001#Error#PLEASE_RETRY")
		})
	})
	t.Run("nor what finds the mailbox full, but to who has the password", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#1001", "crm,secret")
			st.hears(1)
			st.hold = make(chan struct{})
			for range 64 {
				st.command("GetState#1001", "")
			}
			st.command("Login#1001", "secret,2001")
			st.hears(1, "/topic/crm agent_error 1001#Error#PLEASE_RETRY")
			st.command("Connect#1001", "crm,wrong")
			st.hears(1)
			close(st.hold)
		})
	})
}

// Anybody may send any number of passwords for an agent, in any command.
func TestAFloodOfRefusedPasswordsIsNotReportedToTheDriver(t *testing.T) {
	play(t, 0, func(st *stage) {
		st.command("Connect#1001", "crm,secret")
		st.command("Login#1001", "secret,2001")
		st.hears(2, "/topic/crm agent_info 1001#AgentInfo#Ann##false##Ann", "/topic/crm agent_state 1001#State#READY##Ann")
		const refused = "/topic/crm agent_error 1001#Error#SUBSCRIPTION_FAILED"
		for i := range 1000 {
			st.command("Login#1001", fmt.Sprintf("wrong%d,2001", i))
		}
		st.hears(1000, slices.Repeat([]string{refused}, 1+20)...) // of one Finesse was asked
		require.Equal(t, 1000.0-1-20, st.count("commands_quarantined_total"))
		<-time.After(time.Second)
		st.command("Login#1001", "wrong,2001")
		st.hears(1, refused)
	})
}

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
			require.EqualValues(t, 2, st.refusals.Load())
			require.Equal(t, 1, st.logs.FilterMessageSnippet("somebody tries passwords").Len(), "said once")
			<-time.After(5 * time.Minute)
			st.command("Connect#ann", "crm,secret")
			st.command("GetState#ann", "")
			st.hears(2, "/topic/crm agent_state ann#State#READY##Ann")
		})
	})
	t.Run("nor is there no room for the commands of who works", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#ann", "crm,secret")
			st.command("Connect#ann", "evil,wrong")
			st.hears(2)
			st.hold = make(chan struct{})
			st.command("GetState#ann", "")
			for i := range 100 {
				st.command("Connect#ann", fmt.Sprint("evil,", i))
			}
			st.command("GetState#ann", "")
			close(st.hold)
			st.hears(102, "/topic/crm agent_state ann#State#READY##Ann", "/topic/crm agent_state ann#State#READY##Ann")
		})
	})
	t.Run("who works, and changes the password", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#ann", "crm,secret")
			st.password.Store("new")
			st.bridge.HandleWith(&broker.Delivery{Type: "Connect#ann", Body: "crm,new"}, func() { st.acks <- "" })
			st.bridge.HandleWith(&broker.Delivery{Type: "Login#ann", Body: "new,2001"}, func() { st.acks <- "" })
			st.hears(3, "/topic/crm agent_info ann#AgentInfo#Ann##false##Ann", "/topic/crm agent_state ann#State#READY##Ann")
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

// A crowd of strangers costs no more than its bounds, and who is known does not
// notice it.
func TestACrowdIsBounded(t *testing.T) {
	const crowd = 25_000 // more than any bound; 100,000 cost the same
	// flood has the bridge take a message for each of the crowd, and sees what
	// that costs.
	flood := func(st *stage, message func(i int) *broker.Delivery) {
		var published sync.Map
		var acks atomic.Int32
		var lets atomic.Bool // events through to the driver
		st.intercept = func(m broker.Message) bool {
			if lets.Load() {
				return false
			}
			published.Store(m.Destination, true)
			if m.Confirmed != nil {
				m.Confirmed()
			}
			return true
		}
		for i := range crowd {
			st.bridge.HandleWith(message(i), func() { acks.Add(1) })
			if i%500 > 0 {
				continue
			}
			synctest.Wait()
			require.Less(st, runtime.NumGoroutine(), 2500)
			require.LessOrEqual(st, st.count("agents_unproved"), float64(strangers))
			require.LessOrEqual(st, st.count("destinations"), 20_000.0)
			st.logs.TakeAll()
			lets.Store(true)
			began := time.Now()
			st.command("GetState#ann", "")
			st.hears(1, "/topic/crm agent_state ann#State#READY##Ann")
			require.Zero(st, time.Since(began), "who is known waits for nobody")
			lets.Store(false)
		}
		synctest.Wait()
		st.intercept = nil
		st.logs.TakeAll()
		runtime.GC()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		require.Less(st, memory.HeapAlloc, uint64(100<<20))
		require.EqualValues(st, crowd, acks.Load(), "each command is settled")
		topics := 0
		published.Range(func(any, any) bool { topics++; return true })
		require.LessOrEqual(st, topics, 10_000+1, "topics of the broker")
	}
	// newcomer is a driver that nobody has heard of.
	newcomer := func(st *stage) {
		st.send(&broker.Delivery{Type: "Hello#desk", Format: "json"})
		st.command("Connect#bob", "desk,secret")
		st.command("GetState#bob", "")
		st.hears(3, `/topic/desk system {"type":"System","status":"OUT_OF_SERVICE"}`,
			`/topic/desk agent_state {"type":"State","agentId":"bob","state":"READY","reasonCode":"","stateChangeTimeString":"","pendingState":"","stateChangeTime":""}`)
		st.bridge.SetStatus(gc.InService)
		told := 0
		for len(st.out) > 0 {
			if m := <-st.out; m.Destination == "/topic/desk" {
				require.Equal(st, `{"type":"System","status":"IN_SERVICE"}`, m.Body)
				told++
			}
		}
		require.Equal(st, 1, told)
	}
	for rule, message := range map[string]func(i int) *broker.Delivery{
		"that tries passwords": func(i int) *broker.Delivery {
			return &broker.Delivery{Type: fmt.Sprint("Connect#", i), Body: fmt.Sprint("evil", i, ",wrong")}
		},
		"that tries passwords and wants answers": func(i int) *broker.Delivery {
			return &broker.Delivery{Type: fmt.Sprint("Login#", i), Body: "wrong,2001", ReplyTo: fmt.Sprint("/topic/evil", i)}
		},
		"that greets": func(i int) *broker.Delivery { return &broker.Delivery{Type: fmt.Sprint("Hello#evil", i)} },
		"that asks for what it has not": func(i int) *broker.Delivery {
			return &broker.Delivery{Type: fmt.Sprint("GetState#", i), ReplyTo: fmt.Sprint("/queue/evil", i)}
		},
	} {
		t.Run(rule, func(t *testing.T) {
			play(t, 0, func(st *stage) {
				st.out = make(chan broker.Message, 20_000)
				st.command("Hello#crm", "")
				st.command("Connect#ann", "crm,secret")
				st.hears(2, "/topic/crm system System#OUT_OF_SERVICE")
				flood(st, message)
				require.LessOrEqual(t, st.refusals.Load(), int32(1000), "put to Finesse")
				<-time.After(10 * time.Second)
				synctest.Wait()
				require.Zero(t, st.count("agents_unproved"), "they end seconds after their refusal")
				newcomer(st)
			})
		})
	}
	t.Run("and the oldest that waits for nothing goes first", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.down.Store(true)
			st.out = make(chan broker.Message, 2*strangers)
			for i := range strangers {
				st.command(fmt.Sprint("Connect#", i), "desk,secret")
			}
			st.down.Store(false)
			st.command("Connect#ann", "crm,secret") // for which 0 goes
			st.send(&broker.Delivery{Type: "Login#0", Body: "secret,2001"})
			st.send(&broker.Delivery{Type: "Login#1", Body: "secret,2001"})
			st.hears(strangers+3, "/topic/desk agent_info 1#AgentInfo#Ann##false##Ann", "/topic/desk agent_state 1#State#READY##Ann")
		})
	})
	t.Run("while Finesse does not answer", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.out = make(chan broker.Message, 20_000)
			st.command("Connect#ann", "crm,secret")
			st.hears(1)
			st.hold = make(chan struct{})
			for i := range prefetch {
				st.bridge.HandleWith(&broker.Delivery{Type: fmt.Sprint("Connect#", i), Body: "evil,secret"}, func() {})
			}
			synctest.Wait()
			require.Less(t, runtime.NumGoroutine(), 2*unproved+100, "two of a session")
			require.Equal(t, float64(unproved), st.count("agents_unproved"))
			close(st.hold)
			synctest.Wait()
			st.hold = nil
			st.logs.TakeAll()
		})
	})
}

// What the connector publishes must not come back to it as commands.
func TestNothingGoesInCircles(t *testing.T) {
	for _, destination := range []string{
		"Connector1", "queue://Connector1", "/queue/Connector1", "topic://Connector1", "/topic/connector1", "CONNECTOR1", "Connector1.owner",
		"queue://Connector1,topic://x", "/topic/queue://Connector1", "/queue/queue://Connector1", "queue:///queue/Connector1", "//Connector1",
		"queue://Connector1?consumer.priority=1", "Consumer.a.VirtualTopic.Connector1", "VirtualTopic.Connector1", "ActiveMQ.DLQ", "activemq.notifications",
		"DLQ", "DLQ.Connector1", "ExpiryQueue", "$sys.mqtt", "ConnectorSync", "topic://connectorsync",
	} {
		t.Run(destination, func(t *testing.T) {
			play(t, 0, func(st *stage) {
				st.with(func(s *bridge.Settings) { s.Sentences = sentences() })
				st.command("Hello#"+destination, "")
				st.command("Beat#"+destination, "")
				st.command("Connect#1001", destination+",secret")
				st.command("Connect#nobody", destination+",wrong")
				st.send(&broker.Delivery{Type: "GetState#1001", ReplyTo: destination})
				st.send(&broker.Delivery{Type: "Login#1001", Body: "secret,2001", ReplyTo: destination})
				st.hears(6)
				require.Zero(t, st.count("destinations"))
			})
		})
	}
	t.Run("others may be named after the queue", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Hello#crm.Connector1", "")
			st.hears(1, "/topic/crm.Connector1 system System#OUT_OF_SERVICE")
		})
	})
	t.Run("and a destination that leads back is noticed, whatever the event", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.with(func(s *bridge.Settings) { s.Sentences, s.Deprecated = sentences(), true })
			var came atomic.Int32
			st.intercept = func(m broker.Message) bool {
				if came.Add(1) > 200 { // it goes in circles
					return true
				}
				if m.Confirmed != nil {
					m.Confirmed()
				}
				go st.bridge.HandleWith(&broker.Delivery{Type: m.Type, Category: string(m.Category), Body: m.Body, ReplyTo: string(m.Destination)}, func() {})
				return true
			}
			st.command("Hello#crm", "")
			for _, format := range []string{"text", "json", "text-old", "text-4.4"} {
				st.send(&broker.Delivery{Type: "Connect#1001", Body: "crm,secret", Format: format})
				st.command("Connect#nobody", "crm,wrong")
				st.command("Login#1001", "secret,2001")
				st.command("MakeReady#1001", "")
				st.send(&broker.Delivery{Type: "refresh#1009", ReplyTo: "/topic/crm"})
			}
			synctest.Wait()
			require.Greater(t, came.Load(), int32(10))
			require.LessOrEqual(t, came.Load(), int32(200))
			require.Equal(t, float64(came.Load()), st.count("commands_returned_total"))
			st.intercept = nil
			for len(st.acks) > 0 {
				<-st.acks
			}
		})
	})
}

// sentences give each event one.
func sentences() map[string]string {
	all := map[string]string{}
	for _, m := range gc.UserMessages {
		all[m.Key] = m.Text
	}
	return all
}

func TestDestinationsThatAreAllowed(t *testing.T) {
	play(t, 0, func(st *stage) {
		st.with(func(s *bridge.Settings) { s.Destinations = []string{"/topic/crm.*"} })
		st.command("Hello#crm.1", "")
		st.command("Hello#desk", "")
		st.command("Connect#1001", "desk,secret")
		st.send(&broker.Delivery{Type: "GetState#1009", ReplyTo: "/queue/desk"})
		st.hears(4, "/topic/crm.1 system System#OUT_OF_SERVICE")
		st.send(&broker.Delivery{Type: "Connect#1001", Body: "desk,secret", ReplyTo: "/topic/crm.1"})
		st.send(&broker.Delivery{Type: "GetState#1009", ReplyTo: "/remote-temp-queue/ID:1"})
		st.hears(2, "/topic/crm.1 agent_error 1001#Error#PLEASE_RETRY", "/remote-temp-queue/ID:1 agent_state 1009#State#RE_LOGIN")
	})
}

// The log names destinations of drivers and the connector's own. A reply-to may be
// a password in the wrong place.
func TestTheLogNamesKnownDestinationsOnly(t *testing.T) {
	play(t, 0, func(st *stage) {
		st.command("Hello#crm", "")
		st.command("Connect#1001", "desk,secret")
		for _, replyTo := range []string{"/topic/hunter2", "/queue/hunter2", "/remote-temp-queue/ID:hunter2"} {
			st.send(&broker.Delivery{Type: "GetState#nobody", ReplyTo: replyTo})
			require.Equal(t, "reply-to", st.bridge.Shown(gc.Destination(replyTo)))
		}
		for _, d := range []gc.Destination{"/topic/crm", "/topic/desk", "/topic/ConnectorSync"} {
			require.Equal(t, string(d), st.bridge.Shown(d))
		}
		for _, line := range st.logs.All() {
			require.NotContains(t, fmt.Sprint(line.Message, line.ContextMap()), "hunter2")
		}
		for len(st.acks) > 0 {
			<-st.acks
		}
	})
}
