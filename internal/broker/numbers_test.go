package broker

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNumbers(t *testing.T) {
	const name = "ID:vm-1-4:"
	for _, c := range []struct {
		rule    string
		happens []string // "came N", "next N" or "clear"; a name before N is another's
		untried []span
	}{
		{"nothing is known of what was before", []string{"came 5"}, nil},
		{"what follows at once leaves nothing", []string{"came 5", "came 6"}, nil},
		{"what is between came with no message", []string{"came 5", "came 9"}, []span{{6, 8}}},
		{"even before one that was given to somebody else", []string{"next 5", "next 9"}, []span{{6, 8}}},
		{"which may not be the latest", []string{"next 9", "next 5"}, nil},
		{"a message on its way comes late", []string{"next 5", "next 10", "came 7", "came 9"}, []span{{6, 6}, {8, 8}}},
		{"a stranger's name changes nothing", []string{"came 5", "next other:100", "came 6"}, nil},
		{"a restarted broker has another", []string{"next 5", "next other:100"}, nil},
		{"a proved message leaves nothing before it", []string{"came 5", "came 9", "clear"}, nil},
	} {
		t.Run(c.rule, func(t *testing.T) {
			n := &numbers{}
			for _, what := range c.happens {
				var verb, id string
				_, _ = fmt.Sscanf(what, "%s %s", &verb, &id)
				if _, other := splitID(id); other > 0 && id[0] <= '9' {
					id = name + id
				}
				switch verb {
				case "came":
					n.came(id)
				case "next":
					n.next(id)
				default:
					n.clear()
				}
			}
			require.Equal(t, c.untried, n.untried)
		})
	}
}

// Each number is as likely to be tried as any other, and tried once.
func TestEachNumberIsTriedOnce(t *testing.T) {
	tried := map[uint64]int{}
	for range 4000 {
		n := &numbers{}
		for _, number := range []uint64{1, 3, 13, 14} { // untried: 2, and 4 to 12
			n.came(fmt.Sprint("ID:", number))
		}
		require.EqualValues(t, 10, n.count)
		require.Equal(t, []uint64{2, 4, 5}, lowest(n.untried, 3))
		require.Empty(t, n.after(), "a message came since")
		for _, number := range random(n.untried, 4) {
			tried[number]++
		}
	}
	require.Len(t, tried, 10)
	for number, times := range tried {
		require.Greater(t, times, 1200, "%d", number) // of 16,000
	}
	n := &numbers{}
	last := uint64(1)
	for range 3 * maxSpans {
		n.came(fmt.Sprint("ID:", last))
		last += 2 + rand.Uint64N(9)
	}
	require.Len(t, n.untried, maxSpans)
	var count uint64
	for n.count > 0 {
		before := n.count
		for _, number := range random(n.untried, 100) {
			n.remove(number)
		}
		count += before - n.count
	}
	require.Empty(t, n.untried)
	require.Greater(t, count, uint64(maxSpans))
	require.Greater(t, n.left(), uint64(maxSpans), "forgotten numbers may hold a place")
}

// Places may be held before the last message, even if messages came between all of
// them: in a silence any number may be the one.
func TestHeldPlacesBetweenMessagesAreTried(t *testing.T) {
	o := Options{}.withDefaults()
	p := &places{options: &o, conn: &conn{}}
	for i := range Prefetch {
		p.came(fmt.Sprint("ID:", 1+2*i)) // the even numbers came with no message
	}
	require.EqualValues(t, Prefetch-1, p.left())
	require.True(t, p.worth(false, tryPause, 0), "even while messages come")
	for _, search := range []bool{false, true} {
		first, others := p.candidates(true, search)
		require.Equal(t, lowest(p.numbers.untried, len(first)), first)
		require.NotEmpty(t, others)
		for _, number := range others {
			require.NotContains(t, first, number, "none is tried twice")
		}
	}
	p.numbers.next(fmt.Sprint("ID:", 3*Prefetch))
	first, _ := p.candidates(true, false)
	require.Len(t, first, 2*tryLowest)
	require.EqualValues(t, 2*Prefetch, first[tryLowest], "and those after the last message")
}
