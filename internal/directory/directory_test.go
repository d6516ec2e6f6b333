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
		require.Nil(t, leader(d, "nobody"))
		require.NotNil(t, leader(d, "ann"))
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

func leader(d *Directory, id gc.AgentID) *Agent {
	a, _ := d.Leader(id, "")
	return a
}

// Of several supervisors of a team each hears of it, and the one who is named is told
// from the others.
func TestSupervisorsOfTheSameTeam(t *testing.T) {
	d := New(4)
	a, b, c := begin(d, "a"), begin(d, "b"), begin(d, "c")
	for at, who := range map[gc.Destination]*Agent{"/topic/a": a, "/topic/b": b} {
		d.Settle(who, at, "", time.Now())
	}
	d.Settle(c, "/topic/b", "", time.Now())
	for _, who := range []*Agent{a, b, c} {
		d.Lead(who, []gc.AgentID{"ann", "bob"})
	}
	d.Lead(a, []gc.AgentID{"bob", "ann", "eve"}) // who asks again keeps the place
	require.Equal(t, []gc.Destination{"/topic/a", "/topic/b"}, d.Followers("ann"))
	require.Empty(t, d.Followers("nobody"))
	for at, want := range map[gc.Destination]*Agent{"/topic/b": b, "/topic/a": a, "/topic/c": a, "": a} {
		who, there := d.Leader("ann", at)
		require.Same(t, want, who, at)
		require.Equal(t, at == "/topic/a" || at == "/topic/b", there, at)
	}
	d.Lead(a, []gc.AgentID{"eve"})
	require.Equal(t, []gc.Destination{"/topic/b"}, d.Followers("bob"))
	require.Same(t, b, leader(d, "bob"))
}

func TestWhoLeadsWhom(t *testing.T) {
	d := New(2)
	a, b := begin(d, "a"), begin(d, "b")
	d.Lead(a, []gc.AgentID{"ann", "bob"})
	d.Lead(b, []gc.AgentID{"bob"})
	require.Same(t, a, leader(d, "ann"))
	require.Same(t, a, leader(d, "bob"), "who asked first")
	d.Lead(a, []gc.AgentID{"ann", "eve"})
	require.Same(t, b, leader(d, "bob"))
	require.Same(t, a, leader(d, "eve"))
	d.Lead(a, nil)
	d.Lead(b, nil)
	require.Nil(t, leader(d, "ann"))
	require.Empty(t, d.leaders)
}

// A session takes no commands for a while before it has ended. Who looks for one
// must not find it again and again.
func TestWhoTakesNoCommandsLeadsNobody(t *testing.T) {
	d := New(1)
	sue := begin(d, "sue")
	d.Lead(sue, []gc.AgentID{"bob"})
	d.Forget(sue)
	require.Nil(t, leader(d, "bob"))
	require.Nil(t, d.Agent("sue"))
}
