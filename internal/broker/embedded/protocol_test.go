package embedded

import (
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-stomp/stomp/v3"
	"github.com/go-stomp/stomp/v3/frame"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
)

func TestVersionIsTheHighestOfBoth(t *testing.T) {
	b := run(t)
	for accepted, want := range map[string]string{"1.1": "1.1", "1.0,1.1": "1.1", "1.2,1.1": "1.2", "1.1, 1.2, 2.0": "1.2"} {
		p := connectRaw(t, b)
		p.send(frame.STOMP, "", frame.AcceptVersion, accepted)
		require.Equal(t, want, p.next().Header.Get(frame.Version), accepted)
	}
	for _, accepted := range []string{"1.0", "", "2.0"} {
		p := connectRaw(t, b)
		p.send(frame.CONNECT, "", frame.AcceptVersion, accepted)
		require.Equal(t, "1.1,1.2", p.fault("versions").Header.Get(frame.Version))
	}
}

func TestFaultsAreAnsweredWithErrorAndClose(t *testing.T) {
	many := strings.Repeat("h:v\n", framing.MaxHeaders+1)
	long := strings.Repeat("v", framing.MaxLine)
	large := strings.Repeat("h:"+strings.Repeat("v", 1<<10)+"\n", 65)
	for name, tc := range map[string]struct{ frame, fault string }{
		"unknown command":                 {"HELLO\n\n\x00", "unexpected frame"},
		"second CONNECT":                  {"CONNECT\naccept-version:1.2\n\n\x00", "unexpected frame"},
		"server's command":                {"MESSAGE\n\n\x00", "unexpected frame"},
		"SEND without destination":        {"SEND\n\nx\x00", "destination is missing"},
		"wildcard":                        {"SEND\ndestination:/topic/a.>\n\nx\x00", "wildcard"},
		"composite":                       {"SUBSCRIBE\nid:1\ndestination:/queue/a,b\n\n\x00", "composite"},
		"options":                         {"SEND\ndestination:/queue/a?x=y\n\nx\x00", "option"},
		"unknown kind":                    {"SEND\ndestination:/fanout/hunter2\n\nx\x00", "must begin with"},
		"temporary destination of nobody": {"SEND\ndestination:/remote-temp-queue/hunter2\n\nx\x00", "does not exist"},
		"empty name":                      {"SEND\ndestination:/hunter2/\n\nx\x00", "has no name"},
		"overlong destination":            {"SEND\ndestination:/queue/" + long[:maxDestination] + "\n\nx\x00", "longer than"},
		"SUBSCRIBE without id":            {"SUBSCRIBE\ndestination:/queue/a\n\n\x00", "needs an id"},
		"SUBSCRIBE without destination":   {"SUBSCRIBE\nid:1\n\n\x00", "destination is missing"},
		"second SUBSCRIBE with one id":    {"SUBSCRIBE\nid:used\ndestination:/queue/a\n\n\x00", "exists"},
		"unknown ack mode":                {"SUBSCRIBE\nid:1\ndestination:/queue/a\nack:foo\n\n\x00", "ack must be"},
		"prefetch 0":                      {"SUBSCRIBE\nid:1\ndestination:/queue/a\nactivemq.prefetchSize:0\n\n\x00", "at least 1"},
		"prefetch not a number":           {"SUBSCRIBE\nid:1\ndestination:/queue/a\nactivemq.prefetchSize:x\n\n\x00", "number"},
		"priority not a number":           {"SUBSCRIBE\nid:1\ndestination:/queue/a\nactivemq.priority:x\n\n\x00", "number"},
		"selector":                        {"SUBSCRIBE\nid:1\ndestination:/queue/a\nselector:a = 1\n\n\x00", "selector"},
		"exclusive":                       {"SUBSCRIBE\nid:1\ndestination:/queue/a\nactivemq.exclusive:true\n\n\x00", "exclusive"},
		"UNSUBSCRIBE of nothing":          {"UNSUBSCRIBE\nid:1\n\n\x00", "no subscription"},
		"ACK of nothing":                  {"ACK\nid:used@used\n\n\x00", "unexpected ACK"},
		"ACK without id":                  {"ACK\n\n\x00", "unexpected ACK"},
		"NACK of an unknown subscription": {"NACK\nid:x@y\n\n\x00", "unexpected NACK"},
		"transaction":                     {"SEND\ndestination:/queue/a\ntransaction:1\n\nx\x00", "transactions"},
		"BEGIN":                           {"BEGIN\ntransaction:1\n\n\x00", "transactions"},
		"expires not a number":            {"SEND\ndestination:/queue/a\nexpires:soon\n\nx\x00", "expires"},
		"timestamp not a number":          {"SEND\ndestination:/queue/a\ntimestamp:now\n\nx\x00", "timestamp"},
		"body where none may be":          {"SUBSCRIBE\nid:1\ndestination:/queue/a\n\nx\x00", "cannot have a body"},
		"header without colon":            {"SEND\nnocolon\n\nx\x00", "no colon"},
		"header without name":             {"SEND\n:v\n\nx\x00", "no name"},
		"undefined escape":                {"SEND\nh:\\t\n\nx\x00", "escape"},
		"too many headers":                {"SEND\n" + many + "\nx\x00", "headers"},
		"too large headers":               {"SEND\n" + large + "\nx\x00", "headers"},
		"overlong header line":            {"SEND\nh:" + long + "\n\nx\x00", "header line"},
		"content-length not a number":     {"SEND\ncontent-length:-1\n\nx\x00", "content-length"},
		"content-length beyond the limit": {"SEND\ncontent-length:4294967295\n\nx", "longer than"},
		"body beyond the limit":           {"SEND\ndestination:/queue/a\n\n" + strings.Repeat("x", 40<<10) + "\x00", "longer than"},
		"body longer than content-length": {"SEND\ncontent-length:1\n\nxx\x00", "content-length"},
	} {
		t.Run(name, func(t *testing.T) {
			p := connect(t, run(t, limit(func(l *limits) { l.body = 32 << 10 })))
			p.subscribe("used", "/queue/used", frame.Ack, ackIndividual)
			_, err := io.WriteString(p.net, tc.frame)
			require.NoError(t, err)
			f := p.fault(tc.fault)
			require.NotContains(t, f.Header.Get(frame.Message), "hunter2", "it is logged, and may be a password")
		})
	}
}

