package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// driver is the one CRM driver of all agents. It reaches the broker directly.
type driver struct {
	t           *testing.T
	way         way
	queue       string
	destination string // in STOMP's form
	ledger      *ledger
	log         *zap.Logger
	pictures    map[gc.AgentID]*picture
	numbers     atomic.Int64
	strange     atomic.Pointer[string] // an answer to a command nobody sent, or what is no event
}

// way is how a driver reaches the broker. Send returns when the broker has
// confirmed the message.
type way interface {
	Send(context.Context, broker.Outgoing) error
}

const (
	agents     = 10
	firstAgent = 1001
)

// firstAgents are those that the random tests have at work.
func firstAgents() (ids []gc.AgentID) {
	for i := range agents {
		ids = append(ids, gc.AgentID(strconv.Itoa(firstAgent+i)))
	}
	return ids
}

// tokenHolders are those of them who are let in with access tokens, a third.
func tokenHolders() (ids []gc.AgentID) {
	for i, id := range firstAgents() {
		if i%3 == 1 {
			ids = append(ids, id)
		}
	}
	return ids
}

func newDriver(s *stage, destination string, ids []gc.AgentID) *driver {
	d := &driver{
		t: s.t, queue: "/queue/" + s.name, destination: destination,
		ledger: newLedger(), log: logTo(s.t, "driver.log"), pictures: map[gc.AgentID]*picture{},
	}
	for _, id := range ids {
		d.pictures[id] = newPicture(id)
	}
	return d
}

// steadyDriver has a topic and a connection that never breaks.
func steadyDriver(s *stage, ids []gc.AgentID) *driver {
	s.t.Helper()
	client, err := broker.Dial(s.t.Context(), broker.Options{JavaText: true}, s.activemq.URL())
	require.NoError(s.t, err)
	s.t.Cleanup(client.Close)
	d := newDriver(s, "/topic/crm."+s.name, ids)
	d.way = client
	require.NoError(s.t, client.Subscribe(s.t.Context(), d.destination, d.hear))
	return d
}

func newDesks(s *stage, d *driver) (desks []*desk) {
	for _, id := range firstAgents() {
		k := newDesk(s, d, id)
		if slices.Contains(tokenHolders(), id) {
			k.token = 1
		}
		desks = append(desks, k)
	}
	return desks
}

func (d *driver) hear(e *broker.Delivery) {
	var m message
	err := json.Unmarshal([]byte(strings.Trim(e.Body, "[]")), &m) // lists are arrays of one object
	if p := d.pictures[m.Agent]; p != nil {
		p.hear(&m)
	}
	d.log.Info("heard", zap.String("answers", e.CorrelationID), zap.String("said", m.said()), zap.String("event", e.Body))
	if err != nil || e.CorrelationID != "" && !d.ledger.answer(e.CorrelationID, m.said()) {
		strange := e.CorrelationID + " " + e.Body
		d.strange.Store(&strange)
	}
}

// send sends a command that has an answer, written as "Type#id parameters".
func (d *driver) send(agent gc.AgentID, command string, w wish) (id string) {
	id = d.ledger.send(agent, command, w)
	err := d.post(command, map[string]string{"correlation-id": id})
	d.log.Info("sent", zap.String("id", id), zap.String("command", command), zap.Error(err))
	if err == nil {
		d.ledger.accept(id)
	}
	return id
}

// post returns when the broker has confirmed that it keeps the command.
func (d *driver) post(command string, headers map[string]string) error {
	typ, body, _ := strings.Cut(command, " ")
	all := map[string]string{"type": typ, "reply-to": d.destination, "persistent": "true"}
	maps.Copy(all, headers)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return d.way.Send(ctx, broker.Outgoing{Destination: d.queue, Headers: all, Body: body})
}

// desk is one agent and what its driver has it do.
type desk struct {
	*driver
	stage     *stage
	agent     gc.AgentID
	extension string
	random    *rand.Rand
	picture   *picture
	secret    gc.DialogID     // a call of the agent's that nobody is told of: a supervisor listens
	last      map[wish]string // correlation ids
	token     int             // the number of the newest access token; 0 for an agent with a password
	expired   int             // how many tokens have expired
}

// newDesk puts agent 1001 at extension 3001, 2001 at 4001 and so on.
func newDesk(s *stage, d *driver, agent gc.AgentID) *desk {
	return &desk{
		driver: d, stage: s, agent: agent, extension: string(agent[0]+2) + string(agent[1:]),
		random: randomOf(s.t, string(agent)), picture: d.pictures[agent], last: map[wish]string{},
	}
}

