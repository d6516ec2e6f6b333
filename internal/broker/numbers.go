package broker

import (
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
)

// numbers are those by which messages of ActiveMQ are acknowledged. Each message
// has the next number, whichever client it is for; so a number that came with no
// message is another client's, or belongs to a message that was not written.
type numbers struct {
	name    string // of all of them, "" while none is known
	top     uint64 // the highest that is known
	last    uint64 // of the last message; 0 before the first
	untried []span // that came with no message, in order
	count   uint64 // of the numbers in untried
	// forgotten counts others that came with no message: any of them may hold a
	// place.
	forgotten uint64
}

// span includes both its ends.
type span struct{ from, to uint64 }

// maxSpans is how many are kept; the lowest are forgotten first. There are fewer
// places, but a message may stand between any two that hold one.
const maxSpans = 2 * Prefetch

// came notes the id of a message.
func (n *numbers) came(id string) {
	name, number := splitID(id)
	n.last = number
	if name == n.name && number <= n.top { // it was on its way when a higher one was asked for
		n.remove(number)
		return
	}
	n.know(name, number)
}

// next notes an id that the broker has just given to somebody.
func (n *numbers) next(id string) {
	if name, number := splitID(id); name != n.name && n.last == 0 || name == n.name && number > n.top {
		n.know(name, number)
	}
}

func (n *numbers) know(name string, number uint64) {
	if name != n.name {
		*n = numbers{name: name, top: number, last: n.last}
		return
	}
	if number > n.top+1 {
		n.untried = append(n.untried, span{n.top + 1, number - 1})
		n.count += number - 1 - n.top
	}
	if n.top = number; len(n.untried) > maxSpans {
		first := n.untried[0].to - n.untried[0].from + 1
		n.count, n.forgotten = n.count-first, n.forgotten+first
		n.untried = n.untried[1:]
	}
}

// clear notes that no place is held so far.
func (n *numbers) clear() { n.untried, n.count, n.forgotten = nil, 0, 0 }

// left returns how many numbers came with no message and were not tried.
func (n *numbers) left() uint64 { return n.count + n.forgotten }

// remove takes a number off the untried ones.
func (n *numbers) remove(number uint64) {
	i := sort.Search(len(n.untried), func(i int) bool { return n.untried[i].to >= number })
	if i == len(n.untried) || n.untried[i].from > number {
		return
	}
	s := n.untried[i]
	var rest []span
	if s.from < number {
		rest = append(rest, span{s.from, number - 1})
	}
	if number < s.to {
		rest = append(rest, span{number + 1, s.to})
	}
	n.untried = slices.Replace(n.untried, i, i+1, rest...)
	n.count--
}

// after returns the untried numbers that were given after the last message. Where one
// message can stop the next from coming, its number is among them.
func (n *numbers) after() []span {
	i := sort.Search(len(n.untried), func(i int) bool { return n.untried[i].from > n.last })
	return n.untried[i:]
}

// lowest returns at most so many of the numbers in spans, from the lowest.
func lowest(spans []span, most int) (some []uint64) {
	for _, s := range spans {
		for number := s.from; number <= s.to && len(some) < most; number++ {
			some = append(some, number)
		}
	}
	return some
}

// random returns at most so many of the numbers in spans, each as likely as any
// other, in order. It may return one twice.
func random(spans []span, most int) (some []uint64) {
	count := sizeOf(spans)
	places := make([]uint64, min(uint64(most), count)) // counted through all spans
	for i := range places {
		places[i] = rand.Uint64N(count)
	}
	slices.Sort(places)
	before := uint64(0)
	for _, s := range spans {
		size := s.to - s.from + 1
		for ; len(places) > 0 && places[0] < before+size; places = places[1:] {
			some = append(some, s.from+places[0]-before)
		}
		before += size
	}
	return some
}

func sizeOf(spans []span) (count uint64) {
	for _, s := range spans {
		count += s.to - s.from + 1
	}
	return count
}

func (n *numbers) id(number uint64) string { return n.name + strconv.FormatUint(number, 10) }
