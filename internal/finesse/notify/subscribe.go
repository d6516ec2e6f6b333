package notify

import (
	"context"
	"errors"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// resourcePrefix starts the resource of every stream of this program, of this
// process or another one.
const resourcePrefix = "fc-"

const opSubscribe = "notify.SubscribeTeam"

// errClosed is why nothing more is asked of a stream.
var errClosed = errors.New("the stream was closed")

// subscription is an explicit one of this stream, which Close takes back.
type subscription struct {
	id   string // the server's, "" where it gives none
	sure bool   // the server has said so
}

// SubscribeTeam asks for the updates about the members of a team, which come
// in Updates with Team set. When it returns nil the server has subscribed this
// stream, and only this one: the agent's other clients are not sent them. The
// caller should read the team then; changes before were not notified.
// Subscribing again does nothing. Close unsubscribes.
//
// The service keeps subscriptions when a connection is lost, and would send
// each update once more for each that was left behind. So those that a lost
// stream of this program left for the agent and the team are taken back first.
// The same happens to those of another connector at this node; an agent has
// one connector at a time.
//
// It may be called from any goroutine but not instead of taking Updates: the
// answer comes after what the server sent before. It waits as long as ctx
// allows, and no longer than DeadAfter. The error is a *gc.Error: GENERAL_ERROR
// when the server refuses, since the agent does not lead the team or there is
// no such team, and UNABLE_TO_SUBSCRIBE_TO_FINESSE when there was no answer
// because the stream was lost or closed or the time was up.
func (s *Stream) SubscribeTeam(ctx context.Context, team gc.TeamID) error {
	ctx, cancel := context.WithTimeout(ctx, s.deadAfter)
	defer cancel()
	err := s.subscribe(ctx, teamNode(team))
	var refused *refusal
	switch {
	case err == nil:
		s.metrics.subscriptions[subscribed].Inc()
	case errors.As(err, &refused):
		s.metrics.subscriptions[subscriptionRefused].Inc()
		err = gc.Errorf(gc.GeneralError, opSubscribe, "%s does not report on team %s: %w", s.node, team, err)
	default:
		s.metrics.subscriptions[subscriptionFailed].Inc()
		err = gc.Errorf(gc.UnableToSubscribe, opSubscribe, "%s has not answered about team %s: %w", s.node, team, err)
	}
	s.record(capture.Followed, teamNode(team), nil, err)
	return err
}

// subscribe notes the subscription before it asks, so that one whose answer
// nobody waited for is taken back too.
func (s *Stream) subscribe(ctx context.Context, node string) error {
	if err := s.takeTurn(ctx); err != nil {
		return err
	}
	defer func() { <-s.turn }()
	if s.explicit[node].sure {
		return nil
	}
	if err := s.clean(ctx, node); err != nil {
		return err
	}
	s.explicit[node] = subscription{}
	answer, err := s.ask(ctx, "set", pubsubRequest{Subscribe: &subscriptionElement{Node: node, JID: s.jid}})
	if err != nil {
		return err
	}
	if answer.refused() {
		delete(s.explicit, node)
		return &refusal{answer.condition()}
	}
	entry := answer.Subscription
	if entry.State != "" && entry.State != "subscribed" {
		return &refusal{"the subscription is " + entry.State}
	}
	s.explicit[node] = subscription{id: entry.SubID, sure: true}
	return nil
}

// maxLeft bounds what is taken back at a time. A program that was killed many times
// while its supervisor followed the team has left some.
const maxLeft = 64

// clean takes back the subscriptions to a node that streams of this program
// have left behind. That it cannot be done is no reason not to subscribe: what
// comes twice in a row is dropped when it arrives.
func (s *Stream) clean(ctx context.Context, node string) error {
	list, err := s.ask(ctx, "get", pubsubRequest{Subscriptions: &struct{}{}})
	if err != nil {
		return err
	}
	if list.refused() {
		s.untidy(list, "the notification service does not list subscriptions, what a lost connection left stays")
		return nil
	}
	left := slices.DeleteFunc(list.Subscriptions, func(x subscriptionElement) bool { return x.Node != node || !s.ours(x.JID) })
	for _, left := range left[:min(len(left), maxLeft)] {
		answer, err := s.ask(ctx, "set", unsubscription(node, left.JID, left.SubID))
		if err != nil {
			return err
		}
		if answer.refused() {
			s.untidy(answer, "a subscription that a lost connection left cannot be taken back, updates may come twice")
		}
	}
	return nil
}

// untidy says once what the service refused.
func (s *Stream) untidy(answer iq, what string) {
	s.left.Do(func() {
		s.log.Warn(what, zap.String("node", s.node), zap.String("reason", answer.condition()))
	})
}

// ours tells the addresses of this program's streams for the agent.
func (s *Stream) ours(jid string) bool {
	bare, _, _ := strings.Cut(s.jid, "/")
	return strings.HasPrefix(jid, bare+"/"+resourcePrefix)
}

// unsubscription names the subscription where the server gave it a name: a
// server that allows several of the same address wants to know which.
func unsubscription(node, jid, id string) pubsubRequest {
	return pubsubRequest{Unsubscribe: &subscriptionElement{Node: node, JID: jid, SubID: id}}
}

func (s *Stream) takeTurn(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-s.closing:
		return errClosed
	case <-s.ended:
		return s.lost()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// LeaveTeams takes back what SubscribeTeam asked for of some teams, of all when none
// is named. It waits for the server as long as ctx allows, and no longer than
// DeadAfter. What it cannot take back is left to Close and to the next SubscribeTeam.
func (s *Stream) LeaveTeams(ctx context.Context, which ...gc.TeamID) {
	ctx, cancel := context.WithTimeout(ctx, s.deadAfter)
	defer cancel()
	if s.takeTurn(ctx) != nil {
		return
	}
	defer func() { <-s.turn }()
	s.takeBack(ctx, which...)
}

// leave is LeaveTeams for Close, in the keeper's goroutine. It never gives its
// turn back: nobody subscribes afterwards.
func (s *Stream) leave(ctx context.Context) {
	select {
	case s.turn <- struct{}{}:
		s.takeBack(ctx)
	case <-s.ended:
	case <-ctx.Done():
	}
}

// takeBack sends all requests before it waits for the answers, so that they
// are not lost with the connection. No team is all.
func (s *Stream) takeBack(ctx context.Context, which ...gc.TeamID) {
	answers := map[string]<-chan iq{}
	for node, known := range s.explicit {
		if len(which) > 0 && !slices.ContainsFunc(which, func(id gc.TeamID) bool { return teamNode(id) == node }) {
			continue
		}
		q, err := s.send("set", unsubscription(node, s.jid, known.id))
		if err != nil {
			return
		}
		defer s.questions.remove(q.id)
		answers[node] = q.arrived
	}
	for node, arrived := range answers {
		select {
		case <-arrived:
			delete(s.explicit, node)
		case <-s.ended:
			return
		case <-ctx.Done():
			return
		}
	}
}

// refusal is an answer that says no.
type refusal struct{ condition string }

func (r *refusal) Error() string {
	switch r.condition {
	case "":
		return "refused without a reason that can be read"
	case "item-not-found":
		return "item-not-found: it knows no such team"
	case "forbidden", "not-authorized", "not-allowed":
		return r.condition + ": the agent does not lead the team, Finesse is configured to let its own desktop alone subscribe (release 15.0), " +
			"or finesse.pubsub_domain is not the service's"
	case "service-unavailable", "remote-server-not-found", "remote-server-timeout":
		return r.condition + ": check finesse.pubsub_domain"
	}
	return r.condition
}

// subscriptionElement is a subscription in a question or an answer (XEP-0060,
// 5.6 and 6.1). Servers may leave it out of an answer that says yes.
type subscriptionElement struct {
	Node  string `xml:"node,attr"`
	JID   string `xml:"jid,attr"`
	SubID string `xml:"subid,attr,omitempty"`
	State string `xml:"subscription,attr,omitempty"`
}
