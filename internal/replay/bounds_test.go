package replay

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// stranger makes up a capture: each line n, from 1, is a header or a record.
type stranger struct {
	line func(n int) (*capture.Header, *capture.Record)
	n    int
}

func (s *stranger) Next() (capture.Item, error) {
	s.n++
	i := capture.Item{File: "f", Line: s.n, Run: "r"}
	i.Header, i.Record = s.line(s.n)
	if i.Header == nil && i.Record == nil {
		return capture.Item{}, io.EOF
	}
	return i, nil
}

var startOfRun = time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)

// made returns a capture that begins with the process; after its header come
// the records that record returns, until nil.
func made(record func(n int) *capture.Record) *stranger {
	return &stranger{line: func(n int) (*capture.Header, *capture.Record) {
		if n == 1 {
			return &capture.Header{Capture: 1, Run: "r", Fresh: true, Time: startOfRun, Settings: capture.Settings{Nodes: []string{"a:1"}, Retries: 1}}, nil
		}
		x := record(n - 1)
		if x != nil {
			x.Seq = uint64(n - 1)
			if x.Time.IsZero() {
				x.Time = startOfRun
			}
		}
		return nil, x
	}}
}

func connect(agent string) *capture.Record {
	return &capture.Record{Dir: capture.In, Edge: capture.Broker, Type: "Connect#" + agent, Agent: gc.AgentID(agent), Body: "desk,[secret 1]"}
}

func eventRecord(agent, destination, body string) *capture.Record {
	return &capture.Record{Dir: capture.Out, Edge: capture.Broker, Event: "State", Type: "State", Format: "text", Agent: gc.AgentID(agent), Destination: destination, Body: body}
}

// A capture that has anything without end is refused at the line where it is
// too much, and what came before is reported.
func TestACaptureOfAStrangerIsBounded(t *testing.T) {
	for rule, k := range map[string]struct {
		bound  func(*bounds)
		record func(n int) *capture.Record
		line   int
		want   string
	}{
		"agents that connect": {
			func(b *bounds) { b.agents = 50 }, func(n int) *capture.Record { return connect(fmt.Sprint("a", n)) },
			52, "more than 50 agents",
		},
		"agents that a command names and its record does not": {
			func(b *bounds) { b.agents = 50 }, func(n int) *capture.Record { x := connect(fmt.Sprint("a", n)); x.Agent = "one"; return x },
			51, "more than 50 agents",
		},
		"agents whose stream is opened": {
			func(b *bounds) { b.agents = 50 }, func(n int) *capture.Record {
				return &capture.Record{Dir: capture.In, Edge: capture.Notify, Type: capture.Opened, Agent: gc.AgentID(fmt.Sprint("a", n))}
			},
			52, "more than 50 agents",
		},
		"destinations that get events": {
			func(b *bounds) { b.waiting = 1 << 20 }, func(n int) *capture.Record { return eventRecord("", fmt.Sprint("/topic/", n), "x") },
			0, "more than 1 MB of events have not found their counterpart",
		},
		"long events": {
			func(b *bounds) { b.waiting = 1 << 20 }, func(n int) *capture.Record { return eventRecord("a", "/topic/d", strings.Repeat("x", 300<<10)) },
			5, "more than 1 MB of events have not found their counterpart",
		},
		"destinations that ask for Finesse's state": {
			func(b *bounds) { b.waiting = 1 << 20 }, func(n int) *capture.Record {
				return &capture.Record{Dir: capture.In, Edge: capture.Broker, Type: fmt.Sprint("Hello#d", n)}
			},
			0, "more than 1 MB of events have not found their counterpart",
		},
		"events of an agent at one moment": {
			func(b *bounds) { b.lane = 40 }, func(n int) *capture.Record {
				return &capture.Record{Dir: capture.In, Edge: capture.Broker, Type: "Hello#desk", MessageID: fmt.Sprint(n)}
			},
			0, "more than 40 events come for one agent at once",
		},
		"time": {
			func(b *bounds) { b.gap = time.Hour }, func(n int) *capture.Record {
				x := connect("a")
				x.Time = startOfRun.Add(time.Duration(n*n) * 10 * time.Minute)
				return x
			},
			5, "the clock jumps from 2026-11-23 08:30:00 to 2026-11-23 09:40:00",
		},
	} {
		t.Run(rule, func(t *testing.T) {
			b := standing
			k.bound(&b)
			s := made(k.record)
			synctest.Test(t, func(t *testing.T) {
				r, err := Offline(t.Context(), s, Options{bounds: b})
				require.ErrorIs(t, err, ErrBeyond)
				require.ErrorContains(t, err, fmt.Sprintf("f:%d: ", s.n))
				require.ErrorContains(t, err, k.want)
				require.Equal(t, fmt.Sprintf("ended early, at f:%d", s.n), r.Ended)
			})
			if k.line > 0 {
				require.Equal(t, k.line, s.n)
			}
		})
	}
}

