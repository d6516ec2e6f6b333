package bridge_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func TestWhatIsDeliveredAgain(t *testing.T) {
	t.Run("while it runs is not run again, and acknowledged where it came last", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#1001", "crm,secret")
			st.hears(1)
			st.hold = make(chan struct{})
			acked := ""
			deliver := func(name string, connection uint64) {
				d := &broker.Delivery{Type: "GetState#1001", Identity: 7, Connection: connection, Redelivered: connection > 1}
				st.bridge.HandleWith(d, func() { acked += name })
				synctest.Wait()
			}
			deliver("lost", 1)
			deliver("new", 2)
			close(st.hold)
			st.hears(0, "/topic/crm agent_state 1001#State#READY##Ann")
			require.Equal(t, "new", acked)
			deliver("newer", 3)
			st.hears(0)
			require.Equal(t, "newnewer", acked)
			require.Equal(t, 2.0, st.count("commands_repeated_total"))
		})
	})
	t.Run("a call too is neither made twice nor refused", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#1001", "crm,secret")
			for connection := range 2 {
				st.send(&broker.Delivery{Type: "AnswerCall#1001", Body: "9", Identity: 8, Connection: uint64(connection), Redelivered: connection > 0})
			}
			st.hears(3, "/topic/crm agent_error 1001#Error#NO_DIALOG_ID")
		})
	})
}

// Ids and the mark of a repetition are the sender's word.
func TestNoCommandIsTakenForTheRepetitionOfAnother(t *testing.T) {
	answer := "/topic/crm agent_state 1001#State#READY##Ann"
	cases := []struct {
		rule       string
		deliveries []*broker.Delivery
		answers    int
	}{
		{"one message-id for all commands", []*broker.Delivery{{MessageID: "ID:1", Identity: 1}, {MessageID: "ID:1", Identity: 2}}, 2},
		{"a forged mark", []*broker.Delivery{{Identity: 1}, {Identity: 2, Redelivered: true}}, 2},
		{"alike to the letter, on one connection", []*broker.Delivery{{Identity: 1}, {Identity: 1, Redelivered: true}}, 2},
		{"two that are alike come again as two", []*broker.Delivery{{Identity: 1}, {Identity: 1}, {Identity: 1, Connection: 1, Redelivered: true}, {Identity: 1, Connection: 1, Redelivered: true}}, 2},
		{"two that are alike, and a third", []*broker.Delivery{{Identity: 1}, {Identity: 1, Connection: 1, Redelivered: true}, {Identity: 1, Connection: 1, Redelivered: true}}, 2},
		{"a copy that came before, by an earlier connection", []*broker.Delivery{{Identity: 1, Redelivered: true}, {Identity: 1, Connection: 1}}, 2},
		{"a broker that was restarted forgets its marks", []*broker.Delivery{{Identity: 1}, {Identity: 1, Connection: 1, Process: 1}}, 1},
		{"but not for longer than for as many commands as were not proved", []*broker.Delivery{{Identity: 1}, {Identity: 2, Connection: 1, Process: 1}, {Identity: 1, Connection: 1, Process: 1}}, 3},
		{"nor does the connection change it", []*broker.Delivery{{Identity: 1}, {Identity: 2, Connection: 1, Process: 1}, {Identity: 1, Connection: 2, Process: 1}}, 3},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			play(t, 0, func(st *stage) {
				st.command("Connect#1001", "crm,secret")
				st.hears(1)
				for _, d := range c.deliveries {
					d.Type = "GetState#1001"
					st.send(d)
				}
				want := make([]string, c.answers)
				for i := range want {
					want[i] = answer
				}
				st.hears(len(c.deliveries), want...)
			})
		})
	}
}

func TestACommandIsForgottenWhenTheBrokerHasItsAcknowledgement(t *testing.T) {
	play(t, 0, func(st *stage) {
		st.command("Connect#1001", "crm,secret")
		st.hears(1)
		deliver := func(connection uint64, ack func(gone func())) {
			st.bridge.HandleThen(&broker.Delivery{Type: "GetState#1001", Identity: 7, Connection: connection, Redelivered: true}, ack)
			synctest.Wait()
		}
		var gone func()
		deliver(1, func(then func()) { gone = then })
		st.hears(0, "/topic/crm agent_state 1001#State#READY##Ann")
		deliver(2, func(func()) {})
		st.hears(0)
		gone()
		deliver(3, func(then func()) { then() }) // at once, which must not lock
		st.hears(0, "/topic/crm agent_state 1001#State#READY##Ann")
		deliver(4, func(func()) {})
		st.hears(0, "/topic/crm agent_state 1001#State#READY##Ann")
	})
}