// line is how many commands a desk sends before it waits for answers: fewer
// than a mailbox holds, and more than a person does.
const line = 4

// work does this and that until ctx ends.
func (d *desk) work(ctx context.Context) {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if d.ledger.waits(d.agent) < line {
			d.doSomething()
		}
		t.Reset(20*time.Millisecond + time.Duration(d.random.Int64N(int64(200*time.Millisecond))))
	}
}

func (d *desk) doSomething() {
	dice := d.random.IntN(10)
	a := d.stage.agent(d.agent)
	switch {
	case !d.picture.isSignedIn():
		d.signIn()
	case d.token > 0 && d.random.IntN(tokenLasts) == 0:
		d.expire()
	case d.token > 0 && d.random.IntN(tokenLasts) == 0: // before it expires
		d.token++
		_ = d.connect()
	case dice < 2:
		d.send(d.agent, "GetState#"+string(d.agent), wish{})
	case len(a.Calls) > 0:
		d.handle(a.Calls[d.random.IntN(len(a.Calls))], dice)
	case dice < 4:
		d.dial()
	case a.State == gc.NotReady:
		d.send(d.agent, "MakeReady#"+string(d.agent), wish{})
	case dice < 5:
		d.send(d.agent, "MakeNotReady#"+string(d.agent), wish{})
	default: // it may just not be possible any more
		_, _ = d.stage.finesse.Call(d.agent, simulator.Call{From: "4085551234"})
	}
}

// signIn has a Login unanswered at most once at a time. Connect has no answer.
func (d *desk) signIn() {
	w := wish{"LOGIN", string(d.agent)}
	if d.ledger.waitsFor(d.last[w]) {
		return
	}
	_ = d.connect() // the Login tells
	d.last[w] = d.send(d.agent, fmt.Sprintf("Login#%s %s,%s", d.agent, d.password(), d.extension), wish{})
}

// connect has the driver connect the agent, with a new token if that is out of date.
func (d *desk) connect() error {
	singleSignOn := ""
	if d.token > 0 {
		singleSignOn = ",SSO"
	}
	return d.post(fmt.Sprintf("Connect#%s %s,%s%s", d.agent, d.destination, d.password(), singleSignOn), nil)
}

// password is what lets the agent in.
func (d *desk) password() string {
	if d.token == 0 {
		return "secret"
	}
	d.token = max(d.token, d.expired+1)
	return fmt.Sprintf("secret:%s:%d", d.agent, d.token)
}

// tokenLasts is how much a desk does, on average, until a token expires.
const tokenLasts = 20

// expiredTokens is how many tokens of the agents have expired.
func expiredTokens(desks []*desk) (n int) {
	for _, k := range desks {
		n += k.expired
	}
	return n
}

// expire lets the agent's oldest good token expire.
func (d *desk) expire() {
	d.expired++
	err := d.stage.finesse.Inject(simulator.Fault{Kind: simulator.ExpireToken, Agent: d.agent})
	d.log.Info("token expires", zap.String("agent", string(d.agent)), zap.Int("number", d.expired), zap.Error(err))
}

// handle does something about a call the driver has heard of.
func (d *desk) handle(c simulator.AgentCall, dice int) {
	about := "#" + string(d.agent) + " " + string(c.Dialog)
	switch known := d.picture.call(c.Dialog); {
	case known == gc.Alerting && c.State == gc.Alerting && c.From != d.extension:
		d.once("AnswerCall"+about, wish{"ANSWER", string(c.Dialog)})
	case dice > 7 && known != "":
		d.once("ReleaseCall"+about, wish{"DROP", string(c.Dialog)})
	case known == gc.Active:
		d.send(d.agent, "HoldCall"+about, wish{})
	case known == gc.Held:
		d.send(d.agent, "RetrieveCall"+about, wish{})
	}
}

// dial makes a call to a number that nobody dials again. It may run beside
// work.
func (d *desk) dial() {
	number := fmt.Sprintf("4085559876%05d", d.numbers.Add(1))
	d.send(d.agent, "MakeCall#"+string(d.agent)+" "+number, wish{"MAKE_CALL", number})
}

// once sends what must run once, and a second time only when it was refused.
func (d *desk) once(command string, w wish) {
	if id := d.last[w]; id == "" || d.ledger.failed(id) {
		d.last[w] = d.send(d.agent, command, w)
	}
}
