package gc_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func TestNoWayOfPrintingShowsASecret(t *testing.T) {
	type account struct {
		Name   string
		Public gc.Secret
		hidden gc.Secret
	}
	a := account{"1001", gc.NewSecret("hunter2"), gc.NewSecret("hunter2")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		require.NotContains(t, fmt.Sprintf(verb, a), "hunter2", verb)
		require.NotContains(t, fmt.Sprintf(verb, &a), "hunter2", verb)
		require.NotContains(t, fmt.Sprintf(verb, a.hidden), "68756e74657232", verb)
	}
	b, err := json.Marshal(a)
	require.NoError(t, err)
	require.NotContains(t, string(b), "hunter2")
	require.Equal(t, "hunter2", a.Public.Reveal())
}

func TestSecretsCompareByValue(t *testing.T) {
	require.True(t, gc.NewSecret("a").Equal(gc.NewSecret("a")))
	require.False(t, gc.NewSecret("a").Equal(gc.NewSecret("b")))
	require.True(t, gc.Secret{}.Equal(gc.NewSecret("")))
}

func TestTheDriverLearnsTheCodeAndTheOperatorTheCause(t *testing.T) {
	err := fmt.Errorf("agent 1001: %w", gc.Errorf(gc.Down, "finesse.MakeCall", "dial tcp: refused"))
	require.Equal(t, gc.Down, gc.CodeOf(err))
	require.Equal(t, "agent 1001: finesse.MakeCall: DOWN: dial tcp: refused", err.Error())
	require.Equal(t, gc.GeneralError, gc.CodeOf(fmt.Errorf("unknown")))
}

func TestTheTableOfCommandsIsConsistent(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range gc.Commands {
		require.False(t, seen[string(c.Name)], "%s twice", c.Name)
		seen[string(c.Name)] = true
		require.NotEmpty(t, c.Category, c.Name)
		require.Equal(t, c.Name, gc.FindCommand(string(c.Name)).Name)
	}
	require.Nil(t, gc.FindCommand("MakeTea"))
}
