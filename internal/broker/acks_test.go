package broker

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

func acknowledgements(t *testing.T, s server) {
	b := run(t, create(t, s.options()))
	c := client(t, s)
	const many = 300
	gone := make(chan string, many)
	for i := range many {
		b.command(t, c, fmt.Sprint(i), "")
	}
	first := next(t, b.got)
	for range many - 1 {
		d := next(t, b.got)
		require.Equal(t, first.Process, d.Process)
		d.AckThen(func() { gone <- d.Type })
	}
	for i := range many - 1 {
		require.Equal(t, fmt.Sprint(i+1), next(t, gone))
	}
	require.Empty(t, gone, "not of what was not acknowledged")
}

// The receipt of the first acknowledgement has not come when the last is made.
func acknowledgedInTime(t *testing.T, s server) {
	o := s.options()
	b := run(t, create(t, o))
	c := client(t, s)
	var deliveries []*Delivery
	for i := range 50 {
		b.command(t, c, fmt.Sprint(i), "")
		deliveries = append(deliveries, next(t, b.got))
	}
	for _, d := range deliveries {
		d.Ack()
	}
	b.stop()
	again := run(t, create(t, o))
	again.command(t, c, "last", "")
	require.Equal(t, "last", next(t, again.got).Type)
}

func TestASievesMessageIsGoneWhenItIsCommitted(t *testing.T) {
	t.Parallel()
	o := activeMQ().options()
	b := create(t, o)
	b.caution.sieves, b.caution.calm, b.caution.found = true, patience, time.Now()
	r := run(t, b)
	b.command(t, client(t, activeMQ()), "command", "")
	gone := make(chan bool, 1)
	next(t, r.got).AckThen(func() { gone <- true })
	require.Empty(t, gone, "the broker would deliver it again")
	r.stop()
	require.Len(t, gone, 1)
	again := run(t, create(t, o))
	again.command(t, client(t, activeMQ()), "last", "")
	require.Equal(t, "last", next(t, again.got).Type)
}

// A sieve does not acknowledge the last messages that it takes.
func TestNoMessageThatASieveReportedGoneComesAgain(t *testing.T) {
	t.Parallel()
	o := activeMQ().options()
	o.prefetch = 1000
	b := create(t, o)
	b.caution.sieves, b.caution.calm, b.caution.found = true, patience, time.Now()
	c := client(t, activeMQ())
	for i := range o.prefetch + 1 {
		b.command(t, c, fmt.Sprint(i), "")
	}
	r := run(t, b)
	var mu sync.Mutex
	gone := map[string]bool{}
	for settled := 0; settled <= o.prefetch; { // what comes as a sieve ends comes twice
		d := next(t, r.got)
		if d.settle != nil {
			settled++
		}
		mu.Lock()
		require.False(t, gone[d.Type], d.Type)
		mu.Unlock()
		d.AckThen(func() {
			mu.Lock()
			defer mu.Unlock()
			gone[d.Type] = true
		})
	}
	r.stop()
	require.Len(t, gone, o.prefetch+1)
}

// A message that comes again is recognized by the broker's mark, or, where that
// is forgotten, because the broker is another process.
func TestABrokerThatForgotItsMarksIsAnotherProcess(t *testing.T) {
	t.Parallel()
	p := readPage(t)
	a := servertest.StartActiveMQ(t, servertest.WithXML(p.xml("persistenceAdapter"))) // without persistJMSRedelivered
	s := server{a.URL(), true}
	b := run(t, create(t, s.options()))
	gone := make(chan string, 2)
	for _, name := range []string{"proved", "held"} {
		require.NoError(t, client(t, s).Send(t.Context(), Outgoing{
			Destination: "/queue/" + b.options.CommandQueue, Headers: map[string]string{"type": name, "persistent": "true"},
		}))
	}
	next(t, b.got).AckThen(func() { gone <- "proved" })
	held := next(t, b.got)
	require.Equal(t, "proved", next(t, gone))

	a.Kill()
	require.NoError(t, a.Start())
	again := next(t, b.got)
	require.Equal(t, "held", again.Type, "a proved acknowledgement stays")
	require.Equal(t, held.Identity, again.Identity)
	require.NotEqual(t, held.Process, again.Process)
	require.False(t, again.Redelivered)
}

// Within one process of the broker every message that comes again is marked.
func TestEachMessageThatComesAgainIsMarked(t *testing.T) {
	t.Parallel()
	p := newProxy(t, listen(t), "tcp", shared.STOMP)
	o := activeMQ().options()
	o.URLs = []string{p.url}
	b := run(t, create(t, o))
	c := client(t, activeMQ())
	var process uint64
	for i := range 20 {
		b.command(t, c, fmt.Sprint(i), "")
		process = next(t, b.got).Process
	}
	for range 3 {
		p.cut()
		for range 20 {
			d := next(t, b.got)
			require.True(t, d.Redelivered, d.Type)
			require.Equal(t, process, d.Process)
		}
	}
}

func TestABrokerThatDoesNotConfirmAnAcknowledgementIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &conn{socket: &socket{TCPConn: &net.TCPConn{}}, out: make(chan *frame.Frame, outbound), done: make(chan struct{}), pending: map[string]func(error){}}
		a := &acks{conn: c}
		a.add("1", func() {})
		a.add("2", func() {})
		require.Len(t, c.out, 1, "what is acknowledged meanwhile waits")
		c.socket.within.Store(true)
		<-time.After(3 * receiptTimeout)
		require.NoError(t, c.reason(), "it may follow a long message that is coming just now")
		c.socket.within.Store(false)
		<-c.done
		require.ErrorIs(t, c.reason(), errLateReceipt)
	})
}
