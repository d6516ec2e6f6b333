package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// everybodyAtOnce lets every agent the simulated Finesse has take calls at the
// same time, all at one destination.
func everybodyAtOnce(t *testing.T, s brokerServer) {
	const calls = 3
	c := start(t, s)
	d := newDriver(c, "crm")
	agents := c.finesse.Agents()
	heard := map[string][]string{}
	at := map[string]chan string{}
	for _, a := range agents {
		at[string(a.ID)] = make(chan string, 1000)
	}
	var wg sync.WaitGroup
	for i, a := range agents {
		wg.Go(func() { dayOf(c, d, string(a.ID), strconv.Itoa(3001+i), calls, at[string(a.ID)]) })
	}
	lines := 0
	for _, a := range agents {
		lines += len(dayInText(string(a.ID), "", "", make([]string, calls)))
	}
	for range lines {
		body := d.next().Body
		agent, _, _ := strings.Cut(body, "#")
		heard[agent] = append(heard[agent], body)
		at[agent] <- body
	}
	wg.Wait()
	require.Empty(t, d.hears("1001"))
	for i, a := range agents {
		var dialogs []string
		for _, line := range heard[string(a.ID)] {
			if strings.Contains(line, "#NewInboundCall#") {
				dialogs = append(dialogs, dialogID.FindStringSubmatch(line)[1])
			}
		}
		want := dayInText(string(a.ID), a.Name, strconv.Itoa(3001+i), dialogs)
		require.Equal(t, strings.Join(want, "\n"), strings.Join(heard[string(a.ID)], "\n"))
	}
}

// dayOf is what the driver does for one agent; heard gives the agent's events.
func dayOf(c *connector, d *driver, agent, extension string, calls int, heard <-chan string) {
	until := func(what string) string {
		for {
			timer := time.NewTimer(patience)
			select {
			case body := <-heard:
				timer.Stop()
				if strings.HasPrefix(said(body), what) {
					return body
				}
			case <-timer.C:
				c.t.Errorf("agent %s: no %s", agent, what)
				return ""
			}
		}
	}
	send := func(command, parameters string) {
		m := broker.Outgoing{Destination: d.queue, Headers: map[string]string{"type": command + "#" + agent}, Body: parameters}
		if err := d.client.Send(c.t.Context(), m); err != nil {
			c.t.Errorf("agent %s: %v", agent, err)
		}
	}
	send("Connect", d.destination+",secret")
	send("Login", "secret,"+extension)
	until("State#NOT_READY")
	send("MakeReady", "")
	until("State#READY")
	for range calls {
		id, err := c.finesse.Call(gc.AgentID(agent), simulator.Call{From: "4085551234"})
		if err != nil {
			c.t.Errorf("agent %s: %v", agent, err)
			return
		}
		until("InboundCall#ALERTING")
		send("AnswerCall", string(id))
		until("State#TALKING")
		send("HoldCall", string(id))
		until("State#HOLD")
		send("RetrieveCall", string(id))
		until("State#TALKING")
		send("ReleaseCall", string(id))
		until("State#READY")
	}
}

// teamsOf are the ids and names of the teams that each supervisor leads.
var teamsOf = map[string][2]string{"2001": {"1", "Sales"}, "2002": {"1,2", "Sales,Support"}, "2003": {}}

// dayInText is every event of dayOf.
func dayInText(agent, name, extension string, dialogs []string) []string {
	first, last, _ := strings.Cut(name, " ")
	state := func(s string) string { return agent + "#State#" + s + "##" + name }
	variables := strings.TrimPrefix(strings.Repeat("|callVariable%d=", 10), "|")
	variables = fmt.Sprintf(variables, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	teams, supervisor := teamsOf[agent]
	lines := []string{fmt.Sprintf("%s#AgentInfo#%s#%s#%t#NOT_ALLOWED#%s", agent, first, last, supervisor, name)}
	if supervisor {
		lines = append(lines, fmt.Sprintf("%s#TeamInfoIDs#TeamID#%s#%s", agent, teams[0], name), fmt.Sprintf("%s#TeamInfoNames#TeamName#%s#%s", agent, teams[1], name))
	}
	lines = append(lines, state("NOT_READY"), state("READY"))
	for _, id := range dialogs {
		call := func(s string) string {
			return fmt.Sprintf("%s#InboundCall#%s#DialogID:%s#4085551234#ani=4085551234|%s#2026-03-05 12:00:00#%s", agent, s, id, variables, name)
		}
		lines = append(lines, state("RESERVED"),
			fmt.Sprintf("%s#NewInboundCall#4085551234#4085551234|%s#DialogID:%s", agent, variables, id),
			call("ALERTING"), call("ACTIVE"), state("TALKING"), call("HELD"), state("HOLD"), call("ACTIVE"), state("TALKING"),
			call("DROPPED"), state("READY"))
	}
	return lines
}
