package hostile

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// jms sends messages by a JMS client; see JmsHostile.
func jms(t *testing.T, messages ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "messages")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(messages, "\n")+"\n"), 0o600))
	servertest.RunJava(t, "JmsHostile", shared.OpenWireURL(), queue, "@"+file)
}

func poison(t *testing.T, s *site) {
	jms(t,
		`GetState#1|text|content-length=+5`,
		`GetState#1|text|content-length=4000000000`,
		`GetState#1|text|content-length=300`,
		`GetState#1|text|subscription=x|ack=x|message-id=x|destination=x|receipt-id=x|redelivered=x|timestamp=x|expires=x`,
		`GetState#1|text\u0000\u000aMESSAGE\u000asubscription:1\u000aack:1\u000a\u000aforged`,
		`GetState#1|text\u0000\u000aERROR\u000amessage:no\u000a\u000aforged`,
		`!GetState#1|not compressed`,
		`GetState#1|text|a:b\u000aack:evil\u000a\u000abo\u0000\u000aMESSAGE\u000asubscription=1`,
		servertest.ForgedAck("GetState#1|text", "ID:forged-1-2-3:5"),
	)
	s.unharmed(t)
	// And by STOMP, as the field saw it.
	require.NoError(t, dial(t).Send(t.Context(), outgoing("GetState#1", "texts", "amq-msg-type", "text", "content-length", "+5")))
	s.unharmed(t)
	s.driver.state(t, "1001")
	require.NotEmpty(t, s.lines(t, "break STOMP"), "the operator can find it")
}

// unseen are messages of which ActiveMQ writes nothing, and which hold places: more
// than there are, and one of the one that a sieve has.
func unseen(t *testing.T, s *site) {
	const one = `?GetState#1|2147483647`
	jms(t, slices.Repeat([]string{one}, broker.Prefetch+100)...)
	s.driver.state(t, "1001")
	jms(t, one, `GetState#1|text|content-length=300`, one, one, `!GetState#1|not compressed`, one)
	s.driver.state(t, "1001")
	require.NotEmpty(t, s.lines(t, "the broker cannot write it"), "the operator can find it")
}

// unwantedAnswers: more commands than the prefetch has, whose answers go where
// nobody is.
func unwantedAnswers(t *testing.T, s *site) {
	for range 1500 {
		s.driver.send(t, "GetState#nobody", "", "reply-to", "/remote-temp-queue/ID:gone-1:1:1")
	}
	_, took := s.driver.state(t, "1001")
	require.Less(t, took, 5*time.Second)
}

// temporaryDestinations: reply-tos that make the connector the owner of temporary
// destinations, and those that nobody owns, while a driver with one of its own
// wants answers.
func temporaryDestinations(t *testing.T, s *site) {
	const many = 8000 // each is told two events
	made := s.connect(t, "ActiveMQ.Advisory.TempQueue,ActiveMQ.Advisory.TempTopic")
	driver := listen(t, "/temp-queue/answers")
	made.until(t, "") // the driver's own
	ask := func() {
		driver.send(t, "GetState#nobody", "", "reply-to", "/temp-queue/answers")
		driver.until(t, "nobody#State#RE_LOGIN")
	}
	ask()
	refused := func() int { return int(s.metric(t, `events_dropped_total{reason="refused"}`)) }
	before, dropped := refused(), s.metric(t, "events_undeliverable_total")
	var forged []string
	for i := range many {
		forged = append(forged, fmt.Sprintf("GetState#nobody||reply-to=/remote-temp-queue/ID:evil-%d:1:1", i))
		if i%10 == 0 {
			forged = append(forged, fmt.Sprintf("GetState#nobody||reply-to=/temp-queue/evil%d", i), fmt.Sprintf("GetState#nobody||reply-to=/temp-topic/evil%d", i))
		}
	}
	begin := time.Now()
	jms(t, forged...)
	ask()
	s.driver.state(t, "1001") // all before it were taken
	most := 10_000 + int(20*time.Since(begin).Seconds()) + 20
	require.LessOrEqual(t, refused()-before, most, "the broker is not asked for each")
	require.Greater(t, s.metric(t, "events_undeliverable_total"), dropped)
	require.Less(t, len(made.got), 10, "no destination was made for them; the connector has one now and then for itself")
	require.Contains(t, s.log(t), "event refused by the broker")
	require.NotContains(t, s.log(t), "ID:evil-", "the log names no destination that nobody has said Hello for")
	ask()
}

func loop(t *testing.T, s *site) {
	before := s.commands(t)
	for _, own := range []string{"queue://" + queue, "/queue/" + queue, "queue://" + strings.ToLower(queue), "ConnectorSync", "topic://ConnectorSync"} {
		s.driver.send(t, "Connect#nobody", own+",wrong")
		s.driver.send(t, "Hello#"+own, "")
		s.driver.send(t, "GetState#nobody", "", "reply-to", "/queue/"+queue)
	}
	for range 20 {
		s.driver.state(t, "1001")
	}
	require.Less(t, s.commands(t)-before, 100, "no command was made by an answer")
}

// commands is how many messages the connector took from the queue.
func (s *site) commands(t *testing.T) int { return int(s.metric(t, "commands_received_total")) }

// metric is the value of a series, named with its labels.
func (s *site) metric(t *testing.T, name string) float64 {
	t.Helper()
	_, text := s.read(t, "/metrics")
	for line := range strings.Lines(text) {
		var v float64
		if rest, ok := strings.CutPrefix(line, "finesse_connector_"+name+" "); ok {
			_, err := fmt.Sscan(rest, &v)
			require.NoError(t, err)
			return v
		}
	}
	require.FailNow(t, "no such metric", name)
	return 0
}

