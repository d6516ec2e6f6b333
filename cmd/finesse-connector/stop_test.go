package main

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// stopTime is what a stop may take (README).
const stopTime = 15 * time.Second

// SIGTERM while hundreds of commands are under way, some of them waiting for a
// Finesse that answers far too late: each is answered, once, and the process
// exits with 0 in time.
func TestSIGTERMUnderLoad(t *testing.T) {
	t.Parallel()
	const agents, each, stuck = 25, 30, 20
	l := newLab(t)
	p := launch(t, "", nil, "serve", "--config", l.config)
	p.await(p.err, `"msg":"started"`)
	d := newDesk(t, l)
	agent := func(i int) string { return strconv.Itoa(1001 + i) }
	for i := range agents {
		require.NotEmpty(t, d.connect(gc.AgentID(agent(i))))
	}
	for i := range stuck {
		require.NoError(t, l.finesse.Inject(simulator.Fault{Kind: simulator.SlowREST, Agent: gc.AgentID(agent(i)), Count: 100, Delay: time.Minute}))
	}
	for i := range agents - stuck {
		require.NoError(t, l.finesse.Inject(simulator.Fault{Kind: simulator.SlowREST, Agent: gc.AgentID(agent(stuck + i)), Count: each, Delay: 100 * time.Millisecond}))
	}
	taken := p.metric("commands_received_total")
	for n := range each {
		for i := range agents {
			d.sendWithID("GetState#"+agent(i), "", agent(i)+"-"+strconv.Itoa(n))
		}
	}
	require.Eventually(t, func() bool { return p.metric("commands_received_total") == taken+agents*each }, patience, 10*time.Millisecond)
	begin := time.Now()
	p.signal(syscall.SIGTERM)
	require.Equal(t, exitDone, p.wait(), p.err.String())
	took := time.Since(begin)
	require.Less(t, took, stopTime+2*time.Second, "and a bit for a busy machine")
	answers, refused := map[string]int{}, 0
	for range agents * each {
		m := d.nextEvent()
		answers[m.CorrelationID]++
		if !strings.Contains(m.Body, "#State#LOGOUT") {
			require.Contains(t, m.Body, "#Error#")
			refused++
		}
	}
	require.Len(t, answers, agents*each, "every command is answered")
	require.Empty(t, d.got, "and once")
	require.GreaterOrEqual(t, refused, stuck*each)
	t.Logf("stopped within %s, %d of %d commands refused", took.Round(time.Millisecond), refused, agents*each)
	require.NotContains(t, p.err.String(), "the broker did not confirm")
}
