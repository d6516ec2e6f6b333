package e2e

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-stomp/stomp/v3"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// What the README promises, with every broker.
func TestPromises(t *testing.T) {
	onBoth(t, func(t *testing.T, s brokerServer) {
		for _, p := range []struct {
			rule string
			test func(*testing.T, brokerServer)
		}{
			{"events of an agent come in order and once, with all agents busy at once", everybodyAtOnce},
			{"an agent whose requests Finesse does not answer delays nobody else", slowAgent},
			{"of too many commands for one agent each is answered, once", tooMany},
			{"a correlation id is copied to the direct answer and to nothing else", correlation},
			{"a wrong password from elsewhere does not disturb a session that works", wrongPasswordFromElsewhere},
			{"who proves the password elsewhere gets the agent", takeOver},
			{"a MakeCall that was delivered before is not run", redelivered},
			{"a MakeCall that comes too late is not run", tooOld},
			{"what Finesse tells twice the driver hears once", toldTwice},
			{"every destination is told when Finesse goes and comes", status},
			{"a call goes on over a restart of the connector", restartInACall},
			{"a stop answers what is held, and the driver can connect again afterwards", stopUnderLoad},
		} {
			t.Run(p.rule, func(t *testing.T) {
				t.Parallel()
				p.test(t, s)
			})
		}
	})
}

func slowAgent(t *testing.T, s brokerServer) {
	c := start(t, s, func(c *config.Config) { c.Finesse.RequestTimeout, c.Finesse.Retries = 15*time.Second, 0 })
	d := newDriver(c, "crm")
	d.signIn("1001", "2001")
	d.signIn("1002", "2002")
	require.NoError(t, c.finesse.Inject(simulator.Fault{Kind: simulator.SlowREST, Agent: "1002", Delay: time.Minute}))
	d.send("agent_state/GetState#1002")
	for range 20 {
		d.send("agent_state/GetState#1001")
		d.expect("agent_state\t1001#State#NOT_READY##Ada Lovelace")
	}
	d.expect("agent_error\t1002#Error#NOT_REACHABLE")
	d.send("agent_state/GetState#1002")
	d.expect("agent_state\t1002#State#NOT_READY##Alan Turing")
}

// tooMany sends more commands than an agent's session holds while the first
// waits for Finesse.
func tooMany(t *testing.T, s brokerServer) {
	const sent, room = 100, 64
	c := start(t, s)
	d := newDriver(c, "crm")
	d.signIn("1001", "2001")
	require.NoError(t, c.finesse.Inject(simulator.Fault{Kind: simulator.SlowREST, Agent: "1001", Delay: 2 * time.Second}))
	for n := range sent {
		d.send("agent_state/GetState#1001", "correlation-id", strconv.Itoa(n))
	}
	answers := map[string]int{}
	ids := map[string]bool{}
	for range sent {
		m := d.next()
		answers[said(m.Body)]++
		ids[m.CorrelationID] = true
	}
	require.Len(t, ids, sent)
	require.Equal(t, map[string]int{"Error#PLEASE_RETRY": sent - room, "State#NOT_READY": room}, answers)
	require.EqualValues(t, sent-room, c.metric("commands_mailbox_full_total"))
	require.Empty(t, d.hears("1001"))
}

func correlation(t *testing.T, s brokerServer) {
	c := start(t, s)
	d := newDriver(c, "crm")
	expect := func(what, id string) {
		t.Helper()
		m := d.next()
		require.Equal(t, what, said(m.Body))
		require.Equal(t, id, m.CorrelationID, m.Body)
	}
	d.send("system/Hello#"+d.destination, "correlation-id", "hello")
	expect("System#IN_SERVICE", "hello")
	d.send("agent_info/Connect#1001 " + d.destination + ",secret")
	d.send("agent_state/Login#1001 secret,2001", "correlation-id", "login: 1\\2")
	d.until("AgentInfo")
	expect("State#NOT_READY", "login: 1\\2")
	d.send("agent_state/MakeReady#1001", "correlation-id", "ready")
	expect("State#READY", "ready")
	d.send("agent_call/HoldCall#1001 4711", "correlation-id", "hold")
	expect("Error#NO_DIALOG_ID", "hold")
	d.send("agent_call/HoldCall#1001 x", "correlation-id", "parse")
	expect("Error#NO_DIALOG_ID", "parse")
	id := string(c.call("1001"))
	expect("State#RESERVED", "")
	expect("NewInboundCall#4085551234", "")
	expect("InboundCall#ALERTING", "")
	d.send("agent_call/AnswerCall#1001 "+id, "correlation-id", "answer")
	expect("InboundCall#ACTIVE", "answer")
	expect("State#TALKING", "")
}

