package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// again is a connector that sends what was captured, with other ids of calls
// (Connection).
type again struct {
	plan    *Plan
	hear    func(*broker.Delivery)
	sent    []broker.Outgoing
	at      []time.Time
	next    int                    // of the plan's steps
	after   time.Duration          // it sends events this long after the command
	lacks   func(*awaited) bool    // events that it does not send; nil: none
	changes func(*broker.Delivery) // changes its events; nil: does not
}

func (g *again) Subscribe(_ context.Context, _ string, hear func(*broker.Delivery)) error {
	g.hear = hear
	return nil
}

func (g *again) Done() <-chan struct{} { return nil }
func (g *again) Err() error            { return nil }

func (g *again) Send(_ context.Context, m broker.Outgoing) error {
	g.sent, g.at = append(g.sent, m), append(g.at, time.Now())
	for ; g.next < len(g.plan.steps); g.next++ {
		s := g.plan.steps[g.next]
		say := func() {
			for _, a := range s.follow {
				g.say(a)
			}
		}
		if g.after == 0 {
			say()
		} else {
			time.AfterFunc(g.after, say)
		}
		if s.id == m.Headers["correlation-id"] {
			g.next++
			return nil
		}
	}
	return nil
}

func (g *again) say(a *awaited) {
	if a.answers != nil && a.answers.skip != "" || a.Request != "" && a.answers == nil || g.lacks != nil && g.lacks(a) {
		return
	}
	d := &broker.Delivery{Destination: a.Destination, Type: a.Type, Category: a.Category, Body: renamed(g.plan, a.Text())}
	if a.answers != nil {
		d.CorrelationID = a.answers.id
	}
	if g.changes != nil {
		g.changes(d)
	}
	g.hear(d)
}

// renamed gives every call another id.
func renamed(p *Plan, text string) string {
	return token.ReplaceAllStringFunc(text, func(t string) string {
		if p.dialogs[t] {
			return "99" + t
		}
		return t
	})
}

func planOf(t *testing.T, name string, c Cut) *Plan {
	t.Helper()
	all := list(lines(t, name))
	p, err := NewPlan(t.Context(), &all, c)
	require.NoError(t, err)
	return p
}

// everybody gives everybody a password.
func everybody(p *Plan) Secrets {
	all := Secrets{}
	for agent := range p.playedFor {
		all[agent] = gc.NewSecret("hunter2")
	}
	return all
}

func playedLive(t *testing.T, p *Plan, g *again, speed float64) (r *Report) {
	t.Helper()
	g.plan = p
	synctest.Test(t, func(t *testing.T) {
		var err error
		r, err = Live(t.Context(), p, g, LiveOptions{Queue: "Q", Category: "category", Speed: speed, Secrets: everybody(p), Wait: 10 * time.Second})
		require.NoError(t, err)
	})
	return r
}

// The same events about calls with other ids are no difference, even if calls
// from outside are made again meanwhile.
func TestLiveEachScenarioIsTheSameAsItself(t *testing.T) {
	for _, name := range samples(t) {
		for _, speed := range []float64{0, 1} {
			g, p := &again{}, planOf(t, name, Cut{})
			r := playedLive(t, p, g, speed)
			require.Empty(t, r.Findings, name)
			require.NotZero(t, r.Events, name)
			require.True(t, r.Same())
			refused := slices.DeleteFunc(slices.Clone(p.steps), func(s *step) bool { return s.skip == "" })
			require.Equal(t, len(p.steps)-len(refused), r.Live.Sent, "%s: every call came, so every command went: %v", name, r.Notes)
			for _, m := range g.sent {
				i := slices.IndexFunc(p.steps, func(s *step) bool { return s.id == m.Headers["correlation-id"] })
				if s := p.steps[i]; s.secret {
					fields, at, _ := passwordField(&s.Record, s.command.Spec)
					require.Contains(t, m.Body, "hunter2", name)
					require.NotContains(t, m.Body, fields[at], name)
				}
			}
		}
	}
}

