package session_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest"
	"go.uber.org/zap/zaptest/observer"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/passwords"
	"github.com/finesse-connector/finesse-connector/internal/recording"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage is a session between a driver and a Finesse that does as told. Every
// test runs in synctest's time.
type stage struct {
	*testing.T
	logs    *observer.ObservedLogs
	mu      sync.Mutex
	session *session.Session
	ended   bool
	heard   []string // what the drivers got, as "destination: text"
	emitted func(session.Emission)
	acks    int
	codes   []gc.Code
	free    int            // licences
	replyTo gc.Destination // of commands that name no destination

	// Finesse
	asked      []string // requests other than reads
	password   string
	sso        bool                  // the password is an access token
	joined     func()                // if set, a stream was opened
	leaders    string                // token of a supervisor, which reads members, too
	slowTokens time.Duration         // how long Finesse takes to say that one is wrong
	owner      map[string]gc.AgentID // whom Finesse answers with, whomever it was asked about, by token
	slowCalls  time.Duration         // how long Finesse takes to list the calls
	refusals   int                   // of passwords
	user       finesse.User
	dialogs    []finesse.Dialog
	answer     func(request string) error // of requests other than reads; nil: accepted
	hold       chan struct{}              // if set, requests wait for it
	patience   time.Duration              // and no longer than this, if it is set
	refused    func(gc.Secret, time.Time) // if set, hears of wrong passwords and when the request began
	readErr    error
	reads      int // of the calls
	dialErr    error
	stream     *fakeStream
	dials      int
	dialled    gc.AgentID       // whose stream it was last
	team       []gc.TeamUser    // of team 1, which agent 1001 leads
	leads      []gc.AgentID     // told by the session
	followers  []gc.Destination // of every member
	member     finesse.User
	books      []finesse.PhoneBook

	nodes
}

type fakeStream struct {
	mu      sync.Mutex
	updates chan finesse.Update
	err     error
	closed  bool
	teams   []gc.TeamID
	refuse  error // of SubscribeTeam
}

func (f *fakeStream) SubscribeTeam(_ context.Context, id gc.TeamID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return gc.Errorf(gc.UnableToSubscribe, "notify", "closed")
	}
	f.teams = append(f.teams, id)
	return f.refuse
}

func (f *fakeStream) LeaveTeams(_ context.Context, which ...gc.TeamID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.teams = slices.DeleteFunc(f.teams, func(id gc.TeamID) bool { return len(which) == 0 || slices.Contains(which, id) })
}

func (f *fakeStream) Updates() <-chan finesse.Update { return f.updates }
func (f *fakeStream) Err() error                     { return f.err }

func (f *fakeStream) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
}

// scene is a test of its own; see play.
func scene(t *testing.T, rule string, acts func(*stage)) {
	t.Run(rule, func(t *testing.T) { play(t, acts) })
}

// play runs a scene with one agent, 1001, whom nobody has connected.
func play(t *testing.T, scene func(*stage)) {
	playWith(t, func(*stage, *session.Options) {}, scene)
}

// playWith is play with a session that direct has wired differently.
func playWith(t *testing.T, direct func(*stage, *session.Options), scene func(*stage)) {
	synctest.Test(t, func(t *testing.T) {
		st := &stage{T: t, password: "secret", free: 1, replyTo: "/queue/reply", user: finesse.User{LoginID: "1001", FirstName: "Ann", LastName: "Smith", State: gc.LoggedOut}}
		st.changed, st.b = make(chan struct{}), &second{stage: st}
		seen, logs := observer.New(zap.InfoLevel)
		st.logs = logs
		guard := passwords.New(passwords.Options{})
		options := session.Options{
			AsText:    (&wire.Writer{Substitute: '_'}).Value,
			Agent:     "1001",
			Node:      func() session.Node { return guard.Node(st.best()) },
			Bound:     func(gc.Destination, *session.Request) {},
			Followers: func(gc.AgentID) []gc.Destination { return st.followers },
			Leads:     func(members []gc.AgentID) { st.leads = members },
			Emit: func(e session.Emission) {
				st.turn() // it may be time alone that brings it about
				if st.emitted != nil {
					st.emitted(e)
				}
				body := st.text(e.Event)
				if e.Cause != nil && e.Cause.CorrelationID != "" {
					body += " <" + e.Cause.CorrelationID + ">"
				}
				if row := wire.RowOf(e.Event); row.Deprecated || e.Destination == "" && e.Cause == nil {
					return // for old drivers, and for other connectors
				}
				st.heard = append(st.heard, e.Destination.Name()+": "+shorten(body))
				if e.Acknowledge != nil {
					e.Acknowledge()
				}
			},
			Ended:         func() { st.turn(); st.ended = true },
			Licences:      st,
			Recorder:      st,
			SystemChanged: func() { st.heard = append(st.heard, "system changed") },
			Logger:        zaptest.NewLogger(t, zaptest.WrapOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core { return zapcore.NewTee(c, seen) }))),
			Times: session.Times{Outcome: 15 * time.Second, Idle: 10 * time.Minute, Refused: 5 * time.Second, Backoff: func(n int) time.Duration { return time.Duration(n+1) * time.Second },
				Attempt: 20 * time.Second, Jitter: func() time.Duration { return jitter }, Undo: time.Minute, UndoAfter: time.Second},
		}
		direct(st, &options)
		st.session = session.New(options)
		ctx, cancel := context.WithCancel(t.Context())
		go st.session.Run(ctx)
		scene(st)
		cancel()
		synctest.Wait()
		require.True(t, st.ended)
	})
}

