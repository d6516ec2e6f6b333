package e2e

import (
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/config"
)

// A capture holds what the driver sent and heard, what Finesse was asked, said
// and notified, in order and without a gap.
func TestACaptureHoldsAllEdges(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "capture.jsonl")
	c := start(t, activeMQ(), func(c *config.Config) { c.Capture.File = file })
	d := newDriver(c, "crm")
	mainJob(c, d, "json")
	c.stop()

	r, err := capture.Open(t.Context(), file)
	require.NoError(t, err)
	defer r.Close()
	var header *capture.Header
	var conversation []string
	requests, answers, kinds := map[uint64]string{}, 0, map[string]int{}
	for {
		i, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		require.NoError(t, i.Problem)
		if i.Header != nil {
			require.Nil(t, header)
			header = i.Header
			continue
		}
		x := i.Record
		kinds[string(x.Dir)+" "+string(x.Edge)]++
		switch {
		case x.IsCommand():
			conversation = append(conversation, strings.TrimSpace("> "+x.Type))
		case x.Edge == capture.Broker && x.Destination == "/topic/"+d.destination:
			conversation = append(conversation, x.Category+"\t"+x.Body)
		case x.Edge == capture.REST && x.Dir == capture.Out:
			requests[x.Exchange] = x.Type
		case x.Edge == capture.REST && x.Exchange != 0:
			require.Equal(t, requests[x.Exchange], x.Type)
			require.NotZero(t, x.Status)
			answers++
		}
	}
	require.Equal(t, []string{strings.TrimPrefix(c.finesse.RESTURL(), "https://")}, header.Settings.Nodes)
	require.Len(t, requests, answers, "each request has its answer")
	require.Greater(t, kinds["in notify"], 10)

	said, heard := split(conversation)
	wantSaid, wantHeard := split(strings.Split(strings.TrimSpace(d.conversation()), "\n"))
	require.Len(t, said, len(wantSaid))
	for i := range wantHeard {
		wantHeard[i] = strings.ReplaceAll(wantHeard[i], "DESTINATION", d.destination)
	}
	require.Equal(t, wantHeard, heard[:min(len(heard), len(wantHeard))], "it may have stopped listening before the last")
}

// split separates what a driver sent from what it heard; headings are left out.
func split(conversation []string) (said, heard []string) {
	for _, line := range conversation {
		switch {
		case strings.HasPrefix(line, "> "):
			said = append(said, line)
		case !strings.HasPrefix(line, "# "):
			heard = append(heard, line)
		}
	}
	return said, heard
}
