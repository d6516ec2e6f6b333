package session_test

import (
	"context"
	"slices"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// jitter is how long a session without a call waits to get its stream back.
const jitter = time.Second

// nodes are what a stage knows of its two Finesse servers: it is the first
// itself. Both show the same agent and the same calls.
type nodes struct {
	down     error // the first node meets every request with it
	left     bool  // the first node is known to be of no use
	verdict  func()
	verified int
	changed  chan struct{}
	b        *second
}

// second is the second server. What it is asked begins with "b: ".
type second struct {
	*stage
	down    error
	hold    chan struct{} // if set, requests wait for it
	unfit   bool          // it is known to be of no use
	streams int
}

func (st *stage) best() session.Node {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.left && !st.b.unfit {
		return st.b
	}
	return st
}

func (st *stage) Name() string { return "a" }

func (st *stage) Usable() (bool, <-chan struct{}) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return !st.left, st.changed
}

// Verify has the verdict at once, if the scene has prepared one.
func (st *stage) Verify(context.Context) {
	st.mu.Lock()
	st.verified++
	verdict := st.verdict
	st.verdict = nil
	st.mu.Unlock()
	if verdict != nil {
		verdict()
	}
}

// know lets the state of the servers be known.
func (st *stage) know(aLeft, bUnfit bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.left, st.b.unfit = aLeft, bUnfit
	close(st.changed)
	st.changed = make(chan struct{})
}

func (b *second) Name() string { return "b" }

func (b *second) Usable() (bool, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.unfit, b.changed
}

func (b *second) check(ctx context.Context, c finesse.Credentials) error {
	b.turn()
	began := time.Now()
	if err := b.wanted(ctx, b.hold); err != nil {
		return err
	}
	if b.down != nil {
		return b.down
	}
	if err := b.prove(c, began); err != nil {
		return err
	}
	return ctx.Err()
}

func (b *second) ask(ctx context.Context, c finesse.Credentials, request string) error {
	b.note("b: " + request)
	if err := b.check(ctx, c); err != nil {
		return err
	}
	if b.answer != nil {
		return b.answer(request)
	}
	return nil
}

func (b *second) Subscribe(ctx context.Context, c finesse.Credentials) (session.Stream, error) {
	b.note("b: subscribe")
	if err := b.check(ctx, c); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.streams++
	b.dialled = c.ID()
	b.stream = &fakeStream{updates: make(chan finesse.Update, 64)}
	return b.stream, nil
}

func (b *second) User(ctx context.Context, c finesse.Credentials) (finesse.User, error) {
	b.note("b: User")
	return b.user, b.check(ctx, c)
}

func (b *second) Dialogs(ctx context.Context, c finesse.Credentials) ([]finesse.Dialog, error) {
	b.note("b: Dialogs")
	return b.dialogs, b.check(ctx, c)
}

func (b *second) ReasonCodes(ctx context.Context, c finesse.Credentials, k gc.ReasonCategory) ([]gc.ReasonCode, error) {
	return []gc.ReasonCode{{ID: "8", Label: "from b"}}, b.ask(ctx, c, "ReasonCodes")
}

func (b *second) SignIn(ctx context.Context, c finesse.Credentials, _ finesse.RequestID, e gc.Extension) error {
	return b.ask(ctx, c, "LOGIN "+string(e))
}

func (b *second) SignInMobile(ctx context.Context, c finesse.Credentials, _ finesse.RequestID, e gc.Extension, dial gc.PhoneNumber, mode string) error {
	return b.ask(ctx, c, "LOGIN "+string(e)+" "+string(dial)+" "+mode)
}

func (b *second) ChangeState(ctx context.Context, c finesse.Credentials, _ finesse.RequestID, u gc.UserState, r gc.ReasonCodeID) error {
	return b.ask(ctx, c, string(u)+" "+string(r))
}

func (b *second) Team(ctx context.Context, c finesse.Credentials, _ gc.TeamID) ([]gc.TeamUser, error) {
	return slices.Clone(b.team), b.check(ctx, c)
}

func (b *second) MakeCall(ctx context.Context, c finesse.Credentials, _ finesse.RequestID, _ gc.Extension, to gc.PhoneNumber) error {
	return b.ask(ctx, c, "MAKE_CALL "+string(to))
}

func (b *second) Act(ctx context.Context, c finesse.Credentials, _ finesse.RequestID, id gc.DialogID, a finesse.Action, _ gc.Extension) error {
	return b.ask(ctx, c, string(a)+" "+string(id))
}
