package e2e

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// The recorder is the site's own. It hears which call is meant, and where there
// is none the driver gets a clear answer.
func TestRecording(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		t.Run("with a recorder", func(t *testing.T) {
			asked := make(chan string, 10)
			recorder := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				asked <- r.Method + " " + r.URL.Path + " " + r.FormValue("agent") + " " + r.FormValue("extension") + " " + r.FormValue("dialog")
			}))
			t.Cleanup(recorder.Close)
			c := start(t, s, func(c *config.Config) {
				c.Recording = config.Recording{PauseURL: recorder.URL + "/pause", ResumeURL: recorder.URL + "/resume"}
			})
			d := newDriver(c, "crm")
			d.begin("text")
			d.fails(gc.NoDialogID, "zoom/ZOOMPauseRecording#1001")
			d.send("agent_state/MakeReady#1001")
			d.until("State#READY")
			id := d.answered(c)
			d.send("zoom/ZOOMPauseRecording#1001")
			require.Equal(t, "POST /pause 1001 2001 "+id, <-asked)
			d.send("zoom/ZOOMResumeRecording#1001")
			require.Equal(t, "POST /resume 1001 2001 "+id, <-asked)
			d.released("1001", id, "READY")
			golden(t, "recording.text", d.conversation())
		})
		t.Run("without one", func(t *testing.T) {
			c := start(t, s)
			d := newDriver(c, "crm")
			d.begin("text")
			d.send("agent_state/MakeReady#1001")
			d.until("State#READY")
			d.answered(c)
			d.fails(gc.NotConfigured, "zoom/ZOOMPauseRecording#1001")
		})
	})
}