func (st *stage) text(e gc.Event) string {
	writer := wire.Writer{Location: time.UTC, Substitute: '_'}
	return writer.Write(wire.Text, e).Body
}

// shorten leaves out call variables, which are always the ten empty ones.
func shorten(body string) string {
	fields := strings.Split(body, "#")
	for i, f := range fields {
		if strings.Contains(f, "callVariable1=") {
			fields[i] = "…"
		}
	}
	return strings.Join(fields, "#")
}

func (st *stage) Take() bool { st.free--; return st.free >= 0 }
func (st *stage) Give()      { st.free++ }

// send gives the session a command and waits until it has done what it can.
func (st *stage) send(typ, body string) {
	st.submit(typ, body)
	synctest.Wait()
}

func (st *stage) submit(typ, body string) {
	c, err := wire.ParseCommand(typ, body)
	require.NoError(st, st.session.Submit(&session.Request{
		Command: c, Refusal: err, ID: finesse.RequestID("req-" + typ), ReplyTo: cmp.Or(c.Destination, st.replyTo),
		Acknowledge: func() { st.acks++ }, Finished: st.finished,
	}))
}

// turn orders what the scene and Finesse do for the race detector: the time of
// a scene stands still while anybody acts.
func (st *stage) turn() {
	st.mu.Lock()
	defer st.mu.Unlock()
}

// wait lets d pass in the scene's time.
func (st *stage) wait(d time.Duration) {
	st.turn()
	<-time.After(d)
	synctest.Wait()
}

func (st *stage) finished(err error) {
	code := gc.Code("")
	if err != nil {
		code = gc.CodeOf(err)
	}
	st.codes = append(st.codes, code)
}

// hears compares what the drivers got since the last time.
func (st *stage) hears(want ...string) {
	st.Helper()
	synctest.Wait()
	require.Equal(st, strings.Join(want, "\n"), strings.Join(st.heard, "\n"))
	st.heard = nil
}

// asks compares what Finesse was asked to do since the last time.
func (st *stage) asks(want ...string) {
	st.Helper()
	require.Equal(st, strings.Join(want, "\n"), strings.Join(st.asked, "\n"))
	st.asked = nil
}

func (st *stage) check(ctx context.Context, c finesse.Credentials) error {
	st.turn()
	began := time.Now()
	if err := st.wanted(ctx, st.hold); err != nil {
		return err
	}
	if st.down != nil {
		return st.down
	}
	return st.prove(c, began)
}

func (st *stage) prove(c finesse.Credentials, began time.Time) error {
	if c.Password.IsToken() == st.sso && (c.Password.Reveal() == st.password || st.sso && c.Password.Reveal() == st.leaders) {
		return nil
	}
	if st.slowTokens > 0 {
		<-time.After(st.slowTokens)
	}
	st.mu.Lock()
	st.refusals++
	st.mu.Unlock()
	if st.refused != nil {
		st.refused(c.Password, began)
	}
	return errRefused
}

// errRefused is a password that Finesse refuses.
var errRefused = gc.Errorf(gc.SubscriptionFailed, "finesse", "401: %w", finesse.ErrPasswordRefused)

// wanted lets a request wait for hold, if there is one.
func (st *stage) wanted(ctx context.Context, hold chan struct{}) error {
	if hold == nil {
		return nil
	}
	var late <-chan time.Time
	if st.patience > 0 {
		late = time.After(st.patience)
	}
	defer st.turn() // much may have happened
	select {
	case <-hold:
		return nil
	case <-late:
		return errNoAnswer
	case <-ctx.Done():
		return &gc.Error{Code: gc.Down, Op: "finesse", Err: ctx.Err()}
	}
}

func (st *stage) read(ctx context.Context, c finesse.Credentials) error {
	if err := st.check(ctx, c); err != nil {
		return err
	}
	return st.readErr
}

// note remembers what Finesse is asked; two requests may be under way.
func (st *stage) note(request string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.asked = append(st.asked, request)
}

