package notify

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

const (
	supervisor = "2001"
	team       = "1"
)

// memberUpdate is what a team's node carries, recognised by the request id.
func memberUpdate(id string) string {
	return "<Update><data><user><loginId>1003</loginId><state>READY</state></user></data><event>PUT</event><requestId>" +
		id + "</requestId><source>/finesse/api/User/1003</source></Update>"
}

// onlooker is another client of the supervisor, which sees the supervisor's
// subscriptions whichever stream made them.
type onlooker struct{ *Stream }

func (s server) onlooker(t *testing.T) onlooker {
	return onlooker{s.dial(t, newDialer(t, s.options()), supervisor)}
}

func (o onlooker) bare() string { return strings.Split(o.jid, "/")[0] }

// subscribed lists the addresses subscribed to a node, automatic ones left
// out.
func (o onlooker) subscribed(t *testing.T, node string) []string {
	t.Helper()
	answer, err := o.ask(t.Context(), "get", pubsubRequest{Subscriptions: &struct{}{}})
	require.NoError(t, err)
	require.False(t, answer.refused())
	jids := []string{}
	for _, entry := range answer.Subscriptions {
		if entry.Node == node && entry.JID != o.bare() {
			jids = append(jids, entry.JID)
		}
	}
	return jids
}

// subscribe leaves a subscription of a client that is not there any more.
func (o onlooker) subscribe(t *testing.T, node, resource string) (jid string) {
	t.Helper()
	jid = o.bare() + "/" + resource
	answer, err := o.ask(t.Context(), "set", pubsubRequest{Subscribe: &subscriptionElement{Node: node, JID: jid}})
	require.NoError(t, err)
	require.False(t, answer.refused(), answer.condition())
	return jid
}

func (o onlooker) unsubscribe(t *testing.T, node, jid string) {
	t.Helper()
	answer, err := o.ask(t.Context(), "set", unsubscription(node, jid, ""))
	require.NoError(t, err)
	require.False(t, answer.refused(), answer.condition())
}

// requireUpdates takes as many updates as there are ids and demands that there
// are no others before a last one.
func (s server) requireUpdates(t *testing.T, stream *Stream, ids ...string) {
	t.Helper()
	s.publish(t, supervisor, readyUpdate("last"))
	for _, id := range ids {
		u := next(t, stream)
		require.EqualValues(t, id, u.RequestID)
		require.EqualValues(t, team, u.Team)
		require.EqualValues(t, "1003", u.User.LoginID)
	}
	u := next(t, stream)
	require.EqualValues(t, "last", u.RequestID)
	require.Empty(t, u.Team, "an update of the agent's own")
}

