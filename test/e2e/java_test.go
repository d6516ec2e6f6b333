package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

// TestOneCallOverJMS compares what a client over OpenWire hears with what one
// over STOMP does: TextMessages of the same characters, in every format.
// TestDriversTakeACall has a driver that sends its commands over OpenWire, too.
func TestOneCallOverJMS(t *testing.T) {
	t.Parallel()
	for _, format := range talkable {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			c := start(t, activeMQ())
			d := newDriver(c, "crm")
			conversation, err := os.ReadFile(filepath.Join("testdata", "one-call."+string(format)+".golden"))
			require.NoError(t, err)
			want := events(string(conversation))

			j := servertest.StartJava(t, "JmsReceive", shared.OpenWireURL(), d.destination, strconv.Itoa(len(want)))
			require.Equal(t, "ready", j.Next(t))
			oneCall(c, d, string(format))
			for _, line := range want {
				category, body, _ := strings.Cut(line, "\t")
				require.Equal(t, "TextMessage null "+category+" null non-persistent 0 "+javaEscape(body), j.Next(t))
			}
		})
	}
}

// javaEscape writes text as test/java/Escape.java does.
func javaEscape(text string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		if ' ' <= unit && unit <= '~' && unit != '\\' {
			b.WriteByte(byte(unit))
		} else {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
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
