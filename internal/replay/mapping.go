package replay

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// mapping links values of the capture to those of now. The ids of calls are
// mapped one to one. So is the time at which a call began; times of states must
// be in the order of the states.
type mapping struct {
	there, back map[string]string // calls
	began       map[string]string // by call and captured time
	states      map[gc.AgentID]moment
}

// moment is the same time then and now, as an event has it.
type moment struct{ then, now string }

func newMapping() *mapping {
	return &mapping{there: map[string]string{}, back: map[string]string{}, began: map[string]string{}, states: map[gc.AgentID]moment{}}
}

// pairing is an id or a time in an event, as captured and as it is now.
type pairing struct {
	then, now string
	call      string // of a time: whose; "" for the id of a call
	time      bool
}

// compare reports whether a text is the captured one except for ids and times;
// all is then what must be mapped.
func (a *awaited) compare(text string, calls map[string]bool) (all []pairing, alike bool) {
	if a.parts == nil {
		a.parts = partsOf(a.Text(), calls)
	}
	for i := range a.parts {
		p := &a.parts[i]
		var ok bool
		if text, ok = strings.CutPrefix(text, p.before); !ok {
			return nil, false
		}
		if p.then == "" {
			break // the last
		}
		place := token.FindStringIndex(text[:min(len(text), maxToken)])
		if place == nil || place[0] != 0 || isTime.MatchString(text[:place[1]]) != p.time {
			return nil, false
		}
		found := p.pairing
		found.now, text = text[:place[1]], text[place[1]:]
		all = append(all, found)
	}
	return all, text == ""
}

// maxToken is longer than any id and any time.
const maxToken = 256

// part is a piece of a text that stays, and the id or time after it: none after
// the last.
type part struct {
	before string
	pairing
}

// partsOf splits a text at ids and times.
func partsOf(body string, calls map[string]bool) (all []part) {
	at, call := 0, ""
	for _, span := range token.FindAllStringIndex(body, -1) {
		t := body[span[0]:span[1]]
		p := pairing{then: t, time: isTime.MatchString(t)}
		switch {
		case !p.time && !calls[t]:
			continue
		case p.time:
			p.call = call
		default:
			call = t
		}
		all = append(all, part{body[at:span[0]], p})
		at = span[1]
	}
	return append(all, part{before: body[at:]})
}

// conflict returns which pairing is not as it was before; "" for none.
func (m *mapping) conflict(a *awaited, all []pairing) string {
	for _, p := range all {
		switch before, known := m.began[p.call+" "+p.then]; {
		case p.time && p.call != "" && known && before != p.now:
			return fmt.Sprintf("the call %s began at %s, which was %s here before and is %s now", p.call, p.then, before, p.now)
		case p.time && p.call == "" && a.Event == "State":
			if last, ok := m.states[a.Agent]; ok && (last.then <= p.then && last.now > p.now || last.then >= p.then && last.now < p.now && last.then != p.then) {
				return fmt.Sprintf("the state of %s has the time %s, and that of %s had %s", p.then, p.now, last.then, last.now)
			}
		case p.time:
		case m.there[p.then] != "" && m.there[p.then] != p.now:
			return fmt.Sprintf("the call %s was %s here before and is %s now", p.then, m.there[p.then], p.now)
		case m.back[p.now] != "" && m.back[p.now] != p.then:
			return fmt.Sprintf("%s is here the call that was %s, and comes for %s now", p.now, m.back[p.now], p.then)
		}
	}
	return within(all)
}

// within finds a contradiction inside one event.
func within(all []pairing) string {
	for i, p := range all {
		j := slices.IndexFunc(all[:i], func(o pairing) bool { return !p.time && !o.time && (o.then == p.then) != (o.now == p.now) })
		if j >= 0 {
			return fmt.Sprintf("the calls %s and %s are %s and %s now", all[j].then, p.then, all[j].now, p.now)
		}
	}
	return ""
}

func (m *mapping) learn(a *awaited, all []pairing) {
	for _, p := range all {
		switch {
		case !p.time:
			m.there[p.then], m.back[p.now] = p.now, p.then
		case p.call != "":
			m.began[p.call+" "+p.then] = p.now
		case a.Event == "State":
			m.states[a.Agent] = moment{p.then, p.now}
		}
	}
}

// knows reports whether all calls have a counterpart.
func (m *mapping) knows(calls []string) bool {
	return !slices.ContainsFunc(calls, func(c string) bool { return m.there[c] == "" })
}

// now returns a captured text with the ids of now, as far as they are known.
func (m *mapping) now(text string) string {
	return token.ReplaceAllStringFunc(text, func(t string) string { return cmp.Or(m.there[t], t) })
}