// A signal ends it between two records, and while time passes without records.
func TestASignalEndsAReplay(t *testing.T) {
	for where, record := range map[string]func(n int) *capture.Record{
		"records without end at one moment": func(n int) *capture.Record {
			x := connect(fmt.Sprint("a", n%10))
			x.Time = startOfRun.Add(time.Hour)
			return x
		},
		"a long time without a record": func(n int) *capture.Record {
			x := connect("a")
			x.Time = startOfRun.Add(time.Duration(n) * 50 * 24 * time.Hour)
			return x
		},
	} {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				at := time.AfterFunc(time.Until(startOfRun.Add(time.Hour)), cancel)
				defer at.Stop()
				r, err := Offline(ctx, made(record), Options{})
				require.ErrorIs(t, err, context.Canceled)
				require.NotErrorIs(t, err, ErrBeyond)
				require.Contains(t, r.Ended, "ended early, at f:")
				require.WithinDuration(t, startOfRun.Add(time.Hour), time.Now(), stride)
			})
		})
	}
}

// Many waiting questions do not make a replay slow to end: each agent's are
// kept apart.
func TestManyAgentsEndSoon(t *testing.T) {
	const agents = 3_000
	synctest.Test(t, func(t *testing.T) {
		r, err := Offline(t.Context(), made(func(n int) *capture.Record {
			if n > agents {
				return nil
			}
			return connect(fmt.Sprint("a", n))
		}), Options{})
		require.NoError(t, err)
		require.Equal(t, agents, r.Commands)
		require.Len(t, r.Agents, agents)
	})
}

// A message without structure costs its size, and no more.
func TestAMessageWithoutFieldsIsComparedAsAWhole(t *testing.T) {
	const n = 200_000
	deep := strings.Repeat("[", n) + strings.Repeat("]", n)
	long := `{"` + strings.Repeat("k", n) + `":[` + strings.Repeat("[],", n) + `1]}`
	many := `[` + strings.Repeat("1,", n) + `1]`
	for name, text := range map[string]string{"deep": deep, "long names": long} {
		require.Equal(t, []leaf{{Name: "body", Value: text}}, jsonLeaves(text), name)
	}
	require.Len(t, jsonLeaves(many), n+1)
	require.Len(t, differing(jsonLeaves(many), jsonLeaves(strings.ReplaceAll(many, "1", "2"))), n+1)
	deep = strings.Repeat("<a>", n) + "x" + strings.Repeat("</a>", n)
	require.Equal(t, []leaf{{Name: "body", Value: deep}}, xmlLeaves(deep))
}

func TestFindingsAreBoundedInBytes(t *testing.T) {
	var r Report
	for range 100 {
		r.Add(Finding{Kind: Different, Got: strings.Repeat("x", 1<<20)})
	}
	require.Len(t, r.Findings, maxFindingBytes>>20)
	require.Equal(t, 100, r.Counts[Different])
	r.note("f:1", &capture.Record{Edge: capture.Broker, Type: strings.Repeat("x", 1<<20)}, "odd")
	require.Less(t, len(r.Notes[0].Command), 2*maxShown)
}

// Reading ahead is bounded, and waits are found at once among many.
func TestReadingAheadIsBounded(t *testing.T) {
	wait := func(n int) *capture.Record {
		return &capture.Record{Edge: capture.Notify, Type: capture.Waits, Agent: gc.AgentID(fmt.Sprint("a", n)), Body: fmt.Sprint(n, "s")}
	}
	a := newAhead(made(wait))
	_, err := a.Next()
	require.NoError(t, err)
	require.Zero(t, a.wait("nobody"))
	require.Len(t, a.buffer, furthest)
	for n := furthest; n > 0; n-- {
		require.Equal(t, time.Duration(n)*time.Second, a.wait(gc.AgentID(fmt.Sprint("a", n))))
	}
	for range furthest {
		_, err := a.Next()
		require.NoError(t, err)
	}
	require.Empty(t, a.waits)
	require.Empty(t, a.known)
	require.Zero(t, a.size)

	a = newAhead(made(func(n int) *capture.Record { x := wait(n); x.Body = strings.Repeat("1", widest/10); return x }))
	_, err = a.Next()
	require.NoError(t, err)
	require.Zero(t, a.wait("nobody"))
	require.LessOrEqual(t, len(a.buffer), 12)

	a = newAhead(made(func(n int) *capture.Record {
		return &capture.Record{Edge: capture.REST, Type: capture.Verified, Time: startOfRun}
	}))
	require.Len(t, a.moment(&capture.Record{Time: startOfRun}, nil), 1)
	require.LessOrEqual(t, len(a.buffer), furthest)
}

