package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/finesse-connector/finesse-connector/internal/bridge"
	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage is a bridge between a broker that confirms everything at once and a
// Finesse where every agent is signed in at 2001 and READY.
type stage struct {
	*testing.T
	session.Node // nil: the methods below are all that is asked
	bridge       *bridge.Bridge
	registry     *prometheus.Registry
	logs         *observer.ObservedLogs
	out          chan broker.Message
	acks         chan string
	hold         chan struct{}             // if set, Finesse answers nobody before it is closed
	intercept    func(broker.Message) bool // if set, may take an event from the broker
	refusals     atomic.Int32              // of passwords
	password     atomic.Value              // of all agents
	down         atomic.Bool               // Finesse is away
	hangs        string                    // how the agents' ids begin of whom Finesse answers no request, "" for none
	takes        time.Duration             // each request
	supervisor   atomic.Value              // with whose credentials a member's state was changed last
}

const (
	prefetch  = 1000 // how many commands a stage's broker gives at a time
	strangers = prefetch + 100
)

func play(t *testing.T, limit int, scene func(*stage)) {
	playWith(t, func(o *bridge.Options) { o.Settings.AgentLimit = limit }, scene)
}

// playWith plays a scene on a stage that change makes another one.
func playWith(t *testing.T, change func(*bridge.Options), scene func(*stage)) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		st := &stage{T: t, registry: prometheus.NewRegistry(), logs: logs, out: make(chan broker.Message, 1000), acks: make(chan string, 2000)}
		st.password.Store("secret")
		o := bridge.Options{
			Publish: func(m broker.Message) {
				if m.Lasts == broker.UntilSent && m.Confirmed != nil {
					require.NotNil(t, m.Lost, "%s: a command whose answer is lost is settled by who is told", m.Body)
				}
				if st.intercept != nil && st.intercept(m) {
					return
				}
				st.out <- m
				if m.Answered != nil {
					m.Answered(true)
				}
				if m.Confirmed != nil {
					m.Confirmed()
				}
			},
			Node:          func() session.Node { return st },
			SystemChanged: func() {},
			Settings:      settings(0, "web."),
			Times:         session.DefaultTimes,
			Limits:        bridge.Limits{AtOnce: bridge.DefaultLimits.AtOnce, Strangers: strangers, Prefetch: prefetch},
			Logger:        zap.New(core),
			Registerer:    st.registry,
		}
		change(&o)
		st.bridge = bridge.New(o)
		scene(st)
		stop, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		st.bridge.Stop(stop)
	})
}

func (st *stage) Name() string                    { return "a" }
func (st *stage) Usable() (bool, <-chan struct{}) { return true, nil }
func (st *stage) Verify(context.Context)          {}

// settings give destinations whose name begins with web JSON.
func settings(limit int, web string) bridge.Settings {
	return bridge.Settings{
		Writer: &wire.Writer{Location: time.UTC, Substitute: '_'},
		Format: wire.Text, Formats: wire.FormatRules{gc.Pattern(web + "*"): wire.JSON},
		AgentLimit: limit, MaxCommandAge: time.Minute, Own: []string{"Connector1", "ConnectorSync"},
	}
}

// send delivers one command; its acknowledgement shows in acks.
func (st *stage) send(d *broker.Delivery) {
	st.begin(d)
	synctest.Wait()
}

func (st *stage) begin(d *broker.Delivery) { st.bridge.HandleWith(d, func() { st.acks <- d.Type }) }

func (st *stage) command(typ, body string) {
	st.send(&broker.Delivery{Type: typ, Body: body, Text: true})
}

// hears compares what was published and how many commands were acknowledged
// since the last time.
func (st *stage) hears(acks int, want ...string) {
	st.Helper()
	synctest.Wait()
	var got []string
	for len(st.out) > 0 {
		m := <-st.out
		line := string(m.Destination) + " " + string(m.Category) + " " + m.Body
		if m.CorrelationID != "" {
			line += " <" + m.CorrelationID + ">"
		}
		got = append(got, line)
	}
	require.Equal(st, strings.Join(want, "\n"), strings.Join(got, "\n"))
	require.Len(st, st.acks, acks)
	for range acks {
		<-st.acks
	}
}

