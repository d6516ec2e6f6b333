package simulator

import (
	"bufio"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

// startTwo is a Finesse of two nodes.
func startTwo(t *testing.T, change ...func(*Options)) (s *Simulator, a, b *Node) {
	t.Helper()
	two := func(o *Options) {
		o.REST, o.Notify = servertest.FreeAddress(t), servertest.FreeAddress(t) // they come back there
		o.SecondREST, o.SecondNotify = servertest.FreeAddress(t), servertest.FreeAddress(t)
	}
	s = start(t, append([]func(*Options){two}, change...)...)
	nodes := s.Nodes()
	require.Len(t, nodes, 2)
	return s, nodes[0], nodes[1]
}

func systemInfo(t *testing.T, n *Node) (info systemInfoXML) {
	t.Helper()
	answer := asAt(t, n, "").do("GET", "/SystemInfo", "")
	require.Equal(t, http.StatusOK, answer.status)
	require.NoError(t, xml.Unmarshal([]byte(answer.body), &info))
	return info
}

// isCut: the stream has ended.
func (w *watcher) isCut() {
	w.t.Helper()
	select {
	case <-w.ended:
	case <-time.After(5 * time.Second):
		require.Fail(w.t, "the stream goes on")
	}
}

// present is how many streams the agent has at all nodes.
func present(s *Simulator, agent gc.AgentID) int { return s.agent(agent).Streams }

func TestEachNodeTellsOfItselfAndOfBoth(t *testing.T) {
	s, a, b := startTwo(t)
	ofA, ofB := systemInfo(t, a), systemInfo(t, b)
	require.Equal(t, "finesse.local pubsub.finesse.local", ofA.XMPPDomain+" "+ofA.XMPPPubSubDomain)
	require.Equal(t, "finesse-b.local pubsub.finesse-b.local", ofB.XMPPDomain+" "+ofB.XMPPPubSubDomain)
	require.Equal(t, ofA.PrimaryNode, ofB.PrimaryNode)
	require.Equal(t, ofA.SecondaryNode, ofB.SecondaryNode)
	require.Contains(t, a.RESTURL()+a.NotifyURL(), portOf(ofA.PrimaryNode.HTTPSPort)+"xmpps")
	require.True(t, strings.HasSuffix(b.RESTURL(), portOf(ofB.SecondaryNode.HTTPSPort)))
	require.True(t, strings.HasSuffix(b.NotifyURL(), portOf(ofB.SecondaryNode.XMPPSecurePort)))
	require.Equal(t, []string{s.RESTURL(), s.NotifyURL(), s.Domain()}, []string{a.RESTURL(), a.NotifyURL(), a.Domain()})
	require.Equal(t, "a b", a.Name()+" "+b.Name())
}

func portOf(port int) string { return ":" + strconv.Itoa(port) }

func TestEventsAreToldAtBothNodesWithTheirDomains(t *testing.T) {
	s, a, b := startTwo(t)
	_, wa := readyAgent(t, s, "1001", "7001")
	wb := watchAt(t, b, "1001", "test")
	require.Equal(t, 2, present(s, "1001"))
	id := place(t, s, "1001", Call{From: "4085551234"})
	require.Equal(t, "U RESERVED", wb.next().line())
	require.Equal(t, id, wb.next().parse().Joined.ID)
	require.Equal(t, "U RESERVED", wa.next().line())
	require.Equal(t, id, wa.next().parse().Joined.ID)

	boss := watchRaw(t, b, "2001")
	boss.say("<iq type='set' id='s1' to='pubsub.finesse-b.local'><pubsub xmlns='" + nsPubSub + "'><subscribe node='/finesse/api/Team/1/Users' jid='2001@finesse-b.local/r'/></pubsub></iq>")
	boss.hears("<iq type='result' id='s1'")
	asAt(t, a, "1002").signIn("7002") // asked at a, heard at b
	boss.hears(`<message from="pubsub.finesse-b.local" to="2001@finesse-b.local/r"`)
	boss.hears("User/1002")
	require.Contains(t, boss.hears("</message>"), "NOT_READY")

	queue := "/finesse/api/Queue/10"
	require.False(t, s.board.heard(queue))
	boss.say("<iq type='set' id='s2' to='pubsub.finesse-b.local'><pubsub xmlns='" + nsPubSub + "'><subscribe node='" + queue + "' jid='2001@finesse-b.local/r'/></pubsub></iq>")
	boss.hears("<iq type='result' id='s2'")
	require.True(t, s.board.heard(queue), "statistics are due though nobody at a asked for them")
}

// watchRaw is a stream at a node that says and hears what it is told to.
func watchRaw(t *testing.T, n *Node, agent string) *rawClient {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(n.NotifyURL(), "xmpps://"), trustNode(t, n))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	c := &rawClient{t: t, conn: conn}
	head := strings.Replace(head, "finesse.local", n.Domain(), 1)
	c.say(head)
	c.hears("</stream:features>")
	c.say(plain(agent, "secret"))
	c.hears("<success")
	c.say(head)
	c.hears("</stream:features>")
	c.say("<iq type='set' id='b1'><bind xmlns='" + nsBind + "'><resource>r</resource></bind></iq><presence/>")
	c.hears("<presence from='finesse@" + n.Domain() + "/service'")
	return c
}

