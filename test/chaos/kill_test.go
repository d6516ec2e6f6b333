package chaos

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

var kills = flag.Int("chaos.kills", 12, "how many processes and nodes are killed")

// TestKills kills the broker, the connector and the nodes of Finesse at random
// while agents are at work, and starts them again. Afterwards the ledger must
// close: no command that the broker confirmed is lost, none that could do harm
// ran twice, no state was told in another order than it came about, and the
// driver knows what is true.
//
// The driver's destination is a queue. A topic would lose what is sent between
// the broker's return and the driver's, and excuse the connector; with a queue
// only the broker's own death can lose an answer: ActiveMQ keeps persistent
// commands, but not the connector's events. That excuse is a narrow one; see
// lost.
func TestKills(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("repeat with -chaos.seed=%d -chaos.kills=%d", *seed, *kills)
	s := newKillable(t)
	r := newReturning(s)
	desks := newDesks(s.stage, r.driver)
	for _, k := range desks {
		eventually(t, func() bool {
			k.signIn()
			return k.picture.isSignedIn()
		}, func() string { return k.difference("cannot sign in at the start") })
	}
	begin := time.Now()
	whileAtWork(desks, func() { s.killAll(func() { dialAll(desks) }) })
	t.Logf("%d kills took %s", *kills, time.Since(begin).Round(time.Second))

	for _, k := range desks {
		k.answered("refresh#" + string(k.agent)) // what the broker lost with itself
		k.recovers(t)
	}
	s.process.stop()
	finished := s.process.finished()
	eventually(t, func() bool { return len(r.ledger.lost(finished, s.deaths)) == 0 }, func() string {
		return "commands were lost:\n" + strings.Join(r.ledger.lost(finished, s.deaths), "\n")
	})
	t.Logf("commands: %v; not confirmed by the broker: %d; answers that died with it: %d; tokens that expired: %d",
		r.ledger.totals(), len(r.ledger.rejected()), len(r.ledger.open()), expiredTokens(desks))
	checkOnce(t, s.stage, r.driver)
	for _, k := range desks {
		require.Empty(t, k.picture.disorder(s.history), "states came in another order than they happened")
	}
	require.Nil(t, r.strange.Load(), "what nobody asked for")
}

// whileAtWork has all agents at work while f runs.
func whileAtWork(desks []*desk, f func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var busy sync.WaitGroup
	defer func() {
		cancel()
		busy.Wait()
	}()
	for _, k := range desks {
		busy.Go(func() { k.work(ctx) })
	}
	f()
}

// dialAll returns when every agent who is signed in has a command under way
// that could do harm twice: the broker has it, and Finesse takes a while.
func dialAll(desks []*desk) {
	var all sync.WaitGroup
	for _, k := range desks {
		if k.picture.isSignedIn() {
			all.Go(func() { k.dial() })
		}
	}
	all.Wait()
}

// killable is a stage whose connector is a process of its own, between an
// ActiveMQ that keeps its commands and a Finesse of two nodes.
type killable struct {
	*stage
	process *process
	victims []victim
	deaths  []death // of the broker
}

// death is the time in which a process was killed.
type death struct{ from, to time.Time }

type victim struct {
	name         string
	kill, revive func() error
}

// killQueue is the command queue that docs/activemq.md speaks of.
const killQueue = "Connector1"