// A command waits for what its driver knew when it sent it: a connector slower
// than the captured one, or than the speed, sends the same.
func TestLiveASlowConnectorIsNotDifferent(t *testing.T) {
	for _, speed := range []float64{0, 1, 1000} {
		r := playedLive(t, planOf(t, "main-job", Cut{}), &again{after: 300 * time.Millisecond}, speed)
		require.Empty(t, r.Findings, speed)
		require.NotZero(t, r.Events)
		require.Greater(t, r.Live.Took, 5*time.Second)
	}
}

// The part to be played is in memory; nothing outside it is.
func TestLiveMoreThanCanBePlannedIsRefused(t *testing.T) {
	body, start := strings.Repeat("x", maxPlan/10), time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	var all list
	for i := range 20 {
		all = append(all, capture.Item{File: "f", Line: i + 1, Record: &capture.Record{
			Seq: uint64(i), Time: start.Add(time.Duration(i) * time.Minute), Edge: capture.Broker, Dir: capture.In, Type: "None#1001", Agent: "1001", Body: body,
		}})
	}
	whole := slices.Clone(all)
	_, err := NewPlan(t.Context(), &whole, Cut{})
	require.ErrorIs(t, err, ErrTooLong)
	require.ErrorContains(t, err, "up to f:10 it has 10 commands, 0 events")
	until, err := ParseMoment("08:05:00")
	require.NoError(t, err)
	p, err := NewPlan(t.Context(), &all, Cut{Until: until})
	require.NoError(t, err)
	require.Len(t, p.steps, 5)
}

// A supervisor's token reads the members of the team: a request that worked does not prove that a
// token is the agent's, as it does of a password.
func TestLiveWhatProvesAToken(t *testing.T) {
	start := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		body, opened string
		sent         bool
	}{
		{"desk,[secret 1]", "", true},
		{"desk,[secret 1],SSO", "", false},
		{"desk,[secret 1],SSO", capture.Opened, true},
	} {
		all := list{
			{Record: &capture.Record{Edge: capture.Broker, Dir: capture.In, Type: "Connect#1001", Agent: "1001", Body: c.body}},
			{Record: &capture.Record{Edge: capture.REST, Dir: capture.In, Agent: "1001", Exchange: 1, Status: 200}},
			{Record: &capture.Record{Edge: capture.Notify, Dir: capture.In, Agent: "1001", Type: c.opened}},
		}
		for i := range all {
			all[i].Record.Seq, all[i].Record.Time = uint64(i), start.Add(time.Duration(i)*time.Second)
		}
		p, err := NewPlan(t.Context(), &all, Cut{})
		require.NoError(t, err)
		require.Equal(t, c.sent, p.steps[0].skip == "", c)
	}
}

// Nobody calls from outside now: without those calls nothing is missing, and
// the commands about them are not sent.
func TestLiveCallsFromOutsideAreNotPlayed(t *testing.T) {
	for _, name := range []string{"main-job", "wrap-up", "consult", "one-call-json", "withheld-number", "recording-with-a-recorder"} {
		g := &again{lacks: func(a *awaited) bool { return a.optional }}
		p := planOf(t, name, Cut{})
		r := playedLive(t, p, g, 0)
		require.Empty(t, r.Findings, name)
		require.NotZero(t, r.Live.NotPlayed, name)
		require.NotZero(t, r.Live.NotSent, name)
		require.Contains(t, fmt.Sprint(r.Notes), "nobody in the capture made its call", name)
		for _, m := range g.sent {
			require.NotContains(t, m.Headers["type"], "AnswerCall", name)
		}
	}
}

