package bridge_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/finesse-connector/finesse-connector/internal/bridge"
	"github.com/finesse-connector/finesse-connector/internal/broker"
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

// Commands that sessions take are no other: anybody can give them.
func TestNobodyFillsTheLogWithCommands(t *testing.T) {
	for rule, c := range map[string]struct {
		first, command string
		body           string
		most           int
	}{
		"that fail":                         {"Connect#1001", "ReleaseCall#1001", "1,1", 101},
		"of agents whom nobody connected":   {"", "GetState#7001", "", 202}, // answers that go nowhere are another line
		"of agents who work, that are done": {"Connect#1001", "GetState#1001", "", 2000},
	} {
		t.Run(rule, func(t *testing.T) {
			play(t, 0, func(st *stage) {
				st.intercept = func(m broker.Message) bool {
					if m.Confirmed != nil {
						m.Confirmed()
					}
					return true
				}
				st.acks = make(chan string, 5000)
				if c.first != "" {
					st.send(&broker.Delivery{Type: c.first, Body: "crm,secret", Text: true})
				} else {
					st.send(&broker.Delivery{Type: "Connect#7001", Body: "nowhere,wrong", Text: true})
				}
				before := st.logs.Filter(func(e observer.LoggedEntry) bool { return e.Level >= zap.InfoLevel }).Len()
				for range 3000 {
					st.send(&broker.Delivery{Type: c.command, Body: c.body, Text: true})
				}
				require.LessOrEqual(t, st.logs.Filter(func(e observer.LoggedEntry) bool { return e.Level >= zap.InfoLevel }).Len()-before, c.most)
				require.Positive(t, st.count("log_lines_left_out_total"))
			})
		})
	}
}
