package e2e

import (
	"strings"
	"testing"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

// TestOneCallOverJMS compares what a driver over OpenWire
// (test/java/Driver.java) hears with what one over STOMP does: the same bytes.
func TestOneCallOverJMS(t *testing.T) {
	t.Parallel()
	for _, format := range talkable {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			c := start(t, activeMQ())
			topic := unique("crm")
			j := servertest.StartJava(t, "Driver",
				shared.OpenWireURL(), c.config.Broker.CommandQueue, topic, "1001", "secret", "2001", string(format))
			var lines []string
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("the Java driver said:\n%s", strings.Join(lines, "\n"))
				}
			})
			for ready := false; !ready; ready = said(event(lines[len(lines)-1])) == "State#READY" {
				lines = append(lines, j.Next(t))
			}
			c.call("1001")
			for line := range j.Lines {
				lines = append(lines, line)
			}
			golden(t, "one-call."+string(format), strings.ReplaceAll(strings.Join(lines, "\n")+"\n", topic, "DESTINATION"))
		})
	}
}

// event is the body of a line of a conversation.
func event(line string) string {
	_, body, _ := strings.Cut(line, "\t")
	return body
}

func oneCall(c *connector, d *driver, format string) {
	d.begin(format)
	d.send("agent_state/MakeReady#1001")
	d.until("State#READY")
	c.call("1001")
	id := d.untilCall(gc.Alerting)
	d.send("agent_call/AnswerCall#1001 " + id)
	d.until("State#TALKING")
	d.send("agent_call/HoldCall#1001 " + id)
	d.until("State#HOLD")
	d.send("agent_call/RetrieveCall#1001 " + id)
	d.until("State#TALKING")
	d.send("agent_call/ReleaseCall#1001 " + id)
	d.until("State#READY")
	d.send("agent_state/MakeNotReady#1001")
	d.until("State#NOT_READY")
	d.send("agent_state/Logout#1001")
	d.until("State#LOGOUT")
}
