package broker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

// A command that was delivered before the broker was killed comes again,
// marked, to whoever consumes then; one that was not delivered has no mark.
func TestACommandOutlivesTheBrokerOfTheOperatorsPage(t *testing.T) {
	t.Parallel()
	p := readPage(t)
	a := servertest.StartActiveMQ(t, servertest.WithXML(p.xml("persistenceAdapter"), p.xml("destinationPolicy")))
	o := server{a.URL(), true}.options()
	o.CommandQueue = "Connector1"
	send := func(command string) {
		t.Helper()
		require.NoError(t, client(t, server{a.URL(), true}).Send(t.Context(), Outgoing{
			Destination: "/queue/Connector1", Headers: map[string]string{"type": command, "persistent": "true"},
		}))
	}
	first := run(t, create(t, o))
	send("delivered")
	before := next(t, first.got)
	require.False(t, before.Redelivered)
	first.stop()
	send("not delivered")

	a.Kill()
	require.NoError(t, a.Start())
	second := run(t, create(t, o))
	again, other := next(t, second.got), next(t, second.got)
	require.Equal(t, []any{"delivered", true, before.MessageID}, []any{again.Type, again.Redelivered, again.MessageID})
	require.Equal(t, []any{"not delivered", false}, []any{other.Type, other.Redelivered})
}
