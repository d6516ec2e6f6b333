package broker

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-stomp/stomp/v3/frame"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
	"github.com/finesse-connector/finesse-connector/internal/pulse"
)

// How the last connections ended, at once, decides what the next one is.
func TestCaution(t *testing.T) {
	fault := framing.Faultf("a fault")
	cut := fmt.Errorf("read: %w", io.EOF)
	suspect, stuck := fmt.Errorf("%w: %w", errSuspect, fault), fmt.Errorf("%w: %w", errStuck, fault)
	asideAndCut := fmt.Errorf("after it put a message aside: %w", cut)
	garbledAndCut := fmt.Errorf("after something that was no frame: %w", cut)
	const ordinary, sieves, swallows = "ordinary", "sieves", "swallows"
	for _, c := range []struct {
		rule string
		ends []error
		want string
	}{
		{"a message that is no frame is looked for", []error{fault}, sieves},
		{"and looked at once more", []error{fault, suspect}, sieves},
		{"until it is not needed", []error{fault, suspect, errCalm}, ordinary},
		{"a sieve at its limit is followed by another", []error{fault, errSpent}, sieves},
		{"one that did not help is not tried twice in a row", []error{fault, fault}, ordinary},
		{"nor without end", []error{fault, fault, fault, fault, fault, fault}, swallows},
		{"unless one was of use between", []error{fault, fault, fault, fault, fault, errCalm, fault, fault}, ordinary},
		{"one that could not acknowledge learns the numbers again", []error{fault, stuck, stuck}, sieves},
		{"not for ever", []error{fault, stuck, stuck, stuck}, swallows},
		{"only times in a row count", []error{fault, stuck, stuck, suspect, stuck}, sieves},
		{"a few cuts may be the network's", []error{cut, cut, cut, cut}, ordinary},
		{"more are a message's", []error{cut, cut, cut, cut, cut}, swallows},
		{"what follows one that was swallowed may be no frame", []error{cut, cut, cut, cut, cut, cut}, ordinary},
		{"or one more: a single cut is enough then", []error{cut, cut, cut, cut, cut, cut, cut}, swallows},
		{"none may come by the one that swallows", []error{cut, cut, cut, cut, cut, errSpent}, ordinary},
		{"what is swallowed may be no frame", []error{cut, cut, cut, cut, cut, fault}, sieves},
		{"and something else may end the connection", []error{cut, cut, cut, cut, cut, garbledAndCut}, sieves},
		{"a sieve that is cut is followed by another", []error{fault, suspect, cut}, sieves},
		{"which may be the work of a message", []error{fault, suspect, cut, cut, cut, cut, cut}, swallows},
		{"so is one that put something aside", []error{fault, suspect, asideAndCut}, sieves},
		{"which ends before it is cut", []error{fault, suspect, asideAndCut, errSpent}, sieves},
		{"and lets the cause be found", []error{fault, suspect, asideAndCut, errSpent, cut, cut, cut, cut, cut}, swallows},
		{"even if that one is cut too, each time", append(append([]error{fault, suspect}, slices.Repeat([]error{asideAndCut, asideAndCut, errSpent}, maxCuts-1)...), asideAndCut, asideAndCut), swallows},
	} {
		t.Run(c.rule, func(t *testing.T) {
			k := &caution{first: time.Second, others: others}
			var broken []error
			b := atWork(t)
			for _, why := range c.ends {
				k.next(b, nil) // a failed attempt changes nothing
				m := k.next(b, func(d *Delivery) { broken = append(broken, d.Broken) })
				switch why {
				case asideAndCut:
					m.sieve.limit, m.sieve.taken, m.sieve.aside = 8000, 3, 1
				case garbledAndCut:
					m.fault = true
				}
				k.ended(&conn{err: why, means: m}, 0)
				if m.swallow != nil && why != errSpent {
					require.ErrorIs(t, broken[len(broken)-1], why, "the message that ended it is put aside")
				}
			}
			got := ordinary
			switch m := k.next(b, nil); {
			case m.sieve != nil:
				got = sieves
			case m.swallow != nil:
				got = swallows
			}
			require.Equal(t, c.want, got)
		})
	}
}

