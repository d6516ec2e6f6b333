package nodes

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/ops"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A node's trouble is logged once, with the next step, however often the node
// is tried.
func TestANodeThatIsAwayIsLoggedOnce(t *testing.T) {
	address := servertest.FreeAddress(t)
	c := config.Finesse{RequestTimeout: time.Second, Nodes: []config.Node{{REST: "https://" + address, Notify: "xmpps://" + address}}}
	core, logs := observer.New(zap.InfoLevel)
	ns, err := New(c, Options{Logger: zap.New(core)})
	require.NoError(t, err)
	defer ns.Close()
	n := ns.list[0]
	for range 3 {
		n.check(t.Context())
		_, err := n.Subscribe(t.Context(), finesse.Credentials{Agent: "1001", Password: gc.NewSecret("secret")})
		require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
	}
	usable, _ := n.Usable()
	require.False(t, usable)
	state := n.state()
	require.Equal(t, ops.Down, state.REST)
	require.Equal(t, ops.Down, state.Notifications)
	for _, message := range []string{"finesse node cannot be used; the connector keeps trying", "notification service cannot be used; agents cannot connect"} {
		lines := logs.FilterMessage(message).All()
		require.Len(t, lines, 1, message)
		require.Contains(t, lines[0].ContextMap()["action"], "or start Finesse")
	}
}

// servers starts nodes with these web servers; nobody listens at the address of
// their notification service.
func servers(t *testing.T, answers ...http.HandlerFunc) *Nodes {
	nobody := servertest.FreeAddress(t)
	c := config.Finesse{RequestTimeout: 5 * time.Second, InsecureSkipVerify: true}
	for _, answer := range answers {
		s := httptest.NewTLSServer(answer)
		t.Cleanup(s.Close)
		c.Nodes = append(c.Nodes, config.Node{REST: s.URL, Notify: "xmpps://" + nobody})
	}
	ns, err := New(c, Options{Logger: zap.NewNop()})
	require.NoError(t, err)
	t.Cleanup(ns.Close)
	ns.Changed = func(gc.SystemStatus) {}
	return ns
}

// server is a server whose state a test changes.
type server struct {
	broken, out atomic.Bool
	asked       atomic.Int32
}

func (s *server) answer(w http.ResponseWriter, _ *http.Request) {
	s.asked.Add(1)
	status := "IN_SERVICE"
	switch {
	case s.broken.Load():
		panic(http.ErrAbortHandler)
	case s.out.Load():
		status = "OUT_OF_SERVICE"
	}
	_, _ = io.WriteString(w, "<SystemInfo><status>"+status+"</status></SystemInfo>")
}

func TestASessionThatMeetsADeadNodeHasItChecked(t *testing.T) {
	for what, breaks := range map[string]func(*server){
		"the connection breaks": func(s *server) { s.broken.Store(true) },
		"it is out of service":  func(s *server) { s.out.Store(true) },
	} {
		t.Run(what, func(t *testing.T) {
			var a, b server
			ns := servers(t, a.answer, b.answer)
			ns.Check(t.Context())
			require.Equal(t, session.Node(ns.list[0]), ns.Serving())
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); ns.Run(ctx) }()
			defer func() { cancel(); <-done }()

			ns.list[0].Verify(ctx)
			require.Equal(t, session.Node(ns.list[0]), ns.Serving(), "nothing is wrong with it")
			usable, changed := ns.list[0].Usable()
			require.True(t, usable)
			breaks(&a)
			start := time.Now()
			ns.list[0].Verify(ctx)
			require.Less(t, time.Since(start), checkInterval/2, "it does not wait for the next round")
			require.Equal(t, session.Node(ns.list[1]), ns.Serving())
			require.Eventually(t, func() bool {
				select {
				case <-changed:
					return true
				default:
					return false
				}
			}, 5*time.Second, time.Millisecond, "every session notices")

			a.broken.Store(false)
			a.out.Store(false)
			ns.Look()
			require.Eventually(t, func() bool { return ns.Serving() == ns.list[0] }, 10*time.Second, 5*time.Millisecond, "it is polled on")
		})
	}
}

func TestManyAgentsThatFailAtOnceCauseFewRounds(t *testing.T) {
	var a, b server
	ns := servers(t, a.answer, b.answer)
	ctx, cancel := context.WithTimeout(t.Context(), 5*restBetween/2)
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			ns.list[0].Verify(ctx)
		}
	}()
	ns.Run(ctx)
	require.LessOrEqual(t, a.asked.Load(), int32(4))
	require.GreaterOrEqual(t, a.asked.Load(), int32(2))
}

func TestTheOnlyNodeIsNotVerified(t *testing.T) {
	var a server
	ns := servers(t, a.answer)
	ns.list[0].Verify(t.Context()) // nobody checks, and it returns
	require.Zero(t, a.asked.Load())
}

func TestVerifyEndsWithItsContext(t *testing.T) {
	var a, b server
	ns := servers(t, a.answer, b.answer)
	ns.Check(t.Context())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	ns.list[0].Verify(ctx) // nobody checks
	require.Error(t, ctx.Err())
}

func TestANodeThatDoesNotAnswerIsGivenUpInTime(t *testing.T) {
	release := make(chan struct{})
	var b server
	ns := servers(t, func(http.ResponseWriter, *http.Request) { <-release }, b.answer)
	defer close(release)
	require.Equal(t, leastProbe, ns.list[0].probe)
	ns.list[0].probe = 50 * time.Millisecond
	ns.Check(t.Context())
	require.Equal(t, session.Node(ns.list[1]), ns.Serving())
	is, _ := ns.known.Condition(0)
	require.True(t, is.Silent)
}

// After a 101 net/http hands out the connection itself; reads on it ignore the
// context and would hold up the watch over all nodes for ever.
func TestANodeThatSwitchesProtocolsIsWatchedOn(t *testing.T) {
	switching := func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn)
	}
	var other server
	ns := servers(t, switching, other.answer)
	reported := make(chan gc.SystemStatus, 10)
	ns.Changed = func(s gc.SystemStatus) { reported <- s }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); ns.Run(ctx) }()
	defer func() { cancel(); <-done }()
	for range 2 {
		select {
		case s := <-reported:
			require.Equal(t, gc.InService, s, "the other node is in service")
		case <-time.After(3 * checkInterval):
			require.Fail(t, "the watch stands still")
		}
		ns.Look()
	}
	require.Equal(t, ops.Down, ns.States()[0].REST)
}

func TestACheckCutShortChangesNothing(t *testing.T) {
	var a, b server
	ns := servers(t, a.answer, b.answer)
	ns.Check(t.Context())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	ns.Check(ended)
	require.Equal(t, session.Node(ns.list[0]), ns.Serving())
}

// An agent whose stream cannot be opened should be at the other node, whatever
// SystemInfo says.
func TestANodeWhoseNotificationServiceFailsIsTheSecondChoiceForAWhile(t *testing.T) {
	var a, b server
	ns := servers(t, a.answer, b.answer)
	ns.Check(t.Context())
	subscribe := func(n *node) {
		_, err := n.Subscribe(t.Context(), finesse.Credentials{Agent: "1001", Password: gc.NewSecret("secret")})
		require.Equal(t, gc.UnableToSubscribe, gc.CodeOf(err))
	}
	subscribe(ns.list[0])
	require.Equal(t, session.Node(ns.list[1]), ns.Serving())
	require.Len(t, ns.hint, 1, "a check is asked for")
	subscribe(ns.list[1])
	require.Equal(t, session.Node(ns.list[0]), ns.Serving(), "neither is better, so it is the first")
}
