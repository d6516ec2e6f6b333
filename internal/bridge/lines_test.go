package bridge_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/bridge"
)

// Of what a client can send without end some lines are told, then one that
// there are more, until it has become quiet.
func TestWhatIsRefusedIsSaidInEpisodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l bridge.Lines
		rooms, firsts := 0, 0
		flood := func(lines int) {
			for range lines {
				room, first := l.Take(time.Now())
				if room {
					rooms++
				}
				if first {
					firsts++
				}
			}
		}
		flood(1000)
		require.Equal(t, []int{100, 1}, []int{rooms, firsts})
		<-time.After(10 * time.Second)
		flood(1000)
		require.Equal(t, []int{200, 1}, []int{rooms, firsts}, "it goes on")
		<-time.After(10 * time.Second)
		flood(100)
		<-time.After(10 * time.Second)
		flood(1000)
		require.Equal(t, []int{400, 2}, []int{rooms, firsts}, "there was room for all in between")
		<-time.After(time.Hour)
		flood(101)
		require.Equal(t, []int{500, 3}, []int{rooms, firsts})
	})
}