// TestAnAgentGoesOnAtTheOtherNode is the whole of a failover: the call that was
// answered at one node is held at the other, and the first one returns.
func TestAnAgentGoesOnAtTheOtherNode(t *testing.T) {
	s, a, b := startTwo(t)
	d, w := readyAgent(t, s, "1001", "7001")
	id := place(t, s, "1001", Call{From: "4085551234", Variables: map[string]string{"callVariable1": "gold"}})
	ringAndAnswer(t, d, w, id)
	rest, notify := a.RESTURL(), a.NotifyURL()

	a.Stop()
	a.Stop()
	require.False(t, a.Running())
	require.Zero(t, present(s, "1001"))
	w.isCut()
	_, err := d.try("GET", "/User/1001", "") // on the connection it has
	require.Error(t, err)
	_, err = d.try("GET", "/User/1001", "")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	_, err = net.Dial("tcp", strings.TrimPrefix(notify, "xmpps://"))
	require.ErrorIs(t, err, syscall.ECONNREFUSED)

	wb, db := watchAt(t, b, "1001", "test"), asAt(t, b, "1001")
	db.signIn("7001") // who is signed in keeps the state
	wb.sees("U TALKING")
	require.Contains(t, db.do("GET", "/User/1001", "").body, "<state>TALKING</state>")
	dialogs := db.do("GET", "/User/1001/Dialogs", "").body
	require.Contains(t, dialogs, "<id>"+string(id)+"</id>")
	require.Contains(t, dialogs, "<state>ACTIVE</state>")
	require.Contains(t, dialogs, "<value>gold</value>")
	db.act(id, "HOLD", "7001")
	held := wb.next()
	require.Equal(t, dialogURI(id), held.parse().Source)
	require.Equal(t, gc.Held, held.parse().Changed.Participants[1].State)
	wb.sees("U HOLD")

	require.NoError(t, a.Start())
	require.NoError(t, a.Start())
	require.True(t, a.Running())
	require.Equal(t, rest+notify, a.RESTURL()+a.NotifyURL())
	wa := watchAs(t, s, "1001", "test")
	wa.quiet() // nothing is repeated
	require.Equal(t, 2, present(s, "1001"))
	require.NoError(t, s.HangUp(id))
	for _, w := range []*watcher{wa, wb} {
		require.Equal(t, id, w.next().parse().Changed.ID)
		require.Equal(t, "DELETE", w.next().parse().Event)
		w.sees("U READY")
	}
	require.Contains(t, d.do("GET", "/User/1001", "").body, "<state>READY</state>")
}

// wire counts what comes below TLS.
type wire struct {
	net.Conn
	read atomic.Int64
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.read.Add(int64(n))
	return n, err
}

