package passwords

import (
	"context"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// Node is a node of Finesse to which only those passwords are put that may be.
// Two of the same node are equal.
func (g *Guard) Node(n session.Node) session.Node { return node{n, g} }

// node passes on what carries no password of an agent's.
type node struct {
	session.Node
	guard *Guard
}

type credentials = finesse.Credentials

// get asks for something.
func get[T any](ctx context.Context, n node, c credentials, ask func(context.Context, credentials) (T, error)) (answer T, err error) {
	err = n.guard.use(ctx, c, func(ctx context.Context, c credentials) (err error) {
		answer, err = ask(ctx, c)
		return err
	})
	return answer, err
}

func (n node) User(ctx context.Context, c credentials) (finesse.User, error) {
	u, err := get(ctx, n, c, n.Node.User)
	switch {
	case err != nil:
	case c.Password.IsToken() && !isOf(c.Agent, u):
		return finesse.User{}, errAnother
	default:
		n.guard.learn(c.Agent, u)
	}
	return u, err
}

// errAnother is for a token, which has its owner in it: the user that is answered with
// is the one whose notifications are asked for.
var errAnother = gc.Errorf(gc.SubscriptionFailed, "prove token", "finesse answers with another agent than it was asked about")

func (n node) Subscribe(ctx context.Context, c credentials) (stream session.Stream, err error) {
	err = n.guard.put(ctx, c, ofTokens, func(ctx context.Context, c credentials) (err error) {
		stream, err = n.Node.Subscribe(ctx, c)
		return err
	})
	return stream, err
}

func (n node) SignIn(ctx context.Context, c credentials, id finesse.RequestID, at gc.Extension) error {
	return n.guard.use(ctx, c, func(ctx context.Context, c credentials) error { return n.Node.SignIn(ctx, c, id, at) })
}

func (n node) SignInMobile(ctx context.Context, c credentials, id finesse.RequestID, at gc.Extension, dial gc.PhoneNumber, mode string) error {
	return n.guard.use(ctx, c, func(ctx context.Context, c credentials) error {
		return n.Node.SignInMobile(ctx, c, id, at, dial, mode)
	})
}

func (n node) ChangeState(ctx context.Context, c credentials, id finesse.RequestID, to gc.UserState, reason gc.ReasonCodeID) error {
	return n.guard.use(ctx, c, func(ctx context.Context, c credentials) error { return n.Node.ChangeState(ctx, c, id, to, reason) })
}

func (n node) Dialogs(ctx context.Context, c credentials) ([]finesse.Dialog, error) {
	return get(ctx, n, c, n.Node.Dialogs)
}

func (n node) Dialog(ctx context.Context, c credentials, id gc.DialogID) (finesse.Dialog, error) {
	return get(ctx, n, c, func(ctx context.Context, c credentials) (finesse.Dialog, error) { return n.Node.Dialog(ctx, c, id) })
}

func (n node) MakeCall(ctx context.Context, c credentials, id finesse.RequestID, from gc.Extension, to gc.PhoneNumber) error {
	return n.guard.use(ctx, c, func(ctx context.Context, c credentials) error { return n.Node.MakeCall(ctx, c, id, from, to) })
}

func (n node) Act(ctx context.Context, c credentials, id finesse.RequestID, dialog gc.DialogID, action finesse.Action, target gc.Extension) error {
	return n.guard.use(ctx, c, func(ctx context.Context, c credentials) error { return n.Node.Act(ctx, c, id, dialog, action, target) })
}

func (n node) Consult(ctx context.Context, c credentials, id finesse.RequestID, dialog gc.DialogID, target gc.Extension, to gc.PhoneNumber) error {
	return n.guard.use(ctx, c, func(ctx context.Context, c credentials) error { return n.Node.Consult(ctx, c, id, dialog, target, to) })
}

func (n node) TransferSST(ctx context.Context, c credentials, id finesse.RequestID, dialog gc.DialogID, target gc.Extension, to gc.PhoneNumber) error {
	return n.guard.use(ctx, c, func(ctx context.Context, c credentials) error {
		return n.Node.TransferSST(ctx, c, id, dialog, target, to)
	})
}

func (n node) UpdateCallData(ctx context.Context, c credentials, id finesse.RequestID, dialog gc.DialogID, wrapUp string, variables []gc.CallVariable) error {
	return n.guard.use(ctx, c, func(ctx context.Context, c credentials) error {
		return n.Node.UpdateCallData(ctx, c, id, dialog, wrapUp, variables)
	})
}

func (n node) ReasonCodes(ctx context.Context, c credentials, category gc.ReasonCategory) ([]gc.ReasonCode, error) {
	return get(ctx, n, c, func(ctx context.Context, c credentials) ([]gc.ReasonCode, error) {
		return n.Node.ReasonCodes(ctx, c, category)
	})
}

func (n node) WrapUpReasons(ctx context.Context, c credentials) ([]gc.ReasonCode, error) {
	return get(ctx, n, c, n.Node.WrapUpReasons)
}

func (n node) PhoneBooks(ctx context.Context, c credentials) ([]finesse.PhoneBook, error) {
	return get(ctx, n, c, n.Node.PhoneBooks)
}

func (n node) TeamPhoneBooks(ctx context.Context, c credentials, id gc.TeamID) ([]finesse.PhoneBook, error) {
	return get(ctx, n, c, func(ctx context.Context, c credentials) ([]finesse.PhoneBook, error) {
		return n.Node.TeamPhoneBooks(ctx, c, id)
	})
}

func (n node) Queues(ctx context.Context, c credentials) ([]gc.Queue, error) {
	return get(ctx, n, c, n.Node.Queues)
}

func (n node) Team(ctx context.Context, c credentials, id gc.TeamID) ([]gc.TeamUser, error) {
	return get(ctx, n, c, func(ctx context.Context, c credentials) ([]gc.TeamUser, error) { return n.Node.Team(ctx, c, id) })
}

func (n node) Member(ctx context.Context, c credentials, id gc.AgentID) (finesse.User, error) {
	return get(ctx, n, c, func(ctx context.Context, c credentials) (finesse.User, error) { return n.Node.Member(ctx, c, id) })
}

func (n node) ChangeMemberState(ctx context.Context, c credentials, id finesse.RequestID, member gc.AgentID, to gc.UserState) error {
	return n.guard.use(ctx, c, func(ctx context.Context, c credentials) error {
		return n.Node.ChangeMemberState(ctx, c, id, member, to)
	})
}

func (n node) SilentMonitor(ctx context.Context, c credentials, id finesse.RequestID, from, agent gc.Extension) error {
	return n.guard.use(ctx, c, func(ctx context.Context, c credentials) error {
		return n.Node.SilentMonitor(ctx, c, id, from, agent)
	})
}

func (n node) BargeIn(ctx context.Context, c credentials, id finesse.RequestID, from, agent gc.Extension, monitored gc.DialogID) error {
	return n.guard.use(ctx, c, func(ctx context.Context, c credentials) error {
		return n.Node.BargeIn(ctx, c, id, from, agent, monitored)
	})
}
