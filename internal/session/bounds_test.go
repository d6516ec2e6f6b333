package session_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// A notification service that tells of calls without end, or of calls without end
// of their text, costs no more than what is kept of an agent. What there is in truth
// is read.
func TestMoreCallsThanAnybodyHas(t *testing.T) {
	const maxCalls, maxText, part = 100, 1 << 20, 200
	long := func(d finesse.Dialog, text int) finesse.Dialog {
		d.Variables = []gc.CallVariable{{Name: "v", Value: strings.Repeat("x", text)}}
		return d
	}
	parts := func(d finesse.Dialog, n int) finesse.Dialog {
		d.Participants = append(d.Participants, make([]finesse.Participant, n)...)
		return d
	}
	typed := func(d finesse.Dialog, text int) finesse.Dialog {
		d.CallType = strings.Repeat("x", text)
		return d
	}
	for rule, c := range map[string]struct {
		calls int                                      // notified
		grow  func(finesse.Dialog, int) finesse.Dialog // and how large each is
		by    int
		most  int // that are told
	}{
		"many calls":                  {10 * maxCalls, long, 10, maxCalls},
		"long calls":                  {maxCalls / 2, long, maxText / 10, 9},
		"one call":                    {1, long, 2 * maxText, 0},
		"calls of many empty parties": {maxCalls / 2, parts, maxText / part / 10, 9},
		"a long word that is no text": {maxCalls / 2, typed, maxText / 10, 9},
	} {
		scene(t, rule, func(st *stage) {
			st.signIn()
			st.hold = make(chan struct{})
			st.dialogs = []finesse.Dialog{leg("7", "4085551234", gc.Active)}
			for i := range c.calls {
				st.dialog(finesse.Post, c.grow(leg(gc.DialogID(strconv.Itoa(1000+i)), "4085551234", gc.Active), c.by))
			}
			require.Len(st, st.heard, c.most)
			st.heard = nil
			close(st.hold)
			st.wait(time.Second)
			require.Contains(st, st.heard, "crm: 1001#InboundCall#ACTIVE#DialogID:7#4085551234#…##Ann Smith")
			require.Len(st, st.heard, c.most+1, "the others end")
			st.heard = nil
			st.dialog(finesse.Post, leg("8", "4085551234", gc.Active))
			st.hears("crm: 1001#InboundCall#ACTIVE#DialogID:8#4085551234#…##Ann Smith")
		})
	}
	scene(t, "calls that are over make room", func(st *stage) {
		st.signIn()
		for i := range 3 * maxCalls {
			id := gc.DialogID(strconv.Itoa(1000 + i))
			st.dialog(finesse.Post, leg(id, "4085551234", gc.Active))
			st.dialog(finesse.Put, leg(id, "4085551234", gc.Dropped))
		}
		require.Len(st, st.heard, 6*maxCalls)
	})
	t.Run("where Finesse lists as many they are not read without end", func(t *testing.T) {
		play(t, func(st *stage) {
			st.signIn()
			for i := range 2 * maxCalls {
				d := leg(gc.DialogID(strconv.Itoa(1000+i)), "4085551234", gc.Active)
				st.dialogs = append(st.dialogs, d)
				st.dialog(finesse.Post, d)
			}
			require.LessOrEqual(t, st.reads, 3)
			require.Len(t, st.heard, maxCalls)
		})
		play(t, func(st *stage) {
			st.signIn()
			for i := range 11 {
				st.dialogs = append(st.dialogs, long(leg(gc.DialogID(strconv.Itoa(1000+i)), "4085551234", gc.Active), maxText/10))
			}
			for range 20 {
				for _, d := range st.dialogs {
					st.dialog(finesse.Put, d)
				}
			}
			require.LessOrEqual(t, st.reads, 3)
		})
	})
}

// Nor does one that tells of members of a team without end.
func TestMoreMembersThanAnybodyHas(t *testing.T) {
	const maxMembers = 2000
	play(t, func(st *stage) {
		st.lead()
		st.send("getteamusers#1001", "1,true")
		st.hears(listing)
		for i := range maxMembers + 100 {
			st.notify(finesse.Update{Event: finesse.Put, Team: "1", User: &finesse.User{LoginID: gc.AgentID(fmt.Sprint("x", i)), State: gc.Ready}})
		}
		require.Len(t, st.leads, maxMembers)
		st.notify(finesse.Update{Event: finesse.Put, Team: "1", User: &finesse.User{LoginID: "1005", FirstName: strings.Repeat("x", 1<<20), State: gc.Ready}})
		st.heard = nil
		st.memberIs(gc.NotReady)
		st.hears("crm: 1001#TeamMemberStateChanged#1#NOT_READY#1005")
	})
}