// TestAStoppedNodeSaysNoGoodBye: the end of TLS would be one, and the client
// would not have to notice by itself.
func TestAStoppedNodeSaysNoGoodBye(t *testing.T) {
	_, a, _ := startTwo(t)
	connect := func(address string) (*tls.Conn, *wire) {
		raw, err := net.Dial("tcp", address)
		require.NoError(t, err)
		t.Cleanup(func() { _ = raw.Close() })
		require.NoError(t, raw.SetDeadline(time.Now().Add(10*time.Second)))
		w := &wire{Conn: raw}
		return tls.Client(w, trustNode(t, a)), w
	}
	rest, below := connect(strings.TrimPrefix(a.RESTURL(), "https://"))
	_, err := io.WriteString(rest, "GET /finesse/api/SystemInfo HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	answer, err := http.ReadResponse(bufio.NewReader(rest), nil)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, answer.Body)
	require.NoError(t, err)

	stream, belowStream := connect(strings.TrimPrefix(a.NotifyURL(), "xmpps://"))
	c := &rawClient{t: t, conn: stream}
	c.say(head)
	c.hears("</stream:features>")

	before := []int64{below.read.Load(), belowStream.read.Load()}
	a.Stop()
	for _, conn := range []*tls.Conn{rest, stream} {
		_, err := io.Copy(io.Discard, conn)
		var timeout net.Error
		require.False(t, errors.As(err, &timeout) && timeout.Timeout(), "the connection is open")
	}
	require.Equal(t, before, []int64{below.read.Load(), belowStream.read.Load()})
}

func TestAStoppedNodeDoesNotCarryOutWhatWaits(t *testing.T) {
	for _, http2 := range []bool{true, false} {
		t.Run(fmt.Sprint("http2 ", http2), func(t *testing.T) {
			s, a, _ := startTwo(t)
			require.NoError(t, a.Inject(Fault{Kind: SlowREST, Delay: time.Minute}))
			d, failed := as(t, s, "1001"), make(chan error, 1)
			d.client.Transport.(*http.Transport).ForceAttemptHTTP2 = http2
			go func() {
				_, err := d.try("PUT", "/User/1001", "<User><state>LOGIN</state><extension>7001</extension></User>")
				failed <- err
			}()
			require.Eventually(t, func() bool { // the request has taken the fault
				s.faults.mu.Lock()
				defer s.faults.mu.Unlock()
				return len(s.faults.waiting) == 0
			}, 5*time.Second, time.Millisecond)
			a.Stop()
			require.Error(t, <-failed)
			require.Never(t, func() bool { return s.agent("1001").State != gc.LoggedOut }, 200*time.Millisecond, 5*time.Millisecond)
		})
	}
}

func TestStatusOfOneNode(t *testing.T) {
	s, a, b := startTwo(t)
	_, wa := readyAgent(t, s, "1001", "7001")
	wb := watchAt(t, b, "1001", "test")
	b.SetStatus(gc.OutOfService)
	b.SetStatus(gc.OutOfService)
	wb.sees("S OUT_OF_SERVICE")
	wb.quiet()
	wa.quiet()
	require.Equal(t, 503, asAt(t, b, "").do("GET", "/SystemInfo", "").status)
	require.Equal(t, gc.InService, systemInfo(t, a).Status)
	require.Equal(t, []gc.SystemStatus{gc.InService, gc.OutOfService}, []gc.SystemStatus{a.Status(), b.Status()})
	_, err := s.Call("1001", Call{}) // calls come as long as one node serves
	require.NoError(t, err)
	wa.next()
	wa.next()
	wb.next()
	wb.next()

	s.SetStatus(gc.OutOfService)
	wa.sees("S OUT_OF_SERVICE")
	wb.quiet()
	_, err = s.Call("1001", Call{})
	require.ErrorContains(t, err, "finesse is OUT_OF_SERVICE")
	s.SetStatus(gc.InService)
	info := wb.next().parse().System
	require.Equal(t, "finesse-b.local IN_SERVICE", info.XMPPDomain+" "+string(info.Status))
	wa.sees("S IN_SERVICE")
	b.Stop()
	b.SetStatus(gc.OutOfService)
	require.NoError(t, b.Start())
	require.Equal(t, 503, asAt(t, b, "").do("GET", "/SystemInfo", "").status)
}

func TestAnAgentIsGoneWhenNoNodeHasAStream(t *testing.T) {
	connectionFailed := func(s *Simulator) func() bool {
		return func() bool { return s.agent("1001").SystemReason == connectionFailure }
	}
	t.Run("not while the other node has one", func(t *testing.T) {
		s, a, b := startTwo(t, func(o *Options) { o.PresenceTimeout = time.Hour })
		readyAgent(t, s, "1001", "7001")
		w := watchAt(t, b, "1001", "test")
		a.Stop()
		require.False(t, waitsForAbsence(s))
		w.close()
		require.Eventually(t, func() bool { return waitsForAbsence(s) }, 5*time.Second, time.Millisecond)
	})
	for name, back := range map[string]func(*testing.T, *Node, *Node) *Node{
		"not when back at the other node": func(_ *testing.T, _, b *Node) *Node { return b },
		"not when back at the same node": func(t *testing.T, a, _ *Node) *Node {
			require.NoError(t, a.Start())
			return a
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, a, b := startTwo(t, func(o *Options) { o.PresenceTimeout = time.Hour })
			readyAgent(t, s, "1001", "7001")
			a.Stop()
			require.True(t, waitsForAbsence(s))
			watchAt(t, back(t, a, b), "1001", "test")
			require.False(t, waitsForAbsence(s))
		})
	}
	t.Run("after the time when both are gone", func(t *testing.T) {
		s, a, b := startTwo(t, func(o *Options) { o.PresenceTimeout = 50 * time.Millisecond })
		readyAgent(t, s, "1001", "7001")
		watchAt(t, b, "1001", "test")
		a.Stop()
		b.Stop()
		require.Eventually(t, connectionFailed(s), 5*time.Second, time.Millisecond)
	})
}