func TestLiveDifferences(t *testing.T) {
	once := func(contains string, change func(*broker.Delivery)) func(*broker.Delivery) {
		done := false
		return func(d *broker.Delivery) {
			if !done && strings.Contains(d.Body, contains) {
				done = true
				change(d)
			}
		}
	}
	for name, k := range map[string]struct {
		connector again
		kind      Kind
		want      string
	}{
		"a field": {again{changes: once("#State#READY#", func(d *broker.Delivery) { d.Body = strings.Replace(d.Body, "READY#", "READY#7", 1) })},
			Different, `[{Reason  7}]`},
		"the id of a call changes": {again{changes: once("#HELD#DialogID:", func(d *broker.Delivery) { d.Body = strings.Replace(d.Body, "DialogID:9916870001", "DialogID:5", 1) })},
			Different, "the call 16870001 was 9916870001 here before and is 5 now"},
		"two calls have one id": {again{changes: func(d *broker.Delivery) { d.Body = strings.ReplaceAll(d.Body, "9916870002", "9916870001") }},
			Different, "9916870001 is here the call that was 16870001, and comes for 16870002 now"},
		"another answer to a command": {again{changes: once("#AgentInfo#", func(d *broker.Delivery) { d.CorrelationID = "" })},
			Different, "{the command it answers Login#1001 of "},
		"an event is missing": {again{lacks: func(a *awaited) bool { return a.Event == "ReasonCodes" }},
			Missing, "ReasonCodes"},
		"the JMSType": {again{changes: once("#ReasonCodes#", func(d *broker.Delivery) { d.Type, d.Category = "x", "agent_work" })},
			Different, "[{JMSType  x}]"},
	} {
		t.Run(name, func(t *testing.T) {
			r := playedLive(t, planOf(t, "main-job", Cut{}), &k.connector, 0)
			require.False(t, r.Same())
			require.NotZero(t, r.Counts[k.kind], r.Findings)
			require.Contains(t, fmt.Sprintf("%+v %v", r.Findings, r.Findings[0].Fields), k.want)
		})
	}
	t.Run("one more", func(t *testing.T) {
		p, g := planOf(t, "main-job", Cut{}), &again{}
		g.changes = once("#ReasonCodes#", func(d *broker.Delivery) {
			g.hear(&broker.Delivery{Destination: d.Destination, Category: "agent_state", Body: "1001#State#NOT_SEEN"})
			g.hear(&broker.Delivery{Destination: d.Destination, Category: "agent_state", Body: "4711#State#READY"}) // another driver's
		})
		r := playedLive(t, p, g, 0)
		require.Equal(t, map[Kind]int{Unexpected: 1}, r.Counts)
		require.Equal(t, "State", r.Findings[0].Event)
		require.Equal(t, 1, r.Live.Others)
	})
	t.Run("any number more", func(t *testing.T) {
		p, g := planOf(t, "main-job", Cut{}), &again{}
		g.changes = once("#ReasonCodes#", func(d *broker.Delivery) {
			for range maxWaiting + 5 {
				g.hear(&broker.Delivery{Destination: d.Destination, Category: "agent_state", Body: "1001#State#NOT_SEEN"})
			}
		})
		r := playedLive(t, p, g, 0)
		require.Equal(t, map[Kind]int{Unexpected: maxWaiting + 5}, r.Counts, "the rest is the same")
	})
	t.Run("two events change places", func(t *testing.T) {
		p, g := planOf(t, "main-job", Cut{}), &again{}
		info := ""
		g.changes = func(d *broker.Delivery) { // the two answers to Login
			switch {
			case info == "" && strings.Contains(d.Body, "#AgentInfo#"):
				info, d.Body, d.Category = d.Body, "1001#State#NOT_READY##Ada Lovelace", "agent_state"
			case info != "":
				d.Body, d.Category = info, "agent_info"
				g.changes = nil
			}
		}
		r := playedLive(t, p, g, 0)
		require.Equal(t, 1, r.Counts[OutOfOrder], r.Findings)
	})
}

