package broker

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

// Messages that a stranger may send to the command queue of an ActiveMQ. In each
// part a character may be written as a Java escape.
var strange = []struct {
	rule, message string
	broken        bool // no frame can be made of it
}{
	{rule: "a content-length with a sign", message: `T|text|content-length=+5`},
	{rule: "a content-length that is too small", message: `T|text|content-length=2`},
	{rule: "a content-length that is no number", message: `T|text|content-length=x`},
	{rule: "a content-length of two commands", message: `T|text|content-length=400`, broken: true},
	{rule: "a content-length of 4 GB", message: `T|text|content-length=4000000000`, broken: true},
	{rule: "a content-length beyond all numbers", message: `T|text|content-length=99999999999999999999`, broken: true},
	{rule: "another subscription", message: `T|text|subscription=1`},
	{rule: "another ack", message: `T|text|ack=1`},
	{rule: "another message-id", message: `T|text|message-id=ID:1`},
	{rule: "another destination", message: `T|text|destination=/queue/other`},
	{rule: "a receipt", message: `T|text|receipt-id=1|receipt=2`},
	{rule: "redelivered", message: `T|text|redelivered=false`},
	{rule: "a time that is not one", message: `T|text|timestamp=x|expires=x`},
	{rule: "headers of other frames", message: `T|text|heart-beat=x|version=1|session=x|server=x|message=x|transaction=x|id=1`},
	{rule: "a type that is a property", message: `x|text|type=T`},
	{rule: "a property without end", message: `T|text|long=` + strings.Repeat("x", 100_000)},
	{rule: "a thousand properties", message: `T|text` + manyProperties(1000), broken: true},
	{rule: "a text longer than any command's", message: `T|` + strings.Repeat("x", 100_000)},
	{rule: "a zero byte in the text", message: `T|text\u0000more`, broken: true},
	{rule: "a zero byte at the end", message: `T|text\u0000`, broken: true},
	{rule: "only a zero byte", message: `T|\u0000`, broken: true},
	{rule: "a message in the text", message: `T|text\u0000\u000aMESSAGE\u000asubscription:1\u000aack:1\u000a\u000aforged`, broken: true},
	{rule: "an acknowledgement that fails", message: `T|text\u0000\u000aMESSAGE\u000asubscription:1\u000aack:ID\u005cc1\u000a\u000a\u0000\u000aACK\u000aid:1`, broken: true},
	{rule: "an ERROR in the text", message: `T|text\u0000\u000aERROR\u000amessage:no\u000a\u000aforged`, broken: true},
	{rule: "a RECEIPT in the text", message: `T|text\u0000\u000aRECEIPT\u000areceipt-id:1\u000a\u000aforged`, broken: true},
	{rule: "CONNECTED in the text", message: `T|text\u0000\u000aCONNECTED\u000aversion:1.2\u000a\u000aforged`, broken: true},
	{rule: "half a frame in the text", message: `T|text\u0000\u000aMESSAGE\u000asubscription:1\u000ax`, broken: true},
	{rule: "a line break in a name", message: `T|text|a\u000ab=c`, broken: true},
	{rule: "a header in a name", message: `T|text|a:b\u000aack:evil\u000ac=d`, broken: true},
	{rule: "the end of the headers in a name", message: `T|text|a:b\u000a\u000abody=c`, broken: true},
	{rule: "a frame in a name", message: `T|text|a:b\u000aack:evil\u000a\u000abo\u0000\u000aMESSAGE\u000asubscription=1`, broken: true},
	{rule: "a hundred acks in a name", message: `T|text|a:b` + manyAcks(100) + `\u000ac=d`, broken: true},
}

func manyProperties(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "|p%d=v", i)
	}
	return b.String()
}

func manyAcks(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `\u000aack:ID\u005ccforged-1\u005cc%d`, i)
	}
	return b.String()
}