func TestFirstFrameMustBeConnect(t *testing.T) {
	b := run(t, limit(func(l *limits) { l.connect = 100 * time.Millisecond }))
	p := connectRaw(t, b)
	p.send(frame.SUBSCRIBE, "", frame.Id, "1", frame.Destination, "/queue/a")
	p.fault("not connected")

	early := connectRaw(t, b)
	early.send(frame.SEND, "x", frame.Destination, "/queue/a")
	early.fault("body")

	beats := connectRaw(t, b)
	beats.send(frame.CONNECT, "", frame.AcceptVersion, "1.2", frame.HeartBeat, "often")
	beats.fault("heart-beat")

	_, err := connectRaw(t, b).r.Read()
	require.ErrorIs(t, err, io.EOF, "a client that never sends CONNECT is cut off")
}

func TestSecondAckIsAFaultAndGivesTheRestBack(t *testing.T) {
	b := run(t)
	p := connect(t, b)
	p.publish("/queue/q", "1", "2")
	p.subscribe("s", "/queue/q", frame.Ack, ackIndividual)
	m := p.message("1")
	p.message("2")
	p.settle(frame.ACK, m)
	p.send(frame.ACK, "", frame.Id, m.Header.Get(frame.Ack))
	p.fault("unexpected ACK")
	next := connect(t, b)
	next.subscribe("s", "/queue/q")
	require.Equal(t, "true", next.message("2").Header.Get("redelivered"))
}

