package broker

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

// ActiveMQ writes nothing of some messages and goes on: each holds a place. The test has
// a broker of its own, because it would not at once find a few numbers among many of
// others.
func TestNoMessageHoldsAPlaceUnseen(t *testing.T) {
	t.Parallel()
	a := servertest.StartActiveMQ(t)
	s := server{a.URL(), true}
	const unseen, zero = `?T|2147483647`, `T|text\u0000more`
	for rule, c := range map[string]struct {
		messages []string
		prefetch int
	}{
		"as many as there are places":             {[]string{unseen, unseen, unseen, "1|", "2|"}, 3},
		"more than there are places":              {[]string{unseen, "1|", unseen, unseen, unseen, unseen, unseen, "2|"}, 2},
		"before what is no frame":                 {[]string{unseen, zero, "1|", "2|"}, 100},
		"between what is no frame":                {[]string{"1|", zero, unseen, zero, unseen, unseen, "2|"}, 100},
		"before what cannot be written":           {[]string{unseen, "1|", "!T|garbage", unseen, "2|"}, 100},
		"between commands, in nearly every place": {append(slices.Repeat([]string{unseen, "0|"}, 19), unseen, unseen, "1|", "2|"), 20},
		"before what is no frame, in every place": {[]string{unseen, unseen, zero, "1|", "2|"}, 2},
	} {
		t.Run(rule, func(t *testing.T) {
			o := s.options()
			o.prefetch = c.prefetch
			b := create(t, o)
			servertest.RunJava(t, "JmsHostile", append([]string{a.OpenWireURL(), o.CommandQueue}, c.messages...)...)
			r := run(t, b)
			b.command(t, client(t, s), "last", "")
			got := map[string]bool{}
			for !got["1"] || !got["2"] || !got["last"] {
				d := next(t, r.got)
				got[d.Type] = true
				d.Ack()
			}
		})
	}
}

// Trying the numbers of other clients' messages has no effect.
func TestMessagesOfOthersHoldNoPlace(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	o := activeMQ().options()
	o.Registerer, o.prefetch = registry, 2*share
	b := create(t, o)
	r := run(t, b)
	c := client(t, activeMQ())
	other := "/queue/" + unique("other")
	require.NoError(t, c.conn.subscribe(t.Context(), other, func(incoming) error { return nil }, frame.Ack, "client-individual"))
	for i := range 2 {
		for range tryLowest {
			require.NoError(t, c.Send(t.Context(), Outgoing{Destination: other}))
		}
		b.command(t, c, fmt.Sprint(i), "")
		d := next(t, r.got)
		require.Equal(t, fmt.Sprint(i), d.Type)
		d.Ack()
		<-time.After(quiet + 2*written)
	}
	require.EqualValues(t, 1, value(t, registry, "broker_connects_total", "commands"))
	require.Empty(t, r.got)
}

// Nor does a message that comes while the process stops, and is not
// acknowledged.
func TestALateMessageHoldsNoPlace(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	o := activeMQ().options()
	o.Registerer = registry
	r := run(t, create(t, o))
	r.StopConsuming(t.Context())
	c := client(t, activeMQ())
	for i := range 20 {
		r.command(t, c, fmt.Sprint(i), "")
		require.True(t, next(t, r.got).Late)
	}
	require.Never(t, func() bool {
		return value(t, registry, "broker_connects_total", "commands") > 1 || !r.Status().Consuming
	},
		quiet+written+longQuiet, 50*time.Millisecond)
}

// numbering is a server with one message, number 1. Each question for a number gets the
// next even one from 10 on; nobody gets the odd ones.
type numbering struct {
	held   func(id string) bool // accepts an acknowledgement of it
	forges bool                 // a stranger writes to the topic for questions
	mute   bool                 // it does not answer the questions
	others int                  // numbers that other clients get between two of them

	mu           sync.Mutex
	acknowledged []string // outside a transaction
	connections  int      // to the command queue
	number       int
	tried        int
	committed    int
	topic        string
}

func (n *numbering) answer(sent *frame.Frame) []*frame.Frame {
	n.mu.Lock()
	defer n.mu.Unlock()
	message := func(subscription string, number int) *frame.Frame {
		f := frame.New(frame.MESSAGE, frame.Subscription, subscription, frame.MessageId, fmt.Sprint("ID:vm-1-2-3:1:1:1:", number),
			frame.Ack, fmt.Sprint("ID:vm-1-4:", number), frame.Destination, "/queue/x", "type", "T")
		f.Body = sent.Body
		return f
	}
	refused := []*frame.Frame{frame.New(frame.ERROR, frame.ReceiptId, sent.Header.Get(frame.Receipt), frame.Message, "not authorized")}
	switch transaction := sent.Header.Get(frame.Transaction); {
	case sent.Command == frame.CONNECT:
		return []*frame.Frame{frame.New(frame.CONNECTED, frame.Version, "1.2", frame.HeartBeat, "0,0", frame.Server, "ActiveMQ/5.17.2")}
	case sent.Command == frame.SUBSCRIBE && strings.HasPrefix(sent.Header.Get(frame.Destination), "/temp-topic/"):
		if n.number == 0 {
			return refused
		}
		n.topic = sent.Header.Get(frame.Id)
	case sent.Command == frame.SUBSCRIBE:
		n.connections++
		return append(receipt(sent), message(sent.Header.Get(frame.Id), 1))
	case sent.Command == frame.SEND && n.mute:
	case sent.Command == frame.SEND:
		n.number++
		var strangers []*frame.Frame
		if n.forges {
			forged := message(n.topic, 1_000_000)
			forged.Body = []byte("what a stranger wrote")
			strangers = append(strangers, forged)
		}
		return append(receipt(sent), append(strangers, message(n.topic, 8+(2+n.others)*n.number))...)
	case sent.Command == frame.ACK && transaction != "":
		if n.tried++; !n.held(sent.Header.Get(frame.Id)) {
			return refused
		}
	case sent.Command == frame.ACK:
		n.acknowledged = append(n.acknowledged, sent.Header.Get(frame.Id))
	case sent.Command == frame.COMMIT:
		n.committed++
	}
	return receipt(sent)
}

