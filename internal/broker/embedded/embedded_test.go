package embedded

import (
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-stomp/stomp/v3"
	"github.com/go-stomp/stomp/v3/frame"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// run starts a broker on a free loopback port for the length of the test.
func run(t *testing.T, change ...func(*Options, *limits)) *Broker {
	t.Helper()
	o, l := Options{Listen: "127.0.0.1:0"}, defaultLimits
	for _, f := range change {
		f(&o, &l)
	}
	b, err := start(o, l)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b
}

func limit(f func(*limits)) func(*Options, *limits) {
	return func(_ *Options, l *limits) { f(l) }
}

// peer speaks raw frames.
type peer struct {
	t   *testing.T
	net net.Conn
	r   *frame.Reader
	w   *frame.Writer

	early []*frame.Frame // messages that came while an answer was awaited
}

func connectRaw(t *testing.T, b *Broker) *peer {
	t.Helper()
	nc, err := net.Dial("tcp", b.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	require.NoError(t, nc.SetDeadline(time.Now().Add(patience)))
	return &peer{t: t, net: nc, r: frame.NewReader(nc), w: frame.NewWriter(nc)}
}

func connect(t *testing.T, b *Broker, headers ...string) *peer {
	t.Helper()
	p := connectRaw(t, b)
	p.send(frame.CONNECT, "", append(headers, frame.AcceptVersion, "1.2")...) // the first header of a name counts
	require.Equal(t, frame.CONNECTED, p.next().Command)
	return p
}

func (p *peer) send(command, body string, headers ...string) {
	p.t.Helper()
	f := frame.New(command, headers...)
	f.Body = []byte(body)
	require.NoError(p.t, p.w.Write(f))
}

// next returns the next frame that is not a heart-beat.
func (p *peer) next() *frame.Frame {
	p.t.Helper()
	if len(p.early) > 0 {
		f := p.early[0]
		p.early = p.early[1:]
		return f
	}
	return p.read()
}

func (p *peer) read() *frame.Frame {
	p.t.Helper()
	for {
		f, err := p.r.Read()
		require.NoError(p.t, err)
		if f != nil {
			return f
		}
	}
}

// answered returns the next frame that is not a message: messages and answers
// come in no fixed order.
func (p *peer) answered() *frame.Frame {
	p.t.Helper()
	f := p.read()
	for f.Command == frame.MESSAGE {
		p.early = append(p.early, f)
		f = p.read()
	}
	return f
}

func (p *peer) ask(command, body string, headers ...string) {
	p.t.Helper()
	p.send(command, body, append(headers, frame.Receipt, "r-"+command)...)
	f := p.answered()
	require.Equal(p.t, frame.RECEIPT, f.Command, "%v", f.Header)
	require.Equal(p.t, "r-"+command, f.Header.Get(frame.ReceiptId))
}

func (p *peer) publish(destination string, bodies ...string) {
	p.t.Helper()
	for _, body := range bodies {
		p.ask(frame.SEND, body, frame.Destination, destination)
	}
}

func (p *peer) subscribe(id, destination string, headers ...string) {
	p.t.Helper()
	p.ask(frame.SUBSCRIBE, "", append([]string{frame.Id, id, frame.Destination, destination}, headers...)...)
}

func (p *peer) message(body string) *frame.Frame {
	p.t.Helper()
	f := p.next()
	require.Equal(p.t, frame.MESSAGE, f.Command, "%v", f.Header)
	require.Equal(p.t, body, string(f.Body))
	return f
}

// silent proves that nothing is on the way: messages that were ready when the
// first request arrived are written before the answer to the second.
func (p *peer) silent() {
	p.t.Helper()
	p.publish("/topic/nobody", "", "")
	require.Empty(p.t, p.early)
}

// fault expects ERROR and a closed connection.
func (p *peer) fault(text string) *frame.Frame {
	p.t.Helper()
	f := p.answered()
	require.Equal(p.t, frame.ERROR, f.Command)
	require.Contains(p.t, f.Header.Get(frame.Message), text)
	_, err := p.r.Read()
	require.ErrorContains(p.t, err, "EOF")
	p.drop()
	return f
}

// settle sends ACK or NACK for m in the form of either version.
func (p *peer) settle(command string, m *frame.Frame) {
	p.t.Helper()
	p.ask(command, "", frame.Id, m.Header.Get(frame.Ack),
		frame.MessageId, m.Header.Get(frame.MessageId), frame.Subscription, m.Header.Get(frame.Subscription))
}

func (p *peer) drop() { _ = p.net.Close() }

// dial connects go-stomp the way the connector does.
func dial(t *testing.T, b *Broker, options ...func(*stomp.Conn) error) *stomp.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", b.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	c, err := stomp.Connect(nc, append([]func(*stomp.Conn) error{
		stomp.ConnOpt.AcceptVersion(stomp.V12), stomp.ConnOpt.Host("/"),
		stomp.ConnOpt.RcvReceiptTimeout(patience), stomp.ConnOpt.UnsubscribeReceiptTimeout(patience),
	}, options...)...)
	require.NoError(t, err)
	return c
}

func receive(t *testing.T, s *stomp.Subscription) *stomp.Message {
	t.Helper()
	select {
	case m := <-s.C:
		require.NotNil(t, m)
		require.NoError(t, m.Err)
		return m
	case <-time.After(patience):
		require.FailNow(t, "no message")
		return nil
	}
}

func (b *Broker) idle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.conns)+len(b.queues)+len(b.topics)+len(b.temporaries)+b.subscriptions+b.storedBytes == 0
}