// A message that cuts connections is looked for, however long it takes to reach
// it.
func TestACutCountsUnlessSomethingWasSettled(t *testing.T) {
	for rule, c := range map[string]struct {
		lived           time.Duration
		settles, wanted bool
	}{
		"at once":                       {0, false, true},
		"at once, though it settled":    {0, true, true},
		"later, and it settled nothing": {10 * time.Second, false, true},
		"later, and it settled":         {10 * time.Second, true, false},
		"after an hour of silence":      {time.Hour, false, false},
	} {
		t.Run(rule, func(t *testing.T) {
			k := &caution{first: time.Second, others: others}
			for range maxCuts {
				ended := &conn{err: fmt.Errorf("read: %w", io.EOF), means: k.next(atWork(t), nil)}
				ended.settles.Store(c.settles)
				k.ended(ended, c.lived)
			}
			require.Equal(t, c.wanted, k.next(atWork(t), nil).swallow != nil)
		})
	}
}

// A sieve at its limit is followed by one that is needed no longer than the
// first.
func TestASieveIsGivenUpOnABusySite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &caution{first: firstCalm}
		k.ended(&conn{err: framing.Faultf("a fault"), means: &means{}}, 0)
		for range 4 {
			m := k.next(atWork(t), nil)
			m.sieve.conn = &conn{socket: &socket{}}
			require.Positive(t, m.sieve.rest())
			<-time.After(firstCalm / 4)
			k.ended(&conn{err: errSpent, means: m}, firstCalm/4)
		}
		m := k.next(atWork(t), nil)
		m.sieve.conn = &conn{socket: &socket{}}
		require.LessOrEqual(t, m.sieve.rest(), time.Duration(0))
	})
}

// atWork returns a broker that is not stopping.
func atWork(t *testing.T) *Broker {
	t.Helper()
	return &Broker{intake: t.Context()}
}

// A network that breaks each message differently makes the connector neither
// connect for ever without a pause, nor keep the sums of all of them.
func TestSuspectsAreBounded(t *testing.T) {
	k := &caution{first: time.Second}
	k.ended(&conn{err: framing.Faultf("a fault"), means: &means{}}, 0)
	for i := range uint64(3 * maxSuspects) {
		m := k.next(atWork(t), nil)
		m.sieve.suspect(i)
		useful := k.ended(&conn{err: errSuspect, means: m}, 0)
		require.Equal(t, i+1 < maxSuspects, useful)
		next := k.next(atWork(t), nil).sieve.suspects
		require.LessOrEqual(t, len(next), maxSuspects)
		require.True(t, next[i], "the newest is known")
	}
}

// A message can forge an ERROR; its words must not reach a log.
func TestAnUnaskedErrorIsNotQuoted(t *testing.T) {
	log := newLog()
	url := script(t, func(f *frame.Frame) []*frame.Frame {
		switch f.Command {
		case frame.CONNECT:
			return connected("1.2")
		case frame.SUBSCRIBE:
			return append(receipt(f), frame.New(frame.ERROR, frame.Message, "forged: not authorized"))
		}
		return receipt(f)
	})
	changes := make(chan Status, 1000)
	o := server{url: url}.options()
	o.Logger, o.Changed = log.Logger, func(s Status) { changes <- s }
	launch(t, create(t, o))
	for s := next(t, changes); s.LastError == "" || s.Consuming; s = next(t, changes) {
	}
	require.Equal(t, 1, log.count("no connection to the broker, trying again until there is one", commandsLink))
	require.Contains(t, log.text(), "not a frame")
	require.NotContains(t, log.text(), "forged")
}