func (st *stage) count(name string) float64 {
	n, err := testutil.GatherAndCount(st.registry, name)
	require.NoError(st, err)
	require.NotZero(st, n, name)
	families, err := st.registry.Gather()
	require.NoError(st, err)
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return 0
}

func (st *stage) wait(ctx context.Context) error {
	if st.takes > 0 {
		<-time.After(st.takes)
	}
	if st.hold == nil {
		return nil
	}
	select {
	case <-st.hold:
		return nil
	case <-ctx.Done():
		return &gc.Error{Code: gc.Down, Op: "finesse", Err: ctx.Err()}
	}
}

func (st *stage) User(ctx context.Context, c finesse.Credentials) (finesse.User, error) {
	if st.down.Load() {
		return finesse.User{}, gc.Errorf(gc.Down, "finesse", "connection refused")
	}
	if st.hangs != "" && strings.HasPrefix(string(c.Agent), st.hangs) {
		<-time.After(5 * time.Second)
		return finesse.User{}, gc.Errorf(gc.NotReachable, "finesse", "time-out")
	}
	if c.Password.Reveal() != st.password.Load() {
		st.refusals.Add(1)
		return finesse.User{}, gc.Errorf(gc.SubscriptionFailed, "finesse", "401: %w", finesse.ErrPasswordRefused)
	}
	u := finesse.User{LoginID: c.Agent, FirstName: "Ann", State: gc.Ready, Extension: "2001"}
	if c.Agent == "2001" {
		u.FirstName, u.Roles, u.Teams = "Sue", []string{"Supervisor"}, []gc.Team{{ID: "1", Name: "Sales"}}
	}
	return u, st.wait(ctx)
}

func (st *stage) Team(ctx context.Context, _ finesse.Credentials, _ gc.TeamID) ([]gc.TeamUser, error) {
	return []gc.TeamUser{{LoginID: "1005", FirstName: "Bob", State: gc.NotReady}}, st.wait(ctx)
}

func (st *stage) Member(ctx context.Context, _ finesse.Credentials, id gc.AgentID) (finesse.User, error) {
	return finesse.User{LoginID: id, FirstName: "Bob", State: gc.Ready}, st.wait(ctx)
}

func (st *stage) ChangeMemberState(ctx context.Context, c finesse.Credentials, _ finesse.RequestID, _ gc.AgentID, _ gc.UserState) error {
	st.supervisor.Store(c.Agent)
	return st.wait(ctx)
}
func (st *stage) Dialogs(ctx context.Context, _ finesse.Credentials) ([]finesse.Dialog, error) {
	return nil, st.wait(ctx)
}
func (st *stage) ReasonCodes(ctx context.Context, _ finesse.Credentials, _ gc.ReasonCategory) ([]gc.ReasonCode, error) {
	return []gc.ReasonCode{{ID: "1", Label: "a,b"}}, st.wait(ctx)
}
func (st *stage) SignIn(ctx context.Context, _ finesse.Credentials, _ finesse.RequestID, _ gc.Extension) error {
	return st.wait(ctx)
}
func (st *stage) ChangeState(ctx context.Context, _ finesse.Credentials, _ finesse.RequestID, _ gc.UserState, _ gc.ReasonCodeID) error {
	return st.wait(ctx)
}

func (st *stage) Subscribe(context.Context, finesse.Credentials) (session.Stream, error) {
	return quiet{}, nil
}

// quiet is a stream on which nothing happens.
type quiet struct{}

func (quiet) Updates() <-chan finesse.Update           { return nil }
func (quiet) Err() error                               { return nil }
func (quiet) Close()                                   {}
func (quiet) LeaveTeams(context.Context, ...gc.TeamID) {}

func (quiet) SubscribeTeam(context.Context, gc.TeamID) error { return nil }

const signedIn = "/topic/crm agent_info 1001#AgentInfo#Ann##false##Ann\n/topic/crm agent_state 1001#State#READY##Ann"