func forgedIDs(t *testing.T, s *site) {
	var messages []string
	for i := range 5 {
		messages = append(messages, fmt.Sprintf(`GetState#1001||message-id=ID:always:1|correlation-id=forged-%d|redelivered=true`, i))
	}
	jms(t, messages...)
	for i := range 5 {
		want := fmt.Sprintf("forged-%d", i)
		for e := s.driver.until(t, "1001#State#READY"); e.correlation != want; {
			e = s.driver.until(t, "1001#State#READY")
		}
	}
}

// calls are an agent's at Finesse.
func (s *site) calls(agent gc.AgentID) []simulator.AgentCall {
	for _, a := range s.finesse.Agents() {
		if a.ID == agent {
			return a.Calls
		}
	}
	return nil
}

// foretold: a stranger knows all that the driver's next command will be made of,
// sends it before, marked so that it does not run, and breaks the connection,
// because a repetition comes by another one.
func foretold(t *testing.T, s *site) {
	const message = `MakeCall#1001|4085559876|message-id=ID:desk-1:1:1:1:77|timestamp=4000000000000|correlation-id=foretold`
	var strangers []string
	for range 20 {
		strangers = append(strangers, message+`|redelivered=true`)
	}
	jms(t, append(strangers, `GetState#1|text|content-length=300`)...)
	s.driver.state(t, "1001") // they have come, and the connection is another one
	jms(t, message)
	made := s.driver.until(t, "1001#InboundCall#INIT")
	require.Equal(t, "foretold", made.correlation, "the driver has its answer")
	s.driver.until(t, "1001#State#TALKING")
	require.Len(t, s.calls("1001"), 1, "and the call is made once")
	s.driver.send(t, "ReleaseCall#1001", string(s.calls("1001")[0].Dialog))
	s.driver.until(t, "1001#InboundCall#DROPPED")
	s.driver.send(t, "MakeReady#1001", "")
	s.driver.until(t, "1001#State#READY")
}

func silence(t *testing.T, s *site) {
	const lost = "no connection to the broker"
	before := len(s.lines(t, lost))
	colons := strings.Repeat(":", 9000) // which travel as twice as many bytes
	jms(t, `Hello#`+desk+`||correlation-id=`+colons, `GetState#1001||correlation-id=`+colons,
		`Connect#nobody|`+desk+`,wrong|correlation-id=`+colons, `Hello#`+desk+`||MessageCategory=`+colons+colons, `Hello#`+desk+colons+`|`)
	s.driver.state(t, "1001")
	require.Len(t, s.lines(t, lost), before, "no connection breaks")
}

// randomMessages sends anything: what is left to chance follows from the seed,
// which is printed.
func randomMessages(t *testing.T, s *site) {
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("repeat with -hostile.seed=%d -hostile.messages=%d", *seed, *messages)
	r := rand.New(rand.NewPCG(*seed, 1))
	lines := make([]string, *messages)
	for i := range lines {
		lines[i] = randomMessage(r)
	}
	jms(t, lines...)
	for before := -1; s.commands(t) != before; <-time.After(3 * time.Second) { // the queue is read to its end, however long that takes
		before = s.commands(t)
	}
	for id := range agents {
		s.driver.state(t, id)
	}
}

// Names that mean something to STOMP, to JMS or to the connector.
var names = []string{
	"content-length", "subscription", "ack", "message-id", "destination", "receipt-id", "receipt", "redelivered", "timestamp", "expires",
	"priority", "persistent", "type", "correlation-id", "reply-to", "message", "version", "heart-beat", "server", "id", "transaction",
	"MessageCategory", "category", "format", "content-type", "amq-msg-type", "selector", "login", "passcode", "transformation", "browser",
}

// randomMessage is a line for JmsHostile. It names none of the driver's agents:
// who may write to the queue may give them commands.
func randomMessage(r *rand.Rand) string {
	pick := func(all ...string) string { return all[r.IntN(len(all))] }
	command := string(gc.Commands[r.IntN(len(gc.Commands))].Name)
	id := pick("1003", "nobody", desk, "a:b", "..", "%2e", "1003 ", "queue://"+queue, "/topic/x", randomText(r, 20))
	body := pick("", randomText(r, 200), "elsewhere,wrong", "wrong,2003", "9999", desk+",wrong", strings.Repeat(randomText(r, 10), r.IntN(100)))
	message := escaped(pick(command+"#"+id, command+"#"+id, randomText(r, 30))) + "|" + escaped(body)
	for range r.IntN(5) {
		name := pick(pick(names...), pick(names...), randomText(r, 10)+"x")
		value := pick(fmt.Sprint(r.Int64()>>r.IntN(60)), "true", "json", "/queue/"+queue, "/topic/elsewhere", "ID:1:1", randomText(r, 50))
		message += "|" + strings.ReplaceAll(escaped(name), "=", `\u003d`) + "=" + escaped(value)
	}
	return message
}

func randomText(r *rand.Rand, limit int) string {
	alphabet := []rune("ab1,#:;=|\\/.-_ \x00\n\r\t\x0b\x7fäß€\u2028\ufffd")
	text := make([]rune, r.IntN(limit))
	for i := range text {
		text[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(text)
}

// escaped writes text as JmsHostile reads it.
func escaped(text string) string {
	var b strings.Builder
	for _, c := range text {
		if c >= ' ' && c <= '~' && c != '\\' && c != '|' {
			b.WriteRune(c)
		} else {
			fmt.Fprintf(&b, `\u%04x`, c)
		}
	}
	return b.String()
}