func TestAPlanOfAStrangerIsBounded(t *testing.T) {
	events := func(agents, calls int) func(n int) *capture.Record {
		return func(n int) *capture.Record {
			var b strings.Builder
			for i := range 1_000 {
				fmt.Fprintf(&b, " DialogID:%d", (1_000*n+i)%calls)
			}
			agent := fmt.Sprint("a", n%agents)
			return eventRecord(agent, "/topic/d", agent+"#x"+b.String())
		}
	}
	for rule, record := range map[string]func(n int) *capture.Record{
		"calls":                events(10, 1<<60),
		"calls that are known": func(n int) *capture.Record { return ended(events(10, 1_000)(n), n > 20) },
		"agents": func(n int) *capture.Record {
			return &capture.Record{Edge: capture.REST, Agent: gc.AgentID(fmt.Sprint("a", n))}
		},
	} {
		_, err := NewPlan(t.Context(), made(record), Cut{most: 1 << 20})
		require.ErrorIs(t, err, ErrTooLong, rule)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := NewPlan(ctx, made(connectAll), Cut{})
	require.ErrorIs(t, err, context.Canceled)
}

// ended returns the record of a capture that ends.
func ended(x *capture.Record, over bool) *capture.Record {
	if over {
		return nil
	}
	return x
}

func connectAll(n int) *capture.Record { return connect(fmt.Sprint("a", n)) }

// Thousands of events that depend on thousands of calls share the list of them.
func TestEventsThatDependOnManyCallsArePlanned(t *testing.T) {
	const n = 20_000
	p, err := NewPlan(t.Context(), made(func(i int) *capture.Record {
		switch {
		case i == 1:
			return &capture.Record{Dir: capture.In, Edge: capture.Broker, Type: "GetState#a", Agent: "a"}
		case i > n:
			return nil
		case i%2 == 0:
			return eventRecord("a", "/topic/d", fmt.Sprintf("a#InboundCall#ACTIVE#DialogID:%d", i))
		default:
			return eventRecord("a", "/topic/d", "a#State#READY")
		}
	}), Cut{})
	require.NoError(t, err)
	require.Len(t, p.dialogs, n/2)
	for _, a := range p.steps[0].follow {
		require.True(t, a.optional)
		require.LessOrEqual(t, len(a.about), maxAbout)
	}
}

// So do those of all commands between which no call comes or goes, and the lists count
// towards the bound.
func TestCommandsBetweenManyCallsArePlanned(t *testing.T) {
	const calls, pairs = 900, 1_000
	text := "a#InboundCall#ACTIVE#"
	for i := range calls {
		text += fmt.Sprintf(" DialogID:%dc", i)
	}
	capture := func(between func(i int) string) *stranger {
		return made(func(i int) *capture.Record {
			switch {
			case i > 2*pairs:
				return nil
			case i%2 == 1:
				return &capture.Record{Dir: capture.In, Edge: capture.Broker, Type: "GetState#a", Agent: "a"}
			case i == 2:
				return eventRecord("a", "/topic/d", text)
			default:
				return eventRecord("a", "/topic/d", between(i))
			}
		})
	}
	p, err := NewPlan(t.Context(), capture(func(int) string { return "a#State#READY" }), Cut{most: 16 << 20})
	require.NoError(t, err)
	last := p.steps[pairs-1].follow[0].about
	require.Len(t, last, calls)
	require.Same(t, &p.steps[2].follow[0].about[0], &last[0])

	_, err = NewPlan(t.Context(), capture(func(i int) string { return fmt.Sprintf("a#InboundCall#ACTIVE#DialogID:%d", i) }), Cut{most: 16 << 20})
	require.ErrorIs(t, err, ErrTooLong)
}

// Neither checks its context meanwhile: one costs as much as there are agents,
// the other as much as the text is long.
func TestSearchesOfALiveReplayAreBounded(t *testing.T) {
	const agents, words = 50_000, 50_000
	p := &Plan{}
	for i := range agents {
		p.steps = append(p.steps, &step{command: gc.Command{Agent: gc.AgentID(strconv.Itoa(i))}, secret: true})
	}
	require.Len(t, p.Lacking(Secrets{"7": gc.NewSecret("known")}), agents-1)

	calls := &planner{Plan: &Plan{dialogs: map[string]bool{}}}
	var text strings.Builder
	for i := range 900 {
		calls.dialogs[strconv.Itoa(i)] = true
	}
	for i := range words {
		text.WriteString(strconv.Itoa(i%900) + " ")
	}
	require.Len(t, calls.namedIn(text.String()), 900)
}