// The times of states come in their order, and a call begins once.
func TestLiveTimes(t *testing.T) {
	at := func(event, body string) *awaited {
		return &awaited{expected: expected{Record: capture.Record{Event: event, Agent: "1001", Body: body}}}
	}
	calls, m := map[string]bool{"7": true}, newMapping()
	conflict := func(event, then, now string) string {
		a := at(event, then)
		all, alike := a.compare(now, calls)
		require.True(t, alike, now)
		if conflict := m.conflict(a, all); conflict != "" {
			return conflict
		}
		m.learn(a, all)
		return ""
	}
	require.Empty(t, conflict("State", "READY#2026-01-01 10:00:00", "READY#2026-02-02 10:00:05"))
	require.Empty(t, conflict("State", "READY#2026-01-01 10:00:00", "READY#2026-02-02 10:00:06"), "a second may pass between")
	require.NotEmpty(t, conflict("State", "READY#2026-01-01 10:00:09", "READY#2026-02-02 10:00:01"))
	require.Empty(t, conflict("InboundCall", "DialogID:7#2026-01-01 10:00:00", "DialogID:8#2026-02-02 10:00:00"))
	require.NotEmpty(t, conflict("InboundCall", "DialogID:7#2026-01-01 10:00:00", "DialogID:8#2026-02-02 10:00:01"))
	_, alike := at("State", "READY#2026-01-01 10:00:00").compare("READY#", calls)
	require.False(t, alike, "where a time was, one must be")
}

func TestLiveAtTheCapturedPace(t *testing.T) {
	for _, speed := range []float64{1, 2} {
		p, g := planOf(t, "main-job", Cut{}), &again{}
		playedLive(t, p, g, speed)
		for i, at := range g.at {
			want := time.Duration(float64(p.steps[i].Time.Sub(p.steps[0].Time)) / speed)
			require.Equal(t, want.Round(time.Microsecond), at.Sub(g.at[0]).Round(time.Microsecond))
		}
	}
}

func TestLiveWaitsNoLongerThanItsOption(t *testing.T) {
	p, g := planOf(t, "main-job", Cut{}), &again{lacks: func(*awaited) bool { return true }}
	r := playedLive(t, p, g, 0)
	require.NotZero(t, r.Counts[Missing])
	require.LessOrEqual(t, r.Live.Took, time.Duration(len(p.steps)+2)*10*time.Second)
}

func TestLiveCuts(t *testing.T) {
	whole := planOf(t, "main-job", Cut{})
	from, until := whole.steps[5].Time, whole.steps[9].Time
	parse := func(at time.Time) Moment {
		m, err := ParseMoment(at.Format(time.RFC3339Nano))
		require.NoError(t, err)
		return m
	}
	p := planOf(t, "main-job", Cut{From: parse(from), Until: parse(until)})
	require.Len(t, p.steps, 4)
	require.Equal(t, whole.steps[5].where, p.steps[0].where)
	require.Equal(t, whole.steps[8].where, p.steps[3].where)
	r := playedLive(t, p, &again{}, 0)
	require.Empty(t, r.Findings)

	clock, err := ParseMoment("07:59:00")
	require.NoError(t, err)
	day := from.UTC()
	require.Equal(t, time.Date(day.Year(), day.Month(), day.Day(), 7, 59, 0, 0, time.UTC), clock.on(from))
	require.Len(t, planOf(t, "main-job", Cut{From: clock}).steps, len(whole.steps))
	require.Empty(t, planOf(t, "main-job", Cut{Until: clock}).steps)
	require.Equal(t, []gc.AgentID{"1001"}, whole.Lacking(nil))
	require.Empty(t, p.Lacking(nil), "its commands need no password")
}