func (st *stage) do(ctx context.Context, c finesse.Credentials, format string, args ...any) error {
	request := fmt.Sprintf(format, args...)
	st.note(request)
	if err := st.check(ctx, c); err != nil {
		return err
	}
	if st.answer != nil {
		return st.answer(request)
	}
	return nil
}

func (st *stage) User(ctx context.Context, c finesse.Credentials) (finesse.User, error) {
	err := st.read(ctx, c)
	u := st.user
	if id := st.owner[c.Password.Reveal()]; id != "" {
		u.LoginID = id
	}
	return u, err
}

func (st *stage) Dialogs(ctx context.Context, c finesse.Credentials) ([]finesse.Dialog, error) {
	st.mu.Lock()
	st.reads++
	st.mu.Unlock()
	if st.slowCalls > 0 {
		<-time.After(st.slowCalls)
	}
	err := st.read(ctx, c)
	return st.dialogs, err
}

func (st *stage) Dialog(ctx context.Context, c finesse.Credentials, id gc.DialogID) (finesse.Dialog, error) {
	if err := st.read(ctx, c); err != nil {
		return finesse.Dialog{}, err
	}
	for _, d := range st.dialogs {
		if d.ID == id {
			return d, nil
		}
	}
	return finesse.Dialog{}, gc.Errorf(gc.NoDialogID, "finesse", "404")
}

func (st *stage) ReasonCodes(ctx context.Context, c finesse.Credentials, k gc.ReasonCategory) ([]gc.ReasonCode, error) {
	return []gc.ReasonCode{{ID: "8", Label: "Lunch " + string(k)}}, st.read(ctx, c)
}

func (st *stage) SignIn(ctx context.Context, c finesse.Credentials, _ finesse.RequestID, e gc.Extension) error {
	return st.do(ctx, c, "LOGIN %s", e)
}

func (st *stage) ChangeState(ctx context.Context, c finesse.Credentials, _ finesse.RequestID, u gc.UserState, r gc.ReasonCodeID) error {
	return st.do(ctx, c, "%s %s", u, r)
}

func (st *stage) MakeCall(ctx context.Context, c finesse.Credentials, _ finesse.RequestID, from gc.Extension, to gc.PhoneNumber) error {
	return st.do(ctx, c, "MAKE_CALL %s %s", from, to)
}

func (st *stage) Act(ctx context.Context, c finesse.Credentials, _ finesse.RequestID, id gc.DialogID, a finesse.Action, e gc.Extension) error {
	return st.do(ctx, c, "%s %s %s", a, id, e)
}

func (st *stage) SignInMobile(ctx context.Context, c finesse.Credentials, _ finesse.RequestID, e gc.Extension, dial gc.PhoneNumber, mode string) error {
	return st.do(ctx, c, "LOGIN %s %s %s", e, dial, mode)
}

func (st *stage) Consult(ctx context.Context, c finesse.Credentials, _ finesse.RequestID, id gc.DialogID, from gc.Extension, to gc.PhoneNumber) error {
	return st.do(ctx, c, "CONSULT_CALL %s %s %s", id, from, to)
}

func (st *stage) TransferSST(ctx context.Context, c finesse.Credentials, _ finesse.RequestID, id gc.DialogID, from gc.Extension, to gc.PhoneNumber) error {
	return st.do(ctx, c, "TRANSFER_SST %s %s %s", id, from, to)
}

func (st *stage) UpdateCallData(ctx context.Context, c finesse.Credentials, _ finesse.RequestID, id gc.DialogID, reason string, vars []gc.CallVariable) error {
	return st.do(ctx, c, "UPDATE_CALL_DATA %s %q %v", id, reason, vars)
}

func (st *stage) WrapUpReasons(ctx context.Context, c finesse.Credentials) ([]gc.ReasonCode, error) {
	return []gc.ReasonCode{{ID: "5", Label: "Sold, delivery later"}, {ID: "6", Label: "Sold"}}, st.read(ctx, c)
}

func (st *stage) Subscribe(_ context.Context, c finesse.Credentials) (session.Stream, error) {
	stream, err := st.open(c)
	if err == nil && st.joined != nil {
		st.joined()
	}
	return stream, err
}

func (st *stage) open(c finesse.Credentials) (session.Stream, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.dials++
	st.dialled = c.ID()
	if err := cmp.Or(st.down, st.dialErr); err != nil {
		return nil, err
	}
	if id := st.owner[c.Password.Reveal()]; id != "" && id == c.ID() {
		st.stream = &fakeStream{updates: make(chan finesse.Update, 64)}
		return st.stream, nil
	}
	if st.sso && c.Password.Reveal() != st.password {
		return nil, errRefused
	}
	st.stream = &fakeStream{updates: make(chan finesse.Update, 64)}
	return st.stream, nil
}