func TestNoMessageStopsTheQueue(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	o := activeMQ().options()
	o.Registerer = registry
	b := create(t, o)
	b.caution.first = 3 * time.Second
	r := run(t, b)
	c := client(t, activeMQ())

	b.command(t, c, "held", "")
	held := next(t, r.got) // not answered before the end
	args := []string{"JmsHostile", shared.OpenWireURL(), o.CommandQueue}
	want := map[string]bool{}
	for i, s := range strange {
		args = append(args, s.message, fmt.Sprintf("after %d|text", i))
		want[fmt.Sprintf("after %d", i)] = true
	}
	servertest.RunJava(t, args[0], args[1:]...)

	broken, whole := 0, 0
	seen := map[uint64]bool{} // even of a connection that ended
	for len(want) > 0 || broken+whole < len(strange) {
		d := next(t, r.got)
		d.Ack()
		again := seen[d.Identity]
		seen[d.Identity] = true
		switch {
		case d.Broken != nil:
			broken++
			require.NotContains(t, d.Broken.Error(), "forged")
		case again:
		case want[d.Type]:
			delete(want, d.Type)
		case d.Type == "T":
			whole++
			require.Equal(t, "/queue/"+o.CommandQueue, d.Destination)
			if d.Size == len("text") {
				require.Equal(t, "text", d.Body)
			} else {
				require.Equal(t, strings.Repeat("x", 100_000)[:commandBody], d.Body, "the body is cut")
				require.Equal(t, 100_000, d.Size)
			}
		}
	}
	expected := 0
	for _, s := range strange {
		if s.broken {
			expected++
		}
	}
	require.Equal(t, expected, broken, "each is put aside once")
	require.Equal(t, len(strange)-expected, whole)

	require.Eventually(t, func() bool { return b.Status().Consuming }, patience, time.Millisecond)
	b.command(t, c, "last", "")
	for {
		d := next(t, r.got)
		d.Ack()
		if d.Type == "last" {
			break
		}
		require.Equal(t, "held", d.Type, "only the unacknowledged message comes again")
		require.Equal(t, held.Identity, d.Identity)
		require.Greater(t, d.Connection, held.Connection)
	}
	connects := value(t, registry, "broker_connects_total", "commands")
	// The connection ends, and so does each sieve until one such message came
	// twice; then a sieve takes all others, and does not wait meanwhile.
	require.LessOrEqual(t, connects, 8.0)
	require.Eventually(t, func() bool { return value(t, registry, "broker_connects_total", "commands") > connects }, patience, 10*time.Millisecond,
		"commands are taken at full speed again")
}