func newKillable(t *testing.T) *killable {
	t.Helper()
	s := &killable{stage: &stage{t: t, name: killQueue, history: newHistory()}}
	s.activemq = servertest.StartActiveMQ(t, servertest.WithXML(
		`<persistenceAdapter><kahaDB directory="${activemq.data}/kahadb"/></persistenceAdapter>`,
		`<destinationPolicy><policyMap><policyEntries><policyEntry queue="`+killQueue+`" persistJMSRedelivered="true"/></policyEntries></policyMap></destinationPolicy>`))
	var err error
	s.finesse, err = simulator.Start(simulator.Options{
		Observer: s.history.observe,                                            // and delays, so that kills meet commands under way
		REST:     servertest.FreeAddress(t), Notify: servertest.FreeAddress(t), // they come back there
		SSO: true, SSOAgents: tokenHolders(),
		SecondREST: servertest.FreeAddress(t), SecondNotify: servertest.FreeAddress(t),
	})
	require.NoError(t, err)
	t.Cleanup(s.finesse.Close)
	for _, n := range s.finesse.Nodes() {
		f := newFront(t, n, s.finesse.CertificatePEM())
		s.fronts = append(s.fronts, f)
		s.victims = append(s.victims, victim{"node " + n.Name(), func() error {
			n.Stop()
			f.close()
			return nil
		}, func() error { return errors.Join(n.Start(), f.open()) }})
	}
	s.process = newProcess(t, s.settings())
	require.NoError(t, s.process.start())
	s.victims = append(s.victims, victim{"connector", s.process.kill, s.process.start}, victim{"broker", func() error {
		from := time.Now()
		s.activemq.Kill()
		s.deaths = append(s.deaths, death{from, time.Now()})
		return nil
	}, s.activemq.Start})
	return s
}

// settings is the connector's configuration file.
func (s *killable) settings() string {
	var nodes []string
	for i, n := range s.finesse.Nodes() {
		nodes = append(nodes, fmt.Sprintf("{rest: %q, notify: %q}", "https://"+s.fronts[i].address, n.NotifyURL()))
	}
	file := filepath.Join(s.t.TempDir(), "config.yaml")
	require.NoError(s.t, os.WriteFile(file, fmt.Appendf(nil, `
broker: {urls: [%q], command_queue: %s}
finesse: {nodes: [%s], ca_file: %q, request_timeout: 2s}
messages: {format: json}
http: {listen: "127.0.0.1:0"}
log: {level: debug}
`, s.activemq.URL(), s.name, strings.Join(nodes, ", "), s.authorities()), 0o600))
	return file
}

// killAll kills one after the other, now and then two at once, and starts them
// again. Each comes as often as the others. before is called before each kill.
func (s *killable) killAll(before func()) {
	r := randomOf(s.t, "kills")
	var deck []victim
	for n := 0; n < *kills; {
		if len(deck) < 2 {
			deck = append(deck, s.victims...)
			r.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		}
		now := deck[:1]
		if deck[0].name != deck[1].name && n+2 <= *kills && r.IntN(3) == 0 {
			now = deck[:2]
		}
		deck = deck[len(now):]
		n += len(now)
		before()
		for _, v := range now {
			s.t.Logf("%s kill %d: %s", time.Now().Format(time.StampMilli), n, v.name)
			require.NoError(s.t, v.kill())
		}
		pause(s.t.Context(), time.Duration(r.Int64N(int64(time.Second))))
		for _, v := range now {
			require.NoError(s.t, v.revive(), v.name)
		}
		pause(s.t.Context(), time.Duration(r.Int64N(int64(2*time.Second))))
	}
}

// process is a connector that can be killed.
type process struct {
	t       *testing.T
	program string
	config  string
	command *exec.Cmd
	logs    []string // one for each life
}

func newProcess(t *testing.T, config string) *process {
	t.Helper()
	program := filepath.Join(t.TempDir(), "finesse-connector")
	built, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../cmd/finesse-connector").CombinedOutput()
	require.NoError(t, err, string(built))
	p := &process{t: t, program: program, config: config}
	t.Cleanup(func() { _ = p.kill() })
	return p
}

func (p *process) start() error {
	name := filepath.Join(p.t.ArtifactDir(), fmt.Sprintf("connector-%d.log", len(p.logs)+1))
	log, err := os.Create(name)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own descriptor
	p.command = exec.Command(p.program, "serve", "--config", p.config)
	p.command.Stderr = log
	p.logs = append(p.logs, name)
	return p.command.Start()
}

// kill is kill -9: nothing is said to anybody. It does nothing to a process
// that has ended.
func (p *process) kill() error {
	if p.command == nil {
		return nil
	}
	err := p.command.Process.Kill()
	_ = p.command.Wait() // an error, because it was killed
	p.command = nil
	return err
}