func TestALateLogoutComesOnceForEachStop(t *testing.T) {
	late := func(o *Options) { o.LateLogout = 50 * time.Millisecond }
	t.Run("though the agent works at the other node", func(t *testing.T) {
		s, a, b := startTwo(t, late)
		readyAgent(t, s, "1001", "7001")
		_, other := readyAgent(t, s, "1002", "7002")
		other.close() // gone by itself before the stop
		require.Eventually(t, func() bool { return present(s, "1002") == 0 }, 5*time.Second, time.Millisecond)
		w, d := watchAt(t, b, "1001", "test"), asAt(t, b, "1001")
		d.signIn("7001")
		w.sees("U READY")
		a.Stop()
		w.sees("U LOGOUT reason=-1")
		require.Equal(t, presenceLost, s.agent("1001").SystemReason)
		require.Equal(t, gc.Ready, s.agent("1002").State)

		d.signIn("7001")
		w.sees("U NOT_READY reason=-1")
		waiting := timers(s)
		require.NoError(t, a.Start())
		a.Stop() // the agent has no stream there
		require.Equal(t, waiting, timers(s))
	})
	t.Run("after the call", func(t *testing.T) {
		s, a, b := startTwo(t, late)
		d, w := readyAgent(t, s, "1001", "7001")
		id := place(t, s, "1001", Call{From: "4085551234"})
		ringAndAnswer(t, d, w, id)
		wb := watchAt(t, b, "1001", "test")
		a.Stop()
		wb.sees("U TALKING >LOGOUT")
		require.NoError(t, s.HangUp(id))
		wb.next()
		wb.next()
		wb.sees("U NOT_READY reason=-1", "U LOGOUT reason=-1")
	})
	t.Run("not for who has signed out", func(t *testing.T) {
		s, a, b := startTwo(t, late)
		readyAgent(t, s, "1001", "7001")
		w, d := watchAt(t, b, "1001", "test"), asAt(t, b, "1001")
		d.state("NOT_READY")
		d.state("LOGOUT")
		w.sees("U NOT_READY reason=-1", "U LOGOUT reason=-1")
		a.Stop()
		require.Eventually(t, func() bool { return timers(s) == 0 }, 5*time.Second, time.Millisecond)
		w.quiet()
		require.Zero(t, s.agent("1001").SystemReason)
	})
	t.Run("not unless asked for", func(t *testing.T) {
		s, a, b := startTwo(t)
		readyAgent(t, s, "1001", "7001")
		watchAt(t, b, "1001", "test")
		a.Stop()
		require.Zero(t, timers(s))
	})
}

func timers(s *Simulator) int {
	s.life.mu.Lock()
	defer s.life.mu.Unlock()
	return len(s.life.timers)
}