func teamSuite(t *testing.T, s server) {
	node := teamNode(team)
	publish := func(id string) { s.publishAt(t, node, memberUpdate(id)) }
	t.Run("updates of a team published once SubscribeTeam has returned come, with the team", func(t *testing.T) {
		stream := s.dial(t, newDialer(t, s.options()), supervisor)
		require.NoError(t, stream.SubscribeTeam(t.Context(), team))
		publish("a")
		publish("b")
		s.requireUpdates(t, stream, "a", "b")
		require.Equal(t, 1.0, testutil.ToFloat64(stream.metrics.subscriptions[subscribed]))
	})
	t.Run("no other client of the supervisor is sent them", func(t *testing.T) {
		other := s.onlooker(t)
		stream := s.dial(t, newDialer(t, s.options()), supervisor)
		require.NoError(t, stream.SubscribeTeam(t.Context(), team))
		publish("a")
		s.requireUpdates(t, stream, "a")
		require.EqualValues(t, "last", next(t, other.Stream).RequestID)
	})
	t.Run("subscribing again does nothing, at the same time too", func(t *testing.T) {
		other := s.onlooker(t)
		stream := s.dial(t, newDialer(t, s.options()), supervisor)
		var calls sync.WaitGroup
		errs := make(chan error, 4)
		for range cap(errs) {
			calls.Go(func() { errs <- stream.SubscribeTeam(t.Context(), team) })
		}
		calls.Wait()
		for range cap(errs) {
			require.NoError(t, <-errs)
		}
		require.Equal(t, []string{stream.jid}, other.subscribed(t, node))
		publish("a")
		s.requireUpdates(t, stream, "a")
	})
	t.Run("what a process that crashed has left is taken back, what others have is not", func(t *testing.T) {
		other := s.onlooker(t)
		ownNode := "/finesse/api/User/" + supervisor
		other.subscribe(t, node, "fc-crashed")
		other.subscribe(t, node, "fc-crashedbefore")
		desktop := other.subscribe(t, node, "desktop")
		similar := other.subscribe(t, node, "x-fc-crashed")
		elsewhere := other.subscribe(t, ownNode, "fc-crashed")

		stream := s.dial(t, newDialer(t, s.options()), supervisor)
		require.NoError(t, stream.SubscribeTeam(t.Context(), team))
		require.ElementsMatch(t, []string{desktop, similar, stream.jid}, other.subscribed(t, node))
		require.Equal(t, []string{elsewhere}, other.subscribed(t, ownNode), "only the same node is looked after")
		publish("a")
		s.requireUpdates(t, stream, "a")
		other.unsubscribe(t, node, desktop)
		other.unsubscribe(t, node, similar)
		other.unsubscribe(t, ownNode, elsewhere)
	})
	t.Run("a stream after a lost one of the same dialer gets updates once", func(t *testing.T) {
		other := s.onlooker(t)
		d := newDialer(t, s.options())
		first := s.dial(t, d, supervisor)
		require.NoError(t, first.SubscribeTeam(t.Context(), team))
		first.wire.cut()
		requireLost(t, first)
		require.Equal(t, []string{first.jid}, other.subscribed(t, node), "the server keeps it")

		second := s.dial(t, d, supervisor)
		require.Equal(t, first.jid, second.jid)
		require.NoError(t, second.SubscribeTeam(t.Context(), team))
		publish("a")
		s.requireUpdates(t, second, "a")
	})
	t.Run("Close takes the subscription back", func(t *testing.T) {
		other := s.onlooker(t)
		stream := s.dial(t, newDialer(t, s.options()), supervisor)
		require.NoError(t, stream.SubscribeTeam(t.Context(), team))
		require.Equal(t, []string{stream.jid}, other.subscribed(t, node))
		start := time.Now()
		stream.Close()
		drain(t, stream)
		require.NoError(t, stream.Err())
		require.Empty(t, other.subscribed(t, node))
		require.Less(t, time.Since(start), goodbyeTime/2, "the server answered, so it did not wait")
	})
	t.Run("LeaveTeams takes it back and keeps the stream", func(t *testing.T) {
		other := s.onlooker(t)
		stream := s.dial(t, newDialer(t, s.options()), supervisor)
		require.NoError(t, stream.SubscribeTeam(t.Context(), team))
		stream.LeaveTeams(t.Context())
		require.Empty(t, other.subscribed(t, node))
		publish("a")
		s.requireUpdates(t, stream)
		require.NoError(t, stream.SubscribeTeam(t.Context(), team), "and again")
		publish("b")
		s.requireUpdates(t, stream, "b")
	})
	t.Run("LeaveTeams of another team takes nothing back, and of this one it does", func(t *testing.T) {
		other := s.onlooker(t)
		stream := s.dial(t, newDialer(t, s.options()), supervisor)
		require.NoError(t, stream.SubscribeTeam(t.Context(), team))
		stream.LeaveTeams(t.Context(), "999")
		require.NotEmpty(t, other.subscribed(t, node))
		stream.LeaveTeams(t.Context(), team)
		require.Empty(t, other.subscribed(t, node))
	})
	t.Run("who does not lead the team is refused and keeps the stream", func(t *testing.T) {
		stream := s.dial(t, newDialer(t, s.options()), "1001")
		err := stream.SubscribeTeam(t.Context(), team)
		require.Equal(t, gc.GeneralError, gc.CodeOf(err))
		require.ErrorContains(t, err, "team 1: forbidden: the agent does not lead the team")
		require.Equal(t, 1.0, testutil.ToFloat64(stream.metrics.subscriptions[subscriptionRefused]))
		s.publish(t, "1001", readyUpdate("still here"))
		require.EqualValues(t, "still here", next(t, stream).RequestID)
	})
	t.Run("a team that does not exist is refused", func(t *testing.T) {
		stream := s.dial(t, newDialer(t, s.options()), supervisor)
		err := stream.SubscribeTeam(t.Context(), "999")
		require.Equal(t, gc.GeneralError, gc.CodeOf(err))
		require.ErrorContains(t, err, "item-not-found")
		require.NoError(t, stream.SubscribeTeam(t.Context(), team), "another one is not")
	})
}