// A message that is not answered comes again for certain, one that is comes only
// where its acknowledgement was lost.
func TestOfCommandsThatAreAlikeThatWithoutAnAnswerComesAgainFirst(t *testing.T) {
	play(t, 0, func(st *stage) {
		st.command("Connect#1001", "crm,secret")
		st.hears(1)
		acked := ""
		deliver := func(name string, connection uint64) {
			d := &broker.Delivery{Type: "GetState#1001", Identity: 7, Connection: connection, Redelivered: connection > 1}
			st.bridge.HandleWith(d, func() { acked += name })
			synctest.Wait()
		}
		deliver("copy ", 1)
		st.hold = make(chan struct{})
		deliver("real ", 1)
		deliver("real again ", 2)
		require.Equal(t, "copy ", acked, "a process that ends now has answered only one")
		close(st.hold)
		synctest.Wait()
		require.Equal(t, "copy real again ", acked)
		st.hears(0, "/topic/crm agent_state 1001#State#READY##Ann", "/topic/crm agent_state 1001#State#READY##Ann")
	})
}

func TestNoCommandIsForgottenBeforeItIsAnswered(t *testing.T) {
	play(t, 0, func(st *stage) {
		st.command("Connect#1001", "crm,secret")
		st.command("Connect#1002", "desk,secret")
		st.hears(2)
		deliver := func(agent string, identity int, connection uint64) {
			st.bridge.HandleWith(&broker.Delivery{
				Type: "GetState#" + agent, ReplyTo: "/topic/crm", Identity: uint64(identity), Connection: connection, Redelivered: connection > 1,
			}, func() {})
			synctest.Wait()
		}
		st.hold = make(chan struct{})
		deliver("1001", 1, 1)
		for i := range 2 * prefetch {
			deliver("nobody", 2+i, 1)
			<-st.out
		}
		deliver("1001", 1, 2)
		close(st.hold)
		st.hears(0, "/topic/crm agent_state 1001#State#READY##Ann")

	})
}

// While nobody reads the topics the broker confirms no answer; the commands are
// settled all the same, so that it gives others.
func TestAnswersThatAreNotConfirmedKeepNoCommandsOut(t *testing.T) {
	play(t, 0, func(st *stage) {
		st.command("Connect#1002", "desk,secret")
		st.hears(1)
		var owed []broker.Message
		st.intercept = func(m broker.Message) bool {
			owed = append(owed, m)
			return true
		}
		for range 2 * prefetch {
			st.begin(&broker.Delivery{Type: "GetState#1002", Text: true})
			synctest.Wait()
		}
		require.Len(t, owed, 2*prefetch)
		require.Equal(t, 2*prefetch-prefetch/10, len(st.acks), "all but a tenth of what the broker gives at a time")
		for _, m := range owed {
			m.Confirmed()
		}
		require.Len(t, st.acks, 2*prefetch, "each is settled once")
		st.hears(2 * prefetch)
	})
}

func TestWhatBreaksSTOMPIsPutAsideWithAWord(t *testing.T) {
	play(t, 0, func(st *stage) {
		st.bridge.Handle(&broker.Delivery{Broken: errors.New("why"), Size: 9})
		st.hears(0)
		require.Equal(t, 1.0, st.count("commands_quarantined_total"))
	})
}

func TestACommandThatCannotBeAnsweredAsItWantsDoesNotRun(t *testing.T) {
	play(t, 0, func(st *stage) {
		st.command("Connect#1001", "crm,secret")
		st.hears(1)
		st.send(&broker.Delivery{Type: "GetState#1001", Unanswerable: errors.New("too long")})
		st.hears(1, "/topic/crm agent_error 1001#Error#PLEASE_RETRY")
	})
}

