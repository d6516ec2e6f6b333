package session

import (
	"context"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/recording"
)

// Node is one Finesse server as a session uses it. Every method but Subscribe
// is a REST request; all end by ctx or their own deadline and return errors
// that have a gc.Error in their chain.
type Node interface {
	// Name is for the log.
	Name() string
	// Usable reports whether the node can be used as far as is known, and gives
	// a channel that is closed when that may have changed of any node. It never
	// blocks.
	Usable() (usable bool, changed <-chan struct{})
	// Verify asks the node how it is, for somebody to whom it failed; what it
	// finds shows in Usable and Options.Node. It returns when that is known or
	// ctx is done, and at once where there is no other node to go to.
	Verify(ctx context.Context)

	// The agent itself.
	User(context.Context, finesse.Credentials) (finesse.User, error)
	SignIn(context.Context, finesse.Credentials, finesse.RequestID, gc.Extension) error
	SignInMobile(ctx context.Context, c finesse.Credentials, id finesse.RequestID, at gc.Extension, dial gc.PhoneNumber, mode string) error
	ChangeState(context.Context, finesse.Credentials, finesse.RequestID, gc.UserState, gc.ReasonCodeID) error

	// Its calls.
	Dialogs(context.Context, finesse.Credentials) ([]finesse.Dialog, error)
	Dialog(context.Context, finesse.Credentials, gc.DialogID) (finesse.Dialog, error)
	MakeCall(context.Context, finesse.Credentials, finesse.RequestID, gc.Extension, gc.PhoneNumber) error
	Act(context.Context, finesse.Credentials, finesse.RequestID, gc.DialogID, finesse.Action, gc.Extension) error
	Consult(context.Context, finesse.Credentials, finesse.RequestID, gc.DialogID, gc.Extension, gc.PhoneNumber) error
	TransferSST(context.Context, finesse.Credentials, finesse.RequestID, gc.DialogID, gc.Extension, gc.PhoneNumber) error
	UpdateCallData(context.Context, finesse.Credentials, finesse.RequestID, gc.DialogID, string, []gc.CallVariable) error

	// What it may know.
	ReasonCodes(context.Context, finesse.Credentials, gc.ReasonCategory) ([]gc.ReasonCode, error)
	WrapUpReasons(context.Context, finesse.Credentials) ([]gc.ReasonCode, error)
	PhoneBooks(context.Context, finesse.Credentials) ([]finesse.PhoneBook, error)
	TeamPhoneBooks(context.Context, finesse.Credentials, gc.TeamID) ([]finesse.PhoneBook, error)
	Queues(context.Context, finesse.Credentials) ([]gc.Queue, error)
	// AllUsers asks as the site's administrator; NOT_CONFIGURED without one.
	AllUsers(context.Context) ([]gc.TeamUser, error)

	// A supervisor's teams.
	Team(context.Context, finesse.Credentials, gc.TeamID) ([]gc.TeamUser, error)
	Member(context.Context, finesse.Credentials, gc.AgentID) (finesse.User, error)
	ChangeMemberState(context.Context, finesse.Credentials, finesse.RequestID, gc.AgentID, gc.UserState) error
	SilentMonitor(ctx context.Context, c finesse.Credentials, id finesse.RequestID, from, agent gc.Extension) error
	BargeIn(ctx context.Context, c finesse.Credentials, id finesse.RequestID, from, agent gc.Extension, monitored gc.DialogID) error

	// Subscribe opens the agent's notification stream: when it returns,
	// presence is sent and every later change will be notified.
	Subscribe(context.Context, finesse.Credentials) (Stream, error)
}

// Stream is an agent's notification stream.
type Stream interface {
	Updates() <-chan finesse.Update // closed when the stream is lost
	Err() error                     // why, once Updates is closed
	// SubscribeTeam adds the changes of a team's members, until LeaveTeams, of that
	// team or of all, or the end of the stream. Its answer comes after Updates, which must be
	// taken meanwhile.
	SubscribeTeam(context.Context, gc.TeamID) error
	LeaveTeams(context.Context, ...gc.TeamID)
	Close() // does not block, may be called twice; leaves the teams too
}

// Recorder is the site's recorder of calls, which Finesse knows nothing of.
type Recorder interface {
	Pause(context.Context, recording.Call) error
	Resume(context.Context, recording.Call) error
}

// Licences bounds how many agents are signed in at a time.
type Licences interface {
	Take() bool // false: the limit is reached
	Give()
}