func TestSystemStatus(t *testing.T) {
	t.Run("Hello and Beat are answered on the destination they name", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Hello#crm", "")
			st.bridge.SetStatus(gc.InService)
			st.send(&broker.Delivery{Type: "Beat#queue://crm", CorrelationID: "7"})
			st.hears(2, "/topic/crm system System#OUT_OF_SERVICE", "/topic/crm system System#IN_SERVICE",
				"/queue/crm system System#IN_SERVICE <7>", "/queue/crm agent_state DESTINATION#crm#RECONNECT")
		})
	})
	t.Run("Beat of a destination that is not known asks for its agents, once", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Beat#crm", "")
			st.command("Beat#crm", "")
			st.hears(2, "/topic/crm system System#OUT_OF_SERVICE", "/topic/crm agent_state DESTINATION#crm#RECONNECT", "/topic/crm system System#OUT_OF_SERVICE")
		})
	})
	t.Run("also if somebody said Hello for it, but not if an agent has worked there", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Hello#crm", "")
			st.command("Beat#crm", "")
			st.command("Connect#1001", "desk,secret")
			st.command("GetState#1001", "")
			st.command("Beat#desk", "")
			status := "system System#OUT_OF_SERVICE"
			st.hears(5, "/topic/crm "+status, "/topic/crm "+status, "/topic/crm agent_state DESTINATION#crm#RECONNECT",
				"/topic/desk agent_state 1001#State#READY##Ann", "/topic/desk "+status)
		})
	})
	t.Run("Finesse that does not answer is another status than one that is out of service", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Hello#crm", "")
			st.bridge.SetStatus(gc.FinesseNotHeard)
			st.hears(1, "/topic/crm system System#OUT_OF_SERVICE", "/topic/crm system System#NOT_REACHABLE")
		})
	})
	t.Run("a change is told to every destination once", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#1001", "crm,secret")
			for range 3 {
				st.bridge.SetStatus(gc.InService)
			}
			st.hears(1, "/topic/crm system System#IN_SERVICE")
		})
	})
}

func TestFormats(t *testing.T) {
	t.Run("the configuration chooses for a client that asks for none", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Hello#web.7", "")
			st.hears(1, `/topic/web.7 system {"type":"System","status":"OUT_OF_SERVICE"}`)
		})
	})
	t.Run("the client chooses on Hello or Connect, and that stays", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.send(&broker.Delivery{Type: "Hello#crm", Format: "text-old"})
			st.send(&broker.Delivery{Type: "Hello#crm", Format: "JSON"})
			st.command("Hello#crm", "")
			inJSON := `/topic/crm system {"type":"System","status":"OUT_OF_SERVICE"}`
			st.hears(3, "/topic/crm system System#OUT_OF_SERVICE", inJSON, inJSON)
			st.send(&broker.Delivery{Type: "Connect#1001", Body: "crm,secret", Format: "text"})
			st.command("Hello#crm", "")
			st.hears(2, "/topic/crm system System#OUT_OF_SERVICE")
		})
	})
	t.Run("where agents work only who proves a password changes it, and not before", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#1001", "crm,secret")
			st.send(&broker.Delivery{Type: "Hello#crm", Format: "json"})
			st.send(&broker.Delivery{Type: "Connect#1001", Body: "crm,wrong", Format: "json"})
			st.send(&broker.Delivery{Type: "Connect#1002", Body: "crm,wrong", Format: "json"})
			st.hears(4, "/topic/crm system System#OUT_OF_SERVICE", "/topic/crm agent_error 1002#Error#SUBSCRIPTION_FAILED")
			st.hold = make(chan struct{})
			st.send(&broker.Delivery{Type: "Connect#1002", Body: "crm,secret", Format: "json"})
			st.command("GetState#1002", "")
			st.bridge.SetStatus(gc.InService)
			st.hears(0, "/topic/crm system System#IN_SERVICE")
			close(st.hold)
			st.hears(2, `/topic/crm agent_state {"type":"State","agentId":"1002","state":"READY","reasonCode":"","stateChangeTimeString":"","pendingState":"","stateChangeTime":""}`)
			st.bridge.SetStatus(gc.OutOfService)
			st.hears(0, `/topic/crm system {"type":"System","status":"OUT_OF_SERVICE"}`)
		})
	})
	t.Run("a format there is not is logged and not taken", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.send(&broker.Delivery{Type: "Hello#crm", Format: "xml"})
			st.hears(1, "/topic/crm system System#OUT_OF_SERVICE")
			require.Equal(t, 1, st.logs.FilterMessageSnippet("format there is not").Len())
		})
	})
	t.Run("new settings count for a client that asked for none", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.send(&broker.Delivery{Type: "Hello#web.7", Format: "text"})
			st.command("Hello#crm", "")
			st.hears(2, "/topic/web.7 system System#OUT_OF_SERVICE", "/topic/crm system System#OUT_OF_SERVICE")
			st.bridge.Configure(settings(0, ""))
			st.command("Hello#crm", "")
			st.command("Hello#web.7", "")
			st.hears(2, `/topic/crm system {"type":"System","status":"OUT_OF_SERVICE"}`, "/topic/web.7 system System#OUT_OF_SERVICE")
		})
	})
	t.Run("a separator inside a value is replaced and counted", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#1001", "crm,secret")
			st.command("reasoncodelogout#1001", "")
			st.hears(2, "/topic/crm agent_work 1001#ReasonCodes#Category:LOGOUT#Codes:1#Labels:a_b#Ann")
			require.Equal(t, 1.0, st.count("separators_replaced_total"))
		})
	})
}