func TestAfterAGapTheTruthIsTold(t *testing.T) {
	play(t, 0, func(st *stage) {
		st.command("Connect#1001", "crm,secret")
		st.command("Connect#1002", "queue://desk,secret")
		st.hears(2)
		st.bridge.Restored(true)
		st.hears(0, "/topic/crm system System#OUT_OF_SERVICE", "/topic/crm agent_state 1001#State#READY##Ann")
		st.bridge.Restored(false)
		st.hears(0, "/queue/desk system System#OUT_OF_SERVICE", "/queue/desk agent_state 1002#State#READY##Ann")
	})
}

func TestAnAnswerThatMayHaveBeenLostIsGivenAgain(t *testing.T) {
	// lost has the broker lose the answer to a command.
	lost := func(st *stage, d *broker.Delivery) (again func()) {
		st.hears(len(st.acks))
		st.intercept = func(m broker.Message) bool {
			require.Equal(t, broker.UntilSent, m.Lasts)
			again = m.Lost
			return true
		}
		st.send(d)
		st.intercept = nil
		st.hears(0)
		return again
	}
	t.Run("as things are by then, and that ends the command", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#1001", "crm,secret")
			lost(st, &broker.Delivery{Type: "GetState#1001", CorrelationID: "c"})()
			st.hears(1, "/topic/crm agent_state 1001#State#READY##Ann <c>")
			again := lost(st, &broker.Delivery{Type: "Hello#crm", CorrelationID: "h"})
			st.bridge.SetStatus(gc.InService)
			again()
			st.hears(1, "/topic/crm system System#IN_SERVICE", "/topic/crm system System#IN_SERVICE <h>")
		})
	})
	t.Run("and where the session has ended nobody is connected", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#1001", "crm,secret")
			again := lost(st, &broker.Delivery{Type: "GetState#1001", CorrelationID: "c"})
			ctx, cancel := context.WithTimeout(st.Context(), time.Second)
			defer cancel()
			st.bridge.Stop(ctx)
			again()
			st.hears(1, "/topic/crm agent_state 1001#State#RE_LOGIN <c>")
		})
	})
}

// More answers than may be owed at a time to destinations where no agent works,
// one after the other.
func TestWhatIsOwedIsPaidWhateverBecomesOfTheAnswer(t *testing.T) {
	for rule, x := range map[string]struct {
		command, replyTo string
		lasts            broker.Lasting
		answer           string
	}{
		"it is given again": {"Hello#desk", "", broker.UntilSent, "/topic/desk system System#OUT_OF_SERVICE"},
		"it is sent again":  {"GetState#nobody", "/remote-temp-queue/r", broker.UntilProved, "/remote-temp-queue/r agent_state nobody#State#RE_LOGIN"},
	} {
		t.Run(rule, func(t *testing.T) {
			play(t, 0, func(st *stage) {
				for range prefetch {
					var first broker.Message
					st.intercept = func(m broker.Message) bool {
						first = m
						return true
					}
					st.send(&broker.Delivery{Type: x.command, ReplyTo: x.replyTo})
					st.intercept = nil
					st.hears(0)
					require.Equal(t, x.lasts, first.Lasts)
					require.NotNil(t, first.Confirmed, "as many are owed as at first")
					if x.lasts == broker.UntilSent {
						first.Lost()
						st.hears(1, x.answer)
					} else {
						first.Confirmed()
						st.hears(1)
					}
				}
			})
		})
	}
}

func TestHowLongEventsLast(t *testing.T) {
	play(t, 0, func(st *stage) {
		st.command("Connect#1001", "crm,secret")
		st.command("GetState#1001", "")
		st.command("reasoncodelogout#1001", "")
		st.bridge.SetStatus(gc.InService)
		st.command("Connect#1001", "other,secret")
		synctest.Wait()
		for _, x := range []struct {
			body  string
			lasts broker.Lasting
		}{
			{"1001#State#READY##Ann", broker.UntilSent},
			{"1001#ReasonCodes#Category:LOGOUT#Codes:1#Labels:a_b#Ann", broker.UntilProved},
			{"System#IN_SERVICE", broker.WithConnection},
			{"1001#State#LOGOUT##Ann", broker.WithConnection},
			{"1001#Error#SESSION_INVALIDATED", broker.UntilProved},
		} {
			m := <-st.out
			require.Equal(t, x.body, m.Body)
			require.Equal(t, x.lasts, m.Lasts, m.Body)
		}
		require.Len(t, st.acks, 4)
	})
}