// A command whose handling stands still is noticed, even if another connection
// brings more.
func TestAnotherConnectionHidesNoStuckHandling(t *testing.T) {
	b := create(t, server{url: "tcp://127.0.0.1:1"}.options())
	b.handling = pulse.New("the handling of a command", 20*time.Millisecond)
	begun, end, second := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go b.deliver(&Delivery{}, func(*Delivery) { close(begun); <-end })
	<-begun
	go func() { defer close(second); b.deliver(&Delivery{}, func(*Delivery) {}) }()
	select {
	case <-second:
	case <-time.After(50 * time.Millisecond):
	}
	require.Eventually(t, func() bool { return b.Live() != nil }, patience, time.Millisecond)
	close(end)
	<-second
}

// Messages that hold places are swallowed when it is certain that they are there,
// and the network is well.
func TestAMessageThatHoldsAPlaceIsSwallowed(t *testing.T) {
	many := fmt.Errorf("%w, and %w", errHeld, errMany)
	fault := framing.Faultf("a fault")
	for _, c := range []struct {
		rule   string
		others int
		ends   []error
		want   time.Duration // 0: the next does not swallow
		sieves bool
	}{
		{"one may have been lost by the network", others, []error{errHeld}, 0, false},
		{"the next connection meets it again", others, []error{errHeld, errHeld}, swallowTime, false},
		{"not a later one", others, []error{errHeld, errClosed, errHeld}, 0, false},
		{"many at once", others, []error{many}, freeTime, false},
		{"not while the broker is unwell", others - 1, []error{many, many}, 0, false},
		{"in a sieve", others, []error{fault, errHeld}, 0, true},
		{"in doubt, an ordinary one starts over", others, []error{errDoubt, errDoubt, errDoubt}, 0, false},
		{"in a sieve, doubt counts like certainty", others, []error{fault, errDoubt, errDoubt}, swallowTime, false},
		{"in two sieves", others, []error{fault, errHeld, errHeld}, swallowTime, false},
		{"there were some lately", others, []error{many, errSpent, fault, errHeld}, freeTime, false},
		{"then they are gone", others, []error{many, errSpent}, 0, false},
		{"a cut meanwhile changes nothing", others, []error{many, io.EOF, io.EOF}, freeTime, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			k := &caution{first: time.Second, others: c.others}
			for _, why := range c.ends {
				m := k.next(atWork(t), func(d *Delivery) {
					require.True(t, errors.Is(d.Broken, errHeld) || errors.Is(d.Broken, io.EOF), c.rule)
				})
				require.True(t, k.ended(&conn{err: why, means: m}, stable) || why == errClosed)
			}
			m := k.next(atWork(t), nil)
			require.Equal(t, c.want, m.lasts, c.rule)
			require.Equal(t, c.want > 0, m.swallow != nil, c.rule)
			require.Equal(t, c.sieves, m.sieve != nil, c.rule)
		})
	}
}

// Cutting the connection again and again does not fill the log.
func TestAConnectionThatIsCutAgainAndAgainIsLoggedOnce(t *testing.T) {
	var cuts atomic.Int32
	url := script(t, func(f *frame.Frame) []*frame.Frame {
		switch {
		case f.Command == frame.CONNECT:
			return connected("1.2")
		case f.Command == frame.SUBSCRIBE:
			cuts.Add(1)
			fault := frame.New(frame.MESSAGE, frame.Subscription, "not ours", frame.Destination, "/queue/x", frame.MessageId, "1")
			return append(receipt(f), fault)
		}
		return receipt(f)
	})
	log := newLog()
	o := server{url: url}.options()
	o.Logger = log.Logger
	launch(t, create(t, o))
	require.Eventually(t, func() bool { return cuts.Load() > 10 }, patience, 5*time.Millisecond)
	require.Equal(t, 1, log.count(noConnection, commandsLink))
	said := 0
	for _, one := range log.lines() {
		if one.Msg == "connected to the broker" && one.Connection == commandsLink && one.Level == "info" {
			said++
		}
	}
	require.LessOrEqual(t, said, 2, "when it came, and once when it came back")
}