func TestFaultsOfOneNode(t *testing.T) {
	s, a, b := startTwo(t)
	da, wa := readyAgent(t, s, "1001", "7001")
	db, wb := asAt(t, b, "1001"), watchAt(t, b, "1001", "test")
	statuses := func() []int {
		return []int{da.do("GET", "/User/1001", "").status, db.do("GET", "/User/1001", "").status}
	}
	t.Run("of requests", func(t *testing.T) {
		require.NoError(t, b.Inject(Fault{Kind: HTMLError}))
		require.Equal(t, []int{200, 500}, statuses())
		require.NoError(t, s.Inject(Fault{Kind: HTMLError})) // is at the first node
		require.Equal(t, []int{500, 200}, statuses())
		require.ErrorContains(t, b.Inject(Fault{Kind: "fire"}), "is not known")
	})
	t.Run("of streams", func(t *testing.T) {
		require.NoError(t, b.Inject(Fault{Kind: DropEvent, Agent: "1001"}))
		da.state("NOT_READY")
		wa.sees("U NOT_READY reason=-1")
		wb.quiet()
		require.NoError(t, b.Inject(Fault{Kind: CutStream, Agent: "1001"}))
		wb.isCut()
		wa.quiet()
		wb = watchAt(t, b, "1001", "test")
	})
	refusal := Fault{Kind: RefuseRequest, Request: "READY", Status: 400, Type: "Invalid State"}
	refused := func(d *driver) bool {
		return d.do("PUT", "/User/1001", "<User><state>READY</state></User>").status == 400
	}
	t.Run("refusals are of both nodes unless one is told", func(t *testing.T) {
		require.NoError(t, s.Inject(refusal))
		require.True(t, refused(db))
		require.NoError(t, b.Inject(refusal))
		require.False(t, refused(da))
		require.True(t, refused(db))
	})
	t.Run("are healed alone or together", func(t *testing.T) {
		for _, n := range []*Node{a, b} {
			require.NoError(t, n.Inject(Fault{Kind: HTMLError}))
			require.NoError(t, n.Inject(Fault{Kind: DropEvent, Agent: "1001", Count: 100}))
		}
		require.NoError(t, s.Inject(refusal))
		a.Heal()
		require.Equal(t, []int{200, 500}, statuses())
		require.True(t, refused(da), "a refusal is of both")
		require.NoError(t, b.Inject(Fault{Kind: HTMLError}))
		s.Heal()
		require.Equal(t, []int{200, 200}, statuses())
		wa, wb := watchAs(t, s, "1001", "healed"), watchAt(t, b, "1001", "healed")
		da.state("NOT_READY")
		require.Contains(t, wa.next().line(), "U NOT_READY")
		require.Contains(t, wb.next().line(), "U NOT_READY")
	})
}

func TestWhereAMobileAgentIsCalledIsKnownToOneNode(t *testing.T) {
	s, a, b := startTwo(t)
	wa, wb := watchAs(t, s, "1001", "test"), watchAt(t, b, "1001", "test")
	signIn := func(n *Node) {
		asAt(t, n, "1001").accepted("PUT", "/User/1001", "<User><state>LOGIN</state><extension>7001</extension>"+
			"<mobileAgent><mode>CALL_BY_CALL</mode><dialNumber>4085551234</dialNumber></mobileAgent></User>")
	}
	knows := func(n *Node) bool {
		return strings.Contains(asAt(t, n, "1001").do("GET", "/User/1001", "").body, "4085551234")
	}
	signIn(a)
	require.NotNil(t, wa.next().parse().User.MobileAgent)
	require.Nil(t, wb.next().parse().User.MobileAgent)
	require.Equal(t, []bool{true, false}, []bool{knows(a), knows(b)})
	signIn(b)
	require.Nil(t, wa.next().parse().User.MobileAgent)
	require.NotNil(t, wb.next().parse().User.MobileAgent)
	require.Equal(t, []bool{false, true}, []bool{knows(a), knows(b)})
}

func TestSecondNodesThatAreRefused(t *testing.T) {
	taken := start(t)
	for rule, test := range map[string]struct {
		options Options
		says    string
	}{
		"each has a domain of its own":  {Options{SecondREST: "127.0.0.1:0", SecondDomain: "finesse.local"}, `both nodes have the domain "finesse.local"`},
		"a domain is a domain":          {Options{SecondREST: "127.0.0.1:0", SecondDomain: "B"}, "lower-case letters"},
		"an address is free":            {Options{SecondREST: strings.TrimPrefix(taken.RESTURL(), "https://")}, "listen for the REST"},
		"the other address is free too": {Options{SecondNotify: strings.TrimPrefix(taken.RESTURL(), "https://")}, "listen for the notification service"},
	} {
		t.Run(rule, func(t *testing.T) {
			_, err := Start(test.options)
			require.ErrorContains(t, err, test.says)
		})
	}
}

func TestANodeThatCanNotBeStarted(t *testing.T) {
	s, a, b := startTwo(t)
	b.Stop()
	l, err := net.Listen("tcp", strings.TrimPrefix(b.NotifyURL(), "xmpps://"))
	require.NoError(t, err)
	require.ErrorIs(t, b.Start(), syscall.EADDRINUSE)
	require.NoError(t, l.Close())
	require.NoError(t, b.Start(), "nothing is left of the attempt")
	a.Stop()
	s.Close()
	require.ErrorIs(t, a.Start(), errClosed)
	a.Stop()
}

