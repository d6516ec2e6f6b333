package agent_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/agent"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// A list of more members than are kept costs about as much as one of those that are.
func TestWhoDoesNotFitIntoATeamIsLeftOutOnce(t *testing.T) {
	a := agent.New("2001", func(finesse.User) bool { return false })
	var users []gc.TeamUser
	for i := range 20_000 {
		users = append(users, gc.TeamUser{LoginID: gc.AgentID(strconv.Itoa(100_000 + i)), State: gc.Ready})
	}
	leftOut := func(changes []agent.Change) (n int) {
		for _, c := range changes {
			if c.LeftOut != "" {
				n++
			}
		}
		return n
	}
	require.Equal(t, 1, leftOut(a.TeamRead(a.AskTeam("1", gc.TeamEventsOn), users)))
	kept := len(a.Led())
	require.Less(t, kept, len(users))
	require.Equal(t, 1, leftOut(a.CompareTeam(a.AskTeamAgain("1"), users)))
	require.Len(t, a.Led(), kept)
}
