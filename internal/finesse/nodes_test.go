package finesse

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func TestWhichNodeServes(t *testing.T) {
	usable, silent := Condition{Usable: true}, Condition{Silent: true}
	away := gc.Errorf(gc.UnableToSubscribe, "test", "away")
	for rule, c := range map[string]struct {
		first, second Condition
		failed        []error // subscriptions at the first
		pass          time.Duration
		want          int
		status        gc.SystemStatus
	}{
		"the first that is usable":                  {usable, usable, nil, 0, 0, gc.InService},
		"the other where the first is not":          {silent, usable, nil, 0, 1, gc.InService},
		"the first where none is":                   {Condition{}, silent, nil, 0, 0, gc.OutOfService},
		"and where none answers":                    {silent, silent, nil, 0, 0, gc.FinesseNotHeard},
		"the other while notifications fail":        {usable, usable, []error{away}, 0, 1, gc.InService},
		"which is for a minute":                     {usable, usable, []error{away}, time.Minute, 0, gc.InService},
		"or until an agent gets its stream":         {usable, usable, []error{away, nil}, 0, 0, gc.InService},
		"a wrong password says nothing of the node": {usable, usable, []error{gc.Errorf(gc.SubscriptionFailed, "test", "wrong")}, 0, 0, gc.InService},
		"better without notifications than silent":  {usable, silent, []error{away}, 0, 0, gc.InService},
	} {
		t.Run(rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ns := NewNodes(2)
				ns.Found(Finding{0, c.first}, Finding{1, c.second})
				for _, err := range c.failed {
					require.Equal(t, errors.Is(err, away), ns.Subscribed(t.Context(), 0, err))
				}
				time.Sleep(c.pass)
				require.Equal(t, c.want, ns.Serving())
				require.Equal(t, c.status, ns.Status())
			})
		})
	}
}

func TestAnAttemptCutShortSaysNothingOfTheNode(t *testing.T) {
	ns := NewNodes(2)
	ns.Found(Finding{0, Condition{Usable: true}}, Finding{1, Condition{Usable: true}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.False(t, ns.Subscribed(ctx, 0, ctx.Err()))
	require.Zero(t, ns.Serving())
}

// Who waits for a change hears of it when a node becomes usable or the contrary, and
// not when it only falls silent.
func TestAChangeIsHeard(t *testing.T) {
	ns := NewNodes(2)
	heard := func(f ...Finding) bool {
		_, changed := ns.Condition(1)
		ns.Found(f...)
		select {
		case <-changed:
			return true
		default:
			return false
		}
	}
	require.True(t, heard(Finding{0, Condition{Usable: true}}))
	require.False(t, heard(Finding{0, Condition{Usable: true}}))
	require.False(t, heard(Finding{1, Condition{Silent: true}}))
	require.True(t, heard(Finding{0, Condition{}}, Finding{1, Condition{Usable: true}}))
}
