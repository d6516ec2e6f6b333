package notify

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Whatever a server sends as a stanza: the stream is lost with a reason, or it
// drops what cannot be read, says so once, and goes on.
func TestStanzasThatAreBuiltToHurt(t *testing.T) {
	const fill = maxStanza - 10_000
	nest := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	for _, c := range []struct {
		rule, stanza string
		lost         string // "" when the stream goes on
		malformed    float64
	}{
		{"entities that stand for each other", `<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]><message><body>&c;</body></message>`, "disallowed XML directive", 0},
		{"elements in elements of a message", "<message>" + nest(fill/7) + "</message>", "", 0},
		{"elements in elements of a presence", "<presence>" + nest(fill/7) + "</presence>", "", 0},
		{"elements in elements of nothing known", "<novelty xmlns='urn:x'>" + nest(fill/7) + "</novelty>", "", 0},
		{"elements beside each other", "<message>" + strings.Repeat("<a/>", fill/4) + "</message>", "", 0},
		{"one attribute", "<message a='" + strings.Repeat("x", fill) + "'/>", "", 0},
		{"many attributes", "<message " + attributes(fill/12) + "/>", "", 0},
		{"many items", event(userNode, items(fill/len(item0))...), "", float64(fill / len(item0))},
		{"an update of elements in elements", event(userNode, [2]string{"1", notification(nest(fill / 40))}), "", 1},
		{"an update with entities", event(userNode, [2]string{"1", notification(`<!DOCTYPE a [<!ENTITY b "ha">]><Update><event>&b;</event></Update>`)}), "", 1},
		{"an update of text", event(userNode, [2]string{"1", notification("<Update><event>" + strings.Repeat("x", fill/2) + "</event>")}), "", 1},
	} {
		t.Run(c.rule, func(t *testing.T) {
			f := startFake(t, func(p *peer) {
				if p.up() {
					p.send("%s", c.stanza)
					p.send("%s", event(userNode, [2]string{"last", ready("after")}))
					p.answerPings()
				}
			})
			o, logs := f.observed(zap.DebugLevel)
			o.DeadAfter = patience
			d := newDialer(t, o)
			s := dial(t, d)
			if c.lost != "" {
				err := requireLost(t, s)
				require.ErrorContains(t, err, c.lost)
				require.Less(t, len(err.Error()), 1000)
				return
			}
			require.EqualValues(t, "after", next(t, s).RequestID)
			require.Equal(t, c.malformed, testutil.ToFloat64(d.metrics.malformed))
			require.LessOrEqual(t, logs.Len(), 1)
			for _, line := range logs.All() {
				require.Less(t, len(fmt.Sprint(line.ContextMap())), 1000)
			}
		})
	}
}

// What the service tells of another user, known or not, is not the agent's.
func TestUpdatesAboutOthersAreDropped(t *testing.T) {
	about := func(user, id string) [2]string {
		return [2]string{id, notification(strings.Replace(readyUpdate(id), "<loginId>1001<", "<loginId>"+user+"<", 1))}
	}
	f := startFake(t, func(p *peer) {
		if p.up() {
			p.send("%s", event(userNode, about("1002", "1"), about("nobody", "2"), about("1002", "3"), about("1001", "own")))
			p.send("%s", event(teamNode("7"), about("1002", "member")))
			p.answerPings()
		}
	})
	o, logs := f.observed(zap.DebugLevel)
	d := newDialer(t, o)
	s := dial(t, d)
	require.EqualValues(t, "own", next(t, s).RequestID)
	require.EqualValues(t, "member", next(t, s).RequestID, "of a team it is about others")
	require.Equal(t, 3.0, testutil.ToFloat64(d.metrics.others))
	require.Equal(t, 1, logs.Len(), "once for a stream")
}