func TestEveryFrameThatAsksGetsItsReceipt(t *testing.T) {
	p := connect(t, run(t))
	p.ask(frame.SEND, "1", frame.Destination, "/queue/q")
	p.ask(frame.SEND, "2", frame.Destination, "/queue/q")
	p.ask(frame.SUBSCRIBE, "", frame.Id, "s", frame.Destination, "/queue/q", frame.Ack, ackIndividual)
	one := p.message("1")
	p.message("2")
	p.ask(frame.ACK, "", frame.Id, one.Header.Get(frame.Ack))
	p.ask(frame.UNSUBSCRIBE, "", frame.Id, "s")
	p.ask(frame.SUBSCRIBE, "", frame.Id, "s", frame.Destination, "/queue/q", frame.Ack, ackIndividual)
	two := p.message("2")
	p.ask(frame.NACK, "", frame.Id, two.Header.Get(frame.Ack))
	p.message("2")
	p.ask(frame.DISCONNECT, "")
	_, err := p.r.Read()
	require.ErrorIs(t, err, io.EOF)
}

func TestMessageCarriesWhatTheSenderGave(t *testing.T) {
	b := run(t)
	p := connect(t, b)
	value := "a:b\\c\r\nd é "
	p.subscribe("s", "plain")
	before := time.Now().UnixMilli()
	p.ask(frame.SEND, "", frame.Destination, "/queue/plain", "type", value, "MessageCategory", "agent_state",
		"correlation-id", "7", "persistent", "true", "reply-to", "/queue/answers",
		frame.MessageId, "forged", frame.Subscription, "forged", "redelivered", "true", frame.Ack, "forged")
	h := p.message("").Header
	for name, want := range map[string]string{
		"type": value, "MessageCategory": "agent_state", "correlation-id": "7", "persistent": "true",
		"reply-to": "/queue/answers", frame.Destination: "/queue/plain", frame.Subscription: "s",
		"priority": "4", "expires": "0", "redelivered": "", frame.Receipt: "", frame.Ack: "",
	} {
		require.Equal(t, want, h.Get(name), name)
	}
	require.NotContains(t, h.GetAll(frame.MessageId), "forged")
	stamp, err := strconv.ParseInt(h.Get("timestamp"), 10, 64)
	require.NoError(t, err)
	require.GreaterOrEqual(t, stamp, before)

	p.ask(frame.SEND, "", frame.Destination, "/queue/plain", "timestamp", "12345")
	old := p.message("").Header
	require.Equal(t, "12345", old.Get("timestamp"))
	require.NotEqual(t, h.Get(frame.MessageId), old.Get(frame.MessageId))
}

func TestContentLengthIsPassedOnOnlyWhenGiven(t *testing.T) {
	p := connect(t, run(t))
	p.subscribe("s", "/queue/q")
	p.publish("/queue/q", "text", strings.Repeat("long ", 20_000))
	require.NotContains(t, p.message("text").Header.GetAll(frame.ContentLength), "4")
	_, given := p.message(strings.Repeat("long ", 20_000)).Header.Contains(frame.ContentLength)
	require.False(t, given)
	for _, bytes := range []string{"", "a\x00b", strings.Repeat("\x00", 100_000)} {
		p.ask(frame.SEND, bytes, frame.Destination, "/queue/q", frame.ContentLength, strconv.Itoa(len(bytes)))
		require.Equal(t, strconv.Itoa(len(bytes)), p.message(bytes).Header.Get(frame.ContentLength))
	}
}

func TestTemporaryQueueCarriesTheReply(t *testing.T) {
	b := run(t)
	driver, connector := connect(t, b), connect(t, b)
	connector.subscribe("c", "/queue/Connector1")
	driver.subscribe("r", "/temp-queue/my answers")
	driver.ask(frame.SEND, "hello", frame.Destination, "/queue/Connector1", "reply-to", "/temp-queue/my answers")
	remote := connector.message("hello").Header.Get("reply-to")
	require.Regexp(t, `^/remote-temp-queue/ID:[A-Za-z0-9:-]+$`, remote)
	connector.publish(remote, "welcome")
	require.Equal(t, "/temp-queue/my answers", driver.message("welcome").Header.Get(frame.Destination))

	thief := connect(t, b)
	thief.send(frame.SUBSCRIBE, "", frame.Id, "1", frame.Destination, remote)
	thief.fault("belongs to another connection")

	driver.drop()
	left(t, b, 1)
	connector.send(frame.SEND, "too late", frame.Destination, remote)
	connector.fault("does not exist")
	require.Eventually(t, b.idle, patience, time.Millisecond)
}

