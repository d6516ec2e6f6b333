package bridge

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// What anybody's command makes the bridge look for costs the same however many
// sessions there are. To look through all of them would take minutes here.
func TestACommandCostsTheSameWithManySessions(t *testing.T) {
	const sessions, commands = 10_000, 200_000
	ss, ls := newStrangers(sessions, nil), newLeaders()
	for i := range sessions {
		s := session.New(session.Options{})
		ss.add(s)
		ss.count(s, 1)
		ls.lead(s, []gc.AgentID{gc.AgentID(strconv.Itoa(i)), "ann"})
	}
	begin := time.Now()
	for range commands {
		require.False(t, ss.makeRoom(), "each has something to do")
		require.Nil(t, ls.leader("nobody"))
		require.NotNil(t, ls.leader("ann"))
	}
	require.Less(t, time.Since(begin), 5*time.Second)
}

func TestWhoRestsLongestMakesRoom(t *testing.T) {
	ss := newStrangers(3, func(*session.Session) {})
	a, b, c, d := session.New(session.Options{}), session.New(session.Options{}), session.New(session.Options{}), session.New(session.Options{})
	for _, s := range []*session.Session{a, b, c} {
		require.True(t, ss.makeRoom())
		ss.add(s)
		ss.count(s, 2)
	}
	require.False(t, ss.makeRoom(), "each has something to do")
	ss.count(b, -1)
	require.False(t, ss.makeRoom())
	ss.count(c, -2)
	ss.count(b, -1)
	require.True(t, ss.makeRoom())
	require.NotContains(t, ss.all, c)
	ss.add(d)
	ss.count(d, 1)
	require.True(t, ss.makeRoom())
	require.NotContains(t, ss.all, b)
	ss.count(c, -1) // which is none of them any more
	ss.remove(a)
	require.Len(t, ss.all, 1)
	require.Zero(t, ss.resting.Len())
}

// What is not done is never forgotten, or it would run twice.
func TestALedgerOfCommandsThatAreNotDoneTakesNoMore(t *testing.T) {
	l := newLedger(2)
	enter := func(identity uint64) (func(), error) {
		acknowledge, again, err := l.enter(&broker.Delivery{Identity: identity, Connection: 1}, func(gone func()) {})
		require.False(t, again)
		return acknowledge, err
	}
	settle, err := enter(1)
	require.NoError(t, err)
	_, err = enter(2)
	require.NoError(t, err)
	_, err = enter(3)
	require.Equal(t, gc.PleaseRetry, gc.CodeOf(err))
	settle()
	_, err = enter(4)
	require.NoError(t, err)
}

func TestWhoLeadsWhom(t *testing.T) {
	ls := newLeaders()
	a, b := session.New(session.Options{}), session.New(session.Options{})
	ls.lead(a, []gc.AgentID{"ann", "bob"})
	ls.lead(b, []gc.AgentID{"bob"})
	require.Same(t, a, ls.leader("ann"))
	require.Same(t, a, ls.leader("bob"), "who asked first")
	ls.lead(a, []gc.AgentID{"ann", "eve"})
	require.Same(t, b, ls.leader("bob"))
	require.Same(t, a, ls.leader("eve"))
	ls.lead(a, nil)
	ls.lead(b, nil)
	require.Nil(t, ls.leader("ann"))
	require.Empty(t, ls.of)
	require.Empty(t, ls.members)
}

// A session takes no commands for a while before it has ended. Who looks for one
// must not find it again and again.
func TestWhoTakesNoCommandsLeadsNobody(t *testing.T) {
	b := &Bridge{leaders: newLeaders(), sessions: map[gc.AgentID]*session.Session{}, strangers: newStrangers(1, nil)}
	s := session.New(session.Options{Agent: "sue"})
	b.sessions["sue"] = s
	b.leaders.lead(s, []gc.AgentID{"bob"})
	b.forget(s)
	require.Nil(t, b.leaders.leader("bob"))
	require.Nil(t, b.session("sue"))
}
