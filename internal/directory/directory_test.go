package directory

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// begin begins the session of an agent; nil when there is no room.
func begin(d *Directory, id gc.AgentID) *Agent {
	return d.Begin(id, func(a *Agent) { a.Session = session.New(session.Options{Agent: id}) })
}

// What anybody's command makes the connector look for costs the same however many
// sessions there are. To look through all of them would take minutes here.
func TestACommandCostsTheSameWithManySessions(t *testing.T) {
	const sessions, commands = 10_000, 200_000
	d := New(sessions)
	for i := range sessions {
		a := begin(d, gc.AgentID(strconv.Itoa(i)))
		d.Count(a, 1)
		d.Lead(a, []gc.AgentID{a.Agent, "ann"})
	}
	start := time.Now()
	for range commands {
		require.Nil(t, begin(d, "one more"), "each has something to do")
		require.Nil(t, d.Leader("nobody"))
		require.NotNil(t, d.Leader("ann"))
	}
	require.Less(t, time.Since(start), 5*time.Second)
}

func TestWhoRestsLongestMakesRoom(t *testing.T) {
	d := New(3)
	var all []*Agent
	for _, id := range []gc.AgentID{"a", "b", "c"} {
		a := begin(d, id)
		require.Same(t, a, begin(d, id), "it has one already")
		d.Count(a, 2)
		all = append(all, a)
	}
	a, b, c := all[0], all[1], all[2]
	require.Nil(t, begin(d, "d"), "each has something to do")
	d.Count(b, -1)
	require.Nil(t, begin(d, "d"))
	d.Count(c, -2)
	d.Count(b, -1)
	require.NotNil(t, begin(d, "d"))
	require.Nil(t, d.Agent("c"))
	d.Count(d.Agent("d"), 1)
	require.NotNil(t, begin(d, "e"))
	require.Nil(t, d.Agent("b"))
	d.Count(c, -1) // which is none of them any more
	d.Forget(a)
	d.Forget(d.Agent("e"))
	require.Equal(t, Counts{Agents: 1, Strangers: 1}, d.Counts())
	require.Zero(t, d.resting.Len())
}

func TestWhoHasProvedAPasswordStays(t *testing.T) {
	d := New(1)
	a := begin(d, "ann")
	d.Settle(a, "/topic/desk", "", noon)
	require.NotNil(t, begin(d, "eve"))
	require.NotNil(t, begin(d, "eva"))
	require.Equal(t, Counts{Agents: 2, Strangers: 1, Destinations: 1}, d.Counts())
	require.Same(t, a, d.Agent("ann"))
	d.Settle(a, "/topic/crm", "", noon)
	require.False(t, d.Works("/topic/desk"))
	require.True(t, d.Works("/topic/crm"))
	d.Leave(a, noon)
	require.False(t, d.Works("/topic/crm"))
	require.Nil(t, d.Agent("ann"))
}

func TestWhoLeadsWhom(t *testing.T) {
	d := New(2)
	a, b := begin(d, "a"), begin(d, "b")
	d.Lead(a, []gc.AgentID{"ann", "bob"})
	d.Lead(b, []gc.AgentID{"bob"})
	require.Same(t, a, d.Leader("ann"))
	require.Same(t, a, d.Leader("bob"), "who asked first")
	d.Lead(a, []gc.AgentID{"ann", "eve"})
	require.Same(t, b, d.Leader("bob"))
	require.Same(t, a, d.Leader("eve"))
	d.Lead(a, nil)
	d.Lead(b, nil)
	require.Nil(t, d.Leader("ann"))
	require.Empty(t, d.leaders)
}

// A session takes no commands for a while before it has ended. Who looks for one
// must not find it again and again.
func TestWhoTakesNoCommandsLeadsNobody(t *testing.T) {
	d := New(1)
	sue := begin(d, "sue")
	d.Lead(sue, []gc.AgentID{"bob"})
	d.Forget(sue)
	require.Nil(t, d.Leader("bob"))
	require.Nil(t, d.Agent("sue"))
}