func TestGoStompConsumesAcknowledgesAndLeaves(t *testing.T) {
	b := run(t)
	producer, consumer := dial(t, b), dial(t, b)
	s, err := consumer.Subscribe("/queue/Connector1", stomp.AckClientIndividual,
		stomp.SubscribeOpt.Header("activemq.prefetchSize", "16"), stomp.SubscribeOpt.Header("activemq.priority", "127"))
	require.NoError(t, err)
	for i := range 100 {
		require.NoError(t, producer.Send("/queue/Connector1", "", []byte(strconv.Itoa(i)),
			stomp.SendOpt.NoContentLength, stomp.SendOpt.Receipt, stomp.SendOpt.Header("type", "Login#1001")))
	}
	for i := range 100 {
		m := receive(t, s)
		require.Equal(t, strconv.Itoa(i), string(m.Body))
		require.Equal(t, "Login#1001", m.Header.Get("type"))
		require.Empty(t, m.Header.GetAll(frame.ContentLength))
		require.NoError(t, consumer.Ack(m))
	}
	// Not s.Unsubscribe: it can sleep through the receipt (go-stomp 3.1.3 wakes
	// it without holding its lock).
	require.NoError(t, consumer.Disconnect())
	require.NoError(t, producer.Disconnect())
	require.Eventually(t, b.idle, patience, time.Millisecond, "acknowledged messages and unused destinations are freed")
}

func TestHundredClientsTalkAtOnce(t *testing.T) {
	const clients, each = 100, 20
	b := run(t)
	var group sync.WaitGroup
	errs := make(chan error, clients)
	for i := range clients {
		c := dial(t, b)
		own := "/queue/client" + strconv.Itoa(i)
		s, err := c.Subscribe(own, stomp.AckClientIndividual, stomp.SubscribeOpt.Header("activemq.prefetchSize", "4"))
		require.NoError(t, err)
		all, err := c.Subscribe("/topic/all", stomp.AckAuto)
		require.NoError(t, err)
		require.NoError(t, c.Send("/topic/barrier", "", nil, stomp.SendOpt.Receipt))
		group.Go(func() { errs <- talk(c, own, s, all, each) })
	}
	group.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	require.Eventually(t, b.idle, patience, time.Millisecond)
}

// talk sends to its own queue and to everybody, and receives each of its own
// messages; those of everybody are drained.
func talk(c *stomp.Conn, own string, s, all *stomp.Subscription, n int) error {
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for range all.C {
		}
	}()
	for range n {
		if err := c.Send(own, "text/plain", []byte("x"), stomp.SendOpt.Receipt); err != nil {
			return err
		}
		if err := c.Send("/topic/all", "", []byte(own), stomp.SendOpt.NoContentLength); err != nil {
			return err
		}
		m := <-s.C
		if m.Err != nil {
			return m.Err
		}
		if err := c.Ack(m); err != nil {
			return err
		}
	}
	err := c.Disconnect()
	<-drained
	return err
}

func TestCloseCutsEveryConnectionAndMayBeRepeated(t *testing.T) {
	b := run(t)
	p, unconnected := connect(t, b), connectRaw(t, b)
	p.subscribe("1", "/topic/a")
	b.Close()
	b.Close()
	for _, peer := range []*peer{p, unconnected} {
		_, err := peer.r.Read()
		require.Error(t, err)
		require.NotErrorIs(t, err, net.ErrClosed)
	}
	_, err := net.Dial("tcp", b.Addr())
	require.Error(t, err)
	require.True(t, b.idle())
}

func TestListenAddress(t *testing.T) {
	b := run(t, func(o *Options, _ *limits) { o.Listen = ":0" })
	require.True(t, strings.HasPrefix(b.Addr(), "127.0.0.1:"), "an empty host is loopback")
	_, err := Start(Options{Listen: b.Addr()})
	require.Error(t, err, "the address is taken")
	_, err = Start(Options{Listen: "no-port"})
	require.Error(t, err)
}

func TestStartLogsThatItIsNotForProduction(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	run(t, func(o *Options, _ *limits) { o.Logger = zap.New(core) })
	require.Equal(t, 1, logs.Len())
	require.Contains(t, logs.All()[0].Message, "not for production")
}

func TestLogin(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	b := run(t, func(o *Options, _ *limits) {
		o.Username, o.Password, o.Logger = "connector", gc.NewSecret(`s3:cr\et`), zap.New(core)
	})
	for _, headers := range [][]string{
		nil,
		{frame.Login, "connector"},
		{frame.Login, "connector", frame.Passcode, "s3cret-guess"},
		{frame.Login, "other", frame.Passcode, `s3:cr\et`},
	} {
		p := connectRaw(t, b)
		p.send(frame.CONNECT, "", append(headers, frame.AcceptVersion, "1.2")...)
		p.fault("invalid")
	}
	require.NoError(t, dial(t, b, stomp.ConnOpt.Login("connector", `s3:cr\et`)).Disconnect())

	plain := connectRaw(t, b)
	_, err := plain.net.Write([]byte("CONNECT\naccept-version:1.2\nlogin:connector\npasscode:s3:cr\\et\n\n\x00"))
	require.NoError(t, err)
	require.Equal(t, frame.CONNECTED, plain.next().Command, "STOMP 1.2 does not escape CONNECT")

	for _, entry := range logs.All() {
		require.NotContains(t, entry.Message, "s3")
		for _, field := range entry.Context {
			require.NotContains(t, field.String, "s3")
		}
	}
}

func TestConnectionLimit(t *testing.T) {
	b := run(t, limit(func(l *limits) { l.connections = 1 }))
	first := connect(t, b)
	connectRaw(t, b).fault("too many connections")
	first.drop()
	require.Eventually(t, b.idle, patience, time.Millisecond)
	connect(t, b)
}