// A stranger knows how the broker numbers acknowledgements. However many ids
// are written into a message, the sieve keeps those that can be the broker's.
func TestIDsOfStrangersHideNoneOfTheBroker(t *testing.T) {
	t.Parallel()
	c := client(t, activeMQ())
	last := make(chan string, 1)
	own := "/queue/" + unique("stranger")
	require.NoError(t, c.Send(t.Context(), Outgoing{Destination: own}))
	require.NoError(t, c.conn.subscribe(t.Context(), own, func(f incoming) error {
		last <- f.Header.Get(frame.Ack)
		return nil
	}, frame.Ack, "client-individual"))
	name, number := splitID(next(t, last))
	require.NotZero(t, number)
	ids := func(first uint64) func(i uint64) string {
		return func(i uint64) string { return fmt.Sprint(first + i) }
	}
	spellings := func(i uint64) string { return strings.Repeat("0", int(1+i%50)) + fmt.Sprint(number+1+i/50) }
	forge := func(id func(i uint64) string) string {
		var text strings.Builder
		text.WriteString(`T|text|content-length=300`)
		for i := range uint64(4000) { // as many as fit in a name
			if i%500 == 0 {
				fmt.Fprintf(&text, `0|%c:b`, 'a'+rune(i/500))
			}
			text.WriteString(`\u000aack:` + strings.ReplaceAll(framing.Escape(name), `\`, `\u005c`) + id(i))
			if i%500 == 499 {
				text.WriteString("=")
			}
		}
		return text.String()
	}
	for rule, forged := range map[string]func(uint64) string{
		"near": ids(number + 1), "soon": ids(number + 1000), "far": ids(number + 1_000_000), "past": ids(1), "each in fifty spellings": spellings,
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			b := create(t, activeMQ().options())
			file := filepath.Join(t.TempDir(), "messages")
			require.NoError(t, os.WriteFile(file, []byte(forge(forged)), 0o600))
			servertest.RunJava(t, "JmsHostile", shared.OpenWireURL(), b.options.CommandQueue, "@"+file)
			r := run(t, b)
			d := next(t, r.got)
			require.Error(t, d.Broken)
			require.NotErrorIs(t, d.Broken, errSwallowed)
			b.command(t, c, "after", "")
			require.Equal(t, "after", next(t, r.got).Type)
		})
	}
}

// ActiveMQ cannot write some messages: it closes the connection.
func TestAMessageThatCannotBeWrittenIsTakenOut(t *testing.T) {
	t.Parallel()
	const zero = `T|text\u0000more`
	for rule, messages := range map[string][]string{
		"first on the queue":   {"!T|garbage", "1|", "2|"},
		"after others":         {"1|", "2|", "3|", "!T|garbage", "4|"},
		"among its kind":       {"1|", "!T|garbage", "!T|garbage", "2|", "!T|garbage", "3|"},
		"last, for the moment": {"1|", "!T|garbage"},
		// A message behind one that is no frame is lost if that one is swallowed.
		"behind what is no frame":             {"1|", zero, "!T|garbage", "2|", "3|"},
		"right behind it":                     {zero, "!T|garbage", "1|", "2|"},
		"before what is no frame":             {"!T|garbage", zero, "1|", "2|", "3|"},
		"between messages that are no frames": {"1|", zero, zero, "2|", "!T|garbage", zero, "3|", "!T|garbage", zero, "4|", "5|"},
		"one after the other, both ways":      {zero, "!T|garbage", zero, "!T|garbage", "!T|garbage", zero, zero, "1|"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			b := create(t, activeMQ().options())
			b.caution.first = time.Second
			servertest.RunJava(t, "JmsHostile", append([]string{shared.OpenWireURL(), b.options.CommandQueue}, messages...)...)
			r := run(t, b)
			commands := 0
			for _, m := range messages {
				if strings.HasSuffix(m, "|") {
					commands++
				}
			}
			identities, limit := map[string]uint64{}, time.After(3*patience)
			for bad := false; !bad || len(identities) < commands; { // one may take another with it
				select {
				case <-limit:
					require.FailNow(t, "it goes on for ever")
				default:
				}
				d := next(t, r.got)
				switch {
				case d.Broken != nil:
					bad = true
					continue
				case d.Type == "T": // the first half of one
					continue
				}
				if before, again := identities[d.Type]; again {
					require.Equal(t, before, d.Identity)
				}
				identities[d.Type] = d.Identity
				if len(identities)%2 == 0 {
					d.Ack() // some are answered meanwhile
				}
			}
			b.command(t, client(t, activeMQ()), "last", "")
			for next(t, r.got).Type != "last" {
			}
		})
	}
}

// A message that a connection swallows cannot come again: a message behind one
// that is no frame is read anyway.
func TestNoCommandIsSwallowed(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	o := activeMQ().options()
	o.Registerer = registry
	b := create(t, o)
	b.caution.swallows = true
	args, commands := []string{"JmsHostile", shared.OpenWireURL(), o.CommandQueue}, 0
	for i, s := range strange {
		if s.broken && len(args) < maxSwallowed-20 {
			args = append(args, s.message)
			for range 4 {
				commands++
				args = append(args, fmt.Sprintf("%d of %d|text", commands, i))
			}
		}
	}
	servertest.RunJava(t, args[0], args[1:]...)
	r := run(t, b)
	broken := 0
	for whole := 0; whole < commands; {
		d := next(t, r.got)
		switch {
		case d.Broken != nil:
			require.ErrorIs(t, d.Broken, errSwallowed)
			broken++
		case d.Type != "T": // not the first half of one
			whole++
			require.True(t, strings.HasPrefix(d.Type, fmt.Sprint(whole, " of ")), "%s came as number %d", d.Type, whole)
		}
	}
	require.InDelta(t, commands/4, broken, 1, "each is named once; one lacks only its ack id, which is not needed here")
	require.EqualValues(t, 1, value(t, registry, "broker_connects_total", "commands"))
}

// Nor while the process stops: when StopConsuming returns, all that was taken from the
// broker has been handed over.
func TestNoCommandIsSwallowedWhileTheProcessStops(t *testing.T) {
	t.Parallel()
	const commands = 60 // fewer than maxSwallowed
	registry := prometheus.NewRegistry()
	o := activeMQ().options()
	o.Registerer = registry
	b := create(t, o)
	b.caution.swallows = true
	first := run(t, b)
	c := client(t, activeMQ())
	stopped := make(chan struct{})
	for i := range commands {
		if i == commands/3 {
			require.Eventually(t, func() bool { return len(first.got) > 0 }, patience, time.Millisecond)
			go func() {
				defer close(stopped)
				first.StopConsuming(t.Context())
			}()
		}
		first.command(t, c, fmt.Sprint(i), "")
	}
	<-stopped
	got := map[string]int{}
	require.Eventually(t, func() bool { return value(t, registry, "broker_connects_total", "commands") == 2 }, patience, time.Millisecond)
	first.stop()
	for handed := len(first.got); handed > 0; handed-- {
		if d := next(t, first.got); !d.Late {
			got[d.Type]++
		}
	}
	require.NotEmpty(t, got)
	o.Registerer = nil
	second := run(t, create(t, o))
	first.command(t, c, "last", "")
	for d := next(t, second.got); d.Type != "last"; d = next(t, second.got) {
		got[d.Type]++
	}
	require.Len(t, got, commands)
	for command, times := range got {
		require.Equal(t, 1, times, command)
	}
}

// A message may be next before the subscription is confirmed: the connection
// that swallowed it is not followed by another one that swallows.
func TestAConnectionThatEndsBeforeItsReceiptCounts(t *testing.T) {
	modes := make(chan string, 100)
	o := server{url: serve(t, func(c net.Conn, _ *sync.WaitGroup) {
		in, out := frame.NewReader(c), frame.NewWriter(c)
		for {
			switch f, err := in.Read(); {
			case err != nil:
				return
			case f != nil && f.Command == frame.CONNECT:
				_ = out.Write(frame.New(frame.CONNECTED, frame.Version, "1.2", frame.HeartBeat, "0,0"))
			case f != nil && f.Command == frame.SUBSCRIBE:
				modes <- f.Header.Get(frame.Ack)
				_ = c.Close()
				return
			}
		}
	})}.options()
	b := create(t, o)
	b.caution.swallows = true
	launch(t, b)
	require.Equal(t, "auto", next(t, modes))
	require.Equal(t, "client-individual", next(t, modes))
}

// After the first, two connections are enough for each.
func TestManyMessagesThatCannotBeWrittenCostTwoConnectionsEach(t *testing.T) {
	t.Parallel()
	const many = 20
	registry := prometheus.NewRegistry()
	o := activeMQ().options()
	o.Registerer = registry
	b := create(t, o)
	servertest.RunJava(t, "JmsHostile", append([]string{shared.OpenWireURL(), o.CommandQueue}, slices.Repeat([]string{"!T|garbage"}, many)...)...)
	r := run(t, b)
	b.command(t, client(t, activeMQ()), "last", "")
	for d := next(t, r.got); d.Type != "last"; d = next(t, r.got) {
		require.ErrorIs(t, d.Broken, errSwallowed)
	}
	require.LessOrEqual(t, value(t, registry, "broker_connects_total", "commands"), float64(maxCuts+2*many+2))
}

// A site may keep temporary destinations from the connector: even then a message
// that breaks STOMP is put aside.
func TestPoisonWithoutARightToTemporaryDestinations(t *testing.T) {
	t.Parallel()
	const given = `read="connectors,drivers" write="connectors" admin="connectors,drivers"`
	rights := readDoc(t, "security.md").xml("plugins")
	require.Contains(t, rights, given)
	a := servertest.StartActiveMQ(t, servertest.WithXML(strings.ReplaceAll(rights, given, `read="drivers" write="connectors" admin="drivers"`)))
	o := server{a.URL(), true}.options()
	o.CommandQueue, o.Username, o.Password = "Connector1", "connector", gc.NewSecret("change-me")
	r := run(t, create(t, o))
	servertest.RunJava(t, "JmsHostile", a.OpenWireURL()+"?jms.userName=desk&jms.password=change-me-too", o.CommandQueue, "T|text|content-length=300", "after|text")
	broken := 0
	for d := next(t, r.got); d.Broken != nil || broken == 0; d = next(t, r.got) {
		if d.Broken != nil {
			broken++
		}
	}
	require.Equal(t, 1, broken)
}

// A message that comes while a sieve is given up comes again on the next
// connection, where its command must be known to have run.
func TestNoMessageIsMarkedThatASieveDidNotTake(t *testing.T) {
	t.Parallel()
	b := create(t, activeMQ().options())
	b.caution.sieves, b.caution.calm, b.caution.found = true, time.Second, time.Now()
	r := run(t, b)
	c := client(t, activeMQ())
	taken := map[string]bool{}
	for i := 0; ; i++ {
		b.command(t, c, fmt.Sprint(i), "")
		d := next(t, r.got)
		require.False(t, d.Redelivered && !taken[d.Type], "%s was delivered before and not taken", d.Type)
		taken[d.Type] = true
		d.Ack()
		if d.Connection > 1 && !d.Redelivered {
			return
		}
	}
}

// hostile starts a broker that lets anybody log in, takes the subscription and
// then calls say to write; head is how every MESSAGE must begin.
func hostile(t *testing.T, say func(w io.Writer, head string)) (url string) {
	return serve(t, func(c net.Conn, running *sync.WaitGroup) { // whose end ends say
		in, out := frame.NewReader(c), frame.NewWriter(c)
		for {
			f, err := in.Read()
			switch {
			case err != nil:
				return
			case f != nil && f.Command == frame.CONNECT:
				_ = out.Write(frame.New(frame.CONNECTED, frame.Version, "1.2", frame.HeartBeat, "0,0"))
			case f != nil && f.Command == frame.SUBSCRIBE && strings.HasPrefix(f.Header.Get(frame.Destination), "/temp-"):
				_ = out.Write(frame.New(frame.ERROR, frame.Message, "no")) // and another one, as ActiveMQ does
				_ = out.Write(frame.New(frame.ERROR, frame.ReceiptId, f.Header.Get(frame.Receipt)))
			case f != nil && f.Command == frame.SUBSCRIBE:
				_ = out.Write(frame.New(frame.RECEIPT, frame.ReceiptId, f.Header.Get(frame.Receipt)))
				running.Go(func() { say(c, "MESSAGE\nsubscription:"+f.Header.Get(frame.Id)+"\n") })
			case f != nil && f.Command == frame.DISCONNECT:
				return
			}
		}
	})
}

func TestAHostileBrokerCostsAConnectionAndNoMemory(t *testing.T) {
	const much = 64 << 20
	fill := func(w io.Writer, what string) {
		for n := 0; n < much; n += len(what) {
			if _, err := io.WriteString(w, what); err != nil {
				return
			}
		}
	}
	long := strings.Repeat("x", 64<<10)
	cases := map[string]func(io.Writer, string){
		"a body without end":   func(w io.Writer, head string) { io.WriteString(w, head+"ack:1\n\n"); fill(w, long) },
		"a header without end": func(w io.Writer, head string) { io.WriteString(w, head+"ack:1\nh:"); fill(w, long) },
		"headers without end": func(w io.Writer, head string) {
			io.WriteString(w, head+"ack:1\n")
			fill(w, strings.Repeat("h:v\n", 1000))
		},
		"more messages than asked for": func(w io.Writer, head string) { fill(w, head+"ack:1\n\n"+long[:1000]+"\x00\n") },
		"acks without end": func(w io.Writer, head string) {
			io.WriteString(w, head+"\n\x00")
			fill(w, strings.Repeat("\nack:1\n", 1000))
		},
		"errors": func(w io.Writer, head string) { fill(w, "ERROR\nmessage:"+long[:10_000]+"\n\n"+long+"\x00\n") },
		"a length of 4 GB": func(w io.Writer, head string) {
			io.WriteString(w, head+"ack:1\ncontent-length:4000000000\n\n")
			fill(w, long)
		},
	}
	for rule, say := range cases {
		t.Run(rule, func(t *testing.T) {
			registry := prometheus.NewRegistry()
			o := server{url: hostile(t, say)}.options()
			o.Registerer, o.frameTimeout = registry, 200*time.Millisecond
			b := create(t, o)
			runtime.GC()
			var before, now runtime.MemStats
			runtime.ReadMemStats(&before)
			launchWith(t, b, func(*Delivery) {})
			most := uint64(0)
			require.Eventually(t, func() bool {
				runtime.GC() // what is garbage is held by nobody
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapInuse)
				return value(t, registry, "broker_connects_total", "commands") >= 2
			}, patience, 5*time.Millisecond, "the connection is given up")
			require.Less(t, most, before.HeapInuse+16<<20)
		})
	}
}

// A long message may take long over a slow line.
func TestALongFrameMayComeSlowly(t *testing.T) {
	const pieces = 100
	registry := prometheus.NewRegistry()
	o := server{url: hostile(t, func(w io.Writer, head string) {
		_, _ = io.WriteString(w, head+"ack:1\n\n")
		for tick, i := time.NewTicker(10*time.Millisecond), 0; i < pieces; i++ {
			<-tick.C
			_, _ = io.WriteString(w, strings.Repeat("x", minRate/50)) // twice as fast as it has to be
		}
		_, _ = io.WriteString(w, "\x00")
	})}.options()
	o.frameTimeout, o.Registerer = 200*time.Millisecond, registry
	r := launch(t, create(t, o))
	require.Equal(t, pieces*(minRate/50), next(t, r.got).Size)
	require.EqualValues(t, 1, value(t, registry, "broker_connects_total", "commands"))
}

// A frame without end is no frame, however fast its bytes come, and a connector
// that only connects again is not ready.
func TestAFrameThatDripsMakesTheConnectorUnready(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	t.Cleanup(func() { close(ended) })
	var mended atomic.Bool
	o := server{url: hostile(t, func(w io.Writer, head string) {
		_, err := io.WriteString(w, head+"ack:1\n\n")
		if mended.Load() {
			_, _ = io.WriteString(w, "\x00")
			return
		}
		for tick := time.NewTicker(5 * time.Millisecond); err == nil && !mended.Load(); {
			select {
			case <-tick.C:
				_, err = io.WriteString(w, "\n")
			case <-ended:
				return
			}
		}
		_ = w.(net.Conn).Close()
	})}.options()
	o.frameTimeout = 100 * time.Millisecond
	changes := make(chan Status, 1000)
	o.Changed = func(s Status) { changes <- s }
	b := create(t, o)
	r := launch(t, b)
	require.True(t, next(t, changes).Consuming)
	s := next(t, changes)
	require.False(t, s.Consuming)
	require.Contains(t, s.LastError, errSlow.Error())
	require.True(t, next(t, changes).Consuming, "there is a connection again")
	require.Eventually(t, func() bool { return b.Status().LastError == errBarren.Error() }, patience, time.Millisecond, "but nothing comes by it")
	mended.Store(true)
	next(t, r.got)
	require.Eventually(t, func() bool { return b.Status().Consuming }, patience, time.Millisecond, "it brings one")
}

func TestTheNearestIDIsTriedFirst(t *testing.T) {
	ids := []string{"forged", "ID:a-4:900", "ID:a-4:12", "ID:a-4:9", "ID:b-4:11", "ID:a-4:11"}
	nearestFirst(ids, "ID:a-4:10")
	require.Equal(t, []string{"ID:a-4:11", "ID:a-4:12", "ID:a-4:900", "forged", "ID:a-4:9", "ID:b-4:11"}, ids)
}