// TestNodesAreStoppedWhileClientsCome: no stream or request outlives the last
// stop, and Close waits for everything.
func TestNodesAreStoppedWhileClientsCome(t *testing.T) {
	s, a, b := startTwo(t, func(o *Options) { o.LateLogout = time.Millisecond })
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for _, n := range []*Node{a, b} {
		d := asAt(t, n, "1001")
		notify, trusted := strings.TrimPrefix(n.NotifyURL(), "xmpps://"), trustNode(t, n)
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				_, _ = d.try("GET", "/User/1001", "")
				if conn, err := tls.Dial("tcp", notify, trusted); err == nil {
					_, _ = io.WriteString(conn, strings.Replace(head, "finesse.local", n.Domain(), 1))
					_ = conn.Close()
				}
			}
		})
	}
	for range 20 {
		for _, n := range []*Node{a, b} {
			n.Stop()
			require.NoError(t, n.Start())
			n.SetStatus(gc.OutOfService)
			n.SetStatus(gc.InService)
		}
		s.Agents()
	}
	close(stop)
	clients.Wait()
	require.Equal(t, gc.InService, systemInfo(t, b).Status)
	b.Stop()
}

func TestControlOfNodes(t *testing.T) {
	s, a, b := startTwo(t)
	order := func(name, body string) {
		t.Helper()
		status, answer := order1(t, s, name, body)
		require.Equal(t, 200, status, answer)
	}
	order("stop", `{"node":"b"}`)
	require.False(t, b.Running())
	_, page := browse(t, s, "GET", "/", "", "")
	require.Contains(t, page, b.RESTURL())
	require.Contains(t, page, "<td>stopped</td>")
	order("start", `{"node":"b"}`)
	require.True(t, b.Running())
	order("status", `{"node":"b","status":"OUT_OF_SERVICE"}`)
	require.Equal(t, []gc.SystemStatus{gc.InService, gc.OutOfService}, []gc.SystemStatus{a.Status(), b.Status()})
	_, page = browse(t, s, "GET", "/", "", "")
	require.NotContains(t, page, "stopped")
	require.Contains(t, page, "<td>OUT_OF_SERVICE</td>")
	order("status", `{"status":"IN_SERVICE"}`)
	require.Equal(t, gc.InService, b.Status())
	order("fault", `{"node":"b","kind":"html","count":2}`)
	require.Equal(t, 500, asAt(t, b, "").do("GET", "/SystemInfo", "").status)
	order("heal", `{"node":"b"}`)
	require.Equal(t, 200, asAt(t, b, "").do("GET", "/SystemInfo", "").status)

	post := func(name string, form url.Values) {
		_, page := browse(t, s, "POST", "/form/"+name, "application/x-www-form-urlencoded", form.Encode())
		require.Contains(t, page, "done")
	}
	post("stop", url.Values{"node": {"a"}})
	require.False(t, a.Running())
	post("start", url.Values{"node": {"a"}})
	require.True(t, a.Running())
}

func TestStepsOfNodes(t *testing.T) {
	s, a, b := startTwo(t)
	w := watchAt(t, b, "1001", "test")
	require.NoError(t, s.Run(t.Context(), parse(t, "node a stop")))
	require.False(t, a.Running())
	require.NoError(t, s.Run(t.Context(), parse(t, "node a start\nnode b status OUT_OF_SERVICE\nfault html at a")))
	require.True(t, a.Running())
	w.sees("S OUT_OF_SERVICE")
	require.Equal(t, 500, as(t, s, "").do("GET", "/SystemInfo", "").status)
}

// TestTheObserverSeesWhatNoStreamHears: an agent's updates in the order of the
// streams, and on when the nodes are stopped.
func TestTheObserverSeesWhatNoStreamHears(t *testing.T) {
	var seen []string // guarded by the simulator's lock
	s, a, b := startTwo(t, func(o *Options) {
		o.Observer = func(node string, update []byte) {
			if ownerOf(node) == "1001" {
				words := strings.Fields(note{node: node, update: string(update)}.line())
				seen = append(seen, strings.Join(words[:min(3, len(words))], " "))
			}
		}
	})
	d, w := readyAgent(t, s, "1001", "7001")
	id := place(t, s, "1001", Call{From: "4085551234"})
	ringAndAnswer(t, d, w, id)
	a.Stop()
	b.Stop()
	require.NoError(t, s.HangUp(id))
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	require.Equal(t, []string{
		"U NOT_READY reason=-1", "U READY", "U RESERVED", "D POST ALERTING", "D PUT ACTIVE", "U TALKING",
		"D PUT ACTIVE", "D DELETE DROPPED", "U READY", // the last three at no node
	}, seen)
}