// userIs lets the agent's state change, with a notification.
func (st *stage) userIs(state gc.UserState, more ...func(*finesse.User)) {
	st.user.State, st.user.ReasonCodeID, st.user.PendingState = state, "", ""
	for _, f := range more {
		f(&st.user)
	}
	u := st.user
	st.stream.updates <- finesse.Update{Event: finesse.Put, User: &u, Source: "/finesse/api/User/1001"}
	synctest.Wait()
}

func reason(r gc.ReasonCodeID) func(*finesse.User) {
	return func(u *finesse.User) { u.ReasonCodeID = r }
}
func pending(p gc.UserState) func(*finesse.User)   { return func(u *finesse.User) { u.PendingState = p } }
func extension(e gc.Extension) func(*finesse.User) { return func(u *finesse.User) { u.Extension = e } }
func (st *stage) notify(u finesse.Update)          { st.stream.updates <- u; synctest.Wait() }
func (st *stage) dialog(e finesse.Event, d finesse.Dialog) {
	st.notify(finesse.Update{Event: e, Dialogs: []finesse.Dialog{d}})
}

func (st *stage) rejects(id finesse.RequestID, source, message string) {
	st.notify(finesse.Update{Event: finesse.Put, RequestID: id, Source: source, Error: &finesse.APIError{Type: "Generic Error", Message: message}})
}

// leg makes a call from from in which the agent's phone, 2001, has state.
func leg(id gc.DialogID, from string, state gc.CallState, more ...finesse.Participant) finesse.Dialog {
	return finesse.Dialog{ID: id, State: gc.Active, FromAddress: from, Participants: append([]finesse.Participant{
		{MediaAddress: "2001", AddressType: "AGENT_DEVICE", State: state}}, more...)}
}

// signIn connects the agent for the driver crm and signs it in.
func (st *stage) signIn() {
	st.send("Connect#1001", "crm,secret")
	st.send("Login#1001", "secret,2001")
	st.userIs(gc.NotReady, extension("2001"))
	st.hears("crm: 1001#AgentInfo#Ann#Smith#false##Ann Smith", "crm: 1001#State#NOT_READY##Ann Smith")
	st.asks("LOGIN 2001")
	st.acks, st.codes = 0, nil
}

func (st *stage) Team(ctx context.Context, c finesse.Credentials, id gc.TeamID) ([]gc.TeamUser, error) {
	if id != "1" {
		return nil, gc.Errorf(gc.GeneralError, "finesse", "404")
	}
	return slices.Clone(st.team), st.read(ctx, c)
}

func (st *stage) Member(ctx context.Context, c finesse.Credentials, id gc.AgentID) (finesse.User, error) {
	if id != st.member.LoginID {
		return finesse.User{}, gc.Errorf(gc.UserNotFound, "finesse", "404")
	}
	return st.member, st.read(ctx, c)
}

func (st *stage) ChangeMemberState(ctx context.Context, c finesse.Credentials, _ finesse.RequestID, id gc.AgentID, u gc.UserState) error {
	return st.do(ctx, c, "%s %s", id, u)
}

func (st *stage) SilentMonitor(ctx context.Context, c finesse.Credentials, _ finesse.RequestID, from, agent gc.Extension) error {
	return st.do(ctx, c, "SILENT_MONITOR %s %s", from, agent)
}

func (st *stage) BargeIn(ctx context.Context, c finesse.Credentials, _ finesse.RequestID, from, agent gc.Extension, id gc.DialogID) error {
	return st.do(ctx, c, "BARGE_CALL %s %s %s", from, agent, id)
}

func (st *stage) Queues(ctx context.Context, c finesse.Credentials) ([]gc.Queue, error) {
	return []gc.Queue{{Name: "Sales", CallsInQueue: 3}}, st.read(ctx, c)
}

func (st *stage) PhoneBooks(ctx context.Context, c finesse.Credentials) ([]finesse.PhoneBook, error) {
	return st.books, st.read(ctx, c)
}

func (st *stage) TeamPhoneBooks(ctx context.Context, c finesse.Credentials, id gc.TeamID) ([]finesse.PhoneBook, error) {
	return []finesse.PhoneBook{{Phonebook: gc.Phonebook{ID: "9", Name: "Team " + string(id), Type: "TEAM"}}}, st.read(ctx, c)
}

func (st *stage) AllUsers(context.Context) ([]gc.TeamUser, error) {
	if st.readErr != nil {
		return nil, st.readErr
	}
	return slices.Clone(st.team), nil
}

func (st *stage) Pause(_ context.Context, c recording.Call) error {
	return st.record("pause", c)
}

func (st *stage) Resume(_ context.Context, c recording.Call) error {
	return st.record("resume", c)
}

func (st *stage) record(what string, c recording.Call) error {
	st.note(fmt.Sprintf("%s %s %s %s", what, c.Agent, c.Extension, c.Dialog))
	return st.readErr
}