func TestCommandsReachTheirAgent(t *testing.T) {
	t.Run("sign-in of an agent", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#1001", "crm,secret")
			st.send(&broker.Delivery{Type: "Login#1001", Body: "secret,2001", CorrelationID: "c1"})
			st.hears(2, "/topic/crm agent_info 1001#AgentInfo#Ann##false##Ann <c1>", "/topic/crm agent_state 1001#State#READY##Ann <c1>")
			require.Equal(t, 1.0, st.count("agents_signed_in"))
		})
	})
	t.Run("no more agents than agents.limit", func(t *testing.T) {
		play(t, 1, func(st *stage) {
			for _, agent := range []string{"1001", "1002"} {
				st.command("Connect#"+agent, "crm,secret")
				st.command("Login#"+agent, "secret,2001")
			}
			st.hears(4, signedIn, "/topic/crm agent_error 1002#Error#LICENSES_EXCEEDED")
		})
	})
	t.Run("a lower limit signs nobody out", func(t *testing.T) {
		play(t, 2, func(st *stage) {
			st.command("Connect#1001", "crm,secret")
			st.command("Login#1001", "secret,2001")
			st.bridge.Configure(settings(1, "web."))
			st.command("Connect#1002", "crm,secret")
			st.command("Login#1002", "secret,2001")
			st.hears(4, signedIn, "/topic/crm agent_error 1002#Error#LICENSES_EXCEEDED")
		})
	})
	t.Run("a slow agent delays nobody else", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#1001", "crm,secret")
			st.hold = make(chan struct{})
			st.command("GetState#1001", "")
			hold := st.hold
			st.hold = nil
			st.command("Connect#1002", "crm,secret")
			st.command("GetState#1002", "")
			st.hears(3, "/topic/crm agent_state 1002#State#READY##Ann")
			close(hold)
			st.hears(1, "/topic/crm agent_state 1001#State#READY##Ann")
		})
	})
	t.Run("more commands than may wait for an agent are refused at once", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#1001", "crm,secret")
			st.hears(1)
			st.hold = make(chan struct{})
			for range 65 {
				st.command("GetState#1001", "")
			}
			st.hears(1, "/topic/crm agent_error 1001#Error#PLEASE_RETRY")
			require.Equal(t, 1.0, st.count("commands_mailbox_full_total"))
			close(st.hold)
		})
	})
}

