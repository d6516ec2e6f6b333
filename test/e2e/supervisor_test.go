package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// TestSupervisor has an agent and the supervisor of its team, each with a
// driver of its own.
func TestSupervisor(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		for _, format := range talkable {
			t.Run(string(format), func(t *testing.T) {
				t.Parallel()
				c := start(t, s, withAdministrator)
				agent, boss := newDriver(c, "desk"), newDriver(c, "boss")
				boss.beginAs("2001", "3001", string(format))
				lists(boss)
				members(boss)
				agent.beginAs("1001", "4001", string(format))
				boss.untilHas("1001", "NOT_READY")
				id := talks(c, agent, boss)
				listens(agent, boss)
				bargesIn(agent, boss, id)
				boss.released("2001", id, "NOT_READY")
				boss.send("agent_state/Logout#2001")
				boss.until("State#LOGOUT")
				require.Empty(t, agent.hears("1001"))
				golden(t, "supervisor."+string(format), boss.conversation())
				golden(t, "supervised."+string(format), agent.conversation())
			})
		}
	})
}

// withAdministrator is what getallagents needs.
func withAdministrator(c *config.Config) {
	c.Finesse.Admin = config.Admin{Username: "admin", Password: gc.NewSecret("secret")}
}

// untilHas reads up to an event that has all parts in it.
func (d *driver) untilHas(parts ...string) *broker.Delivery {
	d.t.Helper()
	for {
		m, all := d.next(), true
		for _, p := range parts {
			all = all && strings.Contains(m.Body, p)
		}
		if all {
			return m
		}
	}
}

func lists(boss *driver) {
	boss.note("# phone books, queues, who is there")
	for _, command := range []string{
		"phonebook/GetPhonebooks#2001", "phonebook/GetTeamPhonebooks#2001", "phonebook/GetTeamPhonebooks#2001 1",
		"contacts/GetPhonebookContacts#2001 2", "contacts/GetPhonebookContacts#2001 3", "contacts/GetPhonebookContacts#2001 99",
		"supervisor_queue_info/getqueuelist#2001", "agent_call/getallagents#2001",
	} {
		boss.send(command)
		boss.next()
	}
}

func members(boss *driver) {
	boss.note("# the team")
	boss.send("supervisor_team/getteamusers#2001 1")
	boss.next()
	boss.send("supervisor_team/getteamusers#2001 1,true")
	boss.next()
	boss.send("supervisor_team_member_state/getteamuserstate#2001 1001")
	boss.next()
}

// talks is a call of the agent's. The supervisor hears of each state.
func talks(c *connector, agent, boss *driver) string {
	boss.note("# a member takes a call")
	agent.send("agent_state/MakeReady#1001")
	agent.until("State#READY")
	boss.untilHas("1001", "READY")
	id := agent.answered(c)
	boss.untilHas("1001", "TALKING")
	return id
}

func listens(agent, boss *driver) {
	boss.note("# the supervisor listens; the member's driver hears nothing of it")
	boss.send("supervisor_dialog/silentmonitor#2001 4001")
	monitor := boss.untilCall(gc.Active)
	boss.until("State#TALKING")
	boss.send("supervisor_dialog/endsilentmonitor#2001 " + monitor)
	boss.untilCall(gc.Dropped)
	boss.until("State#NOT_READY")
	require.Empty(agent.t, agent.hears("1001"))
}

func bargesIn(agent, boss *driver, id string) {
	boss.note("# the supervisor breaks into the call")
	agent.note("# the supervisor breaks into the call")
	boss.send("supervisor_dialog/silentmonitor#2001 4001")
	monitor := boss.untilCall(gc.Active)
	boss.until("State#TALKING")
	boss.send("agent_call/bargein#2001 1001," + monitor)
	for boss.untilCall(gc.Active) != id { // Finesse gets there by a call of its own
		continue
	}
	agent.until("ConsultCall#DROPPED")
	boss.note("# and takes the member out of it")
	boss.send("supervisor_dialog/dropparticipant#2001 4001," + id)
	boss.until("ConferenceParticipants#")
	agent.until("State#READY")
	boss.untilHas("1001", "READY")
}

// noTeams is a supervisor who leads none, which drivers do not expect.
func noTeams(_ *connector, d *driver, format string) {
	d.beginAs("2003", "3003", format)
	d.send("supervisor_team/getteamusers#2003 1")
	d.until("Error#")
	d.send("supervisor_team/getteamusers#2003 1,true")
	d.until("Error#")
	d.send("agent_state/MakeReady#1001", "reply-to", "/topic/"+d.destination)
	d.until("State#RE_LOGIN")
	d.send("phonebook/GetTeamPhonebooks#2003")
	d.next()
	d.send("supervisor_queue_info/getqueuelist#2003")
	d.next()
}