func TestTemporaryDestinationsOfTwoClientsAreTwo(t *testing.T) {
	b := run(t, limit(func(l *limits) { l.temporaries = 2 }))
	one, two := connect(t, b), connect(t, b)
	for _, p := range []*peer{one, two} {
		p.subscribe("q", "/temp-queue/x")
		p.subscribe("t", "/temp-topic/x")
	}
	one.publish("/temp-queue/x", "queue")
	require.Equal(t, "q", one.message("queue").Header.Get(frame.Subscription))
	one.publish("/temp-topic/x", "topic")
	require.Equal(t, "t", one.message("topic").Header.Get(frame.Subscription))
	two.silent()
	two.send(frame.SEND, "", frame.Destination, "/temp-queue/third")
	two.fault("temporary")
}

func TestUnreadTemporaryQueueIsFreedWithItsOwner(t *testing.T) {
	b := run(t)
	p := connect(t, b)
	p.publish("/temp-queue/x", "1", "2")
	p.drop()
	require.Eventually(t, b.idle, patience, time.Millisecond)
}

func TestSubscriptionLimit(t *testing.T) {
	p := connect(t, run(t, limit(func(l *limits) { l.subscriptions = 1 })))
	p.subscribe("1", "/topic/a")
	p.send(frame.SUBSCRIBE, "", frame.Id, "2", frame.Destination, "/topic/a")
	p.fault("subscriptions")
}

func TestHeartBeatsGoBothWays(t *testing.T) {
	b := run(t)
	p := connectRaw(t, b)
	p.send(frame.CONNECT, "", frame.AcceptVersion, "1.2", frame.HeartBeat, "300,100")
	require.Equal(t, "100,300", p.next().Header.Get(frame.HeartBeat))
	beat := make([]byte, 1)
	for start := time.Now(); time.Since(start) < time.Second; { // well beyond twice the interval
		_, err := io.ReadFull(p.net, beat)
		require.NoError(t, err)
		require.Equal(t, "\n", string(beat))
		_, err = p.net.Write(beat)
		require.NoError(t, err)
	}

	silentSince := time.Now()
	_, err := io.Copy(io.Discard, p.net)
	require.NoError(t, err, "a silent client is dropped")
	require.Less(t, time.Since(silentSince), 5*time.Second)
	require.GreaterOrEqual(t, time.Since(silentSince), 600*time.Millisecond)
	require.Eventually(t, b.idle, patience, time.Millisecond)
}

func TestWithoutHeartBeatsAnIdleClientStays(t *testing.T) {
	b := run(t, limit(func(l *limits) { l.connect = 50 * time.Millisecond }))
	p := connect(t, b)
	require.NoError(t, p.net.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
	_, err := p.net.Read(make([]byte, 1))
	require.ErrorContains(t, err, "timeout", "neither closed nor sent a beat")
}

func TestTooFastHeartBeatsAreSlowedDown(t *testing.T) {
	p := connectRaw(t, run(t))
	p.send(frame.CONNECT, "", frame.AcceptVersion, "1.2", frame.HeartBeat, "1,1")
	require.Equal(t, "100,100", p.next().Header.Get(frame.HeartBeat))
	huge := connectRaw(t, run(t))
	huge.send(frame.CONNECT, "", frame.AcceptVersion, "1.2", frame.HeartBeat, "9223372036854,0")
	require.Equal(t, "0,86400000", huge.next().Header.Get(frame.HeartBeat))
	huge.silent()
}

func TestGoStompKeepsAnIdleConnectionByHeartBeats(t *testing.T) {
	b := run(t)
	c := dial(t, b, stomp.ConnOpt.HeartBeat(200*time.Millisecond, 200*time.Millisecond), stomp.ConnOpt.HeartBeatError(50*time.Millisecond))
	s, err := c.Subscribe("/queue/q", stomp.AckAuto)
	require.NoError(t, err)
	select {
	case m := <-s.C:
		require.Fail(t, "the idle connection was lost", "%v", m.Err)
	case <-time.After(1200 * time.Millisecond):
	}
	require.NoError(t, c.Send("/queue/q", "", []byte("x"), stomp.SendOpt.Receipt))
	receive(t, s)
	require.NoError(t, c.Disconnect())
}