// PLEASE_RETRY is many things: the driver and the log are told which, in the same words.
func TestAnErrorExplainsItself(t *testing.T) {
	for _, x := range []struct {
		d    *broker.Delivery
		code gc.Code
		want gc.Reason
	}{
		{&broker.Delivery{Type: "MakeTea#1001"}, gc.PleaseRetry, gc.NoSuchCommand},
		{&broker.Delivery{Type: "MakeCall#1001", Body: "1002,7"}, gc.PleaseRetry, gc.TooManyParameters},
		{&broker.Delivery{Type: "update_call_variable#1001", Body: "7"}, gc.PleaseRetry, gc.ParameterMissing},
		{&broker.Delivery{Type: "MakeCall#1001", Body: "S3cret! höst"}, gc.PleaseRetry, gc.ParameterWrong},
		{&broker.Delivery{Type: "MakeCall#1001", Body: "\xff"}, gc.PleaseRetry, gc.BodyNotUTF8},
		{&broker.Delivery{Type: "MakeCall#1001", Body: strings.Repeat("4", 9000)}, gc.PleaseRetry, gc.BodyTooLong},
		{&broker.Delivery{Type: "MakeCall#1001", Body: "1002", Redelivered: true}, gc.PleaseRetry, gc.DeliveredBefore},
		{&broker.Delivery{Type: "HoldCall#1001", Body: "7", Timestamp: time.Unix(0, 0)}, gc.PleaseRetry, gc.TooOld},
		{&broker.Delivery{Type: "GetState#1001", Unanswerable: errors.New("S3cret!")}, gc.PleaseRetry, gc.NotAnswerable},
		{&broker.Delivery{Type: "MakeCall#1001"}, gc.MissingNumber, gc.MissingNumber.Meaning()},
	} {
		t.Run(string(x.want), func(t *testing.T) {
			play(t, 0, func(st *stage) {
				st.send(&broker.Delivery{Type: "Connect#1001", Body: "crm,secret", Format: "text-4.4"})
				st.hears(1)
				st.send(x.d)
				st.hears(1, fmt.Sprintf("/topic/crm agent_error 1001#Error#%s#%s", x.code, x.want))
				line := st.logs.FilterMessage("command failed").All()
				require.Len(t, line, 1)
				require.Equal(t, string(x.want), line[0].ContextMap()["reason"])
			})
		})
	}
}

