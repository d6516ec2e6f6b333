package replay

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/exchange"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/finesse/notify"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/recording"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// node is a Finesse server that answers as captured (session.Node).
type node struct {
	*finesse.Client
	world *world
	name  string
	index int // of world.known
	admin *finesse.Administrator
}

var _ session.Node = (*node)(nil)

func (n *node) Name() string { return n.name }

func (n *node) Usable() (bool, <-chan struct{}) {
	is, changed := n.world.known.Condition(n.index)
	return is.Usable, changed
}

func (n *node) Verify(ctx context.Context) {
	if len(n.world.nodes) > 1 {
		_, _ = n.world.ask(ctx, &question{kind: verification, node: n.name}) // it ends either way
	}
}

func (n *node) AllUsers(ctx context.Context) ([]gc.TeamUser, error) { return n.admin.AllUsers(ctx) }

func (n *node) Subscribe(ctx context.Context, c finesse.Credentials) (session.Stream, error) {
	x, err := n.world.ask(ctx, &question{kind: subscription, agent: c.Agent, node: n.name})
	switch {
	case err != nil:
		err = gc.Errorf(gc.UnableToSubscribe, "replay", "%w", err)
	case x.Type == capture.Refused:
		err = noStream(x)
	}
	n.world.known.Subscribed(ctx, n.index, err)
	if err != nil {
		return nil, err
	}
	n.world.mu.Lock()
	defer n.world.mu.Unlock()
	s := n.world.streams[c.Agent]
	s.id = c.ID()
	return s, nil
}

// noStream returns the error of a stream that could not be opened.
func noStream(x *capture.Record) error {
	err := captured(x)
	if gc.CodeOf(err) == gc.SubscriptionFailed {
		err = gc.Errorf(gc.SubscriptionFailed, "replay", "%w: %w", finesse.ErrPasswordRefused, err)
	}
	return err
}

// captured returns the error in a record, nil for none.
func captured(x *capture.Record) error {
	if x.Code == "" {
		return nil
	}
	return &gc.Error{Code: gc.Code(x.Code), Op: "replay", Err: errors.New(x.Problem)}
}

// RoundTrip answers a request as captured (http.RoundTripper).
func (n *node) RoundTrip(req *http.Request) (*http.Response, error) {
	_, path, _ := strings.Cut(req.URL.Path, "/finesse/api")
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	x, err := n.world.ask(req.Context(), &question{
		kind: exchanged, agent: gc.AgentID(exchange.Asker(req)), node: n.name, what: req.Method + " " + path, body: string(body), request: req.Header.Get("requestId"),
	})
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && (err != nil || x.Status != 0 || !strings.Contains(x.Problem, "dial")) {
		trace.WroteHeaders() // see package passwords
	}
	switch {
	case err != nil:
		return nil, err
	case x.Status == 0 && x.Timeout:
		return nil, context.DeadlineExceeded
	case x.Status == 0:
		return nil, errors.New(x.Problem)
	}
	answer := io.Reader(strings.NewReader(x.Text()))
	if x.Problem != "" { // it broke off there
		answer = io.MultiReader(answer, broken{x})
	}
	return &http.Response{StatusCode: x.Status, Header: http.Header{}, Body: io.NopCloser(answer), Request: req}, nil
}

// broken is the end of an answer that broke off.
type broken struct{ *capture.Record }

func (b broken) Read([]byte) (int, error) {
	if b.Timeout {
		return 0, context.DeadlineExceeded
	}
	return 0, errors.New(b.Problem)
}

// stream brings the captured updates of an agent's stream (session.Stream).
type stream struct {
	world   *world
	agent   gc.AgentID // as its driver calls it
	id      gc.AgentID // as Finesse does; guarded by world.mu
	updates chan finesse.Update
	err     error
}

// updatesAhead is more updates than come between two waits of the session.
const updatesAhead = 64

func (s *stream) Updates() <-chan finesse.Update           { return s.updates }
func (s *stream) Err() error                               { return s.err }
func (s *stream) Close()                                   {}
func (s *stream) LeaveTeams(context.Context, ...gc.TeamID) {}

func (s *stream) SubscribeTeam(ctx context.Context, team gc.TeamID) error {
	x, err := s.world.ask(ctx, &question{kind: following, agent: s.agent, what: string(team)})
	if err != nil {
		return gc.Errorf(gc.UnableToSubscribe, "replay", "%w", err)
	}
	return captured(x)
}

// brings hands an update to the session, if it still listens.
func (s *stream) brings(x *capture.Record) {
	u, err := finesse.ParseUpdate([]byte(s.world.renamed(x.Text())))
	if err != nil {
		return // nor was it passed on in the capture
	}
	s.world.mu.Lock()
	id := s.id
	s.world.mu.Unlock()
	if !notify.Concerns(id, x.Topic, u) {
		return
	}
	u.Team = notify.TeamOf(x.Topic)
	select {
	case s.updates <- u:
	default: // the session has left the stream
	}
}

// callRecorder answers as the captured recorder of calls (session.Recorder).
type callRecorder struct{ world *world }

func (r callRecorder) Pause(ctx context.Context, c recording.Call) error {
	return r.ask(ctx, pausing, c)
}

func (r callRecorder) Resume(ctx context.Context, c recording.Call) error {
	return r.ask(ctx, resuming, c)
}

func (r callRecorder) ask(ctx context.Context, k kind, c recording.Call) error {
	x, err := r.world.ask(ctx, &question{kind: k, agent: c.Agent, what: string(c.Dialog)})
	if err != nil {
		return gc.Errorf(gc.PleaseRetry, "replay", "%w", err)
	}
	return captured(x)
}