// Whatever a capture's files are called, and even where times are equal,
// commands keep their order.
func TestLiveKeepsTheOrderOfCommands(t *testing.T) {
	for seed := range uint64(50) {
		random, dir := rand.New(rand.NewPCG(seed, 0)), t.TempDir()
		var files, want []string
		at, seq := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC), 0
		for part := 1; part <= 1+random.IntN(4); part++ {
			var b strings.Builder
			e := json.NewEncoder(&b)
			require.NoError(t, e.Encode(capture.Header{Capture: 1, Run: "r", Part: part, Time: at, Settings: capture.Settings{Nodes: []string{"n"}}}))
			for range random.IntN(6) {
				seq++
				at = at.Add(time.Duration(random.IntN(2)) * time.Second) // often the same
				typ := fmt.Sprintf("GetState#%d", seq)
				require.NoError(t, e.Encode(capture.Record{Seq: uint64(seq), Time: at, Dir: capture.In, Edge: capture.Broker, Agent: gc.AgentID(fmt.Sprint(seq)), Type: typ}))
				want = append(want, typ)
			}
			files = append(files, filepath.Join(dir, fmt.Sprintf("%d.jsonl", random.IntN(1_000_000))))
			require.NoError(t, os.WriteFile(files[len(files)-1], []byte(b.String()), 0o600))
		}
		random.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
		source, err := capture.OpenFiles(t.Context(), files...)
		require.NoError(t, err)
		p, err := NewPlan(t.Context(), source, Cut{})
		require.NoError(t, err)
		require.NoError(t, source.Close())
		g := &again{}
		playedLive(t, p, g, float64(random.IntN(2)))
		var got []string
		for _, m := range g.sent {
			got = append(got, m.Headers["type"])
		}
		require.Equal(t, want, got)
	}
}

func TestLivePasswords(t *testing.T) {
	s, err := ParseSecrets([]byte("# comment\r\n\n1001 a b,c \r\nnew.agent\tx y\n1002 a\tb\n"))
	require.NoError(t, err)
	require.Equal(t, "a b,c ", s["1001"].Reveal())
	require.Equal(t, "x y", s["new.agent"].Reveal())
	require.Equal(t, "a\tb", s["1002"].Reveal())
	for _, bad := range []string{"1001", "1001 ", "1001 a\n1001 b", " a", "a#b c"} {
		_, err := ParseSecrets([]byte(bad))
		require.Error(t, err, bad)
	}
}

// commandRecord returns a capture's record of a command.
func commandRecord(seq uint64, typ, body, request string) *capture.Record {
	agent := gc.AgentID(typ[strings.IndexByte(typ, '#')+1:])
	return &capture.Record{Seq: seq, Time: time.Unix(int64(seq), 0), Dir: capture.In, Edge: capture.Broker, Agent: agent, Type: typ, Body: body, Request: request}
}