func (n *numbering) see(look func() bool) func() bool {
	return func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return look()
	}
}

// A message that the network lost looks like one that was never written. It is given
// back to the broker, and not acknowledged, even if a stranger writes numbers to the
// topic of the questions.
func TestNoUnreadMessageIsAcknowledged(t *testing.T) {
	t.Parallel()
	for _, forges := range []bool{false, true} {
		n := &numbering{held: func(string) bool { return true }, number: 1, forges: forges}
		o := server{url: script(t, n.answer)}.options()
		o.prefetch = 4
		r := run(t, create(t, o))
		next(t, r.got).Ack()
		require.Eventually(t, n.see(func() bool { return n.connections > 1 }), patience, 5*time.Millisecond)
		n.see(func() bool {
			for _, id := range n.acknowledged {
				_, number := splitID(id)
				require.True(t, number == 1 || number%2 == 0, "%s was not read", id)
			}
			require.Zero(t, n.committed)
			require.Positive(t, n.tried)
			require.LessOrEqual(t, n.tried, tryLowest+tryOthers)
			return true
		})()
		r.stop()
	}
}

// A number that the broker refuses belongs to another client, and has no effect.
func TestARefusedNumberHoldsNoPlace(t *testing.T) {
	t.Parallel()
	n := &numbering{held: func(string) bool { return false }, number: 1}
	o := server{url: script(t, n.answer)}.options()
	o.prefetch = 4
	r := run(t, create(t, o))
	next(t, r.got).Ack()
	require.Eventually(t, n.see(func() bool { return n.tried > 0 }), patience, 5*time.Millisecond)
	<-time.After(2 * written)
	n.see(func() bool {
		require.Equal(t, 1, n.connections)
		require.Zero(t, n.committed)
		return true
	})()
}

// When all places may be held, among more numbers than can be tried, the connection is
// given up: on the next, what it gives back is easier to find.
func TestAStandstillIsGivenUp(t *testing.T) {
	t.Parallel()
	n := &numbering{held: func(string) bool { return false }, number: 1, others: 1000}
	o := server{url: script(t, n.answer)}.options()
	o.prefetch = 400
	r := run(t, create(t, o))
	next(t, r.got).Ack()
	require.Eventually(t, n.see(func() bool { return n.connections == 2 }), patience, 5*time.Millisecond)
	n.see(func() bool {
		require.Zero(t, n.committed)
		require.Greater(t, n.tried, searchAll)
		require.Less(t, n.tried, 4*searchAll, "the broker logs each")
		return true
	})()
}

// Without a temporary topic, or without messages from it, the connector learns no
// numbers, and logs that once.
func TestABrokerThatGivesNoNumbersIsNamed(t *testing.T) {
	t.Parallel()
	for rule, n := range map[string]*numbering{
		"no rights":           {},
		"nothing comes of it": {number: 1, mute: true},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			log := newLog()
			o := server{url: script(t, n.answer)}.options()
			o.Logger = log.Logger
			r := run(t, create(t, o))
			next(t, r.got).Ack()
			const blind = "messages that the broker cannot write can stop all commands unseen"
			require.Eventually(t, func() bool { return log.count(blind, "") == 1 }, patience, 5*time.Millisecond)
			n.see(func() bool {
				require.Equal(t, 1, n.connections)
				return true
			})()
		})
	}
}

// A sender may write what passes for the head of ActiveMQ's frame, with another
// message's id in it. The message is put aside, once, and no other is acknowledged.
func TestAMessageCannotNameWhatAcknowledgesIt(t *testing.T) {
	t.Parallel()
	const zero = `T|text\u0000more`
	forged := servertest.ForgedAck("T|text", "ID:forged-1-2-3:5")
	for rule, messages := range map[string][]string{
		"alone":                      {forged, "1|"},
		"after what is no frame":     {zero, forged, "1|"},
		"many of both, and commands": {zero, forged, zero, forged, forged, zero, forged, "1|"},
	} {
		t.Run(rule, func(t *testing.T) {
			o := activeMQ().options()
			b := create(t, o)
			r := run(t, b)
			servertest.RunJava(t, "JmsHostile", append([]string{shared.OpenWireURL(), o.CommandQueue}, messages...)...)
			b.command(t, client(t, activeMQ()), "last", "")
			got := map[string]int{}
			for got["last"] == 0 || got["1"] == 0 {
				d := next(t, r.got)
				got[d.Type]++
				d.Ack()
			}
			require.LessOrEqual(t, b.connections.Load(), uint64(2*len(messages)+2))
		})
	}
}