// stop ends it in order.
func (p *process) stop() {
	p.t.Helper()
	begin := time.Now()
	late := time.AfterFunc(stopLimit, func() { _ = p.command.Process.Kill() })
	require.NoError(p.t, p.command.Process.Signal(syscall.SIGTERM))
	require.NoError(p.t, p.command.Wait(), "it did not stop in order within %s", stopLimit)
	late.Stop()
	p.command = nil
	p.t.Logf("connector stopped within %s", time.Since(begin).Round(time.Millisecond))
}

// finished is when each command, by correlation id, was last done or failed,
// as the logs of all lives say.
func (p *process) finished() map[string]time.Time {
	p.t.Helper()
	finished := map[string]time.Time{}
	for _, name := range p.logs {
		p.read(name, finished)
	}
	return finished
}

func (p *process) read(name string, finished map[string]time.Time) {
	p.t.Helper()
	log, err := os.Open(name)
	require.NoError(p.t, err)
	defer log.Close()
	correlation := map[string]string{} // by the id in the log
	for in := bufio.NewReader(log); ; {
		text, err := in.ReadBytes('\n')
		if err != nil { // the last line of a killed process may be half a one
			return
		}
		var line struct{ Time, Msg, Req, Correlation string }
		require.NoError(p.t, json.Unmarshal(text, &line), "%s", text)
		switch line.Msg {
		case "command received":
			correlation[line.Req] = line.Correlation
		case "command done", "command failed":
			at, err := time.Parse("2006-01-02T15:04:05.000Z0700", line.Time)
			require.NoError(p.t, err)
			finished[correlation[line.Req]] = at
		}
	}
}

// lost are the commands that the broker confirmed and that were not answered.
// An answer may have died with the broker, if the connector's log says that
// there was one; then nothing that was answered to the same agent later was
// heard before that death.
func (l *ledger) lost(finished map[string]time.Time, deaths []death) (lost []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.commands {
		if !e.accepted || len(e.answers) > 0 {
			continue
		}
		at, done := finished[e.id]
		next := slices.IndexFunc(deaths, func(d death) bool { return at.Before(d.to) })
		switch {
		case !done:
			lost = append(lost, e.String()+": no connector finished it")
		case next < 0:
			lost = append(lost, e.String()+": the answer was not heard, and the broker lived on")
		case slices.ContainsFunc(l.commands, func(later *entry) bool {
			return later.agent == e.agent && finished[later.id].After(at) && len(later.answers) > 0 && later.heard.Before(deaths[next].from)
		}):
			lost = append(lost, e.String()+": the answer was not heard, but a later one")
		}
	}
	return lost
}

// returning is a driver that connects again when the broker is back.
type returning struct {
	*driver
	mu     sync.Mutex
	client *broker.Client // nil while there is none
}

func newReturning(s *killable) *returning {
	r := &returning{driver: newDriver(s.stage, "/queue/crm."+s.name, firstAgents())}
	r.way = r
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { r.keep(ctx, s.activemq.URL()) })
	s.t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return r
}

var errNoBroker = errors.New("the broker is away")

// Send is the driver's way. It does not wait for a broker.
func (r *returning) Send(ctx context.Context, m broker.Outgoing) error {
	r.mu.Lock()
	client := r.client
	r.mu.Unlock()
	if client == nil {
		return errNoBroker
	}
	return client.Send(ctx, m)
}

// keep connects, subscribes and asks what is true, as long as ctx lasts.
func (r *returning) keep(ctx context.Context, url string) {
	for ctx.Err() == nil {
		client, err := broker.Dial(ctx, broker.Options{JavaText: true}, url)
		if err == nil {
			if err = client.Subscribe(ctx, r.destination, r.hear); err == nil {
				r.use(client)
				r.refreshAll()
				select {
				case <-client.Done():
				case <-ctx.Done():
				}
				r.use(nil)
			}
			client.Close()
		}
		pause(ctx, 50*time.Millisecond)
	}
}

func (r *returning) use(c *broker.Client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.client = c
}

func (r *returning) refreshAll() {
	for agent, p := range r.pictures {
		if p.isSignedIn() {
			r.send(agent, "refresh#"+string(agent), wish{})
		}
	}
}