func wrongPasswordFromElsewhere(t *testing.T, s brokerServer) {
	c := start(t, s)
	d, thief := newDriver(c, "crm"), newDriver(c, "thief")
	d.signIn("1001", "2001")
	thief.send("system/Hello#" + thief.destination)
	thief.until("System#IN_SERVICE")
	thief.send("agent_info/Connect#1001 " + thief.destination + ",wrong")
	thief.expect("agent_error\t1001#Error#SUBSCRIPTION_FAILED")
	require.Empty(t, d.hears("1001"))
	require.Equal(t, 1, c.agent("1001").Streams)
	d.send("agent_state/MakeReady#1001")
	d.expect("agent_state\t1001#State#READY##Ada Lovelace")
	c.call("1001")
	d.untilCall(gc.Alerting)
	require.Empty(t, thief.got)
}

func takeOver(t *testing.T, s brokerServer) {
	c := start(t, s)
	old, now := newDriver(c, "crm"), newDriver(c, "crm")
	old.signIn("1001", "2001")
	now.send("agent_info/Connect#1001 " + now.destination + ",secret")
	old.expect("agent_state\t1001#State#LOGOUT##Ada Lovelace", "agent_error\t1001#Error#SESSION_INVALIDATED")
	now.send("agent_state/Login#1001 secret,2001")
	now.until("State#NOT_READY")
	require.Empty(t, now.hears("1001"))
	require.Empty(t, old.got)
}

func redelivered(t *testing.T, s brokerServer) {
	c := start(t, s, func(c *config.Config) { c.Broker.ConsumerPriority = 0 })
	d := newDriver(c, "crm")
	d.signIn("1001", "2001")
	// Another consumer gets the command first and dies with it.
	rival := newRival(c)
	d.send("agent_call/MakeCall#1001 4085559876")
	rival.takeOneAndDie(t)
	d.expect("agent_error\t1001#Error#PLEASE_RETRY")
	require.Empty(t, d.hears("1001"))
	require.Empty(t, c.agent("1001").Calls)
	// What is harmless runs.
	rival = newRival(c)
	d.send("agent_state/MakeReady#1001")
	rival.takeOneAndDie(t)
	d.expect("agent_state\t1001#State#READY##Ada Lovelace")
}

// rival is another consumer of the command queue, which the broker prefers.
type rival struct {
	net  net.Conn
	conn *stomp.Conn
	sub  *stomp.Subscription
}

func newRival(c *connector) *rival {
	n, err := net.Dial("tcp", strings.TrimPrefix(c.brokerURL(), "tcp://"))
	require.NoError(c.t, err)
	c.t.Cleanup(func() { n.Close() })
	conn, err := stomp.Connect(n, stomp.ConnOpt.HeartBeat(0, 0))
	require.NoError(c.t, err)
	sub, err := conn.Subscribe("/queue/"+c.config.Broker.CommandQueue, stomp.AckClientIndividual,
		stomp.SubscribeOpt.Header("activemq.priority", "127"), stomp.SubscribeOpt.Header("activemq.prefetchSize", "1"))
	require.NoError(c.t, err)
	// A receipt of something sent later shows that the broker has the subscription.
	require.NoError(c.t, conn.Send("/topic/"+unique("nobody"), "", nil, stomp.SendOpt.Receipt))
	return &rival{n, conn, sub}
}

func (r *rival) takeOneAndDie(t *testing.T) {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case m := <-r.sub.C:
		require.NoError(t, m.Err)
	case <-timer.C:
		require.FailNow(t, "the rival got nothing")
	}
	require.NoError(t, r.net.Close())
}

func tooOld(t *testing.T, s brokerServer) {
	c := start(t, s)
	d := newDriver(c, "crm")
	d.signIn("1001", "2001")
	minutesAgo := func(n time.Duration) string {
		return strconv.FormatInt(time.Now().Add(-n*time.Minute).UnixMilli(), 10)
	}
	d.send("agent_call/MakeCall#1001 4085559876", "timestamp", minutesAgo(2))
	d.expect("agent_error\t1001#Error#PLEASE_RETRY")
	require.Empty(t, d.hears("1001"))
	require.Empty(t, c.agent("1001").Calls)
	d.send("agent_state/MakeReady#1001", "timestamp", minutesAgo(60)) // calls nobody
	d.expect("agent_state\t1001#State#READY##Ada Lovelace")
}

func toldTwice(t *testing.T, s brokerServer) {
	c := start(t, s)
	require.NoError(t, c.finesse.Inject(simulator.Fault{Kind: simulator.DuplicateEvent, Agent: "1001", Count: 100}))
	d := newDriver(c, "crm")
	oneCall(c, d, "text")
	golden(t, "one-call.text", d.conversation())
}

func status(t *testing.T, s brokerServer) {
	c := start(t, s)
	one, other := newDriver(c, "crm"), newDriver(c, "crm")
	one.signIn("1001", "2001")
	other.send("system/Hello#" + other.destination)
	other.expect("system\tSystem#IN_SERVICE")
	for _, now := range []gc.SystemStatus{gc.OutOfService, gc.InService} {
		c.finesse.SetStatus(now)
		one.expect("system\tSystem#" + string(now))
		other.expect("system\tSystem#" + string(now))
	}
	require.Empty(t, one.hears("1001"))
}