// The server sends more than the agent's own: what another client of the user subscribed
// to by its bare JID, and the tasks of other media.
func TestWhatIsForTheAgent(t *testing.T) {
	const other, api = "1002", "/finesse/api"
	for _, c := range []struct {
		name, node, source string
		user               gc.AgentID
		want               bool
	}{
		{"its state", api + "/User/1001", api + "/User/1001", "1001", true},
		{"its state, with a slash behind", api + "/User/1001/", api + "/User/1001/", "1001", true},
		{"its calls", api + "/User/1001/Dialogs", api + "/User/1001/Dialogs", "", true},
		{"one of its calls", api + "/User/1001/Dialogs", api + "/Dialog/55", "", true},
		{"without a source", api + "/User/1001/Dialogs", "", "", true},
		{"the system", api + "/SystemInfo", api + "/SystemInfo", "", true},
		{"a member of a team", api + "/Team/7/Users", api + "/User/1002", other, true},
		{"another's state", api + "/User/1002", api + "/User/1002", other, false},
		{"another's state at its own node", api + "/User/1001", "", other, false},
		{"another's calls", api + "/User/1002/Dialogs", api + "/Dialog/55", "", false},
		{"another's calls at its own node", api + "/User/1001/Dialogs", api + "/User/1002/Dialogs", "", false},
		{"one whose id begins as its own", api + "/User/10012/Dialogs", api + "/Dialog/55", "", false},
		{"its chats", api + "/User/1001/Dialogs/Media", api + "/Dialog/151_3_1", "", false},
		{"its chats at the node of its calls", api + "/User/1001/Dialogs", api + "/User/1001/Dialogs/Media", "", false},
		{"its state in another media", api + "/User/1001/Media/5001", api + "/User/1001/Media/5001", "", false},
		{"its queues", api + "/User/1001/Queues", api + "/User/1001/Queues", "", false},
		{"a queue", api + "/Queue/10", api + "/Queue/10", "", false},
		{"a team's queues", api + "/Team/7/Queues", "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := finesse.Update{Source: c.source}
			if c.user != "" {
				u.User = &finesse.User{LoginID: c.user}
			}
			require.Equal(t, c.want, Concerns("1001", c.node, u))
		})
	}
	require.True(t, Concerns("JSmith", api+"/User/jsmith/dialogs", finesse.Update{Source: api + "/User/jsmith"}), "names of UCCX compare without case")
	require.True(t, Concerns("jo o'neil", api+"/User/jo%20o'neil", finesse.Update{Source: api + "/User/jo o'neil/Dialogs"}))
}

// Another agent's call, and a chat, do not reach the agent whose stream brings them.
func TestNodesOfOthersAreDropped(t *testing.T) {
	dialog := func(event, source, id string) string {
		return notification("<Update><data><dialogs><Dialog><id>" + id + "</id></Dialog></dialogs></data><event>" + event + "</event><requestId>" + id + "</requestId><source>" + source + "</source></Update>")
	}
	f := startFake(t, func(p *peer) {
		if p.up() {
			p.send("%s", event("/finesse/api/User/1002/Dialogs", [2]string{"1", dialog("DELETE", "/finesse/api/User/1002/Dialogs", "55")}, [2]string{"2", "<other/>"}))
			p.send("%s", event(userNode+"/Dialogs/Media", [2]string{"3", dialog("POST", userNode+"/Dialogs/Media", "151_3_1")}))
			p.send("%s", event(userNode+"/Dialogs", [2]string{"4", dialog("DELETE", "/finesse/api/User/1002/Dialogs", "55")}, [2]string{"5", dialog("DELETE", userNode+"/Dialogs", "56")}))
			p.answerPings()
		}
	})
	o, logs := f.observed(zap.DebugLevel)
	d := newDialer(t, o)
	s := dial(t, d)
	require.EqualValues(t, "56", next(t, s).RequestID)
	require.Equal(t, 4.0, testutil.ToFloat64(d.metrics.others))
	require.Zero(t, testutil.ToFloat64(d.metrics.malformed), "they are not even read")
	require.Equal(t, 1, logs.Len(), "once for a stream")
	require.Equal(t, "/finesse/api/User/1002/Dialogs", logs.All()[0].ContextMap()["topic"])
}

// item0 is what one of items takes.
const item0 = "<item id='100000'><other/></item>"

func items(n int) (all [][2]string) {
	for i := range n {
		all = append(all, [2]string{fmt.Sprint(100_000 + i), "<other/>"})
	}
	return all
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a%d='' ", 10_000+i)
	}
	return b.String()
}
