package finesse

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

var (
	salesQueue = gc.Queue{
		Name: "Sales", AgentsReady: 1, AgentsNotReady: 2, CallsInQueue: 3, AgentsTalkingInbound: 4, AgentsTalkingOutbound: 5,
		AgentsTalkingInternal: 6, AgentsWrapUpNotReady: 7, AgentsWrapUpReady: 9, LongestCallStart: at("2012-02-15T17:58:21Z"),
	}
	unknownQueue = gc.Queue{
		AgentsReady: -1, AgentsNotReady: -1, CallsInQueue: -1, AgentsTalkingInbound: -1, AgentsTalkingOutbound: -1,
		AgentsTalkingInternal: -1, AgentsWrapUpNotReady: -1, AgentsWrapUpReady: -1,
	}
)

func named(name string) gc.Queue {
	q := unknownQueue
	q.Name = name
	return q
}

func TestQueues(t *testing.T) {
	var got asked
	n, c := startNode(t, record(&got, 200, string(file(t, "queues.xml"))))
	queues, err := c.Queues(t.Context(), supervisor)
	require.NoError(t, err)
	require.Equal(t, asked{method: "GET", uri: "/finesse/api/User/2001/Queues", user: "2001"}, got)
	require.Equal(t, []gc.Queue{salesQueue, named("Nobody's")}, queues)
	require.EqualValues(t, 1, n.hits.Load(), "nothing is asked for twice")
}

func TestNoQueues(t *testing.T) {
	_, c := startNode(t, answer(200, "<Queues/>"))
	queues, err := c.Queues(t.Context(), supervisor)
	require.NoError(t, err)
	require.Empty(t, queues)
}

// queueNode lists Sales without statistics, one queue that is complete, one
// whose statistics are an empty element and one without an id.
func queueNode(one http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/finesse/api/User/2001/Queues":
			_, _ = io.WriteString(w, "<Queues><Queue><uri>/finesse/api/Queue/10/</uri><name>Sales</name></Queue>"+
				"<Queue><uri>/finesse/api/Queue/11</uri><name>Whole</name><statistics><callsInQueue>4</callsInQueue></statistics></Queue>"+
				"<Queue><uri>/finesse/api/Queue/12</uri><name>Empty</name><statistics/></Queue>"+
				"<Queue><name>Nameless</name></Queue></Queues>")
		case "/finesse/api/Queue/10":
			one(w, r)
		default:
			answer(404, "")(w, r)
		}
	}
}

func TestAQueueWithoutStatisticsIsAskedForByItself(t *testing.T) {
	_, alone, _ := strings.Cut(string(file(t, "queues.xml")), "<Queues>")
	alone, _, _ = strings.Cut(alone, "</Queue>")
	var got asked
	n, c := startNode(t, queueNode(record(&got, 200, alone+"</Queue>")))
	queues, err := c.Queues(t.Context(), supervisor)
	require.NoError(t, err)
	require.Equal(t, asked{method: "GET", uri: "/finesse/api/Queue/10", user: "2001"}, got)
	whole := named("Whole")
	whole.CallsInQueue = 4
	require.Equal(t, []gc.Queue{salesQueue, whole, named("Empty"), named("Nameless")}, queues)
	require.EqualValues(t, 2, n.hits.Load())
}

func TestAQueueThatIsRefusedHasNoNumbers(t *testing.T) {
	for name, one := range map[string]http.HandlerFunc{
		"gone":         answer(404, apiErrors("Not Found", "", "10")),
		"no right":     answer(401, apiErrors("Authorization Failure", "UNAUTHORIZED", "")),
		"not readable": answer(200, "<Queues/>"),
		"broken":       answer(500, ""),
	} {
		_, c := startNode(t, queueNode(one))
		queues, err := c.Queues(t.Context(), supervisor)
		require.NoError(t, err, name)
		require.Equal(t, named("Sales"), queues[0], name)
		require.Len(t, queues, 4)
	}
}

func TestAQueueThatIsNotAnsweredFailsTheList(t *testing.T) {
	for want, one := range map[gc.Code]http.HandlerFunc{
		gc.FinesseUnavailable: answer(503, ""),
		gc.SubscriptionFailed: answer(401, page),
		gc.NotReachable:       func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		_, c := startNodeWith(t, queueNode(one), Options{Timeout: 200 * time.Millisecond})
		_, err := c.Queues(t.Context(), supervisor)
		require.Equal(t, want, codeOf(t, err))
	}
}

func TestQueuesThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   gc.Code
	}{
		{"UCCX has none", 501, apiErrors("Not Implemented", "", ""), gc.GeneralError},
		{"UCCX has none and does not say so", 404, page, gc.GeneralError},
		{"UCCX has none and says so", 404, apiErrors("Not Found", "", ""), gc.GeneralError},
		{"unknown user", 404, apiErrors("User Not Found", "UNKNOWN_USER", "2001"), gc.UserNotFound},
		{"wrong password", 401, page, gc.SubscriptionFailed},
		{"something else", 200, "<Users/>", gc.GeneralError},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, client := startNode(t, answer(c.status, c.body))
			_, err := client.Queues(t.Context(), supervisor)
			require.Equal(t, c.want, codeOf(t, err))
		})
	}
}

func TestNumbersOfAQueue(t *testing.T) {
	for s, want := range map[text]int{"0": 0, "12": 12, "-1": -1, "-7": -1, "": -1, "many": -1, "99999999999": -1, "1.5": -1} {
		require.Equal(t, want, number(s), s)
	}
}
