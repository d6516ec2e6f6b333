package hostile

import (
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Who breaks the connection while the process stops does not make a command run or be
// answered once more, neither one that was answered before nor one that was in hand.
func TestAStopThatStrangersDisturb(t *testing.T) {
	const poisoned, unwritable = `GetState#1|text|content-length=300`, `!GetState#1|not compressed`
	for rule, c := range map[string]struct {
		before, meanwhile string
		cuts              float64
	}{
		"at full speed":                                {"", poisoned, 1},
		"while messages are taken alone":               {poisoned, unwritable, 1},
		"until the message would have to be swallowed": {"", unwritable, 8},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newPatientSite(t, 8*time.Second) // it may take that long to send a message
			if c.before != "" {
				jms(t, c.before)
				s.driver.state(t, "1001")
			}
			ear := s.connect(t, desk)
			s.driver.send(t, "MakeNotReady#1002", "", "correlation-id", "answered", "reply-to", "/topic/"+desk)
			s.driver.until(t, "1002#State#NOT_READY")
			goOn := s.door.holds()
			t.Cleanup(goOn)
			s.driver.send(t, "MakeCall#1001", "4085559999", "correlation-id", "in hand", "reply-to", "/topic/"+desk)
			eventually(t, func() bool { return s.door.held() == 1 }, "the call is not asked for")
			connects := s.metric(t, `broker_connects_total{connection="commands"}`)

			require.NoError(t, s.command.Process.Signal(syscall.SIGTERM))
			eventually(t, func() bool { return strings.Contains(s.log(t), `"msg":"stopping"`) }, "it does not stop")
			jms(t, c.meanwhile)
			eventually(t, func() bool { return s.metric(t, `broker_connects_total{connection="commands"}`) >= connects+c.cuts },
				"what was answered could not be acknowledged")
			goOn()
			require.NoError(t, s.command.Wait())

			s.start(t)
			s.driver.send(t, "Connect#1001", s.connectOf("1001"))
			s.driver.send(t, "Connect#1002", s.connectOf("1002"))
			s.driver.state(t, "1002")
			s.driver.state(t, "1001")
			answers := map[string][]string{}
			for len(ear.got) > 0 {
				e := <-ear.got
				if !strings.Contains(e.body, "#Control#PrintStatusBar#") {
					answers[e.correlation] = append(answers[e.correlation], e.body)
				}
			}
			require.Len(t, answers["answered"], 1)
			require.Len(t, answers["in hand"], 1)
		})
	}
}

// holds has Finesse's answer to what changes something wait for the call of goOn.
func (d *door) holds() (goOn func()) {
	wait := make(chan struct{})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wait = wait
	return sync.OnceFunc(func() { close(wait) })
}

// held is how many requests wait so.
func (d *door) held() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waiting
}

func (d *door) hold(r *http.Request) {
	d.mu.Lock()
	wait := d.wait
	if wait == nil || r.Method == http.MethodGet {
		d.mu.Unlock()
		return
	}
	d.waiting++
	d.mu.Unlock()
	select {
	case <-wait:
	case <-r.Context().Done():
	}
}