func TestTheDomainOfThePublishSubscribeService(t *testing.T) {
	_, s := onProsody(t)
	a := s.account(supervisor)
	for _, c := range []struct {
		name, domain string
		refused      string
	}{
		{"by default", "", ""},
		{"by name", "pubsub." + s.domain, ""},
		{"one that does not exist", "nowhere." + s.domain, "finesse.pubsub_domain"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a.PubSub = c.domain
			stream, err := newDialer(t, s.options()).Dial(t.Context(), a)
			require.NoError(t, err)
			defer func() { stream.Close(); drain(t, stream) }()
			err = stream.SubscribeTeam(t.Context(), team)
			if c.refused == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, gc.GeneralError, gc.CodeOf(err))
			require.ErrorContains(t, err, c.refused)
		})
	}
}

func TestASupervisorWithSpecialCharacters(t *testing.T) {
	x, s := onProsody(t)
	const agent = gc.AgentID("jo o'neil@corp")
	x.SubscribeAgent(t, string(agent), `jo\20o\27neil\40corp`, "secret")
	x.CreateTeam(t, "7", `jo\20o\27neil\40corp`)
	stream := s.dial(t, newDialer(t, s.options()), agent)
	require.NoError(t, stream.SubscribeTeam(t.Context(), "7"))
	x.Publish(t, teamNode("7"), memberUpdate("a"))
	require.EqualValues(t, "7", next(t, stream).Team)
}

func TestAServerThatHangsIsNotWaitedFor(t *testing.T) {
	x, s := onProsody(t)
	o := s.options()
	o.DeadAfter = 400 * time.Millisecond
	d := newDialer(t, o)
	stream := s.dial(t, d, supervisor)
	x.Freeze(t)
	err := stream.SubscribeTeam(t.Context(), team)
	require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
	require.Equal(t, 1.0, testutil.ToFloat64(stream.metrics.subscriptions[subscriptionFailed]))
	requireLost(t, stream)
	x.Thaw(t)
	require.NoError(t, s.dial(t, d, supervisor).SubscribeTeam(t.Context(), team))
}

func TestTeamsOfNodes(t *testing.T) {
	require.Equal(t, "/finesse/api/Team/34/Users", teamNode("34"))
	for node, want := range map[string]gc.TeamID{
		"/finesse/api/Team/34/Users":       "34",
		"/finesse/api/Team/34":             "",
		"/finesse/api/Team/34/Queues":      "",
		"/finesse/api/Team//Users":         "",
		"/finesse/api/Team/Users":          "",
		"/finesse/api/Team/a/Users":        "",
		"/finesse/api/Team/3/4/Users":      "",
		"/finesse/api/User/34":             "",
		"/other/finesse/api/Team/34/Users": "",
	} {
		require.Equal(t, want, TeamOf(node), node)
	}
}
