package broker

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func TestARefusalIsOfTheMessageUnlessARightIsMissing(t *testing.T) {
	header := &ServerError{Message: "The maximum header length was exceeded"}
	rights := &ServerError{Message: "User x is not authorized to write to: topic://desk"}
	cases := []struct {
		rule   string
		to     gc.Destination
		why    []error
		closed bool
	}{
		{"one message", "/topic/desk", []error{header}, false},
		{"two in a row", "/topic/desk", []error{header, header}, false},
		{"three in a row", "/topic/desk", []error{header, header, header}, true},
		{"no rights", "/topic/desk", []error{rights}, true},
		{"the owner of a temporary queue has gone", "/remote-temp-queue/ID:1", []error{header}, true},
		{"the owner of a temporary topic has gone", "/remote-temp-topic/ID:1", []error{header}, true},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			var r refusals
			for _, why := range c.why {
				r.note(c.to, why, time.Now())
			}
			require.Equal(t, c.closed, r.closed(c.to))
			r.over(c.to)
			require.False(t, r.closed(c.to), "until one gets through")
		})
	}
}

func TestRefusalsAreNamedOnceAndRememberedWithinBounds(t *testing.T) {
	var r refusals
	why, now := &ServerError{}, time.Now()
	require.True(t, r.note("/topic/0", why, now))
	require.False(t, r.note("/topic/0", why, now))
	named := 1
	for i := range 10 * maxRefusals {
		if r.note(gc.Destination(fmt.Sprint("/queue/", i)), why, now) {
			named++
		}
	}
	require.Equal(t, maxNamed, named)
	require.LessOrEqual(t, len(r.strikes), maxRefusals)
	require.True(t, r.note("/queue/later", why, now.Add(namedTime)))
}