func TestCommandsThatCanNotRun(t *testing.T) {
	for _, x := range []struct {
		rule string
		d    *broker.Delivery
		want string // "": nobody can be told
	}{
		{"unknown command of a connected agent", &broker.Delivery{Type: "MakeTea#1001"}, "/topic/crm agent_error 1001#Error#PLEASE_RETRY"},
		{"missing parameter", &broker.Delivery{Type: "MakeCall#1001"}, "/topic/crm agent_error 1001#Error#MISSING_NUMBER"},
		{"a call that was delivered before may have been made", &broker.Delivery{Type: "MakeCall#1001", Body: "1002", Redelivered: true}, "/topic/crm agent_error 1001#Error#PLEASE_RETRY"},
		{"a state that was delivered before is asked for again", &broker.Delivery{Type: "GetState#1001", Redelivered: true}, "/topic/crm agent_state 1001#State#READY##Ann"},
		{"a call command that is too old", &broker.Delivery{Type: "HoldCall#1001", Body: "7", Timestamp: time.Unix(0, 0)}, "/topic/crm agent_error 1001#Error#PLEASE_RETRY"},
		{"an old command that is none of call control", &broker.Delivery{Type: "GetState#1001", Timestamp: time.Unix(0, 0)}, "/topic/crm agent_state 1001#State#READY##Ann"},
		{"agent nobody connected, without reply-to", &broker.Delivery{Type: "GetState#1009"}, ""},
		{"agent nobody connected, with reply-to", &broker.Delivery{Type: "GetState#1009", ReplyTo: "/queue/r"}, "/queue/r agent_state 1009#State#RE_LOGIN"},
		{"bad command of an agent nobody connected, with reply-to", &broker.Delivery{Type: "MakeCall#1009", ReplyTo: "/queue/r"}, "/queue/r agent_error 1009#Error#MISSING_NUMBER"},
		{"Connect without a password is told to the destination it names", &broker.Delivery{Type: "Connect#1009", Body: "greeted"}, "/topic/greeted agent_error 1009#Error#MISSING_PASSWORD"},
		{"Connect with a wrong password likewise", &broker.Delivery{Type: "Connect#1009", Body: "greeted,wrong"}, "/topic/greeted agent_error 1009#Error#SUBSCRIPTION_FAILED"},
		{"or to its reply-to", &broker.Delivery{Type: "Connect#1009", Body: "greeted,wrong", ReplyTo: "/queue/r"}, "/queue/r agent_error 1009#Error#SUBSCRIPTION_FAILED"},
		{"but not to one that never said Hello, for it may be a password", &broker.Delivery{Type: "Connect#1009", Body: "S3cret!"}, ""},
		{"also when it looks complete", &broker.Delivery{Type: "Connect#1009", Body: "S3cret!,desk"}, ""},
		{"Connect with a wrong password is not told where the agent works", &broker.Delivery{Type: "Connect#1001", Body: "crm,wrong"}, ""},
		{"nor when that is its reply-to", &broker.Delivery{Type: "Connect#1001", Body: "x,wrong", ReplyTo: "/topic/crm"}, ""},
		{"Login that nobody connected, with a wrong password", &broker.Delivery{Type: "Login#1009", Body: "wrong,2001", ReplyTo: "/queue/r"}, "/queue/r agent_error 1009#Error#SUBSCRIPTION_FAILED"},
		{"Login that nobody connected, without a reply-to", &broker.Delivery{Type: "Login#1009", Body: "secret,2001"}, ""},
		{"Connect to a wildcard", &broker.Delivery{Type: "Connect#1009", Body: ">,secret"}, ""},
		{"no type", &broker.Delivery{Body: "secret"}, ""},
		{"no type, with reply-to", &broker.Delivery{ReplyTo: "/queue/r"}, "/queue/r agent_error #Error#PLEASE_RETRY"},
		{"Hello to a wildcard", &broker.Delivery{Type: "Hello#crm.>"}, ""},
		{"reply-to that is a wildcard", &broker.Delivery{Type: "GetState#1009", ReplyTo: "/topic/>"}, ""},
		{"text that is not UTF-8", &broker.Delivery{Type: "MakeCall#1001", Body: "\xff\xfe"}, "/topic/crm agent_error 1001#Error#PLEASE_RETRY"},
	} {
		t.Run(x.rule, func(t *testing.T) {
			play(t, 0, func(st *stage) {
				st.command("Hello#greeted", "")
				st.command("Connect#1001", "crm,secret")
				st.hears(2, "/topic/greeted system System#OUT_OF_SERVICE")
				st.send(x.d)
				if x.want == "" {
					st.hears(1)
					require.Equal(t, 1.0, st.count("commands_quarantined_total"))
					require.Equal(t, 1, st.logs.FilterMessageSnippet("no destination is known").Len())
				} else {
					st.hears(1, x.want)
				}
				for _, line := range st.logs.All() {
					require.NotContains(t, line.ContextMap(), "secret")
				}
				st.command("GetState#1001", "")
				st.hears(1, "/topic/crm agent_state 1001#State#READY##Ann")
			})
		})
	}
	t.Run("what a refused command held is not kept", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			d := &broker.Delivery{Type: "MakeCall#1001", Body: strings.Repeat("1", 1<<20)}
			st.send(d)
			st.hears(1)
			require.Empty(t, d.Body)
		})
	})
	t.Run("a wrong category is counted and the command runs", func(t *testing.T) {
		play(t, 0, func(st *stage) {
			st.command("Connect#1001", "crm,secret")
			st.send(&broker.Delivery{Type: "GetState#1001", Category: "agent_call"})
			st.hears(2, "/topic/crm agent_state 1001#State#READY##Ann")
			require.Equal(t, 1.0, st.count("commands_category_mismatch_total"))
		})
	})
}