// Only a password that was right is tried.
func TestLiveTriesNoPasswordThatWasRefused(t *testing.T) {
	answer := func(seq uint64, request, event, body string) *capture.Record {
		return &capture.Record{Seq: seq, Time: time.Unix(int64(seq), 0), Dir: capture.Out, Edge: capture.Broker, Agent: "1", Request: request, Event: event, Body: body, Destination: "/topic/d"}
	}
	rest := func(seq uint64, status int) *capture.Record {
		return &capture.Record{Seq: seq, Time: time.Unix(int64(seq), 0), Dir: capture.In, Edge: capture.REST, Agent: "1", Exchange: seq, Status: status}
	}
	for name, k := range map[string]struct {
		records []*capture.Record
		sent    []string
	}{
		"refused":                     {[]*capture.Record{commandRecord(1, "Connect#1", "d,[secret 1]", "a"), rest(2, 401), answer(3, "a", "Error", "1#Error#SUBSCRIPTION_FAILED")}, nil},
		"refused by its status alone": {[]*capture.Record{commandRecord(1, "Connect#1", "d,[secret 1]", "a"), rest(2, 401)}, nil},
		"locked": {[]*capture.Record{commandRecord(1, "Connect#1", "d,[secret 1]", "a"), rest(2, 200), commandRecord(3, "Login#1", "[secret 1],2001", "b"),
			answer(4, "b", "Error", "1#Error#CF_AGENT_ACCOUNT_LOCKED_OUT")}, []string{"d,hunter2"}},
		"nobody knows": {[]*capture.Record{commandRecord(1, "Connect#1", "d,[secret 1]", "a")}, nil},
		"it is the one that worked before": {[]*capture.Record{commandRecord(1, "Connect#1", "d,[secret 1]", "a"), rest(2, 200), commandRecord(3, "Login#1", "[secret 1],2001", "b")},
			[]string{"d,hunter2", "hunter2,2001"}},
		"it worked before, then was refused": {[]*capture.Record{commandRecord(1, "Connect#1", "d,[secret 1]", "a"), rest(2, 200), commandRecord(3, "Connect#1", "d,[secret 1]", "b"), rest(4, 401)},
			[]string{"d,hunter2"}},
		"it is another one": {[]*capture.Record{commandRecord(1, "Connect#1", "d,[secret 1]", "a"), rest(2, 200), commandRecord(3, "Login#1", "[secret 2],2001", "b")},
			[]string{"d,hunter2"}},
		"wrong on a session that works": {[]*capture.Record{commandRecord(1, "Connect#1", "d,[secret 1]", "a"), rest(2, 200), commandRecord(3, "Connect#1", "d,[secret 2]", "b"),
			rest(4, 200), answer(5, "b", "Error", "1#Error#SUBSCRIPTION_FAILED")}, []string{"d,hunter2"}},
		"no password, no agent, no such command": {[]*capture.Record{commandRecord(1, "Login#1", "", "a"), commandRecord(2, "Hello#d", "", ""), commandRecord(3, "nonsense#", "[secret 3]", "")},
			[]string{"", "", "[secret 3]"}},
	} {
		t.Run(name, func(t *testing.T) {
			all := list{}
			for _, x := range k.records {
				all = append(all, capture.Item{File: "f", Line: int(x.Seq), Record: x})
			}
			p, err := NewPlan(t.Context(), &all, Cut{})
			require.NoError(t, err)
			p.playedFor["1"] = true
			g := &again{lacks: func(*awaited) bool { return true }}
			playedLive(t, p, g, 0)
			var got []string
			for _, m := range g.sent {
				got = append(got, m.Body)
			}
			require.Equal(t, k.sent, got)
		})
	}
}

// A word in a call variable is not the end of a call.
func TestACallEndsWithItsEnd(t *testing.T) {
	w := &wire.Writer{Location: time.UTC, Substitute: '_'}
	for _, format := range wire.Formats {
		for state, disturbs := range map[gc.CallState]bool{gc.Active: true, gc.Dropped: false} {
			call := gc.Call{Agent: "a", Dialog: "17", State: state, Variables: []gc.CallVariable{{Name: "callVariable1", Value: "DROP"}}}
			p, err := NewPlan(t.Context(), made(func(i int) *capture.Record {
				switch i {
				case 1, 4:
					return &capture.Record{Dir: capture.In, Edge: capture.Broker, Type: "GetState#a", Agent: "a"}
				case 2, 3: // text-old names the call only when it is held or has ended
					x := eventRecord("a", "/topic/d", w.Write(format, gc.DialogState{Call: gc.Call{Agent: "a", Dialog: "17", State: gc.Active}}).Body)
					if i == 3 {
						x.Body = w.Write(format, gc.InboundCall{Call: call}).Body
					}
					x.Format = string(format)
					return x
				case 5:
					return eventRecord("a", "/topic/d", "a#State#READY##Ann")
				}
				return nil
			}), Cut{})
			require.NoError(t, err)
			require.Equal(t, disturbs, p.steps[1].follow[0].optional, "%s in %s", state, format)
		}
	}
}
