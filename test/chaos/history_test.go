package chaos

import (
	"encoding/xml"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// history is what really happened at Finesse: the states of each agent and of
// the agent's part in each call, in order and with the time. It is told by the
// simulator itself (simulator.Options.Observer), so that no fault can touch it.
type history struct {
	mu         sync.Mutex
	of         map[subject][]moment
	extensions map[gc.AgentID]gc.Extension // of those who were ever signed in
}

// subject is what has one state after the other: an agent's part in a call or,
// without a call, the agent.
type subject struct {
	agent  gc.AgentID
	dialog gc.DialogID
}

// moment is when a state came about, or was told.
type moment struct {
	state string
	at    time.Time
}

func newHistory() *history {
	return &history{of: map[subject][]moment{}, extensions: map[gc.AgentID]gc.Extension{}}
}

// update is what is needed of the documents of users and calls.
type update struct {
	Event string `xml:"event"`
	User  *struct {
		State     string       `xml:"state"`
		Extension gc.Extension `xml:"extension"`
	} `xml:"data>user"`
	Listed  []dialog `xml:"data>dialogs>Dialog"`
	Changed []dialog `xml:"data>dialog"`
}

type dialog struct {
	ID           gc.DialogID `xml:"id"`
	Participants []struct {
		Address gc.Extension `xml:"mediaAddress"`
		State   string       `xml:"state"`
	} `xml:"participants>Participant"`
}

// observe is the simulator's Observer.
func (h *history) observe(node string, document []byte) {
	rest, ofUser := strings.CutPrefix(node, "/finesse/api/User/")
	id, _, _ := strings.Cut(rest, "/")
	var u update
	if !ofUser || xml.Unmarshal(document, &u) != nil {
		return
	}
	agent := gc.AgentID(id)
	h.mu.Lock()
	defer h.mu.Unlock()
	if u.User != nil {
		h.add(subject{agent: agent}, u.User.State)
		if u.User.Extension != "" {
			h.extensions[agent] = u.User.Extension
		}
	}
	for _, d := range append(u.Listed, u.Changed...) {
		for _, p := range d.Participants {
			if p.Address == h.extensions[agent] && u.Event != "DELETE" {
				h.add(subject{agent, d.ID}, p.State)
			}
		}
		if u.Event == "DELETE" { // whatever its state says
			h.add(subject{agent, d.ID}, string(gc.Dropped))
		}
	}
}

func (h *history) add(s subject, state string) {
	if known := h.of[s]; len(known) == 0 || known[len(known)-1].state != state {
		h.of[s] = append(known, moment{state, time.Now()})
	}
}

// contradicts says how what a driver was told of a subject goes against what
// happened, "" if it does not: states may be left out and repeated, but none
// comes before it is true, none that never was, and none after a later one.
func (h *history) contradicts(s subject, told []moment) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	real := h.of[s]
	if s.dialog == "" { // nobody is signed in at the beginning
		real = append([]moment{{state: string(gc.LoggedOut)}}, real...)
	}
	i := 0
	for n, t := range told {
		for i < len(real) && real[i].state != t.state {
			i++
		}
		if i == len(real) || real[i].at.After(t.at) {
			return fmt.Sprintf("agent %s, call %q: told %s, the last of them is wrong; it was %s", s.agent, s.dialog, list(told[:n+1]), list(real))
		}
	}
	return ""
}

func list(moments []moment) string {
	var words []string
	for _, m := range moments {
		words = append(words, m.state+" "+m.at.Format("05.000"))
	}
	return strings.Join(words, ", ")
}

func TestWhatContradictsHistory(t *testing.T) {
	h, begin := newHistory(), time.Now()
	at := func(second int, state string) moment {
		return moment{state, begin.Add(time.Duration(second) * time.Second)}
	}
	call := subject{"1001", "7"}
	h.of[call] = []moment{at(1, "ALERTING"), at(2, "ACTIVE"), at(3, "HELD"), at(4, "ACTIVE"), at(5, "DROPPED")}
	for _, c := range []struct {
		rule string
		told []moment
		ok   bool
	}{
		{"all in order", h.of[call], true},
		{"nothing", nil, true},
		{"some left out", []moment{at(3, "ACTIVE"), at(6, "DROPPED")}, true},
		{"some repeated", []moment{at(3, "ACTIVE"), at(3, "ACTIVE"), at(6, "DROPPED"), at(7, "DROPPED")}, true},
		{"late, as a whole", []moment{at(9, "ACTIVE"), at(9, "HELD"), at(9, "ACTIVE")}, true},
		{"backwards", []moment{at(9, "ACTIVE"), at(9, "ALERTING")}, false},
		{"after the end", []moment{at(9, "DROPPED"), at(9, "ACTIVE")}, false},
		{"before it is true", []moment{at(2, "ACTIVE"), at(2, "HELD")}, false},
		{"backwards, though it is true again later", []moment{at(3, "HELD"), at(3, "ACTIVE")}, false},
		{"once too often", []moment{at(9, "HELD"), at(9, "ACTIVE"), at(9, "HELD")}, false},
		{"never", []moment{at(9, "FAILED")}, false},
	} {
		require.Equal(t, c.ok, h.contradicts(call, c.told) == "", c.rule)
	}
	require.NotEmpty(t, h.contradicts(subject{"1001", "8"}, []moment{at(9, "ACTIVE")}), "a call that never was")
	require.Empty(t, h.contradicts(subject{agent: "1002"}, []moment{at(9, "LOGOUT")}), "nobody is signed in at first")
}

// What is observed are the agent's own states, without repetitions, and the end.
func TestHistoryOfACall(t *testing.T) {
	h := newHistory()
	h.observe("/finesse/api/User/1001", []byte("<Update><data><user><state>READY</state><extension>3001</extension></user></data></Update>"))
	part := "<participants><Participant><mediaAddress>4085551234</mediaAddress><state>ACTIVE</state></Participant>" +
		"<Participant><mediaAddress>3001</mediaAddress><state>HELD</state></Participant></participants>"
	for range 2 {
		h.observe("/finesse/api/User/1001/Dialogs", []byte("<Update><data><dialog><id>7</id>"+part+"</dialog></data><event>PUT</event></Update>"))
	}
	h.observe("/finesse/api/User/1001/Dialogs", []byte("<Update><data><dialogs><Dialog><id>7</id>"+part+"</Dialog></dialogs></data><event>DELETE</event></Update>"))
	h.observe("/finesse/api/Team/1/Users", []byte("<Update><data><user><state>LOGOUT</state></user></data></Update>"))
	states := func(s subject) (all []string) {
		for _, m := range h.of[s] {
			all = append(all, m.state)
		}
		return all
	}
	require.Equal(t, []string{"READY"}, states(subject{agent: "1001"}))
	require.Equal(t, []string{"HELD", "DROPPED"}, states(subject{"1001", "7"}))
	require.Len(t, h.of, 2)
}
