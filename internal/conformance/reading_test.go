package conformance

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAttributesAreReadInTheirOrder(t *testing.T) {
	for _, c := range []struct {
		rule, body string
		want       []string
	}{
		{"the keys of an object", `{"type":"System","status":"IN_SERVICE"}`, []string{"type", "status"}},
		{"those of an object inside", `{"team":{"id":"7","name":"Demo"},"agentId":"1"}`, []string{"team", "team.id", "team.name", "agentId"}},
		{"those of elements, once", `{"parties":[{"a":1,"b":2},{"a":3,"b":4}]}`, []string{"parties", "parties[].a", "parties[].b"}},
		{"not those of pairs", `{"callVariables":[{"callVariable1":""},{"ani":"4012"}]}`, []string{"callVariables"}},
		{"an array may be the whole", `[{"type":"Agents","users":[]}]`, []string{"[].type", "[].users"}},
		{"null and plain values have none", `{"a":null,"b":[1,2],"c":true}`, []string{"a", "b", "c"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := attributes(c.body)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
	for _, broken := range []string{"", "1001#State", `{"a":`, `[{"a":1,"b":`} {
		_, err := attributes(broken)
		require.Error(t, err, broken)
	}
}

func TestAConversationShowsACommand(t *testing.T) {
	for line, want := range map[string]bool{
		"> agent_call/MakeCall#1001 4085551234": true,
		"> MakeCall#1001 a/b":                   true,
		"> agent_call/makecall#1001 4085551234": false, // not as the protocol document writes it
		"> agent_call/MakeCallNow#1001":         false,
		"> GetState#1001 /MakeCall#":            false,
		"# MakeCall#1001":                       false,
		"agent_call\tMakeCall#1001":             false,
	} {
		require.Equal(t, want, sends("MakeCall", line), line)
	}
}
