package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// TestChaos: see the package comment.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("repeat with -chaos.seed=%d -chaos.duration=%s", *seed, *duration)
	a := servertest.StartActiveMQ(t)
	for i, c := range []struct {
		rule   string
		faults map[string][]fault // by edge
	}{
		{"Finesse breaks and the broker is slow", map[string][]fault{"broker": slow, "rest": all, "notify": all}},
		{"the broker breaks", map[string][]fault{"broker": all}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, fmt.Sprintf("Chaos%d", i), a)
			d := steadyDriver(s, firstAgents())
			desks := newDesks(s, d)
			breakThings(s, desks, c.faults)
			eventually(t, func() bool { return len(d.ledger.open()) == 0 }, func() string {
				return "commands without an answer:\n" + strings.Join(d.ledger.open(), "\n")
			})
			for _, k := range desks {
				k.recovers(t)
				require.Empty(t, k.picture.disorder(s.history), "states came in another order than they happened")
			}
			t.Logf("commands: %v; tokens that expired: %d", d.ledger.totals(), expiredTokens(desks))
			require.NotZero(t, expiredTokens(desks))
			checkOnce(t, s, d)
			require.Nil(t, d.strange.Load(), "what nobody asked for")
			require.Empty(t, d.ledger.rejected(), "the driver has lost its broker")
		})
	}
}

// breakThings has all agents at work while edges break, and returns when
// nothing breaks any more and no agent sends.
func breakThings(s *stage, desks []*desk, faults map[string][]fault) {
	for _, k := range desks {
		k.signIn()
		eventually(s.t, k.picture.isSignedIn, func() string { return k.difference("cannot sign in at the start") })
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), *duration)
	var busy sync.WaitGroup
	defer func() {
		cancel()
		busy.Wait()
	}()
	for name, some := range faults {
		busy.Go(func() { hurt(ctx, s, name, some) })
	}
	for _, k := range desks {
		busy.Go(func() { k.work(ctx) })
	}
	restart(ctx, s)
}

// checkOnce compares what the driver asked for with what reached Finesse: a
// call to dial, answer or release is asked for once unless it was refused.
func checkOnce(t *testing.T, s *stage, d *driver) {
	t.Helper()
	sent := d.ledger.wishes()
	require.NotEmpty(t, sent)
	for w, asked := range sent {
		require.LessOrEqual(t, s.reached(w), asked, "Finesse was asked more often than the connector: %v", w)
	}
}

// recovers shows that the agent works as if nothing had been: its driver signs
// it in, hears of what happens by itself, and knows what is true.
func (d *desk) recovers(t *testing.T) {
	t.Helper()
	if d.expired > 0 { // as long as nothing is asked for, nothing shows that the token is no good
		eventually(t, func() bool { return strings.HasPrefix(d.answered("refresh#"+string(d.agent)), "State#") },
			func() string { return d.difference("cannot be read") })
	}
	eventually(t, func() bool {
		if !d.picture.isSignedIn() || d.answered("GetState#"+string(d.agent)) != "State#"+string(d.truth().State) {
			require.NoError(t, d.connect())
			d.answered(fmt.Sprintf("Login#%s %s,%s", d.agent, d.password(), d.extension))
			return false
		}
		return true
	}, func() string { return d.difference("cannot sign in or is told another state") })
	eventually(t, func() bool {
		calls := d.truth().Calls
		for _, c := range calls {
			_ = d.stage.finesse.HangUp(c.Dialog) // it may be over
		}
		return len(calls) == 0
	}, func() string { return d.difference("has calls that do not end") })
	d.knowsTheTruth(t, "does not hear that the customer hung up")
	var id gc.DialogID
	eventually(t, func() (rings bool) {
		if d.truth().State == gc.NotReady {
			d.answered("MakeReady#" + string(d.agent))
		}
		var err error
		id, err = d.stage.finesse.Call(d.agent, simulator.Call{From: "4085551234"})
		return err == nil
	}, func() string { return d.difference("cannot be called") })
	eventually(t, func() bool { return d.picture.call(id) == gc.Alerting }, func() string { return d.difference("does not hear the phone") })
	require.Equal(t, "InboundCall#ACTIVE", d.answered(fmt.Sprintf("AnswerCall#%s %s", d.agent, id)))
	d.knowsTheTruth(t, "does not hear of the call")
	require.Equal(t, "InboundCall#DROPPED", d.answered(fmt.Sprintf("ReleaseCall#%s %s", d.agent, id)))
	d.knowsTheTruth(t, "does not hear of its end")
	require.Equal(t, "State#"+string(d.truth().State), d.answered("GetState#"+string(d.agent)))
}

// answered sends a command and waits for its answer.
func (d *desk) answered(command string) string {
	d.t.Helper()
	return d.answerTo(d.send(d.agent, command, wish{}))
}

// answerTo waits for the first answer to a command that is not AgentInfo.
func (d *desk) answerTo(id string) string {
	d.t.Helper()
	var last string
	eventually(d.t, func() bool {
		answers := d.ledger.answers(id)
		answers = slices.DeleteFunc(answers, func(a string) bool { return strings.HasPrefix(a, "AgentInfo") })
		if len(answers) > 0 {
			last = answers[0]
		}
		return len(answers) > 0
	}, func() string { return fmt.Sprintf("no answer to %s of agent %s", id, d.agent) })
	return last
}

func (d *desk) truth() simulator.Agent { return d.stage.agent(d.agent) }

// knowsTheTruth compares what the driver heard with the simulated Finesse.
func (d *desk) knowsTheTruth(t *testing.T, otherwise string) {
	t.Helper()
	eventually(t, func() bool { return d.picture.now() == d.fact() }, func() string { return d.difference(otherwise) })
}

func (d *desk) fact() string {
	a := d.truth()
	calls := map[gc.DialogID]gc.CallState{}
	for _, c := range a.Calls {
		if c.Dialog != d.secret {
			calls[c.Dialog] = c.State
		}
	}
	return sketch(a.State, calls)
}

func (d *desk) difference(what string) string {
	return fmt.Sprintf("agent %s %s: the driver knows %q, Finesse %q", d.agent, what, d.picture.now(), d.fact())
}
